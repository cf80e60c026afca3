//! Gates and steps as they are written, read and refused.

use std::time::Duration;

use super::*;
use crate::core::gate::{
    Approval, Bounds, Check, Comparison, Gate, Measure, MetricCheck, Missing, OneOff, Quiet,
};
use crate::core::service::{CanarySize, Share};

fn rollout(text: &str) -> Result<Rollout, String> {
    let indented = text.replace('\n', "\n      ");
    let text = format!("services:\n  web:\n    rollout:\n      {indented}\n");
    let config = Config::parse("ecsdeploy.yml", &text).map_err(|c| c.to_string())?;
    Ok(config.resolve(None, None).unwrap().rollout)
}

fn gate(text: &str) -> Result<Gate, String> {
    let indented = text.replace('\n', "\n    ");
    let rollout = rollout(&format!("gates:\n  - {indented}"))?;
    Ok(rollout.gates.unwrap().remove(0))
}

#[test]
fn each_check_has_its_key_and_its_defaults() {
    let check = |text: &str, expect: Check| {
        assert_eq!(gate(text), Ok(Gate::new(expect)), "{text}");
    };
    check("tasks: {}", Check::Tasks { max_restarts: 1 });
    check(
        "tasks: { max_restarts: 0 }",
        Check::Tasks { max_restarts: 0 },
    );
    check("targets: {}", Check::Targets);
    let names = || ["a".to_owned(), "b".to_owned()].into();
    check(
        "alarms: [a, b]",
        Check::Alarms {
            names: names(),
            quiet: Quiet::NoData,
        },
    );
    check(
        "alarms: [b, a]\ninsufficient_data: ok",
        Check::Alarms {
            names: names(),
            quiet: Quiet::IsWell,
        },
    );
    check("errors: compare", Check::Errors(Comparison::default()));
    check(
        "errors: compare\ncompare: { alpha: 0.05, min_requests: 50 }",
        Check::Errors(Comparison {
            alpha: 0.05,
            min_requests: 50,
            ..Comparison::default()
        }),
    );
    check(
        "task: { command: [./smoke, --fast], container: web }",
        Check::Task(OneOff {
            command: vec!["./smoke".to_owned(), "--fast".to_owned()],
            container: Some("web".to_owned()),
            task_definition: None,
        }),
    );
    check("approval: {}", Check::Approval(Approval::default()));
    check(
        "approval: { label: deploy }",
        Check::Approval(Approval {
            label: Some("deploy".to_owned()),
            comment: None,
        }),
    );
}

#[test]
fn pace_and_limits_lie_over_the_defaults() {
    let text = "name: five hundreds\nalarms: [a]\ninterval: 1m\ncount: 5\nbake: 10m\n\
                timeout: 1h\nfailure_limit: 1\nno_data_limit: 0\nerror_limit: 2";
    let gate = gate(text).unwrap();
    assert_eq!(gate.name, "five hundreds");
    assert_eq!(gate.pace.interval, Duration::from_mins(1));
    assert_eq!(gate.pace.count, 5);
    assert_eq!(gate.pace.bake, Duration::from_mins(10));
    assert_eq!(gate.pace.timeout, Duration::from_hours(1));
    let limits = (
        gate.limits.failures,
        gate.limits.no_data,
        gate.limits.errors,
    );
    assert_eq!(limits, (1, 0, 2));
}

fn metric(text: &str) -> MetricCheck {
    match gate(text).map(|gate| gate.check) {
        Ok(Check::Metric(metric)) => metric,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn one_metric_counts_its_own_samples() {
    let metric = metric(
        "metric:\n  namespace: AWS/ApplicationELB\n  name: TargetResponseTime\n  \
         dimensions: { TargetGroup: '{target_group}' }\n  stat: p99\n  max: 0.8\n  min_samples: 20",
    );
    assert_eq!(metric.result, "value");
    assert_eq!(metric.period, 60);
    assert_eq!(metric.missing, Missing::NoData);
    let range = Bounds::Range {
        min: None,
        max: Some(0.8),
    };
    assert_eq!(metric.bounds, range);
    let stats: Vec<_> = metric
        .queries
        .iter()
        .map(|query| match &query.measure {
            Measure::Stat { stat, .. } => (query.id.as_str(), stat.as_str()),
            Measure::Expression(_) => panic!("no expression was written"),
        })
        .collect();
    assert_eq!(stats, [("value", "p99"), ("samples", "SampleCount")]);
    assert_eq!(metric.sample.map(|sample| sample.least), Some(20.0));
}

#[test]
fn metric_math_names_its_result_and_its_samples() {
    let metric = metric(
        "metric:\n  queries:\n    - { id: bad, namespace: N, name: Errors, stat: Sum }\n    \
         - { id: all, namespace: N, name: Requests, stat: Sum }\n    \
         - { id: rate, expression: 'FILL(bad,0)/all' }\n  \
         result: rate\n  max_ratio: 1.5\n  samples: all\n  min_samples: 100\n  period: 5m\n  missing: zero",
    );
    assert_eq!(metric.queries.len(), 3);
    assert_eq!(
        metric.queries[2].measure,
        Measure::Expression("FILL(bad,0)/all".to_owned())
    );
    assert!(metric.queries.iter().all(|query| query.period == 300));
    assert_eq!(metric.bounds, Bounds::NewOverOld { max: 1.5 });
    assert_eq!(
        metric.sample.map(|sample| sample.id).as_deref(),
        Some("all")
    );
}

#[test]
fn what_has_no_sense_is_refused_at_its_place() {
    let check = |text: &str, expect: &str| {
        let refused = gate(text).expect_err(text);
        assert!(refused.ends_with(expect), "{text}: {refused}");
        assert!(refused.starts_with("ecsdeploy.yml:5:"), "{refused}");
    };
    check("name: x", "write `tasks: {}` for defaults");
    check("tasks:", "write `tasks: {}` for defaults");
    check(
        "{ tasks: {}, targets: {} }",
        "a gate checks only one of tasks, targets, alarms, metric, errors, http, task or approval",
    );
    check(
        "{ tasks: {}, count: 0 }",
        "would let a gate pass on nothing: write 1 or more",
    );
    check(
        "{ targets: {}, compare: {} }",
        "`compare` goes with `errors: compare`",
    );
    check(
        "{ targets: {}, insufficient_data: ok }",
        "`insufficient_data` goes with `alarms`",
    );
    check(
        "{ approval: {}, bake: 5m }",
        "`bake` says nothing to `approval`",
    );
    check("{ task: {}, count: 2 }", "`count` says nothing to `task`");
    check(
        "{ errors: compare, failure_limit: 1 }",
        "`failure_limit` says nothing to `errors`",
    );
    check(
        "{ http: { url: 'http://a' }, no_data_limit: 0 }",
        "`no_data_limit` says nothing to `http`",
    );
    check("alarms: []", "`alarms` names no alarm");
    check(
        "{ errors: compare, compare: { alpha: 1.5 } }",
        "is no probability between 0 and 1",
    );
    check(
        "{ errors: compare, compare: { min_ratio: 0.5 } }",
        "would undo a revision that is better",
    );
    check(
        "http: { url: ftp://a }",
        "begins neither with http:// nor with https://",
    );
    check(
        "http: { url: 'http://a', status: [20] }",
        "`20` is no HTTP status",
    );
    let one = "namespace: N, name: M, stat: Sum";
    let metric = |rest: &str, expect: &str| check(&format!("metric: {{ {rest} }}"), expect);
    metric(
        one,
        "a metric has `min`, `max` or both, or else `max_ratio`",
    );
    metric(
        &format!("{one}, min: 2, max: 1"),
        "`min: 2` is above `max: 1`",
    );
    metric(
        &format!("{one}, max: 1, max_ratio: 2"),
        "or else `max_ratio`",
    );
    metric(&format!("{one}, max: .nan"), "is not a finite number");
    metric(&format!("{one}, max: .inf"), "is not a finite number");
    metric(
        &format!("{one}, max: 1, period: 90s"),
        "is no whole number of minutes",
    );
    metric(
        &format!("{one}, max: 1, samples: m"),
        "`min_samples` and `samples` go together",
    );
    metric(
        "namespace: N, max: 1",
        "a metric has `namespace`, `name` and `stat`, or `queries`",
    );
    metric(
        "queries: [{ id: M, expression: x }], max: 1",
        "letters, digits and underscores",
    );
    metric(
        "queries: [{ id: m, expression: x, stat: Sum }], max: 1",
        "query `m` has either `namespace`, `name` and `stat`, or an `expression`",
    );
    metric(
        "queries: [{ id: m, expression: x }], result: n, max: 1",
        "no query has the id `n`",
    );
}

#[test]
fn misspelt_keys_and_equal_names_are_refused() {
    let check = |text: &str, expect: &str| {
        let refused = rollout(text).expect_err(text);
        assert!(refused.contains(expect), "{text}: {refused}");
    };
    check("gates: [{ alarm: [a] }]", "unknown key `alarm`");
    check("gates: [{ http: { uri: x } }]", "unknown key `uri`");
    check(
        "gates: [{ alarms: [a] }, { alarms: [b] }]",
        "two gates are named `alarms`: give one a `name`",
    );
    check(
        "steps: [{ bake: 5m }]",
        "a step has either `traffic` or `tasks`",
    );
    check(
        "steps: [{ traffic: 5, tasks: 1 }]",
        "a step has either `traffic` or `tasks`",
    );
    check(
        "steps: [{ traffic: 101 }]",
        "is no percentage from 0 to 100",
    );
    check(
        "steps: [{ traffic: 50 }, { tasks: 1 }, { traffic: 10 }]",
        "the steps must rise, and `traffic: 10` follows `traffic: 50`",
    );
    check("steps: [{ tasks: 0 }]", "a step without tasks is no step");
    check(
        "steps: [{ tasks: many }]",
        "`many` is neither a number of tasks nor a share",
    );
}

#[test]
fn steps_have_a_share_a_bake_and_gates() {
    let rollout = rollout(
        "bake: 10m\ngates: []\nsteps:\n  - { tasks: 10%, bake: 5m }\n  - { tasks: 2 }\n  \
         - { traffic: 12.5, gates: [{ targets: {} }] }",
    )
    .unwrap();
    assert_eq!(rollout.bake, Some(Duration::from_mins(10)));
    assert_eq!(
        rollout.gates,
        Some(Vec::new()),
        "asks nothing, and not the defaults"
    );
    let shares: Vec<Share> = rollout.steps.iter().map(|step| step.share).collect();
    let expect = [
        Share::Tasks(CanarySize::Percent(10.0)),
        Share::Tasks(CanarySize::Tasks(2)),
        Share::Traffic(12.5),
    ];
    assert_eq!(shares, expect);
    assert_eq!(rollout.steps[0].bake, Some(Duration::from_mins(5)));
    assert_eq!(rollout.steps[1].gates, None);
    assert_eq!(
        rollout.steps[2].gates,
        Some(vec![Gate::new(Check::Targets)])
    );
}
