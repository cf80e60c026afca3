//! Where traffic goes: which target group is blue, and the weights that ECS writes into listener rules.
//!
//! Source: ECS developer guide, "troubleshooting blue/green deployments" for what must hold at the start.
//! **Invariant:** ECS makes and removes no rule, and touches only the forward action of the rules that a service names.

use serde_json::Value;

use crate::sandbox::ecs::defaults::WeightScale;
use crate::sandbox::ecs::document::{Document, object, objects, text};
use crate::sandbox::ecs::native::numbers::Share;
use crate::sandbox::elb::{Action, Elb, Rule, WeightedGroup};

/// The rest of the sentence with which a deployment fails whose rules do not fit its groups.
const NOT_ATTACHED: &str = "Both targetGroup and alternateTargetGroup must be associated with the productionListenerRule or testListenerRule.";

/// The two target groups of one load balancer of a service, and the rules that send traffic to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// A rule, or the listener of a Network Load Balancer.
    production: String,
    test: Option<String>,
    pub blue: String,
    pub green: String,
    /// Behind a Network Load Balancer new weights take a while to arrive.
    pub is_network: bool,
}

/// Which of the rules a share is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    Production,
    Test,
}

/// The pairs of a service, as its rules send production right now. `blue` says which groups the running revision is
/// known to be in, one a load balancer; without it the rule's weights tell. An error is a status reason.
pub fn pairs(of: &Document, blue: &[String], elb: &Elb) -> Result<Vec<Pair>, String> {
    let balancers = objects(of, "loadBalancers").enumerate();
    let advanced = balancers.filter_map(|(place, balancer)| {
        object(balancer, "advancedConfiguration").map(|advanced| (place, balancer, advanced))
    });
    advanced
        .map(|(place, balancer, advanced)| {
            let known = blue.get(place).map(String::as_str);
            pair(balancer, advanced, known, elb)
        })
        .collect::<Result<_, _>>()
        .map_err(|why: &str| {
            format!(
                "Service deployment rolled back because of invalid networking configuration. {why}"
            )
        })
}

/// All but the first sentence are ours: AWS says that it checks this, not in which words it fails.
fn pair(
    balancer: &Document,
    advanced: &Document,
    known: Option<&str>,
    elb: &Elb,
) -> Result<Pair, &'static str> {
    let own = |of, key| text(of, key).unwrap_or_default();
    let groups = [
        own(balancer, "targetGroupArn"),
        own(advanced, "alternateTargetGroupArn"),
    ];
    let named = own(advanced, "productionListenerRule");
    let test = text(advanced, "testListenerRule");
    let production = rule(elb, named).ok_or("The productionListenerRule does not exist.")?;
    let mut attached = forwards(production, groups)?;
    let live = live(&attached);
    if let Some(test) = test {
        let test = rule(elb, test).ok_or("The testListenerRule does not exist.")?;
        attached.extend(forwards(test, groups)?);
    }
    let is_attached = |arn: &&str| attached.iter().any(|group| group.arn == *arn);
    if !groups.iter().all(is_attached) {
        return Err(NOT_ATTACHED);
    }
    let known = known
        .filter(|known| groups.contains(known))
        .map(str::to_owned);
    let blue = &known.or(live).ok_or("The productionListenerRule must send traffic to exactly one of targetGroup and alternateTargetGroup.")?;
    let green = if groups[0] == blue {
        groups[1]
    } else {
        groups[0]
    };
    Ok(Pair {
        production: named.to_owned(),
        test: test.map(str::to_owned),
        blue: blue.clone(),
        green: green.to_owned(),
        is_network: is_network(elb, production),
    })
}

/// The one group that gets traffic; `None` if none or both do.
fn live(groups: &[WeightedGroup]) -> Option<String> {
    let mut fed = groups.iter().filter(|group| group.weight > 0);
    let first = fed.next();
    let only = first.filter(|_| fed.next().is_none());
    only.map(|group| group.arn.clone())
}

/// What a rule forwards to, which may only be the two groups.
fn forwards(rule: &Rule, groups: [&str; 2]) -> Result<Vec<WeightedGroup>, &'static str> {
    if rule
        .actions
        .iter()
        .any(|action| matches!(action, Action::Other(_)))
    {
        return Err("Listener rules with actions other than forward are not supported.");
    }
    let found: Vec<WeightedGroup> = rule.forwards().cloned().collect();
    if found
        .iter()
        .all(|group| groups.contains(&group.arn.as_str()))
    {
        Ok(found)
    } else {
        Err(
            "The listener rule must not forward to target groups other than targetGroup and alternateTargetGroup.",
        )
    }
}

/// The rule of this ARN, or the default rule of the listener of this ARN.
pub fn rule<'a>(elb: &'a Elb, arn: &str) -> Option<&'a Rule> {
    let default = || {
        elb.rules
            .values()
            .find(|rule| rule.listener == arn && rule.priority.is_none())
    };
    elb.rules.get(arn).or_else(default)
}

/// Whether a rule belongs to a Network Load Balancer.
pub fn is_network(elb: &Elb, rule: &Rule) -> bool {
    let balancer = elb
        .listeners
        .get(&rule.listener)
        .and_then(|listener| elb.load_balancers.get(&listener.load_balancer));
    balancer.is_some_and(|balancer| balancer.kind == "network")
}

impl Pair {
    /// Sends this share of the traffic to green and the rest to blue. A rule that is gone is an error.
    pub fn send(
        &self,
        traffic: Traffic,
        share: Share,
        scale: WeightScale,
        elb: &mut Elb,
    ) -> Result<(), String> {
        let named = match traffic {
            Traffic::Production => Some(&self.production),
            Traffic::Test => self.test.as_ref(),
        };
        let Some(named) = named else {
            return Ok(());
        };
        let arn = rule(elb, named).map(|rule| rule.arn.clone());
        let forward = arn
            .and_then(|arn| elb.rules.get_mut(&arn))
            .and_then(|rule| rule.actions.iter_mut().find_map(groups_of));
        let groups = forward.ok_or_else(|| {
            // Ours.
            format!("Service deployment rolled back because the listener rule {named} could not be changed.")
        })?;
        let (to_green, to_blue) = share.weights(scale);
        put(groups, &self.blue, to_blue);
        put(groups, &self.green, to_green);
        Ok(())
    }

    pub fn rule(&self) -> Value {
        self.production.clone().into()
    }
}

fn groups_of(action: &mut Action) -> Option<&mut Vec<WeightedGroup>> {
    match action {
        Action::Forward { groups, .. } => Some(groups),
        Action::Other(_) => None,
    }
}

fn put(groups: &mut Vec<WeightedGroup>, arn: &str, weight: u32) {
    match groups.iter_mut().find(|group| group.arn == arn) {
        Some(group) => group.weight = weight,
        None => groups.push(WeightedGroup {
            arn: arn.to_owned(),
            weight,
        }),
    }
}
