//! From files and options to the wanted task definition: the one place where the order of values is decided.
//!
//! **Invariant:** reads only what ecsdeploy.yml and the options name; nothing that is read is executed.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::args::{DocumentArgs, ManagedArgs, PinArgs, ServiceArgs};
use super::failure::Failure;
use super::unread::Templates;
use super::{input, stdout};
use crate::adapters::host;
use crate::core::id::{Cluster, ServiceKey, ServiceName};
use crate::core::service_document::ServiceDocument;
use crate::core::taskdef::{ImageOverride, Overrides, TaskDefinition};
use crate::engine::{Pinning, Wanted};
use crate::text::config::{Config, JournalPlace, PinImages, Resolved};
use crate::text::document::{DocumentKind, kind_of, parse_json, parse_yaml};
use crate::text::template::render;
use crate::text::values::{merge, parse_set, parse_values_file};

const CONFIG_FILES: [&str; 2] = ["ecsdeploy.yml", "ecsdeploy.yaml"];

/// What the configuration and the options come to.
pub struct Setting {
    /// Absent when there is no configuration file.
    pub config: Option<Resolved>,
    /// What relative paths of the configuration start from, and where sandbox.yml lies.
    pub directory: PathBuf,
    cluster: Option<String>,
    service: Option<String>,
}

impl Setting {
    /// Reads the configuration, if there is one.
    pub fn read(args: &ServiceArgs) -> Result<Self, Failure> {
        let is_directory = host::is_directory(&args.path);
        let file = if is_directory {
            config_in(&args.path)
        } else {
            Some(args.path.clone())
        };
        let directory = if is_directory {
            args.path.clone()
        } else {
            args.path.parent().map(Path::to_owned).unwrap_or_default()
        };
        let config = match file {
            Some(file) => {
                let text = input::read(&file)?;
                let config = Config::parse(&file.display().to_string(), &text)?;
                let config = config.resolve(args.env.as_deref(), args.service.as_deref())?;
                stdout::set_rules(config.redact.clone());
                if let JournalPlace::Files(there) = &config.journal {
                    input::admit_new(&directory.join(there))?;
                }
                Some(config)
            }
            None => None,
        };
        if config.is_none() && args.env.is_some() {
            return Err(no_config(&args.path).hint("--env chooses a block of ecsdeploy.yml"));
        }
        let of_config = config.as_ref();
        let cluster = of_config.and_then(|c| c.cluster.clone());
        let service = of_config.map(|c| c.service.clone());
        Ok(Self {
            cluster: args.cluster.clone().or(cluster),
            service: service.or_else(|| args.service.clone()),
            config,
            directory,
        })
    }

    /// The service that is meant.
    pub fn target(&self, path: &Path) -> Result<ServiceKey, Failure> {
        match (&self.cluster, &self.service) {
            (Some(cluster), Some(service)) => {
                stdout::learn_name(cluster);
                stdout::learn_name(service);
                Ok(ServiceKey {
                    cluster: Cluster::new(cluster),
                    service: ServiceName::new(service),
                })
            }
            (None, Some(service)) => Err(Failure::usage(format!(
                "no cluster is named for the service {service}"
            ))
            .hint("set cluster in ecsdeploy.yml, or --cluster")),
            _ => Err(no_config(path)
                .hint("or name the service: --cluster NAME --service NAME [--image REF]")),
        }
    }

    pub fn names_a_service(&self) -> bool {
        self.service.is_some()
    }

    /// The cluster that is meant; ECS's own default is the one named `default`.
    pub fn cluster(&self) -> Cluster {
        Cluster::new(self.cluster.as_deref().unwrap_or("default"))
    }

    pub fn region(&self) -> Option<&str> {
        self.config
            .as_ref()
            .and_then(|config| config.region.as_deref())
    }

    /// The environment of ecsdeploy.yml that is meant.
    pub fn environment(&self) -> Option<&str> {
        self.config
            .as_ref()
            .and_then(|config| config.environment.as_deref())
    }

    pub fn pinning(&self, args: &PinArgs) -> Pinning {
        let config = self.config.as_ref().map(|config| config.pin_images);
        if args.keep_tags || config == Some(PinImages::Never) {
            Pinning::Keep
        } else {
            Pinning::Pin
        }
    }

    /// The wanted task definition: rendered, or a registered one, or when none is named, the running one; each with the
    /// overrides applied.
    pub fn wanted(&self, args: &DocumentArgs) -> Result<Wanted, Failure> {
        let overrides = overrides(args)?;
        if let Some(name) = &args.revision {
            return Ok(Wanted::Revision(name.clone(), overrides));
        }
        match self.task_definition_file(args) {
            Some(file) => {
                let mut document = self.document(&file, args, &overrides)?;
                overrides.apply(&mut document).map_err(|error| {
                    Failure::usage("failed to apply the overrides").because(&error)
                })?;
                Ok(Wanted::Document(document))
            }
            None => Ok(Wanted::Running(overrides)),
        }
    }

    /// The wanted task definition, for commands that have no service to take the running one of.
    pub fn wanted_by_name(&self, args: &DocumentArgs, path: &Path) -> Result<Wanted, Failure> {
        Templates::of(self, args, None)?.check(args)?;
        match self.wanted(args)? {
            Wanted::Running(_) if self.config.is_none() => Err(no_config(path)
                .hint("or name the task definition: --task-definition FILE, or --revision NAME")),
            Wanted::Running(_) => Err(Failure::usage("no task definition is named")
                .hint("set task_definition in ecsdeploy.yml, or --task-definition FILE, or --revision NAME")),
            named => Ok(named),
        }
    }

    /// The task definition's file, if one is named.
    pub fn task_definition_file(&self, args: &DocumentArgs) -> Option<PathBuf> {
        let of_config = || {
            let config = self.config.as_ref()?;
            Some(self.directory.join(config.task_definition.as_ref()?))
        };
        args.task_definition.clone().or_else(of_config)
    }

    /// The service definition's file, if one is named; by an option before all.
    pub fn service_definition_file(&self, asked: Option<&Path>) -> Option<PathBuf> {
        let of_config = || {
            let config = self.config.as_ref()?;
            Some(self.directory.join(config.service_definition.as_ref()?))
        };
        asked.map(Path::to_owned).or_else(of_config)
    }

    fn document(
        &self,
        file: &Path,
        args: &DocumentArgs,
        overrides: &Overrides,
    ) -> Result<TaskDefinition, Failure> {
        let name = file.display();
        let value = self.rendered(file, args, overrides)?;
        TaskDefinition::from_value(value).map_err(|error| {
            Failure::usage(format!("{name} is not a task definition")).because(&error)
        })
    }

    /// What a file manages of the service, if one is named.
    pub fn managed(
        &self,
        args: &DocumentArgs,
        managed: &ManagedArgs,
    ) -> Result<Option<ServiceDocument>, Failure> {
        let file = self.service_definition_file(managed.service_definition.as_deref());
        let named = file
            .as_ref()
            .map(|file| self.rendered(file, args, &overrides(args)?))
            .transpose()?;
        let value = match (named, managed.members.clone()) {
            (None, None) => return Ok(None),
            (Some(Value::Object(named)), Some(members)) => Value::Object(merge(named, members)),
            (Some(named), _) => named,
            (None, Some(members)) => Value::Object(members),
        };
        let document = ServiceDocument::read(value).map_err(|error| {
            let name = file.map_or("--members".into(), |file| file.display().to_string());
            Failure::usage(format!("{name} cannot manage a service")).because(&error)
        })?;
        Ok(Some(document))
    }

    /// The document in the file; a template gets its values.
    fn rendered(
        &self,
        file: &Path,
        args: &DocumentArgs,
        overrides: &Overrides,
    ) -> Result<Value, Failure> {
        let name = file.display().to_string();
        let kind = kind_of(&name)?;
        let text = input::read(file)?;
        let value = match kind {
            DocumentKind::Json => parse_json(&name, &text)?,
            DocumentKind::Yaml => parse_yaml(&name, &text)?,
            DocumentKind::JsonTemplate => render(&name, &text, &self.values(args, overrides)?)?,
        };
        stdout::learn_document(&value);
        Ok(value)
    }

    /// From lowest to highest: what is known anyway, the configuration (its environment laid over), values files,
    /// --set, and the options named after what they set.
    fn values(
        &self,
        args: &DocumentArgs,
        overrides: &Overrides,
    ) -> Result<Map<String, Value>, Failure> {
        let mut values = self.known();
        if let Some(config) = &self.config {
            values = merge(values, config.values.clone());
            for file in &config.values_files {
                values = merge(values, values_file(&self.directory.join(file))?);
            }
        }
        for file in &args.values_files {
            values = merge(values, values_file(file)?);
        }
        for argument in &args.set {
            stdout::learn_text(argument);
            values = merge(values, parse_set(argument)?);
        }
        let values = merge(values, named(overrides));
        stdout::learn_document(&Value::Object(values.clone()));
        Ok(values)
    }

    fn known(&self) -> Map<String, Value> {
        let config = self.config.as_ref();
        let known = [
            ("cluster", self.cluster.as_deref()),
            ("service", self.service.as_deref()),
            ("region", self.region()),
            (
                "environment",
                config.and_then(|config| config.environment.as_deref()),
            ),
        ];
        known
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), json!(value?))))
            .collect()
    }
}

/// The configuration of a directory, if there is one.
pub fn config_in(directory: &Path) -> Option<PathBuf> {
    CONFIG_FILES
        .iter()
        .map(|name| directory.join(name))
        .find(|file| host::exists(file))
}

fn no_config(path: &Path) -> Failure {
    Failure::usage(format!(
        "there is no {} in {}",
        CONFIG_FILES[0],
        path.display()
    ))
    .hint("name the directory of ecsdeploy.yml, or the file itself")
}

fn values_file(file: &Path) -> Result<Map<String, Value>, Failure> {
    let text = input::read(file)?;
    Ok(parse_values_file(&file.display().to_string(), &text)?)
}

fn overrides(args: &DocumentArgs) -> Result<Overrides, Failure> {
    let images = args
        .images
        .iter()
        .map(|text| {
            text.parse::<ImageOverride>().map_err(|error| {
                Failure::usage(format!("--image {text} is not understood")).because(&error)
            })
        })
        .collect::<Result<_, _>>()?;
    Ok(Overrides {
        images,
        cpu: args.cpu.clone(),
        memory: args.memory.clone(),
        task_role: args.task_role.clone(),
        execution_role: args.execution_role.clone(),
        containers: args.container.names.clone(),
        changes: args.container.changes()?,
    })
}

/// The overrides as template values: `image`, `images.CONTAINER`, `cpu`, `memory`, `task_role`, `execution_role`.
fn named(overrides: &Overrides) -> Map<String, Value> {
    let mut values = Map::new();
    let mut images = Map::new();
    for image in &overrides.images {
        match &image.container {
            Some(container) => images.insert(container.clone(), json!(image.image.to_string())),
            None => values.insert("image".to_owned(), json!(image.image.to_string())),
        };
    }
    if !images.is_empty() {
        values.insert("images".to_owned(), Value::Object(images));
    }
    let options = [
        ("cpu", &overrides.cpu),
        ("memory", &overrides.memory),
        ("task_role", &overrides.task_role),
        ("execution_role", &overrides.execution_role),
    ];
    for (name, value) in options {
        if let Some(value) = value {
            values.insert(name.to_owned(), json!(value));
        }
    }
    values
}
