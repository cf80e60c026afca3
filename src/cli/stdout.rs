//! Writing to stdout and stderr: the one way out, and so the one place where secrets are hidden.
//!
//! What the process reads (files, arguments, the environment, task definitions) is shown to the process's redactor as
//! it comes in; whatever leaves passes through it last.
//!
//! No text from outside moves a terminal or turns the direction of what is read: control characters and marks of
//! direction are replaced, in JSON escaped.
//!
//! Where a GitHub runner reads along, no text from outside is obeyed as a workflow command.
//!
//! **Invariants:** a reader that has gone away ends output quietly; it never turns a result into another. Only
//! [`own`] lets secrets out: the user's own document, which `render` exists to give, and the sandbox's made-up keys; and
//! [`mask`], to the runner that is to hide them.

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{LazyLock, Mutex, PoisonError, RwLock};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::failure::{Exit, Failure};
use super::job::{System, job};
use crate::adapters::host;
use crate::core::redact::{Redactor, Rules};
use crate::text::{ci, terminal};

/// One for the process: an error may quote what any part of it has read.
static REDACTOR: LazyLock<RwLock<Redactor>> = LazyLock::new(RwLock::default);

/// Secrets that the runner hides already, or was told of.
static MASKED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// What is to be said last.
static LAST: Mutex<String> = Mutex::new(String::new());

/// Shorter secrets are not masked: a runner hides them within any word.
const SHORTEST_MASK: usize = 8;

/// Data for the caller, without secrets.
pub fn data(text: &str) -> Result<(), Failure> {
    write(&shown(text))
}

/// The user's own document, or the sandbox's made-up keys, as they are.
pub fn own(text: &str) -> Result<(), Failure> {
    mask();
    write(text)
}

/// Words for whoever watches, without secrets.
pub fn note(text: &str) {
    say(&shown(text));
}

/// Words for after everything else, the error included.
pub fn note_last(text: &str) {
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    last.push_str(text);
}

/// Says what was left for last.
pub fn close() {
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    note(&std::mem::take(&mut *last));
}

/// A command for the CI system or the terminal, without secrets: a fold of the log, an annotation, colours of ours.
pub fn command(text: &str) {
    say(&redactor().text(text));
}

/// Has a GitHub runner hide the secrets that were learned since, in what other steps print too.
pub fn mask() {
    if job().system() == System::GitHub {
        for secret in unmasked() {
            say(&ci::github::mask(&secret));
        }
    }
}

/// Leaves what is known to be secret by now to whoever gave it to the job.
pub fn leave_unmasked() {
    unmasked();
}

/// Writes behind what the file holds, without secrets.
pub fn append(file: &Path, text: &str) -> Result<(), host::FileError> {
    host::append(file, &redactor().text(text))
}

/// Writes a whole file, without secrets.
pub fn file(file: &Path, text: &str) -> Result<(), host::FileError> {
    host::write(file, &redactor().text(text))
}

/// A page within its limit, without secrets, even if hiding them makes it longer.
pub fn page(limit: usize, render: impl Fn(usize) -> String) -> String {
    let redactor = redactor();
    let mut room = limit;
    loop {
        let page = redactor.text(&render(room));
        if page.len() <= limit || room == 0 {
            return page;
        }
        room = room.saturating_sub(page.len() - limit + 64);
    }
}

/// The same without its secrets, for readers that cut texts short: half a secret is not recognised any more.
pub fn hidden<T: Serialize + DeserializeOwned + Clone>(told: &T) -> T {
    let redactor = redactor();
    let document = serde_json::to_value(told).expect("what is told is JSON");
    // A text that has to have a form, such as a time, may lose it; then the last pass alone hides.
    serde_json::from_value(hide_texts(&redactor, document)).unwrap_or_else(|_| told.clone())
}

fn hide_texts(redactor: &Redactor, document: Value) -> Value {
    match document {
        Value::String(text) => Value::String(redactor.text(&text)),
        Value::Array(items) => {
            let items = items.into_iter().map(|item| hide_texts(redactor, item));
            Value::Array(items.collect())
        }
        Value::Object(members) => {
            let hide = |(name, value)| (name, hide_texts(redactor, value));
            Value::Object(members.into_iter().map(hide).collect())
        }
        other => other,
    }
}

fn unmasked() -> Vec<String> {
    let mut masked = MASKED.lock().unwrap_or_else(PoisonError::into_inner);
    let redactor = redactor();
    let hunted = redactor
        .hunted()
        .filter(|secret| secret.len() >= SHORTEST_MASK);
    hunted
        .filter(|secret| masked.insert((*secret).to_owned()))
        .map(str::to_owned)
        .collect()
}

fn shown(text: &str) -> String {
    let text = terminal::harmless(&redactor().text(text));
    match job().system() {
        System::GitHub => ci::github::inert(&text),
        _ => text,
    }
}

fn say(text: &str) {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::report::Event;

    #[test]
    fn a_secret_is_gone_before_a_reader_cuts_it_in_two() {
        let secret = "kq8vZ-2mXw7-rT4pL-9sNd3";
        learn_document(&json!({"environment": [{"name": "DB_PASSWORD", "value": secret}]}));
        let said = format!("{}{secret}", "x ".repeat(145));
        let told = Event::Trouble {
            operation: "RunTask".to_owned(),
            message: said,
        };
        let Event::Trouble { message, .. } = hidden(&told) else {
            panic!("it is the same event")
        };
        assert!(!message.contains(&secret[..6]), "{message}");
    }
}
