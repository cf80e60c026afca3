//! GitLab, by plain HTTP: one note on the merge request, commit statuses, deployments, and what people say there.
//!
//! Calls by "REST API resources" (docs.gitlab.com): notes, commits, deployments, environments, members. A job's own
//! token may write deployments and environments, and nothing else that is of use here.
//!
//! **Invariants:** nothing is retried here, and nothing is written that reads so already. A note is ours only by its
//! marker *and* its author.

mod client;
#[expect(
    clippy::module_inception,
    reason = "a file's main type has the file's name"
)]
mod gitlab;
mod marks;
mod notes;
mod people;

pub use gitlab::{GitLab, MergeRequest, Reference, Settings};
