//! `ecsdeploy status`: the service as it is, and the rollout of it that is on record.

use jiff::Timestamp;
use serde_json::Value;

use super::args::{Output, ServiceArgs, WorldArgs};
use super::document::Setting;
use super::failure::Failure;
use super::interrupted::stands;
use super::journal::JournalArgs;
use super::stdout;
use super::world::World;
use crate::core::id::ServiceKey;
use crate::core::overview::Overview;
use crate::core::report::Outcome;
use crate::engine::{Ran, inspect};
use crate::ports::{Clock as _, Journal};
use crate::text::status::{self, OnRecord};

/// Show the service, the rollout of it that is on record, and where its traffic goes
///
/// Deployments or task sets, the weights of listener rules, tasks, target health and the last events; and of a rollout that somebody drives or left: what it deploys, where it stands, which gate or pause it waits at and until when, and how it goes on. Only looks; what could not be read is said.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    service: ServiceArgs,
    #[command(flatten)]
    world: WorldArgs,
    #[command(flatten)]
    journal: JournalArgs,
    /// What to print
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

pub async fn run(args: &Args) -> Result<(), Failure> {
    let setting = Setting::read(&args.service)?;
    let target = setting.target(&args.service.path)?;
    let world = World::open(&args.world, setting.region(), &setting.directory).await?;
    let config = setting.config.as_ref();
    let journal = args.journal.open(config, &setting.directory, &world.config);
    let view = View::look(&target, &world, &journal).await?;
    match args.output {
        Output::Text => stdout::data(&view.text()),
        Output::Json => stdout::data(&format!("{:#}\n", view.json())),
        Output::Jsonl => stdout::data(&format!("{}\n", view.json())),
    }
}

/// Shows how a service stands that needs a hand. That it cannot be read takes nothing from the verdict.
pub async fn show_stranded(ran: &Ran, world: &World, journal: &impl Journal) {
    let Ran::Ended { plan, outcome } = ran else {
        return;
    };
    if !matches!(outcome, Outcome::Stranded { .. }) {
        return;
    }
    let looked = Box::pin(View::look(&plan.target, world, journal)).await;
    if let Ok(view) = looked {
        stdout::note(&format!("\n{}", view.text()));
    }
}

struct View {
    overview: Overview,
    /// When it was looked at, by this machine's clock and by AWS's.
    now: Timestamp,
    date: Timestamp,
}

impl View {
    async fn look(
        target: &ServiceKey,
        world: &World,
        journal: &impl Journal,
    ) -> Result<Self, Failure> {
        let overview = Box::pin(inspect(target, &world.aws, journal)).await?;
        let now = world.clock.now();
        let date = world.aws.date().unwrap_or(now);
        Ok(Self {
            overview,
            now,
            date,
        })
    }

    fn on_record(&self) -> Option<OnRecord> {
        OnRecord::of(&self.overview, stands, self.now)
    }

    fn text(&self) -> String {
        let on_record = self.on_record();
        status::text(&self.overview, on_record.as_ref(), self.now, self.date)
    }

    fn json(&self) -> Value {
        status::json(&self.overview, self.on_record().as_ref())
    }
}
