//! Rollouts that hold through gates, whole, against the sandbox in virtual time: what each kind of gate sees in each
//! strategy, and what comes of it.
#![expect(
    clippy::unwrap_used,
    reason = "a panic in a test is a failure with its place"
)]

#[expect(dead_code, reason = "each suite uses a part of the stage")]
mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_ecs::types::DesiredStatus;
use aws_smithy_runtime_api::client::result::ConnectorError;
use common::{Listener, Stage, Story, operation, outcome, owner, with_image};
use ecsdeploy::adapters::aws::Auto;
use ecsdeploy::cli::stage::SharedSandbox;
use ecsdeploy::core::gate::{
    Approval, Ask, Bounds, Check, Comparison, Gate, HttpCheck, Measure, MetricCheck, MetricQuery,
    Missing, OneOff, Probe, Quiet, Redirects, Says, Verdict, Word,
};
use ecsdeploy::core::journal::{Record, Work};
use ecsdeploy::core::report::{Cause, Event, Outcome, Report};
use ecsdeploy::core::rollout::{Fault, Wish};
use ecsdeploy::core::service::{CanarySize, OnCancel, StrategyAsked};
use ecsdeploy::engine::{Eyes, Means, Nobody, Request, roll_out};
use ecsdeploy::ports::{Clock, Journal, People};
use ecsdeploy::sandbox::Sandbox;
use jiff::{SignedDuration, Timestamp};

const WEB: &str = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/web";

fn web(tag: &str, gates: Vec<Gate>) -> Request {
    let mut request = with_image("main", "web", &format!("{WEB}:{tag}"));
    request.intent.gates = Some(gates);
    request
}

fn canary(tag: &str, gates: Vec<Gate>) -> Request {
    let mut request = web(tag, gates);
    request.intent.strategy = StrategyAsked::Canary(CanarySize::Tasks(1));
    request.intent.bake = Duration::from_mins(5);
    request
}

fn alarm(name: &str) -> Gate {
    Gate::new(Check::Alarms {
        names: [name.to_owned()].into(),
        quiet: Quiet::NoData,
    })
}

/// The example's world, with steady traffic and these further sections.
fn world(example: &str, more: &str) -> Stage {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(example)
        .join("sandbox.yml");
    let text = std::fs::read_to_string(file).unwrap();
    let text = text.replace("taskDefinitions:\n", SMOKE);
    // A release that is well in every way but one: it answers a third of the requests with a 5xx.
    let text = text.replace(
        "behaviour: { healthStatus: 503, crashAfter: 20s, exitCode: 1 }",
        "behaviour: { errorRate: 0.3 }",
    );
    let has_traffic = text.contains("\ntraffic:");
    let traffic = "traffic: [{ listener: \"main:80\", requestsPerSecond: 20 }]";
    let traffic = if has_traffic { "" } else { traffic };
    Stage::world(&format!("{text}\n{traffic}\n{more}"))
}

/// Two tests that are tasks of their own: one ends with exit code 0, one with 1.
const SMOKE: &str = r#"
images:
  - image: smoke:good
    behaviour: { crashAfter: 10s, exitCode: 0 }
  - image: smoke:bad
    behaviour: { crashAfter: 10s, exitCode: 1 }
taskDefinitions:
  - family: smoke-good
    networkMode: awsvpc
    requiresCompatibilities: [FARGATE]
    cpu: "256"
    memory: "512"
    containerDefinitions: [{ name: smoke, image: "smoke:good" }]
  - family: smoke-bad
    networkMode: awsvpc
    requiresCompatibilities: [FARGATE]
    cpu: "256"
    memory: "512"
    containerDefinitions: [{ name: smoke, image: "smoke:bad" }]
"#;

/// An alarm on the 5xx answers of the load balancer's targets, more than 30 a minute.
const ALARM: &str = r"
alarms:
  - AlarmName: web-5xx
    Namespace: AWS/ApplicationELB
    MetricName: HTTPCode_Target_5XX_Count
    Dimensions: [{ Name: LoadBalancer, Value: main }]
    Statistic: Sum
    Period: 60
    EvaluationPeriods: 1
    Threshold: 30
    ComparisonOperator: GreaterThanThreshold
    TreatMissingData: notBreaching
";

/// The same, with eyes for what is not in AWS.
async fn see(stage: &Stage, request: Request, people: &impl People) -> Story {
    let journal = Auto::new(&stage.config);
    let eyes = Eyes {
        cloud: &stage.aws,
        prober: &stage.sandbox,
        people,
    };
    let means = Means {
        cloud: &eyes,
        clock: &stage.clock,
        journal: &journal,
        owner: owner("anna"),
        on_cancel: OnCancel::Leave,
        wish: None,
    };
    let mut listener = Listener(Report::new());
    let ran = Box::pin(roll_out(request, &means, &mut listener))
        .await
        .unwrap();
    let story = Story {
        outcome: outcome(ran),
        report: listener.0,
    };
    println!("{}", told(&story));
    story
}

/// The gate that a rollout was undone by, and how it stood.
fn undone_by(story: &Story) -> (&str, &str, Verdict) {
    match &story.outcome {
        Outcome::RolledBack {
            cause:
                Cause::Gate {
                    gate,
                    step,
                    verdict,
                    ..
                },
        } => (gate, step, *verdict),
        other => panic!("it was not undone by a gate: {other:?}"),
    }
}

fn told(story: &Story) -> String {
    let mut text = String::new();
    for entry in &story.report.entries {
        if !matches!(entry.event, Event::Progress(_) | Event::Service(_)) {
            text += &ecsdeploy::text::terminal::entry(entry, story.report.entries[0].at);
        }
    }
    text
}

#[tokio::test]
async fn an_alarm_undoes_a_completed_rolling_deployment() {
    let stage = world("fargate-web", ALARM);
    let mut gate = alarm("web-5xx");
    gate.pace.bake = Duration::from_mins(5);
    let story = see(&stage, web("1.2.0", vec![gate.clone()]), &Nobody).await;
    assert_eq!(
        undone_by(&story),
        ("alarms", "the whole service", Verdict::Fail)
    );
    let stage = world("fargate-web", ALARM);
    let story = see(&stage, web("1.1.0", vec![gate]), &Nobody).await;
    assert_eq!(story.outcome, Outcome::Completed);
}

#[tokio::test]
async fn an_alarm_undoes_a_canary_before_the_service_is_touched() {
    let stage = world("fargate-web", ALARM);
    let story = see(&stage, canary("1.2.0", vec![alarm("web-5xx")]), &Nobody).await;
    assert_eq!(
        undone_by(&story),
        ("alarms", "1 canary task", Verdict::Fail)
    );
    let stage = world("fargate-web", ALARM);
    let story = see(&stage, canary("1.1.0", vec![alarm("web-5xx")]), &Nobody).await;
    assert_eq!(story.outcome, Outcome::Completed);
}

fn compared() -> Gate {
    Gate::new(Check::Errors(Comparison::default()))
}

/// Ten percent of the traffic, then half, then all of it.
fn weighted(tag: &str, gates: Vec<Gate>) -> Request {
    let mut request = web(tag, gates);
    request.intent.weights = "10,50".parse().unwrap();
    request.intent.bake = Duration::from_mins(1);
    request.intent.limits.timeout = Duration::from_hours(1);
    request
}

#[tokio::test]
async fn a_task_set_that_answers_with_errors_is_undone_by_comparison() {
    let stage = world("external-task-sets", "");
    let story = see(&stage, weighted("1.2.0", vec![compared()]), &Nobody).await;
    assert_eq!(
        undone_by(&story),
        ("errors", "10 % of the traffic", Verdict::Fail)
    );
    let shifted = second(&story, |event| matches!(event, Event::Shifted { .. }));
    let undoing = second(&story, |event| matches!(event, Event::Undoing { .. }));
    // A whole minute of requests, and the two minutes that CloudWatch may take to publish it.
    let found = undoing.duration_since(shifted);
    assert!(found <= SignedDuration::from_mins(4), "{found}");
    let stage = world("external-task-sets", "");
    let story = see(&stage, weighted("1.1.0", vec![compared()]), &Nobody).await;
    assert_eq!(story.outcome, Outcome::Completed);
}

#[tokio::test]
async fn a_native_shift_that_answers_with_errors_is_undone_by_comparison() {
    let stage = world("fargate-canary-shift", "");
    let story = see(&stage, web("1.2.0", vec![compared()]), &Nobody).await;
    assert_eq!(
        undone_by(&story),
        ("errors", "10 % of the traffic", Verdict::Fail)
    );
    let stage = world("fargate-canary-shift", "");
    let story = see(&stage, web("1.1.0", vec![compared()]), &Nobody).await;
    assert_eq!(story.outcome, Outcome::Completed);
}

/// Errors in a hundred requests of the target group, each minute at most so many.
fn error_rate(max: f64) -> Gate {
    let of = |id: &str, metric: &str| MetricQuery {
        id: id.to_owned(),
        measure: Measure::Stat {
            namespace: "AWS/ApplicationELB".to_owned(),
            metric: metric.to_owned(),
            dimensions: [
                ("LoadBalancer".to_owned(), "{load_balancer}".to_owned()),
                ("TargetGroup".to_owned(), "{target_group}".to_owned()),
            ]
            .into(),
            stat: "Sum".to_owned(),
        },
        period: 60,
    };
    let percent = MetricQuery {
        id: "percent".to_owned(),
        measure: Measure::Expression("100 * FILL(faults, 0) / requests".to_owned()),
        period: 60,
    };
    Gate::new(Check::Metric(MetricCheck {
        queries: vec![
            of("faults", "HTTPCode_Target_5XX_Count"),
            of("requests", "RequestCount"),
            percent,
        ],
        result: "percent".to_owned(),
        sample: None,
        period: 60,
        delay: Duration::from_mins(2),
        bounds: Bounds::Range {
            min: None,
            max: Some(max),
        },
        missing: Missing::NoData,
    }))
}

#[tokio::test]
async fn a_metric_above_its_bound_undoes_each_strategy() {
    let check = async |example: &str, request: fn(&str, Vec<Gate>) -> Request, step: &str| {
        let stage = world(example, "");
        let story = see(&stage, request("1.2.0", vec![error_rate(1.0)]), &Nobody).await;
        assert_eq!(undone_by(&story), ("metric", step, Verdict::Fail));
        let stage = world(example, "");
        let story = see(&stage, request("1.1.0", vec![error_rate(1.0)]), &Nobody).await;
        assert_eq!(story.outcome, Outcome::Completed, "{example}");
    };
    check("fargate-web", web, "the whole service").await;
    check("fargate-web", canary, "1 canary task").await;
    check("external-task-sets", weighted, "10 % of the traffic").await;
    check("fargate-canary-shift", web, "10 % of the traffic").await;
}

/// Nobody sends any request.
fn quiet(stage: &Stage) {
    let mut sandbox = stage.sandbox.lock();
    for source in &mut sandbox.world.traffic.sources {
        source.set_rate(0.0);
    }
}

#[tokio::test]
async fn without_data_nothing_passes() {
    // Nobody sends requests, so that there is no rate of errors.
    for (example, request) in [
        ("fargate-web", web as fn(&str, Vec<Gate>) -> Request),
        ("fargate-web", canary),
        ("external-task-sets", weighted),
        ("fargate-canary-shift", web),
    ] {
        let stage = world(example, "");
        quiet(&stage);
        let story = see(&stage, request("1.1.0", vec![error_rate(1.0)]), &Nobody).await;
        let (gate, _, verdict) = undone_by(&story);
        assert_eq!((gate, verdict), ("metric", Verdict::NoData), "{example}");
    }
}

#[tokio::test]
async fn what_could_not_be_measured_does_not_pass() {
    let stage = world("fargate-web", "");
    let story = see(
        &stage,
        canary("1.1.0", vec![alarm("of-no-such-name")]),
        &Nobody,
    )
    .await;
    assert_eq!(
        undone_by(&story),
        ("alarms", "1 canary task", Verdict::Error)
    );
}

fn probe(url: &str) -> Gate {
    Gate::new(Check::Http(HttpCheck {
        probe: Probe {
            url: url.to_owned(),
            headers: Vec::new(),
            redirects: Redirects::SameHost,
            timeout: Duration::from_secs(10),
        },
        statuses: vec![200],
        contains: None,
        within: Some(Duration::from_secs(1)),
    }))
}

#[tokio::test]
async fn a_url_that_answers_with_errors_undoes_a_rollout() {
    let gate = || {
        let mut gate = probe("http://shop.example.com/health");
        gate.pace.bake = Duration::from_mins(5);
        gate
    };
    let stage = world("fargate-web", "");
    let story = see(&stage, web("1.2.0", vec![gate()]), &Nobody).await;
    assert_eq!(
        undone_by(&story),
        ("http", "the whole service", Verdict::Fail)
    );
    let stage = world("fargate-web", "");
    let story = see(&stage, web("1.1.0", vec![gate()]), &Nobody).await;
    assert_eq!(story.outcome, Outcome::Completed);
    let stage = world("fargate-web", "");
    let nowhere = probe("http://shop.example.com:8443/health");
    let story = see(&stage, web("1.1.0", vec![nowhere]), &Nobody).await;
    assert_eq!(
        undone_by(&story),
        ("http", "the whole service", Verdict::Error)
    );
}

fn task(definition: &str) -> Gate {
    Gate::new(Check::Task(OneOff {
        command: Vec::new(),
        container: None,
        task_definition: Some(definition.to_owned()),
    }))
}

#[tokio::test]
async fn a_one_off_task_runs_once_in_each_step_and_its_exit_code_decides() {
    let stage = world("external-task-sets", "");
    let story = see(&stage, weighted("1.1.0", vec![task("smoke-good")]), &Nobody).await;
    assert_eq!(story.outcome, Outcome::Completed);
    assert_eq!(
        stage.calls("RunTask"),
        4,
        "before traffic, at 10, 50 and 100 %"
    );
    let stage = world("fargate-web", "");
    let story = see(&stage, canary("1.1.0", vec![task("smoke-bad")]), &Nobody).await;
    assert_eq!(undone_by(&story), ("task", "1 canary task", Verdict::Fail));
    assert_eq!(stage.calls("RunTask"), 1);
}

fn approval() -> Gate {
    let label = Some("deploy-approved".to_owned());
    Gate::new(Check::Approval(Approval {
        label,
        comment: None,
    }))
}

/// Somebody who says so once it is that late.
struct Later<'a> {
    stage: &'a Stage,
    says: Says,
    asked: std::cell::Cell<u32>,
}

impl People for Later<'_> {
    async fn word(&self, _: &Ask) -> Result<Option<Word>, Fault> {
        self.asked.set(self.asked.get() + 1);
        let (says, by) = (self.says, "anna".to_owned());
        Ok((self.asked.get() > 3).then_some(Word { says, by }))
    }
}

#[tokio::test]
async fn a_person_lets_a_canary_go_on_or_not() {
    for (says, serves) in [(Says::Yes, true), (Says::No, false)] {
        let stage = world("fargate-web", "");
        let asked = std::cell::Cell::new(0);
        let people = Later {
            stage: &stage,
            says,
            asked,
        };
        let story = see(people.stage, canary("1.1.0", vec![approval()]), &people).await;
        if serves {
            assert_eq!(story.outcome, Outcome::Completed);
        } else {
            let failed = ("approval", "1 canary task", Verdict::Fail);
            assert_eq!(undone_by(&story), failed);
        }
    }
}

/// `ecsdeploy promote` or `abort`, once the canary's gates are asked.
async fn wished(wish: Wish) -> Story {
    let stage = world("fargate-web", "");
    let request = canary("1.1.0", vec![approval()]);
    let id = request.target.clone();
    let journal = Auto::new(&stage.config);
    let tell = async {
        loop {
            tokio::task::yield_now().await;
            let record = journal.load(&id).await.unwrap();
            let is_asking = |record: &Record| {
                let work = record.work.as_ref();
                work.is_some_and(|work| work.state.gating.is_some())
            };
            if let Some(record) = record.filter(is_asking) {
                return journal.wish(&id, record.fence, &wish).await.unwrap();
            }
        }
    };
    let (story, ()) = tokio::join!(see(&stage, request, &Nobody), tell);
    story
}

#[tokio::test]
async fn promote_and_abort_are_heard_while_an_approval_is_awaited() {
    let by = || "carla".to_owned();
    let story = Box::pin(wished(Wish::Promote { by: by() })).await;
    assert_eq!(story.outcome, Outcome::Completed);
    let story = Box::pin(wished(Wish::Undo { by: by() })).await;
    let cause = Cause::Cancelled { by: by() };
    assert_eq!(story.outcome, Outcome::RolledBack { cause });
}

#[tokio::test]
async fn nobodys_word_is_no_approval() {
    let stage = world("fargate-web", "");
    let mut gate = approval();
    gate.pace.timeout = Duration::from_hours(1);
    let story = see(&stage, canary("1.1.0", vec![gate]), &Nobody).await;
    assert_eq!(
        undone_by(&story),
        ("approval", "1 canary task", Verdict::Fail)
    );
    assert!(story.report.seconds() > 3600, "the person had an hour");
}

/// When the first such event was told.
fn second(story: &Story, wanted: impl Fn(&Event) -> bool) -> Timestamp {
    let mut entries = story.report.entries.iter();
    entries.find(|entry| wanted(&entry.event)).unwrap().at
}

#[tokio::test]
async fn a_bake_goes_on_where_a_killed_run_left_it() {
    let is_passed = |event: &Event| matches!(event, Event::CanaryPassed { .. });
    let request = || {
        let mut request = canary("1.1.0", vec![alarm("web-5xx"), task("smoke-good")]);
        request.intent.bake = Duration::from_mins(10);
        request
    };
    let stage = world("fargate-web", ALARM);
    let unkilled = see(&stage, request(), &Nobody).await;
    let passed = second(&unkilled, is_passed);

    let stage = world("fargate-web", ALARM);
    let began = stage.clock.now();
    let middle: Arc<Mutex<Option<Sandbox>>> = Arc::default();
    let kept = middle.clone();
    let watched = stage.through(move |sandbox, request| {
        let answer = sandbox.carry(&request);
        if sandbox.now() > began + SignedDuration::from_mins(4) {
            kept.lock()
                .unwrap()
                .get_or_insert_with(|| sandbox.lock().clone());
        }
        answer
    });
    see(&watched, request(), &Nobody).await;
    let middle = middle.lock().unwrap().take().unwrap();
    let again = Stage::over(SharedSandbox::new(middle));
    let resumed = see(&again, request(), &Nobody).await;
    assert_eq!(resumed.outcome, Outcome::Completed);
    let began_anew =
        |event: &Event| matches!(event, Event::Asking { step, .. } if step == "1 canary task");
    assert_eq!(resumed.events(began_anew), 0);
    assert_eq!(
        again.calls("RunTask"),
        2,
        "one for the canary, one for the whole service"
    );
    let late = second(&resumed, is_passed).duration_since(passed).abs();
    assert!(late <= SignedDuration::from_secs(60), "{late} apart");
}

#[tokio::test]
async fn a_one_off_task_whose_answer_was_lost_runs_once() {
    let stage = world("fargate-web", "");
    let lost = std::sync::atomic::AtomicU32::new(0);
    let watched = stage.through(move |sandbox, request| {
        let answer = sandbox.carry(&request);
        let is_lost = operation(&request) == "RunTask"
            && lost.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < 8;
        if is_lost {
            return Err(ConnectorError::io("the connection broke".into()));
        }
        answer
    });
    let story = see(&watched, canary("1.1.0", vec![task("smoke-good")]), &Nobody).await;
    assert_eq!(story.outcome, Outcome::Completed);
    let listed = stage
        .ecs()
        .list_tasks()
        .cluster("main")
        .started_by("ecsdeploy");
    let stopped = listed
        .desired_status(DesiredStatus::Stopped)
        .send()
        .await
        .unwrap();
    assert_eq!(
        stopped.task_arns().len(),
        2,
        "the canary's and the service's"
    );
}

#[tokio::test]
async fn a_record_from_before_there_were_gates_is_still_read() {
    let stage = world("fargate-web", "");
    let id = canary("1.1.0", Vec::new()).target;
    let journal = Auto::new(&stage.config);
    let kept = async {
        loop {
            tokio::task::yield_now().await;
            let record = journal.load(&id).await.unwrap();
            if let Some(work) = record.and_then(|record| record.work) {
                return work;
            }
        }
    };
    let (_, work) = tokio::join!(see(&stage, canary("1.1.0", Vec::new()), &Nobody), kept);
    let mut old = serde_json::to_value(&work).unwrap();
    old["state"].as_object_mut().unwrap().remove("gating");
    old["plan"].as_object_mut().unwrap().remove("ground");
    for newer in ["gates", "steps", "hold"] {
        old["plan"]["intent"].as_object_mut().unwrap().remove(newer);
    }
    let read: Work = serde_json::from_value(old).unwrap();
    assert_eq!(read.state.revision, work.state.revision);
}

/// The world before and after some of a run's calls, each with the side of the call it was taken at.
async fn moments(stage: Stage, request: Request, every: usize) -> (Story, Vec<Sandbox>) {
    let kept: Arc<Mutex<Vec<Sandbox>>> = Arc::default();
    let (keep, calls) = (kept.clone(), Mutex::new(0));
    let watched = stage.through(move |sandbox, request| {
        let mut calls = calls.lock().unwrap();
        let mut side = || {
            *calls += 1;
            if *calls % every == 0 {
                keep.lock().unwrap().push(sandbox.lock().clone());
            }
        };
        side();
        let answer = sandbox.carry(&request);
        side();
        answer
    });
    let story = see(&watched, request, &Nobody).await;
    drop(watched);
    let moments = std::mem::take(&mut *kept.lock().unwrap());
    (story, moments)
}

/// How it ended, without what was measured: a run that was killed may have seen a minute more.
fn verdict(story: &Story) -> String {
    match &story.outcome {
        Outcome::RolledBack {
            cause: Cause::Gate { gate, step, .. },
        } => format!("{gate} at {step}"),
        other => format!("{other:?}"),
    }
}

/// `tests/crash_sweep.rs` kills every strategy at every call; this kills what has gates, at some.
#[tokio::test]
async fn a_rollout_killed_in_its_gates_ends_as_if_it_had_not_been() {
    let check = async |example: &str, request: &dyn Fn() -> Request, every: usize| {
        let (unkilled, worlds) = Box::pin(moments(world(example, ALARM), request(), every)).await;
        assert!(worlds.len() > 2, "{example}: {} kills", worlds.len());
        for sandbox in worlds {
            let at = format!("{:?}", sandbox.now());
            let stage = Stage::over(SharedSandbox::new(sandbox));
            let story = Box::pin(see(&stage, request(), &Nobody)).await;
            assert_eq!(
                verdict(&story),
                verdict(&unkilled),
                "{example}, killed at {at}"
            );
        }
    };
    let gates = || vec![alarm("web-5xx"), task("smoke-good")];
    check("fargate-web", &|| canary("1.1.0", gates()), 113).await;
    check("fargate-web", &|| canary("1.2.0", gates()), 113).await;
    check(
        "external-task-sets",
        &|| weighted("1.2.0", vec![compared()]),
        29,
    )
    .await;
    check("external-task-sets", &|| weighted("1.1.0", gates()), 239).await;
    check(
        "fargate-canary-shift",
        &|| web("1.2.0", vec![compared()]),
        29,
    )
    .await;
    check("fargate-canary-shift", &|| web("1.1.0", gates()), 239).await;
}

/// The example as a stranger meets it.
#[test]
fn the_examples_gate_takes_a_release_back_that_every_health_check_passes() {
    let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut program = assert_cmd::Command::cargo_bin("ecsdeploy").unwrap();
    program
        .args(["rollout", "--sandbox", "--set", "image_tag=1.3.0"])
        .arg(examples.join("external-task-sets"))
        .env_clear();
    let output = program.output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4), "{told}");
    assert!(
        told.contains("the gate errors failed at 10 % of the traffic"),
        "{told}"
    );
}
