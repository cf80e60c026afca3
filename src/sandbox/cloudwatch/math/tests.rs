//! Metric math as data: an expression and what it is worth.

use crate::sandbox::cloudwatch::math::{Expression, MathError, Scope};
use crate::sandbox::cloudwatch::metric::Metric;
use crate::sandbox::cloudwatch::point::{Point, Statistic};
use crate::sandbox::cloudwatch::statement::{MetricStat, Source, Statement};
use crate::sandbox::cloudwatch::store::{Store, Window};
use crate::sandbox::{Duration, Time};

const MINUTE: Duration = Duration::from_secs(60);

fn minute(n: u64) -> Time {
    Time::from_millis(n * 60_000)
}

fn statement(id: &str, source: Source) -> Statement {
    Statement {
        id: id.to_owned(),
        label: None,
        is_returned: true,
        source,
    }
}

fn metric(id: &str) -> Statement {
    statement(
        id,
        Source::Statistic(MetricStat {
            metric: Metric::new("test", id, &[]),
            period: MINUTE,
            statistic: Statistic::Sum,
            name: "Sum".to_owned(),
            unit: None,
        }),
    )
}

fn expression(id: &str, text: &str) -> Result<Statement, MathError> {
    Ok(statement(
        id,
        Source::Expression {
            expression: Expression::parse(text)?,
            period: None,
        },
    ))
}

/// Five minutes: `m1` has 10 20 30 – 50, `m2` has 1 0 – 2 5, `none` nothing.
fn values(text: &str) -> Result<Vec<(u64, f64)>, MathError> {
    let mut store = Store::default();
    let mut put = |name: &str, values: &[(u64, f64)]| {
        for (at, value) in values {
            store.put(
                Metric::new("test", name, &[]),
                "None",
                minute(*at),
                minute(*at),
                &Point::value(*value, 1.0),
            );
        }
    };
    put("m1", &[(0, 10.0), (1, 20.0), (2, 30.0), (4, 50.0)]);
    put("m2", &[(0, 1.0), (1, 0.0), (3, 2.0), (4, 5.0)]);
    let statements = [
        metric("m1"),
        metric("m2"),
        metric("none"),
        expression("half", "m1 / 2")?,
        expression("e", text)?,
    ];
    let window = Window {
        from: minute(0),
        to: minute(5),
        now: minute(5),
    };
    let line = Scope::new(&statements, &store, window).line(&statements[4])?;
    Ok(line
        .values
        .into_iter()
        .map(|(at, value)| (at.millis() / 60_000, value))
        .collect())
}

#[test]
fn expressions_are_worth_what_the_guide_says() {
    let check =
        |text: &str, expected: &[(u64, f64)]| assert_eq!(values(text).unwrap(), expected, "{text}");
    check("m1 + m2", &[(0, 11.0), (1, 20.0), (4, 55.0)]);
    check(
        "2 * (m1 - 10) / 5",
        &[(0, 0.0), (1, 4.0), (2, 8.0), (4, 16.0)],
    );
    check("m1/m2", &[(0, 10.0), (4, 10.0)]);
    check("-half", &[(0, -5.0), (1, -10.0), (2, -15.0), (4, -25.0)]);
    check(
        "FILL(m2, 0) / m1 * 100",
        &[(0, 10.0), (1, 0.0), (2, 0.0), (4, 10.0)],
    );
    check(
        "FILL(none, 7)",
        &[(0, 7.0), (1, 7.0), (2, 7.0), (3, 7.0), (4, 7.0)],
    );
    check(
        "FILL(m1, REPEAT)",
        &[(0, 10.0), (1, 20.0), (2, 30.0), (3, 30.0), (4, 50.0)],
    );
    check(
        "FILL(m1, LINEAR)",
        &[(0, 10.0), (1, 20.0), (2, 30.0), (3, 40.0), (4, 50.0)],
    );
    check("none / m1", &[]);
    check(
        "IF(m1 > 15, m1, 0)",
        &[(0, 0.0), (1, 20.0), (2, 30.0), (4, 50.0)],
    );
    check("IF(m1 >= 30 AND m1 != 50, 1)", &[(2, 1.0)]);
    check(
        "SUM(METRICS())",
        &[(0, 11.0), (1, 20.0), (2, 30.0), (3, 2.0), (4, 55.0)],
    );
    check(
        "MAX([m1, m2])",
        &[(0, 10.0), (1, 20.0), (2, 30.0), (3, 2.0), (4, 50.0)],
    );
    check(
        "AVG(METRICS(\"m2\"))",
        &[(0, 1.0), (1, 0.0), (3, 2.0), (4, 5.0)],
    );
    check(
        "m2 / SUM(m2)",
        &[(0, 0.125), (1, 0.0), (3, 0.25), (4, 0.625)],
    );
    check(
        "MIN(m1)",
        &[(0, 10.0), (1, 10.0), (2, 10.0), (3, 10.0), (4, 10.0)],
    );
    check(
        "m1 / PERIOD(m1)",
        &[
            (0, 10.0 / 60.0),
            (1, 20.0 / 60.0),
            (2, 0.5),
            (4, 50.0 / 60.0),
        ],
    );
    check("DIFF(m2)", &[(1, -1.0), (3, 2.0), (4, 3.0)]);
    check("RATE(m1) * 60", &[(1, 10.0), (2, 10.0), (4, 10.0)]);
    check(
        "ABS(0 - m2) ^ 2",
        &[(0, 1.0), (1, 0.0), (3, 4.0), (4, 25.0)],
    );
}

#[test]
fn what_is_not_math_is_refused_by_name() {
    let check = |text: &str, says: &str| {
        let error = values(text).unwrap_err().to_string();
        assert!(error.contains(says), "{text}: {error}");
    };
    check("ANOMALY_DETECTION_BAND(m1, 2)", "ANOMALY_DETECTION_BAND");
    check("SEARCH('{AWS/ECS}', 'Average', 60)", "SEARCH");
    check("m1 +", "unexpected end");
    check("m1 m2", "unexpected 'm2' at position 3");
    check("m1 ; 2", "';'");
    check("m9 + 1", "m9");
    check("e + 1", "e refers to itself");
    check("METRICS()", "one time series");
    check("FILL(m1)", "arguments of FILL");
    check("SUM(m1, m2)", "[m1, m2]");
    check("1 + \"a\"", "text");
    check(&"(".repeat(1000), "too deeply");
    check(&"1+".repeat(1_000_000), "longer than 2048");
}
