//! The examples of the repository are free of findings.

#![allow(clippy::expect_used, reason = "tests may panic")]

use mlpc_db::{Database, RealSystem};
use std::path::Path;

fn findings(folder: &str, program: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder);
    let mut db = Database::default();
    let project = mlpc_hir::load(&mut db, &RealSystem::new(&root), program, None).expect("the example can be read");
    mlpc_hir::check_project(&db, project)
        .iter()
        .map(|finding| {
            let place = finding.primary().expect("a finding has a place");
            let file = project.files(&db).iter().find(|file| file.id(&db) == place.file).expect("its file is loaded");
            let text = file.text(&db).get(place.span.range()).unwrap_or_default();
            format!("{} {} at `{text}`", finding.code.id, finding.message)
        })
        .collect()
}

#[test]
fn penguins_is_clean() {
    assert_eq!(findings("examples/penguins", "penguins.mlp"), Vec::<String>::new());
}

#[test]
fn diabetes_is_clean() {
    assert_eq!(findings("examples/diabetes", "diabetes.mlp"), Vec::<String>::new());
}
