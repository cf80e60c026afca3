//! The press beside its work: what is posted, how often it is tried, and that the work never waits for it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::*;
use crate::core::post::{Light, Pace};
use crate::ports::Wake;

/// Time passes only by sleeping.
#[derive(Clone, Default)]
struct Hours(Rc<Cell<i64>>);

impl Clock for Hours {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.get()).unwrap()
    }

    async fn sleep_until(&self, until: Timestamp) -> Wake {
        tokio::task::yield_now().await;
        self.0.set(self.0.get().max(until.as_second()));
        Wake::Due
    }

    async fn pass_until(&self, _: Timestamp) -> Wake {
        std::future::pending().await
    }
}

/// Answers by what is left in its script, else takes everything.
#[derive(Default)]
struct Wall {
    script: RefCell<Vec<ForgeError>>,
    posted: RefCell<Vec<String>>,
    calls: Cell<usize>,
}

impl Wall {
    fn take(&self, what: String) -> Result<(), ForgeError> {
        self.calls.set(self.calls.get() + 1);
        if let Some(error) = self.script.borrow_mut().pop() {
            return Err(error);
        }
        self.posted.borrow_mut().push(what);
        Ok(())
    }
}

impl Forge for Wall {
    async fn upsert(&self, comment: &Comment) -> Result<(), ForgeError> {
        self.take(comment.body.clone())
    }

    async fn mark(&self, status: &Status) -> Result<(), ForgeError> {
        self.take(format!("{:?}", status.light))
    }
}

fn bulletin(body: &str, light: Light, edition: Edition) -> Bulletin {
    Bulletin {
        comment: Some(Comment {
            marker: String::new(),
            body: body.to_owned(),
        }),
        statuses: vec![Status {
            at: Place::Commit,
            name: "x".to_owned(),
            light,
            says: String::new(),
        }],
        edition,
    }
}

fn busy(seconds: u64) -> ForgeError {
    ForgeError::Busy {
        what: "post".to_owned(),
        said: "slow down".to_owned(),
        wait: Some(Duration::from_secs(seconds)),
    }
}

fn denied() -> ForgeError {
    ForgeError::Denied {
        what: "post".to_owned(),
        said: "no".to_owned(),
        needs: "leave".to_owned(),
    }
}

fn unanswered() -> ForgeError {
    ForgeError::Unanswered {
        what: "post".to_owned(),
        said: "silence".to_owned(),
    }
}

/// What is posted, how many troubles are told, and the seconds it takes, when the last bulletin meets these answers.
async fn check(script: Vec<ForgeError>, posted: &[&str], troubles: usize, seconds: i64) {
    let (clock, wall, told) = (Hours::default(), Wall::default(), Cell::new(0));
    let said = format!("{script:?}");
    *wall.script.borrow_mut() = script.into_iter().rev().collect();
    let note = |_: &ForgeError| told.set(told.get() + 1);
    let (outbox, press) = press(&wall, &clock, &note);
    outbox.lay(bulletin("end", Light::Green, Edition::Last));
    assert_eq!(alongside(async { 7 }, press).await, 7);
    assert_eq!(*wall.posted.borrow(), posted, "{said}");
    assert_eq!((told.get(), clock.0.get()), (troubles, seconds), "{said}");
}

#[tokio::test]
async fn the_last_word_is_tried_a_few_times_and_what_is_denied_once() {
    check(vec![], &["end", "Green"], 0, 0).await;
    check(vec![unanswered()], &["Green", "end"], 1, 1).await;
    check(vec![busy(20), busy(20)], &["end", "Green"], 1, 20).await;
    check(vec![busy(3600)], &["Green", "end"], 1, 30).await;
    check(vec![denied()], &["Green"], 1, 0).await;
    let never = || (0..20).map(|_| unanswered()).collect();
    check(never(), &[], 1, 1 + 2 + 4).await;
}

#[tokio::test]
async fn a_ten_minute_rollout_costs_a_post_each_pace_and_no_more() {
    let (clock, wall) = (Hours::default(), Wall::default());
    let note = |error: &ForgeError| panic!("{error}");
    let (outbox, press) = press(&wall, &clock, &note);
    let work = async {
        let mut pace = Pace::default();
        for look in 0..120 {
            if pace.strikes(clock.now()) {
                outbox.lay(bulletin(
                    &format!("look {look}"),
                    Light::Underway,
                    Edition::Live,
                ));
            }
            clock
                .sleep_until(clock.now() + Duration::from_secs(5))
                .await;
        }
        outbox.lay(bulletin("end", Light::Green, Edition::Last));
        drop(outbox);
    };
    alongside(work, press).await;
    let posted = wall.posted.borrow();
    assert_eq!(posted.last().map(String::as_str), Some("Green"));
    assert_eq!(
        posted.iter().filter(|it| it.starts_with("look")).count(),
        600 / 15
    );
    assert_eq!(
        wall.calls.get(),
        600 / 15 + 1 + 2,
        "comments, and the status when it changes"
    );
}

#[tokio::test]
async fn a_forge_that_asks_for_rest_gets_it() {
    let (clock, wall) = (Hours::default(), Wall::default());
    wall.script.borrow_mut().extend([busy(60), busy(60)]);
    let note = |_: &ForgeError| {};
    let (outbox, press) = press(&wall, &clock, &note);
    let work = async {
        for look in 0..10 {
            outbox.lay(bulletin(&look.to_string(), Light::Underway, Edition::Live));
            clock
                .sleep_until(clock.now() + Duration::from_secs(15))
                .await;
        }
        drop(outbox);
    };
    alongside(work, press).await;
    assert!(wall.calls.get() <= 2 + 7, "{}", wall.calls.get());
    assert_eq!(wall.posted.borrow().first().map(String::as_str), Some("4"));
}

/// A forge that never answers.
struct Silence;

impl Forge for Silence {
    async fn upsert(&self, _: &Comment) -> Result<(), ForgeError> {
        std::future::pending().await
    }

    async fn mark(&self, _: &Status) -> Result<(), ForgeError> {
        std::future::pending().await
    }
}

/// Gives the last calls no time at all.
struct Hurried;

impl Clock for Hurried {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    async fn sleep_until(&self, _: Timestamp) -> Wake {
        Wake::Interrupted
    }

    async fn pass_until(&self, _: Timestamp) -> Wake {
        Wake::Interrupted
    }

    async fn attend<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        drop(work);
        None
    }
}

#[tokio::test]
async fn the_work_never_waits_for_a_forge() {
    let note = |_: &ForgeError| {};
    let (outbox, press) = press(&Silence, &Hurried, &note);
    outbox.lay(bulletin("begin", Light::Underway, Edition::Live));
    let work = async {
        outbox.lay(bulletin("end", Light::Red, Edition::Last));
        drop(outbox);
        "done"
    };
    assert_eq!(alongside(work, press).await, "done");
}
