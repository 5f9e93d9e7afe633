//! Results of tests for programs.

use super::Outcome;
use crate::json;
use crate::project::Session;
use mlpc_native::testing::Problem;
use serde::Serialize;

#[derive(Serialize)]
struct Document<'a> {
    format: &'static str,
    passed: usize,
    failed: usize,
    tests: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    title: &'a str,
    subject: &'a str,
    file: String,
    line: u32,
    passed: bool,
    seconds: f64,
    problems: Vec<Placed<'a>>,
}

/// A problem with the line of the test that it is about.
#[derive(Serialize)]
struct Placed<'a> {
    line: u32,
    #[serde(flatten)]
    problem: &'a Problem,
}

/// One JSON document.
#[must_use]
pub fn document(session: &Session, outcomes: &[Outcome]) -> String {
    let passed = outcomes.iter().filter(|outcome| outcome.passed()).count();
    let tests = outcomes
        .iter()
        .map(|outcome| Entry {
            title: &outcome.case.title,
            subject: &outcome.case.subject,
            file: session.shown(&outcome.case.origin.file),
            line: outcome.case.origin.line,
            passed: outcome.passed(),
            seconds: outcome.seconds,
            problems: outcome.problems.iter().map(|problem| Placed { line: line(outcome, problem), problem }).collect(),
        })
        .collect();
    json::pretty(&Document { format: "mlp-tests/v1", passed, failed: outcomes.len() - passed, tests })
}

/// The line that a problem is about.
fn line(outcome: &Outcome, problem: &Problem) -> u32 {
    let case = &outcome.case;
    let origin = match problem {
        Problem::Cells { expected, .. } => case.expected.get(*expected).map(|column| &column.origin),
        Problem::Count { .. } => case.expected.first().map(|column| &column.origin),
        Problem::Accepted { .. } => case.refused.as_ref().map(|refusal| &refusal.origin),
        Problem::Property { property, .. } => case.properties.get(*property).map(|property| &property.origin),
        Problem::Refused { .. } | Problem::Error { .. } => None,
    };
    origin.unwrap_or(&case.origin).line
}
