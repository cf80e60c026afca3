//! The one door by which every strategy asks its gates.
//!
//! Whoever has the new revision's capacity in place for a step calls [`Turning::hold`] with the step's share and who is
//! judged, at each turn until it passes. While it waits, the strategy ends its turn with [`Turning::look_on`]; when it
//! fails, with its own way back and the cause that it was given. **Invariant:** looks are counted in the state, so that
//! a run that takes up goes on where the last one stood; a step without gates and without a time to hold just passes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::gates::{Look, hear, look};
use super::turning::Turning;
use super::{Facet, Turn, Watch};
use crate::core::gate::{
    Balanced, Gate, GateProgress, Judgement, Side, Standing, Subject, Verdict, deadline,
};
use crate::core::id::{DeploymentId, ServiceKey, TargetGroupArn};
use crate::core::live::Service;
use crate::core::report::{Cause, Event};
use crate::core::service::Share;
use crate::core::steps::Asked;

/// The gates of the step that is held: what outlives the process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gating {
    pub share: Share,
    pub progress: GateProgress,
    /// Each gate's verdict as it was told.
    pub told: BTreeMap<String, Verdict>,
    /// The load balancer in front of a target group that both revisions share, once it was looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared: Option<Balanced>,
}

/// Where a step stands.
#[derive(Debug)]
pub enum Held {
    /// Every gate has passed, and the step was held for its time. Whoever has to stay in it goes on looking with this.
    Passed(Look),
    /// To be looked at again, with this.
    Waiting(Look),
    /// A gate did not hold, had no data, or could not be measured: the way back.
    Failed(Cause),
}

/// Two target groups that have a revision each, and the load balancer in front of them (`app/NAME/ID`), where it is known.
#[derive(Clone, Copy, Debug)]
pub struct Divided<'a> {
    pub load_balancer: Option<&'a str>,
    pub blue: &'a TargetGroupArn,
    pub green: &'a TargetGroupArn,
}

impl Turning<'_> {
    /// Asks the gates of the step in which the new revision has this share. `service` is what one-off tasks take their
    /// network and capacity from; the next look comes after `pause` at the latest.
    pub fn hold(
        &mut self,
        share: Share,
        subject: Subject,
        service: &Service,
        pause: SignedDuration,
    ) -> Held {
        let asked = self.plan.asked(share);
        if asked.gates.is_empty() && asked.bake.is_zero() {
            let wake_at = Some(self.now + pause);
            return Held::Passed(Look {
                wake_at,
                ..Look::default()
            });
        }
        let subject = Subject {
            rollout: self.run_of(share),
            ..subject
        };
        let mut gating = self.step(&asked);
        if subject.old.is_none() {
            gating.shared = subject.new.own.clone().or(gating.shared);
        }
        let (gates, now) = (&asked.gates, self.now);
        let (progress, judgement) =
            hear(gates, &gating.progress, &subject, service, self.seen, now);
        gating.progress = progress;
        self.tell_standings(share, &mut gating, &judgement);
        let baked = gating.progress.watched_for(signed(asked.bake));
        let latest = now + pause;
        let latest = if now < baked {
            latest.min(baked)
        } else {
            latest
        };
        let ahead = look(gates, &gating.progress, &subject, service, now, latest);
        self.tell_asked(gates, &mut gating, &ahead);
        self.next.gating = Some(gating);
        match judgement.verdict {
            Verdict::Pass if now >= baked => Held::Passed(ahead),
            Verdict::Pass | Verdict::Wait => Held::Waiting(ahead),
            Verdict::NoData | Verdict::Error | Verdict::Fail => {
                Held::Failed(cause(share, judgement))
            }
        }
    }

    /// Whether the gates of this step have begun to be asked.
    pub fn is_holding(&self, share: Share) -> bool {
        self.next
            .gating
            .as_ref()
            .is_some_and(|gating| gating.share == share)
    }

    /// Ends the turn: to be looked at again, with what the gates have to see and do.
    pub fn look_on(self, look: Look, mut watch: Watch) -> Turn {
        watch.extend(look.watch);
        Turn {
            act: look.act,
            wake_at: look.wake_at,
            ..self.look_now(watch)
        }
    }

    /// The gates' progress in this step, begun or gone on with.
    fn step(&mut self, asked: &Asked) -> Gating {
        let share = asked.share;
        let before = self.next.gating.take();
        if let Some(gating) = before.as_ref().filter(|gating| gating.share == share) {
            return gating.clone();
        }
        self.say.push(Event::Asking {
            step: share.to_string(),
            gates: asked.gates.iter().map(|gate| gate.name.clone()).collect(),
            left_out: asked.left_out_in_words(),
            seconds: asked.bake.as_secs(),
        });
        let compares = |gating: &&Gating| gating.share != Share::NOTHING;
        let progress = match before.as_ref().filter(compares) {
            Some(gating) => gating.progress.next_step(self.now),
            None => GateProgress::begin(self.now),
        };
        Gating {
            share,
            progress,
            told: BTreeMap::new(),
            shared: before.and_then(|gating| gating.shared),
        }
    }

    /// Whom the step waits for, once for each gate that asks a person.
    fn tell_asked(&mut self, gates: &[Gate], gating: &mut Gating, ahead: &Look) {
        for facet in &ahead.watch {
            let Facet::Approval(ask) = facet else {
                continue;
            };
            let gate = gates.iter().find(|gate| gate.name == ask.gate);
            let Some(gate) = gate.filter(|_| !gating.told.contains_key(&ask.gate)) else {
                continue;
            };
            self.say.push(Event::Asked {
                step: gating.share.to_string(),
                gate: ask.gate.clone(),
                how: ask.how.clone(),
                until: deadline(gate, &gating.progress),
            });
            gating.told.insert(ask.gate.clone(), Verdict::Wait);
        }
    }

    fn tell_standings(&mut self, share: Share, gating: &mut Gating, judgement: &Judgement) {
        for Standing {
            gate,
            verdict,
            said,
            ..
        } in &judgement.standings
        {
            let told = gating.told.get(gate).unwrap_or(&Verdict::Wait);
            if told == verdict {
                continue;
            }
            self.say.push(Event::Gate {
                step: share.to_string(),
                gate: gate.clone(),
                verdict: *verdict,
                said: said.clone(),
            });
            gating.told.insert(gate.clone(), *verdict);
        }
    }

    /// Names this step of this run: a one-off task of it is not taken for another's, as ECS keeps client tokens for a
    /// day.
    fn run_of(&self, share: Share) -> String {
        let run = format!("{} {} {share}", self.next.plan, self.next.began);
        let mut name = String::new();
        for byte in Sha256::digest(run).iter().take(8) {
            let _ = write!(name, "{byte:02x}");
        }
        name
    }

    // Who is judged.

    /// So many tasks of the new revision must run: what the service keeps healthy, but no more than there were before,
    /// for what autoscaling adds is not the release's doing.
    pub fn tasks_owed(&self, service: &Service) -> u32 {
        let before = self.plan.before.desired_count;
        let planned = self.plan.intent.desired_count.unwrap_or(before).max(1);
        let least = u32::from(service.desired_count() > 0);
        service.healthy_floor().min(planned).max(least)
    }

    /// A revision whose target groups are the other one's too. `Err` is what has to be looked at first.
    pub fn in_shared_groups(
        &self,
        share: Share,
        key: &ServiceKey,
        deployment: DeploymentId,
        tasks: u32,
        service: &Service,
    ) -> Result<Subject, Watch> {
        let names_balancer = self
            .plan
            .asked(share)
            .gates
            .iter()
            .any(crate::core::gate::Gate::names_balancer);
        let group = service.target_groups().into_iter().next();
        let own = match group.filter(|_| names_balancer) {
            Some(group) => self.balancer_of(&group)?,
            None => None,
        };
        let new = Side {
            service: key.clone(),
            task_definition: self.revision(),
            deployment: Some(deployment),
            health: self.plan.ground.health,
            tasks,
            places: service.places(),
            own,
        };
        let rollout = String::new();
        Ok(Subject {
            rollout,
            new,
            old: None,
        })
    }

    /// Two revisions of the service with target groups of their own. Without `divided` there are none.
    pub fn in_own_groups(
        &self,
        new: DeploymentId,
        old: Option<DeploymentId>,
        tasks: u32,
        divided: &[Divided<'_>],
    ) -> Subject {
        let side =
            |deployment, task_definition, tasks, group: fn(&Divided<'_>) -> TargetGroupArn| {
                let own = divided.first().and_then(|first| {
                    let load_balancer = first.load_balancer?.to_owned();
                    let target_group = group(first);
                    Some(Balanced {
                        target_group,
                        load_balancer,
                    })
                });
                Side {
                    service: self.plan.target.clone(),
                    task_definition,
                    deployment,
                    health: self.plan.ground.health,
                    tasks,
                    places: divided.iter().map(|it| [group(it)].into()).collect(),
                    own,
                }
            };
        let serving = self.plan.before.task_definition.clone();
        let old = (!divided.is_empty()).then(|| side(old, serving, 0, |it| it.blue.clone()));
        Subject {
            rollout: String::new(),
            new: side(Some(new), self.revision(), tasks, |it| it.green.clone()),
            old,
        }
    }

    fn revision(&self) -> crate::core::id::TaskDefinitionArn {
        let known = self.next.revision.clone();
        known.unwrap_or_else(|| self.plan.before.task_definition.clone())
    }

    /// A target group has one load balancer at most (ELBv2, `TargetGroup.LoadBalancerArns`); its rules' names tell it.
    /// One that cannot be read leaves the gates that name it without an answer, which is never a pass.
    fn balancer_of(&self, group: &TargetGroupArn) -> Result<Option<Balanced>, Watch> {
        let known = self
            .next
            .gating
            .as_ref()
            .and_then(|gating| gating.shared.clone());
        if known.is_some() {
            return Ok(known);
        }
        let rules = &self.seen.rules_around;
        if !rules.was_asked() {
            return Err(Watch::from([Facet::RulesAround(group.clone())]));
        }
        let found = rules
            .is()
            .into_iter()
            .flatten()
            .find_map(|rule| rule.arn.load_balancer());
        Ok(found.map(|load_balancer| Balanced {
            target_group: group.clone(),
            load_balancer: load_balancer.to_owned(),
        }))
    }
}

/// The gate that decided, and why.
fn cause(share: Share, judgement: Judgement) -> Cause {
    let verdict = judgement.verdict;
    let worst = judgement
        .standings
        .into_iter()
        .find(|standing| standing.verdict == verdict);
    let Standing {
        gate, said, limit, ..
    } = worst.expect("a verdict is one gate's at least");
    let step = share.to_string();
    Cause::Gate {
        gate,
        step,
        verdict,
        said,
        limit,
    }
}

fn signed(duration: std::time::Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
