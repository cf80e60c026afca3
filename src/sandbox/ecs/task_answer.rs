//! A task as DescribeTasks, RunTask and StopTask show it.

use serde_json::{Value, json};

use crate::sandbox::Time;
use crate::sandbox::ecs::document::Document;
use crate::sandbox::ecs::task::{Container, Interface, Port, Step, Task};

impl Task {
    /// The `Task` structure; tags only where they were asked for.
    pub fn answer(&self, now: Time) -> Value {
        let mut answer = self.document.clone();
        let mut put = |key: &str, value: Value| {
            answer.insert(key.to_owned(), value);
        };
        put("taskArn", json!(self.arn));
        put("clusterArn", json!(self.cluster_arn));
        put("taskDefinitionArn", json!(self.definition_arn));
        put("launchType", json!(self.launch_type));
        put("availabilityZone", json!(self.zone));
        put("lastStatus", json!(self.step.last_status()));
        put(
            "desiredStatus",
            json!(if self.is_wanted() {
                "RUNNING"
            } else {
                "STOPPED"
            }),
        );
        put("healthStatus", json!(self.health(now).text()));
        put("version", json!(self.version));
        put(
            "attributes",
            json!([{ "name": "ecs.cpu-architecture", "value": "x86_64" }]),
        );
        put(
            "attachments",
            self.interface
                .iter()
                .map(|nic| nic.answer(self.step))
                .collect(),
        );
        put(
            "containers",
            self.containers
                .iter()
                .map(|container| self.container(container, now))
                .collect(),
        );
        put("tags", json!([]));
        if let Some(arn) = self.instance_arn() {
            put("containerInstanceArn", json!(arn));
        }
        if let Some(stop) = &self.stop {
            put("stopCode", json!(stop.code));
            put("stoppedReason", json!(stop.reason));
        }
        self.put_times(&mut answer);
        Value::Object(answer)
    }

    pub fn instance_arn(&self) -> Option<String> {
        let id = self.instance.as_ref()?;
        Some(format!(
            "{}/{id}",
            self.cluster_arn
                .replacen(":cluster/", ":container-instance/", 1)
        ))
    }

    fn put_times(&self, answer: &mut Document) {
        let times = &self.times;
        answer.insert("createdAt".into(), times.created.epoch_seconds());
        if times.connected.is_some() {
            answer.insert("connectivity".into(), json!("CONNECTED"));
        }
        for (key, at) in [
            ("connectivityAt", times.connected),
            ("pullStartedAt", times.pull_started),
            ("pullStoppedAt", times.pull_stopped),
            ("startedAt", times.started),
            ("stoppingAt", times.stopping),
            ("executionStoppedAt", times.execution_stopped),
            ("stoppedAt", times.stopped),
        ] {
            if let Some(at) = at {
                answer.insert(key.into(), at.epoch_seconds());
            }
        }
    }

    fn container(&self, container: &Container, now: Time) -> Value {
        let mut answer = Document::new();
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                answer.insert(key.to_owned(), value);
            }
        };
        let is_pulled = self.times.pull_stopped.is_some();
        let exit = container.exit.as_ref();
        put("containerArn", Some(json!(container.arn)));
        put("taskArn", Some(json!(self.arn)));
        put("name", Some(json!(container.name)));
        put("image", Some(json!(container.image)));
        put(
            "imageDigest",
            container
                .digest
                .as_ref()
                .filter(|_| is_pulled)
                .map(|digest| json!(digest)),
        );
        put("runtimeId", is_pulled.then(|| json!(container.runtime_id)));
        put("lastStatus", Some(json!(self.container_status(container))));
        put(
            "exitCode",
            exit.and_then(|exit| exit.code).map(|code| json!(code)),
        );
        put(
            "reason",
            exit.and_then(|exit| exit.reason.as_ref())
                .map(|reason| json!(reason)),
        );
        put("networkBindings", Some(self.bindings(container)));
        put("networkInterfaces", Some(self.interfaces()));
        put(
            "healthStatus",
            Some(json!(container.health(self.up(now)).text())),
        );
        put("cpu", Some(json!(container.cpu)));
        put(
            "memory",
            container.memory.as_ref().map(|memory| json!(memory)),
        );
        put(
            "memoryReservation",
            container
                .memory_reservation
                .as_ref()
                .map(|memory| json!(memory)),
        );
        Value::Object(answer)
    }

    fn container_status(&self, container: &Container) -> &'static str {
        match (&container.exit, self.step) {
            (Some(_), _) | (None, Step::Deprovisioning | Step::Stopped) => "STOPPED",
            (None, Step::Provisioning | Step::PickUp | Step::Pulling | Step::Starting) => "PENDING",
            (None, _) => "RUNNING",
        }
    }

    /// Ports on the instance; an awsvpc task has an interface instead.
    fn bindings(&self, container: &Container) -> Value {
        let is_bound = self.interface.is_none() && self.times.pull_stopped.is_some();
        let ports = container.ports.iter().filter(|_| is_bound);
        let binding = |port: &Port| {
            json!({
                "bindIP": "0.0.0.0",
                "containerPort": port.container,
                "hostPort": port.host,
                "protocol": if port.is_udp { "udp" } else { "tcp" },
            })
        };
        ports.map(binding).collect()
    }

    fn interfaces(&self) -> Value {
        let attached = self
            .interface
            .iter()
            .filter(|_| self.step > Step::Provisioning);
        let each = attached.map(
            |nic| json!({ "attachmentId": nic.attachment_id, "privateIpv4Address": nic.address }),
        );
        each.collect()
    }
}

impl Interface {
    fn answer(&self, step: Step) -> Value {
        let status = match step {
            Step::Provisioning => "PRECREATED",
            Step::Stopped => "DELETED",
            _ => "ATTACHED",
        };
        let mut details = vec![json!({ "name": "subnetId", "value": self.subnet })];
        if step > Step::Provisioning {
            details.extend([
                json!({ "name": "networkInterfaceId", "value": self.eni }),
                json!({ "name": "macAddress", "value": self.mac }),
                json!({ "name": "privateDnsName", "value": self.dns_name }),
                json!({ "name": "privateIPv4Address", "value": self.address }),
            ]);
        }
        json!({ "id": self.attachment_id, "type": "ElasticNetworkInterface", "status": status, "details": details })
    }
}
