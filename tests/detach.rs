//! Rollouts that are handed over to AWS's own engine: what it comes to when somebody returns, and when nobody does.
#![expect(
    clippy::unwrap_used,
    reason = "a panic in a test is a failure with its place"
)]

#[expect(dead_code, reason = "each suite uses a part of the stage")]
mod common;

use std::time::Duration;

use common::{Listener, Stage, outcome, with_image};
use ecsdeploy::adapters::aws::{Auto, Aws};
use ecsdeploy::core::handover::{Handover, LeftBehind};
use ecsdeploy::core::live::{Target, TargetState};
use ecsdeploy::core::plan::Refusal;
use ecsdeploy::core::report::{Event, Outcome, Report};
use ecsdeploy::core::rollout::{Action, Fault, Observation, Receipt, Seen, Watch};
use ecsdeploy::core::service::Detach;
use ecsdeploy::engine::{Ran, Request, SurveyError, Unawaited, roll_out, spectate};
use ecsdeploy::ports::{Cloud, Journal};

fn web(tag: &str, detach: Detach) -> Request {
    let image = format!("123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:{tag}");
    let mut request = with_image("main", "web", &image);
    request.intent.limits.timeout = Duration::from_hours(1);
    request.intent.detach = detach;
    request
}

/// Hands over, and gives what was said of it.
async fn hand_over(stage: &Stage, tag: &str, detach: Detach) -> Handover {
    let journal = Auto::new(&stage.config);
    let mut listener = Listener(Report::new());
    let ran = roll_out(web(tag, detach), &stage.means(&journal), &mut listener).await;
    assert!(matches!(ran.unwrap(), Ran::HandedOver { .. }));
    assert!(listener.0.seconds() < 120, "it does not stay");
    let mut said = listener
        .0
        .entries
        .iter()
        .filter_map(|entry| match &entry.event {
            Event::HandedOver { to, .. } => Some(*to),
            _ => None,
        });
    said.next().unwrap()
}

/// A watcher with so much patience, and what it was told.
async fn watch(stage: &Stage, minutes: u64) -> (Ran, Vec<Event>) {
    watch_in(&stage.aws, stage, minutes).await
}

async fn watch_in(cloud: &impl Cloud, stage: &Stage, minutes: u64) -> (Ran, Vec<Event>) {
    let journal = Auto::new(&stage.config);
    let mut listener = Listener(Report::new());
    let target = web("1.1.0", Detach::No).target;
    let timeout = Duration::from_mins(minutes);
    let watched = spectate(
        &target,
        timeout,
        cloud,
        &stage.clock,
        &journal,
        &mut listener,
    );
    let ran = watched.await.unwrap();
    let entries = listener.0.entries.into_iter();
    (ran, entries.map(|entry| entry.event).collect())
}

fn later(stage: &Stage, minutes: u64) {
    let mut sandbox = stage.sandbox.lock();
    let later = sandbox.now() + ecsdeploy::sandbox::Duration::from_secs(60 * minutes);
    sandbox.advance(later);
}

/// The revision that serves, and how many lifecycle hooks the service has.
async fn serving(stage: &Stage) -> (String, usize) {
    let ecs = stage.ecs();
    let described = ecs.describe_services().cluster("main").services("web");
    let described = described.send().await.unwrap();
    let service = &described.services()[0];
    let primary = service
        .task_sets()
        .iter()
        .find(|set| set.status() == Some("PRIMARY"));
    let runs = primary.map_or(service.task_definition(), |set| set.task_definition());
    let hooks = service
        .deployment_configuration()
        .map_or(0, |set| set.lifecycle_hooks().len());
    let name = runs.unwrap().rsplit('/').next().unwrap().to_owned();
    (name, hooks)
}

#[tokio::test]
async fn ecs_finishes_a_shift_by_itself_and_nothing_is_left_on_the_service() {
    let stage = Stage::example("fargate-canary-shift");
    let before = serving(&stage).await.1;
    let to = hand_over(&stage, "1.1.0", Detach::Finish).await;
    let left_behind = LeftBehind::Nothing;
    assert_eq!(to, Handover::EcsFinishes { left_behind });
    later(&stage, 60);
    assert_eq!(serving(&stage).await, ("web:2".to_owned(), before));
    assert_eq!(stage.calls("ContinueServiceDeployment"), 0);
    let story = stage.rollout(web("1.1.0", Detach::No)).await.unwrap();
    assert_eq!(
        story.outcome,
        Outcome::Completed,
        "who comes later learns how it ended"
    );
    assert_eq!(stage.parameters(), Vec::<String>::new());
}

#[tokio::test]
async fn a_shift_that_is_held_is_rolled_back_if_nobody_returns() {
    let stage = Stage::example("fargate-canary-shift");
    assert_eq!(
        hand_over(&stage, "1.1.0", Detach::Hold).await,
        Handover::EcsWaits { minutes: 30 }
    );
    later(&stage, 60);
    assert_eq!(serving(&stage).await.0, "web:1");
}

#[tokio::test]
async fn the_same_command_attaches_and_stays_to_the_verdict() {
    for (example, detach) in [
        ("fargate-canary-shift", Detach::Hold),
        ("fargate-web", Detach::Finish),
        ("code-deploy", Detach::Finish),
    ] {
        let stage = Stage::example(example);
        let before = serving(&stage).await.1;
        hand_over(&stage, "1.1.0", detach).await;
        let story = stage.rollout(web("1.1.0", detach)).await.unwrap();
        assert_eq!(story.outcome, Outcome::Completed, "{example}");
        assert_eq!(
            serving(&stage).await,
            ("web:2".to_owned(), before),
            "{example}"
        );
        assert_eq!(stage.parameters(), Vec::<String>::new(), "{example}");
    }
}

#[tokio::test]
async fn codedeploy_goes_back_if_nobody_lets_it_go_on() {
    let stage = Stage::example("code-deploy");
    let to = hand_over(&stage, "1.1.0", Detach::Finish).await;
    assert_eq!(to, Handover::CodeDeployWaits { minutes: 15 });
    later(&stage, 30);
    assert_eq!(serving(&stage).await.0, "web:1");
}

#[tokio::test]
async fn a_watcher_attaches_and_tells_the_end() {
    for example in ["fargate-web", "code-deploy"] {
        let world = std::fs::read_to_string(format!(
            "{}/examples/{example}/sandbox.yml",
            env!("CARGO_MANIFEST_DIR")
        ));
        // Nobody lets it go on, so that it must go on by itself.
        let world = world
            .unwrap()
            .replace("STOP_DEPLOYMENT", "CONTINUE_DEPLOYMENT");
        let stage = Stage::world(&world);
        hand_over(&stage, "1.1.0", Detach::Finish).await;
        let (watched, _) = watch(&stage, 60).await;
        assert_eq!(outcome(watched), Outcome::Completed, "{example}");
    }
}

#[tokio::test]
async fn a_watcher_who_comes_after_ecs_went_back_does_not_call_that_a_success() {
    let stage = Stage::example("fargate-web");
    hand_over(&stage, "1.2.0", Detach::Finish).await;
    later(&stage, 90);
    assert_eq!(serving(&stage).await.0, "web:1");
    let ended = outcome(watch(&stage, 60).await.0);
    assert!(matches!(ended, Outcome::RolledBack { .. }), "{ended:?}");
}

/// What a watcher who finds no record of ours tells, and how often that it is not ours.
async fn watched_without_a_record(stage: &Stage) -> (Outcome, usize) {
    let (ran, told) = watch(stage, 60).await;
    let said = told.iter();
    let said = said.filter(|event| matches!(event, Event::Unrecorded { .. }));
    (outcome(ran), said.count())
}

#[tokio::test]
async fn a_watcher_tells_what_became_of_somebody_elses_deployment_and_that_it_is_not_ours() {
    for (example, tag) in [
        ("fargate-web", "1.1.0"),
        ("fargate-web", "1.2.0"),
        ("fargate-canary-shift", "1.1.0"),
    ] {
        // While it runs, and when it has long ended.
        for minutes in [0, 2, 120] {
            let stage = Stage::example(example);
            stage.deploy_by_hand(tag);
            later(&stage, minutes);
            let (ended, said) = watched_without_a_record(&stage).await;
            let expected = match tag {
                "1.1.0" => matches!(ended, Outcome::Completed),
                _ => matches!(ended, Outcome::RolledBack { .. }),
            };
            assert!(expected, "{example} {tag} after {minutes} min: {ended:?}");
            assert_eq!(said, 1, "{example} {tag} after {minutes} min");
        }
    }
}

/// A cloud in which no target is ever well.
struct Ill<'a> {
    aws: &'a Aws,
    looks: std::cell::Cell<u32>,
}

impl Cloud for Ill<'_> {
    async fn observe(&self, watch: &Watch) -> Observation {
        self.looks.set(self.looks.get() + 1);
        assert!(self.looks.get() < 200, "it looks without a pause");
        let mut seen = self.aws.observe(watch).await;
        for targets in seen.targets.values_mut() {
            if let Seen::Is(targets) = targets {
                let ill = |target: &mut Target| target.state = TargetState::Unhealthy;
                targets.iter_mut().for_each(ill);
            }
        }
        seen
    }

    async fn perform(&self, action: &Action) -> Result<Receipt, Fault> {
        self.aws.perform(action).await
    }
}

#[tokio::test]
async fn a_watcher_of_what_completed_and_never_serves_stops_when_its_time_is_over() {
    let stage = Stage::example("fargate-web");
    let (aws, looks) = (&stage.aws, std::cell::Cell::new(0));
    let (ended, _) = watch_in(&Ill { aws, looks }, &stage, 10).await;
    assert!(matches!(ended, Ran::Underway { .. }), "{ended:?}");
}

#[tokio::test]
async fn a_deployment_that_somebody_stopped_is_not_called_a_success() {
    for example in ["fargate-web", "fargate-canary-shift"] {
        for minutes in [0, 1, 60] {
            let stage = Stage::example(example);
            stage.deploy_by_hand("1.1.0");
            later(&stage, 1);
            let ecs = stage.ecs();
            let listed = ecs.list_service_deployments();
            let listed = listed.cluster("main").service("web").send().await.unwrap();
            let newest = listed.service_deployments()[0].service_deployment_arn();
            let stop = ecs.stop_service_deployment();
            let stop = stop.service_deployment_arn(newest.unwrap());
            stop.send().await.unwrap();
            later(&stage, minutes);
            let (ended, _) = watched_without_a_record(&stage).await;
            assert!(
                matches!(ended, Outcome::RolledBack { .. }),
                "{example} after {minutes} min: {ended:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_deployment_that_codedeploy_took_back_is_not_called_a_success() {
    let stage = Stage::example("code-deploy");
    hand_over(&stage, "1.1.0", Detach::Finish).await;
    later(&stage, 30);
    let journal = Auto::new(&stage.config);
    let target = web("1.1.0", Detach::No).target;
    let left = journal.load(&target).await.unwrap().unwrap();
    journal.release(&target, left.fence).await.unwrap();
    let (ended, said) = watched_without_a_record(&stage).await;
    assert!(!matches!(ended, Outcome::Completed), "{ended:?}");
    assert_eq!(said, 1);
}

#[tokio::test]
async fn a_watcher_whose_time_is_over_says_where_the_shift_stands_and_calls_it_no_failure() {
    let stage = Stage::example("fargate-canary-shift");
    hand_over(&stage, "1.1.0", Detach::Hold).await;
    let (watched, told) = watch(&stage, 5).await;
    let Ran::Underway { stands, why } = watched else {
        panic!("it goes on");
    };
    assert_eq!(why, Unawaited::TimeIsOver);
    for word in ["POST_SCALE_UP", "production weight 0 %", "rolls back at"] {
        assert!(stands.contains(word), "{stands}");
    }
    let first = &told[0];
    assert!(
        matches!(
            first,
            Event::Watching {
                deployment: Some(_),
                owner: Some(_),
                ..
            }
        ),
        "{first:?}"
    );
}

#[tokio::test]
async fn where_nothing_runs_a_watcher_says_so_and_tells_nothing_old() {
    for example in ["fargate-web", "fargate-canary-shift", "code-deploy"] {
        let stage = Stage::example(example);
        stage.rollout(web("1.1.0", Detach::No)).await.unwrap();
        later(&stage, 60);
        let (watched, said) = watch(&stage, 5).await;
        assert_eq!(outcome(watched), Outcome::Completed, "{example}");
        assert!(matches!(said[0], Event::Idle { .. }), "{example}: {said:?}");
        let old = |event: &&Event| matches!(event, Event::Service(_));
        assert_eq!(said.iter().filter(old).count(), 0, "{example}: {said:?}");
    }
}

#[tokio::test]
async fn a_watcher_is_told_of_no_event_from_before_the_deployment() {
    let stage = Stage::example("fargate-web");
    stage.rollout(web("1.1.0", Detach::No)).await.unwrap();
    let began = ecsdeploy::ports::Clock::now(&stage.clock);
    hand_over(&stage, "1.0.0", Detach::Finish).await;
    let (watched, told) = watch(&stage, 60).await;
    assert_eq!(outcome(watched), Outcome::Completed);
    let is_old = |it: &&Event| matches!(it, Event::Service(event) if event.at < began);
    let old = told.iter().filter(is_old);
    assert_eq!(old.count(), 0);
}

#[tokio::test]
async fn what_this_program_does_itself_is_not_handed_over() {
    let stage = Stage::example("external-task-sets");
    let error = stage.rollout(web("1.1.0", Detach::Finish)).await.err();
    let Some(SurveyError::Refused(refusal @ Refusal::HandOver { .. })) = error else {
        panic!("{error:?}")
    };
    assert_eq!(
        refusal.to_string(),
        "--detach does not work with task sets: the traffic between them is moved by ecsdeploy itself"
    );
    assert_eq!(stage.calls("CreateTaskSet"), 0);
}
