//! The text of a recorded test, laid out as people write it.

use mlpc_hir::typed::Const;
use serde::Deserialize;

/// Columns of a line.
const WIDTH: usize = 120;

/// What the runtime recorded, each value as the language writes it.
#[derive(Debug, Default, Deserialize)]
pub struct Parts {
    /// Rows by dataset: their fields.
    #[serde(default)]
    pub given: Vec<(String, Vec<Vec<String>>)>,
    /// What fitted columns have learned.
    #[serde(default)]
    pub fitted: Vec<(String, String)>,
    /// Values of expected columns.
    #[serde(default)]
    pub expected: Vec<(String, Vec<String>)>,
    /// What a person should know.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Why nothing was recorded.
    pub refused: Option<String>,
}

/// The block.
pub fn print(title: &str, subject: &str, params: &[(String, Const)], parts: &Parts) -> String {
    let mut lines = vec![format!("test {} of {} {{", text(title), name(subject))];
    lines.extend(params.iter().map(|(param, value)| format!("  given {} = {}", name(param), literal(value))));
    for (dataset, rows) in &parts.given {
        lines.extend(given(dataset.rsplit('.').next().unwrap_or(dataset), rows));
    }
    let width = longest(parts.fitted.iter().map(|(column, _)| column));
    for (column, state) in &parts.fitted {
        lines.push(format!("  given fitted {:width$} = {state}", name(column)));
    }
    let width = longest(parts.expected.iter().map(|(column, _)| column));
    for (column, values) in &parts.expected {
        lines.extend(wrapped(&format!("  expect {:width$} = [", name(column)), values, "]", "    "));
    }
    lines.push("}\n".to_owned());
    lines.join("\n")
}

fn longest<'a>(names: impl Iterator<Item = &'a String>) -> usize {
    names.map(|column| name(column).chars().count()).max().unwrap_or_default()
}

/// `given DATASET = [ … ]`, a row a line where one line is too short for all.
fn given(dataset: &str, rows: &[Vec<String>]) -> Vec<String> {
    let head = format!("  given {} = [", name(dataset));
    let records: Vec<String> = rows.iter().map(|fields| format!("{{ {} }}", fields.join(", "))).collect();
    let whole = format!("{head}{}]", records.join(", "));
    if rows.len() < 2 && whole.chars().count() <= WIDTH {
        return vec![whole];
    }
    let mut lines = vec![head];
    for (index, fields) in rows.iter().enumerate() {
        let end = if index + 1 < rows.len() { " }," } else { " }" };
        lines.extend(wrapped("    { ", fields, end, "      "));
    }
    lines.push("  ]".to_owned());
    lines
}

/// Items with commas between them, on as many lines as it takes.
fn wrapped(head: &str, items: &[String], end: &str, indent: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = head.to_owned();
    for (index, item) in items.iter().enumerate() {
        let item = if index + 1 < items.len() { format!("{item},") } else { format!("{item}{end}") };
        let blank = if line.ends_with([' ', '[']) { "" } else { " " };
        if line.chars().count() + blank.len() + item.chars().count() > WIDTH && index > 0 {
            lines.push(std::mem::replace(&mut line, format!("{indent}{item}")));
        } else {
            line = format!("{line}{blank}{item}");
        }
    }
    if items.is_empty() {
        line.push_str(end);
    }
    lines.push(line);
    lines
}

/// A value of a parameter.
fn literal(value: &Const) -> String {
    match value {
        Const::Date(days) => {
            let day = jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(*days));
            day.map_or_else(|_| "null".to_owned(), |day| format!("date(\"{day}\")"))
        }
        Const::Instant(micros) => {
            jiff::Timestamp::from_microsecond(*micros).map_or_else(|_| "null".to_owned(), |at| text(&at.to_string()))
        }
        Const::Str(value) => text(value),
        Const::Duration(ms) => format!("{ms}ms"),
        Const::List(items) => format!("[{}]", items.iter().map(literal).collect::<Vec<_>>().join(", ")),
        other => other.describe(),
    }
}

/// A name, in backticks where it is no word.
fn name(text: &str) -> String {
    let word = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if word { text.to_owned() } else { format!("`{text}`") }
}

/// A text in quotes.
fn text(value: &str) -> String {
    let mut out = String::from("\"");
    for letter in value.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            letter if letter.is_control() => out.push_str(&format!("\\u{{{:x}}}", u32::from(letter))),
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn a_block_is_laid_out_as_people_write_it() {
        let parts = Parts {
            given: vec![
                ("shared.flights".to_owned(), vec![fields(&["a: 1", "`b c`: \"x\""]), fields(&["a: 2"])]),
                ("weather".to_owned(), Vec::new()),
            ],
            fitted: vec![("z".to_owned(), "{ mean: 0.0 }".to_owned())],
            expected: vec![("far".to_owned(), fields(&["true", "false"])), ("b c".to_owned(), Vec::new())],
            ..Parts::default()
        };
        let found = print("a \"b\"", "trips", &[("as_of".to_owned(), Const::Date(15_706))], &parts);
        let wanted = "test \"a \\\"b\\\"\" of trips {\n  given as_of = date(\"2013-01-01\")\n  given flights = [\n    \
                      { a: 1, `b c`: \"x\" },\n    { a: 2 }\n  ]\n  given weather = []\n  given fitted z = { mean: 0.0 }\n  \
                      expect far   = [true, false]\n  expect `b c` = []\n}\n";
        assert_eq!(found, wanted);
    }

    #[test]
    fn long_lists_go_over_several_lines() {
        let items: Vec<String> = (0..40).map(|number| format!("{number}.125")).collect();
        let lines = wrapped("  expect x = [", &items, "]", "    ");
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH && !line.ends_with(' ')));
        assert!(lines.last().is_some_and(|line| line.ends_with("39.125]")));
    }
}
