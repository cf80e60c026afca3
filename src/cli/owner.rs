//! Who this run is, as others are told who find the service taken.

use super::job::job;
use crate::adapters::host;
use crate::core::journal::Owner;

/// Who starts runs, by CI system; the first that is set.
const USERS: [&str; 5] = [
    "GITHUB_ACTOR",
    "GITLAB_USER_LOGIN",
    "BUILD_USER_ID",
    "USER",
    "USERNAME",
];

pub fn owner() -> Owner {
    let job = job();
    Owner {
        user: job.first(&USERS).unwrap_or("somebody").to_owned(),
        host: host::name(),
        pid: std::process::id(),
        run: job.page(),
    }
}
