//! Batch scoring as people run it: an entry point of its own, the version under the alias, new rows only.

use super::lint;
use mlpc_tests::channels::Channels;
use mlpc_tests::command::ended;
use mlpc_tests::python;
use mlpc_tests::rides::{project, trips};
use serde_json::{Value, json};
use std::path::Path;

/// Facts of a table of predictions, read in a process of its own.
fn table(path: &Path) -> Value {
    let script = "import json, sys, polars as pl\nrows = pl.read_parquet(sys.argv[1])\n\
                  print(json.dumps({'columns': rows.columns, 'ids': rows['id'].to_list(), \
                  'versions': sorted(set(rows['version'].to_list())), \
                  'times': rows['scored_at'].n_unique(), 'sure': rows['probability_true'].max()}))";
    let output = python::command().args(["-c", script]).arg(path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn predictions_come_from_the_version_under_the_alias_and_new_rows_are_added() {
    let project = project(200);
    // Nothing is registered yet.
    let early = project.run(&["--entry", "predict.nightly"]);
    assert_eq!(early.ended.code, 4, "{}", early.told());
    assert!(early.told().contains("no version of late_rides is its champion yet"), "{}", early.told());
    assert!(!project.path.join("scores").exists());

    let trained = project.succeed(&[]);
    assert!(!trained.states().keys().any(|step| step.starts_with("predict.")));

    let all = project.succeed(&["--entry", "predict.everything"]);
    let steps: Vec<String> = all.states().into_keys().collect();
    assert_eq!(steps, ["ingest.trips", "predict.everything", "validate.trips"]);
    let scores = table(&project.path.join("scores/all.parquet"));
    assert_eq!(
        scores["columns"],
        serde_json::json!(["id", "prediction", "probability_false", "probability_true", "version", "scored_at"])
    );
    assert_eq!(scores["ids"].as_array().unwrap().len(), 200);
    assert_eq!(scores["versions"], serde_json::json!([1]));
    // The same rows and the same version: nothing to do, and the file is put back where it is missing.
    std::fs::remove_file(project.path.join("scores/all.parquet")).unwrap();
    assert_eq!(project.succeed(&["--entry", "predict.everything"]).steps("cached").len(), 3);
    assert!(project.path.join("scores/all.parquet").is_file());

    let open = project.succeed(&["--entry", "predict.still_open"]);
    assert_eq!(open.step("predict.still_open")["rows"]["scored"], 20);

    assert_eq!(project.succeed(&["--entry", "predict.nightly"]).step("predict.nightly")["rows"]["scored"], 200);
    let first = std::fs::read(project.path.join("scores/new.parquet")).unwrap();
    assert_eq!(project.succeed(&["--entry", "predict.nightly"]).step("predict.nightly")["rows"]["scored"], 0);
    assert_eq!(std::fs::read(project.path.join("scores/new.parquet")).unwrap(), first);
    project.write("trips.csv", trips(230));
    project.lock();
    assert_eq!(project.succeed(&["--entry", "predict.nightly"]).step("predict.nightly")["rows"]["scored"], 30);
    let scores = table(&project.path.join("scores/new.parquet"));
    assert_eq!(scores["ids"], serde_json::json!((0..230).collect::<Vec<i64>>()));

    // Features that the registered version does not know of: told, and nothing is written over.
    project.edit("main.mlp", "  column z = standardize(distance)\n", "  column zz = standardize(distance)\n");
    project.lock();
    let refused = project.run(&["--entry", "predict.everything"]);
    assert_eq!(refused.ended.code, 4, "{}", refused.told());
    assert!(refused.told().contains("it reads z, which is no column any more"), "{}", refused.told());
}

#[test]
fn a_build_holds_a_plan_for_each_entry_point() {
    let project = project(120);
    assert_eq!(project.mlpc(&["build", "--locked", "--out", "built"]).code, 0);
    for entry in ["everything", "nightly", "daily", "still_open"] {
        let plan: Value = serde_json::from_str(&project.read(&format!("built/plans/predict.{entry}.json"))).unwrap();
        assert!(plan["finals"].as_array().unwrap().iter().any(|made| made["name"] == entry), "{plan}");
        assert_eq!(plan["steps"].as_array().unwrap().len(), 3);
    }
    lint::check(&project.path.join("built"));
    let unknown = project.mlpc(&["run", "--locked", "--entry", "predict.weekly"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("no entry point `predict.weekly`"), "{}", unknown.stderr);
    assert!(unknown.stderr.contains("predict.still_open"), "{}", unknown.stderr);
    assert_eq!(project.mlpc(&["plan", "--entry", "predict.nightly"]).code, 0);
}

#[test]
fn predictions_as_text_are_added_to_and_channels_are_told() {
    let project = project(200);
    project.edit(
        "main.mlp",
        "pipeline rides { seed = 7 }",
        r#"pipeline rides {
  seed   = 7
  notify = [
    slack(webhook: secret("HOOK"), on: [failure, gate_refused]),
    webhook(url: secret("HOOK"), on: gate_refused),
    email(to: ["team@example.com"], from: "mlp@example.com", server: secret("MAIL"), on: [gate_refused]),
  ]
}"#,
    );
    project.lock();
    // A gate that refuses is told of, and a server that answers nothing useful only warned of.
    project.edit("main.mlp", "roc_auc >= 0.6", "roc_auc >= 1.0");
    let channels = Channels::start();
    let run = |hook: &str, address: &str| {
        let mut command = project.command(&["run", "--locked"]);
        ended(command.env(hook, address).env("MAIL", format!("smtp://{}", channels.mail)))
    };
    let hook = format!("{}/hook", channels.hook);
    let refused = run("HOOK", &hook);
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    let told = channels.next(5);
    let text = told["text"].as_str().unwrap();
    assert!(text.starts_with("rides was refused by its gate") && text.contains("gate release"), "{text}");
    let posted = channels.next(5);
    let run_name = posted["run"].as_str().unwrap();
    assert_eq!(
        posted,
        json!({
            "path": "/hook",
            "pipeline": "rides",
            "run": run_name,
            "ending": "gate_refused",
            "message": posted["message"],
        })
    );
    assert!(posted["message"].as_str().unwrap().contains(run_name), "{posted}");
    let letter = channels.next(5);
    assert_eq!((&letter["to"], &letter["subject"]), (&json!(["team@example.com"]), &json!("rides: gate refused")));
    assert!(letter["text"].as_str().unwrap().contains("gate release"), "{letter}");

    let broken = run("HOOK", &format!("{}/broken", channels.hook));
    assert_eq!(broken.code, 3);
    assert!(broken.stderr.contains("the webhook of HOOK was not told: the server answered 500"), "{}", broken.stderr);
    assert!(!broken.stderr.contains(&channels.hook), "{}", broken.stderr);
    let unset = run("OTHER", &hook);
    assert!(
        unset.stderr.contains("the variable HOOK, which holds the webhook's address, is not set"),
        "{}",
        unset.stderr
    );
    // What succeeds is no failure.
    project.edit("main.mlp", "roc_auc >= 1.0", "roc_auc >= 0.6");
    assert_eq!(run("HOOK", &hook).code, 0);

    let channels = Channels::start();
    let score = || {
        let mut command = project.command(&["run", "--locked", "--entry", "predict.daily"]);
        let done = ended(command.env("DAILY_WEBHOOK", &channels.hook));
        assert_eq!(done.code, 0, "{}", done.stderr);
        project.read("scores/daily.csv")
    };
    let first = score();
    let header = "\"id\",\"prediction\",\"probability_false\",\"probability_true\",\"version\",\"scored_at\"";
    assert_eq!(first.lines().next(), Some(header));
    assert_eq!(first.lines().count(), 201);
    assert_eq!(score(), first);
    project.write("trips.csv", trips(230));
    project.lock();
    let more = score();
    assert!(more.starts_with(&first) && more.lines().count() == 231, "{more}");
    for _ in 0..3 {
        assert!(channels.next(5)["text"].as_str().unwrap().starts_with("rides succeeded"));
    }
    assert!(channels.is_silent());
    let plan = project.mlpc(&["plan", "--entry", "predict.daily"]);
    assert!(plan.stdout.contains("scheduled: 0 5 * * * (Europe/Vienna)"), "{}", plan.stdout);
}
