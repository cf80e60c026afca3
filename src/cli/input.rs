//! Reading what the user wrote, and writing the files that were asked for.
//!
//! **Invariants:** the secrets of a file are known before anything is made of it, so that no complaint quotes them. No
//! file is opened outside the folders that `--within` names.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::failure::Failure;
use super::stdout;
use crate::adapters::fence::{Fence, FenceError};
use crate::adapters::host;

/// One for the process, as the folders are.
static FENCE: OnceLock<Fence> = OnceLock::new();

/// Keeps all that follows within these folders; none of them means anywhere. Only the first call counts.
pub fn keep_within(folders: &[PathBuf]) -> Result<(), Failure> {
    if folders.is_empty() {
        return Ok(());
    }
    let fence = Fence::around(folders)?;
    FENCE.get_or_init(|| fence);
    Ok(())
}

/// A whole text file.
pub fn read(file: &Path) -> Result<String, Failure> {
    let text = host::read(&admit(file)?)?;
    stdout::learn_text(&text);
    Ok(text)
}

/// Writes a whole file, or nothing.
pub fn write(file: &Path, text: &str) -> Result<(), Failure> {
    Ok(host::write(&admit_new(file)?, text)?)
}

/// The path of a file or folder that may not be there yet.
pub fn admit_new(path: &Path) -> Result<PathBuf, Failure> {
    match FENCE.get() {
        Some(fence) => Ok(fence.admit_new(path)?),
        None => Ok(path.to_owned()),
    }
}

/// The path to open for a file that is there.
pub fn admit(path: &Path) -> Result<PathBuf, Failure> {
    match FENCE.get() {
        Some(fence) => Ok(fence.admit(path)?),
        None => Ok(path.to_owned()),
    }
}

impl From<FenceError> for Failure {
    fn from(error: FenceError) -> Self {
        let failure = Self::usage("failed to open a file").because(&error);
        match error {
            FenceError::Missing { .. } => failure,
            _ => failure
                .hint("--within names the folders that files may lie in; in CI, the checkout"),
        }
    }
}
