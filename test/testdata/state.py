"""Prints as JSON what stands on the AWS that the AWS_* variables lead to: environments with their option settings, target
groups, listeners and their rules."""

import json

import boto3

beanstalk, balancing = boto3.client("elasticbeanstalk"), boto3.client("elbv2")


def bundle(environment):
    versions = beanstalk.describe_application_versions(ApplicationName=environment["ApplicationName"], VersionLabels=[environment["VersionLabel"]])
    return versions["ApplicationVersions"][0]["SourceBundle"]["S3Key"]


environments = []
for e in beanstalk.describe_environments()["Environments"]:
    settings = beanstalk.describe_configuration_settings(ApplicationName=e["ApplicationName"], EnvironmentName=e["EnvironmentName"])
    environments.append({
        "name": e["EnvironmentName"], "id": e["EnvironmentId"], "tier": e["Tier"]["Name"], "application": e["ApplicationName"],
        "version": e.get("VersionLabel"), "bundle": bundle(e),
        "settings": {f"{s['Namespace']} {s['OptionName']}": s.get("Value", "") for s in settings["ConfigurationSettings"][0]["OptionSettings"]},
    })

listeners = []
for lb in balancing.describe_load_balancers()["LoadBalancers"]:
    for l in balancing.describe_listeners(LoadBalancerArn=lb["LoadBalancerArn"])["Listeners"]:
        rules = []
        for r in balancing.describe_rules(ListenerArn=l["ListenerArn"])["Rules"]:
            rules.append({
                "priority": r["Priority"],
                "hosts": [v for c in r["Conditions"] for v in c.get("HostHeaderConfig", {}).get("Values", c.get("Values", []))],
                "action": r["Actions"][0]["Type"],
                "target": r["Actions"][0].get("TargetGroupArn", ""),
            })
        listeners.append({"loadBalancer": lb["DNSName"], "port": l["Port"], "protocol": l["Protocol"], "rules": rules})

print(json.dumps({
    "environments": environments,
    "targetGroups": [{"arn": g["TargetGroupArn"], "path": g["HealthCheckPath"], "codes": g["Matcher"]["HttpCode"]}
                     for g in balancing.describe_target_groups()["TargetGroups"]],
    "listeners": listeners,
}))
