"""A Fargate service behind a load balancer: a good release, a bad one that the circuit breaker rolls back, a stopped
deployment, single tasks, and what the registry and the logs say of it."""

from .common import ACCOUNT, REGION, fails, look, revision, steady, watch

WORLD = "fargate-web"
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/web"
NETWORK = {
    "awsvpcConfiguration": {
        "subnets": ["subnet-0a1b2c3d4e5f60001"],
        "securityGroups": ["sg-0a1b2c3d4e5f60000"],
        "assignPublicIp": "DISABLED",
    }
}


def play(sandbox, clients, _):
    assert clients.sts.get_caller_identity()["Account"] == ACCOUNT
    registry(clients)
    good_release(sandbox, clients)
    bad_release(sandbox, clients)
    stopped_release(sandbox, clients)
    another_service(sandbox, clients)
    single_tasks(sandbox, clients)
    logs(clients)
    definitions(clients)
    clusters(clients)


def registry(clients):
    ecr = clients.ecr
    ecr.get_authorization_token()
    assert ecr.describe_repositories()["repositories"][0]["repositoryName"] == "web"
    images = ecr.list_images(repositoryName="web", filter={"tagStatus": "TAGGED"})["imageIds"]
    assert {image["imageTag"] for image in images} == {"1.0.0", "1.1.0", "1.2.0"}
    ecr.describe_images(repositoryName="web")
    ecr.describe_images(repositoryName="web", imageIds=[{"imageTag": "1.1.0"}])
    ecr.batch_get_image(repositoryName="web", imageIds=[{"imageTag": "1.1.0"}, {"imageTag": "no-such"}])
    fails("ImageNotFoundException", ecr.describe_images, repositoryName="web", imageIds=[{"imageTag": "9"}])
    fails("RepositoryNotFoundException", ecr.describe_images, repositoryName="no-such")


def good_release(sandbox, clients):
    before = look(clients, "main", "web")
    wanted = revision(clients, "web", f"{IMAGE}:1.1.0")
    updated = clients.ecs.update_service(cluster="main", service="web", taskDefinition=wanted)["service"]
    assert len(updated["deployments"]) == 2
    after = watch(sandbox, clients, "main", "web")
    assert after["taskDefinition"] == wanted != before["taskDefinition"]


def bad_release(sandbox, clients):
    before = look(clients, "main", "web")["taskDefinition"]
    wanted = revision(clients, "web", f"{IMAGE}:1.2.0")
    clients.ecs.update_service(cluster="main", service="web", taskDefinition=wanted)
    after = watch(sandbox, clients, "main", "web")
    assert after["taskDefinition"] == before
    newest = clients.ecs.list_service_deployments(cluster="main", service="web")["serviceDeployments"][0]
    assert newest["status"] == "ROLLBACK_SUCCESSFUL", newest
    assert clients.ecs.list_service_deployments(
        cluster="main", service="web", status=["ROLLBACK_SUCCESSFUL"]
    )["serviceDeployments"]


def stopped_release(sandbox, clients):
    ecs = clients.ecs
    ecs.update_service(cluster="main", service="web", forceNewDeployment=True)
    sandbox.hurry(20)
    look(clients, "main", "web")
    running = ecs.list_service_deployments(cluster="main", service="web")["serviceDeployments"][0]
    stopped = ecs.stop_service_deployment(serviceDeploymentArn=running["serviceDeploymentArn"])
    assert stopped["serviceDeploymentArn"] == running["serviceDeploymentArn"]
    watch(sandbox, clients, "main", "web")
    fails("ServiceNotFoundException", ecs.update_service, cluster="main", service="no-such", desiredCount=1)
    fails("ClusterNotFoundException", ecs.describe_services, cluster="no-such", services=["web"])
    fails(
        "ServiceDeploymentNotFoundException",
        ecs.stop_service_deployment,
        serviceDeploymentArn=running["serviceDeploymentArn"][:-1] + "x",
    )


def another_service(sandbox, clients):
    ecs = clients.ecs
    given = {
        "cluster": "main",
        "serviceName": "worker",
        "taskDefinition": "web",
        "desiredCount": 3,
        "launchType": "FARGATE",
        "networkConfiguration": NETWORK,
        "deploymentConfiguration": {"maximumPercent": 150, "minimumHealthyPercent": 50},
        "tags": [{"key": "team", "value": "a"}],
        "propagateTags": "SERVICE",
        "enableECSManagedTags": True,
    }
    made = ecs.create_service(**given)["service"]
    watch(sandbox, clients, "main", "worker")
    assert len(ecs.list_services(cluster="main", launchType="FARGATE")["serviceArns"]) == 2
    arn = made["serviceArn"]
    ecs.tag_resource(resourceArn=arn, tags=[{"key": "cost", "value": "1"}])
    ecs.untag_resource(resourceArn=arn, tagKeys=["cost"])
    assert ecs.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "team", "value": "a"}]
    ecs.update_service(cluster="main", service="worker", desiredCount=1)
    watch(sandbox, clients, "main", "worker")
    fails("InvalidParameterException", ecs.delete_service, cluster="main", service="worker")
    ecs.delete_service(cluster="main", service="worker", force=True)
    for _ in range(10):
        sandbox.hurry(10)
        ecs.describe_services(cluster="main", services=["worker"], include=["TAGS"])
    gone = ecs.describe_services(cluster="main", services=["worker"])["services"][0]
    assert gone["status"] == "INACTIVE", gone["status"]


def single_tasks(sandbox, clients):
    ecs = clients.ecs
    ran = ecs.run_task(
        cluster="main",
        taskDefinition="web",
        launchType="FARGATE",
        networkConfiguration=NETWORK,
        overrides={"containerOverrides": [{"name": "web", "environment": [{"name": "A", "value": "b"}]}]},
        startedBy="boto3",
        count=2,
    )
    arns = [task["taskArn"] for task in ran["tasks"]]
    for _ in range(6):
        sandbox.hurry(7)
        ecs.describe_tasks(cluster="main", tasks=[*arns, "0" * 32], include=["TAGS"])
    ecs.stop_task(cluster="main", task=arns[0], reason="enough")
    sandbox.poke({"kill": {"task": arns[1]}})
    for _ in range(12):
        sandbox.hurry(7)
        told = ecs.describe_tasks(cluster="main", tasks=arns)["tasks"]
    assert [task["stopCode"] for task in told] == ["UserInitiated", "EssentialContainerExited"]
    fails("InvalidParameterException", ecs.describe_tasks, cluster="main", tasks=[])


def logs(clients):
    logs = clients.logs
    logs.create_log_group(logGroupName="/boto3")
    fails("ResourceAlreadyExistsException", logs.create_log_group, logGroupName="/boto3")
    logs.put_retention_policy(logGroupName="/boto3", retentionInDays=7)
    assert logs.describe_log_groups(logGroupNamePrefix="/boto3")["logGroups"][0]["retentionInDays"] == 7
    streams = logs.describe_log_streams(logGroupName="/ecs/web", orderBy="LastEventTime", descending=True)
    stream = streams["logStreams"][0]["logStreamName"]
    logs.get_log_events(logGroupName="/ecs/web", logStreamName=stream, startFromHead=True)
    logs.filter_log_events(logGroupName="/ecs/web")
    fails("ResourceNotFoundException", logs.get_log_events, logGroupName="/no", logStreamName="no")
    logs.delete_log_group(logGroupName="/boto3")


def definitions(clients):
    ecs = clients.ecs
    arn = revision(clients, "web", f"{IMAGE}:1.0.0")
    assert arn in ecs.list_task_definitions(familyPrefix="web", sort="DESC")["taskDefinitionArns"]
    assert ecs.list_task_definition_families(status="ACTIVE")["families"] == ["web"]
    ecs.deregister_task_definition(taskDefinition=arn)
    deleted = ecs.delete_task_definitions(taskDefinitions=[arn, "web:99"])
    assert deleted["taskDefinitions"][0]["status"] == "DELETE_IN_PROGRESS"
    fails("ClientException", ecs.describe_task_definition, taskDefinition="no-such")
    fails(
        "ClientException",
        ecs.register_task_definition,
        family="bad",
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="7",
        memory="11",
        containerDefinitions=[{"name": "a", "image": "a"}],
    )


def clusters(clients):
    ecs = clients.ecs
    ecs.create_cluster(clusterName="other", tags=[{"key": "a", "value": "b"}])
    assert len(ecs.list_clusters()["clusterArns"]) == 2
    included = ["TAGS", "STATISTICS", "SETTINGS", "CONFIGURATIONS", "ATTACHMENTS"]
    ecs.describe_clusters(clusters=["main", "other", "no-such"], include=included)
    ecs.delete_cluster(cluster="other")
    fails("ClusterContainsServicesException", ecs.delete_cluster, cluster="main")
    assert steady(look(clients, "main", "web"))
