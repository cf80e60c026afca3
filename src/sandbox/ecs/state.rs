//! What ECS remembers: clusters with their services, tasks and container instances, and the task definitions.
//!
//! **Invariant:** a service's `live` list names exactly its tasks that have not reached STOPPED.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::sandbox::apps::Apps;
use crate::sandbox::cloudwatch::Cloudwatch;
use crate::sandbox::ecr::Ecr;
use crate::sandbox::ecs::defaults::{Lag, Switches};
use crate::sandbox::ecs::document::{Document, last_part, text};
use crate::sandbox::ecs::instances::Instance;
use crate::sandbox::ecs::refuse;
use crate::sandbox::ecs::run_task::Receipt;
use crate::sandbox::ecs::service::Service;
use crate::sandbox::ecs::task::Task;
use crate::sandbox::ecs::task_definition::{Family, Reference, Revision};
use crate::sandbox::elb::Elb;
use crate::sandbox::lambdas::Lambdas;
use crate::sandbox::network::Network;
use crate::sandbox::{ApiError, Duration, Rng, Time, World, ids};

/// Everything that ECS remembers.
#[derive(Clone, Debug, Default)]
pub struct Ecs {
    /// Choices where AWS's behaviour is not established.
    pub switches: Switches,
    pub(super) clusters: BTreeMap<String, Cluster>,
    pub(super) families: BTreeMap<String, Family>,
    /// Where tasks listen: target id (an address, or an instance) and port, to cluster and task.
    pub(super) endpoints: BTreeMap<(String, u16), (String, String)>,
    /// Addresses given out so far.
    pub(super) addresses: u32,
    /// How often something other than time may have changed it.
    pub(super) touched: u64,
}

/// A cluster.
#[derive(Clone, Debug)]
pub struct Cluster {
    pub name: String,
    pub arn: String,
    pub active: bool,
    /// `configuration`, `settings`, `capacityProviders` and whatever else came with CreateCluster.
    pub document: Document,
    pub tags: Vec<Value>,
    pub services: BTreeMap<String, Service>,
    /// By task id; stopped ones stay for an hour.
    pub tasks: BTreeMap<String, Task>,
    /// By task group, such as `service:web`: the ids of its tasks that have not reached STOPPED.
    pub groups: BTreeMap<String, BTreeSet<String>>,
    /// By container instance id.
    pub instances: BTreeMap<String, Instance>,
    /// RunTask's client tokens.
    pub receipts: BTreeMap<String, Receipt>,
}

/// The world around ECS, as its parts need it.
pub struct Ground<'a> {
    pub now: Time,
    pub rng: &'a mut Rng,
    pub elb: &'a mut Elb,
    pub ecr: &'a Ecr,
    pub apps: &'a Apps,
    pub network: &'a Network,
    pub lambdas: &'a Lambdas,
    pub cloudwatch: &'a Cloudwatch,
    pub account: &'a str,
    pub region: &'a str,
}

/// The world as ECS and what lies around it, to change something.
pub fn split(world: &mut World) -> (&mut Ecs, Ground<'_>) {
    world.ecs.touched += 1;
    untouched(world)
}

/// The same, for time to pass or to look.
pub fn untouched(world: &mut World) -> (&mut Ecs, Ground<'_>) {
    let World {
        now,
        rng,
        ecs,
        elb,
        ecr,
        apps,
        network,
        lambdas,
        cloudwatch,
        account,
        region,
        ..
    } = world;
    (
        ecs,
        Ground {
            now: *now,
            rng,
            elb,
            ecr,
            apps,
            network,
            lambdas,
            cloudwatch,
            account,
            region,
        },
    )
}

impl Ground<'_> {
    pub fn arn(&self, resource: &str) -> String {
        ids::arn("ecs", self.region, self.account, resource)
    }

    pub fn caller(&self) -> String {
        ids::arn("iam", "", self.account, "user/sandbox")
    }

    pub fn draw(&mut self, lag: Lag) -> Duration {
        lag.draw(self.rng)
    }
}

impl Ecs {
    /// Tasks of services that are wanted: those that run, and all.
    pub fn at_work(&self) -> (usize, usize) {
        let clusters = self.clusters.values();
        let tasks = clusters.flat_map(|cluster| cluster.tasks.values());
        let wanted = tasks.filter(|task| task.is_wanted() && task.service().is_some());
        wanted.fold((0, 0), |(running, all), task| {
            (running + usize::from(task.is_running()), all + 1)
        })
    }

    /// The active cluster that `input.cluster` names, by name or ARN; `default` if it names none.
    pub fn cluster(&mut self, input: &Document) -> Result<&mut Cluster, ApiError> {
        let name = last_part(text(input, "cluster").unwrap_or("default"));
        self.clusters
            .get_mut(name)
            .filter(|cluster| cluster.active)
            .ok_or_else(refuse::no_cluster)
    }

    /// The revision that a caller means: a family alone is its latest active one.
    pub fn find_definition(&self, name: &str) -> Result<Option<&Revision>, ApiError> {
        let Reference { family, number } = Reference::parse(name)?;
        let Some(family) = self.families.get(&family) else {
            return Ok(None);
        };
        Ok(match number {
            Some(number) => family.revision(number),
            None => family.latest_active(),
        })
    }

    /// The revision for new tasks: it must be active.
    pub fn definition_to_run(&self, name: &str) -> Result<&Revision, ApiError> {
        let found = self
            .find_definition(name)?
            .ok_or_else(|| refuse::client("TaskDefinition not found."))?;
        if found.is_active() {
            Ok(found)
        } else {
            Err(refuse::client("TaskDefinition is inactive"))
        }
    }
}

impl Cluster {
    pub fn service(&mut self, name_or_arn: &str) -> Option<&mut Service> {
        self.services.get_mut(last_part(name_or_arn))
    }
}
