//! What a native deployment does next: once a second it looks at its tasks, its alarms, its hooks and the clock, and
//! moves at most one stage on.
//!
//! **Invariant:** a stage is left only when its own work is done and all its hooks have passed; every stage but a pause
//! has a deadline.

use crate::sandbox::ecs::defaults::{self, BlueIs, RollbackHook, Switches};
use crate::sandbox::ecs::judgement::{Judged, judge};
use crate::sandbox::ecs::launch::Fleet;
use crate::sandbox::ecs::native::configuration::Strategy;
use crate::sandbox::ecs::native::hooks::{Action, Hook, Outcome, Runs};
use crate::sandbox::ecs::native::numbers::{Plan, Share};
use crate::sandbox::ecs::native::shift::{self, Pair, Traffic};
use crate::sandbox::ecs::native::stage::Stage;
use crate::sandbox::ecs::native::{place, sides};
use crate::sandbox::ecs::service::Service;
use crate::sandbox::ecs::service_deployment::{Rollout, RolloutStatus};
use crate::sandbox::ecs::state::Ground;
use crate::sandbox::{Duration, Time};

/// A native deployment, from its first second on; it stays with its record when it is over.
#[derive(Clone, Debug)]
pub struct Native {
    plan: Plan,
    hooks: Vec<Hook>,
    pub(super) pairs: Vec<Pair>,
    pub(super) green: u64,
    /// The last completed deployment; the service's first has none.
    pub(super) blue: Option<u64>,
    pub(super) stage: Stage,
    /// The furthest stage that it came to before any rollback.
    pub(super) furthest: Stage,
    began: Time,
    since: Time,
    /// Which of the plan's steps production is at.
    step: usize,
    pub(super) course: Course,
    /// Green's shares, as last requested.
    pub(super) production: Share,
    pub(super) test: Share,
    pub(super) runs: Runs,
    /// Why the rollback has failed, though it goes on.
    spoiled: Option<String>,
}

/// Which way a deployment goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    Forward,
    /// Back to blue: the stages that move traffic run again, then green goes.
    Back,
}

/// Whether the service's newest deployment is a native one that is not over.
pub fn is_under_way(service: &Service) -> bool {
    service.rollouts.first().is_some_and(|rollout| {
        let configuration = rollout.configuration.as_ref();
        !rollout.status.is_final()
            && configuration.is_some_and(|configuration| Strategy::of(configuration).is_native())
    })
}

/// One second of a service whose native deployment is under way.
pub fn pass(service: &mut Service, fleet: &mut Fleet<'_>, ground: &mut Ground<'_>) {
    let taken = service
        .rollouts
        .first_mut()
        .and_then(|rollout| rollout.native.take());
    let is_new = taken.is_none();
    let mut native =
        taken.unwrap_or_else(|| Box::new(Native::start(service, fleet.switches, ground)));
    let judged = judge(service, fleet, ground);
    let desired = service.desired;
    sides::keep(
        service,
        &judged,
        |number| native.wanted(number, desired),
        fleet,
        ground,
    );
    if !is_new {
        native.advance(service, &judged, fleet.switches, ground);
    }
    if let Some(rollout) = service.rollouts.first_mut() {
        rollout.native = Some(native);
    }
}

impl Native {
    fn start(service: &mut Service, switches: &Switches, ground: &mut Ground<'_>) -> Self {
        let now = ground.now;
        let green = service.primary().number;
        let is_there = |number: &u64| service.deployments.iter().any(|one| one.number == *number);
        let blue = service.last_completed.filter(is_there);
        let is_other = |number: u64| number != green && Some(number) != blue;
        let superseded = service.deployments.iter().any(|one| is_other(one.number));
        let known = known_groups(service, blue, superseded, switches);
        let found = shift::pairs(&service.revision(green).document, &known, ground.elb);
        let configuration = service.rollouts.first_mut().and_then(|rollout| {
            rollout.begin(now);
            let alarms = rollout.alarms.as_mut();
            let _noted = alarms.is_some_and(|alarms| alarms.look(switches, ground));
            rollout.configuration.clone()
        });
        let configuration = configuration.unwrap_or_default();
        let first = if superseded {
            Stage::ReconcileService
        } else {
            Stage::PreScaleUp
        };
        let mut native = Self {
            plan: Plan::read(&configuration, switches.linear_rest),
            hooks: Hook::read_all(&configuration),
            pairs: found.clone().unwrap_or_default(),
            green,
            blue,
            stage: first,
            furthest: first,
            began: now,
            since: now,
            step: 0,
            course: Course::Forward,
            production: Share::NONE,
            test: Share::NONE,
            runs: Runs::default(),
            spoiled: None,
        };
        place::settle(service, green, &native.pairs, |pair| &pair.green);
        if let Err(reason) = found.and_then(|_| native.enter(first, service, switches, ground)) {
            native.go_back(&reason, service, switches, ground);
        }
        native
    }

    /// How many tasks a deployment should have; `None` if it is to go.
    fn wanted(&self, number: u64, desired: u32) -> Option<u32> {
        let is_last_stage = self.stage == Stage::CleanUp;
        if number == self.green {
            match self.course {
                Course::Forward if self.stage < Stage::ScaleUp => Some(0),
                Course::Back if is_last_stage => None,
                Course::Back if self.furthest < Stage::ScaleUp => Some(0),
                _ => Some(desired),
            }
        } else if Some(number) == self.blue {
            (self.course == Course::Back || !is_last_stage).then_some(desired)
        } else {
            None
        }
    }

    fn advance(
        &mut self,
        service: &mut Service,
        judged: &[Judged],
        switches: &Switches,
        ground: &mut Ground<'_>,
    ) {
        if self.is_interrupted(service, switches, ground) {
            return;
        }
        let outcome = self.runs.step(ground);
        let is_overdue = self.is_overdue(&outcome, switches, ground.now);
        let has_passed = match outcome {
            Outcome::Failed(reason) if self.course == Course::Forward => {
                return self.go_back(&reason, service, switches, ground);
            }
            Outcome::Failed(reason) => {
                let fails = switches.rollback_hook == RollbackHook::FailsIt;
                self.spoiled = self.spoiled.take().or(fails.then_some(reason));
                true
            }
            Outcome::Passed => true,
            Outcome::Running | Outcome::Paused => false,
        };
        if has_passed && self.is_done(service, judged, ground.now) {
            self.go_on(service, switches, ground);
        } else if is_overdue {
            // Ours: AWS says that a stage that takes too long fails the deployment, not in which words.
            let stage = self.stage.text();
            let reason = format!("Service deployment rolled back because {stage} timed out.");
            self.go_back(&reason, service, switches, ground);
        }
    }

    /// A stop that was asked for, or an alarm. Once the clean-up has begun, blue's capacity is going, and both come too
    /// late: a stop then ends SUCCESSFUL, as the API reference allows.
    fn is_interrupted(
        &mut self,
        service: &mut Service,
        switches: &Switches,
        ground: &mut Ground<'_>,
    ) -> bool {
        if self.course == Course::Back || self.stage == Stage::CleanUp {
            return false;
        }
        let Some(rollout) = service.rollouts.first_mut() else {
            return false;
        };
        if rollout.status == RolloutStatus::RollbackRequested {
            let reason = "Service deployment rolled back because it was stopped."; // ours
            self.go_back(reason, service, switches, ground);
            return true;
        }
        let Some(alarms) = &mut rollout.alarms else {
            return false;
        };
        if !alarms.look(switches, ground) {
            return false;
        }
        if alarms.rolls_back {
            let reason = "Service deployment rolled back because an alarm was detected."; // ours
            self.go_back(reason, service, switches, ground);
        } else {
            self.halt(service, ground);
        }
        true
    }

    /// Whether the stage's own work is done, apart from its hooks.
    fn is_done(&self, service: &Service, judged: &[Judged], now: Time) -> bool {
        let is_full = |number| sides::is_full(judged, number, service.desired);
        match self.stage {
            Stage::ReconcileService => {
                let is_known = |number| number == self.green || Some(number) == self.blue;
                service.deployments.iter().all(|one| is_known(one.number))
                    && self.blue.is_none_or(is_full)
            }
            Stage::ScaleUp => is_full(self.green),
            Stage::CleanUp => service.deployments.len() == 1,
            _ => now.since(self.since) >= self.deliberate(),
        }
    }

    /// How long the stage takes on purpose.
    fn deliberate(&self) -> Duration {
        let settling = if self.pairs.iter().any(|pair| pair.is_network) {
            defaults::NETWORK_SHIFT
        } else {
            Duration::ZERO
        };
        let bakes = self.course == Course::Forward && !self.is_last_step();
        match self.stage {
            Stage::ProductionTrafficShift if bakes => settling + self.plan.step_bake,
            Stage::TestTrafficShift | Stage::ProductionTrafficShift => settling,
            Stage::BakeTime => self.plan.bake,
            _ => Duration::ZERO,
        }
    }

    fn is_last_step(&self) -> bool {
        self.step + 1 >= self.plan.steps.len()
    }

    /// A pause has its own deadline, the clean-up needs none, and a rollback has nowhere further to go.
    fn is_overdue(&self, outcome: &Outcome, switches: &Switches, now: Time) -> bool {
        let is_exempt = *outcome == Outcome::Paused
            || self.stage == Stage::CleanUp
            || self.course == Course::Back;
        let limit = switches.stage_limit + self.deliberate();
        let is_late = now.since(self.since) >= limit
            || now.since(self.began) >= defaults::NATIVE_DEPLOYMENT_LIMIT;
        is_late && !is_exempt
    }

    fn go_on(&mut self, service: &mut Service, switches: &Switches, ground: &mut Ground<'_>) {
        let next = match self.course {
            Course::Forward => self.stage.next(self.is_last_step()),
            Course::Back => self.next_back(),
        };
        let Some(next) = next else {
            return self.finish(service, ground);
        };
        if self.stage == Stage::ProductionTrafficShift && next == Stage::PreProductionTrafficShift {
            self.step += 1;
        }
        if let Err(reason) = self.enter(next, service, switches, ground) {
            self.go_back(&reason, service, switches, ground);
        }
    }

    /// Enters a stage: what it changes at once, and its hooks.
    pub(super) fn enter(
        &mut self,
        stage: Stage,
        service: &mut Service,
        switches: &Switches,
        ground: &mut Ground<'_>,
    ) -> Result<(), String> {
        self.stage = stage;
        self.since = ground.now;
        if self.course == Course::Forward {
            self.furthest = self.furthest.max(stage);
            match stage {
                Stage::ReconcileService => {
                    self.send(Traffic::Production, Share::NONE, switches, ground)?;
                    self.send(Traffic::Test, Share::NONE, switches, ground)?;
                }
                Stage::TestTrafficShift => {
                    self.send(Traffic::Test, Share::ALL, switches, ground)?;
                }
                Stage::ProductionTrafficShift => {
                    let share = self
                        .plan
                        .steps
                        .get(self.step)
                        .copied()
                        .unwrap_or(Share::ALL);
                    self.send(Traffic::Production, share, switches, ground)?;
                }
                // From here on there is no way back: the next deployment starts from green.
                Stage::CleanUp => service.last_completed = Some(self.green),
                _ => {}
            }
        }
        self.runs.begin(&self.hooks, stage, ground);
        Ok(())
    }

    /// Requests a share for green and writes it into the rules of every load balancer.
    pub(super) fn send(
        &mut self,
        traffic: Traffic,
        share: Share,
        switches: &Switches,
        ground: &mut Ground<'_>,
    ) -> Result<(), String> {
        match traffic {
            Traffic::Production => self.production = share,
            Traffic::Test => self.test = share,
        }
        let sent = self
            .pairs
            .iter()
            .map(|pair| pair.send(traffic, share, switches.weight_scale, ground.elb));
        // Every rule is written, even if one of them cannot be.
        sent.fold(Ok(()), Result::and)
    }

    fn finish(&mut self, service: &mut Service, ground: &mut Ground<'_>) {
        if let (Some(reason), Some(rollout)) = (self.spoiled.take(), service.rollouts.first_mut()) {
            rollout.end(RolloutStatus::RollbackFailed, &reason, ground.now);
        }
        service.complete(ground);
    }

    /// A caller answers a pause; whether there was one to answer.
    pub fn answer_pause(&mut self, id: &str, action: Action) -> bool {
        self.runs.answer_pause(id, action)
    }
}

/// The groups that the running revision is taken to be in, whatever the rules say.
fn known_groups(
    service: &Service,
    blue: Option<u64>,
    superseded: bool,
    switches: &Switches,
) -> Vec<String> {
    let resolved = blue.map(|number| place::groups(service.revision(number)));
    if superseded {
        // A deployment was left half-way: its rules may send traffic to both groups, and that is what is reconciled.
        let half_way = service
            .rollouts
            .iter()
            .skip(1)
            .find_map(|rollout: &Rollout| rollout.native.as_ref());
        let before =
            || half_way.map(|native| native.pairs.iter().map(|pair| pair.blue.clone()).collect());
        return resolved.or_else(before).unwrap_or_default();
    }
    match switches.blue_is {
        BlueIs::LiveGroup => Vec::new(),
        BlueIs::LastRevision => resolved.unwrap_or_default(),
    }
}
