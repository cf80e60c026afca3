//! One run of a row's command in a world, and what is compared of the worlds that runs end in.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ecsdeploy::adapters::aws::Auto;
use ecsdeploy::cli::stage::SharedSandbox;
use ecsdeploy::core::journal::Record;
use ecsdeploy::core::plan::Refusal;
use ecsdeploy::core::report::{Outcome, Report};
use ecsdeploy::core::service::OnCancel;
use ecsdeploy::engine::{Eyes, Means, Nobody, Ran, Request, SurveyError, roll_out};
use ecsdeploy::ports::{Clock as _, Journal as _};
use ecsdeploy::sandbox::{Duration, Sandbox, Time};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::common::{Listener, Stage, ask, outcome, owner};
use crate::rows::{Row, Serves};
use crate::watch::Watcher;

/// How a run ended.
pub struct Ended {
    pub verdict: Outcome,
    /// What is compared of the world.
    pub world: Value,
    pub report: Report,
    pub at: Time,
    /// Calls that were spoiled, by how.
    pub faults: BTreeMap<String, u64>,
    /// Calls by operation.
    pub calls: BTreeMap<String, u64>,
    /// Requests that clients saw fail.
    pub lost: u64,
    /// Until a release that fell ill had no traffic.
    pub seconds_to_safety: Option<u64>,
}

/// The row's command, by a process of this user, in this world, watched in every second.
pub fn run(row: &Row, told: &str, mut sandbox: Sandbox, user: &str) -> Ended {
    let watcher = Watcher::over(&mut sandbox, row);
    let stage = Stage::over(SharedSandbox::new(sandbox));
    play(row, told, &stage, &watcher, user)
}

/// The same on a stage that is watched.
pub fn play(row: &Row, told: &str, stage: &Stage, watcher: &Watcher, user: &str) -> Ended {
    let (verdict, report) = drive(row, told, stage, user);
    let sandbox = stage.sandbox.lock();
    let at = sandbox.now();
    let faults = faults(&sandbox);
    let lost = sandbox.world.tally().lost;
    let calls = sandbox.calls().iter();
    let calls = calls.map(|((_, operation), count)| (operation.clone(), *count));
    let calls = calls.collect();
    drop(sandbox);
    let ended = Ended {
        verdict,
        world: settled(row, stage),
        report,
        at,
        faults,
        calls,
        lost,
        seconds_to_safety: watcher.seconds_to_safety(),
    };
    watcher.judge(told);
    ended
}

fn faults(sandbox: &Sandbox) -> BTreeMap<String, u64> {
    let mut faults = BTreeMap::new();
    for (rule, count) in sandbox.world.faults.rules() {
        let fault = json!(rule.fault);
        let kind = fault.as_object().and_then(|of| of.keys().next());
        let kind = kind.map_or(fault.as_str(), |kind| Some(kind.as_str()));
        *faults.entry(kind.unwrap().to_owned()).or_default() += count;
    }
    faults
}

/// The command, again if it could not even look: the SDK's store of retries is one for a whole process, and the runs of a
/// sweep share one. Nothing was changed then.
fn drive(row: &Row, told: &str, stage: &Stage, user: &str) -> (Outcome, Report) {
    for _ in 0..5 {
        let (tried, report) = attempt(row, row.request.clone(), stage, user);
        match tried {
            Ok(ran) => return (outcome(ran), report),
            Err(SurveyError::Fault(fault)) if fault.is_unanswered() => {}
            // It had ended, its record is gone, and the alarm that ended it rings still: whoever comes again comes later.
            Err(SurveyError::Refused(Refusal::Unfit { .. })) => {
                let later = stage.clock.now() + SignedDuration::from_mins(10);
                block_on(stage.clock.sleep_until(later));
            }
            Err(error) => panic!("{told}: {error}\n{report:#?}"),
        }
    }
    panic!("{told}: it never could look");
}

/// One command, by a process of this user.
pub fn attempt(
    row: &Row,
    request: Request,
    stage: &Stage,
    user: &str,
) -> (Result<Ran, SurveyError>, Report) {
    // The SDK draws its retry jitter from this generator.
    fastrand::seed(1);
    let journal = Auto::new(&stage.config);
    let eyes = Eyes {
        cloud: &stage.aws,
        prober: &stage.sandbox,
        people: &Nobody,
    };
    let means = Means {
        cloud: &eyes,
        clock: &stage.clock,
        journal: &journal,
        owner: owner(user),
        on_cancel: OnCancel::Leave,
        wish: None,
    };
    let mut listener = Listener(Report::new());
    let ran = block_on(async {
        tokio::select! {
            biased;
            ran = roll_out(request, &means, &mut listener) => ran,
            () = speak(row, stage) => unreachable!("it has no end"),
        }
    });
    (ran, listener.0)
}

/// The row's person says once, to whoever drives a rollout that has begun, what there is to say: `ecsdeploy promote` or
/// `abort`, on a machine whose calls nothing befalls.
async fn speak(row: &Row, stage: &Stage) {
    if let Some((after, wish)) = &row.word
        && !stage
            .parameters()
            .iter()
            .any(|name| name.ends_with("/wish"))
    {
        let clear = stage.through(|sandbox, request| Ok(sandbox.lock().answer(&request)));
        let (journal, id) = (Auto::new(&clear.config), &row.request.target);
        let from = Time::DEFAULT_START.millis() + after.as_millis() as u64;
        loop {
            tokio::task::yield_now().await;
            if stage.sandbox.lock().now().millis() < from {
                continue;
            }
            let record = journal.load(id).await.unwrap();
            let has_begun = |record: &Record| {
                record.is_live(stage.clock.now()) && record.unfinished().is_some()
            };
            if let Some(record) = record.filter(has_begun) {
                journal.wish(id, record.fence, wish).await.unwrap();
                break;
            }
        }
    }
    std::future::pending::<()>().await;
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

/// The services with their deployments, task sets and settings, CodeDeploy's deployments, the family's revisions, how many
/// one-off tasks were run, where the traffic is led, and whatever of ours is left. Long enough after the end for everything to have drained.
pub fn settled(row: &Row, stage: &Stage) -> Value {
    let mut sandbox = stage.sandbox.lock();
    sandbox.world.faults.clear();
    let later = sandbox.now() + Duration::from_secs(600);
    sandbox.advance(later);
    let census = sandbox.census();
    let services = census["services"].as_array().unwrap().iter();
    let services: Vec<Value> = services
        .map(|service| shown(&mut sandbox, service))
        .collect();
    let family = json!({"familyPrefix": row.family});
    let revisions = ask(&mut sandbox, "ListTaskDefinitions", &family);
    let code_deployments = code_deployments(&mut sandbox);
    let one_offs = ask(
        &mut sandbox,
        "ListTasks",
        &json!({"cluster": row.request.target.cluster.short(), "startedBy": "ecsdeploy", "desiredStatus": "STOPPED"}),
    );
    drop(sandbox);
    json!({
        "services": services,
        "codeDeployments": code_deployments,
        "revisions": revisions["taskDefinitionArns"].as_array().unwrap().iter().map(short).collect::<Vec<_>>(),
        "oneOffTasks": one_offs["taskArns"].as_array().unwrap().len(),
        "routes": census["routes"],
        "parameters": stage.parameters(),
    })
}

fn shown(sandbox: &mut Sandbox, service: &Value) -> Value {
    let named = json!({
        "cluster": service["cluster"],
        "services": [service["name"]],
        "include": ["TAGS"],
    });
    let described = ask(sandbox, "DescribeServices", &named);
    let service = &described["services"][0];
    let each = |list: &str, members: &[&str]| -> Vec<Value> {
        let items = service[list].as_array().into_iter().flatten();
        items
            .map(|item| {
                members
                    .iter()
                    .map(|member| with_short_name(&item[*member]))
                    .collect()
            })
            .collect()
    };
    json!({
        "name": service["serviceName"],
        "status": service["status"],
        "taskDefinition": short(&service["taskDefinition"]),
        "desired": service["desiredCount"],
        "running": service["runningCount"],
        "pending": service["pendingCount"],
        "deployments": each("deployments", &["status", "taskDefinition", "rolloutState", "runningCount"]),
        "taskSets": each("taskSets", &["status", "taskDefinition", "stabilityStatus", "runningCount", "scale", "loadBalancers"]),
        "configuration": service["deploymentConfiguration"],
        "loadBalancers": service["loadBalancers"],
        "tags": service["tags"].as_array().map_or(&[][..], Vec::as_slice),
    })
}

/// How each of CodeDeploy's deployments ended, newest first, and who made it.
fn code_deployments(sandbox: &mut Sandbox) -> Vec<Value> {
    let listed = ask(sandbox, "CodeDeploy_20141006.ListDeployments", &json!({}));
    let ids = listed["deployments"].as_array().unwrap().iter();
    let told = ids.map(|id| {
        let id = json!({"deploymentId": id});
        let answer = ask(sandbox, "CodeDeploy_20141006.GetDeployment", &id);
        let info = &answer["deploymentInfo"];
        json!([info["status"], info["creator"]])
    });
    told.collect()
}

/// What follows the last slash of an ARN.
fn short(arn: &Value) -> &str {
    let arn = arn.as_str().unwrap_or_default();
    arn.rsplit('/').next().unwrap_or_default()
}

fn with_short_name(value: &Value) -> Value {
    match value {
        Value::String(_) => short(value).into(),
        other => other.clone(),
    }
}

/// The worlds are the same, the verdict says what is, and nothing of ours is left.
pub fn judge(row: &Row, told: &str, ended: &Ended, expected: &Value) {
    let Ended {
        verdict,
        world,
        report,
        ..
    } = ended;
    assert!(
        world == expected,
        "{told}: {verdict:?}\n{}\n{report:#?}",
        difference(expected, world),
    );
    let (says_so, number) = match row.serves {
        Serves::New => (
            matches!(verdict, Outcome::Completed | Outcome::Unchanged),
            ":2",
        ),
        Serves::Old => (matches!(verdict, Outcome::RolledBack { .. }), ":1"),
    };
    assert!(says_so, "{told}: {verdict:?}\n{report:#?}");
    let services = world["services"].as_array().unwrap();
    assert_eq!(services.len(), 1, "{told}: a service is left: {world:#}");
    let sets = &services[0]["taskSets"];
    let serving = sets[0][1]
        .as_str()
        .or(services[0]["taskDefinition"].as_str());
    assert!(serving.unwrap().ends_with(number), "{told}: {world:#}");
    let left = (&services[0]["tags"], &world["parameters"]);
    assert_eq!(left, (&json!([]), &json!([])), "{told}");
}

/// The lines that differ.
fn difference(expected: &Value, found: &Value) -> String {
    let (expected, found) = (format!("{expected:#}"), format!("{found:#}"));
    similar_lines(&expected, &found)
}

fn similar_lines(expected: &str, found: &str) -> String {
    let wanted: Vec<&str> = expected.lines().collect();
    let there: Vec<&str> = found.lines().collect();
    let missing = wanted
        .iter()
        .filter(|line| !there.contains(line))
        .map(|line| format!("- {line}"));
    let extra = there
        .iter()
        .filter(|line| !wanted.contains(line))
        .map(|line| format!("+ {line}"));
    missing.chain(extra).collect::<Vec<_>>().join("\n")
}

/// Each failure is told; then the test fails.
pub fn each<T>(jobs: impl IntoIterator<Item = T>, work: impl Fn(T)) {
    let (mut count, mut failed) = (0, 0);
    for job in jobs {
        count += 1;
        failed += usize::from(catch_unwind(AssertUnwindSafe(|| work(job))).is_err());
    }
    assert_eq!(failed, 0, "of {count} runs");
}

/// How much of the sweep is run, by `ECSDEPLOY_SWEEP`.
pub enum Extent {
    Usual,
    /// `full`
    Full,
    /// Anything else: only the runs whose name has this text in it, from the full sweep.
    Only(String),
}

impl Extent {
    pub fn asked() -> Self {
        match std::env::var("ECSDEPLOY_SWEEP") {
            Ok(full) if full == "full" => Self::Full,
            Ok(text) if !text.is_empty() => Self::Only(text),
            _ => Self::Usual,
        }
    }

    pub fn has(&self, told: &str) -> bool {
        match self {
            Self::Only(text) => told.contains(text.as_str()),
            Self::Usual | Self::Full => true,
        }
    }

    /// Whether this run is one, or is killed at the beginning of one.
    pub fn leads_to(&self, told: &str) -> bool {
        match self {
            Self::Only(text) => told.contains(text.as_str()) || text.contains(told),
            Self::Usual | Self::Full => true,
        }
    }

    pub fn is_usual(&self) -> bool {
        matches!(self, Self::Usual)
    }
}

/// Past the test runner's capture: the counts are meant to be seen.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
