//! Looks that have much to see, and looks that see nothing: large services, and credentials that end before the rollout,
//! with the real SDK against the sandbox in virtual time.
#![expect(
    clippy::unwrap_used,
    reason = "a panic in a test is a failure with its place"
)]

#[expect(dead_code, reason = "each test uses its part of the stage")]
mod common;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use common::{HttpRequest, Listener, Stage, is_query, operation, outcome, with_image};
use ecsdeploy::adapters::aws::{Answer, Auto, Aws, Parameters};
use ecsdeploy::cli::stage::SandboxClock;
use ecsdeploy::core::journal::Record;
use ecsdeploy::core::report::{Cause, Outcome, Report};
use ecsdeploy::core::rollout::{Action, Fault, Observation, Receipt, Watch};
use ecsdeploy::core::service::{CanarySize, StrategyAsked};
use ecsdeploy::engine::{Means, Ran, Request, roll_out};
use ecsdeploy::ports::{Clock as _, Cloud, Journal as _};

/// More than two pages of ListTasks, and more than DescribeTasks takes at once.
const MANY: u32 = 250;

fn web(tag: &str) -> Request {
    let image = format!("123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:{tag}");
    with_image("main", "web", &image)
}

/// The world of an example, with these words in the place of those.
fn world(example: &str, there: &str, here: &str) -> Stage {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(example)
        .join("sandbox.yml");
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains(there), "{example} has no {there}");
    Stage::world(&text.replace(there, here))
}

/// A service of so many tasks is rolled out; how it ended, and its calls by operation.
async fn large(request: Request) -> (Outcome, BTreeMap<String, u64>) {
    let stage = world(
        "fargate-web",
        "desiredCount: 2",
        &format!("desiredCount: {MANY}"),
    );
    let outcome = stage.rollout(request).await.unwrap().outcome;
    let sandbox = stage.sandbox.lock();
    let calls = sandbox.calls().iter();
    let calls = calls.map(|((_, operation), count)| (operation.clone(), *count));
    (outcome, calls.collect())
}

/// What the whole rollout calls, which is told, stays near what one of two tasks calls.
fn check_calls(calls: &BTreeMap<String, u64>, most: u64) {
    let total: u64 = calls.values().sum();
    eprintln!("{total} calls: {calls:#?}");
    assert!(total <= most, "{total} calls, more than {most}: {calls:#?}");
    // Two more pages than a service of up to a hundred tasks has.
    assert!(calls["DescribeTasks"] >= 3, "{calls:#?}");
}

#[tokio::test]
async fn a_service_of_hundreds_of_tasks_is_seen_whole() {
    let (outcome, calls) = large(web("1.1.0")).await;
    assert_eq!(outcome, Outcome::Completed);
    check_calls(&calls, 110);
}

#[tokio::test]
async fn a_canary_of_hundreds_of_tasks_is_seen_whole() {
    let mut request = web("1.1.0");
    request.intent.strategy = StrategyAsked::Canary(CanarySize::Tasks(120));
    request.intent.bake = Duration::from_mins(1);
    let (outcome, calls) = large(request).await;
    assert_eq!(outcome, Outcome::Completed);
    check_calls(&calls, 310);
}

#[tokio::test]
async fn a_failing_release_of_hundreds_of_tasks_is_rolled_back() {
    let (outcome, _) = large(web("1.2.0")).await;
    assert!(matches!(outcome, Outcome::RolledBack { .. }), "{outcome:?}");
}

/// From the nth answer to this operation on, AWS takes the credentials no longer.
fn expiring(stage: &Stage, of: &'static str, nth: u32) -> Stage {
    let left = Mutex::new(nth);
    stage.through(move |sandbox, request| {
        let mut left = left.lock().unwrap();
        if *left == 0 {
            return expired(&request);
        }
        *left -= u32::from(operation(&request) == of);
        sandbox.carry(&request)
    })
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "it stands where an answer may be lost"
)]
fn expired(request: &HttpRequest) -> Answer {
    let message = "The security token included in the request is expired";
    let (status, body) = if is_query(request) {
        let body = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>{message}</Message></Error></ErrorResponse>"
        );
        (403, body)
    } else {
        let body = format!(r#"{{"__type": "ExpiredTokenException", "message": "{message}"}}"#);
        (400, body)
    };
    let response = http::Response::builder().status(status);
    Ok(response.body(body.into()).unwrap())
}

async fn run(stage: &Stage, request: Request) -> Ran {
    let journal = Auto::new(&stage.config);
    let mut listener = Listener(Report::new());
    let means = stage.means(&journal);
    let ran = roll_out(request, &means, &mut listener).await;
    ran.unwrap_or_else(|error| panic!("{error}\n{:#?}", listener.0))
}

/// Credentials end in the middle of a rollout, and it is resumed with others.
async fn check_expiry(example: &str, request: Request, after: (&'static str, u32), ends: &str) {
    let stage = Stage::example(example);
    let (operation, nth) = after;
    let told = format!("{example}, {nth} {operation}");
    let began = stage.sandbox.now();
    match run(&expiring(&stage, operation, nth), request.clone()).await {
        Ran::LeftOff { cause, .. } => {
            assert!(
                matches!(cause, Cause::NoCredentials { .. }),
                "{told}: {cause:?}"
            );
        }
        other => panic!("{told}: {other:?}"),
    }
    // Not at the first look: there may be others soon.
    let tried = stage.sandbox.now().duration_since(began);
    assert!(tried.as_secs() >= 25, "{told}: {tried}");
    let outcome = outcome(run(&stage, request).await);
    let said = serde_json::to_value(&outcome).unwrap();
    assert_eq!(said["outcome"], ends, "{told}: {outcome:?}");
    assert_eq!(stage.parameters(), [""; 0], "{told}");
}

#[tokio::test]
async fn a_rollout_whose_credentials_end_is_left_and_taken_up() {
    let canary = || {
        let mut request = web("1.1.0");
        request.intent.strategy = StrategyAsked::Canary(CanarySize::Tasks(1));
        request
    };
    let completed = "completed";
    check_expiry("fargate-web", web("1.1.0"), ("UpdateService", 1), completed).await;
    check_expiry("fargate-web", canary(), ("CreateService", 1), completed).await;
    check_expiry("fargate-web", canary(), ("UpdateService", 2), completed).await;
    check_expiry(
        "fargate-canary-shift",
        web("1.1.0"),
        ("UpdateService", 1),
        completed,
    )
    .await;
    check_expiry(
        "external-task-sets",
        web("1.1.0"),
        ("CreateTaskSet", 1),
        completed,
    )
    .await;
    check_expiry(
        "external-task-sets",
        web("1.1.0"),
        ("ModifyRule", 1),
        completed,
    )
    .await;
    check_expiry(
        "code-deploy",
        web("1.1.0"),
        ("CreateDeployment", 1),
        completed,
    )
    .await;
}

#[tokio::test]
async fn an_undo_whose_credentials_end_is_left_and_taken_up() {
    let back = "rolled_back";
    check_expiry(
        "fargate-web",
        web("1.2.0"),
        ("StopServiceDeployment", 1),
        back,
    )
    .await;
    check_expiry(
        "external-task-sets",
        web("1.2.0"),
        ("DeleteTaskSet", 1),
        back,
    )
    .await;
    check_expiry("code-deploy", web("1.2.0"), ("StopDeployment", 1), back).await;
}

#[tokio::test]
async fn credentials_that_end_before_anything_was_changed_fail_the_rollout() {
    let stage = Stage::example("fargate-web");
    let expiring = expiring(&stage, "PutParameter", 1);
    match outcome(run(&expiring, web("1.1.0")).await) {
        Outcome::Failed { cause } => assert_eq!(cause.name(), "no_credentials"),
        other => panic!("{other:?}"),
    }
}

/// AWS, whose every look takes five minutes; meanwhile somebody looks whether the lease is alive.
struct Slow<'a> {
    aws: &'a Aws,
    clock: &'a SandboxClock,
    journal: &'a Parameters,
    looks: Cell<u32>,
    lapsed: RefCell<Vec<Record>>,
}

impl Cloud for Slow<'_> {
    async fn observe(&self, watch: &Watch) -> Observation {
        for _ in 0..30 {
            let until = self.clock.now() + Duration::from_secs(10);
            self.clock.sleep_until(until).await;
            let Some(record) = self.journal.load(&web("1.1.0").target).await.unwrap() else {
                // The survey, before the service is claimed.
                break;
            };
            self.looks.set(self.looks.get() + 1);
            if !record.is_live(self.clock.now()) {
                self.lapsed.borrow_mut().push(record);
            }
        }
        self.aws.observe(watch).await
    }

    async fn perform(&self, action: &Action) -> Result<Receipt, Fault> {
        self.aws.perform(action).await
    }
}

#[tokio::test]
async fn the_lease_lives_however_long_a_look_takes() {
    let stage = Stage::example("fargate-web");
    let journal = Parameters::new(&stage.config);
    let slow = Slow {
        aws: &stage.aws,
        clock: &stage.clock,
        journal: &journal,
        looks: Cell::new(0),
        lapsed: RefCell::default(),
    };
    let Means {
        owner,
        on_cancel,
        wish,
        ..
    } = stage.means(&journal);
    let means = Means {
        cloud: &slow,
        clock: &stage.clock,
        journal: &journal,
        owner,
        on_cancel,
        wish,
    };
    let mut request = web("1.1.0");
    request.intent.limits.timeout = Duration::from_hours(3);
    let mut listener = Listener(Report::new());
    let ran = roll_out(request, &means, &mut listener).await.unwrap();
    assert_eq!(outcome(ran), Outcome::Completed);
    assert!(slow.looks.get() > 60, "{}", slow.looks.get());
    assert_eq!(*slow.lapsed.borrow(), []);
}
