//! What a store keeps: of each finished step, by its identity, the digests of its outputs.

use serde_json::Value;
use std::fs;
use std::path::Path;

/// The digests of the outputs of each step in a folder laid out as `.mlp/store` is, by identity.
#[must_use]
pub fn results(store: &Path) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    let entries = |folder: &Path| fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("one"));
    for group in entries(store).filter(|group| group.file_name().len() == 2) {
        for entry in entries(&group.path()) {
            let text = fs::read(entry.path().join("result.json")).expect("each step says how it ended");
            let record: Value = serde_json::from_slice(&text).expect("it is JSON");
            let outputs = record["outputs"].as_object().expect("it has outputs").iter();
            let digests = outputs.map(|(name, output)| (name.clone(), output["sha256"].clone())).collect();
            found.push((entry.file_name().into_string().expect("a hash"), Value::Object(digests)));
        }
    }
    found.sort_by(|left, right| left.0.cmp(&right.0));
    found
}
