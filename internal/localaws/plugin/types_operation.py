"""What runs and watches: Lambda, logs, alarms, topics, DNS."""

import io
import json
import zipfile

from resources import changed, gone, kind, pick, retag

_FUNCTION = ("Description Environment Handler KmsKeyArn Layers LoggingConfig MemorySize Role Runtime Timeout TracingConfig VpcConfig "
             "EphemeralStorage DeadLetterConfig")


@kind("AWS::Lambda::Function", _FUNCTION + " Architectures Code FunctionName PackageType", "FunctionName PackageType", tags=True)
class Function:
    """The function exists; nothing runs it."""

    def _code(p):
        code = p["Code"]
        if "ZipFile" not in code:
            return pick(code, "S3Bucket", "S3Key", "S3ObjectVersion", "ImageUri")
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w") as archive:
            archive.writestr("index.js" if str(p.get("Runtime")).startswith("node") else "index.py", code["ZipFile"])
        return {"ZipFile": data.getvalue()}

    def create(c, p):
        name = p.get("FunctionName") or c.name(64)
        made = c.call("lambda", "CreateFunction", FunctionName=name, Code=Function._code(p),
                      Tags={t["Key"]: t["Value"] for t in p.get("Tags") or []},
                      **pick(p, "Architectures", "PackageType", *_FUNCTION.split()))
        return c.made(name), {"Arn": made["FunctionArn"]}

    def update(c, id, old, new):
        if changed(old, new, "Code", "Architectures"):
            c.call("lambda", "UpdateFunctionCode", FunctionName=id, **Function._code(new), **pick(new, "Architectures"))
        if changed(old, new, *_FUNCTION.split()):
            c.call("lambda", "UpdateFunctionConfiguration", FunctionName=id, **pick(new, *_FUNCTION.split()))
        arn = c.resource.attributes["Arn"]
        retag(old, new, lambda tags: c.call("lambda", "TagResource", Resource=arn, Tags={t["Key"]: t["Value"] for t in tags}),
              lambda keys: c.call("lambda", "UntagResource", Resource=arn, TagKeys=keys))

    def delete(c, id, p):
        gone(lambda: c.call("lambda", "DeleteFunction", FunctionName=id), "ResourceNotFoundException")


@kind("AWS::Lambda::Permission", "Action EventSourceToken FunctionName Principal SourceAccount SourceArn")
class Permission:
    def create(c, p):
        id = c.name(100)
        c.call("lambda", "AddPermission", StatementId=id, **p)
        return c.made(id), {"Id": id}

    def delete(c, id, p):
        gone(lambda: c.call("lambda", "RemovePermission", FunctionName=p["FunctionName"], StatementId=id),
             "ResourceNotFoundException")


@kind("AWS::Logs::LogGroup", "KmsKeyId LogGroupClass LogGroupName RetentionInDays", "LogGroupClass LogGroupName", tags=True)
class LogGroup:
    def create(c, p):
        name = p.get("LogGroupName") or c.name(512)
        c.call("logs", "CreateLogGroup", logGroupName=name, kmsKeyId=p.get("KmsKeyId"),
               tags={t["Key"]: t["Value"] for t in p.get("Tags") or []} or None)
        c.made(name)
        LogGroup._retention(c, name, {}, p)
        return name, {"Arn": f"arn:aws:logs:{c.region}:{c.stack.id.split(':')[4]}:log-group:{name}:*"}

    def _retention(c, id, old, new):
        if changed(old, new, "RetentionInDays"):
            if "RetentionInDays" in new:
                c.call("logs", "PutRetentionPolicy", logGroupName=id, retentionInDays=new["RetentionInDays"])
            else:
                c.call("logs", "DeleteRetentionPolicy", logGroupName=id)

    def update(c, id, old, new):
        LogGroup._retention(c, id, old, new)
        retag(old, new, lambda tags: c.call("logs", "TagLogGroup", logGroupName=id, tags={t["Key"]: t["Value"] for t in tags}),
              lambda keys: c.call("logs", "UntagLogGroup", logGroupName=id, tags=keys))

    def delete(c, id, p):
        gone(lambda: c.call("logs", "DeleteLogGroup", logGroupName=id), "ResourceNotFoundException")


_ALARM = ("ActionsEnabled AlarmActions AlarmDescription ComparisonOperator DatapointsToAlarm Dimensions "
          "EvaluateLowSampleCountPercentile EvaluationPeriods ExtendedStatistic InsufficientDataActions MetricName Metrics Namespace "
          "OKActions Period Statistic Threshold ThresholdMetricId TreatMissingData Unit")


def _retag_alarm(c, old, new):
    arn = c.resource.attributes["Arn"]
    retag(old, new, lambda tags: c.call("cloudwatch", "TagResource", ResourceARN=arn, Tags=tags),
          lambda keys: c.call("cloudwatch", "UntagResource", ResourceARN=arn, TagKeys=keys))


@kind("AWS::CloudWatch::Alarm", _ALARM + " AlarmName", "AlarmName", tags=True)
class Alarm:
    def create(c, p):
        name = p.get("AlarmName") or c.name(255)
        c.call("cloudwatch", "PutMetricAlarm", AlarmName=name, Tags=p.get("Tags") or None, **pick(p, *_ALARM.split()))
        c.made(name)
        found = c.call("cloudwatch", "DescribeAlarms", AlarmNames=[name])["MetricAlarms"]
        return name, {"Arn": found[0]["AlarmArn"]}

    def update(c, id, old, new):
        c.call("cloudwatch", "PutMetricAlarm", AlarmName=id, **pick(new, *_ALARM.split()))
        _retag_alarm(c, old, new)

    def delete(c, id, p):
        gone(lambda: c.call("cloudwatch", "DeleteAlarms", AlarmNames=[id]), "ResourceNotFound")


@kind("AWS::CloudWatch::Dashboard", "DashboardBody DashboardName", "DashboardName")
class Dashboard:
    def create(c, p):
        name = p.get("DashboardName") or c.name(255)
        c.call("cloudwatch", "PutDashboard", DashboardName=name, DashboardBody=p["DashboardBody"])
        return c.made(name), {}

    def update(c, id, old, new):
        c.call("cloudwatch", "PutDashboard", DashboardName=id, DashboardBody=new["DashboardBody"])

    def delete(c, id, p):
        gone(lambda: c.call("cloudwatch", "DeleteDashboards", DashboardNames=[id]), "ResourceNotFound")


_TOPIC = "ContentBasedDeduplication DisplayName FifoTopic KmsMasterKeyId SignatureVersion TracingConfig"


@kind("AWS::SNS::Topic", _TOPIC + " TopicName", "FifoTopic TopicName", tags=True)
class Topic:
    def create(c, p):
        fifo = str(p.get("FifoTopic", "false")).lower() == "true"
        name = p.get("TopicName") or c.name(256) + (".fifo" if fifo else "")
        settings = {k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in pick(p, *_TOPIC.split()).items()}
        arn = c.made(c.call("sns", "CreateTopic", Name=name, Attributes=settings, Tags=p.get("Tags") or None)["TopicArn"])
        return arn, {"TopicArn": arn, "TopicName": name}

    def update(c, id, old, new):
        for name in _TOPIC.split():
            if changed(old, new, name):
                c.call("sns", "SetTopicAttributes", TopicArn=id, AttributeName=name, AttributeValue=str(new.get(name, "")))
        retag(old, new, lambda tags: c.call("sns", "TagResource", ResourceArn=id, Tags=tags),
              lambda keys: c.call("sns", "UntagResource", ResourceArn=id, TagKeys=keys))

    def delete(c, id, p):
        gone(lambda: c.call("sns", "DeleteTopic", TopicArn=id), "NotFound")


@kind("AWS::SNS::Subscription", "DeliveryPolicy Endpoint FilterPolicy FilterPolicyScope Protocol RawMessageDelivery Region "
      "RedrivePolicy TopicArn")
class Subscription:
    def create(c, p):
        settings = {k: json.dumps(v) if isinstance(v, dict) else str(v).lower() if isinstance(v, bool) else str(v)
                    for k, v in pick(p, "DeliveryPolicy", "FilterPolicy", "FilterPolicyScope", "RawMessageDelivery",
                                     "RedrivePolicy").items()}
        arn = c.call("sns", "Subscribe", Attributes=settings, ReturnSubscriptionArn=True,
                     **pick(p, "TopicArn", "Protocol", "Endpoint"))["SubscriptionArn"]
        return c.made(arn), {"Arn": arn}

    def delete(c, id, p):
        gone(lambda: c.call("sns", "Unsubscribe", SubscriptionArn=id), "NotFound")


@kind("AWS::SNS::TopicPolicy", "PolicyDocument Topics", "Topics")
class TopicPolicy:
    def create(c, p):
        id = c.made(c.name(64))
        TopicPolicy.update(c, id, {}, p)
        return id, {"Id": id}

    def update(c, id, old, new):
        for topic in new["Topics"]:
            c.call("sns", "SetTopicAttributes", TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(new["PolicyDocument"]))

    def delete(c, id, p):
        pass  # a topic always has a policy; this one goes with the topic


@kind("AWS::Route53::HostedZone", "HostedZoneConfig HostedZoneTags Name VPCs", "Name")
class HostedZone:
    def create(c, p):
        vpcs = p.get("VPCs") or []
        zone = c.call("route53", "CreateHostedZone", Name=p["Name"], CallerReference=c.name(64),
                      HostedZoneConfig=p.get("HostedZoneConfig"), VPC=vpcs[0] if vpcs else None)
        id = c.made(zone["HostedZone"]["Id"].split("/")[-1])
        return id, {"Id": id, "NameServers": zone.get("DelegationSet", {}).get("NameServers", [])}

    def update(c, id, old, new):
        if changed(old, new, "HostedZoneConfig"):
            c.call("route53", "UpdateHostedZoneComment", Id=id, Comment=new.get("HostedZoneConfig", {}).get("Comment", ""))

    def delete(c, id, p):
        gone(lambda: c.call("route53", "DeleteHostedZone", Id=id), "NoSuchHostedZone")


_RECORD = ("AliasTarget Failover GeoLocation HealthCheckId MultiValueAnswer Name Region SetIdentifier TTL Type Weight")


@kind("AWS::Route53::RecordSet", _RECORD + " Comment HostedZoneId HostedZoneName ResourceRecords",
      "HostedZoneId HostedZoneName Name Type SetIdentifier")
class RecordSet:
    def _change(c, action, p):
        zone = p.get("HostedZoneId")
        if zone is None:
            zones = c.call("route53", "ListHostedZonesByName", DNSName=p["HostedZoneName"])["HostedZones"]
            zone = next((z["Id"] for z in zones if z["Name"] == p["HostedZoneName"]), p["HostedZoneName"])
        record = pick(p, *_RECORD.split())
        if "AliasTarget" in record:
            record["AliasTarget"] = dict({"EvaluateTargetHealth": False}, **record["AliasTarget"])
        if "ResourceRecords" in p:
            record["ResourceRecords"] = [{"Value": v} for v in p["ResourceRecords"]]
        c.call("route53", "ChangeResourceRecordSets", HostedZoneId=zone.split("/")[-1], ChangeBatch={
            "Comment": p.get("Comment", ""), "Changes": [{"Action": action, "ResourceRecordSet": record}]})

    def create(c, p):
        RecordSet._change(c, "CREATE", p)
        return c.made(p["Name"].rstrip(".")), {}

    def update(c, id, old, new):
        RecordSet._change(c, "UPSERT", new)

    def delete(c, id, p):
        gone(lambda: RecordSet._change(c, "DELETE", p), "NoSuchHostedZone", "InvalidChangeBatch")
