//! Saving and restoring: a state is the world file, the seed, and everything that has been done to the world since.
//!
//! A sandbox is deterministic, so doing the same again at the same virtual instants ends in the same world. The text is
//! JSON Lines: a header, then one deed a line. Restoring takes as long as simulating the time that had passed.
//!
//! **Invariants:** calls that only look are not written down, and so can never change what is restored; the journal
//! never outgrows [`MOST_BYTES`]; once full it stands still and says so, and what it holds stays a true state.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::sandbox::faults::Faults;
use crate::sandbox::poke::Poke;
use crate::sandbox::wire::{Call, Protocol, Service};
use crate::sandbox::{Rng, Sandbox, Time, WorldError};

/// What the deeds may take up: about a hundred thousand calls.
pub const MOST_BYTES: usize = 64 << 20;
/// Goes up when an old state can no longer be read.
const FORMAT: u32 = 1;

/// The deeds so far, each a line of JSON.
#[derive(Clone, Debug)]
pub struct Journal {
    world_file: String,
    lines: String,
    /// The header as it was when the journal was full.
    frozen: Option<(Time, String)>,
}

/// Why a state cannot be restored.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error("line {line}: {problem}")]
    Line { line: usize, problem: String },
    #[error("it was written in format {0}, and this program reads format {FORMAT}")]
    Format(u32),
    #[error(transparent)]
    World(#[from] WorldError),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Header {
    format: u32,
    seed: u64,
    now: Time,
    faults: Faults,
    /// Service, operation, count.
    calls: Vec<(String, String, u64)>,
    request_ids: Rng,
    world_file: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Entry {
    at: Time,
    #[serde(flatten)]
    deed: Deed,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Deed {
    Call {
        service: String,
        operation: String,
        input: Value,
    },
    Poke(Poke),
}

impl Journal {
    pub(super) fn note_call(sandbox: &mut Sandbox, call: &Call) {
        if sandbox.journal.is_some() {
            let deed = Deed::Call {
                service: call.service.name().to_owned(),
                operation: call.operation.clone(),
                input: call.input.clone(),
            };
            Self::note(sandbox, deed);
        }
    }

    pub(super) fn note_poke(sandbox: &mut Sandbox, poke: &Poke) {
        if sandbox.journal.is_some() {
            Self::note(sandbox, Deed::Poke(poke.clone()));
        }
    }

    fn note(sandbox: &mut Sandbox, deed: Deed) {
        let at = sandbox.now();
        let line = line_of(&Entry { at, deed });
        let is_full = |journal: &Journal| {
            journal.frozen.is_none() && journal.lines.len() + line.len() > MOST_BYTES
        };
        // The header holds the whole world file, so it is made only once it is needed.
        let header = sandbox
            .journal
            .as_ref()
            .is_some_and(is_full)
            .then(|| sandbox.header());
        let Some(journal) = &mut sandbox.journal else {
            return;
        };
        if let Some(header) = header {
            journal.frozen = Some((at, header));
        }
        if journal.frozen.is_none() {
            journal.lines.push_str(&line);
        }
    }
}

impl Sandbox {
    /// Begins with a world file, and keeps a journal so that [`Sandbox::state`] can be asked for.
    pub fn journaled(world_file: &str, seed: u64) -> Result<Self, WorldError> {
        let mut sandbox = Self::new(world_file, seed)?;
        sandbox.journal = Some(Journal {
            world_file: world_file.to_owned(),
            lines: String::new(),
            frozen: None,
        });
        Ok(sandbox)
    }

    /// The state as text for [`Sandbox::restore`]; `None` if no journal is kept.
    pub fn state(&self) -> Option<String> {
        let journal = self.journal.as_ref()?;
        let header = match &journal.frozen {
            Some((_, header)) => header.clone(),
            None => self.header(),
        };
        Some(header + &journal.lines)
    }

    /// How long the journal is: it grows with every deed.
    pub fn journal_bytes(&self) -> usize {
        self.journal
            .as_ref()
            .map_or(0, |journal| journal.lines.len())
    }

    /// Since when the journal is full, and the state stands still.
    pub fn journal_full(&self) -> Option<Time> {
        Some(self.journal.as_ref()?.frozen.as_ref()?.0)
    }

    /// The world file that the sandbox began with, while a journal is kept.
    pub fn world_file(&self) -> Option<&str> {
        Some(&self.journal.as_ref()?.world_file)
    }

    /// Does again what a state tells, and keeps its journal going.
    pub fn restore(state: &str) -> Result<Self, StateError> {
        let mut lines = (1..).zip(state.lines());
        let header: Header = parse(lines.next().unwrap_or((1, "")))?;
        if header.format != FORMAT {
            return Err(StateError::Format(header.format));
        }
        let mut sandbox = Self::journaled(&header.world_file, header.seed)?;
        for line in lines {
            let entry: Entry = parse(line)?;
            sandbox.advance(entry.at);
            sandbox
                .again(entry.deed)
                .map_err(|problem| StateError::Line {
                    line: line.0,
                    problem,
                })?;
        }
        sandbox.world.faults = header.faults;
        sandbox.request_ids = header.request_ids;
        sandbox.calls = header
            .calls
            .into_iter()
            .map(|(service, operation, count)| ((service, operation), count))
            .collect();
        sandbox.remember();
        sandbox.advance(header.now);
        Ok(sandbox)
    }

    fn again(&mut self, deed: Deed) -> Result<(), String> {
        match deed {
            Deed::Call {
                service,
                operation,
                input,
            } => {
                let service = Service::ALL
                    .into_iter()
                    .find(|s| s.name() == service)
                    .ok_or_else(|| format!("there is no service {service}"))?;
                let call = Call {
                    service,
                    operation,
                    input,
                    protocol: Protocol::Json11,
                };
                // A call that was refused then is refused again, and may have moved a stream of chance.
                let _ = self.perform(&call);
                Ok(())
            }
            Deed::Poke(poke) => self.poke(&poke).map_err(|error| error.to_string()),
        }
    }

    fn header(&self) -> String {
        let world_file = self.world_file().unwrap_or_default().to_owned();
        line_of(&Header {
            format: FORMAT,
            seed: self.world.seed,
            now: self.world.now,
            faults: self.world.faults.clone(),
            calls: self
                .calls
                .iter()
                .map(|((service, operation), count)| (service.clone(), operation.clone(), *count))
                .collect(),
            request_ids: self.request_ids.clone(),
            world_file,
        })
    }
}

fn line_of(value: &impl Serialize) -> String {
    let mut line = serde_json::to_string(value).expect("plain values are JSON");
    line.push('\n');
    line
}

fn parse<T: for<'a> Deserialize<'a>>((line, text): (usize, &str)) -> Result<T, StateError> {
    serde_json::from_str(text).map_err(|error| StateError::Line {
        line,
        problem: error.to_string(),
    })
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
