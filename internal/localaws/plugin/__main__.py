"""moto's server with the plug-in: CloudFormation and Elastic Beanstalk are answered here, everything else by moto.

    python -I localaws --state FILE --token TOKEN

listens on 127.0.0.1 on a port that the system chooses, and writes {"pid", "port", "token"} to FILE once it does.
"""

import argparse
import importlib.metadata
import json
import os
import pathlib
import re
import signal
import socket
import sys
import threading


def check_packages():
    """Ends the process unless every package has the version that the plug-in is tested with."""
    wrong = []
    for line in pathlib.Path(__file__).with_name("requirements.txt").read_text().splitlines():
        if match := re.fullmatch(r"([\w.-]+)==(\S+)", line):
            name, want = match.groups()
            try:
                have = importlib.metadata.version(name)
            except importlib.metadata.PackageNotFoundError:
                have = "none"
            if have != want:
                wrong.append(f"{name} {have}, wanted {want}")
    if wrong:
        sys.exit("the Python environment of the local AWS is not as pinned: " + "; ".join(wrong) + "; run `make setup`")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--state", required=True)
    parser.add_argument("--token", required=True)
    args = parser.parse_args()
    check_packages()

    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    port = listener.getsockname()[1]
    # What moto reads: its own port, the policies that AWS manages, certificates that are issued at once, and the account,
    # which it would else look for in the IAM of every partition that AWS has.
    os.environ.update(MOTO_PORT=str(port), MOTO_IAM_LOAD_MANAGED_POLICIES="true", MOTO_ACM_VALIDATION_WAIT="-1",
                      MOTO_ACCOUNT_ID="123456789012")

    import dispatch
    from werkzeug.serving import make_server

    application = dispatch.Application(args.token)
    server = make_server("127.0.0.1", port, application, threaded=True, request_handler=dispatch.Handler,
                         fd=listener.fileno())
    server.daemon_threads = True
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))  # nothing to save, and a request may be under way
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=application.warm_up, daemon=True).start()

    temporary = args.state + ".new"
    with open(temporary, "w") as f:
        json.dump({"pid": os.getpid(), "port": port, "token": args.token}, f)
    os.replace(temporary, args.state)
    server.serve_forever()


main()
