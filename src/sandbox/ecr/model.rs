//! What the registry holds, and how references resolve in it.

use std::collections::BTreeMap;

use crate::sandbox::Time;
use crate::sandbox::ecr::manifest::{self, digest_of};
use crate::sandbox::image::ImageName;

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
    /// `A.dkr.ecr.R.amazonaws.com/NAME`.
    pub uri: String,
    pub created: Time,
    /// `MUTABLE` or `IMMUTABLE`.
    pub mutability: String,
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
    pub media_type: &'static str,
    pub manifest: String,
}

/// Whether an image can be pulled at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ImageState {
    #[default]
    Active,
    Archived,
}

/// Why a reference resolves to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageMissing {
    #[error("repository {0} does not exist")]
    Repository(String),
    #[error("image {0} does not exist")]
    Image(String),
    #[error("image {0} is archived")]
    Archived(String),
}

impl Image {
    /// The manifests behind one push, the one that the tags point to last: an image for one platform is one manifest,
    /// an image for several is an index and its children.
    pub fn push(
        repository: &str,
        tags: &[String],
        digest: Option<&str>,
        platforms: &[String],
        state: ImageState,
        pushed: Time,
    ) -> Vec<Self> {
        let label = tags
            .first()
            .map(String::as_str)
            .or(digest)
            .unwrap_or("untagged");
        let manifests: Vec<String> = platforms
            .iter()
            .map(|p| manifest::of_image(&format!("{repository}:{label} for {p}")))
            .collect();
        let make = |manifest: String, media_type, tags: &[String], digest: Option<&str>| Self {
            digest: digest.map_or_else(|| digest_of(&manifest), str::to_owned),
            tags: tags.to_vec(),
            pushed,
            state,
            media_type,
            manifest,
        };
        if let [only] = manifests.as_slice() {
            return vec![make(only.clone(), manifest::IMAGE_TYPE, tags, digest)];
        }
        let children: Vec<(&str, &str)> = platforms
            .iter()
            .map(String::as_str)
            .zip(manifests.iter().map(String::as_str))
            .collect();
        let index = make(
            manifest::of_index(&children),
            manifest::INDEX_TYPE,
            tags,
            digest,
        );
        manifests
            .iter()
            .map(|m| make(m.clone(), manifest::IMAGE_TYPE, &[], None))
            .chain([index])
            .collect()
    }
}

impl Repository {
    /// The image that a digest, or else a tag, points to.
    pub fn find(&self, tag: Option<&str>, digest: Option<&str>) -> Option<&Image> {
        self.images.iter().find(|image| match digest {
            Some(digest) => image.digest == digest,
            None => image.tags.iter().any(|t| Some(t.as_str()) == tag),
        })
    }
}

impl Ecr {
    /// The digest that a reference stands for. A public image has none on record: its digest is made from its name and
    /// tag.
    pub fn resolve(&self, image_reference: &str) -> Result<String, ImageMissing> {
        let image = ImageName::parse(image_reference);
        if image.ecr_repository().is_none() {
            let made = || digest_of(&format!("{}:{}", image.name, image.tag.unwrap_or_default()));
            return Ok(image.digest.map_or_else(made, str::to_owned));
        }
        let repository = self.repositories.values().find(|r| r.uri == image.name);
        let repository =
            repository.ok_or_else(|| ImageMissing::Repository(image.name.to_owned()))?;
        match repository.find(image.tag, image.digest) {
            Some(found) if found.state == ImageState::Active => Ok(found.digest.clone()),
            Some(_) => Err(ImageMissing::Archived(image_reference.to_owned())),
            None => Err(ImageMissing::Image(image_reference.to_owned())),
        }
    }
}
