//! Findings as one JSON document.

use super::{Sources, count};
use crate::render::sources::Position;
use mlpc_diagnostics::{Applicability, Diagnostic, FileSpan, Severity};
use serde::Serialize;

/// The format of the document.
const FORMAT: &str = "mlp-findings/v1";

#[derive(Serialize)]
struct Document<'a> {
    format: &'static str,
    errors: usize,
    warnings: usize,
    notes: usize,
    findings: Vec<Finding<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<serde_json::Value>,
}

#[derive(Serialize)]
struct Finding<'a> {
    code: &'static str,
    name: &'static str,
    severity: Severity,
    message: &'a str,
    labels: Vec<Label<'a>>,
    notes: &'a [String],
    help: &'a [String],
    fixes: Vec<Fix<'a>>,
}

#[derive(Serialize)]
struct Place {
    file: String,
    start: Position,
    end: Position,
}

#[derive(Serialize)]
struct Label<'a> {
    #[serde(flatten)]
    place: Place,
    text: &'a str,
    primary: bool,
}

#[derive(Serialize)]
struct Fix<'a> {
    title: &'a str,
    applicability: Applicability,
    edits: Vec<Edit<'a>>,
}

#[derive(Serialize)]
struct Edit<'a> {
    #[serde(flatten)]
    place: Place,
    text: &'a str,
}

/// The document, ended by a newline.
pub fn document(sources: &Sources<'_>, findings: &[Diagnostic], coverage: Option<serde_json::Value>) -> String {
    let document = Document {
        format: FORMAT,
        errors: count(findings, Severity::Error),
        warnings: count(findings, Severity::Warning),
        notes: count(findings, Severity::Note),
        findings: findings.iter().map(|finding| shown(sources, finding)).collect(),
        coverage,
    };
    crate::json::pretty(&document)
}

fn shown<'a>(sources: &Sources<'_>, finding: &'a Diagnostic) -> Finding<'a> {
    let labels = finding.labels.iter().map(|label| Label {
        place: place(sources, label.place),
        text: &label.text,
        primary: label.primary,
    });
    let fixes = finding.fixes.iter().map(|fix| Fix {
        title: &fix.title,
        applicability: fix.applicability,
        edits: fix.edits.iter().map(|edit| Edit { place: place(sources, edit.place), text: &edit.text }).collect(),
    });
    Finding {
        code: finding.code.id,
        name: finding.code.name,
        severity: finding.severity,
        message: &finding.message,
        labels: labels.collect(),
        notes: &finding.notes,
        help: &finding.help,
        fixes: fixes.collect(),
    }
}

fn place(sources: &Sources<'_>, place: FileSpan) -> Place {
    let range = sources.range(place);
    Place {
        file: sources.shown(place.file),
        start: sources.position(place.file, range.start),
        end: sources.position(place.file, range.end),
    }
}
