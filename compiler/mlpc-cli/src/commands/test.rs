//! `mlpc test`: runs the tests of a program.

use crate::build::NoLock;
use crate::error::ToolError;
use crate::exit::Exit;
use crate::files;
use crate::params::{self, Given};
use crate::project::Target;
use crate::terminal::{Style, Terminal};
use crate::testing::{self, How, Outcome};
use std::path::PathBuf;

/// Which tests to run, and how. Floats are the same within a millionth of their size, or 1e-9
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// Only tests with this in their title, or about a block or function with it in its name
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Processes at once; by default as many as there are processors
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Tables of made-up rows that each `for all rows` is tried on; by default 100
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    cases: Option<u32>,
    /// Another value for a parameter of the program
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = params::parse)]
    params: Vec<Given>,
    /// Refuse to run without `mlp.lock` instead of making it
    #[arg(long)]
    locked: bool,
    /// How results are shown
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Also write the results to a file, as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

/// How results are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A line for each test, and what is wrong
    #[default]
    Text,
    /// One JSON document
    Json,
    /// JUnit XML
    Junit,
}

/// Runs tests; fails if one of them does.
pub fn run(args: &Args, terminal: &mut Terminal) -> Result<Exit, ToolError> {
    let no_lock = if args.locked { NoLock::Refuse } else { NoLock::Make };
    let how = How { jobs: args.jobs, cases: args.cases, no_lock };
    let (session, outcomes) = testing::run_all(&args.target, &args.params, args.filter.as_deref(), how, terminal)?;
    if let Some(path) = &args.junit {
        files::write(path, &testing::junit(&session, &outcomes))?;
    }
    match args.format {
        Format::Json => terminal.print(&testing::json(&session, &outcomes)),
        Format::Junit => terminal.print(&testing::junit(&session, &outcomes)),
        Format::Text if outcomes.is_empty() => {
            let mark = terminal.out.paint(Style::Dim, "·");
            terminal.line(format_args!("{mark} {} has no tests", session.shown(&session.location.program)));
        }
        Format::Text => {
            let lines = testing::report(&session, &outcomes, terminal.out);
            lines.into_iter().for_each(|line| terminal.line(line));
        }
    }
    Ok(if outcomes.iter().all(Outcome::passed) { Exit::Fine } else { Exit::ProgramErrors })
}
