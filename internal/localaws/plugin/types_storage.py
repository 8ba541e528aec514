"""What keeps things: S3, ECR, RDS, SQS, DynamoDB."""

import json

from resources import Refused, changed, gone, kind, pick, retag


def _rules(configuration):
    """A template's lifecycle rules as S3's."""
    rules = []
    for given in configuration["Rules"]:
        rule = {"Status": given["Status"], **pick(given, "AbortIncompleteMultipartUpload", "NoncurrentVersionExpiration")}
        if "Id" in given:
            rule["ID"] = given["Id"]
        if "NoncurrentVersionExpirationInDays" in given:
            rule["NoncurrentVersionExpiration"] = {"NoncurrentDays": given["NoncurrentVersionExpirationInDays"]}
        expiration = {}
        if "ExpirationInDays" in given:
            expiration["Days"] = given["ExpirationInDays"]
        if "ExpiredObjectDeleteMarker" in given:
            expiration["ExpiredObjectDeleteMarker"] = given["ExpiredObjectDeleteMarker"]
        if expiration:
            rule["Expiration"] = expiration
        if "Transitions" in given:
            rule["Transitions"] = [{"Days": t["TransitionInDays"], "StorageClass": t["StorageClass"]} for t in given["Transitions"]]
        rule["Filter"] = {"Prefix": given.get("Prefix", "")}
        rules.append(rule)
    return {"Rules": rules}


def _encryption(configuration):
    return {"Rules": [{"ApplyServerSideEncryptionByDefault": r["ServerSideEncryptionByDefault"], **pick(r, "BucketKeyEnabled")}
                      for r in configuration["ServerSideEncryptionConfiguration"]]}


def _logging(configuration):
    return {"LoggingEnabled": {"TargetBucket": configuration["DestinationBucketName"],
                               "TargetPrefix": configuration.get("LogFilePrefix", "")}}


# Property: operation to put it, its parameter, the form the API wants, operation to take it away (None: there is none).
_CONFIGURATION = {
    "BucketEncryption": ("PutBucketEncryption", "ServerSideEncryptionConfiguration", _encryption, "DeleteBucketEncryption"),
    "LifecycleConfiguration": ("PutBucketLifecycleConfiguration", "LifecycleConfiguration", _rules, "DeleteBucketLifecycle"),
    "LoggingConfiguration": ("PutBucketLogging", "BucketLoggingStatus", _logging, None),
    "OwnershipControls": ("PutBucketOwnershipControls", "OwnershipControls", dict, "DeleteBucketOwnershipControls"),
    "PublicAccessBlockConfiguration": ("PutPublicAccessBlock", "PublicAccessBlockConfiguration", dict, "DeletePublicAccessBlock"),
    "VersioningConfiguration": ("PutBucketVersioning", "VersioningConfiguration", dict, None),
}


@kind("AWS::S3::Bucket", " ".join(_CONFIGURATION) + " AccessControl BucketName", "BucketName", tags=True)
class Bucket:
    def create(c, p):
        name = p.get("BucketName") or c.name(63, lower=True)
        c.call("s3", "CreateBucket", Bucket=name, **({} if c.region == "us-east-1" else {
            "CreateBucketConfiguration": {"LocationConstraint": c.region}}))
        c.made(name)
        Bucket.update(c, name, {}, p)
        s3 = f"s3.{c.region}.amazonaws.com"
        return name, {"Arn": f"arn:aws:s3:::{name}", "DomainName": f"{name}.s3.amazonaws.com",
                      "RegionalDomainName": f"{name}.{s3}", "WebsiteURL": f"http://{name}.s3-website-{c.region}.amazonaws.com",
                      "DualStackDomainName": f"{name}.s3.dualstack.{c.region}.amazonaws.com"}

    def update(c, id, old, new):
        for name, (put, parameter, form, remove) in _CONFIGURATION.items():
            if changed(old, new, name):
                if name in new:
                    c.call("s3", put, Bucket=id, **{parameter: form(new[name])})
                elif remove:
                    c.call("s3", remove, Bucket=id)
        if changed(old, new, "Tags"):
            if new.get("Tags"):
                c.call("s3", "PutBucketTagging", Bucket=id, Tagging={"TagSet": new["Tags"]})
            else:
                c.call("s3", "DeleteBucketTagging", Bucket=id)

    def delete(c, id, p):
        gone(lambda: c.call("s3", "DeleteBucket", Bucket=id), "NoSuchBucket")


@kind("AWS::S3::BucketPolicy", "Bucket PolicyDocument", "Bucket")
class BucketPolicy:
    def create(c, p):
        BucketPolicy.update(c, p["Bucket"], {}, p)
        return c.made(p["Bucket"]), {}

    def update(c, id, old, new):
        document = new["PolicyDocument"]
        c.call("s3", "PutBucketPolicy", Bucket=new["Bucket"], Policy=document if isinstance(document, str) else json.dumps(document))

    def delete(c, id, p):
        gone(lambda: c.call("s3", "DeleteBucketPolicy", Bucket=id), "NoSuchBucket")


@kind("AWS::ECR::Repository", "EmptyOnDelete EncryptionConfiguration ImageScanningConfiguration ImageTagMutability LifecyclePolicy "
      "RepositoryName RepositoryPolicyText", "EncryptionConfiguration RepositoryName", tags=True)
class Repository:
    def create(c, p):
        name = p.get("RepositoryName") or c.name(256, lower=True)
        made = c.call("ecr", "CreateRepository", repositoryName=name, tags=p.get("Tags") or None,
                      imageScanningConfiguration=_lower(p.get("ImageScanningConfiguration")),
                      imageTagMutability=p.get("ImageTagMutability"),
                      encryptionConfiguration=_lower(p.get("EncryptionConfiguration")))["repository"]
        c.made(name)
        Repository._rest(c, name, {}, p)
        return name, {"Arn": made["repositoryArn"], "RepositoryUri": made["repositoryUri"]}

    def _rest(c, id, old, new):
        if changed(old, new, "LifecyclePolicy") and "LifecyclePolicy" in new:
            c.call("ecr", "PutLifecyclePolicy", repositoryName=id, lifecyclePolicyText=new["LifecyclePolicy"]["LifecyclePolicyText"])
        if changed(old, new, "RepositoryPolicyText") and "RepositoryPolicyText" in new:
            c.call("ecr", "SetRepositoryPolicy", repositoryName=id, policyText=json.dumps(new["RepositoryPolicyText"]))

    def update(c, id, old, new):
        if changed(old, new, "ImageTagMutability"):
            c.call("ecr", "PutImageTagMutability", repositoryName=id, imageTagMutability=new.get("ImageTagMutability", "MUTABLE"))
        if changed(old, new, "ImageScanningConfiguration"):
            c.call("ecr", "PutImageScanningConfiguration", repositoryName=id,
                   imageScanningConfiguration=_lower(new.get("ImageScanningConfiguration") or {"ScanOnPush": False}))
        Repository._rest(c, id, old, new)
        arn = c.resource.attributes["Arn"]
        retag(old, new, lambda tags: c.call("ecr", "TagResource", resourceArn=arn, tags=tags),
              lambda keys: c.call("ecr", "UntagResource", resourceArn=arn, tagKeys=keys))

    def delete(c, id, p):
        force = str(p.get("EmptyOnDelete", "false")).lower() == "true"
        gone(lambda: c.call("ecr", "DeleteRepository", repositoryName=id, force=force), "RepositoryNotFoundException")


def _lower(members):
    """The same structure with the lower-case names of the ECR API."""
    return None if members is None else {k[0].lower() + k[1:]: v for k, v in members.items()}


_QUEUE = ("DelaySeconds FifoQueue ContentBasedDeduplication KmsMasterKeyId MaximumMessageSize MessageRetentionPeriod "
          "ReceiveMessageWaitTimeSeconds RedrivePolicy SqsManagedSseEnabled VisibilityTimeout")


@kind("AWS::SQS::Queue", _QUEUE + " QueueName", "QueueName FifoQueue", tags=True)
class Queue:
    def _settings(p):
        return {k: json.dumps(v) if isinstance(v, dict) else str(v).lower() if isinstance(v, bool) else str(v)
                for k, v in pick(p, *_QUEUE.split()).items()}

    def create(c, p):
        fifo = str(p.get("FifoQueue", "false")).lower() == "true"
        name = p.get("QueueName") or c.name(75) + (".fifo" if fifo else "")
        url = c.made(c.call("sqs", "CreateQueue", QueueName=name, Attributes=Queue._settings(p),
                            tags={t["Key"]: t["Value"] for t in p.get("Tags") or []})["QueueUrl"])
        arn = c.call("sqs", "GetQueueAttributes", QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        return url, {"Arn": arn, "QueueName": name, "QueueUrl": url}

    def update(c, id, old, new):
        c.call("sqs", "SetQueueAttributes", QueueUrl=id, Attributes=Queue._settings(new))
        retag(old, new, lambda tags: c.call("sqs", "TagQueue", QueueUrl=id, Tags={t["Key"]: t["Value"] for t in tags}),
              lambda keys: c.call("sqs", "UntagQueue", QueueUrl=id, TagKeys=keys))

    def delete(c, id, p):
        gone(lambda: c.call("sqs", "DeleteQueue", QueueUrl=id), "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")


@kind("AWS::SQS::QueuePolicy", "PolicyDocument Queues", "Queues")
class QueuePolicy:
    def _put(c, queues, policy):
        for queue in queues:
            gone(lambda: c.call("sqs", "SetQueueAttributes", QueueUrl=queue, Attributes={"Policy": policy}), "QueueDoesNotExist",
                 "AWS.SimpleQueueService.NonExistentQueue")

    def create(c, p):
        QueuePolicy.update(c, None, {}, p)
        id = c.made(c.name(64))
        return id, {"Id": id}

    def update(c, id, old, new):
        QueuePolicy._put(c, new["Queues"], json.dumps(new["PolicyDocument"]))

    def delete(c, id, p):
        QueuePolicy._put(c, p["Queues"], "")


@kind("AWS::DynamoDB::Table", "AttributeDefinitions BillingMode DeletionProtectionEnabled KeySchema PointInTimeRecoverySpecification "
      "ProvisionedThroughput SSESpecification TableName", "AttributeDefinitions KeySchema TableName", tags=True)
class Table:
    def _settings(p):
        settings = pick(p, "BillingMode", "DeletionProtectionEnabled", "ProvisionedThroughput")
        if "SSESpecification" in p:
            settings["SSESpecification"] = {"Enabled" if k == "SSEEnabled" else k: v for k, v in p["SSESpecification"].items()}
        return settings

    def create(c, p):
        name = p.get("TableName") or c.name(255)
        made = c.call("dynamodb", "CreateTable", TableName=name, Tags=p.get("Tags") or None,
                      **pick(p, "AttributeDefinitions", "KeySchema"), **Table._settings(p))["TableDescription"]
        c.made(name)
        Table._recovery(c, name, p)
        return name, {"Arn": made["TableArn"]}

    def _recovery(c, id, p):
        if "PointInTimeRecoverySpecification" in p:
            c.call("dynamodb", "UpdateContinuousBackups", TableName=id,
                   PointInTimeRecoverySpecification=p["PointInTimeRecoverySpecification"])

    def update(c, id, old, new):
        if Table._settings(old) != Table._settings(new):
            c.call("dynamodb", "UpdateTable", TableName=id, **Table._settings(new))
        Table._recovery(c, id, new)
        arn = c.resource.attributes["Arn"]
        retag(old, new, lambda tags: c.call("dynamodb", "TagResource", ResourceArn=arn, Tags=tags),
              lambda keys: c.call("dynamodb", "UntagResource", ResourceArn=arn, TagKeys=keys))

    def delete(c, id, p):
        gone(lambda: c.call("dynamodb", "DeleteTable", TableName=id), "ResourceNotFoundException")


def _retag(c, arn, old, new):
    retag(old, new, lambda tags: c.call("rds", "AddTagsToResource", ResourceName=arn, Tags=tags),
          lambda keys: c.call("rds", "RemoveTagsFromResource", ResourceName=arn, TagKeys=keys))


@kind("AWS::RDS::DBSubnetGroup", "DBSubnetGroupDescription DBSubnetGroupName SubnetIds", "DBSubnetGroupName", tags=True)
class DBSubnetGroup:
    def create(c, p):
        name = (p.get("DBSubnetGroupName") or c.name(255)).lower()
        made = c.call("rds", "CreateDBSubnetGroup", DBSubnetGroupName=name, Tags=p.get("Tags") or None,
                      **pick(p, "DBSubnetGroupDescription", "SubnetIds"))["DBSubnetGroup"]
        return c.made(name), {"Arn": made["DBSubnetGroupArn"]}

    def update(c, id, old, new):
        if changed(old, new, "DBSubnetGroupDescription", "SubnetIds"):
            raise Refused("moto loses a subnet group that it changes: destroy the stack and deploy it anew")
        _retag(c, c.resource.attributes["Arn"], old, new)

    def delete(c, id, p):
        gone(lambda: c.call("rds", "DeleteDBSubnetGroup", DBSubnetGroupName=id), "DBSubnetGroupNotFoundFault")


_DB = ("AllocatedStorage AutoMinorVersionUpgrade AvailabilityZone BackupRetentionPeriod CACertificateIdentifier CopyTagsToSnapshot "
       "DBInstanceClass DBName DBParameterGroupName DBSubnetGroupName DeletionProtection EnableCloudwatchLogsExports "
       "EnableIAMDatabaseAuthentication EnablePerformanceInsights Engine EngineVersion Iops KmsKeyId LicenseModel MasterUserPassword "
       "MasterUsername MaxAllocatedStorage MonitoringInterval MonitoringRoleArn MultiAZ Port PreferredBackupWindow PreferredMaintenanceWindow PubliclyAccessible "
       "StorageEncrypted StorageThroughput StorageType CharacterSetName DatabaseInsightsMode Domain DomainIAMRoleName "
       "EngineLifecycleSupport ManageMasterUserPassword NetworkType OptionGroupName PerformanceInsightsKMSKeyId "
       "PerformanceInsightsRetentionPeriod Timezone")


@kind("AWS::RDS::DBInstance", _DB + " DBInstanceIdentifier VPCSecurityGroups",
      "DBInstanceIdentifier DBName DBSubnetGroupName Engine KmsKeyId MasterUsername Port StorageEncrypted", tags=True)
class DBInstance:
    def create(c, p):
        name = (p.get("DBInstanceIdentifier") or c.name(63)).lower()
        c.call("rds", "CreateDBInstance", DBInstanceIdentifier=name, VpcSecurityGroupIds=p.get("VPCSecurityGroups"),
               Tags=p.get("Tags") or None, **pick(p, *_DB.split()))
        c.made(name)
        found = c.call("rds", "DescribeDBInstances", DBInstanceIdentifier=name)["DBInstances"][0]
        return name, {"Endpoint.Address": found["Endpoint"]["Address"], "Endpoint.Port": str(found["Endpoint"]["Port"]),
                      "DBInstanceArn": found["DBInstanceArn"], "DbiResourceId": found["DbiResourceId"]}

    def update(c, id, old, new):
        different = [n for n in _DB.split() if changed(old, new, n)]
        c.call("rds", "ModifyDBInstance", DBInstanceIdentifier=id, VpcSecurityGroupIds=new.get("VPCSecurityGroups"),
               ApplyImmediately=True, **pick(new, *different))
        _retag(c, c.resource.attributes["DBInstanceArn"], old, new)

    def delete(c, id, p):
        final = {"SkipFinalSnapshot": True}
        if c.resource.raw.get("DeletionPolicy") == "Snapshot":
            final = {"FinalDBSnapshotIdentifier": c.name(255).lower()}
        gone(lambda: c.call("rds", "DeleteDBInstance", DBInstanceIdentifier=id, **final), "DBInstanceNotFound")


@kind("AWS::SecretsManager::SecretTargetAttachment", "SecretId TargetId TargetType")
class SecretTargetAttachment:
    """Writes where the database is into the secret, as CloudFormation does."""

    def create(c, p):
        secret = json.loads(c.call("secretsmanager", "GetSecretValue", SecretId=p["SecretId"])["SecretString"])
        found = c.call("rds", "DescribeDBInstances", DBInstanceIdentifier=p["TargetId"])["DBInstances"][0]
        secret.update(host=found["Endpoint"]["Address"], port=found["Endpoint"]["Port"], engine=found["Engine"],
                      dbname=found.get("DBName", ""), dbInstanceIdentifier=p["TargetId"])
        c.call("secretsmanager", "PutSecretValue", SecretId=p["SecretId"], SecretString=json.dumps(secret))
        return c.made(p["SecretId"]), {}

    def delete(c, id, p):
        pass  # the secret goes, or stays as it is
