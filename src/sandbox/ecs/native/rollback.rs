//! The way back of a native deployment: weights first, on capacity that is still there, then green's tasks.
//!
//! Source: ECS developer guide, "blue/green deployments" (rollback), "stop service deployment".
//! **Invariant:** production is back on blue in the second in which a rollback begins.

use crate::sandbox::ecs::defaults::Switches;
use crate::sandbox::ecs::deployment::deployment_id;
use crate::sandbox::ecs::events;
use crate::sandbox::ecs::native::machine::{Course, Native};
use crate::sandbox::ecs::native::numbers::Share;
use crate::sandbox::ecs::native::shift::Traffic;
use crate::sandbox::ecs::native::stage::Stage;
use crate::sandbox::ecs::service::Service;
use crate::sandbox::ecs::service_deployment::RolloutStatus;
use crate::sandbox::ecs::state::Ground;

impl Native {
    /// Gives traffic back to blue and makes it PRIMARY again.
    pub(super) fn go_back(
        &mut self,
        reason: &str,
        service: &mut Service,
        switches: &Switches,
        ground: &mut Ground<'_>,
    ) {
        let now = ground.now;
        self.runs.call_off();
        service.fail(
            format!(
                "ECS deployment {} was rolled back.",
                deployment_id(self.green)
            ),
            now,
        ); // ours
        let Some(blue) = self.blue else {
            let reason =
                format!("{reason} There is no completed service deployment to roll back to."); // ours
            return end(service, RolloutStatus::RollbackFailed, &reason, ground);
        };
        self.course = Course::Back;
        self.give_back(
            Traffic::Production,
            Stage::ProductionTrafficShift,
            switches,
            ground,
        );
        self.give_back(Traffic::Test, Stage::TestTrafficShift, switches, ground);
        if let Some(rollout) = service.rollouts.first_mut() {
            rollout.begin_rollback(blue, reason, now);
        }
        let id = deployment_id(blue);
        let rolling_back = format!("ECS deployment rolling back to deploymentId {id}.");
        service.roll_back(blue, rolling_back, ground);
        // Blue never stopped serving: it stays what a newer deployment would go back to.
        service.last_completed = Some(blue);
        let first = self.first_back();
        self.enter(first, service, switches, ground)
            .expect("only the way forward writes weights as a stage begins");
    }

    fn give_back(
        &mut self,
        traffic: Traffic,
        shifted_at: Stage,
        switches: &Switches,
        ground: &mut Ground<'_>,
    ) {
        if self.furthest >= shifted_at {
            // A rule that is gone sends nothing to green either.
            let _gone = self.send(traffic, Share::NONE, switches, ground);
        }
    }

    fn first_back(&self) -> Stage {
        if self.furthest >= Stage::ProductionTrafficShift {
            Stage::ProductionTrafficShift
        } else if self.furthest >= Stage::TestTrafficShift {
            Stage::TestTrafficShift
        } else {
            Stage::CleanUp
        }
    }

    pub(super) fn next_back(&self) -> Option<Stage> {
        match self.stage {
            Stage::ProductionTrafficShift => Some(Stage::TestTrafficShift),
            Stage::TestTrafficShift => Some(Stage::CleanUp),
            _ => None,
        }
    }

    /// An alarm without rollback: the deployment fails and stands still, both sides and all weights as they are.
    pub(super) fn halt(&mut self, service: &mut Service, ground: &mut Ground<'_>) {
        self.runs.call_off();
        let id = deployment_id(self.green);
        let line = events::failed(&service.name, &id, "alarm detected");
        service.events.tell(ground.now, ground.rng, line);
        let reason = "ECS deployment failed: alarm detected."; // ours
        service.fail(reason.to_owned(), ground.now);
        let reason = "Service deployment stopped because an alarm was detected."; // ours
        end(service, RolloutStatus::Stopped, reason, ground);
    }
}

fn end(service: &mut Service, status: RolloutStatus, reason: &str, ground: &Ground<'_>) {
    if let Some(rollout) = service.rollouts.first_mut() {
        rollout.end(status, reason, ground.now);
    }
}
