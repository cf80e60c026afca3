//! Rollouts killed at every AWS call, and rollouts through storms of faults: both end in the world, and with the verdict,
//! of a rollout that nothing befell.
//!
//! A kill is played from its only traces: what a process that dies at a call leaves behind is the world as it is before
//! the request, or after it with the answer lost. So one run is watched, the world is copied at each call on both sides,
//! and the same command is started again in each copy by another process. Copies between which neither time passed nor
//! anything changed are one world, and are taken up once; `ECSDEPLOY_SWEEP=full` takes up each of them, and plays ten
//! times as many storms.
//!
//! **A strategy joins as rows of [`ROWS`].**
#![expect(
    clippy::unwrap_used,
    reason = "a panic in a test is a failure with its place"
)]

#[expect(dead_code, reason = "each test uses its part of the stage")]
mod common;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use common::{Listener, Stage, operation, outcome, owner, with_image};
use ecsdeploy::adapters::aws::Auto;
use ecsdeploy::cli::stage::SharedSandbox;
use ecsdeploy::core::report::{Outcome, Report};
use ecsdeploy::core::service::FailedTasks;
use ecsdeploy::engine::{Means, Request, roll_out};
use ecsdeploy::sandbox::faults::Rule;
use ecsdeploy::sandbox::{Duration, Sandbox};
use serde_json::{Value, json};

/// One rollout that is swept.
struct Row {
    name: &'static str,
    /// The example whose world it is, its cluster and its service.
    example: &'static str,
    cluster: &'static str,
    service: &'static str,
    request: fn() -> Request,
    /// Fault rules, as the sandbox reads them.
    faults: fn() -> Value,
    serves: Serves,
}

/// Which revision serves in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Serves {
    New,
    Old,
}

const ROWS: [Row; 6] = [
    Row {
        name: "rolling on Fargate, good release",
        example: "fargate-web",
        cluster: "main",
        service: "web",
        request: || web("1.1.0"),
        faults: || json!([]),
        serves: Serves::New,
    },
    Row {
        name: "rolling on Fargate, failing release",
        example: "fargate-web",
        cluster: "main",
        service: "web",
        request: || web("1.2.0"),
        faults: || json!([]),
        serves: Serves::Old,
    },
    Row {
        name: "rolling on Fargate, failing release, undone by ECS's circuit breaker",
        example: "fargate-web",
        cluster: "main",
        service: "web",
        request: || {
            let mut request = web("1.2.0");
            request.intent.limits.failed_tasks = FailedTasks::LeaveToEcs;
            request
        },
        faults: || json!([]),
        serves: Serves::Old,
    },
    Row {
        name: "rolling on Fargate, failing release, the undo failing once",
        example: "fargate-web",
        cluster: "main",
        service: "web",
        request: || web("1.2.0"),
        // Once is all attempts of one call.
        faults: || json!([{"operation": "StopServiceDeployment", "times": 6, "fault": "error"}]),
        serves: Serves::Old,
    },
    Row {
        name: "rolling on EC2 without a circuit breaker, good release",
        example: "ec2-bridge-nginx",
        cluster: "ec2",
        service: "nginx",
        request: || with_image("ec2", "nginx", "nginx:1.29"),
        faults: || json!([]),
        serves: Serves::New,
    },
    Row {
        name: "rolling on EC2 without a circuit breaker, failing release",
        example: "ec2-bridge-nginx",
        cluster: "ec2",
        service: "nginx",
        request: || with_image("ec2", "nginx", "nginx:1.30-broken"),
        faults: || json!([]),
        serves: Serves::Old,
    },
];

/// What befalls a storm's calls, each with its chance. Reads of ECS lag behind by up to 4 s.
fn storm() -> Value {
    json!([
        {"when": {"chance": 0.05}, "fault": "throttle"},
        {"when": {"chance": 0.03}, "fault": "error"},
        {"when": {"chance": 0.03}, "fault": "reset"},
        {"when": {"chance": 0.04}, "fault": "lost"},
        {"service": "ecs", "when": {"chance": 0.1}, "fault": {"stale": "2s"}},
        {"service": "ecs", "when": {"chance": 0.1}, "fault": {"stale": "4s"}},
    ])
}

/// Storms for each row.
const SEEDS: u64 = 40;

fn web(tag: &str) -> Request {
    let image = format!("123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:{tag}");
    with_image("main", "web", &image)
}

fn is_full() -> bool {
    std::env::var("ECSDEPLOY_SWEEP").is_ok_and(|mode| mode == "full")
}

/// The world at a call, and the call.
struct Moment {
    told: String,
    world: Sandbox,
}

#[test]
fn a_rollout_killed_at_any_call_ends_as_if_it_had_not_been() {
    let mut points = 0;
    let mut jobs = Vec::new();
    for row in &ROWS {
        let (moments, unkilled) = watched(row);
        let worlds = distinct(&moments);
        say(&format!(
            "{}: {} kill points, {} worlds",
            row.name,
            moments.len(),
            worlds.len()
        ));
        points += moments.len();
        let unkilled = Arc::new(unkilled);
        let taken: Vec<Moment> = if is_full() {
            moments
        } else {
            let mut moments: Vec<Option<Moment>> = moments.into_iter().map(Some).collect();
            worlds
                .iter()
                .map(|at| moments[*at].take().unwrap())
                .collect()
        };
        jobs.extend(
            taken
                .into_iter()
                .map(|moment| (row, moment, unkilled.clone())),
        );
    }
    each(jobs, |(row, moment, unkilled)| {
        let told = format!("{}, killed {}", row.name, moment.told);
        let (world, verdict) = run(row, moment.world, "bert");
        judge(row, &told, &world, unkilled.as_ref(), &verdict);
    });
    say(&format!("{points} kill points"));
}

#[test]
fn a_rollout_through_a_storm_ends_as_if_the_sky_had_been_clear() {
    let seeds = if is_full() { SEEDS * 10 } else { SEEDS };
    let mut jobs = Vec::new();
    for row in &ROWS {
        let clear = Arc::new(run(row, world(row), "anna").0);
        jobs.extend((0..seeds).map(|seed| (row, seed, clear.clone())));
    }
    let count = jobs.len();
    each(jobs, |(row, seed, clear)| {
        let mut sandbox = world(row);
        add(&mut sandbox, storm(), seed);
        let (world, verdict) = run(row, sandbox, "anna");
        judge(
            row,
            &format!("{}, storm {seed}", row.name),
            &world,
            &clear,
            &verdict,
        );
    });
    say(&format!("{count} storms"));
}

/// The seeded world of a row, with its own faults.
fn world(row: &Row) -> Sandbox {
    let stage = Stage::example(row.example);
    let mut sandbox = stage.sandbox.lock().clone();
    add(&mut sandbox, (row.faults)(), 1);
    sandbox
}

fn add(sandbox: &mut Sandbox, rules: Value, seed: u64) {
    let rules: Vec<Rule> = serde_json::from_value(rules).unwrap();
    for rule in rules {
        sandbox.world.faults.add(rule, seed).unwrap();
    }
}

/// The unkilled run, with the world before and after each of its calls.
fn watched(row: &Row) -> (Vec<Moment>, Value) {
    let moments: Arc<Mutex<Vec<Moment>>> = Arc::default();
    let seen = moments.clone();
    let stage = Stage::over(SharedSandbox::new(world(row)));
    let watched = stage.through(move |sandbox, request| {
        let operation = match operation(&request) {
            elb if elb.is_empty() => "DescribeTargetHealth".to_owned(),
            operation => operation,
        };
        let at = sandbox.now();
        let keep = |side: &str| {
            let told = format!("{side} {operation} at {at}");
            let world = sandbox.lock().clone();
            seen.lock().unwrap().push(Moment { told, world });
        };
        keep("before");
        let answer = sandbox.carry(&request);
        keep("after");
        answer
    });
    let verdict = drive(row, &watched, "anna");
    let unkilled = settled(row, &watched);
    judge(row, row.name, &unkilled, &unkilled, &verdict);
    drop(watched);
    let moments = std::mem::take(&mut *moments.lock().unwrap());
    (moments, unkilled)
}

/// The first of each stretch of moments between which no time passed and nothing changed.
fn distinct(moments: &[Moment]) -> Vec<usize> {
    let mut known = BTreeSet::new();
    let is_new = |moment: &Moment| {
        let changes: u64 = (moment.world.calls().iter())
            .filter(|((_, operation), _)| !is_read(operation))
            .map(|(_, count)| count)
            .sum();
        let faults: u64 = moment.world.world.faults.rules().map(|(_, n)| n).sum();
        known.insert((moment.world.now(), changes, faults))
    };
    let is_new: Vec<bool> = moments.iter().map(is_new).collect();
    (0..moments.len()).filter(|at| is_new[*at]).collect()
}

fn is_read(operation: &str) -> bool {
    ["Describe", "List", "Get"]
        .iter()
        .any(|verb| operation.starts_with(verb))
}

/// The row's command, by a process of this user, in this world: the world that it ends in, and its verdict.
fn run(row: &Row, sandbox: Sandbox, user: &str) -> (Value, Outcome) {
    // The SDK draws its retry jitter from this generator.
    fastrand::seed(1);
    let stage = Stage::over(SharedSandbox::new(sandbox));
    let verdict = drive(row, &stage, user);
    (settled(row, &stage), verdict)
}

fn drive(row: &Row, stage: &Stage, user: &str) -> Outcome {
    let journal = Auto::new(&stage.config);
    let means = Means {
        owner: owner(user),
        ..stage.means(&journal)
    };
    let mut listener = Listener(Report::new());
    let work = roll_out((row.request)(), &means, &mut listener);
    match block_on(work) {
        Ok(ran) => outcome(ran),
        Err(error) => panic!("{}: {error}\n{:#?}", row.name, listener.0),
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

/// What is compared: the service, its deployments and tasks by revision, the family's revisions, and whatever of ours is
/// left. Long enough after the end for everything to have drained.
fn settled(row: &Row, stage: &Stage) -> Value {
    let mut sandbox = stage.sandbox.lock();
    sandbox.world.faults.clear();
    let later = sandbox.now() + Duration::from_secs(600);
    sandbox.advance(later);
    drop(sandbox);
    block_on(async {
        let ecs = stage.ecs();
        let described = ecs
            .describe_services()
            .cluster(row.cluster)
            .services(row.service)
            .include(aws_sdk_ecs::types::ServiceField::Tags)
            .send()
            .await
            .unwrap();
        let service = &described.services()[0];
        let family = row.service;
        let short = |arn: &str| arn.rsplit('/').next().unwrap_or_default().to_owned();
        let deployments: Vec<Value> = service
            .deployments()
            .iter()
            .map(|d| {
                json!([
                    d.status(),
                    short(d.task_definition().unwrap_or_default()),
                    d.rollout_state().map(|s| s.as_str()),
                    d.running_count()
                ])
            })
            .collect();
        let tags: Vec<_> = service.tags().iter().filter_map(|tag| tag.key()).collect();
        let parameters: Vec<String> = stage.parameters();
        json!({
            "taskDefinition": short(service.task_definition().unwrap_or_default()),
            "desired": service.desired_count(),
            "running": service.running_count(),
            "pending": service.pending_count(),
            "deployments": deployments,
            "revisions": stage.revisions(family).await.iter().map(|r| short(r)).collect::<Vec<_>>(),
            "tags": tags,
            "parameters": parameters,
        })
    })
}

/// The worlds are the same, the verdict says what is, and nothing of ours is left.
fn judge(row: &Row, told: &str, world: &Value, expected: &Value, verdict: &Outcome) {
    assert_eq!(world, expected, "{told}: {verdict:?}");
    let is_new = matches!(verdict, Outcome::Completed | Outcome::Unchanged);
    let is_old = matches!(verdict, Outcome::RolledBack { .. });
    let said = match row.serves {
        Serves::New => is_new,
        Serves::Old => is_old,
    };
    assert!(said, "{told}: {verdict:?}");
    let number = match row.serves {
        Serves::New => ":2",
        Serves::Old => ":1",
    };
    let serving = world["taskDefinition"].as_str().unwrap();
    assert!(serving.ends_with(number), "{told}: {world:#}");
    let left = (&world["tags"], &world["parameters"]);
    assert_eq!(left, (&json!([]), &json!([])), "{told}");
}

/// On every core. Each failure is told; then the test fails.
fn each<T: Send>(jobs: Vec<T>, work: impl Fn(T) + Sync) {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let jobs: Vec<Mutex<Option<T>>> = jobs.into_iter().map(|job| Mutex::new(Some(job))).collect();
    let next = AtomicUsize::new(0);
    let failed = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let job = job.lock().unwrap().take().unwrap();
                    let done = catch_unwind(AssertUnwindSafe(|| work(job)));
                    failed.fetch_add(usize::from(done.is_err()), Ordering::Relaxed);
                }
            });
        }
    });
    let failed = failed.into_inner();
    assert_eq!(failed, 0, "of {} runs", jobs.len());
}

/// Past the test runner's capture: the counts are meant to be seen.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
