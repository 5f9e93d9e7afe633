//! The same DAG for the last Airflow 2.

use super::{Builds, agree, lint, native};
use mlpc_tests::airflow;
use mlpc_tests::project::Project;
use mlpc_tests::store::results;
use serde_json::json;

#[test]
fn the_last_airflow_2_reads_and_runs_its_version() {
    let builds = Builds::new();
    let penguins = Project::example("penguins");
    penguins.edit("penguins.mlp", "train = 70%, test = 30%", "folds = 3, test = 30%");
    penguins.edit(
        "penguins.mlp",
        "\nevaluate report of",
        "\nevaluate folded of species_model { metrics = [accuracy], on = validation }\n\nevaluate report of",
    );
    let store = builds.address("penguins");
    penguins.write("mlp.toml", format!("[target.airflow]\nversion = \"2.11\"\nstore = \"{store}\"\n"));
    penguins.lock();
    builds.add_as_it_is("penguins", &penguins);
    lint(&builds.folder().join("penguins"), &[]);
    let read = airflow::read_by_old(&builds.folder());
    assert_eq!(read["errors"], json!({}));
    agree(&read, "penguin_species", &builds.plan("penguins/plan.json"));
    let said = airflow::run_by_old(&builds.folder(), "penguin_species");
    // Each fold is fitted and trained by itself, its training after its fit.
    let folds = (1..=3).flat_map(|fold| [format!("fit.parts.fold_{fold}"), format!("train.species_model.fold_{fold}")]);
    let tasks = read["tasks"]["penguin_species"].as_object().unwrap();
    assert!(folds.into_iter().all(|step| tasks[&step]["mapped"] == "folds"), "{tasks:?}");
    assert_eq!(results(&builds.store("penguins").join("store")), native(&penguins, "train"), "{said}");
}
