//! Rolling deployments of the ECS controller: register, one UpdateService, follow, confirm; undo when it fails.
//!
//! **Invariant:** success is said only of the deployment that this rollout started, after ECS completed it and its
//! tasks and targets were seen to serve. Whatever else ends the wait has a name of its own.

mod deploy;
mod follow;
mod tell;
mod undo;

use jiff::{SignedDuration, Timestamp};

use super::{
    Action, Facet, Fault, FaultKind, Observation, Phase, Receipt, Seen, State, Turn, Watch,
};
use crate::core::live::{Deployment, Service};
use crate::core::plan::Plan;
use crate::core::report::{Cause, Event, Outcome};

/// One turn in the making.
struct Rolling<'a> {
    plan: &'a Plan,
    seen: &'a Observation,
    now: Timestamp,
    next: State,
    say: Vec<Event>,
}

pub fn turn(plan: &Plan, at: &State, seen: &Observation, now: Timestamp) -> Turn {
    let mut it = Rolling {
        plan,
        seen,
        now,
        next: at.clone(),
        say: Vec::new(),
    };
    it.next.looks = it.next.looks.wrapping_add(1);
    match &at.phase {
        Phase::Register | Phase::Deploy if it.is_late() => it.too_late(),
        Phase::Register => it.register(),
        Phase::Deploy => it.deploy(),
        Phase::Follow => it.follow(),
        Phase::Undo { cause, by } => it.undo(cause, *by),
        Phase::Done(_) => it.rest(),
    }
}

impl Rolling<'_> {
    // How a turn ends.

    fn act(mut self, action: Action, watch: Watch) -> Turn {
        self.next.ordered = Some(self.now);
        Turn {
            next: self.next,
            act: Some(action),
            watch,
            wake_at: None,
            say: self.say,
        }
    }

    fn look_now(self, watch: Watch) -> Turn {
        Turn {
            next: self.next,
            act: None,
            watch,
            wake_at: None,
            say: self.say,
        }
    }

    fn look_after(self, pause: SignedDuration, watch: Watch) -> Turn {
        let wake_at = Some(self.now + pause);
        Turn {
            wake_at,
            ..self.look_now(watch)
        }
    }

    fn finish(mut self, outcome: Outcome) -> Turn {
        self.say.push(Event::Finished(outcome.clone()));
        self.next.enter(Phase::Done(outcome), self.now);
        self.rest()
    }

    fn rest(self) -> Turn {
        self.look_now(Watch::new())
    }

    // What several phases ask.

    fn watch_service(&self) -> Watch {
        Watch::from([Facet::Service(self.plan.target.clone())])
    }

    /// The service as last seen: UpdateService's own answer is newer than any read beside it.
    fn service(&self) -> Seen<&Service> {
        if let Some(Ok(Receipt::Updated(service))) = &self.seen.receipt {
            return Seen::Is(service);
        }
        match &self.seen.service {
            Seen::Is(service) => Seen::Is(service),
            Seen::Absent => Seen::Absent,
            Seen::NotAsked => Seen::NotAsked,
            Seen::Unreadable(fault) => Seen::Unreadable(fault.clone()),
        }
    }

    /// The service, if it is there, active and readable; else the turn that deals with that.
    fn active_service(mut self) -> Result<(Self, Service), Box<Turn>> {
        match self.service() {
            Seen::Is(service) if service.is_active() => {
                let service = service.clone();
                self.next.blind_looks = 0;
                Ok((self, service))
            }
            Seen::Is(service) => {
                let status = service.status().to_owned();
                Err(Box::new(self.give_up(Cause::ServiceGone { status })))
            }
            Seen::Absent => {
                let status = "MISSING".to_owned();
                Err(Box::new(self.give_up(Cause::ServiceGone { status })))
            }
            Seen::Unreadable(fault) => Err(Box::new(self.blind(&fault))),
            Seen::NotAsked => {
                let watch = self.watch_service();
                Err(Box::new(self.look_now(watch)))
            }
        }
    }

    /// A look that did not work: look again, unless AWS said no or it went on for too long.
    fn blind(mut self, fault: &Fault) -> Turn {
        self.tell_trouble(fault);
        self.next.blind_looks += 1;
        let hopeless = fault.kind != FaultKind::Unanswered;
        if hopeless || self.next.blind_looks > self.plan.intent.limits.blind_looks {
            return self.give_up(Cause::Blind {
                operation: fault.operation.clone(),
                message: fault.message.clone(),
            });
        }
        let watch = self.next.first_watch(self.plan);
        let pause = super::pace::LOOK_AGAIN;
        self.look_after(pause, watch)
    }

    /// Ends the rollout where it stands.
    fn give_up(self, cause: Cause) -> Turn {
        let changed = match &self.next.phase {
            Phase::Register => false,
            Phase::Deploy => self.next.ordered.is_some() && !matches!(cause, Cause::Refused { .. }),
            _ => true,
        };
        self.finish(if changed {
            Outcome::Stranded { cause }
        } else {
            Outcome::Failed { cause }
        })
    }

    /// The time for the whole rollout passed before its deployment began.
    fn is_late(&self) -> bool {
        self.waited(self.next.began).unsigned_abs() > self.plan.intent.limits.timeout
    }

    fn too_late(self) -> Turn {
        let seconds = self.plan.intent.limits.timeout.as_secs();
        let awaiting = match self.next.phase {
            Phase::Register => "the revision was being registered",
            _ => "the deployment was being started",
        };
        let awaiting = awaiting.to_owned();
        self.give_up(Cause::Deadline { seconds, awaiting })
    }

    fn refused(self, fault: &Fault) -> Turn {
        let cause = Cause::Refused {
            operation: fault.operation.clone(),
            message: fault.message.clone(),
        };
        match self.next.phase.clone() {
            Phase::Undo { cause: from, .. } => self.finish(Outcome::Stranded {
                cause: Cause::UndoFailed {
                    from: Box::new(from),
                    reason: cause.to_string(),
                },
            }),
            _ => self.give_up(cause),
        }
    }

    fn waited(&self, since: Timestamp) -> SignedDuration {
        self.now.duration_since(since)
    }

    fn just_ordered(&self) -> bool {
        self.next
            .ordered
            .is_some_and(|at| self.waited(at) < super::pace::SETTLE)
    }

    fn is_revision(&self, deployment: Deployment<'_>) -> bool {
        self.next
            .revision
            .as_ref()
            .is_some_and(|revision| *revision == deployment.task_definition())
    }

    fn was_there_before(&self, deployment: Deployment<'_>) -> bool {
        self.plan.before.deployment.as_ref() == Some(&deployment.id())
    }

    /// Whether this deployment is the old revision, serving again.
    fn is_way_back(&self, deployment: Deployment<'_>) -> bool {
        let serving = self.plan.before.serving.as_ref();
        let old = serving == Some(&deployment.task_definition()) && !self.is_revision(deployment);
        old || self.was_there_before(deployment)
    }
}
