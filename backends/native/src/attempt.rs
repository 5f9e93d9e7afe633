//! Makes the result of one step: its program is run, again after a failure if it may be.

use crate::command::Call;
use crate::digest;
use crate::executor::{Executor, ExecutorEvent, LOOK, REFUSED, Task};
use crate::failure::{Failure, failure, pause};
use crate::output::{self, Follower};
use crate::process::{self, Exit, Limits, Stop, stopped};
use crate::result::{FILE, FORMAT, OutputRecord, StepResult};
use crate::store::{Entry, Work};
use mlpc_plan::plan::{Step, StepSpec};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Files larger than this are hashed where nothing else waits.
const LARGE: u64 = 1 << 20;

/// A result, and what it took.
#[derive(Default)]
pub(crate) struct Made {
    pub entry: Option<Entry>,
    pub attempts: u32,
    /// Where the program printed to, if it did.
    pub log: Option<PathBuf>,
    /// The gate's last words, if it refused.
    pub message: Option<String>,
}

/// What stays the same over all tries.
struct Attempts<'a> {
    executor: &'a Executor,
    task: Task<'a>,
    log: File,
    path: PathBuf,
    python: Option<PathBuf>,
}

/// Makes the result of `task` in `work`. What it took is told in `made` even if it fails.
pub(crate) async fn make(executor: &Executor, task: Task<'_>, work: &mut Work, made: &mut Made) -> Result<(), Failure> {
    let python = match &task.step.spec {
        StepSpec::Shell(_) => None,
        _ => Some(executor.python(&task.step.environment).await?),
    };
    executor.fetch(task.step).await?;
    let prepared = &executor.prepared;
    let path = prepared.layout.log(&prepared.run, &task.step.id);
    let log = prepared.logs.open(&path)?;
    let attempts = Attempts { executor, task, log, path, python };
    let result = attempts.run(work, made).await;
    // A log that cannot be looked at is better shown than hidden.
    if prepared.logs.close(&attempts.log, &attempts.path).unwrap_or(true) {
        made.log = Some(attempts.path);
    }
    result
}

impl Attempts<'_> {
    async fn run(&self, work: &mut Work, made: &mut Made) -> Result<(), Failure> {
        let Task { position, step, identity } = self.task;
        let prepared = &self.executor.prepared;
        loop {
            work.prepare(&step.outputs)?;
            made.attempts += 1;
            let log = self.path.clone();
            self.executor.tell(ExecutorEvent::Started { position, attempt: made.attempts, log });
            let failure = match self.attempt(work).await {
                Ok((result, refused)) => {
                    made.entry = Some(prepared.store.commit(work, identity, &step.outputs, result, refused)?);
                    made.message = refused.then(|| output::tail(&self.path).pop()).flatten();
                    self.forget_progress();
                    return Ok(());
                }
                Err(failure) => failure,
            };
            if !failure.again || made.attempts >= step.retry.attempts {
                if !failure.stopped {
                    work.keep(&prepared.layout.failed(&prepared.run, &step.id))?;
                }
                return Err(failure);
            }
            self.wait(made.attempts, failure).await?;
        }
    }

    /// One try: the result and whether a gate said no.
    async fn attempt(&self, work: &Work) -> Result<(StepResult, bool), Failure> {
        let (step, prepared) = (self.task.step, &self.executor.prepared);
        let marker = prepared.layout.marker(&prepared.run, &step.id);
        let (folder, current) = (work.folder(), work.current());
        let progress = self.progress();
        let progress = progress.as_deref();
        let call = Call { step, inputs: self.executor.inputs(step), folder, current, marker: &marker, progress };
        let command = prepared.setting.command(&call, self.python.as_deref());
        let limits = Limits { timeout: step.timeout_seconds.map(Duration::from_secs), grace: prepared.options.grace };
        let mut stop = self.executor.stop.clone();
        let running = process::run(command, &self.log, &limits, &marker, &mut stop);
        let exit = if prepared.options.stream_output { self.follow(running).await? } else { running.await? };
        match exit {
            Exit::Code(0) => Ok((result(step, folder)?, false)),
            Exit::Code(REFUSED) if !matches!(step.spec, StepSpec::Shell(_)) => Ok((result(step, folder)?, true)),
            exit => Err(failure(step, &exit, &self.path)),
        }
    }

    /// Where the step keeps what it has done: a search does.
    fn progress(&self) -> Option<PathBuf> {
        let keeps = matches!(&self.task.step.spec, StepSpec::Sweep { search: Some(_), .. });
        keeps.then(|| self.executor.prepared.layout.progress(self.task.identity))
    }

    /// What is done needs no progress. If it cannot be removed, it is in nobody's way.
    fn forget_progress(&self) {
        if let Some(folder) = self.progress() {
            let _ = std::fs::remove_dir_all(folder);
        }
    }

    async fn follow(&self, running: impl Future<Output = io::Result<Exit>>) -> io::Result<Exit> {
        let mut follower = Follower::new(&self.path);
        let mut running = std::pin::pin!(running);
        loop {
            let ended = tokio::select! {
                exit = &mut running => Some(exit),
                () = tokio::time::sleep(LOOK) => None,
            };
            for line in follower.lines(ended.is_some()) {
                self.executor.tell(ExecutorEvent::Output { position: self.task.position, line });
            }
            if let Some(exit) = ended {
                return exit;
            }
        }
    }

    async fn wait(&self, attempt: u32, failure: Failure) -> Result<(), Failure> {
        let Task { position, step, .. } = self.task;
        let wait = pause(&step.retry, &step.identity, attempt);
        self.executor.tell(ExecutorEvent::Retrying { position, attempt, wait, message: failure.message });
        let mut stop = self.executor.stop.clone();
        tokio::select! {
            () = tokio::time::sleep(wait) => Ok(()),
            () = stopped(&mut stop, Stop::Gently) => Err(Failure::stopped()),
        }
    }
}

/// What the step says it did, with every output there. A shell command says nothing, so its outputs are hashed here.
fn result(step: &Step, folder: &Path) -> Result<StepResult, Failure> {
    let absent = |name: &str| Failure::again(format!("it ended well but wrote no output `{name}`"));
    if let Some((name, _)) = step.outputs.iter().find(|(_, output)| !folder.join(&output.path).exists()) {
        return Err(absent(name));
    }
    if matches!(step.spec, StepSpec::Shell(_)) {
        return Ok(shell_result(step, folder)?);
    }
    let unusable = |error| Failure::new(format!("it ended well but its {FILE} cannot be used: {error}"));
    let result = StepResult::read(folder).map_err(unusable)?;
    match step.outputs.keys().find(|name| !result.outputs.contains_key(*name)) {
        Some(name) => Err(absent(name)),
        None => Ok(result),
    }
}

fn shell_result(step: &Step, folder: &Path) -> io::Result<StepResult> {
    let mut result = StepResult { format: FORMAT.to_owned(), ..StepResult::default() };
    for (name, output) in &step.outputs {
        let path = folder.join(&output.path);
        let metadata = std::fs::metadata(&path)?;
        let sha256 = if metadata.is_dir() || metadata.len() > LARGE {
            tokio::task::block_in_place(|| digest::digest(&path))?
        } else {
            digest::digest(&path)?
        };
        result.outputs.insert(name.clone(), OutputRecord { path: output.path.clone(), sha256 });
    }
    result.write(folder)?;
    Ok(result)
}
