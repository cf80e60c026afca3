//! Amazon ECR: which images are in the registry, by tag and by digest.

mod api;
mod manifest;
mod model;

pub use api::answer;
pub use model::{Ecr, Image, ImageMissing, ImageState, Repository};
