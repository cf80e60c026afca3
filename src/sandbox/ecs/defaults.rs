//! Numbers and choices that the model of ECS needs, in one place, each with its source.
//!
//! AWS publishes few durations; the others are typical values from event dumps and
//! `describe-tasks` timestamps that people have published. A choice that AWS does not document is a switch.

use crate::sandbox::{Duration, Rng};

/// A duration that varies from task to task: `least` and up to `spread` more, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Lag {
    least: u64,
    spread: u64,
}

impl Lag {
    /// One such duration, in whole seconds.
    pub fn draw(self, rng: &mut Rng) -> Duration {
        Duration::from_secs(self.least + rng.below(self.spread + 1))
    }
}

const fn lag(least: u64, spread: u64) -> Lag {
    Lag { least, spread }
}

/// Attaching the elastic network interface of an awsvpc task on Fargate. Typical: 8–15 s.
pub const PROVISION_FARGATE: Lag = lag(8, 4);
/// The same on a container instance, which is already there. Typical: 3–6 s.
pub const PROVISION_INSTANCE: Lag = lag(3, 2);
/// From accepting a task to the agent's beginning the pull.
pub const AGENT_PICK_UP: Lag = lag(1, 1);
/// Registering a task with its target groups (ACTIVATING); a real event dump shows about 30 s from start to
/// registration in all, most of it spent on provisioning and pulling.
pub const REGISTER_TARGETS: Lag = lag(2, 2);
/// From "has stopped 1 running tasks" to "deregistered 1 targets": about 10 s in a real event dump.
pub const DEREGISTER_TARGETS: Lag = lag(7, 4);
/// Removing the network interface (DEPROVISIONING). Typical on Fargate: 10–20 s.
pub const DEPROVISION_FARGATE: Lag = lag(10, 8);
pub const DEPROVISION_INSTANCE: Lag = lag(1, 1);
/// `stopTimeout` when a container names none (ECS API reference, `ContainerDefinition`).
pub const STOP_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a well-behaved container takes to leave after SIGTERM.
pub const STOP_CONTAINER: Lag = lag(1, 3);

/// A task with neither a load balancer nor a health check counts as healthy this long after it runs
/// (ECS API reference, `DeploymentConfiguration.minimumHealthyPercent`).
pub const HEALTHY_AFTER_RUNNING: Duration = Duration::from_secs(40);
/// Stopped tasks stay visible for at least an hour (ECS API reference, `DescribeTasks`).
pub const STOPPED_TASKS_VISIBLE: Duration = Duration::from_secs(3600);
/// Events kept for one service (ECS API reference, `Service.events`).
pub const EVENTS_KEPT: usize = 100;
/// A line that still holds is repeated after about six hours (ECS developer guide, service event messages).
pub const EVENT_REPEATED_AFTER: Duration = Duration::from_secs(6 * 3600);
/// Tasks that one pass of the service scheduler launches: Fargate's sustained rate is 20 a second, and a pass is
/// a second (ECS developer guide, service quotas).
pub const LAUNCHES_PER_PASS: usize = 20;

/// Waits between launches of a service whose tasks fail to start: this, doubled with each further failure …
pub const BACK_OFF_FIRST: Duration = Duration::from_secs(10);
/// … up to fifteen minutes (ECS developer guide, "service throttle logic", gives the limit, not the steps).
pub const BACK_OFF_LIMIT: Duration = Duration::from_secs(15 * 60);
/// Consecutive failures after which the throttle and its service event set in.
pub const BACK_OFF_AFTER: u32 = 3;

/// Task sets of one service, those that drain among them, as CreateTaskSet's refusal of a sixth says.
pub const TASK_SETS_LIMIT: usize = 5;

/// Ephemeral host ports of the bridge mode (ECS API reference, `PortMapping.hostPort`).
pub const EPHEMERAL_PORTS: std::ops::RangeInclusive<u16> = 32768..=60999;
/// What `platformVersion` LATEST means for Linux tasks on Fargate.
pub const FARGATE_PLATFORM: &str = "1.4.0";

/// `earlySuccessCriteria.healthyPercent` when it is absent: AWS documents no default, so nothing is early.
pub const EARLY_HEALTHY_PERCENT: u64 = 100;

/// How long new weights take to arrive behind a Network Load Balancer: ECS waits this long in each stage that moves
/// traffic (ECS developer guide, "Network Load Balancer resources for blue/green deployments").
pub const NETWORK_SHIFT: Duration = Duration::from_secs(10 * 60);
/// How long a native deployment may take in all (ECS developer guide, "lifecycle stages").
pub const NATIVE_DEPLOYMENT_LIMIT: Duration = Duration::from_secs(30 * 24 * 3600);

/// Choices where AWS documents nothing, or its documents disagree.
#[derive(Clone, Debug)]
pub struct Switches {
    /// Whether Fargate offers 32 vCPU: documented, but some regions have been seen to refuse it.
    pub fargate_32_vcpu: bool,
    /// When the scheduler stops old tasks that the lower bound would let go.
    pub stop_old: StopOld,
    /// Whether a container that exits before its task counted as healthy is a failure to the circuit breaker.
    pub crash: Crash,
    /// How long a rolling deployment with alarms bakes. ECS works it out from the alarms' settings; the formula is
    /// not published.
    pub alarm_bake: Duration,
    /// What an alarm that is in ALARM when a deployment starts means for the others.
    pub alarm_at_start: AlarmAtStart,
    /// How long a stage of a native deployment may take, beside its own waits: 24 hours are documented; tests and
    /// rehearsals may want less.
    pub stage_limit: Duration,
    /// The integers that a traffic share is written as.
    pub weight_scale: WeightScale,
    /// What a linear deployment does where 100 is no multiple of its step.
    pub linear_rest: LinearRest,
    /// What tells which target group is blue.
    pub blue_is: BlueIs,
    /// What a hook that fails during a rollback does to it.
    pub rollback_hook: RollbackHook,
}

/// The weights that native deployments write into listener rules. AWS publishes none; clients must compute shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightScale {
    /// Whole percents sum to 100, others to 999.
    Hundred,
    /// All sum to 999.
    Fine,
}

/// What follows the last full step of a linear deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinearRest {
    /// A smaller step to 100 %: 30, 60, 90, 100.
    IsAStep,
    /// The rest goes along with the last full step: 30, 60, 100.
    JoinsLast,
}

/// What tells which target group is blue when a native deployment starts. It matters once somebody else has rewritten
/// the rules; whether ECS compares the two is an open request to AWS (containers-roadmap 2853).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlueIs {
    /// The group that the production rule sends traffic to.
    LiveGroup,
    /// The group of the last completed revision, whatever the rule says.
    LastRevision,
}

/// What becomes of a rollback one of whose hooks fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RollbackHook {
    /// Nothing: the rollback goes on and succeeds.
    IsPassedOver,
    /// The rollback goes on, and is ROLLBACK_FAILED in the end.
    FailsIt,
}

/// What an alarm that is in ALARM when a deployment starts means for that deployment. Texts of AWS read both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlarmAtStart {
    /// It is ignored; the others are watched.
    IsIgnored,
    /// No alarm is watched.
    AllAreIgnored,
}

/// When a rolling deployment stops old tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopOld {
    /// As many as `minimumHealthyPercent` lets go, at once: what the API reference says it "may" do.
    AsAllowed,
    /// Only as healthy new tasks take their place.
    AsReplaced,
}

/// What the circuit breaker makes of a task that ran and then exited, before it counted as healthy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// It is a failed task. AWS has said that such a task no longer resets the count.
    IsFailure,
    /// It is not: the written definition of `failedTasks` names only launches and health checks.
    IsNot,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            fargate_32_vcpu: true,
            stop_old: StopOld::AsAllowed,
            crash: Crash::IsFailure,
            alarm_bake: Duration::from_secs(5 * 60),
            alarm_at_start: AlarmAtStart::IsIgnored,
            stage_limit: Duration::from_secs(24 * 3600),
            weight_scale: WeightScale::Hundred,
            linear_rest: LinearRest::IsAStep,
            blue_is: BlueIs::LiveGroup,
            rollback_hook: RollbackHook::IsPassedOver,
        }
    }
}
