//! `mlpc explain`: the page of a code, or the list of all.

use crate::error::ToolError;
use crate::exit::Exit;
use crate::json::{self, Format};
use crate::markdown;
use crate::terminal::{Style, Terminal};
use mlpc_diagnostics::{Code, Severity, code, codes, did_you_mean};
use serde::Serialize;

/// Which code.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A code or its name: `MLP0401`, `unknown_column`
    #[arg(required_unless_present = "list")]
    code: Option<String>,
    /// List all codes
    #[arg(long, conflicts_with = "code")]
    list: bool,
    /// How the list or page is shown
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Prints a page or the list.
pub fn run(args: &Args, terminal: &mut Terminal) -> Result<Exit, ToolError> {
    match &args.code {
        Some(text) => page(text, args.format, terminal)?,
        None => list(args.format, terminal),
    }
    Ok(Exit::Fine)
}

fn page(text: &str, format: Format, terminal: &mut Terminal) -> Result<(), ToolError> {
    let found = find(text)?;
    let shown = match format {
        Format::Json => json::pretty(&Entry::new(found, Some(found.page))),
        // Whoever reads from a pipe gets the Markdown itself.
        Format::Text if !terminal.out.terminal && !terminal.out.colour => found.page.to_owned(),
        Format::Text => markdown::render(found.page, terminal.out),
    };
    terminal.print(&shown);
    Ok(())
}

/// The code by its identifier, its number or its name.
fn find(text: &str) -> Result<&'static Code, ToolError> {
    let number = format!("MLP{text}");
    if let Some(found) = code(text).or_else(|| code(&number)) {
        return Ok(found);
    }
    let names = codes().iter().flat_map(|code| [code.name, code.id]);
    let help = match did_you_mean(text, names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`mlpc explain --list` shows all".to_owned(),
    };
    Err(ToolError::usage(format!("there is no code `{text}`")).help(help))
}

fn list(format: Format, terminal: &mut Terminal) {
    if format == Format::Json {
        let entries: Vec<Entry> = codes().iter().map(|code| Entry::new(code, None)).collect();
        terminal.print(&json::pretty(&entries));
        return;
    }
    let paint = terminal.out;
    let width = codes().iter().map(|code| code.name.len()).max().unwrap_or(0);
    let mut family = None;
    for code in codes() {
        if code.family() != family {
            if family.is_some() {
                terminal.line("");
            }
            family = code.family();
            terminal.line(paint.paint(Style::Bold, family.map_or("", |family| family.name)));
        }
        let level = match code.severity {
            Severity::Error => paint.paint(Style::Bad, "error  "),
            Severity::Warning => paint.paint(Style::Odd, "warning"),
            Severity::Note => paint.paint(Style::Good, "note   "),
        };
        terminal.line(format_args!("  {}  {level}  {:width$}  {}", code.id, code.name, code.summary));
    }
}

/// A code for programs.
#[derive(Serialize)]
struct Entry {
    code: &'static str,
    name: &'static str,
    family: Option<&'static str>,
    severity: Severity,
    summary: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<&'static str>,
}

impl Entry {
    fn new(code: &'static Code, page: Option<&'static str>) -> Self {
        Self {
            code: code.id,
            name: code.name,
            family: code.family().map(|family| family.name),
            severity: code.severity,
            summary: code.summary,
            page,
        }
    }
}
