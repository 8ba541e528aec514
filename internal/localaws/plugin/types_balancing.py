"""Elastic Load Balancing, Auto Scaling, and the firewall before a load balancer."""

import json
import uuid

import aws
from resources import Refused, changed, gone, kind, pick, retag
from types_network import drop_interfaces


def _retag(c, id, old, new):
    retag(old, new,
          lambda tags: c.call("elbv2", "AddTags", ResourceArns=[id], Tags=tags),
          lambda keys: c.call("elbv2", "RemoveTags", ResourceArns=[id], TagKeys=keys))


@kind("AWS::ElasticLoadBalancingV2::LoadBalancer", "IpAddressType LoadBalancerAttributes Name Scheme SecurityGroups "
      "SubnetMappings Subnets Type", "Name Scheme Type", tags=True)
class LoadBalancer:
    def _check(c, p):
        """What moto takes and Elastic Load Balancing does not."""
        subnets = p.get("Subnets") or [m["SubnetId"] for m in p.get("SubnetMappings") or []]
        if p.get("IpAddressType", "ipv4").startswith("dualstack") and subnets:
            found = c.call("ec2", "DescribeSubnets", SubnetIds=subnets)["Subnets"]
            if without := [s["SubnetId"] for s in found if not s.get("Ipv6CidrBlockAssociationSet")]:
                raise Refused(f"You must specify subnets with an associated IPv6 CIDR block: {', '.join(without)} have none")
        attributes = {a["Key"]: str(a["Value"]).lower() for a in p.get("LoadBalancerAttributes") or []}
        if attributes.get("access_logs.s3.enabled") != "true":
            return
        bucket = attributes.get("access_logs.s3.bucket", "")
        try:
            policy = json.loads(c.call("s3", "GetBucketPolicy", Bucket=bucket)["Policy"])
        except (aws.ClientError, aws.botocore.exceptions.ParamValidationError):
            policy = {}
        statements = policy.get("Statement", [])
        for statement in statements if isinstance(statements, list) else [statements]:
            actions = statement.get("Action", [])
            if statement["Effect"] == "Allow" and {"s3:PutObject", "s3:*", "*"} & set([actions] if isinstance(actions, str) else actions):
                return
        raise Refused(f"Access Denied for bucket: {bucket}. Please check S3bucket permission")

    def create(c, p):
        LoadBalancer._check(c, p)
        made = c.call("elbv2", "CreateLoadBalancer", Name=p.get("Name") or c.name(32), Tags=p.get("Tags") or None,
                      **pick(p, "Subnets", "SubnetMappings", "SecurityGroups", "Scheme", "Type", "IpAddressType"))
        id = c.made(made["LoadBalancers"][0]["LoadBalancerArn"])
        LoadBalancer._attributes(c, id, p)
        return id, LoadBalancer._about(c, id)

    def _attributes(c, id, p):
        if p.get("LoadBalancerAttributes"):
            c.call("elbv2", "ModifyLoadBalancerAttributes", LoadBalancerArn=id, Attributes=p["LoadBalancerAttributes"])

    def _about(c, id):
        found = c.call("elbv2", "DescribeLoadBalancers", LoadBalancerArns=[id])["LoadBalancers"][0]
        return {"LoadBalancerArn": id, "DNSName": found["DNSName"], "CanonicalHostedZoneID": found["CanonicalHostedZoneId"],
                "LoadBalancerFullName": id.split(":loadbalancer/")[1], "LoadBalancerName": found["LoadBalancerName"],
                "SecurityGroups": found.get("SecurityGroups", [])}

    def update(c, id, old, new):
        LoadBalancer._check(c, new)
        if changed(old, new, "Subnets", "SubnetMappings"):
            c.call("elbv2", "SetSubnets", LoadBalancerArn=id, **pick(new, "Subnets", "SubnetMappings"))
        if changed(old, new, "SecurityGroups"):
            c.call("elbv2", "SetSecurityGroups", LoadBalancerArn=id, SecurityGroups=new.get("SecurityGroups", []))
        if changed(old, new, "IpAddressType"):
            c.call("elbv2", "SetIpAddressType", LoadBalancerArn=id, IpAddressType=new.get("IpAddressType", "ipv4"))
        LoadBalancer._attributes(c, id, new)
        _retag(c, id, old, new)
        return LoadBalancer._about(c, id)

    def delete(c, id, p):
        def protected():
            found = c.call("elbv2", "DescribeLoadBalancerAttributes", LoadBalancerArn=id)["Attributes"]
            if {"Key": "deletion_protection.enabled", "Value": "true"} in found:  # moto deletes it all the same
                raise Refused(f"Load balancer '{id}' cannot be deleted because deletion protection is enabled")
        gone(protected, "LoadBalancerNotFound")
        gone(lambda: c.call("elbv2", "DeleteLoadBalancer", LoadBalancerArn=id), "LoadBalancerNotFound")


_HEALTH = ("HealthCheckEnabled", "HealthCheckIntervalSeconds", "HealthCheckPath", "HealthCheckPort", "HealthCheckProtocol",
           "HealthCheckTimeoutSeconds", "HealthyThresholdCount", "UnhealthyThresholdCount", "Matcher")


@kind("AWS::ElasticLoadBalancingV2::TargetGroup", " ".join(_HEALTH) + " IpAddressType Name Port Protocol ProtocolVersion "
      "TargetGroupAttributes Targets TargetType VpcId", "IpAddressType Name Port Protocol ProtocolVersion TargetType VpcId",
      tags=True)
class TargetGroup:
    def create(c, p):
        made = c.call("elbv2", "CreateTargetGroup", Name=p.get("Name") or c.name(32), Tags=p.get("Tags") or None,
                      **pick(p, "IpAddressType", "Port", "Protocol", "ProtocolVersion", "TargetType", "VpcId", *_HEALTH))
        id = c.made(made["TargetGroups"][0]["TargetGroupArn"])
        TargetGroup._rest(c, id, {}, p)
        return id, {"TargetGroupArn": id, "TargetGroupFullName": id.split(":")[-1], "LoadBalancerArns": [],
                    "TargetGroupName": made["TargetGroups"][0]["TargetGroupName"]}

    def _rest(c, id, old, new):
        if new.get("TargetGroupAttributes"):
            c.call("elbv2", "ModifyTargetGroupAttributes", TargetGroupArn=id, Attributes=new["TargetGroupAttributes"])
        was, now = old.get("Targets") or [], new.get("Targets") or []
        if gone_now := [t for t in was if t not in now]:
            c.call("elbv2", "DeregisterTargets", TargetGroupArn=id, Targets=gone_now)
        if now:
            c.call("elbv2", "RegisterTargets", TargetGroupArn=id, Targets=now)

    def update(c, id, old, new):
        if changed(old, new, *_HEALTH):
            c.call("elbv2", "ModifyTargetGroup", TargetGroupArn=id, **pick(new, *_HEALTH))
        TargetGroup._rest(c, id, old, new)
        _retag(c, id, old, new)

    def delete(c, id, p):
        gone(lambda: c.call("elbv2", "DeleteTargetGroup", TargetGroupArn=id), "TargetGroupNotFound")


@kind("AWS::ElasticLoadBalancingV2::Listener", "AlpnPolicy Certificates DefaultActions ListenerAttributes LoadBalancerArn Port "
      "Protocol SslPolicy", "LoadBalancerArn", tags=True)
class Listener:
    def create(c, p):
        made = c.call("elbv2", "CreateListener", Tags=p.get("Tags") or None, **pick(
            p, "AlpnPolicy", "Certificates", "DefaultActions", "LoadBalancerArn", "Port", "Protocol", "SslPolicy"))
        id = c.made(made["Listeners"][0]["ListenerArn"])
        Listener._attributes(c, id, p)
        return id, {"ListenerArn": id}

    def _attributes(c, id, p):
        if p.get("ListenerAttributes"):
            c.call("elbv2", "ModifyListenerAttributes", ListenerArn=id, Attributes=p["ListenerAttributes"])

    def update(c, id, old, new):
        c.call("elbv2", "ModifyListener", ListenerArn=id,
               **pick(new, "AlpnPolicy", "Certificates", "DefaultActions", "Port", "Protocol", "SslPolicy"))
        Listener._attributes(c, id, new)
        _retag(c, id, old, new)

    def delete(c, id, p):
        gone(lambda: c.call("elbv2", "DeleteListener", ListenerArn=id), "ListenerNotFound", "LoadBalancerNotFound")


@kind("AWS::ElasticLoadBalancingV2::ListenerCertificate", "Certificates ListenerArn")
class ListenerCertificate:
    def create(c, p):
        c.call("elbv2", "AddListenerCertificates", **p)
        return c.made(c.name(128)), {}

    def delete(c, id, p):
        gone(lambda: c.call("elbv2", "RemoveListenerCertificates", **p), "ListenerNotFound")


@kind("AWS::ElasticLoadBalancingV2::ListenerRule", "Actions Conditions ListenerArn Priority", "ListenerArn", tags=True)
class ListenerRule:
    def create(c, p):
        made = c.call("elbv2", "CreateRule", Tags=p.get("Tags") or None, **pick(p, "Actions", "Conditions", "ListenerArn", "Priority"))
        id = c.made(made["Rules"][0]["RuleArn"])
        return id, {"RuleArn": id, "IsDefault": "false"}

    def update(c, id, old, new):
        if changed(old, new, "Actions", "Conditions"):
            c.call("elbv2", "ModifyRule", RuleArn=id, Actions=new["Actions"], Conditions=new["Conditions"])
        there = c.call("elbv2", "DescribeRules", RuleArns=[id])["Rules"][0]["Priority"]
        if there != str(new["Priority"]):  # to moto, a rule's own priority is taken
            c.call("elbv2", "SetRulePriorities", RulePriorities=[{"RuleArn": id, "Priority": new["Priority"]}])
        _retag(c, id, old, new)

    def delete(c, id, p):
        gone(lambda: c.call("elbv2", "DeleteRule", RuleArn=id), "RuleNotFound", "ListenerNotFound")


_GROUP = ("CapacityRebalance", "Cooldown", "DefaultInstanceWarmup", "DesiredCapacity", "HealthCheckGracePeriod", "HealthCheckType", "LaunchTemplate",
          "MaxSize", "MinSize", "MixedInstancesPolicy", "TerminationPolicies", "NewInstancesProtectedFromScaleIn")


@kind("AWS::AutoScaling::AutoScalingGroup", " ".join(_GROUP) + " AutoScalingGroupName TargetGroupARNs VPCZoneIdentifier",
      "AutoScalingGroupName", tags=True)
class AutoScalingGroup:
    def _api(p, old=()):
        # What a template no longer says goes back to its default.
        params = {**{k: v for k, v in (("HealthCheckType", "EC2"), ("HealthCheckGracePeriod", 0)) if k in old}, **pick(p, *_GROUP)}
        if "Cooldown" in params:
            params["DefaultCooldown"] = params.pop("Cooldown")
        if p.get("VPCZoneIdentifier"):
            params["VPCZoneIdentifier"] = ",".join(p["VPCZoneIdentifier"])
        return params

    def _tags(name, p):
        return [{"ResourceId": name, "ResourceType": "auto-scaling-group", "Key": t["Key"], "Value": t["Value"],
                 "PropagateAtLaunch": t.get("PropagateAtLaunch", "false")} for t in p.get("Tags") or []]

    def create(c, p):
        name = p.get("AutoScalingGroupName") or c.name(255)
        c.call("autoscaling", "CreateAutoScalingGroup", AutoScalingGroupName=name, Tags=AutoScalingGroup._tags(name, p) or None,
               TargetGroupARNs=p.get("TargetGroupARNs") or None, **AutoScalingGroup._api(p))
        return c.made(name), {}

    def _interfaces(c, name):
        """The network interfaces of the group's instances."""
        groups = c.call("autoscaling", "DescribeAutoScalingGroups", AutoScalingGroupNames=[name])["AutoScalingGroups"]
        ids = [i["InstanceId"] for g in groups for i in g["Instances"]]
        found = c.call("ec2", "DescribeInstances", InstanceIds=ids)["Reservations"] if ids else []
        return {i["InstanceId"]: [n["NetworkInterfaceId"] for n in i["NetworkInterfaces"]] for r in found for i in r["Instances"]}

    def update(c, id, old, new):
        before = AutoScalingGroup._interfaces(c, id)
        c.call("autoscaling", "UpdateAutoScalingGroup", AutoScalingGroupName=id, **AutoScalingGroup._api(new, old))
        after = AutoScalingGroup._interfaces(c, id)
        drop_interfaces(c, [n for i in set(before) - set(after) for n in before[i]])
        was, now = old.get("TargetGroupARNs") or [], new.get("TargetGroupARNs") or []
        if surplus := [a for a in was if a not in now]:
            c.call("autoscaling", "DetachLoadBalancerTargetGroups", AutoScalingGroupName=id, TargetGroupARNs=surplus)
        if fresh := [a for a in now if a not in was]:
            c.call("autoscaling", "AttachLoadBalancerTargetGroups", AutoScalingGroupName=id, TargetGroupARNs=fresh)
        if changed(old, new, "Tags"):
            if surplus := [t for t in AutoScalingGroup._tags(id, old) if t not in AutoScalingGroup._tags(id, new)]:
                c.call("autoscaling", "DeleteTags", Tags=surplus)
            if new.get("Tags"):
                c.call("autoscaling", "CreateOrUpdateTags", Tags=AutoScalingGroup._tags(id, new))

    def delete(c, id, p):
        found = c.call("autoscaling", "DescribeAutoScalingGroups", AutoScalingGroupNames=[id])["AutoScalingGroups"]
        if found:
            interfaces = AutoScalingGroup._interfaces(c, id)
            c.call("autoscaling", "DeleteAutoScalingGroup", AutoScalingGroupName=id, ForceDelete=True)
            drop_interfaces(c, [n for ids in interfaces.values() for n in ids])


@kind("AWS::AutoScaling::ScalingPolicy", "AdjustmentType AutoScalingGroupName Cooldown EstimatedInstanceWarmup MetricAggregationType "
      "MinAdjustmentMagnitude PolicyType ScalingAdjustment StepAdjustments TargetTrackingConfiguration", "AutoScalingGroupName")
class ScalingPolicy:
    def create(c, p):
        name = c.name(255)
        c.call("autoscaling", "PutScalingPolicy", PolicyName=name, **p)
        # moto's answer has no ARN
        arn = c.made(f"arn:aws:autoscaling:{c.region}:{aws.ACCOUNT}:scalingPolicy:{uuid.uuid4()}:autoScalingGroupName/"
                     f"{p['AutoScalingGroupName']}:policyName/{name}")
        return arn, {"Arn": arn, "PolicyName": name}

    def update(c, id, old, new):
        c.call("autoscaling", "PutScalingPolicy", PolicyName=id.split("policyName/")[1], **new)

    def delete(c, id, p):
        c.call("autoscaling", "DeletePolicy", PolicyName=id.split("policyName/")[1], AutoScalingGroupName=p["AutoScalingGroupName"])


@kind("AWS::AutoScaling::ScheduledAction", "AutoScalingGroupName DesiredCapacity EndTime MaxSize MinSize Recurrence StartTime TimeZone",
      "AutoScalingGroupName")
class ScheduledAction:
    def create(c, p):
        name = c.name(255)
        ScheduledAction.update(c, name, {}, p)
        return c.made(name), {"ScheduledActionName": name}

    def update(c, id, old, new):
        c.call("autoscaling", "PutScheduledUpdateGroupAction", ScheduledActionName=id, **new)

    def delete(c, id, p):
        c.call("autoscaling", "DeleteScheduledAction", ScheduledActionName=id, AutoScalingGroupName=p["AutoScalingGroupName"])


@kind("AWS::WAFv2::WebACL", "AssociationConfig CaptchaConfig ChallengeConfig CustomResponseBodies DefaultAction Description Name Rules "
      "Scope TokenDomains VisibilityConfig", "Name Scope", tags=True)
class WebACL:
    def _settings(p):
        return pick(p, "AssociationConfig", "CaptchaConfig", "ChallengeConfig", "CustomResponseBodies", "DefaultAction", "Description",
                    "Rules", "TokenDomains", "VisibilityConfig")

    def create(c, p):
        name = p.get("Name") or c.name(128)
        made = c.call("wafv2", "CreateWebACL", Name=name, Scope=p["Scope"], Tags=p.get("Tags") or None, **WebACL._settings(p))["Summary"]
        return c.made(f"{name}|{made['Id']}|{p['Scope']}"), {"Arn": made["ARN"], "Id": made["Id"], "Capacity": "0", "LabelNamespace": ""}

    def _locked(c, id):
        name, key, scope = id.split("|")
        which = {"Name": name, "Id": key, "Scope": scope}
        return {**which, "LockToken": c.call("wafv2", "GetWebACL", **which)["LockToken"]}

    def update(c, id, old, new):
        c.call("wafv2", "UpdateWebACL", **WebACL._locked(c, id), **WebACL._settings(new))
        arn = c.resource.attributes["Arn"]
        retag(old, new, lambda tags: c.call("wafv2", "TagResource", ResourceARN=arn, Tags=tags),
              lambda keys: c.call("wafv2", "UntagResource", ResourceARN=arn, TagKeys=keys))

    def delete(c, id, p):
        gone(lambda: c.call("wafv2", "DeleteWebACL", **WebACL._locked(c, id)), "WAFNonexistentItemException")


@kind("AWS::WAFv2::WebACLAssociation", "ResourceArn WebACLArn")
class WebACLAssociation:
    def create(c, p):
        c.call("wafv2", "AssociateWebACL", **p)
        return c.made(f"{p['WebACLArn']}|{p['ResourceArn']}"), {}

    def delete(c, id, p):
        gone(lambda: c.call("wafv2", "DisassociateWebACL", ResourceArn=p["ResourceArn"]), "WAFNonexistentItemException")


@kind("AWS::WAFv2::LoggingConfiguration", "LogDestinationConfigs LoggingFilter RedactedFields ResourceArn", "ResourceArn")
class LoggingConfiguration:
    def create(c, p):
        LoggingConfiguration.update(c, p["ResourceArn"], {}, p)
        return c.made(p["ResourceArn"]), {"ManagedByFirewallManager": "false"}

    def update(c, id, old, new):
        c.call("wafv2", "PutLoggingConfiguration", LoggingConfiguration=new)

    def delete(c, id, p):
        gone(lambda: c.call("wafv2", "DeleteLoggingConfiguration", ResourceArn=id), "WAFNonexistentItemException")
