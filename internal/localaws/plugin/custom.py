"""Custom resources. No Lambda function runs here; what the functions of aws-cdk-lib do is done in their place. A custom
resource of another kind fails the deployment."""

import datetime
import json
import re

import botocore
import botocore.session

import aws
from resources import FAMILIES, Kind, Refused, gone


def _function_exists(c, p):
    """The function behind a custom resource must be there, or AWS could not call it."""
    token = p.get("ServiceToken", "")
    if ":lambda:" not in token:
        raise Refused(f"ServiceToken is {token!r}, and only functions are called")
    c.call("lambda", "GetFunction", FunctionName=token)


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
        _function_exists(c, p)
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
        wanted = call.get("outputPaths") or ([call["outputPath"]] if call.get("outputPath") else None)
        return physical, data if wanted is None else {k: v for k, v in data.items() if k.startswith(tuple(wanted))}

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


_family("Custom::AWS", AwsCustomResource)
_family("Custom::VpcRestrictDefaultSG", RestrictDefaultSecurityGroup)
_family("Custom::S3AutoDeleteObjects", AutoDeleteObjects)
