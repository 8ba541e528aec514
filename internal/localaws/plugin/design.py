"""What Elastic Beanstalk makes for an environment: from its option settings to the template of its own stack."""

import json

import aws
from query import Error

_PROCESS = "aws:elasticbeanstalk:environment:process:"
LISTENER = "aws:elbv2:listener:"
RULE = "aws:elbv2:listenerrule:"
_WORKER = "aws:elasticbeanstalk:sqsd"

# The logical id that a setting carries when it is read back.
_RESOURCE_NAMES = {
    "aws:autoscaling:asg": "AWSEBAutoScalingGroup",
    "aws:autoscaling:launchconfiguration": "AWSEBAutoScalingLaunchConfiguration",
    "aws:elasticbeanstalk:environment:process:default": "AWSEBV2LoadBalancerTargetGroup",
}


def invalid(message):
    return Error("InvalidParameterValue", message)


def split(text):
    return [item.strip() for item in (text or "").split(",") if item.strip()]


def is_true(text):
    return str(text).lower() == "true"


class Configuration:
    """Option settings: one value for each (namespace, option name); a resource name counts for scheduled actions only."""

    def __init__(self, values=None):
        self.values = dict(values or {})

    @staticmethod
    def key(setting):
        resource = setting.get("ResourceName", "") if setting["Namespace"] == "aws:autoscaling:scheduledaction" else ""
        return setting["Namespace"], resource or "", setting["OptionName"]

    def merged(self, settings, removed=()):
        """With these settings put in, and removed ones taken out; what is not named stays."""
        values = dict(self.values)
        for setting in removed or ():
            values.pop(self.key(setting), None)
        for setting in settings or ():
            if not setting.get("Namespace") or not setting.get("OptionName"):
                raise invalid("An option setting needs Namespace and OptionName.")
            values[self.key(setting)] = setting.get("Value") or ""
        return Configuration(values)

    def get(self, namespace, name, default=None):
        value = self.values.get((namespace, "", name))
        return default if value in (None, "") else value

    def over(self, settings):
        """These over other settings, a list as the API has it."""
        return Configuration({**Configuration().merged(settings).values, **self.values})

    def namespaces(self, prefix):
        """The last parts of the namespaces that begin with prefix."""
        return sorted({n[len(prefix):] for n, _, _ in self.values if n.startswith(prefix)})

    def answer(self):
        out = []
        for (namespace, resource, name), value in sorted(self.values.items()):
            setting = {"Namespace": namespace, "OptionName": name, "Value": value}
            if resource or namespace in _RESOURCE_NAMES:
                setting["ResourceName"] = resource or _RESOURCE_NAMES[namespace]
            out.append(setting)
        return out


def _mapping(text):
    """DEVICE=SNAPSHOT:SIZE:DELETE ON TERMINATION:TYPE:IOPS:THROUGHPUT, where parts may be empty or left out."""
    device, _, rest = text.partition("=")
    names = ("SnapshotId", "VolumeSize", "DeleteOnTermination", "VolumeType", "Iops", "Throughput")
    return {"DeviceName": device, "Ebs": {name: part for name, part in zip(names, rest.split(":")) if part}}


class Design:
    """The template of an environment's own stack."""

    def __init__(self, environment, settings):
        self.environment, self.settings, self.region = environment, settings, environment.region
        get = settings.get
        self.single = get("aws:elasticbeanstalk:environment", "EnvironmentType", "LoadBalanced").lower() == "singleinstance"
        kind = get("aws:elasticbeanstalk:environment", "LoadBalancerType", "classic").lower()
        self.worker = environment.tier["Name"] == "Worker"
        self.balanced = not self.single and not self.worker
        if self.balanced and kind != "application":
            raise invalid(f"LoadBalancerType is {kind} (classic when not set): the local AWS makes application load balancers "
                          "only; set aws:elasticbeanstalk:environment LoadBalancerType=application")
        self.shared = self.balanced and is_true(get("aws:elasticbeanstalk:environment", "LoadBalancerIsShared"))
        self.vpc = get("aws:ec2:vpc", "VPCId") or self._default_vpc()
        self.subnets = split(get("aws:ec2:vpc", "Subnets")) or self._default_subnets()
        self.groups = split(get("aws:autoscaling:launchconfiguration", "SecurityGroups"))
        self.own_group = not is_true(get("aws:autoscaling:launchconfiguration", "DisableDefaultEC2SecurityGroup"))
        self.balancer_groups = split(get("aws:elbv2:loadbalancer", "SecurityGroups"))
        managed = get("aws:elbv2:loadbalancer", "ManagedSecurityGroup")
        if managed and managed not in self.balancer_groups:
            self.balancer_groups.append(managed)
        self._check_exists()
        self.listeners = self._shared_listeners() if self.shared else {}

    def _default_vpc(self):
        found = aws.call(self.region, "ec2", "DescribeVpcs", Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
        if not found:
            raise invalid("No default VPC for this user.")
        return found[0]["VpcId"]

    def _default_subnets(self):
        found = aws.call(self.region, "ec2", "DescribeSubnets", Filters=[{"Name": "vpc-id", "Values": [self.vpc]}])["Subnets"]
        return [s["SubnetId"] for s in found]

    def _check_exists(self):
        """Refuses settings that name what is not there: an instance would not start, or Beanstalk would not even try."""
        get, wrong = self.settings.get, []

        def check(namespace, name, service, operation, parameter, value):
            try:
                aws.call(self.region, service, operation, **{parameter: value})
            except aws.ClientError as e:
                wrong.append(f"Invalid option value: '{value if isinstance(value, str) else ','.join(value)}' (Namespace: "
                             f"'{namespace}', OptionName: '{name}'): {e.response['Error'].get('Message')}")
        launch = "aws:autoscaling:launchconfiguration"
        profile = get(launch, "IamInstanceProfile")
        if profile:
            check(launch, "IamInstanceProfile", "iam", "GetInstanceProfile", "InstanceProfileName", profile.split("/")[-1])
        role = get("aws:elasticbeanstalk:environment", "ServiceRole")
        if role:
            check("aws:elasticbeanstalk:environment", "ServiceRole", "iam", "GetRole", "RoleName", role.split("/")[-1])
        if get("aws:ec2:vpc", "VPCId"):
            check("aws:ec2:vpc", "VPCId", "ec2", "DescribeVpcs", "VpcIds", [self.vpc])
        for name in ("Subnets", "ELBSubnets"):
            if value := split(get("aws:ec2:vpc", name)):
                check("aws:ec2:vpc", name, "ec2", "DescribeSubnets", "SubnetIds", value)
        for namespace, groups in ((launch, self.groups), ("aws:elbv2:loadbalancer", self.balancer_groups)):
            if groups and all(g.startswith("sg-") for g in groups):
                check(namespace, "SecurityGroups", "ec2", "DescribeSecurityGroups", "GroupIds", groups)
        if key := get(launch, "EC2KeyName"):
            check(launch, "EC2KeyName", "ec2", "DescribeKeyPairs", "KeyNames", [key])
        if self.worker and (queue := get(_WORKER, "WorkerQueueURL")):
            check(_WORKER, "WorkerQueueURL", "sqs", "GetQueueAttributes", "QueueUrl", queue)
        topics = "aws:elasticbeanstalk:sns:topics"
        if topic := get(topics, "Notification Topic ARN"):
            check(topics, "Notification Topic ARN", "sns", "GetTopicAttributes", "TopicArn", topic)
        secrets = "aws:elasticbeanstalk:application:environmentsecrets"
        for namespace, _, name in self.settings.values:
            if namespace == secrets:
                value = get(secrets, name)
                if ":secretsmanager:" in value:
                    check(secrets, name, "secretsmanager", "DescribeSecret", "SecretId", ":".join(value.split(":")[:7]))
                else:
                    check(secrets, name, "ssm", "GetParameter", "Name", value.split(":parameter")[-1])
        if wrong:
            raise Error("ConfigurationValidationException", "Configuration validation exception: " + "; ".join(wrong))

    def _shared_listeners(self):
        """The listeners of the shared load balancer, by port."""
        arn = self.settings.get("aws:elbv2:loadbalancer", "SharedLoadBalancer")
        where = "(Namespace: 'aws:elbv2:loadbalancer', OptionName: 'SharedLoadBalancer')"
        if not arn:
            raise invalid(f"LoadBalancerIsShared is true, and no load balancer is named {where}.")
        try:
            found = aws.call(self.region, "elbv2", "DescribeLoadBalancers", LoadBalancerArns=[arn])["LoadBalancers"][0]
        except aws.ClientError as e:
            raise Error("ConfigurationValidationException", f"Configuration validation exception: Invalid option value: '{arn}' {where}: "
                        f"{e.response['Error'].get('Message')}")
        if found["Type"] != "application" or found["VpcId"] != self.vpc:
            raise Error("ConfigurationValidationException", f"Configuration validation exception: Invalid option value: '{arn}' {where}: "
                        f"an application load balancer in {self.vpc} is needed; it is of type {found['Type']} in {found['VpcId']}")
        self.balancer = found
        listeners = aws.call(self.region, "elbv2", "DescribeListeners", LoadBalancerArn=arn)["Listeners"]
        if not listeners:
            raise Error("ConfigurationValidationException", f"Configuration validation exception: '{arn}' {where} has no listener.")
        return {str(l["Port"]): l["ListenerArn"] for l in listeners}

    # -- the resources

    def processes(self):
        return sorted({"default", *self.settings.namespaces(_PROCESS)})

    @staticmethod
    def group_id(process):
        """The logical id of a process's target group. AWS documents that of the default process only."""
        return "AWSEBV2LoadBalancerTargetGroup" + ("" if process == "default" else process.encode().hex())

    def template(self):
        resources = {}
        if self.balanced:
            for process in self.processes():
                resources[self.group_id(process)] = {
                    "Type": "AWS::ElasticLoadBalancingV2::TargetGroup", "Properties": self._target_group(process)}
        if self.shared:
            resources.update(self._shared_rules())
        elif self.balanced:
            resources.update(self._balancer())
        if self.single and not self.worker:
            resources["AWSEBEIP"] = {"Type": "AWS::EC2::EIP", "Properties": {"Domain": "vpc"}}
        if self.worker:
            resources.update(self._queues())
        resources.update(self._notifications())
        if self.own_group:
            resources["AWSEBSecurityGroup"] = {"Type": "AWS::EC2::SecurityGroup", "Properties": {
                "GroupDescription": "SecurityGroup for ElasticBeanstalk environment.", "VpcId": self.vpc,
                "SecurityGroupIngress": self._ingress()}}
        resources["AWSEBEC2LaunchTemplate"] = {"Type": "AWS::EC2::LaunchTemplate", "Properties": {
            "LaunchTemplateData": self._launch(),
            "TagSpecifications": [{"ResourceType": "launch-template", "Tags": self.environment.all_tags()}]}}
        resources["AWSEBAutoScalingGroup"] = {"Type": "AWS::AutoScaling::AutoScalingGroup", "Properties": self._group()}
        if not self.single:
            resources.update(self._triggers())
            resources.update(self._scheduled_actions())
        return {"Resources": resources}

    def _group(self):
        get, asg, spot = self.settings.get, "aws:autoscaling:asg", "aws:ec2:instances"
        group = {
            "MinSize": "1" if self.single else get(asg, "MinSize", "1"), "MaxSize": "1" if self.single else get(asg, "MaxSize", "4"),
            "VPCZoneIdentifier": self.subnets, "Cooldown": get(asg, "Cooldown", "360"),
            "TargetGroupARNs": [{"Ref": self.group_id(p)} for p in self.processes()] if self.balanced else []}
        template = {"LaunchTemplateId": {"Ref": "AWSEBEC2LaunchTemplate"},
                    "Version": {"Fn::GetAtt": ["AWSEBEC2LaunchTemplate", "LatestVersionNumber"]}}
        if is_true(get(asg, "EnableCapacityRebalancing")):
            group["CapacityRebalance"] = "true"
        if not is_true(get(spot, "EnableSpot")):
            return {**group, "LaunchTemplate": template}
        distribution = {"OnDemandBaseCapacity": get(spot, "SpotFleetOnDemandBase", "0"),
                        "OnDemandPercentageAboveBaseCapacity": get(spot, "SpotFleetOnDemandAboveBasePercentage", "0" if self.single else "70"),
                        "SpotAllocationStrategy": get(spot, "SpotAllocationStrategy", "capacity-optimized")}
        if (price := get(spot, "SpotMaxPrice", "null")) != "null":  # which is the On-Demand price
            distribution["SpotMaxPrice"] = price
        return {**group, "MixedInstancesPolicy": {"InstancesDistribution": distribution, "LaunchTemplate": {
            "LaunchTemplateSpecification": template,
            "Overrides": [{"InstanceType": t} for t in split(get(spot, "InstanceTypes"))]}}}

    def _queues(self):
        """A queue and its dead-letter queue, unless the worker reads from somebody else's; the table in which the instances
        elect who runs the periodic tasks."""
        def get(name, default):
            return self.settings.get(_WORKER, name, default)
        key = "registry-id"
        resources = {"AWSEBWorkerCronLeaderRegistry": {"Type": "AWS::DynamoDB::Table", "Properties": {
            "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
            "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}}}}
        if get("WorkerQueueURL", None) is None:
            resources["AWSEBWorkerDeadLetterQueue"] = {"Type": "AWS::SQS::Queue", "Properties": {}}
            resources["AWSEBWorkerQueue"] = {"Type": "AWS::SQS::Queue", "Properties": {
                "VisibilityTimeout": get("VisibilityTimeout", "300"), "MessageRetentionPeriod": get("RetentionPeriod", "345600"),
                "RedrivePolicy": {"deadLetterTargetArn": {"Fn::GetAtt": ["AWSEBWorkerDeadLetterQueue", "Arn"]},
                                  "maxReceiveCount": int(get("MaxRetries", "10"))}}}
        return resources

    def _notifications(self):
        """A topic for the endpoint that is to be notified, unless there is one. AWS documents its name, not its logical id."""
        def get(name, default=None):
            return self.settings.get("aws:elasticbeanstalk:sns:topics", name, default)
        if not get("Notification Endpoint") or get("Notification Topic ARN"):
            return {}
        name = get("Notification Topic Name", f"ElasticBeanstalkNotifications-Environment-{self.environment.name}")
        return {"AWSEBNotificationTopic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}},
                "AWSEBNotificationSubscription": {"Type": "AWS::SNS::Subscription", "Properties": {
                    "TopicArn": {"Ref": "AWSEBNotificationTopic"}, "Endpoint": get("Notification Endpoint"),
                    "Protocol": get("Notification Protocol", "email")}}}

    def _triggers(self):
        """The one trigger that an environment has: an alarm above, an alarm below, and what each does."""
        def get(name, default):
            return self.settings.get("aws:autoscaling:trigger", name, default)
        measure, period = get("MeasureName", "NetworkOut"), int(get("Period", "5"))
        group, namespace = {"Name": "AutoScalingGroupName", "Value": {"Ref": "AWSEBAutoScalingGroup"}}, "AWS/EC2"
        if measure in ("Latency", "RequestCount", "TargetResponseTime", "HealthyHostCount", "UnhealthyHostCount"):
            if not self.balanced:
                raise invalid(f"The trigger's MeasureName {measure} needs a load balancer.")
            full = self.balancer["LoadBalancerArn"].split(":loadbalancer/")[1] if self.shared else {
                "Fn::GetAtt": ["AWSEBV2LoadBalancer", "LoadBalancerFullName"]}
            group, namespace = {"Name": "LoadBalancer", "Value": full}, "AWS/ApplicationELB"
        alarm = {"Namespace": namespace, "MetricName": measure, "Statistic": get("Statistic", "Average"), "Dimensions": [group],
                 "Unit": get("Unit", "Bytes"), "Period": 60 * period,
                 "EvaluationPeriods": get("EvaluationPeriods", None) or max(1, int(get("BreachDuration", "5")) // period)}
        resources = {}
        for which, policy, comparison, threshold, increment in (
                ("High", "Up", "GreaterThanThreshold", get("UpperThreshold", "6000000"), get("UpperBreachScaleIncrement", "1")),
                ("Low", "Down", "LessThanThreshold", get("LowerThreshold", "2000000"), get("LowerBreachScaleIncrement", "-1"))):
            kind = "PercentChangeInCapacity" if increment.endswith("%") else "ChangeInCapacity"
            resources[f"AWSEBAutoScalingScale{policy}Policy"] = {"Type": "AWS::AutoScaling::ScalingPolicy", "Properties": {
                "AutoScalingGroupName": {"Ref": "AWSEBAutoScalingGroup"}, "AdjustmentType": kind,
                "ScalingAdjustment": increment.rstrip("%")}}
            resources[f"AWSEBCloudwatchAlarm{which}"] = {"Type": "AWS::CloudWatch::Alarm", "Properties": {
                **alarm, "ComparisonOperator": comparison, "Threshold": threshold,
                "AlarmActions": [{"Ref": f"AWSEBAutoScalingScale{policy}Policy"}]}}
        return resources

    def _scheduled_actions(self):
        namespace, resources = "aws:autoscaling:scheduledaction", {}
        for name in sorted({r for n, r, _ in self.settings.values if n == namespace}):
            given = {o: v for (n, r, o), v in self.settings.values.items() if n == namespace and r == name and v != ""}
            if is_true(given.pop("Suspend", "false")):
                continue
            resources["AWSEBScheduledAction" + name.encode().hex()] = {"Type": "AWS::AutoScaling::ScheduledAction", "Properties": {
                "AutoScalingGroupName": {"Ref": "AWSEBAutoScalingGroup"}, **given}}
        return resources

    def _target_group(self, process):
        def get(name, default):
            return self.settings.get(_PROCESS + process, name, default)
        return {
            "VpcId": self.vpc, "Port": get("Port", "80"), "Protocol": get("Protocol", "HTTP").upper(),
            "HealthCheckPath": get("HealthCheckPath", "/"), "HealthCheckProtocol": get("Protocol", "HTTP").upper(),
            "HealthCheckIntervalSeconds": get("HealthCheckInterval", "15"),
            "HealthCheckTimeoutSeconds": get("HealthCheckTimeout", "5"),
            "HealthyThresholdCount": get("HealthyThresholdCount", "3"),
            "UnhealthyThresholdCount": get("UnhealthyThresholdCount", "5"),
            "Matcher": {"HttpCode": get("MatcherHTTPCode", "200")},
            "TargetGroupAttributes": [
                {"Key": "deregistration_delay.timeout_seconds", "Value": get("DeregistrationDelay", "20")},
                {"Key": "stickiness.enabled", "Value": get("StickinessEnabled", "false").lower()},
                {"Key": "stickiness.type", "Value": get("StickinessType", "lb_cookie")},
                {"Key": "stickiness.lb_cookie.duration_seconds", "Value": get("StickinessLBCookieDuration", "86400")}]}

    def _forward(self, process):
        if process not in self.processes():
            raise invalid(f"No process named '{process}'.")
        return [{"Type": "forward", "TargetGroupArn": {"Ref": self.group_id(process)}}]

    def _rules(self, names):
        """(name, conditions, process) of the rules of a listener, in the order of their relative priorities."""
        rules = []
        for name in names:
            namespace = RULE + name
            hosts = split(self.settings.get(namespace, "HostHeaders"))
            if self.shared:
                hosts = [self.environment.cname] + hosts
            conditions = [{"Field": "host-header", "Values": hosts}] if hosts else []
            if paths := split(self.settings.get(namespace, "PathPatterns")):
                conditions.append({"Field": "path-pattern", "Values": paths})
            if not conditions:
                raise invalid(f"The rule '{name}' needs HostHeaders or PathPatterns.")
            priority = int(self.settings.get(namespace, "Priority", "1000"))
            rules.append((priority, name, conditions, self.settings.get(namespace, "Process", "default")))
        return [(name, conditions, process) for _, name, conditions, process in sorted(rules, key=lambda r: r[:2])]

    def _shared_rules(self):
        """The rules that Beanstalk puts on the listeners of a shared load balancer, after those that are there."""
        wanted = {port: split(self.settings.get(LISTENER + port, "Rules")) for port in self.settings.namespaces(LISTENER)}
        wanted = {port: names for port, names in wanted.items() if names}
        if missing := sorted(set(wanted) - set(self.listeners)):
            raise invalid(f"The shared load balancer has no listener on port {', '.join(missing)}.")
        if not wanted and "80" in self.listeners:
            wanted = {"80": ["default"]}
        resources = {}
        for port, names in sorted(wanted.items()):
            listener = self.listeners[port]
            there = aws.call(self.region, "elbv2", "DescribeRules", ListenerArn=listener)["Rules"]
            last = max([int(r["Priority"]) for r in there if r["Priority"] != "default"], default=0)
            for name, conditions, process in self._rules(names):
                logical = f"AWSEBV2LoadBalancerListenerRule{port}{name.encode().hex()}"
                if logical not in self.environment.priorities:  # once given, a priority stays
                    last += 1
                    self.environment.priorities[logical] = last
                resources[logical] = {"Type": "AWS::ElasticLoadBalancingV2::ListenerRule", "Properties": {
                    "ListenerArn": listener, "Priority": self.environment.priorities[logical], "Conditions": conditions,
                    "Actions": self._forward(process)}}
        return resources

    def _balancer(self):
        """The environment's own load balancer."""
        get = self.settings.get
        resources = {}
        groups = list(self.balancer_groups)
        ports = {p: LISTENER + p for p in self.settings.namespaces(LISTENER) if p != "default"}
        if is_true(get(LISTENER + "default", "ListenerEnabled", "true")):
            ports.setdefault("80", LISTENER + "default")
        ports = {p: n for p, n in ports.items() if is_true(get(n, "ListenerEnabled", "true"))}
        if not groups:
            resources["AWSEBLoadBalancerSecurityGroup"] = {"Type": "AWS::EC2::SecurityGroup", "Properties": {
                "GroupDescription": "Elastic Beanstalk created security group used when no ELB security groups are specified",
                "VpcId": self.vpc, "SecurityGroupIngress": [
                    {"IpProtocol": "tcp", "FromPort": p, "ToPort": p, "CidrIp": "0.0.0.0/0"} for p in sorted(ports)]}}
            groups = [{"Ref": "AWSEBLoadBalancerSecurityGroup"}]
        public = get("aws:ec2:vpc", "ELBScheme", "public").lower() == "public"
        attributes = [{"Key": "idle_timeout.timeout_seconds", "Value": get("aws:elbv2:loadbalancer", "IdleTimeout", "60")}]
        for option, key in (("AccessLogsS3Enabled", "enabled"), ("AccessLogsS3Bucket", "bucket"), ("AccessLogsS3Prefix", "prefix")):
            if value := get("aws:elbv2:loadbalancer", option):
                attributes.append({"Key": f"access_logs.s3.{key}", "Value": value})
        resources["AWSEBV2LoadBalancer"] = {"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer", "Properties": {
            "Scheme": "internet-facing" if public else "internal", "SecurityGroups": groups, "Type": "application",
            "IpAddressType": get("aws:elbv2:loadbalancer", "IpAddressType", "ipv4").lower(),
            "Subnets": split(get("aws:ec2:vpc", "ELBSubnets")) or self.subnets, "LoadBalancerAttributes": attributes}}
        for port, namespace in sorted(ports.items()):
            logical = "AWSEBV2LoadBalancerListener" + ("" if port == "80" else port)
            listener = {"LoadBalancerArn": {"Ref": "AWSEBV2LoadBalancer"}, "Port": port,
                        "Protocol": get(namespace, "Protocol", "HTTP").upper(),
                        "DefaultActions": self._forward(get(namespace, "DefaultProcess", "default"))}
            if certificates := split(get(namespace, "SSLCertificateArns")):
                listener["Certificates"] = [{"CertificateArn": certificates[0]}]
                if certificates[1:]:
                    resources[f"AWSEBV2LoadBalancerListenerCertificates{port}"] = {
                        "Type": "AWS::ElasticLoadBalancingV2::ListenerCertificate", "Properties": {
                            "ListenerArn": {"Ref": logical}, "Certificates": [{"CertificateArn": a} for a in certificates[1:]]}}
            if policy := get(namespace, "SSLPolicy"):
                listener["SslPolicy"] = policy
            resources[logical] = {"Type": "AWS::ElasticLoadBalancingV2::Listener", "Properties": listener}
            for priority, (name, conditions, process) in enumerate(self._rules(split(get(namespace, "Rules"))), 1):
                resources[f"AWSEBV2LoadBalancerListenerRule{port}{name.encode().hex()}"] = {
                    "Type": "AWS::ElasticLoadBalancingV2::ListenerRule", "Properties": {
                        "ListenerArn": {"Ref": logical}, "Priority": priority, "Conditions": conditions,
                        "Actions": self._forward(process)}}
        return resources

    def _ingress(self):
        ports = sorted({self.settings.get(_PROCESS + p, "Port", "80") for p in self.processes()})
        if not self.balanced:
            return [{"IpProtocol": "tcp", "FromPort": "80", "ToPort": "80", "CidrIp": "0.0.0.0/0"}] if self.single else []
        sources = self.balancer_groups or (
            self.balancer.get("SecurityGroups", []) if self.shared else [{"Ref": "AWSEBLoadBalancerSecurityGroup"}])
        return [{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "SourceSecurityGroupId": source}
                for port in ports for source in sources]

    def _launch(self):
        launch = "aws:autoscaling:launchconfiguration"
        get = self.settings.get
        kind = split(get("aws:ec2:instances", "InstanceTypes"))
        data = {
            "InstanceType": kind[0] if kind else get(launch, "InstanceType", "t3.micro"),
            "SecurityGroupIds": self.groups + ([{"Ref": "AWSEBSecurityGroup"}] if self.own_group else []),
            "MetadataOptions": {"HttpTokens": "required" if is_true(get(launch, "DisableIMDSv1", "true")) else "optional"},
            "Monitoring": {"Enabled": get(launch, "MonitoringInterval", "5 minute").startswith("1 ")}}
        architecture = "arm64" if "arm64" in get("aws:ec2:instances", "SupportedArchitectures", "") else "x86_64"
        data["ImageId"] = get(launch, "ImageId") or aws.call(
            self.region, "ssm", "GetParameter",
            Name=f"/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{architecture}")["Parameter"]["Value"]
        if profile := get(launch, "IamInstanceProfile"):
            data["IamInstanceProfile"] = {"Arn" if profile.startswith("arn:") else "Name": profile}
        if key := get(launch, "EC2KeyName"):
            data["KeyName"] = key
        volume = {field: get(launch, option) for option, field in (
            ("RootVolumeType", "VolumeType"), ("RootVolumeSize", "VolumeSize"), ("RootVolumeIOPS", "Iops"),
            ("RootVolumeThroughput", "Throughput")) if get(launch, option)}
        mappings = [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": "8", **volume}}] if volume else []
        # Moto launches no instance with a disk of its own host (DEVICE=ephemeralN).
        mappings += [_mapping(m) for m in split(get(launch, "BlockDeviceMappings")) if "=ephemeral" not in m]
        if mappings:
            data["BlockDeviceMappings"] = mappings
        if is_true(get(launch, "LaunchTemplateTagPropagationEnabled")):
            data["TagSpecifications"] = [{"ResourceType": t, "Tags": self.environment.all_tags()}
                                         for t in ("instance", "volume", "network-interface")]
        return data

    def endpoint(self, stack):
        """EndpointURL: the load balancer's name, or the address of the one instance."""
        if self.shared:
            return self.balancer["DNSName"]
        if self.balanced:
            return stack.resources["AWSEBV2LoadBalancer"].attributes["DNSName"]
        return stack.resources["AWSEBEIP"].physical if "AWSEBEIP" in stack.resources else None

    def check_ports(self, engine):
        """A process's port or protocol is another target group; one that somebody else's rule uses cannot go."""
        for process in self.processes() if self.balanced else []:
            old = self.environment.stack.resources.get(self.group_id(process))
            if old is None:
                continue
            new = self._target_group(process)
            if all(old.properties[k].lower() == new[k].lower() for k in ("Port", "Protocol")):
                continue
            ours = {r.physical for r in self.environment.stack.resources.values()}
            group = aws.call(self.region, "elbv2", "DescribeTargetGroups", TargetGroupArns=[old.physical])["TargetGroups"][0]
            for arn in group.get("LoadBalancerArns", []):
                for listener in aws.call(self.region, "elbv2", "DescribeListeners", LoadBalancerArn=arn)["Listeners"]:
                    for rule in aws.call(self.region, "elbv2", "DescribeRules", ListenerArn=listener["ListenerArn"])["Rules"]:
                        if old.physical in json.dumps(rule["Actions"]) and rule["RuleArn"] not in ours:
                            raise invalid(f"The port or protocol of process '{process}' cannot change: its target group "
                                          f"{old.physical} is currently in use by the rule {rule['RuleArn']}")
