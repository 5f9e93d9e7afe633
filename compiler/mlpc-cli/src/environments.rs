//! Virtual environments, made before a run so that nothing of it has started when a person changes their mind.

use crate::error::ToolError;
use crate::exit::Exit;
use crate::progress::Waiting;
use crate::terminal::{Style, Terminal};
use crate::text::duration;
use mlpc_native::environment::{self, EnvironmentError};
use mlpc_native::{Options, Stored};
use mlpc_plan::Plan;
use mlpc_plan::plan::{Environment, InputRef, Step, StepSpec};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Instant;

/// Makes the environments of the steps that will run, and tells the run where they are.
pub fn prepare(plan: &Plan, options: &mut Options, terminal: &mut Terminal) -> Result<(), ToolError> {
    let asking = plan.steps.iter().filter(|step| step.inputs.values().any(is_elsewhere));
    let asking: BTreeSet<String> = asking.map(|step| step.environment.clone()).collect();
    make(&asking, plan, options, terminal)?;
    let needed = needed(plan, options)?;
    make(&needed, plan, options, terminal)
}

/// Whether what an input is must be asked of a registry elsewhere, before anything runs.
fn is_elsewhere(input: &InputRef) -> bool {
    matches!(input, InputRef::Champion { registry: Some(_), .. })
}

fn make(
    names: &BTreeSet<String>,
    plan: &Plan,
    options: &mut Options,
    terminal: &mut Terminal,
) -> Result<(), ToolError> {
    for name in names {
        let Some(environment) = plan.environments.get(name) else { continue };
        let python = interpreter(name, environment, terminal)?;
        options.pythons.insert(name.clone(), python);
    }
    Ok(())
}

/// The interpreter of an environment, which is made if it is not there.
pub fn interpreter(name: &str, environment: &Environment, terminal: &mut Terminal) -> Result<PathBuf, ToolError> {
    let failed = |error| cannot_make(name, &error);
    if let Some(python) = environment::ready(environment).map_err(failed)? {
        return Ok(python);
    }
    let started = Instant::now();
    let mut waiting = Waiting::new();
    let mut progress = |message: &str| waiting.tell(&format!("environment {name}: {message}"), terminal);
    let python = environment::ensure(environment, &mut progress).map_err(failed)?;
    drop(waiting);
    let (mark, time) = (terminal.err.paint(Style::Good, "✓"), duration(started.elapsed().as_secs_f64()));
    terminal.tell(format_args!("{mark} environment {name} is ready  {time}"));
    Ok(python)
}

/// Environments of Python steps that have no result yet or must run again.
fn needed(plan: &Plan, options: &Options) -> Result<BTreeSet<String>, ToolError> {
    let taking_part = taking_part(plan, options.until.as_deref());
    let previews = mlpc_native::preview(plan, options)?;
    let steps = plan.steps.iter().zip(previews).filter(|(step, preview)| {
        let runs = preview.stored == Stored::Nothing || options.force.holds(&step.id);
        runs && !matches!(step.spec, StepSpec::Shell(_)) && taking_part.contains(step.id.as_str())
    });
    Ok(steps.map(|(step, _)| step.environment.clone()).collect())
}

/// All steps, or the last one and what it needs.
fn taking_part<'a>(plan: &'a Plan, until: Option<&str>) -> BTreeSet<&'a str> {
    Step::leading_to(&plan.steps, |step| until.is_none_or(|until| step.id == until))
}

fn cannot_make(name: &str, error: &EnvironmentError) -> ToolError {
    let error_text = ToolError::usage(format!("cannot make the environment `{name}`: {error}"));
    match error {
        EnvironmentError::NoPython { wanted, .. } => error_text.help(format!("install Python {wanted}")),
        EnvironmentError::Tool(_) => error_text.exit(Exit::StepFailed).help("look at the network, then run it again"),
        _ => error_text,
    }
}
