//! Where requests come from: an entry of the world file's `traffic`, and what its clients have seen.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::sandbox::elb::{Elb, find_listener};
use crate::sandbox::{World, WorldError};

/// An entry of `traffic`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SourceSeed {
    /// A listener's name (`web:80`) or ARN, or the name of a load balancer that has just one.
    pub listener: String,
    /// May have a fraction: 0.5 is a request every other second.
    pub requests_per_second: f64,
    /// With a query, if need be: `/search?q=a`. Without, `/`.
    pub path: Option<String>,
    /// Without, the load balancer's own name.
    pub host: Option<String>,
    /// `GET` without.
    pub method: Option<String>,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

/// A steady stream of like requests.
#[derive(Clone, Debug)]
pub struct Source {
    /// ARN.
    pub listener: String,
    pub host: String,
    pub path: String,
    /// Without the question mark.
    pub query: String,
    pub method: String,
    pub headers: BTreeMap<String, String>,
    pub seen: Seen,
    /// Requests in a thousand seconds.
    rate: u64,
    /// Thousandths of a request that are due.
    due: u64,
}

/// Why a client's request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    /// The target answered with a 5xx.
    Target5xx,
    /// 502: the target refused the connection.
    BadGateway,
    /// 503: no target to go to.
    NoTarget,
    /// 504: the target did not answer.
    Timeout,
    /// A rule's fixed response is a 5xx.
    FixedResponse,
    /// Nothing listens there any more.
    NoListener,
}

/// What clients have seen so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub served: u64,
    pub failed: BTreeMap<Failure, u64>,
}

impl Failure {
    /// A short name for people and pages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Target5xx => "target 5xx",
            Self::BadGateway => "502",
            Self::NoTarget => "503",
            Self::Timeout => "504",
            Self::FixedResponse => "fixed 5xx",
            Self::NoListener => "no listener",
        }
    }
}

impl Seen {
    pub fn fail(&mut self, why: Failure, count: u64) {
        if count > 0 {
            *self.failed.entry(why).or_default() += count;
        }
    }

    pub fn lost(&self) -> u64 {
        self.failed.values().sum()
    }

    pub fn add(&mut self, other: &Self) {
        self.served += other.served;
        for (why, count) in &other.failed {
            self.fail(*why, *count);
        }
    }
}

impl Source {
    /// One request, and no more.
    pub(super) fn once(
        listener: &str,
        host: &str,
        (path, query): (&str, &str),
        headers: BTreeMap<String, String>,
    ) -> Self {
        Self {
            listener: listener.to_owned(),
            host: host.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            method: "GET".to_owned(),
            headers,
            seen: Seen::default(),
            rate: 0,
            due: 0,
        }
    }

    /// Changes the rate, in requests per second; below a thousandth it is 0.
    pub fn set_rate(&mut self, requests_per_second: f64) {
        self.rate = (requests_per_second.max(0.0) * 1000.0).round() as u64;
    }

    /// Requests that come in the next second.
    pub fn next_second(&mut self) -> u64 {
        self.due += self.rate;
        let now = self.due / 1000;
        self.due %= 1000;
        now
    }
}

/// Takes over the world file's `traffic`.
pub fn seed(world: &mut World, entries: Vec<SourceSeed>) -> Result<(), WorldError> {
    for (index, entry) in entries.into_iter().enumerate() {
        let source = read(&world.elb, entry)
            .map_err(|why| WorldError::Invalid(format!("traffic[{index}]: {why}")))?;
        world.traffic.sources.push(source);
    }
    Ok(())
}

fn read(elb: &Elb, entry: SourceSeed) -> Result<Source, String> {
    let listener = resolve(elb, &entry.listener)?;
    let balancer = elb
        .listeners
        .get(&listener)
        .and_then(|listener| elb.load_balancers.get(&listener.load_balancer));
    let balancer = balancer.filter(|balancer| balancer.kind == "application");
    let balancer = balancer.ok_or("traffic is modelled only through application load balancers")?;
    if !(0.0..=1e6).contains(&entry.requests_per_second) {
        return Err(format!(
            "requestsPerSecond must be from 0 to 1000000, not {}",
            entry.requests_per_second
        ));
    }
    let path = entry.path.unwrap_or_else(|| "/".to_owned());
    if !path.starts_with('/') {
        return Err(format!("path {path:?} must begin with a slash"));
    }
    let (path, query) = path.split_once('?').unwrap_or((&path, ""));
    let mut source = Source {
        listener,
        host: entry.host.unwrap_or_else(|| balancer.dns_name.clone()),
        path: path.to_owned(),
        query: query.to_owned(),
        method: entry.method.unwrap_or_else(|| "GET".to_owned()),
        headers: entry.headers,
        seen: Seen::default(),
        rate: 0,
        due: 0,
    };
    source.set_rate(entry.requests_per_second);
    Ok(source)
}

fn resolve(elb: &Elb, name: &str) -> Result<String, String> {
    if let Some(found) = find_listener(elb, name) {
        return Ok(found);
    }
    if elb.listeners.contains_key(name) {
        return Ok(name.to_owned());
    }
    let is_there = |arn: &String| {
        elb.load_balancers
            .get(arn)
            .is_some_and(|balancer| balancer.name == name || balancer.arn == name)
    };
    let listeners: Vec<&String> = elb
        .listeners
        .values()
        .filter(|listener| is_there(&listener.load_balancer))
        .map(|listener| &listener.arn)
        .collect();
    match listeners.as_slice() {
        [only] => Ok((*only).clone()),
        [] => Err(format!("there is no listener {name}")),
        _ => Err(format!("{name} has several listeners; write {name}:PORT")),
    }
}
