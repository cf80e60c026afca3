//! Reporting to GitHub: what is there afterwards, who is heard, and what trouble does.
#![expect(
    clippy::unwrap_used,
    reason = "a panic in a test is a failure with its place"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ecsdeploy::adapters::github as adapter;
use ecsdeploy::core::gate::{Approval, Ask, Says, Word};
use ecsdeploy::ports::People as _;
use http::Method;
use serde_json::{Value, json};

use crate::double::Fault;
use crate::github::{GitHub, PULL, REPOSITORY, SHA, TOKEN, label_event, pull};
use crate::job::{Job, ROLLOUT};
use crate::served::{Tool, python};

/// The bodies of the comments of one author.
fn bodies(github: &GitHub, author: &str) -> Vec<String> {
    let state = github.state();
    let comments = state.comments.iter().filter(|it| it.author == author);
    comments.map(|it| it.body.clone()).collect()
}

const US: &str = "github-actions[bot]";

fn states(values: &[Value]) -> Vec<&str> {
    values
        .iter()
        .map(|it| it["state"].as_str().unwrap())
        .collect()
}

#[test]
fn a_rollout_is_told_in_one_comment_a_status_and_a_deployment() {
    let github = GitHub::start();
    let job = Job::of(&github).with("ECSDEPLOY_ENVIRONMENT_URL", "https://shop.example");
    job.check(ROLLOUT, 0, &["::group::Plan: main/web\n", "::endgroup::\n"]);

    let comments = bodies(&github, US);
    assert_eq!(comments.len(), 1);
    assert!(
        comments[0].starts_with("<!-- ecsdeploy {\"service\":\"main/web\""),
        "{}",
        comments[0]
    );
    assert!(
        comments[0].contains("### ✅ Serves: `main/web` in `production`"),
        "{}",
        comments[0]
    );
    assert!(comments[0].contains("https://github.example/acme/shop/actions/runs/42"));
    let state = github.state();
    assert_eq!(states(&state.statuses), ["pending", "success"]);
    assert_eq!(state.statuses[0]["context"], "ecsdeploy/main/web");
    assert_eq!(state.deployments.len(), 1);
    let (_, statuses) = state.deployment_statuses.iter().next().unwrap();
    assert_eq!(states(statuses), ["in_progress", "success"]);
    assert_eq!(statuses[1]["environment_url"], "https://shop.example");
    println!("GitHub calls of a rollout: {}", state.exchanges.len());
    assert!(state.exchanges.len() <= 20, "{:#?}", state.exchanges.len());
    drop(state);

    let outputs = job.read("outputs");
    assert!(
        outputs.contains("outcome<<end-") && outputs.contains("\ncompleted\n"),
        "{outputs}"
    );
    assert!(
        outputs.contains("arn:aws:ecs:eu-central-1:123456789012:task-definition/web:2\n"),
        "{outputs}"
    );
    assert!(
        job.read("summary.md").contains("### ✅ Serves"),
        "{}",
        job.read("summary.md")
    );
}

/// 100 virtual seconds: an update each 15, as far as the network lets them through.
#[test]
fn the_comment_is_edited_while_the_rollout_goes_on() {
    let github = GitHub::start();
    Job::of(&github).check(&format!("{ROLLOUT} --speed 60"), 0, &[]);
    let edits = github.calls("PATCH", "/issues/comments/");
    println!(
        "GitHub calls of a rollout of 100 s: {} ({edits} edits)",
        github.state().exchanges.len()
    );
    assert!((4..=8).contains(&edits), "{edits} edits");
    assert_eq!(github.calls("POST", "/comments"), 1);
}

/// What a template leaves empty is not set.
#[test]
fn empty_variables_say_nothing() {
    let github = GitHub::start();
    let mut job = Job::of(&github);
    for name in [
        "ECSDEPLOY_COMMENT",
        "ECSDEPLOY_COMMIT_STATUS",
        "ECSDEPLOY_DEPLOYMENT",
        "ECSDEPLOY_ENVIRONMENT_URL",
        "ECSDEPLOY_PULL_REQUEST",
    ] {
        job = job.with(name, "");
    }
    job.check(ROLLOUT, 0, &[]);
    assert_eq!(bodies(&github, US).len(), 1);
}

#[test]
fn a_plan_becomes_the_story_of_the_rollout_in_the_same_comment() {
    let github = GitHub::start();
    let job = Job::of(&github);
    job.check("plan --sandbox --env production", 0, &[]);
    assert!(bodies(&github, US)[0].contains("### 📦 Changes"));
    job.check(
        "rollout --sandbox --env production --set image_tag=1.2.0",
        4,
        &[],
    );
    let comments = bodies(&github, US);
    assert_eq!(comments.len(), 1);
    assert!(
        comments[0].contains("### ↩️ Rolled back"),
        "{}",
        comments[0]
    );
    assert_eq!(states(&github.state().statuses), ["pending", "failure"]);
    // Another environment has its own.
    job.check("plan --sandbox", 0, &[]);
    assert_eq!(bodies(&github, US).len(), 2);
}

#[test]
fn a_comment_that_reads_so_already_is_not_touched() {
    let github = GitHub::start();
    let job = Job::of(&github);
    for _ in 0..2 {
        job.check("plan --sandbox", 0, &[]);
    }
    assert_eq!(
        (github.calls("POST", "/comments"), github.calls("PATCH", "")),
        (1, 0)
    );
}

#[test]
fn a_comment_by_somebody_else_is_not_touched_whatever_it_begins_with() {
    let github = GitHub::start();
    let job = Job::of(&github);
    job.check("plan --sandbox", 0, &[]);
    let ours = bodies(&github, US).remove(0);
    {
        let mut state = github.state();
        state.comments.clear();
        // Ours comes on the third page.
        for index in 0..230 {
            state.say("mallory", &format!("{ours}{index}"), "2020-01-01T00:00:00Z");
        }
        state.say(US, &format!("{ours}\nold"), "2020-01-01T00:00:00Z");
    }
    job.check("plan --sandbox", 0, &[]);
    assert_eq!(
        github.calls("POST", "/graphql"),
        1,
        "only now it asks who it is"
    );
    assert_eq!(bodies(&github, US), std::slice::from_ref(&ours));
    let foreign = bodies(&github, "mallory");
    let is_untouched = |(index, body): (usize, &String)| *body == format!("{ours}{index}");
    assert!(foreign.iter().enumerate().all(is_untouched) && foreign.len() == 230);
}

#[test]
fn a_missing_permission_is_named_and_the_rest_goes_on() {
    let forbidden = "Resource not accessible by integration";
    let check = |path, headers, says: &str| {
        let github = GitHub::start();
        let fault = Fault {
            method: Method::POST,
            path,
            status: 403,
            headers,
            message: forbidden,
            times: usize::MAX,
        };
        github.fault(fault);
        let ran = Job::of(&github).check(ROLLOUT, 0, &[says, forbidden]);
        assert_eq!(
            ran.stderr.matches(forbidden).count(),
            1,
            "it is said once\n{}",
            ran.stderr
        );
        let state = github.state();
        let posted = [
            !state.comments.is_empty(),
            !state.statuses.is_empty(),
            !state.deployments.is_empty(),
        ];
        assert_eq!(posted.iter().filter(|it| **it).count(), 2, "{path}");
    };
    let accepted = &[(
        "x-accepted-github-permissions",
        "issues=write; pull_requests=write",
    )];
    check(
        "/comments",
        accepted,
        "need `issues: write` or `pull-requests: write`",
    );
    check("/statuses/0", &[], "need `statuses: write`");
    check("/deployments", &[], "need `deployments: write`");
}

#[test]
fn the_last_word_outlasts_limits_and_broken_servers() {
    let check = |status, headers, message| {
        let github = GitHub::start();
        for method in [Method::POST, Method::PATCH] {
            github.fault(Fault {
                method,
                path: "/comments",
                status,
                headers,
                message,
                times: 2,
            });
        }
        Job::of(&github).check(ROLLOUT, 0, &["not reported"]);
        let comments = bodies(&github, US);
        assert!(
            comments.len() == 1 && comments[0].contains("✅ Serves"),
            "{status}: {comments:?}"
        );
    };
    check(
        403,
        &[("retry-after", "2")],
        "You have exceeded a secondary rate limit.",
    );
    check(
        429,
        &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "0")],
        "API rate limit exceeded",
    );
    check(502, &[], "Bad Gateway");
    check(0, &[], "the connection breaks");
}

#[test]
fn a_forge_that_is_down_changes_nothing() {
    let github = GitHub::start();
    let job = Job::of(&github).with("GITHUB_API_URL", "http://127.0.0.1:9");
    job.check(ROLLOUT, 0, &["not reported"]);
    job.check(
        &format!("{ROLLOUT} --set image_tag=1.2.0"),
        4,
        &["not reported"],
    );
    let job = Job::of(&github).with("GITHUB_TOKEN", "ghp_wrong");
    job.check(
        ROLLOUT,
        0,
        &["401 Bad credentials", "the token is not valid here"],
    );
    let job = Job::of(&github).with("GITHUB_STEP_SUMMARY", "/nowhere/summary");
    job.check(ROLLOUT, 0, &["not reported     job summary"]);
}

#[test]
fn a_rollout_that_was_killed_and_one_that_goes_on_have_one_comment() {
    let github = GitHub::start();
    let job = Job::of(&github);
    let mut child = job
        .command(&format!("{ROLLOUT} --speed 10"))
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let until = Instant::now() + Duration::from_secs(30);
    while github.state().deployment_statuses.is_empty() {
        assert!(Instant::now() < until, "nothing was posted");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(bodies(&github, US)[0].contains("⏳ Rolling out"));
    job.check(ROLLOUT, 0, &[]);
    let comments = bodies(&github, US);
    assert!(
        comments.len() == 1 && comments[0].contains("✅ Serves"),
        "{comments:?}"
    );
    let state = github.state();
    assert_eq!(
        state.deployments.len(),
        1,
        "the deployment is taken up again"
    );
}

#[test]
fn the_deployment_before_becomes_inactive() {
    let github = GitHub::start();
    let job = Job::of(&github);
    job.check(ROLLOUT, 0, &[]);
    job.check(ROLLOUT, 0, &[]);
    let state = github.state();
    let all: Vec<Vec<&str>> = state
        .deployment_statuses
        .values()
        .map(|it| states(it))
        .collect();
    assert_eq!(
        all,
        [
            vec!["in_progress", "success", "inactive"],
            vec!["in_progress", "success"]
        ]
    );
}

#[test]
fn the_merged_commits_pull_request_is_found() {
    let github = GitHub::start();
    let job = Job::of(&github).with("GITHUB_REF", "refs/heads/main");
    let always = format!("{ROLLOUT} --comment always");
    job.check(&always, 2, &["there is no pull request to comment on"]);
    job.check(ROLLOUT, 0, &[]);
    assert_eq!(bodies(&github, US).len(), 0);
    github.state().pulls = vec![pull(3, "f00"), pull(PULL, SHA)];
    job.check(&always, 0, &[]);
    assert_eq!(bodies(&github, US).len(), 1);
}

#[test]
fn nothing_is_called_that_was_not_asked_for() {
    let github = GitHub::start();
    let never = "--comment never --commit-status never --deployment never";
    Job::of(&github).check(&format!("{ROLLOUT} {never}"), 0, &[]);
    Job::of(&github)
        .with("GITHUB_ACTIONS", "false")
        .check(ROLLOUT, 0, &[]);
    let job = Job::of(&github).with("GITHUB_TOKEN", "");
    job.check(ROLLOUT, 0, &[]);
    assert!(
        job.read("outputs").contains("completed"),
        "outputs need no token"
    );
    job.check(
        &format!("{ROLLOUT} --comment always"),
        2,
        &["there is no token to comment with"],
    );
    assert_eq!(github.state().exchanges.len(), 0);
}

#[test]
fn an_error_is_told_where_the_plan_would_be_and_marked_on_its_line() {
    let github = GitHub::start();
    let job = Job::of(&github);
    job.check(
        "plan --sandbox --set image_tag=9",
        1,
        &["::error title=ecsdeploy::"],
    );
    assert!(bodies(&github, US)[0].contains("### ❌ Failed, nothing changed"));
    job.check(
        "plan --sandbox --cpu 7",
        1,
        &["::error file=service.json.hbs,line="],
    );
    fs::write(
        job.folder.path().join("ecsdeploy.yml"),
        "region: eu\nclutser: main\n",
    )
    .unwrap();
    job.check(
        "plan --sandbox",
        2,
        &["::error file=ecsdeploy.yml,line=2,title=ecsdeploy,col=1::"],
    );
}

#[test]
fn a_signal_ends_it_in_time_though_the_forge_hangs() {
    // A port that accepts and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let github = GitHub::start();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let job = Job::of(&github).with("GITHUB_API_URL", &url);
    let mut child = job
        .command(&format!("{ROLLOUT} --speed 10"))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stderr = child.stderr.take().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(stderr));
    assert!(lines.any(|line| line.unwrap().contains("tasks ")));
    let began = Instant::now();
    let pid = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-s", "INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(child.wait().unwrap().code(), Some(6));
    assert!(
        began.elapsed() < Duration::from_secs(7),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn secrets_are_masked_and_reach_nobody() {
    let github = GitHub::start();
    let job = Job::of(&github);
    let template = job.read("service.json.hbs");
    let secret = r#""environment": [{"name": "DB_PASSWORD", "value": "canary-pass-0451"},"#;
    let template = template.replacen("\"environment\": [", secret, 1);
    assert!(
        template.contains("canary"),
        "the example has an environment"
    );
    fs::write(job.folder.path().join("service.json.hbs"), template).unwrap();
    let masked = ["::add-mask::canary-pass-0451\n"];
    for line in ["plan --sandbox", "diff --sandbox", "render"] {
        job.check(line, 0, &masked);
    }
    let ran = job.check(ROLLOUT, 0, &masked);
    let unmasked = ran.stderr.replace("::add-mask::canary-pass-0451\n", "");
    let state = github.state();
    let bodies: Vec<&Value> = state.exchanges.iter().map(|it| &it["body"]).collect();
    let told = [
        unmasked,
        ran.stdout,
        json!(bodies).to_string(),
        job.read("summary.md"),
        job.read("outputs"),
    ];
    for told in told {
        assert!(
            !told.contains("canary-pass") && !told.contains(TOKEN),
            "{told}"
        );
    }
}

#[test]
fn a_change_of_thirty_containers_is_one_comment() {
    let github = GitHub::start();
    let job = Job::of(&github);
    let containers: Vec<Value> = (0..30)
        .map(|index| {
            let settings = (0..10).map(|env| json!({"name": format!("SETTING_{env}"), "value": format!("new {index} {env}")}));
            json!({"name": format!("sidecar-{index}"), "image": format!("registry.example.com/team/sidecar-{index}:2"),
                "essential": false, "environment": settings.collect::<Value>()})
        })
        .collect();
    let document = json!({"family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
        "cpu": "512", "memory": "1024", "containerDefinitions": containers});
    fs::write(job.folder.path().join("td.json"), document.to_string()).unwrap();
    job.check("plan --sandbox --task-definition td.json", 1, &[]);
    let comments = bodies(&github, US);
    println!(
        "comment of 30 changed containers: {} bytes",
        comments[0].len()
    );
    assert!(comments[0].len() <= 65_536 && comments[0].contains("sidecar-29"));
}

/// What the people on the pull request say to a run that began in 2026.
async fn word(github: &GitHub, label: Option<&str>) -> Option<Word> {
    word_since(github, label, NOW).await
}

/// The same where the gate was first asked then.
async fn word_since(github: &GitHub, label: Option<&str>, asked: &str) -> Option<Word> {
    let settings = adapter::Settings {
        api: format!("http://{}/api/v3", github.address),
        graphql: format!("http://{}/api/graphql", github.address),
        token: TOKEN.to_owned(),
        repository: REPOSITORY.to_owned(),
        sha: SHA.to_owned(),
        pull_request: Some(PULL),
        run: None,
        since: "2026-01-01T00:00:00Z".parse().unwrap(),
    };
    let ask = Ask {
        gate: "approval".to_owned(),
        how: Approval {
            label: label.map(str::to_owned),
            comment: Some("ship it".to_owned()),
        },
        since: asked.parse().unwrap(),
    };
    adapter::GitHub::open(settings)
        .unwrap()
        .word(&ask)
        .await
        .unwrap()
}

/// Comments of authors with their rights, and what comes of them.
async fn check_words(said: &[(&str, &str, &str, &str)], expect: Option<(Says, &str)>) -> GitHub {
    let github = GitHub::start();
    for (author, right, body, created) in said {
        let mut state = github.state();
        if !right.is_empty() {
            state
                .rights
                .insert((*author).to_owned(), (*right).to_owned());
        }
        state.say(author, body, created);
    }
    let word = word(&github, None).await;
    let word = word.as_ref().map(|word| (word.says, word.by.as_str()));
    assert_eq!(word, expect, "{said:?}");
    github
}

const NOW: &str = "2026-06-01T00:00:00Z";

#[tokio::test]
async fn a_word_counts_from_somebody_who_may_write() {
    let promote = "/ecsdeploy promote";
    check_words(
        &[("anna", "write", promote, NOW)],
        Some((Says::Yes, "anna")),
    )
    .await;
    check_words(
        &[("anna", "admin", "ship it", NOW)],
        Some((Says::Yes, "anna")),
    )
    .await;
    check_words(&[("mallory", "read", promote, NOW)], None).await;
    check_words(&[("mallory", "", promote, NOW)], None).await;
    check_words(&[("anna", "write", "/ecsdeploy promote it?", NOW)], None).await;
    check_words(&[("anna", "write", promote, "2025-12-31T23:59:59Z")], None).await;
    let both = [
        ("anna", "write", promote, NOW),
        ("bob", "write", "/ecsdeploy abort", NOW),
        ("mallory", "read", promote, NOW),
    ];
    check_words(&both, Some((Says::No, "bob"))).await;
}

#[tokio::test]
async fn a_label_counts_from_somebody_who_may_write_while_it_is_there() {
    let check = async |events: &[(&str, &str, &str)], asked: &str, expect: Option<&str>| {
        let github = GitHub::start();
        github
            .state()
            .rights
            .insert("anna".to_owned(), "write".to_owned());
        let labelled = events
            .iter()
            .map(|(event, login, created)| label_event(event, login, "approved", created));
        github.state().events = labelled.collect();
        let word = word_since(&github, Some("approved"), asked).await;
        assert_eq!(word.map(|word| word.by).as_deref(), expect, "{events:?}");
    };
    check(&[("labeled", "anna", NOW)], NOW, Some("anna")).await;
    check(&[("labeled", "mallory", NOW)], NOW, None).await;
    let taken_off = [("labeled", "anna", NOW), ("unlabeled", "bob", NOW)];
    check(&taken_off, NOW, None).await;
    check(&[], NOW, None).await;
    // Of an earlier commit, perhaps; set anew it counts.
    let before = "2025-12-31T23:59:59Z";
    check(&[("labeled", "anna", before)], NOW, None).await;
    let anew = [
        ("labeled", "anna", before),
        ("unlabeled", "anna", NOW),
        ("labeled", "anna", NOW),
    ];
    check(&anew, NOW, Some("anna")).await;
    // A run that was taken up was asking already.
    check(&[("labeled", "anna", before)], before, Some("anna")).await;
}

#[test]
fn a_rollout_goes_on_when_the_pull_request_says_so_and_back_when_it_says_no() {
    let check = |said: &str, right: &str, exit, title: &str| {
        let github = GitHub::start();
        github
            .state()
            .rights
            .insert("anna".to_owned(), right.to_owned());
        github.state().say("anna", said, "2999-01-01T00:00:00Z");
        let job = Job::example(&github, "external-task-sets");
        let config = job.read("ecsdeploy.yml");
        let asked = config.replace("- errors: compare", "- { approval: {}, timeout: 10m }");
        assert_ne!(asked, config, "the example has gates");
        fs::write(job.folder.path().join("ecsdeploy.yml"), asked).unwrap();
        job.check("rollout --sandbox", exit, &[]);
        let comment = bodies(&github, US).remove(0);
        assert!(
            comment.contains(title) && comment.contains("approval"),
            "{comment}"
        );
    };
    check("/ecsdeploy promote", "write", 0, "### ✅ Serves");
    check("/ecsdeploy abort", "write", 4, "### ↩️ Rolled back");
    check("/ecsdeploy promote", "read", 4, "### ↩️ Rolled back");
}

#[tokio::test]
async fn githubs_own_description_finds_no_fault_with_any_call_or_answer() {
    let Some(python) = python() else { return };
    let mut exchanges = Vec::new();
    for (line, exit) in [
        ("plan --sandbox --env production", 0),
        (ROLLOUT, 0),
        (
            "rollout --sandbox --env production --set image_tag=1.2.0",
            4,
        ),
    ] {
        let github = GitHub::start();
        github.state().pulls = vec![pull(PULL, SHA)];
        let job = Job::of(&github).with("GITHUB_REF", "refs/heads/main");
        job.check(line, exit, &[]);
        // Again: what is there is found, edited and taken out of use.
        job.check(line, exit, &[]);
        exchanges.append(&mut github.state().exchanges);
    }
    let approved = [("anna", "write", "/ecsdeploy promote", NOW)];
    let github = check_words(&approved, Some((Says::Yes, "anna"))).await;
    github.state().comments.clear();
    github.state().events = vec![label_event("labeled", "anna", "approved", NOW)];
    assert!(word(&github, Some("approved")).await.is_some());
    exchanges.append(&mut github.state().exchanges);

    let judge = |exchanges: &[Value]| {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("exchanges.json");
        fs::write(&log, json!(exchanges).to_string()).unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let tool = Tool::new(&python)
            .arg(root.join("tests/third_party/github_api.py"))
            .arg(root.join("target/third-party/npm/node_modules/@octokit/openapi/generated/api.github.com.json"))
            .arg(&log);
        (tool, folder)
    };
    let (tool, _folder) = judge(&exchanges);
    let report: Value = serde_json::from_str(&tool.succeeds()).unwrap();
    assert_eq!(
        report["judged"].as_object().map(serde_json::Map::len),
        Some(11),
        "{report:#}"
    );

    // A judge that finds nothing must be shown to be awake.
    let status = exchanges
        .iter_mut()
        .find(|it| it["path"].as_str().unwrap().contains("/statuses/0"));
    status.unwrap()["body"] = json!({"state": "done", "colour": "red"});
    let found = judge(&exchanges).0.fails();
    assert!(
        found.contains("'done' is not one of") && found.contains("member colour"),
        "{found}"
    );
}
