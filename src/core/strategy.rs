//! Which strategy a service gets: asked for, or what it is set up for; and why.
//!
//! **Invariant:** a strategy that the service cannot do is refused with what to change, in ECS's and Terraform's words.

mod beside;
mod code_deploy;
mod refuse;
mod weights;

use serde_json::{Map, Value, json};

use super::id::{ServiceKey, TargetGroupArn};
use super::live::{Rule, Service, TaskSet};
use super::plan::{Native, Refusal, Strategy, Survey, TaskSets};
use super::service::{CanarySize, Intent, StrategyAsked};
use beside::beside;
use refuse::{another_controller, counted, not_rolling};

pub use beside::{CANARY_TAG, is_offered, key_of as canary_of};
pub use code_deploy::named as usual_group;

/// The strategy, and why it is this one.
pub struct Choice {
    pub strategy: Strategy,
    pub why: String,
}

pub fn choose(intent: &Intent, target: &ServiceKey, survey: &Survey) -> Result<Choice, Refusal> {
    let service = &survey.service;
    let own = service.strategy();
    match service.controller() {
        "EXTERNAL" => return task_sets(intent, target, survey),
        "CODE_DEPLOY" => return code_deploy::choose(intent, target, survey),
        _ => {}
    }
    match intent.strategy {
        StrategyAsked::TaskSets => Err(another_controller("EXTERNAL")),
        StrategyAsked::CodeDeploy => Err(another_controller("CODE_DEPLOY")),
        StrategyAsked::Auto if own == "ROLLING" => {
            Ok(rolling("the service's deployment strategy is ROLLING"))
        }
        StrategyAsked::Auto => {
            let why = format!("the service's deployment strategy is {own}");
            Ok(native(service.deployment_configuration(), service, why))
        }
        StrategyAsked::Rolling if own == "ROLLING" => Ok(rolling("it was asked for")),
        StrategyAsked::Rolling => Err(not_rolling(own, target)),
        StrategyAsked::BlueGreen => shift("BLUE_GREEN", "a blue/green shift", service, |_| {}),
        StrategyAsked::Canary(CanarySize::Percent(percent)) if service.can_shift() => {
            shift("CANARY", "a native canary", service, |during| {
                set_percent(during, "canaryConfiguration", "canaryPercent", percent);
            })
        }
        StrategyAsked::Canary(size) => beside(size, intent, target, service),
        StrategyAsked::Linear(percent) => {
            shift("LINEAR", "a native linear shift", service, |during| {
                set_percent(during, "linearConfiguration", "stepPercent", percent);
            })
        }
    }
}

/// Members of a task set that the next one shares, when it has them.
const SHARED_BY_SETS: [&str; 6] = [
    "launchType",
    "capacityProviderStrategy",
    "platformVersion",
    "networkConfiguration",
    "serviceRegistries",
    "tags",
];

fn task_sets(intent: &Intent, target: &ServiceKey, survey: &Survey) -> Result<Choice, Refusal> {
    let refused = |lacks: &str, change: &str| Refusal::Strategy {
        asked: "a weighted shift between task sets",
        lacks: lacks.to_owned(),
        change: vec![change.to_owned()],
    };
    if let Some(count) = intent.desired_count {
        return Err(counted(count, target));
    }
    let steps = weights::steps(intent)?;
    let Some(old) = survey.service.primary_task_set() else {
        return Err(refused(
            "it has no primary task set",
            "create one: aws ecs create-task-set, then aws ecs update-service-primary-task-set",
        ));
    };
    let Some(blue) = old.target_group() else {
        return Err(refused(
            "its primary task set has no target group",
            "task sets share traffic by the weights of two target groups in one listener rule",
        ));
    };
    let Some((rule, green)) = production_rule(intent, &survey.rules, &blue) else {
        return Err(refused(
            "no one listener rule forwards to its target group and exactly one other",
            "put both target groups into one rule, weights 100 and 0, or name the rule with --rule",
        ));
    };
    let set = TaskSets {
        rule: rule.arn.clone(),
        test_rule: intent.test_rule.clone(),
        members: set_members(old, &green),
        steps,
        hold: intent.bake,
        drain: intent.drain,
        old: old.id(),
        blue,
        green,
    };
    Ok(Choice {
        strategy: Strategy::TaskSets(set),
        why: "the service's deployment controller is EXTERNAL".to_owned(),
    })
}

/// The rule that was named, or the only one that forwards to this group and one other.
fn production_rule<'r>(
    intent: &Intent,
    rules: &'r [Rule],
    blue: &TargetGroupArn,
) -> Option<(&'r Rule, TargetGroupArn)> {
    let mut fitting = rules
        .iter()
        .filter(|rule| intent.rule.as_ref().is_none_or(|named| *named == rule.arn))
        .filter(|rule| intent.test_rule.as_ref() != Some(&rule.arn))
        .filter(|rule| rule.weights.contains_key(blue))
        .filter_map(|rule| Some((rule, rule.other_than(blue)?.clone())));
    match (fitting.next(), fitting.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

fn set_members(old: TaskSet<'_>, green: &TargetGroupArn) -> Map<String, Value> {
    let mut members: Map<String, Value> = SHARED_BY_SETS
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), old.member(name)?.clone())))
        .collect();
    let mut balancers = old.member("loadBalancers").cloned().unwrap_or_default();
    if let Some(balancer) = balancers.get_mut(0) {
        balancer["targetGroupArn"] = json!(green);
    }
    members.insert("loadBalancers".to_owned(), balancers);
    members
}

fn rolling(why: &str) -> Choice {
    Choice {
        strategy: Strategy::Rolling,
        why: why.to_owned(),
    }
}

/// A native shift for this deployment, whatever the service's own strategy is.
fn shift(
    strategy: &str,
    asked: &'static str,
    service: &Service,
    adjust: impl FnOnce(&mut Map<String, Value>),
) -> Result<Choice, Refusal> {
    if !service.can_shift() {
        return Err(Refusal::Strategy {
            asked,
            lacks: "its load balancers have no advancedConfiguration".to_owned(),
            change: vec![
                "give each loadBalancers entry an advancedConfiguration: alternateTargetGroupArn, productionListenerRule, roleArn"
                    .to_owned(),
                "Terraform: load_balancer { advanced_configuration { alternate_target_group_arn, production_listener_rule, role_arn } }"
                    .to_owned(),
                "put both target groups into the production listener rule, weights 1 and 0".to_owned(),
            ],
        });
    }
    let mut during = service.deployment_configuration();
    during.insert("strategy".to_owned(), json!(strategy));
    // ECS refuses what belongs to another strategy than the one that is set.
    for (owner, member) in [
        ("CANARY", "canaryConfiguration"),
        ("LINEAR", "linearConfiguration"),
    ] {
        if owner != strategy {
            during.remove(member);
        }
    }
    during.entry("bakeTimeInMinutes").or_insert(json!(0));
    adjust(&mut during);
    Ok(native(during, service, "it was asked for".to_owned()))
}

fn set_percent(during: &mut Map<String, Value>, member: &str, name: &str, percent: f64) {
    let configuration = during.entry(member).or_insert_with(|| json!({}));
    configuration[name] = json!(percent);
}

/// The plan lays our pauses, once it is known for how long its steps are held.
fn native(during: Map<String, Value>, service: &Service, why: String) -> Choice {
    Choice {
        strategy: Strategy::Native(Native {
            during,
            after: service.deployment_configuration(),
            sides: Vec::new(),
        }),
        why,
    }
}
