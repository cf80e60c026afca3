//! Records that have become too large for their store: what can be done without goes first, the lock stays in any case.

use super::*;
use ecsdeploy::core::gate::{Check, Gate};
use ecsdeploy::text::record;

/// Bytes of a Standard parameter's value.
const PARAMETER: usize = 4096;

/// Text that does not compress, the same at every run.
fn noise(characters: usize) -> String {
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005);
        state = state.wrapping_add(1_442_695_040_888_963_407);
        char::from_digit((state >> 33) as u32 % 36, 36).unwrap()
    };
    (0..characters).map(|_| next()).collect()
}

/// A request whose plan alone is larger than any store.
fn vast(tag: &str) -> Request {
    let mut request = web(tag);
    request.intent.bake = Duration::from_mins(3);
    request.intent.gates = Some(vec![Gate {
        name: noise(20_000),
        ..Gate::new(Check::Targets)
    }]);
    request
}

type Written = Arc<std::sync::Mutex<Vec<Record>>>;

/// The stage, and all records that are written to parameters.
fn listening(stage: &Stage) -> (Stage, Written) {
    let written = Written::default();
    let writes = written.clone();
    let stage = stage.through(move |sandbox, request| {
        if operation(&request) == "PutParameter" {
            let body: Value = serde_json::from_slice(request.body()).unwrap();
            let text = body["Value"].as_str().unwrap();
            assert!(text.len() <= PARAMETER, "{} bytes", text.len());
            writes.lock().unwrap().push(record::decode(text).unwrap());
        }
        sandbox.carry(&request)
    });
    (stage, written)
}

#[tokio::test]
async fn of_a_record_that_outgrows_its_store_the_lock_is_kept_and_that_is_told_once() {
    let stage = Stage::example("fargate-web");
    let (listened, written) = listening(&stage);
    let (ran, report) = run(&listened, vast("1.1.0"), "anna").await;
    assert_eq!(outcome(ran), Outcome::Completed);
    assert_eq!(troubles(&report), ["journal"]);
    let said = report.entries.iter().find_map(|entry| match &entry.event {
        Event::Trouble { message, .. } => Some(message.clone()),
        _ => None,
    });
    assert!(said.unwrap().contains("only the lock is kept"));
    let written = written.lock().unwrap();
    assert!(written.iter().all(|record| record.work.is_none()));
    let lease = |pair: &[Record]| pair[1].expires.duration_since(pair[0].expires);
    let longest = written.windows(2).map(lease).max().unwrap();
    assert!(longest.as_secs() > 0, "the lease is renewed");
    assert!(longest.as_secs() < 120, "and never runs out: {longest}");
    assert_eq!(stage.parameters(), Vec::<String>::new());
}

#[tokio::test]
async fn a_rollout_of_which_only_the_lock_is_on_record_is_not_taken_over() {
    let in_tags: &[_] = &["GetParameters", "PutParameter", "DeleteParameters"];
    for denied in [&[], in_tags] {
        let stage = Stage::example("fargate-web");
        let stage = denying(&stage, denied);
        cut(&stage, vast("1.1.0"), FOLLOWING, OnCancel::Leave).await;
        let journal = Auto::new(&stage.config);
        let mut left = journal.load(&id()).await.unwrap().unwrap();
        assert_eq!(left.work, None);
        // As it was until its owner left.
        left.renew(stage.clock.now());
        journal.save(&id(), &left).await.unwrap();
        let (ran, _) = run(&stage, web("1.2.0"), "bert").await;
        assert_eq!(held_by(&ran), "anna");
    }
}

#[tokio::test]
async fn what_can_be_done_without_goes_first_and_the_work_is_taken_up() {
    let stage = Stage::example("fargate-web");
    cut(&stage, web("1.1.0"), FOLLOWING, OnCancel::Leave).await;
    let journal = Parameters::new(&stage.config);
    let mut left = journal.load(&id()).await.unwrap().unwrap();
    let mut names = noise(36 * 300);
    while record::encode_compressed(&left).len() <= PARAMETER - 60 {
        let name = names.split_off(names.len() - 36);
        left.work.as_mut().unwrap().state.told.named.insert(name);
    }
    journal.save(&id(), &left).await.unwrap();
    let (listened, written) = listening(&stage);
    // The new owner's name is what is too much.
    let (ran, report) = run(&listened, web("1.1.0"), &noise(200)).await;
    assert_eq!(outcome(ran), Outcome::Completed);
    assert_eq!((taken_up(&report), troubles(&report).len()), (1, 0));
    let first = written.lock().unwrap()[0].clone();
    let state = first.work.unwrap().state;
    assert!(state.told.named.is_empty());
    assert!(state.deployment.is_some());
}

#[tokio::test]
async fn tags_of_the_users_own_leave_less_room() {
    let stage = Stage::example("fargate-web");
    let now = stage.clock.now();
    let goal = goal(&stage, &web("1.1.0")).await;
    let record = Record::new(owner(&noise(300)), Fence::first(now), goal, now);
    let ecs = stage.ecs();
    let described = ecs.describe_services().cluster("main").services("web");
    let described = described.send().await.unwrap();
    let arn = described.services()[0].service_arn().unwrap();
    let own = (described.services()[0].tags().len()..48).map(|number| {
        let tag = aws_sdk_ecs::types::Tag::builder();
        tag.key(format!("own-{number}")).value("x").build()
    });
    let tagged = ecs.tag_resource().resource_arn(arn);
    tagged.set_tags(Some(own.collect())).send().await.unwrap();
    let journal = ServiceTags::new(&stage.config);
    let claimed = journal.claim(&id(), &record, None).await;
    assert!(
        matches!(claimed, Err(JournalError::TooLarge { limit: 253, .. })),
        "{claimed:?}"
    );
}
