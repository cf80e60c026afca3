"""Calls that were made, and answers that a double of GitHub gave, judged by GitHub's own OpenAPI description.

    python github_api.py api.github.com.json EXCHANGES.json

The description is in the npm package `@octokit/openapi`. A call must be of a documented path, method, query and body
(no member that is not documented); an answer must have a documented status and, if it is a success, the documented
shape. Prints findings as JSON; exits 1 if there are any.
"""

import json
import re
import sys
from pathlib import Path

from openapi_schema_validator import OAS30Validator

# Answers whose items the double gives only in part: the members that are there are judged.
IN_PART = {"/repos/{owner}/{repo}/commits/{commit_sha}/pulls"}

# GitHub answers any call so.
ALWAYS = {"401", "403", "404", "422", "429", "500", "502", "503"}


class Judge:
    def __init__(self, description):
        self.description = description
        self.findings = []
        self.judged = {}
        self.paths = [(re.compile(pattern(path)), path) for path in sorted(description["paths"], key=specific)]

    def judge(self, exchange):
        found = next((path for regex, path in self.paths if regex.fullmatch(exchange["path"])), None)
        operation = self.description["paths"].get(found, {}).get(exchange["method"].lower())
        name = f"{exchange['method']} {found or exchange['path']}"
        if operation is None:
            return self.find(name, "is not documented")
        self.judged[name] = self.judged.get(name, 0) + 1
        self.query(name, operation, exchange["query"])
        self.body(name, operation, exchange["body"])
        self.answer(name, operation, exchange, found in IN_PART)

    def find(self, name, what):
        finding = f"{name}: {what}"
        if finding not in self.findings:
            self.findings.append(finding)

    def query(self, name, operation, query):
        parameters = [self.resolve(it) for it in operation.get("parameters", [])]
        known = {it["name"] for it in parameters if it["in"] == "query"}
        for parameter in filter(None, query.split("&")):
            if parameter.split("=")[0] not in known:
                self.find(name, f"query {parameter} is not documented")

    def body(self, name, operation, body):
        if body is None:
            return
        content = self.resolve(operation.get("requestBody", {})).get("content", {})
        schema = content.get("application/json", {}).get("schema")
        if schema is None:
            return self.find(name, "takes no body")
        schema = self.resolve(schema)
        for member in body:
            if member not in schema.get("properties", {}):
                self.find(name, f"body member {member} is not documented")
        self.check(name, "body", schema, body)

    def answer(self, name, operation, exchange, in_part):
        status = str(exchange["status"])
        answer = operation["responses"].get(status)
        if answer is None:
            if status not in ALWAYS:
                self.find(name, f"status {status} is not documented")
            return
        schema = self.resolve(answer).get("content", {}).get("application/json", {}).get("schema")
        if schema is None or not status.startswith("2"):
            return
        if not in_part:
            return self.check(name, "answer", schema, exchange["answer"])
        members = self.resolve(self.resolve(schema)["items"])["properties"]
        for item in exchange["answer"]:
            for member, value in item.items():
                self.check(name, f"answer {member}", members.get(member, {"not": {}}), value)

    def check(self, name, part, schema, value):
        # So that references within find what they name.
        schema = {**schema, "components": self.description["components"]}
        for error in OAS30Validator(schema).iter_errors(value):
            place = "/".join(str(step) for step in error.absolute_path)
            self.find(name, f"{part} {place}: {error.message[:200]}")

    def resolve(self, node):
        while "$ref" in node:
            found = self.description
            for step in node["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            node = found
        return node


def pattern(path):
    return re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(path))


def specific(path):
    """Paths with fewer variables first: /issues/comments/{id} before /issues/{number}/comments."""
    return path.count("{"), path


def main(description, exchanges):
    judge = Judge(json.loads(Path(description).read_text()))
    for exchange in json.loads(Path(exchanges).read_text()):
        if exchange["path"] != "/graphql":
            judge.judge(exchange)
    print(json.dumps({"judged": judge.judged, "findings": judge.findings}, indent=2))
    return 1 if judge.findings else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
