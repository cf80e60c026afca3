//! The operations: errors and their texts, limits, paging, tags, tokens, and members that nobody knows yet.

use serde_json::{Value, json};

use super::stage::Stage;

/// An operation, its input, and the error's code and text.
fn refuses(stage: &mut Stage, op: &str, input: &Value, code: &str, message: &str) {
    let error = stage.try_call(op, input).expect_err(op);
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        (code, message),
        "{op} {input}"
    );
}

#[test]
fn errors_have_the_codes_and_texts_of_aws() {
    let stage = &mut Stage::web(&[]);
    let (client, invalid) = ("ClientException", "InvalidParameterException");
    refuses(
        stage,
        "DescribeTaskDefinition",
        &json!({ "taskDefinition": "nobody" }),
        client,
        "Unable to describe task definition.",
    );
    refuses(
        stage,
        "DescribeTaskDefinition",
        &json!({ "taskDefinition": "web:x" }),
        client,
        "Invalid revision number. Number: x",
    );
    refuses(
        stage,
        "DeregisterTaskDefinition",
        &json!({ "taskDefinition": "web" }),
        client,
        "Revision is missing.",
    );
    refuses(
        stage,
        "DescribeServices",
        &json!({ "cluster": "no", "services": ["web"] }),
        "ClusterNotFoundException",
        "Cluster not found.",
    );
    refuses(
        stage,
        "UpdateService",
        &json!({ "cluster": "main", "service": "no" }),
        "ServiceNotFoundException",
        "Service not found.",
    );
    refuses(
        stage,
        "UpdateService",
        &json!({ "cluster": "main", "service": "web", "taskDefinition": "no" }),
        client,
        "TaskDefinition not found.",
    );
    refuses(
        stage,
        "DescribeTasks",
        &json!({ "cluster": "main", "tasks": [] }),
        invalid,
        "Tasks cannot be empty.",
    );
    refuses(
        stage,
        "DescribeTasks",
        &json!({ "cluster": "main", "tasks": ["abc"] }),
        invalid,
        "taskId length should be one of [32,36]",
    );
    refuses(
        stage,
        "ListTasks",
        &json!({ "cluster": "main", "serviceName": "no" }),
        "ServiceNotFoundException",
        "Service not found.",
    );
    refuses(
        stage,
        "DeleteService",
        &json!({ "cluster": "main", "service": "web" }),
        invalid,
        "The service cannot be stopped while it is scaled above 0.",
    );
    let eleven: Vec<String> = (0..11).map(|n| n.to_string()).collect();
    refuses(
        stage,
        "DescribeServices",
        &json!({ "cluster": "main", "services": eleven }),
        invalid,
        "Services can have at most 10 items.",
    );
    let unknown = stage
        .try_call("CreateCapacityProvider", &json!({}))
        .unwrap_err();
    assert!(unknown.message.contains("ecs:CreateCapacityProvider"));
}

#[test]
fn unknown_names_are_missing_not_errors() {
    let stage = &mut Stage::web(&[]);
    let answer = stage.call(
        "DescribeServices",
        &json!({ "cluster": "main", "services": ["no", "web"] }),
    );
    assert_eq!(
        answer["failures"],
        json!([{ "arn": "arn:aws:ecs:eu-west-1:123456789012:service/main/no", "reason": "MISSING" }])
    );
    assert_eq!(answer["services"].as_array().unwrap().len(), 1);
    let id = "0".repeat(32);
    let answer = stage.call(
        "DescribeTasks",
        &json!({ "cluster": "main", "tasks": [id] }),
    );
    assert_eq!(answer["failures"][0]["reason"], "MISSING");
    let answer = stage.call("DescribeClusters", &json!({ "clusters": ["no"] }));
    assert_eq!(answer["failures"][0]["reason"], "MISSING");
    let arn = "arn:aws:ecs:eu-west-1:123456789012:service-deployment/main/web/none";
    let answer = stage.call(
        "DescribeServiceDeployments",
        &json!({ "serviceDeploymentArns": [arn] }),
    );
    assert_eq!(
        answer["failures"],
        json!([{ "arn": arn, "reason": "MISSING" }])
    );
}

#[test]
fn members_that_nobody_knows_are_kept_and_answered() {
    let stage = &mut Stage::web(&[]);
    let input = json!({
        "family": "new",
        "bornTomorrow": { "depth": [1, { "x": true }] },
        "containerDefinitions": [{ "name": "a", "image": "nginx", "memory": 128, "alsoNew": "yes", "healthCheck": { "command": ["x"], "newer": 1 } }],
    });
    stage.call("RegisterTaskDefinition", &input);
    let found = stage.call(
        "DescribeTaskDefinition",
        &json!({ "taskDefinition": "new" }),
    )["taskDefinition"]
        .clone();
    assert_eq!(found["bornTomorrow"], input["bornTomorrow"]);
    assert_eq!(found["containerDefinitions"][0]["alsoNew"], "yes");
    assert_eq!(found["containerDefinitions"][0]["healthCheck"]["newer"], 1);
    let service = stage
        .update(&json!({ "newSwitch": { "on": true }, "deploymentConfiguration": { "newer": 2 } }));
    assert_eq!(
        (
            &service["newSwitch"]["on"],
            &service["deploymentConfiguration"]["newer"]
        ),
        (&json!(true), &json!(2))
    );
    assert_eq!(stage.service()["newSwitch"], json!({ "on": true }));
}

#[test]
fn creating_a_service_again_is_idempotent_or_refused() {
    let stage = &mut Stage::web(&[]);
    let input = json!({
        "cluster": "main", "serviceName": "second", "taskDefinition": "web", "desiredCount": 1, "launchType": "FARGATE", "clientToken": "t",
        "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-0a1"] } },
    });
    let first = stage.call("CreateService", &input)["service"].clone();
    assert_eq!(
        first["networkConfiguration"]["awsvpcConfiguration"],
        json!({ "subnets": ["subnet-0a1"], "securityGroups": [], "assignPublicIp": "DISABLED" })
    );
    assert_eq!(
        (
            &first["platformVersion"],
            &first["deployments"][0]["platformVersion"]
        ),
        (&json!("LATEST"), &json!("1.4.0"))
    );
    assert!(first.get("currentServiceDeployment").is_none() && first.get("tags").is_none());
    assert_eq!(stage.call("CreateService", &input)["service"], first);
    let mut other = input.clone();
    other["desiredCount"] = json!(2);
    refuses(
        stage,
        "CreateService",
        &other,
        "InvalidParameterException",
        "Creation of service was not idempotent.",
    );
    stage.call(
        "DeleteService",
        &json!({ "cluster": "main", "service": "second", "force": true }),
    );
    assert_eq!(
        stage.call("ListServices", &json!({ "cluster": "main" }))["serviceArns"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn a_deleted_service_drains_and_turns_inactive() {
    let stage = &mut Stage::web(&[]);
    let deleted = stage.call(
        "DeleteService",
        &json!({ "cluster": "main", "service": "web", "force": true }),
    )["service"]
        .clone();
    assert_eq!(
        (&deleted["status"], &deleted["desiredCount"]),
        (&json!("DRAINING"), &json!(0))
    );
    refuses(
        stage,
        "UpdateService",
        &json!({ "cluster": "main", "service": "web" }),
        "ServiceNotActiveException",
        "Service was not ACTIVE.",
    );
    let again = json!({ "cluster": "main", "serviceName": "web", "taskDefinition": "web", "desiredCount": 0 });
    refuses(
        stage,
        "CreateService",
        &again,
        "InvalidParameterException",
        "Unable to Start a service that is still Draining.",
    );
    stage.until(|service| service["status"] == "INACTIVE");
    assert_eq!(stage.service()["deployments"], json!([]));
    assert_eq!(stage.tasks("RUNNING").len(), 0);
    refuses(
        stage,
        "DeleteService",
        &json!({ "cluster": "main", "service": "web" }),
        "ServiceNotFoundException",
        "Service not found.",
    );
    assert_eq!(
        stage.call("DeleteCluster", &json!({ "cluster": "main" }))["cluster"]["status"],
        "INACTIVE"
    );
}

#[test]
fn services_that_cannot_work_are_refused() {
    let stage = &mut Stage::web(&[]);
    let group = stage.service()["loadBalancers"][0]["targetGroupArn"].clone();
    let base = json!({
        "cluster": "main", "serviceName": "s", "taskDefinition": "web", "desiredCount": 1, "launchType": "FARGATE",
        "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-0a1"] } },
    });
    let mut check = |key: &str, value: Value, message: &str| {
        let mut input = base.clone();
        input[key] = value;
        refuses(
            stage,
            "CreateService",
            &input,
            "InvalidParameterException",
            message,
        );
    };
    check(
        "networkConfiguration",
        json!(null),
        "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
    );
    check(
        "networkConfiguration",
        json!({ "awsvpcConfiguration": { "subnets": [] } }),
        "subnets can not be empty.",
    );
    check(
        "loadBalancers",
        json!([{ "targetGroupArn": group, "containerName": "no", "containerPort": 3000 }]),
        "The container no does not exist in the task definition.",
    );
    check(
        "loadBalancers",
        json!([{ "targetGroupArn": group, "containerName": "web", "containerPort": 1 }]),
        "The container web did not have a container port 1 defined.",
    );
    check(
        "healthCheckGracePeriodSeconds",
        json!(5),
        "Health check grace period is only valid for services configured to use load balancers",
    );
    let mut input = base.clone();
    input["placementConstraints"] =
        json!([{ "type": "memberOf", "expression": "registeredAt > 2026-01-01" }]);
    assert_eq!(
        stage.try_call("CreateService", &input).unwrap_err().code,
        "SandboxNotModelled"
    );
}

#[test]
fn an_inactive_revision_starts_nothing_new() {
    let stage = &mut Stage::web(&[]);
    let arn = stage.register("1.1.0");
    stage.call(
        "DeregisterTaskDefinition",
        &json!({ "taskDefinition": arn }),
    );
    refuses(
        stage,
        "UpdateService",
        &json!({ "cluster": "main", "service": "web", "taskDefinition": arn }),
        "ClientException",
        "TaskDefinition is inactive",
    );
    let latest = stage.call(
        "DescribeTaskDefinition",
        &json!({ "taskDefinition": "web" }),
    )["taskDefinition"]
        .clone();
    assert_eq!(latest["revision"], 1);
    assert_eq!(
        stage.call("ListTaskDefinitions", &json!({ "status": "INACTIVE" }))["taskDefinitionArns"],
        json!([arn])
    );
    let deleted = stage.call(
        "DeleteTaskDefinitions",
        &json!({ "taskDefinitions": [arn, "web:1"] }),
    );
    assert_eq!(
        deleted["taskDefinitions"][0]["status"],
        "DELETE_IN_PROGRESS"
    );
    assert_eq!(deleted["failures"].as_array().unwrap().len(), 1);
    stage.seconds(60);
    refuses(
        stage,
        "DescribeTaskDefinition",
        &json!({ "taskDefinition": arn }),
        "ClientException",
        "Unable to describe task definition.",
    );
    assert!(
        stage.register("1.1.0").ends_with(":3"),
        "numbers never come back"
    );
}

#[test]
fn a_client_token_makes_run_task_repeatable() {
    let stage = &mut Stage::web(&[]);
    let mut input = json!({
        "cluster": "main", "taskDefinition": "web", "launchType": "FARGATE", "clientToken": "once", "startedBy": "me", "count": 2,
        "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-0a1"] } },
        "overrides": { "containerOverrides": [{ "name": "web", "command": ["migrate"] }] },
    });
    let first = stage.call("RunTask", &input);
    assert_eq!(stage.call("RunTask", &input), first);
    assert_eq!(first["tasks"][0]["group"], "family:web");
    assert_eq!(
        first["tasks"][0]["overrides"]["containerOverrides"][0]["command"],
        json!(["migrate"])
    );
    input["count"] = json!(1);
    let conflict = stage.try_call("RunTask", &input).unwrap_err();
    assert_eq!(
        (
            conflict.code.as_str(),
            conflict.fields["resourceIds"].as_array().unwrap().len()
        ),
        ("ConflictException", 2)
    );
    stage.seconds(60);
    let listed = stage.call(
        "ListTasks",
        &json!({ "cluster": "main", "startedBy": "me" }),
    );
    assert_eq!(listed["taskArns"].as_array().unwrap().len(), 2);
    assert_eq!(stage.tasks("RUNNING").len(), 4);
}

#[test]
fn tags_are_put_taken_and_shown_on_request() {
    let stage = &mut Stage::web(&[]);
    let arn = stage.service()["serviceArn"].clone();
    stage.call("TagResource", &json!({ "resourceArn": arn, "tags": [{ "key": "a", "value": "1" }, { "key": "b", "value": "2" }] }));
    stage.call(
        "UntagResource",
        &json!({ "resourceArn": arn, "tagKeys": ["a"] }),
    );
    let expected = json!([{ "key": "b", "value": "2" }]);
    assert_eq!(
        stage.call("ListTagsForResource", &json!({ "resourceArn": arn }))["tags"],
        expected
    );
    assert!(stage.service().get("tags").is_none());
    let shown = stage.call(
        "DescribeServices",
        &json!({ "cluster": "main", "services": ["web"], "include": ["TAGS"] }),
    );
    assert_eq!(shown["services"][0]["tags"], expected);
    let reserved = json!({ "resourceArn": arn, "tags": [{ "key": "aws:x", "value": "" }] });
    assert_eq!(
        stage.try_call("TagResource", &reserved).unwrap_err().code,
        "InvalidParameterException"
    );
}

#[test]
fn clusters_count_what_is_in_them() {
    let stage = &mut Stage::web(&[]);
    let cluster =
        stage.call("DescribeClusters", &json!({ "clusters": ["main"] }))["clusters"][0].clone();
    assert_eq!(
        (
            &cluster["runningTasksCount"],
            &cluster["activeServicesCount"]
        ),
        (&json!(2), &json!(1))
    );
    assert_eq!(
        stage
            .try_call("DeleteCluster", &json!({ "cluster": "main" }))
            .unwrap_err()
            .code,
        "ClusterContainsServicesException"
    );
    stage.call("CreateCluster", &json!({}));
    assert_eq!(
        stage.call("ListClusters", &json!({}))["clusterArns"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}
