"""EC2 instances: a rolling release in bridge mode, draining, tasks that find no place, a scalable target, a daemon."""

import json

from .common import fails, look, revision, watch

WORLD = "ec2-bridge-nginx"


def play(sandbox, clients, operations):
    ecs = clients.ecs
    arns = ecs.list_container_instances(cluster="ec2")["containerInstanceArns"]
    ecs.describe_container_instances(cluster="ec2", containerInstances=arns, include=["TAGS"])
    wanted = revision(clients, "nginx", "nginx:1.29")
    ecs.update_service(cluster="ec2", service="nginx", taskDefinition=wanted)
    watch(sandbox, clients, "ec2", "nginx")
    scaling(sandbox, clients)
    drain(sandbox, clients, arns)
    too_big(sandbox, clients)
    if "PutClusterCapacityProviders" in operations["ecs"]:
        providers(clients)
    if "UpdateTaskProtection" in operations["ecs"]:
        protection(clients)
    if "ExecuteCommand" in operations["ecs"]:
        execute(clients)
    daemon(sandbox, clients)


def scaling(sandbox, clients):
    scaling = clients.application_autoscaling
    scope = {
        "ServiceNamespace": "ecs",
        "ResourceId": "service/ec2/nginx",
        "ScalableDimension": "ecs:service:DesiredCount",
    }
    scaling.register_scalable_target(**scope, MinCapacity=3, MaxCapacity=5)
    policy = {"TargetValue": 50.0, "PredefinedMetricSpecification":
              {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}}
    scaling.put_scaling_policy(
        **scope, PolicyName="cpu", PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=policy,
    )
    clients.ecs.update_service(cluster="ec2", service="nginx", desiredCount=9)
    watch(sandbox, clients, "ec2", "nginx", until=lambda service: service["desiredCount"] == 5)
    scaling.describe_scalable_targets(ServiceNamespace="ecs")
    scaling.describe_scaling_policies(ServiceNamespace="ecs", ResourceId="service/ec2/nginx")
    scaling.delete_scaling_policy(**scope, PolicyName="cpu")
    scaling.deregister_scalable_target(**scope)
    fails("ObjectNotFoundException", scaling.deregister_scalable_target, **scope)


def drain(sandbox, clients, arns):
    ecs = clients.ecs
    ecs.update_container_instances_state(cluster="ec2", containerInstances=arns[:1], status="DRAINING")
    for _ in range(30):
        sandbox.hurry(10)
        look(clients, "ec2", "nginx")
        ecs.describe_container_instances(cluster="ec2", containerInstances=arns)
    ecs.update_container_instances_state(cluster="ec2", containerInstances=arns[:1], status="ACTIVE")
    assert len(ecs.list_container_instances(cluster="ec2", status="ACTIVE")["containerInstanceArns"]) == 2


def too_big(sandbox, clients):
    ecs = clients.ecs
    ecs.register_task_definition(
        family="big",
        containerDefinitions=[{"name": "a", "image": "nginx:1.29", "memory": 9999, "essential": True}],
    )
    answer = ecs.run_task(cluster="ec2", taskDefinition="big")
    assert answer["failures"][0]["reason"] == "RESOURCE:MEMORY", answer
    ecs.create_service(cluster="ec2", serviceName="big", taskDefinition="big", desiredCount=1)
    watch(
        sandbox, clients, "ec2", "big",
        until=lambda service: any("unable to place" in event["message"] for event in service["events"]),
    )
    ecs.delete_service(cluster="ec2", service="big", force=True)


def providers(clients):
    ecs = clients.ecs
    ecs.describe_capacity_providers()
    ecs.put_cluster_capacity_providers(
        cluster="ec2",
        capacityProviders=["FARGATE", "FARGATE_SPOT"],
        defaultCapacityProviderStrategy=[{"capacityProvider": "FARGATE", "weight": 1, "base": 1}],
    )
    ecs.describe_clusters(clusters=["ec2"])


def protection(clients):
    ecs = clients.ecs
    arns = ecs.list_tasks(cluster="ec2", serviceName="nginx")["taskArns"]
    ecs.update_task_protection(cluster="ec2", tasks=arns[:1], protectionEnabled=True, expiresInMinutes=5)
    ecs.get_task_protection(cluster="ec2", tasks=arns)
    ecs.update_task_protection(cluster="ec2", tasks=arns[:1], protectionEnabled=False)


def execute(clients):
    """There are no containers to have a session with: only the refusals are AWS's."""
    ecs = clients.ecs
    arns = ecs.list_tasks(cluster="ec2", serviceName="nginx")["taskArns"]
    given = {"cluster": "ec2", "command": "sh", "interactive": True}
    fails("InvalidParameterException", ecs.execute_command, **given, task=arns[0])
    fails("ClusterNotFoundException", ecs.execute_command, **given | {"cluster": "no"}, task=arns[0])


def daemon(sandbox, clients):
    ecs = clients.ecs
    given = {"cluster": "ec2", "serviceName": "agent", "taskDefinition": "nginx", "schedulingStrategy": "DAEMON"}
    try:
        ecs.create_service(**given)
    except ecs.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == "SandboxNotModelled", json.dumps(error.response)
        return
    watch(sandbox, clients, "ec2", "agent", until=lambda service: service["runningCount"] == 2)
