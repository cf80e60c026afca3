//! Pokes and what the census shows of them.

use serde_json::{Value, json};

use crate::sandbox::{Duration, Poke, PokeError, Sandbox, looking};

const WORLD: &str = include_str!("../../examples/fargate-web/sandbox.yml");

fn sandbox() -> Sandbox {
    Sandbox::new(WORLD, 1).unwrap()
}

fn poke(sandbox: &mut Sandbox, text: &str) -> Result<(), PokeError> {
    let poke: Poke = serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let again: Poke = serde_json::from_value(serde_json::to_value(&poke).unwrap()).unwrap();
    assert_eq!(again, poke);
    sandbox.poke(&poke)
}

fn pass(sandbox: &mut Sandbox, seconds: u64) {
    sandbox.advance(sandbox.now() + Duration::from_secs(seconds));
}

/// Ids of the tasks that are to run.
fn tasks(sandbox: &mut Sandbox) -> Vec<String> {
    let tasks = looking::tasks(&mut sandbox.world).unwrap();
    let wanted = tasks
        .iter()
        .filter(|task| task["desiredStatus"] == "RUNNING");
    let id = |task: &Value| {
        task["taskArn"]
            .as_str()
            .unwrap()
            .rsplit('/')
            .next()
            .unwrap()
            .to_owned()
    };
    wanted.map(id).collect()
}

fn states(sandbox: &mut Sandbox) -> Vec<String> {
    let census = sandbox.census();
    let targets = census["targetGroups"][0]["targets"].as_array().unwrap();
    targets
        .iter()
        .map(|t| t["state"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_sick_task_is_replaced_and_the_others_stay() {
    let mut sandbox = sandbox();
    let before = tasks(&mut sandbox);
    poke(
        &mut sandbox,
        &json!({"sicken": {"task": before[0]}}).to_string(),
    )
    .unwrap();
    pass(&mut sandbox, 25);
    assert!(states(&mut sandbox).contains(&"unhealthy".to_owned()));
    pass(&mut sandbox, 180);
    let after = tasks(&mut sandbox);
    assert!(
        after.contains(&before[1]) && !after.contains(&before[0]),
        "{after:?}"
    );
}

#[test]
fn a_sick_image_stays_sick_in_new_tasks_until_it_is_healed() {
    let mut sandbox = sandbox();
    poke(&mut sandbox, r#"{"sicken":{"image":"web:1.0.0"}}"#).unwrap();
    pass(&mut sandbox, 300);
    assert!(!states(&mut sandbox).contains(&"healthy".to_owned()));
    poke(&mut sandbox, r#"{"heal":{"image":"web:1.0.0"}}"#).unwrap();
    pass(&mut sandbox, 300);
    let healthy = states(&mut sandbox)
        .iter()
        .filter(|state| *state == "healthy")
        .count();
    assert_eq!(healthy, 2);
}

#[test]
fn a_killed_task_says_how_it_ended() {
    let mut sandbox = sandbox();
    let victim = tasks(&mut sandbox)[0].clone();
    poke(&mut sandbox, &json!({"kill": {"task": victim}}).to_string()).unwrap();
    pass(&mut sandbox, 60);
    let census = sandbox.census();
    let task = census["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|t| t["id"] == victim)
        .unwrap();
    assert_eq!(
        (
            &task["lastStatus"],
            &task["stopCode"],
            &task["containers"][0]["exitCode"]
        ),
        (
            &json!("STOPPED"),
            &json!("EssentialContainerExited"),
            &json!(137)
        )
    );
}

#[test]
fn a_poke_that_finds_nothing_says_so() {
    let mut sandbox = sandbox();
    let mut check = |text: &str, says: &str| {
        let error = poke(&mut sandbox, text).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    };
    check(r#"{"sicken":{"image":"web:9"}}"#, "no image \"web:9\"");
    check(r#"{"kill":{"task":"0"}}"#, "no running task");
    check(
        r#"{"errorRate":{"of":{"image":"web:1.0.0"},"rate":2}}"#,
        "between 0 and 1",
    );
    check(r#"{"hurry":"2d"}"#, "24h");
    check(r#"{"fault":{"service":"s3","fault":"reset"}}"#, "\"s3\"");
}

#[test]
fn the_clock_can_be_hurried() {
    let mut sandbox = sandbox();
    let start = sandbox.now();
    poke(&mut sandbox, r#"{"hurry":"1h30m"}"#).unwrap();
    assert_eq!(sandbox.now().since(start), Duration::from_secs(5400));
}

#[test]
fn a_census_changes_nothing_and_counts_as_no_call() {
    let mut sandbox = sandbox();
    let before = format!("{:?}", sandbox.world);
    let census = sandbox.census();
    assert_eq!(census["services"][0]["running"], 2, "{census}");
    assert_eq!(census["routes"][0]["forwards"][0]["share"], 1.0);
    assert_eq!(format!("{:?}", sandbox.world), before);
    assert!(sandbox.calls().is_empty());
}
