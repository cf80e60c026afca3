//! From the revision to a deployment: one CreateDeployment, unless one of ours is there.

use super::{Course, appspec};
use crate::core::id::{DeploymentId, TaskDefinitionArn};
use crate::core::live::{CodeDeployment, Service, TaskSet};
use crate::core::plan::{self, CodeDeploy};
use crate::core::report::{Event, Outcome};
use crate::core::rollout::pace::LOOK_AGAIN;
use crate::core::rollout::turning::Turning;
use crate::core::rollout::{Action, Phase, Receipt, Seen, Turn};
use crate::core::service::Contest;

/// CodeDeploy has one unfinished deployment of a group at a time: ours, perhaps, whose answer was lost.
pub(super) const BUSY: &str = "DeploymentLimitExceededException";

impl Turning<'_> {
    pub fn order_code_deployment(mut self, way: &CodeDeploy) -> Turn {
        let watch = self.watch_group(way);
        match self.receipt() {
            Some(Ok(Receipt::CodeDeployment(id))) => {
                let id = id.clone();
                return self.follow_code_deployment_of(id);
            }
            Some(Err(fault)) if fault.is_unanswered() || fault.code == BUSY => {
                self.tell_trouble(fault);
                return self.look_after(LOOK_AGAIN, watch);
            }
            Some(Err(fault)) => return self.refused(fault),
            _ => {}
        }
        let (it, service) = match self.active_service() {
            Ok(there) => there,
            Err(turn) => return *turn,
        };
        match &it.seen.code_deployments {
            Seen::Is(found) => it.order_unless_there(way, &service, found),
            Seen::Unreadable(fault) => it.blind(fault),
            Seen::Absent | Seen::NotAsked => it.look_now(watch),
        }
    }

    fn order_unless_there(
        mut self,
        way: &CodeDeploy,
        service: &Service,
        found: &[CodeDeployment],
    ) -> Turn {
        self.tell_events_since(service, None);
        if let Some(ours) = found.iter().find(|one| self.is_our_deployment(one)) {
            return self.follow_code_deployment_of(ours.id());
        }
        if let Some(running) = found.iter().find(|one| !one.is_over()) {
            return self.contest(way, running);
        }
        if self.plan.course == plan::Course::Follow && self.serves_already(service) {
            return self.finish(Outcome::Completed);
        }
        let watch = self.watch_group(way);
        if self.just_ordered() {
            return self.look_after(LOOK_AGAIN, watch);
        }
        if let Some(action) = self.count_first(service) {
            return self.act(action, watch);
        }
        let Some(revision) = self.next.revision.clone() else {
            return self.look_now(watch);
        };
        let action = self.create_deployment(way, &revision, Course::Forward);
        self.act(action, watch)
    }

    /// By its description; or one that the plan is to follow, by its revision.
    fn is_our_deployment(&self, one: &CodeDeployment) -> bool {
        let adopted = self.plan.course == plan::Course::Follow
            && !one.is_over()
            && self.next.revision.as_ref().map(TaskDefinitionArn::as_str) == one.task_definition();
        adopted || one.description() == self.description(Course::Forward)
    }

    fn serves_already(&self, service: &Service) -> bool {
        let serving = service.primary_task_set().map(TaskSet::task_definition);
        serving.is_some() && serving == self.next.revision
    }

    /// Somebody else's deployment runs: theirs, or with leave to supersede stopped first.
    fn contest(self, way: &CodeDeploy, running: &CodeDeployment) -> Turn {
        if self.plan.intent.contest == Contest::Refuse {
            let by = running.id();
            return self.finish(Outcome::Superseded { by });
        }
        let watch = self.watch_group(way);
        if self.just_ordered() {
            return self.look_after(LOOK_AGAIN, watch);
        }
        self.act(Action::StopCodeDeployment(running.id()), watch)
    }

    /// CreateDeployment takes no count; the service's own is set before, where one was asked for.
    fn count_first(&self, service: &Service) -> Option<Action> {
        let count = self.plan.intent.desired_count?;
        let members = [("desiredCount".to_owned(), count.into())];
        (count != service.desired_count())
            .then(|| self.update_service(&members.into_iter().collect()))
    }

    pub(super) fn create_deployment(
        &self,
        way: &CodeDeploy,
        revision: &TaskDefinitionArn,
        course: Course,
    ) -> Action {
        let description = self.description(course);
        let on_failure = self.plan.intent.on_failure;
        let members = appspec::members(way, revision, &description, on_failure);
        Action::CreateCodeDeployment { members }
    }

    fn follow_code_deployment_of(mut self, deployment: DeploymentId) -> Turn {
        if let Some(task_definition) = self.next.revision.clone() {
            let deployment = deployment.clone();
            self.say.push(Event::Deploying {
                deployment,
                task_definition,
            });
        }
        self.next.deployment = Some(deployment);
        self.next.enter(Phase::Follow, self.now);
        let watch = self.watch_code_deployment();
        self.look_now(watch)
    }
}
