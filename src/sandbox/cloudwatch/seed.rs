//! The CloudWatch part of a world file: switches, and alarms as `PutMetricAlarm` takes them. The `Value` of a
//! `LoadBalancer` or `TargetGroup` dimension may be the thing's name.

use serde_json::Value;

use crate::sandbox::cloudwatch::api::SERVICE;
use crate::sandbox::cloudwatch::model::Switches;
use crate::sandbox::cloudwatch::{alarm, publish};
use crate::sandbox::elb::{self, Elb};
use crate::sandbox::input::Input;
use crate::sandbox::{World, WorldError};

/// Takes over the world file's `cloudwatch` and `alarms`.
pub fn seed(world: &mut World, switches: Switches, alarms: Vec<Value>) -> Result<(), WorldError> {
    if switches.publication_delay.least > switches.publication_delay.most {
        return Err(WorldError::Invalid(
            "cloudwatch: publicationDelay.least is more than most".to_owned(),
        ));
    }
    world.cloudwatch.switches = switches;
    for (index, mut entry) in alarms.into_iter().enumerate() {
        resolve_names(&world.elb, &mut entry);
        let added = alarm::add(world, Input::new(SERVICE, "PutMetricAlarm", &entry));
        added
            .map_err(|error| WorldError::Invalid(format!("alarms[{index}]: {}", error.message)))?;
    }
    Ok(())
}

fn resolve_names(elb: &Elb, value: &mut Value) {
    if let Some(found) = dimension(elb, value) {
        value["Value"] = found.into();
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| resolve_names(elb, item)),
        Value::Object(members) => members
            .values_mut()
            .for_each(|member| resolve_names(elb, member)),
        _ => {}
    }
}

/// What a dimension that names a load balancer or a group should be.
fn dimension(elb: &Elb, value: &Value) -> Option<String> {
    let named = value.get("Value")?.as_str()?;
    match value.get("Name")?.as_str()? {
        "TargetGroup" => {
            elb::find_group(elb, named).map(|arn| publish::group_name(&arn).to_owned())
        }
        "LoadBalancer" => {
            let found = elb
                .load_balancers
                .values()
                .find(|balancer| balancer.name == named);
            found.map(|balancer| publish::balancer_name(&balancer.arn).to_owned())
        }
        _ => None,
    }
}
