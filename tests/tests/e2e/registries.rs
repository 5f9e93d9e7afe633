//! Models in the registry of a real MLflow server: versions, champions and provenance, from this machine and over a store.

use mlpc_tests::gated;
use mlpc_tests::mlflow::{ENVIRONMENT, Mlflow};
use mlpc_tests::project::{Project, Run};
use mlpc_tests::python;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

fn run(server: &Mlflow, project: &Project) -> Run {
    project.lock_with(&python::locked_as(ENVIRONMENT));
    let mut command = project.command(&["run", "--locked", "--format", "json"]);
    Run::of(mlpc_tests::command::ended(command.env("RIDES_MLFLOW", &server.uri)))
}

fn project() -> Project {
    let project = Project::of(gated::PROGRAM);
    project.write("trips.csv", gated::trips(400));
    project.edit(
        "main.mlp",
        "register late_rides from model { requires = release }",
        "register late_rides from model {\n  requires = release\n  registry = mlflow(uri: env(\"RIDES_MLFLOW\"))\n}",
    );
    project
}

const SHOWN: &str = "
versions = client.search_model_versions(\"name='late_rides'\")
aliases = client.get_registered_model('late_rides').aliases
print(json.dumps({'champion': aliases['champion'], 'tags': [item.tags for item in reversed(versions)]}))
";

#[test]
fn the_runtime_passes_its_tests_of_registries_with_mlflow() {
    let mut command = python::clean(&python::interpreter(ENVIRONMENT));
    command.args(["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_registries.py"]);
    let output = command.current_dir(python::repository().join("stdlib/runtime")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn a_model_meets_the_champion_that_mlflow_holds() {
    let server = Mlflow::start();
    let project = project();
    let first = run(&server, &project);
    assert_eq!(first.ended.code, 0, "{}", first.told());
    project.edit("main.mlp", "max_iter: 200", "max_iter: 201");
    let second = run(&server, &project);
    assert_eq!(second.ended.code, 0, "{}", second.told());
    let verdict: Value =
        serde_json::from_slice(&std::fs::read(second.output("gate.release", "verdict")).unwrap()).unwrap();
    let shown = server.ask(SHOWN);
    let tags = |version: usize, name: &str| shown["tags"][version][name].as_str().unwrap_or_default().to_owned();
    assert_eq!(shown["champion"], "2", "{shown}");
    assert_eq!(verdict["champion"], tags(0, "mlp.digest").as_str());
    assert_eq!(verdict["model"], tags(1, "mlp.digest").as_str());
    assert!(tags(1, "mlp.verdict").contains("champion's roc_auc"), "{shown}");
    assert_eq!(tags(1, "mlp.plan").len(), 64);
    assert_eq!(tags(1, "mlp.data.trips").len(), 64);
    assert_eq!(tags(1, "mlp.gate"), "release");
    // Once more: nothing is registered again, and what a person moved stays.
    let _ = server.ask("client.set_registered_model_alias('late_rides', 'champion', '1')\nprint('null')");
    let again = run(&server, &project);
    assert_eq!(again.ended.code, 0, "{}", again.told());
    assert_eq!(server.ask(SHOWN)["champion"], "1");

    // An orchestrator's run over a store finds the same champion and registers the same version.
    launched(&server, &project);
    let shown = server.ask(SHOWN);
    assert_eq!(shown["tags"].as_array().unwrap().len(), 2, "{shown}");
}

/// Every step as an orchestrator starts it.
fn launched(server: &Mlflow, project: &Project) {
    assert_eq!(project.mlpc(&["build", "--locked", "--out", "built"]).code, 0);
    let built = project.path.join("built");
    let launch = |arguments: &[&str]| {
        let mut command: Command = python::clean(&python::interpreter(ENVIRONMENT));
        command.args(["-m", "mlp_runtime.launch"]).args(arguments).args(["--store", &store(&project.path)]);
        let output = command.env("RIDES_MLFLOW", &server.uri).current_dir(&built).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    launch(&["push", "--project", ".."]);
    let plan: Value = serde_json::from_slice(&std::fs::read(built.join("plan.json")).unwrap()).unwrap();
    for step in plan["steps"].as_array().unwrap() {
        launch(&["step", step["id"].as_str().unwrap(), "--run", "launched"]);
    }
    launch(&["finish", "--run", "launched"]);
}

fn store(project: &Path) -> String {
    format!("file://{}/shared", project.display())
}

#[test]
fn a_registry_that_does_not_answer_stops_the_run_before_it_starts() {
    let project = project();
    project.lock_with(&python::locked_as(ENVIRONMENT));
    let mut command = project.command(&["run", "--locked"]);
    let ended = mlpc_tests::command::ended(command.env_remove("RIDES_MLFLOW"));
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    assert!(ended.stderr.contains("the variable RIDES_MLFLOW should hold the address"), "{}", ended.stderr);
}
