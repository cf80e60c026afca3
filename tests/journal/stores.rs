//! The record's stores when AWS does not do as it is asked: no right, no answer, too many calls, and two takers of one lease.

use std::sync::atomic::AtomicBool;

use aws_smithy_runtime_api::client::result::ConnectorError;

use super::*;
use ecsdeploy::core::rollout::FaultKind;

const PARAMETERS: &[&str] = &["GetParameters", "PutParameter", "DeleteParameters"];

/// A record whose lease has ended, of a run for 1.2.0 that left nothing.
async fn expired(stage: &Stage) -> Record {
    let record = hold(stage, &web("1.2.0"), "anna").await;
    let later = stage.clock.now() + Duration::from_mins(3);
    stage.clock.sleep_until(later).await;
    record
}

/// What becomes of a call of this operation, counted from 0.
enum Fate {
    Passes,
    /// AWS did it, and nobody hears so.
    Unheard,
    /// It never arrived.
    Lost,
    Throttled,
}

/// The stage, with a fate for each call of one operation, and others denied.
fn fated(
    stage: &Stage,
    denied: &'static [&'static str],
    of: &'static str,
    fate: impl Fn(usize) -> Fate + Send + Sync + 'static,
) -> Stage {
    let calls = AtomicUsize::new(0);
    let broken = || Err(ConnectorError::io("connection reset".into()));
    stage.through(move |sandbox, request| {
        let operation = operation(&request);
        if denied.contains(&operation.as_str()) {
            return refused("AccessDeniedException");
        }
        if operation != of {
            return sandbox.carry(&request);
        }
        match fate(calls.fetch_add(1, Ordering::SeqCst)) {
            Fate::Passes => sandbox.carry(&request),
            Fate::Unheard => sandbox.carry(&request).and_then(|_| broken()),
            Fate::Lost => broken(),
            Fate::Throttled => refused("ThrottlingException"),
        }
    })
}

/// So many attempts has one call.
const ATTEMPTS: usize = 6;

#[tokio::test]
async fn whoever_may_write_parameters_sees_a_run_that_may_not() {
    let stage = Stage::example("fargate-web");
    let denied = denying(&stage, PARAMETERS);
    cut(&denied, web("1.1.0"), FOLLOWING, OnCancel::Leave).await;
    let tags = ServiceTags::new(&stage.config);
    let mut left = tags.load(&id()).await.unwrap().unwrap();
    left.renew(stage.clock.now());
    tags.save(&id(), &left).await.unwrap();
    let (ran, _) = run(&stage, web("1.2.0"), "bert").await;
    assert_eq!(held_by(&ran), "anna", "it lives");
    let later = stage.clock.now() + Duration::from_mins(3);
    stage.clock.sleep_until(later).await;
    let (ran, report) = run(&stage, web("1.1.0"), "bert").await;
    assert_eq!(outcome(ran), Outcome::Completed);
    assert_eq!(taken_up(&report), 1);
    assert_eq!(troubles(&report), ["lock"]);
    assert_eq!(stage.calls("UpdateService"), 1);
    assert_eq!(tags.load(&id()).await, Ok(None));
    assert_eq!(stage.parameters(), Vec::<String>::new());
}

#[tokio::test]
async fn a_word_that_may_not_be_left_where_the_record_is_is_left_nowhere() {
    let stage = Stage::example("fargate-web");
    let record = hold(&stage, &web("1.1.0"), "anna").await;
    let denied = denying(&stage, &["PutParameter"]);
    let journal = Auto::new(&denied.config);
    assert_eq!(journal.load(&id()).await, Ok(Some(record.clone())));
    let by = "carla".to_owned();
    let told = journal.wish(&id(), record.fence, &Wish::Undo { by }).await;
    assert!(
        matches!(&told, Err(JournalError::Fault(fault)) if fault.kind == FaultKind::Denied),
        "{told:?}"
    );
    assert_eq!(stage.calls("TagResource"), 0);
}

#[tokio::test]
async fn a_right_that_is_taken_in_the_middle_leaves_the_record_where_the_lock_is() {
    let stage = Stage::example("fargate-web");
    let taken = Arc::new(AtomicBool::new(false));
    let takes = taken.clone();
    let denied = stage.through(move |sandbox, request| {
        let operation = operation(&request);
        if operation == "UpdateService" {
            takes.store(true, Ordering::SeqCst);
        }
        if takes.load(Ordering::SeqCst) && PARAMETERS.contains(&operation.as_str()) {
            return refused("AccessDeniedException");
        }
        sandbox.carry(&request)
    });
    cut(&denied, web("1.1.0"), FOLLOWING, OnCancel::Leave).await;
    let journal = Parameters::new(&stage.config);
    let left = journal.load(&id()).await.unwrap().unwrap();
    assert!(left.unfinished().is_some());
    let tags = ServiceTags::new(&stage.config);
    assert_eq!(tags.load(&id()).await, Ok(None));
    let (ran, report) = run(&stage, web("1.1.0"), "bert").await;
    assert_eq!((outcome(ran), taken_up(&report)), (Outcome::Completed, 1));
    assert_eq!(stage.calls("UpdateService"), 1);
}

#[tokio::test]
async fn a_store_that_throttles_ends_no_rollout_and_the_record_catches_up() {
    let stage = Stage::example("fargate-web");
    // The claim gets through; then a minute or more of nothing.
    let throttled = fated(&stage, &[], "PutParameter", |n| match n {
        0 => Fate::Passes,
        n if n <= 4 * ATTEMPTS => Fate::Throttled,
        _ => Fate::Passes,
    });
    cut(&throttled, web("1.1.0"), FOLLOWING, OnCancel::Leave).await;
    let journal = Parameters::new(&stage.config);
    let left = journal.load(&id()).await.unwrap().unwrap();
    assert!(left.unfinished().is_some(), "{left:?}");
    let (ran, report) = run(&stage, web("1.1.0"), "bert").await;
    assert_eq!((outcome(ran), taken_up(&report)), (Outcome::Completed, 1));
    assert_eq!(stage.calls("UpdateService"), 1);
}

#[tokio::test]
async fn a_lease_that_is_taken_with_the_answer_lost_is_ours() {
    let stage = Stage::example("fargate-web");
    expired(&stage).await;
    let lost = fated(&stage, &[], "PutParameter", |n| match n {
        n if n < ATTEMPTS => Fate::Unheard,
        _ => Fate::Passes,
    });
    let (ran, report) = run(&lost, web("1.1.0"), "bert").await;
    assert_eq!(
        (outcome(ran), troubles(&report).len()),
        (Outcome::Completed, 0)
    );
    assert_eq!(stage.parameters(), Vec::<String>::new());
}

#[tokio::test]
async fn a_lease_that_could_not_be_taken_at_once_is_taken_later_and_its_dead_owner_takes_nothing_over()
 {
    for (of, denied) in [("PutParameter", &[][..]), ("TagResource", PARAMETERS)] {
        let stage = Stage::example("fargate-web");
        let before = denying(&stage, denied);
        cut(&before, web("1.1.0"), FOLLOWING, OnCancel::Leave).await;
        let lost = fated(&stage, denied, of, |n| match n {
            n if n < ATTEMPTS => Fate::Lost,
            _ => Fate::Passes,
        });
        let (ran, report) = run(&lost, web("1.1.0"), "bert").await;
        assert_eq!(outcome(ran), Outcome::Completed, "{of}");
        assert_eq!((taken_up(&report), troubles(&report)), (1, vec![of]));
        let journal = Auto::new(&lost.config);
        assert_eq!(journal.load(&id()).await, Ok(None), "{of}");
    }
}

/// Another taker's write beside the first overwriting one of ours.
#[derive(Clone, Copy)]
enum Beside {
    Before,
    After,
}

/// Bert takes an expired lease while carla does, whose write comes so; who has it, and whether both go on.
async fn two_take(when: Beside) -> (Stage, Record, Record, Claim) {
    let stage = Stage::example("fargate-web");
    let left = expired(&stage).await;
    let now = stage.clock.now();
    let (ours, theirs) = (
        left.taken_by(owner("bert"), now),
        left.taken_by(owner("carla"), now + Duration::from_millis(1)),
    );
    let text = ecsdeploy::text::record::encode(&theirs, 4096);
    let writes = AtomicUsize::new(0);
    let racing = stage.through(move |sandbox, request| {
        let is_ours =
            operation(&request) == "PutParameter" && writes.fetch_add(1, Ordering::SeqCst) == 0;
        if !is_ours {
            return sandbox.carry(&request);
        }
        if let Beside::Before = when {
            put_parameter(sandbox, "/ecsdeploy/main/web", &text);
        }
        let answer = sandbox.carry(&request);
        if let Beside::After = when {
            put_parameter(sandbox, "/ecsdeploy/main/web", &text);
        }
        answer
    });
    let journal = Parameters::new(&racing.config);
    let claimed = journal.claim(&id(), &ours, Some(left.fence)).await;
    (stage, ours, theirs, claimed.unwrap())
}

#[tokio::test]
async fn of_two_takers_of_one_lease_the_last_has_it_and_the_other_learns_that_before_it_changes_anything()
 {
    let (stage, ours, theirs, claimed) = Box::pin(two_take(Beside::Before)).await;
    assert_eq!(claimed, Claim::Locked);
    let journal = Parameters::new(&stage.config);
    let lost = JournalError::TakenOver(owner("bert"));
    assert_eq!(journal.save(&id(), &theirs).await, Err(lost));
    assert_eq!(journal.save(&id(), &ours).await, Ok(()));

    let (stage, ours, theirs, claimed) = Box::pin(two_take(Beside::After)).await;
    assert_eq!(claimed, Claim::Held(Box::new(theirs.clone())));
    let journal = Parameters::new(&stage.config);
    let lost = JournalError::TakenOver(owner("carla"));
    assert_eq!(journal.save(&id(), &ours).await, Err(lost));
    assert_eq!(journal.save(&id(), &theirs).await, Ok(()));
}

#[tokio::test]
async fn of_two_runs_that_find_one_expired_lease_one_makes_the_changes() {
    let stage = Stage::example("fargate-web");
    expired(&stage).await;
    let bert = run(&stage, web("1.1.0"), "bert");
    let carla = run(&stage, web("1.1.0"), "carla");
    let ((bert, _), (carla, _)) = tokio::join!(bert, carla);
    let ended = [&bert, &carla].map(|ran| matches!(ran, Ran::Ended { .. }));
    let held = [&bert, &carla].map(|ran| matches!(ran, Ran::Held { .. }));
    assert!(
        ended[0] != ended[1] && held[0] != held[1],
        "{bert:?} {carla:?}"
    );
    assert_eq!(stage.calls("UpdateService"), 1);
    assert_eq!(stage.parameters(), Vec::<String>::new());
}

/// Every container has a process 1, and the disk may be shared.
#[tokio::test]
async fn two_that_write_at_once_to_one_folder_do_not_mix_their_records() {
    let stage = Stage::example("fargate-web");
    let folder = tempfile::tempdir().unwrap();
    let now = stage.clock.now();
    let goal = goal(&stage, &web("1.1.0")).await;
    let claim = |user: &str| {
        let record = Record::new(owner(user), Fence::first(now), goal.clone(), now);
        let journal = RecordFiles::new(folder.path());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            runtime.unwrap().block_on(async {
                let claimed = journal.claim(&id(), &record, None).await.unwrap();
                (record, claimed)
            })
        })
    };
    let takers: Vec<_> = (0..8)
        .map(|number| claim(&format!("user-{number}")))
        .collect();
    let claimed: Vec<_> = takers.into_iter().map(|it| it.join().unwrap()).collect();
    let locked: Vec<_> = claimed
        .iter()
        .filter(|(_, it)| *it == Claim::Locked)
        .collect();
    assert_eq!(locked.len(), 1);
    let there = RecordFiles::new(folder.path()).load(&id()).await.unwrap();
    assert_eq!(there.as_ref(), Some(&locked[0].0));
    let (_, others): (Vec<_>, Vec<_>) = claimed.iter().partition(|(_, it)| *it == Claim::Locked);
    let held = Claim::Held(Box::new(locked[0].0.clone()));
    assert!(others.iter().all(|(_, it)| *it == held), "{others:?}");
}
