//! Running, caching, order, and what is told about it.

use crate::project::{Project, With, plan, shell, text, wants};
use mlpc_native::{Outcome, RunEvent, StepState};
use serde_json::json;

#[test]
fn three_steps_run_in_order_and_are_cached_the_second_time() {
    let project = Project::new();
    let make =
        shell("step.make", "printf '3\\n1\\n2\\n' > {numbers}; echo ran >> $HOME/count").writes("numbers", "n.txt");
    let sort = shell("step.sort", "sort {numbers} > {sorted}")
        .reads("numbers", "step.make", "numbers")
        .writes("sorted", "s.txt");
    let head = shell("step.head", "head -n {n} {sorted} > {first}")
        .reads("sorted", "step.sort", "sorted")
        .writes("first", "f.txt")
        .param("n", json!(2));
    let plan = wants(plan(vec![make, sort, head]), "first", "step.head", "first");
    let mut options = project.options();
    options.variables.insert("HOME".to_owned(), project.folder.path().to_string_lossy().into_owned());

    let first = project.run_with(&plan, &options);
    assert_eq!(first.finished.outcome, Outcome::Succeeded);
    let states: Vec<StepState> = first.states().into_iter().map(|(_, state)| state).collect();
    assert_eq!(states, [StepState::Succeeded; 3]);
    let artifact = &first.finished.artifacts[0];
    assert_eq!(artifact.path, project.path(".mlp/latest/demo/first.txt"));
    assert_eq!(text(&artifact.path), "1\n2\n");
    assert_eq!(artifact.sha256, mlpc_plan::identity::sha256_hex(b"1\n2\n"));

    let second = project.run_with(&plan, &options);
    let states: Vec<StepState> = second.states().into_iter().map(|(_, state)| state).collect();
    assert_eq!(states, [StepState::Cached; 3]);
    assert_eq!(second.finished.artifacts, first.finished.artifacts);
    assert_eq!(project.read("count"), "ran\n", "a cached step does not run");
    assert!(!second.events.iter().any(|event| matches!(event, RunEvent::StepStarted { .. })));
}
