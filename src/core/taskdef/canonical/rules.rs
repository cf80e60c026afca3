//! What two task definitions may differ in and still be the same, as tables: defaults, sets, empty objects.
//!
//! A default is dropped on both sides, so it does not matter whether `DescribeTaskDefinition` echoes it. Each row names its
//! source: an operation or shape of the Amazon ECS API (its documentation text), or, where AWS documents nothing, an
//! answer of that operation. The rules that need more than a row (sizes, host ports, network mode, digests) are in
//! `form`. **Invariant:** no row speaks of a member that AWS may give a meaning of its own when it is absent, such as
//! `stopTimeout` (an agent setting) or `logConfiguration.options.mode` (an account setting).

use serde_json::Value;

/// A member that means the same when it is absent as when it has this value.
#[derive(Debug, Clone, Copy)]
pub struct DefaultRule {
    /// The objects that hold the member; `""` is the definition.
    pub at: &'static str,
    pub member: &'static str,
    pub value: Literal,
    pub source: &'static str,
}

/// A list whose order means nothing.
#[derive(Debug, Clone, Copy)]
pub struct SetRule {
    pub at: &'static str,
    /// The members that tell items apart, in order of weight; none for a list of plain values. Items alike in all of
    /// them keep their order, because the last of two may win.
    pub by: &'static [&'static str],
    pub source: &'static str,
}

/// An object that means the same when it is empty as when it is absent.
#[derive(Debug, Clone, Copy)]
pub struct EmptyRule {
    pub at: &'static str,
    pub member: &'static str,
    pub source: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Literal {
    Text(&'static str),
    Number(u64),
    Flag(bool),
}

impl Literal {
    pub fn to_value(self) -> Value {
        match self {
            Self::Text(text) => Value::from(text),
            Self::Number(number) => Value::from(number),
            Self::Flag(flag) => Value::from(flag),
        }
    }
}

const CONTAINER: &str = "containerDefinitions[]";
const HEALTH_CHECK: &str = "containerDefinitions[].healthCheck";
const LINUX: &str = "containerDefinitions[].linuxParameters";
const EFS: &str = "volumes[].efsVolumeConfiguration";
const OFF: Literal = Literal::Flag(false);

const fn default(
    at: &'static str,
    member: &'static str,
    value: Literal,
    source: &'static str,
) -> DefaultRule {
    DefaultRule {
        at,
        member,
        value,
        source,
    }
}

const fn set(at: &'static str, by: &'static [&'static str], source: &'static str) -> SetRule {
    SetRule { at, by, source }
}

const fn empty(at: &'static str, member: &'static str, source: &'static str) -> EmptyRule {
    EmptyRule { at, member, source }
}

pub const DEFAULTS: &[DefaultRule] = &[
    default(
        "",
        "enableFaultInjection",
        OFF,
        "RegisterTaskDefinition$enableFaultInjection",
    ),
    default(
        CONTAINER,
        "cpu",
        Literal::Number(0),
        "RegisterTaskDefinition answers 0",
    ),
    default(
        CONTAINER,
        "essential",
        Literal::Flag(true),
        "ContainerDefinition$essential",
    ),
    default(
        CONTAINER,
        "versionConsistency",
        Literal::Text("enabled"),
        "ContainerDefinition$versionConsistency",
    ),
    default(
        CONTAINER,
        "disableNetworking",
        OFF,
        "ContainerDefinition$disableNetworking: only true has a meaning",
    ),
    default(
        CONTAINER,
        "privileged",
        OFF,
        "ContainerDefinition$privileged: only true has a meaning",
    ),
    default(
        CONTAINER,
        "readonlyRootFilesystem",
        OFF,
        "ContainerDefinition$readonlyRootFilesystem: only true has a meaning",
    ),
    default(
        CONTAINER,
        "interactive",
        OFF,
        "ContainerDefinition$interactive: only true has a meaning",
    ),
    default(
        CONTAINER,
        "pseudoTerminal",
        OFF,
        "ContainerDefinition$pseudoTerminal: only true has a meaning",
    ),
    default(
        "containerDefinitions[].portMappings[]",
        "protocol",
        Literal::Text("tcp"),
        "PortMapping$protocol",
    ),
    default(
        "containerDefinitions[].mountPoints[]",
        "readOnly",
        OFF,
        "MountPoint$readOnly",
    ),
    default(
        "containerDefinitions[].volumesFrom[]",
        "readOnly",
        OFF,
        "VolumeFrom$readOnly",
    ),
    default(
        "containerDefinitions[].restartPolicy",
        "restartAttemptPeriod",
        Literal::Number(300),
        "ContainerRestartPolicy$restartAttemptPeriod",
    ),
    default(
        HEALTH_CHECK,
        "interval",
        Literal::Number(30),
        "HealthCheck$interval",
    ),
    default(
        HEALTH_CHECK,
        "timeout",
        Literal::Number(5),
        "HealthCheck$timeout",
    ),
    default(
        HEALTH_CHECK,
        "retries",
        Literal::Number(3),
        "HealthCheck$retries",
    ),
    default(
        HEALTH_CHECK,
        "startPeriod",
        Literal::Number(0),
        "HealthCheck$startPeriod: off by default, and 0 is off",
    ),
    default(
        LINUX,
        "initProcessEnabled",
        OFF,
        "LinuxParameters$initProcessEnabled: only true has a meaning",
    ),
    default(
        EFS,
        "rootDirectory",
        Literal::Text("/"),
        "EFSVolumeConfiguration$rootDirectory",
    ),
    default(
        EFS,
        "transitEncryption",
        Literal::Text("DISABLED"),
        "EFSVolumeConfiguration$transitEncryption",
    ),
    default(
        "volumes[].efsVolumeConfiguration.authorizationConfig",
        "iam",
        Literal::Text("DISABLED"),
        "EFSAuthorizationConfig$iam",
    ),
    default(
        "volumes[].s3filesVolumeConfiguration",
        "rootDirectory",
        Literal::Text("/"),
        "S3FilesVolumeConfiguration$rootDirectory",
    ),
];

const NAMED: &str =
    "items are told apart by name; RegisterTaskDefinition gives their order no meaning";
const PLAIN: &str = "RegisterTaskDefinition gives the order of these values no meaning";

pub const SETS: &[SetRule] = &[
    set(
        "containerDefinitions",
        &["name"],
        "dependsOn orders the start of containers, the list does not",
    ),
    set("containerDefinitions[].environment", &["name"], NAMED),
    set("containerDefinitions[].secrets", &["name"], NAMED),
    set(
        "containerDefinitions[].portMappings",
        &[
            "containerPort",
            "containerPortRange",
            "protocol",
            "hostPort",
        ],
        NAMED,
    ),
    set(
        "containerDefinitions[].mountPoints",
        &["containerPath", "sourceVolume"],
        NAMED,
    ),
    set(
        "containerDefinitions[].volumesFrom",
        &["sourceContainer"],
        NAMED,
    ),
    set("containerDefinitions[].ulimits", &["name"], NAMED),
    set(
        "containerDefinitions[].systemControls",
        &["namespace"],
        NAMED,
    ),
    set(
        "containerDefinitions[].resourceRequirements",
        &["type", "value"],
        NAMED,
    ),
    set(
        "containerDefinitions[].logConfiguration.secretOptions",
        &["name"],
        NAMED,
    ),
    set(
        "containerDefinitions[].restartPolicy.ignoredExitCodes",
        &[],
        PLAIN,
    ),
    set(
        "containerDefinitions[].linuxParameters.capabilities.add",
        &[],
        PLAIN,
    ),
    set(
        "containerDefinitions[].linuxParameters.capabilities.drop",
        &[],
        PLAIN,
    ),
    set("volumes", &["name"], NAMED),
    set(
        "placementConstraints",
        &["type", "expression"],
        "a task is placed where every constraint holds",
    ),
    set("requiresCompatibilities", &[], PLAIN),
    set("proxyConfiguration.properties", &["name"], NAMED),
    set("inferenceAccelerators", &["deviceName"], NAMED),
    set("tags", &["key"], NAMED),
];

const NO_ENTRIES: &str = "a map without entries sets nothing";

/// Inner objects before the objects that hold them.
pub const EMPTY_OBJECTS: &[EmptyRule] = &[
    empty(CONTAINER, "dockerLabels", NO_ENTRIES),
    empty(
        "containerDefinitions[].logConfiguration",
        "options",
        NO_ENTRIES,
    ),
    empty(
        "containerDefinitions[].firelensConfiguration",
        "options",
        NO_ENTRIES,
    ),
    empty(
        LINUX,
        "capabilities",
        "KernelCapabilities: no member is required and none has a default",
    ),
    empty(
        CONTAINER,
        "linuxParameters",
        "LinuxParameters: no member is required and none has a default",
    ),
    empty(
        "volumes[]",
        "host",
        "HostVolumeProperties: RegisterTaskDefinition answers {} for a volume with no source",
    ),
    empty(
        "volumes[].dockerVolumeConfiguration",
        "driverOpts",
        NO_ENTRIES,
    ),
    empty("volumes[].dockerVolumeConfiguration", "labels", NO_ENTRIES),
    empty(
        EFS,
        "authorizationConfig",
        "EFSAuthorizationConfig: no member is required, iam is DISABLED by default",
    ),
];
