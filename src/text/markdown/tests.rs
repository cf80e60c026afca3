//! The pages as they read, and the property that no text from outside changes what a page is made of.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use pulldown_cmark::{Event as Piece, Options, Parser, Tag, TagEnd};
use serde_json::json;

use super::inert::plain;
use super::page::Page;
use super::{COMMENT, Story, failed, plan as planned};
use crate::core::comparison::Comparison;
use crate::core::gate::{TaskFailure, Verdict};
use crate::core::id::{Cluster, ServiceKey, ServiceName, TaskArn, TaskDefinitionArn};
use crate::core::live::{ContainerExit, ServiceEvent};
use crate::core::plan::{Before, Course};
use crate::core::post::Standing;
use crate::core::proposal::{Capacity, Proposal, StepGates, VERSION, Way, World};
use crate::core::redact::Redactor;
use crate::core::report::{Cause, Event, Outcome, Progress, Report};
use crate::core::service::{Intent, Redeploy};
use crate::core::taskdef::{Finding, Severity};

/// A plan in which every text from outside is `text`.
fn proposal(text: &str) -> Proposal {
    let document = |value: &str| json!({"containerDefinitions": [{"name": text, "image": text, "command": [value]}]});
    let arn = TaskDefinitionArn::new(format!("arn:task-definition/{text}"));
    Proposal {
        expected: None,
        on_record: None,
        managed: None,
        version: VERSION,
        target: ServiceKey {
            cluster: Cluster::new(text),
            service: ServiceName::new(text),
        },
        course: Course::Deploy,
        strategy: Way::Rolling,
        why: text.to_owned(),
        family: text.to_owned(),
        revision: None,
        redeploy: Redeploy::WhenChanged,
        intent: Intent::default(),
        before: Before {
            deployment: None,
            task_definition: arn.clone(),
            serving: Some(arn.clone()),
            desired_count: 2,
        },
        held_seconds: 60,
        capacity: Capacity {
            desired: 2,
            floor: 2,
            ceiling: 4,
        },
        gates: vec![StepGates {
            ecs_bakes_seconds: None,
            step: text.to_owned(),
            seconds: 60,
            gates: vec![text.to_owned()],
            left_out: vec![text.to_owned()],
        }],
        task_definition: document(text),
        comparison: Comparison {
            running: document("before"),
            wanted: document(&format!("after {text}")),
        },
        findings: vec![Finding {
            severity: Severity::Error,
            path: text.to_owned(),
            message: text.to_owned(),
            hint: Some(text.to_owned()),
        }],
        world: World {
            deployment: None,
            task_definition: arn,
            serving: None,
            service: serde_json::Map::new(),
            rules: Vec::new(),
        },
    }
}

/// A rollout that failed, in which every text from outside is `text`.
fn report(text: &str) -> Report {
    let mut report = Report::new();
    let arn = TaskDefinitionArn::new(format!("arn:task-definition/{text}"));
    let cause = Cause::FailedByEcs {
        reason: text.to_owned(),
    };
    let service_event = ServiceEvent {
        id: text.to_owned(),
        at: Timestamp::UNIX_EPOCH,
        message: text.to_owned(),
    };
    let failure = TaskFailure {
        task: TaskArn::new(format!("arn:task/{text}")),
        stop_code: text.to_owned(),
        reason: text.to_owned(),
        containers: vec![ContainerExit {
            container: text.to_owned(),
            exit_code: Some(1),
            reason: text.to_owned(),
        }],
    };
    let events = [
        Event::Registered {
            task_definition: arn.clone(),
        },
        Event::Progress(Progress {
            desired: 2,
            running: 1,
            old: 2,
            ..Progress::default()
        }),
        Event::TaskFailed(failure),
        Event::Asking {
            step: text.to_owned(),
            gates: vec![text.to_owned(), format!("{text}2")],
            left_out: Vec::new(),
            seconds: 60,
        },
        Event::Gate {
            step: text.to_owned(),
            gate: text.to_owned(),
            verdict: Verdict::Fail,
            said: text.to_owned(),
        },
        Event::Service(service_event),
        Event::Undoing {
            cause: cause.clone(),
            task_definition: arn,
            by: crate::core::report::Undoer::Ecs,
        },
        Event::Finished(Outcome::RolledBack { cause }),
    ];
    for (index, event) in (0_i64..).zip(events) {
        report.record(
            Timestamp::UNIX_EPOCH + SignedDuration::from_secs(index * 10),
            event,
        );
    }
    report
}

/// The story of a plan that was carried out.
fn story(plan: &Proposal, report: &Report, environment: Option<&str>, limit: usize) -> String {
    let standing = report.outcome().map_or(Standing::Underway, Standing::Ended);
    // An ordinary address of the run is meant to be a link; with a blank in it, it is none.
    let run = environment.map(|text| text.replace("https://", "https: //"));
    let story = Story {
        target: &plan.target,
        environment,
        plan: Some(plan),
        report,
        standing,
        run: run.as_deref(),
        notice: None,
    };
    super::story(&story, limit)
}

/// What the page is made of, without the words.
fn skeleton(markdown: &str) -> Vec<String> {
    let mut in_code = false;
    let mut pieces = Vec::new();
    for piece in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        match piece {
            Piece::Start(Tag::CodeBlock(kind)) => {
                in_code = true;
                pieces.push(format!("code block {kind:?}"));
            }
            Piece::End(TagEnd::CodeBlock) => in_code = false,
            Piece::Text(_) | Piece::Code(_) if in_code => {}
            Piece::Text(_) | Piece::Code(_) => {
                if pieces.last().is_none_or(|last| last != "words") {
                    pieces.push("words".to_owned());
                }
            }
            Piece::Html(html) | Piece::InlineHtml(html) if html.starts_with("<!--") => {
                pieces.push("marker".to_owned());
            }
            other => pieces.push(format!("{other:?}")),
        }
    }
    pieces
}

/// Texts that try to break out, and any text.
fn hostile() -> impl Strategy<Value = String> {
    let attacks = vec![
        "`",
        "```",
        "\n```\n",
        "~~~",
        "|",
        "\\|",
        "\\",
        "\n",
        "\r\n",
        "# h",
        "- x",
        "1. x",
        "> q",
        "<b>",
        "</details>",
        "<!--",
        "-->",
        "--",
        "@octocat",
        "#123",
        "!7",
        "[a](b)",
        "![a](b)",
        "*a*",
        "_a_",
        "~~a~~",
        "&lt;",
        "&#64;",
        "https://e.vil",
        "www.e.vil",
        "a@b.c",
        "\u{1b}[2J",
        "\u{202e}",
        "$x$",
        "::error::",
        "/close",
        " ",
        "x",
        "é",
        "---",
        "===",
        "\t",
        "    code",
        "\"",
        "{",
        "%%{init}%%",
        ";",
    ];
    let attack = prop::sample::select(attacks).prop_map(str::to_owned);
    prop_oneof![
        prop::collection::vec(attack, 1..12).prop_map(|parts| parts.concat()),
        any::<String>().prop_map(|text| format!("x{text}")),
    ]
}

fn check(text: &str, page: impl Fn(&str) -> String) {
    let (calm, found) = (page("x"), page(text));
    assert_eq!(skeleton(&found), skeleton(&calm), "{text:?}\n{found}");
    assert!(found.len() <= COMMENT, "{} bytes", found.len());
    assert!(
        found.matches("-->").count() >= 1 && found.starts_with("<!-- ecsdeploy "),
        "{found}"
    );
    assert_eq!(
        found
            .lines()
            .next()
            .unwrap_or_default()
            .matches("-->")
            .count(),
        1,
        "{found}"
    );
}

/// Running text, code apart, that GitHub or GitLab would make a mention, a reference or a link of.
fn referring(markdown: &str) -> Vec<String> {
    let mut in_code = false;
    let mut found = Vec::new();
    let mut words = String::new();
    for piece in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        match piece {
            Piece::Start(Tag::CodeBlock(_)) => in_code = true,
            Piece::End(TagEnd::CodeBlock) => in_code = false,
            Piece::Text(text) if !in_code => words.push_str(&text),
            _ => words.push('\n'),
        }
    }
    let letters: Vec<char> = words.chars().collect();
    for pair in letters.windows(2) {
        if "@#!~%$&".contains(pair[0]) && pair[1].is_alphanumeric() {
            found.push(pair.iter().collect());
        }
    }
    if words.contains("://") || words.contains("www.e") {
        found.push("link".to_owned());
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_text_from_outside_changes_what_a_plan_is_made_of(text in hostile()) {
        check(&text, |text| planned(&proposal(text), Some(text), COMMENT));
    }

    #[test]
    fn no_text_from_outside_changes_what_a_story_is_made_of(text in hostile()) {
        check(&text, |text| story(&proposal(text), &report(text), Some(text), COMMENT));
        check(&text, |text| failed(&proposal(text).target, Some(text), text, COMMENT));
    }

    #[test]
    fn a_secret_is_hidden_in_running_text_too(secret in "[a-z0-9]{4}[ -~]{8,40}[a-z0-9]{4}") {
        let mut redactor = Redactor::default();
        redactor.learn_document(&json!({"environment": [{"name": "API_TOKEN", "value": secret}]}));
        let said = plain(&format!("the answer was {secret}, not ok"));
        prop_assert!(!redactor.text(&said).contains(&plain(&secret)), "{}", redactor.text(&said));
    }

    #[test]
    fn nobody_is_mentioned_and_nothing_is_referred_to(text in hostile()) {
        let page = planned(&proposal(&text), Some(&text), COMMENT) + &story(&proposal(&text), &report(&text), None, COMMENT);
        prop_assert_eq!(referring(&page), Vec::<String>::new(), "{}", page);
    }

    #[test]
    fn a_page_keeps_to_its_limit_and_stays_whole(limit in 200..20_000_usize, lines in 0..400_usize, width in 1..300_usize) {
        let text = format!("{}\n", "y`|<".repeat(width / 4 + 1)).repeat(lines);
        for page in [planned(&proposal(&text), None, limit), story(&proposal(&text), &report(&text), None, limit)] {
            prop_assert!(page.len() <= limit, "{} bytes of {}", page.len(), limit);
            prop_assert_eq!(page.matches("<details>").count(), page.matches("</details>").count());
            let open = skeleton(&page);
            prop_assert!(!open.iter().any(|piece| piece.contains("</details>") && piece.contains("code block")));
        }
    }
}

#[test]
fn folds_give_way_before_any_text_and_say_where_the_rest_is() {
    let mut page = Page::default();
    page.fold("Lines", "diff", &"+ a line of a fold\n".repeat(400));
    page.text("s".repeat(700));
    page.text("g".repeat(700));
    let steps = |page: &str| {
        (
            page.contains(&"s".repeat(700)),
            page.contains(&"g".repeat(700)),
        )
    };
    for (limit, texts, folds) in [
        (1_600, (true, true), 0),
        (3_000, (true, true), 1),
        (900, (true, false), 0),
    ] {
        let page = page.fit(limit);
        assert_eq!(steps(&page), texts, "{limit}");
        assert_eq!(page.matches("<details>").count(), folds, "{limit}");
        assert!(
            page.contains("the job's summary, if it has one, and its log"),
            "{page}"
        );
    }
    let whole = page.fit(COMMENT);
    assert!(!whole.contains("log"), "nothing was left out");
}

#[test]
fn a_change_of_thirty_containers_fits_into_a_comment() {
    let containers = |tag: &str| -> serde_json::Value {
        (0..30).map(|index| json!({"name": format!("container-{index}"), "image": format!("registry.example.com/team/service-{index}:{tag}"),
            "environment": (0..10).map(|env| json!({"name": format!("SETTING_{env}"), "value": format!("{tag}-{index}-{env}")})).collect::<serde_json::Value>()}))
            .collect()
    };
    let mut proposal = proposal("web");
    proposal.comparison = Comparison {
        running: json!({"containerDefinitions": containers("1")}),
        wanted: json!({"containerDefinitions": containers("2")}),
    };
    let page = planned(&proposal, Some("production"), COMMENT);
    assert!(
        page.len() <= COMMENT && page.contains("330 changes"),
        "{} bytes",
        page.len()
    );
    assert_eq!(
        page.matches("<details>").count(),
        page.matches("</details>").count()
    );
}

#[test]
fn a_story_reads_from_the_worst_down() {
    insta::assert_snapshot!(story(
        &proposal("web"),
        &report("web"),
        Some("production"),
        COMMENT
    ));
}

#[test]
fn a_story_tells_what_changed_of_the_service() {
    let mut plan = proposal("web");
    let page = |plan: &Proposal| story(plan, &report("web"), None, COMMENT);
    assert!(!page(&plan).contains("Changes of the service"));
    plan.managed = Some(Comparison {
        running: json!({"healthCheckGracePeriodSeconds": 0}),
        wanted: json!({"healthCheckGracePeriodSeconds": 30}),
    });
    let told = page(&plan);
    assert!(told.contains("Changes of the service"), "{told}");
    assert!(
        told.contains("! healthCheckGracePeriodSeconds: 0 -> 30"),
        "{told}"
    );
}
