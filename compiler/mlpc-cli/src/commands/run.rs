//! `mlpc run`: runs a program on this machine, or on the server of a target.

use crate::build::{self, NoLock};
use crate::commands::targets;
use crate::environments;
use crate::error::ToolError;
use crate::exit::Exit;
use crate::notify;
use crate::params::{self, Given};
use crate::progress::{Format, Reporter};
use crate::project::{self, Target};
use crate::submit;
use crate::summary::Collected;
use crate::terminal::Terminal;
use crate::text::plural;
use crate::tracking;
use mlpc_diagnostics::did_you_mean;
use mlpc_emit::backend::{Ability, Support};
use mlpc_native::{Force, Options, Outcome, RunError, RunEvent};
use mlpc_plan::Plan;
use std::collections::BTreeSet;

/// What to run, and how.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// Steps at once; by default as many as there are processors
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// What runs: `train`, or `predict.NAME`
    #[arg(long, value_name = "NAME")]
    entry: Option<String>,
    /// Only this step and what it needs
    #[arg(long, value_name = "STEP")]
    until: Option<String>,
    /// Another value for a parameter of the program
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = params::parse)]
    params: Vec<Given>,
    /// Refuse to run without `mlp.lock` instead of making it
    #[arg(long)]
    locked: bool,
    /// Run steps again although their results are there: all, or those named
    #[arg(long, value_name = "STEP", num_args = 0.., require_equals = true, value_delimiter = ',')]
    force: Option<Vec<String>>,
    /// Run it on the server of this target, as `[target.NAME]` of `mlp.toml` says
    #[arg(long = "target", value_name = "TARGET", conflicts_with_all = ["jobs", "until", "force"])]
    on: Option<String>,
    /// Leave the pipeline's storage alone: neither look for results there nor put any there
    #[arg(long)]
    no_remote: bool,
    /// How the run is told
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs the program and says what came of it.
pub fn run(args: &Args, terminal: &mut Terminal) -> Result<Exit, ToolError> {
    let session = project::open_with(&args.target, &args.params)?;
    let no_lock = if args.locked { NoLock::Refuse } else { NoLock::Make };
    if let Some(target) = args.on.as_deref().filter(|target| *target != "native") {
        let choice = targets::choose(&session.location.config, target)?;
        let (entry, params) = (args.entry.as_deref(), args.params.as_slice());
        if choice.backend.support(&choice.version, Ability::Parameters) != Support::Full {
            return submit::run(&session, &choice, entry, &[], no_lock, args.format, terminal);
        }
        // What is given must fit; the build is that of all runs.
        build::check(&session, terminal)?;
        let session = project::open(&args.target)?;
        return submit::run(&session, &choice, entry, params, no_lock, args.format, terminal);
    }
    let built = build::build(&session, no_lock, terminal)?;
    let plan = built.entry(args.entry.as_deref())?;
    let root = &session.location.root;
    let mut options = Options::new(root, root);
    options.until = args.until.as_deref().map(|name| step_named(plan, name)).transpose()?;
    options.force = force(plan, args.force.as_deref())?;
    if let Some(jobs) = args.jobs {
        options.jobs = usize::from(jobs);
    }
    let placed = build::place(&options.state, &built.files)?;
    options.build.clone_from(&placed.folder);
    options.remote = !args.no_remote;
    options.stream_output = args.format == Format::Json;

    if args.format == Format::Text {
        environments::prepare(plan, &mut options, terminal)?;
    }
    let mut reporter = Reporter::new(args.format, terminal);
    let mut collected = Collected::default();
    for event in mlpc_native::execute(plan, &options)? {
        if let (RunEvent::RunStarted { pipeline, steps, .. }, Format::Text) = (&event, args.format) {
            let project = session.location.config.name.as_ref().map_or_else(String::new, |name| format!(" of {name}"));
            terminal.tell(format_args!("Running {pipeline}{project}: {}", plural(steps.len(), "step")));
        }
        reporter.show(&event, terminal);
        collected.add(&event);
    }
    let outcome = collected.finished().ok_or(RunError::Lost)?.outcome;
    if args.format == Format::Text {
        summarise(&collected, plan, terminal);
    }
    notify::tell(plan, &collected, outcome, terminal);
    if args.entry.as_deref().is_none_or(|entry| entry == "train") {
        tracking::log(plan, &options, &collected, terminal);
    }
    Ok(match outcome {
        Outcome::Succeeded => Exit::Fine,
        Outcome::Refused => Exit::Refused,
        Outcome::Failed => Exit::StepFailed,
        Outcome::Interrupted => Exit::Interrupted,
    })
}

fn summarise(collected: &Collected, plan: &Plan, terminal: &mut Terminal) {
    let lines = collected.lines(plan, terminal.out);
    // Progress and summary usually share a screen.
    terminal.line("");
    lines.into_iter().for_each(|line| terminal.line(line));
}

fn force(plan: &Plan, steps: Option<&[String]>) -> Result<Force, ToolError> {
    match steps {
        None => Ok(Force::None),
        Some([]) => Ok(Force::All),
        Some(names) => {
            let steps: Result<BTreeSet<String>, ToolError> = names.iter().map(|name| step_named(plan, name)).collect();
            steps.map(Force::Steps)
        }
    }
}

/// The step that a person means: by its identifier, its title, or the name of its block.
fn step_named(plan: &Plan, name: &str) -> Result<String, ToolError> {
    let full = plan.steps.iter().find(|step| step.id == name || step.title == name);
    if let Some(step) = full {
        return Ok(step.id.clone());
    }
    let block = |id: &str| id.split_once('.').map_or("", |(_, block)| block) == name;
    let candidates: Vec<&str> = plan.steps.iter().map(|step| step.id.as_str()).filter(|id| block(id)).collect();
    match candidates.as_slice() {
        [one] => Ok((*one).to_owned()),
        [] => {
            let all: Vec<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
            let blocks = all.iter().filter_map(|id| id.split_once('.').map(|(_, block)| block));
            let near = did_you_mean(name, all.iter().copied().chain(blocks));
            let help =
                near.map_or_else(|| format!("there are {}", all.join(", ")), |near| format!("did you mean `{near}`?"));
            Err(ToolError::usage(format!("the plan has no step `{name}`")).help(help))
        }
        several => Err(ToolError::usage(format!("`{name}` has {} steps", several.len()))
            .help(format!("say which: {}", several.join(", ")))),
    }
}
