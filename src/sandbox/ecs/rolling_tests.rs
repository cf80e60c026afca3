//! The orders for pictures of services, and what no order may ever do.

use proptest::prelude::*;

use super::*;

/// `o` old, `n` new; upper case is healthy, `w`/`v` waiting (new/old), `p`/`q` pending (new/old), `c` condemned (new).
fn members(picture: &str) -> Vec<Member> {
    let member = |(index, letter)| {
        let (age, fitness) = match letter {
            'O' => (Age::Old, Fitness::Healthy),
            'N' => (Age::New, Fitness::Healthy),
            'w' => (Age::New, Fitness::Waiting),
            'v' => (Age::Old, Fitness::Waiting),
            'p' => (Age::New, Fitness::Pending),
            'q' => (Age::Old, Fitness::Pending),
            'c' => (Age::New, Fitness::Condemned),
            'd' => (Age::Old, Fitness::Condemned),
            other => panic!("no such letter: {other}"),
        };
        Member {
            id: format!("{letter}{index}"),
            age,
            fitness,
            is_protected: false,
        }
    };
    picture.chars().enumerate().map(member).collect()
}

fn check(picture: &str, (desired, max, min): (u32, u64, u64), expected: &str) {
    let bounds = Bounds::new(desired, max, min);
    let orders = orders(
        &members(picture),
        bounds,
        Launching::Allowed,
        StopOld::AsAllowed,
    );
    let stuck = if orders.is_stuck { " stuck" } else { "" };
    let found = format!(
        "stop {} start {}{stuck}",
        orders.stop.join(","),
        orders.start
    );
    assert_eq!(found, expected, "{picture} of {desired} with {max}/{min}");
}

#[test]
fn bounds_round_against_the_deployer() {
    let bounds = |desired, max, min| {
        let bounds = Bounds::new(desired, max, min);
        (bounds.lower, bounds.upper)
    };
    assert_eq!(bounds(3, 125, 100), (3, 3));
    assert_eq!(bounds(2, 200, 75), (2, 4));
    assert_eq!(bounds(1, 100, 100), (1, 1));
    assert_eq!(bounds(10, 115, 85), (9, 11));
    assert_eq!(bounds(0, 200, 100), (0, 0));
}

#[test]
fn two_for_two_starts_first_and_stops_as_the_new_ones_turn_healthy() {
    let two = (2, 200, 100);
    check("OO", two, "stop  start 2");
    check("OOpp", two, "stop  start 0");
    check("OOww", two, "stop  start 0");
    check("OONw", two, "stop O0 start 0");
    check("ONN", two, "stop O0 start 0");
    check("NN", two, "stop  start 0");
}

#[test]
fn without_room_above_old_tasks_go_first() {
    check("OOOO", (4, 100, 50), "stop O0,O1 start 2");
    check("OOpp", (4, 100, 50), "stop  start 0");
    check("OONN", (4, 100, 50), "stop O0,O1 start 2");
    check("O", (1, 100, 0), "stop O0 start 1");
}

#[test]
fn bounds_that_allow_neither_are_a_deadlock() {
    check("OOO", (3, 125, 100), "stop  start 0 stuck");
    check("OO", (2, 100, 75), "stop  start 0 stuck");
    check("O", (1, 100, 100), "stop  start 0 stuck");
    check("OOw", (3, 100, 67), "stop  start 0");
}

#[test]
fn an_unhealthy_task_is_replaced_before_it_is_stopped_if_there_is_room() {
    check("Nc", (2, 200, 100), "stop  start 1");
    check("Ncw", (2, 200, 100), "stop  start 0");
    check("NcN", (2, 200, 100), "stop c1 start 0");
    check("Nc", (2, 100, 100), "stop c1 start 1");
    check("OOcc", (2, 200, 100), "stop c2,c3 start 2");
}

#[test]
fn a_superseded_deployment_loses_its_unproven_tasks_first() {
    check("OOqq", (2, 200, 100), "stop q2,q3 start 2");
    check("OOvv", (2, 200, 100), "stop v2,v3 start 2");
}

#[test]
fn scaling_in_takes_the_newest_and_pending_ones_first() {
    check("NNNN", (2, 200, 100), "stop N3,N2 start 0");
    check("NNNp", (2, 200, 100), "stop p3,N2 start 0");
}

#[test]
fn a_failed_deployment_launches_nothing_and_keeps_the_old_tasks() {
    let bounds = Bounds::new(2, 200, 100);
    let orders = orders(
        &members("OOcw"),
        bounds,
        Launching::Ended,
        StopOld::AsAllowed,
    );
    assert_eq!(
        orders,
        Orders {
            stop: vec!["c2".into()],
            ..Orders::default()
        }
    );
}

#[test]
fn old_tasks_stay_until_replaced_where_that_is_switched_on() {
    let stop = |picture, percents: (u32, u64, u64)| {
        let bounds = Bounds::new(percents.0, percents.1, percents.2);
        orders(
            &members(picture),
            bounds,
            Launching::Allowed,
            StopOld::AsReplaced,
        )
        .stop
    };
    assert!(stop("OO", (2, 200, 0)).is_empty());
    assert_eq!(stop("OONw", (2, 200, 0)), ["O0"]);
    assert_eq!(stop("OOOO", (4, 100, 50)), ["O0", "O1"]);
}

proptest! {
    #[test]
    fn no_order_leaves_the_bounds(
        picture in "[ONwvpqcd]{0,12}",
        desired in 0_u32..8,
        max in 100_u64..300,
        min in 0_u64..=100,
    ) {
        let (members, bounds) = (members(&picture), Bounds::new(desired, max, min));
        let orders = orders(&members, bounds, Launching::Allowed, StopOld::AsAllowed);
        let left = |member: &&Member| !orders.stop.contains(&member.id);
        let healthy = |member: &&Member| member.fitness == Fitness::Healthy;
        let before = members.iter().filter(healthy).count();
        let after = members.iter().filter(left).filter(healthy).count();
        prop_assert!(after >= bounds.lower.min(before), "healthy {before} -> {after}, {bounds:?}");
        let live = members.iter().filter(left).count();
        prop_assert!(orders.start == 0 || live + orders.start <= bounds.upper, "live {live}, {orders:?}, {bounds:?}");
    }

    /// Whatever the bounds, a deployment whose tasks turn healthy at once ends in the wanted state, or is stuck.
    #[test]
    fn healthy_tasks_always_get_a_deployment_done_or_stuck(desired in 0_u32..10, max in 100_u64..300, min in 0_u64..=100) {
        let bounds = Bounds::new(desired, max, min);
        let mut fleet = members(&"O".repeat(desired as usize));
        for round in 0..50 {
            let orders = orders(&fleet, bounds, Launching::Allowed, StopOld::AsAllowed);
            if orders.is_stuck {
                prop_assert!(bounds.upper == bounds.desired && bounds.lower == bounds.desired);
                return Ok(());
            }
            fleet.retain(|member| !orders.stop.contains(&member.id));
            fleet.extend((0..orders.start).map(|n| Member { id: format!("{round}-{n}"), age: Age::New, fitness: Fitness::Healthy, is_protected: false }));
        }
        prop_assert!(fleet.len() == desired as usize && fleet.iter().all(|member| member.age == Age::New));
    }
}
