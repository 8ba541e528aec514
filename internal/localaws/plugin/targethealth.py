"""DescribeTargetHealth, put right: moto calls every registered target healthy, and nothing runs here."""

import io
import urllib.parse

_INSTEAD = (b"<State>initial</State><Reason>Elb.InitialHealthChecking</Reason><Description>No instance runs on the local AWS: "
            b"`beanpole rehearse` probes the application</Description>")


class TargetHealth:
    """A WSGI application before moto's Elastic Load Balancing."""

    def __init__(self, moto):
        self.moto = moto

    def __call__(self, environ, start_response):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        if urllib.parse.parse_qs(body.decode()).get("Action") != ["DescribeTargetHealth"]:
            return self.moto(environ, start_response)
        head = []
        answer = b"".join(self.moto(environ, lambda *a, **k: head.append(a)))
        status, headers = head[0][0], head[0][1]
        answer = answer.replace(b"<State>healthy</State>", _INSTEAD)
        start_response(status, [(k, v) for k, v in headers if k.lower() != "content-length"] + [("Content-Length", str(len(answer)))])
        return [answer]
