//! Service revisions as DescribeServiceRevisions and the summaries of a deployment show them.
//!
//! Source: ECS API reference, `ServiceRevision`, `ServiceRevisionSummary`.

use serde_json::{Value, json};

use crate::sandbox::ApiError;
use crate::sandbox::ecs::deployment::{Counts, ServiceRevision};
use crate::sandbox::ecs::document::Document;
use crate::sandbox::ecs::images::ResolvedImage;
use crate::sandbox::ecs::service::Service;
use crate::sandbox::ecs::service_deployment::{at_most_20, missing, owner};
use crate::sandbox::ecs::state::Ecs;

impl ServiceRevision {
    /// `ServiceRevisionSummary`, and `ServiceCurrentRevisionSummary` which has the same members for a rolling service.
    pub fn summary(&self, service: &Service, counts: &Counts) -> Value {
        let deployment = service
            .deployments
            .iter()
            .find(|deployment| deployment.number == self.number);
        json!({
            "arn": self.arn,
            "requestedTaskCount": deployment.map_or(0, |deployment| deployment.desired),
            "runningTaskCount": counts.running,
            "pendingTaskCount": counts.pending,
        })
    }

    fn answer(&self, service: &Service) -> Value {
        let mut answer = self.document.clone();
        let mut put = |key: &str, value: Value| answer.insert(key.to_owned(), value);
        put("serviceRevisionArn", json!(self.arn));
        put("serviceArn", json!(service.arn));
        put("clusterArn", json!(service.cluster_arn));
        put(
            "containerImages",
            self.images.iter().map(ResolvedImage::answer).collect(),
        );
        if let Some(resolved) = self.resolved_configuration() {
            put("resolvedConfiguration", resolved);
        }
        put("guardDutyEnabled", json!(false));
        put("createdAt", self.created_at.epoch_seconds());
        Value::Object(answer)
    }
}

/// DescribeServiceRevisions: at most 20.
pub fn describe(ecs: &mut Ecs, input: &Document) -> Result<Value, ApiError> {
    let arns = at_most_20(input, "serviceRevisionArns")?;
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for arn in arns {
        let answer = owner(ecs, arn).and_then(|(cluster, name)| {
            let service = &cluster.services[&name];
            let revision = service
                .revisions
                .values()
                .find(|revision| revision.arn == arn)?;
            Some(revision.answer(service))
        });
        match answer {
            Some(answer) => found.push(answer),
            None => failures.push(missing(arn)),
        }
    }
    Ok(json!({ "serviceRevisions": found, "failures": failures }))
}
