"""What several scenes do."""

import botocore.exceptions

ACCOUNT = "123456789012"
REGION = "eu-central-1"


def fails(code, call, **given):
    """The call must fail with this code."""
    try:
        call(**given)
    except botocore.exceptions.ClientError as error:
        told = error.response["Error"]["Code"]
        assert told == code, f"{call.__name__}: {told} instead of {code}: {error}"
        return
    raise AssertionError(f"{call.__name__} was to fail with {code}")


def look(clients, cluster, service):
    """Looks at everything about a service; gives the service."""
    ecs, elb = clients.ecs, clients.elbv2
    found = ecs.describe_services(cluster=cluster, services=[service, "no-such"], include=["TAGS"])
    assert found["failures"][0]["reason"] == "MISSING", found["failures"]
    described = found["services"][0]
    for status in ("RUNNING", "STOPPED"):
        arns = ecs.list_tasks(cluster=cluster, serviceName=service, desiredStatus=status)["taskArns"]
        if arns:
            ecs.describe_tasks(cluster=cluster, tasks=arns, include=["TAGS"])
    deployments = ecs.list_service_deployments(cluster=cluster, service=service)["serviceDeployments"]
    if deployments:
        arns = [each["serviceDeploymentArn"] for each in deployments[:20]]
        ecs.describe_service_deployments(serviceDeploymentArns=arns)
        revisions = [each["targetServiceRevisionArn"] for each in deployments[:20]]
        ecs.describe_service_revisions(serviceRevisionArns=revisions)
    for balancer in described["loadBalancers"]:
        elb.describe_target_health(TargetGroupArn=balancer["targetGroupArn"])
    return described


def steady(service):
    return len(service["deployments"]) == 1 and service["runningCount"] == service["desiredCount"]


def watch(sandbox, clients, cluster, service, until=steady, step=7, most=300):
    """Looks every few virtual seconds until the service is as it should be; gives it."""
    for _ in range(most):
        sandbox.hurry(step)
        seen = look(clients, cluster, service)
        if until(seen):
            return seen
    raise AssertionError(f"{service} did not come to it: {seen['deployments']} {seen['events'][:5]}")


def revision(clients, name, image, container=0):
    """Registers the family's newest revision again with another image, as tools do; gives the ARN."""
    ecs = clients.ecs
    known = ecs.describe_task_definition(taskDefinition=name, include=["TAGS"])["taskDefinition"]
    output_only = (
        "taskDefinitionArn",
        "revision",
        "status",
        "requiresAttributes",
        "compatibilities",
        "registeredAt",
        "registeredBy",
        "deregisteredAt",
    )
    wanted = {key: value for key, value in known.items() if key not in output_only}
    wanted["containerDefinitions"][container]["image"] = image
    made = ecs.register_task_definition(**wanted, tags=[{"key": "by", "value": "boto3"}])
    return made["taskDefinition"]["taskDefinitionArn"]
