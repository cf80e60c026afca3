//! ECS's own shifts, whole, against the sandbox in virtual time: how they end, and what is left when a run cannot learn it.
#![expect(
    clippy::unwrap_used,
    reason = "a panic in a test is a failure with its place"
)]

#[expect(dead_code, reason = "each suite uses a part of the stage")]
mod common;

use std::sync::Mutex;
use std::time::Duration;

use common::{HttpRequest, Listener, Stage, Story, call, operation, outcome, with_image};
use ecsdeploy::adapters::aws::Auto;
use ecsdeploy::cli::stage::SharedSandbox;
use ecsdeploy::core::plan::Refusal;
use ecsdeploy::core::report::{Cause, Event, Outcome, Report};
use ecsdeploy::core::rollout::{Phase, State};
use ecsdeploy::engine::{Ran, Request, SurveyError, Unkept, roll_out};
use ecsdeploy::ports::Journal;
use ecsdeploy::sandbox::faults::Rule;
use serde_json::{Value, json};

const EXAMPLE: &str = "fargate-canary-shift";

fn web(tag: &str) -> Request {
    let image = format!("123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:{tag}");
    let mut request = with_image("main", "web", &image);
    request.intent.bake = Duration::from_mins(1);
    request.intent.limits.timeout = Duration::from_hours(1);
    request
}

/// The example's world, whose service has this PAUSE hook of its own.
fn with_pause(stages: &[&str], minutes: u64) -> Stage {
    let file = format!(
        "{}/examples/{EXAMPLE}/sandbox.yml",
        env!("CARGO_MANIFEST_DIR")
    );
    let world = std::fs::read_to_string(file).unwrap();
    let hook = json!([{
        "targetType": "PAUSE",
        "lifecycleStages": stages,
        "timeoutConfiguration": {"timeoutInMinutes": minutes, "action": "ROLLBACK"},
    }]);
    let strategy = "      strategy: CANARY\n";
    assert!(world.contains(strategy));
    let with_hook = format!("{strategy}      lifecycleHooks: {hook}\n");
    Stage::world(&world.replace(strategy, &with_hook))
}

/// The service's strategy and lifecycle hooks, and the revision that it runs.
async fn standing(stage: &Stage) -> (String, usize, String) {
    let ecs = stage.ecs();
    let described = ecs.describe_services().cluster("main").services("web");
    let described = described.send().await.unwrap();
    let service = &described.services()[0];
    let set = service.deployment_configuration().unwrap();
    let strategy = set.strategy().unwrap().as_str().to_owned();
    let revision = service.task_definition().unwrap();
    let revision = revision.rsplit('/').next().unwrap().to_owned();
    (strategy, set.lifecycle_hooks().len(), revision)
}

fn canary(hooks: usize, revision: &str) -> (String, usize, String) {
    ("CANARY".to_owned(), hooks, revision.to_owned())
}

/// These calls fail from now on.
fn spoil(sandbox: &SharedSandbox, operation: &str) {
    let rule = json!({"operation": operation, "fault": "error"});
    let rule: Rule = serde_json::from_value(rule).unwrap();
    sandbox.lock().world.faults.add(rule, 1).unwrap();
}

fn mend(stage: &Stage, minutes_later: u64) {
    let mut sandbox = stage.sandbox.lock();
    sandbox.world.faults.clear();
    let later = sandbox.now() + ecsdeploy::sandbox::Duration::from_secs(60 * minutes_later);
    sandbox.advance(later);
}

/// The same world, in which reads of deployments fail from the nth call of an operation on.
fn blinded(stage: &Stage, by: &'static str, nth: u32) -> Stage {
    let calls = Mutex::new(0);
    stage.through(move |sandbox, request| {
        let answer = sandbox.carry(&request);
        let mut calls = calls.lock().unwrap();
        if operation(&request) == by {
            *calls += 1;
            if *calls == nth {
                spoil(sandbox, "DescribeServiceDeployments");
            }
        }
        answer
    })
}

/// A run that has to leave the deployment to ECS: why it did, and where it stood.
async fn leaves(stage: &Stage, tag: &str, journal: &impl Journal) -> (Cause, State) {
    let mut listener = Listener(Report::new());
    let ran = roll_out(web(tag), &stage.means(journal), &mut listener).await;
    match ran.unwrap() {
        Ran::LeftOff { state, cause, .. } => (cause, *state),
        other => panic!("it ended: {other:?}"),
    }
}

#[tokio::test]
async fn ecs_shifts_a_good_release_past_our_pauses_and_is_set_as_before() {
    let stage = Stage::example(EXAMPLE);
    let story = stage.rollout(web("1.1.0")).await.unwrap();
    assert_eq!(story.outcome, Outcome::Completed);
    assert!(stage.calls("ContinueServiceDeployment") >= 3);
    assert_eq!(standing(&stage).await, canary(0, "web:2"));
}

#[tokio::test]
async fn ecs_takes_a_sick_release_back_before_it_has_traffic() {
    let stage = Stage::example(EXAMPLE);
    let story = stage.rollout(web("1.2.0")).await.unwrap();
    let Outcome::RolledBack { .. } = story.outcome else {
        panic!("{:?}", story.outcome)
    };
    assert!(
        story.report.seconds() < 600,
        "failed tasks end the wait long before the timeout"
    );
    assert_eq!(standing(&stage).await, canary(0, "web:1"));
}

/// The service answers at every look: that alone must not make the looks that fail begin anew.
#[tokio::test]
async fn a_shift_that_cannot_be_read_is_left_as_it_is_and_taken_up_by_the_same_command() {
    let back = |ended: &Outcome| matches!(ended, Outcome::RolledBack { .. });
    let done = |ended: &Outcome| *ended == Outcome::Completed;
    // Blind before any traffic moved, at 10 %, and in the last bake, which ECS ends by itself.
    for (calls, later, ends, serves) in [
        (1, 1, done as fn(&Outcome) -> bool, "web:2"),
        (1, 60, back, "web:1"),
        (2, 1, done, "web:2"),
        (2, 60, back, "web:1"),
        (4, 1, done, "web:2"),
        (4, 60, done, "web:2"),
    ] {
        let stage = Stage::example(EXAMPLE);
        let blind = blinded(&stage, "ContinueServiceDeployment", calls);
        let (cause, state) = leaves(&blind, "1.1.0", &Auto::new(&stage.config)).await;
        assert!(matches!(cause, Cause::Blind { .. }), "{cause:?}");
        assert_eq!(state.phase, Phase::Follow);
        assert_eq!(stage.calls("UpdateService"), 1, "nothing is put back");
        assert_eq!(standing(&stage).await.1, 1, "our pause stays");
        assert_ne!(stage.parameters(), Vec::<String>::new(), "and the record");
        mend(&stage, later);
        let story = stage.rollout(web("1.1.0")).await.unwrap();
        assert!(ends(&story.outcome), "{calls} {later}: {:?}", story.outcome);
        assert_eq!(standing(&stage).await, canary(0, serves), "{calls} {later}");
        assert_eq!(stage.parameters(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_way_back_that_cannot_be_read_is_left_and_told_of_by_the_same_command() {
    let stage = Stage::example(EXAMPLE);
    let blind = blinded(&stage, "StopServiceDeployment", 1);
    let (cause, state) = leaves(&blind, "1.2.0", &Auto::new(&stage.config)).await;
    assert!(matches!(cause, Cause::Blind { .. }), "{cause:?}");
    assert!(matches!(state.phase, Phase::Undo { .. }), "{state:?}");
    assert_eq!(standing(&stage).await.1, 1, "our pause stays");
    mend(&stage, 1);
    let story = stage.rollout(web("1.2.0")).await.unwrap();
    let Outcome::RolledBack { cause } = story.outcome else {
        panic!("{:?}", story.outcome)
    };
    assert!(matches!(cause, Cause::TasksFailing { .. }), "{cause:?}");
    assert_eq!(standing(&stage).await, canary(0, "web:1"));
}

#[tokio::test]
async fn an_update_without_an_answer_is_left_and_found_by_the_same_command() {
    let stage = Stage::example(EXAMPLE);
    let deaf = stage.through(|sandbox, request| {
        let answer = sandbox.carry(&request);
        if operation(&request) != "UpdateService" {
            return answer;
        }
        spoil(sandbox, "DescribeServices");
        let lost = "the connection broke".into();
        Err(aws_smithy_runtime_api::client::result::ConnectorError::io(
            lost,
        ))
    });
    let (_, state) = leaves(&deaf, "1.1.0", &Auto::new(&stage.config)).await;
    assert_eq!((state.phase, state.deployment), (Phase::Deploy, None));
    mend(&stage, 1);
    let story = stage.rollout(web("1.1.0")).await.unwrap();
    assert_eq!(story.outcome, Outcome::Completed);
    assert_eq!(standing(&stage).await, canary(0, "web:2"));
    assert_eq!(story.events(|e| matches!(e, Event::TakenUp { .. })), 1);
}

#[tokio::test]
async fn what_a_run_without_a_record_left_is_taken_over() {
    let stage = Stage::example(EXAMPLE);
    let blind = blinded(&stage, "ContinueServiceDeployment", 1);
    leaves(&blind, "1.1.0", &Unkept).await;
    mend(&stage, 1);
    let story = stage.rollout(web("1.1.0")).await.unwrap();
    assert_eq!(story.outcome, Outcome::Completed);
    assert_eq!(standing(&stage).await, canary(0, "web:2"));
    // And where the deployment has ended meanwhile.
    let stage = Stage::example(EXAMPLE);
    let blind = blinded(&stage, "ContinueServiceDeployment", 1);
    leaves(&blind, "1.1.0", &Unkept).await;
    mend(&stage, 60);
    assert_eq!(standing(&stage).await, canary(1, "web:1"));
    let story = stage.rollout(web("1.1.0")).await.unwrap();
    assert_eq!(story.outcome, Outcome::Completed);
    assert_eq!(standing(&stage).await, canary(0, "web:2"));
    assert_eq!(findings(&story, "left by a rollout"), 1);
}

fn findings(story: &Story, words: &str) -> usize {
    story.events(
        |event| matches!(event, Event::Finding { finding } if finding.message.contains(words)),
    )
}

#[tokio::test]
async fn a_pause_of_the_services_own_is_never_opened() {
    let stage = with_pause(&["PRE_SCALE_UP"], 600);
    let story = stage.rollout(web("1.1.0")).await.unwrap();
    let Outcome::RolledBack {
        cause: Cause::Deadline { awaiting, .. },
    } = &story.outcome
    else {
        panic!("{:?}", story.outcome)
    };
    assert_eq!(awaiting, "the deployment was at PRE_SCALE_UP");
    assert_eq!(findings(&story, "did not set, and does not open"), 1);
    assert_eq!(stage.calls("ContinueServiceDeployment"), 0);
    assert_eq!(standing(&stage).await, canary(1, "web:1"));
}

/// `aws ecs continue-service-deployment`, for the first pause that waits in an answer of DescribeServiceDeployments.
fn let_go_on(answer: &[u8]) -> Option<HttpRequest> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let record = answer.pointer("/serviceDeployments/0")?;
    let hooks = record["lifecycleHookDetails"].as_array()?.iter();
    let mut waiting = hooks.filter(|hook| hook["status"] == "AWAITING_ACTION");
    let body = json!({
        "serviceDeploymentArn": record["serviceDeploymentArn"],
        "hookId": waiting.next()?["hookId"],
    });
    Some(call("ContinueServiceDeployment", &body))
}

#[tokio::test]
async fn a_pause_of_the_services_own_is_waited_for_until_somebody_opens_it() {
    let stage = with_pause(&["PRE_SCALE_UP"], 600);
    let looks = Mutex::new(0);
    let with_a_person = stage.through(move |sandbox, request| {
        let answer = sandbox.carry(&request);
        let mut looks = looks.lock().unwrap();
        if let (Ok(answer), "DescribeServiceDeployments") = (&answer, operation(&request).as_str())
        {
            *looks += 1;
            if *looks == 20 {
                let word = let_go_on(answer.body()).unwrap();
                assert!(sandbox.lock().answer(&word).status().is_success());
            }
        }
        answer
    });
    let story = with_a_person.rollout(web("1.1.0")).await.unwrap();
    assert_eq!(story.outcome, Outcome::Completed);
    assert_eq!(findings(&story, "did not set, and does not open"), 1);
    assert_eq!(standing(&stage).await, canary(1, "web:2"));
}

#[tokio::test]
async fn a_pause_that_cannot_be_told_from_ours_is_refused_before_anything_is_changed() {
    let stage = with_pause(&["POST_SCALE_UP"], 600);
    let error = stage.rollout(web("1.1.0")).await.err();
    let Some(SurveyError::Refused(Refusal::Unfit { findings })) = error else {
        panic!("{error:?}")
    };
    assert!(
        findings[0].message.contains("POST_SCALE_UP"),
        "{findings:?}"
    );
    let changes = ["RegisterTaskDefinition", "UpdateService"];
    assert_eq!(changes.map(|name| stage.calls(name)), [0, 0]);
}

#[tokio::test]
async fn a_deployment_that_somebody_replaces_is_theirs() {
    let stage = Stage::example(EXAMPLE);
    let ordered = Mutex::new(false);
    let contested = stage.through(move |sandbox, request| {
        let mut ordered = ordered.lock().unwrap();
        if operation(&request) == "ContinueServiceDeployment" && !*ordered {
            *ordered = true;
            let body = json!({"cluster": "main", "service": "web", "forceNewDeployment": true});
            let other = call("UpdateService", &body);
            assert!(sandbox.lock().answer(&other).status().is_success());
        }
        sandbox.carry(&request)
    });
    let mut listener = Listener(Report::new());
    let journal = Auto::new(&stage.config);
    let ran = roll_out(web("1.1.0"), &contested.means(&journal), &mut listener).await;
    let ended = outcome(ran.unwrap());
    assert!(matches!(ended, Outcome::Superseded { .. }), "{ended:?}");
    assert_eq!(
        stage.calls("UpdateService"),
        2,
        "nothing is put back under it"
    );
}

/// The example behind a Network Load Balancer: its listener, not a rule, is what ECS shifts.
fn behind_a_network_load_balancer() -> Stage {
    let file = format!(
        "{}/examples/{EXAMPLE}/sandbox.yml",
        env!("CARGO_MANIFEST_DIR")
    );
    let mut world = std::fs::read_to_string(file).unwrap();
    let rules = world.find("rules:\n").unwrap()..world.find("repositories:\n").unwrap();
    world.replace_range(rules, "");
    for (there, instead) in [
        ("  - Name: main\n", "  - Name: main\n    Type: network\n"),
        ("    Protocol: HTTP\n", "    Protocol: TCP\n"),
        ("    HealthCheckPath: /healthz\n", ""),
        (
            "{ Type: fixed-response, FixedResponseConfig: { StatusCode: \"404\" } }",
            "{ Type: forward, ForwardConfig: { TargetGroups: [{ TargetGroupArn: web, Weight: 1 }, { TargetGroupArn: web-alternate, Weight: 0 }] } }",
        ),
        (
            "productionListenerRule: main:80/10",
            "productionListenerRule: main:80",
        ),
    ] {
        assert!(world.contains(there), "{there}");
        world = world.replace(there, instead);
    }
    Stage::world(&world)
}

/// Each target is ill, as far as Elastic Load Balancing says so.
fn ill(stage: &Stage) -> Stage {
    stage.through(|sandbox, request| {
        let answer = sandbox.lock().answer(&request);
        let (head, body) = answer.into_parts();
        let text = String::from_utf8_lossy(&body);
        let text = text.replace("<State>healthy</State>", "<State>unhealthy</State>");
        Ok(http::Response::from_parts(head, text.into()))
    })
}

#[tokio::test]
async fn targets_are_judged_where_nothing_tells_which_side_is_which() {
    let unreadable = || {
        let stage = Stage::example(EXAMPLE);
        spoil(&stage.sandbox, "DescribeRules");
        stage
    };
    for stage in [unreadable(), behind_a_network_load_balancer()] {
        let story = stage.rollout(web("1.1.0")).await.unwrap();
        assert_eq!(story.outcome, Outcome::Completed);
        assert!(stage.calls("DescribeTargetHealth") > 0);
    }
    for stage in [unreadable(), behind_a_network_load_balancer()] {
        let story = ill(&stage).rollout(web("1.1.0")).await.unwrap();
        let Outcome::RolledBack { cause } = &story.outcome else {
            panic!("{:?}", story.outcome)
        };
        assert!(
            matches!(cause, Cause::Gate { gate, .. } if gate == "targets"),
            "{cause:?}"
        );
    }
}
