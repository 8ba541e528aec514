"""Source bundles of application versions: what their configuration files (.ebextensions/*.config) say about the environment.
What they say about its instances, nobody reads here."""

import copy
import io
import json
import zipfile

import yaml

import aws
from query import Error
from template import Reader

_SECTIONS = ("Resources", "Mappings", "Conditions", "Outputs")
_SOFTWARE = ("packages", "groups", "users", "sources", "files", "commands", "services", "container_commands")


def invalid(message):
    return Error("InvalidParameterValue", message)


class Extensions:
    """The option settings and the parts of a template of all configuration files of a bundle, later files over earlier ones."""

    def __init__(self, settings=(), parts=None):
        self.settings, self.parts = list(settings), parts or {}

    def over(self, template, option):
        """The template of an environment's stack with what the files say of it. option: the value of (namespace, name)."""
        merged = copy.deepcopy(template)
        for section, things in self.parts.items():
            for name, part in things.items():
                part, there = _options(part, option), merged.setdefault(section, {}).get(name)
                if section != "Resources" or there is None:
                    if section == "Resources" and "Type" not in part:
                        raise invalid(f"Template format error: [/Resources/{name}] Every Resources object must contain a Type "
                                      "member: Beanstalk makes no such resource for this environment")
                    merged[section][name] = part
                elif part.get("Type", there["Type"]) != there["Type"]:
                    raise invalid(f"Template format error: [/Resources/{name}] is of type {there['Type']}, not {part['Type']}")
                else:
                    merged[section][name] = _merge(there, part)
        return merged


def _merge(there, part):
    """Maps key by key; a list takes the place of a list."""
    if isinstance(there, dict) and isinstance(part, dict) and not _is_function(there) and not _is_function(part):
        return {**there, **{k: _merge(there[k], v) if k in there else v for k, v in part.items()}}
    return part


def _is_function(value):
    return len(value) == 1 and next(iter(value)).startswith(("Ref", "Fn::"))


def _options(value, option):
    """Fn::GetOptionSetting in its place; a text between backticks is JSON."""
    if isinstance(value, list):
        return [_options(v, option) for v in value]
    if isinstance(value, str) and len(value) > 2 and value[0] == value[-1] == "`":
        try:
            return _options(json.loads(value[1:-1]), option)
        except ValueError:
            return value
    if not isinstance(value, dict):
        return value
    if set(value) == {"Fn::GetOptionSetting"}:
        wanted = value["Fn::GetOptionSetting"]
        return option(wanted.get("Namespace", "aws:elasticbeanstalk:customoption"), wanted["OptionName"], wanted.get("DefaultValue", ""))
    return {k: _options(v, option) for k, v in value.items()}


def _settings(given):
    """Both forms of option_settings as the API's."""
    if isinstance(given, dict):
        given = [{"namespace": n, "option_name": o, "value": v} for n, options in given.items() for o, v in (options or {}).items()]
    out = []
    for s in given or []:
        setting = {"Namespace": s.get("namespace", "aws:elasticbeanstalk:application:environment"), "OptionName": str(s["option_name"]),
                   "Value": str(s["value"]).lower() if isinstance(s.get("value"), bool) else str(s.get("value", ""))}
        if "resource_name" in s:
            setting["ResourceName"] = s["resource_name"]
        out.append(setting)
    return out


def read(region, version):
    """The Extensions of an application version; none for the sample application (no version, or one without a bundle)."""
    source = (version or {}).get("SourceBundle")
    if not source:
        return Extensions()
    label = version["VersionLabel"]
    try:
        data = aws.call(region, "s3", "GetObject", Bucket=source["S3Bucket"], Key=source["S3Key"])["Body"].read()
    except aws.ClientError as e:
        raise invalid(f"Unable to download from S3 location (Bucket: {source['S3Bucket']}  Key: {source['S3Key']}). Reason: "
                      f"{e.response['Error'].get('Message')}")
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except zipfile.BadZipFile:
        raise invalid(f"Configuration files cannot be extracted from the application version {label}. Check that the application "
                      "version is a valid zip or war file.")
    extensions = Extensions()
    for name in sorted(archive.namelist()):
        if not name.startswith(".ebextensions/") or name.count("/") != 1 or not name.endswith(".config"):
            continue

        def refuse(why):
            return invalid(f"The configuration file {name} in application version {label} {why}. Update the configuration file.")
        try:
            document = yaml.load(archive.read(name).decode(), Reader)
        except (yaml.YAMLError, UnicodeDecodeError) as e:
            raise refuse(f"contains invalid YAML or JSON: {e}")
        if document is None:
            continue
        if not isinstance(document, dict):
            raise refuse("is no mapping of keys")
        if unknown := sorted(set(document) - {"option_settings", *_SECTIONS, *_SOFTWARE}, key=str):
            raise refuse(f"contains the key {', '.join(map(str, unknown))}, which is not known")
        try:
            extensions.settings += _settings(document.get("option_settings"))
        except (KeyError, AttributeError, TypeError):
            raise refuse("contains option_settings that are no list of namespace, option_name and value, and no map of namespaces")
        for section in _SECTIONS:
            for key, part in (document.get(section) or {}).items():
                if not isinstance(part, dict):
                    raise refuse(f"contains {section}: {key}, which is no mapping of keys")
                there = extensions.parts.setdefault(section, {})
                there[key] = _merge(there[key], part) if key in there else part
    return extensions
