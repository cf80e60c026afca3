//! What everyone does who drives a rollout: claim its record, begin or take up, close the record at the end.
//!
//! **Invariant:** trouble with the journal is told once for a run and never ends it.

use super::drive::{Driven, Means, drive, tell};
use super::keeper::{Keeper, Troubled, UNRECORDED, fitted, trouble};
use super::propose::{admit, propose_over};
use super::rollout::Ran;
use super::survey::{Request, SurveyError, Surveyed, compare};
use crate::core::fate::Fate;
use crate::core::id::ServiceKey;
use crate::core::journal::{Fence, Goal, Record, Work};
use crate::core::plan::Plan;
use crate::core::report::Event;
use crate::core::rollout::{State, Wish};
use crate::core::service::Detach;
use crate::ports::{Audience, Claim, Clock, Cloud, Journal, JournalError};

pub struct Desk<'a, C, K, J, A> {
    pub means: &'a Means<'a, C, K, J>,
    target: ServiceKey,
    audience: &'a mut A,
    troubled: Troubled,
    /// Trouble that is told once something is driven: until then, a look that fails says more.
    untold: Option<Event>,
}

impl<'a, C: Cloud, K: Clock, J: Journal, A: Audience> Desk<'a, C, K, J, A> {
    pub fn new(target: ServiceKey, means: &'a Means<'a, C, K, J>, audience: &'a mut A) -> Self {
        Self {
            means,
            target,
            audience,
            troubled: Troubled::No,
            untold: None,
        }
    }

    pub fn audience(&mut self) -> &mut A {
        self.audience
    }

    pub fn tell(&mut self, event: Event) {
        tell(event, self.means.clock, self.audience);
    }

    /// The record of this service, if there is one that can be read.
    pub async fn load(&mut self) -> Option<Record> {
        match self.means.journal.load(&self.target).await {
            Ok(record) => record,
            Err(error) => {
                self.trouble(&error, "what an earlier run left is not known");
                None
            }
        }
    }

    /// The same without a word of trouble.
    pub async fn look_again(&self) -> Result<Option<Record>, JournalError> {
        self.means.journal.load(&self.target).await
    }

    /// What is wanted, what is there, and the name of the goal.
    pub async fn survey(&mut self, request: &Request) -> Result<(Surveyed, Goal), SurveyError> {
        let Request {
            target,
            wanted,
            pinning,
            intent,
        } = request;
        let looked = compare(target, wanted.clone(), *pinning, self.means.cloud);
        let surveyed = Box::pin(looked).await?;
        let (wanted, survey) = &surveyed;
        self.audience.learn(wanted);
        self.audience.learn(&survey.running.definition);
        let goal = Goal::of(target, wanted, intent);
        Ok((surveyed, goal))
    }

    /// Plans and drives, under the record that is held already or a new one.
    pub async fn begin(
        self,
        request: &Request,
        keeper: Option<Keeper<'a, J>>,
    ) -> Result<Ran, SurveyError> {
        Box::pin(self.begin_over(request, keeper, None)).await
    }

    /// The same in the place of what a dead run left half deployed.
    pub async fn begin_over(
        mut self,
        request: &Request,
        keeper: Option<Keeper<'a, J>>,
        left: Option<&Work>,
    ) -> Result<Ran, SurveyError> {
        let (plan, goal) = match self.plan(request, left).await {
            Ok(planned) => planned,
            Err(error) => {
                self.put_down(keeper, left).await;
                return Err(error);
            }
        };
        let state = State::begin(&plan, self.means.clock.now());
        if let Some(outcome) = state.outcome().cloned() {
            self.release(keeper).await;
            self.tell(Event::Finished(outcome.clone()));
            let plan = Box::new(plan);
            return Ok(Ran::Ended { plan, outcome });
        }
        Box::pin(self.drive(plan, state, goal, keeper)).await
    }

    /// Drives from this state, under the record that is held already or a new one.
    pub async fn drive(
        mut self,
        plan: Plan,
        state: State,
        goal: Goal,
        keeper: Option<Keeper<'a, J>>,
    ) -> Result<Ran, SurveyError> {
        let mut keeper = match keeper {
            Some(mut keeper) => {
                keeper.aim(goal);
                keeper
            }
            None => match self.claim_new(goal).await {
                Ok(keeper) => keeper,
                Err(record) => return Ok(held(&record)),
            },
        };
        // Boxed: a future as deep as a whole rollout outgrows small stacks.
        let driven = Box::pin(drive(&plan, state, self.means, &mut keeper, self.audience)).await;
        Ok(self.close(plan, driven, keeper).await)
    }

    async fn plan(
        &mut self,
        request: &Request,
        left: Option<&Work>,
    ) -> Result<(Plan, Goal), SurveyError> {
        let ((wanted, mut survey), goal) = self.survey(request).await?;
        let cloud = self.means.cloud;
        let proposed = propose_over(request, &wanted, left, &mut survey, cloud);
        let plan = Box::pin(proposed).await?;
        self.audience.plan(&plan, &wanted, &survey);
        for finding in admit(&plan, &wanted, &survey)? {
            self.tell(Event::Finding { finding });
        }
        Ok((plan, goal))
    }

    async fn claim_new(&mut self, goal: Goal) -> Result<Keeper<'a, J>, Box<Record>> {
        let now = self.means.clock.now();
        let record = Record::new(self.means.owner.clone(), Fence::first(now), goal, now);
        self.claim(record, None).await
    }

    /// Takes an expired record.
    pub async fn take(&mut self, left: &Record) -> Result<Keeper<'a, J>, Box<Record>> {
        let now = self.means.clock.now();
        let ours = left.taken_by(self.means.owner.clone(), now);
        self.claim(ours, Some(left.fence)).await
    }

    /// A record that another run holds is given back as the error; a journal that does not work is gone without.
    async fn claim(
        &mut self,
        mut record: Record,
        over: Option<Fence>,
    ) -> Result<Keeper<'a, J>, Box<Record>> {
        let (journal, id) = (self.means.journal, self.target.clone());
        let claimed = fitted(&record, async |record| {
            journal.claim(&id, record, over).await
        });
        let too_large = match claimed.await {
            Ok((Claim::Locked, too_large)) => too_large,
            Ok((Claim::Held(other), _)) => return Err(other),
            Ok((Claim::Unlocked { why }, too_large)) => {
                self.tell(Event::Trouble {
                    operation: "lock".to_owned(),
                    message: why,
                });
                too_large
            }
            Err(error) => {
                let left = match over {
                    Some(_) => "nothing locks the service".to_owned(),
                    None => format!("nothing locks the service, and {UNRECORDED}"),
                };
                self.trouble(&error, &left);
                // No lease is known to run; the first write claims it.
                record.expires = record.since;
                None
            }
        };
        if let Some(trouble) = self.untold.take() {
            self.tell(trouble);
        }
        let mut keeper = Keeper::new(journal, id, record, self.troubled);
        if let Some(trouble) = too_large.and_then(|too_large| keeper.bare(&too_large)) {
            self.tell(trouble);
        }
        Ok(keeper)
    }

    /// Sees to what another run left; what is to go back is wished to.
    pub async fn see_to(
        &mut self,
        left: &Record,
        work: &Work,
        fate: Fate,
        keeper: &mut Keeper<'a, J>,
    ) -> Driven {
        self.tell_found(left, fate);
        let mut means = self.means.clone();
        if fate == Fate::GoesBack {
            let by = format!("{}, who rolls out another release", means.owner);
            means.wish = Some(Wish::Undo { by });
        }
        let Work { plan, mut state } = work.clone();
        state.resume(left.unattended(means.clock.now()));
        // Whoever comes back to what was handed over stays to the verdict.
        let mut plan = plan;
        plan.intent.detach = Detach::No;
        let state = fate.begin(&state, means.clock.now());
        Box::pin(drive(&plan, state, &means, keeper, self.audience)).await
    }

    pub fn tell_found(&mut self, left: &Record, fate: Fate) {
        self.tell(Event::TakenUp {
            owner: left.owner.clone(),
            since: left.since,
            fate,
        });
    }

    pub async fn close(&mut self, plan: Plan, driven: Driven, keeper: Keeper<'a, J>) -> Ran {
        match driven {
            Driven::Ended(outcome) => {
                self.release(Some(keeper)).await;
                let plan = Box::new(plan);
                Ran::Ended { plan, outcome }
            }
            Driven::Interrupted(state) => {
                let has_ended = state.outcome().is_some();
                if has_ended || keeper.record().unfinished().is_none() {
                    self.release(Some(keeper)).await;
                }
                let stood = Some((Box::new(plan), state));
                Ran::Interrupted { stood }
            }
            Driven::LeftOff { state, cause } => {
                let plan = Box::new(plan);
                Ran::LeftOff { plan, state, cause }
            }
            Driven::HandedOver(state) => {
                let plan = Box::new(plan);
                Ran::HandedOver { plan, state }
            }
            Driven::TakenOver(owner) => Ran::Held {
                owner,
                since: self.means.clock.now(),
            },
        }
    }

    /// Leaves the service to whoever comes next: with what was left there on record, if that is still as it was.
    async fn put_down(&mut self, keeper: Option<Keeper<'a, J>>, left: Option<&Work>) {
        if left.is_none() {
            return self.release(keeper).await;
        }
        let Some(mut keeper) = keeper else { return };
        let clock = self.means.clock;
        let left = clock.attend(keeper.put_down(clock.now())).await;
        if let Some(trouble) = left.flatten() {
            self.tell(trouble);
        }
    }

    async fn release(&mut self, keeper: Option<Keeper<'a, J>>) {
        let Some(keeper) = keeper else { return };
        let released = self.means.clock.attend(keeper.release()).await;
        if let Some(trouble) = released.flatten() {
            self.tell(trouble);
        }
    }

    /// Of several only the last is told: it says how things stand.
    fn trouble(&mut self, error: &JournalError, left: &str) {
        self.untold = Some(trouble(error, left));
        self.troubled = Troubled::Told;
    }
}

pub fn held(record: &Record) -> Ran {
    Ran::Held {
        owner: record.owner.clone(),
        since: record.since,
    }
}
