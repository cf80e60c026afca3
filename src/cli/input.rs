//! Reading what the user wrote.
//!
//! **Invariant:** the secrets of a file are known before anything is made of it, so that no complaint quotes them.

use std::path::Path;

use super::stdout;
use crate::adapters::host::{self, FileError};

/// A whole text file.
pub fn read(file: &Path) -> Result<String, FileError> {
    let text = host::read(file)?;
    stdout::learn_text(&text);
    Ok(text)
}
