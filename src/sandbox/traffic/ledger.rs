//! What a load balancer counts, by the place where it happened.

use std::collections::BTreeMap;
use std::fmt;

use crate::sandbox::Duration;

/// Where something was counted: at a load balancer, and at a target of a group if a target was chosen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// ARN.
    pub load_balancer: String,
    /// ARN.
    pub group: Option<String>,
    /// The zone of the target, where it is known.
    pub zone: Option<String>,
}

/// Numbers of requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests for which a target was chosen.
    pub requests: u64,
    /// Answers of targets.
    pub target_2xx: u64,
    pub target_5xx: u64,
    /// Connections that a target refused.
    pub connection_errors: u64,
    /// Answers of the load balancer in place of a target.
    pub elb_502: u64,
    pub elb_503: u64,
    pub elb_504: u64,
    /// Answers of rules that do not forward.
    pub fixed_responses: u64,
    pub redirects: u64,
    /// How long targets took: number of answers by time.
    pub latencies: BTreeMap<Duration, u64>,
}

/// Counts by place.
pub type Ledger = BTreeMap<Place, Counts>;

/// How many hosts a group had: seconds by number, for the whole group (`None`) and for each zone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts {
    pub healthy: BTreeMap<Option<String>, BTreeMap<u64, u64>>,
    pub unhealthy: BTreeMap<Option<String>, BTreeMap<u64, u64>>,
}

impl Counts {
    pub fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.target_2xx += other.target_2xx;
        self.target_5xx += other.target_5xx;
        self.connection_errors += other.connection_errors;
        self.elb_502 += other.elb_502;
        self.elb_503 += other.elb_503;
        self.elb_504 += other.elb_504;
        self.fixed_responses += other.fixed_responses;
        self.redirects += other.redirects;
        for (latency, count) in &other.latencies {
            *self.latencies.entry(*latency).or_default() += count;
        }
    }
}

/// `45 requests, 2 of them 5xx, 1 refused`.
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.requests == 1 { "" } else { "s" };
        write!(f, "{} request{plural}", self.requests)?;
        let parts = [
            (self.target_5xx, "of them 5xx"),
            (self.elb_502, "refused"),
            (self.elb_504, "timed out"),
        ];
        for (count, what) in parts.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, ", {count} {what}")?;
        }
        Ok(())
    }
}

impl Hosts {
    /// Notes one second.
    pub fn note(&mut self, zone: Option<&str>, healthy: u64, unhealthy: u64) {
        let zone = zone.map(str::to_owned);
        *self
            .healthy
            .entry(zone.clone())
            .or_default()
            .entry(healthy)
            .or_default() += 1;
        *self
            .unhealthy
            .entry(zone)
            .or_default()
            .entry(unhealthy)
            .or_default() += 1;
    }

    /// The mean number of healthy hosts.
    pub fn mean_healthy(&self) -> f64 {
        let seconds = self.healthy.get(&None).into_iter().flatten();
        let (sum, count) = seconds.fold((0, 0), |(sum, count), (hosts, seconds)| {
            (sum + hosts * seconds, count + seconds)
        });
        if count == 0 {
            0.0
        } else {
            sum as f64 / count as f64
        }
    }
}
