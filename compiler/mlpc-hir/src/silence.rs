//! `allow CODE because "…"`: silences findings of one rule in the block that it is an entry of, nested blocks included.

use crate::errors;
use crate::typed::Finding;
use mlpc_db::{Db, Project, blocks, parse_block};
use mlpc_diagnostics::{Code, Diagnostic, FileId, FileSpan, Span, code, codes, did_you_mean};
use mlpc_syntax::ast::{BlockDecl, Decl, Entry, Name, Statement, StatementKind};

/// An `allow` that means something.
struct Allow<'a> {
    code: &'static Code,
    columns: &'a [Name],
    /// Where the name of its code stands.
    place: Span,
    /// The block that it is an entry of.
    within: Span,
}

/// Checks an `allow` by itself: a rule of this name, one that may be silenced.
pub fn check_allow(statement: &Statement, findings: &mut Vec<Finding>) {
    let StatementKind::Allow { code: name, until, .. } = &statement.kind else { return };
    match code(&name.text) {
        None => {
            let known = codes().iter().flat_map(|code| [code.id, code.name]);
            let near = did_you_mean(&name.text, known).map(str::to_owned);
            findings.push(errors::unknown_component("rule", &name.text, near, name.span));
        }
        Some(code) if !code.can_be_allowed() => findings.push(errors::never_allowed(code, name.span)),
        Some(_) => {}
    }
    if let Some(until) = until {
        findings.push(errors::not_supported("an `allow` with an end", until.span));
    }
}

/// Whether a block allows a finding of this rule about this column.
#[must_use]
pub fn allows(decl: &BlockDecl, rule: &Code, column: &str) -> bool {
    let mut found = Vec::new();
    collect(decl, &mut found);
    found.iter().any(|allow| allow.code == rule && allow.covers(column))
}

/// Takes out what the program allows, and gives a finding for each `allow` that has silenced nothing so far. `used` holds
/// the places of those that have.
pub fn silence(
    db: &dyn Db,
    project: Project,
    findings: &mut Vec<Diagnostic>,
    used: &mut Vec<FileSpan>,
) -> Vec<Diagnostic> {
    let mut unused = Vec::new();
    for file in project.files(db) {
        for block in blocks(db, *file) {
            let Decl::Block(decl) = &parse_block(db, *block).decl else { continue };
            let mut allows = Vec::new();
            collect(decl, &mut allows);
            let start = block.start(db);
            for allow in allows {
                let place = FileSpan { file: file.id(db), span: allow.place.shifted(start) };
                let before = findings.len();
                let text = file.text(db);
                findings.retain(|finding| !allow.silences(finding, place.file, start, text));
                if findings.len() < before {
                    used.push(place);
                } else if !used.contains(&place) {
                    unused.push(errors::unused_allow(allow.code, place));
                }
            }
        }
    }
    unused
}

fn collect<'a>(decl: &'a BlockDecl, into: &mut Vec<Allow<'a>>) {
    for entry in &decl.entries {
        match entry {
            Entry::Block(nested) => collect(nested, into),
            Entry::Statement(Statement { kind: StatementKind::Allow { code: name, columns, .. }, .. }) => {
                if let Some(code) = code(&name.text).filter(|code| code.can_be_allowed()) {
                    into.push(Allow { code, columns, place: name.span, within: decl.span });
                }
            }
            _ => {}
        }
    }
}

impl Allow<'_> {
    fn covers(&self, column: &str) -> bool {
        self.columns.is_empty() || self.columns.iter().any(|name| name.text == column)
    }

    fn silences(&self, finding: &Diagnostic, file: FileId, start: u32, text: &str) -> bool {
        let within = self.within.shifted(start);
        finding.code == self.code
            && finding.primary().is_some_and(|place| {
                let inside = place.file == file && within.start <= place.span.start && place.span.end <= within.end;
                let written = || text.get(place.span.range()).unwrap_or_default().trim_matches('`');
                inside && self.covers(finding.subject.as_deref().unwrap_or_else(written))
            })
    }
}
