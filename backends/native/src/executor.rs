//! Does one step: finds its result in the store or makes it. Knows nothing of order or of who is watching.

use crate::attempt::{Made, make};
use crate::delivery;
use crate::digest::file_digest;
use crate::failure::Failure;
use crate::output;
use crate::prepare::Prepared;
use crate::process::{Stop, stopped};
use crate::registry::{self, Registered, Registration};
use crate::registry_service::Service;
use crate::store::{Entry, Lookup, Work};
use crate::{StepState, data, pythons};
use mlpc_plan::plan::{InputRef, Predict, Register, Step, StepSpec};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

/// A gate said no.
pub(crate) const REFUSED: i32 = 3;
/// Between looks at a step that another run is doing, and at a log that is followed.
pub(crate) const LOOK: Duration = Duration::from_millis(50);

/// What the executor tells the dispatcher.
pub(crate) enum ExecutorEvent {
    EnvironmentPreparing { environment: String, message: String },
    EnvironmentReady { environment: String, python: PathBuf, seconds: f64 },
    Waiting { position: usize },
    Started { position: usize, attempt: u32, log: PathBuf },
    Output { position: usize, line: String },
    Retrying { position: usize, attempt: u32, wait: Duration, message: String },
    Warning { message: String },
    Registered { position: usize, registered: Registered },
    Ended { position: usize, ended: Box<Ended> },
}

/// How a step ended.
pub(crate) struct Ended {
    pub state: StepState,
    pub seconds: f64,
    pub attempts: u32,
    pub entry: Option<Entry>,
    pub message: Option<String>,
    pub exit_code: Option<i32>,
    pub log: Option<PathBuf>,
    pub tail: Vec<String>,
}

/// Shared by all steps of a run.
pub(crate) struct Executor {
    pub prepared: Prepared,
    pub pythons: pythons::Pythons,
    pub events: UnboundedSender<ExecutorEvent>,
    pub stop: watch::Receiver<Stop>,
}

/// Does the step at `position` and reports how it ended.
pub(crate) async fn perform(executor: Arc<Executor>, position: usize) {
    let started = Instant::now();
    let mut ended = Ended::new();
    if let Err(failure) = executor.finish_step(position, &mut ended).await {
        ended.state = if failure.stopped { StepState::Cancelled } else { StepState::Failed };
        ended.message = Some(failure.message);
        ended.exit_code = failure.exit_code;
        if let Some(log) = ended.log.as_deref().filter(|_| !failure.stopped) {
            ended.tail = output::tail(log);
        }
    }
    if ended.attempts > 0 {
        ended.seconds = started.elapsed().as_secs_f64();
    }
    executor.tell(ExecutorEvent::Ended { position, ended: Box::new(ended) });
}

impl Ended {
    fn new() -> Self {
        let state = StepState::Failed;
        Self {
            state,
            seconds: 0.0,
            attempts: 0,
            entry: None,
            message: None,
            exit_code: None,
            log: None,
            tail: Vec::new(),
        }
    }

    fn stored(&mut self, entry: Entry) {
        self.state = if entry.refused { StepState::Refused } else { StepState::Cached };
        self.entry = Some(entry);
    }

    fn made(&mut self, made: Made) {
        (self.attempts, self.log, self.message) = (made.attempts, made.log, made.message);
        if let Some(entry) = made.entry {
            self.state = if entry.refused { StepState::Refused } else { StepState::Succeeded };
            self.exit_code = entry.refused.then_some(REFUSED);
            self.entry = Some(entry);
        }
    }
}

/// A step, where it is in the plan, and what it is called in the store.
#[derive(Clone, Copy)]
pub(crate) struct Task<'a> {
    pub position: usize,
    pub step: &'a Step,
    pub identity: &'a str,
}

impl Executor {
    /// Tells the dispatcher.
    pub fn tell(&self, event: ExecutorEvent) {
        // The dispatcher outlives its steps; if it is gone, the run is over and nobody listens.
        let _ = self.events.send(event);
    }

    /// The step at `position` with its identity in this run.
    pub fn step(&self, position: usize) -> Option<(&Step, &str)> {
        let step = self.prepared.plan.steps.get(position)?;
        Some((step, self.prepared.identities.get(position)?))
    }

    /// How the step ends if there is nothing to do for it, not even to look closely.
    pub fn stored(&self, position: usize) -> Option<Ended> {
        let (step, identity) = self.step(position)?;
        let acts = matches!(step.spec, StepSpec::Register(_) | StepSpec::Predict(_));
        if acts || self.prepared.options.force.holds(&step.id) {
            return None;
        }
        let mut ended = Ended::new();
        ended.stored(self.prepared.store.sealed(identity, &step.outputs)?);
        Some(ended)
    }

    async fn finish_step(&self, position: usize, ended: &mut Ended) -> Result<(), Failure> {
        let unknown = || Failure::new("there is no such step".to_owned());
        let (step, identity) = self.step(position).ok_or_else(unknown)?;
        self.find_or_make(Task { position, step, identity }, ended).await?;
        if ended.state.is_good()
            && let StepSpec::Register(register) = &step.spec
            && let Some(entry) = &ended.entry
            && let Some(registered) = self.register(step, identity, register, entry)?
        {
            self.tell(ExecutorEvent::Registered { position, registered });
        }
        if ended.state.is_good()
            && let StepSpec::Predict(predict) = &step.spec
            && let Some(entry) = &ended.entry
        {
            self.deliver(step, predict, entry)?;
        }
        Ok(())
    }

    async fn find_or_make(&self, task: Task<'_>, ended: &mut Ended) -> Result<(), Failure> {
        let store = &self.prepared.store;
        let forced = self.prepared.options.force.holds(&task.step.id);
        if !forced && let Lookup::Found(entry) = store.lookup(task.identity, &task.step.outputs) {
            ended.stored(*entry);
            return Ok(());
        }
        let mut work = self.begin(task).await?;
        // Another run may have finished it since.
        let found = if forced { Lookup::Missing } else { store.lookup(task.identity, &task.step.outputs) };
        let result = match found {
            Lookup::Found(entry) => {
                ended.stored(*entry);
                Ok(())
            }
            Lookup::Missing | Lookup::Damaged => self.fetch_or_make(task, &mut work, ended, forced).await,
        };
        store.end(work);
        result
    }

    /// Gets what another machine made, or makes it and shares it.
    async fn fetch_or_make(
        &self,
        task: Task<'_>,
        work: &mut Work,
        ended: &mut Ended,
        forced: bool,
    ) -> Result<(), Failure> {
        let remote = self.prepared.remote.as_ref();
        if let Some(remote) = remote.filter(|_| !forced)
            && let Some(entry) = remote.find(self, task, work).await?
        {
            ended.stored(entry);
            return Ok(());
        }
        let mut made = Made::default();
        let result = make(self, task, work, &mut made).await;
        ended.made(made);
        if let (Some(remote), Some(entry)) = (remote, &ended.entry) {
            remote.keep(self, task, entry).await?;
        }
        result
    }

    /// Waits until no other run is doing this step.
    async fn begin(&self, task: Task<'_>) -> Result<Work, Failure> {
        let mut told = false;
        let mut stop = self.stop.clone();
        loop {
            if let Some(work) = self.prepared.store.try_begin(task.identity)? {
                return Ok(work);
            }
            if !std::mem::replace(&mut told, true) {
                self.tell(ExecutorEvent::Waiting { position: task.position });
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = stopped(&mut stop, Stop::Gently) => return Err(Failure::stopped()),
            }
        }
    }

    /// The interpreter of an environment.
    pub async fn python(&self, environment: &str) -> Result<PathBuf, Failure> {
        let preparing = |message: String| {
            self.tell(ExecutorEvent::EnvironmentPreparing { environment: environment.to_owned(), message });
        };
        let ready = |python: &Path, seconds: f64| {
            let (environment, python) = (environment.to_owned(), python.to_path_buf());
            self.tell(ExecutorEvent::EnvironmentReady { environment, python, seconds });
        };
        self.pythons.get(&self.prepared, environment, preparing, ready).await.map_err(Failure::new)
    }

    /// Fetches what the step reads and the project does not hold.
    pub async fn fetch(&self, step: &Step) -> Result<(), Failure> {
        let sources = step.inputs.values().filter_map(|input| match input {
            InputRef::Source { name } => self.prepared.plan.sources.iter().find(|source| source.name == *name),
            _ => None,
        });
        for source in sources {
            let Some(remote) = &source.remote else { continue };
            let python = self.python(&step.environment).await?;
            let tools = data::Tools { python: &python, runtime: &self.prepared.options.build };
            let tell = &mut |message: &str| {
                let (environment, message) = (step.environment.clone(), message.to_owned());
                self.tell(ExecutorEvent::EnvironmentPreparing { environment, message });
            };
            tokio::task::block_in_place(|| data::ensure(source, remote, tools, tell))
                .map_err(|error| Failure::new(error.to_string()))?;
        }
        Ok(())
    }

    /// Paths of a step's inputs; a champion or a run before that does not exist yet is absent.
    pub fn inputs<'a>(&self, step: &'a Step) -> BTreeMap<&'a str, PathBuf> {
        step.inputs.iter().filter_map(|(name, input)| Some((name.as_str(), self.path(input)?))).collect()
    }

    /// Where an input is.
    pub fn path(&self, input: &InputRef) -> Option<PathBuf> {
        let prepared = &self.prepared;
        match input {
            InputRef::Source { name } => {
                let source = prepared.plan.sources.iter().find(|source| source.name == *name)?;
                match source.remote {
                    None => Some(prepared.options.root.join(&source.path)),
                    Some(_) => data::place(source).ok(),
                }
            }
            InputRef::Step { step, output } => {
                let position = *prepared.positions.get(step)?;
                let (step, identity) = self.step(position)?;
                Some(prepared.store.folder(identity).join(&step.outputs.get(output)?.path))
            }
            InputRef::Champion { .. } | InputRef::Previous { .. } | InputRef::Delivered { .. } => {
                prepared.settled.path(input)
            }
        }
    }

    /// Puts predictions where the program wants them.
    fn deliver(&self, step: &Step, predict: &Predict, entry: &Entry) -> Result<(), Failure> {
        let target = self.prepared.options.root.join(&predict.output);
        let missing = || Failure::new("it has no output `predictions`".to_owned());
        let output = step.outputs.get("predictions").ok_or_else(missing)?;
        let source = entry.folder.join(&output.path);
        tokio::task::block_in_place(|| delivery::put(&source, &target))
            .map_err(|error| Failure::new(format!("cannot write {}: {error}", target.display())))
    }

    fn register(
        &self,
        step: &Step,
        identity: &str,
        register: &Register,
        entry: &Entry,
    ) -> Result<Option<Registered>, Failure> {
        let missing = || Failure::new("it has no input `model`".to_owned());
        let source = step.inputs.get("model").and_then(|input| self.path(input)).ok_or_else(missing)?;
        let said = step.outputs.values().next().map(|output| entry.folder.join(&output.path));
        let said: serde_json::Value = said
            .and_then(|path| std::fs::read(path).ok())
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default();
        let prepared = &self.prepared;
        let provenance = json!({
            "pipeline": prepared.plan.pipeline.name,
            "run": prepared.run,
            "step": step.id,
            "identity": identity,
            "plan": file_digest(&prepared.options.build.join("plan.json")).ok(),
            "data": prepared.plan.sources.iter().map(|source| (&source.name, &source.sha256)).collect::<BTreeMap<_, _>>(),
            "commit": crate::commit::of(&prepared.options.root),
            "registration": said,
        });
        let registration =
            Registration { model: &register.model, alias: &register.alias, source: &source, identity, provenance };
        let registered = tokio::task::block_in_place(|| match &register.registry {
            None => registry::register(&prepared.layout, &registration),
            Some(address) => {
                let (plan, options) = (&prepared.plan, &prepared.options);
                Service { address, plan, options, environment: &step.environment }.register(&registration)
            }
        });
        registered.map_err(|error| Failure::new(error.to_string()))
    }
}
