"""boto3 against the sandbox: every modelled operation is called, every raw answer is judged by botocore's models.

    python conform.py PROGRAM EXAMPLES

Prints a report as JSON; exits 1 if an answer does not conform, or a modelled operation never succeeded.
"""

import json
import sys
import tempfile
from pathlib import Path

import scenes
from judge import DOCUMENTED_VALUES
from sandbox import Clients, Sandbox, modelled, new_judge


# What newer AWS clients, and what Terraform 5 speak with CloudWatch; botocore's own choice is awsJson.
OTHER_PROTOCOLS = ("smithy-rpc-v2-cbor", "query")

# Modelled for their refusals alone.
ONLY_REFUSED = {"ecs:ExecuteCommand"}


def main(program, examples):
    judge = new_judge()
    operations = modelled(program, judge)
    judges = [judge, *(new_judge(cloudwatch=protocol) for protocol in OTHER_PROTOCOLS)]
    for scene in scenes.ALL:
        play(program, examples, scene, judge, operations)
    for other in judges[1:]:
        play(program, examples, scenes.alarms, other, operations)
    answered = {f"{service}:{name}" for service, name in judge.answers} | ONLY_REFUSED
    named = {f"{service}:{name}" for service, names in operations.items() for name in names}
    uncalled = sorted(named - answered)
    findings = [finding for each in judges for finding in each.findings]
    report = {
        "operations": {service: len(names) for service, names in operations.items()},
        "answers": sum(each.answers.total() for each in judges),
        "errors": sum(each.errors.total() for each in judges),
        "values": sum(each.values.total() for each in judges),
        "error codes": len({code for each in judges for code in each.codes}),
        "documented exceptions": len(DOCUMENTED_VALUES),
        "never succeeded": uncalled,
        "findings": findings,
    }
    print(json.dumps(report, indent=2))
    return 1 if uncalled or findings else 0


def play(program, examples, scene, judge, operations):
    """Plays one scene in its own world: an example's, with what the scene adds to it."""
    with tempfile.TemporaryDirectory() as folder:
        world = Path(folder) / "world.yml"
        given = (Path(examples) / scene.WORLD / "sandbox.yml").read_text() if scene.WORLD else ""
        world.write_text(given + getattr(scene, "ADDED", ""))
        with Sandbox(program, world) as sandbox:
            scene.play(sandbox, Clients(sandbox, judge), operations)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
