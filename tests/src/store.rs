//! What is in a store of artifacts: the results of steps, as the executor of one machine and the launcher keep them.

use serde_json::Value;
use std::path::Path;

/// What a step says of its outputs, by identity.
#[must_use]
pub fn results(store: &Path) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for group in std::fs::read_dir(store)
        .expect("it can be read")
        .map(|entry| entry.expect("it can be read"))
        .filter(|group| group.file_name().len() == 2)
    {
        for entry in
            std::fs::read_dir(group.path()).expect("it can be read").map(|entry| entry.expect("it can be read"))
        {
            let text = std::fs::read(entry.path().join("result.json")).expect("it can be read");
            let record: Value = serde_json::from_slice(&text).expect("it can be read");
            let outputs = record["outputs"].as_object().expect("it can be read").iter();
            let digests = outputs.map(|(name, output)| (name.clone(), output["sha256"].clone())).collect();
            found.push((entry.file_name().into_string().expect("it can be read"), Value::Object(digests)));
        }
    }
    found.sort_by(|left, right| left.0.cmp(&right.0));
    found
}
