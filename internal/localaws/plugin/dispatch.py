"""Leads each request to the service that answers it."""

import functools
import json
import traceback

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app

import aws
import beanstalk
import cloudformation
import custom
import inventory
import query
import repairs
import targethealth

# The services that nearly every stack uses: loaded while the client still reads its own template.
WARM = ("sts", "s3", "iam", "ssm", "ec2", "elb", "autoscaling", "secretsmanager", "awslambda")


class Handler(MotoRequestHandler):
    """Logs failures only: moto's own line a request hides them."""

    def log_request(self, code="-", size="-"):
        if str(code).startswith("5"):
            super().log_request(code, size)


class Moto(DomainDispatcherApplication):
    """moto's dispatcher, which looks through the directories of all its services on every request, with a memory."""

    @functools.cache
    def get_backend_for_host(self, host):
        return super().get_backend_for_host(host)


class Application:
    def __init__(self, token):
        repairs.apply()
        self.token = token
        self.moto = Moto(create_backend_app)
        stacks = cloudformation.CloudFormation()
        self.services = {"cloudformation": stacks, "elasticbeanstalk": beanstalk.Beanstalk(stacks)}
        self.target_health = targethealth.TargetHealth(self.moto)

    def __call__(self, environ, start_response):
        path = environ.get("PATH_INFO", "")
        if path.startswith("/beanpole/"):
            return self.own(path, environ, start_response)
        if path == "/moto-api/reset":
            for service in self.services.values():
                service.reset()
        service, region = scope(environ)
        if service in self.services:
            return self.services[service](environ, start_response, region)
        try:
            if service == "elasticloadbalancing":
                return self.target_health(environ, start_response)
            return self.moto(environ, start_response)
        except Exception as e:
            return internal_error(environ, start_response, service, e)

    def own(self, path, environ, start_response):
        """What is asked by beanpole itself, and the answers of custom resources' functions."""
        if path == "/beanpole/token":
            status, answer = "200 OK", {"Token": self.token}
        elif path == "/beanpole/resources":
            status, answer = "200 OK", inventory.resources(set(self.moto.app_instances))
        elif path.startswith("/beanpole/response/") and environ["REQUEST_METHOD"] == "PUT":
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            waited = custom.respond(path.rpartition("/")[2], body)
            status, answer = ("200 OK" if waited else "404 Not Found"), {}
        else:
            status, answer = "404 Not Found", {}
        data = json.dumps(answer).encode()
        start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(data)))])
        return [data]

    def warm_up(self):
        for name in WARM:
            with self.moto.lock:
                if name not in self.moto.app_instances:
                    self.moto.app_instances[name] = create_backend_app(name)
        aws.warm_up()


def internal_error(environ, start_response, service, error):
    """moto's own fault, or what it does not implement: 400 and the reason, because SDKs repeat a 500 for a minute before they
    tell anybody."""
    traceback.print_exc()
    message = f"internal error of moto in {service}: {type(error).__name__}: {error}"
    if "json" in environ.get("CONTENT_TYPE", ""):
        kind, text = environ["CONTENT_TYPE"], json.dumps({"__type": "InternalFailure", "message": message})
    else:
        kind, text = "text/xml", query.error("InternalFailure", message)
    data = text.encode()
    start_response("400 Bad Request", [("Content-Type", kind), ("Content-Length", str(len(data)))])
    return [data]


def scope(environ):
    """Service and region that a request was signed for; ("", "us-east-1") if it was not."""
    # AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/cloudformation/aws4_request, ...
    parts = environ.get("HTTP_AUTHORIZATION", "").split(",")[0].split("/")
    if len(parts) == 5:
        return parts[3].lower(), parts[2]
    return "", aws.REGION
