//! Amazon ECR: which images are in the registry, by tag and by digest.

use std::collections::BTreeMap;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::sandbox::image::ImageName;
use crate::sandbox::{ApiError, Time, World};

/// The account's private registry.
#[derive(Clone, Debug, Default)]
pub struct Ecr {
    /// By name.
    pub repositories: BTreeMap<String, Repository>,
}

/// One repository.
#[derive(Clone, Debug)]
pub struct Repository {
    pub name: String,
    pub arn: String,
    pub uri: String,
    pub created: Time,
    /// Oldest first.
    pub images: Vec<Image>,
}

/// One manifest with the tags that point to it.
#[derive(Clone, Debug)]
pub struct Image {
    pub digest: String,
    pub tags: Vec<String>,
    pub pushed: Time,
    pub state: ImageState,
    /// `os/architecture` of each platform; more than one makes the manifest an index.
    pub platforms: Vec<String>,
}

/// Whether an image can be pulled at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageState {
    Active,
    Archived,
}

/// Why a reference resolves to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageMissing {
    #[error("repository {0} does not exist")]
    Repository(String),
    #[error("{0} does not exist")]
    Image(String),
    #[error("{0} is archived")]
    Archived(String),
}

impl Ecr {
    /// The digest that a reference stands for. A public image has none on record: its digest is made from the reference.
    pub fn resolve(&self, image_reference: &str) -> Result<String, ImageMissing> {
        let image = ImageName::parse(image_reference);
        let Some(name) = image.ecr_repository() else {
            return Ok(image.digest.map_or_else(|| digest_of(image_reference), str::to_owned));
        };
        let repository = self.repositories.get(name).ok_or_else(|| ImageMissing::Repository(name.to_owned()))?;
        let found = repository.images.iter().find(|i| match image.digest {
            Some(digest) => i.digest == digest,
            None => i.tags.iter().any(|t| Some(t.as_str()) == image.tag),
        });
        match found {
            Some(i) if i.state == ImageState::Active => Ok(i.digest.clone()),
            Some(_) => Err(ImageMissing::Archived(image_reference.to_owned())),
            None => Err(ImageMissing::Image(image_reference.to_owned())),
        }
    }
}

/// `sha256:` and the SHA-256 of the text.
pub fn digest_of(text: &str) -> String {
    let hash = Sha256::digest(text.as_bytes());
    hash.iter().fold("sha256:".to_owned(), |out, byte| format!("{out}{byte:02x}"))
}

/// Answers one operation.
pub fn answer(_world: &mut World, op: &str, _input: &Value) -> Result<Value, ApiError> {
    Err(ApiError::not_modelled("ecr", op))
}
