//! Keeps secret values out of everything that is said: names that betray them, values that look like them, and the
//! values themselves wherever they appear again.

mod entropy;
mod fields;
mod needle;
mod patterns;
mod redactor;
mod rules;
#[cfg(test)]
mod tests;

pub use redactor::{CHANGED, REDACTED, Redactor};
pub use rules::Rules;
