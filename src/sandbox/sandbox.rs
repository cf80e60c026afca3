//! The one door: a request in, a response out, and a hand on the clock.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;

use crate::sandbox::faults::{Fault, Past, Permission};
use crate::sandbox::journal::Journal;
use crate::sandbox::tally::Onlooker;
use crate::sandbox::wire::{Call, Service};
use crate::sandbox::{
    ApiError, Duration, Rng, Time, World, WorldError, autoscaling, cloudwatch, codedeploy, ecr,
    ecs, elb, ids, logs, seed, ssm, sts, wire,
};

/// How often each operation was asked for, by service (signing name) and operation.
pub type Census = BTreeMap<(String, String), u64>;

/// Operations that are counted by name; a client that makes names up is not given more.
const MOST_COUNTED: usize = 1000;
/// Bytes of a name that is counted: no AWS operation has a longer one.
const LONGEST_COUNTED: usize = 128;

/// A world with its door: [`Sandbox::answer`] is AWS, [`Sandbox::advance`] is time, and [`Sandbox::exchange`] is AWS
/// through a network in which things go wrong.
#[derive(Clone, Debug)]
pub struct Sandbox {
    pub world: World,
    pub(super) calls: Census,
    /// Request ids have a stream of their own: asking must never change what the world does next.
    pub(super) request_ids: Rng,
    past: Past,
    pub(super) journal: Option<Journal>,
    pub(super) onlooker: Onlooker,
}

/// What a client gets for one request.
#[derive(Debug)]
#[must_use = "a slow answer takes time, and a lost one is an answer too"]
pub struct Exchange {
    /// How much virtual time passes between the request's arrival and its outcome.
    pub after: Duration,
    pub outcome: Outcome,
}

/// An answer, or the connection's end without one.
#[derive(Debug)]
pub enum Outcome {
    Answered(Response<Bytes>),
    /// The connection breaks. What was asked may have been done.
    Lost,
}

impl Sandbox {
    /// Reads a world file (see [`crate::sandbox::seed`]).
    pub fn new(world_file: &str, seed: u64) -> Result<Self, WorldError> {
        seed::read(world_file, seed).map(Self::from)
    }

    /// Answers one HTTP request as AWS would at this instant, past all fault rules. What is not modelled gets a 400
    /// that names it.
    pub fn answer(&mut self, request: &Request<Bytes>) -> Response<Bytes> {
        match wire::read(request) {
            Ok(call) => {
                self.count(&call);
                let result = self.perform(&call);
                self.respond(&call, result)
            }
            Err(refusal) => self.refuse(request, &refusal),
        }
    }

    /// The same, with whatever the fault rules (see [`crate::sandbox::faults`]) do to this call. The clock stands still;
    /// whoever carries the answer lets `after` pass.
    pub fn exchange(&mut self, request: &Request<Bytes>) -> Exchange {
        let call = match wire::read(request) {
            Ok(call) => call,
            Err(refusal) => return Exchange::at_once(self.refuse(request, &refusal)),
        };
        self.count(&call);
        let verdict = self.world.faults.judge(&call, self.world.now);
        let outcome = if let Some(fault) = verdict.fault {
            self.spoil(fault, verdict.lacks, &call)
        } else {
            let result = self.perform(&call);
            Outcome::Answered(self.respond(&call, result))
        };
        Exchange {
            after: verdict.delay,
            outcome,
        }
    }

    fn spoil(&mut self, fault: Fault, lacks: Permission, call: &Call) -> Outcome {
        let result = match fault {
            Fault::Throttle => Err(ApiError::client("ThrottlingException", "Rate exceeded")),
            Fault::Denied => Err(lacks.denial(call, &self.world)),
            Fault::Error => Err(internal_error(call.service)),
            Fault::Reset => return Outcome::Lost,
            Fault::Lost => {
                // Whatever came of it, nobody hears it.
                let _ = self.perform(call);
                return Outcome::Lost;
            }
            Fault::Stale(age) if call.is_read() => self.recall(age, call),
            Fault::Stale(_) | Fault::Slow(_) => self.perform(call),
        };
        Outcome::Answered(self.respond(call, result))
    }

    fn recall(&mut self, age: Duration, call: &Call) -> Result<Value, ApiError> {
        match self.past.at(self.world.now - age) {
            Some(world) => ask(world, call),
            None => self.perform(call),
        }
    }

    /// Does one call to the world, and writes it down if it may change something.
    pub(super) fn perform(&mut self, call: &Call) -> Result<Value, ApiError> {
        if !call.is_read() {
            Journal::note_call(self, call);
        }
        ask(&mut self.world, call)
    }

    fn count(&mut self, call: &Call) {
        if call.operation.len() > LONGEST_COUNTED {
            return;
        }
        let name = (call.service.name().to_owned(), call.operation.clone());
        if self.calls.len() < MOST_COUNTED || self.calls.contains_key(&name) {
            *self.calls.entry(name).or_default() += 1;
        }
    }

    fn respond(&mut self, call: &Call, result: Result<Value, ApiError>) -> Response<Bytes> {
        wire::write(call, result, &ids::uuid(&mut self.request_ids))
    }

    fn refuse(&mut self, request: &Request<Bytes>, refusal: &ApiError) -> Response<Bytes> {
        wire::refuse(request, refusal, &ids::uuid(&mut self.request_ids))
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
            if let Some(poke) = self.onlooker.look(&self.world) {
                let _ = self.poke(&poke);
            }
            if self.is_in_reach(to) {
                self.remember();
            }
        }
        self.world.now = self.world.now.max(to);
    }

    /// Whether a read at `to`, the earliest that there can be, may be answered from the present.
    fn is_in_reach(&self, to: Time) -> bool {
        // States are kept a second or a fifteenth of the age apart.
        let oldest = self.world.faults.oldest_read();
        oldest.is_none_or(|age| self.world.now + age + age + Duration::from_secs(2) >= to)
    }

    /// Keeps the present for stale reads, while a rule asks for it.
    pub(super) fn remember(&mut self) {
        self.past
            .remember(&self.world, self.world.faults.oldest_read());
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
        let mut sandbox = Self {
            world,
            calls: Census::new(),
            request_ids,
            past: Past::default(),
            journal: None,
            onlooker: Onlooker::default(),
        };
        sandbox.remember();
        sandbox
    }
}

impl Exchange {
    fn at_once(response: Response<Bytes>) -> Self {
        Self {
            after: Duration::ZERO,
            outcome: Outcome::Answered(response),
        }
    }
}

/// Lets the service that a call is for answer it.
pub(super) fn ask(world: &mut World, call: &Call) -> Result<Value, ApiError> {
    let Call {
        operation, input, ..
    } = call;
    match call.service {
        Service::Ecs => ecs::answer(world, operation, input),
        Service::Ecr => ecr::answer(world, operation, input),
        Service::Elb => elb::answer(world, operation, input),
        Service::CloudWatch => cloudwatch::answer(world, operation, input),
        Service::Sts => sts::answer(world, operation),
        Service::Ssm => ssm::answer(world, operation, input),
        Service::Logs => logs::answer(world, operation, input),
        Service::ApplicationAutoScaling => autoscaling::answer(world, operation, input),
        Service::CodeDeploy => codedeploy::answer(world, operation, input),
        other => Err(ApiError::not_modelled(other.name(), operation)),
    }
}

fn internal_error(service: Service) -> ApiError {
    ApiError {
        status: 500,
        ..ApiError::client(
            service.internal_error(),
            "Service Unavailable. Please try again later.",
        )
    }
}
