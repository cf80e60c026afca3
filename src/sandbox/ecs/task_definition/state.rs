//! Families and their revisions, and the three ways of naming one.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::attributes;
use crate::sandbox::ecs::document::{Document, objects, text};
use crate::sandbox::ecs::refuse;
use crate::sandbox::{ApiError, Time};

/// The revisions of one family. Numbers are never used again.
#[derive(Clone, Debug, Default)]
pub struct Family {
    pub revisions: BTreeMap<u32, Revision>,
    pub last_number: u32,
}

/// One registered revision: the document with ECS's defaults, and what ECS adds to an answer.
#[derive(Clone, Debug)]
pub struct Revision {
    pub arn: String,
    pub family: String,
    pub number: u32,
    pub document: Document,
    pub tags: Vec<Value>,
    pub status: Status,
    pub registered_at: Time,
    pub registered_by: String,
    pub deregistered_at: Option<Time>,
    pub delete_requested_at: Option<Time>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Active,
    Inactive,
    DeleteInProgress,
}

impl Status {
    pub fn text(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Inactive => "INACTIVE",
            Self::DeleteInProgress => "DELETE_IN_PROGRESS",
        }
    }
}

impl Family {
    pub fn revision(&self, number: u32) -> Option<&Revision> {
        self.revisions.get(&number)
    }

    pub fn revision_mut(&mut self, number: u32) -> Option<&mut Revision> {
        self.revisions.get_mut(&number)
    }

    /// The revision that the family name alone means.
    pub fn latest_active(&self) -> Option<&Revision> {
        let mut newest_first = self.revisions.values().rev();
        newest_first.find(|revision| revision.status == Status::Active)
    }
}

impl Revision {
    /// The `taskDefinition` of an answer: the document and the members that only answers have.
    pub fn answer(&self) -> Value {
        let mut answer = Document::new();
        answer.insert("taskDefinitionArn".into(), json!(self.arn));
        answer.extend(self.document.clone());
        answer.insert("revision".into(), json!(self.number));
        answer.insert("status".into(), json!(self.status.text()));
        answer.insert(
            "requiresAttributes".into(),
            attributes::required(&self.document),
        );
        answer.insert(
            "compatibilities".into(),
            attributes::compatible(&self.document),
        );
        answer.insert("registeredAt".into(), self.registered_at.epoch_seconds());
        answer.insert("registeredBy".into(), json!(self.registered_by));
        for (key, at) in [
            ("deregisteredAt", self.deregistered_at),
            ("deleteRequestedAt", self.delete_requested_at),
        ] {
            if let Some(at) = at {
                answer.insert(key.into(), at.epoch_seconds());
            }
        }
        Value::Object(answer)
    }

    pub fn is_active(&self) -> bool {
        self.status == Status::Active
    }

    pub fn containers(&self) -> impl Iterator<Item = &Document> {
        objects(&self.document, "containerDefinitions")
    }

    /// `awsvpc`, `bridge`, `host` or `none`.
    pub fn network_mode(&self) -> &str {
        text(&self.document, "networkMode").unwrap_or("bridge")
    }

    pub fn is_compatible(&self, launch_type: &str) -> bool {
        let all = attributes::compatible(&self.document);
        all.as_array()
            .is_some_and(|all| all.iter().any(|one| one == launch_type))
    }
}

/// A task definition as callers name it: family, `family:revision`, or ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    pub family: String,
    pub number: Option<u32>,
}

impl Reference {
    pub fn parse(name: &str) -> Result<Self, ApiError> {
        let name = name
            .rsplit_once("task-definition/")
            .map_or(name, |(_, rest)| rest);
        let Some((family, number)) = name.split_once(':') else {
            return Ok(Self {
                family: name.to_owned(),
                number: None,
            });
        };
        match number.parse() {
            Ok(number @ 1..) => Ok(Self {
                family: family.to_owned(),
                number: Some(number),
            }),
            _ => Err(refuse::client(format!(
                "Invalid revision number. Number: {number}"
            ))),
        }
    }
}
