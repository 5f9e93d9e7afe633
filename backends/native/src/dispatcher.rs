//! Decides which step is next and tells the world what happens. Does no work itself.

use crate::events::{Artifact, Finished, RunEvent, StepFinished, StepName, Verdict};
use crate::executor::{Ended, Executor, ExecutorEvent, perform};
use crate::history::StepRecord;
use crate::process::{Stop, kill_marked};
use crate::{Outcome, StepState, latest};
use indexmap::IndexMap;
use mlpc_plan::plan::{ArtifactKind, InputRef, StepSpec};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::watch;

/// The dispatcher of one run.
pub(crate) struct Dispatcher {
    executor: Arc<Executor>,
    world: UnboundedSender<RunEvent>,
    stop: watch::Sender<Stop>,
    started: Instant,
    /// Steps that can start, in the plan's order.
    ready: BTreeSet<usize>,
    running: usize,
    steps: BTreeMap<usize, Progress>,
    /// Steps that ended, with what they left.
    done: BTreeMap<usize, Done>,
    any_started: bool,
}

/// What is left to do for a step that has not ended.
struct Progress {
    /// Needed steps that have not ended well yet.
    open: usize,
    /// Steps that need it.
    dependents: Vec<usize>,
}

/// A step that is about to be over.
struct Closing {
    position: usize,
    finished: StepFinished,
    outputs: Option<Outputs>,
    seal: Option<String>,
}

/// The folder that holds a step's outputs, and their digests by name.
type Outputs = (PathBuf, IndexMap<String, String>);

struct Done {
    state: StepState,
    metrics: serde_json::Map<String, Value>,
    outputs: Option<Outputs>,
}

impl Dispatcher {
    /// A dispatcher that has started nothing.
    pub fn new(executor: Arc<Executor>, world: UnboundedSender<RunEvent>, stop: watch::Sender<Stop>) -> Self {
        let prepared = &executor.prepared;
        let mut steps: BTreeMap<usize, Progress> = BTreeMap::new();
        let mut ready = BTreeSet::new();
        for &position in &prepared.selected {
            let needs = prepared.needs.get(position).map(Vec::as_slice).unwrap_or_default();
            steps.insert(position, Progress { open: needs.len(), dependents: Vec::new() });
            if needs.is_empty() {
                ready.insert(position);
            }
            for need in needs {
                if let Some(needed) = steps.get_mut(need) {
                    needed.dependents.push(position);
                }
            }
        }
        let (started, done) = (Instant::now(), BTreeMap::new());
        Self { executor, world, stop, started, ready, running: 0, steps, done, any_started: false }
    }

    /// Runs to the end.
    pub async fn dispatch(mut self, mut events: UnboundedReceiver<ExecutorEvent>, mut wishes: UnboundedReceiver<Stop>) {
        self.announce();
        loop {
            self.start_ready();
            if self.running == 0 {
                break;
            }
            tokio::select! {
                Some(event) = events.recv() => self.handle(event),
                Some(wish) = wishes.recv() => {
                    self.stop.send_if_modified(|now| wish > *now && { *now = wish; true });
                }
            }
        }
        for position in self.remaining() {
            self.settle(position, StepState::Cancelled, "the run was stopped".to_owned());
        }
        self.finish();
    }

    fn tell(&self, event: RunEvent) {
        // The run goes on for its results even if nobody listens any more.
        let _ = self.world.send(event);
    }

    fn is_stopping(&self) -> bool {
        *self.stop.borrow() > Stop::No
    }

    fn remaining(&self) -> Vec<usize> {
        self.steps.keys().copied().filter(|position| !self.done.contains_key(position)).collect()
    }

    fn announce(&self) {
        let prepared = &self.executor.prepared;
        let name = |position: &usize| {
            let step = prepared.plan.steps.get(*position)?;
            Some(StepName { step: step.id.clone(), title: step.title.clone() })
        };
        self.tell(RunEvent::RunStarted {
            run: prepared.run.clone(),
            pipeline: prepared.plan.pipeline.name.clone(),
            profile: prepared.plan.pipeline.profile.clone(),
            at: prepared.started.clone(),
            steps: prepared.selected.iter().filter_map(name).collect(),
            jobs: prepared.options.jobs,
        });
    }

    fn start_ready(&mut self) {
        while self.running < self.executor.prepared.options.jobs && !self.is_stopping() {
            let Some(position) = self.ready.pop_first() else { break };
            if let Err(reason) = self.condition(position) {
                self.settle(position, StepState::Skipped, reason);
            } else if let Some(ended) = self.executor.stored(position) {
                self.end(position, ended);
            } else {
                self.running += 1;
                tokio::spawn(perform(Arc::clone(&self.executor), position));
            }
        }
    }

    /// Whether the step's `when` lets it run.
    fn condition(&self, position: usize) -> Result<(), String> {
        let Some((step, _)) = self.executor.step(position) else { return Ok(()) };
        let Some(input) = &step.when else { return Ok(()) };
        let passed = self.executor.path(input).and_then(|path| verdict(&path)).map(|verdict| verdict.0);
        let name = match input {
            InputRef::Step { step, .. } | InputRef::Previous { step, .. } => step.as_str(),
            InputRef::Source { name } => name.as_str(),
            InputRef::Champion { model, .. } => model.as_str(),
            InputRef::Delivered { path } => path.as_str(),
        };
        match passed {
            Some(true) => Ok(()),
            Some(false) => Err(format!("`{name}` did not pass")),
            None => Err(format!("`{name}` gave no verdict")),
        }
    }

    fn handle(&mut self, event: ExecutorEvent) {
        let name = |position| self.executor.step(position).map(|(step, _)| step.id.clone()).unwrap_or_default();
        let event = match event {
            ExecutorEvent::Ended { position, ended } => {
                self.running -= 1;
                self.end(position, *ended);
                return;
            }
            ExecutorEvent::Started { position, attempt, log } => {
                self.any_started = true;
                let Some((step, identity)) = self.executor.step(position) else { return };
                let (step, title, identity) = (step.id.clone(), step.title.clone(), identity.to_owned());
                RunEvent::StepStarted { step, title, identity, attempt, log }
            }
            ExecutorEvent::Waiting { position } => RunEvent::StepWaiting { step: name(position) },
            ExecutorEvent::Output { position, line } => RunEvent::StepOutput { step: name(position), line },
            ExecutorEvent::Retrying { position, attempt, wait, message } => {
                RunEvent::StepRetrying { step: name(position), attempt, wait: wait.as_secs_f64(), message }
            }
            ExecutorEvent::Warning { message } => RunEvent::Warning { message },
            ExecutorEvent::Registered { position, registered } => self.registered(position, registered),
            ExecutorEvent::EnvironmentPreparing { environment, message } => {
                RunEvent::EnvironmentPreparing { environment, message }
            }
            ExecutorEvent::EnvironmentReady { environment, python, seconds } => {
                RunEvent::EnvironmentReady { environment, python, seconds }
            }
        };
        self.tell(event);
    }

    fn registered(&self, position: usize, registered: crate::registry::Registered) -> RunEvent {
        let step = self.executor.step(position).map(|(step, _)| step);
        let (model, alias) = match step.map(|step| &step.spec) {
            Some(StepSpec::Register(register)) => (register.model.clone(), register.alias.clone()),
            _ => (String::new(), String::new()),
        };
        let step = step.map(|step| step.id.clone()).unwrap_or_default();
        let crate::registry::Registered { version, new, folder: path } = registered;
        RunEvent::Registered { step, model, version, alias, new, path }
    }

    fn end(&mut self, position: usize, ended: Ended) {
        let Some(mut finished) = self.finished(position, ended.state) else { return };
        finished.seconds = ended.seconds;
        finished.attempts = ended.attempts;
        finished.exit_code = ended.exit_code;
        finished.log = ended.log;
        finished.tail = ended.tail;
        let mut seal = None;
        let mut outputs = None;
        if let Some(entry) = ended.entry {
            finished.fill(&entry.result);
            if let Some((step, _)) = self.executor.step(position) {
                let place = |output: &mlpc_plan::plan::Output| entry.folder.join(&output.path);
                finished.outputs = step.outputs.iter().map(|(name, output)| (name.clone(), place(output))).collect();
            }
            let digests = entry.result.outputs.into_iter().map(|(name, record)| (name, record.sha256)).collect();
            outputs = Some((entry.folder, digests));
            seal = entry.seal;
        }
        finished.message = ended.message;
        self.close(Closing { position, finished, outputs, seal });
    }

    /// Ends a step that never started.
    fn settle(&mut self, position: usize, state: StepState, message: String) {
        if let Some(closing) = self.unstarted(position, state, message) {
            self.close(closing);
        }
    }

    fn unstarted(&self, position: usize, state: StepState, message: String) -> Option<Closing> {
        let mut finished = self.finished(position, state)?;
        finished.message = Some(message);
        Some(Closing { position, finished, outputs: None, seal: None })
    }

    fn finished(&self, position: usize, state: StepState) -> Option<StepFinished> {
        let (step, identity) = self.executor.step(position)?;
        Some(StepFinished {
            step: step.id.clone(),
            title: step.title.clone(),
            state,
            identity: identity.to_owned(),
            seconds: 0.0,
            attempts: 0,
            summary: None,
            message: None,
            exit_code: None,
            metrics: serde_json::Map::new(),
            rows: serde_json::Map::new(),
            warnings: Vec::new(),
            outputs: IndexMap::new(),
            log: None,
            tail: Vec::new(),
        })
    }

    /// Ends a step, and with it those that now never can start.
    fn close(&mut self, closing: Closing) {
        let mut open = VecDeque::from([closing]);
        while let Some(Closing { position, finished, outputs, seal }) = open.pop_front() {
            if self.done.contains_key(&position) {
                continue;
            }
            let state = finished.state;
            self.done.insert(position, Done { state, metrics: finished.metrics.clone(), outputs });
            self.ready.remove(&position);
            self.tell(RunEvent::StepFinished(Box::new(finished.clone())));
            let reason = format!("`{}` {}", finished.title, blame(state));
            self.executor.prepared.history.step(StepRecord { position, finished, seal });
            let dependents = self.steps.get(&position).map(|progress| progress.dependents.clone()).unwrap_or_default();
            for dependent in dependents {
                if state.is_good() {
                    self.release(dependent);
                } else if state != StepState::Cancelled {
                    open.extend(self.unstarted(dependent, StepState::Skipped, reason.clone()));
                }
            }
        }
    }

    fn release(&mut self, position: usize) {
        if let Some(progress) = self.steps.get_mut(&position) {
            progress.open = progress.open.saturating_sub(1);
            if progress.open == 0 && !self.done.contains_key(&position) {
                self.ready.insert(position);
            }
        }
    }

    fn finish(self) {
        let prepared = &self.executor.prepared;
        if self.any_started {
            // Processes that left their group while their step ended well.
            kill_marked(&prepared.layout.marker(&prepared.run, ""));
        }
        let finished = Finished {
            run: prepared.run.clone(),
            outcome: self.outcome(),
            seconds: self.started.elapsed().as_secs_f64(),
            counts: self.counts(),
            artifacts: self.artifacts(),
            metrics: self.metrics(),
            verdicts: self.verdicts(),
        };
        if let Err(message) = prepared.history.finish(&finished) {
            self.tell(RunEvent::Warning { message: format!("the run history is incomplete: {message}") });
        }
        self.tell(RunEvent::Finished(Box::new(finished)));
    }

    fn outcome(&self) -> Outcome {
        let any = |state| self.done.values().any(|done| done.state == state);
        if any(StepState::Cancelled) {
            Outcome::Interrupted
        } else if any(StepState::Failed) {
            Outcome::Failed
        } else if any(StepState::Refused) {
            Outcome::Refused
        } else {
            Outcome::Succeeded
        }
    }

    fn counts(&self) -> IndexMap<String, usize> {
        let mut counts = IndexMap::new();
        for done in self.done.values() {
            *counts.entry(done.state.name().to_owned()).or_insert(0) += 1;
        }
        counts
    }

    fn metrics(&self) -> IndexMap<String, serde_json::Map<String, Value>> {
        let metrics = |(position, done): (&usize, &Done)| {
            let (step, _) = self.executor.step(*position)?;
            (!done.metrics.is_empty()).then(|| (step.id.clone(), done.metrics.clone()))
        };
        self.done.iter().filter_map(metrics).collect()
    }

    fn artifacts(&self) -> Vec<Artifact> {
        let prepared = &self.executor.prepared;
        let folder = prepared.layout.latest(&prepared.plan.pipeline.name);
        let mut artifacts = Vec::new();
        for wanted in &prepared.plan.finals {
            let done = prepared.positions.get(&wanted.step).and_then(|position| self.done.get(position));
            let Some((target, sha256)) = done.and_then(|done| self.made(done, &wanted.step, &wanted.output)) else {
                continue;
            };
            match latest::publish(&folder, &wanted.name, &target) {
                Ok(path) => artifacts.push(Artifact { name: wanted.name.clone(), path, sha256 }),
                Err(error) => {
                    let message = format!("cannot put `{}` into {}: {error}", wanted.name, folder.display());
                    self.tell(RunEvent::Warning { message });
                }
            }
        }
        artifacts
    }

    /// An output and its digest: of a step that ended well, or the page that a failed one left for people.
    fn made(&self, done: &Done, step: &str, output: &str) -> Option<(PathBuf, String)> {
        if let Some((_, digests)) = &done.outputs {
            let from = InputRef::Step { step: step.to_owned(), output: output.to_owned() };
            return Some((self.executor.path(&from)?, digests.get(output).cloned().unwrap_or_default()));
        }
        let prepared = &self.executor.prepared;
        let declared = prepared.plan.steps.iter().find(|known| known.id == step)?.outputs.get(output)?;
        if done.state != StepState::Failed || declared.kind != ArtifactKind::Report {
            return None;
        }
        let path = prepared.layout.failed(&prepared.run, step).join(&declared.path);
        let sha256 = crate::digest::file_digest(&path).ok()?;
        Some((path, sha256))
    }

    fn verdicts(&self) -> Vec<Verdict> {
        let verdict = |(position, done): (&usize, &Done)| {
            let (step, _) = self.executor.step(*position)?;
            let output = step.outputs.values().find(|output| output.kind == ArtifactKind::Verdict)?;
            let (folder, _) = done.outputs.as_ref()?;
            let (passed, requirements) = self::verdict(&folder.join(&output.path))?;
            Some(Verdict { step: step.id.clone(), passed, requirements })
        };
        self.done.iter().filter_map(verdict).collect()
    }
}

fn blame(state: StepState) -> &'static str {
    match state {
        StepState::Refused => "refused",
        StepState::Skipped => "was skipped",
        _ => "failed",
    }
}

/// What a verdict file says: whether it passed, and why.
fn verdict(path: &Path) -> Option<(bool, Value)> {
    let text = std::fs::read(path).ok()?;
    let mut verdict: Value = serde_json::from_slice(&text).ok()?;
    let passed = verdict.get("passed")?.as_bool()?;
    Some((passed, verdict.get_mut("requirements").map(Value::take).unwrap_or_default()))
}
