//! `mlpc check`: finds errors in a program.

use crate::config;
use crate::coverage::Report;
use crate::error::ToolError;
use crate::exit::Exit;
use crate::project::{self, Session, Target};
use crate::reality;
use crate::render::{self, Format};
use crate::terminal::{Style, Terminal};

/// What to check, and how to show it.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// Compare each schema with its data too: headers, footers and catalogs, never all rows
    #[arg(long)]
    data: bool,
    /// How findings are shown
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Also says which columns and borders have no type, and the share of those that have one
    #[arg(long)]
    coverage: bool,
    /// Fails where less than this share of columns and borders has a type, as 0.95
    #[arg(long, value_name = "SHARE", value_parser = config::share)]
    coverage_floor: Option<f64>,
}

/// Prints findings; fails if there is an error among them.
pub fn run(args: &Args, terminal: &mut Terminal) -> Result<Exit, ToolError> {
    let session = project::open(&args.target)?;
    let mut findings = mlpc_hir::check_project(&session.db, session.project);
    if args.data && render::exit(&findings) == Exit::Fine {
        // What a wrong program says of its data is worth no look.
        findings.extend(reality::compare(&session, terminal)?);
        findings.sort_by_key(mlpc_diagnostics::Diagnostic::sort_key);
    }
    let floor = args.coverage_floor.or(session.location.config.coverage);
    let report = (args.coverage || floor.is_some()).then(|| Report::of(&session, floor));
    let text = render::render(&session, &findings, report.as_ref(), args.format, terminal.out);
    terminal.print(&text);
    if findings.is_empty() && args.format != Format::Json {
        let mark = terminal.out.paint(Style::Good, "✓");
        terminal.line(format_args!(
            "{mark} {}: {}, no findings",
            session.shown(&session.location.program),
            size(&session)
        ));
    }
    let too_low = report.as_ref().is_some_and(Report::is_too_low);
    if let Some(report) = report.filter(|_| args.format != Format::Json && (args.coverage || too_low)) {
        terminal.print(&report.text(terminal.out));
    }
    Ok(if too_low { Exit::ProgramErrors } else { render::exit(&findings) })
}

/// `12 blocks`, `12 blocks in 2 files`
fn size(session: &Session) -> String {
    let files = session.project.files(&session.db);
    let blocks: usize = files.iter().map(|file| mlpc_db::blocks(&session.db, *file).len()).sum();
    let plural = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    match files.len() {
        0 | 1 => plural(blocks, "block"),
        several => format!("{} in {}", plural(blocks, "block"), plural(several, "file")),
    }
}
