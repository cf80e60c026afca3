//! Rollouts that are taken up when hours have passed, followed without a record, or that stand still for too long: what
//! they end in is true, and AWS is not hammered meanwhile.
#![expect(
    clippy::unwrap_used,
    reason = "a panic in a test is a failure with its place"
)]

#[expect(dead_code, reason = "each suite uses a part of the stage")]
mod common;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_smithy_runtime_api::client::result::ConnectorError;
use common::{Listener, Stage, Story, operation, outcome, owner, refusal, with_image};
use ecsdeploy::adapters::aws::Auto;
use ecsdeploy::cli::stage::SharedSandbox;
use ecsdeploy::core::gate::{
    Bounds, Check, Gate, Measure, MetricCheck, MetricQuery, Missing, Quiet,
};
use ecsdeploy::core::report::{Event, Outcome, Report};
use ecsdeploy::core::rollout::{Action, Fault, Observation, Receipt, Watch};
use ecsdeploy::core::service::OnFailure;
use ecsdeploy::engine::{Means, Ran, Request, roll_out};
use ecsdeploy::ports::Cloud;
use ecsdeploy::sandbox::{self, Sandbox};

const WEB: &str = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/web";

fn web(tag: &str) -> Request {
    with_image("main", "web", &format!("{WEB}:{tag}"))
}

fn gated(tag: &str, gate: Gate) -> Request {
    let mut request = web(tag);
    request.intent.gates = Some(vec![gate]);
    request
}

/// An alarm that is not there, which the first look fails on.
fn missing_alarm() -> Gate {
    let mut gate = Gate::new(Check::Alarms {
        names: ["nope".to_owned()].into(),
        quiet: Quiet::NoData,
    });
    gate.limits.errors = 0;
    gate
}

/// A metric of the load balancer, whose name is looked up first.
fn balancer_metric() -> Gate {
    let stat = Measure::Stat {
        namespace: "AWS/ApplicationELB".to_owned(),
        metric: "RequestCount".to_owned(),
        dimensions: [("LoadBalancer".to_owned(), "{load_balancer}".to_owned())].into(),
        stat: "Sum".to_owned(),
    };
    let mut gate = Gate::new(Check::Metric(MetricCheck {
        queries: vec![MetricQuery {
            id: "requests".to_owned(),
            measure: stat,
            period: 60,
        }],
        result: "requests".to_owned(),
        sample: None,
        period: 60,
        delay: Duration::from_mins(1),
        bounds: Bounds::Range {
            min: None,
            max: Some(1.0),
        },
        missing: Missing::NoData,
    }));
    gate.limits.errors = 0;
    gate
}

/// What the service runs.
async fn serving(stage: &Stage) -> String {
    let ecs = stage.ecs();
    let service = ecs.describe_services().cluster("main").services("web");
    let service = service.send().await.unwrap();
    let arn = service.services()[0].task_definition().unwrap();
    arn.rsplit('/').next().unwrap().to_owned()
}

fn is_rolled_back(story: &Story) -> bool {
    matches!(story.outcome, Outcome::RolledBack { .. })
}

// Followed without a record.

/// Registers and starts a rollout of that image by hand, as a run that died without a journal would have.
async fn start(stage: &Stage, tag: &str) {
    let mut first = web(tag);
    first.intent.limits.timeout = Duration::ZERO;
    first.intent.on_failure = OnFailure::Leave;
    let story = stage.rollout(first).await.unwrap();
    let is_late =
        matches!(&story.outcome, Outcome::Stranded { cause } if cause.name() == "deadline");
    assert!(is_late, "{:?}", story.outcome);
}

#[tokio::test]
async fn what_is_followed_is_never_taken_for_its_own_way_back() {
    let gated: fn() -> Request = || gated("1.1.0", missing_alarm());
    let failing: fn() -> Request = || web("1.2.0");
    for (tag, request, cause, stops) in [
        ("1.1.0", gated, "gate", 0),
        ("1.2.0", failing, "tasks_failing", 1),
    ] {
        let stage = Stage::example("fargate-web");
        start(&stage, tag).await;
        let story = stage.rollout(request()).await.unwrap();
        assert!(is_rolled_back(&story), "{tag}: {:?}", story.outcome);
        assert_eq!(serving(&stage).await, "web:1", "{tag}");
        let Outcome::RolledBack { cause: why } = &story.outcome else {
            unreachable!("it was just asserted")
        };
        assert_eq!(why.name(), cause, "{tag}");
        assert_eq!(stage.calls("StopServiceDeployment"), stops, "{tag}");
    }
}

// Without a sleep.

/// Rolls out while this operation never answers once the service was updated.
async fn without(denied: &'static str, request: Request) -> (Stage, Story) {
    let stage = Stage::example("fargate-web");
    let (updated, calls) = (AtomicBool::new(false), AtomicU32::new(0));
    let deaf = stage.through(move |sandbox, request| {
        let name = operation(&request);
        if name == "UpdateService" {
            updated.store(true, Ordering::SeqCst);
        }
        let calls = calls.fetch_add(1, Ordering::SeqCst);
        assert!(calls < 3000, "AWS is hammered");
        if name == denied && updated.load(Ordering::SeqCst) {
            return Err(ConnectorError::io("the connection broke".into()));
        }
        sandbox.carry(&request)
    });
    let story = deaf.rollout(request).await.unwrap();
    (stage, story)
}

#[tokio::test]
async fn a_deadline_undoes_also_what_could_not_be_looked_at() {
    let mut request = web("1.1.0");
    request.intent.limits.timeout = Duration::from_mins(3);
    let (stage, story) = without("DescribeTargetHealth", request).await;
    assert!(is_rolled_back(&story), "{:?}", story.outcome);
    assert_eq!(serving(&stage).await, "web:1");
    assert!(stage.calls("DescribeServices") < 100);
}

#[tokio::test]
async fn a_gate_that_cannot_be_measured_undoes_without_asking_on_and_on() {
    let request = gated("1.1.0", balancer_metric());
    let (stage, story) = without("DescribeRules", request).await;
    assert!(is_rolled_back(&story), "{:?}", story.outcome);
    assert_eq!(serving(&stage).await, "web:1");
    assert!(stage.calls("DescribeServices") < 100);
}

/// A cloud that answers nothing it is asked, once this was called.
struct Mute<'a> {
    stage: &'a Stage,
    since: &'static str,
    looks: AtomicU32,
}

impl Cloud for Mute<'_> {
    async fn observe(&self, watch: &Watch) -> Observation {
        if self.stage.calls(self.since) > 0 {
            let looks = self.looks.fetch_add(1, Ordering::SeqCst);
            assert!(looks < 1000, "it turns on the spot");
            return Observation::default();
        }
        self.stage.aws.observe(watch).await
    }

    async fn perform(&self, action: &Action) -> Result<Receipt, Fault> {
        self.stage.aws.perform(action).await
    }
}

/// How a rollout ends that turns on the spot since this was called.
async fn on_the_spot(stage: &Stage, since: &'static str) -> Ran {
    let looks = AtomicU32::new(0);
    let cloud = Mute {
        stage,
        since,
        looks,
    };
    let journal = Auto::new(&stage.config);
    let usual = stage.means(&journal);
    let means = Means {
        cloud: &cloud,
        clock: usual.clock,
        journal: usual.journal,
        owner: usual.owner,
        on_cancel: usual.on_cancel,
        wish: None,
    };
    let mut listener = Listener(Report::new());
    roll_out(web("1.1.0"), &means, &mut listener).await.unwrap()
}

#[tokio::test]
async fn a_rollout_that_turns_on_the_spot_ends_and_is_taken_up_by_the_same_command() {
    let stage = Stage::example("fargate-web");
    let ran = on_the_spot(&stage, "UpdateService").await;
    let Ran::LeftOff { cause, .. } = &ran else {
        panic!("{ran:?}")
    };
    assert_eq!(cause.name(), "restless");
    assert_ne!(stage.parameters(), Vec::<String>::new(), "its record stays");
    let story = stage.rollout(web("1.1.0")).await.unwrap();
    assert_eq!(story.outcome, Outcome::Completed);
    assert_eq!(story.events(|e| matches!(e, Event::TakenUp { .. })), 1);
    assert_eq!(stage.calls("UpdateService"), 1);
    assert_eq!(stage.parameters(), Vec::<String>::new());
}

#[tokio::test]
async fn a_rollout_that_turns_on_the_spot_before_it_changed_anything_leaves_nothing() {
    let stage = Stage::example("fargate-web");
    let told = outcome(on_the_spot(&stage, "PutParameter").await);
    let Outcome::Failed { cause } = &told else {
        panic!("{told:?}")
    };
    assert_eq!(cause.name(), "restless");
    assert_eq!(stage.parameters(), Vec::<String>::new());
}

// Taken up late.

const HOURS: sandbox::Duration = sandbox::Duration::from_secs(2 * 3600);

/// The world in which the request's process died at the first call for which this holds, hours later.
async fn died(
    example: &str,
    request: Request,
    at: impl Fn(&str, &mut Sandbox) -> bool + Send + Sync + 'static,
) -> Stage {
    let stage = Stage::example(example);
    let kept: Arc<Mutex<Option<Sandbox>>> = Arc::default();
    let keep = kept.clone();
    let watched = stage.through(move |sandbox, request| {
        let mut world = sandbox.lock();
        if at(&operation(&request), &mut world) {
            keep.lock().unwrap().get_or_insert_with(|| world.clone());
        }
        drop(world);
        sandbox.carry(&request)
    });
    watched.rollout(request).await.unwrap();
    let mut world = kept.lock().unwrap().take().expect("it came to that");
    let later = world.now() + HOURS;
    world.advance(later);
    Stage::over(SharedSandbox::new(world))
}

/// The same command, by another process.
async fn take_up(stage: &Stage, request: Request) -> Story {
    let journal = Auto::new(&stage.config);
    let means = Means {
        owner: owner("bert"),
        ..stage.means(&journal)
    };
    let mut listener = Listener(Report::new());
    let ran = roll_out(request, &means, &mut listener).await.unwrap();
    Story {
        outcome: outcome(ran),
        report: listener.0,
    }
}

#[tokio::test]
async fn a_release_that_served_all_night_is_not_late_in_the_morning() {
    let request = || {
        let mut request = web("1.1.0");
        request.intent.hold = Some(Duration::from_mins(10));
        request.intent.limits.timeout = Duration::from_mins(5);
        request
    };
    let baking = |_: &str, world: &mut Sandbox| {
        world.census()["services"][0]["deployments"][0]["rolloutState"] == "COMPLETED"
            && world
                .calls()
                .keys()
                .any(|(_, name)| name == "UpdateService")
    };
    let stage = died("fargate-web", request(), baking).await;
    let story = take_up(&stage, request()).await;
    assert_eq!(story.outcome, Outcome::Completed);
    assert_eq!(serving(&stage).await, "web:2");
}

#[tokio::test]
async fn an_undo_that_was_decided_on_is_ordered_however_late_it_is_taken_up() {
    let weighted = || {
        let mut request = web("1.2.0");
        request.intent.weights = "10,50".parse().unwrap();
        request
    };
    let plain = || web("1.2.0");
    let ec2 = || with_image("ec2", "nginx", "nginx:1.30-broken");
    let rows: [(&str, &dyn Fn() -> Request, &'static str); 5] = [
        ("fargate-web", &plain, "StopServiceDeployment"),
        ("ec2-bridge-nginx", &ec2, "StopServiceDeployment"),
        ("fargate-canary-shift", &plain, "StopServiceDeployment"),
        ("code-deploy", &plain, "CodeDeploy_20141006.StopDeployment"),
        ("external-task-sets", &weighted, "DeleteTaskSet"),
    ];
    for (example, request, order) in rows {
        let order = order.rsplit('.').next().unwrap();
        let stage = died(example, request(), move |name, _| name == order).await;
        let story = take_up(&stage, request()).await;
        assert!(is_rolled_back(&story), "{example}: {:?}", story.outcome);
    }
}

// What the undo puts back.

#[tokio::test]
async fn an_undo_puts_back_the_count_that_the_run_had_set() {
    for example in ["fargate-web", "fargate-canary-shift", "code-deploy"] {
        for asked in [1, 3] {
            let stage = Stage::example(example);
            let mut request = web("1.2.0");
            request.intent.desired_count = Some(asked);
            let story = stage.rollout(request).await.unwrap();
            assert!(is_rolled_back(&story), "{example}: {:?}", story.outcome);
            let left = stage.service("web")["desiredCount"].take();
            assert_eq!(left, 2, "{example}: {asked} were asked for");
        }
    }
}

/// CodeDeploy's deployments take no count, so that it is set before them.
#[tokio::test]
async fn a_count_that_was_set_for_a_deployment_that_is_refused_is_put_back() {
    let stage = Stage::example("code-deploy");
    let refusing = stage.through(|sandbox, request| match operation(&request).as_str() {
        "CreateDeployment" => Ok(refusal(400, "DeploymentConfigDoesNotExistException")),
        _ => sandbox.carry(&request),
    });
    let mut request = web("1.1.0");
    request.intent.desired_count = Some(3);
    let story = refusing.rollout(request).await.unwrap();
    let outcome = &story.outcome;
    assert!(matches!(outcome, Outcome::Failed { .. }), "{outcome:?}");
    assert_eq!(stage.service("web")["desiredCount"], 2);
    assert_eq!(stage.calls("UpdateService"), 2);
}
