//! A task definition as `RegisterTaskDefinition` takes it: the JSON document itself, with views over what we reason about.
//!
//! Members that only `DescribeTaskDefinition` answers are left out on the way in, and so is every object member that is
//! `null`: in awsJson a null member and an absent one are the same, and the maps of a task definition (`dockerLabels`,
//! `options`, `driverOpts`, `labels`) hold strings only, so the rule holds inside them too. A `null` *in a list* stays
//! where it is, because dropping it would move its neighbours; `lint` reports it.
//!
//! **Invariant:** nothing else is ever dropped, renamed or reordered. A member that this program has never heard of
//! leaves as it came.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::container::Container;

/// Members of the `TaskDefinition` shape that `DescribeTaskDefinition` answers and `RegisterTaskDefinition` does not take.
pub const OUTPUT_ONLY: [&str; 9] = [
    "taskDefinitionArn",
    "revision",
    "status",
    "requiresAttributes",
    "compatibilities",
    "registeredAt",
    "registeredBy",
    "deregisteredAt",
    "deleteRequestedAt",
];

/// Tag keys with this prefix belong to AWS and are refused on registration (Amazon ECS "Tag restrictions").
const RESERVED_TAG_PREFIX: &str = "aws:";

/// A document with a family and at least one named container; everything else is as its author wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Map<String, Value>")]
pub struct TaskDefinition(Map<String, Value>);

/// Why a document cannot be read as a task definition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotATaskDefinition {
    /// A list of containers, as Terraform's `container_definitions` is, without the definition around it.
    #[error(
        "the document is a list of containers; a task definition is an object with family and containerDefinitions"
    )]
    OnlyContainers,
    #[error("{path} is missing")]
    Missing { path: String },
    #[error("{path} is empty")]
    Empty { path: String },
    #[error("{path} must be {expected}, found {found}")]
    WrongKind {
        path: String,
        expected: &'static str,
        found: &'static str,
    },
}

/// A container that the definition does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no container is named {0:?}")]
pub struct NoSuchContainer(pub String);

impl TaskDefinition {
    /// Reads a task definition, or the answer of `aws ecs describe-task-definition` (the definition under
    /// `taskDefinition`, its tags beside it).
    pub fn from_value(document: Value) -> Result<Self, NotATaskDefinition> {
        let mut members = unwrapped(document)?;
        members.retain(|name, _| !OUTPUT_ONLY.contains(&name.as_str()));
        drop_null_members(&mut members);
        text_at(&members, "family", "family")?;
        check_containers(&members)?;
        Ok(Self(members))
    }

    pub fn family(&self) -> &str {
        self.text("family").expect("from_value checked family")
    }

    /// The containers in document order.
    pub fn containers(&self) -> impl Iterator<Item = Container<'_>> {
        let list = self.0.get("containerDefinitions").and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .filter_map(Value::as_object)
            .map(Container::of)
    }

    /// A member of the definition that is a string, such as `cpu` or `taskRoleArn`.
    pub fn text(&self, member: &str) -> Option<&str> {
        self.0.get(member).and_then(Value::as_str)
    }

    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    pub fn to_value(&self) -> Value {
        Value::Object(self.0.clone())
    }

    /// Puts `image` in the container of that name; with two of one name (which ECS refuses), in each.
    pub fn set_image(&mut self, container: &str, image: &str) -> Result<(), NoSuchContainer> {
        let put = |members: &mut Map<String, Value>| {
            members.insert("image".to_owned(), Value::from(image));
        };
        if self.change(container, put) {
            Ok(())
        } else {
            Err(NoSuchContainer(container.to_owned()))
        }
    }

    /// Changes the container of that name, or each of them; whether there is one. Its name must stay what it is.
    pub(super) fn change(
        &mut self,
        container: &str,
        change: impl Fn(&mut Map<String, Value>),
    ) -> bool {
        let list = self
            .0
            .get_mut("containerDefinitions")
            .and_then(Value::as_array_mut);
        let mut found = false;
        for members in list.into_iter().flatten().filter_map(Value::as_object_mut) {
            if members.get("name").and_then(Value::as_str) == Some(container) {
                change(members);
                found = true;
            }
        }
        found
    }

    /// Puts a string in a member of the definition that is neither the family nor the containers.
    pub(super) fn set_text(&mut self, member: &'static str, text: &str) {
        debug_assert!(
            !matches!(member, "family" | "containerDefinitions"),
            "these are checked once, on the way in"
        );
        self.0.insert(member.to_owned(), Value::from(text));
    }
}

/// What a value is, for messages: `a list`, `a string`, …
pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn unwrapped(document: Value) -> Result<Map<String, Value>, NotATaskDefinition> {
    let mut outer = match document {
        Value::Object(members) => members,
        Value::Array(items) if items.iter().any(Value::is_object) => {
            return Err(NotATaskDefinition::OnlyContainers);
        }
        other => return Err(wrong_kind("the document", "an object", &other)),
    };
    if outer.contains_key("containerDefinitions")
        || !outer.get("taskDefinition").is_some_and(Value::is_object)
    {
        return Ok(outer);
    }
    let Some(Value::Object(mut members)) = outer.remove("taskDefinition") else {
        return Ok(outer);
    };
    if let Some(Value::Array(tags)) = outer.remove("tags") {
        lay_in_tags(&mut members, tags);
    }
    Ok(members)
}

/// Puts the tags that are answered beside a definition where `RegisterTaskDefinition` takes them. Tags that AWS laid
/// (`aws:cloudformation:stack-name`, …) are not ours to register.
fn lay_in_tags(members: &mut Map<String, Value>, mut tags: Vec<Value>) {
    tags.retain(|tag| !is_reserved_tag(tag));
    if !tags.is_empty() {
        members.insert("tags".to_owned(), Value::Array(tags));
    }
}

pub(super) fn is_reserved_tag(tag: &Value) -> bool {
    let key = tag.get("key").and_then(Value::as_str).unwrap_or_default();
    key.get(..RESERVED_TAG_PREFIX.len())
        .is_some_and(|prefix| prefix.eq_ignore_ascii_case(RESERVED_TAG_PREFIX))
}

fn drop_null_members(members: &mut Map<String, Value>) {
    members.retain(|_, value| !value.is_null());
    members.values_mut().for_each(drop_nulls_within);
}

fn drop_nulls_within(value: &mut Value) {
    match value {
        Value::Object(members) => drop_null_members(members),
        Value::Array(items) => items.iter_mut().for_each(drop_nulls_within),
        _ => {}
    }
}

fn check_containers(members: &Map<String, Value>) -> Result<(), NotATaskDefinition> {
    let path = "containerDefinitions";
    let list = members
        .get(path)
        .ok_or_else(|| NotATaskDefinition::Missing {
            path: path.to_owned(),
        })?;
    let items = list
        .as_array()
        .ok_or_else(|| wrong_kind(path, "a list", list))?;
    if items.is_empty() {
        return Err(NotATaskDefinition::Empty {
            path: path.to_owned(),
        });
    }
    items
        .iter()
        .enumerate()
        .try_for_each(|(index, item)| check_container(&format!("{path}[{index}]"), item))
}

fn check_container(path: &str, item: &Value) -> Result<(), NotATaskDefinition> {
    let members = item
        .as_object()
        .ok_or_else(|| wrong_kind(path, "an object", item))?;
    text_at(members, "name", &format!("{path}.name"))?;
    match members.get("image") {
        Some(image) if !image.is_string() => {
            Err(wrong_kind(&format!("{path}.image"), "a string", image))
        }
        _ => Ok(()),
    }
}

/// The non-empty string that `members` must hold under `name`; `path` says where that is.
pub(super) fn text_at<'a>(
    members: &'a Map<String, Value>,
    name: &str,
    path: &str,
) -> Result<&'a str, NotATaskDefinition> {
    match members.get(name) {
        None => Err(NotATaskDefinition::Missing {
            path: path.to_owned(),
        }),
        Some(Value::String(text)) if text.is_empty() => Err(NotATaskDefinition::Empty {
            path: path.to_owned(),
        }),
        Some(Value::String(text)) => Ok(text),
        Some(other) => Err(wrong_kind(path, "a string", other)),
    }
}

fn wrong_kind(path: &str, expected: &'static str, found: &Value) -> NotATaskDefinition {
    NotATaskDefinition::WrongKind {
        path: path.to_owned(),
        expected,
        found: kind_of(found),
    }
}

impl TryFrom<Value> for TaskDefinition {
    type Error = NotATaskDefinition;

    fn try_from(document: Value) -> Result<Self, NotATaskDefinition> {
        Self::from_value(document)
    }
}

impl From<TaskDefinition> for Map<String, Value> {
    fn from(definition: TaskDefinition) -> Self {
        definition.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(document: Value) -> Result<Value, String> {
        TaskDefinition::from_value(document)
            .map(|it| it.to_value())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_document_that_is_no_task_definition_is_refused_with_the_place() {
        let check =
            |document: Value, message: &str| assert_eq!(read(document), Err(message.to_owned()));
        check(json!("x"), "the document must be an object, found a string");
        check(
            json!([{"name": "web"}]),
            "the document is a list of containers; a task definition is an object with family and containerDefinitions",
        );
        check(
            json!({"containerDefinitions": [{"name": "web"}]}),
            "family is missing",
        );
        check(json!({"family": null}), "family is missing");
        check(json!({"family": ""}), "family is empty");
        check(
            json!({"family": 1}),
            "family must be a string, found a number",
        );
        check(json!({"family": "web"}), "containerDefinitions is missing");
        check(
            json!({"family": "web", "containerDefinitions": []}),
            "containerDefinitions is empty",
        );
        let with = |containers: Value| json!({"family": "web", "containerDefinitions": containers});
        check(
            with(json!({})),
            "containerDefinitions must be a list, found an object",
        );
        check(
            with(json!([null])),
            "containerDefinitions[0] must be an object, found null",
        );
        check(
            with(json!([{"name": "a"}, {}])),
            "containerDefinitions[1].name is missing",
        );
        check(
            with(json!([{"name": "a", "image": 1}])),
            "containerDefinitions[0].image must be a string, found a number",
        );
    }

    #[test]
    fn what_the_program_has_never_heard_of_leaves_as_it_came() {
        let document = json!({
            "tomorrow": {"deep": [1, {"é": 1.5e300}], "big": u64::MAX},
            "family": "web",
            "containerDefinitions": [{"image": "nginx", "zone": [[]], "name": "web", "empty": {}}],
        });
        let read = TaskDefinition::from_value(document.clone())
            .unwrap()
            .to_value();
        assert_eq!(
            read.to_string(),
            document.to_string(),
            "the order of members is kept too"
        );
    }

    #[test]
    fn a_pasted_description_loses_what_only_aws_may_write() {
        let answer = json!({
            "taskDefinition": {
                "taskDefinitionArn": "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:3",
                "family": "web", "revision": 3, "status": "ACTIVE",
                "requiresAttributes": [{"name": "x"}], "compatibilities": ["EC2"],
                "registeredAt": 1.5, "registeredBy": "arn:aws:iam::123456789012:root",
                "deregisteredAt": 1.5, "deleteRequestedAt": 1.5, "born": "tomorrow",
                "containerDefinitions": [{"name": "web", "status": "kept: not a member of the definition"}],
            },
            "tags": [{"key": "team", "value": "a"}, {"key": "aws:cloudformation:stack-name", "value": "b"}],
        });
        let expected = json!({
            "family": "web",
            "born": "tomorrow",
            "containerDefinitions": [{"name": "web", "status": "kept: not a member of the definition"}],
            "tags": [{"key": "team", "value": "a"}],
        });
        assert_eq!(read(answer.clone()), Ok(expected.clone()));
        let mut bare = answer["taskDefinition"].clone();
        bare["tags"] = json!([{"key": "team", "value": "a"}]);
        assert_eq!(read(bare), Ok(expected));
    }

    #[test]
    fn null_members_are_dropped_and_nulls_in_lists_are_not() {
        let document = json!({
            "family": "web", "cpu": null,
            "containerDefinitions": [{"name": "web", "user": null, "dockerLabels": {"a": null, "b": ""}, "command": [null, "x"]}],
        });
        let container = json!({"name": "web", "dockerLabels": {"b": ""}, "command": [null, "x"]});
        assert_eq!(
            read(document),
            Ok(json!({"family": "web", "containerDefinitions": [container]}))
        );
    }

    #[test]
    fn containers_are_seen_with_their_defaults() {
        let document = json!({"family": "web", "containerDefinitions": [
            {"name": "web", "image": "nginx"}, {"name": "log", "essential": false},
        ]});
        let definition = TaskDefinition::from_value(document).unwrap();
        let seen: Vec<_> = definition
            .containers()
            .map(|it| (it.name(), it.image(), it.essential()))
            .collect();
        assert_eq!(seen, [("web", Some("nginx"), true), ("log", None, false)]);
    }

    #[test]
    fn an_image_is_put_only_in_the_container_named() {
        let document =
            json!({"family": "web", "containerDefinitions": [{"name": "web"}, {"name": "log"}]});
        let mut definition = TaskDefinition::from_value(document).unwrap();
        definition.set_image("log", "fluent-bit:3").unwrap();
        let images: Vec<_> = definition.containers().map(Container::image).collect();
        assert_eq!(images, [None, Some("fluent-bit:3")]);
        assert_eq!(
            definition.set_image("wed", "x"),
            Err(NoSuchContainer("wed".to_owned()))
        );
    }
}
