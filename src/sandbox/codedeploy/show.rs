//! Deployments and their targets as the API shows them.

use serde_json::{Value, json};

use crate::sandbox::codedeploy::appspec::{AppSpec, sha256};
use crate::sandbox::codedeploy::model::{Deployment, Event, Phase, Status};
use crate::sandbox::ecs::task_sets::{self, SetNumber};
use crate::sandbox::elb::Elb;
use crate::sandbox::{Time, World};

/// Members that a group's settings are echoed by.
const SETTINGS: [&str; 5] = [
    "autoRollbackConfiguration",
    "deploymentStyle",
    "blueGreenDeploymentConfiguration",
    "loadBalancerInfo",
    "overrideAlarmConfiguration",
];

/// The shape `DeploymentInfo`.
pub fn deployment(one: &Deployment) -> Value {
    let mut info = json!({
        "applicationName": one.application,
        "deploymentGroupName": one.group,
        "deploymentConfigName": one.config,
        "deploymentId": one.id,
        "status": one.status.as_str(),
        "createTime": one.created.epoch_seconds(),
        "deploymentOverview": overview(one),
        "creator": one.creator,
        "ignoreApplicationStopFailures": false,
        "updateOutdatedInstancesOnly": false,
        "instanceTerminationWaitTimeStarted": matches!(one.phase, Phase::Terminating),
        "fileExistsBehavior": "DISALLOW",
        "deploymentStatusMessages": [],
        "computePlatform": "ECS",
    });
    let mut put = |member: &str, value: Option<Value>| {
        if let Some(value) = value {
            info[member] = value;
        }
    };
    put("startTime", one.started.map(Time::epoch_seconds));
    put("completeTime", one.completed.map(Time::epoch_seconds));
    put("description", one.description.clone().map(Value::from));
    put("revision", one.spec.as_ref().map(revision));
    put("previousRevision", one.previous.as_ref().map(revision));
    put("rollbackInfo", rollback(one));
    let error = one.error.as_ref();
    put(
        "errorInformation",
        error.map(|(code, text)| json!({"code": code, "message": text})),
    );
    for name in SETTINGS {
        put(
            name,
            one.settings
                .get(name)
                .filter(|value| !value.is_null())
                .cloned(),
        );
    }
    info
}

fn revision(spec: &AppSpec) -> Value {
    json!({
        "revisionType": "AppSpecContent",
        "appSpecContent": {"content": spec.content, "sha256": sha256(&spec.content)},
    })
}

fn rollback(one: &Deployment) -> Option<Value> {
    if let Some(id) = &one.rollback.undone_by {
        return Some(json!({
            "rollbackDeploymentId": id,
            "rollbackMessage": format!("Deployment {} was rolled back by deployment {id}.", one.id),
        }));
    }
    let id = one.rollback.undoes.as_ref()?;
    Some(json!({"rollbackTriggeringDeploymentId": id}))
}

/// How many targets are how: an ECS deployment has one.
fn overview(one: &Deployment) -> Value {
    let now = target_status(one);
    let count = |status: &str| u64::from(status == now);
    json!({
        "Pending": count("Pending"),
        "InProgress": count("InProgress"),
        "Succeeded": count("Succeeded"),
        "Failed": count("Failed"),
        "Skipped": count("Skipped"),
        "Ready": count("Ready"),
    })
}

/// A stopped deployment's target has failed.
fn target_status(one: &Deployment) -> &'static str {
    match one.status {
        Status::Created => "Pending",
        Status::InProgress => "InProgress",
        Status::Ready => "Ready",
        Status::Succeeded => "Succeeded",
        Status::Failed | Status::Stopped => "Failed",
    }
}

/// `CLUSTER:SERVICE`.
pub fn target_id(one: &Deployment) -> String {
    format!("{}:{}", one.service.cluster, one.service.service)
}

/// The shape `DeploymentTarget`.
pub fn target(world: &mut World, one: &Deployment) -> Value {
    let green = one.sets.percent;
    let blue_set = one
        .sets
        .blue
        .and_then(|set| task_set(world, one, set, "Blue", 100 - green));
    let green_set = one
        .sets
        .green
        .and_then(|set| task_set(world, one, set, "Green", green));
    let sets: Vec<Value> = blue_set.into_iter().chain(green_set).collect();
    let service = format!("service/{}/{}", one.service.cluster, one.service.service);
    let times = one
        .events
        .iter()
        .flat_map(|event| [event.started, event.ended]);
    let updated = times.flatten().max().unwrap_or(one.created);
    json!({
        "deploymentTargetType": "ECSTarget",
        "ecsTarget": {
            "deploymentId": one.id,
            "targetId": target_id(one),
            "targetArn": world.arn("ecs", &service),
            "lastUpdatedAt": updated.epoch_seconds(),
            "lifecycleEvents": one.events.iter().map(lifecycle_event).collect::<Vec<_>>(),
            "status": target_status(one),
            "taskSetsInfo": sets,
        },
    })
}

fn lifecycle_event(event: &Event) -> Value {
    let mut shown = json!({"lifecycleEventName": event.name, "status": event.status});
    if let Some(at) = event.started {
        shown["startTime"] = at.epoch_seconds();
    }
    if let Some(at) = event.ended {
        shown["endTime"] = at.epoch_seconds();
    }
    if let Some(problem) = &event.problem {
        shown["diagnostics"] = json!({"errorCode": "UnknownError", "scriptName": "", "message": problem, "logTail": ""});
    }
    shown
}

/// A task set that is still there. (`identifer` is the API's own spelling.)
fn task_set(
    world: &mut World,
    one: &Deployment,
    set: SetNumber,
    label: &str,
    percent: u64,
) -> Option<Value> {
    let shown = task_sets::describe(world, &one.service, set).ok()?;
    let group = shown["loadBalancers"][0]["targetGroupArn"]
        .as_str()
        .unwrap_or_default();
    Some(json!({
        "identifer": shown["id"],
        "desiredCount": shown["computedDesiredCount"],
        "pendingCount": shown["pendingCount"],
        "runningCount": shown["runningCount"],
        "status": shown["status"],
        "trafficWeight": percent as f64,
        "targetGroup": {"name": name_of(&world.elb, group)},
        "taskSetLabel": label,
    }))
}

fn name_of<'a>(elb: &'a Elb, arn: &str) -> Option<&'a str> {
    elb.group(arn).map(|group| group.name.as_str())
}
