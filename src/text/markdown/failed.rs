//! What ended before there was a plan or a rollout to tell of: the error, as the terminal has it.

use super::inert::marker;
use super::page::Page;
use super::story::headline;
use crate::core::id::ServiceKey;

/// The error as Markdown of at most `limit` bytes; `said` is its headline, causes and hints, on lines.
pub fn failed(target: &ServiceKey, environment: Option<&str>, said: &str, limit: usize) -> String {
    let mut page = Page::default();
    page.text(marker(&target.to_string(), environment));
    page.text(headline("❌ Failed, nothing changed", target, environment));
    page.code("text", said);
    page.fit(limit)
}
