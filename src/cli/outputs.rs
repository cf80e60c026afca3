//! Outputs of a step of GitHub Actions.
//!
//! **Invariant:** a secret never becomes an output, and an output that cannot be written changes no result.

use super::stdout;
use crate::adapters::host;

/// Writes an output, where there is a file for outputs.
pub fn put(name: &str, value: &str) {
    let Some(file) = host::variable("GITHUB_OUTPUT") else {
        return;
    };
    let value = stdout::redactor().text(value);
    // Nothing that AWS or a user names can hold this line, which would end the value.
    let end = format!("ecsdeploy-{:032x}", fastrand::u128(..));
    if let Err(error) = host::append(file.as_ref(), &format!("{name}<<{end}\n{value}\n{end}\n")) {
        stdout::note(&format!("warning: {error}: {}\n", error.source));
    }
}
