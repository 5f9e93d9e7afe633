//! What a gate asks for, and the evidence that it leaves.

use super::lint;
use mlpc_tests::gated::project;
use mlpc_tests::project::{Project, Run};
use serde_json::{Value, json};

fn verdict(run: &Run) -> Value {
    serde_json::from_slice(&std::fs::read(run.output("gate.release", "verdict")).unwrap()).unwrap()
}

#[test]
fn a_verdict_holds_its_evidence_and_no_time() {
    let project = project();
    let first = project.succeed(&[]);
    let told = verdict(&first);
    assert_eq!(told["passed"], true);
    assert_eq!(told["champion"], Value::Null);
    let [surely, champion, towns, gap, latency, size, age] = told["requirements"].as_array().unwrap().as_slice() else {
        panic!("{told}")
    };
    let evidence = &surely["evidence"][0];
    assert_eq!((&evidence["test"], &evidence["samples"]), (&json!("paired bootstrap"), &json!(1000)));
    let number = |name: &str| evidence[name].as_f64().unwrap();
    assert!(number("low") <= number("difference") && number("difference") <= number("high"), "{evidence}");
    assert!(champion["lines"][0].as_str().unwrap().contains("no champion yet"));
    let slices: Vec<&Value> = towns["evidence"].as_array().unwrap().iter().map(|item| &item["slice"]).collect();
    assert_eq!(slices, ["a", "b"]);
    assert_eq!(gap["confidence"], 0.9);
    assert_eq!((&latency["lines"], &latency["evidence"]), (&json!(["latency(p95) < 1m  passed"]), &json!([])));
    assert!(size["evidence"][0]["left"].as_f64().unwrap() > 1000.0, "{size}");
    // The last ride started at 21:00 on the 19th of February.
    assert_eq!(age["evidence"][0]["left"], json!(9.0 * 86400.0 + 3.0 * 3600.0));
    assert!(first.step("gate.release")["metrics"]["latency_p95"].as_f64().unwrap() > 0.0);

    // The same again, elsewhere: the same bytes.
    let elsewhere = self::project();
    assert_eq!(verdict(&elsewhere.succeed(&[])), told);

    assert_eq!(project.mlpc(&["build", "--locked", "--out", "built"]).code, 0);
    lint::check(&project.path.join("built"));
}

#[test]
fn the_next_model_is_compared_with_the_champion_row_by_row() {
    let project = project();
    let first = project.succeed(&[]);
    // It learns the same, so it is no worse, and no better either.
    project.edit("main.mlp", "max_iter: 200", "max_iter: 201");
    project.lock();
    let second = project.succeed(&[]);
    let told = verdict(&second);
    let evidence = &told["requirements"][1]["evidence"][0];
    assert_eq!(evidence["share"], 1.0, "{evidence}");
    assert!((evidence["low"].as_f64().unwrap() - 0.02).abs() < 1e-9, "{evidence}");
    assert_eq!(told["champion"], verdict(&first)["model"]);
    assert_ne!(told["champion"], told["model"]);

    assert_eq!(versions(&project), (vec![1, 2], 2));
    let champion = |args: &[&str]| {
        let ended = project.mlpc(&[&["registry"], args, &["late_rides", "--format", "json"]].concat());
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        serde_json::from_str::<Value>(&ended.stdout).unwrap()["version"].as_u64().unwrap()
    };
    assert_eq!(champion(&["champion"]), 2);
    assert_eq!(champion(&["rollback"]), 1);
    assert_eq!(champion(&["champion"]), 1);
    let nothing_before = project.mlpc(&["registry", "rollback", "late_rides"]);
    assert_eq!(nothing_before.code, 2);
    assert!(nothing_before.stderr.contains("has no champion before version 1"), "{}", nothing_before.stderr);
    // The same run again does not undo what a person did; a person can.
    let _ = project.succeed(&[]);
    assert_eq!(versions(&project), (vec![1, 2], 1));
    assert_eq!(project.mlpc(&["registry", "promote", "late_rides", "2"]).code, 0);
    assert_eq!(project.mlpc(&["registry", "promote", "late_rides", "3"]).code, 2);
    assert_eq!(project.mlpc(&["registry", "show", "other"]).code, 2);
    let shown = project.mlpc(&["registry", "show", "late_rides"]).stdout;
    assert!(shown.contains("rolled back") && shown.contains("release"), "{shown}");

    project.edit("main.mlp", "max_iter: 201", "max_iter: 202");
    project.edit("main.mlp", "roc_auc >= champion.roc_auc - 0.02", "accuracy > champion.accuracy");
    let told = refusal(&project);
    assert!(told.contains("0 rows are right here alone and 0 with the champion alone, p 1"), "{told}");

    project.edit("main.mlp", "require accuracy > champion.accuracy with confidence 95%\n", "");
    project.edit("main.mlp", "freshness(trips) < 60d", "freshness(trips) < 1w");
    let told = refusal(&project);
    assert!(told.contains("age of trips 9.125d < 7d  refused"), "{told}");
}

/// The versions of the model, each with its provenance, and the number of the champion.
fn versions(project: &Project) -> (Vec<u64>, u64) {
    let shown = project.mlpc(&["registry", "show", "late_rides", "--format", "json"]);
    let model: Value = serde_json::from_str(&shown.stdout).unwrap();
    let versions = model["versions"].as_array().unwrap();
    for version in versions {
        let facts = &version["provenance"];
        assert_eq!(facts["plan"].as_str().unwrap().len(), 64);
        assert_eq!(facts["data"]["trips"].as_str().unwrap().len(), 64);
        assert_eq!(facts["registration"]["gate"], "release");
        assert_eq!(facts["registration"]["requirements"].as_array().unwrap().len(), 7);
        assert_eq!(facts["registration"]["version_digest"], version["digest"]);
    }
    let numbers = versions.iter().map(|version| version["version"].as_u64().unwrap()).collect();
    (numbers, model["aliases"]["champion"].as_u64().unwrap())
}

/// Why the gate refuses.
fn refusal(project: &Project) -> String {
    project.lock();
    let run = project.run(&[]);
    assert_eq!(run.ended.code, 3, "{}", run.told());
    run.step("gate.release")["summary"].as_str().unwrap().to_owned()
}
