//! Numbers and choices that the model of ECS needs, in one place, each with its source.
//!
//! Durations are seconds. AWS publishes few of them; the others are typical values from event dumps and
//! `describe-tasks` timestamps that people have published. A choice that AWS does not document is a switch.

/// A duration that varies from task to task: `least` plus up to `spread` seconds, drawn from the world's seed.
#[derive(Clone, Copy, Debug)]
pub(in crate::sandbox::ecs) struct Lag {
    pub least: u64,
    pub spread: u64,
}

const fn lag(least: u64, spread: u64) -> Lag {
    Lag { least, spread }
}

/// Attaching the elastic network interface of an awsvpc task on Fargate. Typical: 8–15 s.
pub(in crate::sandbox::ecs) const PROVISION_FARGATE: Lag = lag(8, 4);
/// The same on a container instance, which is already there. Typical: 3–6 s.
pub(in crate::sandbox::ecs) const PROVISION_INSTANCE: Lag = lag(3, 2);
/// From accepting a task to the agent's beginning the pull.
pub(in crate::sandbox::ecs) const AGENT_PICK_UP: Lag = lag(1, 1);
/// Registering a task with its target groups (ACTIVATING); a real event dump shows about 30 s from start to
/// registration in all, most of it spent on provisioning and pulling.
pub(in crate::sandbox::ecs) const REGISTER_TARGETS: Lag = lag(2, 2);
/// From "has stopped 1 running tasks" to "deregistered 1 targets": about 10 s in a real event dump.
pub(in crate::sandbox::ecs) const DEREGISTER_TARGETS: Lag = lag(7, 4);
/// Removing the network interface (DEPROVISIONING). Typical on Fargate: 10–20 s.
pub(in crate::sandbox::ecs) const DEPROVISION_FARGATE: Lag = lag(10, 8);
pub(in crate::sandbox::ecs) const DEPROVISION_INSTANCE: Lag = lag(1, 1);
/// `stopTimeout` when a container names none (ECS API reference, `ContainerDefinition`).
pub(in crate::sandbox::ecs) const STOP_TIMEOUT: u64 = 30;
/// How long a well-behaved container takes to leave after SIGTERM.
pub(in crate::sandbox::ecs) const STOP_CONTAINER: Lag = lag(1, 3);

/// A task with neither a load balancer nor a health check counts as healthy this long after it runs
/// (ECS API reference, `DeploymentConfiguration.minimumHealthyPercent`).
pub(in crate::sandbox::ecs) const HEALTHY_AFTER_RUNNING: u64 = 40;
/// Stopped tasks stay visible for at least an hour (ECS API reference, `DescribeTasks`).
pub(in crate::sandbox::ecs) const STOPPED_TASKS_VISIBLE: u64 = 3600;
/// Events kept for one service (ECS API reference, `Service.events`).
pub(in crate::sandbox::ecs) const EVENTS_KEPT: usize = 100;
/// A line that still holds is repeated after about six hours (ECS developer guide, service event messages).
pub(in crate::sandbox::ecs) const EVENT_REPEATED_AFTER: u64 = 6 * 3600;
/// Tasks that one pass of the service scheduler launches: Fargate's sustained rate is 20 a second, and a pass is
/// a second (ECS developer guide, service quotas).
pub(in crate::sandbox::ecs) const LAUNCHES_PER_PASS: usize = 20;

/// Waits between launches of a service whose tasks fail to start: this, doubled with each further failure …
pub(in crate::sandbox::ecs) const BACK_OFF_FIRST: u64 = 10;
/// … up to fifteen minutes (ECS developer guide, "service throttle logic", gives the limit, not the steps).
pub(in crate::sandbox::ecs) const BACK_OFF_LIMIT: u64 = 15 * 60;
/// Consecutive failures after which the throttle and its service event set in.
pub(in crate::sandbox::ecs) const BACK_OFF_AFTER: u32 = 3;

/// Ephemeral host ports of the bridge mode (ECS API reference, `PortMapping.hostPort`).
pub(in crate::sandbox::ecs) const EPHEMERAL_PORTS: std::ops::RangeInclusive<u16> = 32768..=60999;
/// What `platformVersion` LATEST means for Linux tasks on Fargate.
pub(in crate::sandbox::ecs) const FARGATE_PLATFORM: &str = "1.4.0";

/// Choices where AWS documents nothing, or its documents disagree.
#[derive(Clone, Debug)]
pub struct Switches {
    /// Whether Fargate offers 32 vCPU: documented, but some regions have been seen to refuse it.
    pub fargate_32_vcpu: bool,
    /// When the scheduler stops old tasks that the lower bound would let go.
    pub stop_old: StopOld,
    /// Whether a container that exits before its task counted as healthy is a failure to the circuit breaker.
    pub crash: Crash,
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
        }
    }
}
