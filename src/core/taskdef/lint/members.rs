//! Members that no one knows: sent as they stand, for AWS adds members faster than tools learn them, and warned of, for
//! most are misspelt and AWS may well ignore them without a word.
//!
//! Source of the names: the Amazon ECS API model, `RegisterTaskDefinitionRequest` and `ContainerDefinition`.

use serde_json::{Map, Value};

use super::finding::{Finding, Subject};
use crate::core::nearest::nearest;

const OF_A_DEFINITION: [&str; 18] = [
    "family",
    "taskRoleArn",
    "executionRoleArn",
    "networkMode",
    "containerDefinitions",
    "volumes",
    "placementConstraints",
    "requiresCompatibilities",
    "cpu",
    "memory",
    "tags",
    "pidMode",
    "ipcMode",
    "proxyConfiguration",
    "inferenceAccelerators",
    "ephemeralStorage",
    "runtimePlatform",
    "enableFaultInjection",
];

const OF_A_CONTAINER: [&str; 42] = [
    "name",
    "image",
    "repositoryCredentials",
    "cpu",
    "memory",
    "memoryReservation",
    "links",
    "portMappings",
    "essential",
    "restartPolicy",
    "entryPoint",
    "command",
    "environment",
    "environmentFiles",
    "mountPoints",
    "volumesFrom",
    "linuxParameters",
    "secrets",
    "dependsOn",
    "startTimeout",
    "stopTimeout",
    "versionConsistency",
    "hostname",
    "user",
    "workingDirectory",
    "disableNetworking",
    "privileged",
    "readonlyRootFilesystem",
    "dnsServers",
    "dnsSearchDomains",
    "extraHosts",
    "dockerSecurityOptions",
    "interactive",
    "pseudoTerminal",
    "dockerLabels",
    "ulimits",
    "logConfiguration",
    "healthCheck",
    "systemControls",
    "resourceRequirements",
    "firelensConfiguration",
    "credentialSpecs",
];

pub(super) fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let definition = subject.definition.as_map();
    let mut found = unknown(definition, "", &OF_A_DEFINITION);
    let containers = definition
        .get("containerDefinitions")
        .and_then(Value::as_array);
    for (at, container) in containers.into_iter().flatten().enumerate() {
        if let Value::Object(members) = container {
            let within = format!("containerDefinitions[{at}].");
            found.extend(unknown(members, &within, &OF_A_CONTAINER));
        }
    }
    found
}

/// A warning for each member that is not among the known ones.
pub fn unknown(members: &Map<String, Value>, within: &str, known: &[&str]) -> Vec<Finding> {
    let strangers = members
        .keys()
        .filter(|name| !known.contains(&name.as_str()));
    let warn = |name: &String| {
        let message = "no member of this name is known; it is sent, and AWS may ignore it";
        let finding = Finding::warning(format!("{within}{name}"), message);
        match nearest(name, known) {
            Some(near) => finding.hint(format!("did you mean {near}?")),
            None => finding,
        }
    };
    strangers.map(warn).collect()
}
