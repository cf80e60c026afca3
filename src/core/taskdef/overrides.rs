//! What the command line, or the configuration, puts over a task definition: images, size, roles, and single containers'
//! members.
//!
//! **Invariant:** all or nothing. Every image finds its container in the document as it stood before the first change,
//! and an override that finds none changes nothing.

use super::changes::ContainerChange;
use super::container::Container;
use super::document::TaskDefinition;
use super::image::{ImageRef, ImageRefError};
use crate::core::nearest::nearest;
use std::str::FromStr;

/// What to put over a definition. Later images win over earlier ones for the same container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    pub images: Vec<ImageOverride>,
    /// Task size as `RegisterTaskDefinition` takes it, `"512"` or `"0.5 vCPU"`; kept as given.
    pub cpu: Option<String>,
    /// `"1024"` or `"1 GB"`; kept as given.
    pub memory: Option<String>,
    /// Name or ARN; kept as given.
    pub task_role: Option<String>,
    /// Name or ARN; kept as given.
    pub execution_role: Option<String>,
    /// The containers that `changes` are for; empty where there is only one.
    pub containers: Vec<String>,
    /// Put one after the other.
    pub changes: Vec<ContainerChange>,
}

/// `[CONTAINER=]REF`. A reference never holds a `=`, so the first one ends the container's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageOverride {
    pub container: Option<String>,
    pub image: ImageRef,
}

/// Why an override cannot be put over a definition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OverrideError {
    #[error("no container is named {name:?}; {}", did_you_mean(nearest.as_ref(), containers))]
    UnknownContainer {
        name: String,
        nearest: Option<String>,
        containers: Vec<String>,
    },
    #[error("no container uses the repository of {image}: name one of {}", containers.join(", "))]
    NoContainerForImage {
        image: String,
        containers: Vec<String>,
    },
    #[error("several containers use the repository of {image}: name one of {}", containers.join(", "))]
    SeveralContainersForImage {
        image: String,
        containers: Vec<String>,
    },
    #[error("which container is meant? name one or more of {}", .0.join(", "))]
    WhichContainer(Vec<String>),
}

impl Overrides {
    /// Puts the overrides over `definition`; on an error it is as it was.
    pub fn apply(&self, definition: &mut TaskDefinition) -> Result<(), OverrideError> {
        let targets: Vec<String> = self
            .images
            .iter()
            .map(|it| it.target(definition))
            .collect::<Result<_, _>>()?;
        let changed = self.changed(definition)?;
        for (container, image) in targets.iter().zip(&self.images) {
            definition
                .set_image(container, &image.image.to_string())
                .expect("target found this container");
        }
        for (member, text) in [
            ("cpu", &self.cpu),
            ("memory", &self.memory),
            ("taskRoleArn", &self.task_role),
            ("executionRoleArn", &self.execution_role),
        ] {
            if let Some(text) = text {
                definition.set_text(member, text);
            }
        }
        for container in &changed {
            for change in &self.changes {
                definition.change(container, |members| change.apply(members));
            }
        }
        Ok(())
    }

    /// The names of the containers that the changes are for.
    fn changed(&self, definition: &TaskDefinition) -> Result<Vec<String>, OverrideError> {
        let names: Vec<&str> = definition.containers().map(Container::name).collect();
        if let Some(name) = self
            .containers
            .iter()
            .find(|it| !names.contains(&it.as_str()))
        {
            return Err(unknown(name, &names));
        }
        match (self.containers.as_slice(), names.as_slice()) {
            _ if self.changes.is_empty() => Ok(Vec::new()),
            ([], [only]) => Ok(vec![(*only).to_owned()]),
            ([], _) => Err(OverrideError::WhichContainer(all_names(definition))),
            (named, _) => Ok(named.to_vec()),
        }
    }
}

impl ImageOverride {
    /// The name of the container that this image is for.
    fn target(&self, definition: &TaskDefinition) -> Result<String, OverrideError> {
        let names: Vec<&str> = definition.containers().map(Container::name).collect();
        match &self.container {
            Some(name) if names.contains(&name.as_str()) => Ok(name.clone()),
            Some(name) => Err(unknown(name, &names)),
            None if names.len() == 1 => Ok(names[0].to_owned()),
            None => self.only_user_of_the_repository(definition),
        }
    }

    /// An image that names no container goes to the one that runs another version of it.
    fn only_user_of_the_repository(
        &self,
        definition: &TaskDefinition,
    ) -> Result<String, OverrideError> {
        let runs_it = |image: &str| {
            image
                .parse::<ImageRef>()
                .is_ok_and(|it| it.same_repository(&self.image))
        };
        let users: Vec<String> = definition
            .containers()
            .filter(|it| it.image().is_some_and(runs_it))
            .map(|it| it.name().to_owned())
            .collect();
        let image = self.image.to_string();
        match users.as_slice() {
            [user] => Ok(user.clone()),
            [] => Err(OverrideError::NoContainerForImage {
                image,
                containers: all_names(definition),
            }),
            _ => Err(OverrideError::SeveralContainersForImage {
                image,
                containers: users,
            }),
        }
    }
}

impl FromStr for ImageOverride {
    type Err = ImageRefError;

    fn from_str(text: &str) -> Result<Self, ImageRefError> {
        let (container, image) = match text.split_once('=') {
            Some((container, image)) => (Some(container.to_owned()), image),
            None => (None, text),
        };
        Ok(Self {
            container,
            image: image.parse()?,
        })
    }
}

fn all_names(definition: &TaskDefinition) -> Vec<String> {
    definition
        .containers()
        .map(|it| it.name().to_owned())
        .collect()
}

fn unknown(name: &str, names: &[&str]) -> OverrideError {
    OverrideError::UnknownContainer {
        name: name.to_owned(),
        nearest: nearest(name, names),
        containers: names.iter().map(|&it| it.to_owned()).collect(),
    }
}

fn did_you_mean(nearest: Option<&String>, containers: &[String]) -> String {
    match nearest {
        Some(nearest) => format!("did you mean {nearest:?}?"),
        None => format!("the containers are {}", containers.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn definition(containers: &[(&str, &str)]) -> TaskDefinition {
        let containers: Vec<Value> = containers
            .iter()
            .map(|(name, image)| json!({"name": name, "image": image}))
            .collect();
        TaskDefinition::from_value(json!({"family": "f", "containerDefinitions": containers}))
            .unwrap()
    }

    /// Applies image overrides and gives the images that result, in order.
    fn check(containers: &[(&str, &str)], overrides: &[&str]) -> Result<Vec<String>, String> {
        let mut changed = definition(containers);
        let images = overrides.iter().map(|it| it.parse().unwrap()).collect();
        let result = Overrides {
            images,
            ..Overrides::default()
        }
        .apply(&mut changed);
        if let Err(error) = result {
            assert_eq!(changed, definition(containers), "an error changes nothing");
            return Err(error.to_string());
        }
        Ok(changed
            .containers()
            .map(|it| it.image().unwrap_or_default().to_owned())
            .collect())
    }

    #[test]
    fn an_unnamed_image_goes_to_the_only_container() {
        assert_eq!(
            check(&[("web", "old:1")], &["r.io/new:2"]).unwrap(),
            ["r.io/new:2"]
        );
    }

    #[test]
    fn an_unnamed_image_goes_to_the_container_that_runs_another_version_of_it() {
        let containers = [("web", "r.io/web:1"), ("log", "fluent-bit:3")];
        assert_eq!(
            check(&containers, &["r.io/web:2"]).unwrap(),
            ["r.io/web:2", "fluent-bit:3"]
        );
    }

    #[test]
    fn an_unnamed_image_that_fits_no_container_or_several_is_refused_with_the_names() {
        let message = "no container uses the repository of api:1: name one of web, log";
        assert_eq!(
            check(
                &[("web", "web:1"), ("log", "log:1")],
                &["web=web:2", "api:1"]
            ),
            Err(message.to_owned())
        );
        let message = "several containers use the repository of web:2: name one of a, b";
        assert_eq!(
            check(
                &[("a", "web:1"), ("b", "web:1"), ("c", "log:1")],
                &["web:2"]
            ),
            Err(message.to_owned())
        );
    }

    #[test]
    fn a_named_image_goes_to_the_container_named_and_the_last_word_counts() {
        let containers = [("web", "web:1"), ("log", "log:1")];
        assert_eq!(
            check(&containers, &["log=a:1", "log=b:2"]).unwrap(),
            ["web:1", "b:2"]
        );
    }

    #[test]
    fn an_unknown_container_is_answered_with_the_nearest_name() {
        let containers = [("web", "web:1"), ("log-router", "log:1")];
        let said = |overrides| check(&containers, &[overrides]).unwrap_err();
        assert_eq!(
            said("wbe=web:2"),
            "no container is named \"wbe\"; did you mean \"web\"?"
        );
        assert_eq!(
            said("worker=web:2"),
            "no container is named \"worker\"; the containers are web, log-router"
        );
        assert_eq!(
            said("=web:2"),
            "no container is named \"\"; the containers are web, log-router"
        );
    }

    #[test]
    fn a_digest_is_part_of_the_reference() {
        let image = format!("web=r.io/web:1@sha256:{}", "a".repeat(64));
        let parsed: ImageOverride = image.parse().unwrap();
        assert_eq!(parsed.container.as_deref(), Some("web"));
        assert!(parsed.image.is_pinned());
        assert!("web=".parse::<ImageOverride>().is_err());
    }

    #[test]
    fn size_and_roles_are_kept_as_given() {
        let mut changed = definition(&[("web", "web:1")]);
        let overrides = Overrides {
            images: vec![],
            cpu: Some("0.5 vCPU".to_owned()),
            memory: Some("1024".to_owned()),
            task_role: Some("app".to_owned()),
            execution_role: Some("arn:aws:iam::123456789012:role/x/exec".to_owned()),
            ..Overrides::default()
        };
        overrides.apply(&mut changed).unwrap();
        assert_eq!(changed.text("cpu"), Some("0.5 vCPU"));
        assert_eq!(changed.text("memory"), Some("1024"));
        assert_eq!(changed.text("taskRoleArn"), Some("app"));
        assert_eq!(
            changed.text("executionRoleArn"),
            Some("arn:aws:iam::123456789012:role/x/exec")
        );
    }

    #[test]
    fn changes_go_to_the_containers_named_or_to_the_only_one() {
        let check = |names: &[&str], containers: &[&str], expect: Result<&[bool], &str>| {
            let containers: Vec<_> = containers.iter().map(|it| (*it, "i:1")).collect();
            let mut changed = definition(&containers);
            let applied = Overrides {
                containers: names.iter().map(|&it| it.to_owned()).collect(),
                changes: vec![ContainerChange::LogDriver("awslogs".to_owned())],
                ..Overrides::default()
            }
            .apply(&mut changed);
            let has = |it: Container<'_>| it.get("logConfiguration").is_some();
            let found = applied.map(|()| changed.containers().map(has).collect::<Vec<_>>());
            assert_eq!(
                found.map_err(|error| error.to_string()),
                expect.map(<[bool]>::to_vec).map_err(str::to_owned)
            );
        };
        check(&[], &["web"], Ok(&[true]));
        check(
            &["web", "log"],
            &["web", "log", "agent"],
            Ok(&[true, true, false]),
        );
        let which = "which container is meant? name one or more of web, log";
        check(&[], &["web", "log"], Err(which));
        let unknown = "no container is named \"wbe\"; did you mean \"web\"?";
        check(&["log", "wbe"], &["web", "log"], Err(unknown));
    }
}
