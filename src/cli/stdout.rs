//! Writing to stdout and stderr: the one way out, and so the one place where secrets are hidden.
//!
//! What the process reads (files, arguments, the environment, task definitions) is shown to the process's redactor as
//! it comes in; whatever leaves passes through it last.
//!
//! **Invariants:** a reader that has gone away ends output quietly; it never turns a result into another. Only
//! [`own`] lets secrets out: the user's own document, which `render` exists to give.

use std::io::{self, Write as _};
use std::sync::{LazyLock, PoisonError, RwLock};

use serde_json::Value;

use super::failure::{Exit, Failure};
use crate::core::redact::{Redactor, Rules};

/// One for the process: an error may quote what any part of it has read.
static REDACTOR: LazyLock<RwLock<Redactor>> = LazyLock::new(RwLock::default);

/// Data for the caller, without secrets.
pub fn data(text: &str) -> Result<(), Failure> {
    write(&redactor().text(text))
}

/// The user's own document, as it is.
pub fn own(text: &str) -> Result<(), Failure> {
    write(text)
}

/// Words for whoever watches, without secrets.
pub fn note(text: &str) {
    let text = redactor().text(text);
    // Nobody is left to be told that stderr is closed.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// What is known to be secret by now.
pub fn redactor() -> Redactor {
    let known = REDACTOR.read().unwrap_or_else(PoisonError::into_inner);
    known.clone()
}

/// Lays the user's rules over the built-in ones.
pub fn set_rules(rules: Rules) {
    learn(|redactor| redactor.set_rules(rules));
}

/// Secrets of a text that was read, whatever is wrong with it.
pub fn learn_text(text: &str) {
    learn(|redactor| redactor.learn_text(text));
}

/// Secrets of a document, or of anything that maps names to values.
pub fn learn_document(document: &Value) {
    learn(|redactor| redactor.learn_document(document));
}

/// The name of a thing, which is never hidden.
pub fn learn_name(name: &str) {
    learn(|redactor| redactor.learn_name(name));
}

fn learn(teach: impl FnOnce(&mut Redactor)) {
    teach(&mut REDACTOR.write().unwrap_or_else(PoisonError::into_inner));
}

fn write(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(Exit::Failed, "failed to write to stdout").because(&error))
        }
        _ => Ok(()),
    }
}
