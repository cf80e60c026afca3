//! One rollout at a time, taken up where it stood: locks, leases, cancelling, wishes, and going back on request, with the
//! real SDK against the sandbox in virtual time.
#![expect(
    clippy::unwrap_used,
    reason = "a panic in a test is a failure with its place"
)]

#[path = "journal/back.rs"]
mod back;
#[expect(dead_code, reason = "each test uses its part of the stage")]
mod common;
#[path = "journal/left.rs"]
mod left;
#[path = "journal/sizes.rs"]
mod sizes;
#[path = "journal/stores.rs"]
mod stores;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::{HttpRequest, Listener, Stage, cut, operation, outcome, owner, with_image};
use ecsdeploy::adapters::aws::{Answer, Auto, Aws, Parameters, ServiceTags};
use ecsdeploy::adapters::record_file::RecordFiles;
use ecsdeploy::cli::stage::{SandboxClock, SharedSandbox};
use ecsdeploy::core::id::ServiceKey;
use ecsdeploy::core::journal::{Fence, Goal, Record};
use ecsdeploy::core::report::{Cause, Event, Outcome, Report};
use ecsdeploy::core::rollout::{Phase, Wish};
use ecsdeploy::core::service::{Intent, OnCancel};
use ecsdeploy::engine::{
    Means, Ran, Request, SurveyError, To, Unkept, compare, roll_back, roll_out, spectate,
};
use ecsdeploy::ports::{Claim, Clock, Journal, JournalError};
use jiff::Timestamp;
use serde_json::{Value, json};

fn web(tag: &str) -> Request {
    let image = format!("123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:{tag}");
    with_image("main", "web", &image)
}

fn id() -> ServiceKey {
    web("1.1.0").target
}

/// A run by this user that nothing cuts short.
async fn run(stage: &Stage, request: Request, user: &str) -> (Ran, Report) {
    let journal = Auto::new(&stage.config);
    let means = Means {
        owner: owner(user),
        ..stage.means(&journal)
    };
    let mut listener = Listener(Report::new());
    let ran = roll_out(request, &means, &mut listener).await.unwrap();
    (ran, listener.0)
}

/// Sleeps after which a rollout of the example follows its deployment.
const FOLLOWING: u32 = 6;

async fn serving(stage: &Stage) -> String {
    let ecs = stage.ecs();
    let answer = ecs.describe_services().cluster("main").services("web");
    let answer = answer.send().await.unwrap();
    let arn = answer.services()[0].task_definition().unwrap();
    arn.rsplit('/').next().unwrap().to_owned()
}

async fn goal(stage: &Stage, request: &Request) -> Goal {
    let wanted = request.wanted.clone();
    let surveyed = compare(&request.target, wanted, request.pinning, &stage.aws).await;
    Goal::of(&request.target, &surveyed.unwrap().0, &request.intent)
}

/// A record that somebody holds from now on.
async fn hold(stage: &Stage, request: &Request, user: &str) -> Record {
    let now = stage.clock.now();
    let goal = goal(stage, request).await;
    let record = Record::new(owner(user), Fence::first(now), goal, now);
    let journal = Parameters::new(&stage.config);
    let claimed = journal.claim(&id(), &record, None).await.unwrap();
    assert_eq!(claimed, Claim::Locked);
    record
}

fn held_by(ran: &Ran) -> &str {
    match ran {
        Ran::Held { owner, .. } => &owner.user,
        other => panic!("not held: {other:?}"),
    }
}

fn is_interrupted(ran: &Ran) -> bool {
    matches!(ran, Ran::Interrupted { .. })
}

fn count(report: &Report, wanted: impl Fn(&Event) -> bool) -> usize {
    let entries = report.entries.iter();
    entries.filter(|entry| wanted(&entry.event)).count()
}

fn taken_up(report: &Report) -> usize {
    count(report, |event| matches!(event, Event::TakenUp { .. }))
}

fn troubles(report: &Report) -> Vec<&str> {
    let trouble =
        |entry: &'_ ecsdeploy::core::report::Entry| matches!(entry.event, Event::Trouble { .. });
    let entries = report.entries.iter().filter(|entry| trouble(entry));
    entries
        .map(|entry| match &entry.event {
            Event::Trouble { operation, .. } => operation.as_str(),
            _ => unreachable!("they were chosen"),
        })
        .collect()
}

/// `AccessDeniedException` for these operations.
fn denying(stage: &Stage, denied: &'static [&'static str]) -> Stage {
    stage.through(move |sandbox, request| {
        let operation = operation(&request);
        if denied.contains(&operation.as_str()) {
            return refused("AccessDeniedException");
        }
        sandbox.carry(&request)
    })
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "it stands where an answer may be lost"
)]
fn refused(code: &str) -> Answer {
    let body = json!({"__type": code, "message": "no"}).to_string();
    let response = http::Response::builder()
        .status(400)
        .header("content-type", "application/x-amz-json-1.1");
    Ok(response.body(body.into()).unwrap())
}

#[tokio::test]
async fn of_two_rollouts_of_one_service_one_proceeds() {
    let stage = Stage::example("fargate-web");
    let first = run(&stage, web("1.1.0"), "anna");
    let second = run(&stage, web("1.2.0"), "bert");
    let ((first, _), (second, _)) = tokio::join!(first, second);
    assert_eq!(outcome(first), Outcome::Completed);
    assert_eq!(held_by(&second), "anna");
    assert_eq!(serving(&stage).await, "web:2");
    assert_eq!(stage.parameters(), Vec::<String>::new());
}

#[tokio::test]
async fn a_living_owner_of_the_same_goal_is_waited_for_and_found_alive() {
    let stage = Stage::example("fargate-web");
    let record = hold(&stage, &web("1.1.0"), "anna").await;
    let reads = AtomicUsize::new(0);
    let renewing = stage.through(move |sandbox, request| {
        // The owner renews its lease while the other one waits.
        if operation(&request) == "GetParameters" && reads.fetch_add(1, Ordering::SeqCst) == 1 {
            let mut renewed = record.clone();
            renewed.renew(sandbox.now());
            let text = ecsdeploy::text::record::encode(&renewed, 4096);
            put_parameter(sandbox, "/ecsdeploy/main/web", &text);
        }
        sandbox.carry(&request)
    });
    let (ran, report) = run(&renewing, web("1.1.0"), "bert").await;
    assert_eq!(held_by(&ran), "anna");
    assert_eq!(count(&report, |e| matches!(e, Event::Waiting { .. })), 1);
}

fn put_parameter(sandbox: &SharedSandbox, name: &str, value: &str) {
    let body = json!({"Name": name, "Value": value, "Type": "String", "Overwrite": true});
    let request: HttpRequest = http::Request::builder()
        .method("POST")
        .uri("/")
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", "AmazonSSM.PutParameter")
        .body(body.to_string().into())
        .unwrap();
    assert_eq!(sandbox.lock().answer(&request).status(), 200);
}

#[tokio::test]
async fn an_expired_lock_is_taken_over() {
    let stage = Stage::example("fargate-web");
    hold(&stage, &web("1.2.0"), "anna").await;
    let (ran, _) = run(&stage, web("1.1.0"), "bert").await;
    assert_eq!(held_by(&ran), "anna");
    let later = stage.clock.now() + Duration::from_mins(3);
    stage.clock.sleep_until(later).await;
    let (ran, report) = run(&stage, web("1.1.0"), "bert").await;
    assert_eq!(outcome(ran), Outcome::Completed);
    assert_eq!(
        taken_up(&report),
        0,
        "a lock alone leaves nothing to take up"
    );
    assert_eq!(stage.parameters(), Vec::<String>::new());
}

#[tokio::test]
async fn an_owner_that_was_taken_for_dead_stops() {
    let stage = Stage::example("fargate-web");
    let updates = AtomicUsize::new(0);
    let stolen = stage.through(move |sandbox, request| {
        let answer = sandbox.carry(&request);
        // Right after the service was updated, another run breaks the lock.
        if operation(&request) == "UpdateService" && updates.fetch_add(1, Ordering::SeqCst) == 0 {
            let now = sandbox.now() + Duration::from_mins(1);
            let goal: Goal = serde_json::from_value(json!("sha256:0")).unwrap();
            let record = Record::new(owner("bert"), Fence::first(now), goal, now);
            let text = ecsdeploy::text::record::encode(&record, 4096);
            put_parameter(sandbox, "/ecsdeploy/main/web", &text);
        }
        answer
    });
    let (ran, _) = run(&stolen, web("1.1.0"), "anna").await;
    assert_eq!(held_by(&ran), "bert");
    assert_eq!(
        stage.parameters(),
        ["/ecsdeploy/main/web"],
        "it is not ours to remove"
    );
}

#[tokio::test]
async fn a_cancelled_rollout_goes_on_where_it_stood() {
    let stage = Stage::example("fargate-web");
    let left = cut(&stage, web("1.1.0"), FOLLOWING, OnCancel::Leave).await;
    assert!(is_interrupted(&left), "{left:?}");
    let (ran, report) = run(&stage, web("1.1.0"), "bert").await;
    assert_eq!(outcome(ran), Outcome::Completed);
    assert_eq!(taken_up(&report), 1);
    assert_eq!(count(&report, |e| matches!(e, Event::Waiting { .. })), 0);
    assert_eq!(
        (
            stage.calls("UpdateService"),
            stage.calls("RegisterTaskDefinition")
        ),
        (1, 1)
    );
}

#[tokio::test]
async fn a_rollout_cancelled_before_it_changed_anything_leaves_nothing() {
    let stage = Stage::example("fargate-web");
    let left = cut(&stage, web("1.1.0"), 0, OnCancel::RollBack).await;
    assert!(is_interrupted(&left), "{left:?}");
    assert_eq!(stage.calls("UpdateService"), 0);
    assert_eq!(stage.parameters(), Vec::<String>::new());
}

#[tokio::test]
async fn a_cancelled_rollout_can_begin_to_roll_back() {
    let stage = Stage::example("fargate-web");
    let left = cut(&stage, web("1.1.0"), FOLLOWING, OnCancel::RollBack).await;
    let Ran::Interrupted {
        stood: Some((_, state)),
    } = left
    else {
        panic!("{left:?}");
    };
    assert!(matches!(state.phase, Phase::Undo { .. }), "{state:?}");
    assert_eq!(stage.calls("StopServiceDeployment"), 1);
    let (ran, _) = run(&stage, web("1.1.0"), "bert").await;
    let ended = outcome(ran);
    let cancelled = matches!(
        &ended,
        Outcome::RolledBack {
            cause: Cause::Cancelled { .. }
        }
    );
    assert!(cancelled, "{ended:?}");
    assert_eq!(serving(&stage).await, "web:1");
}

#[tokio::test]
async fn without_the_right_to_parameters_tags_keep_the_record_and_the_missing_lock_is_said_once() {
    let stage = Stage::example("fargate-web");
    let denied = denying(
        &stage,
        &["GetParameters", "PutParameter", "DeleteParameters"],
    );
    let left = cut(&denied, web("1.1.0"), FOLLOWING, OnCancel::Leave).await;
    assert!(is_interrupted(&left), "{left:?}");
    let (ran, report) = run(&denied, web("1.1.0"), "bert").await;
    assert_eq!(outcome(ran), Outcome::Completed);
    assert_eq!(taken_up(&report), 1);
    assert_eq!(troubles(&report), ["lock"]);
    assert_eq!(stage.calls("UpdateService"), 1);
    let journal = ServiceTags::new(&stage.config);
    assert_eq!(journal.load(&id()).await, Ok(None));
}

#[tokio::test]
async fn a_journal_that_cannot_be_written_is_trouble_told_once() {
    let stage = Stage::example("fargate-web");
    for denied in [
        &["GetParameters", "TagResource"][..],
        &["PutParameter", "TagResource"][..],
    ] {
        let stage = denying(&stage, denied);
        let (ran, report) = run(&stage, web("1.1.0"), "anna").await;
        assert!(matches!(
            outcome(ran),
            Outcome::Completed | Outcome::Unchanged
        ));
        assert!(troubles(&report).len() <= 1, "{report:?}");
    }
    let broken = stage.through(|sandbox, request| match operation(&request).as_str() {
        "GetParameters" | "PutParameter" => refused("InternalServerError"),
        _ => sandbox.carry(&request),
    });
    let (ran, report) = run(&broken, web("1.0.0"), "anna").await;
    assert_eq!(outcome(ran), Outcome::Completed);
    assert_eq!(troubles(&report), ["PutParameter"]);
}

#[tokio::test]
async fn without_the_right_to_delete_a_released_lock_is_free() {
    let stage = Stage::example("fargate-web");
    let denied = denying(&stage, &["DeleteParameters"]);
    let (ran, report) = run(&denied, web("1.1.0"), "anna").await;
    assert_eq!(
        (outcome(ran), troubles(&report).len()),
        (Outcome::Completed, 0)
    );
    let journal = Parameters::new(&stage.config);
    let left = journal.load(&id()).await.unwrap().unwrap();
    assert!(!left.is_live(stage.clock.now()) && left.unfinished().is_none());
}

/// Carla's word.
fn abort() -> (Wish, Cause) {
    let by = || "carla".to_owned();
    (Wish::Undo { by: by() }, Cause::Cancelled { by: by() })
}

/// Carla aborts a rollout once it has begun.
async fn aborted(stage: &Stage) -> Outcome {
    let abort = async {
        let journal = Auto::new(&stage.config);
        loop {
            tokio::task::yield_now().await;
            let record = journal.load(&id()).await.unwrap();
            if let Some(record) = record.filter(|record| record.unfinished().is_some()) {
                let (wish, _) = abort();
                return journal.wish(&id(), record.fence, &wish).await.unwrap();
            }
        }
    };
    let ((ran, _), ()) = tokio::join!(run(stage, web("1.1.0"), "anna"), abort);
    outcome(ran)
}

#[tokio::test]
async fn an_abort_is_heard_at_the_next_look() {
    let stage = Stage::example("fargate-web");
    let (_, cause) = abort();
    assert_eq!(aborted(&stage).await, Outcome::RolledBack { cause });
    assert_eq!(stage.parameters(), Vec::<String>::new());
}

#[tokio::test]
async fn an_abort_of_a_run_that_died_before_it_began_is_heard_by_the_next_and_of_one_that_ended_by_none()
 {
    let stage = Stage::example("fargate-web");
    let record = hold(&stage, &web("1.1.0"), "anna").await;
    let (wish, cause) = abort();
    let journal = Parameters::new(&stage.config);
    journal.wish(&id(), record.fence, &wish).await.unwrap();
    let (ran, _) = run(&stage, web("1.1.0"), "bert").await;
    assert_eq!(outcome(ran), Outcome::Failed { cause });
    assert_eq!(stage.calls("UpdateService"), 0);

    let denied = denying(&stage, &["DeleteParameters"]);
    let (_, cause) = abort();
    assert_eq!(aborted(&denied).await, Outcome::RolledBack { cause });
    let (ran, _) = run(&denied, web("1.1.0"), "bert").await;
    assert_eq!(outcome(ran), Outcome::Completed);
}

async fn going_back(stage: &Stage, to: To) -> Result<Ran, SurveyError> {
    told_to_go_back(stage, to, &mut Listener(Report::new())).await
}

async fn told_to_go_back(
    stage: &Stage,
    to: To,
    listener: &mut Listener,
) -> Result<Ran, SurveyError> {
    let journal = Auto::new(&stage.config);
    let by = "dora".to_owned();
    let means: Means<'_, Aws, SandboxClock, Auto> = Means {
        owner: owner("dora"),
        wish: Some(Wish::Undo { by }),
        ..stage.means(&journal)
    };
    let intent = Intent::default();
    Box::pin(roll_back(id(), to, intent, &means, listener)).await
}

#[tokio::test]
async fn rollback_goes_to_the_last_completed_revision_or_to_a_named_one() {
    let stage = Stage::example("fargate-web");
    run(&stage, web("1.2.0"), "anna").await;
    assert_eq!(serving(&stage).await, "web:1", "1.2.0 does not serve");
    run(&stage, web("1.1.0"), "anna").await;
    assert_eq!(serving(&stage).await, "web:3");
    let ran = going_back(&stage, To::Previous).await.unwrap();
    assert_eq!(outcome(ran), Outcome::Completed);
    assert_eq!(
        serving(&stage).await,
        "web:1",
        "never revision - 1 of the newest"
    );
    let ran = going_back(&stage, To::Revision("3".to_owned()))
        .await
        .unwrap();
    assert_eq!(outcome(ran), Outcome::Completed);
    assert_eq!(serving(&stage).await, "web:3");
    let ran = going_back(&stage, To::Revision("web:3".to_owned()))
        .await
        .unwrap();
    assert_eq!(outcome(ran), Outcome::Unchanged);
    let unknown = going_back(&stage, To::Revision("web:99".to_owned())).await;
    assert!(
        matches!(unknown, Err(SurveyError::NoTaskDefinition(_))),
        "{unknown:?}"
    );
}

#[tokio::test]
async fn without_a_known_previous_revision_rollback_says_so() {
    let stage = Stage::example("fargate-web");
    let unknown = going_back(&stage, To::Previous).await;
    assert!(
        matches!(unknown, Err(SurveyError::NoPrevious(_))),
        "{unknown:?}"
    );
    run(&stage, web("1.1.0"), "anna").await;
    let denied = denying(&stage, &["ListServiceDeployments"]);
    let unknown = going_back(&denied, To::Previous).await;
    assert!(
        matches!(unknown, Err(SurveyError::NoPrevious(_))),
        "{unknown:?}"
    );
}

#[tokio::test]
async fn rollback_turns_back_what_a_dead_run_left_and_what_runs_without_a_record() {
    for forget in [false, true] {
        let stage = Stage::example("fargate-web");
        cut(&stage, web("1.1.0"), FOLLOWING, OnCancel::Leave).await;
        if forget {
            let journal = Parameters::new(&stage.config);
            let record = journal.load(&id()).await.unwrap().unwrap();
            journal.release(&id(), record.fence).await.unwrap();
        }
        let ended = outcome(going_back(&stage, To::Previous).await.unwrap());
        assert!(
            matches!(ended, Outcome::RolledBack { .. }),
            "{forget}: {ended:?}"
        );
        assert_eq!(serving(&stage).await, "web:1");
        assert_eq!(stage.calls("StopServiceDeployment"), 1);
        assert_eq!(stage.parameters(), Vec::<String>::new());
    }
}

async fn watch(stage: &Stage) -> Outcome {
    let mut listener = Listener(Report::new());
    let timeout = Duration::from_mins(30);
    let journal = Auto::new(&stage.config);
    let (aws, clock) = (&stage.aws, &stage.clock);
    let ran = spectate(&id(), timeout, aws, clock, &journal, &mut listener).await;
    outcome(ran.unwrap())
}

#[tokio::test]
async fn a_watcher_tells_the_end_and_changes_nothing() {
    let stage = Stage::example("fargate-web");
    cut(&stage, web("1.1.0"), FOLLOWING, OnCancel::Leave).await;
    let changes = |stage: &Stage| {
        let changing = ["UpdateService", "StopServiceDeployment", "PutParameter"];
        changing.map(|operation| stage.calls(operation))
    };
    let before = changes(&stage);
    assert_eq!(watch(&stage).await, Outcome::Completed);
    assert_eq!(changes(&stage), before);

    let stage = Stage::example("fargate-web");
    cut(&stage, web("1.2.0"), FOLLOWING, OnCancel::Leave).await;
    let before = changes(&stage);
    let ended = watch(&stage).await;
    assert!(
        matches!(ended, Outcome::RolledBack { .. }),
        "ECS's breaker goes back: {ended:?}"
    );
    assert_eq!(changes(&stage), before);

    let stage = Stage::example("fargate-web");
    assert_eq!(
        watch(&stage).await,
        Outcome::Completed,
        "nothing runs, and it serves"
    );
}

/// The same for every store: what a journal is.
async fn keeps(journal: &impl Journal, now: Timestamp, stage: &Stage) {
    let goal = goal(stage, &web("1.1.0")).await;
    let first = Record::new(owner("anna"), Fence::first(now), goal, now);
    let second = first.taken_by(owner("bert"), now);
    assert_eq!(journal.load(&id()).await, Ok(None));
    let claimed = journal.claim(&id(), &first, None).await;
    assert!(
        !matches!(claimed, Ok(Claim::Held(_)) | Err(_)),
        "{claimed:?}"
    );
    assert_eq!(journal.load(&id()).await, Ok(Some(first.clone())));
    let held = Claim::Held(Box::new(first.clone()));
    assert_eq!(journal.claim(&id(), &second, None).await, Ok(held));

    let wish = Wish::Promote {
        by: "carla, on call (night)".to_owned(),
    };
    journal.wish(&id(), first.fence, &wish).await.unwrap();
    let said = Ok(Some(wish.clone()));
    assert_eq!(journal.hear(&id(), first.fence).await, said);
    assert_eq!(journal.hear(&id(), second.fence).await, Ok(None));

    let by = "dora".to_owned();
    let abort = Wish::Undo { by };
    journal.wish(&id(), first.fence, &abort).await.unwrap();
    let refused = journal.wish(&id(), first.fence, &wish).await;
    let by = "dora".to_owned();
    assert_eq!(refused, Err(JournalError::Aborted { by }));
    let said = Ok(Some(abort));
    assert_eq!(journal.hear(&id(), first.fence).await, said);

    let over = Some(first.fence);
    let claimed = journal.claim(&id(), &second, over).await;
    assert!(
        !matches!(claimed, Ok(Claim::Held(_)) | Err(_)),
        "{claimed:?}"
    );
    let heard = journal.hear(&id(), first.fence).await;
    assert_eq!(
        heard, said,
        "it was told to the work, not to who died over it"
    );
    let late = Record::new(
        owner("dora"),
        second.fence.next(now),
        first.goal.clone(),
        now,
    );
    let held = Claim::Held(Box::new(second.clone()));
    assert_eq!(journal.claim(&id(), &late, over).await, Ok(held));
    let lost = JournalError::TakenOver(owner("bert"));
    assert_eq!(journal.save(&id(), &first).await, Err(lost));
    journal.release(&id(), first.fence).await.unwrap();
    let mut renewed = second.clone();
    renewed.renew(now + Duration::from_mins(1));
    journal.save(&id(), &renewed).await.unwrap();
    assert_eq!(journal.load(&id()).await, Ok(Some(renewed)));
    journal.release(&id(), second.fence).await.unwrap();
    assert_eq!(journal.load(&id()).await, Ok(None));
}

#[tokio::test]
async fn each_store_keeps_one_record_for_one_owner() {
    let stage = Stage::example("fargate-web");
    let now = stage.clock.now();
    let folder = tempfile::tempdir().unwrap();
    Box::pin(keeps(&Parameters::new(&stage.config), now, &stage)).await;
    Box::pin(keeps(&ServiceTags::new(&stage.config), now, &stage)).await;
    Box::pin(keeps(&Auto::new(&stage.config), now, &stage)).await;
    keeps(&RecordFiles::new(folder.path()), now, &stage).await;
    let left: Vec<_> = std::fs::read_dir(folder.path().join("main"))
        .unwrap()
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_create_whose_answer_was_lost_is_ours() {
    let stage = Stage::example("fargate-web");
    let lost = Arc::new(AtomicUsize::new(0));
    let seen = lost.clone();
    let flaky = stage.through(move |sandbox, request| {
        let answer = sandbox.carry(&request);
        let first =
            operation(&request) == "PutParameter" && seen.fetch_add(1, Ordering::SeqCst) == 0;
        if first {
            let error = "connection reset".into();
            return Err(aws_smithy_runtime_api::client::result::ConnectorError::io(
                error,
            ));
        }
        answer
    });
    let (ran, report) = run(&flaky, web("1.1.0"), "anna").await;
    assert_eq!(
        (outcome(ran), troubles(&report).len()),
        (Outcome::Completed, 0)
    );
    assert!(lost.load(Ordering::SeqCst) > 1);
}

#[tokio::test]
async fn without_a_journal_nothing_is_kept() {
    let stage = Stage::example("fargate-web");
    let mut listener = Listener(Report::new());
    let ran = roll_out(web("1.1.0"), &stage.means(&Unkept), &mut listener).await;
    assert_eq!(outcome(ran.unwrap()), Outcome::Completed);
    assert_eq!(stage.calls("PutParameter") + stage.calls("TagResource"), 0);
}

#[tokio::test]
async fn a_record_fits_a_standard_parameter() {
    let stage = Stage::example("fargate-web");
    let sizes: Arc<std::sync::Mutex<Vec<usize>>> = Arc::default();
    let seen = sizes.clone();
    let measured = stage.through(move |sandbox, request| {
        if operation(&request) == "PutParameter" {
            let body: Value = serde_json::from_slice(request.body()).unwrap();
            assert_eq!(body["Tier"], "Standard");
            seen.lock()
                .unwrap()
                .push(body["Value"].as_str().unwrap().len());
        }
        sandbox.carry(&request)
    });
    run(&measured, web("1.2.0"), "anna").await;
    let sizes = sizes.lock().unwrap();
    assert!(sizes.iter().all(|size| *size <= 4096), "{sizes:?}");
}
