"""The resource types that stacks may hold, by CloudFormation's name.

A type is a class with create(c, p) → (physical id, attributes), delete(c, id, p) and, unless every change of it means a new
one, update(c, id, old, new) → attributes or None. A property that a type does not list fails the deployment: what would be
left out silently here would be a surprise on AWS.
"""

import aws


class Refused(Exception):
    """A reason not to make a resource."""


class Kind:
    """A resource type. create_only: the properties whose change replaces the resource."""

    def __init__(self, name, properties, create_only, tags, methods):
        self.name, self.tags = name, tags
        self.properties = set(properties.split()) | ({"Tags"} if tags else set())
        self.create = methods.create
        self.update = getattr(methods, "update", None)
        self.delete = methods.delete
        self.create_only = set(create_only.split()) if self.update else self.properties
        self.any_property = getattr(methods, "any_property", False)

    def check(self, properties):
        if not self.any_property and (unknown := sorted(set(properties) - self.properties)):
            raise Refused(f"the local AWS does not know the property {', '.join(unknown)} of {self.name}")

    def replaces(self, old, new, changed):
        """Those of the changed properties that mean a new resource."""
        return set(changed) if self.update is None else set(changed) & self.create_only


KINDS = {}
FAMILIES = []  # (predicate over the name, kind): custom resources


def kind(name, properties, create_only="", tags=False):
    def register(methods):
        KINDS[name] = Kind(name, properties, create_only, tags, methods)
        return methods
    return register


def find(name):
    """The Kind of that name, None if it is not made here."""
    if name in KINDS:
        return KINDS[name]
    return next((k for matches, k in FAMILIES if matches(name)), None)


def gone(action, *codes):
    """Does action; that the thing is no more (one of codes) is fine."""
    try:
        action()
    except aws.ClientError as e:
        if aws.code(e) not in codes:
            raise


def retag(old, new, add, remove):
    """Brings the tags of a resource from old to new (properties): add gets the list, remove the keys."""
    was = {t["Key"]: t["Value"] for t in old.get("Tags") or []}
    now = {t["Key"]: t["Value"] for t in new.get("Tags") or []}
    if surplus := sorted(set(was) - set(now)):
        remove(surplus)
    if changed := [{"Key": k, "Value": v} for k, v in now.items() if was.get(k) != v]:
        add(changed)


def changed(old, new, *names):
    return any(old.get(n) != new.get(n) for n in names)


def pick(properties, *names):
    """Those of the properties that are there."""
    return {n: properties[n] for n in names if n in properties}


@kind("AWS::CDK::Metadata", "Analytics")
class Metadata:
    def create(c, p):
        return c.made(c.name(64)), {}

    def update(c, id, old, new):
        return None

    def delete(c, id, p):
        pass


@kind("AWS::CloudFormation::WaitConditionHandle", "")
class WaitConditionHandle:
    def create(c, p):
        return c.made(c.name(64)), {}

    def delete(c, id, p):
        pass


# Each module registers its types.
import types_network  # noqa: E402,F401
import types_balancing  # noqa: E402,F401
import types_identity  # noqa: E402,F401
import types_storage  # noqa: E402,F401
import types_operation  # noqa: E402,F401
import types_beanstalk  # noqa: E402,F401
import custom  # noqa: E402,F401
