//! A service that has to go back takes its canary out of service first, and waits for nothing that the canary does.
#![expect(
    clippy::unwrap_used,
    reason = "a panic in a test is a failure with its place"
)]

#[expect(dead_code, reason = "each suite uses a part of the stage")]
mod common;
#[expect(dead_code, reason = "each suite uses a part of the gates")]
#[path = "common/gates.rs"]
mod gates;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_smithy_runtime_api::client::result::ConnectorError;
use common::{HttpRequest, Listener, Stage, Story, ask, operation, outcome, refusal, with_image};
use ecsdeploy::adapters::aws::{Answer, Auto};
use ecsdeploy::cli::stage::SharedSandbox;
use ecsdeploy::core::report::{Cause, Event, Outcome, Report, Undoer};
use ecsdeploy::core::rollout::{Phase, Wish};
use ecsdeploy::core::service::{CanarySize, FailedTasks, OnFailure, StrategyAsked};
use ecsdeploy::engine::{Request, roll_out};
use ecsdeploy::ports::Journal;
use ecsdeploy::sandbox::{Duration as Span, Poke, Sandbox, Whom};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

const WEB: &str = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/web";

fn canary(tag: &str) -> Request {
    let mut request = with_image("main", "web", &format!("{WEB}:{tag}"));
    request.intent.strategy = StrategyAsked::Canary(CanarySize::Tasks(1));
    request.intent.bake = Duration::from_mins(1);
    request
}

/// A call that changes a service: which, and how.
#[derive(Clone, Debug)]
struct Change {
    at: Timestamp,
    operation: String,
    service: String,
    body: Value,
    /// Tasks that the canary was to have when it was made.
    canary: Option<i64>,
}

impl Change {
    fn is_to_zero(&self) -> bool {
        self.service == "web-canary" && self.body["desiredCount"] == 0
    }

    /// Orders the way back of the service itself.
    fn is_back(&self) -> bool {
        let is_old = || self.body["taskDefinition"].as_str().unwrap_or_default();
        self.operation == "StopServiceDeployment"
            || (self.service == "web" && is_old().ends_with("web:1"))
    }

    /// Orders the new revision for the service itself.
    fn is_forward(&self) -> bool {
        let is_new = || self.body["taskDefinition"].as_str().unwrap_or_default();
        self.service == "web" && is_new().ends_with("web:2")
    }
}

const CHANGES: [&str; 4] = [
    "CreateService",
    "UpdateService",
    "StopServiceDeployment",
    "DeleteService",
];

type Changes = Arc<Mutex<Vec<Change>>>;

/// What befalls a call before the sandbox has it; `None` lets it through.
type Spoil = fn(&SharedSandbox, &Change, &HttpRequest) -> Option<Answer>;

/// One rollout whose canary passes; as the new revision is ordered for the service itself, `then` happens.
async fn play(request: Request, then: fn(&mut Sandbox), spoil: Spoil) -> (Stage, Story, Changes) {
    let stage = Stage::world(&world());
    let changes = Changes::default();
    let watched = watch(&stage, &changes, then, spoil);
    let story = watched.rollout(request).await.unwrap();
    (stage, story, changes)
}

fn world() -> String {
    let text = std::fs::read_to_string("examples/fargate-web/sandbox.yml").unwrap();
    format!("{text}\n{CLIENTS}\n{}", gates::ALARM)
}

const CLIENTS: &str = "traffic: [{ listener: \"main:80\", requestsPerSecond: 20 }]";

/// The stage's clients, with each change noted down.
fn watch(stage: &Stage, changes: &Changes, then: fn(&mut Sandbox), spoil: Spoil) -> Stage {
    let changes = changes.clone();
    stage.through(move |sandbox, request| {
        let change = change(sandbox, &request);
        if let Some(answer) = spoil(sandbox, &change, &request) {
            return answer;
        }
        if CHANGES.contains(&change.operation.as_str()) {
            changes.lock().unwrap().push(change.clone());
        }
        let answer = sandbox.carry(&request);
        if change.is_forward() {
            then(&mut sandbox.lock());
        }
        answer
    })
}

fn change(sandbox: &SharedSandbox, request: &HttpRequest) -> Change {
    let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
    let named = body["service"].as_str().or(body["services"][0].as_str());
    let service = named.unwrap_or_default().to_owned();
    Change {
        at: sandbox.now(),
        operation: operation(request),
        service,
        canary: desired(&mut sandbox.lock()),
        body,
    }
}

/// Tasks that the canary's service is to have, if there is one.
fn desired(sandbox: &mut Sandbox) -> Option<i64> {
    let named = json!({"cluster": "main", "services": ["web-canary"]});
    ask(sandbox, "DescribeServices", &named)["services"][0]["desiredCount"].as_i64()
}

fn sicken(sandbox: &mut Sandbox) {
    let image = Whom::Image("web:1.1.0".to_owned());
    sandbox.poke(&Poke::Sicken(image)).unwrap();
}

fn spoil_answers(sandbox: &mut Sandbox) {
    let of = Whom::Image("web:1.1.0".to_owned());
    sandbox.poke(&Poke::ErrorRate { of, rate: 0.5 }).unwrap();
}

fn unspoilt(_: &SharedSandbox, _: &Change, _: &HttpRequest) -> Option<Answer> {
    None
}

/// When the first such event was told.
fn told(story: &Story, wanted: impl Fn(&Event) -> bool) -> Timestamp {
    let mut entries = story.report.entries.iter();
    let found = entries.find(|entry| wanted(&entry.event));
    found.unwrap_or_else(|| panic!("never told: {story}")).at
}

fn begins_to_undo(event: &Event) -> bool {
    matches!(event, Event::Undoing { .. })
}

impl std::fmt::Display for Story {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let since = self.report.entries[0].at;
        for entry in &self.report.entries {
            f.write_str(&ecsdeploy::text::terminal::entry(entry, since))?;
        }
        write!(f, "{:?}", self.outcome)
    }
}

/// The old revision serves alone; before its way back was ordered, and as soon as that was decided, the canary was to
/// have no tasks.
fn check_way_back(stage: &Stage, story: &Story, changes: &Changes) {
    let is_back = matches!(story.outcome, Outcome::RolledBack { .. });
    assert!(is_back, "{story}");
    let changes = changes.lock().unwrap();
    let zero = changes.iter().position(Change::is_to_zero);
    let zero = zero.unwrap_or_else(|| panic!("{story}\n{changes:#?}"));
    let waited = changes[zero].at.duration_since(told(story, begins_to_undo));
    assert!(waited <= SignedDuration::from_secs(2), "{waited}: {story}");
    for back in changes.iter().filter(|change| change.is_back()) {
        assert_eq!(back.canary, Some(0), "{back:?} {story}");
    }
    assert_eq!(stage.services(), ["web"], "{story}");
    let stood_down = |event: &Event| matches!(event, Event::CanaryStandsDown { .. });
    assert_eq!(story.events(stood_down), 1, "{story}");
}

fn left_to_ecs(request: &mut Request) {
    request.intent.limits.failed_tasks = FailedTasks::LeaveToEcs;
}

fn in_a_hurry(request: &mut Request) {
    left_to_ecs(request);
    request.intent.limits.timeout = Duration::from_mins(2);
}

fn behind_an_alarm(request: &mut Request) {
    let mut gate = gates::alarm("web-5xx");
    gate.pace.bake = Duration::from_mins(5);
    request.intent.gates = Some(vec![gate]);
}

/// With this change of the request and once this happens, the service goes back for this cause, ordered by this one.
async fn check(change: fn(&mut Request), then: fn(&mut Sandbox), undoer: Undoer, why: &str) {
    let mut request = canary("1.1.0");
    change(&mut request);
    let (stage, story, changes) = play(request, then, unspoilt).await;
    check_way_back(&stage, &story, &changes);
    told(
        &story,
        |event| matches!(event, Event::Undoing { by, cause, .. } if *by == undoer && cause.name() == why),
    );
}

#[tokio::test]
async fn whatever_a_service_goes_back_for_its_canary_has_no_tasks_by_then() {
    let ours = Undoer::Ecsdeploy;
    check(|_| {}, sicken, ours, "tasks_failing").await;
    check(left_to_ecs, sicken, Undoer::Ecs, "circuit_breaker").await;
    check(behind_an_alarm, spoil_answers, ours, "gate").await;
    check(in_a_hurry, sicken, ours, "deadline").await;
}

#[tokio::test]
async fn a_wish_to_go_back_stands_the_canary_down_too() {
    let stage = Stage::world(&world());
    let changes = Changes::default();
    let watched = watch(&stage, &changes, |_| {}, unspoilt);
    let request = canary("1.1.0");
    let id = request.target.clone();
    let journal = Auto::new(&stage.config);
    let wish = async {
        let by = "carla".to_owned();
        loop {
            tokio::task::yield_now().await;
            let record = journal.load(&id).await.unwrap();
            let phase = |phase: &Phase| matches!(phase, Phase::Follow);
            if let Some(record) = record
                && record.work.is_some_and(|work| phase(&work.state.phase))
            {
                return journal.wish(&id, record.fence, &Wish::Undo { by }).await;
            }
        }
    };
    let mut listener = Listener(Report::new());
    let means = watched.means(&journal);
    let rollout = Box::pin(roll_out(request, &means, &mut listener));
    let (ran, wished) = tokio::join!(rollout, wish);
    wished.unwrap();
    let story = Story {
        outcome: outcome(ran.unwrap()),
        report: listener.0,
    };
    check_way_back(&stage, &story, &changes);
    let Outcome::RolledBack { cause } = &story.outcome else {
        panic!("{story}")
    };
    assert!(matches!(cause, Cause::Cancelled { .. }), "{story}");
}

#[tokio::test]
async fn a_failed_service_that_is_left_as_it_is_keeps_its_canary() {
    let mut request = canary("1.1.0");
    request.intent.on_failure = OnFailure::Leave;
    let (stage, story, changes) = play(request, sicken, unspoilt).await;
    assert!(matches!(story.outcome, Outcome::Stranded { .. }), "{story}");
    assert!(!changes.lock().unwrap().iter().any(Change::is_back));
    let stood_down = |event: &Event| matches!(event, Event::CanaryStandsDown { .. });
    assert_eq!(story.events(stood_down), 0, "{story}");
    let left = |event: &Event| matches!(event, Event::CanaryLeft { .. });
    assert_eq!(story.events(left), 1, "{story}");
    assert_eq!(stage.service("web-canary")["desiredCount"], 1);
}

/// Whether the service's new revision is still primary: nobody has ordered the way back.
fn is_not_back(sandbox: &SharedSandbox) -> bool {
    let named = json!({"cluster": "main", "services": ["web"]});
    let described = ask(&mut sandbox.lock(), "DescribeServices", &named);
    let runs = &described["services"][0]["taskDefinition"];
    runs.as_str().unwrap().ends_with("web:2")
}

/// What keeps the canary from standing down must not keep the service from going back, nor the canary from being put
/// away later.
async fn check_spoilt(spoil: Spoil, services: &[&str]) {
    let (stage, story, changes) = play(canary("1.1.0"), sicken, spoil).await;
    let is_back = matches!(story.outcome, Outcome::RolledBack { .. });
    assert!(is_back, "{story}");
    let changes = changes.lock().unwrap();
    let back = changes.iter().find(|change| change.is_back());
    let back = back.unwrap_or_else(|| panic!("{story}\n{changes:#?}"));
    let waited = back.at.duration_since(told(&story, begins_to_undo));
    assert!(waited <= SignedDuration::from_secs(20), "{waited}: {story}");
    assert_eq!(stage.services(), services, "{story}");
}

#[tokio::test]
async fn a_canary_that_cannot_stand_down_does_not_hold_the_service_up() {
    // Denied, as an identity without the right is told.
    check_spoilt(
        |sandbox, change, _| {
            let is_it = change.is_to_zero() && is_not_back(sandbox);
            is_it.then(|| Ok(refusal(400, "AccessDeniedException")))
        },
        &["web"],
    )
    .await;
    // No answer, at each try.
    check_spoilt(
        |sandbox, change, _| {
            let is_it = change.is_to_zero() && is_not_back(sandbox);
            is_it.then(|| Ok(refusal(500, "ServerException")))
        },
        &["web"],
    )
    .await;
    // Done, with the answer lost, at each try.
    check_spoilt(
        |sandbox, change, request| {
            let is_it = change.is_to_zero() && is_not_back(sandbox);
            is_it.then(|| {
                let _ = sandbox.carry(request);
                Err(ConnectorError::io("the connection broke".into()))
            })
        },
        &["web"],
    )
    .await;
}

/// Whether this is a look at the canary while the service is ill and nobody has ordered the way back.
fn is_first_look(sandbox: &SharedSandbox, change: &Change) -> bool {
    let looks = change.operation == "DescribeServices" && change.service == "web-canary";
    looks && is_not_back(sandbox)
}

#[tokio::test]
async fn a_canary_that_is_not_there_to_stand_down_does_not_hold_the_service_up() {
    // Unreadable.
    check_spoilt(
        |sandbox, change, _| {
            let is_it = is_first_look(sandbox, change);
            is_it.then(|| Ok(refusal(400, "AccessDeniedException")))
        },
        &["web"],
    )
    .await;
    // Draining, as somebody has deleted it.
    check_spoilt(
        |sandbox, change, _| {
            let named = json!({"cluster": "main", "service": "web-canary", "force": true});
            if is_first_look(sandbox, change) {
                ask(&mut sandbox.lock(), "DeleteService", &named);
            }
            None
        },
        &["web"],
    )
    .await;
    // Somebody else's from now on: it is left alone to the end.
    check_spoilt(
        |sandbox, change, _| {
            if is_first_look(sandbox, change) {
                let arn = "arn:aws:ecs:eu-central-1:123456789012:service/main/web-canary";
                let untag = json!({"resourceArn": arn, "tagKeys": ["ecsdeploy:canary-of"]});
                ask(&mut sandbox.lock(), "UntagResource", &untag);
            }
            None
        },
        &["web", "web-canary"],
    )
    .await;
}

/// The world as the run left it that died just before its first call that scales the canary to 0.
async fn killed_before_zero(request: Request, then: fn(&mut Sandbox)) -> (Sandbox, Story) {
    let stage = Stage::world(&world());
    let kept: Arc<Mutex<Option<Sandbox>>> = Arc::default();
    let keep = kept.clone();
    let watched = stage.through(move |sandbox, request| {
        let change = change(sandbox, &request);
        if change.is_to_zero() {
            let mut kept = keep.lock().unwrap();
            kept.get_or_insert_with(|| sandbox.lock().clone());
        }
        let answer = sandbox.carry(&request);
        if change.is_forward() {
            then(&mut sandbox.lock());
        }
        answer
    });
    let story = watched.rollout(request).await.unwrap();
    let killed = kept.lock().unwrap().take().unwrap();
    (killed, story)
}

#[tokio::test]
async fn a_run_that_died_while_it_put_the_canary_away_is_taken_up_even_hours_later() {
    for later in [0, 3 * 3600] {
        let (mut killed, unkilled) = killed_before_zero(canary("1.2.0"), |_| {}).await;
        let then = killed.now() + Span::from_secs(later);
        killed.advance(then);
        let stage = Stage::over(SharedSandbox::new(killed));
        let story = stage.rollout(canary("1.2.0")).await.unwrap();
        assert_eq!(story.outcome, unkilled.outcome, "{story}");
        assert_eq!(stage.services(), ["web"], "{later} s later: {story}");
        assert_eq!(stage.parameters(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_run_that_died_before_the_canary_stood_down_is_taken_up_even_hours_later() {
    for later in [0, 3 * 3600] {
        let (mut killed, _) = killed_before_zero(canary("1.1.0"), sicken).await;
        let no_way_back = is_not_back(&SharedSandbox::new(killed.clone()));
        assert!(no_way_back, "the canary comes first");
        let then = killed.now() + Span::from_secs(later);
        killed.advance(then);
        let stage = Stage::over(SharedSandbox::new(killed));
        let changes = Changes::default();
        let watched = watch(&stage, &changes, |_| {}, unspoilt);
        let story = watched.rollout(canary("1.1.0")).await.unwrap();
        let is_back = matches!(story.outcome, Outcome::RolledBack { .. });
        assert!(is_back, "{later} s later: {story}");
        let changes = changes.lock().unwrap();
        assert!(changes[0].is_to_zero(), "{later} s later: {changes:#?}");
        assert_eq!(stage.services(), ["web"], "{later} s later: {story}");
    }
}
