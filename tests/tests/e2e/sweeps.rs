//! Sweeps as people run them: points drawn or searched, by a validation part or by folds; killed and gone on with.

use super::lint;
use mlpc_tests::project::{Project, Run};
use serde_json::Value;
use std::fs;
use std::time::{Duration, Instant};

const SPLIT: &str = "split parts of seen { by = stratified(kind), train = 60%, validation = 20%, test = 20% }";
const FOLDS: &str = "split parts of seen { by = stratified(kind), folds = 3, test = 25% }";

/// A program with two models and a sweep. `width` needs fitting.
fn plants(split: &str, sweep: &str) -> Project {
    let program = format!(
        r#"/// Which kind is this plant?
pipeline plants {{ seed = 7 }}

/// One row per plant.
dataset garden {{
  source = csv("garden.csv")
  key    = id
  schema {{ id: int, height: float, width: float, kind: category["fern", "moss", "reed"] }}
  expect {{ rows in 100.. }}
}}

/// What is measured.
features seen from garden {{
  column height
  column wide = standardize(width)
  label  kind
}}

{split}

train forest {{ trainer = sklearn.random_forest_classifier, data = parts }}
train linear {{ trainer = sklearn.logistic_regression(max_iter: 300), data = parts }}

{sweep}

evaluate report of tuned {{ metrics = [accuracy, log_loss] }}
gate release on report {{ require accuracy >= 0.5 }}
register kinds from tuned {{ requires = release }}
"#
    );
    let project = Project::of(&program);
    let row = |at: usize| {
        let (height, width) = ((at * 37) % 41, (at * 53) % 29);
        let kind = ["fern", "moss", "reed"][(height + width + at % 7) / 26 % 3];
        format!("{at},{height}.5,{width}.25,{kind}")
    };
    let rows: Vec<String> = std::iter::once("id,height,width,kind".to_owned()).chain((0..240).map(row)).collect();
    project.write("garden.csv", rows.join("\n") + "\n");
    project.lock();
    project
}

const DRAWN: &str = "sweep tuned of forest, linear {
  strategy  = random(trials: 4)
  objective = minimize(log_loss)
  search forest { n_estimators in 5..=20, max_depth in [2, 4, null], ccp_alpha in 0.001..=0.01 when max_depth != 2 }
  search linear { C in log(0.01..=100.0) }
}";

fn searched(strategy: &str) -> String {
    DRAWN.replace("random(trials: 4)", strategy)
}

fn trials(run: &Run) -> Value {
    serde_json::from_slice(&fs::read(run.output("sweep.tuned", "trials")).unwrap()).unwrap()
}

fn model(run: &Run) -> Value {
    let folder = run.output("sweep.tuned", "model");
    serde_json::from_slice(&fs::read(folder.join("signature.json")).unwrap()).unwrap()
}

/// The trial with the least loss of those that nothing stopped is the best one, and its model is what is evaluated.
fn winner_is_the_best(run: &Run) -> Value {
    let told = trials(run);
    let all = told["trials"].as_array().unwrap();
    let loss = |trial: &Value| trial["values"]["log_loss"].as_f64().unwrap();
    let whole = all.iter().filter(|trial| trial["state"] == "complete");
    let least = whole.min_by(|one, other| loss(one).total_cmp(&loss(other))).unwrap();
    assert_eq!(told["best"], least["number"]);
    let training = &model(run)["training"];
    assert_eq!(training["hyperparameters"], least["hyperparameters"]);
    assert_eq!(training["seed"], least["seed"]);
    told
}

#[test]
fn drawn_points_are_steps_of_their_own() {
    let project = plants(SPLIT, DRAWN);
    let run = project.succeed(&[]);
    let told = winner_is_the_best(&run);
    for trial in told["trials"].as_array().unwrap() {
        let given = &trial["hyperparameters"];
        let conditional = trial["candidate"] == "forest" && given["max_depth"] != 2;
        assert_eq!(given.get("ccp_alpha").is_some_and(|value| *value != 0.0), conditional, "{given}");
    }
    assert_eq!(model(&run)["training"]["rows"], 144);
    // A further point leaves the others as they were.
    project.edit("main.mlp", "trials: 4", "trials: 5");
    let more = project.succeed(&[]);
    let cached = more.steps("cached");
    assert_eq!(cached.iter().filter(|step| step.starts_with("trial.tuned.")).count(), 4, "{cached:?}");
    assert_eq!(trials(&more)["trials"][3], told["trials"][3]);
    let built = project.mlpc(&["build", "--out", "built"]);
    assert_eq!(built.code, 0, "{}", built.stderr);
    lint::check(&project.path.join("built"));
}

#[test]
fn folds_choose_and_the_winner_is_fitted_on_all_of_them() {
    let project = plants(FOLDS, DRAWN);
    let run = project.succeed(&[]);
    let told = winner_is_the_best(&run);
    for trial in told["trials"].as_array().unwrap() {
        let folds: Vec<f64> =
            trial["folds"].as_array().unwrap().iter().map(|fold| fold["log_loss"].as_f64().unwrap()).collect();
        assert_eq!(folds.len(), 3);
        assert!((folds.iter().sum::<f64>() / 3.0 - trial["values"]["log_loss"].as_f64().unwrap()).abs() < 1e-12);
    }
    assert_eq!(model(&run)["training"]["rows"], 180);
}

#[test]
fn a_grid_tries_every_combination() {
    let sweep = "sweep tuned of forest {
  strategy  = grid
  objective = minimize(log_loss)
  search { n_estimators in [5, 9], max_depth in (2..=6).steps(2) }
}";
    let told = winner_is_the_best(&plants(SPLIT, sweep).succeed(&[]));
    let points: Vec<String> = told["trials"]
        .as_array()
        .unwrap()
        .iter()
        .map(|trial| format!("{} {}", trial["hyperparameters"]["n_estimators"], trial["hyperparameters"]["max_depth"]))
        .collect();
    assert_eq!(points, ["5 2", "5 6", "9 2", "9 6"]);
}

#[test]
fn searches_are_repeatable_also_after_a_kill() {
    let sweep = "sweep tuned of forest {
  strategy  = tpe(trials: 24, parallel: 3)
  objective = minimize(log_loss)
  prune     = asha(min: 5, factor: 3)
  search { max_depth in 2..=12, min_samples_leaf in 1..=20 }
}";
    let project = plants(SPLIT, sweep);
    project.edit("main.mlp", "sklearn.random_forest_classifier", "sklearn.random_forest_classifier(n_estimators: 45)");
    let mut child = project.start();
    let journal = || {
        let folders = fs::read_dir(project.path.join(".mlp/progress")).into_iter().flatten().flatten();
        let texts = folders.filter_map(|folder| fs::read_to_string(folder.path().join("tuned.jsonl")).ok());
        texts.map(|text| text.lines().count()).max().unwrap_or(0)
    };
    let begun = Instant::now();
    while journal() < 3 {
        assert!(begun.elapsed() < Duration::from_secs(120) && child.try_wait().unwrap().is_none(), "no trial was kept");
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let resumed = project.succeed(&[]);
    let told = winner_is_the_best(&resumed);
    let all = told["trials"].as_array().unwrap();
    assert_eq!(all.len(), 24);
    let ended: Vec<(&str, u64)> = all
        .iter()
        .map(|trial| {
            let rungs = trial["rungs"].as_array().unwrap();
            (trial["state"].as_str().unwrap(), rungs.last().unwrap()["rounds"].as_u64().unwrap())
        })
        .collect();
    assert!(ended.iter().all(|(state, rounds)| (*state == "complete") == (*rounds == 45)), "{ended:?}");
    assert!(ended.contains(&("pruned", 5)) && ended.contains(&("complete", 45)), "{ended:?}");
    let log = fs::read_to_string(resumed.step("sweep.tuned")["log"].as_str().unwrap()).unwrap();
    assert!(log.contains("trial 24: log_loss") && log.contains("after 5 rounds, stopped"), "{log}");
    assert_eq!(journal(), 0, "a search that is done keeps no journal");
    // Never killed, another run gives the same bytes.
    let bytes = resumed.artifacts();
    fs::remove_dir_all(project.path.join(".mlp")).unwrap();
    let whole = project.succeed(&[]);
    assert_eq!(trials(&whole), told);
    assert_eq!(whole.artifacts(), bytes);
}

#[test]
fn several_objectives_have_a_front() {
    let objectives = "[minimize(log_loss), maximize(accuracy)]\n  refit     = true";
    let sweep = searched("nsga2(trials: 9, parallel: 3)").replace("minimize(log_loss)", objectives);
    let project = plants(SPLIT, &sweep);
    let run = project.succeed(&[]);
    let told = winner_is_the_best(&run);
    assert_eq!(model(&run)["training"]["rows"], 192, "the winner is fitted on the validation part too");
    let all = told["trials"].as_array().unwrap();
    let best = all.iter().find(|trial| trial["number"] == told["best"]).unwrap();
    assert_eq!(best["front"], true);
    let beaten = |one: &Value| {
        let value = |trial: &Value, name: &str| trial["values"][name].as_f64().unwrap();
        all.iter().any(|other| {
            let (loss, accuracy) = (value(other, "log_loss"), value(other, "accuracy"));
            let no_worse = loss <= value(one, "log_loss") && accuracy >= value(one, "accuracy");
            no_worse && (loss, accuracy) != (value(one, "log_loss"), value(one, "accuracy"))
        })
    };
    assert!(all.iter().all(|trial| trial["front"].as_bool() == Some(!beaten(trial))), "{told}");
}

#[test]
fn evolution_searches_numbers() {
    let sweep = "sweep tuned of forest {
  strategy  = cma_es(trials: 8, parallel: 2)
  objective = minimize(log_loss)
  search { n_estimators in 5..=20, max_features in 0.3..=1.0 }
}";
    let told = winner_is_the_best(&plants(SPLIT, sweep).succeed(&[]));
    assert_eq!(told["trials"].as_array().unwrap().len(), 8);
}

#[test]
fn a_point_that_a_library_refuses_is_told_and_cannot_win() {
    let sweep = "sweep tuned of linear {
  strategy  = tpe(trials: 12)
  objective = minimize(log_loss)
  search { l1_ratio in [0.0, 0.5], solver in [\"lbfgs\", \"saga\"] }
}";
    let project = plants(SPLIT, sweep);
    let told = trials(&project.succeed(&[]));
    let failed: Vec<&Value> =
        told["trials"].as_array().unwrap().iter().filter(|trial| trial["state"] == "failed").collect();
    let refused =
        |trial: &Value| trial["hyperparameters"]["solver"] == "lbfgs" && trial["hyperparameters"]["l1_ratio"] == 0.5;
    assert!(!failed.is_empty(), "{told}");
    for trial in told["trials"].as_array().unwrap() {
        assert_eq!(trial["state"] == "failed", refused(trial), "{trial}");
    }
    assert!(failed[0]["error"].as_str().unwrap().starts_with("ValueError: "), "{}", failed[0]["error"]);
}
