//! AWS through its SDK: looks at facets, makes changes, keeps documents whole.
//!
//! **Invariant:** nothing is decided here. What the SDK does not model still passes, because bodies are read and
//! written as JSON beside the SDK's types (`wire`); credentials, endpoints, signing and retry stay the SDK's.

mod cloudwatch;
mod code_deploy;
mod date;
mod faults;
mod forms;
mod history;
mod instances;
mod journal;
mod json_service;
mod limits;
mod logs;
mod observe;
mod perform;
mod routing;
mod rules;
mod scaling;
mod task_sets;
mod tasks;
mod wire;

pub use journal::{Auto, Parameters, ServiceTags};
pub use json_service::{Api, JsonService, Repeat};
pub use limits::{retries, timeouts};
pub use routing::Routing;
pub use wire::{Answer, Function};

use aws_types::SdkConfig;
use jiff::Timestamp;

/// Clients for one account and region.
#[derive(Clone, Debug)]
pub struct Aws {
    ecs: aws_sdk_ecs::Client,
    dates: date::Dates,
    elb: aws_sdk_elasticloadbalancingv2::Client,
    ecr: aws_sdk_ecr::Client,
    cloudwatch: JsonService,
    code_deploy: JsonService,
    code_deploy_targets: code_deploy::Targets,
    scaling: JsonService,
    logs: JsonService,
}

impl Aws {
    pub fn new(config: &SdkConfig) -> Self {
        let dates = date::Dates::default();
        let ecs = aws_sdk_ecs::config::Builder::from(config).interceptor(dates.clone());
        Self {
            ecs: aws_sdk_ecs::Client::from_conf(ecs.build()),
            dates,
            elb: aws_sdk_elasticloadbalancingv2::Client::new(config),
            ecr: aws_sdk_ecr::Client::new(config),
            cloudwatch: JsonService::new(config, cloudwatch::API),
            code_deploy: JsonService::new(config, code_deploy::API),
            code_deploy_targets: code_deploy::Targets::default(),
            scaling: JsonService::new(config, scaling::API),
            logs: JsonService::new(config, logs::API),
        }
    }

    /// AWS's own time, as ECS's newest answer says it; `None` before there is one.
    pub fn date(&self) -> Option<Timestamp> {
        self.dates.newest()
    }
}
