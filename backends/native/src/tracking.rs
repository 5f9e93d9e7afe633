//! Tells the tracker that a pipeline names what a run did: the runtime's Python does it (`mlp_runtime/tracking.py`).
//!
//! It sees the whole environment, unlike steps: that is where addresses and credentials are. What cannot be told waits in
//! `.mlp/tracking`.

use crate::commit;
use crate::events::{Outcome, StepFinished};
use crate::layout::Layout;
use crate::options::Options;
use crate::tool::{self, ToolError};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::process::Command;

/// What came of telling.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Told {
    /// Entries that the tracker has now.
    pub told: usize,
    /// Entries that wait.
    pub waiting: usize,
    /// Why they do.
    pub failed: Option<String>,
}

#[derive(Serialize)]
struct Request<'a> {
    run: &'a str,
    root: &'a Path,
    commit: Option<String>,
    outcome: &'static str,
    steps: &'a [StepFinished],
}

/// Tells of a run that has ended, and of what waited before.
///
/// # Errors
/// If nothing could even be put aside.
pub fn log(
    python: &Path,
    options: &Options,
    run: &str,
    outcome: Outcome,
    steps: &[StepFinished],
) -> Result<Told, ToolError> {
    let commit = commit::of(&options.root);
    let request = Request { run, root: &options.root, commit, outcome: outcome.name(), steps };
    let request = serde_json::to_string(&request).map_err(|error| failed(error.to_string()))?;
    ask("log", python, &options.build, &options.state, &options.root, &request)
}

/// Tells of what waits. `build` is a folder that holds `mlp_runtime`.
///
/// # Errors
/// If Python does not run.
pub fn sync(python: &Path, build: &Path, state: &Path, root: &Path) -> Result<Told, ToolError> {
    ask("sync", python, build, state, root, "")
}

fn ask(verb: &str, python: &Path, build: &Path, state: &Path, root: &Path, request: &str) -> Result<Told, ToolError> {
    let spool = Layout::new(state.to_path_buf()).tracking();
    let mut command = Command::new(python);
    command.args(["-m", "mlp_runtime.tracking", verb, "--spool"]).arg(spool).current_dir(root);
    command.env("PYTHONPATH", build).env("PYTHONUTF8", "1").env_remove("PYTHONHOME");
    command.envs(mlpc_plan::variables::FIXED.iter().copied());
    let answer = tool::run("the tracker", &mut command, request)?;
    serde_json::from_str(&answer).map_err(|error| failed(error.to_string()))
}

fn failed(said: String) -> ToolError {
    ToolError { what: "the tracker".to_owned(), said }
}
