//! The Python runtime outside a build, for looking at data before there is a program to run.

use crate::error::ToolError;
use crate::exit::Exit;
use crate::files;
use crate::progress::Waiting;
use crate::terminal::Terminal;
use mlpc_native::data::{self, Tools};
use mlpc_native::environment;
use mlpc_plan::lock;
use serde::{Serialize, de::DeserializeOwned};
use std::path::PathBuf;

/// The environment in which data is looked at.
const NAME: &str = "tools";

/// A folder that holds `mlp_runtime`, in the cache under its own digest.
pub fn runtime() -> Result<PathBuf, ToolError> {
    let cache = mlpc_native::environment::cache().map_err(|error| ToolError::usage(error.to_string()))?;
    let digest = mlpc_stdlib::digest();
    let folder = cache.join("runtime").join(digest.get(..16).unwrap_or(&digest));
    for file in mlpc_stdlib::runtime() {
        // Written only where it differs, whole or not at all.
        files::write(&folder.join(file.path), file.text)?;
    }
    Ok(folder)
}

/// What a module of the runtime answers.
pub fn ask<T: DeserializeOwned>(
    module: &str,
    question: &impl Serialize,
    terminal: &mut Terminal,
) -> Result<T, ToolError> {
    let broken = |error: String| ToolError::usage(format!("cannot look at the data: {error}")).exit(Exit::Internal);
    let locked = lock::parse(mlpc_stdlib::tools()).map_err(|error| broken(error.to_string()))?;
    let locked = locked.environment(NAME).ok_or_else(|| broken(format!("there is no environment `{NAME}`")))?;
    let mut waiting = Waiting::new();
    let mut progress = |message: &str| waiting.tell(&format!("environment {NAME}: {message}"), terminal);
    let python = environment::ensure(&locked, &mut progress);
    let python = python.map_err(|error| ToolError::usage(format!("cannot look at the data: {error}")))?;
    let runtime = runtime()?;
    let question = serde_json::to_string(question).map_err(|error| broken(error.to_string()))?;
    let tools = Tools { python: &python, runtime: &runtime };
    let answer = data::ask(tools, module, &question).map_err(|error| ToolError::usage(error.to_string()))?;
    serde_json::from_str(&answer).map_err(|error| broken(error.to_string()))
}
