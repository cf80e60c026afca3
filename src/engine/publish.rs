//! Posts bulletins while the work goes on beside it: the newest one always, older ones only if there was time.
//!
//! **Invariants:** the work never waits for a forge, and no trouble with one becomes the work's. The last bulletin is
//! posted if the forge takes it within a few attempts; what the forge denies once is not tried again.

use std::collections::BTreeSet;
use std::pin::pin;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use crate::core::post::{Bulletin, Comment, Edition, Place, Status};
use crate::ports::{Clock, Forge, ForgeError};

/// How often the last bulletin is tried.
const ATTEMPTS: u32 = 4;

/// A forge may ask for longer; it is not waited for, lest a job that is done holds its runner.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Where bulletins are laid down. A newer one takes the place of one that was not posted yet.
#[derive(Debug)]
pub struct Outbox(watch::Sender<Bulletin>);

impl Outbox {
    pub fn lay(&self, bulletin: Bulletin) {
        self.0.send_replace(bulletin);
    }
}

/// Posts what is laid into its outbox.
pub struct Press<'a, F, K> {
    forge: &'a F,
    clock: &'a K,
    note: &'a dyn Fn(&ForgeError),
    inbox: watch::Receiver<Bulletin>,
    posted: Bulletin,
    denied: BTreeSet<Piece>,
    noted: BTreeSet<String>,
    /// The forge asked to be left alone until then.
    rest: Option<Timestamp>,
}

/// A part of a bulletin that is posted by itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Piece {
    Comment,
    Status(Place),
}

/// A press and its outbox; `note` is told of trouble, each once.
pub fn press<'a, F: Forge, K: Clock>(
    forge: &'a F,
    clock: &'a K,
    note: &'a dyn Fn(&ForgeError),
) -> (Outbox, Press<'a, F, K>) {
    let (sender, inbox) = watch::channel(Bulletin::default());
    let press = Press {
        forge,
        clock,
        note,
        inbox,
        posted: Bulletin::default(),
        denied: BTreeSet::new(),
        noted: BTreeSet::new(),
        rest: None,
    };
    (Outbox(sender), press)
}

/// Does the work with the press beside it. The work lays its last bulletin down and drops the outbox before it ends.
pub async fn alongside<T, F: Forge, K: Clock>(
    work: impl Future<Output = T>,
    press: Press<'_, F, K>,
) -> T {
    let clock = press.clock;
    let mut posting = pin!(press.run());
    let mut work = pin!(work);
    let done = tokio::select! {
        biased;
        done = &mut work => done,
        () = &mut posting => return work.await,
    };
    // After a signal there are seconds left, and no more.
    let _ = clock.attend(posting).await;
    done
}

impl<F: Forge, K: Clock> Press<'_, F, K> {
    async fn run(mut self) {
        while self.inbox.changed().await.is_ok() {
            let bulletin = self.inbox.borrow_and_update().clone();
            if bulletin.edition == Edition::Last {
                return self.insist(&bulletin).await;
            }
            let now = self.clock.now();
            if self.rest.is_some_and(|until| now < until) {
                continue;
            }
            let wait = self.post(&bulletin).await;
            self.rest = wait.map(|wait| now + wait);
        }
    }

    async fn insist(&mut self, bulletin: &Bulletin) {
        for attempt in 0..ATTEMPTS {
            let Some(wait) = self.post(bulletin).await else {
                return;
            };
            if attempt + 1 < ATTEMPTS {
                let wait = wait.max(Duration::from_secs(1 << attempt));
                let until = self.clock.now() + wait.min(LONGEST_WAIT);
                self.clock.sleep_until(until).await;
            }
        }
    }

    /// Posts what is not posted yet; gives how long to wait before it is worth another attempt, if it is.
    async fn post(&mut self, bulletin: &Bulletin) -> Option<Duration> {
        let mut wait = None;
        if let Some(comment) = &bulletin.comment {
            wait = self.comment(comment).await;
        }
        for status in &bulletin.statuses {
            wait = wait.max(self.status(status).await);
        }
        wait
    }

    async fn comment(&mut self, comment: &Comment) -> Option<Duration> {
        if self.posted.comment.as_ref() == Some(comment) || self.denied.contains(&Piece::Comment) {
            return None;
        }
        match self.forge.upsert(comment).await {
            Ok(()) => {
                self.posted.comment = Some(comment.clone());
                None
            }
            Err(error) => self.trouble(Piece::Comment, &error),
        }
    }

    async fn status(&mut self, status: &Status) -> Option<Duration> {
        let piece = Piece::Status(status.at.clone());
        if self.posted.statuses.contains(status) || self.denied.contains(&piece) {
            return None;
        }
        match self.forge.mark(status).await {
            Ok(()) => {
                self.posted.statuses.retain(|posted| posted.at != status.at);
                self.posted.statuses.push(status.clone());
                None
            }
            Err(error) => self.trouble(piece, &error),
        }
    }

    fn trouble(&mut self, piece: Piece, error: &ForgeError) -> Option<Duration> {
        if self.noted.insert(error.to_string()) {
            (self.note)(error);
        }
        match error {
            ForgeError::Denied { .. } => {
                self.denied.insert(piece);
                None
            }
            ForgeError::Refused { .. } => None,
            ForgeError::Busy { wait, .. } => Some(wait.unwrap_or_default()),
            ForgeError::Unanswered { .. } => Some(Duration::ZERO),
        }
    }
}

#[cfg(test)]
#[path = "publish_tests.rs"]
mod tests;
