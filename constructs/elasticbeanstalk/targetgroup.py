# Answers a custom resource with the target group of one process of an Elastic Beanstalk environment: the only one in the
# environment's stack with the process's protocol, port and path.
import boto3
import cfnresponse


def find(wanted):
    resources = boto3.client("cloudformation").describe_stack_resources(StackName=wanted["StackName"])["StackResources"]
    arns = [r["PhysicalResourceId"] for r in resources
            if r["ResourceType"] == "AWS::ElasticLoadBalancingV2::TargetGroup" and r.get("PhysicalResourceId")]
    groups = boto3.client("elbv2").describe_target_groups(TargetGroupArns=arns)["TargetGroups"] if arns else []

    def mark(protocol, port, path):
        return f"{protocol}:{port}{path}"
    target = mark(wanted["Protocol"], wanted["Port"], wanted["HealthCheckPath"])
    marks = {g["TargetGroupArn"]: mark(g["Protocol"], g["Port"], g.get("HealthCheckPath", "")) for g in groups}
    found = [arn for arn, m in marks.items() if m == target]
    if len(found) != 1:
        raise LookupError(f"{len(found)} target groups of {wanted['StackName']} are {target}; they are {sorted(marks.values())}")
    return found[0]


def handler(event, context):
    id = event.get("PhysicalResourceId", event["LogicalResourceId"])
    try:
        if event["RequestType"] != "Delete":
            id = find(event["ResourceProperties"])
        cfnresponse.send(event, context, cfnresponse.SUCCESS, {}, id)
    except Exception as e:
        print(repr(e))
        cfnresponse.send(event, context, cfnresponse.FAILED, {}, id, reason=str(e))
