//! The one door: a request in, a response out, and a hand on the clock.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::sandbox::wire::{Call, Service};
use crate::sandbox::{
    ApiError, Rng, Time, World, WorldError, cloudwatch, ecr, ecs, elb, ids, seed, sts, wire,
};

/// How often each operation was asked for, by service (signing name) and operation.
pub type Census = BTreeMap<(String, String), u64>;

/// A world with its door: [`Sandbox::answer`] is AWS, [`Sandbox::advance`] is time.
#[derive(Clone, Debug)]
pub struct Sandbox {
    pub world: World,
    calls: Census,
    /// Request ids have a stream of their own: asking must never change what the world does next.
    request_ids: Rng,
}

impl Sandbox {
    /// Reads a world file (see [`crate::sandbox::seed`]).
    pub fn new(world_file: &str, seed: u64) -> Result<Self, WorldError> {
        seed::read(world_file, seed).map(Self::from)
    }

    /// Answers one HTTP request as AWS would at this instant. What is not modelled gets a 400 that names it.
    pub fn answer(&mut self, request: &http::Request<Bytes>) -> http::Response<Bytes> {
        let request_id = ids::uuid(&mut self.request_ids);
        match wire::read(request) {
            Ok(call) => {
                *self
                    .calls
                    .entry((call.service.name().to_owned(), call.operation.clone()))
                    .or_default() += 1;
                let outcome = self.perform(&call);
                wire::write(&call, outcome, &request_id)
            }
            Err(refusal) => wire::refuse(request, &refusal, &request_id),
        }
    }

    fn perform(&mut self, call: &Call) -> Result<serde_json::Value, ApiError> {
        let Call {
            operation, input, ..
        } = call;
        match call.service {
            Service::Ecs => ecs::answer(&mut self.world, operation, input),
            Service::Ecr => ecr::answer(&mut self.world, operation, input),
            Service::Elb => elb::answer(&mut self.world, operation, input),
            Service::CloudWatch => cloudwatch::answer(&mut self.world, operation, input),
            Service::Sts => sts::answer(&self.world, operation),
            other => Err(ApiError::not_modelled(other.name(), operation)),
        }
    }

    /// Moves the clock to `to`, a second at a time; an instant in the past is ignored. Steps fall on whole seconds, so
    /// many short advances end in the same world as one long one.
    pub fn advance(&mut self, to: Time) {
        loop {
            let next = self.world.now.next_second();
            if next > to {
                break;
            }
            self.world.step(next);
        }
        self.world.now = self.world.now.max(to);
    }

    pub fn now(&self) -> Time {
        self.world.now
    }

    /// The calls made so far.
    pub fn calls(&self) -> &Census {
        &self.calls
    }
}

impl From<World> for Sandbox {
    fn from(world: World) -> Self {
        let request_ids = world.named("request", "id");
        Self {
            world,
            calls: Census::new(),
            request_ids,
        }
    }
}
