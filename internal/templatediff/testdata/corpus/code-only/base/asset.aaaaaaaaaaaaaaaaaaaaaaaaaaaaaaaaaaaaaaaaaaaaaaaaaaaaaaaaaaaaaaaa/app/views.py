def index(): return 1
