def index(): return 2
