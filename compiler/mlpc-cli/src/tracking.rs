//! `tracking`: tells the tracker what a run did. One that cannot be reached changes nothing about the run; what it was not
//! told waits.

use crate::environments;
use crate::error::ToolError;
use crate::exit::Exit;
use crate::summary::Collected;
use crate::terminal::{Style, Terminal};
use crate::text::plural;
use mlpc_native::tracking::{self, Told};
use mlpc_native::{Layout, Options};
use mlpc_plan::Plan;
use std::fs;
use std::path::Path;

/// Tells of a run that has ended.
pub fn log(plan: &Plan, options: &Options, collected: &Collected, terminal: &mut Terminal) {
    if plan.pipeline.tracking.is_none() {
        return;
    }
    match tell(plan, options, collected, terminal) {
        Ok(told) => warn(&told, terminal),
        Err(error) => {
            let warning = terminal.err.paint(Style::Odd, "warning");
            terminal.tell(format_args!("{warning}: {error}"));
        }
    }
}

fn tell(plan: &Plan, options: &Options, collected: &Collected, terminal: &mut Terminal) -> Result<Told, ToolError> {
    let (name, environment) =
        plan.environments.first().ok_or_else(|| ToolError::usage("the plan has no environment".to_owned()))?;
    let python = environments::interpreter(name, environment, terminal)?;
    let finished = collected.finished().ok_or_else(|| ToolError::usage("the run has no end".to_owned()))?;
    tracking::log(&python, options, &finished.run, finished.outcome, collected.steps())
        .map_err(|error| ToolError::usage(error.to_string()))
}

fn warn(told: &Told, terminal: &mut Terminal) {
    let Some(why) = &told.failed else { return };
    let warning = terminal.err.paint(Style::Odd, "warning");
    let records = plural(told.waiting, "record");
    terminal.tell(format_args!("{warning}: the tracker was not told of this run: {why}"));
    terminal.tell(format_args!("  {records} in .mlp/tracking: `mlpc runs sync` tells them, and so does the next run"));
}

/// Tells of what waits in a project.
pub fn sync(root: &Path, terminal: &mut Terminal) -> Result<Exit, ToolError> {
    let state = root.join(".mlp");
    let build = state.join("build").join("native");
    let waits = fs::read_dir(Layout::new(state.clone()).tracking()).is_ok_and(|mut entries| {
        entries.any(|entry| entry.is_ok_and(|entry| !entry.file_name().to_string_lossy().starts_with('.')))
    });
    if !waits {
        terminal.line("nothing waits to be told");
        return Ok(Exit::Fine);
    }
    let unusable = |error: String| {
        ToolError::usage(format!("the build of the last run cannot be used: {error}")).help("run the pipeline again")
    };
    let text = fs::read(build.join("plan.json")).map_err(|error| unusable(error.to_string()))?;
    let plan: Plan = serde_json::from_slice(&text).map_err(|error| unusable(error.to_string()))?;
    let (name, environment) = plan.environments.first().ok_or_else(|| unusable("it has no environment".to_owned()))?;
    let python = environments::interpreter(name, environment, terminal)?;
    let told = tracking::sync(&python, &build, &state, root).map_err(|error| ToolError::usage(error.to_string()))?;
    terminal.line(format_args!("{} told", plural(told.told, "record")));
    match told.failed {
        None => Ok(Exit::Fine),
        Some(why) => Err(ToolError::usage(format!("{} still waiting: {why}", plural(told.waiting, "record")))
            .exit(Exit::StepFailed)
            .help("nothing is lost: try again when the server answers")),
    }
}
