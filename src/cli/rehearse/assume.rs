//! What gates ask that the copy cannot know: alarms, metrics of the user's own, URLs, one-off tasks and people are taken to
//! be well, so that a rehearsal shows when each gate is asked and how long that takes.
//!
//! **Invariant:** whatever is assumed here is named among the assumptions; what the copy itself can tell is asked of it.

use serde_json::json;

use crate::adapters::aws::Aws;
use crate::core::gate::{Bounds, Check, Gate, MetricCheck, MetricsRequest, Reply, Says, Word};
use crate::core::gate::{Measure, MetricQuery, Series, SeriesById};
use crate::core::id::TaskArn;
use crate::core::live::{Alarm, AlarmState, Task};
use crate::core::rollout::{Action, Facet, Fault, Observation, Receipt, Seen, Watch};
use crate::core::service::Intent;
use crate::ports::Cloud;

/// The one source of metrics that the copy has.
const MODELLED: &str = "AWS/ApplicationELB";

/// The copy, and an answer to whatever else gates ask.
pub struct Assuming<'a> {
    copy: &'a Aws,
    gates: Vec<&'a Gate>,
}

impl<'a> Assuming<'a> {
    pub fn new(copy: &'a Aws, intent: &'a Intent) -> Self {
        let gates = declared(intent);
        Self { copy, gates }
    }

    fn answer(&self, facet: Facet, seen: &mut Observation) {
        match facet {
            Facet::Alarms(names) => {
                seen.alarms.extend(names.into_iter().map(|name| {
                    let (state, reason) = (AlarmState::Ok, String::new());
                    (
                        name.clone(),
                        Seen::Is(Alarm {
                            name,
                            state,
                            reason,
                        }),
                    )
                }));
            }
            Facet::Metrics(request) => {
                let series = self.series(&request);
                seen.metrics.insert(request, Seen::Is(series));
            }
            Facet::Http(probe) => {
                let http = self.gates.iter().find_map(|gate| match &gate.check {
                    Check::Http(http) if http.probe == probe => Some(http),
                    _ => None,
                });
                let status = http.and_then(|http| http.statuses.first().copied());
                let reply = Reply {
                    status: status.unwrap_or(200),
                    body: http
                        .and_then(|http| http.contains.clone())
                        .unwrap_or_default(),
                    took: std::time::Duration::ZERO,
                };
                seen.replies.insert(probe, Seen::Is(reply));
            }
            Facet::OneOffTask(_, arn) => {
                let task = self.ended(&arn);
                seen.one_off_tasks.insert(arn, Seen::Is(task));
            }
            Facet::Approval(ask) => {
                let (says, by) = (Says::Yes, "the rehearsal".to_owned());
                seen.approvals.insert(ask, Seen::Is(Word { says, by }));
            }
            _ => {}
        }
    }

    /// Points within bounds, in each period that is asked for.
    fn series(&self, request: &MetricsRequest) -> SeriesById {
        let asked = |check: &&MetricCheck| {
            let ids = check.queries.iter().map(|query| &query.id);
            ids.eq(request.queries.iter().map(|query| &query.id))
        };
        let checks = self.gates.iter().filter_map(|gate| match &gate.check {
            Check::Metric(check) => Some(check),
            _ => None,
        });
        let check = checks.clone().find(asked);
        let value = |id: &str| match check {
            Some(MetricCheck {
                sample: Some(sample),
                ..
            }) if sample.id == id => sample.least,
            Some(MetricCheck {
                bounds: Bounds::Range { min, max },
                ..
            }) => min.or(*max).unwrap_or_default(),
            _ => 1.0,
        };
        let of = |query: &MetricQuery| {
            let points = request.window(query.period).periods();
            let series: Series = points.map(|at| (at, value(&query.id))).collect();
            (query.id.clone(), series)
        };
        request.queries.iter().map(of).collect()
    }

    fn ended(&self, arn: &TaskArn) -> Task {
        let named = self.gates.iter().find_map(|gate| match &gate.check {
            Check::Task(task) => task.container.clone(),
            _ => None,
        });
        Task::new(json!({
            "taskArn": arn,
            "lastStatus": "STOPPED",
            "stopCode": "EssentialContainerExited",
            "containers": [{"name": named.unwrap_or_default(), "exitCode": 0}],
        }))
    }
}

impl Cloud for Assuming<'_> {
    async fn observe(&self, watch: &Watch) -> Observation {
        let (known, assumed): (Watch, Watch) = watch.iter().cloned().partition(is_known);
        let mut seen = self.copy.observe(&known).await;
        for facet in assumed {
            self.answer(facet, &mut seen);
        }
        seen
    }

    async fn perform(&self, action: &Action) -> Result<Receipt, Fault> {
        let Action::RunTask { members } = action else {
            return self.copy.perform(action).await;
        };
        let token = members["clientToken"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let task = TaskArn::new(format!("task/{token}"));
        Ok(Receipt::Started { token, task })
    }
}

fn is_known(facet: &Facet) -> bool {
    match facet {
        Facet::Alarms(_) | Facet::Http(_) | Facet::OneOffTask(..) | Facet::Approval(_) => false,
        Facet::Metrics(request) => are_modelled(&request.queries),
        _ => true,
    }
}

fn are_modelled(queries: &[MetricQuery]) -> bool {
    queries.iter().all(|query| match &query.measure {
        Measure::Stat { namespace, .. } => namespace == MODELLED,
        Measure::Expression(_) => true,
    })
}

/// The gates that are taken to be well, in words.
pub fn assumptions(intent: &Intent) -> Vec<String> {
    let assumed = declared(intent).into_iter().filter_map(|gate| {
        let what = match &gate.check {
            Check::Alarms { .. } => "its alarms stay in OK",
            Check::Metric(check) if !are_modelled(&check.queries) => "its metric is within bounds",
            Check::Http(_) => "its URL answers as it should",
            Check::Task(_) => "its task ends with exit code 0",
            Check::Approval(_) => "somebody approves at once",
            _ => return None,
        };
        Some(format!("the gate {}: {what}", gate.name))
    });
    let mut assumed: Vec<String> = assumed.collect();
    assumed.dedup();
    assumed
}

fn declared(intent: &Intent) -> Vec<&Gate> {
    let of_steps = intent.steps.iter().filter_map(|step| step.gates.as_ref());
    intent.gates.iter().chain(of_steps).flatten().collect()
}
