//! An error and all that it says caused it, on one line.

use std::error::Error;

/// Each cause once: some errors repeat the next one's words as their own.
pub fn causes(error: &dyn Error) -> String {
    let mut said = vec![error.to_string()];
    let mut source = error.source();
    while let Some(error) = source {
        let text = error.to_string();
        if !said.iter().any(|known| known.contains(&text)) {
            said.push(text);
        }
        source = error.source();
    }
    said.join(": ")
}
