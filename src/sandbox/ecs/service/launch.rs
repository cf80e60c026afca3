//! One more task of a service.

use serde_json::{Value, json};

use super::state::Service;
use crate::sandbox::ecs::capacity;
use crate::sandbox::ecs::deployment::deployment_id;
use crate::sandbox::ecs::document::{is_true, text};
use crate::sandbox::ecs::launch::{Fleet, Order, launch_document};
use crate::sandbox::ecs::placement::Placement;
use crate::sandbox::ecs::state::Ground;
use crate::sandbox::ecs::task::Origin;

/// One more task of a deployment or task set; an error says what the closest instance lacks.
pub fn launch(
    service: &Service,
    number: u64,
    fleet: &mut Fleet<'_>,
    ground: &mut Ground<'_>,
) -> Result<String, String> {
    let revision = service.made_from(number);
    let definition = fleet.definition(revision.task_definition()).cloned();
    let definition = definition.ok_or_else(|| "Reason: the task definition is gone.".to_owned())?;
    let settings = revision.settings();
    let placed = |name: &str| placed(service, number, name, fleet);
    let provider = capacity::choose(&revision.document, placed).map(str::to_owned);
    let mut document = launch_document(
        &json!({ "containerOverrides": [], "inferenceAcceleratorOverrides": [] }),
        &service.document,
    );
    if let Some(name) = provider {
        document.insert("capacityProviderName".into(), json!(name));
    }
    let order = Order {
        definition: &definition,
        images: &revision.images,
        launch_type: revision.launch_type(),
        origin: Origin::Service {
            name: service.name.clone(),
            deployment: revision.number,
        },
        group: format!("service:{}", service.name),
        started_by: Some(deployment_id(revision.number)),
        placement: Placement::read(&service.document, &definition.document),
        settings: &settings,
        document,
        tags: propagated_tags(service, &definition.tags),
    };
    fleet
        .launch(order, ground)
        .map_err(|unplaced| unplaced.closest)
}

/// How many tasks of the deployment or task set a capacity provider has.
fn placed(service: &Service, number: u64, provider: &str, fleet: &Fleet<'_>) -> u64 {
    let tasks = service.live.iter().filter_map(|id| fleet.tasks.get(id));
    let of_provider = tasks.filter(|task| {
        task.is_wanted()
            && task.service().is_some_and(|(_, of)| of == number)
            && text(&task.document, "capacityProviderName") == Some(provider)
    });
    of_provider.count() as u64
}

fn propagated_tags(service: &Service, of_definition: &[Value]) -> Vec<Value> {
    let mut tags = match text(&service.document, "propagateTags") {
        Some("SERVICE") => service.tags.clone(),
        Some("TASK_DEFINITION") => of_definition.to_vec(),
        _ => Vec::new(),
    };
    if is_true(&service.document, "enableECSManagedTags") {
        tags.push(json!({ "key": "aws:ecs:clusterName", "value": service.cluster }));
        tags.push(json!({ "key": "aws:ecs:serviceName", "value": service.name }));
    }
    tags
}
