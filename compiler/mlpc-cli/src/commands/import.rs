//! `mlpc import`: a pipeline of another tool as the skeleton of a program.

use crate::error::ToolError;
use crate::exit::Exit;
use crate::files;
use crate::project::shown;
use crate::terminal::{Style, Terminal};
use crate::text::plural;
use crate::tools;
use mlpc_import::{ImportError, Outline};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What to read, and where to put the program.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A `dvc.yaml`, an IR file of Kubeflow Pipelines, or an Airflow DAG, which is read and not run
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Write the program to this file, which must not exist, instead of printing it
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// What is asked of the reader of Python.
#[derive(Serialize)]
struct Question<'a> {
    text: &'a str,
    module: &'a str,
}

/// What it answers.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Outline(Outline),
    Error(String),
}

/// Prints or writes the program, and tells what has no translation.
pub fn run(args: &Args, terminal: &mut Terminal) -> Result<Exit, ToolError> {
    let text = std::fs::read_to_string(&args.file).map_err(|error| ToolError::file("read", &args.file, &error))?;
    let name = args.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let outline = outline(&args.file, &name, &text, terminal)?;
    let (program, open) = mlpc_import::program(&outline, &name);
    match &args.out {
        None => terminal.print(&program),
        Some(out) if out.exists() => {
            return Err(ToolError::usage(format!("`{}` is there already", shown(out))).help("name another file"));
        }
        Some(out) => {
            files::write(out, &program)?;
            let mark = terminal.out.paint(Style::Good, "✓");
            terminal.line(format_args!("{mark} {}: {}", shown(out), plural(outline.steps.len(), "step")));
        }
    }
    for note in &open {
        let mark = terminal.err.paint(Style::Odd, "not translated:");
        terminal.tell(format_args!("{mark} {note}"));
    }
    Ok(Exit::Fine)
}

fn outline(file: &Path, name: &str, text: &str, terminal: &mut Terminal) -> Result<Outline, ToolError> {
    let unreadable = |error: &dyn std::fmt::Display| {
        ToolError::usage(format!("`{}` cannot be imported: {error}", shown(file))).exit(Exit::ProgramErrors)
    };
    let told = |error: ImportError| unreadable(&error);
    match file.extension().and_then(|ending| ending.to_str()) {
        Some("py") => match tools::ask("mlp_runtime.outline", &Question { text, module: name }, terminal)? {
            Answer::Outline(outline) if outline.steps.is_empty() => Err(unreadable(&"it has no tasks")),
            Answer::Outline(outline) => Ok(outline),
            Answer::Error(error) => Err(unreadable(&error)),
        },
        Some("yaml" | "yml") if text.contains("pipelineInfo") => mlpc_import::kubeflow(text).map_err(told),
        Some("yaml" | "yml") => mlpc_import::dvc(text).map_err(told),
        _ => Err(ToolError::usage(format!("`{}` is of no known kind", shown(file)))
            .help("a `dvc.yaml`, an IR file `*.yaml` of Kubeflow Pipelines, or an Airflow DAG `*.py`")),
    }
}
