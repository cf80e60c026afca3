//! Load balancers.

use serde_json::{Value, json};

use crate::sandbox::elb::api::Origin;
use crate::sandbox::elb::model::LoadBalancer;
use crate::sandbox::elb::page::page;
use crate::sandbox::elb::{attributes, listeners, tags};
use crate::sandbox::input::Input;
use crate::sandbox::{ApiError, Duration, Rng, World, ids};

/// How long a new load balancer is `provisioning`. (AWS says minutes; the number is the sandbox's.)
const PROVISIONING: Duration = Duration::from_secs(120);

const MEMBERS: [&str; 8] = [
    "Name",
    "Subnets",
    "SubnetMappings",
    "SecurityGroups",
    "Scheme",
    "Tags",
    "Type",
    "IpAddressType",
];

pub fn create(world: &mut World, input: Input<'_>, origin: &Origin) -> Result<Value, ApiError> {
    let input = input.only(&MEMBERS)?;
    let balancer = read(world, input, origin)?;
    if let Some(existing) = world
        .elb
        .load_balancers
        .values()
        .find(|lb| lb.name == balancer.name)
    {
        return if same(existing, &balancer) {
            Ok(json!({"LoadBalancers": [echo(world, existing)]}))
        } else {
            let text = format!(
                "A load balancer with the same name '{}' exists, but with different settings",
                balancer.name
            );
            Err(ApiError::client("DuplicateLoadBalancerNameException", text))
        };
    }
    let arn = balancer.arn.clone();
    world.elb.load_balancers.insert(arn.clone(), balancer);
    tags::put(world, &arn, input)?;
    Ok(json!({"LoadBalancers": [echo(world, &world.elb.load_balancers[&arn])]}))
}

fn read(world: &mut World, input: Input<'_>, origin: &Origin) -> Result<LoadBalancer, ApiError> {
    let name = input.need("Name")?.to_owned();
    let kind = input.text("Type").unwrap_or("application").to_owned();
    let short = match kind.as_str() {
        "application" => "app",
        "network" => "net",
        other => return Err(input.not_modelled(&format!("Type {other}"))),
    };
    let scheme = input.text("Scheme").unwrap_or("internet-facing").to_owned();
    let subnets = subnets(input);
    if subnets.is_empty() {
        return Err(input.invalid("You must specify either subnets or subnet mappings"));
    }
    let vpc = subnets
        .iter()
        .find_map(|s| world.vpc_of(s))
        .unwrap_or("vpc-0sandbox")
        .to_owned();
    let arn = origin.arn(world, &format!("loadbalancer/{short}/{name}"), "");
    let created = match origin {
        Origin::Api => world.now,
        Origin::WorldFile { .. } => world.now - Duration::from_secs(30 * 86_400),
    };
    Ok(LoadBalancer {
        dns_name: dns_name(&world.region, &name, &scheme, &kind, &arn),
        zones: subnets
            .iter()
            .map(|subnet| (world.zone_of(subnet), (*subnet).to_owned()))
            .collect(),
        security_groups: input
            .texts("SecurityGroups")
            .into_iter()
            .map(str::to_owned)
            .collect(),
        ip_address_type: input.text("IpAddressType").unwrap_or("ipv4").to_owned(),
        attributes: attributes::of_load_balancer(&kind),
        arn,
        name,
        kind,
        scheme,
        vpc,
        created,
    })
}

fn subnets(input: Input<'_>) -> Vec<&str> {
    let mapped = input
        .each("SubnetMappings")
        .filter_map(|mapping| mapping.text("SubnetId"));
    input.texts("Subnets").into_iter().chain(mapped).collect()
}

fn dns_name(region: &str, name: &str, scheme: &str, kind: &str, arn: &str) -> String {
    let prefix = if scheme == "internal" {
        "internal-"
    } else {
        ""
    };
    let mut rng = Rng::named(0, &["dns", arn]);
    if kind == "network" {
        format!(
            "{prefix}{name}-{}.elb.{region}.amazonaws.com",
            ids::hex(&mut rng, 16)
        )
    } else {
        format!(
            "{prefix}{name}-{}.{region}.elb.amazonaws.com",
            ids::digits(&mut rng, 10)
        )
    }
}

/// Whether a repeated creation asks for what is there already.
fn same(a: &LoadBalancer, b: &LoadBalancer) -> bool {
    (&a.kind, &a.scheme, &a.zones, &a.security_groups)
        == (&b.kind, &b.scheme, &b.zones, &b.security_groups)
}

fn echo(world: &World, lb: &LoadBalancer) -> Value {
    let zones: Vec<Value> = lb.zones.iter().map(|(zone, subnet)| json!({"ZoneName": zone, "SubnetId": subnet, "LoadBalancerAddresses": []})).collect();
    let provisioned = world.now.since(lb.created) >= PROVISIONING;
    let mut echo = json!({
        "LoadBalancerArn": lb.arn,
        "DNSName": lb.dns_name,
        "CanonicalHostedZoneId": if lb.kind == "network" { "Z2IFOLAFXWLO4F" } else { "Z32O12XQLNTSW2" },
        "CreatedTime": lb.created.iso(),
        "LoadBalancerName": lb.name,
        "Scheme": lb.scheme,
        "VpcId": lb.vpc,
        "State": {"Code": if provisioned { "active" } else { "provisioning" }},
        "Type": lb.kind,
        "AvailabilityZones": zones,
        "IpAddressType": lb.ip_address_type,
    });
    if lb.kind == "application" || !lb.security_groups.is_empty() {
        echo["SecurityGroups"] = lb.security_groups.clone().into();
    }
    echo
}

pub fn describe(world: &World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["LoadBalancerArns", "Names", "Marker", "PageSize"])?;
    let (arns, names) = (input.texts("LoadBalancerArns"), input.texts("Names"));
    let balancers = &world.elb.load_balancers;
    let arns_known = arns.iter().all(|arn| balancers.contains_key(*arn));
    let names_known = names
        .iter()
        .all(|name| balancers.values().any(|lb| lb.name == *name));
    if !arns_known || !names_known {
        return Err(not_found());
    }
    let wanted = |lb: &&LoadBalancer| {
        (arns.is_empty() || arns.contains(&lb.arn.as_str()))
            && (names.is_empty() || names.contains(&lb.name.as_str()))
    };
    let found = balancers
        .values()
        .filter(wanted)
        .map(|lb| echo(world, lb))
        .collect();
    page(input, "LoadBalancers", "LoadBalancerArn", found)
}

/// The capacity reservation of a load balancer: there is none, as ModifyCapacityReservation is not modelled.
pub fn describe_capacity(world: &World, input: Input<'_>) -> Result<Value, ApiError> {
    let arn = input.only(&["LoadBalancerArn"])?.need("LoadBalancerArn")?;
    if world.elb.load_balancers.contains_key(arn) {
        Ok(json!({"CapacityReservationState": []}))
    } else {
        Err(not_found())
    }
}

/// Deletes a load balancer with its listeners and rules; one that does not exist is no error.
pub fn delete(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let arn = input.only(&["LoadBalancerArn"])?.need("LoadBalancerArn")?;
    let Some(lb) = world.elb.load_balancers.get(arn) else {
        return Ok(json!({}));
    };
    if lb
        .attributes
        .get("deletion_protection.enabled")
        .is_some_and(|v| v == "true")
    {
        let text = format!(
            "Load balancer '{arn}' cannot be deleted because deletion protection is enabled"
        );
        return Err(ApiError::client("OperationNotPermittedException", text));
    }
    world.elb.load_balancers.remove(arn);
    world.elb.tags.remove(arn);
    let orphans: Vec<String> = world
        .elb
        .listeners
        .values()
        .filter(|l| l.load_balancer == arn)
        .map(|l| l.arn.clone())
        .collect();
    for listener in orphans {
        listeners::remove(&mut world.elb, &listener);
    }
    Ok(json!({}))
}

pub fn not_found() -> ApiError {
    ApiError::client(
        "LoadBalancerNotFoundException",
        "One or more load balancers not found",
    )
}
