"""Judges raw answers by botocore's own service models.

A judge listens to every answer that a botocore session gets and compares the bytes, not what botocore makes of them,
with the model of the operation's output: no member that the model does not know, right types, required members
present, enum values known. The code of an error must be one that the model has for the operation, or one that every
AWS service may answer.
"""

import io
import json
import xml.etree.ElementTree as ElementTree
from collections import Counter
from datetime import datetime

from botocore.parsers import BaseCBORParser

# Codes that any AWS service may answer ("Common Errors" of each API reference; SerializationException is the awsJson
# servers' word for a body that is none).
COMMON_ERRORS = {
    "AccessDeniedException",
    "ExpiredTokenException",
    "InternalFailure",
    "SerializationException",
    "Throttling",
    "ThrottlingException",
    "UnrecognizedClientException",
    "ValidationError",
    "ValidationException",
}

# Values that AWS's documents name and the model lacks: (service, shape, value).
DOCUMENTED_VALUES = {
    # The ECS developer guide lists it among the stages that a deployment is in; the model has it for hooks only.
    ("ecs", "ServiceDeploymentLifecycleStage", "PRE_PRODUCTION_TRAFFIC_SHIFT"),
}


class Judge:
    """Listens to a session and keeps what it heard."""

    def __init__(self, session):
        self.session = session
        self.answers = Counter()
        self.errors = Counter()
        self.codes = Counter()
        self.values = Counter()
        self.findings = Counter()
        session.register("response-received", self._hear)

    def operation(self, event_name):
        _, service_id, name = event_name.split(".")
        for service in SERVICES:
            model = self.session.get_service_model(service)
            if model.service_id.hyphenize() == service_id:
                return service, model.operation_model(name)
        raise ValueError(event_name)

    def _hear(self, response_dict, event_name, **_):
        if response_dict is None:
            return
        service, operation = self.operation(event_name)
        status, body = response_dict["status_code"], response_dict["body"]
        if status < 300:
            self.answers[(service, operation.name)] += 1
            self.answer(service, operation, body)
        else:
            self.errors[(service, operation.name)] += 1
            self.error(service, operation, status, body, response_dict["headers"])

    def answer(self, service, operation, body):
        """Judges the raw body of an answer."""
        say = self._sayer(service, operation)
        protocol = operation.service_model.resolved_protocol
        shape = operation.output_shape
        if protocol == "query":
            root = ElementTree.fromstring(body)
            name = operation.name
            if local(root) != f"{name}Response":
                say("", f"root element is {local(root)}")
            wrapper = [child for child in root if local(child) == f"{name}Result"]
            if len(wrapper) != 1:
                say("", f"{len(wrapper)} elements {name}Result")
            elif shape is None and len(wrapper[0]):
                say("", "an answer where the model has none")
            elif shape is not None:
                xml(shape, wrapper[0], "", say, self)
            return
        content = read(protocol, body) if body else {}
        if shape is None:
            if content not in ({}, None):
                say("", "an answer where the model has none")
            return
        value(shape, content, "", say, self)

    def error(self, service, operation, status, body, headers=None):
        """Judges an error answer; gives its code."""
        say = self._sayer(service, operation)
        code, extra = read_error(operation, body)
        self.codes[(service, code)] += 1
        model = operation.service_model
        by_shape = model.resolved_protocol != "query"
        known = {shape.name if by_shape else shape.error_code: shape for shape in operation.error_shapes}
        shape = known.get(code)
        if shape is None and code not in COMMON_ERRORS | {"SandboxNotModelled"}:
            say("", f"error {code} is not modelled for it")
        if shape is not None and by_shape and headers and model.is_query_compatible:
            told = headers.get("x-amzn-query-error", "").partition(";")[0]
            if told != shape.error_code:
                say("", f"error {code} comes with the query error {told!r}, not {shape.error_code}")
        if shape is not None:
            wanted = shape.metadata.get("error", {}).get("httpStatusCode")
            if wanted is not None and wanted != status:
                say("", f"error {code} has status {status}, the model says {wanted}")
            names = {member.lower() for member in shape.members}
            for member in extra:
                if member.lower() not in names:
                    say("", f"error {code} has a member {member} that the model does not know")
        return code

    def _sayer(self, service, operation):
        def say(path, words):
            if path == "+":
                self.values[service] += 1
            else:
                self.findings[f"{service}:{operation.name}{path}: {words}"] += 1

        say.service = service
        say.protocol = operation.service_model.resolved_protocol
        return say


# boto3's names of the services that a deployment meets.
SERVICES = (
    "application-autoscaling",
    "cloudwatch",
    "codedeploy",
    "ecr",
    "ecs",
    "elbv2",
    "logs",
    "ssm",
    "sts",
)


def read(protocol, body):
    """The values of a raw body. CBOR's come with Python's own types, a timestamp being a `datetime`."""
    if protocol == "smithy-rpc-v2-cbor":
        return BaseCBORParser().parse_data_item(io.BufferedReader(io.BytesIO(body)))
    return json.loads(body)


def read_error(operation, body):
    """Code and members beside the message of an error's raw body."""
    protocol = operation.service_model.resolved_protocol
    if protocol == "query":
        error = [item for item in ElementTree.fromstring(body) if local(item) == "Error"][0]
        fields = {local(item): item.text for item in error}
        return fields.pop("Code"), set(fields) - {"Type", "Message"}
    content = read(protocol, body)
    code = content.pop("__type").rpartition("#")[2]
    return code, set(content) - {"message", "Message"}


def local(element):
    return element.tag.rpartition("}")[2]


def wire_name(name, shape):
    return shape.serialization.get("name", name)


def value(shape, given, path, say, judge):
    """Judges one JSON value."""
    kind = shape.type_name
    say("+", "")
    if kind == "structure":
        if not isinstance(given, dict):
            return say(path, f"is {type(given).__name__}, not a structure")
        members = {wire_name(name, member): member for name, member in shape.members.items()}
        for name, item in given.items():
            if name not in members:
                say(f"{path}.{name}", "is a member that the model does not know")
            else:
                value(members[name], item, f"{path}.{name}", say, judge)
        return missing(shape, given, path, say)
    if kind == "list":
        if not isinstance(given, list):
            return say(path, f"is {type(given).__name__}, not a list")
        for item in given:
            value(shape.member, item, f"{path}[]", say, judge)
        return None
    if kind == "map":
        if not isinstance(given, dict):
            return say(path, f"is {type(given).__name__}, not a map")
        for name, item in given.items():
            value(shape.key, name, f"{path}{{key}}", say, judge)
            value(shape.value, item, f"{path}{{}}", say, judge)
        return None
    return scalar(shape, given, path, say)


JSON_TYPES = {
    "string": str,
    "char": str,
    "blob": (str, bytes),
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float, datetime),
    "boolean": bool,
}


def scalar(shape, given, path, say):
    wanted = JSON_TYPES[shape.type_name]
    if say.protocol == "smithy-rpc-v2-cbor" and shape.type_name in ("float", "double"):
        # The Rust decoder takes nothing else for a double.
        wanted = float
    if isinstance(given, bool) and wanted is not bool or not isinstance(given, wanted):
        return say(path, f"is {given!r}, not {shape.type_name}")
    return choice(shape, given, path, say)


def choice(shape, given, path, say):
    known = getattr(shape, "enum", None)
    if known and given not in known and (say.service, shape.name, given) not in DOCUMENTED_VALUES:
        say(path, f"is {given!r}, which {shape.name} does not know")


def missing(shape, given, path, say):
    for name in shape.required_members:
        if wire_name(name, shape.members[name]) not in given:
            say(path, f"lacks {name}, which {shape.name} requires")


def xml(shape, element, path, say, judge):
    """Judges one XML element of an awsQuery answer."""
    kind = shape.type_name
    say("+", "")
    if kind == "structure":
        members = {wire_name(name, member): member for name, member in shape.members.items()}
        seen = Counter(local(child) for child in element)
        for name, count in seen.items():
            if count > 1:
                say(f"{path}.{name}", "is there twice")
        for child in element:
            name = local(child)
            if name not in members:
                say(f"{path}.{name}", "is a member that the model does not know")
            else:
                xml(members[name], child, f"{path}.{name}", say, judge)
        return missing(shape, seen, path, say)
    if kind == "list":
        item_name = shape.member.serialization.get("name", "member")
        for child in element:
            if local(child) != item_name:
                say(path, f"has an item named {local(child)}, not {item_name}")
            xml(shape.member, child, f"{path}[]", say, judge)
        return None
    text = element.text or ""
    try:
        if kind in ("integer", "long"):
            int(text)
        elif kind in ("float", "double"):
            float(text)
        elif kind == "boolean" and text not in ("true", "false"):
            raise ValueError
        elif kind == "timestamp":
            datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return say(path, f"is {text!r}, not {kind}")
    return choice(shape, text, path, say)
