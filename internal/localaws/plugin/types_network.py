"""EC2's network: VPC, subnets, routes, gateways, security groups; launch templates."""

import json

from resources import Refused, changed, gone, kind, pick, retag


def _tags(p, what):
    tags = p.get("Tags")
    return [{"ResourceType": what, "Tags": tags}] if tags else None


def _retag(c, id, old, new):
    retag(old, new,
          lambda tags: c.call("ec2", "CreateTags", Resources=[id], Tags=tags),
          lambda keys: c.call("ec2", "DeleteTags", Resources=[id], Tags=[{"Key": k} for k in keys]))


def drop_interfaces(c, ids):
    """Deletes network interfaces that moto leaves behind when what they belong to has gone."""
    for id in ids:
        gone(lambda: c.call("ec2", "DeleteNetworkInterface", NetworkInterfaceId=id), "InvalidNetworkInterfaceID.NotFound")


@kind("AWS::EC2::VPC", "CidrBlock EnableDnsHostnames EnableDnsSupport InstanceTenancy", "CidrBlock InstanceTenancy", tags=True)
class VPC:
    def create(c, p):
        vpc = c.call("ec2", "CreateVpc", CidrBlock=p.get("CidrBlock"), InstanceTenancy=p.get("InstanceTenancy"),
                     TagSpecifications=_tags(p, "vpc"))["Vpc"]
        id = c.made(vpc["VpcId"])
        VPC._attributes(c, id, p)
        mine = [{"Name": "vpc-id", "Values": [id]}]
        groups = c.call("ec2", "DescribeSecurityGroups", Filters=mine)["SecurityGroups"]
        acls = c.call("ec2", "DescribeNetworkAcls", Filters=mine)["NetworkAcls"]
        return id, {
            "VpcId": id, "CidrBlock": vpc["CidrBlock"], "DefaultSecurityGroup": groups[0]["GroupId"],
            "DefaultNetworkAcl": acls[0]["NetworkAclId"], "Ipv6CidrBlocks": lambda: VPC._ipv6(c, id),
            "CidrBlockAssociations": [a["AssociationId"] for a in vpc.get("CidrBlockAssociationSet", [])]}

    def _ipv6(c, id):
        """The IPv6 blocks that the VPC has by now: they come as resources of their own."""
        vpc = c.call("ec2", "DescribeVpcs", VpcIds=[id])["Vpcs"][0]
        return [a["Ipv6CidrBlock"] for a in vpc.get("Ipv6CidrBlockAssociationSet", []) if a["Ipv6CidrBlockState"]["State"] == "associated"]

    def _attributes(c, id, p):
        for name in ("EnableDnsSupport", "EnableDnsHostnames"):
            if name in p:
                c.call("ec2", "ModifyVpcAttribute", VpcId=id, **{name: {"Value": p[name]}})

    def update(c, id, old, new):
        VPC._attributes(c, id, new)
        _retag(c, id, old, new)

    def delete(c, id, p):
        gone(lambda: c.call("ec2", "DeleteVpc", VpcId=id), "InvalidVpcID.NotFound", "InvalidVpcId.NotFound")


@kind("AWS::EC2::VPCCidrBlock", "AmazonProvidedIpv6CidrBlock CidrBlock VpcId")
class VPCCidrBlock:
    def create(c, p):
        made = c.call("ec2", "AssociateVpcCidrBlock", **p)
        association = made.get("Ipv6CidrBlockAssociation") or made["CidrBlockAssociation"]
        id = c.made(association["AssociationId"])
        return id, {"Id": id, "Ipv6CidrBlock": association.get("Ipv6CidrBlock", "")}

    def delete(c, id, p):
        gone(lambda: c.call("ec2", "DisassociateVpcCidrBlock", AssociationId=id), "InvalidVpcCidrBlockAssociationIDError.NotFound")


@kind("AWS::EC2::Subnet", "AssignIpv6AddressOnCreation AvailabilityZone CidrBlock Ipv6CidrBlock MapPublicIpOnLaunch VpcId",
      "AvailabilityZone CidrBlock Ipv6CidrBlock VpcId", tags=True)
class Subnet:
    def create(c, p):
        subnet = c.call("ec2", "CreateSubnet", TagSpecifications=_tags(p, "subnet"),
                        **pick(p, "AvailabilityZone", "CidrBlock", "Ipv6CidrBlock", "VpcId"))["Subnet"]
        id = c.made(subnet["SubnetId"])
        Subnet._attributes(c, id, p)
        mine = [{"Name": "association.subnet-id", "Values": [id]}]
        acls = c.call("ec2", "DescribeNetworkAcls", Filters=mine)["NetworkAcls"]
        return id, {
            "SubnetId": id, "AvailabilityZone": subnet["AvailabilityZone"], "CidrBlock": subnet["CidrBlock"],
            "VpcId": subnet["VpcId"], "Ipv6CidrBlocks": [p["Ipv6CidrBlock"]] if "Ipv6CidrBlock" in p else [],
            "NetworkAclAssociationId": next((a["NetworkAclAssociationId"] for acl in acls for a in acl["Associations"]
                                             if a["SubnetId"] == id), "")}

    def _attributes(c, id, p):
        for name in ("MapPublicIpOnLaunch", "AssignIpv6AddressOnCreation"):
            if name in p:
                c.call("ec2", "ModifySubnetAttribute", SubnetId=id, **{name: {"Value": p[name]}})

    def update(c, id, old, new):
        Subnet._attributes(c, id, new)
        _retag(c, id, old, new)

    def delete(c, id, p):
        interfaces = c.call("ec2", "DescribeNetworkInterfaces", Filters=[{"Name": "subnet-id", "Values": [id]}])
        used = [i["NetworkInterfaceId"] for i in interfaces["NetworkInterfaces"] if i["Status"] == "in-use"]
        if used:  # moto deletes it all the same
            raise Refused(f"The subnet '{id}' has dependencies and cannot be deleted: network interfaces {', '.join(used)}")
        gone(lambda: c.call("ec2", "DeleteSubnet", SubnetId=id), "InvalidSubnetID.NotFound")


@kind("AWS::EC2::RouteTable", "VpcId", "VpcId", tags=True)
class RouteTable:
    def create(c, p):
        id = c.made(c.call("ec2", "CreateRouteTable", VpcId=p["VpcId"],
                           TagSpecifications=_tags(p, "route-table"))["RouteTable"]["RouteTableId"])
        return id, {"RouteTableId": id}

    def update(c, id, old, new):
        _retag(c, id, old, new)

    def delete(c, id, p):
        gone(lambda: c.call("ec2", "DeleteRouteTable", RouteTableId=id), "InvalidRouteTableID.NotFound")


@kind("AWS::EC2::SubnetRouteTableAssociation", "RouteTableId SubnetId")
class SubnetRouteTableAssociation:
    def create(c, p):
        id = c.made(c.call("ec2", "AssociateRouteTable", **p)["AssociationId"])
        return id, {"Id": id}

    def delete(c, id, p):
        gone(lambda: c.call("ec2", "DisassociateRouteTable", AssociationId=id), "InvalidAssociationID.NotFound")


@kind("AWS::EC2::Route", "RouteTableId DestinationCidrBlock DestinationIpv6CidrBlock GatewayId NatGatewayId InstanceId "
      "NetworkInterfaceId VpcPeeringConnectionId TransitGatewayId EgressOnlyInternetGatewayId")
class Route:
    def create(c, p):
        c.call("ec2", "CreateRoute", **p)
        block = p.get("DestinationCidrBlock") or p.get("DestinationIpv6CidrBlock")
        return c.made(f"{p['RouteTableId']}|{block}"), {"CidrBlock": block}

    def delete(c, id, p):
        gone(lambda: c.call("ec2", "DeleteRoute", **pick(p, "RouteTableId", "DestinationCidrBlock", "DestinationIpv6CidrBlock")),
             "InvalidRoute.NotFound", "InvalidRouteTableID.NotFound")


@kind("AWS::EC2::InternetGateway", "", tags=True)
class InternetGateway:
    def create(c, p):
        id = c.made(c.call("ec2", "CreateInternetGateway",
                           TagSpecifications=_tags(p, "internet-gateway"))["InternetGateway"]["InternetGatewayId"])
        return id, {"InternetGatewayId": id}

    def update(c, id, old, new):
        _retag(c, id, old, new)

    def delete(c, id, p):
        gone(lambda: c.call("ec2", "DeleteInternetGateway", InternetGatewayId=id), "InvalidInternetGatewayID.NotFound")


@kind("AWS::EC2::EgressOnlyInternetGateway", "VpcId", "VpcId", tags=True)
class EgressOnlyInternetGateway:
    def create(c, p):
        id = c.made(c.call("ec2", "CreateEgressOnlyInternetGateway", VpcId=p["VpcId"], TagSpecifications=_tags(
            p, "egress-only-internet-gateway"))["EgressOnlyInternetGateway"]["EgressOnlyInternetGatewayId"])
        return id, {"Id": id}

    def update(c, id, old, new):
        _retag(c, id, old, new)

    def delete(c, id, p):
        gone(lambda: c.call("ec2", "DeleteEgressOnlyInternetGateway", EgressOnlyInternetGatewayId=id), "InvalidGatewayID.NotFound")


@kind("AWS::EC2::FlowLog", "DeliverLogsPermissionArn LogDestination LogDestinationType LogFormat LogGroupName MaxAggregationInterval "
      "ResourceId ResourceType TrafficType", "DeliverLogsPermissionArn LogDestination LogDestinationType LogFormat LogGroupName "
      "MaxAggregationInterval ResourceId ResourceType TrafficType", tags=True)
class FlowLog:
    def create(c, p):
        made = c.call("ec2", "CreateFlowLogs", ResourceIds=[p["ResourceId"]], TagSpecifications=_tags(p, "vpc-flow-log"), **pick(
            p, "DeliverLogsPermissionArn", "LogDestination", "LogDestinationType", "LogFormat", "LogGroupName",
            "MaxAggregationInterval", "ResourceType", "TrafficType"))
        if made.get("Unsuccessful"):
            raise Refused(made["Unsuccessful"][0]["Error"]["Message"])
        return c.made(made["FlowLogIds"][0]), {"Id": made["FlowLogIds"][0]}

    def update(c, id, old, new):
        _retag(c, id, old, new)

    def delete(c, id, p):
        gone(lambda: c.call("ec2", "DeleteFlowLogs", FlowLogIds=[id]), "InvalidFlowLogId.NotFound")


@kind("AWS::EC2::VPCGatewayAttachment", "InternetGatewayId VpcId")
class VPCGatewayAttachment:
    def create(c, p):
        c.call("ec2", "AttachInternetGateway", **p)
        return c.made(f"IGW|{p['VpcId']}"), {"AttachmentType": "IGW"}

    def delete(c, id, p):
        gone(lambda: c.call("ec2", "DetachInternetGateway", **p), "Gateway.NotAttached", "InvalidInternetGatewayID.NotFound")


@kind("AWS::EC2::EIP", "Domain InstanceId", "Domain", tags=True)
class EIP:
    def create(c, p):
        address = c.call("ec2", "AllocateAddress", Domain=p.get("Domain", "vpc"), TagSpecifications=_tags(p, "elastic-ip"))
        id = c.made(address["PublicIp"])
        EIP._associate(c, id, p)
        return id, {"PublicIp": id, "AllocationId": address["AllocationId"]}

    def _associate(c, id, p):
        if "InstanceId" in p:
            c.call("ec2", "AssociateAddress", PublicIp=id, InstanceId=p["InstanceId"])

    def update(c, id, old, new):
        if changed(old, new, "InstanceId"):
            EIP._associate(c, id, new)
        _retag(c, EIP._allocation(c, id), old, new)

    def _allocation(c, id):
        return c.call("ec2", "DescribeAddresses", PublicIps=[id])["Addresses"][0]["AllocationId"]

    def delete(c, id, p):
        gone(lambda: c.call("ec2", "ReleaseAddress", AllocationId=EIP._allocation(c, id)),
             "InvalidAddress.NotFound", "InvalidAllocationID.NotFound")


@kind("AWS::EC2::NatGateway", "AllocationId SubnetId ConnectivityType", "AllocationId SubnetId ConnectivityType", tags=True)
class NatGateway:
    def create(c, p):
        id = c.made(c.call("ec2", "CreateNatGateway", TagSpecifications=_tags(p, "natgateway"),
                           **pick(p, "AllocationId", "SubnetId", "ConnectivityType"))["NatGateway"]["NatGatewayId"])
        return id, {"NatGatewayId": id}

    def update(c, id, old, new):
        _retag(c, id, old, new)

    def delete(c, id, p):
        found = c.call("ec2", "DescribeNatGateways", NatGatewayIds=[id])["NatGateways"]
        if found:
            c.call("ec2", "DeleteNatGateway", NatGatewayId=id)
            drop_interfaces(c, [a["NetworkInterfaceId"] for a in found[0]["NatGatewayAddresses"] if "NetworkInterfaceId" in a])


@kind("AWS::EC2::VPCEndpoint", "VpcId ServiceName VpcEndpointType RouteTableIds SubnetIds SecurityGroupIds PrivateDnsEnabled "
      "PolicyDocument", "VpcId ServiceName VpcEndpointType RouteTableIds SubnetIds SecurityGroupIds PrivateDnsEnabled PolicyDocument", tags=True)
class VPCEndpoint:
    def create(c, p):
        p = dict(p)
        if "PolicyDocument" in p:
            p["PolicyDocument"] = json.dumps(p["PolicyDocument"])
        endpoint = c.call("ec2", "CreateVpcEndpoint", TagSpecifications=_tags(p, "vpc-endpoint"),
                          **{k: v for k, v in p.items() if k != "Tags"})["VpcEndpoint"]
        id = c.made(endpoint["VpcEndpointId"])
        return id, {"Id": id, "DnsEntries": [], "NetworkInterfaceIds": endpoint.get("NetworkInterfaceIds", [])}

    def update(c, id, old, new):
        _retag(c, id, old, new)

    def delete(c, id, p):
        c.call("ec2", "DeleteVpcEndpoints", VpcEndpointIds=[id])


def _permission(rule):
    """A rule of a template as EC2's IpPermission."""
    about = pick(rule, "Description")
    permission = {"IpProtocol": str(rule["IpProtocol"]), **pick(rule, "FromPort", "ToPort")}
    if "CidrIp" in rule:
        permission["IpRanges"] = [{"CidrIp": rule["CidrIp"], **about}]
    if "CidrIpv6" in rule:
        permission["Ipv6Ranges"] = [{"CidrIpv6": rule["CidrIpv6"], **about}]
    for name in ("SourceSecurityGroupId", "DestinationSecurityGroupId"):
        if name in rule:
            permission["UserIdGroupPairs"] = [{"GroupId": rule[name], **about}]
    for name in ("SourcePrefixListId", "DestinationPrefixListId"):
        if name in rule:
            permission["PrefixListIds"] = [{"PrefixListId": rule[name], **about}]
    return permission


_EVERYWHERE = {"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}


@kind("AWS::EC2::SecurityGroup", "GroupDescription GroupName SecurityGroupIngress SecurityGroupEgress VpcId",
      "GroupDescription GroupName VpcId", tags=True)
class SecurityGroup:
    def create(c, p):
        id = c.made(c.call("ec2", "CreateSecurityGroup", GroupName=p.get("GroupName") or c.name(255),
                           Description=p["GroupDescription"], VpcId=p.get("VpcId"),
                           TagSpecifications=_tags(p, "security-group"))["GroupId"])
        if p.get("SecurityGroupEgress"):
            c.call("ec2", "RevokeSecurityGroupEgress", GroupId=id, IpPermissions=[_permission(_EVERYWHERE)])
        SecurityGroup._rules(c, id, {"SecurityGroupEgress": []}, dict(p, SecurityGroupEgress=p.get("SecurityGroupEgress", [])))
        group = c.call("ec2", "DescribeSecurityGroups", GroupIds=[id])["SecurityGroups"][0]
        return id, {"GroupId": id, "VpcId": group.get("VpcId", ""), "GroupName": group["GroupName"]}

    def _rules(c, id, old, new):
        for name, direction in (("SecurityGroupIngress", "Ingress"), ("SecurityGroupEgress", "Egress")):
            fallback = [_EVERYWHERE] if direction == "Egress" else []
            was = old[name] if name in old else fallback
            now = new[name] if name in new else fallback
            for rule in was:
                if rule not in now:
                    gone(lambda: c.call("ec2", f"RevokeSecurityGroup{direction}", GroupId=id, IpPermissions=[_permission(rule)]),
                         "InvalidPermission.NotFound")
            for rule in now:
                if rule not in was:
                    gone(lambda: c.call("ec2", f"AuthorizeSecurityGroup{direction}", GroupId=id, IpPermissions=[_permission(rule)]),
                         "InvalidPermission.Duplicate")

    def update(c, id, old, new):
        SecurityGroup._rules(c, id, old, new)
        _retag(c, id, old, new)

    def _users(c, id):
        """Who uses the group; moto deletes it all the same."""
        def found(operation, where, filter, name):
            return [i[name] for i in c.call("ec2", operation, Filters=[{"Name": filter, "Values": [id]}])[where] if i[name] != id]
        return (found("DescribeNetworkInterfaces", "NetworkInterfaces", "group-id", "NetworkInterfaceId")
                + found("DescribeSecurityGroups", "SecurityGroups", "ip-permission.group-id", "GroupId")
                + found("DescribeSecurityGroups", "SecurityGroups", "egress.ip-permission.group-id", "GroupId")
                + [b["LoadBalancerArn"] for b in c.call("elbv2", "DescribeLoadBalancers")["LoadBalancers"] if id in b.get("SecurityGroups", [])])

    def delete(c, id, p):
        if users := SecurityGroup._users(c, id):
            raise Refused(f"resource {id} has a dependent object: {', '.join(users)}")
        gone(lambda: c.call("ec2", "DeleteSecurityGroup", GroupId=id), "InvalidGroup.NotFound")


def _standalone(direction):
    class Rule:
        def create(c, p):
            answer = c.call("ec2", f"AuthorizeSecurityGroup{direction}", GroupId=p["GroupId"], IpPermissions=[_permission(p)])
            id = c.made(answer["SecurityGroupRules"][0]["SecurityGroupRuleId"])
            return id, {"Id": id}

        def update(c, id, old, new):
            c.call("ec2", f"UpdateSecurityGroupRuleDescriptions{direction}", GroupId=new["GroupId"],
                   IpPermissions=[_permission(dict(new, Description=new.get("Description", "")))])

        def delete(c, id, p):
            gone(lambda: c.call("ec2", f"RevokeSecurityGroup{direction}", GroupId=p["GroupId"], IpPermissions=[_permission(p)]),
                 "InvalidPermission.NotFound", "InvalidGroup.NotFound")
    return Rule


_RULE = "CidrIp CidrIpv6 FromPort GroupId IpProtocol ToPort"
for _direction, _other in (("Ingress", "SourceSecurityGroupId SourcePrefixListId SourceSecurityGroupOwnerId"),
                           ("Egress", "DestinationSecurityGroupId DestinationPrefixListId")):
    kind(f"AWS::EC2::SecurityGroup{_direction}", f"{_RULE} {_other} Description", f"{_RULE} {_other}")(_standalone(_direction))


@kind("AWS::EC2::KeyPair", "KeyFormat KeyName KeyType PublicKeyMaterial", "KeyFormat KeyName KeyType PublicKeyMaterial", tags=True)
class KeyPair:
    """As on AWS, the private key that is made is put into a parameter."""

    def create(c, p):
        tags = _tags(p, "key-pair")
        if "PublicKeyMaterial" in p:
            made = c.call("ec2", "ImportKeyPair", TagSpecifications=tags, **pick(p, "KeyName", "PublicKeyMaterial"))
        else:
            made = c.call("ec2", "CreateKeyPair", TagSpecifications=tags, **pick(p, "KeyFormat", "KeyName", "KeyType"))
        c.made(p["KeyName"])
        if "KeyMaterial" in made:
            c.call("ssm", "PutParameter", Name=f"/ec2/keypair/{made['KeyPairId']}", Type="SecureString", Value=made["KeyMaterial"])
        return p["KeyName"], {"KeyPairId": made["KeyPairId"], "KeyFingerprint": made["KeyFingerprint"]}

    def update(c, id, old, new):
        _retag(c, c.resource.attributes["KeyPairId"], old, new)

    def delete(c, id, p):
        if "KeyPairId" in c.resource.attributes:
            gone(lambda: c.call("ssm", "DeleteParameter", Name=f"/ec2/keypair/{c.resource.attributes['KeyPairId']}"), "ParameterNotFound")
        c.call("ec2", "DeleteKeyPair", KeyName=id)


@kind("AWS::EC2::LaunchTemplate", "LaunchTemplateData LaunchTemplateName TagSpecifications VersionDescription",
      "LaunchTemplateName TagSpecifications")
class LaunchTemplate:
    def create(c, p):
        made = c.call("ec2", "CreateLaunchTemplate", LaunchTemplateName=p.get("LaunchTemplateName") or c.name(128),
                      LaunchTemplateData=p["LaunchTemplateData"], VersionDescription=p.get("VersionDescription"),
                      TagSpecifications=p.get("TagSpecifications"))["LaunchTemplate"]
        return c.made(made["LaunchTemplateId"]), LaunchTemplate._about(made)

    def _about(made):
        return {"LaunchTemplateId": made["LaunchTemplateId"], "LatestVersionNumber": str(made["LatestVersionNumber"]),
                "DefaultVersionNumber": str(made["DefaultVersionNumber"])}

    def update(c, id, old, new):
        c.call("ec2", "CreateLaunchTemplateVersion", LaunchTemplateId=id, LaunchTemplateData=new["LaunchTemplateData"],
               VersionDescription=new.get("VersionDescription"))
        return LaunchTemplate._about(c.call("ec2", "DescribeLaunchTemplates", LaunchTemplateIds=[id])["LaunchTemplates"][0])

    def delete(c, id, p):
        gone(lambda: c.call("ec2", "DeleteLaunchTemplate", LaunchTemplateId=id), "InvalidLaunchTemplateId.NotFound")
