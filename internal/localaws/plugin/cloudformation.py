"""CloudFormation's API over the engine. Every change is carried out before the call returns, so that no client waits."""

import re
import urllib.parse
import uuid

import aws
import engine
from engine import Engine, Stack, now
from query import Error, Service
from template import Template, invalid


class ChangeSet:
    def __init__(self, name, stack, kind):
        self.name, self.stack, self.kind = name, stack, kind
        self.id = f"arn:aws:cloudformation:{stack.region}:{aws.ACCOUNT}:changeSet/{name}/{uuid.uuid4()}"
        self.created, self.status, self.reason, self.execution = now(), "CREATE_COMPLETE", None, "AVAILABLE"
        self.changes, self.description, self.properties = [], None, {}


class CloudFormation(Service):
    def __init__(self):
        super().__init__("cloudformation")
        self.reset()

    def reset(self):
        self.engines = {}

    def engine(self, region):
        return self.engines.setdefault(region, Engine(region))

    # -- what is asked for

    def _stack(self, region, name):
        """The live stack of a name, or the stack of an id, live or not."""
        found = self.engine(region).live(name) or self.engine(region).stacks.get(name)
        if found is None:
            raise invalid(f"Stack with id {name} does not exist")
        return found

    def _template(self, region, p, stack=None):
        if p.get("UsePreviousTemplate") and stack is not None and stack.template is not None:
            return stack.template
        if "TemplateBody" in p:
            return Template(p["TemplateBody"])
        if "TemplateURL" not in p:
            raise invalid("Either Template URL or Template Body must be specified.")
        return Template(_fetch(region, p["TemplateURL"]))

    def _desired(self, region, p, stack):
        """What a request wants a stack to be: arguments of Engine.plan and Engine.deploy."""
        template = self._template(region, p, stack)
        given, parameters = template.parameter_values(p.get("Parameters"), stack.given, region)
        _check_capabilities(template, p.get("Capabilities") or [])
        return template, given, parameters, p.get("Tags") if p.get("Tags") is not None else stack.tags

    def _settings(self, stack, p):
        stack.capabilities = p.get("Capabilities") or stack.capabilities
        stack.role_arn = p.get("RoleARN") or stack.role_arn
        stack.notifications = p.get("NotificationARNs") or stack.notifications
        if "EnableTerminationProtection" in p:
            stack.termination_protection = p["EnableTerminationProtection"]
        stack.token = p.get("ClientRequestToken")

    def create_stack(self, region, p):
        if self.engine(region).live(p["StackName"]) is not None:
            raise Error("AlreadyExistsException", f"Stack [{p['StackName']}] already exists")
        _check_name(p["StackName"])
        stack = Stack(p["StackName"], region)
        template, given, parameters, tags = self._desired(region, p, stack)
        self.engine(region).plan(stack, template, parameters, tags)
        self._settings(stack, p)
        self.engine(region).stacks[stack.id] = stack
        self.engine(region).deploy(stack, template, given, parameters, tags)
        return {"StackId": stack.id}

    def update_stack(self, region, p):
        stack = self.engine(region).live(p["StackName"])
        if stack is None:
            raise invalid(f"Stack [{p['StackName']}] does not exist")
        _check_updatable(stack)
        template, given, parameters, tags = self._desired(region, p, stack)
        changes, outputs = self.engine(region).plan(stack, template, parameters, tags)
        if not changes and not outputs and tags == stack.tags:
            raise invalid("No updates are to be performed.")
        self._settings(stack, p)
        self.engine(region).deploy(stack, template, given, parameters, tags)
        return {"StackId": stack.id}

    def delete_stack(self, region, p):
        stack = self.engine(region).live(p["StackName"])
        if stack is None:
            return
        if stack.termination_protection:
            raise invalid(f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
        stack.token = p.get("ClientRequestToken")
        self.engine(region).delete(stack)

    # -- change sets

    def create_change_set(self, region, p):
        kind = p.get("ChangeSetType", "UPDATE")
        if kind == "IMPORT":
            raise Error("NotImplemented", "the local AWS does not import resources into stacks")
        stack = self.engine(region).live(p["StackName"])
        if kind == "CREATE":
            if stack is not None and stack.status != "REVIEW_IN_PROGRESS":
                raise invalid(f"Stack [{stack.name}] already exists and cannot be created again with the changeSet "
                              f"[{p['ChangeSetName']}].")
            _check_name(p["StackName"])
            stack = stack or Stack(p["StackName"], region)
        elif stack is None:
            raise invalid(f"Stack [{p['StackName']}] does not exist")
        else:
            _check_updatable(stack)
        if p["ChangeSetName"] in stack.change_sets:
            raise Error("AlreadyExistsException", f"ChangeSet {p['ChangeSetName']} cannot be created due to a mismatch with "
                        "existing attribute name", 400)
        template, given, parameters, tags = self._desired(region, p, stack)
        change_set = ChangeSet(p["ChangeSetName"], stack, kind)
        change_set.description, change_set.properties = p.get("Description"), p
        change_set.desired = template, given, parameters, tags
        changes, outputs = self.engine(region).plan(stack, template, parameters, tags)
        change_set.changes = changes
        if not changes and not outputs and tags == stack.tags and kind == "UPDATE":
            change_set.status, change_set.execution = "FAILED", "UNAVAILABLE"
            change_set.reason = ("The submitted information didn't contain changes. "
                                 "Submit different information to create a change set.")
        if stack.id not in self.engine(region).stacks:
            stack.status = "REVIEW_IN_PROGRESS"
            stack.event(stack.name, stack.id, "AWS::CloudFormation::Stack", stack.status, "User Initiated")
            self.engine(region).stacks[stack.id] = stack
        stack.change_sets[change_set.name] = change_set
        return {"Id": change_set.id, "StackId": stack.id}

    def _change_set(self, region, p):
        name, stack_name = p["ChangeSetName"], p.get("StackName")
        for stack in list(self.engine(region).stacks.values()):
            for change_set in stack.change_sets.values():
                if name == change_set.id:
                    return change_set
        stack = self.engine(region).live(stack_name) if stack_name else None
        if stack_name and stack is None:
            raise invalid(f"Stack [{stack_name}] does not exist")
        if stack is None or name not in stack.change_sets:
            raise Error("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", 404)
        return stack.change_sets[name]

    def describe_change_set(self, region, p):
        c = self._change_set(region, p)
        template, given, parameters, tags = c.desired
        changes = [change.answer() for change in c.changes]
        if not p.get("IncludePropertyValues"):
            for change in changes:
                for detail in change["ResourceChange"]["Details"]:
                    detail["Target"] = {k: v for k, v in detail["Target"].items() if k not in ("BeforeValue", "AfterValue")}
        return {
            "ChangeSetName": c.name, "ChangeSetId": c.id, "StackId": c.stack.id, "StackName": c.stack.name,
            "Description": c.description, "CreationTime": c.created, "ExecutionStatus": c.execution, "Status": c.status,
            "StatusReason": c.reason, "Capabilities": c.properties.get("Capabilities") or [], "Tags": tags, "Changes": changes,
            "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in given.items()], "IncludeNestedStacks": False}

    def execute_change_set(self, region, p):
        c = self._change_set(region, p)
        if c.execution != "AVAILABLE":
            raise Error("InvalidChangeSetStatus", f"ChangeSet [{c.id}] cannot be executed in its current status of [{c.status}]")
        self._settings(c.stack, dict(c.properties, **p))
        c.stack.change_sets.clear()  # as on AWS: the others describe a stack that is no more
        self.engine(region).deploy(c.stack, *c.desired)

    def delete_change_set(self, region, p):
        try:
            c = self._change_set(region, p)
        except Error:
            return  # as on AWS: no error
        c.stack.change_sets.pop(c.name, None)

    def list_change_sets(self, region, p):
        return {"Summaries": [{
            "StackId": c.stack.id, "StackName": c.stack.name, "ChangeSetId": c.id, "ChangeSetName": c.name,
            "ExecutionStatus": c.execution, "Status": c.status, "StatusReason": c.reason, "CreationTime": c.created}
            for c in self._stack(region, p["StackName"]).change_sets.values()]}

    # -- looking

    def describe_stacks(self, region, p):
        if "StackName" in p:
            stacks = [self._stack(region, p["StackName"])]
        else:
            stacks = [s for s in list(self.engine(region).stacks.values()) if s.status != "DELETE_COMPLETE"]
        return {"Stacks": [{
            "StackId": s.id, "StackName": s.name, "Description": s.description or None, "CreationTime": s.created,
            "LastUpdatedTime": s.changed, "DeletionTime": s.deleted, "StackStatus": s.status,
            "StackStatusReason": s.reason or None, "DisableRollback": False, "RoleARN": s.role_arn,
            "NotificationARNs": s.notifications, "Capabilities": s.capabilities, "Tags": s.tags, "Outputs": s.outputs,
            "Parameters": _parameters(s), "EnableTerminationProtection": s.termination_protection,
            "RollbackConfiguration": {}, "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"}} for s in stacks]}

    def list_stacks(self, region, p):
        wanted = p.get("StackStatusFilter")
        return {"StackSummaries": [{
            "StackId": s.id, "StackName": s.name, "CreationTime": s.created, "LastUpdatedTime": s.changed,
            "DeletionTime": s.deleted, "StackStatus": s.status, "StackStatusReason": s.reason or None,
            "TemplateDescription": s.description or None} for s in reversed(list(self.engine(region).stacks.values()))
            if not wanted or s.status in wanted]}

    def get_template(self, region, p):
        stack = self._stack(region, p["StackName"]) if p.get("StackName") else None
        if p.get("ChangeSetName"):
            template = self._change_set(region, p).desired[0]
        else:
            template = stack.template
        return {"TemplateBody": template.body if template else "{}", "StagesAvailable": ["Original", "Processed"]}

    def get_template_summary(self, region, p):
        stack = self._stack(region, p["StackName"]) if p.get("StackName") else None
        template = stack.template if stack else self._template(region, p)
        return {
            "Parameters": [{"ParameterKey": k, "DefaultValue": v.get("Default"), "ParameterType": v.get("Type", "String"),
                            "NoEcho": v.get("NoEcho"), "Description": v.get("Description")}
                           for k, v in template.parameters.items()],
            "Description": template.data.get("Description"), "Version": template.data.get("AWSTemplateFormatVersion"),
            "ResourceTypes": sorted({r["Type"] for r in template.resources.values()}),
            "Capabilities": _needed(template)}

    def validate_template(self, region, p):
        template = self._template(region, p)
        return {"Description": template.data.get("Description"), "Capabilities": _needed(template),
                "Parameters": [{"ParameterKey": k, "DefaultValue": v.get("Default"), "NoEcho": v.get("NoEcho")}
                               for k, v in template.parameters.items()]}

    def describe_stack_events(self, region, p):
        return {"StackEvents": list(reversed(self._stack(region, p["StackName"]).events))}

    def describe_events(self, region, p):
        return {"OperationEvents": []}  # hooks and early validation, of which there are none

    def describe_stack_resources(self, region, p):
        if "StackName" not in p:  # the stack of a resource, by its physical id
            engine = self.engine(region)
            stacks = [s for s in engine.stacks.values() if engine.live(s.name) is s
                      and any(r.physical == p.get("PhysicalResourceId") for r in s.resources.values())]
            if not stacks:
                raise invalid(f"Stack for {p.get('PhysicalResourceId')} does not exist")
            p = {**p, "StackName": stacks[0].name}
        stack = self._stack(region, p["StackName"])
        return {"StackResources": [dict(_resource(stack, r), Timestamp=r.updated) for r in stack.resources.values()
                                   if p.get("LogicalResourceId") in (None, r.logical)]}

    def describe_stack_resource(self, region, p):
        stack = self._stack(region, p["StackName"])
        resource = stack.resources.get(p["LogicalResourceId"])
        if resource is None:
            raise invalid(f"Resource {p['LogicalResourceId']} does not exist for stack {stack.name}")
        return {"StackResourceDetail": dict(_resource(stack, resource), LastUpdatedTimestamp=resource.updated)}

    def list_stack_resources(self, region, p):
        stack = self._stack(region, p["StackName"])
        return {"StackResourceSummaries": [dict(_resource(stack, r), LastUpdatedTimestamp=r.updated)
                                           for r in stack.resources.values()]}

    def list_exports(self, region, p):
        return {"Exports": [{"ExportingStackId": s.id, "Name": k, "Value": v}
                            for s in list(self.engine(region).stacks.values()) for k, v in s.exports().items()]}

    def list_imports(self, region, p):
        if not (users := self.engine(region).importers(p["ExportName"], None)):
            raise invalid(f"Export '{p['ExportName']}' is not imported by any stack.")
        return {"Imports": users}

    def update_termination_protection(self, region, p):
        stack = self._stack(region, p["StackName"])
        stack.termination_protection = p["EnableTerminationProtection"]
        return {"StackId": stack.id}


def _resource(stack, r):
    return {"StackName": stack.name, "StackId": stack.id, "LogicalResourceId": r.logical, "PhysicalResourceId": r.physical,
            "ResourceType": r.type, "ResourceStatus": r.status, "ResourceStatusReason": r.reason or None,
            "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"}}


def _parameters(stack):
    out = []
    for key, value in stack.given.items():
        declared = stack.template.parameters.get(key, {}) if stack.template else {}
        entry = {"ParameterKey": key, "ParameterValue": "****" if str(declared.get("NoEcho")).lower() == "true" else value}
        if declared.get("Type", "").startswith("AWS::SSM::Parameter::Value"):
            resolved = stack.parameters.get(key)
            entry["ResolvedValue"] = ",".join(resolved) if isinstance(resolved, list) else resolved
        out.append(entry)
    return out


def _check_name(name):
    if not re.fullmatch(r"[a-zA-Z][-a-zA-Z0-9]{0,127}", name):
        raise invalid(f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint: Member must "
                      "satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*")


def _check_updatable(stack):
    if stack.status not in engine._UPDATABLE:
        raise invalid(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")


def _needed(template):
    named = {"AWS::IAM::Role": "RoleName", "AWS::IAM::ManagedPolicy": "ManagedPolicyName", "AWS::IAM::User": "UserName",
             "AWS::IAM::Group": "GroupName", "AWS::IAM::InstanceProfile": "InstanceProfileName"}
    iam = [r for r in template.resources.values() if r.get("Type", "").startswith("AWS::IAM::")]
    if any(named.get(r["Type"]) in (r.get("Properties") or {}) for r in iam):
        return ["CAPABILITY_NAMED_IAM"]
    return ["CAPABILITY_IAM"] if iam else []


def _check_capabilities(template, given):
    for needed in _needed(template):
        if needed not in given and not (needed == "CAPABILITY_IAM" and "CAPABILITY_NAMED_IAM" in given):
            raise Error("InsufficientCapabilitiesException", f"Requires capabilities : [{needed}]")


def _fetch(region, url):
    """The text of a template in S3, addressed by path (http://HOST/BUCKET/KEY) or by host (BUCKET.s3...)."""
    parts = urllib.parse.urlsplit(url)
    path = urllib.parse.unquote(parts.path).lstrip("/")
    bucket = None
    if match := re.match(r"(.+)\.s3[.-]", parts.hostname or ""):
        bucket, key = match.group(1), path
    else:
        bucket, _, key = path.partition("/")
    try:
        return aws.call(region, "s3", "GetObject", Bucket=bucket, Key=key)["Body"].read().decode()
    except aws.ClientError as e:
        raise invalid(f"S3 error: {e.response['Error'].get('Message')}: {url}")
