"""Prints, as JSON, what AWS made of the environments of the stack Kinds."""

import json

import boto3

beanstalk, cloudformation = boto3.client("elasticbeanstalk"), boto3.client("cloudformation")
groups, sqs = boto3.client("autoscaling"), boto3.client("sqs")
outputs = {o["OutputKey"]: o["OutputValue"] for o in cloudformation.describe_stacks(StackName="Kinds")["Stacks"][0]["Outputs"]}


def kind(name):
    e = beanstalk.describe_environments(EnvironmentNames=[outputs[name + "Name"]])["Environments"][0]
    found = beanstalk.describe_environment_resources(EnvironmentName=e["EnvironmentName"])["EnvironmentResources"]
    resources = cloudformation.list_stack_resources(StackName=f"awseb-{e['EnvironmentId']}-stack")["StackResourceSummaries"]
    group = groups.describe_auto_scaling_groups(AutoScalingGroupNames=[found["AutoScalingGroups"][0]["Name"]])["AutoScalingGroups"][0]
    queues = {q["Name"]: q["URL"] for q in found["Queues"]}
    return {"Application": e["ApplicationName"], "Version": e["VersionLabel"], "Tier": e["Tier"]["Name"], "Status": e["Status"],
            "Types": sorted({r["ResourceType"] for r in resources}), "Queues": queues,
            "MinSize": group["MinSize"], "MaxSize": group["MaxSize"], "Spot": "MixedInstancesPolicy" in group,
            "Actions": [a["Recurrence"] for a in groups.describe_scheduled_actions(AutoScalingGroupName=group["AutoScalingGroupName"])["ScheduledUpdateGroupActions"]],
            "Tags": {t["Key"]: t["Value"] for t in beanstalk.list_tags_for_resource(ResourceArn=e["EnvironmentArn"])["ResourceTags"]}}


print(json.dumps({**{name: kind(name) for name in ("Single", "Own", "Made")}, "Queue": outputs["QueueName"]}))
