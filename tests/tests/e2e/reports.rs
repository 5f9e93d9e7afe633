//! What reports hold beside metrics: intervals, gaps, importance, pictures; the same bytes wherever they are made.

use super::lint;
use mlpc_tests::gated::{PROGRAM, trips};
use mlpc_tests::project::{Project, Run};
use serde_json::Value;

const MORE: &str = "slices  = [town]
  min_rows   = 20
  confidence = 90%
  curves     = [roc, calibration, importance]";

/// The program of gates with a report that tells more.
fn project() -> Project {
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
