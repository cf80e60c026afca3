"""boto3 against the sandbox: every modelled operation is called, every raw answer is judged by botocore's models.

    python conform.py PROGRAM EXAMPLES

Prints a report as JSON; exits 1 if an answer does not conform, or a modelled operation never succeeded.
"""

import json
import sys
from pathlib import Path

import scenes
from judge import DOCUMENTED_VALUES
from sandbox import Clients, Sandbox, modelled, new_judge


def main(program, examples):
    judge = new_judge()
    operations = modelled(program, judge)
    for scene in scenes.ALL:
        world = scene.WORLD and Path(examples) / scene.WORLD
        with Sandbox(program, world) as sandbox:
            scene.play(sandbox, Clients(sandbox, judge), operations)
    uncalled = [
        f"{service}:{name}"
        for service, names in operations.items()
        for name in names
        if not judge.answers[(service, name)]
    ]
    report = {
        "operations": {service: len(names) for service, names in operations.items()},
        "answers": sum(judge.answers.values()),
        "errors": sum(judge.errors.values()),
        "members": sum(judge.members.values()),
        "error codes": sorted(f"{service}:{code}" for service, code in judge.codes),
        "documented exceptions": len(DOCUMENTED_VALUES),
        "never succeeded": uncalled,
        "findings": dict(judge.findings.most_common()),
    }
    print(json.dumps(report, indent=2))
    return 1 if uncalled or judge.findings else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
