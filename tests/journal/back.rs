//! `ecsdeploy rollback` beside a living run, and twice: it counts only that the old revision serves.

use ecsdeploy::core::report::BackTo;
use ecsdeploy::core::service::{CanarySize, StrategyAsked};

use super::*;

fn with_a_canary(tag: &str) -> Request {
    let mut request = web(tag);
    request.intent.strategy = StrategyAsked::Canary(CanarySize::Tasks(1));
    request.intent.bake = Duration::from_mins(1);
    request.intent.limits.timeout = Duration::from_hours(1);
    request
}

/// Goes back once the record of the living run is so far.
async fn back_when(stage: &Stage, is_there: impl Fn(&Phase) -> bool) -> (Outcome, Report) {
    let journal = Auto::new(&stage.config);
    loop {
        tokio::task::yield_now().await;
        let record = journal.load(&id()).await.unwrap();
        let work = record.and_then(|record| record.unfinished().cloned());
        if work.is_some_and(|work| is_there(&work.state.phase)) {
            break;
        }
    }
    let mut listener = Listener(Report::new());
    let ran = told_to_go_back(stage, To::Previous, &mut listener).await;
    (outcome(ran.unwrap()), listener.0)
}

fn is_cancelled(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::RolledBack { cause } if cause.is_asked_for())
}

#[tokio::test]
async fn beside_a_living_run_it_stays_until_the_old_revision_serves() {
    for (request, name) in [
        (web("1.1.0"), "rolling"),
        (with_a_canary("1.1.0"), "canary"),
    ] {
        let stage = Stage::example("fargate-web");
        let back = back_when(&stage, |_| true);
        let ((ran, _), (back, said)) = tokio::join!(run(&stage, request, "anna"), back);
        assert!(is_cancelled(&outcome(ran)), "{name}");
        assert!(is_cancelled(&back), "{name}: {back:?}");
        let told = |event: &Event| {
            matches!(
                event,
                Event::GoingBack {
                    why: BackTo::Told(_),
                    ..
                }
            )
        };
        assert_eq!(count(&said, told), 1, "{name}");
        assert_eq!(serving(&stage).await, "web:1", "{name}");
        assert_eq!(stage.parameters(), Vec::<String>::new(), "{name}");
    }
}

#[tokio::test]
async fn a_living_run_that_only_puts_away_is_waited_for_and_its_release_taken_back() {
    let stage = Stage::example("fargate-web");
    let back = back_when(&stage, |phase| matches!(phase, Phase::Restore { .. }));
    let ((ran, _), (back, said)) = tokio::join!(run(&stage, with_a_canary("1.1.0"), "anna"), back);
    assert_eq!(outcome(ran), Outcome::Completed);
    assert_eq!(back, Outcome::Completed);
    let late = |event: &Event| {
        matches!(
            event,
            Event::GoingBack {
                why: BackTo::TooLate,
                ..
            }
        )
    };
    assert_eq!(count(&said, late), 1);
    assert_eq!(serving(&stage).await, "web:1");
}

#[tokio::test]
async fn a_dead_run_that_only_put_away_is_taken_back_as_well() {
    let stage = Stage::example("fargate-web");
    // Each goes on from the one before; a turn that only looks sleeps for no time.
    loop {
        let left = cut(&stage, with_a_canary("1.1.0"), 6, OnCancel::Leave).await;
        let Ran::Interrupted {
            stood: Some((_, state)),
        } = left
        else {
            panic!("it never put away: {left:?}");
        };
        if matches!(state.phase, Phase::Restore { .. }) {
            break;
        }
    }
    let ended = outcome(going_back(&stage, To::Previous).await.unwrap());
    assert_eq!(ended, Outcome::Completed);
    assert_eq!(serving(&stage).await, "web:1");
}

#[tokio::test]
async fn going_back_twice_does_not_put_the_bad_release_back() {
    let stage = Stage::example("fargate-web");
    run(&stage, web("1.1.0"), "anna").await;
    assert_eq!(serving(&stage).await, "web:2");
    let ran = going_back(&stage, To::Previous).await.unwrap();
    assert_eq!(outcome(ran), Outcome::Completed);
    assert_eq!(serving(&stage).await, "web:1");
    let again = going_back(&stage, To::Previous).await;
    assert!(
        matches!(&again, Err(SurveyError::CameBack { left, .. }) if left.short() == "web:2"),
        "{again:?}"
    );
    assert_eq!(serving(&stage).await, "web:1");
}
