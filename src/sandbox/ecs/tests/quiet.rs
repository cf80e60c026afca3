//! Passing over quiet services changes nothing: the same script, played with and without it, ends in the same world.

use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::sandbox::ecs::quiet::Rest;
use crate::sandbox::{World, ecs, elb, seed};

/// The rolling service of the world file with a second one beside it, and an EXTERNAL one in a cluster of its own.
fn worlds() -> [World; 2] {
    let web = include_str!("../../testdata/fargate-web.yaml");
    let external = super::task_sets::EXTERNAL;
    [web, external].map(|file| seed::read(file, 11).unwrap_or_else(|error| panic!("{error}")))
}

/// One thing that somebody does, of those that can disturb a service.
fn act(world: &mut World, what: u8) {
    let on_web = |more: Value| super::door::web(&more);
    let task = {
        let live = &world.ecs.clusters["main"].services["web"].live;
        live.first().cloned().unwrap_or_default()
    };
    let group = world.elb.groups.keys().next().cloned().unwrap();
    let in_group = world.elb.groups[&group].targets.keys().next().cloned();
    let (op, input) = match what {
        0 => ("UpdateService", on_web(json!({ "desiredCount": 3 }))),
        1 => ("UpdateService", on_web(json!({ "desiredCount": 1 }))),
        2 => (
            "UpdateService",
            on_web(json!({ "forceNewDeployment": true })),
        ),
        3 => ("StopTask", json!({ "cluster": "main", "task": task })),
        4 => (
            "UpdateTaskProtection",
            json!({ "cluster": "main", "tasks": [task], "protectionEnabled": true, "expiresInMinutes": 3 }),
        ),
        5 => (
            "DescribeServices",
            json!({ "cluster": "main", "services": ["web"] }),
        ),
        6 => {
            // Somebody takes a target out behind ECS's back.
            let targets = in_group.map(|(id, port)| json!({ "Id": id, "Port": port }));
            let targets: Vec<Value> = targets.into_iter().collect();
            let input = json!({ "TargetGroupArn": group, "Targets": targets });
            let _ = elb::answer(world, "DeregisterTargets", &input);
            return;
        }
        _ => {
            let change = |app: &mut crate::sandbox::apps::Behaviour| app.health_status = 503;
            ecs::behave(&mut world.ecs, &|running| running.task == task, &change);
            return;
        }
    };
    // Some are refused, as a deployment of an EXTERNAL service is; that is part of the script.
    let _ = ecs::answer(world, op, &input);
}

/// Everything that the script has come to, but for what only tells who rests.
fn seen(world: &mut World) -> String {
    world.ecs.touched = 0;
    for cluster in world.ecs.clusters.values_mut() {
        for service in cluster.services.values_mut() {
            service.rest = Rest::Stirring;
        }
    }
    let mut text = String::new();
    write!(text, "{world:?}").expect("a text takes all");
    text
}

/// Plays a script; each second, ECS is touched `wakes` times, which wakes every service.
fn play(mut world: World, script: &[(u8, u64)], wakes: u64) -> (String, usize) {
    let mut rests = 0;
    for (what, seconds) in script {
        act(&mut world, *what);
        for _ in 0..*seconds {
            world.ecs.touched += wakes;
            let next = world.now.next_second();
            world.step(next);
            let services = world.ecs.clusters["main"].services.values();
            rests += services
                .filter(|one| matches!(one.rest, Rest::Quiet(_)))
                .count();
        }
    }
    (seen(&mut world), rests)
}

fn same(script: &[(u8, u64)]) {
    for world in worlds() {
        let (skipping, rests) = play(world.clone(), script, 0);
        let (complete, _) = play(world, script, 1);
        assert!(skipping == complete, "{script:?} is not played alike");
        assert!(rests > 0, "{script:?}: nothing ever rested");
    }
}

#[test]
fn a_quiet_night_is_the_same_and_tells_its_steady_line() {
    same(&[(5, 7 * 3600)]);
}

#[test]
fn each_disturbance_wakes_the_service_in_time() {
    for what in 0..8 {
        same(&[(5, 30), (what, 400), (5, 30)]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_script_is_played_alike(script in proptest::collection::vec((0..8_u8, 1..150_u64), 1..8)) {
        for world in worlds() {
            let (skipping, _) = play(world.clone(), &script, 0);
            let (complete, _) = play(world, &script, 1);
            prop_assert!(skipping == complete, "{script:?} is not played alike");
        }
    }
}
