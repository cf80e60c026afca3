//! The metrics of application load balancers: once a minute, what was counted in it becomes data.
//!
//! Source: Application Load Balancers guide, "CloudWatch metrics for your Application Load Balancer". Each metric appears
//! under every published combination of dimensions and no other. Request metrics are there only if traffic flowed, error
//! counts only if they are not zero. The zone is the target's, which stands in for that of the load balancer's node; what
//! no target got to see has no zone here.

use std::collections::{BTreeMap, BTreeSet};

use crate::sandbox::cloudwatch::metric::Metric;
use crate::sandbox::cloudwatch::point::Point;
use crate::sandbox::traffic::{Counts, Hosts, Ledger, Place};
use crate::sandbox::{Duration, Rng, Time, World};

const NAMESPACE: &str = "AWS/ApplicationELB";
const MINUTE: Duration = Duration::from_secs(60);

/// Publishes the minute that ends now.
pub fn publish(world: &mut World) {
    let (ledger, hosts) = world.traffic.take_minute();
    let mut desk = Desk {
        at: world.now - MINUTE,
        seed: world.seed,
        world,
    };
    for (place, counts) in aggregate(&ledger) {
        desk.requests(&place, &counts);
    }
    for (group, hosts) in &hosts {
        desk.hosts(group, hosts, &ledger);
    }
}

/// Every place's counts at all the places that contain it: with and without its group, with and without its zone.
fn aggregate(ledger: &Ledger) -> Ledger {
    let mut all = Ledger::new();
    for (place, counts) in ledger {
        let groups = BTreeSet::from([&None, &place.group]);
        let zones = BTreeSet::from([&None, &place.zone]);
        for (group, zone) in groups
            .iter()
            .flat_map(|group| zones.iter().map(move |zone| (*group, *zone)))
        {
            let (group, zone) = (group.clone(), zone.clone());
            let wider = Place {
                load_balancer: place.load_balancer.clone(),
                group,
                zone,
            };
            all.entry(wider).or_default().add(counts);
        }
    }
    all
}

/// Where the minute's data is written.
struct Desk<'a> {
    at: Time,
    seed: u64,
    world: &'a mut World,
}

impl Desk<'_> {
    fn requests(&mut self, place: &Place, counts: &Counts) {
        let dimensions = dimensions(
            &place.load_balancer,
            place.group.as_deref(),
            place.zone.as_deref(),
        );
        let by_target = [
            ("RequestCount", counts.requests),
            ("HTTPCode_Target_2XX_Count", counts.target_2xx),
            ("HTTPCode_Target_5XX_Count", counts.target_5xx),
            ("TargetConnectionErrorCount", counts.connection_errors),
        ];
        let by_balancer = [
            (
                "HTTPCode_ELB_5XX_Count",
                counts.elb_502 + counts.elb_503 + counts.elb_504,
            ),
            ("HTTPCode_ELB_502_Count", counts.elb_502),
            ("HTTPCode_ELB_503_Count", counts.elb_503),
            ("HTTPCode_ELB_504_Count", counts.elb_504),
            ("HTTPCode_ELB_3XX_Count", counts.redirects),
            ("HTTP_Redirect_Count", counts.redirects),
            ("HTTP_Fixed_Response_Count", counts.fixed_responses),
        ];
        let own: &[(&str, u64)] = if place.group.is_none() {
            &by_balancer
        } else {
            &[]
        };
        for (name, count) in by_target.iter().chain(own).filter(|(_, count)| *count > 0) {
            // Minimum, Maximum and Average of a count are 1: each request is a sample of its own.
            self.put(
                name,
                &dimensions,
                "Count",
                &Point::value(1.0, *count as f64),
            );
        }
        let times = counts
            .latencies
            .iter()
            .map(|(time, count)| (time.millis() as f64 / 1000.0, *count));
        if let Some(point) = merged(times) {
            self.put("TargetResponseTime", &dimensions, "Seconds", &point);
        }
    }

    /// Host counts are there as long as there are hosts; requests per target only with requests.
    fn hosts(&mut self, group: &str, hosts: &Hosts, ledger: &Ledger) {
        for balancer in self.world.elb.load_balancers_of(group) {
            for (name, counts) in [
                ("HealthyHostCount", &hosts.healthy),
                ("UnHealthyHostCount", &hosts.unhealthy),
            ] {
                for (zone, seconds) in counts {
                    let dimensions = dimensions(&balancer, Some(group), zone.as_deref());
                    self.seconds(name, &dimensions, seconds);
                }
            }
            let here = ledger.iter().filter(|(place, _)| {
                place.load_balancer == balancer && place.group.as_deref() == Some(group)
            });
            let requests: u64 = here.map(|(_, counts)| counts.requests).sum();
            if requests > 0 {
                let point = Point::value(requests as f64 / hosts.mean_healthy().max(1.0), 1.0);
                let both = dimensions(&balancer, Some(group), None);
                let alone = [("TargetGroup", group_name(group))];
                self.put("RequestCountPerTarget", &both, "None", &point);
                self.put("RequestCountPerTarget", &alone, "None", &point);
            }
        }
    }

    fn seconds(&mut self, name: &str, dimensions: &[(&str, &str)], seconds: &BTreeMap<u64, u64>) {
        if let Some(point) = merged(
            seconds
                .iter()
                .map(|(hosts, seconds)| (*hosts as f64, *seconds)),
        ) {
            self.put(name, dimensions, "Count", &point);
        }
    }

    /// How long the minute takes to appear depends on the seed, the minute and the load balancer alone.
    fn put(&mut self, name: &str, dimensions: &[(&str, &str)], unit: &str, point: &Point) {
        let place = dimensions.last().map_or("", |(_, value)| value);
        let mut rng = Rng::named(
            self.seed,
            &["publication", place, &self.at.millis().to_string()],
        );
        let delay = self
            .world
            .cloudwatch
            .switches
            .publication_delay
            .draw(&mut rng);
        let from = self.at + MINUTE + delay;
        self.world.cloudwatch.store.put(
            Metric::new(NAMESPACE, name, dimensions),
            unit,
            self.at,
            from,
            point,
        );
    }
}

fn merged(values: impl Iterator<Item = (f64, u64)>) -> Option<Point> {
    values
        .map(|(value, count)| Point::value(value, count as f64))
        .reduce(|mut all, point| {
            all.merge(&point);
            all
        })
}

/// The load balancer comes last.
fn dimensions<'a>(
    balancer: &'a str,
    group: Option<&'a str>,
    zone: Option<&'a str>,
) -> Vec<(&'static str, &'a str)> {
    let group = group.map(|group| ("TargetGroup", group_name(group)));
    let zone = zone.map(|zone| ("AvailabilityZone", zone));
    group
        .into_iter()
        .chain(zone)
        .chain([("LoadBalancer", balancer_name(balancer))])
        .collect()
}

/// `app/NAME/ID` of a load balancer's ARN.
pub fn balancer_name(arn: &str) -> &str {
    arn.split_once(":loadbalancer/")
        .map_or(arn, |(_, name)| name)
}

/// `targetgroup/NAME/ID` of a target group's ARN.
pub fn group_name(arn: &str) -> &str {
    arn.rsplit_once(':').map_or(arn, |(_, name)| name)
}
