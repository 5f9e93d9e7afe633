//! Findings for people and programs: graphical and short by codespan-reporting, JSON from the findings themselves.

mod json;
mod sources;

use crate::coverage::Report;
use crate::exit::Exit;
use crate::project::Session;
use crate::terminal::{Paint, Style};
use codespan_reporting::diagnostic as codespan;
use codespan_reporting::term::{self, Chars, Config, DisplayStyle, termcolor};
use mlpc_diagnostics::{Diagnostic, Edit, FileId, Fix, Severity};
pub use sources::{Position, Sources};

/// How findings are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// With source and colours
    #[default]
    Graphical,
    /// One line each
    Short,
    /// One JSON document
    Json,
}

/// Findings as text, with a summary; empty if there are none, but for JSON.
#[must_use]
pub fn render(
    session: &Session,
    findings: &[Diagnostic],
    coverage: Option<&Report<'_>>,
    format: Format,
    paint: Paint,
) -> String {
    let sources = Sources::new(session);
    match format {
        Format::Json => json::document(&sources, findings, coverage.map(Report::json)),
        Format::Short => text(&sources, findings, DisplayStyle::Short, paint),
        Format::Graphical => text(&sources, findings, DisplayStyle::Rich, paint),
    }
}

/// The exit code that findings ask for.
#[must_use]
pub fn exit(findings: &[Diagnostic]) -> Exit {
    if count(findings, Severity::Error) > 0 { Exit::ProgramErrors } else { Exit::Fine }
}

/// How many findings have this severity.
#[must_use]
pub fn count(findings: &[Diagnostic], severity: Severity) -> usize {
    findings.iter().filter(|finding| finding.severity == severity).count()
}

fn text(sources: &Sources<'_>, findings: &[Diagnostic], style: DisplayStyle, paint: Paint) -> String {
    let Some(first) = findings.first() else { return String::new() };
    let rich = matches!(style, DisplayStyle::Rich);
    let config = Config { display_style: style, chars: Chars::box_drawing(), ..Config::default() };
    let mut out = String::new();
    for finding in findings {
        out.push_str(&one(sources, finding, &config, paint));
    }
    out.push_str(&summary(findings, paint));
    if rich {
        // The first error is what to mend first.
        let named = findings.iter().find(|finding| finding.severity == Severity::Error).unwrap_or(first);
        let command = paint.paint(Style::Code, format_args!("mlpc explain {}", named.code.id));
        out.push_str(&format!("{} {command}\n", paint.paint(Style::Dim, "more about it:")));
    }
    out
}

/// `error: 3 errors, 1 warning`
fn summary(findings: &[Diagnostic], paint: Paint) -> String {
    let kinds = [
        (Severity::Error, "error", Style::Bad),
        (Severity::Warning, "warning", Style::Odd),
        (Severity::Note, "note", Style::Good),
    ];
    let counts: Vec<(usize, &str, Style)> = kinds
        .iter()
        .map(|(severity, name, style)| (count(findings, *severity), *name, *style))
        .filter(|(count, ..)| *count > 0)
        .collect();
    let parts: Vec<String> =
        counts.iter().map(|(count, name, _)| format!("{count} {name}{}", if *count == 1 { "" } else { "s" })).collect();
    match counts.first() {
        Some((_, worst, style)) => format!("{}: {}\n", paint.paint(*style, worst), parts.join(", ")),
        None => String::new(),
    }
}

fn one(sources: &Sources<'_>, finding: &Diagnostic, config: &Config, paint: Paint) -> String {
    let shown = translate(sources, finding);
    let plain = || format!("{}: {}\n", finding.code.id, finding.message);
    let mut buffer = Vec::new();
    let rendered = if paint.colour {
        term::emit_to_write_style(&mut termcolor::Ansi::new(&mut buffer), config, sources, &shown)
    } else {
        term::emit_to_write_style(&mut termcolor::NoColor::new(&mut buffer), config, sources, &shown)
    };
    match rendered {
        Ok(()) => String::from_utf8_lossy(&buffer).into_owned(),
        // A place that the text does not have; the message still counts.
        Err(_) => plain(),
    }
}

fn translate(sources: &Sources<'_>, finding: &Diagnostic) -> codespan::Diagnostic<FileId> {
    let severity = match finding.severity {
        Severity::Error => codespan::Severity::Error,
        Severity::Warning => codespan::Severity::Warning,
        Severity::Note => codespan::Severity::Note,
    };
    let labels = finding.labels.iter().map(|label| {
        let range = sources.range(label.place);
        let file = label.place.file;
        let shown =
            if label.primary { codespan::Label::primary(file, range) } else { codespan::Label::secondary(file, range) };
        shown.with_message(&label.text)
    });
    let notes = finding.notes.iter().map(|note| hang("note: ", note));
    let help = finding.help.iter().map(|help| hang("help: ", help));
    // A fix that only repeats the help says nothing new.
    let fixes = finding.fixes.iter().filter(|fix| !is_told(finding, fix));
    let fixes = fixes.map(|fix| hang("fix: ", &fix_text(fix)));
    codespan::Diagnostic::new(severity)
        .with_code(finding.code.id)
        .with_message(&finding.message)
        .with_labels(labels.collect())
        .with_notes(notes.chain(help).chain(fixes).collect())
}

/// Whether a help line already says what a fix would do.
fn is_told(finding: &Diagnostic, fix: &Fix) -> bool {
    let quoted = |edit: &Edit| format!("`{}`", edit.text.trim());
    let said = |help: &String| *help == fix.title || fix.edits.iter().all(|edit| help.contains(&quoted(edit)));
    finding.help.iter().any(said)
}

fn fix_text(fix: &Fix) -> String {
    match fix.edits.as_slice() {
        [edit]
            if !edit.text.trim().is_empty() && !edit.text.contains('\n') && !fix.title.contains(edit.text.trim()) =>
        {
            format!("{}: `{}`", fix.title, edit.text.trim())
        }
        _ => fix.title.clone(),
    }
}

/// Further lines stand below the first one's text.
fn hang(head: &str, text: &str) -> String {
    let indent = " ".repeat(head.len());
    let mut lines = text.lines();
    let mut shown = format!("{head}{}", lines.next().unwrap_or_default());
    for line in lines {
        shown.push('\n');
        shown.push_str(&indent);
        shown.push_str(line);
    }
    shown
}
