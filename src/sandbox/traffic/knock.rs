//! One request from outside the world: what a probe of a URL meets. It is counted like any other.

use std::collections::BTreeMap;

use http::Uri;

use crate::sandbox::elb::{Action, Elb, Rule};
use crate::sandbox::traffic::flow::{Ask, Traffic};
use crate::sandbox::traffic::ledger::{Counts, Ledger};
use crate::sandbox::traffic::route::rule_for;
use crate::sandbox::traffic::source::{Failure, Seen, Source};
use crate::sandbox::{Duration, Sandbox, Time, ecs};

/// What the client got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Knock {
    pub status: u16,
    pub took: Duration,
}

impl Sandbox {
    /// A GET of `url`, sent to the application load balancer of that name; every other name is taken to lead to the
    /// only one there is. The error says why nobody answers.
    pub fn knock(&mut self, url: &Uri, headers: BTreeMap<String, String>) -> Result<Knock, String> {
        let world = &mut self.world;
        let source = source(&world.elb, url, headers)?;
        let (ecs, elb, now) = (&world.ecs, &world.elb, world.now);
        let ask = |id: &str, port| ecs::reach(ecs, now, id, port);
        Ok(world.traffic.knock(&source, now, elb, &ask))
    }
}

fn source(elb: &Elb, url: &Uri, headers: BTreeMap<String, String>) -> Result<Source, String> {
    let host = url.host().unwrap_or_default();
    let usual = if url.scheme_str() == Some("https") {
        443
    } else {
        80
    };
    let port = url.port_u16().unwrap_or(usual);
    let application = || {
        elb.load_balancers
            .values()
            .filter(|lb| lb.kind == "application")
    };
    let named = application().find(|lb| lb.dns_name.eq_ignore_ascii_case(host));
    let only = || {
        let mut all = application();
        all.next().filter(|_| all.next().is_none())
    };
    let balancer = named
        .or_else(only)
        .ok_or_else(|| format!("no load balancer is named {host}"))?;
    let listener = elb
        .listeners
        .values()
        .find(|listener| listener.load_balancer == balancer.arn && listener.port == port)
        .ok_or_else(|| format!("nothing listens on port {port} of {}", balancer.name))?;
    let query = url.query().unwrap_or_default();
    Ok(Source::once(
        &listener.arn,
        host,
        (url.path(), query),
        headers,
    ))
}

impl Traffic {
    fn knock(&mut self, source: &Source, now: Time, elb: &Elb, ask: &Ask<'_>) -> Knock {
        let second = std::mem::take(&mut self.second);
        let seen = self.send(1, source, now, elb, ask);
        let counted = std::mem::replace(&mut self.second, second);
        let took = took(&counted);
        for (place, counts) in counted {
            self.minute.entry(place).or_default().add(&counts);
        }
        let status = status(&seen, rule_for(elb, source));
        Knock { status, took }
    }
}

fn took(counted: &Ledger) -> Duration {
    let latencies = counted
        .values()
        .flat_map(|counts: &Counts| counts.latencies.keys());
    latencies.max().copied().unwrap_or(Duration::ZERO)
}

fn status(seen: &Seen, rule: Option<&Rule>) -> u16 {
    match seen.failed.keys().next() {
        Some(Failure::Target5xx) => 500,
        Some(Failure::BadGateway) => 502,
        Some(Failure::NoTarget | Failure::NoListener) => 503,
        Some(Failure::Timeout) => 504,
        Some(Failure::FixedResponse) | None => rule.and_then(own_answer).unwrap_or(200),
    }
}

/// What a rule answers that forwards to nobody.
fn own_answer(rule: &Rule) -> Option<u16> {
    let Action::Other(action) = rule.actions.last()? else {
        return None;
    };
    let of = |config: &str| {
        action[config]["StatusCode"]
            .as_str()?
            .trim_start_matches("HTTP_")
            .parse()
            .ok()
    };
    of("FixedResponseConfig").or_else(|| of("RedirectConfig"))
}
