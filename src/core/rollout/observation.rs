//! What is looked at, and what was seen.
//!
//! **Invariant:** what was not looked at, what is not there and what could not be read are three different things.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Receipt, Wish};
use crate::core::gate::{Ask, MetricsRequest, Probe, Reply, SeriesById, Word};
use crate::core::id::{
    Cluster, DeploymentId, RuleArn, ServiceDeploymentArn, ServiceKey, TargetGroupArn, TaskArn,
};
use crate::core::live::{
    Alarm, CodeDeployment, DeploymentGroup, EcrImage, EcrImageDetail, GroupKey, Rule,
    ScalingPolicy, Service, ServiceDeployment, Target, TargetGroup, Task,
};
use crate::core::report::Cause;
use crate::core::taskdef::Described;

/// The facets to look at next; looking at everything each time is what gets a tool throttled.
pub type Watch = BTreeSet<Facet>;

/// One thing that can be looked at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Facet {
    /// DescribeServices.
    Service(ServiceKey),
    /// DescribeServices, with tags: the canary's service.
    Beside(ServiceKey),
    /// DescribeTaskDefinition of a family (its newest active revision), `family:revision` or ARN.
    TaskDefinition(String),
    /// ListTasks and DescribeTasks: running tasks of the service.
    RunningTasks(ServiceKey),
    /// ListTasks and DescribeTasks: stopped tasks of the service, kept by ECS for an hour or more.
    StoppedTasks(ServiceKey),
    /// DescribeTargetHealth.
    Targets(TargetGroupArn),
    /// ListServiceDeployments and DescribeServiceDeployments: ECS's own record of one deployment.
    ServiceDeployment(ServiceKey, DeploymentId),
    /// ListServiceDeployments: what ECS says in brief of the newest.
    NewestServiceDeployment(ServiceKey),
    /// DescribeServiceDeployments of a record that was found before.
    Record(ServiceDeploymentArn),
    /// DescribeRules of one rule.
    Rule(RuleArn),
    /// DescribeTargetGroups, DescribeListeners and DescribeRules: every rule of the group's load balancers.
    RulesAround(TargetGroupArn),
    /// DescribeTargetGroups.
    TargetGroups(BTreeSet<TargetGroupArn>),
    /// Application Auto Scaling's DescribeScalingPolicies of the service.
    ScalingPolicies(ServiceKey),
    /// CodeDeploy's GetDeploymentGroup, after a search where its name is not known.
    CodeDeployGroup(GroupSearch),
    /// CodeDeploy's ListDeployments and BatchGetDeployments: the group's unfinished deployments, and with a time all
    /// that were made since.
    CodeDeployments(GroupKey, Option<Timestamp>),
    /// CodeDeploy's GetDeployment, ListDeploymentTargets (once) and BatchGetDeploymentTargets.
    CodeDeployment(DeploymentId),
    /// DescribeImages.
    Image(EcrImage),
    /// DescribeAlarms, of these names.
    Alarms(BTreeSet<String>),
    /// GetMetricData.
    Metrics(MetricsRequest),
    /// An HTTP request from where this program runs.
    Http(Probe),
    /// DescribeTasks of one task that was run for a gate.
    OneOffTask(Cluster, TaskArn),
    /// What people said on the pull request, or to `ecsdeploy promote` and `abort`.
    Approval(Ask),
}

/// What is known of the deployment group that is looked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupSearch {
    pub key: ServiceKey,
    /// Names that were asked for.
    pub application: Option<String>,
    pub group: Option<String>,
    /// A deployment of the group: `externalId` of one of the service's task sets.
    pub deployment: Option<DeploymentId>,
}

/// What one look gave.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Seen<T> {
    #[default]
    NotAsked,
    /// AWS says that there is none.
    Absent,
    Is(T),
    /// The look itself did not work.
    Unreadable(Fault),
}

/// A call that did not work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The AWS operation's name.
    pub operation: String,
    pub kind: FaultKind,
    /// AWS's error code, empty where there was no answer.
    pub code: String,
    /// AWS's words, or the connection's.
    pub message: String,
}

/// What a fault says about the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FaultKind {
    /// AWS answered no: asking again changes nothing.
    Refused,
    /// The identity may not make this call.
    Denied,
    /// There are no usable credentials.
    NoCredentials,
    /// No answer, a server error, or throttled to the end: it may or may not have been done.
    Unanswered,
}

/// What a turn decides from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observation {
    pub service: Seen<Service>,
    pub beside: Seen<Service>,
    pub task_definitions: BTreeMap<String, Seen<Described>>,
    pub running_tasks: Seen<Vec<Task>>,
    pub stopped_tasks: Seen<Vec<Task>>,
    pub targets: BTreeMap<TargetGroupArn, Seen<Vec<Target>>>,
    pub service_deployment: Seen<ServiceDeployment>,
    pub rules: BTreeMap<RuleArn, Seen<Rule>>,
    /// The rules around the target group that was asked about.
    pub rules_around: Seen<Vec<Rule>>,
    pub target_groups: Seen<Vec<TargetGroup>>,
    pub policies: Seen<Vec<ScalingPolicy>>,
    pub code_deploy_group: Seen<DeploymentGroup>,
    /// Deployments of the group that was asked about.
    pub code_deployments: Seen<Vec<CodeDeployment>>,
    pub code_deployment: BTreeMap<DeploymentId, Seen<CodeDeployment>>,
    pub images: BTreeMap<EcrImage, Seen<EcrImageDetail>>,
    /// By name: one that is not there is absent.
    pub alarms: BTreeMap<String, Seen<Alarm>>,
    pub metrics: BTreeMap<MetricsRequest, Seen<SeriesById>>,
    pub replies: BTreeMap<Probe, Seen<Reply>>,
    pub one_off_tasks: BTreeMap<TaskArn, Seen<Task>>,
    /// Absent: nobody has said anything yet.
    pub approvals: BTreeMap<Ask, Seen<Word>>,
    /// The answer to the action just taken, if the last turn took one in this process.
    pub receipt: Option<Result<Receipt, Fault>>,
    /// What somebody wishes of this rollout.
    pub wish: Option<Wish>,
}

impl Observation {
    /// A call that AWS did not even consider: neither is anything known now, nor was anything done. Whichever facets were
    /// asked for, one of these is nearly always among them.
    pub fn without_credentials(&self) -> Option<&Fault> {
        let changed = self.receipt.as_ref().and_then(|it| it.as_ref().err());
        let services = [&self.service, &self.beside];
        let definitions = self.task_definitions.values().filter_map(Seen::fault);
        let deployments = self.code_deployment.values().filter_map(Seen::fault);
        changed
            .into_iter()
            .chain(services.into_iter().filter_map(Seen::fault))
            .chain(self.service_deployment.fault())
            .chain(self.code_deployments.fault())
            .chain(definitions)
            .chain(deployments)
            .find(|fault| fault.kind == FaultKind::NoCredentials)
    }
}

impl Observation {
    /// Looks that a rollout goes on without where this identity may not have them.
    pub fn denials(&self) -> impl Iterator<Item = &Fault> {
        let targets = self.targets.values().filter_map(Seen::fault);
        let tasks = [self.running_tasks.fault(), self.stopped_tasks.fault()];
        let looks = tasks.into_iter().flatten().chain(targets);
        looks
            .chain(self.service_deployment.fault())
            .chain(self.code_deployments.fault())
            .chain(self.metrics.values().filter_map(Seen::fault))
            .filter(|fault| fault.kind == FaultKind::Denied)
    }
}

impl<T> Seen<T> {
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Unreadable(fault) => Some(fault),
            _ => None,
        }
    }

    pub fn is(&self) -> Option<&T> {
        match self {
            Self::Is(seen) => Some(seen),
            _ => None,
        }
    }

    pub fn was_asked(&self) -> bool {
        !matches!(self, Self::NotAsked)
    }
}

impl<T> From<Result<Option<T>, Fault>> for Seen<T> {
    fn from(found: Result<Option<T>, Fault>) -> Self {
        match found {
            Ok(Some(it)) => Self::Is(it),
            Ok(None) => Self::Absent,
            Err(fault) => Self::Unreadable(fault),
        }
    }
}

impl Fault {
    /// Asked of one who cannot know.
    pub fn unasked(operation: &str, message: &str) -> Self {
        Self {
            operation: operation.to_owned(),
            kind: FaultKind::Refused,
            code: String::new(),
            message: message.to_owned(),
        }
    }

    /// That AWS did not accept the call, as why a rollout ends.
    pub fn refusal(&self) -> Cause {
        Cause::Refused {
            operation: self.operation.clone(),
            message: self.message.clone(),
        }
    }

    /// Whether the call may have been carried out all the same.
    pub fn is_unanswered(&self) -> bool {
        self.kind == FaultKind::Unanswered
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: ", self.operation)?;
        if self.code.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.code, self.message)
        }
    }
}

impl std::error::Error for Fault {}
