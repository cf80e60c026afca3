//! A registered revision as `DescribeTaskDefinition` and `RegisterTaskDefinition` answer it: `{"taskDefinition": …, "tags": …}`.
//!
//! **Invariant:** `definition` can be registered again as it stands; what only AWS may write is beside it, not in it.

use crate::core::id::TaskDefinitionArn;

use super::document::{NotATaskDefinition, TaskDefinition, text_at};
use serde_json::{Map, Value};
use std::fmt;

/// A revision that AWS holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// The document that would register this revision again, tags included.
    pub definition: TaskDefinition,
    pub arn: TaskDefinitionArn,
    pub family: String,
    pub revision: Revision,
    pub status: RevisionStatus,
    /// Every tag, also those that AWS laid itself; empty if they were not asked for (`include: ["TAGS"]`).
    pub tags: Vec<Tag>,
}

/// The number of a revision within its family, from 1; numbers are never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Revision(pub u64);

/// Where a revision is in its life. A word born tomorrow is data, not an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RevisionStatus {
    Active,
    Inactive,
    DeleteInProgress,
    Other(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    pub key: String,
    pub value: String,
}

impl Described {
    /// Whether it may be used: an inactive revision starts no new deployment.
    pub fn is_active(&self) -> bool {
        self.status == RevisionStatus::Active
    }

    /// Reads the answer of `DescribeTaskDefinition`, or of `RegisterTaskDefinition`, which has the same shape.
    pub fn from_value(answer: Value) -> Result<Self, NotATaskDefinition> {
        let path = "taskDefinition".to_owned();
        let Some(members) = answer.get(&path).and_then(Value::as_object) else {
            return Err(NotATaskDefinition::Missing { path });
        };
        let arn = TaskDefinitionArn::new(
            text_at(
                members,
                "taskDefinitionArn",
                "taskDefinition.taskDefinitionArn",
            )?
            .to_owned(),
        );
        let status = RevisionStatus::from(text_at(members, "status", "taskDefinition.status")?);
        let revision = revision_of(members)?;
        let tags = answer
            .get("tags")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Tag::from_value)
            .collect();
        let definition = TaskDefinition::from_value(answer)?;
        Ok(Self {
            family: definition.family().to_owned(),
            definition,
            arn,
            revision,
            status,
            tags,
        })
    }
}

fn revision_of(members: &Map<String, Value>) -> Result<Revision, NotATaskDefinition> {
    let revision = members
        .get("revision")
        .and_then(Value::as_u64)
        .map(Revision);
    revision.ok_or_else(|| NotATaskDefinition::Missing {
        path: "taskDefinition.revision".to_owned(),
    })
}

impl From<&str> for RevisionStatus {
    fn from(text: &str) -> Self {
        match text {
            "ACTIVE" => Self::Active,
            "INACTIVE" => Self::Inactive,
            "DELETE_IN_PROGRESS" => Self::DeleteInProgress,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl Tag {
    fn from_value(tag: &Value) -> Option<Self> {
        let text = |member| {
            tag.get(member)
                .and_then(Value::as_str)
                .map(ToOwned::to_owned)
        };
        Some(Self {
            key: text("key")?,
            value: text("value").unwrap_or_default(),
        })
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for RevisionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "ACTIVE",
            Self::Inactive => "INACTIVE",
            Self::DeleteInProgress => "DELETE_IN_PROGRESS",
            Self::Other(word) => word,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer() -> Value {
        json!({
            "taskDefinition": {
                "taskDefinitionArn": "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:3",
                "family": "web", "revision": 3, "status": "ACTIVE", "compatibilities": ["EC2"],
                "containerDefinitions": [{"name": "web", "image": "nginx", "born": "tomorrow"}],
            },
            "tags": [{"key": "team", "value": "a"}, {"key": "aws:x", "value": "b"}],
        })
    }

    #[test]
    fn a_description_is_taken_apart_into_what_can_be_registered_and_what_aws_adds() {
        let described = Described::from_value(answer()).unwrap();
        assert_eq!(described.arn.short(), "web:3");
        assert_eq!(
            (described.family.as_str(), described.revision),
            ("web", Revision(3))
        );
        assert_eq!(described.status, RevisionStatus::Active);
        assert_eq!(described.tags.len(), 2);
        assert_eq!(
            described.definition.to_value(),
            json!({
                "family": "web",
                "containerDefinitions": [{"name": "web", "image": "nginx", "born": "tomorrow"}],
                "tags": [{"key": "team", "value": "a"}],
            })
        );
    }

    #[test]
    fn a_status_born_tomorrow_is_data() {
        let mut answer = answer();
        answer["taskDefinition"]["status"] = json!("FROZEN");
        let described = Described::from_value(answer).unwrap();
        assert_eq!(described.status, RevisionStatus::Other("FROZEN".to_owned()));
        assert_eq!(described.status.to_string(), "FROZEN");
    }

    #[test]
    fn an_answer_without_its_own_facts_is_refused() {
        for member in ["taskDefinitionArn", "revision", "status"] {
            let mut answer = answer();
            answer["taskDefinition"]
                .as_object_mut()
                .unwrap()
                .remove(member);
            let path = format!("taskDefinition.{member}");
            assert_eq!(
                Described::from_value(answer),
                Err(NotATaskDefinition::Missing { path })
            );
        }
        assert!(Described::from_value(json!({"failures": []})).is_err());
    }
}
