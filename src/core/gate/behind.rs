//! Which targets are tasks of ours: by address, or by EC2 instance and host port.
//!
//! Source: ECS developer guide, "load balancing": a task of network mode awsvpc registers by its address (target type
//! `ip`), any other by its EC2 instance and the port that it got there.
//! **Invariant:** a target that no task of ours is known to stand behind never counts, however healthy: the revision
//! beside ours is in the same group.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::core::live::{Target, TargetState, Task};

/// Where tasks are reached.
#[derive(Debug, Default)]
struct Places<'a> {
    addresses: BTreeSet<IpAddr>,
    ports: BTreeSet<(&'a str, u32)>,
    /// Instances whose tasks bind no ports, as in network mode host: no second task of a port is there.
    hosts: BTreeSet<&'a str>,
}

/// How many of the targets are healthy tasks of ours.
pub(super) fn healthy<'a>(
    targets: impl IntoIterator<Item = &'a Target>,
    ours: impl Iterator<Item = &'a Task>,
) -> usize {
    let places = Places::of(ours);
    let healthy = targets
        .into_iter()
        .filter(|target| target.state == TargetState::Healthy);
    healthy.filter(|target| places.hold(target)).count()
}

impl<'a> Places<'a> {
    fn of(tasks: impl Iterator<Item = &'a Task>) -> Self {
        let mut places = Self::default();
        for task in tasks {
            let addresses = task.addresses().into_iter();
            places
                .addresses
                .extend(addresses.filter_map(|address| address.parse::<IpAddr>().ok()));
            let Some(instance) = task.instance() else {
                continue;
            };
            let ports = task.host_ports();
            if ports.is_empty() && task.last_status() == "RUNNING" {
                places.hosts.insert(instance);
            }
            places
                .ports
                .extend(ports.into_iter().map(|port| (instance, port)));
        }
        places
    }

    fn hold(&self, target: &Target) -> bool {
        let id = target.id.as_str();
        match id.parse() {
            Ok(address) => self.addresses.contains(&address),
            Err(_) => self.ports.contains(&(id, target.port)) || self.hosts.contains(id),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(task: Value, targets: &[(&str, u32)], expected: usize) {
        let targets: Vec<Target> = targets
            .iter()
            .map(|(id, port)| Target {
                id: (*id).to_owned(),
                port: *port,
                state: TargetState::Healthy,
                reason: String::new(),
                description: String::new(),
            })
            .collect();
        let task = Task::new(task);
        let found = healthy(&targets, std::iter::once(&task));
        assert_eq!(found, expected, "{task:?} in {targets:?}");
    }

    #[test]
    fn an_address_target_is_ours_only_by_address() {
        let task = json!({"attachments": [{"details": [{"name": "privateIPv4Address", "value": "10.0.0.1"}]}]});
        check(task.clone(), &[("10.0.0.1", 80), ("10.0.0.9", 80)], 1);
        check(task, &[("10.0.0.9", 80)], 0);
        check(json!({}), &[("10.0.0.9", 80)], 0);
        let six = json!({"containers": [{"networkInterfaces": [{"ipv6Address": "2001:db8::1"}]}]});
        check(six, &[("2001:db8:0:0:0:0:0:1", 80)], 1);
    }

    #[test]
    fn an_instance_target_is_ours_by_instance_and_port() {
        let bound = |port: u32| {
            let bindings = json!([{"containerPort": 80, "hostPort": port}]);
            json!({"ec2InstanceId": "i-1", "containers": [{"networkBindings": bindings}]})
        };
        let both = [("i-1", 32768), ("i-1", 32770), ("i-2", 32770)];
        check(bound(32770), &both, 1);
        check(bound(32771), &both, 0);
        let unnamed = json!({"containers": [{"networkBindings": [{"hostPort": 32770}]}]});
        check(unnamed, &both, 0);
    }

    #[test]
    fn a_task_on_its_instances_own_network_is_alone_with_its_port() {
        let task = json!({"ec2InstanceId": "i-1", "lastStatus": "RUNNING"});
        check(task, &[("i-1", 80), ("i-2", 80)], 1);
        let pending = json!({"ec2InstanceId": "i-1", "lastStatus": "PENDING"});
        check(pending, &[("i-1", 80)], 0);
    }
}
