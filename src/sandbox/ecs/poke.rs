//! Changing how containers behave while they run, for the controls that AWS does not have.

use crate::sandbox::apps::Behaviour;
use crate::sandbox::ecs::state::Ecs;
use crate::sandbox::ecs::task::Step;

/// A container that has not ended.
#[derive(Clone, Copy, Debug)]
pub struct Running<'a> {
    /// The task's id.
    pub task: &'a str,
    /// As its task definition has it.
    pub image: &'a str,
    pub digest: Option<&'a str>,
}

/// Changes the behaviour of the containers that are meant, and says how many they are.
pub fn behave(
    ecs: &mut Ecs,
    is_meant: &dyn Fn(Running<'_>) -> bool,
    change: &dyn Fn(&mut Behaviour),
) -> usize {
    let clusters = ecs.clusters.values_mut();
    let tasks = clusters.flat_map(|cluster| cluster.tasks.values_mut());
    let mut changed = 0;
    for task in tasks.filter(|task| task.step < Step::Stopping) {
        for container in task.containers.iter_mut().filter(|c| c.exit.is_none()) {
            let running = Running {
                task: &task.id,
                image: &container.image,
                digest: container.digest.as_deref(),
            };
            if is_meant(running) {
                change(&mut container.behaviour);
                changed += 1;
            }
        }
    }
    changed
}
