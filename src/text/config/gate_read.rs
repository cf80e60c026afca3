//! From the fields of a gate or a step to what `core` judges by: which fields go together, and within which bounds.
//!
//! **Invariant:** a field that would have no effect is an error, so that nobody relies on it.

use std::collections::BTreeSet;
use std::time::Duration;

use super::duration::HumanDuration;
use super::gate_shape::{
    CanaryTasks, CompareFields, GateConfig, GateFields, GateList, HttpFields, InsufficientData,
    MetricFields, MissingKind, QueryFields, RedirectsKind, StepConfig, StepFields, StepList,
};
use crate::core::gate::{
    Approval, Bounds, Check, Comparison, Gate, HttpCheck, Measure, MetricCheck, MetricQuery,
    MinimumSample, Missing, OneOff, PUBLICATION_DELAY, Probe, Quiet, Redirects,
};
use crate::core::service::{Share, Step};

/// One probe is awaited for so long.
const PROBE_TIMEOUT: Duration = Duration::from_secs(10);

const KINDS: &str = "tasks, targets, alarms, metric, errors, http, task or approval";

impl TryFrom<GateFields> for GateConfig {
    type Error = String;

    fn try_from(fields: GateFields) -> Result<Self, String> {
        let mut gate = Gate::new(check(&fields)?);
        if let Some(field) = unheard(&fields, &gate.check) {
            let kind = gate.check.kind();
            return Err(format!("`{field}` says nothing to `{kind}`"));
        }
        if let Some(name) = fields.name {
            if name.trim().is_empty() {
                return Err("a gate's name is not empty".to_owned());
            }
            gate.name = name;
        }
        let pace = &mut gate.pace;
        pace.interval = fields.interval.map_or(pace.interval, HumanDuration::get);
        pace.bake = fields.bake.map_or(pace.bake, HumanDuration::get);
        pace.timeout = fields.timeout.map_or(pace.timeout, HumanDuration::get);
        pace.count = fields.count.unwrap_or(pace.count);
        if pace.count == 0 {
            return Err("`count: 0` would let a gate pass on nothing: write 1 or more".to_owned());
        }
        let limits = &mut gate.limits;
        limits.failures = fields.failure_limit.unwrap_or(limits.failures);
        limits.no_data = fields.no_data_limit.unwrap_or(limits.no_data);
        limits.errors = fields.error_limit.unwrap_or(limits.errors);
        Ok(Self(gate))
    }
}

/// A field that would change nothing: what one answer settles is neither held nor counted, the comparison finds its
/// evidence once and waits for traffic, and only what CloudWatch measures can have no data.
fn unheard(fields: &GateFields, check: &Check) -> Option<&'static str> {
    let is_asked_once = matches!(check, Check::Task(_) | Check::Approval(_));
    let fails_once = matches!(check, Check::Errors(_) | Check::Approval(_));
    let may_lack_data = matches!(check, Check::Metric(_) | Check::Alarms { .. });
    let said = [
        ("bake", fields.bake.is_some() && is_asked_once),
        ("count", fields.count.is_some() && is_asked_once),
        (
            "failure_limit",
            fields.failure_limit.is_some() && fails_once,
        ),
        (
            "no_data_limit",
            fields.no_data_limit.is_some() && !may_lack_data,
        ),
    ];
    said.into_iter()
        .find_map(|(field, is_unheard)| is_unheard.then_some(field))
}

impl TryFrom<Vec<GateConfig>> for GateList {
    type Error = String;

    fn try_from(list: Vec<GateConfig>) -> Result<Self, String> {
        let mut names = BTreeSet::new();
        for GateConfig(gate) in &list {
            if !names.insert(&gate.name) {
                let name = &gate.name;
                return Err(format!("two gates are named `{name}`: give one a `name`"));
            }
        }
        Ok(Self(
            list.into_iter().map(|GateConfig(gate)| gate).collect(),
        ))
    }
}

impl TryFrom<StepFields> for StepConfig {
    type Error = String;

    fn try_from(fields: StepFields) -> Result<Self, String> {
        let share = match (fields.traffic, fields.tasks) {
            (Some(percent), None) if (0.0..=100.0).contains(&percent) => Share::Traffic(percent),
            (Some(percent), None) => {
                return Err(format!(
                    "`traffic: {percent}` is no percentage from 0 to 100"
                ));
            }
            (None, Some(CanaryTasks(size))) => Share::Tasks(size),
            _ => return Err("a step has either `traffic` or `tasks`".to_owned()),
        };
        Ok(Self(Step {
            share,
            bake: fields.bake.map(HumanDuration::get),
            gates: fields.gates.map(|GateList(gates)| gates),
        }))
    }
}

impl TryFrom<Vec<StepConfig>> for StepList {
    type Error = String;

    fn try_from(list: Vec<StepConfig>) -> Result<Self, String> {
        let steps: Vec<Step> = list.into_iter().map(|StepConfig(step)| step).collect();
        let shares = steps.iter().filter_map(|step| match step.share {
            Share::Traffic(percent) => Some(percent),
            Share::Tasks(_) => None,
        });
        let shares: Vec<f64> = shares.collect();
        match shares.windows(2).find(|pair| pair[0] >= pair[1]) {
            Some(pair) => Err(format!(
                "the steps must rise, and `traffic: {}` follows `traffic: {}`",
                pair[1], pair[0]
            )),
            None => Ok(Self(steps)),
        }
    }
}

/// The one check that is declared.
fn check(fields: &GateFields) -> Result<Check, String> {
    let mut checks = [
        fields.tasks.as_ref().map(|tasks| {
            Ok(Check::Tasks {
                max_restarts: tasks.max_restarts.unwrap_or(1),
            })
        }),
        fields.targets.as_ref().map(|_| Ok(Check::Targets)),
        fields
            .alarms
            .as_ref()
            .map(|names| alarms(names, fields.insufficient_data)),
        fields.metric.as_ref().map(metric),
        fields.errors.map(|_| comparison(fields.compare.as_ref())),
        fields.http.as_ref().map(http),
        fields.task.as_ref().map(|task| {
            Ok(Check::Task(OneOff {
                command: task.command.clone(),
                container: task.container.clone(),
                task_definition: task.task_definition.clone(),
            }))
        }),
        fields.approval.as_ref().map(|how| {
            Ok(Check::Approval(Approval {
                label: how.label.clone(),
                comment: how.comment.clone(),
            }))
        }),
    ]
    .into_iter()
    .flatten();
    if fields.insufficient_data.is_some() && fields.alarms.is_none() {
        return Err("`insufficient_data` goes with `alarms`".to_owned());
    }
    if fields.compare.is_some() && fields.errors.is_none() {
        return Err("`compare` goes with `errors: compare`".to_owned());
    }
    match (checks.next(), checks.next()) {
        (Some(check), None) => check,
        (None, _) => Err(format!(
            "a gate checks one of {KINDS}; write `tasks: {{}}` for defaults"
        )),
        (Some(_), Some(_)) => Err(format!("a gate checks only one of {KINDS}")),
    }
}

fn alarms(names: &[String], insufficient: Option<InsufficientData>) -> Result<Check, String> {
    if names.is_empty() {
        return Err("`alarms` names no alarm".to_owned());
    }
    Ok(Check::Alarms {
        names: names.iter().cloned().collect(),
        quiet: match insufficient {
            Some(InsufficientData::Ok) => Quiet::IsWell,
            Some(InsufficientData::NoData) | None => Quiet::NoData,
        },
    })
}

fn comparison(fields: Option<&CompareFields>) -> Result<Check, String> {
    let fields = fields.cloned().unwrap_or_default();
    let rest = Comparison::default();
    let comparison = Comparison {
        alpha: fields.alpha.unwrap_or(rest.alpha),
        min_errors: fields.min_errors.unwrap_or(rest.min_errors),
        min_ratio: fields.min_ratio.unwrap_or(rest.min_ratio),
        min_requests: fields.min_requests.unwrap_or(rest.min_requests),
        min_expected_errors: fields
            .min_expected_errors
            .unwrap_or(rest.min_expected_errors),
    };
    let Comparison {
        alpha, min_ratio, ..
    } = comparison;
    if !(alpha > 0.0 && alpha < 1.0) {
        return Err(format!(
            "`alpha: {alpha}` is no probability between 0 and 1"
        ));
    }
    if min_ratio < 1.0 {
        return Err(format!(
            "`min_ratio: {min_ratio}` would undo a revision that is better"
        ));
    }
    Ok(Check::Errors(comparison))
}

fn http(fields: &HttpFields) -> Result<Check, String> {
    let url = &fields.url;
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err(format!(
            "`{url}` begins neither with http:// nor with https://"
        ));
    }
    if let Some(status) = fields.status.iter().find(|s| !(100..600).contains(*s)) {
        return Err(format!("`{status}` is no HTTP status"));
    }
    Ok(Check::Http(HttpCheck {
        probe: Probe {
            url: url.clone(),
            headers: fields.headers.clone().into_iter().collect(),
            redirects: match fields.redirects {
                Some(RedirectsKind::None) => Redirects::None,
                Some(RedirectsKind::Any) => Redirects::Any,
                Some(RedirectsKind::SameHost) | None => Redirects::SameHost,
            },
            timeout: fields.timeout.map_or(PROBE_TIMEOUT, HumanDuration::get),
        },
        statuses: fields.status.clone(),
        contains: fields.contains.clone(),
        within: fields.max_latency_ms.map(Duration::from_millis),
    }))
}

fn metric(fields: &MetricFields) -> Result<Check, String> {
    let period = fields.period.map_or(60, |d| d.get().as_secs());
    let period = u32::try_from(period)
        .ok()
        .filter(|period| period.is_multiple_of(60))
        .ok_or_else(|| format!("`period: {period}s` is no whole number of minutes"))?;
    let (queries, result) = match &fields.queries {
        Some(queries) => several(fields, queries, period)?,
        None => single(fields, period)?,
    };
    let sample = match (fields.min_samples, &fields.samples, &fields.queries) {
        (None, None, _) => None,
        (Some(least), None, None) => Some(("samples".to_owned(), least)),
        (Some(least), Some(id), Some(_)) => Some((id.clone(), least)),
        _ => return Err("with `queries`, `min_samples` and `samples` go together".to_owned()),
    };
    let has = |id: &String| queries.iter().any(|query| query.id == *id);
    let asked = sample.iter().map(|(id, _)| id).chain([&result]);
    if let Some(id) = asked.into_iter().find(|id| !has(id)) {
        return Err(format!("no query has the id `{id}`"));
    }
    Ok(Check::Metric(MetricCheck {
        result,
        queries,
        sample: sample.map(|(id, least)| MinimumSample { id, least }),
        period,
        delay: fields.delay.map_or(PUBLICATION_DELAY, HumanDuration::get),
        bounds: bounds(fields)?,
        missing: match fields.missing {
            Some(MissingKind::Zero) => Missing::Zero,
            Some(MissingKind::NoData) | None => Missing::NoData,
        },
    }))
}

fn bounds(fields: &MetricFields) -> Result<Bounds, String> {
    match (fields.min, fields.max, fields.max_ratio) {
        (None, None, Some(max)) if max > 0.0 => Ok(Bounds::NewOverOld { max }),
        (None, None, Some(max)) => Err(format!("`max_ratio: {max}` is not above 0")),
        (Some(min), Some(max), None) if min > max => {
            Err(format!("`min: {min}` is above `max: {max}`"))
        }
        (Some(_), _, None) | (_, Some(_), None) => Ok(Bounds::Range {
            min: fields.min,
            max: fields.max,
        }),
        _ => Err("a metric has `min`, `max` or both, or else `max_ratio`".to_owned()),
    }
}

/// One metric; its samples, if they are asked for, are counted by the same metric's `SampleCount`.
fn single(fields: &MetricFields, period: u32) -> Result<(Vec<MetricQuery>, String), String> {
    if fields.result.is_some() {
        return Err("`result` goes with `queries`".to_owned());
    }
    let query = |id: &str, stat: Option<&String>| {
        let (Some(namespace), Some(name), Some(stat)) = (&fields.namespace, &fields.name, stat)
        else {
            return Err("a metric has `namespace`, `name` and `stat`, or `queries`".to_owned());
        };
        Ok(MetricQuery {
            id: id.to_owned(),
            measure: Measure::Stat {
                namespace: namespace.clone(),
                metric: name.clone(),
                dimensions: fields.dimensions.clone(),
                stat: stat.clone(),
            },
            period,
        })
    };
    let mut queries = vec![query("value", fields.stat.as_ref())?];
    if fields.min_samples.is_some() {
        queries.push(query("samples", Some(&"SampleCount".to_owned()))?);
    }
    Ok((queries, "value".to_owned()))
}

fn several(
    fields: &MetricFields,
    queries: &[QueryFields],
    period: u32,
) -> Result<(Vec<MetricQuery>, String), String> {
    let alone = fields.namespace.is_none() && fields.name.is_none() && fields.stat.is_none();
    if !alone || !fields.dimensions.is_empty() {
        return Err("a metric has either `queries`, or `namespace`, `name` and `stat`".to_owned());
    }
    let mut ids = BTreeSet::new();
    if let Some(twice) = queries.iter().find(|query| !ids.insert(&query.id)) {
        return Err(format!("two queries have the id `{}`", twice.id));
    }
    let result = match (&fields.result, queries) {
        (Some(result), _) => result.clone(),
        (None, [only]) => only.id.clone(),
        (None, _) => return Err("`result` names the query whose points are judged".to_owned()),
    };
    let queries = queries.iter().map(|fields| query(fields, period));
    Ok((queries.collect::<Result<_, _>>()?, result))
}

fn query(fields: &QueryFields, period: u32) -> Result<MetricQuery, String> {
    let id = &fields.id;
    let well = id.starts_with(|c: char| c.is_ascii_lowercase())
        && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !well {
        return Err(format!(
            "`{id}` is no query id: a lower-case letter, then letters, digits and underscores"
        ));
    }
    let metric = (&fields.namespace, &fields.name, &fields.stat);
    let measure = match (metric, &fields.expression) {
        ((Some(namespace), Some(name), Some(stat)), None) => Measure::Stat {
            namespace: namespace.clone(),
            metric: name.clone(),
            dimensions: fields.dimensions.clone(),
            stat: stat.clone(),
        },
        ((None, None, None), Some(expression)) if fields.dimensions.is_empty() => {
            Measure::Expression(expression.clone())
        }
        _ => {
            return Err(format!(
                "query `{id}` has either `namespace`, `name` and `stat`, or an `expression`"
            ));
        }
    };
    Ok(MetricQuery {
        id: id.clone(),
        measure,
        period,
    })
}
