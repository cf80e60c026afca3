//! The digests that a deployment's tags stand for: resolved once, then the same for all of its tasks.
//!
//! Source: ECS developer guide, `versionConsistency`.

use serde_json::{Value, json};

use crate::sandbox::ecs::document::{Document, text};
use crate::sandbox::ecs::state::Ground;
use crate::sandbox::ecs::task_definition::Revision;

/// A container's image as a deployment found it.
#[derive(Clone, Debug)]
pub struct ResolvedImage {
    pub container: String,
    pub image: String,
    /// Absent if the image could not be found, or its container opted out.
    pub digest: Option<String>,
}

pub fn resolve(definition: &Revision, ground: &Ground<'_>) -> Vec<ResolvedImage> {
    definition
        .containers()
        .map(|container| resolve_one(container, ground))
        .collect()
}

fn resolve_one(container: &Document, ground: &Ground<'_>) -> ResolvedImage {
    let image = text(container, "image").unwrap_or_default();
    let is_consistent = text(container, "versionConsistency") != Some("disabled");
    ResolvedImage {
        container: text(container, "name").unwrap_or_default().to_owned(),
        image: image.to_owned(),
        digest: ground.ecr.resolve(image).ok().filter(|_| is_consistent),
    }
}

impl ResolvedImage {
    /// The reference that an agent pulls.
    pub fn reference(&self) -> String {
        match &self.digest {
            Some(digest) if !self.image.contains('@') => format!("{}@{digest}", self.image),
            _ => self.image.clone(),
        }
    }

    /// `ServiceRevision.containerImages[]`.
    pub fn answer(&self) -> Value {
        let mut answer = json!({ "containerName": self.container, "image": self.image });
        if let Some(digest) = &self.digest {
            answer["imageDigest"] = json!(digest);
        }
        answer
    }
}
