//! `ecsdeploy diff`: the wanted task definition against the running one, and what a file manages of the service.

use clap::ValueEnum;

use super::failure::{Exit, Failure};
use super::release::ReleaseArgs;
use super::stdout;
use crate::core::comparison::Comparison;
use crate::core::plan::Survey;
use crate::core::taskdef::TaskDefinition;
use crate::engine::{Request, compare};
use crate::text;

/// Show what differs between the wanted task definition and the one that the service runs
///
/// Compares what both mean: defaults that AWS fills in, the order of sets, other spellings of a size or a role, and a tag beside the digest it resolves to are no differences. Secrets are hidden; a changed one says so. Nothing is changed.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    release: ReleaseArgs,
    /// How to print it
    #[arg(long, value_enum, default_value = "unified")]
    format: Format,
    /// Exit with 3 if anything differs
    #[arg(long)]
    exit_code: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Lines of the documents, as diff -u prints them
    Unified,
    /// One line a change
    Compact,
    Json,
}

pub async fn run(args: &Args) -> Result<Exit, Failure> {
    let setting = args.release.setting()?;
    let Request {
        target,
        wanted,
        pinning,
        intent,
    } = args.release.comparison(&setting)?;
    let world = args.release.world(&setting).await?;
    let (wanted, survey) = compare(&target, wanted, pinning, &world.aws).await?;
    learn(&wanted, &survey);
    let redactor = stdout::redactor();
    let of_task_definition = Pair {
        old: format!("{} (running)", survey.running.arn.short()),
        new: format!("{} (wanted)", wanted.family()),
        comparison: Comparison::of(&survey.running.definition, &wanted, &redactor),
    };
    let of_service = intent.managed.map(|managed| Pair {
        old: format!("service {target} (running)"),
        new: "service definition (wanted)".to_owned(),
        comparison: Comparison::of_service(&managed, &survey.service, &redactor),
    });
    let is_same = of_task_definition.is_same() && of_service.as_ref().is_none_or(Pair::is_same);
    if is_same {
        stdout::note(&format!(
            "no changes       {target} runs this task definition ({})\n",
            survey.running.arn.short()
        ));
    }
    stdout::data(&show(args.format, &of_task_definition, of_service.as_ref()))?;
    Ok(if args.exit_code && !is_same {
        Exit::Changes
    } else {
        Exit::Done
    })
}

/// Two documents and what they are called.
struct Pair {
    old: String,
    new: String,
    comparison: Comparison,
}

impl Pair {
    fn is_same(&self) -> bool {
        self.comparison.changes().is_empty()
    }
}

fn show(format: Format, task_definition: &Pair, service: Option<&Pair>) -> String {
    let both = || std::iter::once(task_definition).chain(service);
    let changes = |pair: &Pair| pair.comparison.changes();
    match format {
        Format::Unified => both()
            .map(|pair| {
                let (old, new) = (&pair.comparison.running, &pair.comparison.wanted);
                text::diff::unified((&pair.old, old), (&pair.new, new))
            })
            .collect(),
        Format::Compact => both()
            .map(|pair| text::diff::compact(&changes(pair)))
            .collect(),
        Format::Json => {
            let mut told = text::diff::json(&changes(task_definition));
            if let Some(service) = service {
                told["service"] = text::diff::json(&changes(service));
            }
            format!("{told:#}\n")
        }
    }
}

/// Shows every task definition that was seen to the process's redactor, and to a runner that is to hide secrets.
pub fn learn(wanted: &TaskDefinition, survey: &Survey) {
    stdout::learn_document(&wanted.to_value());
    for known in std::iter::once(&survey.running).chain(&survey.latest) {
        stdout::learn_document(&known.definition.to_value());
    }
    stdout::mask();
}
