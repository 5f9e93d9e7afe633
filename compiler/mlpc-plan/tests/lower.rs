//! The plans of the examples, as snapshots, with a lock made up of fixed digests.

#![allow(clippy::expect_used, reason = "tests may panic")]

use mlpc_db::{Database, RealSystem};
use mlpc_plan::lock::{Lock, LockedData, LockedEnvironment};
use mlpc_plan::{Plan, lower, wanted};
use std::path::Path;

fn plan(folder: &str, program: &str) -> Plan {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder);
    let mut db = Database::default();
    let project = mlpc_hir::load(&mut db, &RealSystem::new(&root), program, None).expect("the example can be read");
    let wanted = wanted(&db, project);
    let mut lock = Lock::default();
    for data in &wanted.data {
        let locked = LockedData { path: data.path.clone(), sha256: "0".repeat(64), bytes: 0, archive: None };
        lock.data.insert(data.name.clone(), locked);
    }
    for code in &wanted.code {
        lock.code.insert(code.path.clone(), "1".repeat(64));
    }
    for environment in &wanted.environments {
        let locked = LockedEnvironment {
            python: environment.python.clone(),
            requirements: environment.digest(),
            image: None,
            packages: Vec::new(),
        };
        lock.environments.insert(environment.name.clone(), locked);
    }
    lower(&db, project, &lock)
}

#[test]
fn the_plan_of_penguins() {
    insta::assert_json_snapshot!(plan("examples/penguins", "penguins.mlp"));
}

#[test]
fn the_plan_of_diabetes() {
    insta::assert_json_snapshot!(plan("examples/diabetes", "diabetes.mlp"));
}

#[test]
fn plans_follow_their_published_schema() {
    let schema = serde_json::to_value(schemars::schema_for!(Plan)).expect("a schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is valid");
    for (folder, program) in [("examples/penguins", "penguins.mlp"), ("examples/diabetes", "diabetes.mlp")] {
        let value = serde_json::to_value(plan(folder, program)).expect("a plan is JSON");
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new(), "{program}");
    }
}
