//! Native deployments, second by second: what every strategy does, what hooks and people do to it, and how it goes back.

mod faults;
mod hooks;
mod play;
mod rules;
mod timelines;
