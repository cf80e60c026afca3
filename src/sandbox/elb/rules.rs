//! Listener rules. A lower priority wins; the default rule has none and is changed through its listener.

use serde_json::{Value, json};

use crate::sandbox::elb::api::{Origin, tail};
use crate::sandbox::elb::model::{Elb, Rule};
use crate::sandbox::elb::page::page;
use crate::sandbox::elb::{actions, listeners, tags};
use crate::sandbox::input::Input;
use crate::sandbox::{ApiError, World};

const PRIORITY: std::ops::RangeInclusive<u64> = 1..=50_000;
/// Rules of one load balancer, not counting default rules (the default quota).
const MOST_RULES: usize = 100;

pub fn create(world: &mut World, input: Input<'_>, origin: &Origin) -> Result<Value, ApiError> {
    let input = input.only(&["ListenerArn", "Priority", "Conditions", "Actions", "Tags"])?;
    let listener = input.need("ListenerArn")?.to_owned();
    let load_balancer = load_balancer_of(&world.elb, &listener)?;
    let priority = input
        .int("Priority", PRIORITY)?
        .ok_or_else(|| input.missing("Priority"))? as u32;
    check_priority_free(&world.elb, &listener, priority, &[])?;
    let count = world
        .elb
        .rules
        .values()
        .filter(|rule| {
            rule.priority.is_some()
                && load_balancer_of(&world.elb, &rule.listener).as_ref() == Ok(&load_balancer)
        })
        .count();
    if count >= MOST_RULES {
        return Err(ApiError::client(
            "TooManyRulesException",
            format!(
                "The maximum number of rules for load balancer '{load_balancer}' has been reached"
            ),
        ));
    }
    let conditions = read_conditions(input)?;
    let actions = actions::read(&world.elb, &load_balancer, input, "Actions")?;
    let path = format!("listener-rule/{}", tail(&listener, "listener"));
    let arn = origin.arn(world, &path, &priority.to_string());
    world.elb.rules.insert(
        arn.clone(),
        Rule {
            arn: arn.clone(),
            listener,
            priority: Some(priority),
            conditions,
            actions,
        },
    );
    tags::put(world, &arn, input)?;
    Ok(json!({"Rules": [echo(&world.elb.rules[&arn])]}))
}

fn load_balancer_of(elb: &Elb, listener: &str) -> Result<String, ApiError> {
    elb.listeners
        .get(listener)
        .map(|l| l.load_balancer.clone())
        .ok_or_else(listeners::not_found)
}

/// `except` are rules whose own priorities are about to change.
fn check_priority_free(
    elb: &Elb,
    listener: &str,
    priority: u32,
    except: &[&str],
) -> Result<(), ApiError> {
    let taken = |rule: &Rule| {
        rule.listener == listener
            && rule.priority == Some(priority)
            && !except.contains(&rule.arn.as_str())
    };
    if elb.rules.values().any(taken) {
        return Err(ApiError::client(
            "PriorityInUseException",
            format!("Priority '{priority}' is currently in use"),
        ));
    }
    Ok(())
}

/// Conditions with both spellings where AWS answers both: `Values` and the field's own config.
fn read_conditions(input: Input<'_>) -> Result<Vec<Value>, ApiError> {
    if input.list("Conditions").is_empty() {
        return Err(input.invalid("A condition must be specified"));
    }
    input.each("Conditions").map(read_condition).collect()
}

fn read_condition(condition: Input<'_>) -> Result<Value, ApiError> {
    let config_name = match condition.need("Field")? {
        "path-pattern" => "PathPatternConfig",
        "host-header" => "HostHeaderConfig",
        "http-header" => "HttpHeaderConfig",
        "http-request-method" => "HttpRequestMethodConfig",
        "query-string" => "QueryStringConfig",
        "source-ip" => "SourceIpConfig",
        other => {
            return Err(ApiError::client(
                "ValidationError",
                format!(
                    "Condition field '{other}' must be one of '[path-pattern, host-header, http-header, http-request-method, query-string, source-ip]'"
                ),
            ));
        }
    };
    let condition = condition.only(&["Field", "Values", config_name])?;
    let mut echo = condition.value().clone();
    let plain = condition.get("Values").cloned();
    let config = condition
        .at(config_name)
        .and_then(|c| c.get("Values"))
        .cloned();
    if plain.is_none() && config.is_none() {
        return Err(condition.missing("Values"));
    }
    if let (Some(values), None) = (&plain, &config) {
        echo[config_name] = json!({"Values": values});
    }
    if let (None, Some(values), "PathPatternConfig" | "HostHeaderConfig") =
        (&plain, &config, config_name)
    {
        echo["Values"] = values.clone();
    }
    Ok(echo)
}

pub fn echo(rule: &Rule) -> Value {
    json!({
        "RuleArn": rule.arn,
        "Priority": rule.priority.map_or_else(|| "default".to_owned(), |p| p.to_string()),
        "Conditions": rule.conditions,
        "Actions": rule.actions.iter().map(actions::echo).collect::<Vec<_>>(),
        "IsDefault": rule.priority.is_none(),
    })
}

pub fn describe(world: &World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["ListenerArn", "RuleArns", "Marker", "PageSize"])?;
    let elb = &world.elb;
    let arns = input.texts("RuleArns");
    let mut found: Vec<&Rule> = match (input.text("ListenerArn"), arns.is_empty()) {
        (Some(listener), true) if elb.listeners.contains_key(listener) => elb
            .rules
            .values()
            .filter(|r| r.listener == listener)
            .collect(),
        (Some(_), true) => return Err(listeners::not_found()),
        (None, false) => arns
            .iter()
            .map(|arn| elb.rules.get(*arn).ok_or_else(not_found))
            .collect::<Result<_, _>>()?,
        _ => {
            return Err(
                input.invalid("You must specify either listener rule ARNs or a listener ARN")
            );
        }
    };
    found.sort_by_key(|rule| rule.priority.unwrap_or(u32::MAX));
    page(
        input,
        "Rules",
        "RuleArn",
        found.into_iter().map(echo).collect(),
    )
}

/// Replaces conditions, actions or both, each whole.
pub fn modify(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["RuleArn", "Conditions", "Actions"])?;
    let arn = input.need("RuleArn")?;
    let mut changed = world.elb.rules.get(arn).cloned().ok_or_else(not_found)?;
    if changed.priority.is_none() {
        return Err(ApiError::client(
            "OperationNotPermittedException",
            format!("Default rule '{arn}' cannot be modified"),
        ));
    }
    if !input.list("Conditions").is_empty() {
        changed.conditions = read_conditions(input)?;
    }
    if !input.list("Actions").is_empty() {
        let load_balancer = load_balancer_of(&world.elb, &changed.listener)?;
        changed.actions = actions::read(&world.elb, &load_balancer, input, "Actions")?;
    }
    let answer = json!({"Rules": [echo(&changed)]});
    world.elb.rules.insert(arn.to_owned(), changed);
    Ok(answer)
}

pub fn delete(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let arn = input.only(&["RuleArn"])?.need("RuleArn")?;
    let rule = world.elb.rules.get(arn).ok_or_else(not_found)?;
    if rule.priority.is_none() {
        return Err(ApiError::client(
            "OperationNotPermittedException",
            format!("Default rule '{arn}' cannot be deleted"),
        ));
    }
    world.elb.rules.remove(arn);
    world.elb.tags.remove(arn);
    Ok(json!({}))
}

pub fn set_priorities(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["RulePriorities"])?;
    let arns: Vec<&str> = input
        .each("RulePriorities")
        .filter_map(|pair| pair.text("RuleArn"))
        .collect();
    let mut changed: Vec<Rule> = Vec::new();
    for pair in input.each("RulePriorities") {
        let mut rule = world
            .elb
            .rules
            .get(pair.need("RuleArn")?)
            .cloned()
            .ok_or_else(not_found)?;
        if rule.priority.is_none() {
            return Err(ApiError::client(
                "OperationNotPermittedException",
                format!("Priority of default rule '{}' cannot be modified", rule.arn),
            ));
        }
        let priority = pair
            .int("Priority", PRIORITY)?
            .ok_or_else(|| pair.missing("Priority"))? as u32;
        check_priority_free(&world.elb, &rule.listener, priority, &arns)?;
        if changed
            .iter()
            .any(|other| other.listener == rule.listener && other.priority == Some(priority))
        {
            return Err(ApiError::client(
                "PriorityInUseException",
                format!("Priority '{priority}' is given to two rules"),
            ));
        }
        rule.priority = Some(priority);
        changed.push(rule);
    }
    let answer = json!({"Rules": changed.iter().map(echo).collect::<Vec<_>>()});
    world
        .elb
        .rules
        .extend(changed.into_iter().map(|rule| (rule.arn.clone(), rule)));
    Ok(answer)
}

fn not_found() -> ApiError {
    ApiError::client("RuleNotFoundException", "One or more rules not found")
}
