//! The embedded registry, by hand and from runs.

use crate::project::{Project, With, plan, shell, text};
use mlpc_native::registry::{self, Registration};
use mlpc_native::{Layout, RunEvent, StepState};
use mlpc_plan::Plan;
use mlpc_plan::plan::{InputRef, Register, StepSpec};
use serde_json::{Value, json};

fn layout(project: &Project) -> Layout {
    Layout::new(project.path(".mlp"))
}

fn register(project: &Project, content: &str, identity: &str) -> Option<registry::Registered> {
    let source = project.path("model");
    std::fs::create_dir_all(&source).unwrap();
    std::fs::write(source.join("weights"), content).unwrap();
    let registration =
        Registration { model: "m", alias: "champion", source: &source, identity, provenance: Value::Null };
    registry::register(&layout(project), &registration).unwrap()
}

fn champion(project: &Project) -> Option<u32> {
    registry::champion(&layout(project), "m", "champion").unwrap().map(|located| located.version)
}

#[test]
fn versions_are_contents_and_aliases_move() {
    let project = Project::new();
    assert_eq!(champion(&project), None);
    let first = register(&project, "one", "a").unwrap();
    assert_eq!((first.version, first.new), (1, true));
    assert_eq!(text(&first.folder.join("weights")), "one");
    assert_eq!(register(&project, "one", "a"), None, "the same step is applied once");
    assert_eq!(register(&project, "two", "b").unwrap().version, 2);
    let again = register(&project, "one", "c").unwrap();
    assert_eq!((again.version, again.new), (1, false), "the same content is the same version");
    assert_eq!(champion(&project), Some(1));
    assert_eq!(registry::promote(&layout(&project), "m", 2, "champion").unwrap().version, 2);
    let error = registry::promote(&layout(&project), "m", 9, "champion").unwrap_err();
    assert_eq!(error.to_string(), "model `m` has no version 9");
}

#[test]
fn rollbacks_go_back_one_by_one() {
    let project = Project::new();
    for (content, identity) in [("one", "a"), ("two", "b"), ("three", "c")] {
        register(&project, content, identity);
    }
    let back = || registry::rollback(&layout(&project), "m", "champion").map(|located| located.version);
    assert_eq!(back().unwrap(), 2);
    assert_eq!(register(&project, "three", "c"), None, "a run does not undo a rollback");
    assert_eq!(champion(&project), Some(2));
    assert_eq!(back().unwrap(), 1);
    assert!(back().is_err());
    assert_eq!(register(&project, "four", "d").unwrap().version, 4);
    assert_eq!(back().unwrap(), 1);
    let models = registry::models(&layout(&project)).unwrap();
    assert_eq!((models.len(), models[0].versions.len(), models[0].aliases["champion"]), (1, 4, 1));
}

/// Trains, judges against the champion, registers.
fn pipeline(content: &str) -> Plan {
    let train = shell("train.m", "mkdir {model}; echo {content} > {model}/weights")
        .writes("model", "model")
        .param("content", json!(content));
    let mut judge = shell("gate.g", "echo against {champion} > {verdict}")
        .reads("model", "train.m", "model")
        .writes("verdict", "v");
    judge.inputs.insert(
        "champion".to_owned(),
        InputRef::Champion { model: "m".to_owned(), alias: "champion".to_owned(), registry: None },
    );
    let mut plan = plan(vec![train, judge]);
    plan.steps.push(crate::project::step("register.m").reads("model", "train.m", "model").after("gate.g"));
    plan
}

fn with_register(project: &Project, content: &str) -> Plan {
    let mut plan = pipeline(content);
    plan.steps.pop();
    let mut step = project
        .python_step("register.m", "json.dump({'model': 'm'}, open(args['registration'], 'w'))\ndone('registered', registration=args['registration'])")
        .reads("model", "train.m", "model")
        .reads("verdict", "gate.g", "verdict")
        .writes("registration", "registration.json");
    step.spec = StepSpec::Register(Register {
        model: "m".to_owned(),
        alias: "champion".to_owned(),
        gate: None,
        registry: None,
    });
    plan.steps.push(step);
    mlpc_plan::identity::identify(&mut plan);
    plan
}

#[test]
fn a_run_registers_and_the_next_is_judged_against_it() {
    let project = Project::new();
    let first = project.run(&with_register(&project, "one"));
    assert_eq!(first.state("register.m"), StepState::Succeeded, "{:?}", first.step("register.m"));
    let event = first.events.iter().find(|event| matches!(event, RunEvent::Registered { .. })).unwrap();
    let RunEvent::Registered { version: 1, new: true, path, .. } = event else { panic!("{event:?}") };
    assert_eq!(text(&path.join("weights")), "one\n");
    assert_eq!(text(&first.step("gate.g").outputs["verdict"]), "against {champion}\n", "there was none");

    // Another model is judged against version 1, and takes its place.
    let second = project.run(&with_register(&project, "two"));
    assert_eq!(second.state("gate.g"), StepState::Succeeded);
    assert!(text(&second.step("gate.g").outputs["verdict"]).contains("registry/m/v1"));
    assert_eq!(champion(&project), Some(2));

    // The champion changed, so the gate runs once more; then nothing is left to do.
    project.run(&with_register(&project, "two"));
    let last = project.run(&with_register(&project, "two"));
    assert!(last.states().iter().all(|(_, state)| *state == StepState::Cached), "{:?}", last.states());
    assert_eq!(champion(&project), Some(2));
    let models = registry::models(&layout(&project)).unwrap();
    assert_eq!(models[0].versions.len(), 2);
    assert_eq!(models[0].versions[1].provenance["step"], json!("register.m"));
}

#[test]
fn a_cached_step_registers_if_the_registry_was_lost() {
    let project = Project::new();
    let plan = with_register(&project, "one");
    project.run(&plan);
    std::fs::remove_dir_all(project.path(".mlp/registry")).unwrap();
    let ran = project.run(&plan);
    assert_eq!(ran.state("register.m"), StepState::Cached);
    assert_eq!(champion(&project), Some(1));
}
