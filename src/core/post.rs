//! What is posted where people look: a comment, and how a rollout stands, shown at its commit and in its environment.
//!
//! **Invariant:** plain data, worded already. How a forge (GitHub, GitLab) calls these things is its adapter's business.

use jiff::{SignedDuration, Timestamp};

use super::gate::Says;
use super::report::Outcome;

/// Between two updates while a rollout goes on. GitHub allows about 80 requests a minute that create content
/// (REST API "rate limits", secondary limits), for all that a token does.
pub const PACE: SignedDuration = SignedDuration::from_secs(15);

/// One comment, found again by its marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// What the body begins with, and no other comment does.
    pub marker: String,
    /// Markdown.
    pub body: String,
}

impl Comment {
    /// Whether what is shown is this: forges keep other line ends and drop blanks at the end.
    pub fn reads_as(&self, shown: &str) -> bool {
        shown.replace("\r\n", "\n").trim_end() == self.body.trim_end()
    }
}

/// What a comment by a person says, if it is a command alone; `own` is a gate's own word for yes.
pub fn spoken(body: &str, own: Option<&str>) -> Option<Says> {
    match body.trim() {
        "/ecsdeploy promote" => Some(Says::Yes),
        "/ecsdeploy abort" => Some(Says::No),
        word if Some(word) == own.map(str::trim) && !word.is_empty() => Some(Says::Yes),
        _ => None,
    }
}

/// How a rollout stands, for one place that shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    pub at: Place,
    /// Which rollout: the same in every status of one service.
    pub name: String,
    pub light: Light,
    /// One short sentence.
    pub says: String,
}

/// Where a status is shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    Commit,
    Environment { name: String, url: Option<String> },
}

/// As far as a traffic light can tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Light {
    Underway,
    Green,
    Red,
    /// It ended without a verdict, and may be taken up.
    Unsettled,
}

/// How a rollout stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing<'a> {
    Underway,
    Ended(&'a Outcome),
    /// Told to stop before the verdict.
    Interrupted,
    /// AWS's own engine goes on, and nobody watches.
    HandedOver,
    /// Another run has the service.
    Contested,
}

/// Something that was looked for, and perhaps is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sought<T> {
    #[default]
    NotYet,
    Found(T),
    Nowhere,
}

impl<T> From<Option<T>> for Sought<T> {
    fn from(found: Option<T>) -> Self {
        found.map_or(Self::Nowhere, Self::Found)
    }
}

/// Everything that is to be seen at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bulletin {
    pub comment: Option<Comment>,
    pub statuses: Vec<Status>,
    pub edition: Edition,
}

/// Whether another bulletin follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Edition {
    #[default]
    Live,
    Last,
}

impl Standing<'_> {
    pub fn light(self) -> Light {
        match self {
            Self::Underway => Light::Underway,
            Self::Ended(Outcome::Completed | Outcome::Unchanged) => Light::Green,
            Self::Ended(_) => Light::Red,
            Self::Interrupted | Self::HandedOver | Self::Contested => Light::Unsettled,
        }
    }

    /// One word for outputs and scripts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Underway => "underway",
            Self::Ended(Outcome::Unchanged) => "unchanged",
            Self::Ended(Outcome::Completed) => "completed",
            Self::Ended(Outcome::RolledBack { .. }) => "rolled_back",
            Self::Ended(Outcome::Failed { .. }) => "failed",
            Self::Ended(Outcome::Stranded { .. }) => "stranded",
            Self::Ended(Outcome::Superseded { .. }) => "superseded",
            Self::Interrupted => "interrupted",
            Self::HandedOver => "handed_over",
            Self::Contested => "contested",
        }
    }
}

/// When the next update is due: the first at once, then at most one in [`PACE`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    last: Option<Timestamp>,
}

impl Pace {
    /// Whether an update is due now; if so, the next one is due a pace later.
    pub fn strikes(&mut self, now: Timestamp) -> bool {
        let is_due = self.last.is_none_or(|last| now >= last + PACE);
        if is_due {
            self.last = Some(now);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn updates_keep_their_distance() {
        let mut pace = Pace::default();
        let due: Vec<i64> = (0..60)
            .filter(|second| pace.strikes(Timestamp::from_second(*second).unwrap()))
            .collect();
        assert_eq!(due, [0, 15, 30, 45]);
    }

    #[test]
    fn a_comment_is_a_command_only_if_it_is_one_alone() {
        let check = |body: &str, says| assert_eq!(spoken(body, Some("ship it")), says);
        check("/ecsdeploy promote\r\n", Some(Says::Yes));
        check(" ship it ", Some(Says::Yes));
        check("/ecsdeploy abort", Some(Says::No));
        check("> /ecsdeploy promote", None);
        check("please do not /ecsdeploy promote", None);
        check("", None);
        assert_eq!(spoken("", Some(" ")), None);
    }

    #[test]
    fn only_a_revision_that_serves_is_green() {
        let cause = crate::core::report::Cause::Alarm { alarms: vec![] };
        let check = |outcome: Outcome, light, name| {
            let standing = Standing::Ended(&outcome);
            assert_eq!((standing.light(), standing.name()), (light, name));
        };
        check(Outcome::Completed, Light::Green, "completed");
        check(Outcome::Unchanged, Light::Green, "unchanged");
        check(Outcome::RolledBack { cause }, Light::Red, "rolled_back");
        let by = "ecs-svc/2".into();
        check(Outcome::Superseded { by }, Light::Red, "superseded");
        assert_eq!(Standing::Interrupted.light(), Light::Unsettled);
    }
}
