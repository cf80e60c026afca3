//! What DescribeServiceDeployments shows of a native deployment.

use serde_json::{Value, json};

use crate::sandbox::ecs::document::Document;
use crate::sandbox::ecs::native::machine::Native;

impl Native {
    /// The members beside those of every service deployment.
    pub fn put_members(&self, answer: &mut Document) {
        answer.insert("lifecycleStage".into(), json!(self.stage.text()));
        if let Some(hooks) = self.runs.answer() {
            answer.insert("lifecycleHookDetails".into(), hooks);
        }
    }

    /// The weights of one revision's summary, in percent: what was last requested.
    pub fn put_weights(&self, number: u64, summary: &mut Value) {
        let (test, production) = if number == self.green {
            (self.test.percent(), self.production.percent())
        } else if Some(number) == self.blue {
            (self.test.rest().percent(), self.production.rest().percent())
        } else {
            (0.0, 0.0)
        };
        summary["requestedTestTrafficWeight"] = json!(test);
        summary["requestedProductionTrafficWeight"] = json!(production);
    }
}
