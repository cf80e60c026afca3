//! Makes the containers of a task: names and sizes, host ports, health checks, and how their images behave.

use crate::sandbox::ecs::defaults;
use crate::sandbox::ecs::document::{Document, is_true, objects, text, whole};
use crate::sandbox::ecs::health::Check;
use crate::sandbox::ecs::images::ResolvedImage;
use crate::sandbox::ecs::launch::{Fleet, Order};
use crate::sandbox::ecs::state::Ground;
use crate::sandbox::ecs::task::{Container, Port};
use crate::sandbox::{Duration, ids};

impl Fleet<'_> {
    /// The containers of a new task, with host ports of their own.
    pub fn containers(
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
}
