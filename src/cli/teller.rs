//! Tells a rollout as it goes: the terminal each event, the forge how it stands, and at the end the job its outcome.
//!
//! **Invariant:** telling never changes what is told: a closed stdout, a forge that is down and a summary that cannot
//! be written leave the rollout and its exit code as they are.

use std::time::Duration;

use jiff::Timestamp;

use super::args::Output;
use super::document::Setting;
use super::failure::Failure;
use super::forge::{self, Posting, status_name};
use super::job::job;
use super::stdout;
use super::world::{AnyClock, World};
use crate::core::id::ServiceKey;
use crate::core::plan::{Plan, Survey};
use crate::core::post::{Bulletin, Comment, Edition, Light, Pace, Place, Standing, Status};
use crate::core::preflight::{Lasting, Session, outlives};
use crate::core::proposal::Proposal;
use crate::core::report::{Entry, Event, Outcome, Report};
use crate::core::taskdef::{Finding, TaskDefinition};
use crate::engine::{Outbox, Ran, alongside, press};
use crate::ports::{Audience, Clock as _};
use crate::text::markdown::{Story, failed, marker, story};
use crate::text::{self, terminal};

/// What is done where, for all that tells of it.
pub struct Scene {
    target: ServiceKey,
    environment: Option<String>,
    since: Timestamp,
    /// The first line on the terminal; an error before any event stands alone.
    head: String,
    /// That it is only played, if it is.
    notice: Option<&'static str>,
    /// The service's page in the AWS console.
    console: Option<String>,
    session: Session,
}

impl Scene {
    /// `doing` is the first word of the first line.
    pub fn of(target: &ServiceKey, setting: &Setting, world: &World, doing: &str) -> Self {
        Self {
            target: target.clone(),
            environment: setting.environment().map(str::to_owned),
            since: world.clock.now(),
            head: format!("{doing:<16} {target} ({})\n", world.place()),
            notice: world
                .is_sandbox()
                .then_some("Played in the sandbox: nothing on AWS changed."),
            console: world.console(target),
            session: world.session(),
        }
    }
}

/// Tells the terminal, keeps the report, and writes lines of JSON when asked.
pub struct Teller {
    scene: Scene,
    output: Output,
    report: Report,
    plan: Option<Proposal>,
    before: Option<String>,
    desk: Option<Desk>,
    /// Of credentials that may end too early; once is enough.
    warned: Option<Finding>,
}

/// What is posted, and where it is laid down for that.
struct Desk {
    outbox: Outbox,
    pace: Pace,
    limit: usize,
    comment: bool,
    places: Vec<Place>,
}

/// Does the work and tells of it, to the forge too if there is one.
pub async fn told(
    work: impl AsyncFnOnce(&mut Teller) -> Result<Ran, Failure>,
    teller: &mut Teller,
    posting: Option<&Posting>,
    clock: &AnyClock,
) -> Result<Ran, Failure> {
    let Some(posting) = posting else {
        let ran = Box::pin(work(teller)).await;
        teller.close(&ran);
        return ran;
    };
    let (outbox, press) = press(&posting.forge, clock, &forge::note);
    teller.desk = Some(Desk {
        outbox,
        pace: Pace::default(),
        limit: posting.forge.comment_limit(),
        comment: posting.comment,
        places: posting.places.clone(),
    });
    let work = async {
        let ran = Box::pin(work(teller)).await;
        teller.close(&ran);
        ran
    };
    alongside(work, press).await
}

impl Teller {
    pub fn new(scene: Scene, output: Output) -> Self {
        Self {
            scene,
            output,
            report: Report::new(),
            plan: None,
            before: None,
            desk: None,
            warned: None,
        }
    }

    /// Warns of credentials that may end before this does.
    pub fn mind_the_session(&mut self, what: Lasting, limit: Duration) {
        let at = self.scene.since;
        if self.warned.is_some() {
            return;
        }
        self.warned = outlives(what, limit, self.scene.session, at);
        if let Some(finding) = self.warned.clone() {
            let event = Event::Finding { finding };
            self.hear(&Entry { at, event });
        }
    }

    pub fn output(&self) -> Output {
        self.output
    }

    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Tells the end, and that it is the end.
    fn close(&mut self, ran: &Result<Ran, Failure>) {
        let standing = match ran {
            Ok(Ran::Ended { outcome, .. }) => Standing::Ended(outcome),
            Ok(Ran::Interrupted { .. } | Ran::LeftOff { .. } | Ran::Underway { .. }) => {
                Standing::Interrupted
            }
            Ok(Ran::HandedOver { .. }) => Standing::HandedOver,
            Ok(Ran::Held { .. }) => Standing::Contested,
            Err(failure) => return self.fail(failure),
        };
        job().summary(|limit| self.page(standing, limit));
        job().outputs(&self.outputs(standing));
        self.link();
        let bulletin = self.bulletin(standing, Edition::Last);
        if let Some(desk) = self.desk.take() {
            // Who holds the service tells of it; what was not begun needs no end.
            if !matches!(standing, Standing::Contested) {
                desk.outbox.lay(bulletin);
            }
        }
    }

    /// It ended before there was anything to follow.
    fn fail(&mut self, failure: &Failure) {
        let page = |limit| self.failed(failure, limit);
        job().summary(page);
        job().outputs(&[("outcome", "failed".to_owned())]);
        let comment = |desk: &Desk| Comment {
            marker: self.marker(),
            body: stdout::page(desk.limit, page),
        };
        let says = inert_line(&failure.headline);
        if let Some(desk) = &self.desk {
            desk.outbox.lay(Bulletin {
                comment: desk.comment.then(|| comment(desk)),
                statuses: self.statuses(Light::Red, &says),
                edition: Edition::Last,
            });
        }
        self.desk = None;
    }

    /// What serves at the end is named where nothing new was asked for.
    fn line(&self, entry: &Entry) -> String {
        let since = self.scene.since;
        if let Event::Finished(outcome) = &entry.event {
            if let Some(revision) = self.report.goes_back_to().filter(|_| is_back(outcome)) {
                return terminal::serves_again(entry.at, since, revision);
            }
            let is_well = *outcome == Outcome::Completed;
            if let Some(revision) = self.report.idle().filter(|_| is_well) {
                return terminal::serves(entry.at, since, revision);
            }
        }
        terminal::entry(entry, since)
    }

    fn bulletin(&self, standing: Standing, edition: Edition) -> Bulletin {
        let Some(desk) = &self.desk else {
            return Bulletin::default();
        };
        let comment = desk.comment.then(|| Comment {
            marker: self.marker(),
            body: stdout::page(desk.limit, |limit| self.page(standing, limit)),
        });
        Bulletin {
            comment,
            statuses: self.statuses(standing.light(), &says(standing)),
            edition,
        }
    }

    fn statuses(&self, light: Light, says: &str) -> Vec<Status> {
        let places = self.desk.iter().flat_map(|desk| &desk.places);
        places
            .map(|at| Status {
                at: at.clone(),
                name: status_name(&self.scene.target),
                light,
                says: says.to_owned(),
            })
            .collect()
    }

    fn page(&self, standing: Standing, limit: usize) -> String {
        let run = job().page();
        let told = Story {
            target: &self.scene.target,
            environment: self.scene.environment.as_deref(),
            plan: self.plan.as_ref(),
            report: &self.report,
            standing,
            run: run.as_deref(),
            notice: self.scene.notice,
        };
        story(&told, limit)
    }

    fn failed(&self, failure: &Failure, limit: usize) -> String {
        let environment = self.scene.environment.as_deref();
        let told = stdout::redactor().text(&failure.render());
        failed(&self.scene.target, environment, &told, limit)
    }

    fn marker(&self) -> String {
        let environment = self.scene.environment.as_deref();
        marker(&self.scene.target.to_string(), environment)
    }

    fn outputs(&self, standing: Standing) -> Vec<(&'static str, String)> {
        let mut outputs = vec![("outcome", standing.name().to_owned())];
        if let Standing::Ended(
            Outcome::RolledBack { cause } | Outcome::Failed { cause } | Outcome::Stranded { cause },
        ) = standing
        {
            outputs.push(("cause", cause.name().to_owned()));
        }
        let revision = self.report.revision().map(ToString::to_string);
        let planned = || {
            self.plan
                .as_ref()?
                .revision
                .as_ref()
                .map(ToString::to_string)
        };
        if let Some(arn) = revision.or_else(planned) {
            outputs.push(("task-definition-arn", arn));
        }
        if let Some(before) = &self.before {
            outputs.push(("previous-task-definition-arn", before.clone()));
        }
        if let Some(deployment) = self.report.deployment() {
            outputs.push(("deployment-id", deployment.to_string()));
            // CodeDeploy's ids begin so, ECS's with `ecs-svc/`.
            if deployment.as_str().starts_with("d-") {
                outputs.push(("codedeploy-deployment-id", deployment.to_string()));
            }
        }
        outputs.push(("seconds", self.report.seconds().to_string()));
        outputs
    }

    fn link(&self) {
        let console = self.scene.console.as_deref();
        let links: Vec<(&str, &str)> = console
            .map(|url| ("the service on AWS", url))
            .into_iter()
            .collect();
        job().links(&links);
    }

    /// Lays a bulletin down, if one is due. What is only waited for is nobody's to tell yet.
    fn update(&mut self, now: Timestamp) {
        let has_begun = |entry: &Entry| !matches!(entry.event, Event::Waiting { .. });
        if !self.report.entries.iter().any(has_begun) {
            return;
        }
        let is_due = self
            .desk
            .as_mut()
            .is_some_and(|desk| desk.pace.strikes(now));
        if is_due {
            let bulletin = self.bulletin(Standing::Underway, Edition::Live);
            if let Some(desk) = &self.desk {
                desk.outbox.lay(bulletin);
            }
        }
    }
}

impl Audience for Teller {
    fn hear(&mut self, entry: &Entry) {
        stdout::note(&std::mem::take(&mut self.scene.head));
        stdout::note(&self.line(entry));
        if self.output == Output::Jsonl {
            let line = serde_json::to_string(entry).expect("an entry is JSON");
            // A closed stdout must not end a rollout; the verdict still goes to stderr and the exit code.
            let _ = stdout::data(&format!("{line}\n"));
        }
        self.report.record(entry.at, stdout::hidden(&entry.event));
    }

    fn learn(&mut self, document: &TaskDefinition) {
        stdout::learn_document(&document.to_value());
        stdout::mask();
    }

    fn plan(&mut self, plan: &Plan, wanted: &TaskDefinition, survey: &Survey) {
        let proposal = Proposal::of(plan, wanted, survey, &stdout::redactor());
        let title = format!("Plan: {}", proposal.target);
        job().fold("ecsdeploy_plan", &title, &text::plan::text(&proposal));
        self.before = Some(plan.before.task_definition.to_string());
        self.plan = Some(proposal);
        self.mind_the_session(Lasting::Rollout, plan.time_limit());
    }

    fn look(&mut self, now: Timestamp) {
        self.update(now);
    }
}

/// Whether a way back that was asked for has come to its end.
fn is_back(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Completed => true,
        Outcome::RolledBack { cause } => cause.is_asked_for(),
        _ => false,
    }
}

/// The status in one sentence.
fn says(standing: Standing) -> String {
    inert_line(&match standing {
        Standing::Underway => "rolling out".to_owned(),
        Standing::Ended(outcome) => outcome.to_string(),
        Standing::Interrupted => "interrupted; the same command takes it up again".to_owned(),
        Standing::HandedOver => "handed over; AWS goes on by itself".to_owned(),
        Standing::Contested => "another rollout has the service".to_owned(),
    })
}

fn inert_line(text: &str) -> String {
    terminal::inert(text).replace('\n', " ")
}
