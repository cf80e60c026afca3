//! One turn in the making: what every strategy asks, and the ways a turn can end.
//!
//! **Invariant:** whatever is not a strategy's own stands here once: looking again when a look did not work, giving up
//! truthfully, telling only what is new.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::pace;
use super::{
    Action, Facet, Fault, FaultKind, Observation, Phase, Receipt, Seen, Stage, State, Turn, Watch,
    Wish,
};
use crate::core::id::ServiceKey;
use crate::core::live::{Deployment, Service};
use crate::core::plan::{Plan, Strategy};
use crate::core::report::{Cause, Event, Outcome, Undoer};
use crate::core::service::OnFailure;

/// One turn in the making.
pub struct Turning<'a> {
    pub plan: &'a Plan,
    pub seen: &'a Observation,
    pub now: Timestamp,
    pub next: State,
    pub say: Vec<Event>,
}

impl<'a> Turning<'a> {
    pub fn new(plan: &'a Plan, at: &State, seen: &'a Observation, now: Timestamp) -> Self {
        let mut next = at.clone();
        next.looks = next.looks.wrapping_add(1);
        if own_receipt(seen).is_some() && next.ordered.is_some() {
            // A call may take long: what it changed may be as young as its answer, or as the news that there is none.
            next.ordered = Some(now);
        }
        let mut it = Self {
            plan,
            seen,
            now,
            next,
            say: Vec::new(),
        };
        for fault in seen.denials() {
            it.tell_trouble(fault);
        }
        it
    }

    // What every strategy has its own way of.

    pub fn follow(self) -> Turn {
        match &self.plan.strategy {
            Strategy::Rolling | Strategy::Beside(_) | Strategy::TaskSets(_) => {
                self.follow_rolling()
            }
            Strategy::Native(_) => self.follow_native(),
            Strategy::CodeDeploy(_) => self.follow_code_deploy(),
        }
    }

    pub fn undo(self, cause: &Cause, by: Undoer) -> Turn {
        self.in_time(cause, |it| match &it.plan.strategy {
            Strategy::Rolling | Strategy::Beside(_) | Strategy::TaskSets(_) => {
                it.undo_rolling(cause, by)
            }
            Strategy::Native(_) => it.undo_native(cause),
            Strategy::CodeDeploy(_) => it.undo_code_deploy(cause),
        })
    }

    /// A way back looks and orders first. It is late only when it has nothing new to order: when it waits, or would order
    /// again what has just failed.
    pub fn in_time(self, cause: &Cause, go_back: impl FnOnce(Self) -> Turn) -> Turn {
        let (plan, seen, now) = (self.plan, self.seen, self.now);
        let answer = self.receipt().map(Result::is_ok);
        let turn = go_back(self);
        let waits = match turn.act {
            Some(_) => answer == Some(false),
            // What was just ordered has to be seen first.
            None => turn.wake_at.is_some() && answer != Some(true),
        };
        let phase = &turn.next.phase;
        let goes_on = matches!(
            phase,
            Phase::Undo { .. } | Phase::TaskSets(Stage::Back { .. })
        );
        let it = Self {
            plan,
            seen,
            now,
            next: turn.next.clone(),
            say: turn.say.clone(),
        };
        if !(waits && goes_on && it.is_undo_late()) {
            return turn;
        }
        let seconds = plan.intent.limits.undo_timeout.as_secs();
        it.undo_failed(cause, format!("the timeout of {seconds} s passed"))
    }

    pub fn is_undo_late(&self) -> bool {
        self.waited(self.next.entered).unsigned_abs() >= self.plan.intent.limits.undo_timeout
    }

    pub fn undo_failed(self, from: &Cause, reason: String) -> Turn {
        let from = Box::new(from.clone());
        self.conclude(Outcome::Stranded {
            cause: Cause::UndoFailed { from, reason },
        })
    }

    /// Whether a failure is left as it is. What a person says in so many words goes before what was configured for failures.
    pub fn leaves(&self, cause: &Cause) -> bool {
        let is_told = matches!(cause, Cause::Cancelled { .. });
        self.plan.intent.on_failure == OnFailure::Leave && !is_told
    }

    // How a turn ends.

    /// Orders right after one that failed are paced: what AWS just refused it will most likely refuse again. What it has just
    /// accepted is not ordered again before it was looked for.
    pub fn act(mut self, action: Action, watch: Watch) -> Turn {
        if let (Phase::Deploy, Some(Wish::Undo { by })) = (&self.next.phase, &self.seen.wish) {
            // What was ordered was looked for, and is not there: it is not ordered again to be taken back.
            let cause = Cause::Cancelled { by: by.clone() };
            return self.conclude(Outcome::Failed { cause });
        }
        if let Some(Ok(receipt)) = self.receipt()
            && receipt.answers(&action)
        {
            // AWS has just accepted it, and what was read is older than that.
            return self.look_after(pace::LOOK_AGAIN, watch);
        }
        self.next.ordered = Some(self.now);
        let pause = self.has_failed_order().then_some(pace::LOOK_AGAIN);
        Turn {
            wake_at: pause.map(|pause| self.now + pause),
            next: self.next,
            act: Some(action),
            watch,
            say: self.say,
            left: None,
        }
    }

    pub fn look_now(self, watch: Watch) -> Turn {
        Turn {
            next: self.next,
            act: None,
            watch,
            wake_at: None,
            say: self.say,
            left: None,
        }
    }

    pub fn look_after(self, pause: SignedDuration, watch: Watch) -> Turn {
        let wake_at = Some(self.now + pause);
        Turn {
            wake_at,
            ..self.look_now(watch)
        }
    }

    /// Ends the rollout: what was set or started for its time is put away first.
    pub fn conclude(self, outcome: Outcome) -> Turn {
        match &self.plan.strategy {
            Strategy::Rolling | Strategy::TaskSets(_) => self.finish(outcome),
            Strategy::CodeDeploy(_) => self.conclude_code_deploy(outcome),
            Strategy::Native(_) => self.conclude_native(outcome),
            Strategy::Beside(_) => self.begin_restore(outcome),
        }
    }

    pub fn finish(mut self, outcome: Outcome) -> Turn {
        self.say.push(Event::Finished(outcome.clone()));
        self.next.enter(Phase::Done(outcome), self.now);
        self.rest()
    }

    pub fn rest(self) -> Turn {
        self.look_now(Watch::new())
    }

    /// Ends the run, not the rollout. Whoever takes it up has all the patience that this run has used up.
    pub fn leave(mut self, cause: Cause) -> Turn {
        self.next.blind_looks = 0;
        if let Phase::Undo { .. } | Phase::TaskSets(Stage::Back { .. }) = self.next.phase {
            self.next.enter(self.next.phase.clone(), self.now);
        }
        Turn {
            left: Some(cause),
            ..self.rest()
        }
    }

    // What several phases ask.

    pub fn watch_service(&self) -> Watch {
        Watch::from([Facet::Service(self.plan.target.clone())])
    }

    /// The answer to the strategy's own action; what came of a one-off task is for the gate that asked.
    pub fn receipt(&self) -> Option<&'a Result<Receipt, Fault>> {
        own_receipt(self.seen)
    }

    /// UpdateService's answer, if it was this service that was updated: a canary's is not the service's.
    pub fn updated(&self, key: &ServiceKey) -> Option<&'a Service> {
        match self.receipt() {
            Some(Ok(Receipt::Updated(service))) if service.name() == key.service.short() => {
                Some(service)
            }
            _ => None,
        }
    }

    fn has_failed_order(&self) -> bool {
        matches!(self.receipt(), Some(Err(_)))
    }

    /// The service as last seen: UpdateService's own answer is newer than any read beside it.
    pub fn service(&self) -> Seen<&Service> {
        if let Some(service) = self.updated(&self.plan.target) {
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
    pub fn active_service(self) -> Result<(Self, Service), Box<Turn>> {
        match self.service() {
            Seen::Is(service) if service.is_active() => {
                let service = service.clone();
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
    pub fn blind(mut self, fault: &Fault) -> Turn {
        self.tell_trouble(fault);
        self.next.blind_looks += 1;
        // The SDK fetches credentials anew where their source gives more.
        let hopeless = matches!(fault.kind, FaultKind::Refused | FaultKind::Denied);
        if hopeless || self.next.blind_looks > self.plan.intent.limits.blind_looks {
            let (operation, message) = (fault.operation.clone(), fault.message.clone());
            return match fault.kind {
                FaultKind::NoCredentials => self.without_credentials(operation, message),
                _ => self.give_up(Cause::Blind { operation, message }),
            };
        }
        let watch = self.next.first_watch(self.plan);
        let pause = pace::LOOK_AGAIN;
        self.look_after(pause, watch)
    }

    /// Nothing can be called any more, not even to put something away: what has begun is left to whoever takes it up with
    /// credentials.
    fn without_credentials(self, operation: String, message: String) -> Turn {
        let cause = Cause::NoCredentials { operation, message };
        if self.next.has_begun(self.plan) {
            self.leave(cause)
        } else {
            self.finish(Outcome::Failed { cause })
        }
    }

    /// Ends the rollout where it stands.
    pub fn give_up(self, cause: Cause) -> Turn {
        let changed = match &self.next.phase {
            Phase::Register | Phase::Canary { .. } => false,
            // A set that was made stands there, and the test rule may lead to it.
            Phase::TaskSets(Stage::Raise) if self.next.deployment.is_some() => true,
            // What was ordered may be there, unless AWS said that it is not.
            Phase::Deploy | Phase::TaskSets(Stage::Raise) => {
                self.next.ordered.is_some() && !matches!(cause, Cause::Refused { .. })
            }
            _ => true,
        };
        self.conclude(if changed {
            Outcome::Stranded { cause }
        } else {
            Outcome::Failed { cause }
        })
    }

    /// The time for the whole rollout passed before its deployment began.
    pub fn is_late(&self) -> bool {
        self.spent() > self.plan.time_limit()
    }

    /// How long the rollout has been driven.
    pub fn spent(&self) -> Duration {
        let waited = self.waited(self.next.began);
        let driven = waited.saturating_sub(self.next.unattended);
        Duration::try_from(driven).unwrap_or_default()
    }

    pub fn too_late(self) -> Turn {
        let awaiting = match self.next.phase {
            Phase::Register => "the revision was being registered",
            _ => "the deployment was being started",
        };
        let cause = self.deadline(awaiting.to_owned());
        self.give_up(cause)
    }

    /// Why a rollout ends that has taken all its time.
    pub fn deadline(&self, awaiting: String) -> Cause {
        let seconds = self.plan.time_limit().as_secs();
        Cause::Deadline { seconds, awaiting }
    }

    pub fn refused(self, fault: &Fault) -> Turn {
        let cause = fault.refusal();
        match self.next.phase.clone() {
            Phase::Undo { cause: from, .. } => self.conclude(Outcome::Stranded {
                cause: Cause::UndoFailed {
                    from: Box::new(from),
                    reason: cause.to_string(),
                },
            }),
            _ => self.give_up(cause),
        }
    }

    pub fn waited(&self, since: Timestamp) -> SignedDuration {
        self.now.duration_since(since)
    }

    pub fn just_ordered(&self) -> bool {
        self.next
            .ordered
            .is_some_and(|at| self.waited(at) < pace::SETTLE)
    }

    pub fn is_revision(&self, deployment: Deployment<'_>) -> bool {
        self.next
            .revision
            .as_ref()
            .is_some_and(|revision| *revision == deployment.task_definition())
    }

    pub fn was_there_before(&self, deployment: Deployment<'_>) -> bool {
        self.plan.before.deployment.as_ref() == Some(&deployment.id())
    }

    /// Whether this deployment is the old revision, serving again. Never the one that is rolled out or followed, though
    /// it may have been there before.
    pub fn is_way_back(&self, deployment: Deployment<'_>) -> bool {
        if self.next.deployment.as_ref() == Some(&deployment.id()) {
            return false;
        }
        let serving = self.plan.before.serving.as_ref();
        let old = serving == Some(&deployment.task_definition()) && !self.is_revision(deployment);
        old || self.was_there_before(deployment)
    }
}

fn own_receipt(seen: &Observation) -> Option<&Result<Receipt, Fault>> {
    let receipt = seen.receipt.as_ref()?;
    let is_of_a_gate = match receipt {
        Ok(Receipt::Started { .. }) => true,
        Ok(_) => false,
        Err(fault) => fault.operation == "RunTask",
    };
    (!is_of_a_gate).then_some(receipt)
}
