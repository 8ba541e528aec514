"""Everything that somebody made here, for a look and for the question whether something was left behind."""

import aws

# Name: service, operation, where the items are, where the id of an item is (None: it is its id), and which items do not count
# because AWS (or moto) has them from the start or keeps a trace of them after the end.
_LISTS = {
    "AWS::EC2::VPC": ("ec2", "DescribeVpcs", "Vpcs", "VpcId", lambda i: i["IsDefault"]),
    "AWS::EC2::Subnet": ("ec2", "DescribeSubnets", "Subnets", "SubnetId", lambda i: i["DefaultForAz"]),
    "AWS::EC2::RouteTable": ("ec2", "DescribeRouteTables", "RouteTables", "RouteTableId",
                             lambda i: any(a.get("Main") for a in i.get("Associations", []))),
    "AWS::EC2::InternetGateway": ("ec2", "DescribeInternetGateways", "InternetGateways", "InternetGatewayId", None),
    "AWS::EC2::NatGateway": ("ec2", "DescribeNatGateways", "NatGateways", "NatGatewayId", lambda i: i["State"] == "deleted"),
    "AWS::EC2::EIP": ("ec2", "DescribeAddresses", "Addresses", "PublicIp", None),
    "AWS::EC2::SecurityGroup": ("ec2", "DescribeSecurityGroups", "SecurityGroups", "GroupId", lambda i: i["GroupName"] == "default"),
    "AWS::EC2::NetworkInterface": ("ec2", "DescribeNetworkInterfaces", "NetworkInterfaces", "NetworkInterfaceId", None),
    "AWS::EC2::Instance": ("ec2", "DescribeInstances", "Reservations.Instances", "InstanceId", lambda i: i["State"]["Name"] == "terminated"),
    "AWS::EC2::LaunchTemplate": ("ec2", "DescribeLaunchTemplates", "LaunchTemplates", "LaunchTemplateId", None),
    "AWS::EC2::VPCEndpoint": ("ec2", "DescribeVpcEndpoints", "VpcEndpoints", "VpcEndpointId", lambda i: i["State"] == "deleted"),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ("elbv2", "DescribeLoadBalancers", "LoadBalancers", "LoadBalancerArn", None),
    "AWS::ElasticLoadBalancingV2::TargetGroup": ("elbv2", "DescribeTargetGroups", "TargetGroups", "TargetGroupArn", None),
    "AWS::AutoScaling::AutoScalingGroup": ("autoscaling", "DescribeAutoScalingGroups", "AutoScalingGroups", "AutoScalingGroupName", None),
    "AWS::IAM::Role": ("iam", "ListRoles", "Roles", "RoleName", lambda i: "/aws-service-role/" in i["Path"]),
    "AWS::IAM::InstanceProfile": ("iam", "ListInstanceProfiles", "InstanceProfiles", "InstanceProfileName", None),
    "AWS::S3::Bucket": ("s3", "ListBuckets", "Buckets", "Name", None),
    "AWS::ECR::Repository": ("ecr", "DescribeRepositories", "repositories", "repositoryName", None),
    "AWS::SSM::Parameter": ("ssm", "DescribeParameters", "Parameters", "Name", lambda i: i["Name"].startswith("/aws/")),
    "AWS::SecretsManager::Secret": ("secretsmanager", "ListSecrets", "SecretList", "ARN", None),
    "AWS::CertificateManager::Certificate": ("acm", "ListCertificates", "CertificateSummaryList", "CertificateArn", None),
    "AWS::Lambda::Function": ("lambda", "ListFunctions", "Functions", "FunctionName", None),
    "AWS::Logs::LogGroup": ("logs", "DescribeLogGroups", "logGroups", "logGroupName", None),
    "AWS::CloudWatch::Alarm": ("cloudwatch", "DescribeAlarms", "MetricAlarms", "AlarmName", None),
    "AWS::SNS::Topic": ("sns", "ListTopics", "Topics", "TopicArn", None),
    "AWS::SQS::Queue": ("sqs", "ListQueues", "QueueUrls", None, None),
    "AWS::DynamoDB::Table": ("dynamodb", "ListTables", "TableNames", None, None),
    "AWS::RDS::DBInstance": ("rds", "DescribeDBInstances", "DBInstances", "DBInstanceIdentifier", None),
    "AWS::RDS::DBSubnetGroup": ("rds", "DescribeDBSubnetGroups", "DBSubnetGroups", "DBSubnetGroupName", None),
    "AWS::WAFv2::WebACL": ("wafv2", "ListWebACLs", "WebACLs", "ARN", None),
    "AWS::EC2::EgressOnlyInternetGateway": ("ec2", "DescribeEgressOnlyInternetGateways", "EgressOnlyInternetGateways",
                                            "EgressOnlyInternetGatewayId", None),
    "AWS::EC2::FlowLog": ("ec2", "DescribeFlowLogs", "FlowLogs", "FlowLogId", None),
    "AWS::AutoScaling::ScheduledAction": ("autoscaling", "DescribeScheduledActions", "ScheduledUpdateGroupActions", "ScheduledActionName", None),
    "AWS::AutoScaling::ScalingPolicy": ("autoscaling", "DescribePolicies", "ScalingPolicies", "PolicyName", None),
    "AWS::Route53::HostedZone": ("route53", "ListHostedZones", "HostedZones", "Id", None),
    "AWS::ElasticBeanstalk::Application": ("elasticbeanstalk", "DescribeApplications", "Applications", "ApplicationName", None),
    "AWS::ElasticBeanstalk::ApplicationVersion": ("elasticbeanstalk", "DescribeApplicationVersions", "ApplicationVersions", "VersionLabel", None),
    "AWS::ElasticBeanstalk::Environment": ("elasticbeanstalk", "DescribeEnvironments", "Environments", "EnvironmentName", None),
    "AWS::CloudFormation::Stack": ("cloudformation", "DescribeStacks", "Stacks", "StackName", None),
}

_ARGUMENTS = {"ListWebACLs": {"Scope": "REGIONAL"}}
_MOTO = {"elbv2": "elb", "lambda": "awslambda"}


def resources(loaded, region=aws.REGION):
    """The ids of everything there is, by type; types of which there is nothing are left out. loaded: the parts of moto that
    anybody has used, by moto's names; in the others there is nothing."""
    found = {}
    for name, (service, operation, path, identity, ignored) in _LISTS.items():
        if service not in ("cloudformation", "elasticbeanstalk") and _MOTO.get(service, service) not in loaded:
            continue
        ids = []
        client = aws.client(service, region)
        method, arguments = aws.botocore.xform_name(operation), _ARGUMENTS.get(operation, {})
        pages = client.get_paginator(method).paginate() if client.can_paginate(method) else [getattr(client, method)(**arguments)]
        for page in pages:
            items = [page]
            for part in path.split("."):
                items = [i for item in items for i in item.get(part, [])]
            ids += [i if identity is None else i[identity] for i in items if not (ignored and ignored(i))]
        if ids:
            found[name] = sorted(ids)
    return found
