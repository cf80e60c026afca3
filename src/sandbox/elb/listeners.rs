//! Listeners. A listener's default actions are kept as its default rule, which has an ARN like any other.

use serde_json::{Map, Value, json};

use crate::sandbox::elb::api::{Origin, tail};
use crate::sandbox::elb::model::{Elb, Listener, Rule};
use crate::sandbox::elb::page::page;
use crate::sandbox::elb::{actions, attributes, balancers, tags};
use crate::sandbox::input::Input;
use crate::sandbox::{ApiError, World};

const MEMBERS: [&str; 9] = [
    "LoadBalancerArn",
    "Port",
    "Protocol",
    "DefaultActions",
    "SslPolicy",
    "Certificates",
    "AlpnPolicy",
    "MutualAuthentication",
    "Tags",
];
const TLS_MEMBERS: [&str; 4] = [
    "SslPolicy",
    "Certificates",
    "AlpnPolicy",
    "MutualAuthentication",
];
const PORT: std::ops::RangeInclusive<u64> = 1..=65_535;

pub fn create(world: &mut World, input: Input<'_>, origin: &Origin) -> Result<Value, ApiError> {
    let input = input.only(&MEMBERS)?;
    let load_balancer = input.need("LoadBalancerArn")?.to_owned();
    let kind = world
        .elb
        .load_balancers
        .get(&load_balancer)
        .map(|lb| lb.kind.clone())
        .ok_or_else(balancers::not_found)?;
    let port = input
        .int("Port", PORT)?
        .ok_or_else(|| input.missing("Port"))? as u16;
    check_port_free(&world.elb, &load_balancer, port)?;
    let protocol = check_protocol(input, &kind, input.need("Protocol")?)?.to_owned();
    let tls = read_tls(input, &protocol)?;
    let actions = actions::read(&world.elb, &load_balancer, input, "DefaultActions")?;

    let path = format!("listener/{}", tail(&load_balancer, "loadbalancer"));
    let arn = origin.arn(world, &path, &port.to_string());
    let path = format!("listener-rule/{}", tail(&arn, "listener"));
    let rule = origin.child().arn(world, &path, "default");
    world.elb.rules.insert(
        rule.clone(),
        Rule {
            arn: rule,
            listener: arn.clone(),
            priority: None,
            conditions: vec![],
            actions,
        },
    );
    let attributes = attributes::of_listener(&protocol);
    world.elb.listeners.insert(
        arn.clone(),
        Listener {
            arn: arn.clone(),
            load_balancer,
            port,
            protocol,
            tls,
            attributes,
        },
    );
    tags::put(world, &arn, input)?;
    Ok(json!({"Listeners": [echo(&world.elb, &world.elb.listeners[&arn])]}))
}

fn check_port_free(elb: &Elb, load_balancer: &str, port: u16) -> Result<(), ApiError> {
    if elb
        .listeners
        .values()
        .any(|l| l.load_balancer == load_balancer && l.port == port)
    {
        let text = format!(
            "A listener already exists on this port for this load balancer '{load_balancer}'"
        );
        return Err(ApiError::client("DuplicateListenerException", text));
    }
    Ok(())
}

fn check_protocol<'a>(
    input: Input<'_>,
    kind: &str,
    protocol: &'a str,
) -> Result<&'a str, ApiError> {
    let allowed: &[&str] = if kind == "network" {
        &["TCP", "UDP", "TCP_UDP", "TLS"]
    } else {
        &["HTTP", "HTTPS"]
    };
    if allowed.contains(&protocol) {
        Ok(protocol)
    } else {
        Err(input.invalid(&format!(
            "Listener protocol '{protocol}' must be one of '{}'",
            allowed.join(", ")
        )))
    }
}

fn is_tls(protocol: &str) -> bool {
    matches!(protocol, "HTTPS" | "TLS")
}

/// The members that only encrypted listeners have, with AWS's defaults.
fn read_tls(input: Input<'_>, protocol: &str) -> Result<Map<String, Value>, ApiError> {
    let mut tls = Map::new();
    if !is_tls(protocol) {
        return Ok(tls);
    }
    for member in TLS_MEMBERS {
        if let Some(value) = input.get(member) {
            tls.insert(member.to_owned(), value.clone());
        }
    }
    if input.list("Certificates").is_empty() {
        return Err(ApiError::client(
            "ValidationError",
            format!("A certificate must be specified for {protocol} listeners"),
        ));
    }
    tls.entry("SslPolicy")
        .or_insert_with(|| "ELBSecurityPolicy-2016-08".into());
    if protocol == "HTTPS" {
        tls.entry("MutualAuthentication")
            .or_insert_with(|| json!({"Mode": "off"}));
    }
    Ok(tls)
}

fn echo(elb: &Elb, listener: &Listener) -> Value {
    let default_actions: Vec<Value> = default_rule(elb, &listener.arn)
        .map(|r| r.actions.iter().map(actions::echo).collect())
        .unwrap_or_default();
    let mut echo = json!({
        "ListenerArn": listener.arn,
        "LoadBalancerArn": listener.load_balancer,
        "Port": listener.port,
        "Protocol": listener.protocol,
        "DefaultActions": default_actions,
    });
    if let Some(members) = echo.as_object_mut() {
        members.extend(listener.tls.clone());
    }
    echo
}

fn default_rule<'a>(elb: &'a Elb, listener: &str) -> Option<&'a Rule> {
    elb.rules
        .values()
        .find(|rule| rule.listener == listener && rule.priority.is_none())
}

pub fn describe(world: &World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["LoadBalancerArn", "ListenerArns", "Marker", "PageSize"])?;
    let elb = &world.elb;
    let arns = input.texts("ListenerArns");
    let found: Vec<Value> = match input.text("LoadBalancerArn") {
        Some(lb) if elb.load_balancers.contains_key(lb) => elb
            .listeners
            .values()
            .filter(|l| l.load_balancer == lb)
            .map(|l| echo(elb, l))
            .collect(),
        Some(_) => return Err(balancers::not_found()),
        None if arns.is_empty() => {
            return Err(
                input.invalid("You must specify either listener ARNs or a load balancer ARN")
            );
        }
        None => arns
            .iter()
            .map(|arn| {
                elb.listeners
                    .get(*arn)
                    .map(|l| echo(elb, l))
                    .ok_or_else(not_found)
            })
            .collect::<Result<_, _>>()?,
    };
    page(input, "Listeners", "ListenerArn", found)
}

pub fn modify(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&[
        "ListenerArn",
        "Port",
        "Protocol",
        "DefaultActions",
        "SslPolicy",
        "Certificates",
        "AlpnPolicy",
        "MutualAuthentication",
    ])?;
    let arn = input.need("ListenerArn")?;
    let elb = &mut world.elb;
    let mut changed = elb.listeners.get(arn).cloned().ok_or_else(not_found)?;
    let port = input.int("Port", PORT)?.map(|port| port as u16);
    if let Some(port) = port.filter(|port| *port != changed.port) {
        check_port_free(elb, &changed.load_balancer, port)?;
        changed.port = port;
    }
    if let Some(protocol) = input.text("Protocol") {
        let balancer = elb.load_balancers.get(&changed.load_balancer);
        let kind = balancer.map_or("application", |lb| lb.kind.as_str());
        check_protocol(input, kind, protocol)?.clone_into(&mut changed.protocol);
    }
    for member in TLS_MEMBERS
        .into_iter()
        .filter(|_| is_tls(&changed.protocol))
    {
        if let Some(value) = input.get(member) {
            changed.tls.insert(member.to_owned(), value.clone());
        }
    }
    if !input.list("DefaultActions").is_empty() {
        let actions = actions::read(elb, &changed.load_balancer, input, "DefaultActions")?;
        let mut rules = elb.rules.values_mut();
        let default = rules.find(|rule| rule.listener == arn && rule.priority.is_none());
        default.expect("every listener has a default rule").actions = actions;
    }
    elb.listeners.insert(arn.to_owned(), changed);
    Ok(json!({"Listeners": [echo(elb, &elb.listeners[arn])]}))
}

pub fn delete(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let arn = input.only(&["ListenerArn"])?.need("ListenerArn")?;
    if !world.elb.listeners.contains_key(arn) {
        return Err(not_found());
    }
    remove(&mut world.elb, arn);
    Ok(json!({}))
}

/// Removes a listener with its rules and tags.
pub fn remove(elb: &mut Elb, arn: &str) {
    elb.listeners.remove(arn);
    elb.tags.remove(arn);
    let (tags, rules) = (&mut elb.tags, &mut elb.rules);
    rules.retain(|rule_arn, rule| {
        let keep = rule.listener != arn;
        if !keep {
            tags.remove(rule_arn);
        }
        keep
    });
}

pub fn not_found() -> ApiError {
    ApiError::client(
        "ListenerNotFoundException",
        "One or more listeners not found",
    )
}
