//! What strategies read out of an observation in the same way.
//!
//! **Invariant:** what this identity may not read is left to ECS's own word; what did not answer is asked again.

use std::collections::BTreeMap;

use super::turning::Turning;
use super::{Facet, Fault, FaultKind, Seen, Watch};
use crate::core::gate::{Serving, TaskFailure, failures, first_permanent, serving};
use crate::core::id::{DeploymentId, TargetGroupArn};
use crate::core::live::{Deployment, Service, Target};
use crate::core::report::Cause;

impl Turning<'_> {
    pub fn failing(&self, failed: &[TaskFailure], service: &Service) -> Option<Cause> {
        let limit = self
            .plan
            .intent
            .limits
            .failed_tasks
            .limit(service.desired_count())?;
        if let Some(failure) = first_permanent(failed) {
            let reason = failure.reason.clone();
            return Some(Cause::Unrunnable { reason });
        }
        let failed = u32::try_from(failed.len()).unwrap_or(u32::MAX);
        (failed >= limit.max(1)).then_some(Cause::TasksFailing { failed, limit })
    }

    /// Whether each facet was looked at in this turn; one that could not be read was looked at all the same.
    pub fn has_seen(&self, watch: &Watch) -> bool {
        watch.iter().all(|facet| match facet {
            Facet::Service(_) => true,
            Facet::Beside(_) => self.seen.beside.was_asked(),
            Facet::RunningTasks(_) => self.seen.running_tasks.was_asked(),
            Facet::StoppedTasks(_) => self.seen.stopped_tasks.was_asked(),
            Facet::ServiceDeployment(..) | Facet::NewestServiceDeployment(_) | Facet::Record(_) => {
                self.seen.service_deployment.was_asked()
            }
            Facet::Targets(group) => self.seen.targets.get(group).is_some_and(Seen::was_asked),
            Facet::Rule(arn) => self.seen.rules.get(arn).is_some_and(Seen::was_asked),
            Facet::RulesAround(_) => self.seen.rules_around.was_asked(),
            Facet::TargetGroups(_) => self.seen.target_groups.was_asked(),
            Facet::ScalingPolicies(_) => self.seen.policies.was_asked(),
            Facet::CodeDeployGroup(_) => self.seen.code_deploy_group.was_asked(),
            Facet::CodeDeployments(..) => self.seen.code_deployments.was_asked(),
            Facet::CodeDeployment(id) => self.seen.code_deployment.contains_key(id),
            Facet::TaskDefinition(name) => self.seen.task_definitions.contains_key(name),
            Facet::Image(image) => self.seen.images.contains_key(image),
            Facet::Alarms(names) => names.iter().all(|name| self.seen.alarms.contains_key(name)),
            Facet::Metrics(request) => self.seen.metrics.contains_key(request),
            Facet::Http(probe) => self.seen.replies.contains_key(probe),
            Facet::OneOffTask(_, task) => self.seen.one_off_tasks.contains_key(task),
            Facet::Approval(ask) => self.seen.approvals.contains_key(ask),
        })
    }

    /// Target groups that this identity may not read are left to ECS, which read them before it completed
    /// the deployment; one that did not answer is asked again.
    pub fn readable_targets(&self) -> Result<BTreeMap<TargetGroupArn, Vec<Target>>, Fault> {
        let mut readable = BTreeMap::new();
        for (group, targets) in &self.seen.targets {
            match targets {
                Seen::Is(targets) => {
                    readable.insert(group.clone(), targets.clone());
                }
                Seen::Unreadable(fault) if fault.kind != FaultKind::Denied => {
                    return Err(fault.clone());
                }
                Seen::Unreadable(_) | Seen::Absent | Seen::NotAsked => {}
            }
        }
        Ok(readable)
    }

    /// Whether a deployment serves, by tasks and targets that were looked at in this turn. Where this identity may not
    /// read them, ECS's own word is what counts: that the deployment has completed.
    pub fn serves(&self, service: &Service, deployment: Deployment<'_>) -> Result<Serving, Fault> {
        let targets = self.readable_targets()?;
        let mut places = service.places();
        let of_service = places.len();
        places.retain(|place| place.iter().all(|group| targets.contains_key(group)));
        let tasks = match &self.seen.running_tasks {
            Seen::Is(tasks) => tasks.as_slice(),
            Seen::Unreadable(fault) if fault.kind == FaultKind::Denied => {
                places.clear();
                &[]
            }
            Seen::Unreadable(fault) => return Err(fault.clone()),
            Seen::Absent | Seen::NotAsked => &[],
        };
        if places.len() < of_service && !service.has_completed(deployment) {
            let awaiting = "ECS completes the deployment".to_owned();
            return Ok(Serving::NotYet(awaiting));
        }
        Ok(serving(service, deployment, tasks, &places, &targets))
    }

    pub fn tell_what_is_seen(&mut self, service: &Service, id: &DeploymentId) {
        self.tell_events(service);
        if let Some(stopped) = self.seen.stopped_tasks.is() {
            self.tell_failures(failures(stopped, id));
        }
        self.tell_targets();
    }
}
