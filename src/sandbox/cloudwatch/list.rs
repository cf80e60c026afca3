//! `ListMetrics`.

use serde_json::Value;

use crate::sandbox::cloudwatch::metric::Metric;
use crate::sandbox::cloudwatch::page::page;
use crate::sandbox::input::Input;
use crate::sandbox::{ApiError, Duration, World};

/// Metrics on one page (CloudWatch API reference, `ListMetrics`).
const PAGE: usize = 500;
/// What `RecentlyActive: PT3H` means.
const RECENT: Duration = Duration::from_secs(3 * 3600);

pub fn list(world: &World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&[
        "Namespace",
        "MetricName",
        "Dimensions",
        "NextToken",
        "RecentlyActive",
    ])?;
    let since = match input.text("RecentlyActive") {
        None => None,
        Some("PT3H") => Some(world.now - RECENT),
        Some(_) => return Err(input.invalid("RecentlyActive must be PT3H")),
    };
    let wanted = |(metric, newest): &(&Metric, _)| {
        matches(metric, input) && since.is_none_or(|since| *newest >= since)
    };
    let found = world.cloudwatch.store.metrics(world.now).filter(wanted);
    page(
        input,
        "Metrics",
        found.map(|(metric, _)| metric.echo()).collect(),
        PAGE,
    )
    .map(Value::Object)
}

/// A dimension without a value asks only for its name.
fn matches(metric: &Metric, input: Input<'_>) -> bool {
    let is = |member: &str, value: &str| input.text(member).is_none_or(|wanted| wanted == value);
    is("Namespace", &metric.namespace)
        && is("MetricName", &metric.name)
        && input.each("Dimensions").all(|wanted| {
            let value = wanted.text("Name").and_then(|name| metric.dimension(name));
            value.is_some_and(|value| wanted.text("Value").is_none_or(|wanted| wanted == value))
        })
}
