//! The patience of whoever watches: it ends the watch, and nothing else.
//!
//! **Invariant:** that the time to wait is over says nothing of what was waited for, which goes on.

use std::future::Future;

use jiff::Timestamp;

use super::rollout::Ran;
use crate::ports::{Clock, Wake};

/// A clock that wakes its sleeper for good when the time to watch is over.
pub struct Until<'a, K> {
    pub clock: &'a K,
    pub until: Timestamp,
}

impl<K: Clock> Until<'_, K> {
    /// How a watch ends that was woken before what it watches had ended.
    pub fn over(&self, stands: String) -> Ran {
        if self.now() >= self.until {
            Ran::Underway { stands }
        } else {
            Ran::Interrupted { stood: None }
        }
    }
}

impl<K: Clock> Clock for Until<'_, K> {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn sleep_until(&self, until: Timestamp) -> Wake {
        let woken = self.clock.sleep_until(until.min(self.until)).await;
        if self.now() >= self.until {
            return Wake::Interrupted;
        }
        woken
    }

    async fn pass_until(&self, until: Timestamp) -> Wake {
        self.clock.pass_until(until).await
    }

    async fn attend<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.clock.attend(work).await
    }
}
