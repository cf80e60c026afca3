//! Which gates each step of each strategy asks.

use serde_json::{Value, json};

use super::*;
use crate::core::gate::{Approval, Comparison, OneOff};
use crate::core::id::{RuleArn, TargetGroupArn};
use crate::core::rollout::example;

fn plan(strategy: &Value, change: impl FnOnce(&mut Plan)) -> Plan {
    let mut plan = example::plan(strategy);
    change(&mut plan);
    plan
}

fn sets() -> Value {
    json!({"task_sets": {
        "rule": "r", "test_rule": null, "blue": "b", "green": "g", "steps": [10, 50, 100],
        "hold": {"secs": 300, "nanos": 0}, "drain": {"secs": 0, "nanos": 0}, "old": "ecs-svc/1", "members": {},
    }})
}

fn beside() -> Value {
    json!({"beside": {
        "key": {"cluster": "main", "service": "web-canary"}, "tasks": 1, "members": {}, "bake": {"secs": 300, "nanos": 0},
    }})
}

fn native(during: &Value) -> Value {
    json!({"native": {"during": during, "after": {}}})
}

fn compared() -> Gate {
    Gate::new(Check::Errors(Comparison::default()))
}

/// Each step in a line: its share, its seconds, its gates, and in brackets those that are left out.
fn check(plan: &Plan, expected: &[&str]) {
    let steps = plan.steps();
    let lines: Vec<String> = steps
        .iter()
        .map(|step| {
            let names = |gates: &[Gate]| -> Vec<String> {
                gates.iter().map(|gate| gate.name.clone()).collect()
            };
            let left_out: Vec<&str> = step.left_out.iter().map(|it| it.gate.as_str()).collect();
            let (share, seconds) = (step.share, step.bake.as_secs());
            format!(
                "{share}, {seconds}: {} [{}]",
                names(&step.gates).join(" "),
                left_out.join(" ")
            )
        })
        .collect();
    assert_eq!(lines, expected);
}

#[test]
fn without_gates_each_strategy_has_its_usual_ones() {
    check(
        &plan(&json!("rolling"), |_| {}),
        &["the whole service, 0:  []"],
    );
    let held = |plan: &mut Plan| {
        plan.intent.hold = Some(Duration::from_mins(1));
        plan.ground.alarms = vec!["web-5xx".to_owned()];
    };
    check(
        &plan(&json!("rolling"), held),
        &["the whole service, 60: tasks targets alarms []"],
    );
    check(
        &plan(&beside(), |_| {}),
        &[
            "1 canary task, 300: tasks targets []",
            "the whole service, 0:  []",
        ],
    );
    check(
        &plan(&sets(), |_| {}),
        &[
            "0 % of the traffic, 0: tasks targets []",
            "10 % of the traffic, 300: tasks targets []",
            "50 % of the traffic, 300: tasks targets []",
            "the whole service, 300: tasks targets []",
        ],
    );
    let canary = json!({"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 12.5}});
    check(
        &plan(&native(&canary), |plan| plan.ground.balanced = Balanced::No),
        &[
            "0 % of the traffic, 0: tasks []",
            "12.5 % of the traffic, 0: tasks []",
            "the whole service, 0: tasks []",
        ],
    );
    let linear = json!({"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 40.0}});
    let shares = plan(&native(&linear), |_| {}).steps();
    let shares: Vec<Share> = shares.iter().map(|step| step.share).collect();
    assert_eq!(shares, [0.0, 40.0, 80.0, 100.0].map(Share::Traffic));
}

#[test]
fn ecs_bakes_by_its_own_configuration_or_its_defaults() {
    let check = |during: &Value, expected: [u64; 3]| {
        let plan = plan(&native(during), |_| {});
        let shares = [Share::NOTHING, Share::Traffic(40.0), Share::ALL];
        let minutes = shares.map(|share| plan.ecs_bakes(share).as_secs() / 60);
        assert_eq!(minutes, expected, "{during}");
    };
    check(
        &json!({"strategy": "LINEAR", "bakeTimeInMinutes": 5}),
        [0, 6, 5],
    );
    let own = json!({"canaryBakeTimeInMinutes": 3});
    check(
        &json!({"strategy": "CANARY", "canaryConfiguration": own}),
        [0, 3, 0],
    );
    check(&json!({"strategy": "CANARY"}), [0, 10, 0]);
    check(
        &json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 2}),
        [0, 0, 2],
    );
}

#[test]
fn a_comparison_is_asked_only_where_both_sides_have_requests_of_their_own() {
    let declare = |plan: &mut Plan| plan.intent.gates = Some(vec![compared()]);
    check(
        &plan(&json!("rolling"), declare),
        &["the whole service, 0:  [errors]"],
    );
    check(
        &plan(&beside(), declare),
        &[
            "1 canary task, 300:  [errors]",
            "the whole service, 0:  [errors]",
        ],
    );
    check(
        &plan(&sets(), declare),
        &[
            "0 % of the traffic, 0:  [errors]",
            "10 % of the traffic, 300: errors []",
            "50 % of the traffic, 300: errors []",
            "the whole service, 300:  [errors]",
        ],
    );
}

#[test]
fn a_configured_step_holds_from_its_share_on() {
    let step = |percent, gates: &[Gate], bake: Option<u64>| Step {
        share: Share::Traffic(percent),
        bake: bake.map(Duration::from_secs),
        gates: Some(gates.to_vec()),
    };
    let smoke = Gate::new(Check::Task(OneOff {
        command: Vec::new(),
        container: None,
        task_definition: None,
    }));
    let configured = plan(&sets(), |plan| {
        plan.intent.steps = vec![
            step(0.0, std::slice::from_ref(&smoke), None),
            step(10.0, &[compared()], Some(60)),
            step(100.0, &[Gate::new(Check::Targets)], Some(0)),
        ];
    });
    check(
        &configured,
        &[
            "0 % of the traffic, 0: task []",
            "10 % of the traffic, 60: errors []",
            "50 % of the traffic, 60: errors []",
            "the whole service, 0: targets []",
        ],
    );
}

#[test]
fn the_default_gates_bear_as_many_failed_tasks_as_the_rollout() {
    let large = plan(&sets(), |plan| plan.before.desired_count = 100);
    let asked = large.asked(Share::Traffic(10.0));
    assert_eq!(asked.gates[0].check, Check::Tasks { max_restarts: 9 });
}

#[test]
fn time_that_is_held_and_time_for_people_is_not_counted() {
    let minutes = |plan: &Plan| plan.time_limit().as_secs() / 60;
    assert_eq!(minutes(&plan(&json!("rolling"), |_| {})), 30);
    assert_eq!(minutes(&plan(&sets(), |_| {})), 30 + 3 * 5);
    let linear = json!({"strategy": "LINEAR", "bakeTimeInMinutes": 5});
    assert_eq!(minutes(&plan(&native(&linear), |_| {})), 30 + 9 * 6 + 5);
    let asked = plan(&json!("rolling"), |plan| {
        plan.intent.gates = Some(vec![Gate::new(Check::Approval(Approval::default()))]);
    });
    assert_eq!(minutes(&asked), 30 + 24 * 60);
    // People decide before any traffic moves; ECS's own time comes after that.
    let approved = plan(&native(&linear), |plan| {
        let step = |percent, gates: &[Gate]| Step {
            share: Share::Traffic(percent),
            bake: None,
            gates: Some(gates.to_vec()),
        };
        let approval = Gate::new(Check::Approval(Approval::default()));
        plan.intent.steps = vec![step(0.0, &[approval]), step(10.0, &[])];
    });
    assert_eq!(minutes(&approved), 30 + 24 * 60 + 9 * 6 + 5);
    assert_eq!(asked.minutes_of_pauses(), 24 * 60 + 10);
}

#[test]
fn a_pause_outlasts_every_step_whether_its_gates_were_declared_or_not() {
    let check = |minutes, change: fn(&mut Plan)| {
        let shift = native(&json!({"strategy": "BLUE_GREEN"}));
        assert_eq!(plan(&shift, change).minutes_of_pauses(), minutes);
    };
    let held = |plan: &mut Plan| plan.intent.hold = Some(Duration::from_mins(45));
    check(30, |_| {});
    // The default gates may take ten minutes after the bake, and ten are spare.
    check(65, held);
    check(55, |plan| {
        plan.intent.hold = Some(Duration::from_mins(45));
        plan.intent.gates = Some(Vec::new());
    });
    check(85, |plan| {
        plan.intent.steps = vec![Step {
            share: Share::ALL,
            bake: Some(Duration::from_mins(65)),
            gates: None,
        }];
    });
}

#[test]
fn the_group_that_has_all_the_traffic_serves() {
    let rule = "arn:aws:elasticloadbalancing:r:1:listener-rule/app/web/1/2/3";
    let service = Service::new(json!({"loadBalancers": [{
        "targetGroupArn": "one",
        "advancedConfiguration": {"alternateTargetGroupArn": "other", "productionListenerRule": rule},
    }]}));
    let check = |one: u32, other: u32, expected: Option<(&str, &str)>| {
        let weights = [("one", one), ("other", other)];
        let rule = Rule {
            arn: RuleArn::from(rule),
            weights: weights
                .map(|(name, weight)| (TargetGroupArn::from(name), weight))
                .into(),
        };
        let sides = sides(&service, &[rule]);
        let found = sides
            .first()
            .map(|it| (it.blue.as_str(), it.green.as_str()));
        assert_eq!(found, expected);
    };
    check(100, 0, Some(("one", "other")));
    check(0, 1, Some(("other", "one")));
    check(90, 10, None);
    assert_eq!(sides(&service, &[]), []);
}
