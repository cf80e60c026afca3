//! The census: the whole world on one page, for people and their pages. It is not AWS's.
//!
//! **Invariant:** what it says of ECS is made of ECS's own answers, so that it cannot tell another story than AWS's clients
//! hear; taking it changes nothing and counts as no call.

use serde_json::{Value, json};

use crate::sandbox::elb::{Rule, TargetGroup};
use crate::sandbox::{ApiError, Sandbox, Time, World, looking};

/// Events of each service that are shown.
const EVENTS: usize = 12;
/// Tasks that are shown; a big world has more than a page can hold.
const TASKS: usize = 500;

impl Sandbox {
    /// The census as JSON: `now`, `services`, `tasks`, `targetGroups`, `listeners`, `faults`, `calls` and so on.
    pub fn census(&mut self) -> Value {
        match ecs_part(&mut self.world) {
            Ok((services, tasks)) => self.page(services, tasks),
            Err(error) => json!({"error": error.to_string()}),
        }
    }

    fn page(&self, services: Vec<Value>, tasks: Vec<Value>) -> Value {
        let World {
            account,
            region,
            now,
            elb,
            faults,
            ..
        } = &self.world;
        let counted = tasks.len();
        let calls: Vec<Value> = self
            .calls
            .iter()
            .map(|((service, operation), count)| {
                json!({"service": service, "operation": operation, "count": count})
            })
            .collect();
        let rules: Vec<Value> = faults
            .rules()
            .map(|(rule, fired)| json!({"rule": rule, "fired": fired}))
            .collect();
        json!({
            "account": account,
            "region": region,
            "now": now.iso(),
            "services": services,
            "taskCount": counted,
            "tasks": tasks.iter().take(TASKS).map(task).collect::<Vec<_>>(),
            "routes": elb.rules.values().map(|rule| route(&self.world, rule)).collect::<Vec<_>>(),
            "targetGroups": elb.groups.values().map(group).collect::<Vec<_>>(),
            "traffic": traffic(&self.world),
            "clients": clients(&self.world),
            "alarms": alarms(&self.world),
            "throttling": faults.throttling(),
            "faults": rules,
            "calls": calls,
            "journalFullSince": self.journal_full().map(Time::iso),
        })
    }
}

fn ecs_part(world: &mut World) -> Result<(Vec<Value>, Vec<Value>), ApiError> {
    let services = looking::services(world)?.iter().map(service).collect();
    let mut tasks = looking::tasks(world)?;
    // The newest first: they are what a deployment is about.
    let made = |task: &Value| task["createdAt"].as_f64().unwrap_or_default();
    tasks.sort_by(|a, b| made(b).total_cmp(&made(a)));
    Ok((services, tasks))
}

fn service(service: &Value) -> Value {
    let events = service["events"].as_array().into_iter().flatten();
    let events: Vec<Value> = events
        .take(EVENTS)
        .map(|event| json!({"at": instant(&event["createdAt"]), "message": event["message"]}))
        .collect();
    json!({
        "cluster": last(&service["clusterArn"]),
        "name": service["serviceName"],
        "status": service["status"],
        "controller": service["deploymentController"]["type"],
        "strategy": service["deploymentConfiguration"]["strategy"],
        "taskDefinition": last(&service["taskDefinition"]),
        "desired": service["desiredCount"],
        "running": service["runningCount"],
        "pending": service["pendingCount"],
        "deployments": parts(service, "deployments", deployment),
        "taskSets": parts(service, "taskSets", task_set),
        "events": events,
    })
}

fn parts(whole: &Value, member: &str, show: fn(&Value) -> Value) -> Vec<Value> {
    let parts = whole[member].as_array().into_iter().flatten();
    parts.map(show).collect()
}

fn deployment(deployment: &Value) -> Value {
    json!({
        "id": deployment["id"],
        "status": deployment["status"],
        "rolloutState": deployment["rolloutState"],
        "reason": deployment["rolloutStateReason"],
        "taskDefinition": last(&deployment["taskDefinition"]),
        "createdAt": instant(&deployment["createdAt"]),
        "desired": deployment["desiredCount"],
        "running": deployment["runningCount"],
        "pending": deployment["pendingCount"],
        "failed": deployment["failedTasks"],
    })
}

fn task_set(set: &Value) -> Value {
    json!({
        "id": set["id"],
        "status": set["status"],
        "stability": set["stabilityStatus"],
        "taskDefinition": last(&set["taskDefinition"]),
        "scale": set["scale"]["value"],
        "desired": set["computedDesiredCount"],
        "running": set["runningCount"],
        "pending": set["pendingCount"],
    })
}

fn task(task: &Value) -> Value {
    let containers = parts(task, "containers", |container| {
        json!({
            "name": container["name"],
            "image": container["image"],
            "health": container["healthStatus"],
            "exitCode": container["exitCode"],
            "reason": container["reason"],
        })
    });
    json!({
        "id": last(&task["taskArn"]),
        "cluster": last(&task["clusterArn"]),
        "group": task["group"],
        "taskDefinition": last(&task["taskDefinitionArn"]),
        "lastStatus": task["lastStatus"],
        "desiredStatus": task["desiredStatus"],
        "health": task["healthStatus"],
        "createdAt": instant(&task["createdAt"]),
        "startedAt": instant(&task["startedAt"]),
        "stoppedAt": instant(&task["stoppedAt"]),
        "stopCode": task["stopCode"],
        "stoppedReason": task["stoppedReason"],
        "containers": containers,
    })
}

/// What each target group got in the last second, in words.
fn traffic(world: &World) -> Vec<Value> {
    let by_group = world.traffic.by_group();
    let name = |arn: &str| world.elb.group(arn).map(|group| group.name.as_str());
    by_group
        .iter()
        .map(|(arn, counts)| json!({"targetGroup": name(arn), "text": counts.to_string()}))
        .collect()
}

/// What all clients have seen so far.
fn clients(world: &World) -> Value {
    let seen = world.traffic.seen();
    let failed: serde_json::Map<String, Value> = seen
        .failed
        .iter()
        .map(|(why, count)| (why.as_str().to_owned(), (*count).into()))
        .collect();
    json!({"served": seen.served, "failed": failed})
}

/// A rule with where it forwards to, and each group's share of the weights.
fn route(world: &World, rule: &Rule) -> Value {
    let listener = world.elb.listeners.get(&rule.listener);
    let balancer = listener.and_then(|l| world.elb.load_balancers.get(&l.load_balancer));
    let weights: u64 = rule.forwards().map(|group| u64::from(group.weight)).sum();
    let forwards: Vec<Value> = rule
        .forwards()
        .map(|group| {
            json!({
                "targetGroup": world.elb.group(&group.arn).map(|g| g.name.as_str()),
                "weight": group.weight,
                "share": if weights == 0 { 0.0 } else { f64::from(group.weight) / weights as f64 },
            })
        })
        .collect();
    json!({
        "loadBalancer": balancer.map(|b| b.name.as_str()),
        "port": listener.map(|l| l.port),
        "priority": rule.priority,
        "conditions": rule.conditions,
        "forwards": forwards,
    })
}

fn group(group: &TargetGroup) -> Value {
    let targets: Vec<Value> = group
        .targets
        .iter()
        .map(|((id, port), target)| {
            let health = target.health.report();
            json!({"id": id, "port": port, "state": health.state.as_str(), "reason": health.reason})
        })
        .collect();
    json!({"name": group.name, "targets": targets})
}

fn alarms(world: &World) -> Vec<Value> {
    let states = world.cloudwatch.alarm_states();
    states
        .map(|(name, state)| json!({"name": name, "state": state.as_str()}))
        .collect()
}

/// What follows the last slash of an ARN.
fn last(arn: &Value) -> Option<&str> {
    arn.as_str().and_then(|arn| arn.rsplit('/').next())
}

/// Epoch seconds as an ISO instant.
fn instant(seconds: &Value) -> Option<String> {
    let millis = (seconds.as_f64()? * 1000.0).round();
    Some(Time::from_millis(millis as u64).iso())
}
