"""AWS's query protocol, from the service models that botocore ships: parameters in a form, answers in XML.

A Service reads a request by its model, calls the method of the same name (CreateStack → create_stack) and writes the
answer by the model, so that every SDK understands it.
"""

import datetime
import re
import traceback
import urllib.parse
import uuid
from xml.sax.saxutils import escape

import botocore.loaders
import botocore.model

_loader = botocore.loaders.Loader()


def load_model(name):
    """The service model of botocore with that name."""
    return botocore.model.ServiceModel(_loader.load_service_model(name, "service-2"), name)


def snake(name):
    """describeStackEvents and DescribeStackEvents → describe_stack_events; DNS stays one word."""
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()


class Error(Exception):
    """An error that the client is told, with AWS's code."""

    def __init__(self, code, message, status=400):
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


class Service:
    """A service of the query protocol. Subclasses have one method an operation: (region, parameters) → answer."""

    def __init__(self, model):
        self.model = load_model(model)

    def __call__(self, environ, start_response, region):
        size = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(size).decode() if size else environ.get("QUERY_STRING", "")
        form = dict(urllib.parse.parse_qsl(body, keep_blank_values=True))
        action = form.get("Action", "")
        try:
            xml, status = self.answer(action, form, region), 200
        except Error as e:
            xml, status = error(e.code, e.message), e.status
        except Exception as e:  # a fault of ours: 400, because an SDK repeats a 500 for a minute before it says so
            traceback.print_exc()
            xml, status = error("InternalFailure", f"internal error of the local AWS in {action}: {e!r}"), 400
        data = xml.encode()
        start_response(f"{status} {'OK' if status == 200 else 'Error'}",
                       [("Content-Type", "text/xml"), ("Content-Length", str(len(data)))])
        return [data]

    def answer(self, action, form, region):
        if action not in self.model.operation_names:
            raise Error("InvalidAction", f"{self.model.service_name} has no operation {action!r}")
        method = getattr(self, snake(action), None)
        if method is None:
            raise Error("NotImplemented", f"the local AWS does not implement {action} of {self.model.service_name}")
        operation = self.model.operation_model(action)
        params = {}
        if operation.input_shape is not None:
            params = _parse(operation.input_shape, "", form) or {}
            for name in operation.input_shape.required_members:
                if name not in params:
                    raise Error("ValidationError", f"{action}: the parameter {name} is missing")
        result = method(region, params) or {}
        inner = ""
        if operation.output_shape is not None:
            wrapper = operation.output_shape.serialization.get("resultWrapper", action + "Result")
            inner = f"<{wrapper}>{_members(operation.output_shape, result)}</{wrapper}>"
        namespace = self.model.metadata.get("xmlNamespace", "")
        return (f'<{action}Response xmlns="{namespace}">{inner}<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId>'
                f"</ResponseMetadata></{action}Response>")


def error(code, message):
    return (f"<ErrorResponse><Error><Type>Sender</Type><Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
            f"</Error><RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>")


def _parse(shape, prefix, form):
    """The value of shape at prefix, None if the form has none."""
    if shape.type_name == "structure":
        dot = prefix + "." if prefix else ""
        values = {name: _parse(member, dot + member.serialization.get("name", name), form)
                  for name, member in shape.members.items()}
        return {k: v for k, v in values.items() if v is not None} or None
    if shape.type_name in ("list", "map"):
        if form.get(prefix) == "":
            return [] if shape.type_name == "list" else {}
        if not shape.serialization.get("flattened"):
            kind = shape.member.serialization.get("name", "member") if shape.type_name == "list" else "entry"
            prefix += "." + kind
        found = {int(m.group(1)) for k in form if (m := re.match(re.escape(prefix) + r"\.(\d+)(\.|$)", k))}
        if not found:
            return None
        if shape.type_name == "list":
            return [_parse(shape.member, f"{prefix}.{i}", form) for i in sorted(found)]
        return {form.get(f"{prefix}.{i}.key", ""): _parse(shape.value, f"{prefix}.{i}.value", form) for i in sorted(found)}
    text = form.get(prefix)
    if text is None:
        return None
    if shape.type_name == "boolean":
        return text.lower() == "true"
    if shape.type_name in ("integer", "long"):
        return int(text)
    return text


def _members(shape, value):
    out = []
    for name, member in shape.members.items():
        if value.get(name) is not None:
            out.append(_write(member, member.serialization.get("name", name), value[name]))
    return "".join(out)


def _write(shape, tag, value):
    if shape.type_name == "structure":
        return f"<{tag}>{_members(shape, value)}</{tag}>"
    if shape.type_name == "list":
        inner = tag if shape.serialization.get("flattened") else shape.member.serialization.get("name", "member")
        items = "".join(_write(shape.member, inner, v) for v in value)
        return items if shape.serialization.get("flattened") else f"<{tag}>{items}</{tag}>"
    if shape.type_name == "map":
        entries = "".join(f"<entry>{_write(shape.key, 'key', k)}{_write(shape.value, 'value', v)}</entry>"
                          for k, v in value.items())
        return f"<{tag}>{entries}</{tag}>"
    if isinstance(value, bool):
        value = str(value).lower()
    elif isinstance(value, datetime.datetime):
        value = value.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    return f"<{tag}>{escape(str(value))}</{tag}>"
