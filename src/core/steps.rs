//! The steps of a rollout: how much of the new revision each has, which gates it asks, and for how long it is held.
//!
//! **Invariant:** a gate that was declared and has no place in a step is named with the reason, never quietly left out.

#[cfg(test)]
mod tests;

use std::time::Duration;

use serde_json::Value;

use super::gate::{Bounds, Check, Gate};
use super::live::{Rule, Service};
use super::plan::{Balanced, Beside, CodeDeploy, Native, Plan, Sides, Strategy};
use super::service::{CanarySize, Intent, Share, Step};

/// One step, as it is held.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    pub share: Share,
    pub gates: Vec<Gate>,
    /// Declared gates that have no place here.
    pub left_out: Vec<LeftOut>,
    /// For how long the step holds, whatever its gates say.
    pub bake: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    pub gate: String,
    pub why: &'static str,
}

/// ECS waits at a pause for so long at most (`timeoutInMinutes` of a PAUSE hook).
const LONGEST_PAUSE: u64 = 20_160;

/// A pause lasts so much longer than what is waited for in it.
const SPARE: Duration = Duration::from_mins(10);

impl Plan {
    /// Every step that this rollout comes to, in order.
    pub fn steps(&self) -> Vec<Asked> {
        let shares = match &self.strategy {
            Strategy::Rolling => vec![Share::ALL],
            Strategy::Beside(beside) => vec![canary_of(beside), Share::ALL],
            Strategy::TaskSets(sets) => {
                let weights = sets
                    .steps
                    .iter()
                    .map(|step| Share::Traffic(f64::from(*step)));
                std::iter::once(Share::NOTHING).chain(weights).collect()
            }
            Strategy::Native(native) => native.shares(),
            Strategy::CodeDeploy(way) => {
                let percents = way.moves.percents.iter();
                let partial = percents.map(|percent| Share::Traffic(f64::from(*percent)));
                let all = std::iter::once(Share::NOTHING).chain(partial);
                all.chain([Share::ALL]).collect()
            }
        };
        shares.into_iter().map(|share| self.asked(share)).collect()
    }

    /// What is asked when the new revision has this much.
    pub fn asked(&self, share: Share) -> Asked {
        let step = self.intent.steps_at(share);
        let own = step.and_then(|step| step.gates.as_deref());
        let bake = step.and_then(|step| step.bake);
        let bake = bake.unwrap_or_else(|| self.usual_bake(share));
        let declared = own.or(self.intent.gates.as_deref());
        let mut gates = Gate::for_step(declared, &self.ground.alarms, bake);
        if declared.is_none() {
            self.suit_defaults(&mut gates, share, bake);
        }
        let mut left_out = Vec::new();
        gates.retain(|gate| match self.misplaced(gate, share, own.is_some()) {
            None => true,
            Some(why) => {
                let gate = gate.name.clone();
                left_out.push(LeftOut { gate, why });
                false
            }
        });
        if declared.is_none() {
            left_out.clear();
        }
        Asked {
            share,
            gates,
            left_out,
            bake,
        }
    }

    /// How long the whole rollout may take: what was asked for, and what it is told to wait for beyond its own work:
    /// the time that steps are held, and the time that people have.
    pub fn time_limit(&self) -> Duration {
        let steps = self.steps();
        let held = steps
            .iter()
            .map(|step| step.waits().max(self.stays_at(step.share)));
        self.intent.limits.timeout + held.sum::<Duration>()
    }

    /// How long AWS's own engine stays at a share, whatever is asked meanwhile.
    fn stays_at(&self, share: Share) -> Duration {
        let is_partial = share != Share::NOTHING && share != Share::ALL;
        match &self.strategy {
            Strategy::CodeDeploy(CodeDeploy { moves, .. }) if is_partial => {
                let steps = u32::try_from(moves.percents.len()).unwrap_or(u32::MAX);
                moves.takes / steps.max(1)
            }
            _ => self.ecs_bakes(share),
        }
    }

    /// For how long ECS itself bakes when the new revision has this much, before it goes on.
    pub fn ecs_bakes(&self, share: Share) -> Duration {
        match &self.strategy {
            Strategy::Native(native) => native.bake_at(share),
            _ => Duration::ZERO,
        }
    }

    /// How many minutes ECS must wait at our pauses so that no step is cut short.
    pub fn minutes_of_pauses(&self) -> u64 {
        let longest = self.steps().iter().map(Asked::longest).max();
        let minutes = (longest.unwrap_or_default() + SPARE).as_secs().div_ceil(60);
        minutes
            .max(u64::from(self.intent.pause_minutes))
            .min(LONGEST_PAUSE)
    }

    fn usual_bake(&self, share: Share) -> Duration {
        let asked = self.intent.hold.unwrap_or_default();
        match &self.strategy {
            Strategy::Rolling => asked,
            Strategy::Beside(beside) if share != Share::ALL => beside.bake,
            Strategy::TaskSets(sets) if share != Share::NOTHING => sets.hold,
            Strategy::Native(_) | Strategy::CodeDeploy(_) if share != Share::NOTHING => asked,
            _ => Duration::ZERO,
        }
    }

    /// The default gates bear as many failed tasks as the rollout itself.
    fn suit_defaults(&self, gates: &mut Vec<Gate>, share: Share, bake: Duration) {
        if self.is_proven_by_ecs(share, bake) {
            gates.clear();
        }
        let tasks = match &self.strategy {
            Strategy::Beside(beside) if share != Share::ALL => beside.tasks,
            _ => self.before.desired_count,
        };
        let limit = self.intent.limits.failed_tasks.limit(tasks);
        let borne = limit.map_or(u32::MAX, |limit| limit.saturating_sub(1));
        for gate in gates {
            if let Check::Tasks { max_restarts } = &mut gate.check {
                *max_restarts = borne;
            }
        }
    }

    /// ECS completes a rolling deployment when its tasks and targets are well and its alarms were quiet: without a time
    /// to hold, the default gates would only say it again.
    fn is_proven_by_ecs(&self, share: Share, bake: Duration) -> bool {
        let is_rolling = matches!(self.strategy, Strategy::Rolling | Strategy::Beside(_));
        is_rolling && share == Share::ALL && bake.is_zero()
    }

    fn misplaced(&self, gate: &Gate, share: Share, is_for_this_step: bool) -> Option<&'static str> {
        let is_compared = gate.compares();
        match &self.strategy {
            _ if gate.check == Check::Targets && self.ground.balanced == Balanced::No => {
                Some("the service has no target group")
            }
            Strategy::Rolling | Strategy::Beside(_) if is_compared => {
                Some("both revisions share a target group")
            }
            Strategy::Native(_) if is_compared && self.ground.balanced == Balanced::No => {
                Some("the service has no target group")
            }
            Strategy::CodeDeploy(way) if is_compared && way.load_balancer.is_none() => {
                Some("its target groups cannot be told apart")
            }
            _ if is_compared && share == Share::ALL => {
                Some("the old revision has no requests left")
            }
            _ if is_compared && share == Share::NOTHING => {
                Some("the new revision has no requests yet")
            }
            // A step may have test traffic that its author knows of.
            _ if gate.counts_requests() && share == Share::NOTHING && !is_for_this_step => {
                Some("the new revision has no requests yet")
            }
            _ => None,
        }
    }
}

impl Asked {
    /// `errors: both revisions share a target group`, and so on.
    pub fn left_out_in_words(&self) -> Vec<String> {
        let left_out = self.left_out.iter();
        left_out
            .map(|LeftOut { gate, why }| format!("{gate}: {why}"))
            .collect()
    }

    /// How long it may be held: until its last gate has to have decided.
    fn longest(&self) -> Duration {
        let gates = self.gates.iter();
        let decided = gates.map(|gate| gate.pace.bake + gate.pace.timeout).max();
        self.bake.max(decided.unwrap_or_default())
    }

    /// How long it waits by design: the bake, and people.
    fn waits(&self) -> Duration {
        let people = self
            .gates
            .iter()
            .filter(|gate| matches!(gate.check, Check::Approval(_)));
        self.bake
            + people
                .map(|gate| gate.pace.timeout)
                .max()
                .unwrap_or_default()
    }
}

impl Intent {
    /// The configured step that covers a share: the last that has no more than that.
    fn steps_at(&self, share: Share) -> Option<&Step> {
        let Share::Traffic(percent) = share else {
            return self
                .steps
                .iter()
                .find(|step| matches!(step.share, Share::Tasks(_)));
        };
        let covering = self.steps.iter().filter_map(|step| match step.share {
            Share::Traffic(at) if at <= percent => Some((at, step)),
            _ => None,
        });
        covering
            .max_by(|(a, _), (b, _)| a.total_cmp(b))
            .map(|(_, step)| step)
    }
}

impl Native {
    /// Green's shares at which ECS stops or bakes.
    fn shares(&self) -> Vec<Share> {
        let number = |pointer: [&str; 2], rest: f64| {
            let member = self
                .during
                .get(pointer[0])
                .and_then(|of| of.get(pointer[1]));
            member.and_then(Value::as_f64).unwrap_or(rest)
        };
        let mut shares = vec![Share::NOTHING];
        match self.during.get("strategy").and_then(Value::as_str) {
            Some("CANARY") => {
                shares.push(Share::Traffic(number(
                    ["canaryConfiguration", "canaryPercent"],
                    5.0,
                )));
            }
            Some("LINEAR") => {
                let step = number(["linearConfiguration", "stepPercent"], 10.0).max(3.0);
                let before_the_last = (1..34).map(|n| f64::from(n) * step);
                shares.extend(
                    before_the_last
                        .take_while(|at| *at < 100.0)
                        .map(Share::Traffic),
                );
            }
            _ => {}
        }
        shares.push(Share::ALL);
        shares
    }

    /// How long ECS itself bakes with this share. Source of the defaults: ECS API reference, `CanaryConfiguration` (10
    /// minutes) and `LinearConfiguration` (6 minutes, none after the last step).
    fn bake_at(&self, share: Share) -> Duration {
        let of = |of: &str, name: &str| self.during.get(of)?.get(name)?.as_u64();
        let strategy = self.during.get("strategy").and_then(Value::as_str);
        Duration::from_mins(match strategy {
            _ if share == Share::NOTHING => 0,
            _ if share == Share::ALL => {
                let last = self.during.get("bakeTimeInMinutes");
                last.and_then(Value::as_u64).unwrap_or_default()
            }
            Some("CANARY") => of("canaryConfiguration", "canaryBakeTimeInMinutes").unwrap_or(10),
            Some("LINEAR") => of("linearConfiguration", "stepBakeTimeInMinutes").unwrap_or(6),
            _ => 0,
        })
    }
}

impl Gate {
    /// Whether it reads a metric of requests to the new side.
    fn counts_requests(&self) -> bool {
        match &self.check {
            Check::Errors(_) => true,
            Check::Metric(check) => check
                .queries
                .iter()
                .any(super::gate::MetricQuery::is_of_a_target_group),
            _ => false,
        }
    }

    /// Whether it can only be asked where the load balancer is known.
    pub fn names_balancer(&self) -> bool {
        match &self.check {
            Check::Errors(_) => true,
            Check::Metric(check) => {
                matches!(check.bounds, Bounds::NewOverOld { .. }) || self.counts_requests()
            }
            _ => false,
        }
    }
}

pub fn canary_of(beside: &Beside) -> Share {
    Share::Tasks(CanarySize::Tasks(beside.tasks))
}

/// The pairs of target groups of a service whose traffic ECS can shift, as its production rules stand: the group that
/// has all of the traffic serves. Roles change hands with each deployment, so that the service's own order says nothing.
pub fn sides(service: &Service, rules: &[Rule]) -> Vec<Sides> {
    let pairs = service.pairs();
    let known = pairs.into_iter().filter_map(|(groups, arn)| {
        let rule = rules.iter().find(|rule| rule.arn == arn)?;
        let serves = |group| (rule.share(group) - 1.0).abs() < 1e-9;
        let [one, other] = groups;
        let (blue, green) = if serves(&one) {
            (one, other)
        } else if serves(&other) {
            (other, one)
        } else {
            return None;
        };
        let rule = arn;
        Some(Sides { rule, blue, green })
    });
    known.collect()
}
