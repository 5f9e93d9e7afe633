//! Tells a channel how a run ended.

use crate::environment::python_command;
use crate::tool::{self, ToolError};
use std::path::Path;

/// Posts `text` to the Slack webhook whose address is in the variable `webhook` of the environment. `runtime` is a folder
/// that holds `mlp_runtime`.
///
/// # Errors
/// If the variable is not set or the server does not take it.
pub fn slack(python: &Path, runtime: &Path, webhook: &str, text: &str) -> Result<(), ToolError> {
    let mut command = python_command(python);
    command.env("PYTHONPATH", runtime).env("PYTHONIOENCODING", "utf-8");
    tool::run("telling how the run ended", command.args(["-m", "mlp_runtime.notify", webhook]), text)?;
    Ok(())
}
