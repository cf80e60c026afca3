//! Serving: the world comes up, the clock runs, the state is kept, Ctrl-C ends it.
//!
//! **Invariant:** the state file is whole at every instant, and tells a world that has been.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::ServeArgs;
use super::door::{Door, PAGE, Reach};
use super::live::Live;
use crate::adapters::host::{self, Signals};
use crate::adapters::loopback::Server;
use crate::cli::failure::{Exit, Failure};
use crate::cli::world::WORLD_FILE;
use crate::cli::{input, stdout};
use crate::ports::Wake;
use crate::sandbox::{MOST_BYTES, Sandbox};

/// How often the clock is moved when nobody asks.
const TICK: Duration = Duration::from_millis(100);
/// How often the state is written, if something was done.
const KEEP_EVERY: Duration = Duration::from_secs(2);

pub async fn run(args: &ServeArgs) -> Result<(), Failure> {
    let (sandbox, state) = open(args)?;
    let signals = Signals::listen(|| {}, stop_at_once).map_err(|error| {
        Failure::new(Exit::Failed, "failed to listen for signals").because(&error)
    })?;
    let server = Server::bind(SocketAddr::new(args.host, args.port)).await;
    let server = server.map_err(|error| {
        Failure::new(
            Exit::Failed,
            format!("failed to listen on {}:{}", args.host, args.port),
        )
        .because(&error)
        .hint("--port chooses another port; 0 takes a free one")
    })?;
    let region = sandbox.world.region.clone();
    let reach = if args.host.is_loopback() {
        Reach::ThisMachine
    } else {
        Reach::Anyone
    };
    let door = Door::new(Live::new(sandbox, args.speed, Instant::now()), reach);
    let mut keeper = Keeper {
        state,
        kept: None,
        full: false,
    };
    // A file that cannot be written is better known before anybody builds on it.
    keeper.keep(&door)?;
    announce(server.address(), &region, args)?;
    let answering = door.clone();
    let serving = server.serve(
        move |request| answering.clone().answer(request),
        stopped(signals.clone()),
    );
    let ticking = tick(&door, &mut keeper, &signals);
    // Without its ticks the world stands still, so a failure to keep it ends the serving.
    tokio::try_join!(async { Ok(serving.await) }, ticking)?;
    keeper.keep(&door)
}

/// The world, and the file that keeps it.
fn open(args: &ServeArgs) -> Result<(Sandbox, Option<PathBuf>), Failure> {
    let world = args.path.as_deref().map(read_world).transpose()?;
    let Some(state) = &args.state else {
        let text = world.unwrap_or_default();
        return Ok((
            Sandbox::new(&text, args.seed).map_err(|e| unreadable(args, &e))?,
            None,
        ));
    };
    let sandbox = if host::exists(state) {
        restore(state, world.as_deref())?
    } else {
        let text = world.unwrap_or_default();
        Sandbox::journaled(&text, args.seed).map_err(|e| unreadable(args, &e))?
    };
    Ok((sandbox, Some(state.clone())))
}

fn read_world(path: &Path) -> Result<String, Failure> {
    let file = if host::is_directory(path) {
        path.join(WORLD_FILE)
    } else {
        path.to_owned()
    };
    if !host::exists(&file) {
        return Err(Failure::usage(format!("there is no {}", file.display()))
            .hint("name no directory to begin with an empty world"));
    }
    Ok(host::read(&input::admit(&file)?)?)
}

fn unreadable(args: &ServeArgs, error: &dyn std::error::Error) -> Failure {
    let name = args.path.as_deref().unwrap_or(Path::new(WORLD_FILE));
    Failure::usage(format!("failed to read the world of {}", name.display())).because(error)
}

fn restore(state: &Path, world: Option<&str>) -> Result<Sandbox, Failure> {
    let sandbox = Sandbox::restore(&host::read(&input::admit(state)?)?).map_err(|error| {
        Failure::usage(format!("failed to restore {}", state.display()))
            .because(&error)
            .hint("remove the file to begin anew")
    })?;
    if world.is_some() && world != sandbox.world_file() {
        return Err(
            Failure::usage(format!("{} began with another world file", state.display()))
                .hint("remove the state file to begin anew, or name no directory to go on with it"),
        );
    }
    Ok(sandbox)
}

/// The environment goes to stdout, for `eval` and for scripts; the rest is for people.
fn announce(address: SocketAddr, region: &str, args: &ServeArgs) -> Result<(), Failure> {
    stdout::note(&format!(
        "sandbox          http://{address}{PAGE} shows it; one second is {} virtual seconds; Ctrl-C stops it\n",
        args.speed
    ));
    if !args.host.is_loopback() {
        stdout::note(&format!(
            "warning: whoever reaches {address} can use and poke this sandbox\n"
        ));
    }
    // Its credentials are made up, and a client that is pointed here must have them. The key is no common word: a client
    // that hides it would hide that.
    stdout::own(&environment(address, region))
}

fn environment(address: SocketAddr, region: &str) -> String {
    format!(
        "export AWS_ENDPOINT_URL=http://{address}\n\
         export AWS_REGION={region}\n\
         export AWS_DEFAULT_REGION={region}\n\
         export AWS_ACCESS_KEY_ID=AKIASANDBOX\n\
         export AWS_SECRET_ACCESS_KEY=made-up-in-the-sandbox\n\
         export AWS_EC2_METADATA_DISABLED=true\n"
    )
}

async fn stopped(signals: Signals) {
    while signals.pause(Duration::from_hours(1)).await == Wake::Due {}
}

/// Moves the clock and keeps the state, until told to stop.
async fn tick(door: &Door, keeper: &mut Keeper, signals: &Signals) -> Result<(), Failure> {
    let mut due = Instant::now() + KEEP_EVERY;
    while signals.pause(TICK).await == Wake::Due {
        let now = Instant::now();
        door.lock().catch_up(now);
        if now >= due {
            due = now + KEEP_EVERY;
            keeper.keep_if_changed(door)?;
        }
    }
    Ok(())
}

fn stop_at_once() -> ! {
    std::process::exit(i32::from(Exit::Interrupted as u8))
}

/// Writes the state file.
struct Keeper {
    state: Option<PathBuf>,
    /// How long the journal was when it was last written.
    kept: Option<usize>,
    /// Whether people have been told that the journal is full.
    full: bool,
}

impl Keeper {
    fn keep_if_changed(&mut self, door: &Door) -> Result<(), Failure> {
        let length = door.lock().sandbox.journal_bytes();
        if self.kept == Some(length) {
            return Ok(());
        }
        self.keep(door)
    }

    fn keep(&mut self, door: &Door) -> Result<(), Failure> {
        let Some(file) = &self.state else {
            return Ok(());
        };
        let (text, length, full) = {
            let sandbox = &door.lock().sandbox;
            (
                sandbox.state(),
                sandbox.journal_bytes(),
                sandbox.journal_full(),
            )
        };
        if let Some(at) = full.filter(|_| !self.full) {
            self.full = true;
            stdout::note(&format!(
                "warning: the journal holds {} MiB and is full; the state file stays at {at}\n",
                MOST_BYTES >> 20
            ));
        }
        if let Some(text) = text {
            input::write(file, &text)?;
            self.kept = Some(length);
        }
        Ok(())
    }
}
