//! Results of tests for people: a line each, then what is wrong, cell by cell.

use super::Outcome;
use crate::project::Session;
use crate::terminal::{Paint, Style};
use crate::text::{columns, duration, plural};
use mlpc_native::testing::{Cell, Problem};
use mlpc_plan::plan::{Origin, TestCase};

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
    outcome.problems.iter().flat_map(|problem| problem_lines(session, &outcome.case, problem, paint)).collect()
}

fn problem_lines(session: &Session, case: &TestCase, problem: &Problem, paint: Paint) -> Vec<String> {
    let at = |origin: &Origin, what: &str| {
        let place = paint.paint(Style::Dim, format_args!("{}:{}", session.shown(&origin.file), origin.line));
        format!("  {place}  {what}")
    };
    match problem {
        Problem::Cells { expected, cells } => {
            let column = case.expected.get(*expected);
            let (origin, text) = column.map_or((&case.origin, ""), |column| (&column.origin, column.text.as_str()));
            let mut lines = vec![at(origin, text)];
            lines.extend(table(cells, paint));
            lines
        }
        Problem::Count { wanted, found, kept, names, rows } => {
            let (origin, text) =
                case.expected.first().map_or((&case.origin, ""), |column| (&column.origin, column.text.as_str()));
            let mut lines = vec![at(origin, text)];
            lines.push(format!("    {} expected, {found} found", plural(*wanted, "row")));
            if let Some(kept) = kept.as_ref().filter(|kept| !kept.is_empty()) {
                let list: Vec<String> = kept.iter().map(usize::to_string).collect();
                lines.push(format!("    of the given rows came out: {}", list.join(", ")));
            }
            let shown: Vec<Vec<String>> = std::iter::once(names.clone()).chain(rows.iter().cloned()).collect();
            if !rows.is_empty() {
                lines.extend(columns(&shown).into_iter().map(|line| format!("  {line}")));
            }
            lines
        }
        Problem::Refused { checks } => {
            let mut lines = vec![at(&case.origin, "the given rows are refused when they are read:")];
            let check = |check: &mlpc_native::testing::Refused| {
                format!("    {}: {} [{}]", check.dataset, check.text, check.code)
            };
            lines.extend(checks.iter().map(check));
            lines
        }
        Problem::Accepted { codes, lines } => accepted(case, codes, lines, &at),
        Problem::Property { property, tried, given, values, error } => {
            let property = case.properties.get(*property);
            let (origin, text) =
                property.map_or((&case.origin, ""), |property| (&property.origin, property.text.as_str()));
            let mut lines = vec![at(origin, text)];
            match error {
                Some(error) => lines.push(format!("    the code fails: {}", paint.paint(Style::Bad, error))),
                None => {
                    let shown: Vec<String> = values
                        .iter()
                        .map(|(name, value)| format!("{name} = {}", paint.paint(Style::Bad, value)))
                        .collect();
                    lines.push(format!("    does not hold where {}", shown.join(", ")));
                }
            }
            lines.push(format!("    found in table {tried}, and made as small as it gets:"));
            lines.extend(
                given
                    .iter()
                    .flat_map(|given| given.lines())
                    .map(|line| format!("  {}", paint.paint(Style::Code, line))),
            );
            lines
        }
        Problem::Error { text, place } => {
            let place = place.as_ref().map_or_else(String::new, |place| format!(" ({place})"));
            vec![at(&case.origin, "the code fails:"), format!("    {}{place}", paint.paint(Style::Bad, text))]
        }
    }
}

fn accepted(
    case: &TestCase,
    codes: &[String],
    reasons: &[String],
    at: &dyn Fn(&Origin, &str) -> String,
) -> Vec<String> {
    let Some(refusal) = &case.refused else { return Vec::new() };
    let mut lines = vec![at(&refusal.origin, &format!("expect error {}", refusal.name))];
    lines.push(match codes {
        [] => "    the given rows are fine".to_owned(),
        codes => format!("    the given rows are refused for something else: {}", codes.join(", ")),
    });
    lines.extend(reasons.iter().map(|reason| format!("    {reason}")));
    lines
}

/// Row, expected and found value of each cell.
fn table(cells: &[Cell], paint: Paint) -> Vec<String> {
    let head = vec!["row".to_owned(), "expected".to_owned(), "found".to_owned()];
    let shown = cells.iter().take(SHOWN).map(|cell| {
        vec![cell.row.to_string(), paint.paint(Style::Good, &cell.expected), paint.paint(Style::Bad, &cell.found)]
    });
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(shown).collect();
    let mut lines: Vec<String> = columns(&rows).into_iter().map(|line| format!("  {line}")).collect();
    if cells.len() > SHOWN {
        lines.push(format!("    and {} more", cells.len() - SHOWN));
    }
    lines
}
