//! Splits as people run them: folds fitted one by one, judged by what they leave out; time that only goes forward.

use super::lint;
use mlpc_tests::project::{Project, Run};
use serde_json::Value;

/// The program but for its split. `when` is a day, `who` comes again and again, `z` needs fitting.
fn rides(split: &str) -> Project {
    let program = format!(
        r#"/// Will this ride be late?
pipeline rides {{ seed = 7 }}

/// One row per ride.
dataset trips {{
  source    = csv("trips.csv")
  key       = id
  timestamp = at
  timezone  = "America/New_York"
  schema {{ id: int, at: timestamp as "%Y-%m-%d %H:%M", who: string, distance: float in 0.0.., late: bool as [0, 1] }}
  expect {{ rows in 100.. }}
}}

/// What is known when a ride starts.
features started from trips {{
  column z = standardize(distance)
  let    far = distance > 20.0
  label  late
}}

{split}

train model {{ trainer = sklearn.logistic_regression(max_iter: 200), data = parts }}

evaluate tried of model {{
  on      = validation
  metrics = [roc_auc, log_loss]
  slices  = [far]
}}

evaluate report of model {{ metrics = [roc_auc, log_loss] }}
"#
    );
    let project = Project::of(&program);
    let header = "id,at,who,distance,late".to_owned();
    let row = |at: usize| {
        let distance = (at * 37) % 41;
        let late = u8::from((distance + at % 9) > 24);
        format!(
            "{at},2013-{:02}-{:02} {:02}:15,p{},{distance}.5,{late}",
            at / 28 % 12 + 1,
            at % 28 + 1,
            at % 24,
            at % 23
        )
    };
    let rows: Vec<String> = std::iter::once(header).chain((0..336).map(row)).collect();
    project.write("trips.csv", rows.join("\n") + "\n");
    project.lock();
    project
}

fn json(run: &Run, step: &str, output: &str) -> Value {
    serde_json::from_slice(&std::fs::read(run.output(step, output)).unwrap()).unwrap()
}

#[test]
fn folds_are_fitted_each_by_itself_and_judged_by_what_they_leave_out() {
    let project = rides("split parts of started { by = group(who), folds = repeated(2, times: 2), test = 25% }");
    let run = project.succeed(&[]);
    // Source, checks, features, split; a fit and a training per fold and one of each for the whole; two reports.
    assert_eq!(run.steps("succeeded").len(), 4 + 2 * (4 + 1) + 2, "{:?}", run.states());

    let tried = json(&run, "evaluate.tried", "metrics");
    let folds = tried["folds"].as_array().unwrap();
    assert_eq!(folds.len(), 4);
    for metric in ["roc_auc", "log_loss"] {
        let values: Vec<f64> = folds.iter().map(|fold| fold["metrics"][metric].as_f64().unwrap()).collect();
        let mean = values.iter().sum::<f64>() / 4.0;
        let spread = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 3.0).sqrt();
        assert!((tried["metrics"][metric].as_f64().unwrap() - mean).abs() < 1e-12, "{tried}");
        assert!((tried["spread"][metric].as_f64().unwrap() - spread).abs() < 1e-12, "{tried}");
    }
    // Each training row is left out once each time; the final model trains on all of them.
    let rows = |step: &str, part: &str| run.step(step)["rows"][part].as_u64().unwrap();
    let training = rows("train.model", "train");
    for times in [[1, 2], [3, 4]] {
        let held: u64 = times.iter().map(|fold| rows(&format!("train.model.fold_{fold}"), "validation")).sum();
        assert_eq!(held, training);
    }
    assert_eq!(tried["rows"].as_u64().unwrap(), 2 * training);
    // Fitted columns are those of the fold.
    let states: Vec<Value> = (1..=2).map(|fold| json(&run, &format!("fit.parts.fold_{fold}"), "transform")).collect();
    assert_ne!(states[0], states[1]);

    assert!(project.succeed(&[]).steps("succeeded").is_empty());
    // A further time: the folds that are there stay as they are.
    project.edit("main.mlp", "folds = repeated(2, times: 2)", "folds = repeated(2, times: 3)");
    assert!(project.succeed(&[]).steps("succeeded").contains(&"train.model.fold_6".to_owned()));
    assert_eq!(project.mlpc(&["build", "--locked", "--out", "built"]).code, 0);
    lint::check(&project.path.join("built"));
    assert!(project.read("built/steps/fold_train_model.py").contains("fold=args.fold"));
}

#[test]
fn a_walk_forward_trains_on_earlier_rows_only() {
    let split = "split parts of started {\n  by    = time\n  folds = walk_forward(3, test: 60d, window: 120d)\n  \
                 test  = date(\"2013-11-01\")..\n  gap   = 2d\n}";
    let project = rides(split);
    let run = project.succeed(&[]);
    let tried = json(&run, "evaluate.tried", "metrics");
    assert_eq!(tried["folds"].as_array().unwrap().len(), 3);
    let rows = |step: &str, part: &str| run.step(step)["rows"][part].as_u64().unwrap();
    // November and December judge; two days before them belong to none.
    assert_eq!(rows("split.parts", "test"), 56);
    assert!((276..=280).contains(&rows("split.parts", "train")), "{:?}", run.step("split.parts"));
    for fold in 1..=3 {
        let step = format!("train.model.fold_{fold}");
        assert!(rows(&step, "train") <= 120 && rows(&step, "validation") <= 60, "{:?}", run.step(&step));
    }
    assert_eq!(project.mlpc(&["build", "--locked", "--out", "built"]).code, 0);
    lint::check(&project.path.join("built"));
}

#[test]
fn folds_without_room_say_which_part_lacks_what() {
    let project =
        rides("split parts of started { by = stratified(late), folds = nested(outer: 4, inner: 200), test = 25% }");
    project.edit("main.mlp", "  timestamp = at\n", "");
    let told = project.fail(4);
    assert!(told.contains("of fold 1.") && told.contains("too small for such a split"), "{told}");
}
