//! Speaks: the command tree, one file per command, the exit-code table, the composition root.

pub mod action;
pub mod args;
mod container;
mod diff;
mod document;
mod failure;
mod forge;
mod input;
mod interrupted;
mod job;
mod journal;
mod owner;
mod plan;
mod register;
mod rehearse;
mod release;
mod render;
mod rollback;
mod rollout;
mod rules;
mod run;
mod sandbox;
mod schema;
pub mod stage;
mod status;
mod stdout;
mod teller;
mod traffic;
mod unread;
mod watch;
mod wish;
mod world;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{IsTerminal as _, stderr};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use serde_json::json;

use crate::adapters::host;
use crate::text::ci::github::Tone;
use crate::text::terminal::inert;
pub use failure::{EXITS, Exit};

use failure::Failure;
use job::job;

/// GitOps CI/CD for Amazon ECS: renders, registers and rolls out task definitions with health gating
#[derive(Parser, Debug)]
#[command(
    name = "ecsdeploy",
    version,
    propagate_version = true,
    disable_help_subcommand = true
)]
struct Cli {
    /// Refuse files outside these folders, and symbolic links that lead out of them; may be repeated
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "ECSDEPLOY_WITHIN",
        value_delimiter = BETWEEN_FOLDERS
    )]
    within: Vec<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Render(render::Args),
    Diff(diff::Args),
    Plan(plan::Args),
    Register(register::Args),
    Rollout(rollout::Args),
    Run(run::Args),
    Rehearse(rehearse::Args),
    Rollback(rollback::Args),
    Watch(watch::Args),
    Promote(wish::Promote),
    Abort(wish::Abort),
    Status(status::Args),
    Sandbox(sandbox::Args),
    Schema(schema::Args),
    Action(action::Args),
}

/// As in PATH.
const BETWEEN_FOLDERS: char = if cfg!(windows) { ';' } else { ':' };

/// Runs one command line; the first argument is the program's name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    for (name, value) in host::environment() {
        stdout::learn_document(&json!({name: value}));
    }
    stdout::leave_unmasked();
    let cli = match parse(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are data and go to stdout; the rest is a usage error.
            let code = if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Done
            };
            say(&error);
            return code.code();
        }
    };
    let done = input::keep_within(&cli.within).and_then(|()| execute(&cli.command));
    let exit = done.unwrap_or_else(|failure| {
        stdout::note(&failure.render());
        mark(&failure);
        failure.exit
    });
    stdout::close();
    exit.code()
}

/// Runs a command line that this program made.
fn dispatch(arguments: &[String]) -> Result<Exit, Failure> {
    let words = std::iter::once("ecsdeploy").chain(arguments.iter().map(String::as_str));
    match parse(words.map(OsString::from)) {
        Ok(cli) => execute(&cli.command),
        Err(error) => {
            say(&error);
            Ok(Exit::Usage)
        }
    }
}

/// The commands and their options, for documentation.
pub fn tree() -> clap::Command {
    Cli::command()
}

/// The failure on the pages of the CI system, at its line where it has one.
fn mark(failure: &Failure) {
    let said = std::iter::once(&failure.headline).chain(&failure.causes);
    let said: Vec<&str> = said.map(String::as_str).collect();
    job().annotate(
        Tone::Error,
        "ecsdeploy",
        failure.spot.as_deref(),
        &inert(&said.join("\n")),
    );
}

/// The names of the commands.
pub fn commands() -> Vec<String> {
    tree()
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect()
}

fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let matches = Cli::command()
        .after_long_help(exit_table())
        .try_get_matches_from(arguments)?;
    Cli::from_arg_matches(&matches)
}

/// Help and version are data; a usage error may quote an argument and is shown without its secrets.
fn say(error: &clap::Error) {
    if error.use_stderr() && !stderr().is_terminal() {
        stdout::note(&error.render().to_string());
    } else if error.use_stderr() {
        stdout::command(&error.render().ansi().to_string());
    } else {
        let _ = error.print();
    }
}

fn execute(command: &Command) -> Result<Exit, Failure> {
    let done = |()| Exit::Done;
    match command {
        Command::Render(args) => render::run(args).map(done),
        Command::Diff(args) => wait(diff::run(args)),
        Command::Plan(args) => wait(plan::run(args)),
        Command::Register(args) => wait(register::run(args)).map(done),
        Command::Rollout(args) => wait(rollout::run(args)).map(done),
        Command::Run(args) => wait(run::run(args)).map(done),
        Command::Rehearse(args) => wait(rehearse::run(args)).map(done),
        Command::Rollback(args) => wait(rollback::run(args)).map(done),
        Command::Watch(args) => wait(watch::run(args)).map(done),
        Command::Promote(args) => wait(wish::promote(args)).map(done),
        Command::Abort(args) => wait(wish::abort(args)).map(done),
        Command::Status(args) => wait(status::run(args)).map(done),
        Command::Sandbox(args) => wait(sandbox::run(args)).map(done),
        Command::Schema(args) => schema::run(args).map(done),
        Command::Action(args) => action::run(args),
    }
}

/// One thread is enough for a program that waits for AWS; commands that never do start none.
fn wait<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Failed, "failed to start the runtime").because(&error))?
        .block_on(work)
}

fn exit_table() -> String {
    let mut table = "Exit codes:\n".to_owned();
    for (exit, word, meaning) in EXITS {
        let _ = writeln!(table, "  {}  {word:<12} {meaning}", exit as u8);
    }
    table
}
