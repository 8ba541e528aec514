"""The local AWS as its own client: the plug-in does what it does by the same calls that any other client makes, so that
what a service refuses, a deployment learns."""

import os
import threading

import botocore.exceptions
import botocore.session
from botocore.config import Config

ACCOUNT = "123456789012"
REGION = "us-east-1"
PARTITION = "aws"
DNS_SUFFIX = "amazonaws.com"

_session = botocore.session.Session()
_lock = threading.Lock()
_clients = {}

ClientError = botocore.exceptions.ClientError


def client(service, region=REGION):
    """A botocore client of that service of this very server."""
    with _lock:
        if (service, region) not in _clients:
            _clients[service, region] = _session.create_client(
                service, region_name=region, endpoint_url=f"http://127.0.0.1:{os.environ['MOTO_PORT']}",
                aws_access_key_id="testing", aws_secret_access_key="testing",
                # One attempt: a fault of moto is to be told, not repeated. Proxies are for others.
                config=Config(retries={"total_max_attempts": 1}, proxies={}, s3={"addressing_style": "path"},
                              parameter_validation=True))
        return _clients[service, region]


def warm_up():
    """What takes a second the first time, while the client still reads its own template."""
    for service in ("ec2", "iam", "elbv2", "s3", "autoscaling", "elasticbeanstalk", "cloudformation"):
        client(service)
    call(REGION, "ec2", "DescribeVpcs")


def code(error):
    """AWS's code of a ClientError."""
    return error.response["Error"]["Code"]


def call(region, service, operation, **params):
    """One call; None drops a parameter, texts become the numbers and booleans that the service's model wants."""
    c = client(service, region)
    shape = c.meta.service_model.operation_model(operation).input_shape
    params = {k: v for k, v in params.items() if v is not None}
    return getattr(c, botocore.xform_name(operation))(**(coerce(shape, params) if shape else params))


def coerce(shape, value):
    """CloudFormation passes "80" and "true" where a service's model has a number or a boolean, and the reverse."""
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        return {k: coerce(shape.members[k], v) if k in shape.members else v for k, v in value.items() if v is not None}
    if kind == "list" and isinstance(value, (list, tuple)):
        return [coerce(shape.member, v) for v in value]
    if kind == "map" and isinstance(value, dict):
        return {k: coerce(shape.value, v) for k, v in value.items()}
    if kind == "boolean" and isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower(), value)
    if kind in ("integer", "long") and isinstance(value, str):
        return int(value) if value.lstrip("-").isdigit() else value
    if kind in ("double", "float") and isinstance(value, str):
        return float(value)
    if kind == "string" and isinstance(value, bool):
        return str(value).lower()
    if kind == "string" and isinstance(value, (int, float)):
        return str(value)
    return value
