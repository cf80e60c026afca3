//! Writing to stdout and stderr.
//!
//! **Invariant:** a reader that has gone away ends output quietly; it never turns a result into another.

use std::io::{self, Write as _};

use super::failure::{Exit, Failure};

/// Data for the caller.
pub fn data(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(Exit::Failed, "failed to write to stdout").because(&error))
        }
        _ => Ok(()),
    }
}

/// Words for whoever watches.
pub fn note(text: &str) {
    // Nobody is left to be told that stderr is closed.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
