//! The generated files: path and text.

use mlpc_diagnostics::{Severity, codes};
use mlpc_hir::specs::{BLOCKS, BlockSpec, Content, NameForm, SettingSpec, ValueForm};
use mlpc_plan::Plan;
use mlpc_plan::variables::{FIXED, THREADS};
use std::fmt::Write as _;

/// Every generated file, relative to the repository's root.
pub fn files() -> Vec<(String, String)> {
    vec![
        ("docs/schema/plan-v1.json".to_owned(), plan_schema()),
        ("docs/reference/codes.md".to_owned(), code_index()),
        ("docs/reference/blocks.md".to_owned(), block_reference()),
        ("stdlib/runtime/mlp_runtime/variables.py".to_owned(), variables()),
    ]
}

/// The JSON Schema of the plan.
fn plan_schema() -> String {
    let schema = schemars::schema_for!(Plan);
    // A schema is plain JSON and always serialises.
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

/// The variables of all steps, for the launcher.
fn variables() -> String {
    let mut text = "\"\"\"Variables that are the same wherever a step runs. Generated from the table in \
                    `compiler/mlpc-plan`.\"\"\"\n\nFIXED = {\n"
        .to_owned();
    for (name, value) in FIXED {
        let _ = writeln!(text, "    \"{name}\": \"{value}\",");
    }
    text.push_str("}\n\"\"\"No telemetry, no dependence on hash seeds, time zone or buffering.\"\"\"\n\nTHREADS = (\n");
    for name in THREADS {
        let _ = writeln!(text, "    \"{name}\",");
    }
    text.push_str(")\n\"\"\"Set to what a step may use, because each library has its own name for it.\"\"\"\n");
    text
}

/// The index of codes, by family.
fn code_index() -> String {
    let mut text =
        "# Codes\n\nGenerated from the table in `compiler/mlpc-diagnostics`. `mlpc explain CODE` prints a page.\n"
            .to_owned();
    let mut family = "";
    for code in codes() {
        let own = code.family().map_or("", |family| family.name);
        if own != family {
            family = own;
            let _ = write!(text, "\n## {family}\n\n| code | name | level | what |\n|---|---|---|---|\n");
        }
        let level = match code.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        let id = code.id;
        let page = format!("../../compiler/mlpc-diagnostics/codes/{id}.md");
        let _ = writeln!(text, "| [{id}]({page}) | `{}` | {level} | {} |", code.name, code.summary);
    }
    text
}

/// The reference of blocks.
fn block_reference() -> String {
    let mut text = "# Blocks\n\nGenerated from the table in `compiler/mlpc-hir`.\n".to_owned();
    for spec in BLOCKS {
        let _ = write!(text, "\n## `{}`\n\n{}.\n\n```text\n{}\n```\n", spec.keyword, sentence(spec.doc), header(spec));
        content(&mut text, &spec.content, "");
    }
    text
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + letters.as_str())
}

fn header(spec: &BlockSpec) -> String {
    let name = match spec.name {
        NameForm::Plain => "NAME",
        NameForm::Dotted => "GROUP.NAME",
        NameForm::Title => "\"TITLE\"",
    };
    let connector = spec.connector.as_ref().map_or(String::new(), |connector| {
        let kinds =
            if connector.kinds.is_empty() { "TASK".to_owned() } else { connector.kinds.join("|").to_uppercase() };
        let more = if connector.many { ", …" } else { "" };
        format!(" {} {kinds}{more}", connector.word)
    });
    format!("{} {name}{connector} {{ … }}", spec.keyword)
}

fn content(text: &mut String, content: &Content, inside: &str) {
    if !content.settings.is_empty() {
        let _ = write!(text, "\n| setting | takes | what |\n|---|---|---|\n");
        for setting in content.settings {
            let needed = if setting.required { " (required)" } else { "" };
            let _ = writeln!(text, "| `{inside}{}`{needed} | {} | {} |", setting.name, takes(setting), setting.doc);
        }
    }
    if !content.statements.is_empty() {
        let list = content.statements.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        let _ = write!(text, "\nStatements: {list}.\n");
    }
    for nested in content.nested {
        let name = if nested.named { " NAME" } else { "" };
        let _ = write!(text, "\n`{inside}{}{name} {{ … }}`: {}.\n", nested.keyword, nested.doc);
        self::content(text, nested.content, &format!("{inside}{}.", nested.keyword));
    }
}

fn takes(setting: &SettingSpec) -> String {
    let of = |calls: &[&str]| calls.iter().map(|call| format!("`{call}(…)`")).collect::<Vec<_>>().join(", ");
    match &setting.value {
        ValueForm::Any => "an expression".to_owned(),
        ValueForm::Text => "a text".to_owned(),
        ValueForm::Texts => "a list of texts".to_owned(),
        ValueForm::Int => "an integer".to_owned(),
        ValueForm::Bool => "`true` or `false`".to_owned(),
        ValueForm::Duration => "a duration".to_owned(),
        ValueForm::Word(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
        ValueForm::Name => "a name".to_owned(),
        ValueForm::Names => "a name or a list of names".to_owned(),
        ValueForm::Block => "the name of a block".to_owned(),
        ValueForm::Blocks => "the name of a block or a list of them".to_owned(),
        ValueForm::Call(calls) => of(calls),
        ValueForm::Calls(calls) => format!("{}, or a list of them", of(calls)),
    }
}
