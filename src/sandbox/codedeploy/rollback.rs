//! Going back: a deployment that gives the traffic to blue again, and deletes green.

use serde_json::Value;

use crate::sandbox::codedeploy::deployments::{last_good, new_id};
use crate::sandbox::codedeploy::model::{Deployment, Event, Phase, Rollback, Status};
use crate::sandbox::codedeploy::run::{Step, point};
use crate::sandbox::codedeploy::shift::Shift;
use crate::sandbox::ecs::task_sets::{self, SetNumber};
use crate::sandbox::{ApiError, World, looking};

/// The deployment that undoes this one, which has ended.
pub fn of(world: &mut World, deployment: &mut Deployment) -> Deployment {
    let id = new_id(&mut world.rng);
    deployment.rollback.undone_by = Some(id.clone());
    let good = last_good(
        &world.code_deploy,
        &deployment.application,
        &deployment.group,
    );
    Deployment {
        id,
        shift: Shift::AllAtOnce,
        description: None,
        creator: "codeDeployRollback",
        spec: good.or_else(|| deployment.previous.clone()),
        previous: deployment.spec.clone(),
        status: Status::Created,
        error: None,
        created: world.now,
        started: None,
        completed: None,
        events: vec![Event::pending("AllowTraffic")],
        phase: Phase::Event(0),
        since: world.now,
        continued: true,
        rollback: Rollback {
            undone_by: None,
            undoes: Some(deployment.id.clone()),
        },
        ..deployment.clone()
    }
}

/// All traffic to blue, then green away. Blue is there: whatever is undone had not deleted it.
pub fn undo(world: &mut World, deployment: &mut Deployment) -> Result<Step, ApiError> {
    // Without a blue set the deployment ended before it did anything.
    if let Some(blue) = deployment.sets.blue {
        deployment.sets.percent = 0;
        let pair = deployment.pair.clone();
        point(world, deployment, &pair.production, 0);
        if let Some(test) = pair.test {
            point(world, deployment, &test, 0);
        }
        task_sets::promote(world, &deployment.service, blue)?;
    }
    if let Some(green) = deployment.sets.green {
        task_sets::delete(world, &deployment.service, green)?;
    }
    Ok(Step::Done)
}

/// The task sets beside the primary one.
pub fn left_behind(
    world: &mut World,
    deployment: &Deployment,
    primary: SetNumber,
) -> Vec<SetNumber> {
    let of = &deployment.service;
    let Some(service) = looking::service(world, &of.cluster, &of.service) else {
        return vec![];
    };
    let sets = service["taskSets"].as_array().into_iter().flatten();
    let number = |set: &Value| {
        set["id"]
            .as_str()?
            .rsplit('/')
            .next()?
            .parse()
            .ok()
            .map(SetNumber)
    };
    let others = sets
        .filter(|set| set["status"] != "DRAINING")
        .filter_map(number);
    others.filter(|set| *set != primary).collect()
}
