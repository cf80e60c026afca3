//! The CI job that runs this program, and what it is told without any token: a summary, outputs, folds, annotations.
//!
//! **Invariant:** a job that cannot be told is no reason to fail: it is said, and the command goes on.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use jiff::Timestamp;

use super::stdout;
use crate::adapters::host::{self, FileError};
use crate::text::ci::github::{Spot, Tone};
use crate::text::{ci, markdown};

static JOB: LazyLock<Job> = LazyLock::new(|| Job::of(host::environment().collect()));

/// The job that this process runs in.
pub fn job() -> &'static Job {
    &JOB
}

/// What runs the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    GitHub,
    GitLab,
    /// Another one, or a person.
    Other,
}

#[derive(Debug)]
pub struct Job {
    system: System,
    environment: BTreeMap<String, String>,
}

/// An output's name in GitHub's spelling, and its value.
pub type Output<'a> = (&'a str, String);

impl Job {
    fn of(environment: BTreeMap<String, String>) -> Self {
        let is_true = |name: &str| environment.get(name).is_some_and(|value| value == "true");
        let system = if is_true("GITHUB_ACTIONS") {
            System::GitHub
        } else if is_true("GITLAB_CI") {
            System::GitLab
        } else {
            System::Other
        };
        Self {
            system,
            environment,
        }
    }

    pub fn system(&self) -> System {
        self.system
    }

    /// A variable that says something.
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = self.environment.get(name)?.as_str();
        (!value.is_empty()).then_some(value)
    }

    /// The first of these variables that says something.
    pub fn first(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.get(name))
    }

    /// The page of this run.
    pub fn page(&self) -> Option<String> {
        let github = || {
            let server = self.get("GITHUB_SERVER_URL")?;
            let repository = self.get("GITHUB_REPOSITORY")?;
            let run = self.get("GITHUB_RUN_ID")?;
            let attempt = self.get("GITHUB_RUN_ATTEMPT").unwrap_or("1");
            Some(format!(
                "{server}/{repository}/actions/runs/{run}/attempts/{attempt}"
            ))
        };
        github().or_else(|| self.first(&["CI_JOB_URL", "BUILD_URL"]).map(str::to_owned))
    }

    /// Adds a page to the job's summary. GitLab has none.
    pub fn summary(&self, render: impl Fn(usize) -> String) {
        let Some(file) = self.file("GITHUB_STEP_SUMMARY") else {
            return;
        };
        let limit = markdown::SUMMARY.saturating_sub(host::size(&file) + 1);
        let page = stdout::page(limit, render);
        if page.len() <= limit {
            said("job summary", stdout::append(&file, &format!("{page}\n")));
        }
    }

    /// Tells later steps and jobs.
    pub fn outputs(&self, outputs: &[Output]) {
        match self.system {
            System::GitHub => {
                let Some(file) = self.file("GITHUB_OUTPUT") else {
                    return;
                };
                let lines = outputs
                    .iter()
                    .map(|(name, value)| ci::github::output(name, value, &delimiter(value)));
                let lines: String = lines.collect();
                said("outputs", stdout::append(&file, &lines));
            }
            System::GitLab => {
                let Some(file) = self.report("ECSDEPLOY_DOTENV", "ecsdeploy.env") else {
                    return;
                };
                let lines = outputs
                    .iter()
                    .map(|(name, value)| ci::gitlab::variable(name, value));
                let lines: String = lines.collect();
                said("dotenv report", stdout::append(&file, &lines));
            }
            System::Other => {}
        }
    }

    /// Links on the job's page. GitHub has none.
    pub fn links(&self, links: &[(&str, &str)]) {
        let report = || self.report("ECSDEPLOY_ANNOTATIONS", "ecsdeploy-annotations.json");
        if self.system == System::GitLab
            && !links.is_empty()
            && let Some(file) = report()
        {
            let report = ci::gitlab::links(links);
            said(
                "annotations report",
                stdout::file(&file, &format!("{report:#}\n")),
            );
        }
    }

    /// Text in a fold of the log; nothing where no CI system folds.
    pub fn fold(&self, name: &str, title: &str, text: &str) {
        match self.system {
            System::GitHub => {
                stdout::command(&ci::github::group(title));
                stdout::note(text);
                stdout::command(ci::github::END_GROUP);
            }
            System::GitLab => {
                // The log's own time, which no sandbox moves.
                stdout::command(&ci::gitlab::section_start(name, title, Timestamp::now()));
                stdout::note(text);
                stdout::command(&ci::gitlab::section_end(name, Timestamp::now()));
            }
            System::Other => {}
        }
    }

    /// A mark on a file's line, on GitHub's pages.
    pub fn annotate(&self, tone: Tone, title: &str, spot: Option<&Spot>, message: &str) {
        if self.system == System::GitHub {
            let spot = spot.map(|spot| Spot {
                file: self.in_repository(&spot.file),
                ..spot.clone()
            });
            // It is cut and escaped: a secret must be gone before.
            let message = stdout::redactor().text(message);
            let annotation = ci::github::annotation(tone, title, spot.as_ref(), &message);
            stdout::command(&annotation);
        }
    }

    /// The path from the repository's root.
    fn in_repository(&self, file: &str) -> String {
        let root = self
            .get("GITHUB_WORKSPACE")
            .map(|root| host::absolute(Path::new(root)));
        let path = host::absolute(Path::new(file));
        let inside = root.and_then(|root| path.strip_prefix(root).ok().map(Path::to_owned));
        inside.map_or_else(|| file.to_owned(), |path| path.display().to_string())
    }

    fn file(&self, variable: &str) -> Option<PathBuf> {
        let is_ours = self.system == System::GitHub;
        self.get(variable).filter(|_| is_ours).map(PathBuf::from)
    }

    /// A report's file: the one that is named, none if that is empty, else its usual name in the job's folder.
    fn report(&self, variable: &str, usual: &str) -> Option<PathBuf> {
        match self.environment.get(variable) {
            Some(named) if named.is_empty() => None,
            Some(named) => Some(PathBuf::from(named)),
            None => Some(Path::new(self.get("CI_PROJECT_DIR").unwrap_or(".")).join(usual)),
        }
    }
}

fn said(what: &str, written: Result<(), FileError>) {
    if let Err(error) = written {
        stdout::note(&format!("not reported     {what}: {error}\n"));
    }
}

/// A line that the value does not hold and nobody can foresee.
fn delimiter(value: &str) -> String {
    loop {
        let random = RandomState::new();
        let word = format!("end-{:016x}{:016x}", random.hash_one(0), random.hash_one(1));
        if !value.contains(&word) {
            return word;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(variables: &[(&str, &str)]) -> Job {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Job::of(variables.iter().map(own).collect())
    }

    #[test]
    fn the_page_of_the_run_is_known_in_each_ci_system() {
        let check = |variables: &[(&str, &str)], page: Option<&str>| {
            assert_eq!(job(variables).page().as_deref(), page);
        };
        check(
            &[
                ("GITHUB_SERVER_URL", "https://github.com"),
                ("GITHUB_REPOSITORY", "o/r"),
                ("GITHUB_RUN_ID", "7"),
                ("GITHUB_RUN_ATTEMPT", "2"),
            ],
            Some("https://github.com/o/r/actions/runs/7/attempts/2"),
        );
        let page = "https://gitlab.example/j/1";
        check(&[("CI_JOB_URL", page)], Some(page));
        check(&[("GITHUB_RUN_ID", "7")], None);
        check(&[], None);
    }

    #[test]
    fn each_ci_system_is_known_by_its_own_variable() {
        let check = |variables: &[(&str, &str)], system| {
            assert_eq!(job(variables).system(), system);
        };
        check(
            &[("GITHUB_ACTIONS", "true"), ("CI", "true")],
            System::GitHub,
        );
        check(&[("GITLAB_CI", "true"), ("CI", "true")], System::GitLab);
        check(
            &[("CI", "true"), ("GITHUB_REPOSITORY", "o/r")],
            System::Other,
        );
    }

    #[test]
    fn an_empty_name_of_a_report_means_none() {
        let named = |value| job(&[("ECSDEPLOY_DOTENV", value)]).report("ECSDEPLOY_DOTENV", "e");
        assert_eq!(named(""), None);
        assert_eq!(named("x.env"), Some(PathBuf::from("x.env")));
        let usual = job(&[("CI_PROJECT_DIR", "/b")]).report("ECSDEPLOY_DOTENV", "e");
        assert_eq!(usual, Some(PathBuf::from("/b/e")));
    }
}
