//! Names of things in AWS, each its own type so that one is never passed for another.
//!
//! **Invariant:** a name is kept exactly as AWS or the user wrote it; views (`short`) only borrow from it.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            pub fn new(name: impl Into<String>) -> Self {
                Self(name.into())
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The last part: of an ARN what follows the last `/`, else the whole.
            pub fn short(&self) -> &str {
                self.0.rsplit('/').next().unwrap_or(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self(name.to_owned())
            }
        }
    };
}

name!(
    /// A cluster's name or ARN, as the user gave it.
    Cluster
);
name!(
    /// A service's name or ARN, as the user gave it.
    ServiceName
);
name!(
    /// `arn:…:task-definition/FAMILY:REVISION`.
    TaskDefinitionArn
);
name!(
    /// `ecs-svc/<digits>`: the id of an entry of `Service.deployments` or `taskSets`, and `startedBy` of its tasks. Of a
    /// deployment by CodeDeploy `d-<letters>`, which its task set has as `externalId`.
    DeploymentId
);
name!(
    /// `arn:…:service-deployment/CLUSTER/SERVICE/ID`, the pinnable name of one service deployment.
    ServiceDeploymentArn
);
name!(
    /// `arn:…:targetgroup/NAME/ID`.
    TargetGroupArn
);
name!(
    /// `arn:…:listener-rule/app/NAME/LB/LISTENER/ID`; default rules have one too.
    RuleArn
);
name!(
    /// `arn:…:task/CLUSTER/ID`.
    TaskArn
);

impl TargetGroupArn {
    /// `NAME` of `arn:…:targetgroup/NAME/ID`; what is no such ARN, whole.
    pub fn name(&self) -> &str {
        let named = self.0.split_once(":targetgroup/");
        let name = named.and_then(|(_, path)| path.split('/').next());
        name.unwrap_or(&self.0)
    }
}

impl RuleArn {
    /// In a few words that no other rule of the account has: `rule LISTENER/ID of app/NAME`, where a listener stands in a
    /// rule's place `listener ID of net/NAME`; what is neither, whole.
    pub fn brief(&self) -> String {
        let said = [(":listener-rule/", "rule"), (":listener/", "listener")];
        let said = said.into_iter().find_map(|(mark, kind)| {
            let (_, path) = self.0.split_once(mark)?;
            let mut parts = path.splitn(4, '/');
            let (sort, name, _, id) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
            Some(format!("{kind} {id} of {sort}/{name}"))
        });
        said.unwrap_or_else(|| self.0.clone())
    }

    /// The load balancer, as CloudWatch's dimension has it: `arn:…:listener-rule/app/NAME/LB/LISTENER/ID` -> `app/NAME/LB`.
    /// `None` for what is no rule's ARN.
    pub fn load_balancer(&self) -> Option<&str> {
        let (_, path) = self.0.split_once(":listener-rule/")?;
        let (listener, _) = path.rsplit_once('/')?;
        let (balancer, _) = listener.rsplit_once('/')?;
        Some(balancer)
    }
}

/// Which service: every call to ECS about it carries both names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ServiceKey {
    pub cluster: Cluster,
    pub service: ServiceName,
}

impl fmt::Display for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.cluster.short(), self.service.short())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_has_a_short_name_of_its_own() {
        let brief = |arn: &str| RuleArn::from(arn).brief();
        let prefix = "arn:aws:elasticloadbalancing:r:1";
        assert_eq!(
            brief(&format!("{prefix}:listener-rule/app/web/1a/2b/3c")),
            "rule 2b/3c of app/web"
        );
        assert_eq!(
            brief(&format!("{prefix}:listener/net/web/1a/2b")),
            "listener 2b of net/web"
        );
        assert_eq!(brief("rule-1"), "rule-1");
        let group = TargetGroupArn::new(format!("{prefix}:targetgroup/blue/1a"));
        assert_eq!(
            (group.name(), TargetGroupArn::from("g").name()),
            ("blue", "g")
        );
    }

    #[test]
    fn a_rules_load_balancer_is_read_off_its_name() {
        let of = |arn: &str| RuleArn::from(arn).load_balancer().map(str::to_owned);
        let rule = "arn:aws:elasticloadbalancing:r:1:listener-rule/app/web/1a/2b/3c";
        assert_eq!(of(rule).as_deref(), Some("app/web/1a"));
        assert_eq!(
            of("arn:aws:elasticloadbalancing:r:1:listener/net/web/1a/2b"),
            None
        );
    }
}
