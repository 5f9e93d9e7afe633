//! Finished steps that a team shares in the pipeline's storage: looked for before a step runs, put there after it.
//!
//! The runtime's Python reaches the storage, by one process for the whole run that is asked by lines of JSON
//! (`mlp_runtime/share.py`). It is started when a step is first looked for. Whatever goes wrong there is told, and the
//! run goes on with what this machine has.

use crate::executor::{Executor, ExecutorEvent, Task};
use crate::failure::Failure;
use crate::options::Options;
use crate::process::{Stop, stopped};
use crate::result::StepResult;
use crate::store::{Entry, Work};
use mlpc_plan::Plan;
use mlpc_plan::plan::Step;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OnceCell, oneshot};

/// The storage of a run.
pub(crate) struct Remote {
    address: String,
    /// What the process says that is no answer.
    log: PathBuf,
    connection: OnceCell<Result<Connection, String>>,
    off: AtomicBool,
}

/// A process that answers; it ends when this is dropped.
struct Connection {
    questions: UnboundedSender<(Value, oneshot::Sender<Answer>)>,
}

/// What it says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Answer {
    id: u64,
    found: bool,
    refused: bool,
    failed: Option<String>,
    damaged: bool,
}

impl Remote {
    /// The storage of a plan, if it has one and it is to be used.
    pub fn new(plan: &Plan, options: &Options, folder: &Path) -> Option<Self> {
        let storage = plan.pipeline.storage.as_ref().filter(|_| options.remote)?;
        let log = folder.join("storage.log");
        Some(Self { address: storage.address(), log, connection: OnceCell::new(), off: AtomicBool::new(false) })
    }

    /// Gets what `task` made elsewhere, if it is there.
    pub async fn find(&self, executor: &Executor, task: Task<'_>, work: &mut Work) -> Result<Option<Entry>, Failure> {
        let Task { step, identity, .. } = task;
        work.prepare(&step.outputs)?;
        let question = question("find", task, work.folder());
        let Some(answer) = self.ask(executor, step, question).await?.filter(|answer| answer.found) else {
            return Ok(None);
        };
        let result = match StepResult::read(work.folder()) {
            Ok(result) if step.outputs.keys().all(|name| result.outputs.contains_key(name)) => result,
            _ => return Ok(None),
        };
        let store = &executor.prepared.store;
        Ok(Some(store.commit(work, identity, &step.outputs, result, answer.refused)?))
    }

    /// Puts what `task` made where others find it.
    pub async fn keep(&self, executor: &Executor, task: Task<'_>, entry: &Entry) -> Result<(), Failure> {
        let mut question = question("keep", task, &entry.folder);
        question["refused"] = Value::from(entry.refused);
        self.ask(executor, task.step, question).await.map(drop)
    }

    /// Asks and waits for the answer; what went wrong was told. A lasting trouble is not met twice.
    async fn ask(&self, executor: &Executor, step: &Step, question: Value) -> Result<Option<Answer>, Failure> {
        if self.off.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let python = executor.python(&step.environment).await?;
        let connection = self.connection.get_or_init(|| async { self.start(executor, &python) }).await;
        let mut stop = executor.stop.clone();
        let answer = tokio::select! {
            answer = self.exchange(connection, question) => answer,
            () = stopped(&mut stop, Stop::Gently) => return Err(Failure::stopped()),
        };
        let (message, lasting) = match answer {
            Ok(Answer { failed: None, .. }) => return Ok(answer.ok()),
            Ok(Answer { failed: Some(message), damaged, .. }) => (message, !damaged),
            Err(message) => (message, true),
        };
        if lasting && self.off.swap(true, Ordering::Relaxed) {
            return Ok(None);
        }
        let then = if lasting { "the run goes on without the storage" } else { "the step is done again" };
        executor.tell(ExecutorEvent::Warning { message: format!("{message}; {then}") });
        Ok(None)
    }

    async fn exchange(&self, connection: &Result<Connection, String>, question: Value) -> Result<Answer, String> {
        let connection = connection.as_ref().map_err(Clone::clone)?;
        let (sender, receiver) = oneshot::channel();
        let gone = || format!("the process that reaches {} ended: {}", self.address, self.log.display());
        connection.questions.send((question, sender)).map_err(|_| gone())?;
        receiver.await.map_err(|_| gone())
    }

    /// Starts the process. It sees the whole environment, unlike steps: that is where credentials are.
    fn start(&self, executor: &Executor, python: &Path) -> Result<Connection, String> {
        let options = &executor.prepared.options;
        let start = || -> io::Result<Child> {
            let mut command = Command::new(python);
            command.args(["-m", "mlp_runtime.share", &self.address]).current_dir(&options.root);
            command.env("PYTHONPATH", &options.build).env("PYTHONUTF8", "1").env_remove("PYTHONHOME");
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(File::create(&self.log)?);
            command.kill_on_drop(true).spawn()
        };
        let child = start().map_err(|error| format!("cannot start what reaches {}: {error}", self.address))?;
        let (questions, asked) = unbounded_channel();
        tokio::spawn(converse(child, asked));
        Ok(Connection { questions })
    }
}

/// What is asked about a step whose files are, or shall be, in `folder`.
fn question(verb: &str, task: Task<'_>, folder: &Path) -> Value {
    let outputs: BTreeMap<&str, &str> =
        task.step.outputs.iter().map(|(name, output)| (name.as_str(), output.path.as_str())).collect();
    json!({"do": verb, "identity": task.identity, "folder": folder, "outputs": outputs})
}

/// Hands questions to the process and answers to those who asked, until one side is gone.
async fn converse(mut child: Child, mut asked: UnboundedReceiver<(Value, oneshot::Sender<Answer>)>) {
    let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else { return };
    let mut lines = BufReader::new(output).lines();
    let mut waiting: HashMap<u64, oneshot::Sender<Answer>> = HashMap::new();
    let mut number = 0;
    loop {
        tokio::select! {
            question = asked.recv() => {
                let Some((mut question, sender)) = question else { return };
                number += 1;
                question["id"] = Value::from(number);
                waiting.insert(number, sender);
                if input.write_all(format!("{question}\n").as_bytes()).await.is_err() {
                    return;
                }
            }
            line = lines.next_line() => {
                let Ok(Some(line)) = line else { return };
                let Ok(answer) = serde_json::from_str::<Answer>(&line) else { return };
                if let Some(sender) = waiting.remove(&answer.id) {
                    // Whoever asked may have been stopped meanwhile.
                    let _ = sender.send(answer);
                }
            }
        }
    }
}
