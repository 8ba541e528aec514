"""Custom resources. What the functions of aws-cdk-lib that a Beanstalk stack uses do is done in their place: they are written
for Node.js, which is not needed here. Of other custom resources the function itself is run, if it is one in Python.

What runs then is code of the template that the user deploys to this computer, and no other: once for each request, in a process
of its own with the Python of the local AWS, in a directory of its own that goes afterwards, with the test credentials and
this server as the endpoint of every service, and for no longer than TIME_LIMIT. What it starts ends with it, unless it makes a
session of its own. It is not kept from the network or from files: who deploys a template here trusts its functions as they
trust its app.
"""

import contextlib
import datetime
import fnmatch
import io
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import uuid
import zipfile

import botocore
import botocore.session

import aws
from template import normal
from resources import FAMILIES, Kind, Refused, gone


def _function_exists(c, p):
    """The function behind a custom resource must be there, or AWS could not call it; its configuration."""
    token = p.get("ServiceToken", "")
    if ":lambda:" not in token:
        raise Refused(f"ServiceToken is {token!r}, and only functions are called")
    return c.call("lambda", "GetFunction", FunctionName=token)["Configuration"]


# Services where the name of a call is that of the right to make it.
_RIGHTS = ("acm", "autoscaling", "cloudformation", "ec2", "elasticbeanstalk", "elasticloadbalancing", "iam", "rds", "route53",
           "secretsmanager", "sns", "sqs", "ssm", "wafv2")


def _check_right(c, function, service, operation):
    """Refuses a call that the policies of the function's role do not allow, or deny. Only the action is looked at: what is
    allowed for some resources or on a condition counts as allowed, and a Deny counts if it is for all and on none. Nor is the
    role's permissions boundary looked at. A policy that nothing orders before the call may not be there yet, as on AWS.

    Calls of the services that are not among _RIGHTS are made unchecked: S3, Lambda, CloudWatch and others name rights otherwise
    than calls (s3:ListBucket is ListObjectsV2), and of the rest no construct here makes a call."""
    name = function["Role"].split("/")[-1]
    if service not in _RIGHTS:
        return
    action = f"{service}:{operation}"
    documents = [c.call("iam", "GetRolePolicy", RoleName=name, PolicyName=n)["PolicyDocument"]
                 for n in c.call("iam", "ListRolePolicies", RoleName=name)["PolicyNames"]]
    for policy in c.call("iam", "ListAttachedRolePolicies", RoleName=name)["AttachedPolicies"]:
        version = c.call("iam", "GetPolicy", PolicyArn=policy["PolicyArn"])["Policy"]["DefaultVersionId"]
        documents.append(c.call("iam", "GetPolicyVersion", PolicyArn=policy["PolicyArn"], VersionId=version)["PolicyVersion"]["Document"])
    statements = [s for d in documents for s in _list(d.get("Statement")) if _names(s, action)]
    if any(s["Effect"] == "Deny" and not s.get("Condition") and "*" in _list(s.get("Resource")) for s in statements):
        why = "with an explicit deny in an identity-based policy"
    elif not any(s["Effect"] == "Allow" for s in statements):
        why = f"because no identity-based policy allows the {action} action"
    else:
        return
    raise Refused(f"User: arn:aws:sts::{aws.ACCOUNT}:assumed-role/{name}/{function['FunctionName']} is not authorized to perform: {action} "
                  f"{why}")


def _names(statement, action):
    """Whether a policy's statement is about an action."""
    def among(key):
        return any(fnmatch.fnmatchcase(action.lower(), a.lower()) for a in _list(statement.get(key)))
    return among("Action") or "NotAction" in statement and not among("NotAction")


def _list(value):
    return value if isinstance(value, list) else [] if value is None else [value]


_SERVICES = None


def _service(name):
    """botocore's name of a service from what an AwsCustomResource says: CloudFormation, cloudformation, the SDK's class or
    package name (@aws-sdk/client-elastic-load-balancing-v2)."""
    global _SERVICES
    if _SERVICES is None:
        session = botocore.session.Session()
        _SERVICES = {re.sub(r"[^a-z0-9]", "", s): s for s in session.get_available_services()}
        _SERVICES.update(elasticloadbalancingv2="elbv2", elasticloadbalancing="elb", cloudwatchlogs="logs", eventbridge="events",
                         cloudwatchevents="events", sfn="stepfunctions", costandusagereportservice="cur")
    plain = re.sub(r"[^a-z0-9]", "", name.lower().removeprefix("@aws-sdk/client-"))
    if plain not in _SERVICES:
        raise Refused(f"Service {name} is not known")
    return _SERVICES[plain]


def flatten(value, path=(), into=None):
    """{"Environments": [{"EnvironmentId": "e-1"}]} → {"Environments.0.EnvironmentId": "e-1"}."""
    into = {} if into is None else into
    if isinstance(value, dict):
        for k, v in value.items():
            flatten(v, (*path, str(k)), into)
    elif isinstance(value, (list, tuple)):
        for i, v in enumerate(value):
            flatten(v, (*path, str(i)), into)
    else:
        into[".".join(path)] = value
    return into


def _check_size(c, physical, data):
    """CloudFormation takes 4 KB of an answer."""
    answer = {"Status": "SUCCESS", "Reason": "OK", "PhysicalResourceId": physical, "StackId": c.stack.id, "RequestId": str(uuid.uuid4()),
              "LogicalResourceId": c.resource.logical, "NoEcho": False, "Data": data}
    if len(json.dumps(answer, default=str).encode()) > 4096:
        raise Refused("Response object is too long: an answer has at most 4096 bytes")


def _plain(value):
    """A value of an answer as the function hands it to CloudFormation."""
    if isinstance(value, datetime.datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    if isinstance(value, bytes):
        return value.decode()
    if hasattr(value, "read"):  # a streamed body
        return value.read().decode()
    return value


def _substitute(value, physical):
    if value == "PHYSICAL:RESOURCEID:":
        return physical
    if isinstance(value, dict):
        return {k: _substitute(v, physical) for k, v in value.items()}
    if isinstance(value, list):
        return [_substitute(v, physical) for v in value]
    return value


class AwsCustomResource:
    """One call of the SDK on creation, one on a change, one on deletion; each may be absent."""

    def _event(c, event, physical, p):
        function = _function_exists(c, p)
        calls = {e: json.loads(p[e]) for e in ("Create", "Update", "Delete") if p.get(e)}
        if event == "Create":
            physical = next((i for i in (calls.get(e, {}).get("physicalResourceId", {}).get("id") for e in calls) if i),
                            c.resource.logical)
        else:
            physical = calls.get(event, {}).get("physicalResourceId", {}).get("id", physical)
        call = calls.get(event)
        if call is None:
            return physical, {}
        try:
            service = _service(call["service"])
            region = call.get("region") or c.region
            action = call["action"].removesuffix("Command")
            model = aws.client(service, region).meta.service_model
            operation = next((o for o in model.operation_names if o.lower() == action.lower()), None)
            if operation is None:
                raise Refused(f"Unable to find action {action} of service {call['service']}")
            _check_right(c, function, model.signing_name, operation)
            answer = aws.call(region, service, operation, **_substitute(call.get("parameters") or {}, physical))
        except aws.ClientError as e:
            if not call.get("ignoreErrorCodesMatching") or not re.search(call["ignoreErrorCodesMatching"], aws.code(e)):
                raise
            return physical, {}
        answer.pop("ResponseMetadata", None)
        data = {k: _plain(v) for k, v in flatten(answer).items()}
        path = call.get("physicalResourceId", {}).get("responsePath")
        if path:
            if path not in data:
                raise Refused(f"the answer of {operation} has no {path}, which is to be the physical resource id")
            physical = data[path]
        wanted = [call["outputPath"]] if call.get("outputPath") else call.get("outputPaths")  # an empty list: nothing
        if wanted is not None:
            data = {k: v for k, v in data.items() if k.startswith(tuple(wanted))}
        _check_size(c, physical, data)
        return physical, data

    def create(c, p):
        physical, data = AwsCustomResource._event(c, "Create", None, p)
        return c.made(physical), data

    def update(c, id, old, new):
        physical, data = AwsCustomResource._event(c, "Update", id, new)
        if physical != id:  # as on AWS: another physical id is another resource, and the old one is deleted
            AwsCustomResource._event(c, "Delete", id, old)
            c.made(physical)
        return data

    def delete(c, id, p):
        if p.get("Delete"):
            AwsCustomResource._event(c, "Delete", id, p)


class RestrictDefaultSecurityGroup:
    """Takes the two rules that a VPC's default security group comes with."""

    def _rules(p):
        group, account = p["DefaultSecurityGroupId"], p["Account"]
        return {"GroupId": group, "IpPermissions": [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group, "UserId": account}]}]}, \
            {"GroupId": group, "IpPermissions": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]}

    def create(c, p):
        _function_exists(c, p)
        ingress, egress = RestrictDefaultSecurityGroup._rules(p)
        gone(lambda: c.call("ec2", "RevokeSecurityGroupEgress", **egress), "InvalidPermission.NotFound")
        gone(lambda: c.call("ec2", "RevokeSecurityGroupIngress", **ingress), "InvalidPermission.NotFound")
        return c.made(c.name(64)), {}

    def delete(c, id, p):
        ingress, egress = RestrictDefaultSecurityGroup._rules(p)
        fine = ("InvalidPermission.Duplicate", "InvalidGroup.NotFound")
        gone(lambda: c.call("ec2", "AuthorizeSecurityGroupIngress", **ingress), *fine)
        gone(lambda: c.call("ec2", "AuthorizeSecurityGroupEgress", **egress), *fine)


class AutoDeleteObjects:
    """Empties the bucket before it is deleted."""

    def create(c, p):
        _function_exists(c, p)
        return c.made(c.name(64)), {}

    def delete(c, id, p):
        def empty():
            while True:
                found = c.call("s3", "ListObjectVersions", Bucket=p["BucketName"])
                objects = [{"Key": o["Key"], "VersionId": o["VersionId"]} for k in ("Versions", "DeleteMarkers") for o in found.get(k, [])]
                if not objects:
                    return
                c.call("s3", "DeleteObjects", Bucket=p["BucketName"], Delete={"Objects": objects})
        gone(empty, "NoSuchBucket")


def _family(name, methods):
    methods.any_property = True
    FAMILIES.append((name.__eq__, Kind(name, "ServiceToken", "ServiceToken", False, methods)))


TIME_LIMIT = 60  # seconds; CloudFormation itself waits for an hour, and a Lambda function runs for 15 minutes at most

_responses = {}  # what functions answered, by the token of their request


def respond(token, body):
    """A function has put its answer to its ResponseURL; False if nobody waits for it."""
    if token not in _responses:
        return False
    _responses[token] = body
    return True


def _run(region, token, event, limit):
    """What the function token answers to event."""
    from moto.awslambda.models import lambda_backends
    function = lambda_backends[aws.ACCOUNT][region].get_function(token)
    if not str(function.run_time).startswith("python"):
        raise Refused(f"its function {function.function_name} is of runtime {function.run_time}, and the local AWS runs those in Python "
                      f"only; of aws-cdk-lib's it does the work of {', '.join(OWN)}")
    ticket = uuid.uuid4().hex
    _responses[ticket] = None
    server = f"http://127.0.0.1:{os.environ['MOTO_PORT']}"
    try:
        with tempfile.TemporaryDirectory() as directory:
            zipfile.ZipFile(io.BytesIO(function.code_bytes)).extractall(directory)
            own = {k: v for k, v in (function.environment_vars or {}).items() if not k.startswith("AWS_")}
            environment = {"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8", **own, "HOME": directory, "TMPDIR": directory,
                           "AWS_ENDPOINT_URL": server, "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing",
                           "AWS_REGION": region, "AWS_DEFAULT_REGION": region, "AWS_EC2_METADATA_DISABLED": "true",
                           "AWS_LAMBDA_FUNCTION_NAME": function.function_name}
            request = {"handler": function.handler, "arn": function.function_arn, "limit": limit,
                       "event": {**event, "ResponseURL": f"{server}/beanpole/response/{ticket}", "RequestId": ticket}}
            command = [sys.executable, "-I", "-B", str(pathlib.Path(__file__).with_name("function.py"))]
            # Into files: a pipe ends only when nobody of what the function has started holds it any more.
            with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as problems:
                run = subprocess.Popen(command, cwd=directory, env=environment, stdin=subprocess.PIPE, stdout=out, stderr=problems,
                                       text=True, start_new_session=True)
                try:
                    run.communicate(json.dumps(request), timeout=limit)
                except subprocess.TimeoutExpired:
                    raise Refused(f"its function {function.function_name} did not end within {limit} seconds")
                finally:
                    # All that it has started, also if it has ended well.
                    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: the latter if all have ended
                        os.killpg(run.pid, signal.SIGKILL)
                    run.wait()
                said = ""
                for file in (problems, out):
                    file.seek(0)
                    said = said or file.read().strip()
        answer = _responses[ticket]
    finally:
        del _responses[ticket]
    if answer is None:
        raise Refused(f"its function {function.function_name} put no answer to ResponseURL" + (f": {said.splitlines()[-1]}" if said else ""))
    try:
        answer = json.loads(answer)
        if answer["Status"] not in ("SUCCESS", "FAILED"):
            raise ValueError("Status is neither SUCCESS nor FAILED")
        answer.get("Data") and answer["Data"].items()
    except (ValueError, KeyError, AttributeError, TypeError) as e:
        raise Refused(f"Invalid response object of its function {function.function_name}: {e!r}")
    return answer


class FunctionResource:
    """A custom resource whose function is run."""

    def _event(c, kind, p, **more):
        _function_exists(c, p)
        limit = min(int(p.get("ServiceTimeout", TIME_LIMIT)), TIME_LIMIT)
        answer = _run(c.region, p["ServiceToken"], {
            "RequestType": kind, "StackId": c.stack.id, "ResourceType": c.resource.type, "LogicalResourceId": c.resource.logical,
            "ResourceProperties": normal(p), **more}, limit)
        if kind != "Delete" and answer.get("PhysicalResourceId"):
            c.made(str(answer["PhysicalResourceId"]))  # also of a failure: it is deleted then
        if answer["Status"] == "FAILED":
            raise Refused(f"Received response status [FAILED] from custom resource. Message returned: {answer.get('Reason') or 'none'}")
        if not answer.get("PhysicalResourceId"):
            raise Refused("Invalid PhysicalResourceId: the function's answer has none")
        _check_size(c, answer["PhysicalResourceId"], answer.get("Data"))
        return answer.get("Data") or {}

    def create(c, p):
        data = FunctionResource._event(c, "Create", p)
        return c.resource.physical, data

    def update(c, id, old, new):
        data = FunctionResource._event(c, "Update", new, PhysicalResourceId=id, OldResourceProperties=normal(old))
        if c.resource.physical != id:  # as on AWS: another physical id is another resource, and the old one is deleted
            FunctionResource._event(c, "Delete", old, PhysicalResourceId=id)
        return data

    def delete(c, id, p):
        FunctionResource._event(c, "Delete", p, PhysicalResourceId=id)


OWN = ("Custom::AWS", "Custom::VpcRestrictDefaultSG", "Custom::S3AutoDeleteObjects")
_family("Custom::AWS", AwsCustomResource)
_family("Custom::VpcRestrictDefaultSG", RestrictDefaultSecurityGroup)
_family("Custom::S3AutoDeleteObjects", AutoDeleteObjects)
FunctionResource.any_property = True
FAMILIES.append((lambda name: name.startswith("Custom::") or name == "AWS::CloudFormation::CustomResource",
                 Kind("Custom::*", "ServiceToken", "ServiceToken", False, FunctionResource)))
