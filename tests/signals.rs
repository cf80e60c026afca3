//! Real processes and real signals: one clear line, and an end within seconds.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    reason = "a panic in a test is a failure with its place"
)]

use std::io::{BufRead as _, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;

/// GitHub's runner kills what is left 10 s after its first signal, and signals again after 7.5 s.
const PROMPTLY: Duration = Duration::from_secs(7);

/// A rollout in the sandbox, slow enough to be interrupted.
struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
}

impl Running {
    fn start(example: &str, options: &[&str]) -> Self {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
        let mut child = Command::new(cargo_bin!("ecsdeploy"))
            .args(["rollout", "--sandbox", "--speed", "10"])
            .arg(examples.join(example))
            .args(options)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Reads on until a line says so.
    fn wait_for(&mut self, words: &str) {
        let said = self.lines.any(|line| line.unwrap().contains(words));
        assert!(said, "it never said: {words}");
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.unwrap().success());
    }

    /// What it says from here to its end, and its exit code.
    fn end(mut self) -> (String, Option<i32>) {
        let said: Vec<String> = self.lines.map(Result::unwrap).collect();
        let code = self.child.wait().unwrap().code();
        (said.join("\n"), code)
    }
}

/// Signals once the deployment has begun.
fn check(options: &[&str], signal: &str, says: &[&str]) {
    check_at("deploying", options, signal, says);
}

/// Signals once `when` was said: it must end in time with 6 and say each of `says`.
fn check_at(when: &str, options: &[&str], signal: &str, says: &[&str]) {
    let running = Running::start("fargate-web", options);
    interrupt(running, when, signal, says);
}

fn interrupt(mut running: Running, when: &str, signal: &str, says: &[&str]) {
    running.wait_for(when);
    let since = Instant::now();
    running.signal(signal);
    let (said, code) = running.end();
    let took = since.elapsed();
    assert_eq!(code, Some(6), "{said}");
    assert!(took < PROMPTLY, "it took {took:?}:\n{said}");
    for sentence in says {
        assert!(said.contains(sentence), "not said: {sentence}\n{said}");
    }
    assert_eq!(said.matches("stopping  ").count(), 1, "one line:\n{said}");
}

#[test]
fn a_signalled_rollout_leaves_and_says_how_to_go_on() {
    for signal in ["INT", "TERM"] {
        let says = [
            "stopping         within 7 s; a second signal stops at once",
            "error: interrupted",
            "AWS goes on with deployment ecs-svc/",
            "hint: the same command takes it up again",
        ];
        check(&[], signal, &says);
    }
}

#[test]
fn a_signalled_rollout_that_is_to_roll_back_begins_to() {
    let says = [
        "rolling back    going back to web:1: cancelled by a signal",
        "going back has begun, and AWS goes on with it",
        "StopServiceDeployment 1",
    ];
    check(&["--on-cancel", "rollback"], "TERM", &says);
}

#[test]
fn a_signalled_canary_stays_and_that_is_said() {
    let says = [
        "error: interrupted",
        "the service was not changed; its canary web-canary stays beside it, with its share of the requests",
        "hint: the same command takes it up again",
        "hint: it stays so until then; ecsdeploy rollback turns it back",
    ];
    check_at(
        "canary          web-canary",
        &["--canary", "1"],
        "TERM",
        &says,
    );
}

#[test]
fn a_signalled_rollout_behind_its_canary_says_that_the_canary_stays() {
    let options = ["--canary", "1", "--bake", "10s"];
    let says = [
        "AWS goes on with deployment ecs-svc/",
        "; its canary web-canary stays beside it, with its share of the requests",
        "hint: ecsdeploy watch tells how it ends",
    ];
    check(&options, "TERM", &says);
}

#[test]
fn a_signalled_rollout_that_is_to_roll_back_stands_its_canary_down_and_begins_to() {
    let options = ["--canary", "1", "--bake", "10s", "--on-cancel", "rollback"];
    let says = [
        "rolling back    going back to web:1: cancelled by a signal",
        "canary          web-canary: to 0 tasks, before the service goes back",
        "going back has begun, and AWS goes on with it; its canary web-canary is put away when it is taken up",
        "StopServiceDeployment 1",
    ];
    check(&options, "TERM", &says);
}

#[test]
fn signalled_task_sets_say_what_has_the_traffic() {
    let quick = ["--weights", "10", "--bake", "20s"];
    let resumes = "hint: the same command takes it up again";
    let stays = "hint: it stays so until then; ecsdeploy rollback turns it back";
    for (when, stands) in [
        (
            "deploying",
            "the old task set has all of the traffic; the new one stays beside it",
        ),
        (
            "10 % to the new revision",
            "the new task set has 10 % of the traffic and the old one the rest; both stay",
        ),
    ] {
        let running = Running::start("external-task-sets", &quick);
        interrupt(running, when, "TERM", &[stands, resumes, stays]);
    }
}

#[test]
fn signalled_task_sets_that_are_to_roll_back_give_the_old_one_its_traffic() {
    let running = Running::start("external-task-sets", &["--on-cancel", "rollback"]);
    let says = [
        "rolling back    going back to web:1: cancelled by a signal",
        "the old task set was given all of the traffic, which was not read back yet",
        "hint: the same command takes it up again",
    ];
    interrupt(running, "10 % to the new revision", "TERM", &says);
}

#[test]
fn a_second_signal_stops_at_once() {
    let mut running = Running::start("fargate-web", &[]);
    running.wait_for("deploying");
    running.signal("STOP");
    running.signal("INT");
    running.signal("TERM");
    running.signal("CONT");
    let (said, code) = running.end();
    assert_eq!(code, Some(6), "{said}");
}
