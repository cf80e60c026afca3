//! What the command line puts over single containers: environment variables, secrets, labels, command, logging.
//!
//! **Invariant:** a variable and a secret never share a name in a container (RegisterTaskDefinition refuses that): putting
//! one takes the other away. Members that are not named stay as they are, in their order.

use serde_json::{Map, Value, json};

/// One change to one container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContainerChange {
    Variable(Pair),
    /// `valueFrom`: the ARN of a secret or a parameter, or a parameter's name.
    Secret(Pair),
    Label(Pair),
    LogOption(Pair),
    LogDriver(String),
    Command(Vec<String>),
    /// ARNs of `.env` files in S3, in place of those that were there.
    EnvironmentFiles(Vec<String>),
}

/// `NAME=VALUE`; the first `=` ends the name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    pub name: String,
    pub value: String,
}

/// Why a text is no pair.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not of the form NAME=VALUE")]
pub struct NotAPair(pub String);

impl std::str::FromStr for Pair {
    type Err = NotAPair;

    /// A text without `=` is told by its first word only: the rest may be a secret.
    fn from_str(text: &str) -> Result<Self, NotAPair> {
        match text.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => Ok(Self {
                name: name.trim().to_owned(),
                value: value.to_owned(),
            }),
            _ => {
                let word = text.split_whitespace().next().unwrap_or_default();
                Err(NotAPair(word.chars().take(20).collect()))
            }
        }
    }
}

impl ContainerChange {
    pub(super) fn apply(&self, container: &mut Map<String, Value>) {
        match self {
            Self::Variable(pair) => {
                drop_named(container, "secrets", &pair.name);
                put_named(container, "environment", "value", pair);
            }
            Self::Secret(pair) => {
                drop_named(container, "environment", &pair.name);
                put_named(container, "secrets", "valueFrom", pair);
            }
            Self::Label(pair) => put(object(container, "dockerLabels"), pair),
            Self::LogOption(pair) => {
                put(
                    object(object(container, "logConfiguration"), "options"),
                    pair,
                );
            }
            Self::LogDriver(driver) => {
                object(container, "logConfiguration").insert("logDriver".to_owned(), json!(driver));
            }
            Self::Command(words) => {
                container.insert("command".to_owned(), json!(words));
            }
            Self::EnvironmentFiles(files) => {
                let files = files.iter().map(|arn| json!({"value": arn, "type": "s3"}));
                container.insert("environmentFiles".to_owned(), files.collect());
            }
        }
    }
}

fn put(members: &mut Map<String, Value>, pair: &Pair) {
    members.insert(pair.name.clone(), json!(pair.value));
}

/// Puts `{name, member: value}` in the list, in the place of the entry of that name if there is one.
fn put_named(container: &mut Map<String, Value>, list: &str, member: &str, pair: &Pair) {
    let entry = json!({"name": pair.name, member: pair.value});
    let slot = container.entry(list).or_insert_with(|| json!([]));
    if !slot.is_array() {
        *slot = json!([]);
    }
    let entries = slot.as_array_mut().expect("it was just made one");
    match entries.iter_mut().find(|entry| is_named(entry, &pair.name)) {
        Some(there) => *there = entry,
        None => entries.push(entry),
    }
}

fn drop_named(container: &mut Map<String, Value>, list: &str, name: &str) {
    if let Some(Value::Array(entries)) = container.get_mut(list) {
        entries.retain(|entry| !is_named(entry, name));
    }
}

fn is_named(entry: &Value, name: &str) -> bool {
    entry.get("name").and_then(Value::as_str) == Some(name)
}

/// The member, which is an object from now on.
fn object<'a>(members: &'a mut Map<String, Value>, name: &str) -> &'a mut Map<String, Value> {
    let slot = members.entry(name).or_insert_with(|| json!({}));
    if !slot.is_object() {
        *slot = json!({});
    }
    slot.as_object_mut().expect("it was just made one")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(text: &str) -> Pair {
        text.parse().unwrap()
    }

    fn check(change: ContainerChange, before: &Value, after: &Value) {
        let mut container = before.as_object().unwrap().clone();
        change.apply(&mut container);
        assert_eq!(
            Value::Object(container.clone()).to_string(),
            after.to_string()
        );
        change.apply(&mut container);
        assert_eq!(Value::Object(container), *after, "twice is as once");
    }

    #[test]
    fn a_variable_takes_the_place_of_one_of_its_name_and_of_a_secret() {
        let before = json!({
            "name": "web", "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
            "secrets": [{"name": "C", "valueFrom": "arn"}, {"name": "D", "valueFrom": "arn"}], "born": "tomorrow",
        });
        check(
            ContainerChange::Variable(pair("A=x=y ")),
            &before,
            &json!({
                "name": "web", "environment": [{"name": "A", "value": "x=y "}, {"name": "B", "value": "2"}],
                "secrets": [{"name": "C", "valueFrom": "arn"}, {"name": "D", "valueFrom": "arn"}], "born": "tomorrow",
            }),
        );
        check(
            ContainerChange::Variable(pair("C=open")),
            &before,
            &json!({
                "name": "web",
                "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}, {"name": "C", "value": "open"}],
                "secrets": [{"name": "D", "valueFrom": "arn"}], "born": "tomorrow",
            }),
        );
        check(
            ContainerChange::Secret(pair("B=arn:2")),
            &before,
            &json!({
                "name": "web", "environment": [{"name": "A", "value": "1"}],
                "secrets": [
                    {"name": "C", "valueFrom": "arn"}, {"name": "D", "valueFrom": "arn"}, {"name": "B", "valueFrom": "arn:2"},
                ],
                "born": "tomorrow",
            }),
        );
    }

    #[test]
    fn what_is_not_there_is_made() {
        let bare = json!({"name": "web"});
        check(
            ContainerChange::Variable(pair("A=")),
            &bare,
            &json!({"name": "web", "environment": [{"name": "A", "value": ""}]}),
        );
        check(
            ContainerChange::Label(pair("team=a=b")),
            &bare,
            &json!({"name": "web", "dockerLabels": {"team": "a=b"}}),
        );
        check(
            ContainerChange::LogOption(pair("awslogs-group=/ecs/web")),
            &bare,
            &json!({"name": "web", "logConfiguration": {"options": {"awslogs-group": "/ecs/web"}}}),
        );
        check(
            ContainerChange::LogDriver("awslogs".to_owned()),
            &json!({"name": "web", "logConfiguration": {"options": {"a": "b"}, "logDriver": "splunk"}}),
            &json!({"name": "web", "logConfiguration": {"options": {"a": "b"}, "logDriver": "awslogs"}}),
        );
        check(
            ContainerChange::Command(vec!["serve".to_owned(), "a b".to_owned()]),
            &bare,
            &json!({"name": "web", "command": ["serve", "a b"]}),
        );
        check(
            ContainerChange::EnvironmentFiles(vec!["arn:aws:s3:::b/a.env".to_owned()]),
            &bare,
            &json!({"name": "web", "environmentFiles": [{"value": "arn:aws:s3:::b/a.env", "type": "s3"}]}),
        );
    }

    #[test]
    fn a_text_that_is_no_pair_is_refused_and_not_quoted_whole() {
        let refused = |text: &str| text.parse::<Pair>().unwrap_err().to_string();
        assert_eq!(
            refused("PASSWORD hunter2-hunter2"),
            "`PASSWORD` is not of the form NAME=VALUE"
        );
        assert_eq!(refused("=x"), "`=x` is not of the form NAME=VALUE");
    }
}
