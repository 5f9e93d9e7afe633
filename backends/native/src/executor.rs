//! Does one step: finds its result in the store or makes it. Knows nothing of order or of who is watching.

use crate::command::Call;
use crate::output::{self, Follower};
use crate::prepare::Prepared;
use crate::process::{self, Exit, Limits, Stop, stopped};
use crate::registry::{self, Registered, Registration};
use crate::result::{OutputRecord, StepResult};
use crate::store::{Entry, Lookup, Work};
use crate::{StepState, clock, digest, pythons};
use mlpc_plan::identity::sha256_hex;
use mlpc_plan::plan::{InputRef, Retry, Step, StepSpec};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

/// A gate said no.
const REFUSED: i32 = 3;
/// A check on data failed; the program said so in words.
const CHECK_FAILED: i32 = 4;
/// Between looks at a step that another run is doing, and at a log that is followed.
const LOOK: Duration = Duration::from_millis(50);

/// What the executor tells the dispatcher.
pub(crate) enum ExecutorEvent {
    EnvironmentPreparing { environment: String, message: String },
    EnvironmentReady { environment: String, python: PathBuf, seconds: f64 },
    Waiting { position: usize },
    Started { position: usize, attempt: u32, log: PathBuf },
    Output { position: usize, line: String },
    Retrying { position: usize, attempt: u32, wait: Duration, message: String },
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

/// Why a try did not give a result.
struct Failure {
    message: String,
    exit_code: Option<i32>,
    /// Whether it may go better the next time.
    again: bool,
    stopped: bool,
}

impl Failure {
    fn new(message: String) -> Self {
        Self { message, exit_code: None, again: false, stopped: false }
    }

    fn stopped() -> Self {
        Self { stopped: true, ..Self::new("the run was stopped".to_owned()) }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self { again: true, ..Self::new(error.to_string()) }
    }
}

/// Does the step at `position` and reports how it ended.
pub(crate) async fn perform(executor: Arc<Executor>, position: usize) {
    let started = Instant::now();
    let mut ended = Ended::new(StepState::Failed);
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
    fn new(state: StepState) -> Self {
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
}

impl Executor {
    fn tell(&self, event: ExecutorEvent) {
        // The dispatcher outlives its steps; if it is gone, the run is over and nobody listens.
        let _ = self.events.send(event);
    }

    /// The step at `position` with its identity in this run.
    pub fn step(&self, position: usize) -> Option<(&Step, &str)> {
        let step = self.prepared.plan.steps.get(position)?;
        Some((step, self.prepared.identities.get(position)?))
    }

    async fn finish_step(&self, position: usize, ended: &mut Ended) -> Result<(), Failure> {
        let unknown = || Failure::new("there is no such step".to_owned());
        let (step, identity) = self.step(position).ok_or_else(unknown)?;
        let forced = self.prepared.options.force.holds(&step.id);
        self.find_or_make(position, step, identity, forced, ended).await?;
        if ended.state.is_good()
            && let StepSpec::Register(register) = &step.spec
            && let Some(entry) = &ended.entry
        {
            let registered = self.register(step, identity, register, entry)?;
            if let Some(registered) = registered {
                self.tell(ExecutorEvent::Registered { position, registered });
            }
        }
        Ok(())
    }

    async fn find_or_make(
        &self,
        position: usize,
        step: &Step,
        identity: &str,
        forced: bool,
        ended: &mut Ended,
    ) -> Result<(), Failure> {
        let store = &self.prepared.store;
        if !forced && let Lookup::Found(entry) = store.lookup(identity, &step.outputs) {
            ended.stored(*entry);
            return Ok(());
        }
        let mut work = self.begin(position, identity).await?;
        let made = self.make_unless_found(position, step, identity, forced, &mut work, ended).await;
        store.end(work)?;
        made
    }

    async fn make_unless_found(
        &self,
        position: usize,
        step: &Step,
        identity: &str,
        forced: bool,
        work: &mut Work,
        ended: &mut Ended,
    ) -> Result<(), Failure> {
        let store = &self.prepared.store;
        if !forced {
            // Another run may have finished it since.
            match store.lookup(identity, &step.outputs) {
                Lookup::Found(entry) => {
                    ended.stored(*entry);
                    return Ok(());
                }
                Lookup::Damaged => store.discard(identity)?,
                Lookup::Missing => {}
            }
        }
        self.make(position, step, identity, work, ended).await
    }

    /// Waits until no other run is doing this step.
    async fn begin(&self, position: usize, identity: &str) -> Result<Work, Failure> {
        let mut told = false;
        let mut stop = self.stop.clone();
        loop {
            if let Some(work) = self.prepared.store.try_begin(identity)? {
                return Ok(work);
            }
            if !std::mem::replace(&mut told, true) {
                self.tell(ExecutorEvent::Waiting { position });
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = stopped(&mut stop, Stop::Gently) => return Err(Failure::stopped()),
            }
        }
    }

    /// Runs the step, again after a failure if it may.
    async fn make(
        &self,
        position: usize,
        step: &Step,
        identity: &str,
        work: &mut Work,
        ended: &mut Ended,
    ) -> Result<(), Failure> {
        let python = match &step.spec {
            StepSpec::Shell(_) => None,
            _ => Some(self.python(&step.environment).await?),
        };
        let path = self.prepared.layout.log(&self.prepared.run, &step.id);
        let log = self.prepared.logs.open(&path)?;
        ended.log = Some(path.clone());
        let made = self.try_to_make(position, step, identity, work, (&log, &path), python.as_deref(), ended).await;
        if !self.prepared.logs.close(&log, &path)? {
            ended.log = None;
        }
        made
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one step, which nothing else groups")]
    async fn try_to_make(
        &self,
        position: usize,
        step: &Step,
        identity: &str,
        work: &mut Work,
        (log, path): (&File, &Path),
        python: Option<&Path>,
        ended: &mut Ended,
    ) -> Result<(), Failure> {
        loop {
            work.prepare(&step.outputs)?;
            ended.attempts += 1;
            self.tell(ExecutorEvent::Started { position, attempt: ended.attempts, log: path.to_path_buf() });
            let failure = match self.attempt(position, step, work, (log, path), python).await {
                Ok((result, refused)) => {
                    let entry = self.prepared.store.commit(work, identity, &step.outputs, result, refused)?;
                    ended.state = if refused { StepState::Refused } else { StepState::Succeeded };
                    ended.exit_code = refused.then_some(REFUSED);
                    ended.message = refused.then(|| output::tail(path).pop()).flatten();
                    ended.entry = Some(entry);
                    return Ok(());
                }
                Err(failure) => failure,
            };
            if !failure.again || ended.attempts >= step.retry.attempts {
                if !failure.stopped {
                    work.keep(&self.prepared.layout.failed(&self.prepared.run, &step.id))?;
                }
                return Err(failure);
            }
            self.wait(position, step, ended.attempts, failure).await?;
        }
    }

    async fn wait(&self, position: usize, step: &Step, attempt: u32, failure: Failure) -> Result<(), Failure> {
        let wait = pause(&step.retry, &step.identity, attempt);
        self.tell(ExecutorEvent::Retrying { position, attempt, wait, message: failure.message });
        let mut stop = self.stop.clone();
        tokio::select! {
            () = tokio::time::sleep(wait) => Ok(()),
            () = stopped(&mut stop, Stop::Gently) => Err(Failure::stopped()),
        }
    }

    async fn python(&self, environment: &str) -> Result<PathBuf, Failure> {
        let preparing = |message: String| {
            self.tell(ExecutorEvent::EnvironmentPreparing { environment: environment.to_owned(), message });
        };
        let ready = |python: &Path, seconds: f64| {
            let (environment, python) = (environment.to_owned(), python.to_path_buf());
            self.tell(ExecutorEvent::EnvironmentReady { environment, python, seconds });
        };
        self.pythons.get(&self.prepared, environment, preparing, ready).await.map_err(Failure::new)
    }

    /// One try: the result and whether a gate said no.
    async fn attempt(
        &self,
        position: usize,
        step: &Step,
        work: &Work,
        (log, path): (&File, &Path),
        python: Option<&Path>,
    ) -> Result<(StepResult, bool), Failure> {
        let marker = self.prepared.layout.marker(&self.prepared.run, &step.id);
        let (folder, current) = (work.folder(), work.current());
        let call = Call { step, inputs: self.inputs(step), folder, current, marker: &marker };
        let command = self.prepared.setting.command(&call, python);
        let limits =
            Limits { timeout: step.timeout_seconds.map(Duration::from_secs), grace: self.prepared.options.grace };
        let mut stop = self.stop.clone();
        let running = process::run(command, log, &limits, &marker, &mut stop);
        let exit = if self.prepared.options.stream_output {
            self.follow(position, path, running).await?
        } else {
            running.await?
        };
        match exit {
            Exit::Code(0) => Ok((result(step, work.folder())?, false)),
            Exit::Code(REFUSED) if !matches!(step.spec, StepSpec::Shell(_)) => Ok((result(step, work.folder())?, true)),
            Exit::Stopped => Err(Failure::stopped()),
            exit => Err(failure(step, &exit, path)),
        }
    }

    async fn follow(
        &self,
        position: usize,
        log: &Path,
        running: impl Future<Output = io::Result<Exit>>,
    ) -> io::Result<Exit> {
        let mut follower = Follower::new(log);
        let mut running = std::pin::pin!(running);
        loop {
            let ended = tokio::select! {
                exit = &mut running => Some(exit),
                () = tokio::time::sleep(LOOK) => None,
            };
            for line in follower.lines(ended.is_some()) {
                self.tell(ExecutorEvent::Output { position, line });
            }
            if let Some(exit) = ended {
                return exit;
            }
        }
    }

    /// Paths of a step's inputs; a champion that does not exist yet is absent.
    fn inputs<'a>(&self, step: &'a Step) -> BTreeMap<&'a str, PathBuf> {
        step.inputs.iter().filter_map(|(name, input)| Some((name.as_str(), self.path(input)?))).collect()
    }

    /// Where an input is.
    pub fn path(&self, input: &InputRef) -> Option<PathBuf> {
        let prepared = &self.prepared;
        match input {
            InputRef::Source { name } => {
                let source = prepared.plan.sources.iter().find(|source| source.name == *name)?;
                Some(prepared.options.root.join(&source.path))
            }
            InputRef::Step { step, output } => {
                let position = *prepared.positions.get(step)?;
                let (step, identity) = self.step(position)?;
                Some(prepared.store.folder(identity).join(&step.outputs.get(output)?.path))
            }
            InputRef::Champion { model, alias } => {
                prepared.champions.get(&(model.clone(), alias.clone())).map(|champion| champion.folder.clone())
            }
        }
    }

    fn register(
        &self,
        step: &Step,
        identity: &str,
        register: &mlpc_plan::plan::Register,
        entry: &Entry,
    ) -> Result<Option<Registered>, Failure> {
        let missing = || Failure::new("it has no input `model`".to_owned());
        let source = step.inputs.get("model").and_then(|input| self.path(input)).ok_or_else(missing)?;
        let said = step.outputs.values().next().map(|output| entry.folder.join(&output.path));
        let said: serde_json::Value = said
            .and_then(|path| std::fs::read(path).ok())
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default();
        let provenance = json!({
            "pipeline": self.prepared.plan.pipeline.name,
            "run": self.prepared.run,
            "step": step.id,
            "identity": identity,
            "registration": said,
        });
        let registration =
            Registration { model: &register.model, alias: &register.alias, source: &source, identity, provenance };
        registry::register(&self.prepared.layout, &registration).map_err(|error| Failure::new(error.to_string()))
    }
}

/// What the step says it did, with every output there. A shell command says nothing, so its outputs are hashed here.
fn result(step: &Step, folder: &Path) -> Result<StepResult, Failure> {
    let absent =
        |name: &str| Failure { again: true, ..Failure::new(format!("it ended well but wrote no output `{name}`")) };
    if let Some((name, _)) = step.outputs.iter().find(|(_, output)| !folder.join(&output.path).exists()) {
        return Err(absent(name));
    }
    if matches!(step.spec, StepSpec::Shell(_)) {
        let mut result = StepResult { format: crate::result::FORMAT.to_owned(), ..StepResult::default() };
        for (name, output) in &step.outputs {
            let sha256 = digest::digest(&folder.join(&output.path))?;
            result.outputs.insert(name.clone(), OutputRecord { path: output.path.clone(), sha256 });
        }
        result.write(folder)?;
        return Ok(result);
    }
    let result = StepResult::read(folder).map_err(|error| {
        Failure::new(format!("it ended well but its {} cannot be used: {error}", crate::result::FILE))
    })?;
    match step.outputs.keys().find(|name| !result.outputs.contains_key(*name)) {
        Some(name) => Err(absent(name)),
        None => Ok(result),
    }
}

fn failure(step: &Step, exit: &Exit, log: &Path) -> Failure {
    let last = output::tail(log).pop();
    let (message, exit_code, again) = match exit {
        Exit::Code(code) => {
            let said = last.unwrap_or_else(|| format!("it ended with exit code {code}"));
            (said, Some(*code), *code != CHECK_FAILED)
        }
        Exit::Signal(9) => ("it was killed, perhaps because memory ran out".to_owned(), None, true),
        Exit::Signal(signal) => (format!("it was ended by signal {signal}"), None, true),
        Exit::TimedOut => {
            let limit = clock::span(step.timeout_seconds.unwrap_or_default());
            (format!("it took longer than {limit} and was stopped"), None, true)
        }
        Exit::Stopped => return Failure::stopped(),
    };
    Failure { message, exit_code, again, stopped: false }
}

/// How long to wait after try number `attempt`: growing, bounded, and spread by up to a quarter so that steps that failed
/// together do not come back together. The spread follows from the step, so a run does the same each time.
fn pause(retry: &Retry, identity: &str, attempt: u32) -> Duration {
    let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
    let grown = retry.initial_ms as f64 * retry.factor.max(1.0).powi(exponent);
    let bounded = grown.min(retry.max_ms as f64);
    let derived = sha256_hex(format!("mlp-retry/v1\0{identity}\0{attempt}").as_bytes());
    let spread = derived.get(..4).and_then(|text| u16::from_str_radix(text, 16).ok()).unwrap_or(0);
    Duration::from_secs_f64(bounded * (0.75 + 0.25 * f64::from(spread) / f64::from(u16::MAX)) / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_stay_bounded_and_are_the_same_each_time() {
        let retry = Retry { attempts: 9, initial_ms: 1_000, factor: 2.0, max_ms: 5_000 };
        let pauses: Vec<f64> = (1..6).map(|attempt| pause(&retry, "ab", attempt).as_secs_f64()).collect();
        for (pause, full) in pauses.iter().zip([1.0, 2.0, 4.0, 5.0, 5.0]) {
            assert!((0.75 * full..=full).contains(pause), "{pause} of {full}");
        }
        assert_eq!(pause(&retry, "ab", 1), pause(&retry, "ab", 1));
        assert_ne!(pause(&retry, "ab", 1), pause(&retry, "cd", 1));
    }
}
