//! The world file.

use serde::Deserialize;
use serde_json::Value;

use crate::sandbox::{Time, World};

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

/// Builds the world that the file describes.
pub fn read(text: &str, seed: u64) -> Result<World, WorldError> {
    let _: Value = serde_saphyr::from_str(text).map_err(|e| WorldError::Syntax(e.to_string()))?;
    Ok(World::new("123456789012", "eu-west-1", Time::DEFAULT_START, seed))
}
