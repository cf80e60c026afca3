//! The releases that are rehearsed: the planned one, and four that fail in the ways that releases do.

use serde_json::{Value, json};

use crate::core::live::Service;
use crate::core::taskdef::TaskDefinition;

/// One release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// As planned: it starts, and answers its health checks.
    Good,
    /// Its container exits soon after it has started.
    CrashLoop,
    /// It runs, and its health checks fail.
    Unhealthy,
    /// Its image cannot be pulled.
    NoImage,
    /// It runs and is well by its health checks, and answers a third of the requests with a 5xx.
    Errors,
}

impl Release {
    pub const ALL: [Self; 5] = [
        Self::Good,
        Self::CrashLoop,
        Self::Unhealthy,
        Self::NoImage,
        Self::Errors,
    ];
    pub const BAD: [Self; 4] = [
        Self::CrashLoop,
        Self::Unhealthy,
        Self::NoImage,
        Self::Errors,
    ];

    /// For outputs and scripts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::CrashLoop => "crash_loop",
            Self::Unhealthy => "unhealthy",
            Self::NoImage => "no_image",
            Self::Errors => "errors",
        }
    }

    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::CrashLoop => "crash loop",
            Self::Unhealthy => "failing health check",
            Self::NoImage => "image missing",
            Self::Errors => "answering with errors",
        }
    }

    /// The image that stands for the release; no registry has it.
    fn image(self) -> String {
        format!("rehearsal.invalid/{}:1", self.name())
    }

    /// Its entry in a world file, started at the pace of the others.
    pub fn image_entry(self, mut behaviour: Value) -> Value {
        match self {
            Self::Good => {}
            Self::CrashLoop => {
                behaviour["crashAfter"] = json!("5s");
                behaviour["exitCode"] = json!(1);
            }
            Self::Unhealthy => {
                behaviour["healthStatus"] = json!(503);
                behaviour["containerHealth"] = json!("unhealthy");
            }
            Self::NoImage => behaviour["pull"] = json!("notFound"),
            Self::Errors => behaviour["errorRate"] = json!(0.3),
        }
        json!({"image": self.image(), "behaviour": behaviour})
    }

    /// The task definition of the release: the wanted one, whose main container has the image that fails.
    pub fn document(self, wanted: &TaskDefinition, service: &Service) -> TaskDefinition {
        let mut document = wanted.clone();
        if self == Self::Good {
            return document;
        }
        if let Some(container) = main_container(wanted, service) {
            document
                .set_image(&container, &self.image())
                .expect("the container was just read from this document");
        }
        document
    }
}

/// The container that the load balancer leads to; without one the first essential one.
fn main_container(wanted: &TaskDefinition, service: &Service) -> Option<String> {
    let balanced = service.load_balancers().into_iter().map(|b| b.container);
    let named = balanced.into_iter().find(|name| {
        wanted
            .containers()
            .any(|container| container.name() == name)
    });
    let containers = wanted.as_map().get("containerDefinitions")?.as_array()?;
    let essential = || {
        let found = containers.iter().find(|c| c["essential"] != false)?;
        found["name"].as_str().map(str::to_owned)
    };
    named.or_else(essential)
}
