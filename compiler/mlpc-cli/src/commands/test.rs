//! `mlpc test`: runs the tests of a program.

use crate::build::NoLock;
use crate::error::ToolError;
use crate::exit::Exit;
use crate::files;
use crate::params::{self, Given};
use crate::project::{self, Target};
use crate::terminal::{Style, Terminal};
use crate::testing::{self, How, Outcome, Tagged, Wish};
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
    #[command(flatten)]
    recording: Recording,
}

/// Instead of running tests, make one from real rows.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Recording")]
struct Recording {
    /// Make a test of this features block from rows that a run would read, and print it once it passes
    #[arg(long, value_name = "FEATURES", conflicts_with_all = ["filter", "cases", "format", "junit"])]
    record: Option<String>,
    /// Append the test to the file that holds the features, instead of printing it
    #[arg(long, requires = "record")]
    write: bool,
    /// Rows of the base, spread over those that come out; what they are joined with comes along
    #[arg(long, value_name = "N", requires = "record", default_value_t = 3,
          value_parser = clap::value_parser!(u32).range(1..))]
    rows: u32,
    /// Only rows of the base with this value; may be repeated
    #[arg(long, value_name = "COLUMN=VALUE", requires = "record", value_parser = value_of)]
    of: Vec<(String, String)>,
    /// The latest rows of each window that come along, at most
    #[arg(long, value_name = "N", requires = "record", default_value_t = 3)]
    history: u32,
    /// Only these columns are expected; by default all that are more than a column of the data under its own name
    #[arg(long, value_name = "COLUMN", requires = "record", value_delimiter = ',')]
    expect: Vec<String>,
    /// What is done about columns with tags, such as @pii
    #[arg(long, value_enum, requires = "record", default_value_t)]
    tagged: Tagged,
    /// What the test is called
    #[arg(long, value_name = "TEXT", requires = "record")]
    title: Option<String>,
}

/// Reads `COLUMN=VALUE`.
fn value_of(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("it should read COLUMN=VALUE")?;
    Ok((name.trim().to_owned(), value.to_owned()))
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
    if let Some(features) = &args.recording.record {
        return record(args, features, no_lock, terminal);
    }
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

/// Prints a test from real rows, or puts it where the features are.
fn record(args: &Args, features: &str, no_lock: NoLock, terminal: &mut Terminal) -> Result<Exit, ToolError> {
    let Recording { write, rows, of, history, expect, tagged, title, .. } = &args.recording;
    let wish = Wish {
        features: features.to_owned(),
        rows: *rows,
        of: of.clone(),
        history: *history,
        expect: expect.clone(),
        tagged: *tagged,
        title: title.clone(),
        jobs: args.jobs,
    };
    let recorded = testing::record(&args.target, &args.params, &wish, no_lock, terminal)?;
    for note in &recorded.notes {
        terminal.tell(format_args!("{} {note}", terminal.err.paint(Style::Dim, "·")));
    }
    if *write {
        recorded.write()?;
        let mark = terminal.err.paint(Style::Good, "✓");
        terminal.tell(format_args!("{mark} added a test to {}", project::shown(&recorded.path)));
    } else {
        terminal.print(&recorded.text);
    }
    Ok(Exit::Fine)
}
