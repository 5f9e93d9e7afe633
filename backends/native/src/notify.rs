//! Tells a channel how a run ended.

use crate::environment::python_command;
use crate::tool::{self, ToolError};
use mlpc_plan::plan::{Ending, Notify};
use serde::Serialize;
use std::path::Path;

/// What a channel is told. A webhook gets it as it is.
#[derive(Clone, Debug, Serialize)]
pub struct Told<'a> {
    /// The name of the pipeline.
    pub pipeline: &'a str,
    /// The name of the run.
    pub run: &'a str,
    /// How it ended.
    pub ending: Ending,
    /// The same in words, with the reasons.
    pub message: &'a str,
}

#[derive(Serialize)]
struct Request<'a> {
    channel: &'a Notify,
    told: &'a Told<'a>,
}

/// Tells a channel whose secret is in the variable of its name. `runtime` is a folder that holds `mlp_runtime`.
///
/// # Errors
/// If the variable is not set, or the server does not take it.
pub fn tell(python: &Path, runtime: &Path, channel: &Notify, told: &Told<'_>) -> Result<(), ToolError> {
    let what = "telling how the run ended";
    let request = serde_json::to_string(&Request { channel, told })
        .map_err(|error| ToolError { what: what.to_owned(), said: error.to_string() })?;
    let mut command = python_command(python);
    command.env("PYTHONPATH", runtime).env("PYTHONIOENCODING", "utf-8");
    tool::run(what, command.args(["-m", "mlp_runtime.notify"]), &request)?;
    Ok(())
}
