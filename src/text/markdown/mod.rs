//! Comments on pull requests and job summaries, in GitHub's and GitLab's Markdown.
//!
//! **Invariants:** whatever a text from outside holds (image names, reasons, service events, branch names), it stays
//! text: it ends no code block, opens no tag, mentions nobody and refers to no issue. The result is never larger than
//! its limit, and what was cut still is well-formed and says that it was cut.

mod failed;
mod gates;
mod inert;
mod page;
mod plan;
mod story;
#[cfg(test)]
mod tests;

pub use failed::failed;
pub use inert::marker;
pub use page::{COMMENT, SUMMARY};
pub use plan::plan;
pub use story::{Story, story};
