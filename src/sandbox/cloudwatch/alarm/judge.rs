//! M out of N: from the datapoints that an alarm sees to the state that they mean.
//!
//! Source: CloudWatch user guide, "Configuring how CloudWatch alarms treat missing data", whose two tables are the tests
//! below. More datapoints are looked at than the alarm's N; the guide's example looks at N + 2, and so does this.

/// Datapoints looked at beyond N.
pub const EXTRA: u64 = 2;

/// `TreatMissingData`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    Missing,
    Ignore,
    Breaching,
    NotBreaching,
}

/// What one period shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    Good,
    Breaching,
    Nothing,
}

/// What the datapoints mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Ok,
    Alarm,
    InsufficientData,
    /// The state stays what it is.
    Unchanged,
}

/// `m` of the latest `n` must breach. `range` is oldest first.
pub fn judge(range: &[Seen], n: usize, m: usize, missing: Treatment) -> Verdict {
    let real: Vec<Seen> = range
        .iter()
        .rev()
        .filter(|seen| **seen != Seen::Nothing)
        .take(n)
        .copied()
        .collect();
    let breaching = real.iter().filter(|seen| **seen == Seen::Breaching).count();
    let lacking = n - real.len();
    let assumed = if missing == Treatment::Breaching {
        lacking
    } else {
        0
    };
    if breaching + assumed >= m {
        return Verdict::Alarm;
    }
    if lacking == 0 {
        return Verdict::Ok;
    }
    let is_good_seen = breaching < real.len();
    match missing {
        Treatment::Ignore if !is_good_seen => Verdict::Unchanged,
        Treatment::Missing if real.is_empty() => Verdict::InsufficientData,
        Treatment::Missing if !is_good_seen && age_of_oldest(range) >= m => Verdict::Alarm,
        _ => Verdict::Ok,
    }
}

/// How many periods ago the oldest datapoint is; the newest period is 1.
fn age_of_oldest(range: &[Seen]) -> usize {
    range
        .iter()
        .position(|seen| *seen != Seen::Nothing)
        .map_or(0, |at| range.len() - at)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `0` good, `X` breaching, `-` missing; expected for missing, ignore, breaching and not breaching.
    fn check(points: &str, m: usize, expected: [Verdict; 4]) {
        let seen = |c: char| match c {
            '0' => Seen::Good,
            'X' => Seen::Breaching,
            _ => Seen::Nothing,
        };
        let range: Vec<Seen> = points.chars().filter(|c| *c != ' ').map(seen).collect();
        let ways = [
            Treatment::Missing,
            Treatment::Ignore,
            Treatment::Breaching,
            Treatment::NotBreaching,
        ];
        assert_eq!(
            ways.map(|missing| judge(&range, 3, m, missing)),
            expected,
            "{points}, {m} of 3"
        );
    }

    #[test]
    fn the_tables_of_the_user_guide_hold() {
        use Verdict::{Alarm, InsufficientData, Ok, Unchanged};
        check("0 - X - X", 3, [Ok, Ok, Ok, Ok]);
        check("- - - - 0", 3, [Ok, Ok, Ok, Ok]);
        check("- - - - -", 3, [InsufficientData, Unchanged, Alarm, Ok]);
        check("0 X X - X", 3, [Alarm, Alarm, Alarm, Alarm]);
        check("- - X - -", 3, [Alarm, Unchanged, Alarm, Ok]);
        check("0 - X - X", 2, [Alarm, Alarm, Alarm, Alarm]);
        check("0 0 X 0 X", 2, [Alarm, Alarm, Alarm, Alarm]);
        check("0 - X - -", 2, [Ok, Ok, Alarm, Ok]);
        check("- - - - 0", 2, [Ok, Ok, Alarm, Ok]);
        check("- - - X -", 2, [Alarm, Unchanged, Alarm, Ok]);
    }

    #[test]
    fn a_single_fresh_breach_does_not_alarm_early() {
        use Seen::{Breaching, Nothing};
        let fresh = |points: &[Seen]| judge(points, 3, 3, Treatment::Missing);
        assert_eq!(
            fresh(&[Nothing, Nothing, Nothing, Nothing, Breaching]),
            Verdict::Ok
        );
        assert_eq!(
            fresh(&[Nothing, Nothing, Nothing, Breaching, Nothing]),
            Verdict::Ok
        );
    }
}
