"""Elastic Beanstalk: applications, versions, environments, saved configurations, and for an environment the stack of its own
that Beanstalk makes (awseb-ENVIRONMENT_ID-stack), through the same engine as everybody's stacks.

No instance runs here. What is made is what Beanstalk would ask the other services for; whether the application answers its
health check, the rehearsal tells.
"""

import json
import os
import random
import re
import string
import subprocess

import aws
from engine import Stack, now
from query import Error, Service
from template import Template

NEWEST = "4.13.7"  # the version that a versionless platform ARN gives: the newest of Amazon Linux 2023 known when written
PYTHONS = ("3.14", "3.13", "3.12", "3.11")

_PROCESS = "aws:elasticbeanstalk:environment:process:"
_LISTENER = "aws:elbv2:listener:"
_RULE = "aws:elbv2:listenerrule:"

# The logical id that a setting carries when it is read back.
_RESOURCE_NAMES = {
    "aws:autoscaling:asg": "AWSEBAutoScalingGroup",
    "aws:autoscaling:launchconfiguration": "AWSEBAutoScalingLaunchConfiguration",
    "aws:elasticbeanstalk:environment:process:default": "AWSEBV2LoadBalancerTargetGroup",
}

# What cannot change once the environment is there, for every environment with a load balancer.
_CREATION_ONLY = {
    ("aws:elasticbeanstalk:environment", "LoadBalancerType"), ("aws:elasticbeanstalk:environment", "LoadBalancerIsShared"),
    ("aws:elbv2:loadbalancer", "SharedLoadBalancer"), ("aws:ec2:vpc", "VPCId"),
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


class Application:
    def __init__(self, region, p):
        self.name, self.description = p["ApplicationName"], p.get("Description")
        self.arn = f"arn:aws:elasticbeanstalk:{region}:{aws.ACCOUNT}:application/{self.name}"
        self.created = self.updated = now()
        self.lifecycle = p.get("ResourceLifecycleConfig")
        self.versions, self.templates, self.tags = {}, {}, p.get("Tags") or []

    def answer(self):
        return {"ApplicationName": self.name, "ApplicationArn": self.arn, "Description": self.description,
                "DateCreated": self.created, "DateUpdated": self.updated, "Versions": list(self.versions),
                "ConfigurationTemplates": list(self.templates), "ResourceLifecycleConfig": self.lifecycle}


class Environment:
    def __init__(self, region, p):
        self.region, self.application = region, p["ApplicationName"]
        self.id = "e-" + "".join(random.choices(string.ascii_lowercase + string.digits, k=10))
        self.name = p.get("EnvironmentName") or f"{self.application[:20]}-{self.id}"
        self.arn = f"arn:aws:elasticbeanstalk:{region}:{aws.ACCOUNT}:environment/{self.application}/{self.name}"
        self.tier = dict({"Name": "WebServer", "Type": "Standard", "Version": "1.0"}, **(p.get("Tier") or {}))
        self.description, self.operations_role = p.get("Description"), p.get("OperationsRole")
        self.version, self.template = p.get("VersionLabel"), p.get("TemplateName")
        self.tags, self.events = p.get("Tags") or [], []
        self.created = self.updated = now()
        self.status, self.endpoint, self.priorities = "Launching", None, {}
        prefix = p.get("CNAMEPrefix") or f"{self.name}.{self.id[2:]}"
        self.cname = f"{prefix}.{region}.elasticbeanstalk.com".lower()
        self.settings, self.platform, self.solution_stack = Configuration(), None, None
        self.stack = Stack(f"awseb-{self.id}-stack", region)

    def event(self, severity, message):
        self.events.append({"EventDate": now(), "Message": message, "ApplicationName": self.application,
                            "EnvironmentName": self.name, "Severity": severity, "VersionLabel": self.version,
                            "PlatformArn": self.platform})

    def answer(self):
        return {
            "EnvironmentName": self.name, "EnvironmentId": self.id, "ApplicationName": self.application,
            "VersionLabel": self.version, "SolutionStackName": self.solution_stack, "PlatformArn": self.platform,
            "TemplateName": self.template, "Description": self.description, "EndpointURL": self.endpoint, "CNAME": self.cname,
            "DateCreated": self.created, "DateUpdated": self.updated, "Status": self.status,
            "AbortableOperationInProgress": False, "Tier": self.tier, "EnvironmentLinks": [], "EnvironmentArn": self.arn,
            "OperationsRole": self.operations_role,
            # Nothing runs, so nothing is known: Beanstalk's own words for it.
            "Health": "Grey", "HealthStatus": "NoData"}


class Beanstalk(Service):
    def __init__(self, cloudformation):
        super().__init__("elasticbeanstalk")
        self.cloudformation = cloudformation
        self.reset()

    def reset(self):
        self.applications, self.environments = {}, {}  # by (region, name), by (region, id)

    # -- applications and their versions

    def _application(self, region, name):
        if (region, name) not in self.applications:
            raise invalid(f"No Application named '{name}' found.")
        return self.applications[region, name]

    def _live(self, region, application=None):
        return [e for (r, _), e in list(self.environments.items()) if r == region and e.status != "Terminated"
                and application in (None, e.application)]

    def create_application(self, region, p):
        if (region, p["ApplicationName"]) in self.applications:
            raise invalid(f"Application {p['ApplicationName']} already exists.")
        application = self.applications[region, p["ApplicationName"]] = Application(region, p)
        return {"Application": application.answer()}

    def update_application(self, region, p):
        application = self._application(region, p["ApplicationName"])
        application.description, application.updated = p.get("Description", application.description), now()
        return {"Application": application.answer()}

    def update_application_resource_lifecycle(self, region, p):
        application = self._application(region, p["ApplicationName"])
        application.lifecycle = p["ResourceLifecycleConfig"]
        return {"ApplicationName": application.name, "ResourceLifecycleConfig": application.lifecycle}

    def delete_application(self, region, p):
        if (region, p["ApplicationName"]) not in self.applications:
            return
        if used := [e.name for e in self._live(region, p["ApplicationName"])]:
            if not p.get("TerminateEnvByForce"):
                raise Error("OperationInProgressFailure", f"Unable to delete application {p['ApplicationName']}: it has "
                            f"environments: {', '.join(used)}")
            for environment in self._live(region, p["ApplicationName"]):
                self._terminate(region, environment)
        del self.applications[region, p["ApplicationName"]]

    def describe_applications(self, region, p):
        wanted = p.get("ApplicationNames")
        return {"Applications": [a.answer() for (r, n), a in list(self.applications.items()) if r == region and (not wanted or n in wanted)]}

    def create_application_version(self, region, p):
        if (region, p["ApplicationName"]) not in self.applications and p.get("AutoCreateApplication"):
            self.create_application(region, {"ApplicationName": p["ApplicationName"]})
        application = self._application(region, p["ApplicationName"])
        if p["VersionLabel"] in application.versions:
            raise invalid(f"Application Version {p['VersionLabel']} already exists.")
        source = p.get("SourceBundle")
        if source:
            try:
                aws.call(region, "s3", "HeadObject", Bucket=source.get("S3Bucket"), Key=source.get("S3Key"))
            except aws.ClientError as e:
                raise invalid(f"Unable to download from S3 location (Bucket: {source.get('S3Bucket')}  Key: "
                              f"{source.get('S3Key')}). Reason: {e.response['Error'].get('Message')}")
        version = {
            "ApplicationName": application.name, "VersionLabel": p["VersionLabel"], "Description": p.get("Description"),
            "SourceBundle": source, "DateCreated": now(), "DateUpdated": now(), "Status": "PROCESSED" if p.get("Process") else "UNPROCESSED",
            "ApplicationVersionArn": f"arn:aws:elasticbeanstalk:{region}:{aws.ACCOUNT}:applicationversion/{application.name}/{p['VersionLabel']}"}
        application.versions[p["VersionLabel"]] = version
        return {"ApplicationVersion": version}

    def update_application_version(self, region, p):
        version = self._version(region, p["ApplicationName"], p["VersionLabel"])
        version.update(Description=p.get("Description"), DateUpdated=now())
        return {"ApplicationVersion": version}

    def _version(self, region, application, label):
        versions = self._application(region, application).versions
        if label not in versions:
            raise invalid(f"No Application Version named '{label}' found.")
        return versions[label]

    def delete_application_version(self, region, p):
        application = self._application(region, p["ApplicationName"])
        if used := [e.name for e in self._live(region, application.name) if e.version == p["VersionLabel"]]:
            raise Error("OperationInProgressFailure", f"Unable to delete application version {p['VersionLabel']} because it is "
                        f"deployed to: {', '.join(used)}")
        application.versions.pop(p["VersionLabel"], None)

    def describe_application_versions(self, region, p):
        return {"ApplicationVersions": [
            v for (r, n), a in list(self.applications.items()) if r == region and p.get("ApplicationName") in (None, n)
            for v in a.versions.values() if not p.get("VersionLabels") or v["VersionLabel"] in p["VersionLabels"]]}

    # -- saved configurations

    def create_configuration_template(self, region, p):
        application = self._application(region, p["ApplicationName"])
        if p["TemplateName"] in application.templates:
            raise invalid(f"Configuration Template {p['TemplateName']} already exists.")
        base = Configuration()
        if "EnvironmentId" in p:
            base = self._find(region, p).settings
        elif "SourceConfiguration" in p:
            base = self._template(region, p["SourceConfiguration"]["ApplicationName"], p["SourceConfiguration"]["TemplateName"])["settings"]
        settings = base.merged(p.get("OptionSettings"))
        self._validate(settings, p)
        platform, stack = self._platform(region, p) if "PlatformArn" in p or "SolutionStackName" in p else (None, None)
        application.templates[p["TemplateName"]] = {
            "name": p["TemplateName"], "application": application.name, "settings": settings, "description": p.get("Description"),
            "platform": platform, "stack": stack, "created": now(), "updated": now()}
        return self._template_answer(application.templates[p["TemplateName"]])

    def _template(self, region, application, name):
        templates = self._application(region, application).templates
        if name not in templates:
            raise invalid(f"No Configuration Template named '{application}/{name}' found.")
        return templates[name]

    def _template_answer(self, t):
        return {"ApplicationName": t["application"], "TemplateName": t["name"], "Description": t["description"],
                "PlatformArn": t["platform"], "SolutionStackName": t["stack"], "DateCreated": t["created"],
                "DateUpdated": t["updated"], "OptionSettings": t["settings"].answer()}

    def update_configuration_template(self, region, p):
        template = self._template(region, p["ApplicationName"], p["TemplateName"])
        settings = template["settings"].merged(p.get("OptionSettings"), p.get("OptionsToRemove"))
        self._validate(settings, p)
        template.update(settings=settings, description=p.get("Description", template["description"]), updated=now())
        return self._template_answer(template)

    def delete_configuration_template(self, region, p):
        self._application(region, p["ApplicationName"]).templates.pop(p["TemplateName"], None)

    # -- environments

    def _find(self, region, p):
        for e in self._live(region):
            if p.get("EnvironmentId") == e.id or p.get("EnvironmentName") == e.name:
                return e
        raise invalid(f"No Environment found for EnvironmentName = '{p.get('EnvironmentName') or p.get('EnvironmentId')}'.")

    def _platform(self, region, p):
        """(platform ARN with a version, solution stack name)."""
        given, stack = p.get("PlatformArn"), p.get("SolutionStackName")
        if given and stack:
            raise invalid("You cannot specify both a PlatformArn and a SolutionStackName.")
        if stack:
            match = re.fullmatch(r"64bit (Amazon Linux 2023|Amazon Linux 2) v(\d+\.\d+\.\d+) running (.+)", stack)
            if match is None:
                raise invalid(f"No Solution Stack named '{stack}' found.")
            system, version, language = match.groups()
            return f"arn:aws:elasticbeanstalk:{region}::platform/{language} running on 64bit {system}/{version}", stack
        match = re.fullmatch(r"arn:[\w-]+:elasticbeanstalk:([\w-]*):\d*:platform/([^/]+)(?:/(\d+\.\d+\.\d+))?", given or "")
        if match is None:
            raise invalid(f"No Platform named '{given}' found.")
        where, name, version = match.groups()
        if where not in ("", region):
            raise invalid(f"Platform '{given}' is in another region than {region}.")
        version = version or NEWEST
        named = re.fullmatch(r"(.+) running on 64bit (.+)", name)
        stack = f"64bit {named.group(2)} v{version} running {named.group(1)}" if named else None
        return f"arn:aws:elasticbeanstalk:{region}::platform/{name}/{version}", stack

    def create_environment(self, region, p):
        application = self._application(region, p["ApplicationName"])
        environment = Environment(region, p)
        if not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9-]{2,38})[A-Za-z0-9]", environment.name):
            raise invalid(f"Value {environment.name} at 'EnvironmentName' failed to satisfy constraint: 4 to 40 letters, digits "
                          "and hyphens, no hyphen at an end")
        if any(e.name == environment.name for e in self._live(region)):
            raise invalid(f"Environment {environment.name} already exists.")
        if any(e.cname == environment.cname for e in self._live(region)):
            raise invalid(f"CNAME {environment.cname} is not available.")
        if "VersionLabel" in p:
            self._version(region, application.name, p["VersionLabel"])
        base = Configuration()
        if "TemplateName" in p:
            template = self._template(region, application.name, p["TemplateName"])
            base, environment.platform, environment.solution_stack = template["settings"], template["platform"], template["stack"]
        if "PlatformArn" in p or "SolutionStackName" in p:
            environment.platform, environment.solution_stack = self._platform(region, p)
        if environment.platform is None:
            raise invalid("Environment needs one of PlatformArn, SolutionStackName and TemplateName.")
        environment.settings = base.merged(p.get("OptionSettings"), p.get("OptionsToRemove"))
        self._validate(environment.settings, p)
        environment.event("INFO", "createEnvironment is starting.")
        engine = self.cloudformation.engine(region)
        engine.stacks[environment.stack.id] = environment.stack
        try:
            self._deploy(environment, environment.settings)
        except Error:
            del engine.stacks[environment.stack.id]
            raise
        environment.status = "Ready"
        environment.event("INFO", f"Successfully launched environment: {environment.name}")
        self.environments[region, environment.id] = environment
        return environment.answer()

    def update_environment(self, region, p):
        environment = self._find(region, p)
        settings = environment.settings
        if p.get("TemplateName"):
            settings = settings.merged(self._template(region, environment.application, p["TemplateName"])["settings"].answer())
        settings = settings.merged(p.get("OptionSettings"), p.get("OptionsToRemove"))
        if p.get("VersionLabel"):
            self._version(region, environment.application, p["VersionLabel"])
        if p.get("Tier") and any(environment.tier.get(k) != v for k, v in p["Tier"].items() if k in ("Name", "Type")):
            raise invalid("The tier of an environment cannot change.")
        platform = self._platform(region, p) if "PlatformArn" in p or "SolutionStackName" in p else None
        self._check_unchangeable(environment, settings)
        self._validate(settings, p)
        environment.event("INFO", "Environment update is starting.")
        self._deploy(environment, settings)
        environment.settings, environment.updated = settings, now()
        environment.version = p.get("VersionLabel") or environment.version
        environment.template = p.get("TemplateName") or environment.template
        environment.description = p.get("Description", environment.description)
        if platform:
            environment.platform, environment.solution_stack = platform
        environment.event("INFO", "Environment update completed successfully.")
        return environment.answer()

    def terminate_environment(self, region, p):
        environment = self._find(region, p)
        self._terminate(region, environment)
        return environment.answer()

    def _terminate(self, region, environment):
        environment.event("INFO", "terminateEnvironment is starting.")
        self.cloudformation.engine(region).delete(environment.stack)
        if environment.stack.status != "DELETE_COMPLETE":
            raise Error("OperationInProgressFailure", f"Environment {environment.name} could not be terminated: "
                        + _reasons(environment.stack, "DELETE_FAILED"))
        environment.status, environment.updated = "Terminated", now()
        environment.event("INFO", "terminateEnvironment completed successfully.")

    def _check_unchangeable(self, environment, settings):
        before = environment.settings
        wrong = []
        for key in set(before.values) | set(settings.values):
            namespace, _, name = key
            if str(before.values.get(key, "")).lower() == str(settings.values.get(key, "")).lower():
                continue
            fixed = (namespace, name) in _CREATION_ONLY
            if is_true(before.get("aws:elasticbeanstalk:environment", "LoadBalancerIsShared")):
                fixed = fixed or namespace.startswith((_LISTENER, _RULE))
            if fixed:
                wrong.append(f"Invalid option specification (Namespace: '{namespace}', OptionName: '{name}'): it cannot be changed "
                             "after the environment was created")
        if wrong:
            raise Error("ConfigurationValidationException", "Configuration validation exception: " + "; ".join(sorted(wrong)))

    def _validate(self, settings, p):
        """Asks beanpole itself, so that the local Elastic Beanstalk refuses what `beanpole validate` refuses."""
        validator = os.environ.get("BEANPOLE_VALIDATOR")
        if not validator or not settings.values:
            return
        properties = {"ApplicationName": "application", "OptionSettings": settings.answer()}
        if p.get("Tier"):
            properties["Tier"] = p["Tier"]
        for name in ("PlatformArn", "SolutionStackName"):
            if p.get(name):
                properties[name] = p[name]
        document = {"Resources": {"Environment": {"Type": "AWS::ElasticBeanstalk::Environment", "Properties": properties}}}
        run = subprocess.run([validator, "validate", "--json", "-"], input=json.dumps(document), capture_output=True, text=True,
                             timeout=30)
        if run.returncode == 0:
            return
        if run.returncode != 1:
            raise Error("InternalFailure", f"{validator} validate could not check the option settings: {run.stderr.strip()}")
        errors = [f["message"] for file in json.loads(run.stdout)["files"] for f in file["findings"] if f["level"] == "error"]
        raise Error("ConfigurationValidationException", "Configuration validation exception: " + "; ".join(errors))

    def _deploy(self, environment, settings):
        """Brings what Beanstalk makes for the environment into line with settings; raises with a reason if that fails."""
        design = Design(environment, settings)
        engine = self.cloudformation.engine(environment.region)
        design.check_ports(engine)
        tags = [t for t in environment.tags if t["Key"] != "Name"] + [
            {"Key": "elasticbeanstalk:environment-name", "Value": environment.name},
            {"Key": "elasticbeanstalk:environment-id", "Value": environment.id},
            {"Key": "Name", "Value": environment.name}]
        stack = environment.stack
        seen = len(stack.events)
        engine.deploy(stack, Template(json.dumps(design.template())), {}, {}, tags)
        if stack.status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            reason = _reasons(stack, "CREATE_FAILED", "UPDATE_FAILED", since=seen)
            environment.event("ERROR", reason)
            raise Error("ConfigurationValidationException", f"Environment {environment.name} could not be made: {reason}")
        environment.endpoint = design.endpoint(stack)

    def describe_environments(self, region, p):
        wanted = [e for (r, _), e in list(self.environments.items()) if r == region]
        if not p.get("IncludeDeleted"):
            wanted = [e for e in wanted if e.status != "Terminated"]
        for parameter, field in (("ApplicationName", "application"), ("VersionLabel", "version")):
            if p.get(parameter):
                wanted = [e for e in wanted if getattr(e, field) == p[parameter]]
        if p.get("EnvironmentIds"):
            wanted = [e for e in wanted if e.id in p["EnvironmentIds"]]
        if p.get("EnvironmentNames"):
            wanted = [e for e in wanted if e.name in p["EnvironmentNames"]]
        return {"Environments": [e.answer() for e in wanted]}

    def describe_environment_resources(self, region, p):
        environment = self._find(region, p)
        made = environment.stack.resources

        def ids(logical):
            return [made[logical].physical] if logical in made else []
        groups = ids("AWSEBAutoScalingGroup")
        instances = [i["InstanceId"] for g in aws.call(
            region, "autoscaling", "DescribeAutoScalingGroups", AutoScalingGroupNames=groups)["AutoScalingGroups"] for i in g["Instances"]]
        balancer = environment.settings.get("aws:elbv2:loadbalancer", "SharedLoadBalancer")
        return {"EnvironmentResources": {
            "EnvironmentName": environment.name, "AutoScalingGroups": [{"Name": g} for g in groups],
            "Instances": [{"Id": i} for i in instances], "LaunchConfigurations": [],
            "LaunchTemplates": [{"Id": i} for i in ids("AWSEBEC2LaunchTemplate")],
            "LoadBalancers": [{"Name": b} for b in ids("AWSEBV2LoadBalancer") or ([balancer] if balancer else [])],
            "Triggers": [], "Queues": []}}

    def describe_configuration_settings(self, region, p):
        if p.get("TemplateName"):
            return {"ConfigurationSettings": [self._template_answer(self._template(region, p["ApplicationName"], p["TemplateName"]))]}
        e = self._find(region, p)
        if e.application != p["ApplicationName"]:
            raise invalid(f"No Environment found for EnvironmentName = '{e.name}' in application {p['ApplicationName']}.")
        return {"ConfigurationSettings": [{
            "SolutionStackName": e.solution_stack, "PlatformArn": e.platform, "ApplicationName": e.application,
            "EnvironmentName": e.name, "Description": e.description, "DeploymentStatus": "deployed", "DateCreated": e.created,
            "DateUpdated": e.updated, "OptionSettings": e.settings.answer()}]}

    def describe_events(self, region, p):
        events = [ev for (r, _), e in list(self.environments.items()) if r == region
                  and p.get("EnvironmentName") in (None, e.name) and p.get("EnvironmentId") in (None, e.id)
                  and p.get("ApplicationName") in (None, e.application) for ev in e.events]
        return {"Events": sorted(events, key=lambda ev: ev["EventDate"], reverse=True)[:int(p.get("MaxRecords") or 1000)]}

    def check_dns_availability(self, region, p):
        name = f"{p['CNAMEPrefix']}.{region}.elasticbeanstalk.com".lower()
        return {"Available": all(e.cname != name for e in self._live(region)), "FullyQualifiedCNAME": name}

    def list_available_solution_stacks(self, region, p):
        return {"SolutionStacks": [f"64bit Amazon Linux 2023 v{NEWEST} running Python {v}" for v in PYTHONS]}

    # -- tags

    def _tagged(self, region, arn):
        things = [*self.applications.values(), *self._live(region)]
        for thing in things:
            if thing.arn == arn:
                return thing
        raise Error("ResourceNotFoundException", f"Resource not found for arn: {arn}.")

    def list_tags_for_resource(self, region, p):
        return {"ResourceArn": p["ResourceArn"], "ResourceTags": self._tagged(region, p["ResourceArn"]).tags}

    def update_tags_for_resource(self, region, p):
        thing = self._tagged(region, p["ResourceArn"])
        tags = {t["Key"]: t["Value"] for t in thing.tags if t["Key"] not in (p.get("TagsToRemove") or [])}
        tags.update({t["Key"]: t["Value"] for t in p.get("TagsToAdd") or []})
        thing.tags = [{"Key": k, "Value": v} for k, v in tags.items()]
        if isinstance(thing, Environment):
            self._deploy(thing, thing.settings)


def _reasons(stack, *statuses, since=0):
    """Why the resources of a stack failed, from its events."""
    found = [f"{e['LogicalResourceId']}: {e['ResourceStatusReason']}" for e in stack.events[since:]
             if e["ResourceStatus"] in statuses and e["ResourceType"] != "AWS::CloudFormation::Stack"]
    return "; ".join(found) or stack.reason or stack.status


class Design:
    """The template of an environment's own stack."""

    def __init__(self, environment, settings):
        self.environment, self.settings, self.region = environment, settings, environment.region
        get = settings.get
        self.single = get("aws:elasticbeanstalk:environment", "EnvironmentType", "LoadBalanced").lower() == "singleinstance"
        kind = get("aws:elasticbeanstalk:environment", "LoadBalancerType", "classic").lower()
        self.balanced = not self.single and environment.tier["Name"] != "Worker"
        if self.balanced and kind != "application":
            raise invalid(f"LoadBalancerType is {kind} (classic when not set): the local AWS makes application load balancers "
                          "only; set aws:elasticbeanstalk:environment LoadBalancerType=application")
        self.shared = self.balanced and is_true(get("aws:elasticbeanstalk:environment", "LoadBalancerIsShared"))
        self.vpc = get("aws:ec2:vpc", "VPCId") or self._default_vpc()
        self.subnets = split(get("aws:ec2:vpc", "Subnets")) or self._default_subnets()
        self.groups = split(get("aws:autoscaling:launchconfiguration", "SecurityGroups"))
        self.own_group = not is_true(get("aws:autoscaling:launchconfiguration", "DisableDefaultEC2SecurityGroup"))
        self.balancer_groups = split(get("aws:elbv2:loadbalancer", "SecurityGroups"))
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
        if self.single:
            resources["AWSEBEIP"] = {"Type": "AWS::EC2::EIP", "Properties": {"Domain": "vpc"}}
        if self.own_group:
            resources["AWSEBSecurityGroup"] = {"Type": "AWS::EC2::SecurityGroup", "Properties": {
                "GroupDescription": "SecurityGroup for ElasticBeanstalk environment.", "VpcId": self.vpc,
                "SecurityGroupIngress": self._ingress()}}
        resources["AWSEBEC2LaunchTemplate"] = {
            "Type": "AWS::EC2::LaunchTemplate", "Properties": {"LaunchTemplateData": self._launch()}}
        asg = "aws:autoscaling:asg"
        least = "1" if self.single else self.settings.get(asg, "MinSize", "1")
        most = "1" if self.single else self.settings.get(asg, "MaxSize", "4")
        resources["AWSEBAutoScalingGroup"] = {"Type": "AWS::AutoScaling::AutoScalingGroup", "Properties": {
            "MinSize": least, "MaxSize": most, "VPCZoneIdentifier": self.subnets,
            "Cooldown": self.settings.get(asg, "Cooldown", "360"),
            "LaunchTemplate": {"LaunchTemplateId": {"Ref": "AWSEBEC2LaunchTemplate"},
                               "Version": {"Fn::GetAtt": ["AWSEBEC2LaunchTemplate", "LatestVersionNumber"]}},
            "TargetGroupARNs": [{"Ref": self.group_id(p)} for p in self.processes()] if self.balanced else []}}
        return {"Resources": resources}

    def _target_group(self, process):
        def get(name, default):
            return self.settings.get(_PROCESS + process, name, default)
        return {
            "VpcId": self.vpc, "Port": get("Port", "80"), "Protocol": get("Protocol", "HTTP").upper(),
            "HealthCheckPath": get("HealthCheckPath", "/"), "HealthCheckIntervalSeconds": get("HealthCheckInterval", "15"),
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
            namespace = _RULE + name
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
        wanted = {port: split(self.settings.get(_LISTENER + port, "Rules")) for port in self.settings.namespaces(_LISTENER)}
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
        ports = {p: _LISTENER + p for p in self.settings.namespaces(_LISTENER) if p != "default"}
        if is_true(get(_LISTENER + "default", "ListenerEnabled", "true")):
            ports.setdefault("80", _LISTENER + "default")
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
            "Subnets": split(get("aws:ec2:vpc", "ELBSubnets")) or self.subnets, "LoadBalancerAttributes": attributes}}
        for port, namespace in sorted(ports.items()):
            logical = "AWSEBV2LoadBalancerListener" + ("" if port == "80" else port)
            listener = {"LoadBalancerArn": {"Ref": "AWSEBV2LoadBalancer"}, "Port": port,
                        "Protocol": get(namespace, "Protocol", "HTTP").upper(),
                        "DefaultActions": self._forward(get(namespace, "DefaultProcess", "default"))}
            if certificates := split(get(namespace, "SSLCertificateArns")):
                listener["Certificates"] = [{"CertificateArn": a} for a in certificates[:1]]
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
        kind = split(self.settings.get("aws:ec2:instances", "InstanceTypes"))
        data = {
            "InstanceType": kind[0] if kind else self.settings.get(launch, "InstanceType", "t3.micro"),
            "SecurityGroupIds": self.groups + ([{"Ref": "AWSEBSecurityGroup"}] if self.own_group else []),
            "MetadataOptions": {"HttpTokens": "required" if is_true(self.settings.get(launch, "DisableIMDSv1", "true")) else "optional"}}
        data["ImageId"] = self.settings.get(launch, "ImageId") or aws.call(
            self.region, "ssm", "GetParameter",
            Name="/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64")["Parameter"]["Value"]
        if profile := self.settings.get(launch, "IamInstanceProfile"):
            data["IamInstanceProfile"] = {"Arn" if profile.startswith("arn:") else "Name": profile}
        if key := self.settings.get(launch, "EC2KeyName"):
            data["KeyName"] = key
        return data

    def endpoint(self, stack):
        """EndpointURL: the load balancer's name, or the address of the one instance."""
        if self.shared:
            return self.balancer["DNSName"]
        if self.balanced:
            return stack.resources["AWSEBV2LoadBalancer"].attributes["DNSName"]
        return stack.resources["AWSEBEIP"].physical if self.single else None

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
