"""Elastic Beanstalk's types, over its API."""

from resources import changed, gone, kind, pick, retag

_NONE = "InvalidParameterValue"  # what Beanstalk answers for what is not there


def _call(c, operation, **p):
    return c.call("elasticbeanstalk", operation, **p)


def _retag(c, arn, old, new):
    retag(old, new, lambda tags: _call(c, "UpdateTagsForResource", ResourceArn=arn, TagsToAdd=tags),
          lambda keys: _call(c, "UpdateTagsForResource", ResourceArn=arn, TagsToRemove=keys))


@kind("AWS::ElasticBeanstalk::Application", "ApplicationName Description ResourceLifecycleConfig", "ApplicationName")
class Application:
    def create(c, p):
        name = p.get("ApplicationName") or c.name(100)
        _call(c, "CreateApplication", ApplicationName=name, **pick(p, "Description", "ResourceLifecycleConfig"))
        return c.made(name), {}

    def update(c, id, old, new):
        if changed(old, new, "Description"):
            _call(c, "UpdateApplication", ApplicationName=id, Description=new.get("Description", ""))
        if changed(old, new, "ResourceLifecycleConfig"):
            _call(c, "UpdateApplicationResourceLifecycle", ApplicationName=id,
                  ResourceLifecycleConfig=new.get("ResourceLifecycleConfig", {}))

    def delete(c, id, p):
        _call(c, "DeleteApplication", ApplicationName=id)


@kind("AWS::ElasticBeanstalk::ApplicationVersion", "ApplicationName Description SourceBundle", "ApplicationName SourceBundle")
class ApplicationVersion:
    def create(c, p):
        label = c.name(100)
        _call(c, "CreateApplicationVersion", VersionLabel=label, **p)
        return c.made(label), {"Id": label}

    def update(c, id, old, new):
        _call(c, "UpdateApplicationVersion", ApplicationName=new["ApplicationName"], VersionLabel=id,
              Description=new.get("Description", ""))

    def delete(c, id, p):
        gone(lambda: _call(c, "DeleteApplicationVersion", ApplicationName=p["ApplicationName"], VersionLabel=id), _NONE)


_TEMPLATE = ("ApplicationName", "Description", "EnvironmentId", "OptionSettings", "PlatformArn", "SolutionStackName",
             "SourceConfiguration")


@kind("AWS::ElasticBeanstalk::ConfigurationTemplate", " ".join(_TEMPLATE),
      "ApplicationName EnvironmentId PlatformArn SolutionStackName SourceConfiguration")
class ConfigurationTemplate:
    def create(c, p):
        name = c.name(100)
        _call(c, "CreateConfigurationTemplate", TemplateName=name, **pick(p, *_TEMPLATE))
        return c.made(name), {"TemplateName": name}

    def update(c, id, old, new):
        _call(c, "UpdateConfigurationTemplate", TemplateName=id, **pick(new, "ApplicationName", "Description", "OptionSettings"))

    def delete(c, id, p):
        gone(lambda: _call(c, "DeleteConfigurationTemplate", ApplicationName=p["ApplicationName"], TemplateName=id), _NONE)


_ENVIRONMENT = ("ApplicationName", "CNAMEPrefix", "Description", "OperationsRole", "OptionSettings", "PlatformArn",
                "SolutionStackName", "TemplateName", "Tier", "VersionLabel")


@kind("AWS::ElasticBeanstalk::Environment", " ".join(_ENVIRONMENT) + " EnvironmentName",
      "ApplicationName CNAMEPrefix EnvironmentName SolutionStackName Tier", tags=True)
class Environment:
    def create(c, p):
        name = p.get("EnvironmentName") or f"{c.stack.name[:4]}-{c.resource.logical[:4]}-{c.name(14)[-12:]}".replace("--", "-")
        made = _call(c, "CreateEnvironment", EnvironmentName=name, Tags=p.get("Tags") or None, **pick(p, *_ENVIRONMENT))
        return c.made(name), {"EndpointURL": made.get("EndpointURL", "")}

    def update(c, id, old, new):
        # Only what differs; an option setting that is no longer there keeps its value, as CloudFormation documents.
        different = {n: new[n] for n in _ENVIRONMENT if n in new and changed(old, new, n)}
        if different:
            _call(c, "UpdateEnvironment", EnvironmentName=id, **pick(
                different, "Description", "OptionSettings", "PlatformArn", "TemplateName", "VersionLabel"))
        found = _call(c, "DescribeEnvironments", EnvironmentNames=[id])["Environments"][0]
        _retag(c, found["EnvironmentArn"], old, new)
        return {"EndpointURL": found.get("EndpointURL", "")}

    def delete(c, id, p):
        if _call(c, "DescribeEnvironments", EnvironmentNames=[id])["Environments"]:
            _call(c, "TerminateEnvironment", EnvironmentName=id)
