//! Results of tests for people: a line each, then what is wrong, cell by cell.

use super::Outcome;
use crate::project::Session;
use crate::terminal::{Paint, Style};
use crate::text::{columns, duration, plural};
use mlpc_native::testing::{Cell, Problem, Refused};
use mlpc_plan::plan::{Origin, TestCase};
use std::collections::BTreeMap;

/// Cells that are shown of one column.
const SHOWN: usize = 10;

/// Everything, a line for each element.
#[must_use]
pub fn report(session: &Session, outcomes: &[Outcome], paint: Paint) -> Vec<String> {
    let mut lines = Vec::new();
    for outcome in outcomes {
        let (mark, style) = if outcome.passed() { ("✓", Style::Good) } else { ("✗", Style::Bad) };
        let time = paint.paint(Style::Dim, duration(outcome.seconds));
        lines.push(format!("{} {}: {}  {time}", paint.paint(style, mark), outcome.case.subject, outcome.case.title));
    }
    for outcome in outcomes.iter().filter(|outcome| !outcome.passed()) {
        let title = format!("{}: {}", outcome.case.subject, outcome.case.title);
        lines.extend([String::new(), format!("{} {}", paint.paint(Style::Bad, "✗"), paint.paint(Style::Bold, title))]);
        lines.extend(details(session, outcome, paint));
    }
    lines.push(String::new());
    lines.push(summary(outcomes, paint));
    lines
}

/// `3 passed, 1 failed`
fn summary(outcomes: &[Outcome], paint: Paint) -> String {
    let passed = outcomes.iter().filter(|outcome| outcome.passed()).count();
    match outcomes.len() - passed {
        0 => format!("{} {}", paint.paint(Style::Good, "✓"), plural(passed, "test") + " passed"),
        failed => format!("{} {failed} of {} failed", paint.paint(Style::Bad, "✗"), plural(outcomes.len(), "test")),
    }
}

/// What is wrong with a test.
#[must_use]
pub fn details(session: &Session, outcome: &Outcome, paint: Paint) -> Vec<String> {
    let page = Page { session, case: &outcome.case, paint };
    outcome.problems.iter().flat_map(|problem| page.problem(problem)).collect()
}

/// Where problems of one test are told.
struct Page<'a> {
    session: &'a Session,
    case: &'a TestCase,
    paint: Paint,
}

impl Page<'_> {
    fn problem(&self, problem: &Problem) -> Vec<String> {
        match problem {
            Problem::Cells { expected, cells } => {
                let mut lines = vec![self.expected(*expected)];
                lines.extend(self.table(cells));
                lines
            }
            Problem::Count { wanted, found, kept, names, rows } => {
                let mut lines = vec![self.expected(0)];
                lines.extend(count(*wanted, *found, kept.as_deref(), names, rows));
                lines
            }
            Problem::Refused { checks } => self.refused(checks),
            Problem::Accepted { codes, lines } => self.accepted(codes, lines),
            Problem::Property { property, tried, given, values, error } => {
                let mut lines = vec![self.property(*property)];
                lines.extend(self.counterexample(*tried, given, values, error.as_deref()));
                lines
            }
            Problem::Error { text, place } => {
                let place = place.as_ref().map_or_else(String::new, |place| format!(" ({place})"));
                let text = self.paint.paint(Style::Bad, text);
                vec![self.at(&self.case.origin, "the code fails:"), format!("    {text}{place}")]
            }
        }
    }

    fn at(&self, origin: &Origin, what: &str) -> String {
        let place = format_args!("{}:{}", self.session.shown(&origin.file), origin.line);
        format!("  {}  {what}", self.paint.paint(Style::Dim, place))
    }

    /// The place of an expected column, with its text.
    fn expected(&self, index: usize) -> String {
        let column = self.case.expected.get(index);
        column.map_or_else(|| self.at(&self.case.origin, ""), |column| self.at(&column.origin, &column.text))
    }

    /// The place of a property, with its text.
    fn property(&self, index: usize) -> String {
        let property = self.case.properties.get(index);
        property.map_or_else(|| self.at(&self.case.origin, ""), |property| self.at(&property.origin, &property.text))
    }

    /// Row, expected and found value of each cell.
    fn table(&self, cells: &[Cell]) -> Vec<String> {
        let head = vec!["row".to_owned(), "expected".to_owned(), "found".to_owned()];
        let shown = cells.iter().take(SHOWN).map(|cell| {
            let expected = self.paint.paint(Style::Good, &cell.expected);
            vec![cell.row.to_string(), expected, self.paint.paint(Style::Bad, &cell.found)]
        });
        let rows: Vec<Vec<String>> = std::iter::once(head).chain(shown).collect();
        let mut lines: Vec<String> = columns(&rows).into_iter().map(|line| format!("  {line}")).collect();
        if cells.len() > SHOWN {
            lines.push(format!("    and {} more", cells.len() - SHOWN));
        }
        lines
    }

    fn refused(&self, checks: &[Refused]) -> Vec<String> {
        let mut lines = vec![self.at(&self.case.origin, "the given rows are refused when they are read:")];
        lines.extend(checks.iter().map(|check| format!("    {}: {} [{}]", check.dataset, check.text, check.code)));
        lines
    }

    fn accepted(&self, codes: &[String], reasons: &[String]) -> Vec<String> {
        let Some(refusal) = &self.case.refused else { return Vec::new() };
        let mut lines = vec![self.at(&refusal.origin, &format!("expect error {}", refusal.name))];
        lines.push(match codes {
            [] => "    the given rows are fine".to_owned(),
            codes => format!("    the given rows are refused for something else: {}", codes.join(", ")),
        });
        lines.extend(reasons.iter().map(|reason| format!("    {reason}")));
        lines
    }

    fn counterexample(
        &self,
        tried: usize,
        given: &[String],
        values: &BTreeMap<String, String>,
        error: Option<&str>,
    ) -> Vec<String> {
        let bad = |text: &str| self.paint.paint(Style::Bad, text);
        let values = values.iter().map(|(name, value)| format!("{name} = {}", bad(value)));
        let what = error.map_or_else(
            || format!("    does not hold where {}", values.collect::<Vec<_>>().join(", ")),
            |error| format!("    the code fails: {}", bad(error)),
        );
        let found = format!("    found in table {tried}, and made as small as it gets:");
        let rows = given.iter().flat_map(|given| given.lines());
        let rows = rows.map(|line| format!("  {}", self.paint.paint(Style::Code, line)));
        [what, found].into_iter().chain(rows).collect()
    }
}

/// More or fewer rows than expected, and which they are.
fn count(wanted: usize, found: usize, kept: Option<&[usize]>, names: &[String], rows: &[Vec<String>]) -> Vec<String> {
    let mut lines = vec![format!("    {} expected, {found} found", plural(wanted, "row"))];
    if let Some(kept) = kept.filter(|kept| !kept.is_empty()) {
        let list: Vec<String> = kept.iter().map(usize::to_string).collect();
        lines.push(format!("    of the given rows came out: {}", list.join(", ")));
    }
    if !rows.is_empty() {
        let shown: Vec<Vec<String>> = std::iter::once(names.to_vec()).chain(rows.iter().cloned()).collect();
        lines.extend(columns(&shown).into_iter().map(|line| format!("  {line}")));
    }
    lines
}
