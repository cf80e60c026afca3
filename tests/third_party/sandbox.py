"""A served sandbox, its clients and its clock."""

import json
import subprocess
import urllib.error
import urllib.request

import boto3
import botocore.config
import botocore.session

from judge import SERVICES, Judge


class Sandbox:
    """`ecsdeploy sandbox` on a free port, standing still until hurried."""

    def __init__(self, program, world=None):
        command = [program, "sandbox", *([world] if world else []), "--port", "0", "--speed", "0"]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.environment = {}
        while "AWS_EC2_METADATA_DISABLED" not in self.environment:
            line = self.process.stdout.readline()
            if not line:
                raise RuntimeError(f"{command} ended before it served")
            name, _, value = line.removeprefix("export ").strip().partition("=")
            self.environment[name] = value
        self.endpoint = self.environment["AWS_ENDPOINT_URL"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def poke(self, poke):
        request = urllib.request.Request(
            f"{self.endpoint}/_sandbox/poke",
            json.dumps(poke).encode(),
            {"Content-Type": "application/json"},
        )
        try:
            urllib.request.urlopen(request).close()
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"poke {poke}: {error.read().decode()}") from error

    def hurry(self, seconds):
        self.poke({"hurry": f"{seconds}s"})

    def ask(self, service, operation, model):
        """One call with an empty input, past botocore's own checks: status and body."""
        if model.resolved_protocol == "query":
            content_type = "application/x-www-form-urlencoded"
            body = f"Action={operation}&Version={model.api_version}".encode()
            headers = {}
        else:
            content_type = "application/x-amz-json-1.1"
            body = b"{}"
            headers = {"X-Amz-Target": f"{model.metadata['targetPrefix']}.{operation}"}
        headers["Content-Type"] = content_type
        request = urllib.request.Request(self.endpoint, body, headers)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()


class Clients:
    """boto3's clients of one sandbox, all under one judge."""

    def __init__(self, sandbox, judge):
        environment = sandbox.environment
        session = boto3.Session(
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            region_name=environment["AWS_REGION"],
            botocore_session=judge.session,
        )
        config = botocore.config.Config(retries={"total_max_attempts": 1})
        for service in SERVICES:
            client = session.client(service, endpoint_url=sandbox.endpoint, config=config)
            setattr(self, service.replace("-", "_"), client)


def new_judge(cloudwatch=None):
    """A judge with a session of its own. CloudWatch speaks three protocols; one may be chosen for it."""
    session = botocore.session.get_session()
    if cloudwatch:
        model = session.get_component("data_loader").load_service_model("cloudwatch", "service-2")
        model["metadata"] |= {"protocol": cloudwatch, "protocols": [cloudwatch]}
    return Judge(session)


def modelled(program, judge):
    """The operations that the sandbox models, by service; what it answers to empty inputs is judged."""
    found = {}
    with Sandbox(program) as sandbox:
        for service in SERVICES:
            model = judge.session.get_service_model(service)
            for name in model.operation_names:
                status, body = sandbox.ask(service, name, model)
                operation = model.operation_model(name)
                if status < 300 or not refused(judge, operation, status, body):
                    found.setdefault(service, []).append(name)
    return found


def refused(judge, operation, status, body):
    """Whether the sandbox said that it does not model the operation."""
    code = judge.error(operation.service_model.service_name, operation, status, body)
    return code == "SandboxNotModelled" and f":{operation.name}".encode() in body and b" of " not in body
