"""CodeDeploy's blue/green for ECS: a release that waits to be let on, one that is stopped, one that fails."""

import json

from .common import fails, look, revision
from .native import ROLE, pair
from .web import IMAGE, NETWORK

WORLD = "fargate-web"
GROUP = {"applicationName": "shop", "deploymentGroupName": "shop"}


def play(sandbox, clients, operations):
    if "codedeploy" not in operations:
        return
    deploy = clients.codedeploy
    blue, green, _, listener = pair(clients, "cd", 50)
    clients.ecs.create_service(
        cluster="main",
        serviceName="cd",
        taskDefinition="web:1",
        desiredCount=2,
        launchType="FARGATE",
        networkConfiguration=NETWORK,
        deploymentController={"type": "CODE_DEPLOY"},
        loadBalancers=[{"targetGroupArn": blue, "containerName": "web", "containerPort": 3000}],
    )
    sandbox.hurry(300)
    group(deploy, listener)
    good = revision(clients, "web", f"{IMAGE}:1.1.0")
    made = release(deploy, good)
    fails("DeploymentLimitExceededException", deploy.create_deployment, **spec(good))
    until(sandbox, clients, made, "Ready")
    deploy.continue_deployment(deploymentId=made, deploymentWaitType="READY_WAIT")
    until(sandbox, clients, made, "Succeeded")
    sets = look(clients, "main", "cd")["taskSets"]
    assert [each["taskDefinition"] for each in sets if each["status"] == "PRIMARY"] == [good], sets
    stopped(sandbox, clients)
    failed(sandbox, clients)
    lists(deploy, made)
    # The CLI's own description of blue/green services: UpdateService may not change the task definition.
    fails("InvalidParameterException", clients.ecs.update_service, cluster="main", service="cd", taskDefinition=good)


def group(deploy, listener):
    deploy.create_application(applicationName="shop", computePlatform="ECS")
    deploy.create_deployment_config(
        deploymentConfigName="steps",
        computePlatform="ECS",
        trafficRoutingConfig={
            "type": "TimeBasedLinear",
            "timeBasedLinear": {"linearPercentage": 25, "linearInterval": 1},
        },
    )
    given = {
        "serviceRoleArn": ROLE,
        "deploymentConfigName": "steps",
        "deploymentStyle": {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
        "ecsServices": [{"clusterName": "main", "serviceName": "cd"}],
        "loadBalancerInfo": {
            "targetGroupPairInfoList": [
                {
                    "targetGroups": [{"name": "cd-blue"}, {"name": "cd-green"}],
                    "prodTrafficRoute": {"listenerArns": [listener]},
                }
            ]
        },
    }
    deploy.create_deployment_group(**GROUP, **given, blueGreenDeploymentConfiguration=pace("STOP_DEPLOYMENT", 30))
    deploy.get_deployment_group(**GROUP)


def pace(action, minutes):
    ready = {"actionOnTimeout": action, "waitTimeInMinutes": minutes}
    if action == "CONTINUE_DEPLOYMENT":
        del ready["waitTimeInMinutes"]
    return {
        "deploymentReadyOption": ready,
        "terminateBlueInstancesOnDeploymentSuccess": {"action": "TERMINATE", "terminationWaitTimeInMinutes": 1},
    }


def spec(definition):
    service = {
        "Type": "AWS::ECS::Service",
        "Properties": {
            "TaskDefinition": definition,
            "LoadBalancerInfo": {"ContainerName": "web", "ContainerPort": 3000},
        },
    }
    content = json.dumps({"version": 0.0, "Resources": [{"TargetService": service}]})
    return GROUP | {"revision": {"revisionType": "AppSpecContent", "appSpecContent": {"content": content}}}


def release(deploy, definition):
    rollback = {"enabled": True, "events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_REQUEST"]}
    return deploy.create_deployment(**spec(definition), autoRollbackConfiguration=rollback)["deploymentId"]


def until(sandbox, clients, deployment, status):
    deploy = clients.codedeploy
    for _ in range(600):
        sandbox.hurry(7)
        look(clients, "main", "cd")
        told = deploy.get_deployment(deploymentId=deployment)["deploymentInfo"]
        targets = deploy.list_deployment_targets(deploymentId=deployment)["targetIds"]
        for target in targets:
            deploy.get_deployment_target(deploymentId=deployment, targetId=target)
        if targets:
            deploy.batch_get_deployment_targets(deploymentId=deployment, targetIds=targets)
        if told["status"] == status:
            return told
    raise AssertionError(f"deployment {deployment} is not {status}: {told}")


def stopped(sandbox, clients):
    deploy = clients.codedeploy
    deploy.update_deployment_group(
        applicationName="shop",
        currentDeploymentGroupName="shop",
        blueGreenDeploymentConfiguration=pace("CONTINUE_DEPLOYMENT", 0),
    )
    made = release(deploy, revision(clients, "web", f"{IMAGE}:1.0.0"))
    sandbox.hurry(20)
    deploy.stop_deployment(deploymentId=made, autoRollbackEnabled=True)
    told = until(sandbox, clients, made, "Stopped")
    if back := told.get("rollbackInfo", {}).get("rollbackDeploymentId"):
        until(sandbox, clients, back, "Succeeded")


def failed(sandbox, clients):
    deploy = clients.codedeploy
    made = release(deploy, revision(clients, "web", f"{IMAGE}:1.2.0"))
    told = until(sandbox, clients, made, "Failed")
    assert told["errorInformation"]["code"], told
    if back := told.get("rollbackInfo", {}).get("rollbackDeploymentId"):
        until(sandbox, clients, back, "Succeeded")


def lists(deploy, made):
    assert deploy.list_applications()["applications"] == ["shop"]
    deploy.get_application(applicationName="shop")
    deploy.list_deployment_groups(applicationName="shop")
    deploy.get_deployment_config(deploymentConfigName="steps")
    deploy.get_deployment_config(deploymentConfigName="CodeDeployDefault.ECSCanary10Percent5Minutes")
    found = deploy.list_deployments(**GROUP)["deployments"]
    assert made in found
    deploy.batch_get_deployments(deploymentIds=found[:25])
    fails("DeploymentDoesNotExistException", deploy.get_deployment, deploymentId="d-000000000")
    fails("ApplicationDoesNotExistException", deploy.get_application, applicationName="no")
    fails("DeploymentAlreadyCompletedException", deploy.stop_deployment, deploymentId=made)
