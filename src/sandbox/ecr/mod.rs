//! Amazon ECR: which images are in the registry, by tag and by digest.

mod api;
mod manifest;
mod model;
mod seed;
#[cfg(test)]
mod tests;

pub use api::answer;
pub use model::{Ecr, Image, ImageMissing, ImageState, Repository};
pub use seed::{PublicImageEntry, RepositoryEntry, add_public_image, add_repository};
