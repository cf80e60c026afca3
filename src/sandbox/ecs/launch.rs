//! Makes tasks: picks a place, a network interface and host ports, and reads the containers' behaviour.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::sandbox::ecs::defaults::{self, Switches};
use crate::sandbox::ecs::document::{
    Document, is_true, last_part, object, objects, text, texts, whole,
};
use crate::sandbox::ecs::health::Check;
use crate::sandbox::ecs::images::ResolvedImage;
use crate::sandbox::ecs::instances::{self, Instance, Needs, Placement, Unplaced};
use crate::sandbox::ecs::life::{self, News};
use crate::sandbox::ecs::state::{Ecs, Ground};
use crate::sandbox::ecs::task::{
    Container, Interface, Origin, Port, Standing, Step, Stop, TargetBinding, Task, Times,
};
use crate::sandbox::ecs::task_definition::{Family, Revision};
use crate::sandbox::{Duration, ids};

/// One cluster's tasks and instances, and what it takes to launch into it.
pub struct Fleet<'a> {
    pub cluster: &'a str,
    pub cluster_arn: &'a str,
    pub tasks: &'a mut BTreeMap<String, Task>,
    pub instances: &'a mut BTreeMap<String, Instance>,
    pub families: &'a BTreeMap<String, Family>,
    pub endpoints: &'a mut BTreeMap<(String, u16), (String, String)>,
    pub addresses: &'a mut u32,
    pub switches: &'a Switches,
}

/// A task that somebody wants.
pub struct Order<'a> {
    pub definition: &'a Revision,
    pub images: &'a [ResolvedImage],
    pub launch_type: &'a str,
    pub origin: Origin,
    pub group: String,
    pub started_by: Option<String>,
    pub placement: Placement,
    /// Where `networkConfiguration` and `loadBalancers` stand.
    pub settings: &'a Document,
    /// Members of the answer that the caller settles.
    pub document: Document,
    pub tags: Vec<Value>,
}

impl Fleet<'_> {
    /// Starts a task in PROVISIONING (or PENDING, where there is no network interface to attach).
    pub fn launch(
        &mut self,
        order: Order<'_>,
        ground: &mut Ground<'_>,
    ) -> Result<String, Unplaced> {
        let needs = Needs::of(order.definition);
        let instance = match order.launch_type {
            "EC2" => Some(instances::place(
                self.instances,
                self.tasks,
                &order.group,
                &needs,
                &order.placement,
            )?),
            _ => None,
        };
        let id = ids::hex(ground.rng, 32);
        let subnet = self.subnet(&order);
        let zone = self.zone(instance.as_deref(), &subnet, ground);
        let interface = subnet.map(|(subnet, _)| self.interface(subnet, ground));
        let containers = self.containers(&order, &id, instance.as_deref(), ground);
        let step = if interface.is_some() || instance.is_none() {
            Step::Provisioning
        } else {
            Step::PickUp
        };
        let lag = match (step, &instance) {
            (Step::Provisioning, None) => defaults::PROVISION_FARGATE,
            (Step::Provisioning, Some(_)) => defaults::PROVISION_INSTANCE,
            _ => defaults::AGENT_PICK_UP,
        };
        let due = ground.now + ground.draw(lag);
        let mut task = Task {
            arn: ground.arn(&format!("task/{}/{id}", self.cluster)),
            id: id.clone(),
            cluster_arn: self.cluster_arn.to_owned(),
            definition_arn: order.definition.arn.clone(),
            family: order.definition.family.clone(),
            launch_type: order.launch_type.to_owned(),
            document: order.document(&needs),
            tags: order.tags,
            origin: order.origin,
            zone,
            instance,
            interface,
            containers,
            targets: Vec::new(),
            step,
            due: Some(due),
            times: Times {
                created: ground.now,
                ..Times::default()
            },
            stop: None,
            version: 1,
            standing: Standing::New,
            sentence: None,
            holds: needs,
        };
        task.targets = objects(order.settings, "loadBalancers")
            .filter_map(|lb| self.binding(&task, lb))
            .collect();
        self.listen(&task);
        self.tasks.insert(id.clone(), task);
        Ok(id)
    }

    /// Tells a task to stop.
    pub fn stop(&mut self, id: &str, code: &'static str, reason: &str, ground: &mut Ground<'_>) {
        if let Some(task) = self.tasks.get_mut(id) {
            life::begin_stop(
                task,
                Stop {
                    code,
                    reason: reason.to_owned(),
                },
                ground,
            );
        }
    }

    /// Lets every task of the cluster live up to now; `hear` gets the news of each.
    pub fn live(&mut self, ground: &mut Ground<'_>, mut hear: impl FnMut(&str, &Task, News)) {
        let mut gone = Vec::new();
        for (id, task) in self
            .tasks
            .iter_mut()
            .filter(|(_, task)| task.step != Step::Stopped)
        {
            let mut news = Vec::new();
            life::live(task, ground, &mut |item| news.push(item));
            if task.step == Step::Stopped {
                gone.push(id.clone());
            }
            for item in news {
                hear(id, task, item);
            }
        }
        for id in gone {
            self.endpoints.retain(|_, (_, task)| *task != id);
        }
    }

    pub fn definition(&self, arn: &str) -> Option<&Revision> {
        let (family, number) = last_part(arn).rsplit_once(':')?;
        self.families.get(family)?.revision(number.parse().ok()?)
    }

    /// The subnet for an awsvpc task, and its place in the list: the one with the fewest tasks of the group.
    fn subnet(&self, order: &Order<'_>) -> Option<(String, usize)> {
        if order.definition.network_mode() != "awsvpc" {
            return None;
        }
        let awsvpc = object(order.settings, "networkConfiguration")
            .and_then(|n| object(n, "awsvpcConfiguration"))?;
        let load = |subnet: &str| {
            let in_it = |task: &&Task| {
                task.is_wanted()
                    && task
                        .interface
                        .as_ref()
                        .is_some_and(|nic| nic.subnet == subnet)
                    && text(&task.document, "group") == Some(&order.group)
            };
            self.tasks.values().filter(in_it).count()
        };
        let least = texts(awsvpc, "subnets")
            .enumerate()
            .min_by_key(|&(place, subnet)| (load(subnet), place))?;
        Some((least.1.to_owned(), least.0))
    }

    fn zone(
        &self,
        instance: Option<&str>,
        subnet: &Option<(String, usize)>,
        ground: &Ground<'_>,
    ) -> String {
        let of_instance = instance
            .and_then(|id| self.instances.get(id))
            .map(|instance| instance.zone.clone());
        // Subnets have no zones here: the first lies in zone a, the second in b, and so on.
        let letter = |place: usize| char::from(b'a' + (place % 3) as u8);
        of_instance.unwrap_or_else(|| {
            format!(
                "{}{}",
                ground.region,
                letter(subnet.as_ref().map_or(0, |s| s.1))
            )
        })
    }

    fn interface(&mut self, subnet: String, ground: &mut Ground<'_>) -> Interface {
        let address = next_address(self.addresses);
        let mac = ids::hex(ground.rng, 10);
        let pairs: Vec<&str> = (0..5).map(|n| &mac[2 * n..2 * n + 2]).collect();
        Interface {
            attachment_id: ids::uuid(ground.rng),
            interface_id: format!("eni-{}", ids::hex(ground.rng, 17)),
            mac: format!("0a:{}", pairs.join(":")),
            dns_name: format!(
                "ip-{}.{}.compute.internal",
                address.replace('.', "-"),
                ground.region
            ),
            subnet,
            address,
        }
    }

    fn containers(
        &mut self,
        order: &Order<'_>,
        task: &str,
        instance: Option<&str>,
        ground: &mut Ground<'_>,
    ) -> Vec<Container> {
        let mode = order.definition.network_mode().to_owned();
        let mut made = Vec::new();
        for container in order.definition.containers() {
            let ports = objects(container, "portMappings")
                .filter_map(|mapping| self.port(mapping, &mode, instance))
                .collect();
            made.push(self.container(container, order.images, task, ports, ground));
        }
        made
    }

    fn container(
        &self,
        container: &Document,
        images: &[ResolvedImage],
        task: &str,
        ports: Vec<Port>,
        ground: &mut Ground<'_>,
    ) -> Container {
        let name = text(container, "name").unwrap_or_default();
        let resolved = images.iter().find(|image| image.container == name);
        let reference = resolved.map(ResolvedImage::reference).unwrap_or_default();
        let number = |key: &str| whole(container, key).map(|n| n.to_string());
        let uuid = ids::uuid(ground.rng);
        Container {
            arn: ground.arn(&format!("container/{}/{task}/{uuid}", self.cluster)),
            name: name.to_owned(),
            image: text(container, "image").unwrap_or_default().to_owned(),
            digest: resolved.and_then(|image| image.digest.clone()),
            runtime_id: format!("{task}-{}", ids::digits(ground.rng, 10)),
            essential: is_true(container, "essential"),
            cpu: number("cpu").unwrap_or_else(|| "0".to_owned()),
            memory: number("memory"),
            memory_reservation: number("memoryReservation"),
            ports,
            check: Check::read(container),
            stop_timeout: whole(container, "stopTimeout")
                .and_then(|n| u64::try_from(n).ok())
                .map_or(defaults::STOP_TIMEOUT, Duration::from_secs),
            behaviour: ground.apps.behaviour(&reference),
            exit: None,
        }
    }

    fn port(&mut self, mapping: &Document, mode: &str, instance: Option<&str>) -> Option<Port> {
        let number = |key: &str| whole(mapping, key).and_then(|port| u16::try_from(port).ok());
        let container = number("containerPort")?;
        let host = match (number("hostPort").unwrap_or(0), mode) {
            (_, "awsvpc" | "host") => container,
            (0, _) => self.dynamic_port(instance?)?,
            (fixed, _) => fixed,
        };
        Some(Port {
            container,
            host,
            is_udp: text(mapping, "protocol") == Some("udp"),
        })
    }

    /// The next ephemeral port of an instance: ports go round, so that one that still drains is not reused at once.
    fn dynamic_port(&mut self, instance: &str) -> Option<u16> {
        let instance = self.instances.get_mut(instance)?;
        let range = defaults::EPHEMERAL_PORTS;
        let next = instance.last_port.saturating_add(1);
        instance.last_port = if range.contains(&next) {
            next
        } else {
            *range.start()
        };
        Some(instance.last_port)
    }

    /// How a load balancer of the service finds the task.
    fn binding(&self, task: &Task, balancer: &Document) -> Option<TargetBinding> {
        let group_arn = text(balancer, "targetGroupArn")?.to_owned();
        let wanted = whole(balancer, "containerPort").and_then(|port| u16::try_from(port).ok())?;
        let container = task
            .containers
            .iter()
            .find(|c| Some(c.name.as_str()) == text(balancer, "containerName"))?;
        let port = container
            .ports
            .iter()
            .find(|port| port.container == wanted)?
            .host;
        Some(TargetBinding {
            group_arn,
            id: self.target_id(task)?,
            port,
        })
    }

    fn target_id(&self, task: &Task) -> Option<String> {
        match (&task.interface, &task.instance) {
            (Some(interface), _) => Some(interface.address.clone()),
            (None, Some(instance)) => self
                .instances
                .get(instance)
                .map(|instance| instance.ec2_id.clone()),
            (None, None) => None,
        }
    }

    fn listen(&mut self, task: &Task) {
        let Some(id) = self.target_id(task) else {
            return;
        };
        for port in task
            .containers
            .iter()
            .flat_map(|container| &container.ports)
        {
            let place = (self.cluster.to_owned(), task.id.clone());
            self.endpoints.insert((id.clone(), port.host), place);
        }
    }
}

/// The next private IPv4 address: each is given once, so a target that still drains is never taken for a new task.
fn next_address(given: &mut u32) -> String {
    *given += 1;
    let n = *given + 9;
    format!(
        "10.{}.{}.{}",
        (n / 62_500) % 250,
        (n / 250) % 250,
        n % 250 + 4
    )
}

impl Order<'_> {
    fn document(&self, needs: &Needs) -> Document {
        let mut document = self.document.clone();
        let mut put = |key: &str, value: Value| document.insert(key.to_owned(), value);
        put("group", json!(self.group));
        put("cpu", json!(needs.cpu.to_string()));
        put("memory", json!(needs.memory.to_string()));
        if let Some(started_by) = &self.started_by {
            put("startedBy", json!(started_by));
        }
        if self.launch_type == "FARGATE" {
            put("platformVersion", json!(defaults::FARGATE_PLATFORM));
            put("platformFamily", json!("Linux"));
            put(
                "ephemeralStorage",
                self.definition
                    .document
                    .get("ephemeralStorage")
                    .cloned()
                    .unwrap_or(json!({ "sizeInGiB": 20 })),
            );
        }
        document
    }
}

impl Ecs {
    /// A cluster's services apart from its fleet, so that both can be worked on.
    pub fn fleet(
        &mut self,
        cluster: &str,
    ) -> Option<(&mut BTreeMap<String, super::service::Service>, Fleet<'_>)> {
        let Self {
            switches,
            clusters,
            families,
            endpoints,
            addresses,
        } = self;
        let cluster = clusters.get_mut(cluster)?;
        let fleet = Fleet {
            cluster: &cluster.name,
            cluster_arn: &cluster.arn,
            tasks: &mut cluster.tasks,
            instances: &mut cluster.instances,
            families,
            endpoints,
            addresses,
            switches,
        };
        Some((&mut cluster.services, fleet))
    }
}
