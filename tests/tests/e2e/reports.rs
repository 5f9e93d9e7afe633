//! What reports hold beside metrics: intervals, gaps, importance, pictures; the same bytes wherever they are made.

use super::lint;
use mlpc_db::{Database, RealSystem};
use mlpc_tests::gated::{PROGRAM, trips};
use mlpc_tests::project::{Project, Run};
use mlpc_tests::python;
use serde_json::Value;

/// What `tests/python/explanations.lock` holds.
const ENVIRONMENT: &str = "explanations";

const MORE: &str = "slices  = [town]
  min_rows   = 20
  confidence = 90%
  curves     = [roc, calibration, importance]";

/// The program of gates with a report that tells more.
pub fn project() -> Project {
    let project = Project::of(&PROGRAM.replace("slices  = [town]", MORE));
    project.write("trips.csv", trips(400));
    project.lock();
    project
}

fn metrics(run: &Run) -> Value {
    serde_json::from_slice(&std::fs::read(run.output("evaluate.report", "metrics")).unwrap()).unwrap()
}

#[test]
fn a_report_says_how_sure_it_is_and_what_matters() {
    let project = project();
    let run = project.succeed(&[]);
    let told = metrics(&run);
    for metric in ["roc_auc", "accuracy"] {
        let interval = &told["intervals"]["metrics"][metric];
        let (low, high) = (interval[0].as_f64().unwrap(), interval[1].as_f64().unwrap());
        let value = told["metrics"][metric].as_f64().unwrap();
        assert!(low <= value && value <= high, "{metric}: {told}");
        assert!(told["gaps"]["columns"]["town"][metric].as_f64().unwrap() >= 0.0, "{told}");
        assert!(told["intervals"]["gaps"]["town"][metric][1].as_f64().unwrap() > 0.0, "{told}");
    }
    assert_eq!(told["intervals"]["slices"]["town"].as_array().unwrap().len(), 2);
    assert_eq!(told["gaps"]["min_rows"], 20);
    let inputs = told["importance"][0]["inputs"].as_array().unwrap();
    assert_eq!(inputs.len(), 1);
    assert_eq!(inputs[0]["name"], "z");
    assert!(inputs[0]["mean"].as_f64().unwrap() > 0.1, "the ride's distance is all that the model knows: {told}");

    let page = std::fs::read_to_string(run.output("evaluate.report", "report")).unwrap();
    for shown in ["<figcaption>ROC", "<figcaption>Calibration", "<figcaption>Importance", "By town"] {
        assert!(page.contains(shown), "{shown}");
    }
    assert!(!page.contains("<figcaption>Confusion"));
    for outside in ["http:", "https:", "<script", "<link", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }

    // The same again, elsewhere: the same bytes.
    let other = self::project();
    let elsewhere = other.succeed(&[]);
    assert_eq!(metrics(&elsewhere), told);
    assert_eq!(std::fs::read_to_string(elsewhere.output("evaluate.report", "report")).unwrap(), page);

    assert_eq!(project.mlpc(&["build", "--locked", "--out", "built"]).code, 0);
    lint::check(&project.path.join("built"));
}

#[test]
fn the_runtime_passes_its_tests_of_shapley_values_with_shap() {
    let mut command = python::clean(&python::interpreter(ENVIRONMENT));
    command.args(["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_shapley.py"]);
    let output = command.current_dir(python::repository().join("stdlib/runtime")).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && !told.contains("skipped"), "{told}");
}

#[test]
fn shapley_values_are_the_same_each_time_and_only_they_need_shap() {
    let explained = |explain: &str| {
        let project =
            Project::of(&PROGRAM.replace("slices  = [town]", &format!("slices = [town]\n  explain = {explain}")));
        project.write("trips.csv", trips(400));
        project
    };
    let project = explained("shap(rows: 40)");
    assert!(asked(&project).iter().any(|package| package.starts_with("shap")));
    assert!(!asked(&explained("permutation(repeats: 2)")).iter().any(|package| package.starts_with("shap")));
    project.lock_with(&python::locked_as(ENVIRONMENT));
    let run = project.succeed(&[]);
    let told = metrics(&run);
    let importance = &told["importance"][0];
    assert_eq!((&importance["method"], &importance["count"]), (&Value::from("shap"), &Value::from(40)));
    assert!(importance["inputs"][0]["mean"].as_f64().unwrap() > 0.05, "{told}");

    let other = explained("shap(rows: 40)");
    other.lock_with(&python::locked_as(ENVIRONMENT));
    assert_eq!(metrics(&other.succeed(&[])), told);
}

/// The packages that the program needs.
fn asked(project: &Project) -> Vec<String> {
    let mut db = Database::default();
    let loaded = mlpc_hir::load(&mut db, &RealSystem::new(&project.path), "main.mlp", None).expect("it loads");
    mlpc_plan::wanted(&db, loaded).environments.into_iter().flat_map(|environment| environment.requirements).collect()
}
