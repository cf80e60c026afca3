//! Scale-in protection, capacity providers, and the smaller operations on clusters and tasks.

use serde_json::{Value, json};

use super::door::Door;

const WEB: &str = include_str!("../../testdata/fargate-web.yaml");

fn door() -> Door {
    Door::new(WEB, |_| ())
}

fn protect(door: &mut Door, task: &Value, minutes: u64) -> Value {
    let input = json!({ "cluster": "main", "tasks": [task], "protectionEnabled": true, "expiresInMinutes": minutes });
    door.call("UpdateTaskProtection", &input)["protectedTasks"][0].clone()
}

#[test]
fn a_protected_task_outlives_scale_in_until_its_protection_ends() {
    let mut door = door();
    let tasks = door.tasks("RUNNING");
    for task in &tasks {
        let answer = protect(&mut door, &task["taskArn"], 5);
        assert_eq!(answer["protectionEnabled"], true);
        let ends = answer["expirationDate"].as_f64().unwrap();
        assert!((ends - door.sandbox.now().millis() as f64 / 1000.0 - 300.0).abs() < 1.0);
    }
    door.on_web("UpdateService", &json!({ "desiredCount": 1 }));
    door.seconds(290);
    assert_eq!(door.service()["runningCount"], 2);
    let news = door.news();
    let line = "(service web) was unable to reach steady state because (taskSet D) was unable to scale in due to (reason 2 tasks under protection)";
    assert_eq!(
        news.iter().filter(|told| *told == line).count(),
        1,
        "{news:#?}"
    );
    door.seconds(30);
    assert_eq!(door.service()["runningCount"], 1);
}

#[test]
fn another_task_goes_instead_of_the_protected_one() {
    let mut door = door();
    // The newest would go first.
    let newest = door.sandbox.world.ecs.clusters["main"].services["web"].live[1].clone();
    protect(&mut door, &json!(newest), 120);
    door.on_web("UpdateService", &json!({ "desiredCount": 1 }));
    door.seconds(60);
    let left = door.tasks("RUNNING");
    assert!(left.len() == 1 && left[0]["taskArn"].as_str().unwrap().ends_with(&newest));
    assert!(
        !door
            .news()
            .iter()
            .any(|line| line.contains("under protection"))
    );
}

#[test]
fn a_protected_task_holds_up_a_deployment_but_not_stop_task() {
    let mut door = door();
    let task = door.tasks("RUNNING")[0]["taskArn"].clone();
    protect(&mut door, &task, 120);
    door.on_web("UpdateService", &json!({ "forceNewDeployment": true }));
    door.seconds(600);
    let service = door.service();
    assert_eq!(service["deployments"].as_array().unwrap().len(), 2);
    assert_eq!(service["deployments"][0]["rolloutState"], "IN_PROGRESS");
    assert_eq!(service["runningCount"], 3);
    assert!(
        door.news()
            .iter()
            .any(|line| line.contains("(reason 1 tasks under protection)"))
    );
    door.call("StopTask", &json!({ "cluster": "main", "task": task }));
    door.until(|service| service["deployments"][0]["rolloutState"] == "COMPLETED");
}

#[test]
fn protection_is_shown_ended_and_refused() {
    let mut door = door();
    let task = door.tasks("RUNNING")[0]["taskArn"].clone();
    protect(&mut door, &task, 1);
    let get = json!({ "cluster": "main", "tasks": [task] });
    let shown = |door: &mut Door| door.call("GetTaskProtection", &get)["protectedTasks"][0].clone();
    assert_eq!(shown(&mut door)["protectionEnabled"], true);
    door.seconds(61);
    assert_eq!(
        shown(&mut door),
        json!({ "taskArn": task, "protectionEnabled": false })
    );
    let all = door.call("GetTaskProtection", &json!({ "cluster": "main" }));
    assert_eq!(all["protectedTasks"].as_array().unwrap().len(), 2);
    let run = door.call(
        "RunTask",
        &json!({
            "cluster": "main", "taskDefinition": "web", "launchType": "FARGATE",
            "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-0a1"] } },
        }),
    )["tasks"][0]["taskArn"]
        .clone();
    let unknown = "0".repeat(32);
    let input = json!({ "cluster": "main", "tasks": [run, unknown], "protectionEnabled": true });
    let answer = door.call("UpdateTaskProtection", &input);
    let reasons: Vec<_> = answer["failures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["reason"].clone())
        .collect();
    assert_eq!(
        (reasons, &answer["protectedTasks"]),
        (vec![json!("TASK_NOT_VALID"), json!("MISSING")], &json!([]))
    );
    for (key, value) in [
        ("tasks", json!([])),
        ("tasks", json!(vec![task.clone(); 11])),
        ("expiresInMinutes", json!(2881)),
        ("protectionEnabled", json!(null)),
    ] {
        let mut bad = json!({ "cluster": "main", "tasks": [task], "protectionEnabled": true });
        bad[key] = value;
        door.refuses(
            "UpdateTaskProtection",
            &bad,
            "InvalidParameterException",
            "",
        );
    }
    door.refuses(
        "UpdateTaskProtection",
        &json!({ "cluster": "none", "tasks": [task], "protectionEnabled": true }),
        "ClusterNotFoundException",
        "",
    );
}

#[test]
fn a_strategy_spreads_tasks_over_fargate_and_spot() {
    let mut door = door();
    let strategy = json!([{ "capacityProvider": "FARGATE", "base": 1, "weight": 1 }, { "capacityProvider": "FARGATE_SPOT", "weight": 1 }]);
    let mut input = json!({ "cluster": "main", "serviceName": "mixed", "taskDefinition": "web", "desiredCount": 5, "capacityProviderStrategy": strategy });
    input["networkConfiguration"] = door.service()["networkConfiguration"].clone();
    door.refuses(
        "CreateService",
        &input,
        "InvalidParameterException",
        "not associated with the cluster",
    );
    let both = json!({ "cluster": "main", "capacityProviders": ["FARGATE", "FARGATE_SPOT"], "defaultCapacityProviderStrategy": [] });
    let cluster = door.call("PutClusterCapacityProviders", &both)["cluster"].clone();
    assert_eq!(cluster["capacityProviders"], both["capacityProviders"]);
    door.call("CreateService", &input);
    door.seconds(120);
    let on = |door: &mut Door, name: &str| {
        let tasks = door.tasks("RUNNING");
        tasks
            .iter()
            .filter(|task| task["capacityProviderName"] == name && task["launchType"] == "FARGATE")
            .count()
    };
    assert_eq!(
        (on(&mut door, "FARGATE"), on(&mut door, "FARGATE_SPOT")),
        (3, 2)
    );
    let list = door.call(
        "DescribeCapacityProviders",
        &json!({ "capacityProviders": ["FARGATE_SPOT", "mine"] }),
    );
    assert_eq!(
        (
            &list["capacityProviders"][0]["name"],
            &list["failures"][0]["reason"]
        ),
        (&json!("FARGATE_SPOT"), &json!("MISSING"))
    );
    let mut unknown = both.clone();
    unknown["capacityProviders"] = json!(["mine"]);
    door.refuses(
        "PutClusterCapacityProviders",
        &unknown,
        "InvalidParameterException",
        "not found",
    );
}

#[test]
fn a_command_is_refused_as_aws_does_and_a_session_by_name() {
    let mut door = door();
    let input = |door: &mut Door| {
        let task = door.tasks("RUNNING")[0]["taskArn"].clone();
        json!({ "cluster": "main", "task": task, "command": "sh", "interactive": true })
    };
    let first = input(&mut door);
    door.refuses(
        "ExecuteCommand",
        &first,
        "InvalidParameterException",
        "The execute command failed because execute command was not enabled when the task was run",
    );
    door.on_web(
        "UpdateService",
        &json!({ "enableExecuteCommand": true, "forceNewDeployment": true }),
    );
    door.second();
    door.until(|service| service["deployments"].as_array().unwrap().len() == 1);
    let second = input(&mut door);
    door.refuses("ExecuteCommand", &second, "SandboxNotModelled", "sessions");
}

#[test]
fn the_settings_of_a_cluster_are_replaced_where_they_are_given() {
    let mut door = door();
    let settings = json!([{ "name": "containerInsights", "value": "enhanced" }]);
    for op in ["UpdateClusterSettings", "UpdateCluster"] {
        let answer = door.call(op, &json!({ "cluster": "main", "settings": settings }));
        assert_eq!(answer["cluster"]["settings"], settings);
    }
    door.refuses(
        "UpdateCluster",
        &json!({ "cluster": "none", "settings": settings }),
        "ClusterNotFoundException",
        "",
    );
    let by_namespace = json!({ "namespace": "shop" });
    door.refuses(
        "ListServicesByNamespace",
        &by_namespace,
        "SandboxNotModelled",
        "ListServicesByNamespace",
    );
}
