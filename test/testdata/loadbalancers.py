"""Prints, as JSON, what the stack LoadBalancers says of its load balancers and target groups, and what AWS does."""

import json

import boto3

elb, watch, dns = boto3.client("elbv2"), boto3.client("cloudwatch"), boto3.client("route53")
outputs = {o["OutputKey"]: o["OutputValue"] for o in boto3.client("cloudformation").describe_stacks(StackName="LoadBalancers")["Stacks"][0]["Outputs"]}
zone = dns.list_hosted_zones()["HostedZones"][0]["Id"]
aliases = {r["Name"].lower(): r["AliasTarget"]["DNSName"] for r in dns.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"] if "AliasTarget" in r}
alarms = [{d["Name"]: d["Value"] for d in a["Dimensions"]} for a in watch.describe_alarms()["MetricAlarms"] if a["MetricName"] == "HealthyHostCount"]


def group(arn):
    g = elb.describe_target_groups(TargetGroupArns=[arn])["TargetGroups"][0]
    return {"Port": g["Port"], "Path": g["HealthCheckPath"], "Codes": g["Matcher"]["HttpCode"], "LoadBalancers": g["LoadBalancerArns"]}


def balancer(kind):
    arn = outputs[kind + "LoadBalancer"]
    rules = [(listener["Port"], rule["Priority"], rule["Actions"][0]["Type"], rule["Actions"][0].get("TargetGroupArn", ""))
             for listener in elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]
             for rule in elb.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]]
    attributes = {a["Key"]: a["Value"] for a in elb.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]}
    return {"ARN": arn, "DNSName": elb.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"][0]["DNSName"],
            "Name": outputs[kind + "Name"], "Alias": aliases[kind.lower() + ".example.com."], "Path": outputs[kind + "Path"], "Codes": outputs[kind + "Codes"],
            "Group": outputs[kind + "Group"], "APIGroup": outputs[kind + "APIGroup"], "Default": group(outputs[kind + "Group"]), "API": group(outputs[kind + "APIGroup"]),
            "Alarmed": {"TargetGroup": outputs[kind + "APIGroup"].split(":")[-1], "LoadBalancer": arn.split(":loadbalancer/")[-1]} in alarms,
            "Rules": [{"Port": p, "Priority": n, "Action": a, "Target": t} for p, n, a, t in rules], "Attributes": attributes}


print(json.dumps({kind: balancer(kind) for kind in ("Shared", "Dedicated")}))
