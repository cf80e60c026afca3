//! The loop: observe, turn, save next, perform, tell, sleep.
//!
//! **Invariant:** nothing else in the program sleeps, and nothing here decides: a turn of the machine does. What the turn
//! comes to is on record before the change is made, so that whoever takes the rollout up knows of it. Turns never follow
//! upon each other without a sleep for long.

use std::pin::pin;

use futures_util::future::{Either, join, select};
use jiff::Timestamp;

use super::keeper::{Hearing, Keeper, Occasion, TakenOver, WRITE_AGAIN};
use crate::core::handover::handover;
use crate::core::journal::Owner;
use crate::core::plan::{Plan, Strategy};
use crate::core::report::{Cause, Entry, Event, Outcome};
use crate::core::rollout::{
    Action, Facet, Fault, Observation, Phase, Receipt, State, Turn, Watch, Wish, turn,
};
use crate::core::service::OnCancel;
use crate::ports::{Audience, Clock, Cloud, Journal, JournalError, Wake};

/// A rollout that is told to turn back looks so often at most, without a pause, until it has begun to: twice, and before
/// that as often as a canary has tries to stand down.
const HURRIED_LOOKS: u8 = 10;

/// The journal's word about wishes.
type Answer = Result<Option<Wish>, JournalError>;

/// So many turns in a row without a sleep between them is more than any rollout needs, several times over: the machine
/// turns on the spot.
const RESTLESS: u32 = 50;

/// How the loop ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Driven {
    Ended(Outcome),
    /// Told to stop. The same command takes up from here.
    Interrupted(Box<State>),
    /// The deployment goes on, and this run has no way to learn how it ends. The same command takes up from here.
    LeftOff {
        state: Box<State>,
        cause: Cause,
    },
    /// AWS's own engine goes on, as the plan wanted it. The same command takes up from here.
    HandedOver(Box<State>),
    /// Another run took the service over while this one could not renew its lease.
    TakenOver(Owner),
}

/// What a rollout is driven with.
pub struct Means<'a, C, K, J> {
    pub cloud: &'a C,
    pub clock: &'a K,
    pub journal: &'a J,
    pub owner: Owner,
    pub on_cancel: OnCancel,
    /// What this run itself wishes of whatever it drives.
    pub wish: Option<Wish>,
}

impl<C, K, J> Clone for Means<'_, C, K, J> {
    fn clone(&self) -> Self {
        Self {
            owner: self.owner.clone(),
            wish: self.wish.clone(),
            ..*self
        }
    }
}

/// Takes turns until the rollout is done or the clock says to stop.
pub async fn drive<C: Cloud, K: Clock, J: Journal>(
    plan: &Plan,
    state: State,
    means: &Means<'_, C, K, J>,
    keeper: &mut Keeper<'_, J>,
    audience: &mut impl Audience,
) -> Driven {
    let mut watch = state.first_watch(plan);
    if let Some(id) = state.deployment.clone() {
        // A rollout that is taken up asks for what its last look had asked for.
        watch.insert(match plan.strategy {
            Strategy::CodeDeploy(_) => Facet::CodeDeployment(id),
            _ => Facet::ServiceDeployment(plan.target.clone(), id),
        });
    }
    let mut drive = Drive {
        plan,
        means,
        keeper,
        audience,
        state,
        receipt: None,
        wish: means.wish.clone(),
        hurried: None,
        restless: 0,
    };
    loop {
        match Box::pin(drive.step(&watch)).await {
            Ok(next) => watch = next,
            Err(driven) => return *driven,
        }
    }
}

pub fn tell(event: Event, clock: &impl Clock, audience: &mut impl Audience) {
    let at = clock.now();
    audience.hear(&Entry { at, event });
}

/// One rollout on its way.
struct Drive<'a, 'j, C, K, J, A> {
    plan: &'a Plan,
    means: &'a Means<'a, C, K, J>,
    keeper: &'a mut Keeper<'j, J>,
    audience: &'a mut A,
    state: State,
    receipt: Option<Result<Receipt, Fault>>,
    /// This run's own wish; to go back, once a signal said so.
    wish: Option<Wish>,
    /// Looks since the signal, between which nothing sleeps.
    hurried: Option<u8>,
    /// Turns since the last that was to sleep.
    restless: u32,
}

type Step<T> = Result<T, Box<Driven>>;

impl<'j, C: Cloud, K: Clock, J: Journal, A: Audience> Drive<'_, 'j, C, K, J, A> {
    /// One turn, its change and its sleep; gives what to look at next.
    async fn step(&mut self, watch: &Watch) -> Step<Watch> {
        let seen = self.look(watch).await?;
        let now = self.means.clock.now();
        let turn = turn(self.plan, &self.state, &seen, now);
        let Turn {
            next,
            act,
            watch,
            wake_at,
            say,
            left,
        } = turn;
        self.state = next;
        for event in say {
            self.tell(event);
        }
        self.audience.look(now);
        if let Some(outcome) = self.state.outcome() {
            return Err(Box::new(self.ended(outcome.clone())));
        }
        if let Some(cause) = left {
            return Err(self.leave_off(cause).await);
        }
        let occasion = match act {
            Some(_) => Occasion::Change,
            None => Occasion::Look,
        };
        self.keep(occasion).await?;
        if act.is_none() {
            self.hand_over().await?;
        }
        let did = match act {
            Some(action) => self.perform(&action).await?,
            None => Did::Nothing,
        };
        let until = wake_at.unwrap_or(now);
        let rest = if until > now { Rest::Sleep } else { Rest::None };
        self.count_turn(rest).await?;
        if self.means.clock.sleep_until(until).await == Wake::Interrupted {
            self.interrupted(did).await?;
        }
        Ok(watch)
    }

    /// Whatever is wrong with a machine that never sleeps, AWS is not asked on and on, and the rollout does not seem to go on.
    /// What has begun is kept on record: it is not where it was, and another look may be all that it takes.
    async fn count_turn(&mut self, rest: Rest) -> Step<()> {
        self.restless = match rest {
            Rest::Sleep => 0,
            Rest::None => self.restless + 1,
        };
        if self.restless < RESTLESS {
            return Ok(());
        }
        let cause = Cause::Restless;
        if self.state.has_begun(self.plan) {
            return Err(self.leave_off(cause).await);
        }
        let outcome = Outcome::Failed { cause };
        self.tell(Event::Finished(outcome.clone()));
        Err(Box::new(Driven::Ended(outcome)))
    }

    async fn look(&mut self, watch: &Watch) -> Step<Observation> {
        let Means { cloud, clock, .. } = self.means;
        let now = clock.now();
        let question = self.question(watch, now);
        // Boxed, as everything deep is: what is polled through many hands outgrows small stacks.
        let looked = Box::pin(clock.attend(async {
            let answer = async {
                match question {
                    Some(question) => Some(Box::pin(question).await),
                    None => None,
                }
            };
            // Side by side: a journal that is slow to answer keeps nobody from looking.
            join(answer, Box::pin(cloud.observe(watch))).await
        }));
        let Some((answer, mut seen)) = Box::pin(self.while_leased(looked)).await? else {
            return Err(self.leave().await);
        };
        seen.receipt = self.receipt.take();
        let (heard, trouble) = self.keeper.heard(answer, now);
        self.tell_if(trouble);
        // This run's own wish comes before one that was left for it.
        seen.wish = self.wish.clone().or(heard);
        Ok(seen)
    }

    /// What the journal is asked about wishes, if it is to be asked.
    fn question(
        &self,
        watch: &Watch,
        now: Timestamp,
    ) -> Option<impl Future<Output = Answer> + use<'j, C, K, J, A>> {
        let waits = |facet: &Facet| matches!(facet, Facet::Approval(_));
        let hearing = if watch.iter().any(waits) {
            Hearing::WaitsForAPerson
        } else {
            Hearing::InPassing
        };
        match self.wish {
            Some(_) => None,
            None => self.keeper.question(hearing, now),
        }
    }

    /// Works, and renews the lease beside the work however long that takes.
    async fn while_leased<T>(&mut self, work: impl Future<Output = T>) -> Step<T> {
        let clock = self.means.clock;
        let mut work = pin!(work);
        let mut due = self.keeper.due();
        loop {
            match select(work, pin!(clock.pass_until(due))).await {
                Either::Left((done, _)) => return Ok(done),
                // Told to stop, this process has seconds left, less than the lease.
                Either::Right((Wake::Interrupted, work)) => return Ok(work.await),
                Either::Right((Wake::Due, rest)) => work = rest,
            }
            let (renewed, rest) = {
                let renewal = Box::pin(self.keeper.renew(self.plan, &self.state, clock.now()));
                // A write that has begun is waited for: it must not arrive after the next one.
                match select(work, renewal).await {
                    Either::Left((done, renewal)) => (renewal.await, Err(done)),
                    Either::Right((renewed, rest)) => (renewed, Ok(rest)),
                }
            };
            match renewed {
                Ok(trouble) => self.tell_if(trouble),
                Err(TakenOver(owner)) => return Err(Box::new(Driven::TakenOver(owner))),
            }
            match rest {
                Ok(rest) => work = rest,
                Err(done) => return Ok(done),
            }
            // A write may take longer than the pause after it.
            due = self.keeper.due().max(clock.now() + WRITE_AGAIN);
        }
    }

    async fn keep(&mut self, occasion: Occasion) -> Step<()> {
        let clock = self.means.clock;
        let kept = self
            .keeper
            .keep(self.plan, &self.state, occasion, clock.now());
        match clock.attend(Box::pin(kept)).await {
            Some(Ok(trouble)) => {
                self.tell_if(trouble);
                Ok(())
            }
            Some(Err(TakenOver(owner))) => Err(Box::new(Driven::TakenOver(owner))),
            None => Err(Box::new(Driven::Interrupted(Box::new(self.state.clone())))),
        }
    }

    async fn perform(&mut self, action: &Action) -> Step<Did> {
        let performed = self.means.cloud.perform(action);
        match self.means.clock.attend(performed).await {
            Some(receipt) => {
                self.receipt = Some(receipt);
                Ok(Did::Change)
            }
            None => Err(self.leave().await),
        }
    }

    /// A signal arrived: leave, or turn back and leave once that has begun.
    async fn interrupted(&mut self, did: Did) -> Step<()> {
        match (self.means.on_cancel, self.hurried, did) {
            (OnCancel::RollBack, None, _) => {
                let by = "a signal".to_owned();
                self.wish = Some(Wish::Undo { by });
                self.hurried = Some(0);
                Ok(())
            }
            (OnCancel::RollBack, Some(looks), did)
                if looks < HURRIED_LOOKS && !self.has_begun_back(did) =>
            {
                self.hurried = Some(looks + 1);
                Ok(())
            }
            _ => Err(self.leave().await),
        }
    }

    /// What a canary does before the service goes back is not the service's way back yet.
    fn has_begun_back(&self, did: Did) -> bool {
        did == Did::Change && !matches!(self.state.phase, Phase::StandDown { .. })
    }

    /// Leaves the deployment to its engine, if that was wanted and it has begun.
    async fn hand_over(&mut self) -> Step<()> {
        let begun = match (&self.state.phase, &self.state.deployment) {
            (Phase::Follow, Some(deployment)) => deployment.clone(),
            _ => return Ok(()),
        };
        let Some(to) = handover(self.plan) else {
            return Ok(());
        };
        self.keep(Occasion::Leave).await?;
        self.tell(Event::HandedOver {
            deployment: begun,
            to,
        });
        Err(Box::new(Driven::HandedOver(Box::new(self.state.clone()))))
    }

    async fn leave_off(&mut self, cause: Cause) -> Box<Driven> {
        if let Err(driven) = self.keep(Occasion::Leave).await {
            return driven;
        }
        let state = Box::new(self.state.clone());
        Box::new(Driven::LeftOff { state, cause })
    }

    async fn leave(&mut self) -> Box<Driven> {
        if let Err(driven) = self.keep(Occasion::Leave).await {
            return driven;
        }
        Box::new(Driven::Interrupted(Box::new(self.state.clone())))
    }

    /// A rollout that a signal ended before it changed anything was interrupted; it did not fail.
    fn ended(&self, outcome: Outcome) -> Driven {
        match (self.hurried, outcome) {
            (Some(_), Outcome::Failed { .. }) => Driven::Interrupted(Box::new(self.state.clone())),
            (_, outcome) => Driven::Ended(outcome),
        }
    }

    fn tell_if(&mut self, trouble: Option<Event>) {
        if let Some(event) = trouble {
            self.tell(event);
        }
    }

    fn tell(&mut self, event: Event) {
        tell(event, self.means.clock, self.audience);
    }
}

/// What follows a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    Sleep,
    None,
}

/// What a turn changed in AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Did {
    Nothing,
    Change,
}
