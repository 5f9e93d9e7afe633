//! `mlpc compare`: what differs between two runs.

use super::runs::{history, is_repeated, unknown_run};
use crate::error::ToolError;
use crate::exit::Exit;
use crate::json::{self, Format};
use crate::terminal::{Paint, Style, Terminal};
use crate::text::{columns, number};
use mlpc_native::history::{Comparison, Difference};
use std::path::PathBuf;

/// Which runs.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The earlier run, or the beginning of its name
    #[arg(value_name = "RUN")]
    left: String,
    /// The later run; `latest` is the newest
    #[arg(value_name = "OTHER")]
    right: String,
    /// A project: its folder or one of its files
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    /// How the comparison is shown
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Prints parameters and metrics of both, side by side.
pub fn run(args: &Args, terminal: &mut Terminal) -> Result<Exit, ToolError> {
    let history = history(&args.path)?;
    let mut found = None;
    if let Some(known) = &history {
        for name in [&args.left, &args.right] {
            if known.run(name)?.is_none() {
                return Err(unknown_run(name, history.as_ref()));
            }
        }
        found = known.compare(&args.left, &args.right)?;
    }
    let Some(mut comparison) = found else { return Err(unknown_run(&args.left, history.as_ref())) };
    comparison.metrics.retain(|difference| !is_repeated(&difference.step));
    if args.format == Format::Json {
        terminal.print(&json::pretty(&comparison));
    } else {
        lines(&comparison, terminal.out).into_iter().for_each(|line| terminal.line(line));
    }
    Ok(Exit::Fine)
}

fn lines(comparison: &Comparison, paint: Paint) -> Vec<String> {
    let Comparison { left, right, steps, params, metrics } = comparison;
    let mut lines = vec![format!("{} → {}", left.run, right.run)];
    let mut section = |title: &str, rows: Vec<Vec<String>>| {
        if !rows.is_empty() {
            lines.push(String::new());
            lines.push(paint.paint(Style::Bold, title));
            lines.extend(columns(&rows));
        }
    };
    section("Steps that differ", steps.iter().map(|step| vec![step.clone()]).collect());
    let param = |difference: &Difference<String>| {
        let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "–".to_owned());
        vec![
            difference.step.clone(),
            difference.name.clone(),
            side(&difference.left),
            "→".to_owned(),
            side(&difference.right),
        ]
    };
    section("Parameters", params.iter().map(param).collect());
    section("Metrics", metrics.iter().map(metric).collect());
    if steps.is_empty() && params.is_empty() {
        lines.push(String::new());
        lines.push("Nothing differs: every step has the same identity in both.".to_owned());
    }
    lines
}

fn metric(difference: &Difference<f64>) -> Vec<String> {
    let side = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), number);
    let change = match (difference.left, difference.right) {
        (Some(left), Some(right)) if number(left) == number(right) => "=".to_owned(),
        (Some(left), Some(right)) => format!("{:+.4}", right - left),
        _ => String::new(),
    };
    vec![
        difference.step.clone(),
        difference.name.clone(),
        side(difference.left),
        "→".to_owned(),
        side(difference.right),
        change,
    ]
}
