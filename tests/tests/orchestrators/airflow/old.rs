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
    let store = builds.address("penguins");
    penguins.write("mlp.toml", format!("[target.airflow]\nversion = \"2.11\"\nstore = \"{store}\"\n"));
    builds.add_as_it_is("penguins", &penguins);
    lint(&builds.folder().join("penguins"), &[]);
    let read = airflow::read_by_old(&builds.folder());
    assert_eq!(read["errors"], json!({}));
    agree(&read["dags"]["penguin_species"], &builds.plan("penguins/plan.json"));
    let said = airflow::run_by_old(&builds.folder(), "penguin_species");
    assert_eq!(results(&builds.store("penguins").join("store")), native(&penguins, "train"), "{said}");
}
