//! Findings as people see them, without colours.

use crate::program::Checked;
use codespan_reporting::diagnostic as codespan;
use codespan_reporting::files::SimpleFiles;
use codespan_reporting::term::{self, Chars, Config, termcolor};
use mlpc_diagnostics::{Diagnostic, FileId, Severity};
use std::collections::BTreeMap;

/// Every finding with its source, notes and ways out, but for those that `ignore` passes over.
#[must_use]
pub fn render(checked: &Checked, ignore: impl Fn(&Diagnostic) -> bool) -> String {
    let mut files = SimpleFiles::new();
    let mut ids: BTreeMap<FileId, usize> = BTreeMap::new();
    for file in checked.files() {
        let id = files.add(file.path(&checked.db).to_owned(), file.text(&checked.db).to_string());
        ids.insert(file.id(&checked.db), id);
    }
    let config = Config { chars: Chars::box_drawing(), ..Config::default() };
    let mut out = termcolor::NoColor::new(Vec::new());
    for finding in checked.findings.iter().filter(|finding| !ignore(finding)) {
        term::emit_to_write_style(&mut out, &config, &files, &translate(finding, &ids))
            .expect("places are in the text");
    }
    let text = String::from_utf8(out.into_inner()).expect("the text was UTF-8");
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n").trim_end().to_owned() + "\n"
}

fn translate(finding: &Diagnostic, ids: &BTreeMap<FileId, usize>) -> codespan::Diagnostic<usize> {
    let severity = match finding.severity {
        Severity::Error => codespan::Severity::Error,
        Severity::Warning => codespan::Severity::Warning,
        Severity::Note => codespan::Severity::Note,
    };
    let labels = finding.labels.iter().map(|label| {
        let style = if label.primary { codespan::LabelStyle::Primary } else { codespan::LabelStyle::Secondary };
        let file = ids.get(&label.place.file).copied().expect("the file is one of the program's");
        codespan::Label::new(style, file, label.place.span.range()).with_message(&label.text)
    });
    let notes = finding.notes.iter().map(|note| format!("note: {note}"));
    let help = finding.help.iter().map(|help| format!("help: {help}"));
    let fixes = finding.fixes.iter().map(|fix| format!("fix: {}", fix.title));
    codespan::Diagnostic::new(severity)
        .with_code(finding.code.id)
        .with_message(&finding.message)
        .with_labels(labels.collect())
        .with_notes(notes.chain(help).chain(fixes).collect())
}
