//! A plan run step by step as an orchestrator does, over a store, gives what the executor of this machine gives.

use mlpc_plan::variables::{FIXED, THREADS};
use mlpc_tests::gated;
use mlpc_tests::given;
use mlpc_tests::project::Project;
use mlpc_tests::python;
use mlpc_tests::store::results;
use serde_json::Value;
use std::path::PathBuf;
use std::process::Output;

/// A build of an example, and a store beside it.
struct Launched {
    project: Project,
    store: PathBuf,
}

impl Launched {
    fn of(project: Project) -> Self {
        assert_eq!(project.mlpc(&["build", "--locked", "--out", "built"]).code, 0);
        let store = project.path.join("store of all");
        Self { project, store }
    }

    fn plan(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.project.path.join("built/plan.json")).unwrap()).unwrap()
    }

    /// Runs the launcher from a folder that is not the project's, so that files come from the store.
    fn launch(&self, arguments: &[&str]) -> Output {
        let uri = format!("file://{}", self.store.display()).replace(' ', "%20");
        let mut command = python::command();
        command.args(["-m", "mlp_runtime.launch"]).args(arguments).args(["--store", &uri]);
        command.current_dir(self.project.path.join("built")).output().unwrap()
    }

    fn succeed(&self, arguments: &[&str]) -> String {
        let output = self.launch(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Every step, in order, and the end of the run.
    fn run(&self, name: &str) {
        for step in self.plan()["steps"].as_array().unwrap() {
            self.succeed(&["step", step["id"].as_str().unwrap(), "--run", name]);
        }
        self.succeed(&["finish", "--run", name]);
    }
}

#[test]
fn steps_that_an_orchestrator_starts_make_the_same_bytes() {
    let launched = Launched::of(Project::example("penguins"));
    let unpinned = launched.launch(&["step", "ingest.penguins", "--run", "early"]);
    assert_eq!(unpinned.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unpinned.stderr).contains("push it from the project"));

    assert!(launched.succeed(&["push", "--project", ".."]).contains("pushed data/penguins.csv"));
    assert_eq!(launched.succeed(&["push", "--project", ".."]), "");
    launched.run("first");
    let run = launched.project.succeed(&[]);
    let kept = results(&launched.store.join("store"));
    assert_eq!(kept.len(), run.steps("succeeded").len());
    assert_eq!(kept, results(&launched.project.path.join(".mlp/store")));

    // What was made before is found, and a version that holds the alias stays.
    let again = launched.succeed(&["step", "register.penguin_classifier", "--run", "second"]);
    assert!(again.contains("kept from before"), "{again}");
    let registry = launched.store.join("registry/penguin_classifier/registry.json");
    let registry: Value = serde_json::from_slice(&std::fs::read(registry).unwrap()).unwrap();
    assert_eq!(registry["versions"].as_array().unwrap().len(), 1);
    assert_eq!(registry["aliases"]["champion"], 1);
}

/// Samples and shuffles are drawn by seeds of the plan, wherever the step runs.
#[test]
fn a_report_is_the_same_bytes_over_a_store() {
    let launched = Launched::of(super::reports::project());
    launched.succeed(&["push", "--project", ".."]);
    launched.run("first");
    let _ = launched.project.succeed(&[]);
    assert_eq!(results(&launched.store.join("store")), results(&launched.project.path.join(".mlp/store")));
}

/// The second model meets the first in the store's registry as it does in this machine's.
#[test]
fn a_gate_decides_by_the_same_bytes_over_a_store() {
    let project = gated::project();
    let mut launched = Launched::of(project);
    for (name, edited) in [("first", None), ("second", Some("max_iter: 150"))] {
        if let Some(edited) = edited {
            launched.project.edit("main.mlp", "max_iter: 200", edited);
            launched.project.lock();
            launched = Launched::of(launched.project);
        }
        launched.succeed(&["push", "--project", ".."]);
        launched.run(name);
        let run = launched.project.succeed(&[]);
        assert_eq!(run.step("gate.release")["state"], "succeeded");
    }
    assert_eq!(results(&launched.store.join("store")), results(&launched.project.path.join(".mlp/store")));
}

#[test]
fn a_damaged_artifact_is_not_read() {
    let launched = Launched::of(Project::example("penguins"));
    launched.succeed(&["push", "--project", ".."]);
    launched.succeed(&["step", "ingest.penguins", "--run", "r"]);
    let (identity, _) = results(&launched.store.join("store")).remove(0);
    let rows = launched.store.join("store").join(&identity[..2]).join(&identity).join("rows.parquet");
    let mut bytes = std::fs::read(&rows).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&rows, bytes).unwrap();
    let output = launched.launch(&["step", "features.traits", "--run", "r"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("has the digest"), "{output:?}");
}

/// What a step sees of the table of variables does not depend on who starts it, nor on what they are elsewhere.
#[test]
fn a_step_has_the_same_variables_wherever_it_runs() {
    let names: Vec<&str> = FIXED.iter().map(|(name, _)| *name).chain(THREADS.iter().copied()).collect();
    let run = format!("env | grep -E '^({})=' | sort > {{seen}}", names.join("|"));
    let program = "pipeline variables { seed = 1 }

step look {
  run     = shell(\"RUN\")
  outputs { seen: file(\"seen.txt\") }
}
";
    let project = Project::of(&program.replace("RUN", &run));
    project.lock();
    let launched = Launched::of(project);
    launched.run("r");
    let run = launched.project.succeed(&[]);
    let seen = std::fs::read_to_string(run.output("step.look", "seen")).unwrap();
    assert_eq!(seen.lines().count(), names.len(), "{seen}");
    assert!(FIXED.iter().all(|(name, value)| seen.lines().any(|line| line == format!("{name}={value}"))), "{seen}");
    assert_eq!(results(&launched.store.join("store")), results(&launched.project.path.join(".mlp/store")));
}

#[test]
fn values_of_parameters_make_what_the_compiler_makes_of_them() {
    let launched = Launched::of(given::project());
    launched.succeed(&["push", "--project", ".."]);
    let plan = launched.plan();
    let names: Vec<&String> = plan["parameters"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["day", "passes", "trust", "how"], "{plan:#}");
    let as_json = r#"{"day": "2025-01-25", "passes": 60.0, "trust": 3, "how": null}"#;
    let scheduled = "2025-01-25T23:30:00Z";
    let cases: &[(&[&str], &[&str])] = &[
        (&["--params", as_json], &["--param", "day=2025-01-25", "--param", "passes=60", "--param", "trust=3"]),
        // The day begins in the zone of the schedule.
        (
            &["--scheduled", scheduled, "--param", "trust=7.5e-7", "--param", "how=newton-cg"],
            &["--param", "day=2025-01-26", "--param", "trust=7.5e-7", "--param", "how=newton-cg"],
        ),
        // What somebody says goes before what is scheduled.
        (
            &["--scheduled", scheduled, "--params", r#"{"day": "2025-01-20"}"#, "--param", "trust=4e16"],
            &["--param", "day=2025-01-20", "--param", "trust=4e16"],
        ),
    ];
    for (at, (run, native)) in cases.iter().enumerate() {
        let name = format!("r{at}");
        for step in plan["steps"].as_array().unwrap() {
            launched.succeed(&[&["step", step["id"].as_str().unwrap(), "--run", &name], *run].concat());
        }
        launched.succeed(&[&["finish", "--run", &name], *run].concat());
        let _ = launched.project.succeed(native);
        let kept = results(&launched.store.join("store"));
        assert_eq!(kept, results(&launched.project.path.join(".mlp/store")), "{run:?}");
    }

    for (wrong, said) in [
        ("passes=501", "passes is in 1..=500, not 501"),
        ("passes=1.5", "passes is a whole number, not 1.5"),
        ("trust=0", "trust is in 0<.., not 0.0"),
        ("how=sag", "how is one of lbfgs, newton-cg, not sag"),
        ("day=tomorrow", "day is a day as 2026-01-31, not \"tomorrow\""),
        ("depth=3", "no run can be given a parameter depth: this build takes day, passes, trust, how"),
    ] {
        let output = launched.launch(&["step", "ingest.rides", "--run", "wrong", "--param", wrong]);
        assert_eq!(output.status.code(), Some(1), "{wrong}");
        assert_eq!(String::from_utf8_lossy(&output.stderr).trim(), said);
    }
}
