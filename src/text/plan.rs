//! A plan in words: what changes, how and why, step by step, and what will not happen. Markdown says the same words.

mod shift;
mod steps;

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::config::HumanDuration;
use super::diff;
use super::terminal::inert;
use crate::core::plan::Course;
use crate::core::proposal::{Proposal, StepGates, Way};
use crate::core::taskdef::{Finding, Severity};

pub use steps::steps;

/// For a terminal.
pub fn text(plan: &Proposal) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "plan             {}: {}", plan.target, headline(plan));
    if let Some(on_record) = &plan.on_record {
        let _ = writeln!(text, "on record        {on_record}");
    }
    let _ = writeln!(text, "strategy         {}", strategy(plan));
    let changes = plan.comparison.changes();
    let _ = writeln!(text, "changes          {}", count(changes.len()));
    for change in &changes {
        let _ = writeln!(text, "  {}", diff::line(change));
    }
    let of_service = plan.service_changes();
    section(
        &mut text,
        "changes of the service",
        of_service.iter().map(diff::line),
    );
    section(
        &mut text,
        "steps",
        steps(plan)
            .iter()
            .enumerate()
            .map(|(index, step)| format!("{}. {step}", index + 1)),
    );
    section(&mut text, "gates", gates(plan).into_iter());
    if let Some(expected) = expected(plan) {
        let _ = writeln!(text, "expected         {expected}");
    }
    section(&mut text, "will not happen", untouched(plan).into_iter());
    section(&mut text, "findings", plan.findings.iter().map(at_length));
    inert(&text)
}

/// The artifact, with the changes and the steps for readers.
pub fn json(plan: &Proposal) -> Value {
    let mut document = serde_json::to_value(plan).expect("a proposal is JSON");
    if let Value::Object(members) = &mut document {
        members.insert("name".to_owned(), json!(plan.name()));
        members.insert("headline".to_owned(), json!(headline(plan)));
        members.insert(
            "changes".to_owned(),
            diff::json(&plan.comparison.changes())["changes"].take(),
        );
        members.insert(
            "serviceChanges".to_owned(),
            diff::json(&plan.service_changes())["changes"].take(),
        );
        members.insert("steps".to_owned(), json!(steps(plan)));
        members.insert("gatesInWords".to_owned(), json!(gates(plan)));
        members.insert("willNotHappen".to_owned(), json!(untouched(plan)));
    }
    document
}

/// What it comes to, in a few words.
pub fn headline(plan: &Proposal) -> String {
    match (plan.course, &plan.revision) {
        (Course::Nothing, _) => "nothing to do, the service runs this task definition".to_owned(),
        (Course::Follow, _) => {
            "follow the deployment of this task definition that is running".to_owned()
        }
        (Course::Deploy, Some(revision))
            if *revision == plan.world.task_definition && !plan.service_changes().is_empty() =>
        {
            format!("change the service, which runs {}", revision.short())
        }
        (Course::Deploy, Some(revision)) => format!("deploy {}", revision.short()),
        (Course::Deploy, None) => format!("deploy a new revision of {}", plan.family),
    }
}

/// The strategy and why it is this one.
pub fn strategy(plan: &Proposal) -> String {
    format!("{}, because {}", way(&plan.strategy), plan.why)
}

/// The strategy in a few words.
pub fn way(way: &Way) -> String {
    match way {
        Way::Rolling => "rolling".to_owned(),
        Way::Shift { name, .. } => {
            let name = name.to_lowercase().replace('_', "/");
            format!("ECS's own {name} shift")
        }
        Way::TaskSets { percents, .. } => format!("task sets at {}", listed(percents)),
        Way::CodeDeploy { group, config, .. } => match config {
            Some(config) => format!("CodeDeploy's {group} by {config}"),
            None => format!("CodeDeploy's {group}"),
        },
        Way::Beside { tasks, .. } => format!("canary of {tasks} beside the service, then rolling"),
    }
}

/// How long it takes and how much runs meanwhile, as a rehearsal found it.
pub fn expected(plan: &Proposal) -> Option<String> {
    let expected = plan.expected.as_ref()?;
    let desired = plan.capacity.desired;
    if let Some(trouble) = &expected.trouble {
        return Some(format!("even a good release would fail: {trouble}"));
    }
    Some(format!(
        "about {} with a good release; {} tasks at most ({} more than desired), never fewer than {} serving",
        spelled(expected.seconds),
        expected.most_tasks,
        expected.most_tasks.saturating_sub(u64::from(desired)),
        expected.least_serving
    ))
}

/// What must hold in each step before the rollout goes on.
pub fn gates(plan: &Proposal) -> Vec<String> {
    if plan.course == Course::Nothing {
        return Vec::new();
    }
    plan.gates.iter().map(gated).collect()
}

fn gated(step: &StepGates) -> String {
    let gates = match step.gates.as_slice() {
        [] => "nothing is asked".to_owned(),
        gates => gates.join(", "),
    };
    let mut text = format!("at {}: {gates}", step.step);
    if step.seconds > 0 {
        let _ = write!(text, ", held for {}", spelled(step.seconds));
    }
    if let Some(seconds) = step.ecs_bakes_seconds {
        let _ = write!(text, "; ECS bakes for {}", spelled(seconds));
    }
    for left_out in &step.left_out {
        let _ = write!(text, "; not {left_out}");
    }
    text
}

fn listed(percents: &[u32]) -> String {
    let percents: Vec<String> = percents.iter().map(|it| format!("{it} %")).collect();
    percents.join(", ")
}

/// What a reader might fear, and need not.
pub fn untouched(plan: &Proposal) -> Vec<String> {
    if plan.course == Course::Nothing {
        return vec!["no call that changes anything".to_owned()];
    }
    let mut untouched = Vec::new();
    if plan.intent.desired_count.is_none() {
        untouched.push(format!(
            "the desired count stays as it is then (now {}), autoscaling goes on",
            plan.before.desired_count
        ));
    }
    untouched.push(match &plan.strategy {
        Way::TaskSets { rule, .. } => {
            let rule = rule.brief();
            format!("nothing but the weights of {rule} changes on the load balancer")
        }
        Way::CodeDeploy { .. } => {
            "nothing on the load balancer but what the deployment group's pair of target groups gets".to_owned()
        }
        _ if plan.managed.is_some() => {
            "what the service definition does not name stays, tags too".to_owned()
        }
        _ => "network, load balancers and tags of the service stay".to_owned(),
    });
    if matches!(plan.strategy, Way::Shift { .. }) {
        untouched.push(
            "the deployment configuration is the service's own again when the deployment has ended"
                .to_owned(),
        );
    }
    untouched.push("no revision is deregistered".to_owned());
    untouched
}

/// A finding on one line.
pub fn finding(finding: &Finding) -> String {
    let mut text = bare(finding);
    if let Some(hint) = &finding.hint {
        let _ = write!(text, " ({})", hint.replace('\n', "; "));
    }
    text
}

/// The same, with a hint of several lines below it.
fn at_length(finding: &Finding) -> String {
    match &finding.hint {
        Some(hint) if hint.contains('\n') => {
            format!("{}\n    {}", bare(finding), hint.replace('\n', "\n    "))
        }
        _ => self::finding(finding),
    }
}

fn bare(finding: &Finding) -> String {
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    format!("{severity}: {finding}")
}

fn count(changes: usize) -> String {
    match changes {
        0 => "none in the task definition".to_owned(),
        1 => "1 in the task definition".to_owned(),
        more => format!("{more} in the task definition"),
    }
}

fn section(text: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    for (index, line) in lines.enumerate() {
        if index == 0 {
            let _ = writeln!(text, "{title}");
        }
        let _ = writeln!(text, "  {line}");
    }
}

fn spelled(seconds: u64) -> String {
    match seconds {
        0 => "no time".to_owned(),
        seconds => duration(Duration::from_secs(seconds)),
    }
}

fn duration(duration: Duration) -> String {
    HumanDuration::of(duration).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::id::TaskDefinitionArn;

    fn proposal(over: Value) -> Proposal {
        let arn = "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:1";
        let mut document = json!({
            "version": 1,
            "target": {"cluster": "main", "service": "web"},
            "course": "deploy",
            "strategy": {"kind": "rolling"},
            "why": "the service's deployment strategy is ROLLING",
            "family": "web",
            "revision": null,
            "redeploy": "WhenChanged",
            "intent": crate::core::service::Intent::default(),
            "before": {"deployment": "ecs-svc/1", "task_definition": arn, "serving": arn, "desired_count": 2},
            "capacity": {"desired": 2, "floor": 2, "ceiling": 4},
            "taskDefinition": {"cpu": "512"},
            "comparison": {"running": {"cpu": "256"}, "wanted": {"cpu": "512"}},
            "findings": [{"severity": "warning", "path": "cpu", "message": "is \u{1b}odd", "hint": "mind it"}],
            "world": {"deployment": "ecs-svc/1", "taskDefinition": arn, "serving": arn, "service": {}},
        });
        if let (Value::Object(members), Value::Object(over)) = (&mut document, over) {
            members.extend(over);
        }
        serde_json::from_value(document).unwrap()
    }

    #[test]
    fn a_plan_reads_from_what_changes_to_what_does_not() {
        insta::assert_snapshot!(text(&proposal(json!({}))), @r#"
        plan             main/web: deploy a new revision of web
        strategy         rolling, because the service's deployment strategy is ROLLING
        changes          1 in the task definition
          ~ cpu: "256" -> "512"
        steps
          1. register a new revision of web
          2. update the service with one UpdateService
          3. follow the deployment until it serves, for at most 30m; 2 to 4 tasks run meanwhile; 2 failed tasks end it
          4. if it fails, go back to web:1
        will not happen
          the desired count stays as it is then (now 2), autoscaling goes on
          network, load balancers and tags of the service stay
          no revision is deregistered
        findings
          warning: cpu: is �odd (mind it)
        "#);
    }

    #[test]
    fn a_canary_beside_the_service_comes_first_and_is_put_away() {
        let strategy =
            json!({"kind": "beside", "service": "web-canary", "tasks": 1, "seconds": 300});
        let steps = steps(&proposal(json!({"strategy": strategy})));
        let order = [
            "register",
            "run 1 of it as the service web-canary for 5m",
            "update",
            "follow",
            "put the canary's",
            "if it fails",
        ];
        assert_eq!(steps.len(), order.len(), "{steps:#?}");
        for (step, begin) in steps.iter().zip(order) {
            assert!(step.starts_with(begin), "{step}");
        }
    }

    #[test]
    fn a_shift_says_what_it_changes_for_its_own_time_and_that_it_is_put_back() {
        let pause = json!({"stages": ["POST_SCALE_UP"], "minutes": 90, "onTimeout": "ROLLBACK"});
        let strategy = json!({
            "kind": "shift", "name": "BLUE_GREEN", "pauses": [pause],
            "sets": {"strategy": "BLUE_GREEN", "canaryConfiguration": null},
            "own": {"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 10.0}},
        });
        let step = json!({"step": "10 % of the traffic", "seconds": 0, "ecsBakesSeconds": 300, "gates": ["tasks"]});
        let plan = proposal(json!({"strategy": strategy, "heldSeconds": 600, "gates": [step]}));
        assert_eq!(
            gates(&plan),
            ["at 10 % of the traffic: tasks; ECS bakes for 5m"]
        );
        let steps = steps(&plan).join("\n");
        for said in [
            "strategy BLUE_GREEN (now CANARY)",
            r#"canaryConfiguration none (now {"canaryPercent":10.0})"#,
            "a PAUSE hook at POST_SCALE_UP, where ECS goes back after 1h30m unless",
            "for at most 30m beside 10m that steps are held",
            "back with another UpdateService",
        ] {
            assert!(steps.contains(said), "{said}: {steps}");
        }
        let untouched = untouched(&plan).join("\n");
        assert!(untouched.contains("service's own again"), "{untouched}");
    }

    #[test]
    fn task_sets_move_the_traffic_step_by_step_and_back() {
        let strategy = json!({"kind": "task_sets", "rule": "rule-1", "percents": [5, 100], "hold_seconds": 90, "drain_seconds": 0});
        let plan = proposal(json!({"strategy": strategy}));
        let steps = steps(&plan);
        assert!(
            steps[2].ends_with("rule-1 to it, holding each step for 1m30s: 5 %, 100 %"),
            "{steps:#?}"
        );
        assert!(
            steps[3].ends_with("after no time at most")
                && steps[4].contains("back to the old task set"),
            "{steps:#?}"
        );
        assert!(
            untouched(&plan)
                .iter()
                .any(|it| it.contains("weights of rule-1"))
        );
    }

    #[test]
    fn nothing_to_do_is_said_and_has_no_steps() {
        let plan = proposal(json!({"course": "nothing"}));
        assert!(headline(&plan).starts_with("nothing to do") && steps(&plan).is_empty());
        assert_eq!(untouched(&plan).len(), 1);
    }

    #[test]
    fn without_a_completed_deployment_there_is_no_way_back_and_the_plan_says_so() {
        let mut plan = proposal(json!({}));
        plan.before.serving = None;
        assert!(
            steps(&plan)
                .last()
                .unwrap()
                .contains("nothing to go back to")
        );
        plan.revision = Some(TaskDefinitionArn::from("arn:task-definition/web:7"));
        assert_eq!(headline(&plan), "deploy web:7");
    }

    #[test]
    fn what_is_written_for_programs_reads_back_as_the_plan() {
        let plan = proposal(json!({}));
        let written = json(&plan);
        assert_eq!(written["changes"][0]["path"], "cpu");
        assert_eq!(serde_json::from_value::<Proposal>(written).unwrap(), plan);
    }
}
