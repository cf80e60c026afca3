//! An alarm looks at its metric: once a minute, or every ten seconds if its period is shorter than a minute.

use std::collections::BTreeMap;

use serde_json::json;

use crate::sandbox::cloudwatch::alarm::judge::{self, EXTRA, Seen, Treatment, Verdict};
use crate::sandbox::cloudwatch::alarm::model::{Alarm, AlarmState, Reason};
use crate::sandbox::cloudwatch::alarm::settings::Settings;
use crate::sandbox::cloudwatch::math::Scope;
use crate::sandbox::cloudwatch::store::{Line, Store, Window};
use crate::sandbox::{Duration, Time};

impl Alarm {
    /// Looks if it is time to, and goes into the state that the data means.
    pub fn look(&mut self, store: &Store, now: Time) {
        let period = self.settings.period();
        let every = if period < Duration::from_secs(60) {
            10_000
        } else {
            60_000
        };
        if !now.millis().is_multiple_of(every) {
            return;
        }
        let view = View::of(&self.settings, store, now);
        let state = match view.judge(&self.settings) {
            Verdict::Unchanged => return,
            Verdict::Ok => AlarmState::Ok,
            Verdict::Alarm => AlarmState::Alarm,
            Verdict::InsufficientData => AlarmState::InsufficientData,
        };
        if state != self.standing.state {
            let reason = view.reason(&self.settings, self.standing.state, state, now);
            self.enter(state, reason, now);
        }
    }
}

/// The periods that an alarm looks at, oldest first, each with its value.
struct View {
    slots: Vec<(Time, Option<f64>)>,
}

impl View {
    /// Periods end now: an alarm with a long period looks at a window that moves by the minute.
    fn of(settings: &Settings, store: &Store, now: Time) -> Self {
        let period = settings.period();
        let count = settings.evaluation_periods + EXTRA;
        let from = now - Duration::from_millis(period.millis() * count);
        let window = Window { from, to: now, now };
        let statement = settings.watched();
        let line = Scope::new(&settings.statements, store, window).line(statement);
        let line = line.unwrap_or_else(|_| Line {
            period,
            values: BTreeMap::new(),
        });
        let slots = window
            .starts(period)
            .map(|at| (at, line.values.get(&at).copied()))
            .collect();
        Self { slots }
    }

    fn judge(&self, settings: &Settings) -> Verdict {
        let seen = |(_, value): &(Time, Option<f64>)| match value {
            None => Seen::Nothing,
            Some(value) if settings.comparison.is_breached(*value, settings.threshold) => {
                Seen::Breaching
            }
            Some(_) => Seen::Good,
        };
        let range: Vec<Seen> = self.slots.iter().map(seen).collect();
        judge::judge(
            &range,
            settings.evaluation_periods as usize,
            settings.needed() as usize,
            settings.missing,
        )
    }

    /// The real datapoints that decide, newest first.
    fn real(&self, settings: &Settings) -> Vec<(Time, f64)> {
        let real = self
            .slots
            .iter()
            .rev()
            .filter_map(|(at, value)| value.map(|value| (*at, value)));
        real.take(settings.evaluation_periods as usize).collect()
    }

    /// In the words that `StateReason` has.
    fn reason(&self, settings: &Settings, from: AlarmState, to: AlarmState, now: Time) -> Reason {
        let real = self.real(settings);
        let n = settings.evaluation_periods;
        let text = match to {
            AlarmState::InsufficientData => {
                format!("Insufficient Data: {} unknown.", were(n as usize))
            }
            _ if real.is_empty() => {
                let treated = if settings.missing == Treatment::Breaching {
                    "Breaching"
                } else {
                    "NonBreaching"
                };
                format!(
                    "Threshold Crossed: no datapoints were received for {n} {} and {n} missing datapoint{} treated as [{treated}].",
                    plural(n, "period"),
                    if n == 1 { " was" } else { "s were" }
                )
            }
            _ => crossed(settings, &real, from, to),
        };
        let data = json!({
            "version": "1.0",
            "queryDate": now.iso().replace('Z', "+0000"),
            "startDate": real.last().map(|(at, _)| at.iso().replace('Z', "+0000")),
            "period": settings.period().millis() / 1000,
            "recentDatapoints": real.iter().rev().map(|(_, value)| value).collect::<Vec<_>>(),
            "threshold": settings.threshold,
        });
        Reason {
            text,
            data: Some(data.to_string()),
        }
    }
}

fn crossed(settings: &Settings, real: &[(Time, f64)], from: AlarmState, to: AlarmState) -> String {
    let is_alarm = to == AlarmState::Alarm;
    let breached = |value: f64| settings.comparison.is_breached(value, settings.threshold);
    let telling: Vec<&(Time, f64)> = real
        .iter()
        .filter(|(_, value)| breached(*value) == is_alarm)
        .collect();
    let shown: Vec<String> = telling
        .iter()
        .map(|(at, value)| format!("{value:?} ({})", day_first(*at)))
        .collect();
    let (count, n) = (telling.len(), settings.evaluation_periods);
    let needed = if is_alarm {
        settings.needed()
    } else {
        n + 1 - settings.needed()
    };
    format!(
        "Threshold Crossed: {count} out of the last {n} {} [{}] {} {}{} the threshold ({:?}) (minimum {needed} {} for {} -> {} transition).",
        plural(n, "datapoint"),
        shown.join(", "),
        if count == 1 { "was" } else { "were" },
        if is_alarm { "" } else { "not " },
        settings.comparison.words(),
        settings.threshold,
        plural(needed, "datapoint"),
        from.as_str(),
        to.as_str(),
    )
}

fn were(count: usize) -> String {
    if count == 1 {
        "1 datapoint was".to_owned()
    } else {
        format!("{count} datapoints were")
    }
}

fn plural(count: u64, noun: &str) -> String {
    if count == 1 {
        noun.to_owned()
    } else {
        format!("{noun}s")
    }
}

/// `15/01/26 09:04:00`.
fn day_first(at: Time) -> String {
    let iso = at.iso();
    format!(
        "{}/{}/{} {}",
        &iso[8..10],
        &iso[5..7],
        &iso[2..4],
        &iso[11..19]
    )
}
