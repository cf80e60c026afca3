//! What is hidden, what stays, and the properties that every reader of hidden text relies on.

use super::{CHANGED, REDACTED, Redactor, Rules};
use base64::Engine as _;
use proptest::prelude::*;
use serde_json::{Value, json};

const SECRET: &str = "hunter2-correct/horse+battery";

fn taught() -> Redactor {
    let mut redactor = Redactor::default();
    redactor.learn_document(&environment(&[
        ("DB_PASSWORD", SECRET),
        ("LOG_LEVEL", "info"),
    ]));
    redactor
}

fn environment(pairs: &[(&str, &str)]) -> Value {
    let pairs: Value = pairs
        .iter()
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    json!({"family": "web", "containerDefinitions": [{"name": "web", "environment": pairs}]})
}

#[test]
fn a_secret_is_hidden_at_its_place_and_the_rest_stays() {
    let document = environment(&[
        ("DB_PASSWORD", "x"),
        ("LOG_LEVEL", "info"),
        ("DATABASE_URL", "postgres://app:pw@db/app"),
        ("SETTING", "kX9vQ2mL7pR4tY8wZ1aB"),
        ("TOKEN_AUTH", "true"),
        ("EMPTY_TOKEN", ""),
    ]);
    let hidden = environment(&[
        ("DB_PASSWORD", REDACTED),
        ("LOG_LEVEL", "info"),
        ("DATABASE_URL", &format!("postgres://app:{REDACTED}@db/app")),
        ("SETTING", REDACTED),
        ("TOKEN_AUTH", "true"),
        ("EMPTY_TOKEN", ""),
    ]);
    assert_eq!(Redactor::default().document(&document), hidden);
}

#[test]
fn secrets_hide_wherever_a_document_can_hold_them() {
    let document = json!({
        "secrets": [{"name": "DB_PASSWORD", "valueFrom": "arn:aws:ssm:eu-west-1:123456789012:parameter/db"}],
        "repositoryCredentials": {"credentialsParameter": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:hub"},
        "command": ["run", "--password", "leak-1", "--token=leak-2", "--level", "info"],
        "logConfiguration": {"options": {"splunk-token": "leak-3", "awslogs-group": "web"}},
        "dockerLabels": {"com.datadoghq.ad.instances": r#"[{"password": "leak-4", "host": "%%host%%"}]"#},
        "healthCheck": {"command": ["CMD-SHELL", "curl http://u:leak-5@localhost/?access_token=leak-6&b=c"]},
        "tags": [{"key": "team", "value": "core"}, {"key": "deploy-token", "value": "leak-7"}],
    });
    let hidden = Redactor::default().document(&document).to_string();
    assert!(!hidden.contains("leak"), "{hidden}");
    for open in [
        "parameter/db",
        "secret:hub",
        "info",
        "\"web\"",
        "%%host%%",
        "b=c",
        "core",
    ] {
        assert!(hidden.contains(open), "{open} is hidden in {hidden}");
    }
}

#[test]
fn a_known_secret_is_found_in_every_dress() {
    let redactor = taught();
    let base64 = base64::engine::general_purpose::STANDARD;
    let multiline =
        "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0\n-----END PRIVATE KEY-----";
    let dresses = [
        SECRET.to_owned(),
        format!("said {SECRET}!"),
        SECRET.replace('/', "%2F").replace('+', "%2B"),
        SECRET.replace('/', "%2f").replace('+', "%2b"),
        multiline.to_owned(),
    ];
    for dress in dresses {
        let hidden = redactor.text(&dress);
        assert!(
            hidden.contains(REDACTED) && !hidden.contains("hunter2"),
            "{hidden}"
        );
    }
    for prefix in ["", "u:", "user:", "administrator:"] {
        let encoded = base64.encode(format!("{prefix}{SECRET}"));
        let hidden = redactor.text(&encoded);
        assert!(
            hidden.contains(REDACTED) && hidden.len() < encoded.len(),
            "{hidden}"
        );
    }
}

#[test]
fn a_secret_with_quotes_and_line_ends_is_found_escaped() {
    let secret = "first \"line\"\nof several-lines-of-secret";
    let mut redactor = Redactor::default();
    redactor.learn_document(&environment(&[("API_KEY", secret)]));
    let once = Value::from(secret).to_string();
    let twice = Value::from(once.as_str()).to_string();
    for text in [
        once,
        twice,
        secret.to_owned(),
        "of several-lines-of-secret".to_owned(),
    ] {
        let hidden = redactor.text(&text);
        assert!(!hidden.contains("several"), "{hidden}");
    }
}

#[test]
fn a_text_that_cannot_be_parsed_gives_its_secrets_all_the_same() {
    let check = |text: &str| {
        let mut redactor = Redactor::default();
        redactor.learn_text(text);
        assert_eq!(
            redactor.text("said hunter2 aloud"),
            format!("said {REDACTED} aloud"),
            "{text}"
        );
        assert!(!redactor.text(text).contains("hunter2"), "{text}");
    };
    check(r#"{"name": "DB_PASSWORD", "value": "hunter2", }"#);
    check("- name: DB_PASSWORD\n  value: hunter2\n  - broken");
    check("db_password: hunter2\n\t: x");
    check("values: { db: { password: 'hunter2' }");
    check("DB_PASSWORD=hunter2");
    check(r#""{\"name\":\"API_TOKEN\",\"value\":\"hunter2\"}""#);
}

#[test]
fn sentences_of_aws_and_of_this_program_stay_as_they_are() {
    let redactor = taught();
    for text in [
        "ResourceInitializationError: unable to pull secrets or registry auth: failed to fetch secret arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-a1B2c3 from secrets manager: AccessDeniedException",
        "The security token included in the request is invalid.",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "unknown key `clutser`\n --> ecsdeploy.yml:2:10\n  = allowed: cluster, service",
        "(service web) has reached a steady state.",
        r#"{"tags": [{"key": "team", "value": "core"}], "nextToken": null}"#,
        "task 0123456789abcdef0123456789abcdef in arn:aws:ecs:eu-west-1:123456789012:cluster/main",
    ] {
        assert_eq!(redactor.text(text), text);
    }
}

#[test]
fn the_name_of_a_thing_is_not_hunted_though_a_secret_is_the_same() {
    let mut redactor = Redactor::default();
    redactor.learn_document(&environment(&[("DB_PASSWORD", "postgres-main")]));
    redactor.learn_name("postgres-main");
    assert_eq!(
        redactor.text("cluster postgres-main"),
        "cluster postgres-main"
    );
    let hidden = redactor.document(&environment(&[("DB_PASSWORD", "postgres-main")]));
    assert_eq!(hidden, environment(&[("DB_PASSWORD", REDACTED)]));
}

#[test]
fn the_users_rules_win() {
    let rules = Rules {
        hide: vec!["PLAN".to_owned()],
        show: vec!["DEMO_TOKEN".to_owned()],
    };
    let document = environment(&[("PLAN", "gold"), ("DEMO_TOKEN", "abc123")]);
    let hidden = environment(&[("PLAN", REDACTED), ("DEMO_TOKEN", "abc123")]);
    let mut redactor = Redactor::default();
    redactor.learn_document(&document);
    redactor.set_rules(rules);
    assert_eq!(redactor.document(&document), hidden);
    assert_eq!(redactor.text("said abc123"), "said abc123");
}

#[test]
fn a_changed_secret_says_so_and_a_kept_one_does_not() {
    let redactor = Redactor::default();
    let check = |old: &Value, new: &Value, expected: &Value| {
        assert_eq!(&redactor.documents(old, new).1, expected);
    };
    let old = environment(&[
        ("A_TOKEN", "one"),
        ("B_TOKEN", "two"),
        ("URL", "http://u:one@h/"),
    ]);
    let new = environment(&[
        ("B_TOKEN", "two"),
        ("A_TOKEN", "three"),
        ("C_TOKEN", "x"),
        ("URL", "http://u:two@h/"),
    ]);
    let hidden = environment(&[
        ("B_TOKEN", REDACTED),
        ("A_TOKEN", CHANGED),
        ("C_TOKEN", REDACTED),
        ("URL", &format!("http://u:{CHANGED}@h/")),
    ]);
    check(&old, &new, &hidden);
    check(
        &json!({"command": ["--token=a", "--token=b"]}),
        &json!({"command": ["--token=b", "--token=a"]}),
        &json!({"command": [format!("--token={CHANGED}"), format!("--token={CHANGED}")]}),
    );
}

fn any_document() -> impl Strategy<Value = Value> {
    let texts = vec![
        "",
        "a",
        "--password",
        "one",
        "two",
        "postgres://u:one@h",
        "postgres://u:two@h",
        "TOKEN=one",
        "TOKEN=two",
        r#"{"password":"one"}"#,
        r#"{"password": "one"}"#,
        r#"{"password":"two"}"#,
        "«redacted",
        "true",
        "12345",
    ];
    let leaf = prop_oneof![
        (0..30_i64).prop_map(|number| Value::from(number * 1000)),
        prop::sample::select(texts).prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let keys =
            prop::sample::select(vec!["name", "value", "password", "list", "command", "key"]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(keys, inner, 0..5).prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    #[test]
    fn documents_that_differ_still_differ_when_hidden(from in any_document(), to in any_document()) {
        let (hidden_from, hidden_to) = Redactor::default().documents(&from, &to);
        prop_assert_eq!(from == to, hidden_from == hidden_to, "{} {}", hidden_from, hidden_to);
    }

    #[test]
    fn hiding_twice_is_hiding_once(text in "(TOKEN|password|name|value|:|=|\"|'| |\n|\\\\|://|@|hunter2|«redacted»|-|[a-z]){0,30}") {
        let mut redactor = taught();
        redactor.learn_text("TOKEN=hunter2");
        let once = redactor.text(&text);
        prop_assert_eq!(redactor.text(&once), once);
    }

    #[test]
    fn no_text_makes_it_stumble(text in any::<String>(), taught_text in any::<String>()) {
        let mut redactor = Redactor::default();
        redactor.learn_text(&taught_text);
        redactor.text(&text);
    }

    #[test]
    fn no_secret_of_a_document_is_left_in_its_text(secret in "[a-zA-Z0-9!/+\"\\\\ ]{8,24}z") {
        let document = environment(&[("DB_PASSWORD", &secret), ("ARGS", &format!("-p {secret}"))]);
        let mut redactor = Redactor::default();
        redactor.learn_document(&document);
        let trimmed = secret.trim();
        let pretty = format!("{document:#}");
        prop_assert!(!redactor.text(&pretty).contains(trimmed));
        prop_assert!(!redactor.text(trimmed).contains(trimmed));
        prop_assert!(!redactor.document(&document).to_string().contains(trimmed));
    }
}
