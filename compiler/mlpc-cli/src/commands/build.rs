//! `mlpc build`: writes the programs and definitions of a target.

use crate::build::{self, NoLock};
use crate::commands::targets;
use crate::error::ToolError;
use crate::exit::Exit;
use crate::params::{self, Given};
use crate::project::{self, Target as Program, shown};
use crate::terminal::{Style, Terminal};
use crate::text::plural;
use std::path::PathBuf;

/// What to build, for what, and where to put it.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    program: Program,
    /// What the build is for, of those that `mlpc targets` lists
    #[arg(long, value_delimiter = ',', value_name = "TARGET", default_value = "native")]
    target: Vec<String>,
    /// Where to put it; by default `build/<target>` in the project
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Another value for a parameter of the program; on a server each run may be given its own
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = params::parse)]
    params: Vec<Given>,
    /// Refuse to build without `mlp.lock` instead of making it
    #[arg(long)]
    locked: bool,
}

/// Writes the builds.
pub fn run(args: &Args, terminal: &mut Terminal) -> Result<Exit, ToolError> {
    if args.out.is_some() && args.target.len() > 1 {
        return Err(ToolError::usage("`--out` is for one target, and there are several".to_owned()));
    }
    let session = project::open_with(&args.program, &args.params)?;
    let choices = args.target.iter().map(|name| targets::choose(&session.location.config, name));
    for choice in choices.collect::<Result<Vec<_>, _>>()? {
        let no_lock = if args.locked { NoLock::Refuse } else { NoLock::Make };
        let built = build::build_for(&session, &choice, no_lock, terminal)?;
        let folder = match &args.out {
            Some(folder) => std::path::absolute(folder).map_err(|error| ToolError::file("find", folder, &error))?,
            None => session.location.root.join("build").join(choice.backend.name()),
        };
        let changed = build::write(&folder, &built.files)?;
        let mark = terminal.out.paint(Style::Good, "✓");
        let (count, steps) = (plural(built.files.len(), "file"), plural(built.plan.steps.len(), "step"));
        terminal.line(format_args!("{mark} {}: {count} for {steps}, {changed} changed", shown(&folder)));
    }
    session.leave();
    Ok(Exit::Fine)
}
