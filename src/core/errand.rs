//! A task that is run once, on its own: what RunTask gets, and how it went.
//!
//! **Invariant:** a task has done its work only when the containers that count ended with exit code 0. One that ECS stopped
//! because another had done its work (exit code 137 or 143, and no reason of its own) is no failure.

use serde_json::{Map, Value, json};

use super::id::{Cluster, TaskArn, TaskDefinitionArn};
use super::live::{ContainerExit, Service, Task};
use super::taskdef::{Container, TaskDefinition};

/// One RunTask.
#[derive(Clone, Debug, PartialEq)]
pub struct Errand {
    pub cluster: Cluster,
    pub task_definition: TaskDefinitionArn,
    /// Makes the task once, however often it is asked for.
    pub token: String,
    /// Other members of RunTask.
    pub members: Map<String, Value>,
    /// The containers whose exit codes count; empty for all.
    pub containers: Vec<String>,
}

/// What a look at the task says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Not yet; AWS's word for where it is.
    Pending(String),
    Succeeded,
    Failed(Vec<String>),
}

/// Exit codes of processes that were told to stop: 128 + SIGKILL, 128 + SIGTERM.
const STOPPED_BY_ECS: [i64; 2] = [137, 143];

impl Errand {
    /// What RunTask gets.
    pub fn request(&self) -> Map<String, Value> {
        let mut members = self.members.clone();
        members.insert("cluster".to_owned(), json!(self.cluster));
        members.insert("taskDefinition".to_owned(), json!(self.task_definition));
        members.insert("clientToken".to_owned(), json!(self.token));
        members.entry("count").or_insert_with(|| json!(1));
        members
            .entry("startedBy")
            .or_insert_with(|| json!("ecsdeploy"));
        members
    }

    /// How the task went, as far as can be seen.
    pub fn ending(&self, task: &Task) -> Ending {
        if task.last_status() != "STOPPED" {
            return Ending::Pending(task.last_status().to_owned());
        }
        let exits = task.exits();
        let counts = |exit: &&ContainerExit| {
            self.containers.is_empty() || self.containers.contains(&exit.container)
        };
        let counted: Vec<&ContainerExit> = exits.iter().filter(counts).collect();
        if counted.is_empty() {
            let names = self.containers.join(", ");
            return Ending::Failed(vec![format!("the task has no container {names}")]);
        }
        let done = counted.iter().any(|exit| exit.exit_code == Some(0));
        let by_itself = task.stop_code() == "EssentialContainerExited";
        let excused = |exit: &ContainerExit| {
            by_itself && done && exit.reason.is_empty() && exit.exit_code.is_some_and(is_stop)
        };
        let failed = counted
            .into_iter()
            .filter(|exit| exit.exit_code != Some(0) && !excused(exit));
        let mut reasons: Vec<String> = failed.map(told).collect();
        if reasons.is_empty() {
            return Ending::Succeeded;
        }
        let why = task.stopped_reason();
        if !why.is_empty() {
            reasons.push(why.to_owned());
        }
        Ending::Failed(reasons)
    }
}

/// Network, capacity and platform as the service's own tasks have them.
pub fn placement(service: &Service) -> Map<String, Value> {
    let document = service.as_value();
    let filled = |name: &str| document.get(name).filter(|value| !value.is_null());
    let mut members = Map::new();
    for name in [
        "networkConfiguration",
        "platformVersion",
        "enableECSManagedTags",
    ] {
        if let Some(value) = filled(name) {
            members.insert(name.to_owned(), value.clone());
        }
    }
    let strategy = filled("capacityProviderStrategy");
    let strategy = strategy.filter(|list| list.as_array().is_some_and(|list| !list.is_empty()));
    let capacity = strategy
        .map(|strategy| ("capacityProviderStrategy", strategy))
        .or_else(|| Some(("launchType", filled("launchType")?)));
    if let Some((name, value)) = capacity {
        members.insert(name.to_owned(), value.clone());
    }
    members
}

/// Where a container's log is in CloudWatch Logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogStream {
    pub container: String,
    pub group: String,
    pub name: String,
}

/// The streams of the containers with the awslogs driver and a prefix: `PREFIX/CONTAINER/TASK` (ECS developer guide,
/// `awslogs-stream-prefix`). Without a prefix the stream has the name of a container that only the host knows.
pub fn log_streams(definition: &TaskDefinition, task: &TaskArn) -> Vec<LogStream> {
    let stream = |container: Container<'_>| {
        let logging = container.get("logConfiguration")?;
        let option = |name: &str| logging.get("options")?.get(name)?.as_str();
        let is_awslogs = logging.get("logDriver").and_then(Value::as_str) == Some("awslogs");
        let (group, prefix) = (option("awslogs-group")?, option("awslogs-stream-prefix")?);
        is_awslogs.then(|| LogStream {
            container: container.name().to_owned(),
            group: group.to_owned(),
            name: format!("{prefix}/{}/{}", container.name(), task.short()),
        })
    };
    definition.containers().filter_map(stream).collect()
}

fn is_stop(code: i64) -> bool {
    STOPPED_BY_ECS.contains(&code)
}

fn told(exit: &ContainerExit) -> String {
    let code = match exit.exit_code {
        Some(code) => format!("exit code {code}"),
        None => "no exit code".to_owned(),
    };
    let ContainerExit {
        container, reason, ..
    } = exit;
    if reason.is_empty() {
        format!("container {container}: {code}")
    } else {
        format!("container {container}: {code}: {reason}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errand(containers: &[&str]) -> Errand {
        Errand {
            cluster: Cluster::from("main"),
            task_definition: TaskDefinitionArn::from("web:7"),
            token: "t".to_owned(),
            members: Map::new(),
            containers: containers.iter().map(|&it| it.to_owned()).collect(),
        }
    }

    fn stopped(code: &str, containers: &Value) -> Task {
        Task::new(json!({
            "lastStatus": "STOPPED", "stopCode": code, "stoppedReason": "why", "containers": containers
        }))
    }

    fn check(containers: &[&str], task: &Task, failed: &[&str]) {
        let expect = match failed {
            [] => Ending::Succeeded,
            reasons => Ending::Failed(reasons.iter().map(|&it| it.to_owned()).collect()),
        };
        assert_eq!(errand(containers).ending(task), expect);
    }

    #[test]
    fn a_task_that_is_not_stopped_is_pending() {
        let task = Task::new(json!({"lastStatus": "PROVISIONING"}));
        let pending = Ending::Pending("PROVISIONING".to_owned());
        assert_eq!(errand(&[]).ending(&task), pending);
    }

    #[test]
    fn exit_code_0_of_every_container_that_counts_is_success() {
        let done = "EssentialContainerExited";
        let both = |web: i64, log: i64| {
            let containers =
                json!([{"name": "web", "exitCode": web}, {"name": "log", "exitCode": log}]);
            stopped(done, &containers)
        };
        check(&[], &both(0, 0), &[]);
        check(&[], &both(3, 0), &["container web: exit code 3", "why"]);
        check(&["log"], &both(3, 0), &[]);
        check(
            &["log", "web"],
            &both(3, 0),
            &["container web: exit code 3", "why"],
        );
        check(
            &["other"],
            &both(0, 0),
            &["the task has no container other"],
        );
    }

    #[test]
    fn a_sidecar_that_ecs_stopped_with_the_work_is_no_failure() {
        let pair = |code: i64, reason: &str| json!([{"name": "web", "exitCode": 0}, {"name": "log", "exitCode": code, "reason": reason}]);
        check(
            &[],
            &stopped("EssentialContainerExited", &pair(143, "")),
            &[],
        );
        check(
            &[],
            &stopped("EssentialContainerExited", &pair(137, "")),
            &[],
        );
        let out_of_memory = stopped(
            "EssentialContainerExited",
            &pair(
                137,
                "OutOfMemoryError: Container killed due to memory usage",
            ),
        );
        let said =
            "container log: exit code 137: OutOfMemoryError: Container killed due to memory usage";
        check(&[], &out_of_memory, &[said, "why"]);
        check(
            &[],
            &stopped("UserInitiated", &pair(137, "")),
            &["container log: exit code 137", "why"],
        );
    }

    #[test]
    fn a_task_that_did_not_start_says_why() {
        let task = stopped(
            "TaskFailedToStart",
            &json!([{"name": "web", "reason": "CannotPullContainerError"}]),
        );
        check(
            &[],
            &task,
            &[
                "container web: no exit code: CannotPullContainerError",
                "why",
            ],
        );
    }

    #[test]
    fn the_request_names_cluster_revision_and_token_whatever_else_is_asked() {
        let mut errand = errand(&[]);
        errand.members.insert("startedBy".to_owned(), json!("me"));
        errand.members.insert("clientToken".to_owned(), json!("x"));
        let request = json!({
            "startedBy": "me", "clientToken": "t", "cluster": "main", "taskDefinition": "web:7", "count": 1
        });
        assert_eq!(Value::Object(errand.request()), request);
    }

    #[test]
    fn a_task_is_placed_as_the_service_s_own() {
        let check = |service: Value, expect: Value| {
            assert_eq!(Value::Object(placement(&Service::new(service))), expect);
        };
        let network = json!({"awsvpcConfiguration": {"subnets": ["a"]}});
        check(
            json!({"networkConfiguration": network, "launchType": "FARGATE", "platformVersion": "LATEST", "desiredCount": 2}),
            json!({"networkConfiguration": network, "platformVersion": "LATEST", "launchType": "FARGATE"}),
        );
        check(
            json!({"launchType": "FARGATE", "capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT"}]}),
            json!({"capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT"}]}),
        );
        check(json!({"capacityProviderStrategy": []}), json!({}));
    }

    #[test]
    fn the_log_of_a_container_is_found_where_the_driver_puts_it() {
        let logging =
            |driver: &str, options: Value| json!({"logDriver": driver, "options": options});
        let awslogs = json!({"awslogs-group": "/ecs/web", "awslogs-stream-prefix": "p"});
        let definition = TaskDefinition::from_value(
            json!({"family": "web", "containerDefinitions": [
                {"name": "web", "logConfiguration": logging("awslogs", awslogs.clone())},
                {"name": "bare", "logConfiguration": logging("awslogs", json!({"awslogs-group": "/ecs/web"}))},
                {"name": "other", "logConfiguration": logging("splunk", awslogs)},
                {"name": "none"},
            ]}),
        );
        let task = TaskArn::from("arn:aws:ecs:r:1:task/main/abc");
        let stream = LogStream {
            container: "web".to_owned(),
            group: "/ecs/web".to_owned(),
            name: "p/web/abc".to_owned(),
        };
        assert_eq!(log_streams(&definition.unwrap(), &task), [stream]);
    }
}
