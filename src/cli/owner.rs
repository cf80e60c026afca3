//! Who this run is, as others are told who find the service taken.

use std::collections::BTreeMap;

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

/// Pages of runs that need no putting together.
const RUNS: [&str; 2] = ["CI_JOB_URL", "BUILD_URL"];

pub fn owner() -> Owner {
    let environment: BTreeMap<String, String> = host::environment().collect();
    Owner {
        user: first(&environment, &USERS).unwrap_or_else(|| "somebody".to_owned()),
        host: host::name(),
        pid: std::process::id(),
        run: run(&environment),
    }
}

fn run(environment: &BTreeMap<String, String>) -> Option<String> {
    let github = || {
        let get = |name: &str| environment.get(name).filter(|value| !value.is_empty());
        let server = get("GITHUB_SERVER_URL")?;
        let repository = get("GITHUB_REPOSITORY")?;
        let run = get("GITHUB_RUN_ID")?;
        let attempt = get("GITHUB_RUN_ATTEMPT").map_or("1", String::as_str);
        Some(format!(
            "{server}/{repository}/actions/runs/{run}/attempts/{attempt}"
        ))
    };
    github().or_else(|| first(environment, &RUNS))
}

fn first(environment: &BTreeMap<String, String>, names: &[&str]) -> Option<String> {
    let mut values = names.iter().filter_map(|name| environment.get(*name));
    values.find(|value| !value.is_empty()).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_the_run_is_known_in_each_ci_system() {
        let check = |variables: &[(&str, &str)], page: Option<&str>| {
            let environment = variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
            assert_eq!(run(&environment).as_deref(), page);
        };
        check(
            &[
                ("GITHUB_SERVER_URL", "https://github.com"),
                ("GITHUB_REPOSITORY", "o/r"),
                ("GITHUB_RUN_ID", "7"),
                ("GITHUB_RUN_ATTEMPT", "2"),
            ],
            Some("https://github.com/o/r/actions/runs/7/attempts/2"),
        );
        let job = "https://gitlab.example/j/1";
        check(&[("CI_JOB_URL", job)], Some(job));
        check(&[("GITHUB_RUN_ID", "7")], None);
        check(&[], None);
    }
}
