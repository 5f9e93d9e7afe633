//! `mlpc runs`: what ran, and what came of it; and telling trackers of it later.

use crate::error::ToolError;
use crate::exit::Exit;
use crate::json::{self, Format};
use crate::project::{self, shown};
use crate::terminal::{Paint, Style, Terminal};
use crate::text::{columns, duration, number, short};
use crate::tracking;
use mlpc_native::Layout;
use mlpc_native::history::{History, RunDetails, RunRow};
use std::path::{Path, PathBuf};

/// Which runs.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    one: Option<One>,
    /// A project: its folder or one of its files
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    /// At most this many, the newest first
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// How they are shown
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// One run.
#[derive(Debug, clap::Subcommand)]
enum One {
    /// Show the steps, parameters and metrics of one run
    Show {
        /// The run, or the beginning of its name; `latest` is the newest
        #[arg(value_name = "RUN")]
        run: String,
        /// A project: its folder or one of its files
        #[arg(value_name = "PATH", default_value = ".")]
        path: PathBuf,
        /// How it is shown
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Tell the tracker what it could not be told before
    Sync {
        /// A project: its folder or one of its files
        #[arg(value_name = "PATH", default_value = ".")]
        path: PathBuf,
    },
}

/// Prints the list, or one run.
pub fn run(args: &Args, terminal: &mut Terminal) -> Result<Exit, ToolError> {
    match &args.one {
        Some(One::Show { run, path, format }) => show(run, path, *format, terminal)?,
        Some(One::Sync { path }) => return tracking::sync(&project::root_at(path)?, terminal),
        None => list(args, terminal)?,
    }
    Ok(Exit::Fine)
}

/// The history of a project. One that never ran has none, and gets none by being asked.
pub fn history(path: &Path) -> Result<Option<History>, ToolError> {
    let layout = Layout::new(project::root_at(path)?.join(".mlp"));
    if layout.database().is_file() { Ok(Some(History::open(&layout)?)) } else { Ok(None) }
}

/// That a run is unknown, and which there are.
pub fn unknown_run(name: &str, history: Option<&History>) -> ToolError {
    let rows = history.and_then(|history| history.runs(usize::MAX).ok()).unwrap_or_default();
    let help = match rows.first() {
        Some(newest) => format!("the newest is `{}`; `mlpc runs` lists all", newest.run),
        None => "nothing has run here yet; `mlpc run` does".to_owned(),
    };
    let similar: Vec<&str> = rows.iter().map(|row| row.run.as_str()).filter(|run| run.starts_with(name)).collect();
    if similar.len() > 1 {
        return ToolError::usage(format!("{} runs begin with `{name}`", similar.len()))
            .help("`mlpc runs` lists all; give more of the name");
    }
    ToolError::usage(format!("there is no run `{name}`")).help(help)
}

fn list(args: &Args, terminal: &mut Terminal) -> Result<(), ToolError> {
    let rows = match history(&args.path)? {
        Some(history) => history.runs(args.limit)?,
        None => Vec::new(),
    };
    if args.format == Format::Json {
        terminal.print(&json::pretty(&rows));
    } else if rows.is_empty() {
        terminal.line("nothing has run here yet");
    } else {
        let paint = terminal.out;
        let heading = ["run", "pipeline", "started", "took", "outcome", "steps"];
        let mut table = vec![heading.iter().map(|word| paint.paint(Style::Dim, word)).collect()];
        table.extend(rows.iter().map(|row| cells(row, paint)));
        columns(&table).into_iter().for_each(|line| terminal.line(line));
    }
    Ok(())
}

fn cells(row: &RunRow, paint: Paint) -> Vec<String> {
    let steps = if row.cached > 0 { format!("{} ({} cached)", row.steps, row.cached) } else { row.steps.to_string() };
    vec![
        row.run.clone(),
        row.pipeline.clone(),
        started(row),
        row.seconds.map_or_else(|| "–".to_owned(), duration),
        outcome(row.outcome.as_deref(), paint),
        steps,
    ]
}

fn started(row: &RunRow) -> String {
    // Milliseconds and the letter of the zone help nobody here.
    row.started.get(..19).unwrap_or(&row.started).replace('T', " ")
}

fn outcome(outcome: Option<&str>, paint: Paint) -> String {
    match outcome {
        Some(word @ "succeeded") => paint.paint(Style::Good, word),
        Some(word @ ("failed" | "refused")) => paint.paint(Style::Bad, word),
        Some(word) => paint.paint(Style::Odd, word),
        None => paint.paint(Style::Code, "running"),
    }
}

fn show(name: &str, path: &Path, format: Format, terminal: &mut Terminal) -> Result<(), ToolError> {
    let history = history(path)?;
    let found = history.as_ref().map(|history| history.run(name)).transpose()?.flatten();
    let Some(details) = found else { return Err(unknown_run(name, history.as_ref())) };
    if format == Format::Json {
        terminal.print(&json::pretty(&details));
    } else {
        described(&details, terminal.out).into_iter().for_each(|line| terminal.line(line));
    }
    Ok(())
}

fn described(details: &RunDetails, paint: Paint) -> Vec<String> {
    let RunDetails { run, steps } = details;
    let fact = |name: &str, value: String| vec![paint.paint(Style::Dim, name), value];
    let mut facts = vec![
        fact("pipeline", run.pipeline.clone()),
        fact("seed", run.seed.to_string()),
        fact("started", format!("{} UTC", started(run))),
        fact("took", run.seconds.map_or_else(|| "–".to_owned(), duration)),
        fact("outcome", outcome(run.outcome.as_deref(), paint)),
    ];
    facts.extend(run.profile.iter().map(|profile| fact("profile", profile.clone())));
    let mut lines = vec![paint.paint(Style::Bold, format_args!("Run {}", run.run))];
    lines.extend(columns(&facts));
    let row = |step: &mlpc_native::history::StepRow| {
        let time = if step.attempts > 0 { duration(step.seconds) } else { String::new() };
        let said = step.message.as_ref().or(step.summary.as_ref()).map_or("", |text| text.lines().next().unwrap_or(""));
        vec![step.title.clone(), step.state.clone(), time, short(&step.identity).to_owned(), said.to_owned()]
    };
    section("Steps", steps.iter().map(row).collect(), paint, &mut lines);
    let params = steps.iter().flat_map(|step| step.params.iter().map(|(name, value)| [&step.title, name, value]));
    section("Parameters", params.map(|cells| cells.map(Clone::clone).to_vec()).collect(), paint, &mut lines);
    let metrics = steps.iter().filter(|step| !is_repeated(&step.step)).flat_map(|step| {
        step.metrics.iter().map(|(name, value)| vec![step.title.clone(), name.clone(), number(*value)])
    });
    section("Metrics", metrics.collect(), paint, &mut lines);
    let logs = steps.iter().filter_map(|step| Some(vec![step.title.clone(), shown(step.log.as_ref()?)]));
    section("Logs", logs.collect(), paint, &mut lines);
    lines
}

/// A gate's metrics are its report's.
pub fn is_repeated(step: &str) -> bool {
    step.starts_with("gate.")
}

fn section(title: &str, rows: Vec<Vec<String>>, paint: Paint, lines: &mut Vec<String>) {
    if !rows.is_empty() {
        lines.push(String::new());
        lines.push(paint.paint(Style::Bold, title));
        lines.extend(columns(&rows));
    }
}
