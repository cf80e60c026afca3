//! A record whose store does not always take it: what counts as a renewal, when it is tried again, and what is told.

use std::cell::{Cell, RefCell};

use serde_json::json;

use super::*;
use crate::core::id::{Cluster, ServiceName};
use crate::core::journal::Fence;
use crate::core::rollout::{Fault, FaultKind, Phase};
use crate::ports::Claim;

/// Takes nothing while it is out.
#[derive(Default)]
struct Shelf {
    is_out: Cell<bool>,
    denies: Cell<bool>,
    tried: Cell<u32>,
    saved: RefCell<Option<Record>>,
}

impl Shelf {
    fn answer<T>(&self, answer: T) -> Result<T, JournalError> {
        let kind = if self.denies.get() {
            FaultKind::Denied
        } else {
            FaultKind::Unanswered
        };
        let silent = Fault {
            operation: "PutParameter".to_owned(),
            kind,
            code: String::new(),
            message: "no answer".to_owned(),
        };
        if self.is_out.get() {
            Err(silent.into())
        } else {
            Ok(answer)
        }
    }
}

impl Journal for Shelf {
    async fn load(&self, _: &RolloutId) -> Result<Option<Record>, JournalError> {
        self.answer(self.saved.borrow().clone())
    }

    async fn claim(
        &self,
        _: &RolloutId,
        _: &Record,
        _: Option<Fence>,
    ) -> Result<Claim, JournalError> {
        self.answer(Claim::Locked)
    }

    async fn save(&self, _: &RolloutId, record: &Record) -> Result<(), JournalError> {
        self.tried.set(self.tried.get() + 1);
        self.answer(())?;
        self.saved.replace(Some(record.clone()));
        Ok(())
    }

    async fn release(&self, _: &RolloutId, _: Fence) -> Result<(), JournalError> {
        self.answer(())
    }

    async fn wish(&self, _: &RolloutId, _: Fence, _: &Wish) -> Result<(), JournalError> {
        self.answer(())
    }

    async fn hear(&self, _: &RolloutId, _: Fence) -> Result<Option<Wish>, JournalError> {
        self.answer(None)
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a small number of seconds is a time")
}

/// A rollout that follows its deployment, since it entered that phase at this second.
fn following(entered: i64) -> (Plan, State) {
    let arn = "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:1";
    let plan = json!({
        "target": {"cluster": "main", "service": "web"},
        "course": "deploy",
        "strategy": "rolling",
        "why": "it was asked for",
        "revision": {"existing": arn},
        "before": {"deployment": "ecs-svc/1", "task_definition": arn, "serving": arn, "desired_count": 2},
        "redeploy": "WhenChanged",
        "intent": crate::core::service::Intent::default(),
    });
    let plan: Plan = serde_json::from_value(plan).expect("it is a plan");
    let mut state = State::begin(&plan, at(0));
    state.deployment = Some("ecs-svc/2".into());
    state.enter(Phase::Follow, at(entered));
    (plan, state)
}

fn keeper(shelf: &Shelf) -> Keeper<'_, Shelf> {
    let owner = Owner {
        user: "anna".to_owned(),
        host: "laptop".to_owned(),
        pid: 7,
        run: None,
    };
    let goal = serde_json::from_value(json!("sha256:00")).expect("a goal is a text");
    let record = Record::new(owner, Fence::first(at(0)), goal, at(0));
    let target = RolloutId {
        cluster: Cluster::from("main"),
        service: ServiceName::from("web"),
    };
    Keeper::new(shelf, target, record, Troubled::No)
}

fn told(event: Option<Event>) -> String {
    match event {
        Some(Event::Trouble { message, .. }) => message,
        None => String::new(),
        other => panic!("no trouble: {other:?}"),
    }
}

#[tokio::test]
async fn a_write_that_did_not_work_renews_nothing_and_is_made_up_for() {
    let shelf = Shelf::default();
    let mut keeper = keeper(&shelf);
    let (plan, state) = following(5);
    let keep = async |keeper: &mut Keeper<'_, Shelf>, occasion, second| {
        let kept = keeper.keep(&plan, &state, occasion, at(second)).await;
        told(kept.expect("nobody took it over"))
    };
    shelf.is_out.set(true);
    let said = keep(&mut keeper, Occasion::Look, 5).await;
    assert!(said.ends_with("leaves nothing to take up"), "{said}");
    assert_eq!(
        keeper.record().expires,
        at(120),
        "the lease that was claimed"
    );
    // Not at each look, but before each change.
    keep(&mut keeper, Occasion::Look, 14).await;
    assert_eq!(shelf.tried.get(), 1);
    keep(&mut keeper, Occasion::Change, 14).await;
    assert_eq!(shelf.tried.get(), 2);
    shelf.is_out.set(false);
    keep(&mut keeper, Occasion::Look, 23).await;
    assert_eq!(shelf.tried.get(), 2);
    // There is no news, but what there was is on record nowhere yet.
    keep(&mut keeper, Occasion::Look, 24).await;
    assert_eq!((shelf.tried.get(), keeper.record().expires), (3, at(144)));
    keep(&mut keeper, Occasion::Look, 40).await;
    assert_eq!((shelf.tried.get(), keeper.due()), (3, at(84)));
}

#[tokio::test]
async fn a_renewal_that_did_not_work_is_tried_again_soon() {
    let shelf = Shelf::default();
    let mut keeper = keeper(&shelf);
    let (plan, state) = following(5);
    shelf.is_out.set(true);
    let renewed = keeper.renew(&plan, &state, at(60)).await;
    assert!(renewed.is_ok(), "{renewed:?}");
    assert_eq!((keeper.due(), keeper.record().expires), (at(70), at(120)));
    shelf.is_out.set(false);
    let renewed = keeper.renew(&plan, &state, at(70)).await;
    assert_eq!(renewed, Ok(None));
    assert_eq!((keeper.due(), keeper.record().expires), (at(130), at(190)));
}

#[tokio::test]
async fn what_was_refused_is_not_asked_for_at_every_look() {
    let shelf = Shelf::default();
    let mut keeper = keeper(&shelf);
    let (plan, state) = following(5);
    shelf.is_out.set(true);
    shelf.denies.set(true);
    for second in [5, 20, 35, 50, 64, 65] {
        let kept = keeper.keep(&plan, &state, Occasion::Look, at(second)).await;
        assert!(kept.is_ok(), "{kept:?}");
    }
    assert_eq!(shelf.tried.get(), 2);
    let kept = keeper.keep(&plan, &state, Occasion::Change, at(66)).await;
    assert!(kept.is_ok(), "{kept:?}");
    assert_eq!(shelf.tried.get(), 3);
}

/// As when credentials end: what was written stays on record.
#[tokio::test]
async fn trouble_after_a_write_says_what_is_on_record() {
    let shelf = Shelf::default();
    let mut keeper = keeper(&shelf);
    let (plan, state) = following(5);
    let kept = keeper.keep(&plan, &state, Occasion::Look, at(5)).await;
    assert_eq!(kept, Ok(None));
    shelf.is_out.set(true);
    let kept = keeper.keep(&plan, &state, Occasion::Leave, at(40)).await;
    assert_eq!(
        told(kept.expect("nobody took it over")),
        "no answer; a run that dies now is taken up from how it stood at 1970-01-01T00:00:05Z"
    );
    let saved = shelf.saved.borrow().clone().expect("it was written");
    assert_eq!(saved.work.expect("with its work").state, state);
}

#[test]
fn a_wish_that_was_heard_stands_when_the_journal_is_silent_afterwards() {
    let shelf = Shelf::default();
    let mut keeper = keeper(&shelf);
    let by = "carla".to_owned();
    let abort = Some(Wish::Undo { by });
    assert_eq!(
        keeper.heard(Some(Ok(abort.clone())), at(20)),
        (abort.clone(), None)
    );
    shelf.is_out.set(true);
    let silent = shelf.answer(None);
    assert_eq!(keeper.heard(Some(silent), at(40)).0, abort);
}
