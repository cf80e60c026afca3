//! `ecsdeploy run`: one task on its own, such as a migration, and its exit code.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::args::{self, DocumentArgs, Output, PinArgs, ServiceArgs, WorldArgs};
use super::diff::learn;
use super::document::Setting;
use super::failure::{Exit, Failure};
use super::job::job;
use super::stdout;
use super::unread::Templates;
use super::world::World;
use crate::core::errand::{Errand, log_streams, placement};
use crate::core::id::{Cluster, TaskArn, TaskDefinitionArn};
use crate::core::preflight::{Lasting, outlives};
use crate::core::taskdef::{Overrides, TaskDefinition};
use crate::engine::{
    ErrandRan, Patience, Registered, Wanted, compare, document_of, register, run_errand,
};
use crate::ports::Clock as _;
use crate::text;
use crate::text::terminal::inert;

/// So many lines of each container's log are shown at the end.
const LOG_LINES: u32 = 50;

/// Run one task, such as a migration, and wait for its exit code
///
/// The task runs the wanted task definition, which is registered if it differs; with a service, in the service's network and on its capacity. When it has ended, the last lines that its containers wrote to CloudWatch Logs are shown. Exits with 0 when each container that counts ended with exit code 0.
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
    /// Subnet; by default the service's; may be repeated
    #[arg(long = "subnet", value_name = "ID", value_delimiter = ',')]
    subnets: Vec<String>,
    /// Security group; by default the service's; may be repeated
    #[arg(
        long = "security-group",
        value_name = "ID",
        value_delimiter = ',',
        requires = "subnets"
    )]
    security_groups: Vec<String>,
    /// Give the task a public address
    #[arg(long, requires = "subnets")]
    public_ip: bool,
    /// FARGATE, EC2 or EXTERNAL; by default the service's capacity, else FARGATE
    #[arg(long, value_name = "TYPE")]
    launch_type: Option<String>,
    /// Other members of RunTask, as a JSON object; they win over all options
    #[arg(long, value_name = "OBJECT", value_parser = args::object)]
    members: Option<Map<String, Value>>,
    /// Container whose exit code counts, and that runs the command; by default all count
    #[arg(long = "exit-code-of", value_name = "CONTAINER")]
    counted: Vec<String>,
    /// Return when the task was started
    #[arg(long)]
    no_wait: bool,
    /// Stop waiting after this time: 90s, 15m, 1h30m
    #[arg(long, value_name = "DURATION", value_parser = args::duration, default_value = "30m")]
    timeout: Duration,
    /// What to print
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
    /// Command instead of the container's own
    #[arg(last = true)]
    run: Vec<String>,
}

pub async fn run(args: &Args) -> Result<(), Failure> {
    let setting = Setting::read(&args.service)?;
    let world = World::open(&args.world, setting.region(), &setting.directory).await?;
    let (cluster, placed, wanted) = settle(args, &setting, &world).await?;
    let revision = match wanted.registered {
        Some(arn) => arn,
        None => revision(&wanted.document, &world).await?,
    };
    let members = merged(placed, args.members(&wanted.document)?);
    let errand = Errand {
        cluster,
        task_definition: revision,
        token: format!("ecsdeploy-{:032x}", fastrand::u128(..)),
        members,
        containers: args.counted.clone(),
    };
    let patience = if args.no_wait {
        Patience::Started
    } else {
        let within = args.timeout;
        Patience::Ended { within }
    };
    if let Patience::Ended { within } = patience {
        let now = world.clock.now();
        if let Some(finding) = outlives(Lasting::Task, within, world.session(), now) {
            stdout::note(&format!("{}\n", text::plan::finding(&finding)));
        }
    }
    let mut task = None;
    let tell = |arn: &TaskArn, status: &str| {
        stdout::note(&format!("task             {} {status}\n", arn.short()));
        if task.is_none() {
            job().outputs(&[("run-task-arn", json!([arn]).to_string())]);
        }
        task = Some(arn.clone());
    };
    let ran = run_errand(&errand, patience, &world.aws, &world.clock, tell).await?;
    if let (Some(task), ErrandRan::Succeeded | ErrandRan::Failed(_)) = (&task, &ran) {
        show_logs(&wanted.document, task, &world).await;
    }
    world.note_calls();
    conclude(args, &errand, task, ran)
}

/// What the task runs.
struct Definition {
    document: TaskDefinition,
    /// The revision that is the document, where it is known to be.
    registered: Option<TaskDefinitionArn>,
}

/// Where the task runs, how it is placed, and what it runs.
async fn settle(
    args: &Args,
    setting: &Setting,
    world: &World,
) -> Result<(Cluster, Map<String, Value>, Definition), Failure> {
    let pinning = setting.pinning(&args.pin);
    if !setting.names_a_service() {
        let wanted = setting.wanted_by_name(&args.document, &args.service.path)?;
        let document = document_of(wanted, pinning, &world.aws).await?;
        let document = document.expect("wanted_by_name gives no running one");
        stdout::learn_document(&document.to_value());
        stdout::mask();
        let definition = Definition {
            document,
            registered: None,
        };
        return Ok((setting.cluster(), Map::new(), definition));
    }
    let target = setting.target(&args.service.path)?;
    Templates::of(setting, &args.document, None)?.check(&args.document)?;
    let wanted = setting.wanted(&args.document)?;
    let as_it_runs =
        matches!(&wanted, Wanted::Running(changes) if *changes == Overrides::default());
    let (wanted, survey) = compare(&target, wanted, pinning, &world.aws).await?;
    learn(&wanted, &survey);
    let definition = Definition {
        document: wanted,
        registered: as_it_runs.then_some(survey.running.arn),
    };
    Ok((target.cluster, placement(&survey.service), definition))
}

async fn revision(document: &TaskDefinition, world: &World) -> Result<TaskDefinitionArn, Failure> {
    let registered = register(document, &world.aws, &world.clock).await?;
    let Some(registered) = registered else {
        return Err(Failure::new(
            Exit::Interrupted,
            "interrupted before the task was started",
        ));
    };
    let (Registered::New(arn) | Registered::Existing(arn)) = registered;
    job().outputs(&[("task-definition-arn", arn.to_string())]);
    Ok(arn)
}

/// What was asked for over where the service's tasks run; with neither, on Fargate if a network is named.
fn merged(mut members: Map<String, Value>, asked: Map<String, Value>) -> Map<String, Value> {
    const CAPACITY: [&str; 2] = ["launchType", "capacityProviderStrategy"];
    if CAPACITY.iter().any(|name| asked.contains_key(*name)) {
        // ECS takes one of the two.
        members.retain(|name, _| !CAPACITY.contains(&name.as_str()));
    }
    members.extend(asked);
    let is_placed = CAPACITY.iter().any(|name| members.contains_key(*name));
    if !is_placed && members.contains_key("networkConfiguration") {
        members.insert("launchType".to_owned(), json!("FARGATE"));
    }
    members
}

impl Args {
    /// The members of RunTask that options ask for.
    fn members(&self, document: &TaskDefinition) -> Result<Map<String, Value>, Failure> {
        let mut members = Map::new();
        if !self.subnets.is_empty() {
            let network = json!({"awsvpcConfiguration": {
                "subnets": self.subnets,
                "securityGroups": self.security_groups,
                "assignPublicIp": if self.public_ip { "ENABLED" } else { "DISABLED" },
            }});
            members.insert("networkConfiguration".to_owned(), network);
        }
        if let Some(launch_type) = &self.launch_type {
            members.insert("launchType".to_owned(), json!(launch_type));
        }
        if !self.run.is_empty() {
            let container = self.command_container(document)?;
            let command = json!([{"name": container, "command": self.run}]);
            members.insert(
                "overrides".to_owned(),
                json!({"containerOverrides": command}),
            );
        }
        members.extend(self.members.clone().unwrap_or_default());
        Ok(members)
    }

    fn command_container(&self, document: &TaskDefinition) -> Result<String, Failure> {
        if let [container] = self.counted.as_slice() {
            return Ok(container.clone());
        }
        let names: Vec<String> = document
            .containers()
            .map(|it| it.name().to_owned())
            .collect();
        match names.as_slice() {
            [only] => Ok(only.clone()),
            _ => Err(Failure::usage("which container runs the command?")
                .cause(format!("the containers are {}", names.join(", ")))
                .hint("name it: --exit-code-of CONTAINER")),
        }
    }
}

/// The last words of each container. A log that cannot be read is told of, and changes no result.
async fn show_logs(document: &TaskDefinition, task: &TaskArn, world: &World) {
    for stream in log_streams(document, task) {
        match world.aws.last_lines(&stream, LOG_LINES).await {
            Ok(lines) => {
                for line in lines {
                    let line = inert(&line).replace('\n', " ");
                    stdout::note(&format!("  {:<14} {line}\n", stream.container));
                }
            }
            Err(fault) => stdout::note(&format!(
                "  {:<14} its log {} cannot be read: {fault}\n",
                stream.container, stream.group
            )),
        }
    }
}

fn conclude(
    args: &Args,
    errand: &Errand,
    task: Option<TaskArn>,
    ran: ErrandRan,
) -> Result<(), Failure> {
    let name = task.as_ref().map_or("the task", TaskArn::short).to_owned();
    if let (Some(task), Output::Text) = (&task, args.output) {
        stdout::data(&format!("{task}\n"))?;
    } else if let Some(task) = &task {
        let document = json!({"taskArn": task, "taskDefinitionArn": errand.task_definition});
        stdout::data(&format!("{document}\n"))?;
    }
    match ran {
        ErrandRan::Started | ErrandRan::Succeeded => Ok(()),
        ErrandRan::Failed(reasons) => Err(reasons.into_iter().fold(
            Failure::new(Exit::Failed, format!("task {name} failed")),
            Failure::cause,
        )),
        ErrandRan::Deadline => Err(Failure::new(
            Exit::Failed,
            format!("task {name} did not end in time, and still runs"),
        )
        .hint("--timeout says how long it may take")),
        ErrandRan::Interrupted => Err(Failure::new(Exit::Interrupted, "interrupted").cause(
            match task {
                Some(_) => format!("task {name} goes on"),
                None => "the task may have been started".to_owned(),
            },
        )),
    }
}
