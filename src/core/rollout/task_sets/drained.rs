//! Whether a side whose weight is 0 is drained: what is under way there has ended.
//!
//! A weight of 0 keeps new requests away and lets old connections go on. Proof of the end is a target group without a
//! target in service, or a whole minute of CloudWatch without a request while its hosts were counted.
//! **Invariant:** no data is no proof; without proof the side is kept for the whole time that the plan says.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::core::gate::{Measure, MetricQuery, MetricsRequest, PUBLICATION_DELAY, Window};
use crate::core::id::TargetGroupArn;
use crate::core::live::TargetState;
use crate::core::plan::TaskSets;
use crate::core::report::Event;
use crate::core::rollout::turning::Turning;
use crate::core::rollout::{Facet, Seen, Watch};

const MINUTE: u32 = 60;

/// Of the Application Load Balancer user guide's metrics. Requests are published only when there are some; hosts are
/// counted in every minute of a target group that is in use.
const REQUESTS: (&str, &str, &str) = ("requests", "RequestCount", "Sum");
const HOSTS: (&str, &str, &str) = ("hosts", "HealthyHostCount", "Maximum");

impl Turning<'_> {
    /// What tells whether the group is drained, and how much of it is worth a look now.
    pub(super) fn watch_drain(
        &self,
        sets: &TaskSets,
        group: &TargetGroupArn,
        since: Timestamp,
    ) -> Watch {
        let mut watch = self.watch_sets(sets);
        watch.insert(Facet::Targets(group.clone()));
        // CloudWatch has something new once in a minute.
        if self.next.looks.is_multiple_of(4) {
            let request = quiet_minutes(sets, group, since, self.now);
            watch.extend(request.map(Facet::Metrics));
        }
        watch
    }

    /// Whether the group may lose its targets now.
    pub(super) fn is_drained(
        &mut self,
        sets: &TaskSets,
        group: &TargetGroupArn,
        since: Timestamp,
    ) -> bool {
        let targets = self.seen.targets.get(group).and_then(Seen::is);
        let in_service = targets.is_none_or(|targets| {
            let gone = [TargetState::Unused, TargetState::Draining];
            targets.iter().any(|target| !gone.contains(&target.state))
        });
        let requests = self.last_minute(sets, group, since);
        let proven = !in_service || requests == Some(0.0);
        let over = self.waited(since).unsigned_abs() >= sets.drain;
        if let (true, false, Some(requests)) = (over, proven, requests) {
            self.say.push(Event::Trouble {
                operation: "drain".to_owned(),
                message: format!(
                    "the side without weight still had {requests} requests in the last minute, and its time is over"
                ),
            });
        }
        proven || over
    }

    /// Requests in the newest whole minute; `None` without one in which the hosts were counted.
    fn last_minute(
        &self,
        sets: &TaskSets,
        group: &TargetGroupArn,
        since: Timestamp,
    ) -> Option<f64> {
        let wanted = quiet_minutes(sets, group, since, self.now)?;
        let mut answers = self.seen.metrics.iter().rev();
        let (asked, series) = answers.find(|(asked, _)| asked.asks_as(&wanted))?;
        let series = series.is()?;
        let last = asked.window(MINUTE).periods().last()?;
        let at = |id: &str| series.get(id).and_then(|points| points.get(&last)).copied();
        at(HOSTS.0)?;
        Some(at(REQUESTS.0).unwrap_or_default())
    }
}

/// The whole minutes since then that are published.
fn quiet_minutes(
    sets: &TaskSets,
    group: &TargetGroupArn,
    since: Timestamp,
    now: Timestamp,
) -> Option<MetricsRequest> {
    let balancer = sets.rule.load_balancer()?;
    let (_, name) = group.as_str().split_once(":targetgroup/")?;
    let dimensions = BTreeMap::from([
        ("LoadBalancer".to_owned(), balancer.to_owned()),
        ("TargetGroup".to_owned(), format!("targetgroup/{name}")),
    ]);
    let window = Window::published(since, now, MINUTE, PUBLICATION_DELAY)?;
    let query = |(id, metric, stat): (&str, &str, &str)| MetricQuery {
        id: id.to_owned(),
        measure: Measure::Stat {
            namespace: "AWS/ApplicationELB".to_owned(),
            metric: metric.to_owned(),
            dimensions: dimensions.clone(),
            stat: stat.to_owned(),
        },
        period: MINUTE,
    };
    Some(MetricsRequest {
        queries: vec![query(REQUESTS), query(HOSTS)],
        from: window.from,
        to: window.to,
    })
}
