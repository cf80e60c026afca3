//! Parameter Store: the atomic create, versions, paths, limits and refusals.

use serde_json::{Value, json};

use crate::sandbox::ssm::answer;
use crate::sandbox::{Time, World};

fn world() -> World {
    World::new("123456789012", "eu-west-1", Time::DEFAULT_START, 1)
}

fn ask(world: &mut World, op: &str, input: Value) -> Result<Value, String> {
    answer(world, op, &input).map_err(|error| error.code)
}

fn put(world: &mut World, name: &str, value: &str) -> Result<Value, String> {
    ask(
        world,
        "PutParameter",
        json!({"Name": name, "Value": value, "Type": "String"}),
    )
}

#[test]
fn only_one_of_two_creates_wins() {
    let mut world = world();
    let first = put(&mut world, "/lock/web", "a");
    assert_eq!(first, Ok(json!({"Version": 1, "Tier": "Standard"})));
    assert_eq!(
        put(&mut world, "/lock/web", "b"),
        Err("ParameterAlreadyExists".to_owned())
    );
    let read = ask(&mut world, "GetParameter", json!({"Name": "/lock/web"})).unwrap();
    assert_eq!(
        (&read["Parameter"]["Value"], &read["Parameter"]["ARN"]),
        (
            &json!("a"),
            &json!("arn:aws:ssm:eu-west-1:123456789012:parameter/lock/web")
        )
    );
    assert_eq!(
        ask(&mut world, "DeleteParameter", json!({"Name": "/lock/web"})),
        Ok(json!({}))
    );
    assert!(put(&mut world, "/lock/web", "b").is_ok());
}

#[test]
fn an_overwrite_makes_a_version_and_the_last_hundred_are_kept() {
    let mut world = world();
    put(&mut world, "v", "1").unwrap();
    for n in 2..=101 {
        let input = json!({"Name": "v", "Value": n.to_string(), "Overwrite": true});
        let answer = ask(&mut world, "PutParameter", input).unwrap();
        assert_eq!(answer["Version"], n);
    }
    let at = |world: &mut World, name: &str| {
        let answer = ask(world, "GetParameter", json!({"Name": name}))?;
        Ok(answer["Parameter"]["Value"].as_str().unwrap().to_owned())
    };
    assert_eq!(at(&mut world, "v"), Ok("101".to_owned()));
    assert_eq!(at(&mut world, "v:2"), Ok("2".to_owned()));
    assert_eq!(
        at(&mut world, "v:1"),
        Err("ParameterVersionNotFound".to_owned())
    );
    assert_eq!(at(&mut world, "w:1"), Err("ParameterNotFound".to_owned()));
}

#[test]
fn what_aws_refuses_is_refused() {
    let mut world = world();
    let long = "x".repeat(4097);
    let deep = "/a".repeat(16);
    let mut check = |input: Value, code: &str| {
        assert_eq!(
            ask(&mut world, "PutParameter", input.clone()),
            Err(code.to_owned()),
            "{input}"
        );
    };
    check(json!({"Name": "a", "Value": "1"}), "ValidationException");
    check(
        json!({"Name": "a", "Value": long, "Type": "String"}),
        "ValidationException",
    );
    check(
        json!({"Name": deep, "Value": "1", "Type": "String"}),
        "HierarchyLevelLimitExceededException",
    );
    check(
        json!({"Name": "ssm-a", "Value": "1", "Type": "String"}),
        "ValidationException",
    );
    check(
        json!({"Name": "a/b", "Value": "1", "Type": "String"}),
        "ValidationException",
    );
    check(
        json!({"Name": "a b", "Value": "1", "Type": "String"}),
        "ValidationException",
    );
    check(
        json!({"Name": "a", "Value": "1", "Overwrite": true, "Tags": [{"Key": "k", "Value": "v"}]}),
        "ValidationException",
    );
    check(
        json!({"Name": "a", "Value": "1", "Type": "String", "Policies": "[]"}),
        "SandboxNotModelled",
    );
}

#[test]
fn a_path_is_read_in_pages_and_no_deeper_than_asked() {
    let mut world = world();
    for n in 0..12 {
        put(&mut world, &format!("/web/{n:02}"), "x").unwrap();
    }
    put(&mut world, "/web/deep/down", "x").unwrap();
    put(&mut world, "/webby", "x").unwrap();
    let mut count = |recursive: bool, token: Option<&str>| {
        let input = json!({"Path": "/web", "Recursive": recursive, "NextToken": token});
        let answer = ask(&mut world, "GetParametersByPath", input).unwrap();
        let token = answer["NextToken"].as_str().map(str::to_owned);
        (answer["Parameters"].as_array().unwrap().len(), token)
    };
    let (first, token) = count(false, None);
    assert_eq!((first, count(false, token.as_deref())), (10, (2, None)));
    assert_eq!(count(true, token.as_deref()), (3, None));
}

#[test]
fn a_secure_string_is_opaque_until_it_is_decrypted() {
    let mut world = world();
    let input = json!({"Name": "s", "Value": "secret", "Type": "SecureString"});
    ask(&mut world, "PutParameter", input).unwrap();
    let mut read = |decrypt: bool| {
        let input = json!({"Name": "s", "WithDecryption": decrypt});
        ask(&mut world, "GetParameter", input).unwrap()["Parameter"]["Value"].clone()
    };
    assert_eq!(read(true), "secret");
    assert!(read(false).as_str().unwrap().starts_with("AQICAH"));
}

#[test]
fn unknown_names_are_listed_not_refused() {
    let mut world = world();
    put(&mut world, "a", "1").unwrap();
    let read = ask(&mut world, "GetParameters", json!({"Names": ["a", "b"]})).unwrap();
    assert_eq!(
        (
            read["Parameters"].as_array().unwrap().len(),
            &read["InvalidParameters"]
        ),
        (1, &json!(["b"]))
    );
    let gone = ask(&mut world, "DeleteParameters", json!({"Names": ["a", "b"]})).unwrap();
    assert_eq!(
        gone,
        json!({"DeletedParameters": ["a"], "InvalidParameters": ["b"]})
    );
}
