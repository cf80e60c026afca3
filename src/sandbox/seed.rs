//! The world file: what is there when a sandbox begins.
//!
//! It is YAML. Everything in it is written as one would write it to AWS: an entry of `targetGroups` is the input of
//! `CreateTargetGroup`, one of `services` the input of `CreateService`, and so on, with AWS's own spelling and strictness.
//! What is AWS's to choose may be left out (ARNs, digests); it then follows from the seed and the thing's name.
//!
//! | section | an entry is |
//! | --- | --- |
//! | `account`, `region`, `startTime` | twelve digits; a region; the instant at which the clock stands |
//! | `subnets` | by id: `AvailabilityZone`, `VpcId` (ids that are not listed exist too) |
//! | `targetGroups` | `CreateTargetGroup`, with `TargetGroupArn` and `Attributes` (list of `Key`, `Value`) beside it |
//! | `loadBalancers` | `CreateLoadBalancer`, with `LoadBalancerArn` and `Attributes` |
//! | `listeners` | `CreateListener`, with `ListenerArn` and `Attributes` |
//! | `rules` | `CreateRule`, with `RuleArn` |
//! | `repositories` | `repositoryName`, `imageTagMutability` and `images`: `imageTags`, `imageDigest`, `imageStatus`, `imagePushedAt`, `platforms`, and the `behaviour` (see [`crate::sandbox::apps::Behaviour`]) |
//! | `images` | a public image: `image` (`nginx:1.27`) and its `behaviour` |
//! | `lambdas` | [`LambdaSeed`]: a function that lifecycle hooks may call, and its answers |
//! | `clusters` | `CreateCluster` |
//! | `containerInstances` | [`ContainerInstanceSeed`] |
//! | `taskDefinitions` | `RegisterTaskDefinition`, in order of registration; with `revision` beside it, its number |
//! | `parameters` | `PutParameter` of SSM |
//! | `logGroups` | `CreateLogGroup` of CloudWatch Logs |
//! | `scalableTargets` | `RegisterScalableTarget` of Application Auto Scaling |
//! | `codeDeploy` | [`CodeDeploySeed`]: applications, deployment configurations and deployment groups |
//! | `faults` | a fault [`Rule`], in the order in which they are asked |
//! | `throttling` | `aws` for AWS's published request rates; else `off` |
//! | `services` | `CreateService`; a service begins steady, with all its tasks running and one completed deployment. One with the controller `EXTERNAL` has `taskSets` beside it: `CreateTaskSet`, at full `scale` if none is given; the first is PRIMARY |
//! | `traffic` | requests that come all the time (see [`SourceSeed`]) |
//! | `alarms` | `PutMetricAlarm`, with the `StateValue` that the alarm already has (`INSUFFICIENT_DATA` if absent) |
//! | `cloudwatch` | how data is published and kept (see [`Switches`]) |
//!
//! Wherever an ARN is asked for, a name will do: `web` for a load balancer or target group, `web:80` for the listener on
//! port 80, `web:80/10` for its rule of priority 10 and `web:80/default` for its default rule. The same goes for the value
//! of an alarm's `LoadBalancer` or `TargetGroup` dimension.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::sandbox::cloudwatch::{self, Switches};
use crate::sandbox::codedeploy::{self, CodeDeploySeed};
use crate::sandbox::ecr::{self, PublicImageEntry, RepositoryEntry};
use crate::sandbox::elb::{self, Elb, ElbSeed};
use crate::sandbox::faults::{Rule, Throttling};
use crate::sandbox::lambdas::LambdaSeed;
use crate::sandbox::network::Subnet;
use crate::sandbox::traffic::{self, SourceSeed};
use crate::sandbox::{ApiError, Time, World, autoscaling, ecs, logs, ssm};

/// 2200-01-01T00:00:00Z: far enough from the end of the calendar that a clock never gets there.
const LATEST_START: Time = Time::from_millis(7_258_118_400_000);

/// Why a world file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// Not YAML, or not of this shape; the text names line and column.
    #[error("failed to read the world file: {0}")]
    Syntax(String),
    /// Well-formed, but it contradicts itself or AWS's rules.
    #[error("the world file does not hold together: {0}")]
    Invalid(String),
}

/// The ECS part of a world file, handed to [`crate::sandbox::ecs::seed`]. References to target groups and listener
/// rules by name are already ARNs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EcsSeed {
    /// `CreateCluster` inputs.
    pub clusters: Vec<Value>,
    pub container_instances: Vec<ContainerInstanceSeed>,
    /// `RegisterTaskDefinition` inputs, in order of registration.
    pub task_definitions: Vec<Value>,
    /// `CreateService` inputs. They start steady: every task RUNNING and healthy, one COMPLETED deployment in the past.
    /// `taskSets` beside an EXTERNAL one are `CreateTaskSet` inputs.
    pub services: Vec<Value>,
}

/// An EC2 instance that has joined a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContainerInstanceSeed {
    /// The cluster's name; `default` if absent.
    pub cluster: Option<String>,
    /// `i-…`; made from the seed if absent.
    pub ec2_instance_id: Option<String>,
    /// Such as `m5.large`.
    pub instance_type: String,
    /// CPU units (1024 to a vCPU).
    pub cpu: u64,
    /// MiB.
    pub memory: u64,
    /// Such as `eu-west-1a`.
    pub availability_zone: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct WorldFile {
    account: String,
    region: String,
    start_time: Time,
    subnets: BTreeMap<String, Subnet>,
    target_groups: Vec<Value>,
    load_balancers: Vec<Value>,
    listeners: Vec<Value>,
    rules: Vec<Value>,
    repositories: Vec<RepositoryEntry>,
    images: Vec<PublicImageEntry>,
    lambdas: Vec<LambdaSeed>,
    clusters: Vec<Value>,
    container_instances: Vec<ContainerInstanceSeed>,
    task_definitions: Vec<Value>,
    services: Vec<Value>,
    traffic: Vec<SourceSeed>,
    alarms: Vec<Value>,
    cloudwatch: Switches,
    parameters: Vec<Value>,
    log_groups: Vec<Value>,
    scalable_targets: Vec<Value>,
    code_deploy: CodeDeploySeed,
    faults: Vec<Rule>,
    throttling: Throttling,
}

impl Default for WorldFile {
    fn default() -> Self {
        Self {
            account: "123456789012".to_owned(),
            region: "eu-west-1".to_owned(),
            start_time: Time::DEFAULT_START,
            subnets: BTreeMap::new(),
            target_groups: vec![],
            load_balancers: vec![],
            listeners: vec![],
            rules: vec![],
            repositories: vec![],
            images: vec![],
            lambdas: vec![],
            clusters: vec![],
            container_instances: vec![],
            task_definitions: vec![],
            services: vec![],
            traffic: vec![],
            alarms: vec![],
            cloudwatch: Switches::default(),
            parameters: vec![],
            log_groups: vec![],
            scalable_targets: vec![],
            code_deploy: CodeDeploySeed::default(),
            faults: vec![],
            throttling: Throttling::Off,
        }
    }
}

/// Builds the world that the file describes. An empty file is an empty world.
pub fn read(text: &str, seed: u64) -> Result<World, WorldError> {
    let options = serde_saphyr::options! {
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
    };
    let file: Option<WorldFile> = serde_saphyr::from_str_with_options(text, options)
        .map_err(|e| WorldError::Syntax(e.to_string()))?;
    build(file.unwrap_or_default(), seed)
}

fn build(file: WorldFile, seed: u64) -> Result<World, WorldError> {
    if file.account.len() != 12 || !file.account.bytes().all(|b| b.is_ascii_digit()) {
        return Err(WorldError::Invalid(format!(
            "account {:?} is not twelve digits",
            file.account
        )));
    }
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if file.region.is_empty() || !file.region.chars().all(legal) {
        // It is printed for shells to read, and stands in ARNs.
        return Err(WorldError::Invalid(format!(
            "region {:?} is not of lower-case letters, digits and hyphens",
            file.region
        )));
    }
    if file.start_time >= LATEST_START {
        return Err(WorldError::Invalid(format!(
            "startTime {} is not before {LATEST_START}",
            file.start_time
        )));
    }
    let mut world = World::new(&file.account, &file.region, file.start_time, seed);
    world.network.subnets = file.subnets;
    for entry in file.repositories {
        ecr::add_repository(&mut world, entry)?;
    }
    for entry in &file.images {
        ecr::add_public_image(&mut world, entry);
    }
    for entry in file.lambdas {
        let name = entry.function_name.clone();
        if !world.lambdas.add(entry) {
            return Err(WorldError::Invalid(format!("lambda {name} is there twice")));
        }
    }
    let (target_groups, load_balancers) = (file.target_groups, file.load_balancers);
    elb::seed(
        &mut world,
        &ElbSeed {
            target_groups,
            load_balancers,
            listeners: file.listeners,
            rules: file.rules,
        },
    )?;
    let mut services = file.services;
    for service in &mut services {
        resolve_names(&world.elb, service);
    }
    let (clusters, container_instances, task_definitions) = (
        file.clusters,
        file.container_instances,
        file.task_definitions,
    );
    ecs::seed(
        &mut world,
        EcsSeed {
            clusters,
            container_instances,
            task_definitions,
            services,
        },
    )?;
    traffic::seed(&mut world, file.traffic)?;
    cloudwatch::seed(&mut world, file.cloudwatch, file.alarms)?;
    ask_all(&mut world, "PutParameter", ssm::answer, &file.parameters)?;
    ask_all(&mut world, "CreateLogGroup", logs::answer, &file.log_groups)?;
    ask_all(
        &mut world,
        "RegisterScalableTarget",
        autoscaling::answer,
        &file.scalable_targets,
    )?;
    codedeploy::seed(&mut world, file.code_deploy)?;
    for rule in file.faults {
        let added = world.faults.add(rule, seed);
        added.map_err(|error| WorldError::Invalid(error.to_string()))?;
    }
    world.faults.throttle(file.throttling);
    Ok(world)
}

/// A service's own function for its operations.
type Answer = fn(&mut World, &str, &Value) -> Result<Value, ApiError>;

/// Asks one operation for each of the inputs.
fn ask_all(
    world: &mut World,
    operation: &str,
    answer: Answer,
    inputs: &[Value],
) -> Result<(), WorldError> {
    for input in inputs {
        answer(world, operation, input)
            .map_err(|error| WorldError::Invalid(format!("{operation}: {error}")))?;
    }
    Ok(())
}

/// Puts ARNs for names in a service's references to load balancing.
fn resolve_names(elb: &Elb, value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| resolve_names(elb, item)),
        Value::Object(members) => {
            for (name, member) in members {
                let found = match (name.as_str(), member.as_str()) {
                    ("targetGroupArn" | "alternateTargetGroupArn", Some(text)) => {
                        elb::find_group(elb, text)
                    }
                    ("productionListenerRule" | "testListenerRule", Some(text)) => {
                        elb::find_rule(elb, text).or_else(|| elb::find_listener(elb, text))
                    }
                    _ => None,
                };
                match found {
                    Some(arn) => *member = arn.into(),
                    None => resolve_names(elb, member),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
#[path = "seed_tests.rs"]
mod tests;
