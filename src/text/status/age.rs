//! How long ago something was, as people say it: in the one unit that matters.

use jiff::{SignedDuration, Timestamp};

/// `12 d ago`, `3 min ago`; `just now` also for what another clock puts into the future.
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    match now.duration_since(then) {
        age if age < SignedDuration::from_secs(1) => "just now".to_owned(),
        age => format!("{} ago", long(age)),
    }
}

/// `12 d`, `5 h`, `3 min`, `40 s`: whole units, and the larger one from two of it on.
pub fn long(time: SignedDuration) -> String {
    let seconds = time.as_secs().max(0);
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_one_unit() {
        let now = Timestamp::from_second(10_000_000).unwrap();
        for (seconds, said) in [
            (-5, "just now"),
            (0, "just now"),
            (1, "1 s ago"),
            (119, "119 s ago"),
            (120, "2 min ago"),
            (7_199, "119 min ago"),
            (7_200, "2 h ago"),
            (172_799, "47 h ago"),
            (12 * 86_400 + 5, "12 d ago"),
        ] {
            let then = now - SignedDuration::from_secs(seconds);
            assert_eq!(ago(then, now), said, "{seconds}");
        }
    }
}
