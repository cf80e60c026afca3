//! The comparison of errors, fed by CloudWatch: minutes of two target groups behind Application Load Balancers.
//!
//! **Invariant:** a minute passes only if both sides had requests in it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::compare::{Compared, Comparison, Counts, Finding, Lack};
use super::metric::{Measure, MetricQuery, Metrics, SeriesById};
use super::reading::{Reading, Readings};

/// Elastic Load Balancing publishes minutes.
pub(super) const MINUTE: u32 = 60;

/// Metrics of a target group behind an Application Load Balancer, by the ids they are asked under here. Both kinds of
/// error count: a target that refuses connections answers no 5XX. Published only when they are not zero.
/// Source: Application Load Balancer user guide, CloudWatch metrics.
const REQUESTS: (&str, &str) = ("requests", "RequestCount");
const FAULTS: (&str, &str) = ("faults", "HTTPCode_Target_5XX_Count");
const REFUSED: (&str, &str) = ("refused", "TargetConnectionErrorCount");

pub(super) fn requests_and_errors() -> Vec<MetricQuery> {
    [REQUESTS, FAULTS, REFUSED]
        .map(|(id, metric)| MetricQuery {
            id: id.to_owned(),
            measure: Measure::Stat {
                namespace: "AWS/ApplicationELB".to_owned(),
                metric: metric.to_owned(),
                dimensions: BTreeMap::from([
                    ("LoadBalancer".to_owned(), "{load_balancer}".to_owned()),
                    ("TargetGroup".to_owned(), "{target_group}".to_owned()),
                ]),
                stat: "Sum".to_owned(),
            },
            period: MINUTE,
        })
        .into()
}

/// Evidence of the whole rollout decides; what passes are minutes of this step in which both sides had requests.
pub(super) fn read(comparison: &Comparison, metrics: &Metrics, began: Timestamp) -> Readings {
    let minutes: Vec<(Timestamp, Counts)> = metrics
        .window
        .periods()
        .map(|start| (start, counts(metrics, start)))
        .collect();
    let compared = comparison.judge(minutes.iter().map(|(_, counts)| *counts));
    let fresh: Vec<&Counts> = minutes
        .iter()
        .filter(|(start, _)| *start >= began)
        .map(|(_, counts)| counts)
        .collect();
    let busy = fresh.iter().filter(|counts| counts.is_comparable());
    let passed = u32::try_from(busy.count()).unwrap_or(u32::MAX);
    let said = compared_words(&compared);
    let (passed, failed, last) = match compared.finding {
        Finding::Worse => (0, 1, Reading::Fail(said)),
        Finding::NotWorse => (passed, 0, Reading::Pass(said)),
        Finding::TooFew(_) => (0, 0, Reading::Wait(said)),
    };
    let failure = matches!(last, Reading::Fail(_)).then(|| last.said().to_owned());
    Readings::All {
        passed,
        failed,
        // Quiet minutes are borne until the timeout: traffic comes and goes.
        no_data: 0,
        last,
        failure,
        until: metrics.window.to,
    }
}

fn counts(metrics: &Metrics, start: Timestamp) -> Counts {
    let at = |side: &SeriesById, (id, _): (&str, &str)| {
        let point = side.get(id).and_then(|series| series.get(&start));
        point.copied().unwrap_or_default().max(0.0)
    };
    let errors = |side: &SeriesById| at(side, FAULTS) + at(side, REFUSED);
    Counts {
        new_requests: at(&metrics.new, REQUESTS),
        new_errors: errors(&metrics.new),
        old_requests: at(&metrics.old, REQUESTS),
        old_errors: errors(&metrics.old),
    }
}

/// Evidence beyond this is told as "more".
const MOST_TOLD: f64 = 1e6;

fn compared_words(compared: &Compared) -> String {
    let Compared {
        finding,
        total,
        log_evidence,
    } = compared;
    let seen = format!(
        "{} of {} requests failed on the new side, {} of {} on the old",
        total.new_errors, total.new_requests, total.old_errors, total.old_requests
    );
    let ratio = match total.ratio() {
        Some(ratio) if ratio.is_finite() => format!("{ratio:.1} times the rate"),
        _ => "errors on the new side alone".to_owned(),
    };
    match finding {
        Finding::Worse => {
            let odds = log_evidence.exp();
            let odds = if odds > MOST_TOLD {
                format!("more than {MOST_TOLD}")
            } else {
                format!("{odds:.0}")
            };
            format!("{seen}: {ratio} (evidence {odds})")
        }
        Finding::NotWorse => format!("{seen}: no worse"),
        Finding::TooFew(Lack::NewRequests) => format!("{seen}: too few requests on the new side"),
        Finding::TooFew(Lack::OldRequests) => format!("{seen}: too few requests on the old side"),
        Finding::TooFew(Lack::ExpectedErrors) => format!("{seen}: too few errors to tell"),
    }
}
