//! Samples in, verdict out.
//!
//! **Invariant:** no data is never a pass, and a failure to measure is not a failed measurement.

mod behind;
mod compare;
mod errors;
#[expect(clippy::module_inception, reason = "a file has its main type's name")]
mod gate;
mod judge;
mod measure;
mod metric;
mod need;
mod probe;
mod progress;
mod reading;
mod serving;
mod subject;
mod tasks;
#[cfg(test)]
mod tests;

pub use compare::{Compared, Comparison, Counts, Evidence, Finding, Lack, RATIOS};
pub use gate::{Approval, Check, Gate, GateLimits, OneOff, Pace, Quiet};
pub use judge::{Judgement, Standing, Verdict, deadline, judge, needs, wake_at};
pub use metric::{
    Bounds, Measure, MetricCheck, MetricQuery, Metrics, MetricsRequest, MinimumSample, Missing,
    PUBLICATION_DELAY, Series, SeriesById, Window,
};
pub use need::{Ask, Need, Run, Sample, Samples, Says, Word};
pub use probe::{BODY_LIMIT, HttpCheck, Probe, Redirects, Reply};
pub use progress::{GateProgress, Tally};
pub use reading::Reading;
pub use serving::{Serving, serving};
pub use subject::{Balanced, Health, Side, Subject};
pub use tasks::{TaskFailure, failures, first_permanent};
