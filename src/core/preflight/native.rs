//! What ECS checks of the listener rules when a native shift begins, checked before.
//!
//! Source: ECS developer guide, troubleshooting of blue/green deployments: both target groups are of the production rule
//! (or the other is of the test rule), no third one is, and one of them has all traffic.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::core::id::{RuleArn, TargetGroupArn};
use crate::core::live::{Rule, Service};
use crate::core::pauses::{Pause, pauses};
use crate::core::plan::{Native, Plan, Strategy, Survey};
use crate::core::rollout::{Facet, Watch};
use crate::core::taskdef::Finding;

/// Production rules of application load balancers; network load balancers have listeners there.
pub fn production_rules(service: &Service) -> Watch {
    let sides = sides(service).into_iter();
    sides.map(|side| Facet::Rule(side.rule)).collect()
}

/// One load balancer of the service.
struct Side {
    rule: RuleArn,
    pair: [TargetGroupArn; 2],
    has_test_rule: bool,
}

fn sides(service: &Service) -> Vec<Side> {
    let balancers = service.as_value()["loadBalancers"].as_array();
    balancers.into_iter().flatten().filter_map(side).collect()
}

fn side(balancer: &Value) -> Option<Side> {
    let advanced = balancer.get("advancedConfiguration")?;
    let text = |of: &Value, member: &str| of.get(member)?.as_str().map(str::to_owned);
    let rule = text(advanced, "productionListenerRule")?;
    rule.contains(":listener-rule/").then_some(())?;
    Some(Side {
        rule: RuleArn::new(rule),
        pair: [
            TargetGroupArn::new(text(balancer, "targetGroupArn")?),
            TargetGroupArn::new(text(advanced, "alternateTargetGroupArn")?),
        ],
        has_test_rule: advanced.get("testListenerRule").is_some(),
    })
}

pub fn check(plan: &Plan, survey: &Survey) -> Vec<Finding> {
    let Strategy::Native(native) = &plan.strategy else {
        return Vec::new();
    };
    let was_read = !survey
        .further
        .faults
        .iter()
        .any(|it| it.operation == "DescribeRules");
    let sides = sides(&survey.service).into_iter();
    sides
        .filter_map(|side| {
            let rule = survey
                .further
                .rules
                .iter()
                .find(|rule| rule.arn == side.rule);
            match rule {
                Some(rule) => wrong(&side, rule),
                None => was_read.then(|| gone(&side)),
            }
        })
        .chain(pauses_there(native, &survey.service))
        .collect()
}

/// PAUSE hooks that the service has already. At the same stage as ours it could not be told whose it is that waits.
fn pauses_there(native: &Native, service: &Service) -> Vec<Finding> {
    let laid = native.laid();
    let own = pauses(&native.after);
    let mut found = Vec::new();
    let stages = |pauses: &[Pause]| -> BTreeSet<String> {
        let stages = pauses.iter().flat_map(|pause| &pause.stages);
        stages.cloned().collect()
    };
    let shared: Vec<String> = (&stages(&laid) & &stages(&own)).into_iter().collect();
    if !shared.is_empty() {
        let shared = shared.join(", ");
        let message = format!(
            "the service has a PAUSE hook of its own at {shared}, where ecsdeploy pauses for the gates, and ECS does not tell whose hook waits"
        );
        found.push(Finding::error(HOOKS, message).hint(
            "remove the hook from that stage, or move it to one at which ecsdeploy does not pause; a person's word is a gate: approval",
        ));
    } else if !own.is_empty() {
        let at: Vec<String> = stages(&own).into_iter().collect();
        let message = format!(
            "the service has PAUSE hooks of its own at {}, which ecsdeploy does not open: the rollout waits there for somebody else",
            at.join(", ")
        );
        found.push(Finding::warning(HOOKS, message).hint(
            "aws ecs continue-service-deployment lets it go on; within ecsdeploy, a person's word is a gate: approval",
        ));
    }
    let there = pauses(&service.deployment_configuration());
    if there.iter().any(|pause| laid.contains(pause)) {
        let message = "the service has a PAUSE hook exactly like ecsdeploy's, left by a rollout whose record is lost: it is taken over, and gone when this rollout ends";
        found.push(Finding::warning(HOOKS, message.to_owned()));
    }
    found
}

fn gone(side: &Side) -> Finding {
    Finding::error(PATH, format!("there is no listener rule {}", side.rule))
        .hint("name the rule that forwards the production traffic")
}

const HOOKS: &str = "deploymentConfiguration.lifecycleHooks";
const PATH: &str = "loadBalancers.advancedConfiguration.productionListenerRule";

fn wrong(side: &Side, rule: &Rule) -> Option<Finding> {
    let name = TargetGroupArn::name;
    let missing = side
        .pair
        .iter()
        .find(|group| !rule.weights.contains_key(group));
    let third = rule.weights.keys().find(|group| !side.pair.contains(group));
    let whole = side
        .pair
        .iter()
        .any(|group| (rule.share(group) - 1.0).abs() < 1e-9);
    let (what, hint) = match (missing, third) {
        (_, Some(third)) => (
            format!(
                "the production rule forwards to a third target group, {}",
                name(third)
            ),
            "a native shift needs a rule of its own two target groups",
        ),
        (Some(missing), None) if !side.has_test_rule => (
            format!(
                "the production rule does not hold the target group {}",
                name(missing)
            ),
            "put both target groups into it, weights 1 and 0, or give the service a testListenerRule that holds the other",
        ),
        _ if !whole => (
            "the production rule sends traffic to both target groups".to_owned(),
            "a shift begins with all traffic on one of them: set the other's weight to 0",
        ),
        _ => return None,
    };
    Some(Finding::error(PATH, what).hint(hint))
}
