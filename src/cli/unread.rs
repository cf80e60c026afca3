//! Values that were given and that no template reads: nearly always a misspelt name, and then an old value is deployed.
//!
//! **Invariant:** refuses only what was typed for this one run; a file may serve others, so that its names are warned of.

use std::path::{Path, PathBuf};

use super::args::DocumentArgs;
use super::document::Setting;
use super::failure::Failure;
use super::input;
use crate::core::taskdef::Finding;
use crate::text::document::{DocumentKind, kind_of};
use crate::text::template::Reads;
use crate::text::values::parse_values_file;

/// The templates of one release.
pub struct Templates {
    reads: Reads,
    /// Every document, whether it is a template or not.
    documents: Vec<PathBuf>,
    are_there: bool,
}

impl Templates {
    /// `service_definition` is the option's; else ecsdeploy.yml names it.
    pub fn of(
        setting: &Setting,
        args: &DocumentArgs,
        service_definition: Option<&Path>,
    ) -> Result<Self, Failure> {
        let task_definition = setting
            .task_definition_file(args)
            .filter(|_| args.revision.is_none());
        let service_definition = setting.service_definition_file(service_definition);
        let documents: Vec<PathBuf> = task_definition
            .into_iter()
            .chain(service_definition)
            .collect();
        let mut templates = Self {
            reads: Reads::default(),
            documents,
            are_there: false,
        };
        for file in &templates.documents {
            if kind_of(&file.display().to_string())? == DocumentKind::JsonTemplate {
                templates.reads.add(&input::read(file)?);
                templates.are_there = true;
            }
        }
        Ok(templates)
    }

    /// Refuses a `--set` that changes nothing.
    pub fn check(&self, args: &DocumentArgs) -> Result<(), Failure> {
        let names = args
            .set
            .iter()
            .filter_map(|argument| argument.split_once('='));
        for (path, _) in names {
            if !self.are_there {
                return Err(self.no_template(path));
            }
            let name = path.split('.').next().unwrap_or_default();
            if !self.reads.may_read(name) {
                let failure = Failure::usage(format!(
                    "--set {path} has no effect: no template reads `{name}`"
                ));
                return Err(match self.reads.nearest(name) {
                    Some(near) => failure.hint(format!("did you mean `{near}`?")),
                    None => failure.hint(
                        "the names between {{ and }} in the template are those that it reads",
                    ),
                });
            }
        }
        Ok(())
    }

    fn no_template(&self, path: &str) -> Failure {
        let why = match self.documents.first() {
            Some(file) => format!("{} is no template", file.display()),
            None => "the task definition is a registered one, not a template".to_owned(),
        };
        Failure::usage(format!("--set {path} has no effect: {why}"))
            .hint("a template's name ends in .json.hbs; --image, --cpu and their like change any document")
    }

    /// What files say in vain: the service's own values in ecsdeploy.yml; of files of values, which other services may
    /// share, only what looks misspelt.
    pub fn unread(&self, setting: &Setting, args: &DocumentArgs) -> Result<Vec<Finding>, Failure> {
        let Some(config) = setting.config.as_ref().filter(|_| self.are_there) else {
            return Ok(Vec::new());
        };
        let own = config
            .own_values
            .iter()
            .map(|name| ("ecsdeploy.yml".to_owned(), name.clone()));
        let mut said: Vec<(String, String)> = own.collect();
        let configured = config
            .values_files
            .iter()
            .map(|file| setting.directory.join(file));
        for file in configured.chain(args.values_files.iter().cloned()) {
            let name = file.display().to_string();
            let values = parse_values_file(&name, &input::read(&file)?)?;
            let misspelt = values
                .keys()
                .filter(|value| self.reads.nearest(value).is_some());
            said.extend(misspelt.map(|value| (name.clone(), value.clone())));
        }
        let unread = said
            .into_iter()
            .filter(|(_, name)| !self.reads.may_read(name));
        Ok(unread.map(|(file, name)| self.warn(&file, &name)).collect())
    }

    fn warn(&self, file: &str, name: &str) -> Finding {
        let finding = Finding::warning(
            format!("values.{name}"),
            format!("no template reads it; it is set in {file}"),
        );
        match self.reads.nearest(name) {
            Some(near) => finding.hint(format!("did you mean `{near}`?")),
            None => finding,
        }
    }
}
