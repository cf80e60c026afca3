//! Calls that the caller's policies do not allow: whichever one of them a rollout is denied, from the start or once the
//! service was told to change, it ends with the truth, the permission is named, and the service serves.
#![expect(
    clippy::unwrap_used,
    reason = "a panic in a test is a failure with its place"
)]

#[expect(dead_code, reason = "each test uses its part of the stage")]
mod common;

use std::collections::BTreeSet;
use std::sync::Mutex;

use common::{Listener, Stage, operation, outcome, with_image};
use ecsdeploy::adapters::aws::Auto;
use ecsdeploy::core::report::{Cause, Event, Outcome, Report};
use ecsdeploy::core::service::{CanarySize, StrategyAsked};
use ecsdeploy::engine::{Request, roll_out};
use ecsdeploy::sandbox::Poke;
use ecsdeploy::sandbox::faults::{Fault, Rule, When};

fn web(tag: &str) -> Request {
    let image = format!("123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:{tag}");
    with_image("main", "web", &image)
}

fn canary(tag: &str) -> Request {
    let mut request = web(tag);
    request.intent.strategy = StrategyAsked::Canary(CanarySize::Tasks(1));
    request
}

/// When the permission is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gone {
    FromTheStart,
    /// Right after the first UpdateService.
    OnceUpdated,
}

/// The world of the example, with these actions denied.
fn denying(actions: &[&str], gone: Gone) -> Stage {
    let stage = Stage::example("fargate-web");
    let pokes: Vec<Poke> = actions.iter().map(|action| deny(action)).collect();
    let deny_all = |stage: &Stage| {
        for poke in &pokes {
            stage.sandbox.lock().poke(poke).unwrap();
        }
    };
    if gone == Gone::FromTheStart {
        deny_all(&stage);
        return stage;
    }
    let left = Mutex::new(pokes);
    stage.through(move |sandbox, request| {
        let answer = sandbox.carry(&request);
        if operation(&request) == "UpdateService" {
            for poke in left.lock().unwrap().drain(..) {
                sandbox.lock().poke(&poke).unwrap();
            }
        }
        answer
    })
}

/// An action as policies write it; rules name services as requests are signed.
fn deny(action: &str) -> Poke {
    let (service, operation) = action.split_once(':').unwrap();
    Poke::Fault(Rule {
        service: Some(service.replace("cloudwatch", "monitoring")),
        operation: Some(operation.to_owned()),
        when: When::Always,
        times: None,
        fault: Fault::Denied,
    })
}

/// How a run ended, and all that was said of it.
#[derive(Debug)]
struct Told {
    /// `None`: it was refused before anything was changed.
    outcome: Option<Outcome>,
    said: String,
    troubles: Vec<String>,
}

async fn run(stage: &Stage, request: Request) -> Told {
    let mut listener = Listener(Report::new());
    let journal = Auto::new(&stage.config);
    let ran = Box::pin(roll_out(request, &stage.means(&journal), &mut listener)).await;
    let mut said = format!("{:?}", listener.0.entries);
    let outcome = match ran {
        Ok(ran) => Some(outcome(ran)),
        Err(error) => {
            let error = format!("{error:?}");
            said.push_str(&error);
            None
        }
    };
    let entries = listener.0.entries.into_iter();
    let troubles = entries.filter_map(|entry| match entry.event {
        Event::Trouble { operation, .. } => Some(operation),
        _ => None,
    });
    Told {
        outcome,
        said,
        troubles: troubles.collect(),
    }
}

impl Told {
    fn names(&self, action: &str) -> bool {
        let words = format!("is not authorized to perform: {action} on resource");
        self.said.contains(&words)
    }
}

/// The deployments of a service, the primary one first: revision and running tasks. Whoever asks has all permissions.
async fn deployments(stage: &Stage, service: &str) -> Vec<(String, i32)> {
    stage.sandbox.lock().poke(&Poke::ClearFaults).unwrap();
    let ecs = Stage::over(stage.sandbox.clone()).ecs();
    let asked = ecs.describe_services().cluster("main").services(service);
    let answer = asked.send().await.unwrap();
    let active = answer
        .services()
        .iter()
        .filter(|it| it.status() == Some("ACTIVE"));
    let deployments = active.flat_map(aws_sdk_ecs::types::Service::deployments);
    deployments
        .map(|it| {
            let arn = it.task_definition().unwrap();
            (
                arn.rsplit('/').next().unwrap().to_owned(),
                it.running_count(),
            )
        })
        .collect()
}

fn times_denied(stage: &Stage) -> u64 {
    let sandbox = stage.sandbox.lock();
    sandbox.world.faults.rules().map(|(_, fired)| fired).sum()
}

/// How a run must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    Completed,
    /// Before anything is changed, the journal included.
    Refused,
    /// Nothing of the service was changed.
    Failed,
    /// Nobody can see how it goes on.
    Stranded,
}

use Ends::{Completed, Failed, Refused, Stranded};

/// Every action that a good rolling rollout needs or uses: how it ends without it from the start, and once ECS has
/// begun.
const ACTIONS: [(&str, Ends, Ends); 12] = [
    ("ecr:DescribeImages", Refused, Completed),
    ("ecs:DescribeServices", Refused, Stranded),
    ("ecs:DescribeTaskDefinition", Refused, Completed),
    ("ecs:DescribeTasks", Completed, Completed),
    ("ecs:ListTasks", Completed, Completed),
    ("ecs:RegisterTaskDefinition", Failed, Completed),
    ("ecs:UpdateService", Failed, Completed),
    (
        "elasticloadbalancing:DescribeTargetHealth",
        Completed,
        Completed,
    ),
    ("iam:PassRole", Failed, Completed),
    ("ssm:DeleteParameters", Completed, Completed),
    ("ssm:GetParameters", Completed, Completed),
    ("ssm:PutParameter", Completed, Completed),
];

async fn check(action: &str, gone: Gone, ends: Ends) {
    let stage = denying(&[action], gone);
    let told = run(&stage, web("1.1.0")).await;
    let denied = times_denied(&stage);
    let ended = match told.outcome {
        Some(Outcome::Completed) => Completed,
        Some(Outcome::Failed { .. }) => Failed,
        Some(Outcome::Stranded { .. }) => Stranded,
        None => Refused,
        Some(ref other) => panic!("{action} {gone:?}: {other:?}"),
    };
    assert_eq!(ended, ends, "{action} {gone:?}: {told:?}");
    // A record that may not be deleted is left behind free, which is as good.
    let is_named = denied == 0 || told.names(action) || action == "ssm:DeleteParameters";
    assert!(is_named, "{action} {gone:?}: {told:?}");
    let serving = |revision: &str| vec![(revision.to_owned(), 2)];
    let there = deployments(&stage, "web").await;
    match ends {
        Completed => assert_eq!(there, serving("web:2"), "{action} {gone:?}"),
        Refused | Failed => assert_eq!(there, serving("web:1"), "{action} {gone:?}"),
        Stranded => assert_eq!(there.last(), serving("web:1").last(), "{action} {gone:?}"),
    }
}

#[tokio::test]
async fn whatever_a_rollout_is_denied_it_ends_with_the_truth() {
    let stage = Stage::example("fargate-web");
    stage.rollout(web("1.1.0")).await.unwrap();
    let called: BTreeSet<String> = {
        let sandbox = stage.sandbox.lock();
        let calls = sandbox.calls().keys();
        calls
            .map(|(service, name)| format!("{service}:{name}"))
            .collect()
    };
    let tried = ACTIONS.iter().map(|(action, ..)| (*action).to_owned());
    let tried: BTreeSet<String> = tried.filter(|it| it != "iam:PassRole").collect();
    assert_eq!(tried, called, "the table has every call of a good rollout");
    for (action, from_the_start, once_updated) in ACTIONS {
        check(action, Gone::FromTheStart, from_the_start).await;
        check(action, Gone::OnceUpdated, once_updated).await;
    }
}

/// What a policy for the AWS actions allows, and nothing else: the release is seen through, and each thing that cannot be
/// seen is said once, of a bad release too.
#[tokio::test]
async fn with_the_fewest_permissions_a_rollout_is_seen_through_and_each_lack_is_said_once() {
    let optional = [
        "ecs:DescribeServiceDeployments",
        "ecs:DescribeTasks",
        "ecs:ListServiceDeployments",
        "ecs:ListTasks",
        "ecs:StopServiceDeployment",
        "ecs:TagResource",
        "ecs:UntagResource",
        "elasticloadbalancing:DescribeTargetHealth",
        "ssm:DeleteParameters",
        "ssm:GetParameters",
        "ssm:PutParameter",
    ];
    for (tag, revision) in [("1.1.0", "web:2"), ("1.2.0", "web:1")] {
        let stage = denying(&optional, Gone::FromTheStart);
        let told = run(&stage, web(tag)).await;
        match (tag, &told.outcome) {
            ("1.1.0", Some(Outcome::Completed)) | ("1.2.0", Some(Outcome::RolledBack { .. })) => {}
            _ => panic!("{tag}: {told:?}"),
        }
        let serving = vec![(revision.to_owned(), 2)];
        assert_eq!(deployments(&stage, "web").await, serving, "{tag}");
        for action in ["ecs:TagResource", "ecs:ListTasks"] {
            assert!(told.names(action), "{action} of {tag}: {told:?}");
        }
        let once: BTreeSet<&String> = told.troubles.iter().collect();
        assert_eq!(
            once.len(),
            told.troubles.len(),
            "{tag}: {:?}",
            told.troubles
        );
    }
}

/// A lock in a parameter stays there: what took the permission away did not take the lock away.
#[tokio::test]
async fn a_lock_that_a_parameter_holds_does_not_wander_to_tags() {
    let stage = denying(&["ssm:PutParameter"], Gone::OnceUpdated);
    let told = run(&stage, web("1.1.0")).await;
    assert_eq!(told.outcome, Some(Outcome::Completed), "{told:?}");
    assert_eq!(stage.calls("TagResource"), 0);
    assert_eq!(stage.parameters(), Vec::<String>::new());
}

/// A canary that cannot be put away still has its share of the requests.
#[tokio::test]
async fn a_bad_canary_that_cannot_be_put_away_is_not_called_taken_back() {
    let stage = denying(&["ecs:UpdateService"], Gone::FromTheStart);
    let told = run(&stage, canary("1.2.0")).await;
    let Some(Outcome::Stranded {
        cause: Cause::UndoFailed { reason, .. },
    }) = &told.outcome
    else {
        panic!("{told:?}");
    };
    assert_eq!(reason, "the canary web-canary could not be scaled to 0");
    assert!(told.names("ecs:UpdateService"), "{told:?}");
    assert_eq!(deployments(&stage, "web").await, [("web:1".to_owned(), 2)]);
    assert!(!deployments(&stage, "web-canary").await.is_empty());
}

#[tokio::test]
async fn a_canary_without_tasks_that_cannot_be_deleted_is_told_of_and_fails_nothing() {
    let stage = denying(&["ecs:DeleteService"], Gone::FromTheStart);
    let told = run(&stage, canary("1.1.0")).await;
    assert_eq!(told.outcome, Some(Outcome::Completed), "{told:?}");
    assert!(told.names("ecs:DeleteService"), "{told:?}");
    // What is left is named, with the command that takes it away by hand.
    assert!(told.said.contains("CanaryLeft"), "{told:?}");
    assert_eq!(
        deployments(&stage, "web-canary").await,
        [("web:2".to_owned(), 0)]
    );
}

/// A rollout by a strategy: its example, the page that lists its actions, and what is asked.
type ByStrategy = (&'static str, &'static str, fn(&str) -> Request);

const STRATEGIES: [ByStrategy; 5] = [
    ("fargate-web", "rolling", web),
    ("fargate-web", "canary", canary),
    ("fargate-canary-shift", "native", web),
    ("external-task-sets", "task-sets", web),
    ("code-deploy", "code-deploy", web),
];

/// Every word between backticks.
fn listed(page: &str) -> BTreeSet<String> {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(page);
    let text = std::fs::read_to_string(file).unwrap();
    text.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn the_actions_that_the_documentation_lists_are_all_that_rollouts_need() {
    for (example, page, request) in STRATEGIES {
        let own = listed(&format!("strategies/{page}.md"));
        let pages = [
            listed("permissions.md"),
            listed("strategies/README.md"),
            own,
        ];
        for tag in ["1.1.0", "1.2.0"] {
            let stage = Stage::example(example);
            stage.rollout(request(tag)).await.unwrap();
            let calls = stage.sandbox.lock().calls().clone();
            for (service, operation) in calls.keys() {
                let service = service.replace("monitoring", "cloudwatch");
                let action = format!("{service}:{operation}");
                let is_listed =
                    |it: &BTreeSet<String>| it.contains(&action) || it.contains(operation);
                assert!(pages.iter().any(is_listed), "{page}.md lists no {action}");
            }
        }
    }
}
