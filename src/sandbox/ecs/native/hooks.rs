//! Lifecycle hooks: pauses that wait for a word, and Lambda functions that are called until they answer.
//!
//! Source: ECS developer guide, "lifecycle hooks", "Lambda lifecycle hooks", "pause lifecycle hooks".
//! **Invariant:** the hooks of a stage run side by side, each run has a fresh id, and each ends by its deadline.

use serde_json::{Value, json};

use crate::sandbox::ecs::document::{Document, object, objects, text, texts, whole};
use crate::sandbox::ecs::native::stage::Stage;
use crate::sandbox::ecs::state::Ground;
use crate::sandbox::lambdas::{HookStatus, LambdaAnswer};
use crate::sandbox::{Duration, Time, ids};

/// `timeoutInMinutes` when it is absent: a day.
const USUAL_MINUTES: u64 = 1440;

/// One entry of `lifecycleHooks`.
#[derive(Clone, Debug)]
pub struct Hook {
    target: Target,
    stages: Vec<Stage>,
    timeout: Duration,
    on_timeout: Action,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Target {
    Pause,
    /// The function's ARN.
    Lambda(String),
}

/// What becomes of the deployment: a hook's timeout action, or a caller's answer to a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Continue,
    Rollback,
}

impl Action {
    pub fn read(text: &str) -> Option<Self> {
        match text {
            "CONTINUE" => Some(Self::Continue),
            "ROLLBACK" => Some(Self::Rollback),
            _ => None,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Continue => "CONTINUE",
            Self::Rollback => "ROLLBACK",
        }
    }
}

impl Hook {
    /// The hooks of a configuration that [`super::check`] has passed.
    pub fn read_all(configuration: &Document) -> Vec<Self> {
        objects(configuration, "lifecycleHooks")
            .map(Self::read)
            .collect()
    }

    fn read(hook: &Document) -> Self {
        let empty = Document::new();
        let timeout = object(hook, "timeoutConfiguration").unwrap_or(&empty);
        let minutes = whole(timeout, "timeoutInMinutes").and_then(|n| u64::try_from(n).ok());
        let arn = text(hook, "hookTargetArn").unwrap_or_default();
        Self {
            target: match text(hook, "targetType") {
                Some("PAUSE") => Target::Pause,
                _ => Target::Lambda(arn.to_owned()),
            },
            stages: texts(hook, "lifecycleStages")
                .filter_map(Stage::read)
                .collect(),
            timeout: Duration::from_secs(60 * minutes.unwrap_or(USUAL_MINUTES)),
            on_timeout: text(timeout, "action")
                .and_then(Action::read)
                .unwrap_or(Action::Rollback),
        }
    }
}

/// One hook at one passage through one stage.
#[derive(Clone, Debug)]
struct Run {
    id: String,
    stage: Stage,
    target: Target,
    status: Status,
    expires: Time,
    on_timeout: Action,
    call: Option<Call>,
    /// Why the deployment has to go back.
    fault: Option<String>,
}

/// `lifecycleHookDetails[].status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    AwaitingAction,
    InProgress,
    Succeeded,
    Failed,
    TimedOut,
}

/// How far the calls of a Lambda hook have come.
#[derive(Clone, Debug)]
struct Call {
    number: usize,
    /// The answer that is being worked on; `None` between two calls.
    answer: Option<LambdaAnswer>,
    /// When the answer comes, or the next call begins.
    until: Time,
}

/// What the hooks of the present stage have come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Some still run; whether a pause is among them.
    Running,
    Paused,
    Passed,
    /// All have ended, and one wants the deployment back; the status reason.
    Failed(String),
}

/// Every run of a deployment's hooks; the last ones belong to the present stage.
#[derive(Clone, Debug, Default)]
pub struct Runs {
    all: Vec<Run>,
    /// Where those of the present stage begin.
    first: usize,
}

impl Runs {
    /// The deployment has come to a stage: its hooks start.
    pub fn begin(&mut self, hooks: &[Hook], stage: Stage, ground: &mut Ground<'_>) {
        self.first = self.all.len();
        for hook in hooks.iter().filter(|hook| hook.stages.contains(&stage)) {
            self.all.push(Run::new(hook, stage, ground));
        }
    }

    /// One second passes over the hooks of the present stage.
    pub fn step(&mut self, ground: &Ground<'_>) -> Outcome {
        let runs = &mut self.all[self.first..];
        for run in runs.iter_mut() {
            run.step(ground);
        }
        if runs.iter().any(|run| run.status == Status::AwaitingAction) {
            return Outcome::Paused;
        }
        if runs.iter().any(|run| run.status == Status::InProgress) {
            return Outcome::Running;
        }
        let fault = runs.iter().find_map(|run| run.fault.clone());
        fault.map_or(Outcome::Passed, Outcome::Failed)
    }

    /// The deployment goes another way: what still runs is called off. The status is ours.
    pub fn call_off(&mut self) {
        for run in self.all.iter_mut().filter(|run| run.is_open()) {
            run.status = Status::Failed;
        }
    }

    /// A caller answers a pause; whether there was one of that id to answer.
    pub fn answer_pause(&mut self, id: &str, action: Action) -> bool {
        let mut waiting = self.all.iter_mut();
        let Some(run) = waiting.find(|run| run.id == id && run.status == Status::AwaitingAction)
        else {
            return false;
        };
        match action {
            Action::Continue => run.status = Status::Succeeded,
            Action::Rollback => {
                // Ours: AWS publishes no sentence for this.
                let why = format!(
                    "{} pause hook was answered with ROLLBACK.",
                    run.stage.text()
                );
                run.fail(Status::Failed, &why);
            }
        }
        true
    }

    /// `lifecycleHookDetails`.
    pub fn answer(&self) -> Option<Value> {
        (!self.all.is_empty()).then(|| self.all.iter().map(Run::answer).collect())
    }
}

impl Run {
    fn new(hook: &Hook, stage: Stage, ground: &mut Ground<'_>) -> Self {
        let id = ids::base62(ground.rng, 21);
        let (kind, status) = match hook.target {
            Target::Pause => ("pause", Status::AwaitingAction),
            Target::Lambda(_) => ("lambda", Status::InProgress),
        };
        let call = match &hook.target {
            Target::Pause => None,
            Target::Lambda(arn) => Some(Call::begin(arn, stage, 0, ground)),
        };
        Self {
            id: format!("ecs-{kind}-{id}"),
            stage,
            target: hook.target.clone(),
            status,
            expires: ground.now + hook.timeout,
            on_timeout: hook.on_timeout,
            call,
            fault: None,
        }
    }

    fn is_open(&self) -> bool {
        matches!(self.status, Status::AwaitingAction | Status::InProgress)
    }

    fn fail(&mut self, status: Status, why: &str) {
        self.status = status;
        self.fault = Some(format!("Service deployment rolled back because {why}"));
    }

    fn step(&mut self, ground: &Ground<'_>) {
        if !self.is_open() {
            return;
        }
        let due = self
            .call
            .as_ref()
            .is_some_and(|call| call.until <= ground.now);
        if let (Target::Lambda(arn), true) = (self.target.clone(), due) {
            self.step_call(&arn, ground);
        }
        if self.is_open() && self.expires <= ground.now {
            self.time_out();
        }
    }

    /// An answer has come, or it is time to call again.
    fn step_call(&mut self, arn: &str, ground: &Ground<'_>) {
        let Some(call) = &mut self.call else {
            return;
        };
        let Some(answer) = call.answer.take() else {
            *call = Call::begin(arn, self.stage, call.number + 1, ground);
            return;
        };
        let stage = self.stage.text();
        match answer.hook_status {
            Some(HookStatus::Succeeded) => self.status = Status::Succeeded,
            Some(HookStatus::InProgress) => {
                call.until = ground.now + Duration::from_secs(answer.call_back_delay);
            }
            Some(HookStatus::Failed) => {
                let why = format!(
                    "{stage} lifecycle hook(s) failed. Lifecycle hook target {arn} returned FAILED status."
                );
                self.fail(Status::Failed, &why);
            }
            None => {
                let why = format!(
                    "{stage} lifecycle hook(s) failed. ECS was unable to parse the response from {arn} due to HookStatus must not be null"
                );
                self.fail(Status::Failed, &why);
            }
        }
    }

    fn time_out(&mut self) {
        self.status = Status::TimedOut;
        if self.on_timeout == Action::Rollback {
            let stage = self.stage.text();
            let why = match self.target {
                Target::Pause => format!("{stage} pause hook timed out."),
                Target::Lambda(_) => format!("{stage} lifecycle hook(s) timed out."), // ours
            };
            self.fail(Status::TimedOut, &why);
        }
    }

    fn answer(&self) -> Value {
        let (kind, arn) = match &self.target {
            Target::Pause => ("PAUSE", None),
            Target::Lambda(arn) => ("AWS_LAMBDA", Some(arn)),
        };
        let mut answer = json!({
            "hookId": self.id,
            "targetType": kind,
            "status": self.status.text(),
            "expiresAt": self.expires.epoch_seconds(),
            "timeoutAction": self.on_timeout.text(),
        });
        if let Some(arn) = arn {
            answer["targetArn"] = json!(arn);
        }
        answer
    }
}

impl Call {
    fn begin(arn: &str, stage: Stage, number: usize, ground: &Ground<'_>) -> Self {
        let answer = ground.lambdas.answer(arn, stage.text(), number);
        Self {
            number,
            until: ground.now + answer.after,
            answer: Some(answer),
        }
    }
}

impl Status {
    fn text(self) -> &'static str {
        match self {
            Self::AwaitingAction => "AWAITING_ACTION",
            Self::InProgress => "IN_PROGRESS",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::TimedOut => "TIMED_OUT",
        }
    }
}
