//! `mlpc plan`: what a run would do, and why.

use crate::build::{self, NoLock};
use crate::error::ToolError;
use crate::exit::Exit;
use crate::json::{self, Format};
use crate::params::{self, Given};
use crate::project::{self, Target};
use crate::terminal::{Paint, Style, Terminal};
use crate::text::{columns, plural, short};
use crate::why::reasons;
use mlpc_native::{Options, Stored};
use mlpc_plan::Plan;
use serde::Serialize;
use std::collections::BTreeMap;

/// What to plan.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// What would run: `train`, or `predict.NAME`
    #[arg(long, value_name = "NAME")]
    entry: Option<String>,
    /// Another value for a parameter of the program
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = params::parse)]
    params: Vec<Given>,
    /// How the plan is shown
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What would become of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// Its result is there.
    Cached,
    /// It runs.
    Run,
    /// Its gate refused these very numbers before.
    Refused,
    /// It comes after one that refused.
    Skipped,
}

/// A step and its fate.
#[derive(Serialize)]
struct Line<'a> {
    step: &'a str,
    title: &'a str,
    identity: String,
    state: State,
    reasons: Vec<String>,
}

/// Prints the plan; nothing is written.
pub fn run(args: &Args, terminal: &mut Terminal) -> Result<Exit, ToolError> {
    let session = project::open_with(&args.target, &args.params)?;
    let built = build::build(&session, NoLock::Refuse, terminal)?;
    let plan = built.entry(args.entry.as_deref())?;
    let root = &session.location.root;
    let options = Options::new(root, root);
    let before = build::previous(&options.state);
    let lines = lines(plan, before.as_ref(), &options)?;
    if args.format == Format::Json {
        terminal.print(&json::pretty(&lines));
    } else {
        shown(plan, &lines, terminal.out).into_iter().for_each(|line| terminal.line(line));
    }
    Ok(Exit::Fine)
}

fn lines<'a>(plan: &'a Plan, before: Option<&Plan>, options: &Options) -> Result<Vec<Line<'a>>, ToolError> {
    let mut fates: BTreeMap<&str, State> = BTreeMap::new();
    let mut lines = Vec::new();
    for (step, preview) in plan.steps.iter().zip(mlpc_native::preview(plan, options)?) {
        let title = |id: &str| plan.steps.iter().find(|known| known.id == id).map_or("?", |known| known.title.as_str());
        let in_state =
            |wanted: State| step.needs().filter(|id| fates.get(id) == Some(&wanted)).map(title).collect::<Vec<_>>();
        let stopped: Vec<&str> = [in_state(State::Refused), in_state(State::Skipped)].concat();
        let (state, reasons) = match preview.stored {
            _ if !stopped.is_empty() => (State::Skipped, vec![format!("comes after {}", unique(stopped))]),
            Stored::Result => (State::Cached, Vec::new()),
            Stored::Refusal => (State::Refused, vec!["it refused these numbers before".to_owned()]),
            Stored::Nothing => {
                let mut why = reasons(plan, before, step);
                let running = in_state(State::Run);
                if !running.is_empty() && before.is_some() {
                    why.push(format!("comes after {}", unique(running)));
                }
                if why.is_empty() {
                    why.push("no result is stored".to_owned());
                }
                (State::Run, why)
            }
        };
        fates.insert(&step.id, state);
        lines.push(Line { step: &step.id, title: &step.title, identity: preview.identity, state, reasons });
    }
    Ok(lines)
}

fn unique(mut titles: Vec<&str>) -> String {
    let mut seen = Vec::new();
    titles.retain(|title| {
        !seen.contains(title) && {
            seen.push(*title);
            true
        }
    });
    match titles.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

fn shown(plan: &Plan, lines: &[Line<'_>], paint: Paint) -> Vec<String> {
    let row = |line: &Line<'_>| {
        let (style, mark, word) = match line.state {
            State::Cached => (Style::Dim, "=", "cached"),
            State::Run => (Style::Good, "+", "will run"),
            State::Refused => (Style::Bad, "✗", "refused"),
            State::Skipped => (Style::Dim, "–", "skipped"),
        };
        let title = format!("{} {}", paint.paint(style, mark), line.title);
        let identity = paint.paint(Style::Dim, short(&line.identity));
        vec![title, identity, paint.paint(style, word), line.reasons.join("; ")]
    };
    let mut text = columns(&lines.iter().map(row).collect::<Vec<_>>());
    let count = |state: State| lines.iter().filter(|line| line.state == state).count();
    let words =
        [(State::Run, "will run"), (State::Cached, "cached"), (State::Refused, "refused"), (State::Skipped, "skipped")];
    let counts: Vec<String> = words
        .iter()
        .filter(|(state, _)| count(*state) > 0)
        .map(|(state, word)| format!("{} {word}", count(*state)))
        .collect();
    text.push(String::new());
    if let Some(schedule) = &plan.schedule {
        text.push(format!("scheduled: {} ({}), for an orchestrator to start", schedule.cron, schedule.timezone));
    }
    text.push(format!("{}: {}, {}", plan.pipeline.name, plural(lines.len(), "step"), counts.join(", ")));
    text
}
