//! A sandbox whose virtual time follows the real one.
//!
//! **Invariant:** time that the program slept through, or could not keep up with, is not made up for: the clock never
//! leaps by more than a second's worth.

use std::time::{Duration, Instant};

use crate::sandbox::{self, Exchange, Sandbox};

/// Real time that is made up for at once.
const MOST_AT_ONCE: Duration = Duration::from_secs(1);

/// A sandbox and its pace.
#[derive(Debug)]
pub struct Live {
    pub sandbox: Sandbox,
    /// Virtual seconds in a real one; 0 stands still.
    speed: f64,
    /// Up to when real time has been followed.
    followed: Instant,
    /// Virtual milliseconds, less than one, that are still owed.
    owed: f64,
}

impl Live {
    pub fn new(sandbox: Sandbox, speed: f64, now: Instant) -> Self {
        Self {
            sandbox,
            speed,
            followed: now,
            owed: 0.0,
        }
    }

    /// Moves the clock on to where it should be.
    pub fn catch_up(&mut self, now: Instant) {
        let passed = now
            .saturating_duration_since(self.followed)
            .min(MOST_AT_ONCE);
        self.followed = now;
        self.owed += passed.as_secs_f64() * 1000.0 * self.speed;
        let whole = self.owed.floor();
        self.owed -= whole;
        self.advance(sandbox::Duration::from_millis(whole as u64));
    }

    /// How long the answer to this exchange is really awaited. A clock that stands still is moved instead.
    pub fn wait(&mut self, exchange: &Exchange) -> Duration {
        if self.speed > 0.0 {
            return Duration::from_millis(exchange.after.millis()).div_f64(self.speed);
        }
        self.advance(exchange.after);
        Duration::ZERO
    }

    fn advance(&mut self, by: sandbox::Duration) {
        self.sandbox.advance(self.sandbox.now() + by);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(speed: f64) -> (Live, Instant) {
        let start = Instant::now();
        let sandbox = Sandbox::new("", 1).expect("an empty world");
        (Live::new(sandbox, speed, start), start)
    }

    #[test]
    fn virtual_time_follows_real_time_at_the_speed_asked_for() {
        let check = |speed: f64, real: &[u64], virtual_millis: u64| {
            let (mut live, start) = live(speed);
            let before = live.sandbox.now();
            for at in real {
                live.catch_up(start + Duration::from_millis(*at));
            }
            let passed = live.sandbox.now().since(before).millis();
            assert_eq!(passed, virtual_millis, "{speed} {real:?}");
        };
        check(60.0, &[500, 1000], 60_000);
        check(0.0, &[500, 1000], 0);
        // Small steps lose nothing …
        check(0.5, &[1, 2, 3, 4], 2);
        // … and a long sleep is not made up for.
        check(60.0, &[3_600_000], 60_000);
    }
}
