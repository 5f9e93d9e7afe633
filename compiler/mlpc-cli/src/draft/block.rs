//! A dataset block from a draft, laid out as people lay out theirs.

use super::numbers::{around, grouped};
use super::{Draft, Drafted, Source};
use mlpc_syntax::{identifier, quoted};
use std::collections::BTreeSet;

/// The block, and what had to be left out of it.
#[must_use]
pub fn block(name: &str, source: &Source, shown: &str, draft: &Draft) -> (String, Vec<String>) {
    let (fields, left_out) = fields(draft);
    let mut lines = vec![format!("/// Rows of `{}`.", shown.replace(['\n', '\r'], " ")), format!("dataset {name} {{")];
    lines.extend(settings(source, shown, draft, &fields));
    lines.push("  schema {".to_owned());
    let width = fields.iter().map(|field| field.name.chars().count() + 1).max().unwrap_or_default();
    for Field { name, text, .. } in &fields {
        lines.push(format!("    {:<width$} {text}", format!("{name}:")));
    }
    lines.push("  }".to_owned());
    lines.push("  expect {".to_owned());
    lines.extend(expectations(draft, &fields).into_iter().map(|line| format!("    {line}")));
    lines.extend(["  }".to_owned(), "}".to_owned()]);
    (lines.join("\n") + "\n", left_out)
}

/// A column that the language has a type for.
struct Field<'a> {
    name: String,
    text: String,
    column: &'a Drafted,
}

fn fields(draft: &Draft) -> (Vec<Field<'_>>, Vec<String>) {
    let (mut fields, mut left_out) = (Vec::new(), Vec::new());
    let mut taken = BTreeSet::new();
    for column in &draft.columns {
        let Some(ty) = column.type_text() else {
            left_out.push(column.name.clone());
            continue;
        };
        let name = identifier(&column.name, "column", &mut taken);
        let mut text = ty;
        if column.nulls > 0.0 {
            text.push('?');
        }
        if let Some((low, high)) = range(draft, column) {
            text.push_str(&format!(" in {low}..{high}"));
        }
        if name != column.name {
            text.push_str(&format!(" from {}", quoted(&column.name)));
        }
        fields.push(Field { name, text, column });
    }
    (fields, left_out)
}

/// The range of a column's numbers; what identifies rows grows without end.
fn range(draft: &Draft, column: &Drafted) -> Option<(String, String)> {
    if !column.is_number() || column.kind == "decimal" {
        return None;
    }
    let (low, high) = around(column.low?, column.high?, column.kind == "int")?;
    let is_key = draft.key.as_slice() == std::slice::from_ref(&column.name);
    Some(if is_key { (low, String::new()) } else { (low, format!("={high}")) })
}

fn call(source: &Source, shown: &str, draft: &Draft) -> String {
    let mut arguments = Vec::new();
    match &source.variable {
        Some(variable) => arguments.push(format!("uri: env({})", quoted(variable))),
        None => arguments.push(quoted(shown)),
    }
    if source.kind == "csv" {
        if draft.null.iter().any(|text| !text.is_empty()) {
            let texts: Vec<String> = draft.null.iter().map(|text| quoted(text)).collect();
            arguments.push(format!("null: [{}]", texts.join(", ")));
        }
        let delimiter = draft.delimiter.as_deref().filter(|delimiter| *delimiter != ",");
        arguments.extend(delimiter.map(|delimiter| format!("delimiter: {}", quoted(delimiter))));
        arguments.extend(source.member.as_ref().map(|member| format!("member: {}", quoted(member))));
    }
    for (name, value) in [("table", &source.table), ("query", &source.query)] {
        arguments.extend(value.as_ref().map(|value| format!("{name}: {}", quoted(value))));
    }
    format!("{}({})", source.kind, arguments.join(", "))
}

fn settings(source: &Source, shown: &str, draft: &Draft, fields: &[Field<'_>]) -> Vec<String> {
    let mut settings = vec![("source", call(source, shown, draft))];
    let key = draft.key.iter().map(|name| fields.iter().find(|field| field.column.name == *name));
    if let Some(key) = key.map(|field| Some(field?.name.clone())).collect::<Option<Vec<String>>>() {
        match key.as_slice() {
            [] => {}
            [one] => settings.push(("key", one.clone())),
            several => settings.push(("key", format!("[{}]", several.join(", ")))),
        }
    }
    let times: Vec<&Field<'_>> = fields.iter().filter(|field| field.column.kind == "timestamp").collect();
    if let [only] = times.as_slice()
        && only.column.nulls == 0.0
    {
        settings.push(("timestamp", only.name.clone()));
    }
    if times.iter().any(|field| !field.column.zoned) {
        // Without an offset, a clock's reading is no instant.
        settings.push(("timezone", "\"UTC\"   // the data does not say: name the zone of their clock".to_owned()));
    } else if !times.is_empty() && matches!(source.kind, "csv" | "ndjson" | "sqlite") {
        settings.push(("timezone", "\"UTC\"".to_owned()));
    }
    let width = settings.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    settings.into_iter().map(|(name, value)| format!("  {name:<width$} = {value}")).collect()
}

fn expectations(draft: &Draft, fields: &[Field<'_>]) -> Vec<String> {
    let rows = draft.rows as f64;
    let mut lines = vec![match around(rows * 0.9, rows * 1.1 + 1.0, true).filter(|_| draft.whole) {
        Some((low, high)) => format!("rows in {low}..={high}"),
        None => format!("rows in {}..", grouped(&draft.rows.to_string())),
    }];
    for Field { name, column, .. } in fields.iter().filter(|field| field.column.nulls > 0.0) {
        // Half as many again as there are now, in full percents.
        let share = (column.nulls * 150.0).ceil();
        if share < 100.0 {
            lines.push(format!("null_rate({name}) <= {share:.0}%"));
        }
    }
    for Field { name, column, .. } in fields.iter().filter(|field| field.column.kind == "float") {
        if let (Some(mean), Some(std)) = (column.mean, column.std)
            && let Some((low, high)) = around(mean - std / 2.0, mean + std / 2.0, false)
        {
            lines.push(format!("mean({name}) in {low}..={high}"));
        }
    }
    lines
}
