//! Reporting to GitLab: what is there afterwards, who is heard, and what trouble does.
#![expect(
    clippy::unwrap_used,
    reason = "a panic in a test is a failure with its place"
)]

use std::collections::BTreeSet;
use std::path::Path;

use ecsdeploy::adapters::gitlab as adapter;
use ecsdeploy::core::gate::{Approval, Ask, Says, Word};
use ecsdeploy::ports::People as _;
use http::Method;
use serde_json::Value;

use crate::double::Fault;
use crate::github::{GitHub, PULL, SHA};
use crate::gitlab::{GitLab, PROJECT, TOKEN};
use crate::job::{Job, ROLLOUT};
use crate::served::{Tool, python};

const NOTE_US: &str = "project_1_bot";

fn gitlab_job(gitlab: &GitLab) -> Job {
    let job = Job::of(&GitHub::start());
    let folder = job.folder.path().display().to_string();
    let mut environment = gitlab.environment();
    environment.push(("CI_PROJECT_DIR", folder));
    Job { environment, ..job }
}

#[test]
fn a_rollout_in_gitlab_is_told_in_one_note_a_status_and_a_deployment() {
    let gitlab = GitLab::start();
    let job = gitlab_job(&gitlab).with("ECSDEPLOY_ENVIRONMENT_URL", "https://shop.example");
    job.check("plan --sandbox --env production", 0, &[]);
    job.check("plan --sandbox --env production", 0, &[]);
    assert_eq!(
        (
            gitlab.calls("POST", "/notes"),
            gitlab.calls("PUT", "/notes/")
        ),
        (1, 0)
    );
    job.check(
        ROLLOUT,
        0,
        &["section_start:", ":ecsdeploy_plan[collapsed=true]"],
    );
    let notes = gitlab.notes(NOTE_US);
    assert!(
        notes.len() == 1 && notes[0].contains("### ✅ Serves: `main/web` in `production`"),
        "{notes:?}"
    );
    let state = gitlab.state();
    let set: Vec<&str> = state
        .statuses
        .iter()
        .map(|it| it["status"].as_str().unwrap())
        .collect();
    assert_eq!(set, ["running", "success"]);
    assert_eq!(state.deployments.len(), 1);
    assert_eq!(state.deployments[0]["status"], "success");
    assert_eq!(
        state.deployments[0]["environment"]["external_url"],
        "https://shop.example"
    );
    println!("GitLab calls of a rollout: {}", state.exchanges.len());
    drop(state);
    let variables = job.read("ecsdeploy.env");
    assert!(
        variables.contains("ECSDEPLOY_OUTCOME=completed\n"),
        "{variables}"
    );
    assert!(variables.contains("ECSDEPLOY_TASK_DEFINITION_ARN=arn:aws:ecs:eu-central-1:123456789012:task-definition/web:2\n"));
}

#[test]
fn a_job_token_writes_deployments_and_kindly_no_notes() {
    let gitlab = GitLab::start();
    let job = gitlab_job(&gitlab).with("GITLAB_TOKEN", "");
    job.check(
        ROLLOUT,
        0,
        &["GitLab lets CI_JOB_TOKEN read notes, not write them"],
    );
    assert_eq!(gitlab.state().deployments[0]["status"], "success");
    assert_eq!(
        gitlab.calls("POST", "/notes") + gitlab.calls("POST", "/statuses"),
        0
    );
    job.check(
        &format!("{ROLLOUT} --comment always"),
        2,
        &["there is no token to comment with"],
    );
    // Where the job itself records the deployment, there is no second one.
    let calls = gitlab.state().exchanges.len();
    job.with("CI_ENVIRONMENT_NAME", "production")
        .check(ROLLOUT, 0, &[]);
    assert_eq!(gitlab.state().exchanges.len(), calls);
}

#[test]
fn a_note_by_somebody_else_is_not_touched_and_the_merged_request_is_found() {
    let gitlab = GitLab::start();
    let job = gitlab_job(&gitlab);
    job.check("plan --sandbox", 0, &[]);
    let ours = gitlab.notes(NOTE_US).remove(0);
    {
        let mut state = gitlab.state();
        state.notes.clear();
        for index in 0..130 {
            state.say(
                "mallory",
                &format!("{ours}{index}"),
                "2020-01-01T00:00:00.000Z",
            );
        }
        state.say(NOTE_US, &format!("{ours}\nold"), "2020-01-01T00:00:00.000Z");
    }
    job.with("CI_MERGE_REQUEST_IID", "")
        .check("plan --sandbox", 0, &[]);
    assert_eq!(gitlab.notes(NOTE_US), [ours]);
    assert!(gitlab.notes("mallory")[0].ends_with('0'));
    assert_eq!(
        gitlab.calls("GET", "/merge_requests"),
        1 + 1 + 2,
        "{:#?}",
        gitlab.state().exchanges.len()
    );
}

#[test]
fn trouble_with_gitlab_changes_nothing() {
    let check = |status, headers, says: &str, posted: usize| {
        let gitlab = GitLab::start();
        for method in [Method::POST, Method::PUT] {
            let times = if posted == 0 { usize::MAX } else { 2 };
            let message = "no";
            gitlab.state().faults.push(Fault {
                method,
                path: "/notes",
                status,
                headers,
                message,
                times,
            });
        }
        gitlab_job(&gitlab).check(ROLLOUT, 0, &["not reported", says]);
        assert_eq!(gitlab.notes(NOTE_US).len(), posted, "{status}");
    };
    check(403, &[], "the token needs the scope `api`", 0);
    check(429, &[("retry-after", "1")], "429", 1);
    check(503, &[], "503", 1);
    check(0, &[], "failed to write to the merge request", 1);
}

const NOW: &str = "2026-06-01T00:00:00.000Z";
const BEFORE: &str = "2025-12-31T23:59:59.000Z";

/// What the people on the merge request say to a gate, in the time since 2026.
async fn word(gitlab: &GitLab) -> Option<Word> {
    let (project, number) = (PROJECT, PULL);
    let adapter = adapter::GitLab::open(adapter::Settings {
        api: format!("http://{}/api/v4", gitlab.address),
        access_token: Some(TOKEN.to_owned()),
        job_token: None,
        project,
        sha: SHA.to_owned(),
        reference: "main".to_owned(),
        kind: adapter::Reference::Branch,
        pipeline: None,
        merge_request: Some(adapter::MergeRequest { project, number }),
        run: None,
        since: "2026-01-01T00:00:00Z".parse().unwrap(),
    });
    let how = Approval {
        label: Some("approved".to_owned()),
        comment: None,
    };
    let gate = "approval".to_owned();
    let since = NOW.parse().unwrap();
    adapter.word(&Ask { gate, how, since }).await.unwrap()
}

#[tokio::test]
async fn a_word_on_a_merge_request_counts_from_a_developer() {
    let check = async |said: &[(&str, u64, &str)],
                       labels: &[(&str, &str, &str)],
                       expect: Option<(Says, &str)>| {
        let gitlab = GitLab::start();
        for (author, level, body) in said {
            gitlab.state().say(author, body, "2026-06-01T00:00:00.000Z");
            gitlab.state().members.insert((*author).to_owned(), *level);
        }
        gitlab.state().labels = labels
            .iter()
            .map(|(action, user, at)| {
                let text = |text: &str| text.to_owned();
                (text(action), text(user), text(at))
            })
            .collect();
        let word = word(&gitlab).await;
        assert_eq!(
            word.as_ref().map(|it| (it.says, it.by.as_str())),
            expect,
            "{said:?} {labels:?}"
        );
    };
    check(
        &[("anna", 30, "/ecsdeploy promote")],
        &[],
        Some((Says::Yes, "anna")),
    )
    .await;
    check(
        &[("anna", 40, "/ecsdeploy abort")],
        &[],
        Some((Says::No, "anna")),
    )
    .await;
    check(&[("mallory", 20, "/ecsdeploy promote")], &[], None).await;
    check(
        &[("anna", 30, "fine")],
        &[("add", "anna", NOW)],
        Some((Says::Yes, "anna")),
    )
    .await;
    check(
        &[("anna", 30, "fine")],
        &[("add", "anna", NOW), ("remove", "anna", NOW)],
        None,
    )
    .await;
    check(&[("mallory", 20, "fine")], &[("add", "mallory", NOW)], None).await;
    // Of an earlier commit, perhaps.
    check(&[("anna", 30, "fine")], &[("add", "anna", BEFORE)], None).await;
}

/// `GET /projects/5/merge_requests/7/notes` -> `GET /projects/N/merge_requests/N/notes`.
fn kinds(gitlab: &GitLab) -> BTreeSet<String> {
    let part = |part: &str| match part.parse::<u64>() {
        Ok(_) => "N".to_owned(),
        Err(_) => part.replace(SHA, "SHA"),
    };
    let kind = |it: &Value| {
        let path = it["path"].as_str().unwrap();
        let path: Vec<String> = path.split('/').map(part).collect();
        format!("{} {}", it["method"].as_str().unwrap(), path.join("/"))
    };
    gitlab.state().exchanges.iter().map(kind).collect()
}

#[tokio::test]
async fn a_client_of_gitlab_by_others_makes_the_same_calls() {
    let Some(python) = python() else { return };
    let theirs = GitLab::start();
    theirs.state().members.insert(NOTE_US.to_owned(), 30);
    let client = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/third_party/gitlab_client.py");
    Tool::new(&python)
        .arg(client)
        .args([&format!("http://{}", theirs.address), TOKEN])
        .args([&PROJECT.to_string(), &PULL.to_string(), SHA])
        .succeeds();

    let ours = GitLab::start();
    let job = gitlab_job(&ours).with("ECSDEPLOY_ENVIRONMENT_URL", "https://shop.example");
    job.check(ROLLOUT, 0, &[]);
    let job = job.with("CI_MERGE_REQUEST_IID", "");
    job.check(ROLLOUT, 0, &[]);
    ours.state()
        .say("anna", "/ecsdeploy promote", "2026-06-01T00:00:00.000Z");
    ours.state().labels = vec![("add".to_owned(), "anna".to_owned(), NOW.to_owned())];
    assert_eq!(word(&ours).await, None, "anna is no member");
    let (theirs, ours) = (kinds(&theirs), kinds(&ours));
    let alone: Vec<&String> = ours.difference(&theirs).collect();
    assert!(alone.is_empty(), "only we call {alone:#?}");
    assert_eq!(ours.len(), 12, "{ours:#?}");
}
