//! One second of traffic.

use std::collections::{BTreeMap, BTreeSet};

use crate::sandbox::apps::Behaviour;
use crate::sandbox::elb::{Action, Elb, Rule, TargetState};
use crate::sandbox::traffic::candidate::{Candidate, candidates};
use crate::sandbox::traffic::ledger::{Counts, Hosts, Ledger, Place};
use crate::sandbox::traffic::route::rule_for;
use crate::sandbox::traffic::source::{Failure, Seen, Source};
use crate::sandbox::traffic::split::Split;
use crate::sandbox::{Duration, Time};

/// `idle_timeout.timeout_seconds`, as an Application Load Balancer has it by default: later answers are its own 504.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// What a request to a target's id and port meets.
#[derive(Clone, Copy, Debug)]
pub enum Reach<'a> {
    App(&'a Behaviour),
    /// Nobody there, or not ready: no connection.
    Refused,
    /// A connection but no answer.
    Hangs,
}

/// Answers "who is behind this target id and port".
pub(super) type Ask<'a> = dyn Fn(&str, u16) -> Reach<'a> + 'a;

/// All traffic, and what has been counted of it.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    pub sources: Vec<Source>,
    /// What was counted in the last second.
    pub second: Ledger,
    /// What has been counted since the last full minute.
    pub(super) minute: Ledger,
    /// The same for hosts, by target group ARN.
    hosts: BTreeMap<String, Hosts>,
    /// By rule ARN, among its groups.
    among_groups: BTreeMap<String, Split<String>>,
    /// By group ARN.
    within: BTreeMap<String, Within>,
}

/// What a group remembers to share fairly.
#[derive(Clone, Debug, Default)]
struct Within {
    targets: Split<(String, u16)>,
    latencies: Split<usize>,
    /// Millionths of an error that are due.
    errors_due: u64,
}

/// How answers spread around an app's mean time: percent of the requests, and their part of the mean in thousandths.
/// The mean of it is the mean. (The shape, with its long tail, is the sandbox's.)
const SPREAD: [(u64, u64); 5] = [(50, 700), (30, 950), (15, 1400), (4, 2500), (1, 5500)];

impl Traffic {
    /// What all clients together have seen.
    pub fn seen(&self) -> Seen {
        let mut all = Seen::default();
        self.sources.iter().for_each(|source| all.add(&source.seen));
        all
    }

    /// What each target group got in the last second, by ARN.
    pub fn by_group(&self) -> BTreeMap<&str, Counts> {
        let mut all: BTreeMap<&str, Counts> = BTreeMap::new();
        for (place, counts) in &self.second {
            if let Some(group) = &place.group {
                all.entry(group).or_default().add(counts);
            }
        }
        all
    }

    /// Takes what was counted since this was last called.
    pub fn take_minute(&mut self) -> (Ledger, BTreeMap<String, Hosts>) {
        (
            std::mem::take(&mut self.minute),
            std::mem::take(&mut self.hosts),
        )
    }

    /// Sends the requests of the second that ends at `now`.
    pub fn tick(&mut self, now: Time, elb: &Elb, ask: &Ask<'_>) {
        self.second = Ledger::new();
        let mut sources = std::mem::take(&mut self.sources);
        for source in &mut sources {
            let count = source.next_second();
            if count > 0 {
                let seen = self.send(count, source, now, elb, ask);
                source.seen.add(&seen);
            }
        }
        self.sources = sources;
        for (place, counts) in &self.second {
            self.minute.entry(place.clone()).or_default().add(counts);
        }
        self.note_hosts(elb);
        self.forget(elb);
    }

    pub(super) fn send(
        &mut self,
        count: u64,
        source: &Source,
        now: Time,
        elb: &Elb,
        ask: &Ask<'_>,
    ) -> Seen {
        let mut seen = Seen::default();
        let listener = elb.listeners.get(&source.listener);
        let (Some(listener), Some(rule)) = (listener, rule_for(elb, source)) else {
            seen.fail(Failure::NoListener, count);
            return seen;
        };
        let balancer = &listener.load_balancer;
        if rule.forwards().next().is_none() {
            let counts = answer_by_rule(rule, count, &mut seen);
            self.count(balancer, None, None, &counts);
            return seen;
        }
        let weights: Vec<(&String, u64)> = rule
            .forwards()
            .map(|group| (&group.arn, u64::from(group.weight)))
            .collect();
        let shares = self
            .among_groups
            .entry(rule.arn.clone())
            .or_default()
            .share(count, &weights);
        let nobody = count - shares.iter().sum::<u64>();
        self.turn_away(balancer, nobody, &mut seen);
        for ((arn, _), share) in weights.iter().zip(shares).filter(|(_, share)| *share > 0) {
            let targets = elb
                .group(arn)
                .map(|group| candidates(group, now))
                .unwrap_or_default();
            if targets.is_empty() {
                self.turn_away(balancer, share, &mut seen);
            } else {
                self.serve(balancer, arn, share, &targets, ask, &mut seen);
            }
        }
        seen
    }

    /// 503: there is nobody to send these to.
    fn turn_away(&mut self, balancer: &str, count: u64, seen: &mut Seen) {
        if count > 0 {
            seen.fail(Failure::NoTarget, count);
            self.count(
                balancer,
                None,
                None,
                &Counts {
                    elb_503: count,
                    ..Counts::default()
                },
            );
        }
    }

    fn serve(
        &mut self,
        balancer: &str,
        arn: &str,
        count: u64,
        targets: &[Candidate<'_>],
        ask: &Ask<'_>,
        seen: &mut Seen,
    ) {
        let weights: Vec<(&(String, u16), u64)> = targets
            .iter()
            .map(|target| (target.key, target.weight))
            .collect();
        let mut within = self.within.remove(arn).unwrap_or_default();
        let shares = within.targets.share(count, &weights);
        let mut by_zone: BTreeMap<Option<&str>, Counts> = BTreeMap::new();
        for (target, share) in targets.iter().zip(shares).filter(|(_, share)| *share > 0) {
            let (id, port) = target.key;
            let counts = within.meet(ask(id, *port), share, seen);
            by_zone
                .entry(target.target.zone.as_deref())
                .or_default()
                .add(&counts);
        }
        self.within.insert(arn.to_owned(), within);
        for (zone, counts) in by_zone {
            self.count(balancer, Some(arn), zone, &counts);
        }
    }

    fn count(&mut self, balancer: &str, group: Option<&str>, zone: Option<&str>, counts: &Counts) {
        let place = Place {
            load_balancer: balancer.to_owned(),
            group: group.map(str::to_owned),
            zone: zone.map(str::to_owned),
        };
        self.second.entry(place).or_default().add(counts);
    }

    /// Counts the hosts of every group that is in use.
    fn note_hosts(&mut self, elb: &Elb) {
        let in_use: BTreeSet<&str> = elb
            .rules
            .values()
            .flat_map(Rule::forwards)
            .map(|group| group.arn.as_str())
            .collect();
        for group in in_use
            .into_iter()
            .filter_map(|arn| elb.group(arn))
            .filter(|group| !group.targets.is_empty())
        {
            let mut zones: BTreeMap<Option<&str>, (u64, u64)> = BTreeMap::from([(None, (0, 0))]);
            for target in group.targets.values() {
                let healthy = u64::from(target.health.healthy_since().is_some());
                let unhealthy = u64::from(
                    healthy == 0 && target.health.report().state == TargetState::Unhealthy,
                );
                let zone = target.zone.as_deref().filter(|_| healthy + unhealthy > 0);
                for part in std::iter::once(None).chain(zone.map(Some)) {
                    let sums = zones.entry(part).or_default();
                    *sums = (sums.0 + healthy, sums.1 + unhealthy);
                }
            }
            let hosts = self.hosts.entry(group.arn.clone()).or_default();
            for (zone, (healthy, unhealthy)) in zones {
                hosts.note(zone, healthy, unhealthy);
            }
        }
    }

    /// Drops what is remembered of rules and groups that are gone.
    fn forget(&mut self, elb: &Elb) {
        self.among_groups
            .retain(|arn, _| elb.rules.contains_key(arn));
        self.within.retain(|arn, _| elb.groups.contains_key(arn));
    }
}

impl Within {
    /// What comes of these requests at one target.
    fn meet(&mut self, reach: Reach<'_>, requests: u64, seen: &mut Seen) -> Counts {
        let counts = Counts {
            requests,
            ..Counts::default()
        };
        let reach = match reach {
            Reach::App(app) if app.latency >= IDLE_TIMEOUT => Reach::Hangs,
            other => other,
        };
        match reach {
            Reach::Refused => {
                seen.fail(Failure::BadGateway, requests);
                Counts {
                    connection_errors: requests,
                    elb_502: requests,
                    ..counts
                }
            }
            Reach::Hangs => {
                seen.fail(Failure::Timeout, requests);
                Counts {
                    elb_504: requests,
                    ..counts
                }
            }
            Reach::App(app) => {
                self.errors_due += (app.error_rate.clamp(0.0, 1.0) * 1e6).round() as u64 * requests;
                let errors = self.errors_due / 1_000_000;
                self.errors_due %= 1_000_000;
                let errors = errors.min(requests);
                seen.fail(Failure::Target5xx, errors);
                seen.served += requests - errors;
                let latencies = self.spread(requests, app.latency);
                Counts {
                    target_2xx: requests - errors,
                    target_5xx: errors,
                    latencies,
                    ..counts
                }
            }
        }
    }

    fn spread(&mut self, requests: u64, mean: Duration) -> BTreeMap<Duration, u64> {
        let classes = [0, 1, 2, 3, 4];
        let weights: Vec<(&usize, u64)> = classes
            .iter()
            .map(|class| (class, SPREAD[*class].0))
            .collect();
        let shares = self.latencies.share(requests, &weights);
        let time = |(_, part): (u64, u64)| Duration::from_millis(mean.millis() * part / 1000);
        SPREAD
            .into_iter()
            .map(time)
            .zip(shares)
            .filter(|(_, share)| *share > 0)
            .fold(BTreeMap::new(), |mut all, (time, share)| {
                *all.entry(time).or_default() += share;
                all
            })
    }
}

/// A rule that answers by itself: a redirect (also to sign in), or a fixed response.
fn answer_by_rule(rule: &Rule, count: u64, seen: &mut Seen) -> Counts {
    let last = rule.actions.last();
    let Some(Action::Other(action)) = last else {
        return Counts::default();
    };
    let is_fixed = action["Type"] == "fixed-response";
    let status = action["FixedResponseConfig"]["StatusCode"]
        .as_str()
        .unwrap_or_default();
    if is_fixed && status.starts_with('5') {
        seen.fail(Failure::FixedResponse, count);
    } else {
        seen.served += count;
    }
    let redirects = if action["Type"] == "redirect" {
        count
    } else {
        0
    };
    Counts {
        fixed_responses: if is_fixed { count } else { 0 },
        redirects,
        ..Counts::default()
    }
}
