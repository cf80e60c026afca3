//! Gates of each kind, and the world that they look at.

use std::time::Duration;

use ecsdeploy::core::gate::{
    Approval, Bounds, Check, Comparison, Gate, Measure, MetricCheck, MetricQuery, Missing, OneOff,
    Quiet,
};

/// What the examples say of release 1.2.0, and what makes it well in every way but one: it answers a third of the
/// requests with a 5xx.
pub const ILL: &str = "behaviour: { healthStatus: 503, crashAfter: 20s, exitCode: 1 }";
pub const FAULTY: &str = "behaviour: { errorRate: 0.3 }";

/// Two tests that are tasks of their own, before the world's other definitions: one ends with exit code 0, one with 1.
pub const SMOKE: &str = r#"
images:
  - image: smoke:good
    behaviour: { crashAfter: 10s, exitCode: 0 }
  - image: smoke:bad
    behaviour: { crashAfter: 10s, exitCode: 1 }
taskDefinitions:
  - family: smoke-good
    networkMode: awsvpc
    requiresCompatibilities: [FARGATE]
    cpu: "256"
    memory: "512"
    containerDefinitions: [{ name: smoke, image: "smoke:good" }]
  - family: smoke-bad
    networkMode: awsvpc
    requiresCompatibilities: [FARGATE]
    cpu: "256"
    memory: "512"
    containerDefinitions: [{ name: smoke, image: "smoke:bad" }]
"#;

/// An alarm on the 5xx answers of the load balancer's targets, more than 30 a minute.
pub const ALARM: &str = r"
alarms:
  - AlarmName: web-5xx
    Namespace: AWS/ApplicationELB
    MetricName: HTTPCode_Target_5XX_Count
    Dimensions: [{ Name: LoadBalancer, Value: main }]
    Statistic: Sum
    Period: 60
    EvaluationPeriods: 1
    Threshold: 30
    ComparisonOperator: GreaterThanThreshold
    TreatMissingData: notBreaching
";

pub fn alarm(name: &str) -> Gate {
    Gate::new(Check::Alarms {
        names: [name.to_owned()].into(),
        quiet: Quiet::NoData,
    })
}

pub fn compared() -> Gate {
    Gate::new(Check::Errors(Comparison::default()))
}

/// Errors in a hundred requests of the target group, each minute at most so many.
pub fn error_rate(max: f64) -> Gate {
    let of = |id: &str, metric: &str| MetricQuery {
        id: id.to_owned(),
        measure: Measure::Stat {
            namespace: "AWS/ApplicationELB".to_owned(),
            metric: metric.to_owned(),
            dimensions: [
                ("LoadBalancer".to_owned(), "{load_balancer}".to_owned()),
                ("TargetGroup".to_owned(), "{target_group}".to_owned()),
            ]
            .into(),
            stat: "Sum".to_owned(),
        },
        period: 60,
    };
    let percent = MetricQuery {
        id: "percent".to_owned(),
        measure: Measure::Expression("100 * FILL(faults, 0) / requests".to_owned()),
        period: 60,
    };
    Gate::new(Check::Metric(MetricCheck {
        queries: vec![
            of("faults", "HTTPCode_Target_5XX_Count"),
            of("requests", "RequestCount"),
            percent,
        ],
        result: "percent".to_owned(),
        sample: None,
        period: 60,
        delay: Duration::from_mins(2),
        bounds: Bounds::Range {
            min: None,
            max: Some(max),
        },
        missing: Missing::NoData,
    }))
}

pub fn task(definition: &str) -> Gate {
    Gate::new(Check::Task(OneOff {
        command: Vec::new(),
        container: None,
        task_definition: Some(definition.to_owned()),
    }))
}

pub fn approval() -> Gate {
    let label = Some("deploy-approved".to_owned());
    Gate::new(Check::Approval(Approval {
        label,
        comment: None,
    }))
}
