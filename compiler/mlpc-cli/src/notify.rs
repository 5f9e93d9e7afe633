//! `notify`: tells a channel how a run ended. A channel that cannot be reached changes nothing about the run.

use crate::environments;
use crate::error::ToolError;
use crate::summary::Collected;
use crate::terminal::{Style, Terminal};
use crate::tools;
use mlpc_native::Outcome;
use mlpc_native::notify::Told;
use mlpc_plan::Plan;
use mlpc_plan::plan::{Ending, Notify};

/// Tells everyone who wants to know of such an ending.
pub fn tell(plan: &Plan, collected: &Collected, outcome: Outcome, terminal: &mut Terminal) {
    let ending = match outcome {
        Outcome::Succeeded => Ending::Success,
        Outcome::Refused => Ending::GateRefused,
        Outcome::Failed => Ending::Failure,
        // Whoever stopped it knows.
        Outcome::Interrupted => return,
    };
    for channel in plan.notify.iter().filter(|channel| channel.on().contains(&ending)) {
        if let Err(error) = one(plan, channel, ending, collected, terminal) {
            let warning = terminal.err.paint(Style::Odd, "warning");
            terminal.tell(format_args!("{warning}: {error}"));
        }
    }
}

fn one(
    plan: &Plan,
    channel: &Notify,
    ending: Ending,
    collected: &Collected,
    terminal: &mut Terminal,
) -> Result<(), ToolError> {
    let (name, environment) =
        plan.environments.first().ok_or_else(|| ToolError::usage("the plan has no environment".to_owned()))?;
    let python = environments::interpreter(name, environment, terminal)?;
    let run = collected.finished().map_or("", |finished| finished.run.as_str());
    let told = Told { pipeline: &plan.pipeline.name, run, ending, message: &collected.message(plan) };
    mlpc_native::notify::tell(&python, &tools::runtime()?, channel, &told)
        .map_err(|error| ToolError::usage(error.to_string()))
}
