//! Which forge is reported to, with what, and about what: options over the job's environment.
//!
//! **Invariant:** without a token nothing is called. What was asked for by `always` and cannot be is said before
//! anything is changed; everything else that goes wrong here is a line on stderr.

use clap::ValueEnum;
use jiff::Timestamp;

use super::failure::Failure;
use super::job::{Job, System, job};
use super::stdout;
use super::world::AnyClock;
use crate::adapters::github::{self, GitHub};
use crate::adapters::gitlab::{self, GitLab, MergeRequest, Reference};
use crate::core::gate::{Ask, Word};
use crate::core::id::ServiceKey;
use crate::core::post::{Bulletin, Comment, Edition, Place, Status};
use crate::core::rollout::Fault;
use crate::engine::{alongside, press};
use crate::ports::{Forge, ForgeError, People};
use crate::text::event::{head_commit, pull_request};
use crate::text::markdown;

/// What GitHub and GitLab are told.
#[derive(clap::Args, Clone, Debug)]
pub struct ForgeArgs {
    /// Comment on the pull request: auto, where there are a token and a pull request; never; always, else nothing is begun
    #[arg(
        long,
        value_enum,
        value_name = "WHEN",
        env = "ECSDEPLOY_COMMENT",
        default_value = "auto"
    )]
    comment: When,
    /// Set the commit's status, where there is a token
    #[arg(
        long,
        value_enum,
        value_name = "WHEN",
        env = "ECSDEPLOY_COMMIT_STATUS",
        default_value = "auto"
    )]
    commit_status: Unless,
    /// Record a deployment in the environment that --env names, where there is a token; never where the job has `environment:`, which records one itself
    #[arg(
        long,
        value_enum,
        value_name = "WHEN",
        env = "ECSDEPLOY_DEPLOYMENT",
        default_value = "auto"
    )]
    deployment: Unless,
    /// Where the environment is reached, for the deployment
    #[arg(long, value_name = "URL", env = "ECSDEPLOY_ENVIRONMENT_URL")]
    environment_url: Option<String>,
    /// The pull or merge request; by default that of the event, or of the merged commit
    #[arg(long, value_name = "NUMBER", env = "ECSDEPLOY_PULL_REQUEST")]
    pull_request: Option<Number>,
}

/// A number, or nothing where a variable is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Number(Option<u64>);

impl std::str::FromStr for Number {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        text.parse().map(|number| Self(Some(number)))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum When {
    // An empty variable says nothing.
    #[value(alias = "")]
    Auto,
    Never,
    Always,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Unless {
    #[value(alias = "")]
    Auto,
    Never,
}

/// A forge, and what it is to be told.
pub struct Posting {
    pub forge: AnyForge,
    /// Whether there is to be a comment.
    pub comment: bool,
    /// Where the status is to be shown.
    pub places: Vec<Place>,
}

impl ForgeArgs {
    /// The forge of this job, if there is a token for it and anything is to be told.
    pub async fn open(&self, environment: Option<&str>) -> Result<Option<Posting>, Failure> {
        let job = job();
        let Some(forge) = self.forge(job)? else {
            if self.comment == When::Always {
                return Err(no_token());
            }
            return Ok(None);
        };
        if self.comment == When::Always && !forge.can_comment() {
            return Err(no_token());
        }
        if self.comment == When::Always && forge.find_pull_request().await.is_none() {
            return Err(Failure::usage("there is no pull request to comment on")
                .hint("name it by --pull-request, or leave --comment at auto"));
        }
        Ok(Some(Posting {
            comment: self.comment != When::Never && forge.can_comment(),
            places: self.places(environment, &forge),
            forge,
        }))
    }

    fn places(&self, environment: Option<&str>, forge: &AnyForge) -> Vec<Place> {
        let commit =
            (self.commit_status == Unless::Auto && forge.can_comment()).then_some(Place::Commit);
        // GitLab's own job with `environment:` records the deployment itself, and says that it does.
        let is_recorded = job().get("CI_ENVIRONMENT_NAME").is_some();
        let is_wanted = self.deployment == Unless::Auto && !is_recorded;
        let environment = environment.filter(|_| is_wanted);
        let environment = environment.map(|name| Place::Environment {
            name: name.to_owned(),
            url: self.environment_url.clone().filter(|url| !url.is_empty()),
        });
        commit.into_iter().chain(environment).collect()
    }

    fn forge(&self, job: &Job) -> Result<Option<AnyForge>, Failure> {
        let is_asked_for = self.comment == When::Always;
        let is_github = job.system() == System::GitHub
            || is_asked_for && job.get("GITHUB_REPOSITORY").is_some();
        if is_github {
            return self.github(job);
        }
        let is_gitlab =
            job.system() == System::GitLab || is_asked_for && job.get("CI_API_V4_URL").is_some();
        Ok(self.gitlab(job).filter(|_| is_gitlab))
    }

    fn named(&self) -> Option<u64> {
        self.pull_request.and_then(|number| number.0)
    }

    fn github(&self, job: &Job) -> Result<Option<AnyForge>, Failure> {
        let token = job.first(&["ECSDEPLOY_GITHUB_TOKEN", "GITHUB_TOKEN"]);
        let (Some(token), Some(repository)) = (token, job.get("GITHUB_REPOSITORY")) else {
            return Ok(None);
        };
        let event = event(job);
        let sha = head_commit(&event).or_else(|| job.get("GITHUB_SHA").map(str::to_owned));
        let number = pull_request(&event, job.get("GITHUB_REF").unwrap_or_default());
        let get = |name, otherwise: &str| job.get(name).unwrap_or(otherwise).to_owned();
        let settings = github::Settings {
            api: get("GITHUB_API_URL", "https://api.github.com"),
            graphql: get("GITHUB_GRAPHQL_URL", "https://api.github.com/graphql"),
            token: token.to_owned(),
            repository: repository.to_owned(),
            sha: sha.unwrap_or_default(),
            pull_request: self.named().or(number),
            run: job.page(),
            since: Timestamp::now(),
        };
        self.opened(GitHub::open(settings).map(|github| AnyForge::GitHub(Box::new(github))))
    }

    fn gitlab(&self, job: &Job) -> Option<AnyForge> {
        let number = |name: &str| job.get(name)?.parse::<u64>().ok();
        let own = |name: &str| job.get(name).map(str::to_owned);
        let project = number("CI_PROJECT_ID")?;
        let named = self.named().or(number("CI_MERGE_REQUEST_IID"));
        let merge_request = named.map(|number_of_it| MergeRequest {
            project: number("CI_MERGE_REQUEST_PROJECT_ID").unwrap_or(project),
            number: number_of_it,
        });
        let token = job.first(&["ECSDEPLOY_GITLAB_TOKEN", "GITLAB_TOKEN"]);
        let job_token = own("CI_JOB_TOKEN");
        if token.is_none() && job_token.is_none() {
            return None;
        }
        if token.is_none() && merge_request.is_some() && self.comment == When::Auto {
            stdout::note(NO_NOTES);
        }
        Some(AnyForge::GitLab(Box::new(GitLab::open(gitlab::Settings {
            api: own("CI_API_V4_URL")?,
            access_token: token.map(str::to_owned),
            job_token,
            project,
            sha: own("CI_COMMIT_SHA")?,
            reference: own("CI_COMMIT_REF_NAME").unwrap_or_default(),
            kind: match job.get("CI_COMMIT_TAG") {
                Some(_) => Reference::Tag,
                None => Reference::Branch,
            },
            pipeline: number("CI_PIPELINE_ID"),
            merge_request,
            run: job.page(),
            since: Timestamp::now(),
        }))))
    }

    /// What cannot be opened is a mistake of the command line only if it was asked for.
    fn opened(
        &self,
        opened: Result<AnyForge, impl std::error::Error>,
    ) -> Result<Option<AnyForge>, Failure> {
        match opened {
            Ok(forge) => Ok(Some(forge)),
            Err(error) if self.comment == When::Always => {
                Err(Failure::usage("failed to reach the pull request").because(&error))
            }
            Err(error) => {
                stdout::note(&format!("not reported     {error}\n"));
                Ok(None)
            }
        }
    }
}

/// Said where a note would be wanted and there is no token that may write one.
const NO_NOTES: &str = "no note          on the merge request: GitLab lets CI_JOB_TOKEN read notes, not write them; a project \
                        access token (scope api, role Developer) in GITLAB_TOKEN may\n";

/// GitLab takes notes of so many characters ("Application limits", size of comments).
const NOTE_LIMIT: usize = 1_000_000;

fn no_token() -> Failure {
    Failure::usage("there is no token to comment with").hint(
        "set GITHUB_TOKEN (in GitLab: GITLAB_TOKEN, a project access token) for this step, or leave --comment at auto",
    )
}

/// The event that started the workflow; nothing, if it cannot be read.
fn event(job: &Job) -> serde_json::Value {
    let read = || crate::adapters::host::read(job.get("GITHUB_EVENT_PATH")?.as_ref()).ok();
    let text = read().unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// Trouble with a forge, as a line for whoever reads the log.
pub fn note(error: &ForgeError) {
    let said = crate::text::terminal::inert(&error.to_string()).replace('\n', " ");
    stdout::note(&format!("not reported     {said}\n"));
}

/// Posts one comment, and no status.
pub async fn comment(
    posting: Option<Posting>,
    clock: &AnyClock,
    marker: String,
    page: impl Fn(usize) -> String,
) {
    let Some(posting) = posting.filter(|posting| posting.comment) else {
        return;
    };
    let body = stdout::page(posting.forge.comment_limit(), page);
    let (outbox, press) = press(&posting.forge, clock, &note);
    outbox.lay(Bulletin {
        comment: Some(Comment { marker, body }),
        statuses: Vec::new(),
        edition: Edition::Last,
    });
    alongside(async {}, press).await;
}

/// The name of a service's status.
pub fn status_name(target: &ServiceKey) -> String {
    format!("ecsdeploy/{target}")
}

/// The forge that was found.
pub enum AnyForge {
    GitHub(Box<GitHub>),
    GitLab(Box<GitLab>),
}

impl AnyForge {
    /// Bytes of a comment.
    pub fn comment_limit(&self) -> usize {
        match self {
            Self::GitHub(_) => markdown::COMMENT,
            Self::GitLab(_) => NOTE_LIMIT,
        }
    }

    /// Whether its token may be one that writes comments and statuses.
    fn can_comment(&self) -> bool {
        match self {
            Self::GitHub(_) => true,
            Self::GitLab(gitlab) => gitlab.has_access(),
        }
    }

    async fn find_pull_request(&self) -> Option<u64> {
        let found = match self {
            Self::GitHub(github) => github.find_pull_request().await,
            Self::GitLab(gitlab) => gitlab.find_merge_request().await,
        };
        found.inspect_err(note).ok().flatten()
    }
}

/// The door to the forge: secrets are hidden last of all.
impl Forge for AnyForge {
    async fn upsert(&self, comment: &Comment) -> Result<(), ForgeError> {
        let comment = Comment {
            marker: comment.marker.clone(),
            body: stdout::redactor().text(&comment.body),
        };
        match self {
            Self::GitHub(github) => github.upsert(&comment).await,
            Self::GitLab(gitlab) => gitlab.upsert(&comment).await,
        }
    }

    async fn mark(&self, status: &Status) -> Result<(), ForgeError> {
        let status = Status {
            says: stdout::redactor().text(&status.says),
            ..status.clone()
        };
        match self {
            Self::GitHub(github) => github.mark(&status).await,
            Self::GitLab(gitlab) => gitlab.mark(&status).await,
        }
    }
}

/// The people on the pull request, where there is a forge to ask for them.
pub struct Reached<'a>(pub Option<&'a Posting>);

impl People for Reached<'_> {
    async fn word(&self, ask: &Ask) -> Result<Option<Word>, Fault> {
        match self.0 {
            Some(posting) => posting.forge.word(ask).await,
            None => Ok(None),
        }
    }
}

impl People for AnyForge {
    async fn word(&self, ask: &Ask) -> Result<Option<Word>, Fault> {
        match self {
            Self::GitHub(github) => github.word(ask).await,
            Self::GitLab(gitlab) => gitlab.word(ask).await,
        }
    }
}
