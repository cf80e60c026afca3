//! Where going back leads, told from the deployments that a service has had.
//!
//! **Invariant:** the revision before is one that completed; never a guess from revision numbers, and never one that the
//! service went back from. Where it has just come back, of its own or told to, going back leads no further: whoever asks
//! may not know of it.

use super::id::TaskDefinitionArn;

/// One deployment that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    pub task_definition: TaskDefinitionArn,
    pub ended: Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Completed,
    /// It was stopped or taken back: what had completed before it serves on.
    TakenBack,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WayBack {
    To(TaskDefinitionArn),
    /// The service runs what it came back to.
    CameBack {
        left: TaskDefinitionArn,
        /// What completed before that.
        further: Option<TaskDefinitionArn>,
    },
    /// Nothing else is known to have completed.
    Unknown,
}

/// The way back from the running revision; `past` is newest first.
pub fn way_back(running: &TaskDefinitionArn, past: &[Past]) -> WayBack {
    let is_other = |it: &&Past| it.task_definition != *running;
    let earlier = past.iter().position(|it| is_other(&it));
    let Some(earlier) = earlier.map(|at| &past[at..]) else {
        return WayBack::Unknown;
    };
    let has_completed = |it: &&Past| it.ended == Ended::Completed;
    let left = &earlier[0];
    let was_tried_last = earlier.len() == past.len() && left.ended == Ended::TakenBack;
    let before = earlier
        .iter()
        .rposition(|it| has_completed(&it) && !is_other(&it));
    if was_tried_last || before.is_some() {
        let older = &earlier[before.map_or(0, |at| at + 1)..];
        let further = older.iter().filter(has_completed).find(is_other);
        return WayBack::CameBack {
            left: left.task_definition.clone(),
            further: further.map(|it| it.task_definition.clone()),
        };
    }
    let last = earlier.iter().find(has_completed);
    match last.map(|it| it.task_definition.clone()) {
        // ECS forgets after 90 days that the running revision was there before.
        Some(left) if is_newer(&left, running) => WayBack::CameBack {
            left,
            further: None,
        },
        Some(last) => WayBack::To(last),
        None => WayBack::Unknown,
    }
}

/// ECS numbers the revisions of a family as they are registered.
fn is_newer(one: &TaskDefinitionArn, other: &TaskDefinitionArn) -> bool {
    let number = |arn: &TaskDefinitionArn| {
        let (family, number) = arn.as_str().rsplit_once(':')?;
        Some((family.to_owned(), number.parse::<u64>().ok()?))
    };
    match (number(one), number(other)) {
        (Some((one, n)), Some((other, m))) => one == other && n > m,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Deployments newest first, those that were taken back with a `!`; where going back leads: `web:1`, or
    /// `LEFT > FURTHER` where the service came back, or nothing.
    fn check(running: &str, past: &[&str], leads: &str) {
        let read = |it: &&str| Past {
            task_definition: TaskDefinitionArn::from(it.trim_end_matches('!')),
            ended: if it.ends_with('!') {
                Ended::TakenBack
            } else {
                Ended::Completed
            },
        };
        let past: Vec<Past> = past.iter().map(read).collect();
        let said = match way_back(&TaskDefinitionArn::from(running), &past) {
            WayBack::To(to) => to.as_str().to_owned(),
            WayBack::CameBack { left, further } => {
                format!(
                    "{left} > {}",
                    further.map_or(String::new(), |it| it.to_string())
                )
            }
            WayBack::Unknown => String::new(),
        };
        assert_eq!(said, leads, "{running}: {past:?}");
    }

    #[test]
    fn going_back_leads_to_what_completed_before() {
        check("web:2", &["web:2", "web:1"], "web:1");
        check("web:2", &["web:1"], "web:1");
        check("web:2", &["web:2"], "");
        check("web:2", &[], "");
        check("api:1", &["api:1", "web:3"], "web:3");
        check("web:4", &["web:4", "web:2", "web:3", "web:2"], "web:2");
    }

    #[test]
    fn going_back_twice_does_not_put_back_what_was_left() {
        let twice = ["web:2", "web:3", "web:2", "web:1"];
        check("web:2", &twice, "web:3 > web:1");
        check("api:9", &["api:9", "web:3", "api:9"], "web:3 > ");
        // ECS forgets after 90 days.
        check("web:2", &["web:2", "web:3"], "web:3 > ");
    }

    #[test]
    fn where_a_release_was_taken_back_going_back_leads_no_further() {
        // By ECS itself, and by another deployment of the old revision.
        check("web:2", &["web:3!", "web:2", "web:1"], "web:3 > web:1");
        check(
            "web:2",
            &["web:2", "web:3!", "web:2", "web:1"],
            "web:3 > web:1",
        );
        check("web:2", &["web:4!", "web:3!", "web:2"], "web:4 > ");
        check("web:2", &["web:3!"], "web:3 > ");
    }

    #[test]
    fn what_was_taken_back_before_the_running_release_is_passed_over() {
        check("web:3", &["web:3", "web:2!", "web:1"], "web:1");
        check("web:2", &["web:2", "web:3!", "web:2!", "web:1"], "web:1");
        check("web:2", &["web:2!", "web:2", "web:1"], "web:1");
        check("web:3", &["web:3", "web:2!"], "");
    }
}
