//! What outlives the process that drives a rollout: who drives it, until when, and how far it is.
//!
//! **Invariant:** a record holds what is needed to take a rollout up or undo it, and nothing more. Until there is a
//! revision, nothing of the service was changed and there is nothing to take up: the record is a lock alone. From then
//! on the plan names the revision instead of holding its document, so that a record stays small (an SSM parameter
//! of the Standard tier holds 4 KB). What is too large for its store all the same is kept as a lock alone.

use std::fmt;
use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::id::ServiceKey;
use super::plan::{Plan, Revision, Strategy};
use super::rollout::{Phase, State};
use super::service::Intent;
use super::taskdef::{TaskDefinition, canonical};

/// How long an owner that is not heard of keeps the service: longer than it takes to write the record and then make a
/// change (`adapters/aws/limits`), shorter than a person waits for a runner that was killed.
pub const LEASE: SignedDuration = SignedDuration::from_secs(120);

/// Which rollout: one at a time for a service, in the account and region that the store belongs to.
pub type RolloutId = ServiceKey;

/// Who drives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    pub user: String,
    pub host: String,
    pub pid: u32,
    /// The page of the CI run, where there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub run: Option<String>,
}

/// Grows with every owner of a service, so that one who was taken for dead learns of it before it changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fence(u64);

/// What a rollout is to come to: `sha256:…` over the service, the canonical task definition, and what else was asked
/// for that UpdateService is sent. Two runs of one command have one goal, however far the first one came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Goal(String);

/// The record of one service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub owner: Owner,
    pub fence: Fence,
    /// The fence of the first owner of the work, where that was another: what that one was told still holds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub first: Option<Fence>,
    /// When this owner took the service.
    pub since: Timestamp,
    /// When the lease ends unless it is renewed.
    pub expires: Timestamp,
    pub goal: Goal,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub work: Option<Work>,
    /// When the work stood so; of a record that does not say, its lease's end is the latest that it can be.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stood: Option<Timestamp>,
}

/// A rollout that can be taken up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// The plan, with its revision by name. Its digest differs from the one in the state if it was to be registered.
    pub plan: Plan,
    pub state: State,
}

impl Fence {
    /// The first of a service: the clock's milliseconds, so that it grows across records that were released.
    pub fn first(now: Timestamp) -> Self {
        Self(u64::try_from(now.as_millisecond()).unwrap_or_default())
    }

    /// One that is greater, whatever the clock says.
    #[must_use]
    pub fn next(self, now: Timestamp) -> Self {
        Self(Self::first(now).0.max(self.0 + 1))
    }
}

impl Goal {
    pub fn of(target: &ServiceKey, wanted: &TaskDefinition, intent: &Intent) -> Self {
        Self::named(&json!([
            target.to_string(),
            without_role_paths(canonical(wanted).into_value()),
            intent.redeploy,
            intent.desired_count,
            intent.managed,
        ]))
    }

    /// The goal of following a deployment that somebody else started.
    pub fn of_revision(target: &ServiceKey, plan: &Plan) -> Self {
        Self::named(&json!([target.to_string(), plan.revision]))
    }

    fn named(asked: &Value) -> Self {
        let mut name = "sha256:".to_owned();
        for byte in Sha256::digest(asked.to_string()) {
            let _ = write!(name, "{byte:02x}");
        }
        Self(name)
    }
}

/// A role given by name is answered as an ARN: by its name it is the same before and after registration.
fn without_role_paths(mut form: Value) -> Value {
    for member in ["taskRoleArn", "executionRoleArn"] {
        let role = form.get(member).and_then(Value::as_str);
        if let Some(name) = role.and_then(|role| role.rsplit('/').next()) {
            form[member] = json!(name);
        }
    }
    form
}

impl Record {
    /// A lock, with nothing to take up yet.
    pub fn new(owner: Owner, fence: Fence, goal: Goal, now: Timestamp) -> Self {
        Self {
            owner,
            fence,
            first: None,
            since: now,
            expires: now + LEASE,
            goal,
            work: None,
            stood: None,
        }
    }

    /// The same work in the hands of another owner. What was wished of it stands also where its owner died before it began
    /// anything.
    #[must_use]
    pub fn taken_by(&self, owner: Owner, now: Timestamp) -> Self {
        let has_ended = self
            .work
            .as_ref()
            .is_some_and(|work| work.state.outcome().is_some());
        let was_let_go = self.expires <= self.since;
        let is_open = !has_ended && !was_let_go;
        Self {
            work: self.work.clone(),
            stood: Some(self.stood.unwrap_or(self.expires)),
            first: is_open.then(|| self.told_since()),
            ..Self::new(owner, self.fence.next(now), self.goal.clone(), now)
        }
    }

    /// Sets down how far the work is.
    pub fn set_down(&mut self, work: Option<Work>, now: Timestamp) {
        self.work = work;
        self.stood = Some(now);
    }

    /// For how long nobody has driven the work.
    pub fn unattended(&self, now: Timestamp) -> SignedDuration {
        let since = self.stood.unwrap_or(self.expires);
        now.duration_since(since).max(SignedDuration::ZERO)
    }

    /// Whether what is there is this owner's record: of two who begin in the same millisecond each has one.
    pub fn is_same_claim(&self, there: &Self) -> bool {
        (self.fence, &self.owner) == (there.fence, &there.owner)
    }

    /// Whether this may be written over what is there: its own record, or a dead one before it that could not be taken
    /// over when that was tried.
    pub fn may_replace(&self, there: &Self) -> bool {
        let was_dead = self.stood.is_some_and(|now| !there.is_live(now));
        self.is_same_claim(there) || (there.fence < self.fence && was_dead)
    }

    /// The same record with nothing in it that could be done without.
    #[must_use]
    pub fn terse(&self) -> Self {
        let work = self.work.as_ref().map(|Work { plan, state }| Work {
            plan: plan.clone(),
            state: state.terse(),
        });
        Self {
            work,
            ..self.clone()
        }
    }

    /// The lock alone: who drives, until when, and to what end.
    #[must_use]
    pub fn lock_alone(&self) -> Self {
        Self {
            work: None,
            ..self.clone()
        }
    }

    /// Wishes that were left for this fence or a later one are about this work.
    pub fn told_since(&self) -> Fence {
        self.first.unwrap_or(self.fence)
    }

    pub fn renew(&mut self, now: Timestamp) {
        self.expires = now + LEASE;
    }

    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.expires
    }

    /// Whether it is time to renew the lease: when half of it has passed, never at every look.
    pub fn is_ageing(&self, now: Timestamp) -> bool {
        self.expires.duration_since(now) <= LEASE / 2
    }

    /// What is left to finish or to undo. A rollout that ordered nothing left nothing.
    pub fn unfinished(&self) -> Option<&Work> {
        self.work.as_ref().filter(|work| work.has_ordered())
    }
}

impl Work {
    /// `None` until there is a revision.
    pub fn of(plan: &Plan, state: &State) -> Option<Self> {
        let revision = Revision::Existing(state.revision.clone()?);
        Some(Self {
            plan: Plan {
                revision,
                ..plan.clone()
            },
            state: state.clone(),
        })
    }

    fn has_ordered(&self) -> bool {
        let State {
            ordered,
            deployment,
            ..
        } = &self.state;
        // What is to be put away, and the canary that passed, were ordered in a phase before.
        let is_left = match self.state.phase {
            Phase::Restore { .. } => true,
            Phase::Deploy => matches!(self.plan.strategy, Strategy::Beside(_)),
            _ => false,
        };
        self.state.outcome().is_none() && (ordered.is_some() || deployment.is_some() || is_left)
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.run {
            Some(run) => write!(f, "{} ({run})", self.user),
            None => write!(f, "{} on {}, process {}", self.user, self.host, self.pid),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::id::{Cluster, ServiceName};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).expect("a small number of seconds is a time")
    }

    fn goal(document: Value) -> Goal {
        let target = ServiceKey {
            cluster: Cluster::from("main"),
            service: ServiceName::from("web"),
        };
        let wanted = TaskDefinition::from_value(document).expect("it has a family");
        Goal::of(&target, &wanted, &Intent::default())
    }

    fn document(image: &str, role: &str) -> Value {
        json!({
            "family": "web",
            "taskRoleArn": role,
            "containerDefinitions": [{"name": "web", "image": image, "essential": true}],
        })
    }

    #[test]
    fn a_fence_grows_even_where_the_clock_does_not() {
        let first = Fence::first(at(100));
        assert!(first.next(at(100)) > first);
        assert!(first.next(at(5)) > first);
        assert_eq!(first.next(at(200)), Fence::first(at(200)));
    }

    #[test]
    fn two_runs_of_one_command_have_one_goal() {
        let asked = goal(document("a:1", "web"));
        let answered = goal(document("a:1", "arn:aws:iam::1:role/web"));
        assert_eq!(asked, answered);
        assert_ne!(asked, goal(document("a:2", "web")));
    }

    fn anna() -> Owner {
        Owner {
            user: "anna".to_owned(),
            host: "laptop".to_owned(),
            pid: 7,
            run: None,
        }
    }

    /// One that was taken and left again before its first turn has not driven anything.
    #[test]
    fn work_is_unattended_since_it_was_last_set_down() {
        let unattended = |record: &Record, now| record.unattended(at(now)).as_secs();
        let goal = goal(document("a:1", "r"));
        let mut record = Record::new(anna(), Fence::first(at(0)), goal, at(0));
        assert_eq!(unattended(&record, 130), 10, "older records do not say");
        record.set_down(None, at(50));
        record.renew(at(50));
        assert_eq!(unattended(&record, 200), 150);
        assert_eq!(unattended(&record.taken_by(anna(), at(200)), 900), 850);
        assert_eq!(
            unattended(&record, 40),
            0,
            "another host's clock may be behind"
        );
    }

    #[test]
    fn a_record_is_written_over_its_own_and_over_a_dead_one_before_it() {
        let goal = goal(document("a:1", "r"));
        let dead = Record::new(anna(), Fence::first(at(0)), goal.clone(), at(0));
        let bert = Owner {
            user: "bert".to_owned(),
            ..anna()
        };
        let mut ours = dead.taken_by(bert.clone(), at(120));
        ours.set_down(None, at(125));
        assert!(ours.may_replace(&ours) && ours.may_replace(&dead));
        assert!(!dead.may_replace(&ours), "it is the later one's");
        let mut revived = dead.clone();
        revived.renew(at(100));
        assert!(!ours.may_replace(&revived), "it was alive all the while");
        // In the same millisecond.
        let other = Record::new(bert, dead.fence, goal, at(0));
        assert!(!other.may_replace(&dead) && !dead.may_replace(&other));
    }

    #[test]
    fn a_lease_is_renewed_when_half_of_it_has_passed() {
        let record = Record::new(
            anna(),
            Fence::first(at(0)),
            goal(document("a:1", "r")),
            at(0),
        );
        for (now, live, ageing) in [
            (0, true, false),
            (59, true, false),
            (60, true, true),
            (119, true, true),
            (120, false, true),
        ] {
            assert_eq!(record.is_live(at(now)), live, "{now}");
            assert_eq!(record.is_ageing(at(now)), ageing, "{now}");
        }
    }
}
