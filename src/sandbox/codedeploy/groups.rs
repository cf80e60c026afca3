//! Applications, deployment groups and deployment configurations.

use serde_json::{Value, json};

use crate::sandbox::codedeploy::api::{fail, need, page};
use crate::sandbox::codedeploy::model::{Application, Group, Pair};
use crate::sandbox::codedeploy::shift::{DEFAULT, Shift, predefined};
use crate::sandbox::ecs::task_sets::Driven;
use crate::sandbox::elb::find_group;
use crate::sandbox::input::Input;
use crate::sandbox::{ApiError, World, ids, looking};

const MEMBERS: [&str; 12] = [
    "applicationName",
    "deploymentGroupName",
    "deploymentConfigName",
    "serviceRoleArn",
    "alarmConfiguration",
    "autoRollbackConfiguration",
    "outdatedInstancesStrategy",
    "deploymentStyle",
    "blueGreenDeploymentConfiguration",
    "loadBalancerInfo",
    "ecsServices",
    "tags",
];

pub fn create_application(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["applicationName", "computePlatform", "tags"])?;
    let name = need(input, "applicationName", "ApplicationNameRequiredException")?;
    match input.text("computePlatform") {
        Some("ECS") => {}
        other => {
            return Err(
                input.not_modelled(&format!("computePlatform {}", other.unwrap_or("Server")))
            );
        }
    }
    if world.code_deploy.applications.contains_key(name) {
        return fail(
            "ApplicationAlreadyExistsException",
            &format!("An application named {name} already exists"),
        );
    }
    let id = ids::uuid(&mut world.named("codedeploy-application", name));
    let application = Application {
        id: id.clone(),
        created: world.now,
    };
    world
        .code_deploy
        .applications
        .insert(name.to_owned(), application);
    Ok(json!({"applicationId": id}))
}

pub fn get_application(world: &World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["applicationName"])?;
    let name = need(input, "applicationName", "ApplicationNameRequiredException")?;
    let Some(application) = world.code_deploy.applications.get(name) else {
        return fail(
            "ApplicationDoesNotExistException",
            &format!("No application found for name: {name}"),
        );
    };
    Ok(json!({"application": {
        "applicationId": application.id,
        "applicationName": name,
        "createTime": application.created.epoch_seconds(),
        "linkedToGitHub": false,
        "computePlatform": "ECS",
    }}))
}

pub fn list_applications(world: &World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["nextToken"])?;
    page(
        input,
        "applications",
        world.code_deploy.applications.keys().cloned().collect(),
    )
}

pub fn create_group(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&MEMBERS)?;
    let application = need(input, "applicationName", "ApplicationNameRequiredException")?;
    let name = need(
        input,
        "deploymentGroupName",
        "DeploymentGroupNameRequiredException",
    )?;
    need(input, "serviceRoleArn", "RoleRequiredException")?;
    if world.code_deploy.group(application, name).is_ok() {
        return fail(
            "DeploymentGroupAlreadyExistsException",
            &format!("Deployment group name {name} already exists"),
        );
    }
    if !world.code_deploy.applications.contains_key(application) {
        return fail(
            "ApplicationDoesNotExistException",
            &format!("No application found for name: {application}"),
        );
    }
    let key = format!("{application}/{name}");
    let id = ids::uuid(&mut world.named("codedeploy-group", &key));
    let mut group = read_group(world, input, id.clone())?;
    if group.document.get("deploymentConfigName").is_none() {
        group.document["deploymentConfigName"] = DEFAULT.into();
    }
    world
        .code_deploy
        .groups
        .insert((application.to_owned(), name.to_owned()), group);
    Ok(json!({"deploymentGroupId": id}))
}

/// Checks a group's settings, and finds what they name.
fn read_group(world: &mut World, input: Input<'_>, id: String) -> Result<Group, ApiError> {
    if let Some(config) = input.text("deploymentConfigName") {
        world.code_deploy.shift(config)?;
    }
    let style = input.at("deploymentStyle");
    let style = |member: &str| style.and_then(|style| style.text(member));
    if style("deploymentType") != Some("BLUE_GREEN")
        || style("deploymentOption") != Some("WITH_TRAFFIC_CONTROL")
    {
        return fail(
            "InvalidDeploymentStyleException",
            "For ECS deployment group, deploymentType must be BLUE_GREEN and deploymentOption must be WITH_TRAFFIC_CONTROL",
        );
    }
    let blue_green = input.at("blueGreenDeploymentConfiguration");
    let terminate = blue_green.and_then(|b| b.at("terminateBlueInstancesOnDeploymentSuccess"));
    if terminate.and_then(|t| t.text("action")) == Some("KEEP_ALIVE") {
        return Err(input.not_modelled("action KEEP_ALIVE"));
    }
    Ok(Group {
        id,
        document: input.value().clone(),
        service: read_service(world, input)?,
        pair: read_pair(world, input)?,
    })
}

fn read_service(world: &mut World, input: Input<'_>) -> Result<Driven, ApiError> {
    let mut services = input.each("ecsServices");
    let (Some(service), None) = (services.next(), services.next()) else {
        return fail(
            "InvalidECSServiceException",
            "Deployment group for ECS must have exactly one ECS service",
        );
    };
    let (cluster, name) = (
        service.text("clusterName").unwrap_or("default"),
        service.need("serviceName")?,
    );
    let found = looking::service(world, cluster, name);
    if found.is_none_or(|found| found["deploymentController"]["type"] != "CODE_DEPLOY") {
        return fail(
            "InvalidECSServiceException",
            &format!(
                "The ECS service {name} in cluster {cluster} does not exist, or its deployment controller is not CODE_DEPLOY"
            ),
        );
    }
    Ok(Driven {
        cluster: cluster.to_owned(),
        service: name.to_owned(),
    })
}

fn read_pair(world: &World, input: Input<'_>) -> Result<Pair, ApiError> {
    let invalid = |text: &str| ApiError::client("InvalidTargetGroupPairException", text);
    let info = input.at("loadBalancerInfo");
    let mut pairs = info
        .into_iter()
        .flat_map(|info| info.each("targetGroupPairInfoList"));
    let (Some(pair), None) = (pairs.next(), pairs.next()) else {
        return Err(invalid(
            "Deployment group for ECS must have exactly one target group pair",
        ));
    };
    let groups: Vec<String> = pair
        .each("targetGroups")
        .filter_map(|group| find_group(&world.elb, group.text("name")?))
        .collect();
    let groups: [String; 2] = groups
        .try_into()
        .map_err(|_| invalid("A target group pair must name exactly two existing target groups"))?;
    let listener = |route: &str| {
        let listeners = pair.at(route).map(|route| route.texts("listenerArns"));
        listeners.and_then(|arns| arns.first().map(|arn| (*arn).to_owned()))
    };
    let production = listener("prodTrafficRoute")
        .filter(|arn| world.elb.listeners.contains_key(arn))
        .ok_or_else(|| invalid("The production traffic route must name an existing listener"))?;
    let test = listener("testTrafficRoute");
    if test
        .as_ref()
        .is_some_and(|arn| !world.elb.listeners.contains_key(arn))
    {
        return Err(invalid(
            "The test traffic route must name an existing listener",
        ));
    }
    Ok(Pair {
        groups,
        production,
        test,
    })
}

/// Changes the settings that are given; deployments that run keep theirs.
pub fn update_group(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let mut known = MEMBERS.to_vec();
    known[1] = "currentDeploymentGroupName";
    let input = input.only(&known)?;
    let application = need(input, "applicationName", "ApplicationNameRequiredException")?;
    let name = need(
        input,
        "currentDeploymentGroupName",
        "DeploymentGroupNameRequiredException",
    )?;
    let group = world.code_deploy.group(application, name)?;
    let (id, mut document) = (group.id.clone(), group.document.clone());
    for (member, value) in input.value().as_object().into_iter().flatten() {
        if member != "currentDeploymentGroupName" && !value.is_null() {
            document[member] = value.clone();
        }
    }
    let group = read_group(
        world,
        Input::new("codedeploy", "UpdateDeploymentGroup", &document),
        id,
    )?;
    world
        .code_deploy
        .groups
        .insert((application.to_owned(), name.to_owned()), group);
    Ok(json!({}))
}

pub fn get_group(world: &World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["applicationName", "deploymentGroupName"])?;
    let application = need(input, "applicationName", "ApplicationNameRequiredException")?;
    let name = need(
        input,
        "deploymentGroupName",
        "DeploymentGroupNameRequiredException",
    )?;
    let group = world.code_deploy.group(application, name)?;
    let mut info = group.document.clone();
    if let Some(members) = info.as_object_mut() {
        members.remove("tags");
    }
    info["deploymentGroupId"] = group.id.clone().into();
    info["computePlatform"] = "ECS".into();
    Ok(json!({"deploymentGroupInfo": info}))
}

pub fn list_groups(world: &World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["applicationName", "nextToken"])?;
    let application = need(input, "applicationName", "ApplicationNameRequiredException")?;
    let groups = world.code_deploy.groups.keys();
    let names = groups
        .filter(|(of, _)| of == application)
        .map(|(_, name)| name.clone());
    let mut output = page(input, "deploymentGroups", names.collect())?;
    output["applicationName"] = application.into();
    Ok(output)
}

pub fn create_config(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&[
        "deploymentConfigName",
        "trafficRoutingConfig",
        "computePlatform",
    ])?;
    let name = need(
        input,
        "deploymentConfigName",
        "DeploymentConfigNameRequiredException",
    )?;
    if input.text("computePlatform") != Some("ECS") {
        return Err(input.not_modelled("another computePlatform than ECS"));
    }
    if world.code_deploy.shift(name).is_ok() {
        return fail(
            "DeploymentConfigAlreadyExistsException",
            &format!("Deployment Configuration {name} already exists"),
        );
    }
    let shift = match input.at("trafficRoutingConfig") {
        Some(routing) => Shift::read(routing)?,
        None => Shift::AllAtOnce,
    };
    world.code_deploy.configs.insert(name.to_owned(), shift);
    Ok(json!({"deploymentConfigId": ids::uuid(&mut world.named("codedeploy-config", name))}))
}

pub fn get_config(world: &World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["deploymentConfigName"])?;
    let name = need(
        input,
        "deploymentConfigName",
        "DeploymentConfigNameRequiredException",
    )?;
    let shift = world.code_deploy.shift(name)?;
    let mut info = json!({
        "deploymentConfigName": name,
        "computePlatform": "ECS",
        "trafficRoutingConfig": shift.show(),
    });
    if predefined(name).is_none() {
        info["deploymentConfigId"] = ids::uuid(&mut world.named("codedeploy-config", name)).into();
    }
    Ok(json!({"deploymentConfigInfo": info}))
}
