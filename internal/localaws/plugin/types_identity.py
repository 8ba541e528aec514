"""Who may do what, and secrets: IAM, KMS, Secrets Manager, SSM parameters, certificates."""

import json

from resources import Refused, changed, gone, kind, pick, retag


def _json(document):
    return document if isinstance(document, str) else json.dumps(document)


def _move(was, now, leave, join):
    """From one list of names to another."""
    for name in was or []:
        if name not in (now or []):
            leave(name)
    for name in now or []:
        if name not in (was or []):
            join(name)


@kind("AWS::IAM::Role", "AssumeRolePolicyDocument Description ManagedPolicyArns MaxSessionDuration Path PermissionsBoundary "
      "Policies RoleName", "Path RoleName", tags=True)
class Role:
    def create(c, p):
        name = p.get("RoleName") or c.name(64)
        role = c.call("iam", "CreateRole", RoleName=name, AssumeRolePolicyDocument=_json(p["AssumeRolePolicyDocument"]),
                      Tags=p.get("Tags") or None,
                      **pick(p, "Description", "MaxSessionDuration", "Path", "PermissionsBoundary"))["Role"]
        c.made(name)
        Role._policies(c, name, {}, p)
        return name, {"Arn": role["Arn"], "RoleId": role["RoleId"]}

    def _policies(c, id, old, new):
        _move(old.get("ManagedPolicyArns"), new.get("ManagedPolicyArns"),
              lambda arn: gone(lambda: c.call("iam", "DetachRolePolicy", RoleName=id, PolicyArn=arn), "NoSuchEntity"),
              lambda arn: c.call("iam", "AttachRolePolicy", RoleName=id, PolicyArn=arn))
        was = {q["PolicyName"]: q["PolicyDocument"] for q in old.get("Policies") or []}
        now = {q["PolicyName"]: q["PolicyDocument"] for q in new.get("Policies") or []}
        for name in set(was) - set(now):
            gone(lambda: c.call("iam", "DeleteRolePolicy", RoleName=id, PolicyName=name), "NoSuchEntity")
        for name, document in now.items():
            if was.get(name) != document:
                c.call("iam", "PutRolePolicy", RoleName=id, PolicyName=name, PolicyDocument=_json(document))

    def update(c, id, old, new):
        if changed(old, new, "AssumeRolePolicyDocument"):
            c.call("iam", "UpdateAssumeRolePolicy", RoleName=id, PolicyDocument=_json(new["AssumeRolePolicyDocument"]))
        if changed(old, new, "Description", "MaxSessionDuration"):
            c.call("iam", "UpdateRole", RoleName=id, Description=new.get("Description", ""),
                   MaxSessionDuration=new.get("MaxSessionDuration", 3600))
        if changed(old, new, "PermissionsBoundary"):
            if "PermissionsBoundary" in new:
                c.call("iam", "PutRolePermissionsBoundary", RoleName=id, PermissionsBoundary=new["PermissionsBoundary"])
            else:
                c.call("iam", "DeleteRolePermissionsBoundary", RoleName=id)
        Role._policies(c, id, old, new)
        retag(old, new, lambda tags: c.call("iam", "TagRole", RoleName=id, Tags=tags),
              lambda keys: c.call("iam", "UntagRole", RoleName=id, TagKeys=keys))

    def delete(c, id, p):
        Role._policies(c, id, p, {})
        gone(lambda: c.call("iam", "DeleteRole", RoleName=id), "NoSuchEntity")


@kind("AWS::IAM::InstanceProfile", "InstanceProfileName Path Roles", "InstanceProfileName Path")
class InstanceProfile:
    def create(c, p):
        name = p.get("InstanceProfileName") or c.name(128)
        made = c.call("iam", "CreateInstanceProfile", InstanceProfileName=name, Path=p.get("Path"))["InstanceProfile"]
        c.made(name)
        InstanceProfile.update(c, name, {}, p)
        return name, {"Arn": made["Arn"]}

    def update(c, id, old, new):
        _move(old.get("Roles"), new.get("Roles"),
              lambda role: gone(lambda: c.call("iam", "RemoveRoleFromInstanceProfile", InstanceProfileName=id, RoleName=role),
                                "NoSuchEntity"),
              lambda role: c.call("iam", "AddRoleToInstanceProfile", InstanceProfileName=id, RoleName=role))

    def delete(c, id, p):
        InstanceProfile.update(c, id, p, {})
        gone(lambda: c.call("iam", "DeleteInstanceProfile", InstanceProfileName=id), "NoSuchEntity")


_HOLDERS = (("Roles", "Role"), ("Users", "User"), ("Groups", "Group"))


@kind("AWS::IAM::Policy", "Groups PolicyDocument PolicyName Roles Users", "PolicyName")
class Policy:
    def create(c, p):
        id = c.made(c.name(128))
        Policy.update(c, id, {}, p)
        return id, {"Id": id}

    def update(c, id, old, new):
        name = new.get("PolicyName") or old["PolicyName"]
        for holders, holder in _HOLDERS:
            for who in set(old.get(holders) or []) - set(new.get(holders) or []):
                gone(lambda: c.call("iam", f"Delete{holder}Policy", **{f"{holder}Name": who}, PolicyName=name), "NoSuchEntity")
            for who in new.get(holders) or []:
                c.call("iam", f"Put{holder}Policy", **{f"{holder}Name": who}, PolicyName=name,
                       PolicyDocument=_json(new["PolicyDocument"]))

    def delete(c, id, p):
        Policy.update(c, id, p, {})


@kind("AWS::IAM::ManagedPolicy", "Description Groups ManagedPolicyName Path PolicyDocument Roles Users",
      "Description ManagedPolicyName Path")
class ManagedPolicy:
    def create(c, p):
        made = c.call("iam", "CreatePolicy", PolicyName=p.get("ManagedPolicyName") or c.name(128),
                      PolicyDocument=_json(p["PolicyDocument"]), **pick(p, "Description", "Path"))["Policy"]
        id = c.made(made["Arn"])
        ManagedPolicy._attach(c, id, {}, p)
        return id, {"PolicyArn": id, "PolicyId": made["PolicyId"]}

    def _attach(c, id, old, new):
        for holders, holder in _HOLDERS:
            _move(old.get(holders), new.get(holders),
                  lambda who: gone(lambda: c.call("iam", f"Detach{holder}Policy", **{f"{holder}Name": who}, PolicyArn=id),
                                   "NoSuchEntity"),
                  lambda who: c.call("iam", f"Attach{holder}Policy", **{f"{holder}Name": who}, PolicyArn=id))

    def update(c, id, old, new):
        if changed(old, new, "PolicyDocument"):
            before = c.call("iam", "GetPolicy", PolicyArn=id)["Policy"]["DefaultVersionId"]
            c.call("iam", "CreatePolicyVersion", PolicyArn=id, PolicyDocument=_json(new["PolicyDocument"]), SetAsDefault=True)
            c.call("iam", "DeletePolicyVersion", PolicyArn=id, VersionId=before)
        ManagedPolicy._attach(c, id, old, new)

    def delete(c, id, p):
        ManagedPolicy._attach(c, id, p, {})
        gone(lambda: c.call("iam", "DeletePolicy", PolicyArn=id), "NoSuchEntity")


@kind("AWS::KMS::Key", "Description EnableKeyRotation Enabled KeyPolicy KeySpec KeyUsage PendingWindowInDays",
      "KeySpec KeyUsage", tags=True)
class Key:
    def create(c, p):
        made = c.call("kms", "CreateKey", Policy=_json(p["KeyPolicy"]) if "KeyPolicy" in p else None,
                      Tags=[{"TagKey": t["Key"], "TagValue": t["Value"]} for t in p.get("Tags") or []] or None,
                      **pick(p, "Description", "KeySpec", "KeyUsage"))["KeyMetadata"]
        id = c.made(made["KeyId"])
        Key._rest(c, id, p)
        return id, {"Arn": made["Arn"], "KeyId": id}

    def _rest(c, id, p):
        rotate = str(p.get("EnableKeyRotation", "false")).lower() == "true"
        c.call("kms", "EnableKeyRotation" if rotate else "DisableKeyRotation", KeyId=id)

    def update(c, id, old, new):
        if changed(old, new, "KeyPolicy"):
            c.call("kms", "PutKeyPolicy", KeyId=id, PolicyName="default", Policy=_json(new["KeyPolicy"]))
        if changed(old, new, "Description"):
            c.call("kms", "UpdateKeyDescription", KeyId=id, Description=new.get("Description", ""))
        retag(old, new, lambda tags: c.call("kms", "TagResource", KeyId=id, Tags=[
            {"TagKey": t["Key"], "TagValue": t["Value"]} for t in tags]),
            lambda keys: c.call("kms", "UntagResource", KeyId=id, TagKeys=keys))
        Key._rest(c, id, new)

    def delete(c, id, p):
        c.call("kms", "ScheduleKeyDeletion", KeyId=id, PendingWindowInDays=p.get("PendingWindowInDays", 30))


@kind("AWS::KMS::Alias", "AliasName TargetKeyId", "AliasName")
class Alias:
    def create(c, p):
        c.call("kms", "CreateAlias", **p)
        return c.made(p["AliasName"]), {}

    def update(c, id, old, new):
        c.call("kms", "UpdateAlias", **new)

    def delete(c, id, p):
        gone(lambda: c.call("kms", "DeleteAlias", AliasName=id), "NotFoundException")


@kind("AWS::SecretsManager::Secret", "Description GenerateSecretString KmsKeyId Name SecretString", "Name", tags=True)
class Secret:
    def _value(c, p):
        if "GenerateSecretString" not in p:
            return p.get("SecretString")
        how = dict(p["GenerateSecretString"])
        template, key = how.pop("SecretStringTemplate", None), how.pop("GenerateStringKey", None)
        if (template is None) != (key is None):
            raise Refused("GenerateSecretString needs SecretStringTemplate and GenerateStringKey, or neither")
        secret = c.call("secretsmanager", "GetRandomPassword", **how)["RandomPassword"]
        return secret if template is None else json.dumps(dict(json.loads(template), **{key: secret}))

    def create(c, p):
        if "GenerateSecretString" in p and "SecretString" in p:
            raise Refused("GenerateSecretString and SecretString exclude each other")
        made = c.call("secretsmanager", "CreateSecret", Name=p.get("Name") or c.name(64), SecretString=Secret._value(c, p),
                      Tags=p.get("Tags") or None, **pick(p, "Description", "KmsKeyId"))
        id = c.made(made["ARN"])
        return id, {"Id": id}

    def update(c, id, old, new):
        if changed(old, new, "GenerateSecretString", "SecretString", "Description", "KmsKeyId"):
            value = Secret._value(c, new) if changed(old, new, "GenerateSecretString", "SecretString") else None
            c.call("secretsmanager", "UpdateSecret", SecretId=id, SecretString=value, **pick(new, "Description", "KmsKeyId"))
        retag(old, new, lambda tags: c.call("secretsmanager", "TagResource", SecretId=id, Tags=tags),
              lambda keys: c.call("secretsmanager", "UntagResource", SecretId=id, TagKeys=keys))

    def delete(c, id, p):
        gone(lambda: c.call("secretsmanager", "DeleteSecret", SecretId=id, ForceDeleteWithoutRecovery=True),
             "ResourceNotFoundException")


@kind("AWS::SSM::Parameter", "AllowedPattern DataType Description Name Policies Tags Tier Type Value", "DataType Name Type")
class Parameter:
    def _put(c, name, p, overwrite):
        c.call("ssm", "PutParameter", Name=name, Overwrite=overwrite,
               **pick(p, "AllowedPattern", "DataType", "Description", "Policies", "Tier", "Type", "Value"))

    def create(c, p):
        name = p.get("Name") or "CFN-" + c.name(64)
        Parameter._put(c, name, p, False)
        return c.made(name), {"Type": p["Type"], "Value": p["Value"]}

    def update(c, id, old, new):
        Parameter._put(c, id, new, True)
        return {"Type": new["Type"], "Value": new["Value"]}

    def delete(c, id, p):
        gone(lambda: c.call("ssm", "DeleteParameter", Name=id), "ParameterNotFound")


@kind("AWS::CertificateManager::Certificate", "CertificateTransparencyLoggingPreference DomainName DomainValidationOptions "
      "KeyAlgorithm SubjectAlternativeNames ValidationMethod", "DomainName DomainValidationOptions KeyAlgorithm "
      "SubjectAlternativeNames ValidationMethod", tags=True)
class Certificate:
    """The certificate is issued at once. With a hosted zone in DomainValidationOptions the records that prove the domain are
    written there, as CloudFormation does; without, AWS waits until somebody else has written them, and here nobody does."""

    def create(c, p):
        id = c.made(c.call("acm", "RequestCertificate", Tags=p.get("Tags") or None,
                           **pick(p, "DomainName", "KeyAlgorithm", "SubjectAlternativeNames", "ValidationMethod"))["CertificateArn"])
        Certificate._records(c, id, p, "UPSERT")
        return id, {"CertificateArn": id}

    def _records(c, id, p, action):
        zones = {o["DomainName"]: o["HostedZoneId"] for o in p.get("DomainValidationOptions") or [] if "HostedZoneId" in o}
        if not zones or p.get("ValidationMethod", "EMAIL") != "DNS":
            return
        found = c.call("acm", "DescribeCertificate", CertificateArn=id)["Certificate"]["DomainValidationOptions"]
        for name, kind_, value, zone in {(o["ResourceRecord"]["Name"], o["ResourceRecord"]["Type"], o["ResourceRecord"]["Value"],
                                          zones[o["DomainName"]]) for o in found if o["DomainName"] in zones}:
            gone(lambda: c.call("route53", "ChangeResourceRecordSets", HostedZoneId=zone, ChangeBatch={"Changes": [{
                "Action": action, "ResourceRecordSet": {
                    "Name": name, "Type": kind_, "TTL": 300, "ResourceRecords": [{"Value": value}]}}]}),
                *(["InvalidChangeBatch", "NoSuchHostedZone"] if action == "DELETE" else []))

    def update(c, id, old, new):
        retag(old, new, lambda tags: c.call("acm", "AddTagsToCertificate", CertificateArn=id, Tags=tags),
              lambda keys: c.call("acm", "RemoveTagsFromCertificate", CertificateArn=id, Tags=[{"Key": k} for k in keys]))

    def delete(c, id, p):
        users = [l["ListenerArn"] for b in c.call("elbv2", "DescribeLoadBalancers")["LoadBalancers"]
                 for l in c.call("elbv2", "DescribeListeners", LoadBalancerArn=b["LoadBalancerArn"])["Listeners"]
                 if any(k.get("CertificateArn") == id for k in l.get("Certificates") or [])]
        if users:
            raise Refused(f"Certificate {id} is in use by {', '.join(users)}")
        gone(lambda: Certificate._records(c, id, p, "DELETE"), "ResourceNotFoundException")
        gone(lambda: c.call("acm", "DeleteCertificate", CertificateArn=id), "ResourceNotFoundException")
