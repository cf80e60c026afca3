//! The little that the sandbox knows of VPCs: which zone and VPC a subnet lies in. EC2 itself is not modelled.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::sandbox::{Rng, World};

/// A subnet, as the world file tells it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Subnet {
    /// Such as `eu-west-1a`.
    pub availability_zone: String,
    pub vpc_id: Option<String>,
}

/// The subnets of the world file, by id. Every other id is taken to exist too, in a zone that depends on the id alone.
#[derive(Clone, Debug, Default)]
pub struct Network {
    pub subnets: BTreeMap<String, Subnet>,
}

impl Network {
    /// The zone of `region` that a subnet lies in, such as `eu-west-1a`.
    pub fn zone_of(&self, region: &str, subnet: &str) -> String {
        if let Some(known) = self.subnets.get(subnet) {
            known.availability_zone.clone()
        } else {
            let letter = ["a", "b", "c"][Rng::named(0, &["subnet", subnet]).below(3) as usize];
            format!("{region}{letter}")
        }
    }
}

impl World {
    /// The zone that a subnet lies in, such as `eu-west-1a`.
    pub fn zone_of(&self, subnet: &str) -> String {
        self.network.zone_of(&self.region, subnet)
    }

    /// The VPC that a subnet lies in, where the world file says so.
    pub fn vpc_of(&self, subnet: &str) -> Option<&str> {
        self.network.subnets.get(subnet)?.vpc_id.as_deref()
    }
}
