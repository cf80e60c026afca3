//! What a dead run left of another release is never completed for it: it goes back, or gives its place to what is wanted.

use ecsdeploy::core::fate::Fate;
use ecsdeploy::core::id::TaskDefinitionArn;
use ecsdeploy::core::plan::Plan;
use ecsdeploy::core::service::{CanarySize, Detach, StrategyAsked};

use super::*;

/// A release of the example's service, with a canary beside it where that was asked for.
fn release(tag: &str, strategy: StrategyAsked) -> Request {
    let mut request = web(tag);
    request.intent.strategy = strategy;
    request.intent.bake = Duration::from_mins(1);
    request.intent.hold = Some(Duration::from_secs(30));
    request.intent.limits.timeout = Duration::from_hours(1);
    request
}

fn fates(report: &Report) -> Vec<Fate> {
    let entries = report.entries.iter();
    let found = entries.filter_map(|entry| match entry.event {
        Event::TakenUp { fate, .. } => Some(fate),
        _ => None,
    });
    found.collect()
}

fn outcomes(report: &Report) -> Vec<&Outcome> {
    let entries = report.entries.iter();
    let ended = entries.filter_map(|entry| match &entry.event {
        Event::Finished(outcome) => Some(outcome),
        _ => None,
    });
    ended.collect()
}

fn plan_of(ran: Ran) -> Plan {
    match ran {
        Ran::Ended { plan, .. } => *plan,
        other => panic!("it did not end: {other:?}"),
    }
}

fn short(revision: Option<&TaskDefinitionArn>) -> &str {
    revision.map_or("", TaskDefinitionArn::short)
}

async fn services(stage: &Stage) -> usize {
    let listed = stage.ecs().list_services().cluster("main").send().await;
    listed.unwrap().service_arns().len()
}

async fn task_sets(stage: &Stage) -> usize {
    let described = stage.ecs().describe_services().cluster("main");
    let described = described.services("web").send().await.unwrap();
    described.services()[0].task_sets().len()
}

/// The run of 1.1.0 that a signal ended at its nth sleep; then 1.0.9 by somebody else.
async fn check(example: &str, strategy: StrategyAsked, sleeps: u32, fate: Fate) {
    let name = format!("{example} after {sleeps} sleeps");
    let stage = Stage::example(example);
    let sets = task_sets(&stage).await;
    let left = cut(&stage, release("1.1.0", strategy), sleeps, OnCancel::Leave).await;
    assert!(is_interrupted(&left), "{name}: {left:?}");
    let (ran, report) = run(&stage, release("1.0.0", strategy), "bert").await;
    assert_eq!(fates(&report), [fate], "{name}");
    let plan = plan_of(ran);
    let ended = outcomes(&report);
    assert!(
        matches!(ended.last(), Some(Outcome::Completed | Outcome::Unchanged)),
        "{name}: {ended:?}"
    );
    if fate == Fate::GoesBack {
        let went_back = matches!(ended[0], Outcome::RolledBack { cause } if cause.is_asked_for());
        assert!(went_back && ended.len() == 2, "{name}: {ended:?}");
    }
    assert_eq!(short(plan.before.serving.as_ref()), "web:1", "{name}");
    assert_eq!(services(&stage).await, 1, "{name}");
    if example != "code-deploy" {
        // The old set of the wanted release is CodeDeploy's to terminate.
        assert_eq!(task_sets(&stage).await, sets, "{name}");
    }
    assert_eq!(stage.parameters(), Vec::<String>::new(), "{name}");
}

const ORDINARY: StrategyAsked = StrategyAsked::Auto;

#[tokio::test]
async fn a_half_deployed_rolling_release_gives_its_place() {
    Box::pin(check("fargate-web", ORDINARY, FOLLOWING, Fate::Replaced)).await;
}

#[tokio::test]
async fn a_canary_of_a_release_that_was_cancelled_is_put_away() {
    let canary = StrategyAsked::Canary(CanarySize::Tasks(1));
    Box::pin(check("fargate-web", canary, 8, Fate::GoesBack)).await;
    Box::pin(check("fargate-web", canary, 30, Fate::GoesBack)).await;
}

#[tokio::test]
async fn a_native_shift_is_stopped_and_goes_back() {
    Box::pin(check("fargate-canary-shift", ORDINARY, 12, Fate::GoesBack)).await;
}

#[tokio::test]
async fn of_task_sets_the_weights_go_back_and_the_new_set_goes() {
    Box::pin(check("external-task-sets", ORDINARY, 10, Fate::GoesBack)).await;
    Box::pin(check("external-task-sets", ORDINARY, 25, Fate::GoesBack)).await;
}

#[tokio::test]
async fn a_deployment_of_codedeploys_is_stopped_and_goes_back() {
    Box::pin(check("code-deploy", ORDINARY, 12, Fate::GoesBack)).await;
}

#[tokio::test]
async fn the_way_back_is_what_served_before_the_dead_run() {
    let stage = Stage::example("fargate-web");
    cut(&stage, web("1.1.0"), FOLLOWING, OnCancel::Leave).await;
    let (ran, report) = run(&stage, web("1.2.0"), "bert").await;
    assert_eq!(fates(&report), [Fate::Replaced]);
    let ended = outcome(ran);
    assert!(matches!(ended, Outcome::RolledBack { .. }), "{ended:?}");
    assert_eq!(serving(&stage).await, "web:1");
}

#[tokio::test]
async fn an_undo_that_was_begun_is_finished_first() {
    let stage = Stage::example("fargate-web");
    cut(&stage, web("1.1.0"), FOLLOWING, OnCancel::RollBack).await;
    let (ran, report) = run(&stage, web("1.2.0"), "bert").await;
    assert_eq!(fates(&report), [Fate::GoesOn]);
    let first = outcomes(&report)[0];
    assert!(matches!(first, Outcome::RolledBack { cause } if cause.is_asked_for()));
    assert_eq!(short(plan_of(ran).before.serving.as_ref()), "web:1");
}

#[tokio::test]
async fn what_was_handed_over_is_left_to_ecs_until_it_has_completed() {
    for example in ["fargate-web", "fargate-canary-shift"] {
        let stage = Stage::example(example);
        let mut request = release("1.1.0", ORDINARY);
        request.intent.detach = Detach::Finish;
        run(&stage, request, "anna").await;
        let journal = Auto::new(&stage.config);
        let mut listener = Listener(Report::new());
        let other = release("1.0.0", ORDINARY);
        let refused = roll_out(other.clone(), &stage.means(&journal), &mut listener).await;
        assert!(
            matches!(&refused, Err(SurveyError::Refused(_))),
            "{example}: {refused:?}"
        );
        assert_eq!(fates(&listener.0), [Fate::Left], "{example}");
        let later = stage.clock.now() + Duration::from_mins(40);
        stage.clock.sleep_until(later).await;
        let (ran, report) = run(&stage, other, "bert").await;
        assert_eq!(
            short(plan_of(ran).before.serving.as_ref()),
            "web:2",
            "{example}: what completed serves"
        );
        assert_eq!(fates(&report).len(), 1, "{example}");
        assert_eq!(stage.calls("StopServiceDeployment"), 0, "{example}");
        assert_eq!(stage.parameters(), Vec::<String>::new(), "{example}");
    }
}

#[tokio::test]
async fn an_owner_that_ends_while_it_is_waited_for_is_not_waited_for_any_longer() {
    let stage = Stage::example("fargate-web");
    let record = hold(&stage, &web("1.1.0"), "anna").await;
    let began = stage.clock.now();
    let ends = async {
        while stage.clock.now().duration_since(began).as_secs() < 20 {
            tokio::task::yield_now().await;
        }
        let journal = Parameters::new(&stage.config);
        journal.release(&id(), record.fence).await.unwrap();
    };
    let ((ran, report), ()) = tokio::join!(run(&stage, web("1.1.0"), "bert"), ends);
    assert_eq!(outcome(ran), Outcome::Completed);
    let waited = report.entries[1].at.duration_since(report.entries[0].at);
    assert!(waited.as_secs() <= 60, "{waited}");
}
