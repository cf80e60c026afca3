//! Deployments by AWS CodeDeploy: it makes the new task set and moves the traffic; this machine orders, judges, lets it
//! go on where it waits, and has it go back.
//!
//! **Invariants:** a deployment is known by its description, and none is made while one of ours is there. Success is
//! that traffic has moved and the new task set serves; the wait before the old set is removed is CodeDeploy's own.
//! Going back is a deployment too, and is followed to its end.

mod appspec;
mod follow;
mod order;
#[cfg(test)]
mod tests;
mod undo;

use super::pace::between_looks;
use super::turning::Turning;
use super::{Facet, Turn, Watch};
use crate::core::id::DeploymentId;
use crate::core::live::{CodeDeployment, Service, TaskSet};
use crate::core::plan::{CodeDeploy, Strategy};
use crate::core::report::Progress;

/// Which of this rollout's deployments: its description ends in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Course {
    Forward,
    Back,
}

impl<'a> Turning<'a> {
    fn by_code_deploy(&self) -> Option<&'a CodeDeploy> {
        match &self.plan.strategy {
            Strategy::CodeDeploy(way) => Some(way),
            _ => None,
        }
    }

    /// The description of this rollout's deployment; CreateDeployment has no client token.
    fn description(&self, course: Course) -> String {
        let digits = self.next.plan.chars().filter(char::is_ascii_hexdigit);
        let token: String = digits.take(32).collect();
        match course {
            Course::Forward => format!("ecsdeploy {token}"),
            Course::Back => format!("ecsdeploy {token} back"),
        }
    }

    fn watch_group(&self, way: &CodeDeploy) -> Watch {
        let mut watch = self.watch_service();
        let since = Some(self.next.began);
        watch.insert(Facet::CodeDeployments(way.group.clone(), since));
        watch
    }

    pub fn watch_code_deployment(&self) -> Watch {
        let mut watch = self.watch_service();
        if self.next.looks.is_multiple_of(2) {
            watch.insert(Facet::StoppedTasks(self.plan.target.clone()));
        }
        let ours = self.next.deployment.clone();
        watch.extend(ours.map(Facet::CodeDeployment));
        watch
    }

    fn tell_code_deployment(&mut self, service: &Service, record: &CodeDeployment) {
        let Some(ours) = set_of(service, &record.id()) else {
            return;
        };
        let awaiting = match record.replacement_weight() {
            Some(weight) => format!("{}, production weight {weight} %", awaited(record)),
            None => awaited(record),
        };
        let others = service.task_sets().filter(|set| set.id() != ours.id());
        self.tell(Progress {
            desired: ours.computed_count(),
            running: ours.running_count(),
            pending: ours.pending_count(),
            old: others.map(TaskSet::running_count).sum(),
            awaiting,
        });
    }

    fn look_at_it_later(self) -> Turn {
        let pause = between_looks(self.next.entered, self.now);
        let watch = self.watch_code_deployment();
        self.look_after(pause, watch)
    }
}

/// Where CodeDeploy is, in words: its own name of a lifecycle event, or what its status comes to.
fn awaited(record: &CodeDeployment) -> String {
    match record.stage() {
        "Created" | "Queued" => "CodeDeploy begins".to_owned(),
        "InProgress" => "CodeDeploy takes its next step".to_owned(),
        "Ready" => "CodeDeploy is let go on".to_owned(),
        stage => format!("CodeDeploy is at {stage}"),
    }
}

/// The task set that a deployment made.
fn set_of<'s>(service: &'s Service, deployment: &DeploymentId) -> Option<TaskSet<'s>> {
    service
        .task_sets()
        .find(|set| set.external_id() == deployment.as_str())
}
