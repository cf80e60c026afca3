//! A double of GitHub's REST API on a loopback port, as far as a rollout reports to it: comments, statuses,
//! deployments, people. It keeps what it is sent, answers in GitHub's published shapes, and fails when told to.
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

pub const REPOSITORY: &str = "acme/shop";
pub const SHA: &str = "0123456789abcdef0123456789abcdef01234567";
pub const PULL: u64 = 7;
/// A job's own token, by its form.
pub const TOKEN: &str = "ghs_canaryToken0451canaryToken0451canary";

/// The double and what it holds.
#[derive(Clone)]
pub struct GitHub {
    pub address: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
pub struct State {
    pub comments: Vec<Comment>,
    pub statuses: Vec<Value>,
    pub deployments: Vec<Value>,
    pub deployment_statuses: BTreeMap<u64, Vec<Value>>,
    /// Logins and what they may: `admin`, `write`, `read`.
    pub rights: BTreeMap<String, String>,
    pub events: Vec<Value>,
    /// Pull requests of the commit.
    pub pulls: Vec<Value>,
    pub exchanges: Vec<Value>,
    pub faults: Vec<Fault>,
    ids: u64,
}

#[derive(Clone)]
pub struct Comment {
    pub id: u64,
    pub author: String,
    pub body: String,
    pub created: String,
}

impl GitHub {
    /// On a thread of its own, until the process ends.
    pub fn start() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let address = serve(&state, answer);
        Self { address, state }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The environment of a job of a workflow on the pull request, as an Enterprise server's runner sets it.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("GITHUB_ACTIONS", "true".to_owned()),
            ("GITHUB_API_URL", format!("http://{}/api/v3", self.address)),
            (
                "GITHUB_GRAPHQL_URL",
                format!("http://{}/api/graphql", self.address),
            ),
            ("GITHUB_REF", format!("refs/pull/{PULL}/merge")),
            ("GITHUB_REPOSITORY", REPOSITORY.to_owned()),
            ("GITHUB_RUN_ID", "42".to_owned()),
            ("GITHUB_SERVER_URL", "https://github.example".to_owned()),
            ("GITHUB_SHA", SHA.to_owned()),
            ("GITHUB_TOKEN", TOKEN.to_owned()),
        ]
    }

    /// How often it was called with this method, at a path that holds this.
    pub fn calls(&self, method: &str, path: &str) -> usize {
        let state = self.state();
        let calls = state.exchanges.iter();
        calls
            .filter(|it| it["method"] == method && it["path"].as_str().unwrap().contains(path))
            .count()
    }

    pub fn fault(&self, fault: Fault) {
        self.state().faults.push(fault);
    }
}

impl State {
    pub fn say(&mut self, author: &str, body: &str, created: &str) -> u64 {
        self.ids += 1;
        self.comments.push(Comment {
            id: self.ids,
            author: author.to_owned(),
            body: body.to_owned(),
            created: created.to_owned(),
        });
        self.ids
    }
}

fn answer(state: &mut State, request: &Request<Bytes>) -> Answer {
    let path = request
        .uri()
        .path()
        .strip_prefix("/api")
        .unwrap_or_default();
    let path = path.strip_prefix("/v3").unwrap_or(path);
    let authorized = request.headers().get("authorization");
    let is_ours = authorized.is_some_and(|it| it.to_str().unwrap() == format!("Bearer {TOKEN}"));
    let answer = match faulty(&mut state.faults, request.method(), path) {
        Some(answer) => answer,
        None if !is_ours => Some(response(401, &json!({"message": "Bad credentials"}))),
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
    if path == "/graphql" {
        // GraphQL names apps without "[bot]".
        return (
            200,
            json!({"data": {"viewer": {"login": "github-actions"}}}),
        );
    }
    let Some(path) = path.strip_prefix(&format!("/repos/{REPOSITORY}")) else {
        return not_found();
    };
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match (method.as_str(), parts.as_slice()) {
        ("GET", ["issues", number, "comments"]) if *number == PULL.to_string() => {
            let since = query.get("since").cloned().unwrap_or_default();
            let comments = state.comments.iter().filter(|it| it.created >= since);
            (200, page(comments.map(comment).collect(), query, 30))
        }
        ("POST", ["issues", number, "comments"]) if *number == PULL.to_string() => {
            match sized(body) {
                Ok(text) => {
                    state.say("github-actions[bot]", &text, "2030-01-01T00:00:00Z");
                    (201, comment(state.comments.last().unwrap()))
                }
                Err(refusal) => refusal,
            }
        }
        ("PATCH", ["issues", "comments", id]) => {
            let id: u64 = id.parse().unwrap();
            let known = state.comments.iter_mut().find(|it| it.id == id);
            match (known, sized(body)) {
                (Some(known), Ok(text)) => {
                    known.body = text;
                    (200, comment(known))
                }
                (None, _) => not_found(),
                (_, Err(refusal)) => refusal,
            }
        }
        ("GET", ["issues", _, "events"]) => (200, page(state.events.clone(), query, 30)),
        ("GET", ["commits", _, "pulls"]) => (200, Value::from(state.pulls.clone())),
        ("GET", ["collaborators", login, "permission"]) => match state.rights.get(*login) {
            Some(permission) => (
                200,
                json!({"permission": permission, "role_name": permission, "user": null}),
            ),
            None => not_found(),
        },
        ("POST", ["statuses", sha]) => {
            let status = commit_status(state, sha, body);
            state.statuses.push(status.clone());
            (201, status)
        }
        (_, ["deployments", rest @ ..]) => deployments(state, method, rest, query, body),
        _ => not_found(),
    }
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
            let fits = |it: &&Value| {
                let is = |name: &str| query.get(name).is_none_or(|wanted| it[name] == **wanted);
                is("environment") && is("task") && is("sha")
            };
            let newest = state.deployments.iter().rev().filter(fits).cloned();
            (200, page(newest.collect(), query, 30))
        }
        ("POST", []) => {
            state.ids += 1;
            let made = deployment(state.ids, body);
            state.deployments.push(made.clone());
            (201, made)
        }
        ("GET", [id, "statuses"]) => {
            let id: u64 = id.parse().unwrap();
            let statuses = state.deployment_statuses.get(&id).into_iter().flatten();
            (200, page(statuses.rev().cloned().collect(), query, 30))
        }
        ("POST", [id, "statuses"]) => {
            let id: u64 = id.parse().unwrap();
            state.ids += 1;
            let status = deployment_status(state.ids, id, body);
            state
                .deployment_statuses
                .entry(id)
                .or_default()
                .push(status.clone());
            (201, status)
        }
        _ => not_found(),
    }
}

fn not_found() -> (u16, Value) {
    (404, json!({"message": "Not Found", "status": "404"}))
}

/// The body, if GitHub takes it.
fn sized(body: &Value) -> Result<String, (u16, Value)> {
    let text = body["body"].as_str().unwrap();
    if text.chars().count() > 65_536 {
        let message = "Body is too long (maximum is 65536 characters)";
        return Err((422, json!({"message": message})));
    }
    // It keeps no blanks at the end.
    Ok(text.trim_end().to_owned())
}

const API: &str = "https://github.example/api/v3/repos/acme/shop";

fn user(login: &str) -> Value {
    let is_bot = login.ends_with("[bot]");
    let mut user = json!({
        "login": login, "id": 1, "node_id": "U_1", "avatar_url": "https://github.example/a", "gravatar_id": "",
        "type": if is_bot { "Bot" } else { "User" }, "site_admin": false,
    });
    for name in [
        "url",
        "html_url",
        "followers_url",
        "following_url",
        "gists_url",
        "starred_url",
        "subscriptions_url",
        "organizations_url",
        "repos_url",
        "events_url",
        "received_events_url",
    ] {
        user[name] = "https://github.example/x".into();
    }
    user
}

fn comment(it: &Comment) -> Value {
    let Comment {
        id,
        author,
        body,
        created,
    } = it;
    json!({
        "id": id, "node_id": format!("IC_{id}"), "url": format!("{API}/issues/comments/{id}"),
        "html_url": format!("https://github.example/acme/shop/pull/{PULL}#issuecomment-{id}"),
        "issue_url": format!("{API}/issues/{PULL}"), "body": body, "user": user(author),
        "created_at": created, "updated_at": created, "author_association": "CONTRIBUTOR",
        "performed_via_github_app": null,
    })
}

fn commit_status(state: &mut State, sha: &str, body: &Value) -> Value {
    state.ids += 1;
    json!({
        "id": state.ids, "node_id": "SC_1", "url": format!("{API}/statuses/{sha}"), "avatar_url": null,
        "state": body["state"], "description": body["description"], "target_url": body["target_url"],
        "context": body["context"], "created_at": "2030-01-01T00:00:00Z", "updated_at": "2030-01-01T00:00:00Z",
        "creator": user("github-actions[bot]"),
    })
}

fn deployment(id: u64, body: &Value) -> Value {
    json!({
        "id": id, "node_id": format!("DE_{id}"), "url": format!("{API}/deployments/{id}"),
        "sha": body["ref"], "ref": body["ref"], "task": body["task"], "payload": {},
        "environment": body["environment"], "original_environment": body["environment"], "description": null,
        "creator": user("github-actions[bot]"), "created_at": "2030-01-01T00:00:00Z",
        "updated_at": "2030-01-01T00:00:00Z", "statuses_url": format!("{API}/deployments/{id}/statuses"),
        "repository_url": API, "transient_environment": false, "production_environment": false,
    })
}

fn deployment_status(id: u64, of: u64, body: &Value) -> Value {
    let url = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    json!({
        "id": id, "node_id": format!("DS_{id}"), "url": format!("{API}/deployments/{of}/statuses/{id}"),
        "state": body["state"], "creator": user("github-actions[bot]"), "description": body["description"],
        "environment": "production", "target_url": url("log_url"), "log_url": url("log_url"),
        "environment_url": url("environment_url"), "created_at": "2030-01-01T00:00:00Z",
        "updated_at": "2030-01-01T00:00:00Z", "deployment_url": format!("{API}/deployments/{of}"),
        "repository_url": API,
    })
}

/// A pull request in as much as the commit's list is read for.
pub fn pull(number: u64, merged_as: &str) -> Value {
    json!({"number": number, "state": "closed", "merge_commit_sha": merged_as})
}

/// A label put on the pull request, or taken off.
pub fn label_event(event: &str, login: &str, label: &str, created: &str) -> Value {
    json!({
        "id": 1, "node_id": "LE_1", "url": format!("{API}/issues/events/1"), "actor": user(login), "event": event,
        "commit_id": null, "commit_url": null, "created_at": created,
        "label": {"name": label, "color": "fff"}, "performed_via_github_app": null,
    })
}
