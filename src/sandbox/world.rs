//! The whole state of the pretended account and region, and one step of its time.
//!
//! **Invariant:** a step depends only on the state: the same world, stepped alike, ends alike.

use crate::sandbox::apps::Apps;
use crate::sandbox::autoscaling::{self, AutoScaling};
use crate::sandbox::cloudwatch::{self, Cloudwatch};
use crate::sandbox::codedeploy::{self, CodeDeploy};
use crate::sandbox::ecr::Ecr;
use crate::sandbox::ecs::{self, Ecs};
use crate::sandbox::elb::Elb;
use crate::sandbox::faults::Faults;
use crate::sandbox::lambdas::Lambdas;
use crate::sandbox::logs::Logs;
use crate::sandbox::network::Network;
use crate::sandbox::ssm::Ssm;
use crate::sandbox::traffic::Traffic;
use crate::sandbox::{Rng, Time, ids};

/// One AWS account in one region.
#[derive(Clone, Debug)]
pub struct World {
    pub now: Time,
    /// What the world was seeded with; ids of things from the world file derive from it.
    pub seed: u64,
    /// The stream for things that are made while time runs.
    pub rng: Rng,
    /// Twelve digits.
    pub account: String,
    pub region: String,
    pub ecs: Ecs,
    pub elb: Elb,
    pub ecr: Ecr,
    pub apps: Apps,
    pub network: Network,
    pub traffic: Traffic,
    pub cloudwatch: Cloudwatch,
    pub ssm: Ssm,
    pub logs: Logs,
    pub auto_scaling: AutoScaling,
    pub code_deploy: CodeDeploy,
    /// What goes wrong on the way to AWS. No service knows of it.
    pub faults: Faults,
    pub lambdas: Lambdas,
}

impl World {
    /// An empty world.
    pub fn new(account: &str, region: &str, now: Time, seed: u64) -> Self {
        Self {
            now,
            seed,
            rng: Rng::new(seed),
            account: account.to_owned(),
            region: region.to_owned(),
            ecs: Ecs::default(),
            elb: Elb::default(),
            ecr: Ecr::default(),
            apps: Apps::default(),
            network: Network::default(),
            traffic: Traffic::default(),
            cloudwatch: Cloudwatch::default(),
            ssm: Ssm::default(),
            logs: Logs::default(),
            auto_scaling: AutoScaling::default(),
            code_deploy: CodeDeploy::default(),
            faults: Faults::default(),
            lambdas: Lambdas::default(),
        }
    }

    /// `arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE` in this account and region.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        ids::arn(service, &self.region, &self.account, resource)
    }

    /// The stream for one named thing of the world file: it depends on the seed, the kind and the name alone.
    pub fn named(&self, kind: &str, name: &str) -> Rng {
        Rng::named(self.seed, &[kind, name])
    }

    /// What happens in the second that ends at `at`: ECS moves its tasks, ELB checks the targets as they now are, requests
    /// flow to them, CloudWatch publishes and judges what was counted, Application Auto Scaling looks at desired counts,
    /// and CodeDeploy goes on with its deployments.
    pub(crate) fn step(&mut self, at: Time) {
        self.now = at;
        ecs::tick(self);
        let Self {
            ecs,
            apps,
            elb,
            traffic,
            ..
        } = self;
        elb.tick(at, &|id, port| ecs::probe(ecs, apps, at, id, port));
        traffic.tick(at, elb, &|id, port| ecs::reach(ecs, at, id, port));
        cloudwatch::tick(self);
        autoscaling::tick(self);
        codedeploy::tick(self);
    }
}
