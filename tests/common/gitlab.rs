//! A double of GitLab's REST API on a loopback port, as far as a rollout reports to it: notes, statuses, deployments,
//! environments, people. It keeps what it is sent, and refuses what GitLab refuses: a job's own token for notes and
//! statuses, a status that is set twice.
//!
//! **Invariant:** what it does not model is answered 404 and counted, so that a test notices.
#![expect(
    clippy::unwrap_used,
    reason = "a panic in a test is a failure with its place"
)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use ecsdeploy::adapters::loopback::Answer;
use http::{Method, Request};
use serde_json::{Value, json};

use super::double::{Fault, Query, exchange, faulty, page, query, response, serve};

pub const PROJECT: u64 = 5;
pub const TOKEN: &str = "glpat-canaryToken0451canary";
const JOB_TOKEN: &str = "glcbt-canaryJob0451canary";
const NUMBER: &str = "7";
const SHA: &str = super::github::SHA;

/// The double and what it holds.
#[derive(Clone)]
pub struct GitLab {
    pub address: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
pub struct State {
    pub notes: Vec<Value>,
    pub statuses: Vec<Value>,
    pub deployments: Vec<Value>,
    /// `access_level` by name.
    pub members: BTreeMap<String, u64>,
    /// `add` or `remove`, by whom, and when.
    pub labels: Vec<(String, String, String)>,
    pub exchanges: Vec<Value>,
    pub faults: Vec<Fault>,
    ids: u64,
}

impl GitLab {
    pub fn start() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let address = serve(&state, answer);
        Self { address, state }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The environment of a job of a merge request's pipeline.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("GITLAB_CI", "true".to_owned()),
            ("CI_API_V4_URL", format!("http://{}/api/v4", self.address)),
            ("CI_PROJECT_ID", PROJECT.to_string()),
            ("CI_MERGE_REQUEST_IID", NUMBER.to_owned()),
            ("CI_COMMIT_SHA", SHA.to_owned()),
            ("CI_COMMIT_REF_NAME", "feature".to_owned()),
            ("CI_PIPELINE_ID", "99".to_owned()),
            (
                "CI_JOB_URL",
                "https://gitlab.example/acme/shop/-/jobs/1".to_owned(),
            ),
            ("CI_JOB_TOKEN", JOB_TOKEN.to_owned()),
            ("GITLAB_TOKEN", TOKEN.to_owned()),
        ]
    }

    pub fn calls(&self, method: &str, path: &str) -> usize {
        let state = self.state();
        let calls = state.exchanges.iter();
        calls
            .filter(|it| it["method"] == method && it["path"].as_str().unwrap().contains(path))
            .count()
    }

    /// The bodies of one author's notes.
    pub fn notes(&self, author: &str) -> Vec<String> {
        let state = self.state();
        let notes = state
            .notes
            .iter()
            .filter(|it| it["author"]["username"] == author);
        notes
            .map(|it| it["body"].as_str().unwrap().to_owned())
            .collect()
    }
}

impl State {
    pub fn say(&mut self, author: &str, body: &str, created: &str) -> Value {
        self.ids += 1;
        let note = json!({
            "id": self.ids, "body": body, "author": user(author), "created_at": created, "updated_at": created,
            "system": false, "noteable_type": "MergeRequest", "noteable_iid": 7, "resolvable": false,
        });
        self.notes.push(note.clone());
        note
    }
}

/// A user's id is made of the name.
fn user(name: &str) -> Value {
    let id: u64 = name.bytes().map(u64::from).sum();
    json!({"id": id, "username": name, "name": name, "state": "active", "web_url": "https://gitlab.example/x"})
}

fn answer(state: &mut State, request: &Request<Bytes>) -> Answer {
    let path = request
        .uri()
        .path()
        .strip_prefix("/api/v4")
        .unwrap_or_default();
    let header = |name: &str| request.headers().get(name).map(|it| it.to_str().unwrap());
    let is_access = header("private-token") == Some(TOKEN);
    let is_job = header("job-token") == Some(JOB_TOKEN);
    let may_a_job = path.contains("/deployments") || path.contains("/environments");
    let answer = match faulty(&mut state.faults, request.method(), path) {
        Some(answer) => answer,
        None if !(is_access || is_job && may_a_job) => {
            Some(response(401, &json!({"message": "401 Unauthorized"})))
        }
        None => {
            let body = serde_json::from_slice(request.body()).unwrap_or_default();
            let (status, answer) = route(state, request.method(), path, &query(request), &body);
            Some(response(status, &answer))
        }
    };
    state.exchanges.push(exchange(request, path, &answer));
    answer
}

fn route(
    state: &mut State,
    method: &Method,
    path: &str,
    query: &Query,
    body: &Value,
) -> (u16, Value) {
    if path == "/user" {
        return (200, user("project_1_bot"));
    }
    let Some(path) = path.strip_prefix(&format!("/projects/{PROJECT}/")) else {
        return not_found();
    };
    let parts: Vec<&str> = path.split('/').collect();
    match (method.as_str(), parts.as_slice()) {
        ("GET", ["merge_requests", NUMBER, "notes"]) => (200, page(state.notes.clone(), query, 20)),
        ("POST", ["merge_requests", NUMBER, "notes"]) => {
            let text = body["body"].as_str().unwrap();
            (
                201,
                state.say("project_1_bot", text, "2030-01-01T00:00:00.000Z"),
            )
        }
        ("PUT", ["merge_requests", NUMBER, "notes", id]) => {
            let note = state.notes.iter_mut().find(|it| is(&it["id"], id));
            match note {
                Some(note) => {
                    note["body"] = body["body"].clone();
                    (200, note.clone())
                }
                None => not_found(),
            }
        }
        ("GET", ["merge_requests", NUMBER, "resource_label_events"]) => {
            let events = state.labels.iter().map(|(action, name, created)| {
                json!({"id": 1, "user": user(name), "action": action, "label": {"id": 1, "name": "approved"},
                    "created_at": created, "resource_type": "MergeRequest", "resource_id": 1})
            });
            (200, page(events.collect(), query, 20))
        }
        ("GET", ["members", "all", id]) => {
            let mut members = state.members.iter();
            match members.find(|(name, _)| is(&user(name)["id"], id)) {
                Some((name, level)) => {
                    let mut member = user(name);
                    member["access_level"] = (*level).into();
                    (200, member)
                }
                None => not_found(),
            }
        }
        ("GET", ["repository", "commits", SHA, "merge_requests"]) => {
            let open = json!({"iid": 3, "project_id": PROJECT, "state": "opened"});
            let merged = json!({"iid": 7, "project_id": PROJECT, "state": "merged"});
            (200, json!([open, merged]))
        }
        ("POST", ["statuses", SHA]) => set_status(state, body),
        (_, ["deployments", rest @ ..]) => deployments(state, method, rest, query, body),
        ("PUT", ["environments", "1"]) => {
            for deployment in &mut state.deployments {
                deployment["environment"]["external_url"] = body["external_url"].clone();
            }
            (
                200,
                json!({"id": 1, "name": "production", "external_url": body["external_url"]}),
            )
        }
        _ => not_found(),
    }
}

fn set_status(state: &mut State, body: &Value) -> (u16, Value) {
    let newest = state
        .statuses
        .iter()
        .rev()
        .find(|it| it["name"] == body["name"]);
    if newest.is_some_and(|it| it["status"] == body["state"]) {
        let word = body["state"].as_str().unwrap();
        let message = format!("Cannot transition status via :run from :{word}");
        return (400, json!({"message": message}));
    }
    let known = [
        "pending", "running", "success", "failed", "canceled", "skipped",
    ];
    assert!(known.contains(&body["state"].as_str().unwrap()), "{body}");
    let status = json!({"id": 1, "sha": SHA, "status": body["state"], "name": body["name"],
        "description": body["description"], "target_url": body["target_url"]});
    state.statuses.push(status.clone());
    (201, status)
}

fn deployments(
    state: &mut State,
    method: &Method,
    path: &[&str],
    query: &Query,
    body: &Value,
) -> (u16, Value) {
    match (method.as_str(), path) {
        ("GET", []) => {
            let fits = |it: &&Value| it["environment"]["name"] == query["environment"];
            (
                200,
                page(
                    state
                        .deployments
                        .iter()
                        .rev()
                        .filter(fits)
                        .cloned()
                        .collect(),
                    query,
                    20,
                ),
            )
        }
        ("POST", []) => {
            state.ids += 1;
            let made = json!({
                "id": state.ids, "iid": state.ids, "sha": body["sha"], "ref": body["ref"], "status": body["status"],
                "environment": {"id": 1, "name": body["environment"], "external_url": null},
            });
            state.deployments.push(made.clone());
            (201, made)
        }
        ("PUT", [id]) => {
            let found = state.deployments.iter_mut().find(|it| is(&it["id"], id));
            let found = found.unwrap();
            found["status"] = body["status"].clone();
            (200, found.clone())
        }
        _ => not_found(),
    }
}

/// Whether this is the id in a path.
fn is(id: &Value, part: &str) -> bool {
    id.as_u64() == part.parse().ok()
}

fn not_found() -> (u16, Value) {
    (404, json!({"message": "404 Not Found"}))
}
