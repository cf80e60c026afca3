//! Rollouts that hold through gates, whole, against the sandbox in virtual time: what each kind of gate sees in each
//! strategy, and what comes of it. What comes of one that is killed in its gates is in `tests/crash_sweep`.
#![expect(
    clippy::unwrap_used,
    reason = "a panic in a test is a failure with its place"
)]

#[expect(dead_code, reason = "each suite uses a part of the stage")]
mod common;
#[path = "common/gates.rs"]
mod gates;

use std::time::Duration;

use common::{Listener, Stage, Story, outcome, owner, with_image};
use ecsdeploy::adapters::aws::Auto;
use ecsdeploy::core::gate::{
    Ask, Bounds, Check, Gate, HttpCheck, Measure, MetricCheck, MetricQuery, Missing, Probe,
    Redirects, Says, Verdict, Word,
};
use ecsdeploy::core::journal::{Record, Work};
use ecsdeploy::core::report::{Cause, Event, Outcome, Report};
use ecsdeploy::core::rollout::{Fault, Wish};
use ecsdeploy::core::service::{CanarySize, OnCancel, StrategyAsked};
use ecsdeploy::engine::{Eyes, Means, Nobody, Request, roll_out};
use ecsdeploy::ports::{Journal, People};
use gates::{ALARM, FAULTY, ILL, SMOKE, alarm, approval, compared, error_rate, task};
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

/// The example's world, with steady traffic and these further sections.
fn world(example: &str, more: &str) -> Stage {
    released(example, FAULTY, more)
}

/// As [`world`], with another release 1.2.0.
fn released(example: &str, release: &str, more: &str) -> Stage {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(example)
        .join("sandbox.yml");
    let text = std::fs::read_to_string(file).unwrap();
    let text = text.replace("taskDefinitions:\n", SMOKE);
    let text = text.replace(ILL, release);
    let has_traffic = text.contains("\ntraffic:");
    let traffic = "traffic: [{ listener: \"main:80\", requestsPerSecond: 20 }]";
    let traffic = if has_traffic { "" } else { traffic };
    Stage::world(&format!("{text}\n{traffic}\n{more}"))
}

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

/// ECS calls a task's health UNKNOWN until its containers' own checks have failed often enough: here for 90 s, longer than
/// the canary bakes.
#[tokio::test]
async fn a_canary_does_not_pass_before_its_containers_own_check_has_spoken() {
    let file =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/fargate-web/sandbox.yml");
    let text = std::fs::read_to_string(file).unwrap();
    let check = "        essential: true\n        healthCheck: { command: [CMD-SHELL, 'true'], interval: 30, retries: 3 }\n";
    let text = text.replace("        essential: true\n", check);
    assert!(text.contains("healthCheck"));
    let stage = Stage::world(&text.replace(ILL, "behaviour: { containerHealth: unhealthy }"));
    let mut request = canary("1.2.0", vec![Gate::new(Check::Tasks { max_restarts: 1 })]);
    request.intent.bake = Duration::from_mins(1);
    let story = see(&stage, request, &Nobody).await;
    assert!(matches!(story.outcome, Outcome::RolledBack { .. }));
    let passed = story.events(|event| matches!(event, Event::CanaryPassed { .. }));
    assert_eq!(passed, 0, "{}", told(&story));
    let touched = story.events(|event| matches!(event, Event::Deploying { .. }));
    assert_eq!(touched, 0, "the service was not touched: {}", told(&story));
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
    let unreadable = "faults: [{ operation: DescribeAlarms, fault: error }]";
    let stage = world("fargate-web", &format!("{ALARM}{unreadable}"));
    let story = see(&stage, canary("1.1.0", vec![alarm("web-5xx")]), &Nobody).await;
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
    let mut asked = story.report.entries.iter().filter_map(|it| match it.event {
        Event::Asked { until, .. } => Some(until.duration_since(it.at)),
        _ => None,
    });
    assert_eq!(asked.next(), Some(SignedDuration::from_hours(1)));
    assert_eq!(asked.next(), None, "it is said once");
    let told = |wanted: fn(&Event) -> bool| story.events(wanted);
    assert_eq!(told(|it| matches!(it, Event::CanaryFailed { .. })), 1);
    assert_eq!(told(|it| matches!(it, Event::CanaryPutAway { .. })), 1);
}

/// When the first such event was told.
fn second(story: &Story, wanted: impl Fn(&Event) -> bool) -> Timestamp {
    let mut entries = story.report.entries.iter();
    entries.find(|entry| wanted(&entry.event)).unwrap().at
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

/// Requests that ran into the load balancer's own timeout, at most twenty a minute: `docs/comparison.md` has it.
fn timeouts() -> Gate {
    let count = MetricQuery {
        id: "timeouts".to_owned(),
        measure: Measure::Stat {
            namespace: "AWS/ApplicationELB".to_owned(),
            metric: "HTTPCode_ELB_504_Count".to_owned(),
            dimensions: [("LoadBalancer".to_owned(), "{load_balancer}".to_owned())].into(),
            stat: "Sum".to_owned(),
        },
        period: 60,
    };
    let mut gate = Gate::new(Check::Metric(MetricCheck {
        result: count.id.clone(),
        queries: vec![count],
        sample: None,
        period: 60,
        delay: Duration::from_mins(2),
        bounds: Bounds::Range {
            min: None,
            max: Some(20.0),
        },
        missing: Missing::Zero,
    }));
    "timeouts".clone_into(&mut gate.name);
    gate
}

/// A request that is never answered is the load balancer's own error: no comparison of target groups has it.
#[tokio::test]
async fn a_release_that_hangs_is_undone_by_the_load_balancers_own_count() {
    let hanging = "behaviour: { latency: 90s }";
    let stage = released("external-task-sets", hanging, "");
    let story = see(&stage, weighted("1.2.0", vec![timeouts()]), &Nobody).await;
    assert_eq!(
        undone_by(&story),
        ("timeouts", "10 % of the traffic", Verdict::Fail)
    );
}
