//! What the items of a list are called, so that they can be matched whatever their place.
//!
//! **Invariant:** a name is used only if every item of both lists has one and no two items of a list share it; else the
//! list is a sequence.

use serde_json::Value;
use std::collections::BTreeSet;

/// How the items of a list are named.
#[derive(Debug, Clone, Copy)]
pub(super) enum Identity {
    Member(&'static str),
    /// `80/tcp`, or `8000-8010/udp`: tcp if it does not say (`PortMapping$protocol`).
    Port,
}

/// Lists of the Amazon ECS API by the member that holds them. Any other list is tried with `name`.
const LISTS: [(&str, Identity); 16] = [
    ("portMappings", Identity::Port),
    ("mountPoints", Identity::Member("containerPath")),
    ("tmpfs", Identity::Member("containerPath")),
    ("devices", Identity::Member("hostPath")),
    ("extraHosts", Identity::Member("hostname")),
    ("volumesFrom", Identity::Member("sourceContainer")),
    ("dependsOn", Identity::Member("containerName")),
    ("systemControls", Identity::Member("namespace")),
    ("resourceRequirements", Identity::Member("type")),
    ("inferenceAccelerators", Identity::Member("deviceName")),
    ("tags", Identity::Member("key")),
    ("loadBalancers", Identity::Member("targetGroupArn")),
    ("serviceRegistries", Identity::Member("registryArn")),
    (
        "capacityProviderStrategy",
        Identity::Member("capacityProvider"),
    ),
    ("services", Identity::Member("portName")),
    ("clientAliases", Identity::Member("port")),
];

const USUAL: Identity = Identity::Member("name");

/// The names of the items of both lists, if they have any; `list` is the member that holds them.
pub(in crate::core) fn names(
    list: Option<&str>,
    from: &[Value],
    to: &[Value],
) -> Option<(Vec<String>, Vec<String>)> {
    let known = LISTS.iter().find(|(member, _)| Some(*member) == list);
    let identity = known.map_or(USUAL, |(_, identity)| *identity);
    Some((unique_names(identity, from)?, unique_names(identity, to)?))
}

fn unique_names(identity: Identity, items: &[Value]) -> Option<Vec<String>> {
    let names: Vec<String> = items
        .iter()
        .map(|item| identity.name_of(item))
        .collect::<Option<_>>()?;
    let distinct: BTreeSet<&String> = names.iter().collect();
    (distinct.len() == names.len()).then_some(names)
}

impl Identity {
    fn name_of(self, item: &Value) -> Option<String> {
        match self {
            Self::Member(member) => plain(item.get(member)?),
            Self::Port => {
                let port = plain(
                    item.get("containerPort")
                        .or_else(|| item.get("containerPortRange"))?,
                )?;
                let protocol = item.get("protocol").map_or(Some("tcp".to_owned()), plain)?;
                Some(format!("{port}/{protocol}"))
            }
        }
    }
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
