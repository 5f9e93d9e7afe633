//! JSON text for programs that read us.

use serde::Serialize;

/// How a command shows what it found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

/// Indented, ended by a newline.
pub fn pretty(value: &impl Serialize) -> String {
    written(serde_json::to_string_pretty(value))
}

/// On one line, ended by a newline.
pub fn line(value: &impl Serialize) -> String {
    written(serde_json::to_string(value))
}

/// Our values have text keys and finite numbers, so they always have a JSON form.
fn written(result: serde_json::Result<String>) -> String {
    result.map_or_else(|error| format!("{{\"error\": \"{error}\"}}\n"), |text| text + "\n")
}
