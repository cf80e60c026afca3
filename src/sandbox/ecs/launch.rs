//! Makes tasks, gives them a place and a network interface, and lets a cluster's tasks live and stop.
//!
//! **Invariant:** every task that is launched can be found by its target id and port until it has stopped.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::sandbox::ecs::defaults::{self, Switches};
use crate::sandbox::ecs::document::{
    Document, is_true, last_part, object, objects, text, texts, whole,
};
use crate::sandbox::ecs::images::ResolvedImage;
use crate::sandbox::ecs::instances::Instance;
use crate::sandbox::ecs::life::{self, News};
use crate::sandbox::ecs::placement::{self, Needs, Placement, Unplaced};
use crate::sandbox::ecs::state::{Ecs, Ground};
use crate::sandbox::ecs::task::{
    Interface, Origin, Standing, Step, Stop, TargetBinding, Task, Times,
};
use crate::sandbox::ecs::task_definition::{Family, Revision};
use crate::sandbox::ids;

/// One cluster's tasks and instances, and what it takes to launch into it.
pub struct Fleet<'a> {
    pub cluster: &'a str,
    pub cluster_arn: &'a str,
    pub tasks: &'a mut BTreeMap<String, Task>,
    pub groups: &'a mut BTreeMap<String, BTreeSet<String>>,
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
            "EC2" => Some(placement::place(
                self.instances,
                self.tasks,
                &order.group,
                &needs,
                &order.placement,
            )?),
            _ => None,
        };
        let group = order.group.clone();
        let mut task = self.task(order, needs, instance, ground);
        let (step, lag) = match (&task.instance, &task.interface) {
            (None, _) => (Step::Provisioning, defaults::PROVISION_FARGATE),
            (Some(_), Some(_)) => (Step::Provisioning, defaults::PROVISION_INSTANCE),
            (Some(_), None) => (Step::PickUp, defaults::AGENT_PICK_UP),
        };
        task.step = step;
        task.due = Some(ground.now + ground.draw(lag));
        self.listen(&task);
        let id = task.id.clone();
        self.tasks.insert(id.clone(), task);
        self.groups.entry(group).or_default().insert(id.clone());
        Ok(id)
    }

    fn task(
        &mut self,
        order: Order<'_>,
        needs: Needs,
        instance: Option<String>,
        ground: &mut Ground<'_>,
    ) -> Task {
        let id = ids::hex(ground.rng, 32);
        let subnet = self.subnet(&order);
        let zone = self.zone(instance.as_deref(), subnet.as_deref(), ground);
        let interface = subnet.map(|subnet| self.interface(subnet, ground));
        let containers = self.containers(&order, &id, instance.as_deref(), ground);
        let mut task = Task {
            arn: ground.arn(&format!("task/{}/{id}", self.cluster)),
            id,
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
            step: Step::Provisioning,
            due: None,
            times: Times {
                created: ground.now,
                ..Times::default()
            },
            stop: None,
            version: 1,
            standing: Standing::New,
            sentence: None,
            protected_until: None,
            holds: needs,
        };
        let balancers = objects(order.settings, "loadBalancers");
        task.targets = balancers
            .filter_map(|balancer| self.binding(&task, balancer))
            .collect();
        task
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
        let mut gone = BTreeSet::new();
        for (id, task) in self
            .tasks
            .iter_mut()
            .filter(|(_, task)| task.step != Step::Stopped)
        {
            let mut news = Vec::new();
            life::live(task, ground, &mut |item| news.push(item));
            if task.step == Step::Stopped {
                gone.insert(id.clone());
            }
            for item in news {
                hear(id, task, item);
            }
        }
        self.take_leave(&gone);
    }

    /// Nothing listens for a stopped task, and its group no longer counts it.
    fn take_leave(&mut self, gone: &BTreeSet<String>) {
        if gone.is_empty() {
            return;
        }
        self.endpoints.retain(|_, (_, task)| !gone.contains(task));
        self.groups.retain(|_, ids| {
            ids.retain(|id| !gone.contains(id));
            !ids.is_empty()
        });
    }

    pub fn definition(&self, arn: &str) -> Option<&Revision> {
        let (family, number) = last_part(arn).rsplit_once(':')?;
        self.families.get(family)?.revision(number.parse().ok()?)
    }

    /// The subnet for an awsvpc task: the one with the fewest tasks of the group.
    fn subnet(&self, order: &Order<'_>) -> Option<String> {
        if order.definition.network_mode() != "awsvpc" {
            return None;
        }
        let network = object(order.settings, "networkConfiguration")?;
        let awsvpc = object(network, "awsvpcConfiguration")?;
        let load = |subnet: &str| {
            let is_in_it = |task: &&Task| {
                let interface = task.interface.as_ref();
                task.is_wanted() && interface.is_some_and(|nic| nic.subnet == subnet)
            };
            let group = self.groups.get(&order.group).into_iter().flatten();
            group
                .filter_map(|id| self.tasks.get(id))
                .filter(is_in_it)
                .count()
        };
        texts(awsvpc, "subnets")
            .min_by_key(|subnet| load(subnet))
            .map(str::to_owned)
    }

    fn zone(&self, instance: Option<&str>, subnet: Option<&str>, ground: &Ground<'_>) -> String {
        match (instance.and_then(|id| self.instances.get(id)), subnet) {
            (Some(instance), _) => instance.zone.clone(),
            (None, Some(subnet)) => ground.network.zone_of(ground.region, subnet),
            (None, None) => format!("{}a", ground.region),
        }
    }

    fn interface(&mut self, subnet: String, ground: &mut Ground<'_>) -> Interface {
        let address = next_address(self.addresses);
        let mac = ids::hex(ground.rng, 10);
        let pairs: Vec<&str> = (0..5).map(|n| &mac[2 * n..2 * n + 2]).collect();
        Interface {
            attachment_id: ids::uuid(ground.rng),
            eni: format!("eni-{}", ids::hex(ground.rng, 17)),
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

/// Members of a task that are the same for every container of it: overrides and the exec switch.
pub fn launch_document(overrides: &Value, of: &Document) -> Document {
    let mut document = Document::new();
    document.insert("overrides".into(), overrides.clone());
    document.insert(
        "enableExecuteCommand".into(),
        json!(is_true(of, "enableExecuteCommand")),
    );
    document
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
            ..
        } = self;
        let cluster = clusters.get_mut(cluster)?;
        let fleet = Fleet {
            cluster: &cluster.name,
            cluster_arn: &cluster.arn,
            tasks: &mut cluster.tasks,
            groups: &mut cluster.groups,
            instances: &mut cluster.instances,
            families,
            endpoints,
            addresses,
            switches,
        };
        Some((&mut cluster.services, fleet))
    }
}
