//! `mlpc graph`: the steps of a program as a picture.

use crate::build;
use crate::error::ToolError;
use crate::exit::Exit;
use crate::files;
use crate::lockfile;
use crate::project::{self, Target, shown};
use crate::terminal::{Style, Terminal};
use std::path::PathBuf;

/// What to draw, and how.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// The picture's form
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Where to write it instead of showing it
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Forms of a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For Markdown
    #[default]
    Mermaid,
    /// For Graphviz
    Dot,
    /// For a browser
    Svg,
}

/// Prints or writes the picture.
pub fn run(args: &Args, terminal: &mut Terminal) -> Result<Exit, ToolError> {
    let session = project::open(&args.target)?;
    build::check(&session, terminal)?;
    // The steps are the same with and without a lock; only what they are made of is not.
    let lock = lockfile::read_for_writing(&session)?.unwrap_or_default();
    let plan = mlpc_plan::lower(&session.db, session.project, &lock);
    let steps = mlpc_emit::graph::Picture::of(&plan);
    let picture = match args.format {
        Format::Mermaid => mlpc_emit::graph::mermaid(&steps),
        Format::Dot => mlpc_emit::graph::dot(&steps),
        Format::Svg => mlpc_emit::graph::svg(&steps),
    };
    match &args.output {
        None => terminal.print(&picture),
        Some(path) => {
            files::write(path, &picture)?;
            terminal.line(format_args!("{} {}", terminal.out.paint(Style::Good, "wrote"), shown(path)));
        }
    }
    Ok(Exit::Fine)
}
