//! The examples as people run them: reproducible to the byte, cached, changed, packaged.

use super::lint;
use mlpc_tests::project::{Project, Run};
use mlpc_tests::python;
use std::thread;

#[test]
fn penguins_run_the_same_everywhere_and_only_what_changed_runs_again() {
    let (here, there) = (Project::example("penguins"), Project::example("penguins"));
    here.lock();
    there.lock();
    assert_eq!(here.read("mlp.lock"), there.read("mlp.lock"));
    let (first, second) = thread::scope(|scope| {
        let second = scope.spawn(|| there.succeed(&["--jobs", "1"]));
        (here.succeed(&[]), second.join().unwrap())
    });

    // Two folders, one after another or two at once: the same bytes.
    let artifacts = first.artifacts();
    assert_eq!(artifacts, second.artifacts());
    let names: Vec<&String> = artifacts.keys().collect();
    let wanted = ["penguin_classifier", "penguins_data_docs", "release", "report", "report_metrics", "species_model"];
    assert_eq!(names, wanted);
    for project in [&here, &there] {
        assert_eq!(project.mlpc(&["build", "--locked", "--out", "built"]).code, 0);
    }
    assert_eq!(here.files("built"), there.files("built"));
    assert_eq!(here.files(".mlp/latest"), there.files(".mlp/latest"));
    assert_eq!(here.files(".mlp/registry/penguin_classifier/v1"), there.files(".mlp/registry/penguin_classifier/v1"));
    for (step, output) in [("features.traits", "rows"), ("split.parts", "parts"), ("evaluate.report", "predictions")] {
        let bytes = |run: &Run| std::fs::read(run.output(step, output)).unwrap();
        assert_eq!(bytes(&first), bytes(&second), "{step} {output}");
    }
    assert_eq!(first.last()["verdicts"][0]["passed"], true);
    assert_eq!(first.steps("succeeded").len(), 9);

    // Nothing changed: nothing runs.
    let again = here.succeed(&[]);
    assert_eq!(again.steps("cached").len(), 9, "{:?}", again.states());
    assert_eq!(again.artifacts(), artifacts);

    the_package_predicts_what_the_evaluation_did(&here, &first);
    lint::check(&here.path.join("built"));
    a_threshold_concerns_its_gate_only(&there);
    another_seed_gives_another_model(&here, &first, &artifacts["species_model"]);
}

/// In a fresh process, with the runtime and the package alone.
fn the_package_predicts_what_the_evaluation_did(project: &Project, run: &Run) {
    let away = tempfile::tempdir().unwrap();
    let copy = |from: &str, to: &str| {
        for (name, bytes) in project.files(from) {
            let path = away.path().join(to).join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
    };
    copy(".mlp/latest/penguin_species/species_model", "model");
    copy("built/mlp_runtime", "mlp_runtime");
    let script = r#"
import sys
from pathlib import Path
import polars as pl
from mlp_runtime import model

loaded = model.load(Path("model"))
rows, predictions = pl.read_parquet(sys.argv[1]), pl.read_parquet(sys.argv[2])
rows = rows.join(predictions.select("__row__"), on="__row__", how="semi", maintain_order="left")
predicted = loaded.predict(rows)
assert predicted.to_list() == predictions["__prediction__"].to_list(), predictions.columns
given = loaded.predict_proba(rows)
wanted = predictions.select(f"__probability__{name}" for name in loaded.classes).to_numpy()
assert (given == wanted).all()
assert "features" not in sys.modules
print(len(predicted))
"#;
    let mut command = python::command();
    command.args(["-c", script]).arg(run.output("features.traits", "rows"));
    command.arg(run.output("evaluate.report", "predictions")).current_dir(away.path());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let count: usize = String::from_utf8_lossy(&output.stdout).trim().parse().unwrap();
    assert!(count > 90, "{count}");
}

/// A gate that says no: exit code 3, nothing after it runs, everything before it is cached.
fn a_threshold_concerns_its_gate_only(project: &Project) {
    project.edit("penguins.mlp", "require log_loss < 0.2", "require log_loss < 0.0001");
    let run = project.run(&[]);
    assert_eq!(run.ended.code, 3, "{}", run.told());
    assert_eq!(run.steps("refused"), ["gate.release"]);
    assert_eq!(run.steps("skipped"), ["register.penguin_classifier"]);
    assert_eq!(run.steps("cached").len(), 7, "{:?}", run.states());
    assert_eq!(run.last()["outcome"], "refused");
    let verdict = &run.last()["verdicts"][0];
    assert_eq!(verdict["passed"], false);
    let requirement = &verdict["requirements"][2];
    assert_eq!(requirement["text"], "log_loss < 0.0001");
    let told = requirement["lines"].to_string();
    assert!(told.contains("log_loss 0.0") && told.contains("refused"), "{told}");
}

/// The seed reaches what chance decides, and nothing that it does not.
fn another_seed_gives_another_model(project: &Project, first: &Run, model: &str) {
    project.edit("penguins.mlp", "seed  = 42", "seed  = 43");
    let run = project.run(&[]);
    assert!([0, 3].contains(&run.ended.code), "{}", run.told());
    assert_eq!(run.steps("cached"), ["features.traits", "ingest.penguins", "validate.penguins"]);
    let parts = |run: &Run| std::fs::read(run.output("split.parts", "parts")).unwrap();
    assert_ne!(parts(&run), parts(first));
    assert_ne!(run.artifacts()["species_model"], model);
}

#[test]
fn diabetes_runs_to_its_end() {
    let project = Project::example("diabetes");
    project.lock();
    let run = project.succeed(&[]);
    assert_eq!(run.last()["outcome"], "succeeded");
    let r2 = run.last()["metrics"]["evaluate.report"]["r2"].as_f64().unwrap();
    assert!((0.35..0.7).contains(&r2), "{r2}");
    assert!(run.artifacts().contains_key("tuned"));
    assert_eq!(project.mlpc(&["build", "--locked", "--out", "built"]).code, 0);
    lint::check(&project.path.join("built"));
}
