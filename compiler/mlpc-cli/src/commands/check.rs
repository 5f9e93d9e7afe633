//! `mlpc check`: finds errors in a program.

use crate::error::ToolError;
use crate::exit::Exit;
use crate::project::{self, Session, Target};
use crate::render::{self, Format};
use crate::terminal::{Style, Terminal};

/// What to check, and how to show it.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// How findings are shown
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Prints findings; fails if there is an error among them.
pub fn run(args: &Args, terminal: &mut Terminal) -> Result<Exit, ToolError> {
    let session = project::open(&args.target)?;
    let findings = mlpc_hir::check_project(&session.db, session.project);
    let text = render::render(&session, &findings, args.format, terminal.out);
    terminal.print(&text);
    if findings.is_empty() && args.format != Format::Json {
        let mark = terminal.out.paint(Style::Good, "✓");
        terminal.line(format_args!(
            "{mark} {}: {}, no findings",
            session.shown(&session.location.program),
            size(&session)
        ));
    }
    Ok(render::exit(&findings))
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
