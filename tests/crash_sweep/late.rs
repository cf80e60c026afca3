//! Kills after which nobody takes the rollout up for longer than any of its limits: in the next morning, say.
//!
//! A few of the worlds in which a process died are left alone for so long, watched all the time, then the same command is
//! started again. It has to end as the run that nothing befell, with one exception that is the engine's and not ours:
//! where ECS or CodeDeploy waited for a word and heard none, it has gone back by itself, and the verdict says so.

use ecsdeploy::cli::stage::SharedSandbox;
use ecsdeploy::core::report::Outcome;
use ecsdeploy::sandbox::Duration;
use serde_json::Value;

use crate::common::Stage;
use crate::kill::{Moment, died};
use crate::rows::{Row, Serves};
use crate::run::{Ended, Extent, each, judge, play, say, settled};
use crate::watch::Watcher;

/// Of each row, in a usual sweep.
const SAMPLES: usize = 4;

/// Longer than the limits below, and than ECS waits at a pause.
const LATER: Duration = Duration::from_secs(75 * 60);

pub fn sweep(make: fn() -> Row) {
    let row = in_less_time(make());
    let extent = Extent::asked();
    let (moments, unkilled) = died(&row);
    let moments = if extent.is_usual() {
        few(moments)
    } else {
        moments
    };
    say(&format!("{}: {} taken up late", row.name, moments.len()));
    each(moments, |moment| {
        let told = format!("{}, late after being killed {}", row.name, moment.told);
        if extent.has(&told) {
            let mut sandbox = moment.world;
            let watcher = Watcher::over(&mut sandbox, &row);
            let morning = sandbox.now() + LATER;
            sandbox.advance(morning);
            let stage = Stage::over(SharedSandbox::new(sandbox));
            let mut ended = play(&row, &told, &stage, &watcher, "bert");
            let exposed = (row.is_exposed)(&stage.sandbox.lock().world);
            judge_late(&mut make(), &told, &mut ended, exposed, &unkilled);
        }
    });
}

/// All limits are shorter than the time in which nobody was there.
fn in_less_time(mut row: Row) -> Row {
    let limits = &mut row.request.intent.limits;
    limits.timeout = std::time::Duration::from_mins(30);
    limits.undo_timeout = std::time::Duration::from_mins(15);
    row
}

/// Spread over the whole run, without its ends.
fn few(moments: Vec<Moment>) -> Vec<Moment> {
    let count = moments.len();
    let wanted: Vec<usize> = (1..=SAMPLES).map(|n| n * count / (SAMPLES + 1)).collect();
    let numbered = moments.into_iter().enumerate();
    let picked = numbered.filter(|(at, _)| wanted.contains(at));
    let picked = picked.map(|(_, moment)| moment);
    // One that has forgotten its journal was over, and is not taken up.
    picked
        .filter(|moment| !moment.told.contains("after DeleteParameters"))
        .collect()
}

fn judge_late(row: &mut Row, told: &str, ended: &mut Ended, exposed: bool, unkilled: &Value) {
    let went_back = matches!(ended.verdict, Outcome::RolledBack { .. });
    // Who ended its deployments, and how, is CodeDeploy's own business; that they have ended is ours.
    let made = ended.world["codeDeployments"].take();
    for deployment in made.as_array().unwrap() {
        let has_ended =
            ["Succeeded", "Failed", "Stopped"].contains(&deployment[0].as_str().unwrap());
        assert!(has_ended, "{told}: {made}");
    }
    let mut expected = unkilled.clone();
    let by_an_engine = ["native", "code deploy"].iter().any(|it| told.contains(it));
    if went_back && by_an_engine {
        assert!(!exposed, "{told}: the new revision has traffic");
    }
    if row.serves == Serves::New && went_back {
        assert!(
            by_an_engine,
            "{told}: {:?}\n{:#?}",
            ended.verdict, ended.report
        );
        // As if there had been no rollout, but for the revision.
        expected = settled(row, &Stage::over(SharedSandbox::new(row.world())));
        expected["revisions"] = ended.world["revisions"].clone();
        without_hooks(&mut ended.world);
        row.serves = Serves::Old;
    }
    if went_back && by_an_engine {
        // A rule has several ways to say that all goes to one side, by who said it last.
        expected["routes"] = ended.world["routes"].clone();
    }
    expected["codeDeployments"].take();
    // ECS has forgotten those of the evening before.
    expected["oneOffTasks"] = ended.world["oneOffTasks"].clone();
    judge(row, told, ended, &expected);
}

/// That there are none is what it said before.
fn without_hooks(world: &mut Value) {
    let configuration = world["services"][0]["configuration"].as_object_mut();
    let hooks = configuration.and_then(|members| members.remove("lifecycleHooks"));
    assert!(hooks.is_none_or(|hooks| hooks == serde_json::json!([])));
}
