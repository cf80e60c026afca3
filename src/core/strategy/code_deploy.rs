//! Services of the CODE_DEPLOY controller: which deployment group deploys them, and with which AppSpec.
//!
//! Source: CodeDeploy user guide, "AppSpec 'resources' section (Amazon ECS)".

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::Choice;
use super::refuse::needs_ecs;
use crate::core::id::ServiceKey;
use crate::core::live::{DeploymentGroup, GroupKey, Readiness, Service, TaskSet};
use crate::core::plan::{CodeDeploy, Moves, Refusal, Strategy, Survey};
use crate::core::service::{CanarySize, CodeDeployAsked, Intent, StrategyAsked};

pub fn choose(intent: &Intent, target: &ServiceKey, survey: &Survey) -> Result<Choice, Refusal> {
    check_asked(intent.strategy)?;
    let asked = &intent.code_deploy;
    let found = survey.code_deploy.as_ref().map(|found| &found.group);
    let config = asked.config.as_deref();
    let config = config.or_else(|| found.map(DeploymentGroup::config));
    let kept = found.map_or(0, DeploymentGroup::termination_minutes);
    let balancer = found.and_then(DeploymentGroup::production_listener);
    let appspec = match &asked.appspec {
        Some(appspec) => appspec.clone(),
        None => generated(&survey.service)?,
    };
    Ok(Choice {
        strategy: Strategy::CodeDeploy(CodeDeploy {
            group: found.map_or_else(|| named(asked, target), DeploymentGroup::key),
            config: asked.config.clone(),
            appspec,
            moves: moves(config.unwrap_or_default()),
            waits: found.and_then(waits),
            kept: Duration::from_mins(kept),
            blue: survey.service.serving_group(),
            load_balancer: balancer.and_then(load_balancer),
        }),
        why: "the service's deployment controller is CODE_DEPLOY".to_owned(),
    })
}

fn waits(group: &DeploymentGroup) -> Option<u64> {
    match group.readiness() {
        Readiness::Waits { minutes } => Some(minutes),
        Readiness::GoesOn => None,
    }
}

/// What the name of a predefined configuration says (CodeDeploy user guide, "deployment configurations on an Amazon ECS
/// compute platform"); of any other nothing is known but that it ends at 100 %.
fn moves(config: &str) -> Moves {
    let name = config.strip_prefix("CodeDeployDefault.ECS");
    let (percents, minutes) = match name.unwrap_or_default() {
        "Linear10PercentEvery1Minutes" => ((10..100).step_by(10).collect(), 9),
        "Linear10PercentEvery3Minutes" => ((10..100).step_by(10).collect(), 27),
        "Canary10Percent5Minutes" => (vec![10], 5),
        "Canary10Percent15Minutes" => (vec![10], 15),
        _ => (Vec::new(), 0),
    };
    Moves {
        config: config.to_owned(),
        percents,
        takes: Duration::from_mins(minutes),
    }
}

/// `arn:…:listener/app/NAME/ID/LISTENER` -> `app/NAME/ID`.
fn load_balancer(listener: &str) -> Option<String> {
    let (_, name) = listener.split_once(":listener/")?;
    let (balancer, _) = name.rsplit_once('/')?;
    Some(balancer.to_owned())
}

/// The names that the ECS console and AWS's own actions give, where none are asked for.
pub fn named(asked: &CodeDeployAsked, target: &ServiceKey) -> GroupKey {
    let (cluster, service) = (target.cluster.short(), target.service.short());
    let application = asked.application.clone();
    let group = asked.group.clone();
    GroupKey {
        application: application.unwrap_or_else(|| format!("AppECS-{cluster}-{service}")),
        group: group.unwrap_or_else(|| format!("DgpECS-{cluster}-{service}")),
    }
}

/// How traffic moves is the deployment configuration's word, so a strategy of another name is not guessed at.
fn check_asked(asked: StrategyAsked) -> Result<(), Refusal> {
    let (asked, config) = match asked {
        StrategyAsked::Auto | StrategyAsked::CodeDeploy => return Ok(()),
        StrategyAsked::Rolling => ("a rolling deployment", "CodeDeployDefault.ECSAllAtOnce"),
        StrategyAsked::BlueGreen => (
            "ECS's own blue/green shift",
            "CodeDeployDefault.ECSAllAtOnce",
        ),
        StrategyAsked::Canary(CanarySize::Percent(_)) => (
            "ECS's own canary",
            "CodeDeployDefault.ECSCanary10Percent5Minutes",
        ),
        StrategyAsked::Canary(CanarySize::Tasks(_)) => (
            "a canary beside it",
            "CodeDeployDefault.ECSCanary10Percent5Minutes",
        ),
        StrategyAsked::Linear(_) => (
            "ECS's own linear shift",
            "CodeDeployDefault.ECSLinear10PercentEvery1Minutes",
        ),
        StrategyAsked::TaskSets => (
            "a weighted shift between task sets",
            "CodeDeployDefault.ECSAllAtOnce",
        ),
    };
    let instead = format!(
        "CodeDeploy moves the traffic as its deployment configuration says: --codedeploy-deployment-config {config}"
    );
    Err(needs_ecs(asked, "CODE_DEPLOY", &instead))
}

/// What the primary task set has, so that nothing but the task definition changes.
fn generated(service: &Service) -> Result<Value, Refusal> {
    let refused = |lacks: &str, change: &str| Refusal::Strategy {
        asked: "a deployment by CodeDeploy",
        lacks: lacks.to_owned(),
        change: vec![change.to_owned()],
    };
    let set = service.primary_task_set();
    let member = |name: &str| {
        let of_set = set.and_then(|set: TaskSet<'_>| set.member(name));
        of_set.or_else(|| service.as_value().get(name).filter(|it| !it.is_null()))
    };
    let balancer = member("loadBalancers").and_then(|balancers| balancers.get(0));
    let Some(balancer) = balancer else {
        return Err(refused(
            "it has no load balancer",
            "CodeDeploy moves traffic between two target groups of a load balancer; deploy without one by the ECS controller",
        ));
    };
    let mut properties = Map::new();
    properties.insert("TaskDefinition".to_owned(), json!(""));
    let container = json!({
        "ContainerName": balancer["containerName"],
        "ContainerPort": balancer["containerPort"],
    });
    properties.insert("LoadBalancerInfo".to_owned(), container);
    for name in [
        "platformVersion",
        "networkConfiguration",
        "capacityProviderStrategy",
    ] {
        if let Some(value) = member(name).filter(|value| !is_empty(value)) {
            properties.insert(large(name), spelled(value));
        }
    }
    Ok(json!({
        "version": 1,
        "Resources": [{"TargetService": {"Type": "AWS::ECS::Service", "Properties": properties}}],
    }))
}

fn is_empty(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty) || value == ""
}

/// The same document in the AppSpec's spelling: members begin with a capital letter.
fn spelled(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (large(name), spelled(value)))
            .collect(),
        Value::Array(items) => items.iter().map(spelled).collect(),
        plain => plain.clone(),
    }
}

fn large(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_appspec_is_the_primary_task_set_in_capital_letters() {
        let service = Service::new(json!({"taskSets": [{
            "status": "PRIMARY",
            "platformVersion": "1.4.0",
            "capacityProviderStrategy": [],
            "loadBalancers": [{"targetGroupArn": "blue", "containerName": "web", "containerPort": 3000}],
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"], "assignPublicIp": "DISABLED"}},
        }]}));
        let target =
            |appspec: &Value| appspec["Resources"][0]["TargetService"]["Properties"].clone();
        assert_eq!(
            target(&generated(&service).unwrap()),
            json!({
                "TaskDefinition": "",
                "LoadBalancerInfo": {"ContainerName": "web", "ContainerPort": 3000},
                "PlatformVersion": "1.4.0",
                "NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": ["subnet-1"], "AssignPublicIp": "DISABLED"}},
            })
        );
        let error = generated(&Service::new(json!({}))).unwrap_err();
        assert!(error.to_string().contains("no load balancer"), "{error}");
    }

    #[test]
    fn what_a_predefined_configuration_does_is_known_by_its_name() {
        for (name, percents, minutes) in [
            ("CodeDeployDefault.ECSAllAtOnce", 0, 0),
            ("CodeDeployDefault.ECSCanary10Percent15Minutes", 1, 15),
            ("CodeDeployDefault.ECSLinear10PercentEvery3Minutes", 9, 27),
            ("shop-slowly", 0, 0),
        ] {
            let moves = moves(name);
            assert_eq!(moves.percents.len(), percents, "{name}");
            assert_eq!(moves.takes, Duration::from_mins(minutes), "{name}");
        }
        let listener = "arn:aws:elasticloadbalancing:r:1:listener/app/web/1a/2b";
        assert_eq!(load_balancer(listener).as_deref(), Some("app/web/1a"));
    }

    #[test]
    fn a_strategy_of_ecs_is_refused_with_codedeploys_word_for_it() {
        for (asked, hint) in [
            (
                StrategyAsked::Canary(CanarySize::Percent(10.0)),
                "ECSCanary10Percent",
            ),
            (StrategyAsked::Linear(10.0), "ECSLinear10Percent"),
            (StrategyAsked::Rolling, "ECSAllAtOnce"),
        ] {
            let Err(Refusal::Strategy { change, .. }) = check_asked(asked) else {
                panic!("{asked:?} is not refused");
            };
            assert!(change[0].contains(hint), "{change:?}");
        }
    }
}
