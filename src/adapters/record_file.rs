//! Records of rollouts in files of a directory, `CLUSTER/SERVICE.json`: for machines that share a disk, or for one.
//!
//! Creating a file that must not exist is atomic, which makes it a lock. **Invariant:** a reader never finds half a record.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::core::journal::{Fence, Record, RolloutId};
use crate::core::rollout::Wish;
use crate::ports::{Claim, Journal, JournalError};
use crate::text::record;

/// A directory of records.
#[derive(Clone, Debug)]
pub struct RecordFiles(PathBuf);

impl RecordFiles {
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self(directory.into())
    }

    fn record(&self, id: &RolloutId) -> PathBuf {
        self.file(id, "json")
    }

    fn letter(&self, id: &RolloutId) -> PathBuf {
        self.file(id, "wish.json")
    }

    fn file(&self, id: &RolloutId, ending: &str) -> PathBuf {
        let name = format!("{}.{ending}", id.service.short());
        self.0.join(id.cluster.short()).join(name)
    }

    fn read(&self, id: &RolloutId) -> Result<Option<Record>, JournalError> {
        let file = self.record(id);
        let Some(text) = read(&file)? else {
            return Ok(None);
        };
        let read = record::decode(&text).map_err(|error| JournalError::Unreadable {
            place: file.display().to_string(),
            reason: error.to_string(),
        });
        read.map(Some)
    }

    fn create(&self, id: &RolloutId, record: &Record) -> Result<Claim, JournalError> {
        let file = self.record(id);
        match (create(&file, &text_of(record))?, self.read(id)?) {
            (Made::Created, _) => Ok(Claim::Locked),
            (Made::Taken, Some(there)) => Ok(Claim::Held(Box::new(there))),
            (Made::Taken, None) => {
                let error = io::Error::from(io::ErrorKind::AlreadyExists);
                Err(failed("create", &file, &error))
            }
        }
    }
}

impl Journal for RecordFiles {
    async fn load(&self, id: &RolloutId) -> Result<Option<Record>, JournalError> {
        self.read(id)
    }

    async fn claim(
        &self,
        id: &RolloutId,
        record: &Record,
        over: Option<Fence>,
    ) -> Result<Claim, JournalError> {
        match (over, self.read(id)?) {
            // At one blow: whoever dies over it leaves one of the two. Of several takers the last is the owner.
            (Some(over), Some(there)) if there.fence == over => {
                write(&self.record(id), &text_of(record))?;
                match self.read(id)? {
                    Some(there) if !record.is_same_claim(&there) => {
                        Ok(Claim::Held(Box::new(there)))
                    }
                    _ => Ok(Claim::Locked),
                }
            }
            (Some(_), Some(there)) => Ok(Claim::Held(Box::new(there))),
            _ => self.create(id, record),
        }
    }

    async fn save(&self, id: &RolloutId, record: &Record) -> Result<(), JournalError> {
        match self.read(id)? {
            Some(there) if !record.may_replace(&there) => Err(JournalError::TakenOver(there.owner)),
            Some(_) => write(&self.record(id), &text_of(record)),
            None => match self.create(id, record)? {
                Claim::Held(there) => Err(JournalError::TakenOver(there.owner)),
                Claim::Locked | Claim::Unlocked { .. } => Ok(()),
            },
        }
    }

    async fn release(&self, id: &RolloutId, fence: Fence) -> Result<(), JournalError> {
        if self.read(id)?.is_some_and(|there| there.fence == fence) {
            remove(&self.letter(id))?;
            remove(&self.record(id))?;
        }
        Ok(())
    }

    async fn wish(&self, id: &RolloutId, fence: Fence, wish: &Wish) -> Result<(), JournalError> {
        let (file, letter) = (self.letter(id), record::write_wish(fence, wish));
        if let Wish::Promote { .. } = wish {
            // Created, so that it cannot take the place of an abort that is left at the same time.
            if let Made::Created = create(&file, &letter)? {
                return Ok(());
            }
            let since = self.read(id)?.map_or(fence, |there| there.told_since());
            let standing = self.hear(id, since).await?;
            if let Some(by) = wish.comes_after_an_abort(standing.as_ref()) {
                return Err(JournalError::Aborted { by: by.to_owned() });
            }
        }
        write(&file, &letter)
    }

    async fn hear(&self, id: &RolloutId, since: Fence) -> Result<Option<Wish>, JournalError> {
        let text = read(&self.letter(id))?;
        Ok(text.and_then(|text| record::read_wish(&text, since)))
    }
}

fn text_of(record: &Record) -> String {
    record::encode(record, usize::MAX)
}

fn read(file: &Path) -> Result<Option<String>, JournalError> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", file, &error)),
    }
}

/// What came of creating a file that must not exist.
enum Made {
    Created,
    /// It exists.
    Taken,
}

/// Linking fails where the name is taken, and the file is whole from its first moment.
fn create(file: &Path, text: &str) -> Result<Made, JournalError> {
    let beside = write_beside(file, text)?;
    let linked = fs::hard_link(&beside, file);
    let _ = fs::remove_file(&beside);
    match linked {
        Ok(()) => Ok(Made::Created),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Made::Taken),
        Err(error) => Err(failed("create", file, &error)),
    }
}

fn write(file: &Path, text: &str) -> Result<(), JournalError> {
    let beside = write_beside(file, text)?;
    fs::rename(&beside, file).map_err(|error| failed("write", file, &error))
}

/// A file of this process beside the named one. On a shared disk another machine may have a process of this number, as
/// every container's first has: what comes after it keeps them apart.
fn write_beside(file: &Path, text: &str) -> Result<PathBuf, JournalError> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(|error| failed("create", folder, &error))?;
    }
    let part = format!(
        "{}-{:016x}.part",
        std::process::id(),
        fastrand::Rng::new().u64(..)
    );
    let beside = file.with_extension(part);
    fs::write(&beside, text).map_err(|error| failed("write", &beside, &error))?;
    Ok(beside)
}

fn remove(file: &Path) -> Result<(), JournalError> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(failed("remove", file, &error))
        }
        _ => Ok(()),
    }
}

fn failed(verb: &'static str, file: &Path, error: &io::Error) -> JournalError {
    JournalError::File {
        verb,
        place: file.display().to_string(),
        reason: error.to_string(),
    }
}
