//! The task definition as a lossless document: typed views, overrides, canonical form, lint.

mod canonical;
mod changes;
mod container;
mod described;
mod document;
mod ecr;
mod image;
mod lint;
mod overrides;
mod size;

pub use canonical::{
    Canonical, DEFAULTS, DefaultRule, EMPTY_OBJECTS, EmptyRule, Literal, SETS, SetRule, canonical,
    compared, same,
};
pub use changes::{ContainerChange, NotAPair, Pair};
pub use container::Container;
pub use described::{Described, Revision, RevisionStatus, Tag};
pub use document::{NoSuchContainer, NotATaskDefinition, OUTPUT_ONLY, TaskDefinition};
pub use ecr::{AccountId, EcrRepository};
pub use image::{Digest, ImageRef, ImageRefError};
pub use lint::{Finding, Launch, Severity, lint, unknown};
pub use overrides::{ImageOverride, OverrideError, Overrides};
pub use size::{cpu_units, memory_mib};
