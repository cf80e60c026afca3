//! Which native deployments ECS refuses before they start.
//!
//! Source: ECS API reference, `DeploymentConfiguration`, `AdvancedConfiguration`, `DeploymentLifecycleHook`; ECS
//! developer guide, "troubleshooting blue/green deployments". Where a rule is published without its words, they are ours.
//! **Invariant:** what depends on the weights of the moment is judged when a deployment starts, not here.

use serde_json::Value;

use crate::sandbox::ApiError;
use crate::sandbox::ecs::document::{
    Document, is_true, list, member, object, objects, text, texts, whole,
};
use crate::sandbox::ecs::native::configuration::{OWN_MEMBERS, Strategy};
use crate::sandbox::ecs::native::numbers::Share;
use crate::sandbox::ecs::native::shift;
use crate::sandbox::ecs::native::stage::Stage;
use crate::sandbox::ecs::refuse;
use crate::sandbox::ecs::state::Ground;

const MOST_HOOKS_OF_A_KIND: usize = 10;
const MINUTES_A_DAY: i64 = 1440;
/// A PAUSE hook may wait for a fortnight.
const MINUTES_A_FORTNIGHT: i64 = 20_160;

/// Refuses what ECS refuses of a service's strategy, hooks and advanced load balancing.
pub fn check(document: &Document, ground: &Ground<'_>) -> Result<(), ApiError> {
    let empty = Document::new();
    let configuration = object(document, "deploymentConfiguration").unwrap_or(&empty);
    let strategy = check_strategy(configuration)?;
    check_numbers(configuration, strategy)?;
    check_fit(document, configuration, strategy)?;
    for hook in objects(configuration, "lifecycleHooks") {
        check_hook(hook, ground)?;
    }
    check_hook_counts(configuration)?;
    check_balancers(document, strategy, ground)
}

fn no(message: impl Into<String>) -> Result<(), ApiError> {
    Err(refuse::invalid(message))
}

fn check_strategy(configuration: &Document) -> Result<Strategy, ApiError> {
    match text(configuration, "strategy") {
        None | Some("ROLLING" | "BLUE_GREEN" | "LINEAR" | "CANARY") => {}
        Some(_) => {
            let message = "Invalid deployment strategy. Valid values are: ROLLING, BLUE_GREEN, LINEAR, CANARY";
            return Err(refuse::invalid(message));
        }
    }
    let strategy = Strategy::of(configuration);
    for (owner, key) in OWN_MEMBERS {
        if owner != strategy && member(configuration, key).is_some() {
            let message = format!("{key} is not valid for the given deployment strategy.");
            return Err(refuse::invalid(message));
        }
    }
    Ok(strategy)
}

fn check_numbers(configuration: &Document, strategy: Strategy) -> Result<(), ApiError> {
    let empty = Document::new();
    let part = |key| object(configuration, key).unwrap_or(&empty);
    let bake = "bakeTimeInMinutes";
    if strategy == Strategy::BlueGreen && member(configuration, bake).is_none() {
        return no("bakeTimeInMinutes is required for the BLUE_GREEN deployment strategy.");
    }
    check_minutes(configuration, bake, 0..=MINUTES_A_DAY)?;
    let (linear, canary) = (part("linearConfiguration"), part("canaryConfiguration"));
    check_minutes(linear, "stepBakeTimeInMinutes", 0..=MINUTES_A_DAY)?;
    check_minutes(canary, "canaryBakeTimeInMinutes", 0..=MINUTES_A_DAY)?;
    for (of, key, least) in [(linear, "stepPercent", 30), (canary, "canaryPercent", 1)] {
        let Some(given) = member(of, key) else {
            continue;
        };
        if Share::read(given).is_none_or(|share| share.tenths() < least) {
            let least = f64::from(least) / 10.0;
            return no(format!(
                "{key} must be a multiple of 0.1 between {least:.1} and 100.0."
            ));
        }
    }
    Ok(())
}

fn check_minutes(
    of: &Document,
    key: &str,
    range: std::ops::RangeInclusive<i64>,
) -> Result<(), ApiError> {
    if member(of, key).is_some() && !whole(of, key).is_some_and(|given| range.contains(&given)) {
        let (least, most) = range.into_inner();
        return no(format!("{key} must be between {least} and {most}."));
    }
    Ok(())
}

/// What a strategy does not go with.
fn check_fit(
    document: &Document,
    configuration: &Document,
    strategy: Strategy,
) -> Result<(), ApiError> {
    let has_hooks = !list(configuration, "lifecycleHooks").is_empty();
    if !strategy.is_native() {
        // A rolling deployment has been seen to run the PRE_SCALE_UP hooks alone; nothing about it is documented.
        return if has_hooks {
            let part = "deploymentConfiguration.lifecycleHooks with the strategy ROLLING";
            Err(ApiError::part_not_modelled("ecs", "CreateService", part))
        } else {
            Ok(())
        };
    }
    if text(document, "schedulingStrategy") == Some("DAEMON") {
        return no("The DAEMON scheduling strategy only supports the ROLLING deployment strategy.");
    }
    let early = object(configuration, "earlySuccessCriteria");
    if early.is_some_and(|early| is_true(early, "enable")) {
        return no("earlySuccessCriteria only supports the ROLLING deployment strategy.");
    }
    let connects = object(document, "serviceConnectConfiguration")
        .is_some_and(|connect| is_true(connect, "enabled"));
    let has_traffic = connects || !list(document, "loadBalancers").is_empty();
    if strategy != Strategy::BlueGreen && !has_traffic {
        return no(
            "LINEAR and CANARY deployment strategies require a load balancer or Service Connect.",
        );
    }
    Ok(())
}

fn check_hook(hook: &Document, ground: &Ground<'_>) -> Result<(), ApiError> {
    let is_pause = match text(hook, "targetType") {
        Some("PAUSE") => true,
        None | Some("AWS_LAMBDA") => false,
        Some(_) => return no("Invalid targetType. Valid values are: AWS_LAMBDA, PAUSE"),
    };
    let mut stages = texts(hook, "lifecycleStages").map(Stage::read).peekable();
    if stages.peek().is_none() {
        return no("lifecycleStages should not be null or empty.");
    }
    let fits = |stage: Stage| stage.takes_hooks() && !(is_pause && stage.is_shift());
    if !stages.all(|stage| stage.is_some_and(fits)) {
        let kind = if is_pause { "Pause" } else { "Lambda" };
        return no(format!("Invalid lifecycle stage provided for {kind} Hook"));
    }
    if let Some(timeout) = object(hook, "timeoutConfiguration") {
        let most = if is_pause {
            MINUTES_A_FORTNIGHT
        } else {
            MINUTES_A_DAY
        };
        check_minutes(timeout, "timeoutInMinutes", 1..=most)?;
        if !matches!(
            text(timeout, "action"),
            None | Some("ROLLBACK" | "CONTINUE")
        ) {
            return no("Invalid timeout action. Valid values are: ROLLBACK, CONTINUE");
        }
    }
    if is_pause {
        return Ok(());
    }
    check_lambda(hook, ground)
}

fn check_lambda(hook: &Document, ground: &Ground<'_>) -> Result<(), ApiError> {
    for key in ["hookTargetArn", "roleArn"] {
        if text(hook, key).is_none() {
            return no(format!("{key} is required for AWS_LAMBDA lifecycle hooks."));
        }
    }
    let arn = text(hook, "hookTargetArn").unwrap_or_default();
    if ground.lambdas.has(arn) {
        return Ok(());
    }
    let part = format!("the Lambda function {arn}, which the world file does not list,");
    Err(ApiError::part_not_modelled("ecs", "CreateService", &part))
}

fn check_hook_counts(configuration: &Document) -> Result<(), ApiError> {
    let hooks: Vec<&Document> = objects(configuration, "lifecycleHooks").collect();
    let is_pause = |hook: &&&Document| text(hook, "targetType") == Some("PAUSE");
    let pauses = hooks.iter().filter(is_pause).count();
    if pauses > MOST_HOOKS_OF_A_KIND || hooks.len() - pauses > MOST_HOOKS_OF_A_KIND {
        return no("A service can have at most 10 PAUSE and 10 AWS_LAMBDA lifecycle hooks.");
    }
    Ok(())
}

fn check_balancers(
    document: &Document,
    strategy: Strategy,
    ground: &Ground<'_>,
) -> Result<(), ApiError> {
    let balancers = || objects(document, "loadBalancers");
    let advanced: Vec<&Document> = balancers()
        .filter_map(|balancer| object(balancer, "advancedConfiguration"))
        .collect();
    let is_complete = advanced.len() == balancers().count();
    if strategy.is_native() && !is_complete {
        return no(
            "advancedConfiguration field is required for all loadBalancers when using a non-ROLLING deployment strategy",
        );
    }
    if !advanced.is_empty() && !is_complete {
        return no("advancedConfiguration must be given for all loadBalancers or for none.");
    }
    for advanced in &advanced {
        check_advanced(advanced, ground)?;
    }
    let mut groups: Vec<&str> = balancers()
        .filter_map(|balancer| text(balancer, "targetGroupArn"))
        .chain(
            advanced
                .iter()
                .filter_map(|advanced| text(advanced, "alternateTargetGroupArn")),
        )
        .collect();
    let given = groups.len();
    groups.sort_unstable();
    groups.dedup();
    if !advanced.is_empty() && groups.len() < given {
        return no("A target group can be used only once in loadBalancers.");
    }
    Ok(())
}

fn check_advanced(advanced: &Document, ground: &Ground<'_>) -> Result<(), ApiError> {
    for key in [
        "alternateTargetGroupArn",
        "productionListenerRule",
        "roleArn",
    ] {
        if text(advanced, key).is_none() {
            return no(format!("advancedConfiguration.{key} should not be null."));
        }
    }
    let production = member(advanced, "productionListenerRule");
    let test = member(advanced, "testListenerRule");
    if production == test {
        return no("productionListenerRule and testListenerRule must be different.");
    }
    for arn in [production, test]
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        let rule = shift::rule(ground.elb, arn)
            .ok_or_else(|| refuse::invalid(format!("The listener rule {arn} does not exist.")))?;
        let is_listener = rule.arn != arn;
        if is_listener != shift::is_network(ground.elb, rule) {
            return no(format!(
                "{arn} must be a listener rule ARN for an Application Load Balancer, or a listener ARN for a Network Load Balancer."
            ));
        }
    }
    Ok(())
}
