//! Results of tests as JUnit XML, which CI servers read.

use super::{Outcome, text};
use crate::project::Session;
use crate::terminal::{Colour, Paint};
use mlpc_native::testing::Problem;
use std::fmt::Write as _;

/// One document: a suite for each features block or function.
#[must_use]
pub fn document(session: &Session, outcomes: &[Outcome]) -> String {
    let mut subjects: Vec<&str> = Vec::new();
    for outcome in outcomes {
        if !subjects.contains(&outcome.case.subject.as_str()) {
            subjects.push(&outcome.case.subject);
        }
    }
    let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    out.push_str(&format!("<testsuites{}>\n", counts(outcomes.iter())));
    for subject in subjects {
        let own = || outcomes.iter().filter(|outcome| outcome.case.subject == subject);
        out.push_str(&format!("  <testsuite name=\"{}\"{}>\n", escaped(subject), counts(own())));
        own().for_each(|outcome| case(session, outcome, &mut out));
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn counts<'a>(outcomes: impl Iterator<Item = &'a Outcome>) -> String {
    let (mut tests, mut failures, mut errors, mut seconds) = (0, 0, 0, 0.0);
    for outcome in outcomes {
        tests += 1;
        errors += usize::from(is_error(outcome));
        failures += usize::from(!outcome.passed() && !is_error(outcome));
        seconds += outcome.seconds;
    }
    format!(" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"0\" time=\"{seconds:.3}\"")
}

/// Whether the code broke, rather than giving something else than expected.
fn is_error(outcome: &Outcome) -> bool {
    outcome.problems.iter().any(|problem| matches!(problem, Problem::Error { .. }))
}

fn case(session: &Session, outcome: &Outcome, out: &mut String) {
    let case = &outcome.case;
    let (file, line) = (session.shown(&case.origin.file), case.origin.line);
    let (name, class) = (escaped(&case.title), escaped(&case.subject));
    let head = format!(
        "    <testcase name=\"{name}\" classname=\"{class}\" file=\"{}\" line=\"{line}\" time=\"{:.3}\"",
        escaped(&file),
        outcome.seconds
    );
    out.push_str(&head);
    if outcome.passed() {
        out.push_str("/>\n");
        return;
    }
    let lines = text::details(session, outcome, Paint::new(Colour::Never, false));
    // A line that ends so says what the next one is about.
    let until = usize::from(lines.first().is_some_and(|line| line.ends_with(':')));
    let first: Vec<&str> = lines.iter().take(until + 1).map(|line| line.trim()).collect();
    let (tag, kind) = if is_error(outcome) { ("error", "Error") } else { ("failure", "Failure") };
    let (message, text) = (escaped(&first.join(" ")), escaped(&lines.join("\n")));
    out.push_str(">\n");
    out.push_str(&format!("      <{tag} message=\"{message}\" type=\"{kind}\">{text}</{tag}>\n"));
    out.push_str("    </testcase>\n");
}

/// Text of users as text of XML; what XML cannot hold at all is shown by its number.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(letter),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                // Writing to a text never fails.
                let _ = write!(out, "\\u{{{:x}}}", u32::from(letter));
            }
            _ => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_breaks_out_of_its_place() {
        assert_eq!(escaped("a<b & \"c\"\u{1}"), "a&lt;b &amp; &quot;c&quot;\\u{1}");
    }
}
