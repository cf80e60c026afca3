//! Looks at ECS as a client would: through its own operations, in batches of the sizes that they take.
//!
//! **Invariant:** what is seen here is what AWS's clients see, so that no second account of it can be wrong.

use serde_json::{Value, json};

use crate::sandbox::{ApiError, World, ecs};

const SERVICES_PER_CALL: usize = 10;
const TASKS_PER_CALL: usize = 100;

/// The ARNs of all active clusters.
pub fn clusters(world: &mut World) -> Result<Vec<String>, ApiError> {
    all(world, "ListClusters", &json!({}), "clusterArns")
}

/// The services of all clusters, each as `DescribeServices` shows it.
pub fn services(world: &mut World) -> Result<Vec<Value>, ApiError> {
    let mut found = vec![];
    for cluster in clusters(world)? {
        let arns = all(
            world,
            "ListServices",
            &json!({"cluster": cluster, "maxResults": 100}),
            "serviceArns",
        )?;
        for some in arns.chunks(SERVICES_PER_CALL) {
            let input = json!({"cluster": cluster, "services": some});
            found.extend(list(world, "DescribeServices", &input, "services")?);
        }
    }
    Ok(found)
}

/// The tasks of all clusters, stopped ones too, each as `DescribeTasks` shows it.
pub fn tasks(world: &mut World) -> Result<Vec<Value>, ApiError> {
    let mut found = vec![];
    for cluster in clusters(world)? {
        let mut arns = vec![];
        for status in ["RUNNING", "STOPPED"] {
            let input = json!({"cluster": cluster, "desiredStatus": status});
            arns.extend(all(world, "ListTasks", &input, "taskArns")?);
        }
        for some in arns.chunks(TASKS_PER_CALL) {
            let input = json!({"cluster": cluster, "tasks": some});
            found.extend(list(world, "DescribeTasks", &input, "tasks")?);
        }
    }
    Ok(found)
}

/// One service, if it is there.
pub fn service(world: &mut World, cluster: &str, name: &str) -> Option<Value> {
    let input = json!({"cluster": cluster, "services": [name]});
    list(world, "DescribeServices", &input, "services")
        .ok()?
        .pop()
}

/// All pages of a list of ARNs.
fn all(world: &mut World, op: &str, input: &Value, member: &str) -> Result<Vec<String>, ApiError> {
    let (mut found, mut input) = (vec![], input.clone());
    loop {
        let page = ecs::answer(world, op, &input)?;
        let arns = page[member].as_array().into_iter().flatten();
        found.extend(arns.filter_map(Value::as_str).map(str::to_owned));
        match page["nextToken"].as_str() {
            Some(token) => input["nextToken"] = token.into(),
            None => return Ok(found),
        }
    }
}

fn list(world: &mut World, op: &str, input: &Value, member: &str) -> Result<Vec<Value>, ApiError> {
    match ecs::answer(world, op, input)?[member].take() {
        Value::Array(items) => Ok(items),
        _ => Ok(vec![]),
    }
}
