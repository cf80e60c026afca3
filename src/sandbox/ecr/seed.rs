//! The images of a world file: repositories of the private registry, and public images.

use serde::Deserialize;

use crate::sandbox::apps::Behaviour;
use crate::sandbox::ecr::model::{Image, ImageState, Repository};
use crate::sandbox::image::ImageName;
use crate::sandbox::{Duration, Time, World, WorldError};

/// An entry of `repositories`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RepositoryEntry {
    repository_name: String,
    image_tag_mutability: Option<String>,
    #[serde(default)]
    images: Vec<ImageEntry>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ImageEntry {
    #[serde(default)]
    image_tags: Vec<String>,
    image_digest: Option<String>,
    #[serde(default)]
    image_status: ImageState,
    image_pushed_at: Option<Time>,
    /// `os/architecture`; several make the tag point to an index.
    #[serde(default = "linux_amd64")]
    platforms: Vec<String>,
    #[serde(default)]
    behaviour: Behaviour,
}

/// An entry of `images`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PublicImageEntry {
    image: String,
    #[serde(default)]
    behaviour: Behaviour,
}

fn linux_amd64() -> Vec<String> {
    vec!["linux/amd64".to_owned()]
}

/// Adds a repository with its images.
pub fn add_repository(world: &mut World, entry: RepositoryEntry) -> Result<(), WorldError> {
    let name = entry.repository_name;
    let mut repository = Repository {
        arn: world.arn("ecr", &format!("repository/{name}")),
        uri: format!("{}/{name}", world.registry_host()),
        created: world.now - Duration::from_secs(90 * 86_400),
        mutability: entry
            .image_tag_mutability
            .unwrap_or_else(|| "MUTABLE".to_owned()),
        images: vec![],
        name,
    };
    let count = entry.images.len() as u64;
    for (index, image) in (0..).zip(&entry.images) {
        let by_age = world.now - Duration::from_secs(3600 * (count - index));
        add_image(
            world,
            &mut repository,
            image,
            image.image_pushed_at.unwrap_or(by_age),
        )?;
    }
    match world
        .ecr
        .repositories
        .insert(repository.name.clone(), repository)
    {
        Some(twice) => Err(WorldError::Invalid(format!(
            "repository {} is there twice",
            twice.name
        ))),
        None => Ok(()),
    }
}

fn add_image(
    world: &mut World,
    repository: &mut Repository,
    image: &ImageEntry,
    pushed: Time,
) -> Result<(), WorldError> {
    if let Some(tag) = image
        .image_tags
        .iter()
        .find(|tag| repository.find(Some(tag), None).is_some())
    {
        return Err(WorldError::Invalid(format!(
            "tag {tag} of repository {} is there twice",
            repository.name
        )));
    }
    if image.platforms.is_empty() {
        return Err(WorldError::Invalid(format!(
            "an image of repository {} has no platform",
            repository.name
        )));
    }
    let pushed = Image::push(
        &repository.name,
        &image.image_tags,
        image.image_digest.as_deref(),
        &image.platforms,
        image.image_status,
        pushed,
    );
    for part in &pushed {
        world.apps.add(
            &repository.uri,
            part.tags.iter().map(String::as_str),
            &part.digest,
            &image.behaviour,
        );
    }
    repository.images.extend(pushed);
    Ok(())
}

/// Tells how a public image behaves.
pub fn add_public_image(world: &mut World, entry: &PublicImageEntry) {
    let image = ImageName::parse(&entry.image);
    // An image of somebody else's registry is in none that the world has.
    let given = image.digest.map(str::to_owned);
    let digest = given.unwrap_or_else(|| world.ecr.resolve(&entry.image).unwrap_or_default());
    world
        .apps
        .add(image.name, image.tag, &digest, &entry.behaviour);
}
