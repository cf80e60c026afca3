//! What a caller must be allowed for one call, and what AWS answers whoever is not.
//!
//! Sources: IAM user guide, "Troubleshoot access denied error messages" (the sentence); Service Authorization Reference
//! (actions and resources); ECS developer guide, "Grant permission to tag resources on creation"; ECS API reference,
//! RegisterTaskDefinition (`iam:PassRole`).
//! **Invariant:** GetCallerIdentity is never denied: it needs no permission (STS API reference).

use serde_json::Value;

use crate::sandbox::wire::{Call, Protocol, Service};
use crate::sandbox::{ApiError, World, ids, sts};

/// One of the permissions that a call needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Permission {
    /// The operation's own.
    #[default]
    Itself,
    /// To hand the roles that it names on to a service.
    PassRole,
    /// To tag what it makes.
    TagResource,
}

impl Permission {
    /// All that this call needs, in the order in which they are looked for.
    pub fn needed(call: &Call) -> Vec<Self> {
        if call.service == Service::Sts {
            return vec![];
        }
        let makes = ["Create", "Register", "Run", "Start"]
            .iter()
            .any(|verb| call.operation.starts_with(verb));
        let tags = call.input["tags"].as_array();
        let is_tagged = makes && tags.is_some_and(|tags| !tags.is_empty());
        let extra = call.service == Service::Ecs;
        [
            (Self::Itself, true),
            (Self::PassRole, extra && role(&call.input).is_some()),
            (Self::TagResource, extra && is_tagged),
        ]
        .into_iter()
        .filter_map(|(permission, is_needed)| is_needed.then_some(permission))
        .collect()
    }

    /// The service that it is a permission of, and the operation or action.
    pub fn action(self, call: &Call) -> (Service, &str) {
        match self {
            Self::Itself => (call.service, call.operation.as_str()),
            Self::PassRole => (Service::Iam, "PassRole"),
            Self::TagResource => (Service::Ecs, "TagResource"),
        }
    }

    /// The answer to a caller who does not have it.
    pub fn denial(self, call: &Call, world: &World) -> ApiError {
        let (service, operation) = self.action(call);
        let action = format!("{}:{operation}", prefix(service));
        let resource = self.resource(call, world);
        let caller = sts::caller(world);
        let message = format!(
            "User: {caller} is not authorized to perform: {action} on resource: {resource} because no identity-based policy allows the {action} action"
        );
        ApiError {
            status: match call.protocol {
                Protocol::Query(_) => 403,
                Protocol::Json10 | Protocol::Json11 | Protocol::Cbor => 400,
            },
            ..ApiError::client("AccessDeniedException", message)
        }
    }

    fn resource(self, call: &Call, world: &World) -> String {
        let found = match self {
            Self::Itself => own_resource(call, world),
            Self::PassRole => role(&call.input).map(|role| {
                if role.starts_with("arn:") {
                    return role.to_owned();
                }
                ids::arn("iam", "", &world.account, &format!("role/{role}"))
            }),
            Self::TagResource => None,
        };
        found.unwrap_or_else(|| "*".to_owned())
    }
}

/// What policies call the service.
fn prefix(service: Service) -> &'static str {
    match service {
        Service::CloudWatch => "cloudwatch",
        other => other.name(),
    }
}

/// The first role that is handed on: of a task definition, a task's overrides, a lifecycle hook, a load balancer.
fn role(input: &Value) -> Option<&str> {
    const ROLES: [&str; 3] = ["executionRoleArn", "taskRoleArn", "roleArn"];
    match input {
        Value::Object(members) => members.iter().find_map(|(name, member)| {
            let named = ROLES.contains(&name.as_str()).then(|| member.as_str());
            named.unwrap_or_else(|| role(member))
        }),
        Value::Array(items) => items.iter().find_map(role),
        _ => None,
    }
}

/// The resource whose policies are asked, of the operations that policies allow by resource and a tool deploys with.
fn own_resource(call: &Call, world: &World) -> Option<String> {
    let text = |member: &str| {
        let value = &call.input[member];
        value.as_str().or_else(|| value[0].as_str())
    };
    let arn = |resource: String| {
        ids::arn(
            call.service.name(),
            &world.region,
            &world.account,
            &resource,
        )
    };
    if let Some(arn) = ["resourceArn", "RuleArn", "ListenerArn"]
        .into_iter()
        .find_map(text)
    {
        return Some(arn.to_owned());
    }
    match call.service {
        Service::Ssm => {
            let name = text("Name").or_else(|| text("Names"))?;
            Some(arn(format!("parameter/{}", name.trim_start_matches('/'))))
        }
        Service::Ecs if call.operation == "RegisterTaskDefinition" => {
            Some(arn(format!("task-definition/{}:*", text("family")?)))
        }
        Service::Ecs if call.operation.contains("Service") => {
            let service = ["service", "serviceName", "services"]
                .into_iter()
                .find_map(text)?;
            let last = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
            let cluster = last(text("cluster").unwrap_or("default"));
            Some(arn(format!("service/{cluster}/{}", last(service))))
        }
        Service::Ecr => Some(arn(format!("repository/{}", text("repositoryName")?))),
        _ => None,
    }
}
