//! `ecsdeploy action`: what action.yml runs. The inputs of the GitHub Action become command lines of this program.
//!
//! **Invariants:** an input is only ever an argument, never a piece of a script. Files stay within the checkout and the
//! runner's temporary folder.

mod inputs;
mod line;
#[cfg(test)]
mod tests;
mod translate;

use std::path::{Path, PathBuf};

use serde_json::json;

use super::document::config_in;
use super::failure::{Exit, Failure};
use super::{dispatch, input, stdout};
use crate::adapters::host;
use crate::core::taskdef::Pair;
pub use inputs::{INPUTS, Input, Of};
use translate::{Inputs, Place, lines};

/// The inputs, as `toJSON(inputs)` gives them.
const INPUTS_VARIABLE: &str = "ECSDEPLOY_INPUTS";

/// Folders of the runner that files may lie in.
const FOLDERS: [&str; 2] = ["GITHUB_WORKSPACE", "RUNNER_TEMP"];

/// Do what the inputs of the GitHub Action ask for
///
/// Reads the inputs, a JSON object, from ECSDEPLOY_INPUTS; action.yml puts them there. Each command line that they come to is printed before it is run.
#[derive(clap::Args, Debug)]
pub struct Args {}

pub fn run(_: &Args) -> Result<Exit, Failure> {
    let text = host::variable(INPUTS_VARIABLE).ok_or_else(|| {
        Failure::usage(format!("{INPUTS_VARIABLE} is not set"))
            .hint("this command is for action.yml; on a command line use rollout, plan, render …")
    })?;
    let inputs: Inputs = serde_json::from_str(&text).map_err(|error| {
        Failure::usage(format!("{INPUTS_VARIABLE} holds no inputs")).because(&error)
    })?;
    let folders: Vec<PathBuf> = FOLDERS
        .iter()
        .filter_map(|name| Some(PathBuf::from(host::variable(name)?)))
        .collect();
    input::keep_within(&folders)?;
    inputs
        .values()
        .flat_map(|text| text.lines())
        .for_each(learn);
    let lines = lines(&inputs, &place(&inputs, &folders))?;
    if lines.is_empty() {
        stdout::note("ecsdeploy is installed; no input asks for more\n");
    }
    for line in &lines {
        stdout::note(&format!("$ {line}\n"));
        match dispatch(&line.0)? {
            Exit::Done => {}
            other => return Ok(other),
        }
    }
    Ok(Exit::Done)
}

/// The secrets of an input's line; a pair is told whole, for its value may hold blanks.
fn learn(line: &str) {
    stdout::learn_text(line);
    if let Ok(Pair { name, value }) = line.trim().parse() {
        stdout::learn_document(&json!({name: value}));
    }
}

fn place(inputs: &Inputs, folders: &[PathBuf]) -> Place {
    let config = inputs.get("config").map_or(".", String::as_str);
    let config = Path::new(config);
    let configured = if host::is_directory(config) {
        config_in(config).is_some()
    } else {
        host::exists(config)
    };
    let temp = folders
        .last()
        .map_or_else(|| Path::new("."), PathBuf::as_path);
    let name = format!("task-definition-{:08x}.json", fastrand::u32(..));
    Place {
        configured,
        rendered: temp.join(name).display().to_string(),
        is_file: |name| host::exists(Path::new(name)),
    }
}
