"""A blue/green deployment by CodeDeploy."""

WORLD = "fargate-web"


def play(_, __, operations):
    if "codedeploy" in operations:
        raise NotImplementedError("the sandbox models CodeDeploy now: play a deployment here")
