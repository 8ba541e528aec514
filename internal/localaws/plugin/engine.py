"""Stacks: what a template's change means, and carrying it out with rollback."""

import datetime
import random
import string
import threading
import traceback
import uuid

import aws
import resources as kinds
import template as templates
from query import Error
from template import Scope, invalid


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def random_suffix(n=12):
    return "".join(random.choices(string.ascii_uppercase + string.digits, k=n))


class Failed(Exception):
    """A resource could not be made, changed or removed, or the stack as a whole (logical is None). The message is the reason
    that the client sees."""

    def __init__(self, reason, logical=None):
        super().__init__(reason)
        self.logical = logical


class Resource:
    """A resource of a stack. properties are the evaluated ones, raw is its part of the template."""

    def __init__(self, logical, raw):
        self.logical, self.raw, self.type = logical, raw, raw["Type"]
        self.physical, self.attributes, self.properties = None, {}, {}
        self.status, self.reason, self.updated = "", "", now()

    def attribute(self, name):
        if name in self.attributes:
            value = self.attributes[name]
            return value() if callable(value) else value  # one that other resources change is asked for anew
        raise invalid(f"Template error: resource {self.logical} does not support attribute type {name} in Fn::GetAtt")


class Context:
    """What a resource type gets to work with."""

    def __init__(self, stack, resource):
        self.stack, self.resource, self.region = stack, resource, stack.region

    def call(self, service, operation, **params):
        return aws.call(self.region, service, operation, **params)

    def made(self, physical):
        """Records the id as soon as there is one, so that a failure afterwards still removes it."""
        self.resource.physical = physical
        return physical

    def name(self, longest, lower=False):
        """A physical name as CloudFormation makes them: stack, logical id and a random end, cut to longest."""
        room = longest - 14
        stack, logical = self.stack.name[:room // 2], self.resource.logical[:room - min(len(self.stack.name), room // 2)]
        name = f"{stack}-{logical}-{random_suffix()}"
        return name.lower() if lower else name


class Stack:
    def __init__(self, name, region):
        self.name, self.region = name, region
        self.id = f"arn:aws:cloudformation:{region}:{aws.ACCOUNT}:stack/{name}/{uuid.uuid4()}"
        self.template, self.given, self.parameters, self.tags = None, {}, {}, []
        self.status, self.reason = "", ""
        self.created, self.changed, self.deleted = now(), None, None
        self.outputs, self.resources, self.events, self.change_sets = [], {}, [], {}
        self.imports = set()
        self.capabilities, self.description, self.termination_protection = [], "", False
        self.role_arn, self.notifications = None, []
        self.lock = threading.Lock()

    def event(self, logical, physical, kind, status, reason="", properties=None, token=None):
        self.events.append({
            "StackId": self.id, "EventId": str(uuid.uuid4()), "StackName": self.name, "LogicalResourceId": logical,
            "PhysicalResourceId": physical or "", "ResourceType": kind, "Timestamp": now(), "ResourceStatus": status,
            "ResourceStatusReason": reason or None, "ClientRequestToken": token})

    def set_status(self, status, reason=""):
        self.status, self.reason = status, reason
        self.event(self.name, self.id, "AWS::CloudFormation::Stack", status, reason, token=self.token)

    token = None  # of the request that is carried out

    def exports(self):
        return {o["ExportName"]: o["OutputValue"] for o in self.outputs if o.get("ExportName")}


class Change:
    """One resource of a change set."""

    def __init__(self, action, logical, kind, physical=None, replacement=None, scope=(), details=()):
        self.action, self.logical, self.kind, self.physical = action, logical, kind, physical
        self.replacement, self.scope, self.details = replacement, list(scope), list(details)

    def answer(self):
        return {"Type": "Resource", "ResourceChange": {
            "Action": self.action, "LogicalResourceId": self.logical, "PhysicalResourceId": self.physical,
            "ResourceType": self.kind, "Replacement": self.replacement, "Scope": self.scope, "Details": self.details}}


class Engine:
    """The stacks of one region."""

    def __init__(self, region):
        self.region = region
        self.stacks = {}  # by id, deleted ones too, in the order of their creation

    def live(self, name):
        """The stack of that name or id that is not deleted, None if there is none."""
        for stack in list(self.stacks.values()):
            if stack.status != "DELETE_COMPLETE" and name in (stack.name, stack.id):
                return stack
        return None

    def exports(self):
        return {k: v for s in list(self.stacks.values()) for k, v in s.exports().items()}

    def importers(self, name, other_than):
        return [s.name for s in list(self.stacks.values()) if name in s.imports and s is not other_than]

    def scope(self, stack, template, parameters, find, planning=False):
        return Scope(template, stack.name, stack.id, self.region, parameters, find, self.exports(), planning)

    def check(self, template, scope):
        """Refuses what can be refused before anything is made."""
        unknown = []
        for logical in sorted(scope.active):
            raw = template.resources[logical]
            if not isinstance(raw, dict) or not isinstance(raw.get("Type"), str):
                raise invalid(f"Template format error: [/Resources/{logical}] needs a Type")
            if missing := templates.dependencies(raw) - set(template.resources) - set(template.parameters) - set(scope.pseudo):
                raise invalid(f"Template format error: Unresolved resource dependencies [{', '.join(sorted(missing))}] in the "
                              "Resources block of the template")
            if kinds.find(raw["Type"]) is None:
                unknown.append(raw["Type"])
        if unknown:
            raise invalid(f"Template format error: Unrecognized resource types: [{', '.join(sorted(set(unknown)))}]: the local "
                          "AWS does not make them. Leave them out of what is deployed to it, or deploy the stack to an account")

    def properties(self, stack, kind, scope, raw, tags):
        """The evaluated properties of a resource, with the stack's tags where its type has tags."""
        properties = scope.value(raw.get("Properties") or {})
        if kind.tags and tags:
            own = properties.get("Tags") or []
            if isinstance(own, list):
                names = {t.get("Key") for t in own}
                extra = [dict(t, PropagateAtLaunch="true") if kind.name == "AWS::AutoScaling::AutoScalingGroup" else dict(t)
                         for t in tags if t["Key"] not in names]
                properties = dict(properties, Tags=own + extra)
        return properties

    def plan(self, stack, template, parameters, tags):
        """The changes that a template means for a stack, nothing done yet."""
        fresh = set()  # logical ids whose values only the deployment tells

        def find(logical):
            return None if logical in fresh else stack.resources.get(logical)
        scope = self.scope(stack, template, parameters, find, planning=True)
        scope.check_rules()
        self.check(template, scope)
        changes = []
        active = {k: template.resources[k] for k in template.resources if k in scope.active}
        for logical in templates.order(active):
            raw, old = active[logical], stack.resources.get(logical)
            kind = kinds.find(raw["Type"])
            if old is None:
                fresh.add(logical)
                try:
                    self.properties(stack, kind, scope, raw, tags)  # what cannot be evaluated is refused now
                finally:
                    changes.append(Change("Add", logical, kind.name if raw["Type"] == kind.name else raw["Type"]))
                continue
            if old.type != raw["Type"]:
                raise invalid(f"Update of resource type is not permitted. The new template modifies resource type of the "
                              f"following resources: [{logical}]")
            new = self.properties(stack, kind, scope, raw, tags)
            changed = differing(old.properties, new)
            attributes = [a for a in ("Metadata", "DeletionPolicy", "UpdateReplacePolicy") if old.raw.get(a) != raw.get(a)]
            if not changed and not attributes:
                continue
            replaced = kind.replaces(old.properties, new, changed)
            details = [{"Target": {
                "Attribute": "Tags" if p == "Tags" else "Properties", "Name": p,
                "RequiresRecreation": "Always" if p in replaced else "Never", "Path": f"/Properties/{p}",
                "BeforeValue": _shown(old.properties.get(p)), "AfterValue": _shown(new.get(p)),
                "AttributeChangeType": "Add" if p not in old.properties else "Remove" if p not in new else "Modify"},
                "Evaluation": "Static", "ChangeSource": "DirectModification"} for p in changed]
            details += [{"Target": {"Attribute": a, "RequiresRecreation": "Never"}, "Evaluation": "Static",
                         "ChangeSource": "DirectModification"} for a in attributes]
            scope_of_change = sorted({d["Target"]["Attribute"] for d in details})
            changes.append(Change("Modify", logical, raw["Type"], old.physical, "True" if replaced else "False",
                                  scope_of_change, details))
            if replaced:
                fresh.add(logical)
        for logical in reversed(templates.order({k: r.raw for k, r in stack.resources.items()})):
            if logical not in active:
                old = stack.resources[logical]
                changes.append(Change("Remove", logical, old.type, old.physical))
        outputs = self._outputs(template, scope) if template.outputs else []
        return changes, _comparable(outputs) != _comparable(stack.outputs)

    def _outputs(self, template, scope):
        outputs = []
        for name, output in template.outputs.items():
            if "Condition" in output and not scope.condition(output["Condition"]):
                continue
            value = scope.value(output["Value"])
            if isinstance(value, (dict, list)):
                raise invalid(f"Template format error: Output {name} is malformed: its value is no text")
            entry = {"OutputKey": name, "OutputValue": templates._text(value)}
            if "Description" in output:
                entry["Description"] = output["Description"]
            if "Export" in output:
                entry["ExportName"] = scope.value(output["Export"]["Name"])
            outputs.append(entry)
        return outputs

    # -- carrying out

    def deploy(self, stack, template, given, parameters, tags):
        """Creates or updates the stack's resources. The stack's status tells how it went."""
        update = stack.status in _UPDATABLE
        verb = "UPDATE" if update else "CREATE"
        with stack.lock:
            stack.changed = now() if update else None
            stack.set_status(f"{verb}_IN_PROGRESS", "User Initiated")
            undo = []
            scope = self.scope(stack, template, parameters, stack.resources.get)
            active = {k: template.resources[k] for k in template.resources if k in scope.active}
            old_order = templates.order({k: r.raw for k, r in stack.resources.items()})
            replaced = []
            try:
                for logical in templates.order(active):
                    self._put(stack, scope, active[logical], logical, tags, undo, replaced)
                outputs = self._outputs(template, scope)
                self._check_exports(stack, outputs)
            except Exception as e:
                logical = getattr(e, "logical", None)
                why = f"The following resource(s) failed to {verb.lower()}: [{logical}]. " if logical else explain(e) + " "
                if update:
                    self._roll_back_update(stack, undo, why.strip())
                else:
                    stack.template, stack.given, stack.parameters, stack.tags = template, given, parameters, tags
                    self._roll_back_create(stack, why)
                return
            stack.template, stack.given, stack.parameters, stack.tags = template, given, parameters, tags
            stack.outputs, stack.imports = outputs, scope.imports
            stack.description = template.data.get("Description", "")
            if update:
                gone = [stack.resources[k] for k in reversed(old_order) if k not in active and k in stack.resources]
                if gone or replaced:
                    stack.set_status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
                for old in replaced[::-1] + gone:
                    policy = "UpdateReplacePolicy" if old in replaced else "DeletionPolicy"
                    try:
                        self._remove(stack, old, policy)
                    except Failed:
                        pass  # as on AWS: the update stands, the event tells
                    if stack.resources.get(old.logical) is old:
                        del stack.resources[old.logical]
            stack.set_status(f"{verb}_COMPLETE")

    def _put(self, stack, scope, raw, logical, tags, undo, replaced):
        """Creates, changes, replaces or leaves one resource."""
        kind, old = kinds.find(raw["Type"]), stack.resources.get(logical)
        try:
            properties = self.properties(stack, kind, scope, raw, tags)
            changed = [] if old is None else differing(old.properties, properties)
            if old is not None and not changed:
                if old.raw != raw:
                    earlier = old.raw
                    undo.append(lambda: setattr(old, "raw", earlier))
                    old.raw = raw
                return
        except Exception as e:
            self._tell(stack, old or Resource(logical, raw), "UPDATE_FAILED" if old else "CREATE_FAILED", explain(e))
            raise Failed(explain(e), logical) from e
        if old is None or kind.replaces(old.properties, properties, changed):
            new = Resource(logical, raw)
            new.properties = properties
            if old is None:
                undo.append(lambda: self._undo_create(stack, new))
            else:
                undo.append(lambda: self._undo_replace(stack, new, old))
                replaced.append(old)
            stack.resources[logical] = new
            verb = "CREATE" if old is None else "UPDATE"
            self._tell(stack, new, f"{verb}_IN_PROGRESS",
                       "" if old is None else "Requested update requires the creation of a new physical resource; hence creating one.")
            self._attempt(stack, new, f"{verb}_FAILED", lambda: self._create(stack, kind, new))
            self._tell(stack, new, f"{verb}_COMPLETE")
            return
        before = (old.raw, old.properties, old.attributes)
        undo.append(lambda: self._undo_update(stack, kind, old, properties, before))
        self._tell(stack, old, "UPDATE_IN_PROGRESS")
        self._attempt(stack, old, "UPDATE_FAILED", lambda: self._update(stack, kind, old, properties))
        old.raw = raw
        self._tell(stack, old, "UPDATE_COMPLETE")

    def _create(self, stack, kind, resource):
        kind.check(resource.properties)
        physical, attributes = kind.create(Context(stack, resource), resource.properties)
        resource.physical, resource.attributes = physical, attributes

    def _update(self, stack, kind, resource, properties):
        kind.check(properties)
        attributes = kind.update(Context(stack, resource), resource.physical, resource.properties, properties)
        resource.properties = properties
        if attributes is not None:
            resource.attributes = attributes

    def _attempt(self, stack, resource, failed, action):
        """Does action; whatever goes wrong, a fault of moto or of ours too, is a failure with a reason."""
        try:
            action()
        except Exception as e:
            reason = explain(e)
            self._tell(stack, resource, failed, reason)
            raise Failed(f"{resource.logical} ({resource.type}): {reason}", resource.logical) from e

    def _tell(self, stack, resource, status, reason=""):
        resource.status, resource.reason, resource.updated = status, reason, now()
        stack.event(resource.logical, resource.physical, resource.type, status, reason, token=stack.token)

    def _remove(self, stack, resource, policy="DeletionPolicy"):
        """Deletes a resource, or leaves it when its policy says so."""
        wanted = resource.raw.get(policy, "Delete")
        if wanted == "Retain" or (wanted == "RetainExceptOnCreate" and not stack.status.startswith("ROLLBACK")):
            self._tell(stack, resource, "DELETE_SKIPPED")
            return
        if resource.physical is not None:
            kind = kinds.find(resource.type)
            self._tell(stack, resource, "DELETE_IN_PROGRESS")
            self._attempt(stack, resource, "DELETE_FAILED",
                          lambda: kind.delete(Context(stack, resource), resource.physical, resource.properties))
        self._tell(stack, resource, "DELETE_COMPLETE")

    def _undo_create(self, stack, resource):
        self._remove(stack, resource)
        stack.resources.pop(resource.logical, None)

    def _undo_replace(self, stack, new, old):
        stack.resources[new.logical] = old
        self._remove(stack, new)

    def _undo_update(self, stack, kind, resource, attempted, before):
        """Back from the attempted properties to the earlier ones."""
        raw, properties, attributes = before
        self._tell(stack, resource, "UPDATE_IN_PROGRESS")
        self._attempt(stack, resource, "UPDATE_FAILED",
                      lambda: kind.update(Context(stack, resource), resource.physical, attempted, properties))
        resource.raw, resource.properties, resource.attributes = raw, properties, attributes
        self._tell(stack, resource, "UPDATE_COMPLETE")

    # AWS leaves the reason of the last status empty, and clients look for it in the events; here it is said there, too. A
    # failed deployment is always rolled back, also when the client would rather look at what is left.

    def _roll_back_create(self, stack, why):
        stack.set_status("ROLLBACK_IN_PROGRESS", why + "Rollback requested by user.")
        left = self._remove_all(stack)
        stack.set_status("ROLLBACK_FAILED" if left else "ROLLBACK_COMPLETE", _left(left) or why.strip())

    def _roll_back_update(self, stack, undo, why):
        stack.set_status("UPDATE_ROLLBACK_IN_PROGRESS", why)
        wrong = []
        for step in reversed(undo):
            try:
                step()
            except Failed as e:
                wrong.append(str(e))
        stack.set_status("UPDATE_ROLLBACK_FAILED" if wrong else "UPDATE_ROLLBACK_COMPLETE", "; ".join(wrong) or why)

    def _check_exports(self, stack, outputs):
        others = {k for s in list(self.stacks.values()) if s is not stack for k in s.exports()}
        new = {o["ExportName"]: o["OutputValue"] for o in outputs if o.get("ExportName")}
        for name in new:
            if name in others:
                raise Failed(f"Export with name {name} is already exported by another stack")
        for name, value in stack.exports().items():
            users = self.importers(name, stack)
            if users and name not in new:
                raise Failed(f"Cannot delete export {name} as it is in use by {', '.join(users)}")
            if users and new[name] != value:
                raise Failed(f"Cannot update export {name} as it is in use by {', '.join(users)}")

    def _remove_all(self, stack):
        """Removes every resource, dependents first; the logical ids that would not go. What those need stays."""
        left, needed = [], set()
        for logical in reversed(templates.order({k: r.raw for k, r in stack.resources.items()})):
            resource = stack.resources[logical]
            try:
                if logical not in needed:
                    self._remove(stack, resource)
                    del stack.resources[logical]
                    continue
            except Failed:
                left.append(logical)
            needed |= templates.dependencies(resource.raw)
        return left

    def delete(self, stack):
        with stack.lock:
            for name in stack.exports():
                if users := self.importers(name, stack):
                    stack.set_status("DELETE_IN_PROGRESS", "User Initiated")
                    stack.set_status("DELETE_FAILED", f"Delete canceled. Cannot delete export {name} as it is in use by {', '.join(users)}.")
                    return
            stack.set_status("DELETE_IN_PROGRESS", "User Initiated")
            left = self._remove_all(stack)
            if left:
                stack.set_status("DELETE_FAILED", _left(left))
                return
            stack.outputs, stack.imports, stack.deleted = [], set(), now()
            stack.set_status("DELETE_COMPLETE")


_UPDATABLE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")


def _left(left):
    return f"The following resource(s) failed to delete: [{', '.join(left)}]. " if left else ""


def _shown(value):
    return None if value is None else templates._text(value)[:1000]


def _comparable(outputs):
    return sorted((o["OutputKey"], o["OutputValue"], o.get("Description"), o.get("ExportName")) for o in outputs)


def differing(old, new):
    """The names of the properties that differ."""
    return sorted(k for k in set(old) | set(new) if templates.normal(old.get(k)) != templates.normal(new.get(k)))


def explain(error):
    """An exception in the words that a deployment fails with."""
    if isinstance(error, aws.ClientError):
        details = error.response
        message, status = details["Error"].get("Message") or "", details["ResponseMetadata"]["HTTPStatusCode"]
        return f"{message} (Operation: {error.operation_name}; Status Code: {status}; Error Code: {aws.code(error)})"
    if isinstance(error, (Failed, Error, kinds.Refused)):
        return str(error)
    if isinstance(error, aws.botocore.exceptions.ParamValidationError):
        return str(error)
    traceback.print_exc()
    return f"internal error of the local AWS: {type(error).__name__}: {error}"
