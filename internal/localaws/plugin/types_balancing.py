"""Elastic Load Balancing and Auto Scaling."""

from resources import changed, gone, kind, pick, retag
from types_network import drop_interfaces


def _retag(c, id, old, new):
    retag(old, new,
          lambda tags: c.call("elbv2", "AddTags", ResourceArns=[id], Tags=tags),
          lambda keys: c.call("elbv2", "RemoveTags", ResourceArns=[id], TagKeys=keys))


@kind("AWS::ElasticLoadBalancingV2::LoadBalancer", "IpAddressType LoadBalancerAttributes Name Scheme SecurityGroups "
      "SubnetMappings Subnets Type", "Name Scheme Type", tags=True)
class LoadBalancer:
    def create(c, p):
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


_GROUP = ("Cooldown", "DefaultInstanceWarmup", "DesiredCapacity", "HealthCheckGracePeriod", "HealthCheckType", "LaunchTemplate",
          "MaxSize", "MinSize", "TerminationPolicies", "NewInstancesProtectedFromScaleIn")


@kind("AWS::AutoScaling::AutoScalingGroup", " ".join(_GROUP) + " AutoScalingGroupName TargetGroupARNs VPCZoneIdentifier",
      "AutoScalingGroupName", tags=True)
class AutoScalingGroup:
    def _api(p):
        params = pick(p, *_GROUP)
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
        c.call("autoscaling", "UpdateAutoScalingGroup", AutoScalingGroupName=id, **AutoScalingGroup._api(new))
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
