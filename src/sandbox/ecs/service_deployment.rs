//! Service deployments: the record of each rollout, and the operations that read and stop them.
//!
//! Source: ECS API reference, `ServiceDeployment`, `StopServiceDeployment`.

use serde_json::{Value, json};

use crate::sandbox::ecs::alarms::Watch;
use crate::sandbox::ecs::deployment::Counts;
use crate::sandbox::ecs::document::{Document, object, text, texts};
use crate::sandbox::ecs::native::Native;
use crate::sandbox::ecs::paging;
use crate::sandbox::ecs::refuse;
use crate::sandbox::ecs::service::Service;
use crate::sandbox::ecs::state::{Cluster, Ecs, Ground};
use crate::sandbox::ecs::task::Task;
use crate::sandbox::{ApiError, Time, ids};

/// One service deployment.
#[derive(Clone, Debug)]
pub struct Rollout {
    pub arn: String,
    pub status: RolloutStatus,
    status_reason: Option<String>,
    created_at: Time,
    started_at: Option<Time>,
    finished_at: Option<Time>,
    stopped_at: Option<Time>,
    updated_at: Time,
    sources: Vec<u64>,
    target: u64,
    pub configuration: Option<Document>,
    rollback: Option<Rollback>,
    pub breaker: BreakerReport,
    pub alarms: Option<Watch>,
    /// Since when nothing but the bake time of its alarms keeps a rolling deployment going.
    pub baking_since: Option<Time>,
    /// The machine of a native deployment, once it has started.
    pub native: Option<Box<Native>>,
}

#[derive(Clone, Debug)]
struct Rollback {
    reason: String,
    started_at: Time,
    revision: u64,
}

/// `deploymentCircuitBreaker` of a service deployment.
#[derive(Clone, Copy, Debug)]
pub struct BreakerReport {
    pub status: &'static str,
    pub failures: u32,
    pub threshold: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RolloutStatus {
    Pending,
    InProgress,
    Successful,
    Stopped,
    RollbackRequested,
    RollbackInProgress,
    RollbackSuccessful,
    RollbackFailed,
}

impl RolloutStatus {
    fn text(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::InProgress => "IN_PROGRESS",
            Self::Successful => "SUCCESSFUL",
            Self::Stopped => "STOPPED",
            Self::RollbackRequested => "ROLLBACK_REQUESTED",
            Self::RollbackInProgress => "ROLLBACK_IN_PROGRESS",
            Self::RollbackSuccessful => "ROLLBACK_SUCCESSFUL",
            Self::RollbackFailed => "ROLLBACK_FAILED",
        }
    }

    pub fn is_final(self) -> bool {
        matches!(
            self,
            Self::Successful | Self::Stopped | Self::RollbackSuccessful | Self::RollbackFailed
        )
    }
}

impl Rollout {
    pub fn new(service: &Service, target: u64, sources: Vec<u64>, ground: &mut Ground<'_>) -> Self {
        let id = ids::base62(ground.rng, 21);
        let breaker = service.breaker();
        Self {
            arn: ground.arn(&format!(
                "service-deployment/{}/{}/{id}",
                service.cluster, service.name
            )),
            status: RolloutStatus::Pending,
            status_reason: None,
            created_at: ground.now,
            started_at: None,
            finished_at: None,
            stopped_at: None,
            updated_at: ground.now,
            sources,
            target,
            configuration: service.configuration().cloned(),
            rollback: None,
            breaker: BreakerReport {
                status: if breaker.is_on {
                    "MONITORING"
                } else {
                    "DISABLED"
                },
                failures: 0,
                threshold: breaker.rule.threshold(service.desired),
            },
            alarms: service.configuration().and_then(Watch::read),
            baking_since: None,
            native: None,
        }
    }

    pub fn begin(&mut self, now: Time) {
        if self.status == RolloutStatus::Pending {
            self.status = RolloutStatus::InProgress;
            self.started_at = Some(now);
            self.updated_at = now;
        }
    }

    pub fn request_rollback(&mut self, now: Time) {
        self.status = RolloutStatus::RollbackRequested;
        self.updated_at = now;
    }

    pub fn begin_rollback(&mut self, revision: u64, reason: &str, now: Time) {
        self.status = RolloutStatus::RollbackInProgress;
        self.status_reason = Some(reason.to_owned());
        self.rollback = Some(Rollback {
            reason: reason.to_owned(),
            started_at: now,
            revision,
        });
        self.updated_at = now;
        self.end_watch();
    }

    pub fn finish(&mut self, status: RolloutStatus, now: Time) {
        self.started_at.get_or_insert(now);
        self.status = status;
        self.finished_at = Some(now);
        self.updated_at = now;
        if self.breaker.status == "MONITORING" {
            self.breaker.status = "MONITORING_COMPLETE";
        }
        self.end_watch();
    }

    fn end_watch(&mut self) {
        if let Some(alarms) = &mut self.alarms {
            alarms.end();
        }
    }

    /// Ends without having reached its target.
    pub fn end(&mut self, status: RolloutStatus, reason: &str, now: Time) {
        self.status_reason = Some(reason.to_owned());
        self.finish(status, now);
        if status == RolloutStatus::Stopped {
            self.stopped_at = Some(now);
        }
    }

    fn answer(&self, service: &Service, counts: &dyn Fn(u64) -> Counts) -> Value {
        let summary = |number: u64| {
            let mut summary = service.revision(number).summary(service, &counts(number));
            if let Some(native) = &self.native {
                native.put_weights(number, &mut summary);
            }
            summary
        };
        let mut answer = self.brief(service);
        answer.shift_remove("targetServiceRevisionArn");
        let mut put = |key: &str, value: Value| answer.insert(key.to_owned(), value);
        put("updatedAt", self.updated_at.epoch_seconds());
        put(
            "sourceServiceRevisions",
            self.sources.iter().map(|&number| summary(number)).collect(),
        );
        put("targetServiceRevision", summary(self.target));
        put(
            "deploymentCircuitBreaker",
            json!({ "status": self.breaker.status, "failureCount": self.breaker.failures, "threshold": self.breaker.threshold }),
        );
        if let Some(at) = self.stopped_at {
            put("stoppedAt", at.epoch_seconds());
        }
        if let Some(alarms) = &self.alarms {
            put("alarms", alarms.answer());
        }
        if let Some(configuration) = &self.configuration {
            put("deploymentConfiguration", json!(configuration));
        }
        if let Some(rollback) = &self.rollback {
            let arn = &service.revision(rollback.revision).arn;
            let started = rollback.started_at.epoch_seconds();
            put(
                "rollback",
                json!({ "reason": rollback.reason, "startedAt": started, "serviceRevisionArn": arn }),
            );
        }
        if let Some(native) = &self.native {
            native.put_members(&mut answer);
        }
        Value::Object(answer)
    }

    /// `ServiceDeploymentBrief`.
    fn brief(&self, service: &Service) -> Document {
        let mut answer = Document::new();
        let mut put = |key: &str, value: Value| answer.insert(key.to_owned(), value);
        put("serviceDeploymentArn", json!(self.arn));
        put("serviceArn", json!(service.arn));
        put("clusterArn", json!(service.cluster_arn));
        put(
            "targetServiceRevisionArn",
            json!(service.revision(self.target).arn),
        );
        put("status", json!(self.status.text()));
        put("createdAt", self.created_at.epoch_seconds());
        for (key, at) in [
            ("startedAt", self.started_at),
            ("finishedAt", self.finished_at),
        ] {
            if let Some(at) = at {
                put(key, at.epoch_seconds());
            }
        }
        if let Some(reason) = &self.status_reason {
            put("statusReason", json!(reason));
        }
        answer
    }
}

/// Cluster and service in `…:KIND/CLUSTER/SERVICE/ID`.
pub fn owner<'a>(ecs: &'a mut Ecs, arn: &str) -> Option<(&'a mut Cluster, String)> {
    let mut parts = arn.rsplit('/').skip(1);
    let service = parts.next()?.to_owned();
    let cluster = ecs.clusters.get_mut(parts.next()?)?;
    cluster
        .services
        .contains_key(&service)
        .then_some((cluster, service))
}

/// The service deployment of this ARN.
pub fn rollout_of<'a>(ecs: &'a mut Ecs, arn: &str) -> Result<&'a mut Rollout, ApiError> {
    owner(ecs, arn)
        .and_then(|(cluster, name)| cluster.services.get_mut(&name))
        .and_then(|service| {
            service
                .rollouts
                .iter_mut()
                .find(|rollout| rollout.arn == arn)
        })
        .ok_or_else(refuse::no_service_deployment)
}

pub fn missing(arn: &str) -> Value {
    json!({ "arn": arn, "reason": "MISSING" })
}

/// DescribeServiceDeployments: at most 20.
pub fn describe(ecs: &mut Ecs, input: &Document) -> Result<Value, ApiError> {
    let arns = at_most_20(input, "serviceDeploymentArns")?;
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for arn in arns {
        let answer = owner(ecs, arn).and_then(|(cluster, name)| {
            let service = &cluster.services[&name];
            let rollout = service.rollouts.iter().find(|rollout| rollout.arn == arn)?;
            Some(rollout.answer(service, &|number| {
                count(&cluster.tasks, service, Some(number))
            }))
        });
        match answer {
            Some(answer) => found.push(answer),
            None => failures.push(missing(arn)),
        }
    }
    Ok(json!({ "serviceDeployments": found, "failures": failures }))
}

pub fn at_most_20<'a>(input: &'a Document, key: &str) -> Result<Vec<&'a str>, ApiError> {
    let arns: Vec<&str> = texts(input, key).collect();
    match arns.len() {
        0 => Err(refuse::invalid(format!("{key} cannot be empty."))),
        1..=20 => Ok(arns),
        _ => Err(refuse::invalid(format!("{key} can have at most 20 items."))),
    }
}

/// ListServiceDeployments, newest first.
pub fn list(ecs: &mut Ecs, input: &Document) -> Result<Value, ApiError> {
    let name = text(input, "service")
        .ok_or_else(|| refuse::invalid("Service should not be null or empty."))?;
    let service = ecs
        .cluster(input)?
        .service(name)
        .ok_or_else(refuse::no_service)?;
    let wanted: Vec<&str> = texts(input, "status").collect();
    let window = object(input, "createdAt");
    let bound = |key| {
        window
            .and_then(|window| window.get(key))
            .and_then(Value::as_f64)
    };
    let (after, before) = (bound("after"), bound("before"));
    let chosen = service.rollouts.iter().filter(|rollout| {
        let created = rollout.created_at.millis() as f64 / 1000.0;
        (wanted.is_empty() || wanted.contains(&rollout.status.text()))
            && after.is_none_or(|after| created >= after)
            && before.is_none_or(|before| created <= before)
    });
    let briefs = chosen.map(|rollout| Value::Object(rollout.brief(service)));
    Ok(paging::page(briefs, input, 20)?.answer("serviceDeployments"))
}

/// StopServiceDeployment: asks for a rollback, which the scheduler begins.
pub fn stop(ecs: &mut Ecs, input: &Document, now: Time) -> Result<Value, ApiError> {
    let arn = text(input, "serviceDeploymentArn").unwrap_or_default();
    if text(input, "stopType").is_some_and(|kind| kind != "ROLLBACK") {
        return Err(refuse::invalid("stopType must be ROLLBACK.")); // ours: only ROLLBACK is documented
    }
    let rollout = rollout_of(ecs, arn)?;
    if !matches!(
        rollout.status,
        RolloutStatus::Pending | RolloutStatus::InProgress
    ) {
        // The code is the operation's modelled one; the sentence is ours.
        return Err(ApiError::client(
            "ConflictException",
            "The service deployment can no longer be stopped.",
        )
        .with("resourceIds", json!([arn])));
    }
    rollout.request_rollback(now);
    Ok(json!({ "serviceDeploymentArn": arn }))
}

/// Counts the tasks of a service, or of one of its deployments, as AWS's counters do.
pub fn count(
    tasks: &std::collections::BTreeMap<String, Task>,
    service: &Service,
    deployment: Option<u64>,
) -> Counts {
    let mut counts = Counts::default();
    for task in service.live.iter().filter_map(|id| tasks.get(id)) {
        if deployment.is_some_and(|number| task.service().is_none_or(|(_, of)| of != number)) {
            continue;
        }
        if task.is_running() {
            counts.running += 1;
        } else if task.is_pending() {
            counts.pending += 1;
        }
    }
    counts
}
