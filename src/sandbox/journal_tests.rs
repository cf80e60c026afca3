//! A state that is saved and restored goes on as if nothing had happened.

use bytes::Bytes;
use http::Request;

use crate::sandbox::{Duration, Poke, Sandbox, Whom};

const WORLD: &str = include_str!("../../examples/fargate-web/sandbox.yml");

fn update(sandbox: &mut Sandbox, body: &'static str) {
    let request = Request::post("/")
        .header(
            "x-amz-target",
            "AmazonEC2ContainerServiceV20141113.UpdateService",
        )
        .body(Bytes::from_static(body.as_bytes()))
        .unwrap();
    let exchange = sandbox.exchange(&request);
    drop(exchange);
}

fn pass(sandbox: &mut Sandbox, seconds: u64) {
    sandbox.advance(sandbox.now() + Duration::from_secs(seconds));
}

/// A world in the middle of things.
fn busy() -> Sandbox {
    let mut sandbox = Sandbox::journaled(WORLD, 7).unwrap();
    pass(&mut sandbox, 33);
    update(
        &mut sandbox,
        r#"{"cluster":"main","service":"web","forceNewDeployment":true}"#,
    );
    sandbox.advance(sandbox.now() + Duration::from_millis(500));
    let rule = serde_json::from_str(r#"{"when":{"every":2},"fault":"lost"}"#).unwrap();
    sandbox.poke(&Poke::Fault(rule)).unwrap();
    update(&mut sandbox, r#"{"cluster":"main","service":"none"}"#);
    update(
        &mut sandbox,
        r#"{"cluster":"main","service":"web","desiredCount":3}"#,
    );
    pass(&mut sandbox, 60);
    sandbox
        .poke(&Poke::Sicken(Whom::Image("web:1.0.0".to_owned())))
        .unwrap();
    pass(&mut sandbox, 25);
    sandbox
}

#[test]
fn a_restored_world_is_the_same_and_goes_on_alike() {
    let mut first = busy();
    let state = first.state().unwrap();
    let mut second = Sandbox::restore(&state).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(second.state().unwrap(), state);
    for sandbox in [&mut first, &mut second] {
        update(
            sandbox,
            r#"{"cluster":"main","service":"web","forceNewDeployment":true}"#,
        );
        pass(sandbox, 300);
    }
    assert_eq!(format!("{:?}", first.world), format!("{:?}", second.world));
    assert_eq!(first.calls(), second.calls());
}

#[test]
fn a_state_that_cannot_be_read_says_where() {
    let state = busy().state().unwrap();
    let check = |text: &str, says: &str| {
        let error = Sandbox::restore(text).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    };
    check("", "line 1");
    check(
        &state.replacen("\"format\":1", "\"format\":99", 1),
        "format 99",
    );
    let torn = &state[..state.len() - 20];
    check(torn, &format!("line {}", torn.lines().count()));
}

#[test]
fn reads_are_not_written_down() {
    let mut sandbox = Sandbox::journaled("", 1).unwrap();
    let request = Request::post("/")
        .header(
            "x-amz-target",
            "AmazonEC2ContainerServiceV20141113.ListClusters",
        )
        .body(Bytes::new())
        .unwrap();
    let answer = sandbox.answer(&request);
    assert_eq!(answer.status(), 200);
    assert_eq!(sandbox.state().unwrap().lines().count(), 1);
}
