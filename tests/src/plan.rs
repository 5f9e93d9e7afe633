//! What a plan says, read from its JSON as whoever else reads it would.

use serde_json::Value;
use std::collections::BTreeSet;

/// The steps that a step of a plan comes after.
#[must_use]
pub fn needs(step: &Value) -> BTreeSet<String> {
    let inputs = step["inputs"].as_object().expect("inputs by name").values().chain([&step["when"]]);
    let read = inputs.filter_map(|input| input["step"]["step"].as_str());
    let after = step["after"].as_array().expect("a list").iter().map(|id| id.as_str().expect("a name"));
    read.chain(after).map(str::to_owned).collect()
}
