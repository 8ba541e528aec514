"""CloudFormation templates: reading, parameters, conditions, functions, the order of resources."""

import base64
import functools
import ipaddress
import json
import re

import yaml

import aws
from query import Error

ABSENT = object()  # AWS::NoValue
UNKNOWN = "{{changeSet:KNOWN_AFTER_APPLY}}"  # what a change set shows for a value that only the deployment tells

_FUNCTION = re.compile(r"Fn::[A-Za-z0-9:]+$")
_SUB = re.compile(r"\$\{([^}]*)\}")
_DYNAMIC = re.compile(r"\{\{resolve:(ssm|ssm-secure|secretsmanager):([^{}]+)\}\}")


def invalid(message):
    return Error("ValidationError", message)


class Reader(yaml.SafeLoader):
    """YAML with the short forms (!Ref, !Sub, ...), where a date is a text."""


Reader.yaml_implicit_resolvers = {
    k: [(tag, pattern) for tag, pattern in v if tag != "tag:yaml.org,2002:timestamp"]
    for k, v in yaml.SafeLoader.yaml_implicit_resolvers.items()}


def _short_form(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else "Fn::" + suffix: value}


Reader.add_multi_constructor("!", _short_form)


class Template:
    """A template as it was given (body) and as read (data)."""

    def __init__(self, body):
        self.body = body
        try:
            self.data = json.loads(body)
        except ValueError:
            try:
                self.data = yaml.load(body, Reader)
            except yaml.YAMLError as e:
                raise invalid(f"Template format error: {e}")
        if not isinstance(self.data, dict):
            raise invalid("Template format error: unsupported structure.")
        self.resources = self.data.get("Resources") or {}
        if not self.resources:
            raise invalid("Template format error: At least one Resources member must be defined.")
        self.parameters = self.data.get("Parameters") or {}
        self.conditions = self.data.get("Conditions") or {}
        self.outputs = self.data.get("Outputs") or {}
        if "Transform" in self.data:
            raise invalid(f"the local AWS runs no transforms, and the template asks for {self.data['Transform']!r}")

    def parameter_values(self, given, previous, region):
        """The value of every parameter; given: the list of the API, previous: the values that the stack has."""
        values, missing = {}, []
        given = {p["ParameterKey"]: p for p in given or []}
        if surplus := sorted(set(given) - set(self.parameters)):
            raise invalid(f"Parameters: [{', '.join(surplus)}] do not exist in the template")
        for key, declared in self.parameters.items():
            entry = given.get(key, {})
            if entry.get("UsePreviousValue") and key in previous:
                value = previous[key]
            elif "ParameterValue" in entry:
                value = entry["ParameterValue"]
            elif "Default" in declared:
                value = str(declared["Default"])
            else:
                missing.append(key)
                continue
            if "AllowedValues" in declared and value not in map(str, declared["AllowedValues"]):
                raise invalid(f"Parameter '{key}' must be one of AllowedValues")
            if "AllowedPattern" in declared and not re.fullmatch(declared["AllowedPattern"], value):
                raise invalid(f"Parameter '{key}' must match pattern {declared['AllowedPattern']}")
            values[key] = value
        if missing:
            raise invalid(f"Parameters: [{', '.join(missing)}] must have values")
        resolved = {}
        for key, value in values.items():
            kind = self.parameters[key].get("Type", "String")
            if kind.startswith("AWS::SSM::Parameter::Value"):
                try:
                    value = aws.call(region, "ssm", "GetParameter", Name=value)["Parameter"]["Value"]
                except aws.ClientError:
                    raise invalid(f"Unable to fetch parameters [{value}] from parameter store for this account.")
            resolved[key] = value.split(",") if "List" in kind else value
        return values, resolved


class Scope:
    """Where a template's expressions are evaluated: one stack, its parameters, and find, which gives the resource of a
    logical id (with physical and attribute(name)) or None for one whose values are not known yet."""

    def __init__(self, template, stack_name, stack_id, region, parameters, find, exports, planning=False):
        self.planning = planning  # a dynamic reference that nothing answers yet stays as it is
        self.template, self.region, self.parameters, self.find, self.exports = template, region, parameters, find, exports
        self.imports = set()  # the names of the exports that were asked for
        self.pseudo = {
            "AWS::AccountId": aws.ACCOUNT, "AWS::Region": region, "AWS::Partition": aws.PARTITION,
            "AWS::StackName": stack_name, "AWS::StackId": stack_id, "AWS::URLSuffix": aws.DNS_SUFFIX,
            "AWS::NoValue": ABSENT, "AWS::NotificationARNs": [],
        }
        self._conditions = {}
        self.active = {k for k, v in template.resources.items() if "Condition" not in v or self.condition(v["Condition"])}

    def check_rules(self):
        """The assertions of the template's Rules, of which the bootstrap version is one."""
        for rule in (self.template.data.get("Rules") or {}).values():
            if "RuleCondition" in rule and not self.value(rule["RuleCondition"]):
                continue
            for assertion in rule.get("Assertions", []):
                if not self.value(assertion["Assert"]):
                    raise invalid("Template validation error: " + assertion.get("AssertDescription", "an assertion failed"))

    def condition(self, name):
        if name not in self._conditions:
            if name not in self.template.conditions:
                raise invalid(f"Template format error: Unresolved condition {name}")
            self._conditions[name] = bool(self.value(self.template.conditions[name]))
        return self._conditions[name]

    def value(self, node):
        """The value of an expression; ABSENT for AWS::NoValue."""
        if isinstance(node, list):
            return [v for v in map(self.value, node) if v is not ABSENT]
        if isinstance(node, str):
            return self._dynamic(node)
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (name, argument), = node.items()
            if name == "Ref":
                return self._ref(argument)
            if name == "Condition" and isinstance(argument, str):
                return self.condition(argument)
            if _FUNCTION.match(name):
                function = getattr(self, "_" + name[4:].lower(), None)
                if function is None:
                    raise invalid(f"Template error: the local AWS does not know {name}")
                return function(argument)
        evaluated = {k: self.value(v) for k, v in node.items()}
        return {k: v for k, v in evaluated.items() if v is not ABSENT}

    def _dynamic(self, text):
        def resolve(match):
            kind, reference = match.groups()
            try:
                if kind == "secretsmanager":
                    arn = re.match(r"arn:[^:]*:secretsmanager:[^:]*:[^:]*:secret:[^:]*|[^:]+", reference).group()
                    what, key, *_ = (reference[len(arn) + 1:] + "::").split(":")
                    secret = aws.call(self.region, "secretsmanager", "GetSecretValue", SecretId=arn)
                    text = secret[what or "SecretString"]
                    return str(json.loads(text)[key]) if key else text
                return aws.call(self.region, "ssm", "GetParameter", Name=reference, WithDecryption=True)["Parameter"]["Value"]
            except (aws.ClientError, KeyError, ValueError) as e:
                if self.planning:
                    return match.group()
                raise invalid(f"Could not resolve {match.group()}: {e}")
        return _DYNAMIC.sub(resolve, text) if "{{resolve:" in text else text

    def _ref(self, name):
        if name in self.pseudo:
            return self.pseudo[name]
        if name in self.parameters:
            return self.parameters[name]
        if name not in self.active:
            raise invalid(f"Template format error: Unresolved resource dependencies [{name}] in the Resources block of the template")
        resource = self.find(name)
        return UNKNOWN if resource is None else resource.physical

    def _getatt(self, argument):
        name, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
        attribute = self.value(attribute)
        if name not in self.active:
            raise invalid(f"Template format error: Unresolved resource dependencies [{name}] in the Resources block of the template")
        resource = self.find(name)
        return UNKNOWN if resource is None else resource.attribute(attribute)

    def _join(self, argument):
        separator, items = argument
        return separator.join(map(_text, self.value(items)))

    def _sub(self, argument):
        text, extra = argument if isinstance(argument, list) else (argument, {})

        def replace(match):
            name = match.group(1)
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            name = name.strip()
            if name in extra:
                return _text(self.value(extra[name]))
            if "." in name and name not in self.parameters:
                return _text(self._getatt(name.split(".", 1)))
            return _text(self._ref(name))
        return self._dynamic(_SUB.sub(replace, text))

    def _select(self, argument):
        index, items = self.value(argument[0]), self.value(argument[1])
        if items == UNKNOWN:
            return UNKNOWN
        if int(index) >= len(items):
            raise invalid(f"Template error: Fn::Select cannot select nonexistent value at index {index}")
        return items[int(index)]

    def _split(self, argument):
        text = self.value(argument[1])
        return text if text == UNKNOWN else text.split(argument[0])

    def _if(self, argument):
        return self.value(argument[1] if self.condition(argument[0]) else argument[2])

    def _equals(self, argument):
        a, b = map(self.value, argument)
        return _text(a) == _text(b)

    def _not(self, argument):
        return not self.value(argument[0])

    def _and(self, argument):
        return all(map(self.value, argument))

    def _or(self, argument):
        return any(map(self.value, argument))

    def _contains(self, argument):
        return self.value(argument[1]) in self.value(argument[0])

    def _findinmap(self, argument):
        mapping, first, second = map(self.value, argument[:3])
        try:
            return self.template.data["Mappings"][mapping][first][second]
        except KeyError:
            if len(argument) > 3 and "DefaultValue" in argument[3]:
                return self.value(argument[3]["DefaultValue"])
            raise invalid(f"Template error: Unable to get mapping for {mapping}::{first}::{second}")

    def _importvalue(self, argument):
        name = self.value(argument)
        if name not in self.exports:
            raise invalid(f"No export named {name} found.")
        self.imports.add(name)
        return self.exports[name]

    def _getstackoutput(self, argument):
        wanted = self.value(argument)
        try:
            stack = aws.call(wanted.get("Region") or self.region, "cloudformation", "DescribeStacks", StackName=wanted["StackName"])
        except aws.ClientError as e:
            raise invalid(f"Fn::GetStackOutput: {e.response['Error'].get('Message')}")
        for output in stack["Stacks"][0].get("Outputs", []):
            if output["OutputKey"] == wanted["OutputName"]:
                return output["OutputValue"]
        raise invalid(f"Fn::GetStackOutput: stack {wanted['StackName']} has no output {wanted['OutputName']}")

    def _base64(self, argument):
        return base64.b64encode(_text(self.value(argument)).encode()).decode()

    def _getazs(self, argument):
        return list(_zones(self.value(argument) or self.region))

    def _cidr(self, argument):
        block, count, bits = (list(map(self.value, argument)) + [8])[:3]
        if block == UNKNOWN:
            return UNKNOWN
        network = ipaddress.ip_network(block)
        subnets = network.subnets(new_prefix=network.max_prefixlen - int(bits))
        return [str(next(subnets)) for _ in range(int(count))]


@functools.cache  # nothing changes them, not even a reset: moto has a fixed list
def _zones(region):
    zones = aws.call(region, "ec2", "DescribeAvailabilityZones")["AvailabilityZones"]
    return tuple(sorted(z["ZoneName"] for z in zones))


def _text(value):
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else str(value)


def normal(value):
    """A value as CloudFormation compares it and hands it on: 80 is "80", true is "true"."""
    if isinstance(value, dict):
        return {k: normal(v) for k, v in value.items()}
    if isinstance(value, list):
        return [normal(v) for v in value]
    return value if value is None else _text(value)


def references(node):
    """The logical ids that an expression names, parameters and pseudo parameters too."""
    if isinstance(node, list):
        return set().union(*map(references, node)) if node else set()
    if not isinstance(node, dict):
        return set()
    found = set()
    for key, value in node.items():
        if key == "Ref" and isinstance(value, str):
            found.add(value)
        elif key == "Fn::GetAtt":
            found.add(value.split(".")[0] if isinstance(value, str) else value[0])
        elif key == "Fn::Sub":
            text, extra = value if isinstance(value, list) else (value, {})
            found |= {m.strip().split(".")[0] for m in _SUB.findall(text) if not m.startswith("!") and m not in extra}
            found |= references(extra)
        else:
            found |= references(value)
    return found


def dependencies(raw):
    """The logical ids that a resource of a template must come after."""
    on = raw.get("DependsOn") or []
    return references(raw.get("Properties")) | set([on] if isinstance(on, str) else on)


def order(resources):
    """The logical ids of resources (logical id → raw), each after what it depends on."""
    needs = {k: dependencies(raw) & set(resources) for k, raw in resources.items()}
    done = []
    while needs:
        ready = [k for k, v in needs.items() if not v - set(done)]
        if not ready:
            raise invalid(f"Circular dependency between resources: [{', '.join(sorted(needs))}]")
        for k in ready:
            del needs[k]
        done += ready
    return done
