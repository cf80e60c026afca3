//! What a person runs to finish a way back that this rollout could not: the AWS CLI's own commands.
//!
//! **Invariant:** as in an undo, traffic goes first and capacity last; what this rollout never came to is not named.

use serde_json::{Map, Value};

use super::State;
use crate::core::live::all_to;
use crate::core::plan::{Native, Plan, Strategy, TaskSets};

/// The commands in their order, each with when it is to be run where that is not always.
pub fn by_hand(plan: &Plan, state: &State) -> Vec<String> {
    let Some(deployment) = &state.deployment else {
        return Vec::new();
    };
    match &plan.strategy {
        Strategy::Rolling | Strategy::Beside(_) => update_back(plan).into_iter().collect(),
        Strategy::Native(native) => native_back(plan, state, native),
        Strategy::TaskSets(sets) => task_sets_back(plan, deployment.as_str(), sets),
        Strategy::CodeDeploy(_) => vec![
            format!(
                "while it runs: aws deploy stop-deployment --deployment-id {deployment} --auto-rollback-enabled"
            ),
            "once it has ended: ecsdeploy rollback".to_owned(),
        ],
    }
}

/// The revision that served, and whatever else was changed with it.
fn update_back(plan: &Plan) -> Option<String> {
    let serving = plan.before.serving.as_ref()?.short();
    let mut changed = plan.changed();
    if changed.is_empty() {
        let service = service(plan);
        return Some(format!(
            "aws ecs update-service {service} --task-definition {serving}"
        ));
    }
    let target = &plan.target;
    let named = [
        ("cluster", target.cluster.short()),
        ("service", target.service.short()),
        ("taskDefinition", serving),
    ];
    changed.extend(named.map(|(name, value)| (name.to_owned(), value.into())));
    let input = quoted(changed);
    Some(format!("aws ecs update-service --cli-input-json {input}"))
}

fn native_back(plan: &Plan, state: &State, native: &Native) -> Vec<String> {
    let stop = state.record.as_ref().map(|arn| {
        format!(
            "while it runs: aws ecs stop-service-deployment --service-deployment-arn {arn} --stop-type ROLLBACK"
        )
    });
    let update = update_back(plan).map(|update| format!("once it has ended: {update}"));
    let own = (native.after != native.during).then(|| {
        let own = quoted(native.after.clone());
        format!(
            "then, for its own settings: aws ecs update-service {} --deployment-configuration {own}",
            service(plan)
        )
    });
    [stop, update, own].into_iter().flatten().collect()
}

fn task_sets_back(plan: &Plan, new: &str, sets: &TaskSets) -> Vec<String> {
    let service = service(plan);
    let shifts = [Some(&sets.rule), sets.test_rule.as_ref()].into_iter();
    let shifts = shifts
        .flatten()
        .map(|rule| all_to(rule, &sets.blue, &sets.green))
        .map(|command| format!("with the rule's other actions, if it has any: {command}"));
    let sets = [
        format!(
            "aws ecs update-service-primary-task-set {service} --primary-task-set {}",
            sets.old
        ),
        format!(
            "once nothing is under way there: aws ecs delete-task-set {service} --task-set {new} --force"
        ),
    ];
    shifts.chain(sets).collect()
}

/// As one word of a POSIX shell.
fn quoted(members: Map<String, Value>) -> String {
    let json = Value::from(members).to_string();
    format!("'{}'", json.replace('\'', r"'\''"))
}

fn service(plan: &Plan) -> String {
    let target = &plan.target;
    format!(
        "--cluster {} --service {}",
        target.cluster.short(),
        target.service
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::rollout::example::{self, deadline, undoing};

    /// What is left to do for a rollout by this strategy whose undo failed.
    fn check(strategy: &Value, expected: &[&str]) {
        let plan = example::plan(strategy);
        let mut state = example::at(&plan, undoing(deadline()));
        state.record = Some("arn:record".into());
        assert_eq!(by_hand(&plan, &state), expected, "{strategy}");
        state.deployment = None;
        assert_eq!(by_hand(&plan, &state), Vec::<String>::new(), "{strategy}");
    }

    #[test]
    fn what_is_left_to_do_is_named_traffic_first() {
        let back = "aws ecs update-service --cluster main --service web --task-definition web:1";
        check(&json!("rolling"), &[back]);
        check(
            &json!({"native": {"during": {"strategy": "CANARY"}, "after": {"strategy": "it's"}}}),
            &[
                "while it runs: aws ecs stop-service-deployment --service-deployment-arn arn:record --stop-type ROLLBACK",
                &format!("once it has ended: {back}"),
                r#"then, for its own settings: aws ecs update-service --cluster main --service web --deployment-configuration '{"strategy":"it'\''s"}'"#,
            ],
        );
        let none = json!({"secs": 0, "nanos": 0});
        let sets = json!({
            "rule": "arn:rule", "test_rule": "arn:aws:elasticloadbalancing:eu-west-1:1:listener/net/x/1/2", "blue": "arn:blue", "green": "arn:green", "steps": [100],
            "hold": none, "drain": none, "old": "ecs-svc/1", "members": {},
        });
        check(
            &json!({ "task_sets": sets }),
            &[
                r#"with the rule's other actions, if it has any: aws elbv2 modify-rule --rule-arn arn:rule --actions '[{"Type":"forward","ForwardConfig":{"TargetGroups":[{"TargetGroupArn":"arn:blue","Weight":100},{"TargetGroupArn":"arn:green","Weight":0}]}}]'"#,
                r#"with the rule's other actions, if it has any: aws elbv2 modify-listener --listener-arn arn:aws:elasticloadbalancing:eu-west-1:1:listener/net/x/1/2 --default-actions '[{"Type":"forward","ForwardConfig":{"TargetGroups":[{"TargetGroupArn":"arn:blue","Weight":100},{"TargetGroupArn":"arn:green","Weight":0}]}}]'"#,
                "aws ecs update-service-primary-task-set --cluster main --service web --primary-task-set ecs-svc/1",
                "once nothing is under way there: aws ecs delete-task-set --cluster main --service web --task-set ecs-svc/2 --force",
            ],
        );
    }

    #[test]
    fn what_was_changed_with_the_revision_is_part_of_the_way_back() {
        let mut plan = example::plan(&json!("rolling"));
        plan.intent.desired_count = Some(5);
        let members = json!({"enableExecuteCommand": false});
        plan.settings.before = members.as_object().expect("members").clone();
        let state = example::at(&plan, undoing(deadline()));
        let input = r#"{"enableExecuteCommand":false,"desiredCount":2,"cluster":"main","service":"web","taskDefinition":"web:1"}"#;
        let command = format!("aws ecs update-service --cli-input-json '{input}'");
        assert_eq!(by_hand(&plan, &state), [command]);
    }
}
