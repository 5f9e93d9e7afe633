//! What a program says about itself in comments: `// error: [unknown_column] "no column"` on the line of a finding,
//! `// revealed: float?` on the line of a definition.

use crate::program::Checked;
use crate::reveal::reveal;
use mlpc_diagnostics::{Diagnostic, Severity};

/// A comment that expects something.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Expected {
    /// A finding: level, name of its code, part of its message.
    Finding(Severity, String, String),
    /// The type of what the line defines.
    Type(String),
}

const LEVELS: [(&str, Severity); 3] =
    [("error: [", Severity::Error), ("warning: [", Severity::Warning), ("note: [", Severity::Note)];

/// What does not agree between the comments of a program and its findings; nothing if all is as expected. Findings that
/// nobody expects are passed over if `ignore` says so.
#[must_use]
pub fn disagreements(checked: &Checked, files: &[(&str, &str)], ignore: impl Fn(&Diagnostic) -> bool) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut left: Vec<_> = checked.findings.iter().collect();
    for (path, text) in files {
        for (at, line) in text.lines().enumerate() {
            for expected in expectations(line) {
                let here = format!("{path}:{}", at + 1);
                match expected {
                    Expected::Type(wanted) => {
                        let found = reveal(checked, path, at + 1);
                        if found.as_deref() != Some(wanted.as_str()) {
                            wrong.push(format!(
                                "{here}: is {}, not {wanted}",
                                found.unwrap_or_else(|| "undefined".to_owned())
                            ));
                        }
                    }
                    Expected::Finding(severity, code, message) => {
                        let fits = left.iter().position(|finding| {
                            let on_line = finding.primary().is_some_and(|place| checked.line(place) == (*path, at + 1));
                            on_line
                                && finding.code.name == code
                                && finding.severity == severity
                                && finding.message.contains(&message)
                        });
                        match fits {
                            Some(index) => drop(left.remove(index)),
                            None => wrong.push(format!("{here}: no {severity:?} [{code}] {message:?}")),
                        }
                    }
                }
            }
        }
    }
    for finding in left.into_iter().filter(|finding| !ignore(finding)) {
        let place = finding.primary().map_or_else(String::new, |place| {
            let (path, line) = checked.line(place);
            format!("{path}:{line} at {:?}", checked.text(place))
        });
        wrong.push(format!("{place}: unexpected {:?} [{}] {}", finding.severity, finding.code.name, finding.message));
    }
    wrong
}

/// Whether a program expects anything at all.
#[must_use]
pub fn expects_findings(text: &str) -> bool {
    text.lines().flat_map(expectations).any(|expected| matches!(expected, Expected::Finding(..)))
}

/// The names of the codes that a program expects.
#[must_use]
pub fn expected_codes(text: &str) -> Vec<String> {
    let found = text.lines().flat_map(expectations).filter_map(|expected| match expected {
        Expected::Finding(_, code, _) => Some(code),
        Expected::Type(_) => None,
    });
    found.collect()
}

fn expectations(line: &str) -> Vec<Expected> {
    let mut found = Vec::new();
    for comment in line.split("// ").skip(1) {
        if let Some(ty) = comment.strip_prefix("revealed: ") {
            found.push(Expected::Type(ty.trim().to_owned()));
        }
        for (word, severity) in LEVELS {
            let Some((code, rest)) = comment.strip_prefix(word).and_then(|rest| rest.split_once(']')) else { continue };
            let message = rest.trim().trim_start_matches('"').trim_end_matches('"');
            found.push(Expected::Finding(severity, code.to_owned(), message.to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_hold_findings_and_types() {
        let line = r#"  column a = b // error: [unknown_column] "no column `b`" // revealed: float?"#;
        let finding = Expected::Finding(Severity::Error, "unknown_column".to_owned(), "no column `b`".to_owned());
        assert_eq!(expectations(line), [finding, Expected::Type("float?".to_owned())]);
    }

    #[test]
    fn a_program_that_lacks_an_expected_finding_disagrees() {
        let text = "pipeline p { seed = 1 } // error: [no_seed] \"\"\n";
        let files = [("main.mlp", text)];
        let checked = crate::program::check_files(&files);
        assert_eq!(
            disagreements(&checked, &files, |finding| finding.severity == Severity::Note),
            ["main.mlp:1: no Error [no_seed] \"\""]
        );
    }
}
