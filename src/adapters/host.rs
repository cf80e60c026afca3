//! The machine the program runs on: its files, its clock, its signals.
//!
//! **Invariant:** files are read, and written only when `--out` or the CI system that runs the job asks for it; nothing
//! found in them is ever run.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::ports::{Clock, Wake};

/// A file that could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("failed to {verb} {}", path.display())]
pub struct FileError {
    pub verb: &'static str,
    pub path: PathBuf,
    #[source]
    pub source: io::Error,
}

/// Reads a whole text file.
pub fn read(path: &Path) -> Result<String, FileError> {
    fs::read_to_string(path).map_err(|source| FileError {
        verb: "read",
        path: path.to_owned(),
        source,
    })
}

/// Writes a whole file, or nothing: a reader never finds half of it.
pub fn write(path: &Path, text: &str) -> Result<(), FileError> {
    let failed = |source| FileError {
        verb: "write",
        path: path.to_owned(),
        source,
    };
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    let beside = PathBuf::from(beside);
    // What lies there, a half-written file or a link that somebody planted, is replaced and never written through.
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let mut part = fs::File::create_new(&beside).map_err(failed)?;
    part.write_all(text.as_bytes()).map_err(failed)?;
    drop(part);
    fs::rename(&beside, path).map_err(failed)
}

/// Writes behind what the file holds already.
pub fn append(path: &Path, text: &str) -> Result<(), FileError> {
    let opened = fs::OpenOptions::new().create(true).append(true).open(path);
    let written = opened.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|source| FileError {
        verb: "write",
        path: path.to_owned(),
        source,
    })
}

/// Bytes of a file; 0 if there is none.
pub fn size(path: &Path) -> usize {
    let size = fs::metadata(path).map_or(0, |file| file.len());
    usize::try_from(size).unwrap_or(usize::MAX)
}

/// The path from the root of the file system, links followed; as it is, if it leads nowhere.
pub fn absolute(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// An environment variable that is text and not empty.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The environment variables that are text.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// The name of this machine, as far as it tells.
pub fn name() -> String {
    let told = || fs::read_to_string("/etc/hostname").ok();
    let name = std::env::var("HOSTNAME").ok().or_else(told);
    let name = name.or_else(|| std::env::var("COMPUTERNAME").ok());
    name.map_or_else(|| "this machine".to_owned(), |name| name.trim().to_owned())
}

pub fn is_directory(path: &Path) -> bool {
    path.is_dir()
}

pub fn exists(path: &Path) -> bool {
    path.exists()
}

/// Wall-clock time, cut short by signals.
#[derive(Clone, Debug)]
pub struct HostClock {
    signals: Signals,
}

impl HostClock {
    pub fn new(signals: Signals) -> Self {
        Self { signals }
    }
}

impl Clock for HostClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep_until(&self, until: Timestamp) -> Wake {
        let pause = Duration::try_from(until.duration_since(self.now())).unwrap_or_default();
        self.signals.pause(pause).await
    }

    async fn pass_until(&self, until: Timestamp) -> Wake {
        self.sleep_until(until).await
    }

    async fn attend<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        // On the heap, for each layer of waiting would hold the work once more.
        self.signals.attend(Box::pin(work)).await
    }
}

/// What a run that is told to stop gets for its last calls. GitHub gives 7.5 s between its two signals.
const GRACE: Duration = Duration::from_secs(5);

/// SIGINT and SIGTERM as a wish to stop that sleepers notice. A second signal ends the program at once.
#[derive(Clone, Debug)]
pub struct Signals(watch::Receiver<Option<Instant>>);

impl Signals {
    /// Listens from now on; `once` runs when a signal arrives, `at_once` when a second one does.
    pub fn listen(once: fn(), at_once: fn() -> !) -> io::Result<Self> {
        let (wish, heard) = watch::channel(None);
        let mut arrivals = Arrivals::new()?;
        tokio::spawn(async move {
            arrivals.next().await;
            wish.send_replace(Some(Instant::now()));
            once();
            arrivals.next().await;
            at_once()
        });
        Ok(Self(heard))
    }

    /// Nobody ever wishes to stop.
    pub fn none() -> Self {
        let (wish, heard) = watch::channel(None);
        // Dropped, the channel keeps its last value: no.
        drop(wish);
        Self(heard)
    }

    /// Waits for so long, or until a signal arrives (or has arrived before).
    pub async fn pause(&self, pause: Duration) -> Wake {
        let mut heard = self.0.clone();
        if heard.borrow().is_some() {
            return Wake::Interrupted;
        }
        if pause.is_zero() {
            return Wake::Due;
        }
        tokio::select! {
            biased;
            Ok(_) = heard.wait_for(Option::is_some) => Wake::Interrupted,
            () = tokio::time::sleep(pause) => Wake::Due,
        }
    }
}

impl Signals {
    /// Works until it is done; after a signal, until the grace is over.
    pub async fn attend<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.grace_is_over() => None,
        }
    }

    async fn grace_is_over(&self) {
        let mut heard = self.0.clone();
        let told = heard.wait_for(Option::is_some).await.map(|told| *told);
        match told {
            Ok(Some(at)) => tokio::time::sleep_until(at + GRACE).await,
            // Nobody is left who could say it.
            _ => std::future::pending().await,
        }
    }
}

/// SIGINT and SIGTERM, heard from the moment this is made.
#[cfg(unix)]
struct Arrivals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Arrivals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Ctrl-C, on systems without signals.
#[cfg(not(unix))]
struct Arrivals;

#[cfg(not(unix))]
impl Arrivals {
    #[expect(clippy::unnecessary_wraps, reason = "one signature on every system")]
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        // When even that cannot be listened to, no wish to stop ever arrives.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
