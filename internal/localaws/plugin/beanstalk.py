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
import bundles
from design import LISTENER, RULE, Configuration, Design, invalid, is_true
from engine import Stack, now
from query import Error, Service
from template import Template

NEWEST = "4.13.7"  # the version that a versionless platform ARN gives: the newest of Amazon Linux 2023 known when written
PYTHONS = ("3.14", "3.13", "3.12", "3.11")

# What cannot change once the environment is there, for every environment with a load balancer.
_CREATION_ONLY = {
    ("aws:elasticbeanstalk:environment", "LoadBalancerType"), ("aws:elasticbeanstalk:environment", "LoadBalancerIsShared"),
    ("aws:elbv2:loadbalancer", "SharedLoadBalancer"), ("aws:ec2:vpc", "VPCId"),
}


_TIERS = {"WebServer": "Standard", "Worker": "SQS/HTTP"}


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
        self.tier = dict({"Name": "WebServer", "Version": "1.0"}, **(p.get("Tier") or {}))
        self.tier.setdefault("Type", _TIERS.get(self.tier["Name"]))
        if _TIERS.get(self.tier["Name"]) != self.tier["Type"]:
            raise invalid(f"Environment tier {self.tier['Name']} of type {self.tier['Type']} is not known: there are "
                          + ", ".join(f"{n} ({t})" for n, t in _TIERS.items()) + ".")
        self.description, self.operations_role = p.get("Description"), p.get("OperationsRole")
        self.version, self.template = p.get("VersionLabel"), p.get("TemplateName")
        self.deployed = {self.version}  # every version that it had
        self.tags, self.events = p.get("Tags") or [], []
        self.created = self.updated = now()
        self.status, self.endpoint, self.priorities = "Launching", None, {}
        prefix = p.get("CNAMEPrefix") or f"{self.name}.{self.id[2:]}"
        self.cname = f"{prefix}.{region}.elasticbeanstalk.com".lower() if self.tier["Name"] == "WebServer" else None
        self.extensions = bundles.Extensions()
        self.settings, self.platform, self.solution_stack = Configuration(), None, None
        self.stack = Stack(f"awseb-{self.id}-stack", region)

    def effective(self, settings=None, extensions=None):
        """The settings that count: those of the API over those of the source bundle."""
        return (settings or self.settings).over((extensions or self.extensions).settings)

    def all_tags(self):
        """The environment's tags and Beanstalk's own, which go to everything that it makes."""
        return [t for t in self.tags if t["Key"] != "Name"] + [
            {"Key": "elasticbeanstalk:environment-name", "Value": self.name},
            {"Key": "elasticbeanstalk:environment-id", "Value": self.id}, {"Key": "Name", "Value": self.name}]

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
        _check_lifecycle(p.get("ResourceLifecycleConfig"))
        application = self.applications[region, p["ApplicationName"]] = Application(region, p)
        return {"Application": application.answer()}

    def update_application(self, region, p):
        application = self._application(region, p["ApplicationName"])
        application.description, application.updated = p.get("Description", application.description), now()
        return {"Application": application.answer()}

    def update_application_resource_lifecycle(self, region, p):
        application = self._application(region, p["ApplicationName"])
        _check_lifecycle({**(application.lifecycle or {}), **p["ResourceLifecycleConfig"]})
        application.lifecycle = {**(application.lifecycle or {}), **p["ResourceLifecycleConfig"]}
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
        self._apply_lifecycle(region, application)
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
        self._forget_version(region, application, p["VersionLabel"], p.get("DeleteSourceBundle"))

    def _forget_version(self, region, application, label, source_too):
        source = (application.versions.pop(label, None) or {}).get("SourceBundle")
        if source and source_too:
            aws.call(region, "s3", "DeleteObject", Bucket=source["S3Bucket"], Key=source["S3Key"])

    def _apply_lifecycle(self, region, application):
        """Deletes the oldest versions beyond MaxCount; the one that is being made does not count, and those that an environment
        has, or had less than ten weeks ago, stay. No version here is old enough for MaxAgeInDays."""
        rule = ((application.lifecycle or {}).get("VersionLifecycleConfig") or {}).get("MaxCountRule") or {}
        if not rule.get("Enabled"):
            return
        used = {label for (r, _), e in self.environments.items() if r == region and e.application == application.name for label in e.deployed}
        surplus = len(application.versions) - int(rule["MaxCount"])
        for label in [v for v in application.versions if v not in used][:min(100, max(0, surplus))]:
            self._forget_version(region, application, label, rule.get("DeleteSourceFromS3"))

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
        if environment.cname and any(e.cname == environment.cname for e in self._live(region)):
            raise invalid(f"CNAME {environment.cname} is not available.")
        version = self._version(region, application.name, p["VersionLabel"]) if "VersionLabel" in p else None
        environment.extensions = bundles.read(region, version)
        base = Configuration()
        if "TemplateName" in p:
            template = self._template(region, application.name, p["TemplateName"])
            base, environment.platform, environment.solution_stack = template["settings"], template["platform"], template["stack"]
        if "PlatformArn" in p or "SolutionStackName" in p:
            environment.platform, environment.solution_stack = self._platform(region, p)
        if environment.platform is None:
            raise invalid("Environment needs one of PlatformArn, SolutionStackName and TemplateName.")
        environment.settings = base.merged(p.get("OptionSettings"), p.get("OptionsToRemove"))
        self._validate(environment.effective(), p)
        environment.event("INFO", "createEnvironment is starting.")
        engine = self.cloudformation.engine(region)
        engine.stacks[environment.stack.id] = environment.stack
        try:
            self._deploy(environment, environment.settings, environment.extensions)
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
        extensions = environment.extensions
        if p.get("VersionLabel"):
            extensions = bundles.read(region, self._version(region, environment.application, p["VersionLabel"]))
        if p.get("Tier") and any(environment.tier.get(k) != v for k, v in p["Tier"].items() if k in ("Name", "Type")):
            raise invalid("The tier of an environment cannot change.")
        platform = self._platform(region, p) if "PlatformArn" in p or "SolutionStackName" in p else None
        before, after = environment.effective(), environment.effective(settings, extensions)
        self._check_unchangeable(before, after)
        _check_mix(before, after, deploys=p.get("VersionLabel") not in (None, environment.version),
                   files=environment.extensions.parts != extensions.parts)
        self._validate(after, {"Tier": environment.tier, **p})
        environment.event("INFO", "Environment update is starting.")
        self._deploy(environment, settings, extensions)
        environment.settings, environment.extensions, environment.updated = settings, extensions, now()
        environment.version = p.get("VersionLabel") or environment.version
        environment.deployed.add(environment.version)
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

    def _check_unchangeable(self, before, settings):
        wrong = []
        for key in set(before.values) | set(settings.values):
            namespace, _, name = key
            if str(before.values.get(key, "")).lower() == str(settings.values.get(key, "")).lower():
                continue
            fixed = (namespace, name) in _CREATION_ONLY
            if is_true(before.get("aws:elasticbeanstalk:environment", "LoadBalancerIsShared")):
                fixed = fixed or namespace.startswith((LISTENER, RULE))
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

    def _deploy(self, environment, settings, extensions):
        """Brings what Beanstalk makes for the environment into line with the settings and with the configuration files of its
        version; raises with a reason if that fails, and all is as it was."""
        settings = environment.effective(settings, extensions)
        design = Design(environment, settings)
        engine = self.cloudformation.engine(environment.region)
        design.check_ports(engine)
        template = extensions.over(design.template(), settings.get)
        stack = environment.stack
        seen = len(stack.events)
        engine.deploy(stack, Template(json.dumps(template)), {}, {}, environment.all_tags())
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
        settings = environment.effective()
        balancer = settings.get("aws:elbv2:loadbalancer", "SharedLoadBalancer")
        queue = settings.get("aws:elasticbeanstalk:sqsd", "WorkerQueueURL") if environment.tier["Name"] == "Worker" else None
        return {"EnvironmentResources": {
            "EnvironmentName": environment.name, "AutoScalingGroups": [{"Name": g} for g in groups],
            "Instances": [{"Id": i} for i in instances], "LaunchConfigurations": [],
            "LaunchTemplates": [{"Id": i} for i in ids("AWSEBEC2LaunchTemplate")],
            "LoadBalancers": [{"Name": b} for b in ids("AWSEBV2LoadBalancer") or ([balancer] if balancer else [])],
            "Triggers": [], "Queues": [
                {"Name": name, "URL": url} for name in ("WorkerQueue", "WorkerDeadLetterQueue") for url in ids("AWSEB" + name)
                or ([queue] if name == "WorkerQueue" and queue else [])]}}

    def describe_configuration_settings(self, region, p):
        if p.get("TemplateName"):
            return {"ConfigurationSettings": [self._template_answer(self._template(region, p["ApplicationName"], p["TemplateName"]))]}
        e = self._find(region, p)
        if e.application != p["ApplicationName"]:
            raise invalid(f"No Environment found for EnvironmentName = '{e.name}' in application {p['ApplicationName']}.")
        return {"ConfigurationSettings": [{
            "SolutionStackName": e.solution_stack, "PlatformArn": e.platform, "ApplicationName": e.application,
            "EnvironmentName": e.name, "Description": e.description, "DeploymentStatus": "deployed", "DateCreated": e.created,
            "DateUpdated": e.updated, "OptionSettings": e.effective().answer()}]}

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
            self._deploy(thing, thing.settings, thing.extensions)


def _check_lifecycle(lifecycle):
    rules = (lifecycle or {}).get("VersionLifecycleConfig") or {}
    enabled = [r for r in (rules.get("MaxCountRule"), rules.get("MaxAgeRule")) if r and r.get("Enabled")]
    if len(enabled) > 1:
        raise invalid("Only one of MaxCountRule and MaxAgeRule can be enabled.")
    for rule in enabled:
        if int(rule.get("MaxCount") or rule.get("MaxAgeInDays") or 0) < 1:
            raise invalid("An enabled lifecycle rule needs MaxCount or MaxAgeInDays of at least 1.")
        if not lifecycle.get("ServiceRole"):
            raise invalid("A version lifecycle configuration needs a ServiceRole.")


_REPLACING = ("aws:autoscaling:launchconfiguration", "aws:ec2:instances")
_RESOURCE = ("aws:elb", "aws:elasticbeanstalk:environment:process:", "aws:autoscaling:asg", "aws:autoscaling:trigger",
             "aws:autoscaling:scheduledaction")


def _check_mix(before, after, deploys, files):
    """Refuses what one update cannot do. deploys: it changes the version; files: the resources in the configuration files."""
    changed = sorted({k for k in set(before.values) | set(after.values) if before.values.get(k) != after.values.get(k)})
    replacing = any(n in _REPLACING or (n, o) == ("aws:ec2:vpc", "Subnets") for n, _, o in changed)
    others = [f"{n} {o}" for n, _, o in changed if n.startswith(_RESOURCE)] + ["Resources of .ebextensions"] * files
    rolling = "aws:autoscaling:updatepolicy:rollingupdate"
    deployment = deploys and after.get("aws:elasticbeanstalk:command", "DeploymentPolicy", "").lower() == "immutable"
    update = replacing and after.get(rolling, "RollingUpdateType", "").lower() == "immutable"
    if deploys and replacing and deployment != update:
        raise invalid("To enable immutable config and application deployments together, you must set both the DeploymentPolicy option "
                      "(aws:elasticbeanstalk:command namespace) and the RollingUpdateType option "
                      "(aws:autoscaling:updatepolicy:rollingupdate namespace) to Immutable.")
    if others and (deployment or update):
        raise invalid(f"Resource settings cannot be changed in the same update as an immutable one is performed: {', '.join(others)}. "
                      "Change them in an update of their own.")


def _reasons(stack, *statuses, since=0):
    """Why the resources of a stack failed, from its events."""
    found = [f"{e['LogicalResourceId']}: {e['ResourceStatusReason']}" for e in stack.events[since:]
             if e["ResourceStatus"] in statuses and e["ResourceType"] != "AWS::CloudFormation::Stack"]
    return "; ".join(found) or stack.reason or stack.status
