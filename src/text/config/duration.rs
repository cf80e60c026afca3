//! Durations as people write them: `90s`, `15m`, `1h30m`.
//!
//! **Invariant:** a bare number is refused, since nobody agrees whether `30` is seconds or minutes, and so is nothing
//! at all: every duration of the configuration bounds a wait.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Visitor};

/// A whole number of seconds, at least one, written with units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct HumanDuration(Duration);

const UNITS: [(char, u64); 3] = [('h', 3600), ('m', 60), ('s', 1)];
const SHAPE: &str = "a duration like 90s, 15m or 1h30m";

impl HumanDuration {
    /// The duration in whole seconds, at least one.
    pub fn of(duration: Duration) -> Self {
        Self(Duration::from_secs(duration.as_secs().max(1)))
    }

    /// The duration itself.
    pub fn get(self) -> Duration {
        self.0
    }
}

/// Hours, minutes and seconds in this order, each at most once, nothing between them.
impl FromStr for HumanDuration {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not {SHAPE}");
        if text.parse::<f64>().is_ok() {
            return Err(format!(
                "`{text}` has no unit: write {text}s, {text}m or {text}h"
            ));
        }
        let mut rest = text;
        let mut seconds = 0_u64;
        for (unit, size) in UNITS {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            if let Some(after) = rest[digits..].strip_prefix(unit) {
                let count: u64 = rest[..digits].parse().map_err(|_| wrong())?;
                let part = count.checked_mul(size).ok_or_else(wrong)?;
                seconds = seconds.checked_add(part).ok_or_else(wrong)?;
                rest = after;
            }
        }
        match (rest, seconds) {
            ("", 1..) => Ok(Self(Duration::from_secs(seconds))),
            ("", 0) if !text.is_empty() => Err(format!("`{text}` is no time at all")),
            _ => Err(wrong()),
        }
    }
}

/// The shortest text that reads back as the same duration.
impl fmt::Display for HumanDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.as_secs();
        for (unit, size) in UNITS {
            if rest >= size {
                write!(f, "{}{unit}", rest / size)?;
            }
            rest %= size;
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for HumanDuration {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_str(Words)
    }
}

struct Words;

impl Visitor<'_> for Words {
    type Value = HumanDuration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SHAPE)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<HumanDuration, E> {
        text.parse().map_err(E::custom)
    }
}

impl JsonSchema for HumanDuration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "Hours, minutes and seconds, such as 90s, 15m or 1h30m.",
            "pattern": "^(?=.)([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
            "examples": ["90s", "15m", "1h30m"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_durations_are_read_and_written_back() {
        let check = |text: &str, seconds: u64, back: &str| {
            let duration: HumanDuration = text.parse().unwrap();
            assert_eq!(duration.get().as_secs(), seconds, "for {text:?}");
            assert_eq!(duration.to_string(), back, "for {text:?}");
        };
        check("90s", 90, "1m30s");
        check("15m", 900, "15m");
        check("1h30m", 5400, "1h30m");
        check("1h1s", 3601, "1h1s");
        check("48h", 172_800, "48h");
    }

    #[test]
    fn anything_else_says_what_it_should_be() {
        let check = |text: &str, message: &str| {
            assert_eq!(text.parse::<HumanDuration>().unwrap_err(), message);
        };
        check("30", "`30` has no unit: write 30s, 30m or 30h");
        check("1.5", "`1.5` has no unit: write 1.5s, 1.5m or 1.5h");
        check("0s", "`0s` is no time at all");
        for text in [
            "",
            "m",
            "30m1h",
            "1h 30m",
            "1d",
            "-5m",
            "1h1h",
            "99999999999999999999s",
        ] {
            check(text, &format!("`{text}` is not {SHAPE}"));
        }
    }
}
