//! The examples, each run once on this machine: what every target must make of them, to the byte.

use crate::project::Project;
use crate::store::results;
use serde_json::Value;
use std::sync::OnceLock;

/// Their names.
pub const EXAMPLES: [&str; 3] = ["penguins", "diabetes", "flights"];

/// What a run of an example on this machine makes: digests of outputs by the identity of the step.
///
/// All tests of a binary share the run. Targets never see its store: whatever they make, they make themselves.
pub fn native(name: &str) -> &'static [(String, Value)] {
    static RUNS: [OnceLock<Vec<(String, Value)>>; EXAMPLES.len()] = [const { OnceLock::new() }; EXAMPLES.len()];
    let place = EXAMPLES.iter().position(|example| *example == name).expect("it is an example");
    RUNS.get(place).expect("there is one for each").get_or_init(|| {
        let project = Project::example(name);
        let _ = project.succeed(&[]);
        results(&project.path.join(".mlp/store"))
    })
}
