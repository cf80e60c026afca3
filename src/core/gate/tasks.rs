//! Which tasks of a deployment failed, and which failures another attempt cannot mend.
//!
//! **Invariant:** a task that ECS or a person stopped on purpose, and one whose host went away, is not a failure of the release.

use serde::{Deserialize, Serialize};

use crate::core::id::{DeploymentId, TaskArn};
use crate::core::live::{ContainerExit, Task};

/// A task that the release made fail, with everything ECS said about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskFailure {
    pub task: TaskArn,
    pub stop_code: String,
    pub reason: String,
    pub containers: Vec<ContainerExit>,
}

/// Words in a stopped reason that say the next attempt will end the same way.
/// Source: the ECS developer guide's list of `CannotPullContainer` errors.
const PERMANENT: [&str; 3] = [
    "does not contain descriptor matching platform",
    ": not found",
    "manifest unknown",
];

/// The failed tasks of one deployment, in the order given.
pub fn failures(tasks: &[Task], of: &DeploymentId) -> Vec<TaskFailure> {
    failures_of(tasks.iter().filter(|task| task.deployment() == *of))
}

/// Those of `tasks` that failed, in the order given.
pub(super) fn failures_of<'a>(tasks: impl Iterator<Item = &'a Task>) -> Vec<TaskFailure> {
    tasks
        .filter(|task| has_failed(task))
        .map(|task| TaskFailure {
            task: task.arn(),
            stop_code: task.stop_code().to_owned(),
            reason: task.stopped_reason().to_owned(),
            containers: task.exits(),
        })
        .collect()
}

/// The first failure that no further attempt can mend: an image that is not there or not for this platform.
pub fn first_permanent(failures: &[TaskFailure]) -> Option<&TaskFailure> {
    failures.iter().find(|failure| failure.is_permanent())
}

fn has_failed(task: &Task) -> bool {
    match task.stop_code() {
        // The scheduler also stops tasks to scale in or to finish a deployment; those are no failures.
        "ServiceSchedulerInitiated" => task.stopped_reason().contains("health check"),
        "TaskFailedToStart" | "EssentialContainerExited" => true,
        _ => false,
    }
}

impl TaskFailure {
    fn is_permanent(&self) -> bool {
        self.texts().any(|text| {
            text.contains("CannotPullContainer")
                && PERMANENT.iter().any(|words| text.contains(words))
        })
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        let exits = self.containers.iter().map(|exit| exit.reason.as_str());
        std::iter::once(self.reason.as_str()).chain(exits)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(code: &str, reason: &str, failed: usize, permanent: usize) {
        let task = Task::new(json!({
            "taskArn": "arn:aws:ecs:r:1:task/c/1", "startedBy": "ecs-svc/1",
            "stopCode": code, "stoppedReason": reason, "containers": [{"name": "web", "exitCode": 1}]
        }));
        let found = failures(&[task], &"ecs-svc/1".into());
        assert_eq!(found.len(), failed, "{code}: {reason}");
        assert_eq!(
            usize::from(first_permanent(&found).is_some()),
            permanent,
            "{code}: {reason}"
        );
    }

    #[test]
    fn only_what_the_release_did_counts() {
        check(
            "EssentialContainerExited",
            "Essential container in task exited",
            1,
            0,
        );
        check(
            "ServiceSchedulerInitiated",
            "Task failed ELB health checks in (target-group x)",
            1,
            0,
        );
        check(
            "ServiceSchedulerInitiated",
            "Task failed container health checks",
            1,
            0,
        );
        check(
            "ServiceSchedulerInitiated",
            "Scaling activity initiated by (deployment ecs-svc/1)",
            0,
            0,
        );
        check("UserInitiated", "stopped by hand", 0, 0);
        check("SpotInterruption", "Your Spot Task was interrupted.", 0, 0);
        check("", "", 0, 0);
    }

    #[test]
    fn a_missing_image_is_permanent() {
        let missing = "CannotPullContainerError: pull image manifest has been retried 7 time(s): failed to resolve ref r/web:9: not found";
        let platform = "CannotPullContainerError: pull image manifest has been retried 7 time(s): image Manifest does not contain descriptor matching platform 'linux/amd64'";
        check("TaskFailedToStart", missing, 1, 1);
        check("TaskFailedToStart", platform, 1, 1);
        check(
            "TaskFailedToStart",
            "CannotPullContainerError: i/o timeout",
            1,
            0,
        );
        check(
            "TaskFailedToStart",
            "ResourceInitializationError: secret: not found",
            1,
            0,
        );
    }

    #[test]
    fn tasks_of_another_deployment_do_not_count() {
        let task = Task::new(json!({"startedBy": "ecs-svc/2", "stopCode": "TaskFailedToStart"}));
        assert_eq!(failures(&[task], &"ecs-svc/1".into()), []);
    }
}
