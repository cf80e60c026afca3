//! `ecsdeploy register`: a new revision, if it would differ from the latest active one.

use serde_json::json;

use super::args::{DocumentArgs, Output, PinArgs, ServiceArgs, WorldArgs};
use super::document::Setting;
use super::failure::{Exit, Failure};
use super::job::job;
use super::stdout;
use super::world::World;
use crate::core::report::{Entry, Event};
use crate::engine::{Registered, document_of, register};
use crate::ports::Clock as _;
use crate::text::terminal;

/// Register the task definition, if it differs from the latest active revision
///
/// Prints the ARN of the revision: the new one, or the latest active one of the family when its canonical form is the same.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    service: ServiceArgs,
    #[command(flatten)]
    document: DocumentArgs,
    #[command(flatten)]
    pin: PinArgs,
    #[command(flatten)]
    world: WorldArgs,
    /// What to print
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

pub async fn run(args: &Args) -> Result<(), Failure> {
    let setting = Setting::read(&args.service)?;
    let wanted = setting.wanted_by_name(&args.document, &args.service.path)?;
    let world = World::open(&args.world, setting.region(), &setting.directory).await?;
    let document = document_of(wanted, setting.pinning(&args.pin), &world.aws).await?;
    let document = document.expect("wanted_by_name gives no running one");
    stdout::mask();
    let registered = register(&document, &world.aws, &world.clock)
        .await?
        .ok_or_else(|| {
            Failure::new(
                Exit::Interrupted,
                "interrupted before the revision was known",
            )
            .hint("the same command takes it up again; it makes no second revision")
        })?;
    tell(&registered, &world);
    let (arn, made) = match &registered {
        Registered::New(arn) => (arn, true),
        Registered::Existing(arn) => (arn, false),
    };
    job().outputs(&[("task-definition-arn", arn.to_string())]);
    match args.output {
        Output::Text => stdout::data(&format!("{arn}\n")),
        Output::Json | Output::Jsonl => stdout::data(&format!(
            "{}\n",
            json!({"taskDefinitionArn": arn, "registered": made})
        )),
    }
}

fn tell(registered: &Registered, world: &World) {
    let event = match registered.clone() {
        Registered::New(task_definition) => Event::Registered { task_definition },
        Registered::Existing(task_definition) => Event::Reused { task_definition },
    };
    let at = world.clock.now();
    stdout::note(&terminal::entry(&Entry { at, event }, at));
}
