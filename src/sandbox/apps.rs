//! How images behave once they run: data from the world file, so that a good and a bad release can both be shown.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::sandbox::Duration;
use crate::sandbox::image::ImageName;

/// What happens when an image is pulled, started, asked for its health and sent traffic.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Behaviour {
    pub pull: Pull,
    /// How long the pull takes, or how long it takes to fail.
    pub pull_time: Duration,
    /// From the container's start to the task's RUNNING.
    pub start_time: Duration,
    /// From RUNNING until health checks get an answer; before that connections are refused.
    pub ready_after: Duration,
    /// From RUNNING until the container exits by itself; absent means never.
    pub crash_after: Option<Duration>,
    /// The exit code when it exits by itself.
    pub exit_code: i64,
    /// The HTTP status that health checks get once ready.
    pub health_status: u16,
    /// From RUNNING until health checks hang (the connection opens, no answer comes); absent means never.
    pub hang_after: Option<Duration>,
    /// The verdict of the container's own health check command, if its definition has one.
    pub container_health: ContainerHealth,
    /// Share of requests answered with a 5xx, 0 to 1.
    pub error_rate: f64,
    /// Mean time to answer a request.
    pub latency: Duration,
    /// What it writes to its log when it runs, line by line.
    pub logs: Vec<String>,
}

/// Whether an image can be pulled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Pull {
    #[default]
    Ok,
    /// The reference resolves to nothing.
    NotFound,
    /// No manifest for the task's platform.
    WrongPlatform,
    /// The execution role may not pull.
    Denied,
}

/// What the container's own health check says once the app is ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ContainerHealth {
    #[default]
    Healthy,
    Unhealthy,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            pull: Pull::Ok,
            pull_time: Duration::from_secs(8),
            start_time: Duration::from_secs(3),
            ready_after: Duration::from_secs(5),
            crash_after: None,
            exit_code: 1,
            health_status: 200,
            hang_after: None,
            container_health: ContainerHealth::Healthy,
            error_rate: 0.0,
            latency: Duration::from_millis(40),
            logs: vec![],
        }
    }
}

/// The behaviours that the world file gives, by image.
#[derive(Clone, Debug, Default)]
pub struct Apps {
    /// By `name:tag` and by `name@digest`, the name with its registry host.
    known: BTreeMap<String, Behaviour>,
}

impl Apps {
    /// Makes an image known. `name` is host and repository; the digest is what the tags resolve to.
    pub fn add<'a>(
        &mut self,
        name: &str,
        tags: impl IntoIterator<Item = &'a str>,
        digest: &str,
        behaviour: &Behaviour,
    ) {
        for tag in tags {
            self.known
                .insert(format!("{name}:{tag}"), behaviour.clone());
        }
        self.known
            .insert(format!("{name}@{digest}"), behaviour.clone());
    }

    /// The references that behaviours are known for, `name:tag` and `name@digest`.
    pub fn references(&self) -> impl Iterator<Item = &str> {
        self.known.keys().map(String::as_str)
    }

    /// Changes the behaviour behind these references.
    pub fn change(&mut self, is_meant: &dyn Fn(&str) -> bool, change: &dyn Fn(&mut Behaviour)) {
        let meant = self
            .known
            .iter_mut()
            .filter(|(reference, _)| is_meant(reference));
        meant.for_each(|(_, behaviour)| change(behaviour));
    }

    /// How the image behaves. One that the world file does not list behaves well, unless it should lie in a private ECR
    /// registry: then there is nothing to pull.
    pub fn behaviour(&self, image_reference: &str) -> Behaviour {
        let image = ImageName::parse(image_reference);
        let by_digest = image
            .digest
            .and_then(|digest| self.known.get(&format!("{}@{digest}", image.name)));
        let by_tag = || {
            image
                .tag
                .filter(|_| image.digest.is_none() || image.ecr_repository().is_none())
        };
        let known = by_digest
            .or_else(|| by_tag().and_then(|tag| self.known.get(&format!("{}:{tag}", image.name))));
        match known {
            Some(behaviour) => behaviour.clone(),
            None if image.ecr_repository().is_some() => Behaviour {
                pull: Pull::NotFound,
                ..Behaviour::default()
            },
            None => Behaviour::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";

    #[test]
    fn an_image_behaves_as_its_digest_says() {
        let mut apps = Apps::default();
        let good = Behaviour {
            health_status: 204,
            ..Behaviour::default()
        };
        let bad = Behaviour {
            health_status: 503,
            ..Behaviour::default()
        };
        apps.add(&format!("{HOST}/web"), ["1"], "sha256:aa", &good);
        apps.add(&format!("{HOST}/web"), ["2"], "sha256:bb", &bad);
        let check = |reference: &str, status: u16| {
            assert_eq!(
                apps.behaviour(&format!("{HOST}/{reference}")).health_status,
                status,
                "{reference}"
            );
        };
        check("web:1", 204);
        check("web:2", 503);
        check("web@sha256:bb", 503);
        check("web:1@sha256:bb", 503);
    }

    #[test]
    fn what_is_not_in_the_registry_cannot_be_pulled() {
        let apps = Apps::default();
        assert_eq!(
            apps.behaviour(&format!("{HOST}/web:9")).pull,
            Pull::NotFound
        );
        assert_eq!(
            apps.behaviour("public.ecr.aws/nginx/nginx:1").pull,
            Pull::Ok
        );
        assert_eq!(apps.behaviour("nginx").pull, Pull::Ok);
    }
}
