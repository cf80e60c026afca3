//! Ending a run whose native deployment has not ended.
//!
//! What ECS does with a running deployment whose service gets another deployment configuration is not documented.
//! **Invariant:** as long as it is not known to have ended, the configuration it was started with stays, pauses and all, and
//! so does the record: ECS goes on, or back when a pause runs out, and the same command takes it up.

use crate::core::live::ServiceDeployment;
use crate::core::report::{Cause, Outcome};
use crate::core::rollout::turning::Turning;
use crate::core::rollout::{Phase, Turn};

impl Turning<'_> {
    pub fn conclude_native(self, outcome: Outcome) -> Turn {
        match outcome {
            // Nothing was set yet, there is nothing left to set it on, or somebody else's deployment runs with it.
            Outcome::Failed { .. }
            | Outcome::Superseded { .. }
            | Outcome::Stranded {
                cause: Cause::ServiceGone { .. },
            } => self.finish(outcome),
            Outcome::Stranded { cause } if !self.has_ended() => self.leave(cause),
            outcome => self.begin_restore(outcome),
        }
    }

    fn has_ended(&self) -> bool {
        let record = self.seen.service_deployment.is();
        record.is_some_and(ServiceDeployment::has_ended)
    }

    /// UpdateService may have been carried out, so that a deployment is looked for however late it is.
    pub fn may_have_begun(&self) -> bool {
        self.plan.is_native() && self.next.phase == Phase::Deploy && self.next.ordered.is_some()
    }
}
