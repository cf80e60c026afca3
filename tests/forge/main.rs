//! The real program reporting a rollout in the sandbox to doubles of GitHub and GitLab: one comment, edited in place;
//! statuses, deployments, summaries, outputs; and whatever goes wrong there never changes the exit code.

#[path = "../common/double.rs"]
mod double;
#[path = "../common/github.rs"]
mod github;
#[path = "../common/gitlab.rs"]
mod gitlab;
mod job;
mod on_github;
mod on_gitlab;
#[expect(dead_code, reason = "it serves the sandbox to clients by others too")]
#[path = "../third_party/served.rs"]
mod served;
