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
    assert_eq!(came_back(&stage).await, ("web:2".to_owned(), String::new()));
    assert_eq!(serving(&stage).await, "web:1");
}

/// What the service went back from, and where going further back would lead.
async fn came_back(stage: &Stage) -> (String, String) {
    let updates = stage.calls("UpdateService") + stage.calls("CreateDeployment");
    let refused = going_back(stage, To::Previous).await;
    let Err(SurveyError::CameBack { left, further, .. }) = refused else {
        panic!("{refused:?}");
    };
    let after = stage.calls("UpdateService") + stage.calls("CreateDeployment");
    assert_eq!(after, updates, "it stays");
    let further = further.map_or(String::new(), |it| it.short().to_owned());
    (left.short().to_owned(), further)
}

#[tokio::test]
async fn after_a_release_that_was_taken_back_it_goes_no_further() {
    let expected = |further: &str| ("web:3".to_owned(), further.to_owned());
    for (example, further) in [
        ("fargate-web", "web:1"),
        ("fargate-canary-shift", "web:1"),
        // What was there at first was not of CodeDeploy's making.
        ("code-deploy", ""),
    ] {
        let stage = Stage::example(example);
        run(&stage, web("1.1.0"), "anna").await;
        // CodeDeploy keeps the old tasks for a while.
        hours_later(&stage).await;
        run(&stage, web("1.2.0"), "anna").await;
        hours_later(&stage).await;
        assert_eq!(came_back(&stage).await, expected(further), "{example}");
    }
    // By ECS alone, with nobody beside it.
    let stage = Stage::example("fargate-web");
    run(&stage, web("1.1.0"), "anna").await;
    stage.deploy_by_hand("1.2.0");
    hours_later(&stage).await;
    assert_eq!(serving(&stage).await, "web:2");
    assert_eq!(came_back(&stage).await, expected("web:1"));
}

async fn hours_later(stage: &Stage) {
    let later = stage.clock.now() + Duration::from_hours(2);
    stage.clock.sleep_until(later).await;
}

/// How ECS stands with its newest deployment.
async fn status(stage: &Stage) -> String {
    let ecs = stage.ecs();
    let listed = ecs.list_service_deployments();
    let listed = listed.cluster("main").service("web").send().await.unwrap();
    let newest = listed.service_deployments()[0].status();
    newest.unwrap().as_str().to_owned()
}

#[tokio::test]
async fn what_codedeploy_still_moves_is_not_taken_for_what_serves() {
    let stage = Stage::example("code-deploy");
    run(&stage, web("1.1.0"), "anna").await;
    // It has moved, and waits to end the old tasks. What was there before was not of CodeDeploy's making.
    let unknown = going_back(&stage, To::Previous).await;
    assert!(
        matches!(unknown, Err(SurveyError::NoPrevious(_))),
        "{unknown:?}"
    );
    hours_later(&stage).await;
    cut(&stage, web("1.2.0"), FOLLOWING, OnCancel::Leave).await;
    let journal = Parameters::new(&stage.config);
    let record = journal.load(&id()).await.unwrap().unwrap();
    journal.release(&id(), record.fence).await.unwrap();
    let refused = going_back(&stage, To::Previous).await;
    assert!(
        matches!(&refused, Err(SurveyError::CodeDeployMoves { serves, .. }) if serves.short() == "web:2"),
        "{refused:?}"
    );
}

/// ECS is told to go back by somebody else.
async fn stop(stage: &Stage) {
    let ecs = stage.ecs();
    let listed = ecs.list_service_deployments();
    let listed = listed.cluster("main").service("web").send().await.unwrap();
    let newest = listed.service_deployments()[0].service_deployment_arn();
    let stop = ecs.stop_service_deployment();
    let stopped = stop.service_deployment_arn(newest.unwrap()).send().await;
    stopped.unwrap();
}

/// Goes back while ECS does, which is only watched.
async fn check_watched(stage: &Stage, name: &str) {
    let orders = |stage: &Stage| {
        let ordering = ["UpdateService", "StopServiceDeployment"];
        ordering.map(|operation| stage.calls(operation))
    };
    let before = orders(stage);
    let mut listener = Listener(Report::new());
    let ran = told_to_go_back(stage, To::Previous, &mut listener).await;
    assert_eq!(outcome(ran.unwrap()), Outcome::Completed, "{name}");
    assert_eq!(orders(stage), before, "{name}");
    assert_eq!(serving(stage).await, "web:2", "{name}");
    assert_eq!(status(stage).await, "ROLLBACK_SUCCESSFUL", "{name}");
    let to = listener.0.goes_back_to().map(|it| it.short().to_owned());
    assert_eq!(to.as_deref(), Some("web:2"), "{name}");
}

#[tokio::test]
async fn while_ecs_goes_back_it_is_watched_and_led_no_further() {
    for example in ["fargate-web", "fargate-canary-shift"] {
        let stage = Stage::example(example);
        run(&stage, web("1.1.0"), "anna").await;
        stage.deploy_by_hand("1.2.0");
        while status(&stage).await != "ROLLBACK_IN_PROGRESS" {
            let later = stage.clock.now() + Duration::from_secs(20);
            stage.clock.sleep_until(later).await;
        }
        check_watched(&stage, example).await;
    }
    let stage = Stage::example("fargate-web");
    run(&stage, web("1.1.0"), "anna").await;
    stage.deploy_by_hand("1.2.0");
    let later = stage.clock.now() + Duration::from_secs(20);
    stage.clock.sleep_until(later).await;
    stop(&stage).await;
    check_watched(&stage, "told to").await;
}
