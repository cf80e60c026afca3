"""ECS's own blue/green, canary and linear shifts, each with a pause on the way and the bake at the end."""

from .common import look, revision, steady, watch
from .web import IMAGE, NETWORK

WORLD = "fargate-web"
ROLE = "arn:aws:iam::123456789012:role/ecs-load-balancing"
STRATEGIES = {
    "BLUE_GREEN": {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1},
    "CANARY": {
        "strategy": "CANARY",
        "bakeTimeInMinutes": 1,
        "canaryConfiguration": {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 1},
    },
    "LINEAR": {
        "strategy": "LINEAR",
        "bakeTimeInMinutes": 1,
        "linearConfiguration": {"stepPercent": 25.0, "stepBakeTimeInMinutes": 1},
    },
}
PAUSE = {
    "targetType": "PAUSE",
    "lifecycleStages": ["POST_SCALE_UP"],
    "timeoutConfiguration": {"timeoutInMinutes": 30, "action": "ROLLBACK"},
}


def play(sandbox, clients, operations):
    if "ContinueServiceDeployment" not in operations["ecs"]:
        return
    for number, (name, configuration) in enumerate(STRATEGIES.items()):
        service = name.lower().replace("_", "-")
        create(clients, service, configuration | {"lifecycleHooks": [PAUSE]}, 10 + number)
        watch(sandbox, clients, "main", service)
        good = revision(clients, "web", f"{IMAGE}:1.1.0")
        shift(sandbox, clients, service, good)
        stopped(sandbox, clients, service, good)


def create(clients, name, configuration, priority):
    elb, ecs = clients.elbv2, clients.ecs
    listener = elb.describe_listeners(LoadBalancerArn=elb.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"])
    listener = listener["Listeners"][0]["ListenerArn"]
    blue, green = (
        elb.create_target_group(
            Name=f"{name}-{side}", Protocol="HTTP", Port=3000, VpcId="vpc-0a1b2c3d4e5f60000", TargetType="ip"
        )["TargetGroups"][0]["TargetGroupArn"]
        for side in ("blue", "green")
    )
    weights = [{"TargetGroupArn": blue, "Weight": 100}, {"TargetGroupArn": green, "Weight": 0}]
    rule = elb.create_rule(
        ListenerArn=listener,
        Priority=priority,
        Conditions=[{"Field": "path-pattern", "Values": [f"/{name}/*"]}],
        Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": weights}}],
    )["Rules"][0]["RuleArn"]
    ecs.create_service(
        cluster="main",
        serviceName=name,
        taskDefinition="web:1",
        desiredCount=2,
        launchType="FARGATE",
        networkConfiguration=NETWORK,
        deploymentConfiguration=configuration,
        loadBalancers=[
            {
                "targetGroupArn": blue,
                "containerName": "web",
                "containerPort": 3000,
                "advancedConfiguration": {
                    "alternateTargetGroupArn": green,
                    "productionListenerRule": rule,
                    "roleArn": ROLE,
                },
            }
        ],
    )


def newest(clients, service):
    found = clients.ecs.list_service_deployments(cluster="main", service=service)["serviceDeployments"][0]
    arn = found["serviceDeploymentArn"]
    return clients.ecs.describe_service_deployments(serviceDeploymentArns=[arn])["serviceDeployments"][0]


def waiting_hook(deployment):
    hooks = deployment.get("lifecycleHookDetails", [])
    return next((hook["hookId"] for hook in hooks if hook["status"] == "AWAITING_ACTION"), None)


def to_the_pause(sandbox, clients, service):
    for _ in range(60):
        sandbox.hurry(7)
        look(clients, "main", service)
        deployment = newest(clients, service)
        if hook := waiting_hook(deployment):
            return deployment["serviceDeploymentArn"], hook
    raise AssertionError(f"{service} never paused: {deployment}")


def shift(sandbox, clients, service, wanted):
    clients.ecs.update_service(cluster="main", service=service, taskDefinition=wanted)
    arn, hook = to_the_pause(sandbox, clients, service)
    clients.ecs.continue_service_deployment(serviceDeploymentArn=arn, hookId=hook, action="CONTINUE")
    after = watch(sandbox, clients, "main", service, until=lambda seen: rules(clients) and steady(seen))
    assert after["taskDefinition"] == wanted
    assert newest(clients, service)["status"] == "SUCCESSFUL"


def rules(clients):
    balancer = clients.elbv2.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
    for listener in clients.elbv2.describe_listeners(LoadBalancerArn=balancer)["Listeners"]:
        clients.elbv2.describe_rules(ListenerArn=listener["ListenerArn"])
    return True


def stopped(sandbox, clients, service, before):
    """Stopped at its pause, the deployment goes back."""
    clients.ecs.update_service(cluster="main", service=service, forceNewDeployment=True)
    arn, _ = to_the_pause(sandbox, clients, service)
    clients.ecs.stop_service_deployment(serviceDeploymentArn=arn, stopType="ROLLBACK")
    after = watch(sandbox, clients, "main", service)
    assert after["taskDefinition"] == before
