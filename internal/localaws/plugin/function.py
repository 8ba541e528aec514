"""Runs a function of Lambda once, with the request on standard input; in a process of its own (custom.py starts it)."""

import importlib
import json
import os
import sys
import time
import types
import urllib.request


def send(event, context, responseStatus, responseData, physicalResourceId=None, noEcho=False, reason=None):
    """The function of Lambda's module cfnresponse, which inline code imports."""
    body = json.dumps({
        "Status": responseStatus, "Reason": reason or f"See the details in CloudWatch Log Stream: {context.log_stream_name}",
        "PhysicalResourceId": physicalResourceId or context.log_stream_name, "StackId": event["StackId"], "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"], "NoEcho": noEcho, "Data": responseData}).encode()
    urllib.request.urlopen(urllib.request.Request(event["ResponseURL"], data=body, method="PUT", headers={"Content-Type": ""}))


class Context:
    def __init__(self, request):
        self.function_name, self.invoked_function_arn = os.environ["AWS_LAMBDA_FUNCTION_NAME"], request["arn"]
        self.function_version, self.memory_limit_in_mb = "$LATEST", "128"
        self.aws_request_id, self.log_group_name = request["event"]["RequestId"], f"/aws/lambda/{self.function_name}"
        # A function that leaves the physical id to cfnresponse means the same resource at every request.
        self.log_stream_name = request["event"].get("PhysicalResourceId") or self.aws_request_id
        self.end = time.monotonic() + request["limit"]

    def get_remaining_time_in_millis(self):
        return max(0, int(1000 * (self.end - time.monotonic())))


def main():
    request = json.load(sys.stdin)
    cfnresponse = types.ModuleType("cfnresponse")
    cfnresponse.SUCCESS, cfnresponse.FAILED, cfnresponse.send = "SUCCESS", "FAILED", send
    sys.modules["cfnresponse"] = cfnresponse
    sys.path.insert(0, os.getcwd())
    module, _, name = request["handler"].rpartition(".")
    getattr(importlib.import_module(module.replace("/", ".")), name)(request["event"], Context(request))


main()
