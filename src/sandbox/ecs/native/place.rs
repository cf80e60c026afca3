//! Which target groups a service revision's tasks register in.
//!
//! Source: ECS API reference, `ResolvedConfiguration`.
//! **Invariant:** a revision stays in the groups it was first given; a rollback finds it there.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::sandbox::ecs::deployment::ServiceRevision;
use crate::sandbox::ecs::document::{Document, object, objects};
use crate::sandbox::ecs::native::shift::{self, Pair};
use crate::sandbox::ecs::service::Service;
use crate::sandbox::elb::Elb;

/// One entry of `resolvedConfiguration.loadBalancers`.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    pub group: String,
    pub rule: Value,
}

/// Puts the primary deployment's revision where production traffic goes, if its load balancers have two groups to
/// choose from: a service that begins steady, or one that is updated in place. An error is a status reason.
pub fn place(service: &mut Service, elb: &Elb) -> Result<(), String> {
    let number = service.primary().number;
    let known = service
        .last_completed
        .map(|number| groups(service.revision(number)))
        .unwrap_or_default();
    let pairs = shift::pairs(&service.revision(number).document, &known, elb)?;
    settle(service, number, &pairs, |pair| &pair.blue);
    Ok(())
}

/// The groups that a revision is in, one a load balancer; none if it had no choice.
pub fn groups(revision: &ServiceRevision) -> Vec<String> {
    revision
        .resolved
        .iter()
        .map(|resolved| resolved.group.clone())
        .collect()
}

/// Gives a revision its groups, unless it has them already.
pub fn settle(
    service: &mut Service,
    number: u64,
    pairs: &[Pair],
    group: impl Fn(&Pair) -> &String,
) {
    let Some(revision) = service.revisions.get_mut(&number) else {
        return;
    };
    if revision.resolved.is_empty() {
        let resolve = |pair: &Pair| Resolved {
            group: group(pair).clone(),
            rule: pair.rule(),
        };
        revision.resolved = pairs.iter().map(resolve).collect();
    }
}

impl ServiceRevision {
    pub fn is_advanced(&self) -> bool {
        objects(&self.document, "loadBalancers")
            .any(|balancer| object(balancer, "advancedConfiguration").is_some())
    }

    /// The revision's members as its tasks are launched with: `loadBalancers` name the groups it is in.
    pub fn settings(&self) -> Cow<'_, Document> {
        if self.resolved.is_empty() {
            return Cow::Borrowed(&self.document);
        }
        let mut settings = self.document.clone();
        let balancers = settings
            .get_mut("loadBalancers")
            .and_then(Value::as_array_mut);
        for (balancer, resolved) in balancers.into_iter().flatten().zip(&self.resolved) {
            balancer["targetGroupArn"] = json!(resolved.group);
        }
        Cow::Owned(settings)
    }

    /// `resolvedConfiguration`.
    pub fn resolved_configuration(&self) -> Option<Value> {
        let one = |resolved: &Resolved| json!({ "targetGroupArn": resolved.group, "productionListenerRule": resolved.rule });
        let all: Vec<Value> = self.resolved.iter().map(one).collect();
        (!all.is_empty()).then(|| json!({ "loadBalancers": all }))
    }
}
