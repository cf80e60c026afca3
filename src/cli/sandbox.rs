//! `ecsdeploy sandbox`: the sandbox for any AWS client, on a port of this machine; and its census and pokes.

mod census;
mod client;
mod door;
mod live;
mod serve;

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Subcommand;

use super::failure::Failure;

/// The port that is used when none is named.
pub const PORT: u16 = 4599;

/// Serve a pretended AWS to any client, and look at it or poke it
///
/// Serves ECS, ELBv2, ECR and the other services that a deployment meets on one port, in virtual time. Prints the environment that points AWS clients to it. A request that is not modelled gets a 400 that names the operation.
#[derive(clap::Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Subcommand, Debug)]
enum Command {
    Census(client::CensusArgs),
    Poke(client::PokeArgs),
}

#[derive(clap::Args, Debug)]
struct ServeArgs {
    /// Directory of a sandbox.yml, or the file itself; without one the world is empty
    #[arg(value_name = "DIR")]
    path: Option<PathBuf>,
    /// Port; 0 takes a free one
    #[arg(long, default_value_t = PORT)]
    port: u16,
    /// Address to listen on; others than loopback let other machines in
    #[arg(long, default_value = "127.0.0.1")]
    host: IpAddr,
    /// Virtual seconds in a second, 0.001 to 86400; 0 stands still until poked
    #[arg(long, default_value_t = 60.0, value_parser = speed)]
    speed: f64,
    /// File that keeps the world from one run to the next
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Seed of everything that varies; a world from a state file goes on with its own
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub async fn run(args: &Args) -> Result<(), Failure> {
    match &args.command {
        None => serve::run(&args.serve).await,
        Some(Command::Census(args)) => client::census(args).await,
        Some(Command::Poke(args)) => client::poke(args).await,
    }
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(times) if times == 0.0 || (0.001..=86_400.0).contains(&times) => Ok(times),
        _ => Err("0, or a number from 0.001 to 86400, is allowed".to_owned()),
    }
}
