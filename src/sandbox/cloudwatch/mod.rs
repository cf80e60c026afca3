//! Amazon CloudWatch: metrics, the data of them, and alarms that watch it.
//!
//! Data comes from `PutMetricData`, and from the load balancers' [traffic](crate::sandbox::traffic), which is published
//! minute by minute (`publish`) with a delay. Both lie in one `store`; `GetMetricData` and alarms read it through the same
//! `statement`s and the same `math`.
//!
//! **Invariants:** no data is not zero: a metric without values has none; what is not modelled (composite alarms, anomaly
//! detection, metric streams, searches, Metrics Insights) is refused by name; an alarm's actions are kept but call nobody.

mod alarm;
mod api;
mod data;
mod list;
mod math;
mod metric;
mod model;
mod page;
mod point;
mod publish;
mod put;
mod seed;
mod statement;
mod statistics;
mod store;
#[cfg(test)]
mod tests;

pub use alarm::AlarmState;
pub use api::answer;
pub use metric::Metric;
pub use model::{Cloudwatch, Delay, Switches, tick};
pub use point::{Point, Statistic};
pub use seed::seed;
