//! Speaks: the command tree, one file per command, the exit-code table, the composition root.

pub mod args;
mod document;
mod failure;
mod register;
mod render;
mod rollout;
mod sandbox;
mod schema;
pub mod stage;
mod status;
mod stdout;
mod world;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

pub use failure::{EXITS, Exit};

use failure::Failure;

/// GitOps CI/CD for Amazon ECS: renders, registers and rolls out task definitions with health gating
#[derive(Parser, Debug)]
#[command(
    name = "ecsdeploy",
    version,
    propagate_version = true,
    disable_help_subcommand = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Render(render::Args),
    Register(register::Args),
    Rollout(rollout::Args),
    Status(status::Args),
    Sandbox(sandbox::Args),
    Schema(schema::Args),
}

/// Runs one command line; the first argument is the program's name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match parse(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are data and go to stdout; the rest is a usage error.
            let code = if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Done
            };
            let _ = error.print();
            return code.code();
        }
    };
    match execute(&cli.command) {
        Ok(()) => Exit::Done.code(),
        Err(failure) => {
            stdout::note(&failure.render());
            failure.exit.code()
        }
    }
}

/// The names of the commands.
pub fn commands() -> Vec<String> {
    let tree = Cli::command();
    tree.get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect()
}

fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let matches = Cli::command()
        .after_long_help(exit_table())
        .try_get_matches_from(arguments)?;
    Cli::from_arg_matches(&matches)
}

fn execute(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Render(args) => render::run(args),
        Command::Register(args) => wait(register::run(args)),
        Command::Rollout(args) => wait(rollout::run(args)),
        Command::Status(args) => wait(status::run(args)),
        Command::Sandbox(args) => wait(sandbox::run(args)),
        Command::Schema(args) => schema::run(args),
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
