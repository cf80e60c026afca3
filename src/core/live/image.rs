//! An image in ECR: how it is asked for, and what DescribeImages says of it.

use serde::{Deserialize, Serialize};

/// An image of one ECR repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EcrImage {
    /// The registry: a twelve-digit account id.
    pub account: String,
    pub region: String,
    pub repository: String,
    pub tagging: Tagging,
}

/// How the image is named within its repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Tagging {
    Tag(String),
    /// `sha256:` and 64 hexadecimal digits.
    Digest(String),
}

/// What ECR knows of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EcrImageDetail {
    /// `sha256:` and 64 hexadecimal digits; of an index (multi-architecture) image, the index's.
    pub digest: String,
    /// `ACTIVE`, `ARCHIVED` (cannot be pulled), `ACTIVATING`; empty when ECR does not say.
    pub status: String,
}

impl std::fmt::Display for EcrImage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.tagging {
            Tagging::Tag(tag) => write!(f, "{}:{tag}", self.repository),
            Tagging::Digest(digest) => write!(f, "{}@{digest}", self.repository),
        }
    }
}
