"""What moto does wrong and a deployment meets, put right while it runs; its source stays as it is."""

from moto.iam import access_control
from moto.route53 import models as route53


def apply():
    statements()
    zones()


def zones():
    """The id of a hosted zone begins with a Z, by which a configuration with another one is refused; moto's with any letter."""
    make = route53.create_route53_zone_id
    route53.create_route53_zone_id = lambda *args, **kwargs: "Z" + make(*args, **kwargs)[1:]


def statements():
    """A statement of a bucket policy whose Condition does not hold says nothing; to moto, which knows hardly any condition, it
    denies, and the usual "no plain HTTP" would forbid everything. Such statements are not evaluated here."""
    evaluate = access_control.IAMPolicyStatement.is_action_permitted

    def is_action_permitted(self, *args, **kwargs):
        if "Condition" in self._statement:
            return access_control.PermissionResult.NEUTRAL
        return evaluate(self, *args, **kwargs)
    access_control.IAMPolicyStatement.is_action_permitted = is_action_permitted
