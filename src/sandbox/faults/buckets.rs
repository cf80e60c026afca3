//! AWS's request rates: a token bucket for each group of operations, filled at a steady rate up to its burst.
//!
//! Sources: ECS API reference, "Request throttling"; Elastic Load Balancing API reference, "API throttling"; CloudWatch
//! user guide, "service quotas". A sandbox is one account in one region, which is what the buckets are counted by.
//! Where only a rate is published (CloudWatch) the burst is one second's worth. `ELBv2`'s bucket for resource-intensive
//! calls is not applied, because its list of operations is not established; those calls count as mutating.
//!
//! **Invariant:** arithmetic is whole: a token is a million parts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::sandbox::Time;
use crate::sandbox::wire::Service;

const TOKEN: u64 = 1_000_000;

/// Whether calls cost tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Throttling {
    /// Every call goes through.
    #[default]
    Off,
    /// As AWS publishes its rates.
    Aws,
}

/// One bucket: its name, what it holds when full, and what flows in.
#[derive(Clone, Copy, Debug)]
struct Limit {
    name: &'static str,
    burst: u64,
    per_second: u64,
}

const fn limit(name: &'static str, burst: u64, per_second: u64) -> Limit {
    Limit {
        name,
        burst,
        per_second,
    }
}

/// ECS, by operation; one that is not listed has no published rate.
const ECS: [(Limit, &[&str]); 17] = [
    (
        limit("ecs cluster modify", 20, 1),
        &[
            "CreateCluster",
            "UpdateCluster",
            "UpdateClusterSettings",
            "DeleteCluster",
            "PutClusterCapacityProviders",
        ],
    ),
    (
        limit("ecs cluster read", 50, 20),
        &["DescribeClusters", "ListClusters"],
    ),
    (
        limit("ecs task definition modify", 20, 1),
        &["RegisterTaskDefinition", "DeregisterTaskDefinition"],
    ),
    (
        limit("ecs task definition read", 50, 20),
        &[
            "DescribeTaskDefinition",
            "ListTaskDefinitions",
            "ListTaskDefinitionFamilies",
        ],
    ),
    (
        limit("ecs task definition delete", 5, 1),
        &["DeleteTaskDefinitions"],
    ),
    (
        limit("ecs service modify", 50, 5),
        &[
            "CreateService",
            "UpdateService",
            "DeleteService",
            "CreateTaskSet",
            "UpdateTaskSet",
            "DeleteTaskSet",
            "UpdateServicePrimaryTaskSet",
        ],
    ),
    (
        limit("ecs service read", 100, 20),
        &["DescribeServices", "ListServices", "DescribeTaskSets"],
    ),
    (
        limit("ecs service deployments", 50, 20),
        &["DescribeServiceDeployments", "ListServiceDeployments"],
    ),
    (
        limit("ecs service revisions", 50, 20),
        &["DescribeServiceRevisions"],
    ),
    (
        limit("ecs cluster resource modify", 100, 40),
        &[
            "RunTask",
            "StartTask",
            "StopTask",
            "ExecuteCommand",
            "UpdateContainerInstancesState",
            "RegisterContainerInstance",
            "DeregisterContainerInstance",
        ],
    ),
    (
        limit("ecs cluster resource read", 100, 20),
        &[
            "DescribeTasks",
            "ListTasks",
            "DescribeContainerInstances",
            "ListContainerInstances",
        ],
    ),
    (
        limit("ecs capacity provider modify", 10, 1),
        &[
            "CreateCapacityProvider",
            "UpdateCapacityProvider",
            "DeleteCapacityProvider",
        ],
    ),
    (
        limit("ecs capacity provider read", 50, 20),
        &["DescribeCapacityProviders"],
    ),
    (
        limit("ecs tags modify", 20, 10),
        &["TagResource", "UntagResource"],
    ),
    (limit("ecs tags read", 50, 20), &["ListTagsForResource"]),
    (
        limit("ecs task protection", 200, 80),
        &["UpdateTaskProtection", "GetTaskProtection"],
    ),
    (
        limit("ecs services by namespace", 10, 1),
        &["ListServicesByNamespace"],
    ),
];

const ELB_ACCOUNT: Limit = limit("elb account", 40, 10);
const ELB_READ: Limit = limit("elb read", 40, 10);
const ELB_REGISTRATION: Limit = limit("elb registration", 20, 4);
const ELB_MODIFY: Limit = limit("elb modify", 20, 3);

const CLOUDWATCH: [(&str, Limit); 7] = [
    ("DescribeAlarms", limit("cloudwatch DescribeAlarms", 9, 9)),
    ("GetMetricData", limit("cloudwatch GetMetricData", 500, 500)),
    (
        "GetMetricStatistics",
        limit("cloudwatch GetMetricStatistics", 400, 400),
    ),
    ("ListMetrics", limit("cloudwatch ListMetrics", 25, 25)),
    ("PutMetricAlarm", limit("cloudwatch PutMetricAlarm", 3, 3)),
    ("SetAlarmState", limit("cloudwatch SetAlarmState", 3, 3)),
    ("PutMetricData", limit("cloudwatch PutMetricData", 500, 500)),
];

/// The buckets that have been drawn from; one that has not is full.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Buckets {
    throttling: Throttling,
    levels: BTreeMap<String, Level>,
}

/// Parts of tokens that were left, and when.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Level {
    parts: u64,
    at: Time,
}

impl Buckets {
    pub fn throttling(&self) -> Throttling {
        self.throttling
    }

    /// Switches, with all buckets full.
    pub fn set(&mut self, throttling: Throttling) {
        self.throttling = throttling;
        self.levels.clear();
    }

    /// Pays for one call; false if one of its buckets is empty, and then nothing is paid.
    pub fn take(&mut self, service: Service, operation: &str, now: Time) -> bool {
        if self.throttling == Throttling::Off {
            return true;
        }
        let limits = limits_of(service, operation);
        let enough = limits.iter().all(|limit| self.level(*limit, now) >= TOKEN);
        if enough {
            for limit in limits {
                let parts = self.level(limit, now) - TOKEN;
                self.levels
                    .insert(limit.name.to_owned(), Level { parts, at: now });
            }
        }
        enough
    }

    fn level(&self, limit: Limit, now: Time) -> u64 {
        let full = limit.burst * TOKEN;
        match self.levels.get(limit.name) {
            None => full,
            Some(level) => {
                let inflow = now.since(level.at).millis() * limit.per_second * (TOKEN / 1000);
                level.parts.saturating_add(inflow).min(full)
            }
        }
    }
}

fn limits_of(service: Service, operation: &str) -> Vec<Limit> {
    match service {
        Service::Ecs => ECS
            .iter()
            .filter(|(_, operations)| operations.contains(&operation))
            .map(|(limit, _)| *limit)
            .collect(),
        Service::Elb => vec![ELB_ACCOUNT, elb_limit(operation)],
        Service::CloudWatch => CLOUDWATCH
            .iter()
            .filter(|(name, _)| *name == operation)
            .map(|(_, limit)| *limit)
            .collect(),
        _ => vec![],
    }
}

fn elb_limit(operation: &str) -> Limit {
    match operation {
        "RegisterTargets" | "DeregisterTargets" => ELB_REGISTRATION,
        read if read.starts_with("Describe") => ELB_READ,
        _ => ELB_MODIFY,
    }
}
