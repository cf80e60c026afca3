//! GitHub, through octocrab: one comment on the pull request, commit statuses, deployments, and what people say there.
//!
//! octocrab brings the transport, the token and the errors. Answers are read by small structs of our own, so that a
//! member that GitHub adds, leaves out or makes null never breaks a report.
//!
//! The verdict is a commit status and not a check run: any token can write one, and in Actions the job is a check run
//! already.
//!
//! **Invariants:** nothing is retried here, and nothing is written that reads so already. A comment is ours only by
//! its marker *and* its author.

mod client;
mod comments;
#[expect(
    clippy::module_inception,
    reason = "a file's main type has the file's name"
)]
mod github;
mod marks;
mod people;
mod pulls;
mod refusal;

pub use github::{GitHub, OpenError, Settings};
