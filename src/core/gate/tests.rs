//! Verdicts as data: what a gate sees look by look, and where it then stands.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::core::id::{Cluster, ServiceKey, ServiceName, TargetGroupArn, TaskArn};
use crate::core::live::{Alarm, AlarmState, Target, TargetState, Task};

const ARN: &str = "arn:aws:elasticloadbalancing:r:1:";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_040 + seconds).unwrap()
}

fn side(group: &str) -> Side {
    Side {
        service: ServiceKey {
            cluster: Cluster::from("prod"),
            service: ServiceName::from("web"),
        },
        task_definition: "arn:aws:ecs:r:1:task-definition/web:2".into(),
        deployment: Some("ecs-svc/2".into()),
        health: Health::Untold,
        tasks: 2,
        places: vec![[TargetGroupArn::new(format!("{ARN}targetgroup/{group}/1"))].into()],
        own: Some(Balanced {
            target_group: TargetGroupArn::new(format!("{ARN}targetgroup/{group}/1")),
            load_balancer: format!("{ARN}loadbalancer/app/lb/9"),
        }),
    }
}

fn subject() -> Subject {
    Subject {
        rollout: "sha256:0123456789abcdef".to_owned(),
        new: side("green"),
        old: Some(side("blue")),
    }
}

/// One look every 15 seconds, each with its sample; `~` stands for a look that was not made.
fn stand(gate: &Gate, looks: impl IntoIterator<Item = Option<Sample>>) -> (Verdict, String) {
    let gates = [gate.clone()];
    let mut progress = GateProgress::begin(at(0));
    let mut last = None;
    for (look, sample) in looks.into_iter().enumerate() {
        let samples: Samples = sample
            .into_iter()
            .map(|sample| (gate.name.clone(), sample))
            .collect();
        let now = at(15 * i64::try_from(look).unwrap());
        let (next, judgement) = judge(&gates, &progress, &subject(), &samples, now);
        progress = next;
        last = Some(judgement);
    }
    let judgement = last.expect("one look at least");
    let standing = judgement.standings.into_iter().next().unwrap();
    assert_eq!(judgement.verdict, standing.verdict);
    (standing.verdict, standing.said)
}

/// Looks in letters: Pass, Fail, no Data, Error, `~` none. An alarm gate of one alarm reads them.
fn letters(looks: &str) -> Vec<Option<Sample>> {
    let alarm = |state| {
        Some(Sample::Alarms(vec![Alarm {
            name: "a".to_owned(),
            state,
            reason: String::new(),
        }]))
    };
    looks
        .chars()
        .map(|letter| match letter {
            'P' => alarm(AlarmState::Ok),
            'F' => alarm(AlarmState::Alarm),
            'D' => alarm(AlarmState::InsufficientData),
            'E' => Some(Sample::Unreadable("throttled".to_owned())),
            _ => None,
        })
        .collect()
}

fn alarm_gate(count: u32, bake: u64, limits: (u32, u32, u32)) -> Gate {
    let mut gate = Gate::new(Check::Alarms {
        names: ["a".to_owned()].into(),
        quiet: Quiet::NoData,
    });
    gate.pace = Pace {
        interval: Duration::from_secs(15),
        count,
        bake: Duration::from_secs(bake),
        timeout: Duration::from_mins(10),
    };
    gate.limits = GateLimits {
        failures: limits.0,
        no_data: limits.1,
        errors: limits.2,
    };
    gate
}

#[test]
fn limits_are_the_largest_numbers_that_do_not_stop() {
    use Verdict::{Error, Fail, NoData, Pass, Wait};
    let check = |limits, looks: &str, expect| {
        let (verdict, said) = stand(&alarm_gate(2, 0, limits), letters(looks));
        assert_eq!(verdict, expect, "{looks} against {limits:?}: {said}");
    };
    // Passes: two of them, the newest look among them.
    check((0, 0, 0), "P", Wait);
    check((0, 0, 0), "PP", Pass);
    check((0, 0, 0), "~", Wait);
    check((0, 0, 0), "PP~~", Pass);
    // Failures, at the limit and over it.
    check((0, 0, 0), "F", Fail);
    check((1, 0, 0), "PPF", Wait);
    check((1, 0, 0), "PPFP", Pass);
    check((1, 0, 0), "FPPF", Fail);
    check((2, 0, 0), "FF", Wait);
    check((2, 0, 0), "FFF", Fail);
    // No data, however much has passed.
    check((0, 0, 0), "PPPPD", NoData);
    check((0, 2, 0), "DD", Wait);
    check((0, 2, 0), "DDD", NoData);
    check((0, 2, 0), "PDPD", Wait);
    check((0, 2, 0), "PDPDP", Pass);
    // Errors count in a row, and are no failures.
    check((0, 0, 0), "E", Error);
    check((0, 0, 1), "EPEPE", Wait);
    check((0, 0, 1), "EPEP", Pass);
    check((0, 0, 1), "PPEE", Error);
    check((0, 0, 2), "EE", Wait);
    // What was measured weighs more than what could not be.
    check((0, 0, 0), "FE", Fail);
    check((0, 0, 0), "DE", Error);
}

#[test]
fn the_bake_is_covered_to_the_second_before_a_pass() {
    let check = |bake, looks: &str, expect| {
        let (verdict, _) = stand(&alarm_gate(1, bake, (0, 0, 0)), letters(looks));
        assert_eq!(verdict, expect, "bake {bake}, {looks}");
    };
    check(45, "PPP", Verdict::Wait);
    check(45, "PPPP", Verdict::Pass);
    check(46, "PPPP", Verdict::Wait);
    // The last look, and not the clock, covers it.
    check(45, "PPP~", Verdict::Wait);
}

#[test]
fn what_stays_undecided_ends_and_never_as_a_pass() {
    let check = |mut gate: Gate, sample: Option<Sample>, seconds, expect| {
        gate.pace.timeout = Duration::from_mins(1);
        let gates = [gate.clone()];
        let samples: Samples = sample.map(|s| (gate.name.clone(), s)).into_iter().collect();
        let begun = GateProgress::begin(at(0));
        let (progress, _) = judge(&gates, &begun, &subject(), &samples, at(0));
        let none = Samples::new();
        let (_, judged) = judge(&gates, &progress, &subject(), &none, at(seconds));
        assert_eq!(judged.verdict, expect, "{} after {seconds} s", gate.name);
    };
    let quiet = || Some(Sample::Approval(None));
    let approval = Gate::new(Check::Approval(Approval::default()));
    check(approval.clone(), quiet(), 59, Verdict::Wait);
    check(approval, quiet(), 60, Verdict::Fail);
    let alarms = alarm_gate(2, 0, (0, 1, 1));
    check(alarms.clone(), None, 59, Verdict::Wait);
    check(alarms.clone(), None, 60, Verdict::NoData);
    check(alarms.clone(), letters("P").remove(0), 60, Verdict::NoData);
    check(alarms, letters("E").remove(0), 60, Verdict::Error);
    check(alarm_gate(1, 30, (0, 0, 0)), None, 89, Verdict::Wait);
    check(alarm_gate(1, 30, (0, 0, 0)), None, 90, Verdict::NoData);
}

proptest! {
    #[test]
    fn without_a_passing_look_nothing_passes(
        looks in "[FDE~]{1,40}", count in 0_u32..3, bake in 0_u64..100,
        limits in (0_u32..50, 0_u32..50, 0_u32..50),
    ) {
        let (verdict, _) = stand(&alarm_gate(count, bake, limits), letters(&looks));
        prop_assert_ne!(verdict, Verdict::Pass);
    }

    #[test]
    fn a_pass_had_its_count_within_every_limit_and_ends_on_a_pass(
        looks in "[PFDE]{1,40}", count in 0_u32..5,
        limits in (0_u32..4, 0_u32..4, 0_u32..4),
    ) {
        let (verdict, _) = stand(&alarm_gate(count, 0, limits), letters(&looks));
        if verdict == Verdict::Pass {
            let of = |letter: char| looks.matches(letter).count() as u32;
            prop_assert!(of('P') >= count.max(1) && looks.ends_with('P'));
            prop_assert!(of('F') <= limits.0 && of('D') <= limits.1);
        }
    }
}

#[test]
fn the_worst_gate_speaks_for_the_step() {
    let named = |name: &str| Gate {
        name: name.to_owned(),
        ..alarm_gate(1, 0, (0, 0, 0))
    };
    let check = |looks: [&str; 2], expect| {
        let gates = [named("one"), named("two")];
        let samples: Samples = ["one", "two"]
            .iter()
            .zip(looks)
            .filter_map(|(name, look)| Some(((*name).to_owned(), letters(look).remove(0)?)))
            .collect();
        let begun = GateProgress::begin(at(0));
        let (_, judged) = judge(&gates, &begun, &subject(), &samples, at(0));
        assert_eq!(judged.verdict, expect, "{looks:?}");
    };
    check(["P", "P"], Verdict::Pass);
    check(["P", "~"], Verdict::Wait);
    check(["D", "~"], Verdict::NoData);
    check(["E", "D"], Verdict::Error);
    check(["E", "F"], Verdict::Fail);
    let begun = GateProgress::begin(at(0));
    let (_, none) = judge(&[], &begun, &subject(), &Samples::new(), at(0));
    assert_eq!(none.verdict, Verdict::Pass, "an empty list asks nothing");
}

fn task(id: u32, status: &str, stop: &str) -> Task {
    Task::new(json!({
        "taskArn": format!("arn:aws:ecs:r:1:task/prod/{id}"), "startedBy": "ecs-svc/2",
        "lastStatus": status, "stopCode": stop, "stoppedReason": "Essential container in task exited",
        "attachments": [{"details": [
            {"name": "privateIPv4Address", "value": format!("10.0.0.{id}")}]}],
        "containers": [{"name": "web", "exitCode": 1}],
    }))
}

#[test]
fn tasks_must_run_and_not_keep_failing() {
    let check = |running: &[&str], failed: u32, expect| {
        let running = running
            .iter()
            .zip(1..)
            .map(|(status, id)| task(id, status, ""));
        let stopped = (0..failed).map(|id| task(id, "STOPPED", "EssentialContainerExited"));
        let sample = Sample::Tasks {
            running: running.collect(),
            stopped: stopped.collect(),
        };
        let gate = Gate::new(Check::Tasks { max_restarts: 1 });
        let (verdict, said) = stand(&gate, [Some(sample.clone()), Some(sample)]);
        assert_eq!(verdict, expect, "{said}");
    };
    check(&["RUNNING", "RUNNING"], 0, Verdict::Pass);
    check(&["RUNNING", "PENDING"], 0, Verdict::Wait);
    check(&["RUNNING", "RUNNING"], 1, Verdict::Pass);
    check(&["RUNNING", "RUNNING"], 2, Verdict::Fail);
}

/// What ECS has not said of a task yet is no word for it, unless it will never say anything.
#[test]
fn a_task_that_is_to_be_checked_is_well_once_ecs_says_so() {
    let check = |health, said: &str, expect| {
        let mut subject = subject();
        subject.new.health = health;
        let task = |id: u32| {
            Task::new(json!({
                "taskArn": format!("arn:aws:ecs:r:1:task/prod/{id}"), "startedBy": "ecs-svc/2",
                "lastStatus": "RUNNING", "healthStatus": said,
            }))
        };
        let sample = Sample::Tasks {
            running: vec![task(1), task(2)],
            stopped: Vec::new(),
        };
        let mut gate = Gate::new(Check::Tasks { max_restarts: 1 });
        gate.pace.count = 1;
        let progress = GateProgress::begin(at(0));
        let samples = Samples::from([(gate.name.clone(), sample)]);
        let (_, judged) = judge(&[gate], &progress, &subject, &samples, at(0));
        assert_eq!(judged.verdict, expect, "{health:?} {said}");
    };
    check(Health::Untold, "UNKNOWN", Verdict::Pass);
    check(Health::Untold, "UNHEALTHY", Verdict::Wait);
    check(Health::Told, "UNKNOWN", Verdict::Wait);
    check(Health::Told, "UNHEALTHY", Verdict::Wait);
    check(Health::Told, "HEALTHY", Verdict::Pass);
}

#[test]
fn targets_may_start_slowly_and_not_fall_ill_later() {
    let targets = |states: [TargetState; 2]| {
        let target = |(state, id): (TargetState, u32)| Target {
            id: format!("10.0.0.{id}"),
            port: 80,
            state,
            reason: String::new(),
            description: String::new(),
        };
        let group = TargetGroupArn::new(format!("{ARN}targetgroup/green/1"));
        Some(Sample::Targets {
            running: vec![task(1, "RUNNING", ""), task(2, "RUNNING", "")],
            groups: BTreeMap::from([(group, states.into_iter().zip(1..).map(target).collect())]),
        })
    };
    let well = || targets([TargetState::Healthy, TargetState::Healthy]);
    let ill = || targets([TargetState::Healthy, TargetState::Unhealthy]);
    let check = |looks: Vec<Option<Sample>>, expect| {
        let (verdict, said) = stand(&Gate::new(Check::Targets), looks);
        assert_eq!(verdict, expect, "{said}");
    };
    check(
        vec![ill(), ill(), ill(), ill(), well(), well()],
        Verdict::Pass,
    );
    check(vec![well(), ill(), ill(), well()], Verdict::Pass);
    check(vec![well(), ill(), ill(), ill()], Verdict::Fail);
}

#[test]
fn alarms_speak_for_themselves() {
    use AlarmState::{Alarm as Firing, InsufficientData, Ok, Other};
    let check = |quiet, states: &[(&str, AlarmState)], expect: &str| {
        let gate = Gate::new(Check::Alarms {
            names: ["a".to_owned(), "b".to_owned()].into(),
            quiet,
        });
        let alarms = states.iter().map(|(name, state)| Alarm {
            name: (*name).to_owned(),
            state: state.clone(),
            reason: String::new(),
        });
        let (_, said) = stand(&gate, [Some(Sample::Alarms(alarms.collect()))]);
        assert_eq!(said, expect);
    };
    let well = "no alarm is in ALARM";
    check(Quiet::NoData, &[("a", Ok), ("b", Ok)], well);
    check(
        Quiet::NoData,
        &[("a", Firing), ("c", Firing)],
        "in ALARM: a",
    );
    check(Quiet::NoData, &[("a", Ok)], "there is no alarm `b`");
    check(
        Quiet::NoData,
        &[("a", Ok), ("b", InsufficientData)],
        "INSUFFICIENT_DATA: b",
    );
    check(Quiet::IsWell, &[("a", Ok), ("b", InsufficientData)], well);
    let odd = Other("NEW".to_owned());
    check(
        Quiet::IsWell,
        &[("a", Ok), ("b", odd)],
        "in a state of an unknown name: b",
    );
}

fn metric(bounds: Bounds, missing: Missing) -> MetricCheck {
    let stat = |id: &str, stat: &str| MetricQuery {
        id: id.to_owned(),
        measure: Measure::Stat {
            namespace: "AWS/ApplicationELB".to_owned(),
            metric: "TargetResponseTime".to_owned(),
            dimensions: BTreeMap::from([("TargetGroup".to_owned(), "{target_group}".to_owned())]),
            stat: stat.to_owned(),
        },
        period: 60,
    };
    MetricCheck {
        queries: vec![stat("m", "p99"), stat("n", "SampleCount")],
        result: "m".to_owned(),
        sample: Some(MinimumSample {
            id: "n".to_owned(),
            least: 10.0,
        }),
        period: 60,
        delay: PUBLICATION_DELAY,
        bounds,
        missing,
    }
}

/// Minutes from the start on: value and number of samples; a dash is a minute without a point.
fn points(minutes: &[(f64, f64)]) -> SeriesById {
    let mut series = SeriesById::new();
    for (minute, (value, samples)) in minutes.iter().enumerate() {
        let start = at(60 * i64::try_from(minute).unwrap());
        if value.is_finite() {
            series
                .entry("m".to_owned())
                .or_default()
                .insert(start, *value);
        }
        series
            .entry("n".to_owned())
            .or_default()
            .insert(start, *samples);
    }
    series
}

const NONE: f64 = f64::NAN;

#[test]
fn points_are_judged_minute_by_minute() {
    let check = |bounds, missing, new: &[(f64, f64)], old: &[(f64, f64)], expect| {
        let gate = Gate::new(Check::Metric(metric(bounds, missing)));
        let window = Window {
            from: at(0),
            to: at(60 * i64::try_from(new.len()).unwrap()),
            period: 60,
        };
        let (new, old) = (points(new), points(old));
        let sample = Sample::Metrics(Metrics { window, new, old });
        let (verdict, said) = stand(&gate, [Some(sample)]);
        assert_eq!(verdict, expect, "{said}");
    };
    let most = Bounds::Range {
        min: None,
        max: Some(0.5),
    };
    let (gap, zero) = (Missing::NoData, Missing::Zero);
    let well = (0.5, 10.0);
    check(most, gap, &[well, well], &[], Verdict::Wait);
    check(most, gap, &[well, well, well], &[], Verdict::Pass);
    check(
        most,
        gap,
        &[well, well, (0.501, 10.0), well],
        &[],
        Verdict::Fail,
    );
    // Too few samples are no data: neither a failure nor a pass.
    check(
        most,
        gap,
        &[(9.0, 9.0), well, well, well],
        &[],
        Verdict::Pass,
    );
    check(most, gap, &[(0.1, 9.0); 3], &[], Verdict::Wait);
    check(most, gap, &[(0.1, 9.0); 4], &[], Verdict::NoData);
    check(most, gap, &[(NONE, 10.0); 4], &[], Verdict::NoData);
    check(most, zero, &[(NONE, 10.0); 3], &[], Verdict::Pass);
    let least = Bounds::Range {
        min: Some(0.5),
        max: None,
    };
    check(least, gap, &[well; 3], &[], Verdict::Pass);
    check(least, gap, &[(0.49, 10.0)], &[], Verdict::Fail);
    let twice = Bounds::NewOverOld { max: 2.0 };
    check(twice, gap, &[(1.0, 10.0); 3], &[well; 3], Verdict::Pass);
    check(twice, gap, &[(1.1, 10.0); 3], &[well; 3], Verdict::Fail);
    check(
        twice,
        gap,
        &[(1.1, 10.0); 4],
        &[(0.5, 9.0); 4],
        Verdict::NoData,
    );
    check(
        twice,
        gap,
        &[(1.1, 10.0); 4],
        &[(0.0, 10.0); 4],
        Verdict::NoData,
    );
}

#[test]
fn a_window_is_whole_periods_that_are_published() {
    let check = |since, now, expect: Option<(i64, i64)>| {
        let window = Window::published(at(since), at(now), 60, PUBLICATION_DELAY);
        let expect = expect.map(|(from, to)| (at(from), at(to)));
        assert_eq!(window.map(|w| (w.from, w.to)), expect, "{since} to {now}");
        let first = Window::first_published(at(since), 60, PUBLICATION_DELAY);
        assert_eq!(window.is_some(), at(now) >= first, "{since} to {now}");
    };
    check(0, 179, None);
    check(0, 180, Some((0, 60)));
    check(0, 240, Some((0, 120)));
    check(1, 239, None);
    check(1, 240, Some((60, 120)));
    check(59, 301, Some((60, 180)));
}

/// Requests and errors of the new side, then of the old.
type Minute = (f64, f64, f64, f64);

fn minutes(counts: &[Minute]) -> Sample {
    let series = |of: fn(&Minute) -> (f64, f64)| {
        let mut series = SeriesById::new();
        for (minute, counts) in counts.iter().enumerate() {
            let start = at(60 * i64::try_from(minute).unwrap());
            let (requests, faults) = of(counts);
            series
                .entry("requests".to_owned())
                .or_default()
                .insert(start, requests);
            series
                .entry("faults".to_owned())
                .or_default()
                .insert(start, faults);
        }
        series
    };
    Sample::Metrics(Metrics {
        window: Window {
            from: at(0),
            to: at(60 * i64::try_from(counts.len()).unwrap()),
            period: 60,
        },
        new: series(|(requests, faults, ..)| (*requests, *faults)),
        old: series(|(_, _, requests, faults)| (*requests, *faults)),
    })
}

#[test]
fn errors_are_compared_over_the_rollout_and_passed_by_the_step() {
    let gates = [Gate::new(Check::Errors(Comparison::default()))];
    let check = |began, counts: &[Minute], expect| {
        let progress = GateProgress::begin(at(0)).next_step(at(began));
        let samples = Samples::from([("errors".to_owned(), minutes(counts))]);
        let (_, judged) = judge(&gates, &progress, &subject(), &samples, at(began + 300));
        assert_eq!(judged.verdict, expect, "{:?}", judged.standings);
    };
    let calm = (50.0, 0.0, 450.0, 2.0);
    let idle = (0.0, 0.0, 500.0, 2.0);
    check(0, &[calm; 2], Verdict::Wait);
    check(0, &[calm; 3], Verdict::Pass);
    check(0, &[(30.0, 0.0, 450.0, 2.0); 3], Verdict::Wait);
    check(0, &[idle; 20], Verdict::Wait);
    check(0, &[calm, calm, (50.0, 20.0, 450.0, 2.0)], Verdict::Fail);
    // In the next step, the minutes of the one before are evidence and no pass.
    check(180, &[calm; 5], Verdict::Wait);
    check(180, &[calm; 6], Verdict::Pass);
    check(180, &[calm, calm, calm, idle, idle, idle], Verdict::Wait);
    check(
        180,
        &[(50.0, 20.0, 450.0, 2.0), calm, calm, calm],
        Verdict::Fail,
    );
}

#[test]
fn a_comparison_without_a_side_to_compare_with_cannot_be_measured() {
    let gates = [Gate::new(Check::Errors(Comparison::default()))];
    let progress = GateProgress::begin(at(0));
    let why = |subject: &Subject| match &needs(&gates, &progress, subject, at(180))["errors"] {
        Need::Impossible(why) => why.clone(),
        other => format!("{other:?}"),
    };
    let alone = Subject {
        old: None,
        ..subject()
    };
    assert!(why(&alone).contains("nothing tells"));
    let mut unbalanced = subject();
    unbalanced.new.own = None;
    assert_eq!(
        why(&unbalanced),
        "the new revision has no {load_balancer} of its own"
    );
}

#[test]
fn placeholders_become_cloudwatch_dimensions() {
    let check = |text: &str, expect| assert_eq!(side("green").fill(text).as_deref(), expect);
    check("{target_group}", Ok("targetgroup/green/1"));
    check("{load_balancer}", Ok("app/lb/9"));
    check("{cluster}/{service}", Ok("prod/web"));
    check(
        "SEARCH('{AWS/ECS,ServiceName}')",
        Ok("SEARCH('{AWS/ECS,ServiceName}')"),
    );
}

#[test]
fn probes_answer_in_status_words_and_time() {
    let check = |status, body: &str, millis, expect: &str| {
        let gate = Gate::new(Check::Http(HttpCheck {
            probe: Probe {
                url: "https://a.test".to_owned(),
                headers: Vec::new(),
                redirects: Redirects::SameHost,
                timeout: Duration::from_secs(5),
            },
            statuses: Vec::new(),
            contains: Some("ok".to_owned()),
            within: Some(Duration::from_millis(500)),
        }));
        let reply = Reply {
            status,
            body: body.to_owned(),
            took: Duration::from_millis(millis),
        };
        let (_, said) = stand(&gate, [Some(Sample::Http(reply))]);
        assert_eq!(said, expect);
    };
    check(200, "ok", 500, "answered 200 in 500 ms");
    check(200, "ok", 501, "answered 200 in 501 ms, above 500 ms");
    check(204, "", 1, "answered 204 without `ok`");
    check(503, "ok", 1, "answered 503");
}

fn one_off(status: &str, stop: &str, code: serde_json::Value) -> Sample {
    Sample::Task(Some(Task::new(json!({
        "taskArn": "arn:aws:ecs:r:1:task/prod/9", "lastStatus": status, "stopCode": stop,
        "stoppedReason": "it ended", "containers": [{"name": "web", "exitCode": code}],
    }))))
}

#[test]
fn a_one_off_task_is_run_once_for_each_attempt_and_settles_the_gate() {
    use Verdict::{Pass, Wait};
    let mut gate = Gate::new(Check::Task(OneOff {
        command: vec!["./smoke".to_owned()],
        container: None,
        task_definition: None,
    }));
    gate.limits.failures = 1;
    let gates = [gate];
    let mut progress = GateProgress::begin(at(0));
    let mut look = |seconds: i64, sample: Sample, expect| {
        let need = needs(&gates, &progress, &subject(), at(seconds)).remove("task");
        let samples = Samples::from([("task".to_owned(), sample)]);
        let (next, judged) = judge(&gates, &progress, &subject(), &samples, at(seconds));
        progress = next;
        assert_eq!(judged.verdict, expect, "{:?}", judged.standings);
        need
    };
    let run = |attempt: u32| {
        Some(Need::Run(Run {
            token: format!("ecsdeploy-0123456789ab-task-{attempt}"),
            task: OneOff {
                command: vec!["./smoke".to_owned()],
                container: None,
                task_definition: None,
            },
        }))
    };
    let arn = TaskArn::from("arn:aws:ecs:r:1:task/prod/9");
    let started = || Sample::Started(arn.clone());
    let watched = || Some(Need::Task(arn.clone()));
    assert_eq!(look(0, started(), Wait), run(0));
    assert_eq!(
        look(10, one_off("RUNNING", "", json!(null)), Wait),
        watched()
    );
    let failed = one_off("STOPPED", "EssentialContainerExited", json!(2));
    assert_eq!(look(20, failed, Wait), watched());
    assert_eq!(look(30, started(), Wait), run(1));
    let never = one_off("STOPPED", "TaskFailedToStart", json!(null));
    assert_eq!(look(40, never, Wait), watched());
    assert_eq!(look(50, started(), Wait), run(2));
    let ended = one_off("STOPPED", "EssentialContainerExited", json!(0));
    assert_eq!(look(60, ended, Pass), watched());
    assert_eq!(look(70, Sample::Task(None), Pass), None, "settled");
}

#[test]
fn a_persons_word_counts_once() {
    let word = |says| {
        Sample::Approval(Some(Word {
            says,
            by: "kim".to_owned(),
        }))
    };
    let gate = Gate::new(Check::Approval(Approval::default()));
    let check = |looks: Vec<Sample>, expect: (Verdict, &str)| {
        let (verdict, said) = stand(&gate, looks.into_iter().map(Some));
        assert_eq!((verdict, said.as_str()), expect);
    };
    let nobody = "nobody has approved yet";
    check(vec![Sample::Approval(None)], (Verdict::Wait, nobody));
    check(vec![word(Says::Yes)], (Verdict::Pass, "approved by kim"));
    check(vec![word(Says::No)], (Verdict::Fail, "refused by kim"));
    check(
        vec![word(Says::Yes), word(Says::No)],
        (Verdict::Pass, "approved by kim"),
    );
}

#[test]
fn gates_are_asked_when_they_are_due_and_woken_for() {
    let gates = [
        alarm_gate(1, 0, (0, 0, 0)),
        Gate::new(Check::Errors(Comparison::default())),
    ];
    let mut progress = GateProgress::begin(at(0));
    let asked = |progress: &GateProgress, now: i64| -> Vec<String> {
        needs(&gates, progress, &subject(), at(now))
            .into_keys()
            .collect()
    };
    assert_eq!(asked(&progress, 0), ["alarms"]);
    assert_eq!(wake_at(&gates, &progress, at(0)), Some(at(0)));
    let samples = Samples::from([("alarms".to_owned(), letters("P").remove(0).unwrap())]);
    progress = judge(&gates, &progress, &subject(), &samples, at(2)).0;
    assert_eq!(asked(&progress, 16), Vec::<String>::new());
    assert_eq!(wake_at(&gates, &progress, at(2)), Some(at(17)));
    assert_eq!(asked(&progress, 17), ["alarms"]);
    assert_eq!(asked(&progress, 180), ["alarms", "errors"]);
    // A gate that has long had enough is still only looked at by its interval.
    let late = at(3600);
    progress = judge(&gates, &progress, &subject(), &samples, late).0;
    assert_eq!(
        wake_at(&gates[..1], &progress, late),
        Some(late + SignedDuration::from_secs(15))
    );
}

#[test]
fn progress_outlives_the_process() {
    let gates = [alarm_gate(3, 0, (1, 1, 1))];
    let samples = Samples::from([("alarms".to_owned(), letters("P").remove(0).unwrap())]);
    let begun = GateProgress::begin(at(0));
    let (progress, _) = judge(&gates, &begun, &subject(), &samples, at(0));
    let written = serde_json::to_string(&progress).unwrap();
    assert_eq!(
        serde_json::from_str::<GateProgress>(&written).unwrap(),
        progress
    );
}

#[test]
fn a_step_lends_its_bake_to_gates_without_one() {
    let mut own = alarm_gate(1, 45, (0, 0, 0));
    own.name = "own".to_owned();
    let asked = [
        own,
        alarm_gate(1, 0, (0, 0, 0)),
        Gate::new(Check::Approval(Approval::default())),
    ];
    let gates = Gate::for_step(Some(&asked), &[], Duration::from_mins(5));
    let bakes: Vec<u64> = gates.iter().map(|gate| gate.pace.bake.as_secs()).collect();
    assert_eq!(bakes, [45, 300, 0]);
    assert_eq!(
        Gate::for_step(None, &[], Duration::ZERO),
        Gate::defaults(&[])
    );
    assert_eq!(Gate::for_step(Some(&[]), &[], Duration::ZERO), []);
}

#[test]
fn default_gates_name_deployment_alarms_only_if_there_are_any() {
    let names = |alarms: &[String]| -> Vec<String> {
        Gate::defaults(alarms)
            .into_iter()
            .map(|gate| gate.name)
            .collect()
    };
    assert_eq!(names(&[]), ["tasks", "targets"]);
    assert_eq!(names(&["a".to_owned()]), ["tasks", "targets", "alarms"]);
}

#[test]
fn targets_without_a_group_to_look_at_cannot_be_measured() {
    let gates = [Gate::new(Check::Targets)];
    let mut subject = subject();
    subject.new.places.clear();
    let needs = needs(&gates, &GateProgress::begin(at(0)), &subject, at(0));
    assert!(matches!(needs["targets"], Need::Impossible(_)), "{needs:?}");
}
