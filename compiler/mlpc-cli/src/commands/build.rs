//! `mlpc build`: writes the programs and definitions of a target.

use crate::build::{self, NoLock};
use crate::error::ToolError;
use crate::exit::Exit;
use crate::project::{self, Target as Program, shown};
use crate::terminal::{Style, Terminal};
use crate::text::plural;
use std::path::PathBuf;

/// What to build, for what, and where to put it.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    program: Program,
    /// What the build is for
    #[arg(long, value_enum, default_value_t)]
    target: Target,
    /// Where to put it; by default `build/<target>` in the project
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Refuse to build without `mlp.lock` instead of making it
    #[arg(long)]
    locked: bool,
}

/// What a build is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Target {
    /// This machine, by `mlpc run`
    #[default]
    Native,
}

/// Writes the build.
pub fn run(args: &Args, terminal: &mut Terminal) -> Result<Exit, ToolError> {
    let session = project::open(&args.program)?;
    let no_lock = if args.locked { NoLock::Refuse } else { NoLock::Make };
    let built = build::build(&session, no_lock, terminal)?;
    let folder = match &args.out {
        Some(folder) => std::path::absolute(folder).map_err(|error| ToolError::file("find", folder, &error))?,
        None => session.location.root.join("build").join(name(args.target)),
    };
    let changed = build::write(&folder, &built.files)?;
    let mark = terminal.out.paint(Style::Good, "✓");
    let (count, steps) = (plural(built.files.len(), "file"), plural(built.plan.steps.len(), "step"));
    terminal.line(format_args!("{mark} {}: {count} for {steps}, {changed} changed", shown(&folder)));
    Ok(Exit::Fine)
}

fn name(target: Target) -> &'static str {
    match target {
        Target::Native => "native",
    }
}
