//! From the plan to a running deployment: the revision, then one UpdateService.
//!
//! **Invariant:** nothing is ordered before it was looked whether it is there already. RegisterTaskDefinition has no
//! client token, so after a lost answer the newest revision is compared with the document before another is made.

use serde_json::{Map, Value, json};

use super::pace::{LOOK_AGAIN, SETTLE};
use super::turning::Turning;
use super::{Action, Phase, Receipt, Seen, Stage, Turn, Watch};
use crate::core::id::TaskDefinitionArn;
use crate::core::live::{Deployment, Service};
use crate::core::plan::{Course, Revision, Strategy};
use crate::core::report::{Event, Outcome};
use crate::core::service::{Contest, Redeploy};
use crate::core::service_document::Settings;
use crate::core::taskdef::{TaskDefinition, same};

impl Turning<'_> {
    pub fn register(mut self) -> Turn {
        let Revision::New(document) = &self.plan.revision else {
            return self.deploy();
        };
        match self.receipt() {
            Some(Ok(Receipt::Registered(arn))) => {
                let task_definition = arn.clone();
                self.say.push(Event::Registered { task_definition });
                return self.deploy_revision(arn.clone());
            }
            Some(Err(fault)) if fault.is_unanswered() => {
                self.tell_trouble(fault);
                let watch = self.next.first_watch(self.plan);
                return self.look_after(LOOK_AGAIN, watch);
            }
            Some(Err(fault)) => return self.refused(fault),
            _ => {}
        }
        self.register_unless_there(document)
    }

    fn register_unless_there(mut self, document: &TaskDefinition) -> Turn {
        match self.seen.task_definitions.get(document.family()) {
            Some(Seen::Is(known)) if known.is_active() && same(&known.definition, document) => {
                let arn = known.arn.clone();
                let task_definition = arn.clone();
                self.say.push(Event::Reused { task_definition });
                self.deploy_revision(arn)
            }
            Some(Seen::Is(_) | Seen::Absent) if self.just_ordered() => {
                let watch = self.next.first_watch(self.plan);
                self.look_after(LOOK_AGAIN, watch)
            }
            Some(Seen::Is(_) | Seen::Absent) => {
                let watch = self.watch_service();
                self.act(Action::RegisterTaskDefinition(document.clone()), watch)
            }
            Some(Seen::Unreadable(fault)) => self.blind(fault),
            Some(Seen::NotAsked) | None => {
                let watch = self.next.first_watch(self.plan);
                self.look_now(watch)
            }
        }
    }

    fn deploy_revision(mut self, revision: TaskDefinitionArn) -> Turn {
        self.next.revision = Some(revision);
        if let Strategy::TaskSets(_) = &self.plan.strategy {
            let phase = Phase::TaskSets(Stage::Raise);
            self.next.enter(phase.clone(), self.now);
            return self.task_sets(&Stage::Raise);
        }
        if let Strategy::Beside(_) = &self.plan.strategy {
            self.next
                .enter(Phase::Canary { well_since: None }, self.now);
            return self.canary(None);
        }
        self.next.enter(Phase::Deploy, self.now);
        self.deploy()
    }

    pub fn deploy(mut self) -> Turn {
        if let Strategy::CodeDeploy(way) = &self.plan.strategy {
            return self.order_code_deployment(way);
        }
        match self.receipt() {
            Some(Err(fault)) if fault.is_unanswered() => {
                self.tell_trouble(fault);
                let watch = self.watch_service();
                return self.look_after(LOOK_AGAIN, watch);
            }
            Some(Err(fault)) => return self.refused(fault),
            _ => {}
        }
        let (it, service) = match self.active_service() {
            Ok(there) => there,
            Err(turn) => return *turn,
        };
        it.deploy_unless_there(&service)
    }

    fn deploy_unless_there(mut self, service: &Service) -> Turn {
        if let Some(ours) = service.deployments().find(|d| self.is_ours(*d))
            && self.has_settings(service)
        {
            self.tell_events_since(service, ours.created_at());
            return self.follow_from(ours);
        }
        let foreign = service
            .primary()
            .filter(|primary| !self.was_there_before(*primary));
        if let (Some(primary), Contest::Refuse) = (foreign, self.plan.intent.contest) {
            let by = primary.id();
            return self.conclude(Outcome::Superseded { by });
        }
        if self.just_ordered() {
            let watch = self.watch_service();
            return self.look_after(LOOK_AGAIN, watch);
        }
        if self.is_late() {
            // What may have begun was looked for: it has not, or ECS took it back long ago.
            let cause = self.deadline("the deployment was being started".to_owned());
            return self.begin_restore(Outcome::Failed { cause });
        }
        self.tell_events_since(service, None);
        let action = self.update_service(&self.deploy_members());
        self.act(action, Watch::new())
    }

    /// Ours runs the wanted revision and was not there before; unless what was there before is what is
    /// wanted, and only its count changes or it is followed to its end.
    fn is_ours(&self, deployment: Deployment<'_>) -> bool {
        let adopts = self.plan.course == Course::Follow
            || (self.next.ordered.is_some() && self.plan.redeploy == Redeploy::WhenChanged);
        self.is_revision(deployment) && (adopts || !self.was_there_before(deployment))
    }

    /// UpdateService's own answer is proof enough: ECS may spell a member otherwise than the document does.
    fn has_settings(&self, service: &Service) -> bool {
        let mut wanted = self.plan.settings.wanted.clone();
        if matches!(self.plan.strategy, Strategy::Native(_)) {
            wanted.shift_remove("deploymentConfiguration");
        }
        self.updated(&self.plan.target).is_some() || Settings::are_there(&wanted, service)
    }

    fn follow_from(mut self, ours: Deployment<'_>) -> Turn {
        self.say.push(Event::Deploying {
            deployment: ours.id(),
            task_definition: ours.task_definition(),
        });
        self.next.deployment = Some(ours.id());
        self.next.enter(Phase::Follow, self.now);
        self.follow()
    }

    /// What UpdateService gets: the revision, what the service document changes, and nothing that was not asked for.
    fn deploy_members(&self) -> Map<String, Value> {
        let mut members = self.plan.settings.wanted.clone();
        if let Some(revision) = &self.next.revision {
            members.insert("taskDefinition".to_owned(), json!(revision));
        }
        if let Strategy::Native(native) = &self.plan.strategy {
            members.insert("deploymentConfiguration".to_owned(), json!(native.during));
        }
        if let Some(count) = self.plan.intent.desired_count {
            members.insert("desiredCount".to_owned(), json!(count));
        }
        if self.plan.redeploy == Redeploy::Always {
            members.insert("forceNewDeployment".to_owned(), json!(true));
        }
        members
    }

    pub fn update_service(&self, members: &Map<String, Value>) -> Action {
        Action::UpdateService {
            key: self.plan.target.clone(),
            members: members.clone(),
        }
    }

    /// Reads may lag behind the change for a while.
    pub fn is_settling(&self) -> bool {
        self.waited(self.next.entered) < SETTLE
    }
}
