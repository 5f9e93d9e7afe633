//! Writes the history from a thread of its own, many rows to a transaction.

use crate::digest::files_below;
use crate::events::{Finished, StepFinished};
use crate::store::place;
use mlpc_plan::plan::{Plan, Step};
use rusqlite::{Connection, Transaction, params};
use serde_json::Value;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TryRecvError, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Rows that arrive within this time share a transaction.
const BATCH: Duration = Duration::from_millis(50);
/// How long a finished step may stay unsealed; until then a power cut only costs hashing it again.
const SEAL_AFTER: Duration = Duration::from_secs(5);

/// The first row of a run.
pub(crate) struct RunRecord {
    pub run: String,
    pub started: String,
    pub jobs: usize,
}

/// A finished step.
pub(crate) struct StepRecord {
    pub position: usize,
    pub finished: StepFinished,
    /// What the store looked like when the step was committed; given for a step that must be sealed.
    pub seal: Option<String>,
}

enum Message {
    Step(Box<StepRecord>),
    Finish { finished: Box<Finished>, done: SyncSender<Result<(), String>> },
}

/// The writing end.
pub(crate) struct Writer {
    sender: Option<Sender<Message>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread and hands it the connection. `store` is the folder whose file system sealing syncs.
    pub fn start(connection: Connection, plan: std::sync::Arc<Plan>, run: RunRecord, store: PathBuf) -> Self {
        let (sender, receiver) = channel();
        let state =
            State { connection, plan, run, store, seals: Vec::new(), oldest_seal: None, open: false, trouble: None };
        Self { sender: Some(sender), thread: Some(std::thread::spawn(move || state.serve(&receiver))) }
    }

    /// Remembers a finished step.
    pub fn step(&self, record: StepRecord) {
        self.send(Message::Step(Box::new(record)));
    }

    /// Writes everything, ends the run's row and seals what is unsealed.
    pub fn finish(&self, finished: &Finished) -> Result<(), String> {
        let (done, answer) = sync_channel(1);
        self.send(Message::Finish { finished: Box::new(finished.clone()), done });
        self.wake();
        answer.recv().unwrap_or_else(|_| Err("the history's thread has ended".to_owned()))
    }

    fn send(&self, message: Message) {
        // The thread only ends when this end is closed; if it died, `finish` says so.
        let _ = self.sender.as_ref().map(|sender| sender.send(message));
    }

    fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.sender = None;
        self.wake();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct State {
    connection: Connection,
    plan: std::sync::Arc<Plan>,
    run: RunRecord,
    store: PathBuf,
    seals: Vec<(String, String)>,
    oldest_seal: Option<Instant>,
    open: bool,
    trouble: Option<String>,
}

impl State {
    fn serve(mut self, receiver: &Receiver<Message>) {
        // The run's first row is written at once, so that a run shows while it goes on.
        self.write(&[]);
        loop {
            let mut batch: Vec<Message> = Vec::new();
            let closed = loop {
                match receiver.try_recv() {
                    Ok(message) => batch.push(message),
                    Err(error) => break error == TryRecvError::Disconnected,
                }
            };
            if batch.is_empty() {
                if closed {
                    return;
                }
                // Woken at the end only: a writer that waits for the next row would be woken for each.
                std::thread::park_timeout(BATCH);
                continue;
            }
            self.write(&batch);
            self.collect_seals(&batch);
            let finish = batch.last().and_then(|message| match message {
                Message::Finish { done, .. } => Some(done.clone()),
                Message::Step(_) => None,
            });
            if finish.is_some() || self.oldest_seal.is_some_and(|since| since.elapsed() > SEAL_AFTER) {
                self.seal();
            }
            if let Some(done) = finish {
                let _ = done.send(self.trouble.take().map_or(Ok(()), Err));
            }
        }
    }

    fn collect_seals(&mut self, batch: &[Message]) {
        for message in batch {
            let seal = match message {
                Message::Step(record) => record.seal.clone().map(|stamp| (record.finished.identity.clone(), stamp)),
                Message::Finish { .. } => None,
            };
            if let Some(seal) = seal {
                self.seals.push(seal);
                self.oldest_seal.get_or_insert_with(Instant::now);
            }
        }
    }

    /// First the files reach the disk, then the row that says so.
    fn seal(&mut self) {
        if self.seals.is_empty() {
            return;
        }
        let seals = std::mem::take(&mut self.seals);
        self.oldest_seal = None;
        let result = sync(&self.store, &seals)
            .map_err(|error| error.to_string())
            .and_then(|()| insert_seals(&mut self.connection, &seals).map_err(|error| error.to_string()));
        self.note(result);
    }

    fn write(&mut self, batch: &[Message]) {
        let result = self.try_write(batch).map_err(|error| error.to_string());
        self.note(result);
    }

    fn note(&mut self, result: Result<(), String>) {
        if let Err(error) = result {
            self.trouble.get_or_insert(error);
        }
    }

    fn try_write(&mut self, batch: &[Message]) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        if !self.open {
            insert_run(&transaction, &self.plan, &self.run)?;
        }
        for message in batch {
            match message {
                Message::Step(record) => insert_step(&transaction, &self.plan, &self.run.run, record)?,
                Message::Finish { finished, .. } => {
                    transaction.execute(
                        "update runs set seconds = ?, outcome = ? where id = ?",
                        params![finished.seconds, finished.outcome.name(), finished.run],
                    )?;
                }
            }
        }
        transaction.commit()?;
        self.open = true;
        Ok(())
    }
}

fn insert_seals(connection: &mut Connection, seals: &[(String, String)]) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    let mut insert = transaction.prepare_cached("insert or replace into entries values(?, ?)")?;
    for (identity, stamp) in seals {
        insert.execute(params![identity, stamp])?;
    }
    drop(insert);
    transaction.commit()
}

fn insert_run(transaction: &Transaction<'_>, plan: &Plan, run: &RunRecord) -> rusqlite::Result<()> {
    transaction.execute(
        "insert into runs(id, pipeline, profile, seed, compiler, jobs, started) values(?, ?, ?, ?, ?, ?, ?)",
        params![
            run.run,
            plan.pipeline.name,
            plan.pipeline.profile,
            plan.pipeline.seed,
            plan.compiler,
            i64::try_from(run.jobs).unwrap_or(i64::MAX),
            run.started
        ],
    )?;
    Ok(())
}

fn insert_step(transaction: &Transaction<'_>, plan: &Plan, run: &str, record: &StepRecord) -> rusqlite::Result<()> {
    let finished = &record.finished;
    transaction.prepare_cached("insert or replace into steps values(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?.execute(
        params![
            run,
            i64::try_from(record.position).unwrap_or(i64::MAX),
            finished.step,
            finished.title,
            finished.state.name(),
            finished.identity,
            finished.seconds,
            finished.attempts,
            finished.summary,
            finished.message,
            finished.exit_code,
            finished.log.as_ref().map(|log| log.to_string_lossy().into_owned()),
        ],
    )?;
    if !finished.metrics.is_empty() {
        let mut insert = transaction.prepare_cached("insert or replace into metrics values(?, ?, ?, ?)")?;
        for (name, value) in numbers("", &Value::Object(finished.metrics.clone())) {
            insert.execute(params![run, finished.step, name, value])?;
        }
    }
    insert_params(transaction, run, plan.steps.get(record.position))
}

fn insert_params(transaction: &Transaction<'_>, run: &str, step: Option<&Step>) -> rusqlite::Result<()> {
    let Some(step) = step.filter(|step| !step.params.is_empty()) else { return Ok(()) };
    let mut insert = transaction.prepare_cached("insert or replace into params values(?, ?, ?, ?, ?)")?;
    for (name, param) in &step.params {
        insert.execute(params![run, step.id, name, param.value.to_string(), param.default])?;
    }
    Ok(())
}

/// Every number inside `value`, named by the dotted path to it.
fn numbers(path: &str, value: &Value) -> Vec<(String, f64)> {
    match value {
        Value::Number(number) => number.as_f64().map(|number| (path.to_owned(), number)).into_iter().collect(),
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, value)| {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                numbers(&path, value)
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// Files that are brought to disk one by one; with more, the whole file system is.
#[cfg(target_os = "linux")]
const FEW: usize = 64;

/// Brings entries to disk, and the names under which they are.
fn sync(store: &Path, seals: &[(String, String)]) -> io::Result<()> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for (identity, _) in seals {
        let folder = place(store, identity);
        // An entry that was taken away since has nothing to lose: its stamp will not be found again.
        paths.extend(files_below(&folder).unwrap_or_default().into_iter().map(|(_, path)| path));
        paths.extend([folder.parent().unwrap_or(store).to_path_buf(), folder]);
        #[cfg(target_os = "linux")]
        if paths.len() > FEW {
            return rustix::fs::syncfs(File::open(store)?).map_err(Into::into);
        }
    }
    paths.iter().filter_map(|path| File::open(path).ok()).try_for_each(|file| file.sync_all())
}
