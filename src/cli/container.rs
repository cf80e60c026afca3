//! Options that change single containers of the task definition, whatever file or revision it comes from.

use clap::Args;
use serde_json::json;

use super::failure::Failure;
use super::stdout;
use crate::core::taskdef::{ContainerChange, Pair};

/// What to change in single containers.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Container options")]
pub struct ContainerArgs {
    /// Container that the following options are for; may be repeated; may be left out where there is only one
    #[arg(long = "container", value_name = "NAME")]
    pub names: Vec<String>,
    /// Environment variable; takes the place of a secret of that name; may be repeated
    #[arg(long = "variable", value_name = "NAME=VALUE")]
    pub variables: Vec<String>,
    /// Secret: the ARN of a secret or parameter, or a parameter's name; may be repeated
    #[arg(long = "secret", value_name = "NAME=FROM")]
    pub secrets: Vec<String>,
    /// File of variables in S3, in place of those there are; may be repeated
    #[arg(long = "variables-file", value_name = "ARN")]
    pub variables_files: Vec<String>,
    /// Docker label; may be repeated
    #[arg(long = "docker-label", value_name = "NAME=VALUE")]
    pub labels: Vec<String>,
    /// Command, as words or as a JSON list
    #[arg(long, value_name = "WORDS|LIST", value_parser = words)]
    pub command: Option<Words>,
    /// Log driver
    #[arg(long, value_name = "NAME")]
    pub log_driver: Option<String>,
    /// Option of the log driver; may be repeated
    #[arg(long = "log-option", value_name = "NAME=VALUE")]
    pub log_options: Vec<String>,
}

/// The words of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words(pub Vec<String>);

fn words(text: &str) -> Result<Words, String> {
    if !text.trim_start().starts_with('[') {
        return Ok(Words(text.split_whitespace().map(str::to_owned).collect()));
    }
    let list = serde_json::from_str(text);
    list.map(Words).map_err(|_| {
        "a JSON list holds strings only, such as [\"serve\", \"--port\", \"80\"]".to_owned()
    })
}

impl ContainerArgs {
    /// The changes, in the order of the options above. Values of secret names are known to be secret from here on.
    pub fn changes(&self) -> Result<Vec<ContainerChange>, Failure> {
        let mut changes = Vec::new();
        let mut pairs = |option: &str, texts: &[String], make: fn(Pair) -> ContainerChange| {
            for text in texts {
                stdout::learn_text(text);
                let pair = text.parse::<Pair>().map_err(|error| {
                    Failure::usage(format!("{option} is not understood")).because(&error)
                })?;
                stdout::learn_document(&json!({ pair.name.as_str(): pair.value }));
                changes.push(make(pair));
            }
            Ok::<_, Failure>(())
        };
        pairs("--variable", &self.variables, ContainerChange::Variable)?;
        pairs("--secret", &self.secrets, ContainerChange::Secret)?;
        pairs("--docker-label", &self.labels, ContainerChange::Label)?;
        pairs(
            "--log-option",
            &self.log_options,
            ContainerChange::LogOption,
        )?;
        changes.extend(self.log_driver.clone().map(ContainerChange::LogDriver));
        let command = self.command.clone().map(|Words(words)| words);
        changes.extend(command.map(ContainerChange::Command));
        if !self.variables_files.is_empty() {
            let files = self.variables_files.clone();
            changes.push(ContainerChange::EnvironmentFiles(files));
        }
        Ok(changes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_words_or_a_list() {
        let check = |text: &str, expect: Option<&[&str]>| {
            let found = words(text).ok().map(|Words(words)| words);
            let expect = expect.map(|words| words.iter().map(|&it| it.to_owned()).collect());
            assert_eq!(found, expect, "{text}");
        };
        check("serve  --port 80", Some(&["serve", "--port", "80"]));
        check(r#"["sh", "-c", "a b"]"#, Some(&["sh", "-c", "a b"]));
        check(r#"["sh", 1]"#, None);
        check("[", None);
    }
}
