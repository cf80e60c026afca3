//! Between the machine and the gates: what gates need becomes facets and one action, what was seen becomes samples.
//!
//! A strategy calls [`hear`] with each observation, and while the verdict is to wait, [`look`] for what its turn watches.
//! **Invariant:** decides nothing: verdicts are `core::gate`'s, and what follows from them is the strategy's.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;

use super::{Action, Facet, Observation, Receipt, Seen, Watch, Wish};
use crate::core::errand::{Errand, placement};
use crate::core::gate::{
    Ask, Gate, GateProgress, Judgement, Metrics, MetricsRequest, Need, Run, Sample, Samples, Says,
    Subject, Word, judge, needs, wake_at,
};
use crate::core::id::{TargetGroupArn, TaskDefinitionArn};
use crate::core::live::{Service, Target};

/// What a turn watches, does and waits for on behalf of its gates.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Look {
    pub watch: Watch,
    /// A one-off task to be run.
    pub act: Option<Action>,
    pub wake_at: Option<Timestamp>,
}

/// What the gates have to see when the turn wakes, `latest` at the latest: what is not due then is not asked for.
/// `service` is what one-off tasks take their network and capacity from.
pub fn look(
    gates: &[Gate],
    progress: &GateProgress,
    subject: &Subject,
    service: &Service,
    now: Timestamp,
    latest: Timestamp,
) -> Look {
    let due = wake_at(gates, progress, now).map_or(latest, |at| at.min(latest));
    let then = due.max(now);
    let mut look = Look {
        wake_at: Some(then),
        ..Look::default()
    };
    for need in needs(gates, progress, subject, then).values() {
        look.watch.extend(facets(need, subject));
    }
    for need in needs(gates, progress, subject, now).values() {
        if let Need::Run(run) = need
            && look.act.is_none()
        {
            look.act = run_task(run, subject, service).ok();
        }
    }
    if look.act.is_some() {
        look.wake_at = Some(now);
    }
    look
}

/// Takes in what was seen, and gives the verdict.
pub fn hear(
    gates: &[Gate],
    progress: &GateProgress,
    subject: &Subject,
    service: &Service,
    seen: &Observation,
    now: Timestamp,
) -> (GateProgress, Judgement) {
    let samples: Samples = needs(gates, progress, subject, now)
        .into_iter()
        .filter_map(|(gate, need)| Some((gate, sample(&need, subject, service, seen)?)))
        .collect();
    judge(gates, progress, subject, &samples, now)
}

fn facets(need: &Need, subject: &Subject) -> Vec<Facet> {
    let key = &subject.new.service;
    match need {
        Need::Tasks => vec![
            Facet::RunningTasks(key.clone()),
            Facet::StoppedTasks(key.clone()),
        ],
        Need::Targets => {
            let groups = subject.new.places.iter().flatten().cloned();
            let running = Facet::RunningTasks(key.clone());
            std::iter::once(running)
                .chain(groups.map(Facet::Targets))
                .collect()
        }
        Need::Alarms(names) => vec![Facet::Alarms(names.clone())],
        Need::Metrics { new, old } => std::iter::once(new)
            .chain(old)
            .cloned()
            .map(Facet::Metrics)
            .collect(),
        Need::Http(probe) => vec![Facet::Http(probe.clone())],
        Need::Task(task) => vec![Facet::OneOffTask(key.cluster.clone(), task.clone())],
        Need::Approval(ask) => vec![Facet::Approval(ask.clone())],
        Need::Run(_) | Need::Impossible(_) => Vec::new(),
    }
}

/// The answer to a need; `None` if it was not asked yet.
fn sample(need: &Need, subject: &Subject, service: &Service, seen: &Observation) -> Option<Sample> {
    Some(match need {
        Need::Tasks => {
            let running = is(&seen.running_tasks);
            match (running, is(&seen.stopped_tasks)) {
                (Ok(running), Ok(stopped)) => Sample::Tasks {
                    running: running?.clone(),
                    stopped: stopped?.clone(),
                },
                (Err(why), _) | (_, Err(why)) => Sample::Unreadable(why),
            }
        }
        Need::Targets => match (is(&seen.running_tasks), groups(subject, seen)) {
            (Ok(running), Ok(groups)) => Sample::Targets {
                running: running?.clone(),
                groups: groups?,
            },
            (Err(why), _) | (_, Err(why)) => Sample::Unreadable(why),
        },
        Need::Alarms(names) => {
            let mut alarms = Vec::new();
            for name in names {
                match seen.alarms.get(name)? {
                    Seen::Is(alarm) => alarms.push(alarm.clone()),
                    Seen::Absent => {}
                    Seen::Unreadable(fault) => return Some(Sample::Unreadable(fault.to_string())),
                    Seen::NotAsked => return None,
                }
            }
            Sample::Alarms(alarms)
        }
        Need::Metrics { new, old } => return metrics(new, old.as_ref(), seen),
        Need::Http(probe) => taken(seen.replies.get(probe)?, |reply| {
            reply.cloned().map(Sample::Http)
        })?,
        Need::Task(arn) => taken(seen.one_off_tasks.get(arn)?, |task| {
            Some(Sample::Task(task.cloned()))
        })?,
        Need::Approval(ask) => return approval(ask, seen),
        Need::Run(run) => match run_task(run, subject, service) {
            Ok(_) => return started(run, seen),
            Err(why) => Sample::Unreadable(why),
        },
        Need::Impossible(why) => Sample::Unreadable(why.clone()),
    })
}

/// `ecsdeploy promote` says yes to whatever the rollout asks.
fn approval(ask: &Ask, seen: &Observation) -> Option<Sample> {
    if let Some(Wish::Promote { by }) = &seen.wish {
        let (says, by) = (Says::Yes, by.clone());
        return Some(Sample::Approval(Some(Word { says, by })));
    }
    taken(seen.approvals.get(ask)?, |word| {
        Some(Sample::Approval(word.cloned()))
    })
}

/// What is there, `Ok(None)` if it was not asked for, `Err` if it could not be read.
fn is<T>(seen: &Seen<T>) -> Result<Option<&T>, String> {
    match seen {
        Seen::Is(it) => Ok(Some(it)),
        Seen::NotAsked => Ok(None),
        Seen::Absent => Err("there is nothing of that kind".to_owned()),
        Seen::Unreadable(fault) => Err(fault.to_string()),
    }
}

fn taken<T>(seen: &Seen<T>, sample: impl Fn(Option<&T>) -> Option<Sample>) -> Option<Sample> {
    match seen {
        Seen::Is(it) => sample(Some(it)),
        Seen::Absent => sample(None),
        Seen::NotAsked => None,
        Seen::Unreadable(fault) => Some(Sample::Unreadable(fault.to_string())),
    }
}

type Groups = BTreeMap<TargetGroupArn, Vec<Target>>;

fn groups(subject: &Subject, seen: &Observation) -> Result<Option<Groups>, String> {
    let mut groups = Groups::new();
    for arn in subject.new.places.iter().flatten() {
        let targets = seen.targets.get(arn).unwrap_or(&Seen::NotAsked);
        match is(targets)? {
            Some(targets) => groups.insert(arn.clone(), targets.clone()),
            None => return Ok(None),
        };
    }
    Ok(Some(groups))
}

/// A minute may have passed between the asking and the answer: the newest answer to the same queries counts, with
/// the window that was asked for.
fn metrics(
    new: &MetricsRequest,
    old: Option<&MetricsRequest>,
    seen: &Observation,
) -> Option<Sample> {
    let answer = |wanted: &MetricsRequest| {
        let mut answers = seen.metrics.iter().rev();
        answers.find(|(asked, _)| asked.asks_as(wanted))
    };
    let (asked, of_new) = answer(new)?;
    let of_old = match old {
        Some(old) => Some(answer(old).filter(|(there, _)| there.to == asked.to)?.1),
        None => None,
    };
    let both = (is(of_new), of_old.map(is).transpose());
    let period = new.queries.first().map_or(60, |query| query.period);
    match both {
        (Ok(new), Ok(old)) => Some(Sample::Metrics(Metrics {
            window: asked.window(period),
            new: new?.clone(),
            old: match old {
                Some(old) => old?.clone(),
                None => BTreeMap::new(),
            },
        })),
        (Err(why), _) | (_, Err(why)) => Some(Sample::Unreadable(why)),
    }
}

fn started(run: &Run, seen: &Observation) -> Option<Sample> {
    match seen.receipt.as_ref()? {
        Ok(Receipt::Started { token, task }) if *token == run.token => {
            Some(Sample::Started(task.clone()))
        }
        // Also where there was no answer: tried again at the next look, the client token makes the task once.
        Err(fault) if fault.operation == "RunTask" => Some(Sample::Unreadable(fault.to_string())),
        _ => None,
    }
}

/// RunTask as the service itself runs its tasks: its network, its capacity, its platform version.
fn run_task(run: &Run, subject: &Subject, service: &Service) -> Result<Action, String> {
    let mut members = placement(service);
    if !run.task.command.is_empty() {
        let container = command_container(run, service)?;
        let command = json!({"name": container, "command": run.task.command});
        let overrides = json!({"containerOverrides": [command]});
        members.insert("overrides".to_owned(), overrides);
    }
    let named = run.task.task_definition.as_deref();
    let errand = Errand {
        cluster: subject.new.service.cluster.clone(),
        task_definition: named.map_or_else(
            || subject.new.task_definition.clone(),
            TaskDefinitionArn::from,
        ),
        token: run.token.clone(),
        members,
        containers: Vec::new(),
    };
    let members = errand.request();
    Ok(Action::RunTask { members })
}

fn command_container(run: &Run, service: &Service) -> Result<String, String> {
    let balanced = service.load_balancers().into_iter().next();
    let named = run.task.container.clone();
    named
        .or(balanced.map(|balancer| balancer.container))
        .ok_or_else(|| {
            "the service has no load balancer that tells which container runs the command: \
             name the container"
                .to_owned()
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::gate::{Check, Comparison, OneOff, Quiet, Series, SeriesById, Side, Verdict};
    use crate::core::live::{Alarm, AlarmState};
    use crate::core::rollout::{Fault, FaultKind};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_040 + seconds).unwrap()
    }

    fn subject() -> Subject {
        let side = |group: &str| Side {
            service: crate::core::id::ServiceKey {
                cluster: "prod".into(),
                service: "web".into(),
            },
            task_definition: "arn:task-definition/web:2".into(),
            deployment: None,
            health: crate::core::gate::Health::Untold,
            tasks: 1,
            places: vec![[group.into()].into()],
            own: Some(crate::core::gate::Balanced {
                target_group: group.into(),
                load_balancer: "app/lb/1".to_owned(),
            }),
        };
        Subject {
            rollout: "sha256:00".to_owned(),
            new: side("green"),
            old: Some(side("blue")),
        }
    }

    fn service() -> Service {
        Service::new(json!({
            "launchType": "FARGATE", "platformVersion": "1.4.0",
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["s"]}},
            "loadBalancers": [{"targetGroupArn": "green", "containerName": "app", "containerPort": 80}],
        }))
    }

    fn heard(
        gate: &Gate,
        progress: &GateProgress,
        seen: &Observation,
        now: i64,
    ) -> (GateProgress, Verdict) {
        let gates = std::slice::from_ref(gate);
        let (next, judged) = hear(gates, progress, &subject(), &service(), seen, at(now));
        (next, judged.verdict)
    }

    #[test]
    fn alarms_are_watched_and_heard() {
        let mut gate = Gate::new(Check::Alarms {
            names: ["a".to_owned()].into(),
            quiet: Quiet::NoData,
        });
        gate.pace.count = 1;
        let begun = GateProgress::begin(at(0));
        let look = look(
            std::slice::from_ref(&gate),
            &begun,
            &subject(),
            &service(),
            at(0),
            at(900),
        );
        assert_eq!(
            look.watch,
            Watch::from([Facet::Alarms(["a".to_owned()].into())])
        );
        let check = |seen: Option<Seen<Alarm>>, expect| {
            let mut observation = Observation::default();
            observation
                .alarms
                .extend(seen.map(|seen| ("a".to_owned(), seen)));
            assert_eq!(heard(&gate, &begun, &observation, 1).1, expect);
        };
        let alarm = |state| {
            Some(Seen::Is(Alarm {
                name: "a".to_owned(),
                state,
                reason: String::new(),
            }))
        };
        check(None, Verdict::Wait);
        check(alarm(AlarmState::Ok), Verdict::Pass);
        check(alarm(AlarmState::Alarm), Verdict::Fail);
        check(Some(Seen::Absent), Verdict::Wait);
    }

    #[test]
    fn an_answer_that_is_a_minute_old_still_counts() {
        let mut gate = Gate::new(Check::Errors(Comparison::default()));
        gate.pace.count = 1;
        let gates = std::slice::from_ref(&gate);
        let begun = GateProgress::begin(at(0));
        let look = look(gates, &begun, &subject(), &service(), at(0), at(900));
        assert_eq!(
            look.wake_at,
            Some(at(180)),
            "the first minute is published then"
        );
        let mut seen = Observation::default();
        for facet in look.watch {
            let Facet::Metrics(request) = facet else {
                panic!("{facet:?}")
            };
            let requests = Series::from([(at(0), 500.0)]);
            let series = SeriesById::from([("requests".to_owned(), requests)]);
            seen.metrics.insert(request, Seen::Is(series));
        }
        assert_eq!(seen.metrics.len(), 2, "one request for each side");
        assert_eq!(heard(&gate, &begun, &seen, 181).1, Verdict::Pass);
        assert_eq!(heard(&gate, &begun, &seen, 241).1, Verdict::Pass);
    }

    #[test]
    fn a_one_off_task_is_run_as_the_service_runs_its_tasks() {
        let gate = Gate::new(Check::Task(OneOff {
            command: vec!["./smoke".to_owned()],
            container: None,
            task_definition: None,
        }));
        let gates = std::slice::from_ref(&gate);
        let begun = GateProgress::begin(at(0));
        let first = look(gates, &begun, &subject(), &service(), at(0), at(900));
        let token = "ecsdeploy-00-task-0";
        let expect = json!({
            "cluster": "prod", "taskDefinition": "arn:task-definition/web:2", "count": 1,
            "clientToken": token, "startedBy": "ecsdeploy", "launchType": "FARGATE",
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["s"]}},
            "platformVersion": "1.4.0",
            "overrides": {"containerOverrides": [{"name": "app", "command": ["./smoke"]}]},
        });
        let Some(Action::RunTask { members }) = &first.act else {
            panic!("{first:?}")
        };
        assert_eq!(serde_json::Value::Object(members.clone()), expect);
        // A call that did not work is an error of the gate, and made again under the same token.
        let mut seen = Observation::default();
        let fault = |kind| {
            Some(Err(Fault {
                operation: "RunTask".to_owned(),
                kind,
                code: String::new(),
                message: String::new(),
            }))
        };
        for kind in [FaultKind::Unanswered, FaultKind::Refused] {
            seen.receipt = fault(kind);
            let (progress, verdict) = heard(&gate, &begun, &seen, 1);
            assert_eq!(verdict, Verdict::Wait);
            assert_eq!(progress.tallies["task"].errors, 1);
            let next = |now| look(gates, &progress, &subject(), &service(), at(now), at(900)).act;
            assert_eq!((next(1), next(11)), (None, first.act.clone()));
        }
        seen.receipt = Some(Ok(Receipt::Started {
            token: token.to_owned(),
            task: "arn:task/prod/9".into(),
        }));
        let (progress, verdict) = heard(&gate, &begun, &seen, 1);
        assert_eq!(verdict, Verdict::Wait);
        let then = look(gates, &progress, &subject(), &service(), at(1), at(900));
        assert_eq!(then.act, None);
        let facet = Facet::OneOffTask("prod".into(), "arn:task/prod/9".into());
        assert_eq!(then.watch, Watch::from([facet]));
    }
}
