//! Weighted task sets that are given up, told to stop, or taken back on request, against the sandbox in virtual time.
#![expect(
    clippy::unwrap_used,
    reason = "a panic in a test is a failure with its place"
)]

#[expect(dead_code, reason = "each suite uses a part of the stage")]
mod common;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use aws_smithy_runtime_api::client::result::ConnectorError;
use common::{HttpRequest, Listener, Stage, cut, operation, outcome, refusal, with_image};
use ecsdeploy::adapters::aws::{Auto, Parameters};
use ecsdeploy::core::report::{Cause, Event, Outcome, Report};
use ecsdeploy::core::rollout::{Phase, Stage as Step, Wish};
use ecsdeploy::core::service::{Intent, OnCancel};
use ecsdeploy::engine::{Means, Ran, Request, SurveyError, To, roll_back};
use ecsdeploy::ports::{Clock, Journal};
use ecsdeploy::sandbox::Sandbox;
use ecsdeploy::sandbox::elb::{Action, Rule, WeightedGroup};

fn web(tag: &str) -> Request {
    let image = format!("123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:{tag}");
    let mut request = with_image("main", "web", &image);
    request.intent.weights = "10,50".parse().unwrap();
    request.intent.bake = Duration::from_secs(30);
    request.intent.limits.timeout = Duration::from_hours(1);
    request
}

fn stage() -> Stage {
    Stage::example("external-task-sets")
}

/// Percent of the traffic that the second target group has, and the revision of each task set, the primary one first.
async fn stands(stage: &Stage) -> (u32, Vec<String>) {
    let green = {
        let sandbox = stage.sandbox.lock();
        let forwards = sandbox.world.elb.rules.values();
        let mut forwards = forwards.flat_map(Rule::forwards);
        let green = forwards.find(|to| to.arn.contains("/web-alternate/"));
        green.unwrap().weight
    };
    let described = stage.ecs().describe_services().cluster("main");
    let described = described.services("web").send().await.unwrap();
    let sets = described.services()[0].task_sets().iter();
    let mut sets: Vec<_> = sets
        .map(|set| (set.status() != Some("PRIMARY"), set.task_definition()))
        .collect();
    sets.sort();
    let short = |arn: Option<&str>| arn.unwrap().rsplit('/').next().unwrap().to_owned();
    (green, sets.into_iter().map(|(_, arn)| short(arn)).collect())
}

fn only_old() -> (u32, Vec<String>) {
    (0, vec!["web:1".to_owned()])
}

fn only_new() -> (u32, Vec<String>) {
    (100, vec!["web:2".to_owned()])
}

/// What becomes of CreateTaskSet's answer.
#[derive(Clone, Copy)]
enum Answered {
    Well,
    /// AWS does it, and nobody hears of it.
    Lost,
}

/// From the first CreateTaskSet on, the service cannot be read any more.
fn blinded(stage: &Stage, answered: Answered) -> Stage {
    let begun = Mutex::new(false);
    stage.through(move |sandbox, request: HttpRequest| {
        let mut begun = begun.lock().unwrap();
        match operation(&request).as_str() {
            "CreateTaskSet" => {
                *begun = true;
                let answer = sandbox.carry(&request);
                match answered {
                    Answered::Well => answer,
                    Answered::Lost => Err(ConnectorError::io("the connection broke".into())),
                }
            }
            "DescribeServices" if *begun => Ok(refusal(400, "AccessDeniedException")),
            _ => sandbox.carry(&request),
        }
    })
}

#[tokio::test]
async fn a_raised_set_that_cannot_be_seen_is_left_without_traffic_and_taken_over_by_the_next_run() {
    for answered in [Answered::Well, Answered::Lost] {
        let stage = stage();
        let story = blinded(&stage, answered).rollout(web("1.1.0")).await;
        let left = story.unwrap().outcome;
        let Outcome::Stranded {
            cause: Cause::Blind { operation, .. },
        } = &left
        else {
            panic!("{left:?}")
        };
        assert_eq!(operation, "DescribeServices");
        let both = vec!["web:1".to_owned(), "web:2".to_owned()];
        assert_eq!(stands(&stage).await, (0, both));
        let story = stage.rollout(web("1.1.0")).await.unwrap();
        assert_eq!(story.outcome, Outcome::Completed);
        assert_eq!(stands(&stage).await, only_new());
        assert_eq!(stage.calls("CreateTaskSet"), 1, "it is taken over");
    }
}

#[tokio::test]
async fn a_set_that_was_left_is_cleared_away_by_a_run_that_wants_another_revision() {
    let stage = stage();
    let blind = blinded(&stage, Answered::Well);
    blind.rollout(web("1.2.0")).await.unwrap();
    let story = stage.rollout(web("1.1.0")).await.unwrap();
    assert_eq!(story.outcome, Outcome::Completed);
    assert_eq!(stands(&stage).await, (100, vec!["web:3".to_owned()]));
}

#[tokio::test]
async fn a_set_that_aws_refuses_to_make_leaves_the_service_as_it_was() {
    let stage = stage();
    let refusing = stage.through(|sandbox, request| match operation(&request).as_str() {
        "CreateTaskSet" => Ok(refusal(400, "InvalidParameterException")),
        _ => sandbox.carry(&request),
    });
    let story = refusing.rollout(web("1.1.0")).await.unwrap();
    let cause = Cause::Refused {
        operation: "CreateTaskSet".to_owned(),
        message: "no".to_owned(),
    };
    assert_eq!(story.outcome, Outcome::Failed { cause });
    assert_eq!(stands(&stage).await, only_old());
    let story = stage.rollout(web("1.1.0")).await.unwrap();
    assert_eq!(story.outcome, Outcome::Completed);
}

/// The stage's name, without what it knows.
fn name(phase: &Phase) -> String {
    let Phase::TaskSets(step) = phase else {
        return format!("{phase:?}");
    };
    let name = match step {
        Step::Raise => "raise",
        Step::Shift { .. } => "shift",
        Step::Promote => "promote",
        Step::Drain { .. } => "drain",
        Step::Remove => "remove",
        Step::Back { .. } => "back",
    };
    name.to_owned()
}

/// Where a signal at every seventh sleep found the rollout, and the stage afterwards.
async fn cut_everywhere(on_cancel: OnCancel) -> Vec<(Stage, Phase)> {
    let mut left = Vec::new();
    for sleeps in (0..).step_by(7) {
        let stage = stage();
        match cut(&stage, web("1.1.0"), sleeps, on_cancel).await {
            Ran::Ended { .. } => break,
            Ran::Interrupted { stood } => left.extend(stood.map(|(_, state)| (stage, state.phase))),
            other => panic!("{other:?}"),
        }
    }
    left
}

#[tokio::test]
async fn a_signal_in_any_stage_leaves_what_the_same_command_finishes() {
    let mut stages = BTreeSet::new();
    for (stage, phase) in cut_everywhere(OnCancel::Leave).await {
        stages.insert(name(&phase));
        let story = stage.rollout(web("1.1.0")).await.unwrap();
        assert_eq!(story.outcome, Outcome::Completed, "{phase:?}");
        assert_eq!(stands(&stage).await, only_new(), "{phase:?}");
        assert_eq!(stage.calls("CreateTaskSet"), 1, "{phase:?}");
        assert_eq!(stage.parameters(), Vec::<String>::new());
    }
    for known in ["raise", "shift", "drain", "remove"] {
        assert!(stages.contains(known), "{stages:?}");
    }
}

#[tokio::test]
async fn a_signal_that_is_to_roll_back_gives_the_old_set_its_traffic_before_it_ends() {
    let mut turned = 0;
    for (stage, phase) in cut_everywhere(OnCancel::RollBack).await {
        // Once the old set is being removed, there is nothing to go back to.
        let Phase::TaskSets(Step::Back { .. }) = phase else {
            continue;
        };
        turned += 1;
        assert_eq!(stands(&stage).await.0, 0, "{phase:?}");
        let story = stage.rollout(web("1.1.0")).await.unwrap();
        let undone = matches!(
            story.outcome,
            Outcome::RolledBack {
                cause: Cause::Cancelled { .. }
            }
        );
        assert!(undone, "{:?}", story.outcome);
        assert_eq!(stands(&stage).await, only_old(), "{phase:?}");
    }
    assert!(turned > 3, "{turned}");
}

async fn go_back(stage: &Stage, to: To) -> Result<Ran, SurveyError> {
    let journal = Auto::new(&stage.config);
    let by = "anna".to_owned();
    let means = Means {
        wish: Some(Wish::Undo { by }),
        ..stage.means(&journal)
    };
    let mut listener = Listener(Report::new());
    let intent = Intent {
        bake: Duration::from_secs(30),
        ..Intent::default()
    };
    roll_back(web("1.1.0").target, to, intent, &means, &mut listener).await
}

#[tokio::test]
async fn what_task_sets_go_back_to_has_to_be_named() {
    let stage = stage();
    stage.rollout(web("1.1.0")).await.unwrap();
    let refused = go_back(&stage, To::Previous).await;
    let Err(SurveyError::NoHistory { serving }) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(serving.short(), "web:2");
    assert_eq!(stage.calls("ListServiceDeployments"), 0);
    let ran = go_back(&stage, To::Revision("1".to_owned())).await;
    assert_eq!(outcome(ran.unwrap()), Outcome::Completed);
    assert_eq!(stands(&stage).await, only_old());
}

/// Sleeps after which a rollout of the example has shifted.
const SHIFTING: u32 = 24;

#[tokio::test]
async fn what_a_run_left_is_turned_back_without_a_name() {
    let stage = stage();
    let left = cut(&stage, web("1.1.0"), SHIFTING, OnCancel::Leave).await;
    assert!(matches!(left, Ran::Interrupted { .. }), "{left:?}");
    assert!([10, 50].contains(&stands(&stage).await.0));
    let ran = go_back(&stage, To::Previous).await.unwrap();
    assert!(matches!(outcome(ran), Outcome::RolledBack { .. }));
    assert_eq!(stands(&stage).await, only_old());
}

/// The target groups of the rule: the one that serves first, and the other.
fn groups(world: &mut Sandbox) -> [&mut WeightedGroup; 2] {
    let rules = world.world.elb.rules.values_mut();
    let actions = rules.flat_map(|rule| &mut rule.actions);
    let mut groups = actions.flat_map(|action| match action {
        Action::Forward { groups, .. } => groups.as_mut_slice(),
        Action::Other(_) => &mut [],
    });
    let mut pair = [groups.next().unwrap(), groups.next().unwrap()];
    pair.sort_by_key(|group| group.arn.contains("/web-alternate/"));
    pair
}

/// Somebody gives the new set this share by hand, at the sixth look from the one on at which it has `held`.
fn by_hand(stage: &Stage, held: u32, share: u32) -> Stage {
    let looks = Mutex::new(0);
    stage.through(move |sandbox, request| {
        if operation(&request) == "DescribeServices" {
            let (mut looks, mut world) = (looks.lock().unwrap(), sandbox.lock());
            let [blue, green] = groups(&mut world);
            *looks += u32::from(*looks > 0 || green.weight == held);
            if *looks == 6 {
                (blue.weight, green.weight) = (100 - share, share);
            }
        }
        sandbox.carry(&request)
    })
}

#[tokio::test]
async fn weights_that_somebody_sets_by_hand_are_not_set_otherwise() {
    let cause = |share: &str| Cause::Stopped {
        reason: format!(
            "somebody else set the listener rule's weights, {share} of the traffic to the new revision"
        ),
    };
    let both = |first: &str, second: &str| vec![format!("web:{first}"), format!("web:{second}")];
    let (cleared, stopped) = (cause("0 %"), cause("30 %"));
    for (held, share, expected, sets) in [
        (
            50,
            0,
            Outcome::RolledBack {
                cause: cleared.clone(),
            },
            only_old().1,
        ),
        (
            50,
            30,
            Outcome::Stranded {
                cause: stopped.clone(),
            },
            both("1", "2"),
        ),
        (
            100,
            30,
            Outcome::Stranded { cause: stopped },
            both("1", "2"),
        ),
    ] {
        let stage = stage();
        let story = by_hand(&stage, held, share)
            .rollout(web("1.1.0"))
            .await
            .unwrap();
        assert_eq!(story.outcome, expected, "{share} at {held}");
        assert_eq!(stands(&stage).await, (share, sets), "{share} at {held}");
        let told = story.events(|event| matches!(event, Event::Shifted { percent: 0 }));
        assert_eq!(told, usize::from(share == 0), "{share} at {held}");
    }
}

#[tokio::test]
async fn a_rollout_whose_weights_can_never_be_set_ends() {
    let stage = stage();
    let calls = Mutex::new(0);
    let deaf = stage.through(move |sandbox, request| {
        if !request.body().starts_with(b"Action=ModifyRule") {
            return sandbox.carry(&request);
        }
        *calls.lock().unwrap() += 1;
        assert!(*calls.lock().unwrap() < 2000, "AWS is hammered");
        Err(ConnectorError::io("the connection broke".into()))
    });
    let mut request = web("1.1.0");
    request.intent.limits.timeout = Duration::from_mins(3);
    let story = deaf.rollout(request).await.unwrap();
    assert!(
        matches!(
            story.outcome,
            Outcome::RolledBack {
                cause: Cause::Deadline { .. }
            }
        ),
        "{:?}",
        story.outcome
    );
    assert_eq!(stands(&stage).await, only_old());
}

#[tokio::test]
async fn a_run_that_is_told_to_go_back_and_dies_over_it_is_taken_back() {
    let stage = stage();
    let left = cut(&stage, web("1.1.0"), SHIFTING, OnCancel::Leave).await;
    assert!(matches!(left, Ran::Interrupted { .. }), "{left:?}");
    // Its owner seems to live, and is never heard of again.
    let journal = Parameters::new(&stage.config);
    let (target, now) = (web("1.1.0").target, stage.clock.now());
    let mut record = journal.load(&target).await.unwrap().unwrap();
    record.renew(now);
    journal.save(&target, &record).await.unwrap();
    let ran = go_back(&stage, To::Previous).await.unwrap();
    assert!(matches!(outcome(ran), Outcome::RolledBack { .. }));
    let waited = stage.clock.now().duration_since(now);
    assert!(
        waited.as_secs() >= 120,
        "while it lived it was its own to go back"
    );
    assert_eq!(stands(&stage).await, only_old());
}
