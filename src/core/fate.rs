//! What becomes of a rollout that a dead run left, when another release is wanted than the one it was for.
//!
//! **Invariant:** what somebody else left is never completed for him: it is finished only where it was going back or had
//! ended already; else it goes back first, or, where nothing but the revision was changed, the wanted release takes its
//! place. What was handed over to AWS is AWS's to complete, and nobody takes it back unasked.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::journal::{Record, Work};
use super::live::{Deployment, Service};
use super::plan::{Plan, Strategy};
use super::report::Outcome;
use super::rollout::{Phase, Stage, State};
use super::service::{Contest, Detach};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It is what is wanted, or it is going back, or only puts away what was there for its time: on from where it stood.
    #[default]
    GoesOn,
    /// It was handed over to AWS, and is what is wanted: it is stayed with to its end.
    Attached,
    /// What is under way goes back, before the wanted release begins.
    GoesBack,
    /// AWS has completed it: what was set or started for its time is put away.
    Settled,
    /// The wanted release takes its place: ECS goes on from whatever tasks there are.
    Replaced,
    /// It was handed over, and AWS goes on with it.
    Left,
}

impl Fate {
    /// Of what was left, when another release is wanted with this `contest` and the service stands so.
    pub fn of(work: &Work, service: &Service, contest: Contest) -> Self {
        let Work { plan, state } = work;
        match state.phase {
            Phase::Deploy | Phase::Follow => {}
            Phase::TaskSets(Stage::Remove | Stage::Back { .. })
            | Phase::StandDown { .. }
            | Phase::Undo { .. }
            | Phase::Restore { .. } => return Self::GoesOn,
            _ => return Self::GoesBack,
        }
        let puts_away = matches!(plan.strategy, Strategy::Native(_) | Strategy::Beside(_));
        let is_handed_over = plan.intent.detach != Detach::No;
        match stands(state, service) {
            Stands::Completed if puts_away => Self::Settled,
            Stands::Completed => Self::Replaced,
            Stands::Running if is_handed_over && contest == Contest::Refuse => Self::Left,
            _ if plan.strategy == Strategy::Rolling && changes_only_the_revision(plan) => {
                Self::Replaced
            }
            _ => Self::GoesBack,
        }
    }

    /// Of what is wanted itself.
    pub fn of_own(work: &Work) -> Self {
        let is_followed = matches!(work.state.phase, Phase::Follow);
        if is_followed && work.plan.intent.detach != Detach::No {
            Self::Attached
        } else {
            Self::GoesOn
        }
    }

    /// Whether it needs no look at the service to know this.
    pub fn is_sealed(work: &Work) -> bool {
        let is_going_back = matches!(
            work.state.phase,
            Phase::TaskSets(Stage::Back { .. }) | Phase::StandDown { .. } | Phase::Undo { .. }
        );
        is_going_back || matches!(work.state.phase, Phase::Restore { .. })
    }

    /// Where a run that sees to it begins.
    pub fn begin(self, state: &State, now: Timestamp) -> State {
        let mut state = state.clone();
        if self == Self::Settled {
            let outcome = Outcome::Completed;
            state.enter(Phase::Restore { outcome }, now);
        }
        state
    }

    /// What the record comes to for a rollout that would begin now; `fate` is that of what is unfinished.
    pub fn told(record: &Record, fate: Option<Self>, now: Timestamp) -> Option<String> {
        let (owner, since) = (&record.owner, record.since);
        if record.is_live(now) {
            return Some(format!(
                "{owner} rolls out since {since:.0}; until that ends, another rollout exits with 7"
            ));
        }
        let fate = fate?.in_words();
        Some(format!(
            "what {owner} began at {since:.0} and left unfinished: {fate}"
        ))
    }

    /// What is said of it before it is done.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::GoesOn => "it is taken up",
            Self::Attached => "it was handed over, and is followed to its end",
            Self::GoesBack => "it goes back before the wanted release begins",
            Self::Settled => "AWS has completed it, and what was set or started for it is put away",
            Self::Replaced => "the wanted release takes its place",
            Self::Left => "it was handed over, and AWS goes on with it",
        }
    }
}

/// How AWS stands with the deployment of a rollout.
enum Stands {
    Completed,
    Running,
    /// It did not begin, or it failed, or something else took its place.
    Otherwise,
}

fn stands(state: &State, service: &Service) -> Stands {
    let Some(id) = &state.deployment else {
        return Stands::Otherwise;
    };
    if let Some(set) = service
        .task_sets()
        .find(|set| set.external_id() == id.as_str())
    {
        let is_alone = set.is_primary() && service.task_sets().count() == 1;
        return if is_alone {
            Stands::Completed
        } else {
            Stands::Running
        };
    }
    match service.primary() {
        Some(ours) if ours.id() == *id && service.has_completed(ours) => Stands::Completed,
        Some(ours) if ours.id() == *id => Stands::Running,
        _ => Stands::Otherwise,
    }
}

/// Nothing else would stay behind if another revision took its place.
fn changes_only_the_revision(plan: &Plan) -> bool {
    plan.settings.is_empty() && plan.intent.desired_count.is_none()
}

impl Work {
    /// The deployment of this rollout, where it is the service's primary one and ECS has not completed it.
    pub fn half_deployed<'s>(&self, service: &'s Service) -> Option<Deployment<'s>> {
        let primary = service.primary()?;
        let is_ours = match &self.state.deployment {
            Some(id) => primary.id() == *id,
            // The answer to UpdateService was never seen.
            None => self.state.revision == Some(primary.task_definition()),
        };
        (is_ours && !service.has_completed(primary)).then_some(primary)
    }
}
