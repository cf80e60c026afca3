//! `ecsdeploy.yml` read and resolved, through one door each.

use crate::core::redact::Rules;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::text::{Complaint, Paint};

const WEB: &str = "\
region: eu-central-1
cluster: production
values: { log_retention: 14, tags: { team: shop, tier: one } }
services:
  web:
    task_definition: service.json.hbs
    values: { cpu: 512, tags: { tier: two } }
    values_files: [common.yml]
    rollout: { strategy: rolling, timeout: 15m, max_failed_tasks: 2 }
environments:
  staging:
    region: eu-west-1
    cluster: staging
    values: { log_retention: 3 }
    services:
      web:
        service: web-staging
        values: { tags: { owner: qa } }
        values_files: []
        pin_images: false
        rollout: { on_failure: leave, on_cancel: rollback, max_failed_tasks: 0 }
  empty: {}
";

fn config(text: &str) -> Config {
    Config::parse("ecsdeploy.yml", text).unwrap_or_else(|c| panic!("{}", c.render(Paint::Plain)))
}

fn refused(text: &str) -> Complaint {
    Config::parse("ecsdeploy.yml", text).expect_err(text)
}

#[test]
fn without_an_environment_the_base_stands_alone() {
    let web = config(WEB).resolve(None, None).unwrap();
    assert_eq!(
        web,
        Resolved {
            name: "web".into(),
            service: "web".into(),
            cluster: Some("production".into()),
            region: Some("eu-central-1".into()),
            environment: None,
            task_definition: Some("service.json.hbs".into()),
            service_definition: None,
            values:
                json!({"log_retention": 14, "tags": {"team": "shop", "tier": "two"}, "cpu": 512})
                    .as_object()
                    .unwrap()
                    .clone(),
            own_values: ["cpu".to_owned(), "tags".to_owned()].into(),
            values_files: vec!["common.yml".into()],
            pin_images: PinImages::ToDigest,
            rollout: Rollout {
                strategy: StrategyName::Rolling,
                timeout: Duration::from_mins(15),
                max_failed_tasks: Some(2),
                on_failure: OnFailure::Rollback,
                on_cancel: OnCancel::Leave,
                ..Rollout::default()
            },
            journal: JournalPlace::Auto,
            redact: Rules::default(),
        }
    );
}

#[test]
fn an_environment_lays_over_only_what_it_names() {
    let web = config(WEB).resolve(Some("staging"), Some("web")).unwrap();
    assert_eq!(web.name, "web");
    assert_eq!(web.service, "web-staging");
    assert_eq!(web.cluster.as_deref(), Some("staging"));
    assert_eq!(web.region.as_deref(), Some("eu-west-1"));
    assert_eq!(web.environment.as_deref(), Some("staging"));
    assert_eq!(web.task_definition.as_deref(), Some("service.json.hbs"));
    let tags = json!({"team": "shop", "tier": "two", "owner": "qa"});
    assert_eq!(web.values["tags"], tags);
    assert_eq!(web.values["log_retention"], 3);
    assert_eq!(web.values["cpu"], 512);
    assert_eq!(web.values_files, Vec::<String>::new());
    assert_eq!(web.pin_images, PinImages::Never);
    assert_eq!(web.rollout.timeout, Duration::from_mins(15));
    assert_eq!(web.rollout.max_failed_tasks, Some(0));
    assert_eq!(web.rollout.on_failure, OnFailure::Leave);
    assert_eq!(web.rollout.on_cancel, OnCancel::Rollback);
    let empty = config(WEB).resolve(Some("empty"), None).unwrap();
    let base = config(WEB).resolve(None, None).unwrap();
    let environment = empty.environment.clone();
    assert_eq!(
        empty,
        Resolved {
            environment,
            ..base
        }
    );
}

#[test]
fn an_environment_never_lands_on_the_cluster_of_another() {
    let check = |base: &str, environment: &str, over: &str, expect: &str| {
        let text = format!(
            "cluster: top\nservices: {{ a: {{ {base} }} }}\n\
             environments: {{ e: {{ {environment} services: {{ a: {{ {over} }} }} }} }}\n"
        );
        let resolved = config(&text).resolve(Some("e"), None).unwrap();
        assert_eq!(resolved.cluster.as_deref(), Some(expect), "{text}");
    };
    check("", "", "", "top");
    check("cluster: own", "", "", "own");
    check("cluster: own", "cluster: env,", "", "env");
    check("cluster: own", "cluster: env,", "cluster: both", "both");
}

#[test]
fn the_shortest_configuration_has_every_default() {
    let web = config("services: { web: {} }").resolve(None, None).unwrap();
    assert_eq!(
        (web.cluster, web.region, web.task_definition),
        (None, None, None)
    );
    assert_eq!(web.pin_images, PinImages::ToDigest);
    assert_eq!(web.rollout, Rollout::default());
    assert_eq!(web.rollout.timeout, DEFAULT_TIMEOUT);
    assert_eq!(web.rollout.max_failed_tasks, None);
    assert_eq!(web.rollout.strategy, StrategyName::Auto);
}

#[test]
fn what_cannot_be_chosen_says_what_can() {
    let check = |text: &str, env: Option<&str>, service: Option<&str>, expect: &str| {
        let complaint = config(text).resolve(env, service).unwrap_err();
        let said = [
            complaint.message().to_owned(),
            complaint.allowed().join(" "),
        ];
        let said = [&said[..], complaint.hints()].concat().join("; ");
        assert_eq!(said, expect);
    };
    let two = "services: { web: {}, worker: {} }";
    let several = "there are several services and none is chosen; web worker; \
                   choose one with --service NAME";
    check(two, None, None, several);
    let wrong = "unknown service `wrker`; web worker; did you mean `worker`?";
    check(two, None, Some("wrker"), wrong);
    check(
        "services: {}",
        None,
        None,
        "there is no service under `services`; ",
    );
    let none = "unknown environment `staging`; ; there is no environment in the configuration";
    check(two, Some("staging"), None, none);
    let env = "unknown environment `stagin`; empty staging; did you mean `staging`?";
    check(WEB, Some("stagin"), None, env);
}

#[test]
fn a_wrong_key_or_value_is_shown_where_it_stands() {
    let check = |text: &str, line: &str, hint: &str| {
        let complaint = refused(text);
        assert_eq!(
            complaint.to_string(),
            format!("ecsdeploy.yml:{line}"),
            "{text}"
        );
        assert_eq!(complaint.hints().join("; "), hint, "{text}");
    };
    let web = |body: &str| format!("services:\n  web:\n    {body}\n");
    check(
        "clutser: a\nservices: {}\n",
        "1:1: unknown key `clutser`",
        "did you mean `cluster`?",
    );
    check(
        &web("taskDefinition: a.json"),
        "3:5: unknown key `taskDefinition`",
        "did you mean `task_definition`?",
    );
    check(&web("image: a"), "3:5: unknown key `image`", "");
    check(
        &web("rollout: { stratgy: auto }"),
        "3:16: unknown key `stratgy`",
        "did you mean `strategy`?",
    );
    check(
        &web("rollout: { strategy: roling }"),
        "3:26: unknown value `roling`",
        "did you mean `rolling`?",
    );
    check(
        &web("rollout: { timeout: 30 }"),
        "3:25: `30` has no unit: write 30s, 30m or 30h",
        "",
    );
    check(
        &web("rollout: { timeout: soon }"),
        "3:25: `soon` is not a duration like 90s, 15m or 1h30m",
        "",
    );
    let falls = "3:25: the weights must rise, and 1 follows 50";
    check(&web("rollout: { weights: [50, 1, 100] }"), falls, "");
    let neither = "3:17: `yes` is neither true nor false";
    check(&web("pin_images: yes"), neither, "");
    check(
        &web("values: 3"),
        "3:13: found `3`, expected `key: value` lines",
        "",
    );
    check(
        &web("{}\n    b: 1"),
        "4:5: while parsing a block mapping, did not find expected key",
        "",
    );
    let nothing = "1:9: expected `key: value` lines, found nothing";
    check("services:\n", nothing, "");
    check("", "1:1: unexpected end of file", "");
    check("region: a\n", "1:1: the key `services` is missing", "");
    let twice = "4:3: the key `web` stands here twice";
    check(&web("{}\n  web: {}"), twice, "");
    check(
        &web("values: { a: 1, a: 2 }"),
        "3:21: the key `a` stands here twice",
        "",
    );
    let dash = "1:1: found `-`, expected `key: value` lines";
    check("- web\n", dash, "");
    check(
        "services: { web: {} }\nenvironments:\n  qa:\n    services:\n      wbe: {}\n",
        "5:7: unknown service `wbe`",
        "did you mean `web`?",
    );
}
