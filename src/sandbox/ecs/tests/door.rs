//! A sandbox behind its door: raw awsJson requests in, answers out, and a hand on the clock.

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use super::stage::shorten;
use crate::sandbox::{Sandbox, World};

/// What is watched each second while time passes.
type Watch = fn(&World);

pub struct Door {
    pub sandbox: Sandbox,
    watch: Watch,
    told: usize,
}

impl Door {
    pub fn new(world_file: &str, watch: Watch) -> Self {
        let sandbox = Sandbox::new(world_file, 7).unwrap_or_else(|error| panic!("{error}"));
        Self {
            sandbox,
            watch,
            told: 0,
        }
    }

    fn answer(&mut self, op: &str, input: &Value) -> (u16, Value) {
        let request = Request::post("/")
            .header("content-type", "application/x-amz-json-1.1")
            .header(
                "x-amz-target",
                format!("AmazonEC2ContainerServiceV20141113.{op}"),
            )
            .body(Bytes::from(input.to_string()))
            .unwrap();
        let answer = self.sandbox.answer(&request);
        let body = serde_json::from_slice(answer.body()).unwrap();
        (answer.status().as_u16(), body)
    }

    pub fn call(&mut self, op: &str, input: &Value) -> Value {
        let (status, body) = self.answer(op, input);
        assert_eq!(status, 200, "{op} {input}: {body}");
        body
    }

    /// The call is refused with this code, and with a message that holds this text.
    pub fn refuses(&mut self, op: &str, input: &Value, code: &str, text: &str) {
        let (status, body) = self.answer(op, input);
        let found = body["__type"].as_str().unwrap_or_default();
        let message = body["message"].as_str().unwrap_or_default();
        assert!(
            status == 400 && found.ends_with(code) && message.contains(text),
            "{op} {input}: {status} {body}"
        );
    }

    /// `call` with the cluster `main` and the service `web`.
    pub fn on_web(&mut self, op: &str, more: &Value) -> Value {
        self.call(op, &web(more))
    }

    pub fn service(&mut self) -> Value {
        self.call(
            "DescribeServices",
            &json!({ "cluster": "main", "services": ["web"] }),
        )["services"][0]
            .clone()
    }

    pub fn tasks(&mut self, desired: &str) -> Vec<Value> {
        let input = json!({ "cluster": "main", "desiredStatus": desired });
        let list = self.call("ListTasks", &input)["taskArns"].clone();
        if list == json!([]) {
            return Vec::new();
        }
        let answer = self.call(
            "DescribeTasks",
            &json!({ "cluster": "main", "tasks": list }),
        );
        answer["tasks"].as_array().unwrap().clone()
    }

    pub fn second(&mut self) {
        let next = self.sandbox.now().next_second();
        self.sandbox.advance(next);
        (self.watch)(&self.sandbox.world);
    }

    pub fn seconds(&mut self, count: u64) {
        for _ in 0..count {
            self.second();
        }
    }

    /// Moves on until `done`, for an hour at most; answers how many seconds it took.
    pub fn until(&mut self, done: impl Fn(&Value) -> bool) -> u64 {
        for passed in 0..3600 {
            if done(&self.service()) {
                return passed;
            }
            self.second();
        }
        panic!("an hour has passed: {:#}", self.service());
    }

    /// The service's events since the last call of this, oldest first, shortened.
    pub fn news(&mut self) -> Vec<String> {
        let events = self.service()["events"].as_array().unwrap().clone();
        let new = events.len() - self.told;
        self.told = events.len();
        let message = |event: &Value| shorten(event["message"].as_str().unwrap());
        events[..new].iter().rev().map(message).collect()
    }
}

/// An input with the cluster `main` and the service `web`.
pub fn web(more: &Value) -> Value {
    let mut input = more.clone();
    input["cluster"] = json!("main");
    input["service"] = json!("web");
    input
}
