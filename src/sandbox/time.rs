//! Virtual time: an instant and a length, both in whole milliseconds.
//!
//! **Invariant:** nothing here reads a clock. Time moves only when [`crate::sandbox::Sandbox::advance`] moves it.

use std::fmt;
use std::ops::{Add, Sub};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// An instant: milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(u64);

/// A length of time in milliseconds. In files it is written `"500ms"`, `"20s"`, `"1m30s"`, `"2h"`, `"1d"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(u64);

impl Time {
    /// 2026-01-15T09:00:00Z, when a world begins that does not say otherwise.
    pub const DEFAULT_START: Time = Time(1_768_467_600_000);

    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    pub const fn millis(self) -> u64 {
        self.0
    }

    /// Epoch seconds with a fraction, as timestamps travel in awsJson answers.
    pub fn epoch_seconds(self) -> Value {
        Value::from(self.0 as f64 / 1000.0)
    }

    /// `2026-01-15T09:00:00.000Z`, as timestamps travel in awsQuery answers.
    pub fn iso(self) -> String {
        let millis = i64::try_from(self.0).expect("a virtual instant lies within jiff's range");
        let instant = jiff::Timestamp::from_millisecond(millis)
            .expect("a virtual instant lies within jiff's range");
        format!("{instant:.3}")
    }

    /// Reads `2026-01-15T09:00:00Z`.
    pub fn parse(text: &str) -> Option<Self> {
        let instant: jiff::Timestamp = text.parse().ok()?;
        u64::try_from(instant.as_millisecond()).ok().map(Self)
    }

    /// The next instant that is a whole second, always later than `self`.
    #[must_use]
    pub const fn next_second(self) -> Self {
        Self((self.0 / 1000 + 1) * 1000)
    }

    /// How long after `earlier` this is; zero if it is not.
    pub const fn since(self, earlier: Time) -> Duration {
        Duration(self.0.saturating_sub(earlier.0))
    }
}

impl Duration {
    pub const ZERO: Duration = Duration(0);

    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    pub const fn millis(self) -> u64 {
        self.0
    }

    /// Reads `20s`, `1m30s`, `500ms`, `2h`, `1d`; a bare number has no unit and is refused.
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text.trim();
        let mut total: u64 = 0;
        if rest.is_empty() {
            return None;
        }
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit())?;
            let count: u64 = rest[..digits].parse().ok()?;
            let after = &rest[digits..];
            let letters = after
                .find(|c: char| !c.is_ascii_alphabetic())
                .unwrap_or(after.len());
            total = total.checked_add(count.checked_mul(unit_millis(&after[..letters])?)?)?;
            rest = &after[letters..];
        }
        Some(Self(total))
    }
}

fn unit_millis(unit: &str) -> Option<u64> {
    match unit {
        "ms" => Some(1),
        "s" => Some(1000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        "d" => Some(86_400_000),
        _ => None,
    }
}

impl Add<Duration> for Time {
    type Output = Time;

    fn add(self, length: Duration) -> Time {
        Time(self.0.saturating_add(length.0))
    }
}

/// Saturates at the epoch.
impl Sub<Duration> for Time {
    type Output = Time;

    fn sub(self, length: Duration) -> Time {
        Time(self.0.saturating_sub(length.0))
    }
}

impl Add for Duration {
    type Output = Duration;

    fn add(self, other: Duration) -> Duration {
        Duration(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iso())
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Duration::parse(&text).ok_or_else(|| {
            D::Error::custom(format!(
                "{text:?} is not a duration such as \"20s\" or \"1m30s\""
            ))
        })
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Time::parse(&text).ok_or_else(|| {
            D::Error::custom(format!(
                "{text:?} is not an instant such as \"2026-01-15T09:00:00Z\""
            ))
        })
    }
}

/// In milliseconds, which reads back as it was.
impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{}ms", self.0))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        let check = |text: &str, millis: Option<u64>| {
            assert_eq!(
                Duration::parse(text).map(Duration::millis),
                millis,
                "{text}"
            );
        };
        check("20s", Some(20_000));
        check("1m30s", Some(90_000));
        check("500ms", Some(500));
        check("2h", Some(7_200_000));
        check("0s", Some(0));
        check("", None);
        check("20", None);
        check("s", None);
        check("1x", None);
        check("99999999999999999999s", None);
    }

    #[test]
    fn an_instant_is_written_as_both_protocols_want_it() {
        let at = Time::DEFAULT_START + Duration::from_millis(250);
        assert_eq!(at.iso(), "2026-01-15T09:00:00.250Z");
        assert_eq!(at.epoch_seconds().to_string(), "1768467600.25");
        assert_eq!(Time::parse("2026-01-15T09:00:00.25Z"), Some(at));
    }

    #[test]
    fn the_next_second_is_always_later() {
        assert_eq!(
            Time::from_millis(1000).next_second(),
            Time::from_millis(2000)
        );
        assert_eq!(
            Time::from_millis(1001).next_second(),
            Time::from_millis(2000)
        );
    }
}
