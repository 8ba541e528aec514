"""Times `beanpole diff` on two templates of 500 resources each: the whole process, many times.

    python3 test/bench/diff.py [BEANPOLE]

The templates are made here: every type that an app of ours has, each resource referring to others, and among the changes
a replaced network that everything else depends on, so that nothing can be skipped.
"""

import copy
import json
import os
import statistics
import sys
import tempfile
import time

RUNS, BUDGET = 41, 50
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def setting(namespace, name, value):
    return {"Namespace": namespace, "OptionName": name, "Value": value}


def template(groups):
    resources = {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
        "Application": {"Type": "AWS::ElasticBeanstalk::Application", "Properties": {}},
    }
    for i in range(groups):
        role, group, subnet = f"Role{i}", f"Group{i}", f"Subnet{i}"
        resources[subnet] = {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": f"10.0.{i}.0/24"}}
        resources[group] = {
            "Type": "AWS::EC2::SecurityGroup",
            "Properties": {
                "GroupDescription": "Instances",
                "VpcId": {"Ref": "Vpc"},
                "SecurityGroupIngress": [{"IpProtocol": "tcp", "FromPort": p, "ToPort": p, "CidrIp": "10.0.0.0/8"} for p in (80, 443)],
            },
        }
        resources[role] = {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}],
                },
                "Policies": [
                    {
                        "PolicyName": "Instance",
                        "PolicyDocument": {
                            "Version": "2012-10-17",
                            "Statement": [
                                {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, f":s3:::bucket-{i}/*"]]}}
                            ],
                        },
                    }
                ],
            },
        }
        resources[f"Profile{i}"] = {"Type": "AWS::IAM::InstanceProfile", "Properties": {"Roles": [{"Ref": role}]}}
        resources[f"Environment{i}"] = {
            "Type": "AWS::ElasticBeanstalk::Environment",
            "Properties": {
                "ApplicationName": {"Ref": "Application"},
                "PlatformArn": "arn:aws:elasticbeanstalk:eu-west-1::platform/Python 3.13 running on 64bit Amazon Linux 2023/4.7.0",
                "OptionSettings": [
                    setting("aws:autoscaling:asg", "MinSize", "2"),
                    setting("aws:autoscaling:asg", "MaxSize", "4"),
                    setting("aws:autoscaling:launchconfiguration", "IamInstanceProfile", {"Ref": f"Profile{i}"}),
                    setting("aws:autoscaling:launchconfiguration", "SecurityGroups", {"Fn::GetAtt": [group, "GroupId"]}),
                    setting("aws:ec2:instances", "InstanceTypes", "t3.small"),
                    setting("aws:ec2:vpc", "VPCId", {"Ref": "Vpc"}),
                    setting("aws:ec2:vpc", "Subnets", {"Ref": subnet}),
                    setting("aws:elasticbeanstalk:environment", "LoadBalancerType", "application"),
                    setting("aws:elasticbeanstalk:environment:process:default", "HealthCheckPath", "/healthz/"),
                    setting("aws:elasticbeanstalk:environment:process:default", "MatcherHTTPCode", "200-301"),
                    setting("aws:elasticbeanstalk:application:environment", "DJANGO_SETTINGS_MODULE", "mysite.settings"),
                ],
            },
        }
    return {"Resources": resources}


def changed(base, network):
    head = copy.deepcopy(base)
    for i, (name, resource) in enumerate(head["Resources"].items()):
        if resource["Type"].endswith("::Environment"):
            resource["Properties"]["OptionSettings"].reverse()
            if i % 2:
                resource["Properties"]["OptionSettings"][1]["Value"] = "200-399"
        if resource["Type"].endswith("::Role") and i % 3 == 0:
            resource["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0]["Action"].append("s3:DeleteObject")
    if network:
        head["Resources"]["Vpc"]["Properties"]["CidrBlock"] = "10.1.0.0/16"
    return head


def measure(command):
    """The median and the shortest time of the whole process, and the median of what it takes of the processor, in ms.

    A busy machine lengthens the first; the other two tell whether it was the machine.
    """
    times, used = [], []
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for _ in range(RUNS):
        began = time.monotonic()
        child = os.posix_spawn(command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, nowhere, 1)])
        _, status, usage = os.wait4(child, 0)
        times.append((time.monotonic() - began) * 1000)
        used.append((usage.ru_utime + usage.ru_stime) * 1000)
        if status:
            sys.exit(f"{' '.join(command)} ended {os.waitstatus_to_exitcode(status)}")
    os.close(nowhere)
    return statistics.median(times), min(times), statistics.median(used)


def main():
    beanpole = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else os.path.join(ROOT, ".beanpole/bin/beanpole")
    over = False
    with tempfile.TemporaryDirectory() as directory:
        base = template(100)
        files = {"base": base, "alike": base, "changed": changed(base, False), "network": changed(base, True)}
        for name, content in files.items():
            with open(os.path.join(directory, name + ".json"), "w") as f:
                json.dump(content, f, indent=1)
        size = os.path.getsize(os.path.join(directory, "base.json"))
        print(f"{RUNS} runs; two templates of {len(base['Resources'])} resources, {size // 1024} KB each; budget of the median {BUDGET} ms")
        rows = [("the process itself (--help)", [beanpole, "diff", "--help"])]
        for head, what in (("alike", "no change"), ("changed", "settings and policies change"), ("network", "and the network is replaced")):
            rows.append((what, [beanpole, "diff", "--fail-on", "none", "--base", f"{directory}/base.json", "--head", f"{directory}/{head}.json"]))
        for what, command in rows:
            median, least, used = measure(command)
            # What it takes of the processor bounds what it takes on a machine that has nothing else to do.
            over = over or used > BUDGET
            verdict = "ok" if median <= BUDGET else "OVER" if used > BUDGET else "the machine is busy"
            print(f"{what:<32} median {median:5.1f} ms, at best {least:5.1f} ms, of the processor {used:5.1f} ms   {verdict}", flush=True)
    sys.exit(over)


main()
