"""The EXTERNAL controller: two task sets, traffic from one to the other, the old one gone."""

from .common import fails, revision
from .web import IMAGE, NETWORK

WORLD = "fargate-web"


def play(sandbox, clients, operations):
    if "CreateTaskSet" not in operations["ecs"]:
        return
    ecs = clients.ecs
    made = ecs.create_service(
        cluster="main", serviceName="outside", desiredCount=2, deploymentController={"type": "EXTERNAL"}
    )
    assert made["service"]["deploymentController"]["type"] == "EXTERNAL"
    scope = {"cluster": "main", "service": "outside"}
    old = task_set(clients, scope, "web", 100)
    settle(sandbox, ecs, scope, old)
    ecs.update_service_primary_task_set(**scope, primaryTaskSet=old)
    new = task_set(clients, scope, revision(clients, "web", f"{IMAGE}:1.1.0"), 50)
    settle(sandbox, ecs, scope, new)
    ecs.update_task_set(**scope, taskSet=new, scale={"value": 100, "unit": "PERCENT"})
    settle(sandbox, ecs, scope, new)
    ecs.update_service_primary_task_set(**scope, primaryTaskSet=new)
    ecs.delete_task_set(**scope, taskSet=old, force=True)
    settle(sandbox, ecs, scope, new)
    fails("TaskSetNotFoundException", ecs.delete_task_set, **scope, taskSet="ecs-svc/1234567890123456789")


def task_set(clients, scope, definition, scale):
    made = clients.ecs.create_task_set(
        **scope,
        taskDefinition=definition,
        launchType="FARGATE",
        networkConfiguration=NETWORK,
        externalId=f"set-{scale}",
        scale={"value": scale, "unit": "PERCENT"},
        tags=[{"key": "a", "value": "b"}],
    )
    return made["taskSet"]["id"]


def settle(sandbox, ecs, scope, wanted):
    for _ in range(60):
        sandbox.hurry(7)
        ecs.describe_services(cluster=scope["cluster"], services=[scope["service"]])
        for each in ecs.describe_task_sets(**scope, include=["TAGS"])["taskSets"]:
            if each["id"] == wanted and each["stabilityStatus"] == "STEADY_STATE":
                return
    raise AssertionError(f"task set {wanted} does not settle")
