//! A program with folds, with a step that fails the first time, and with an entry point of its own, which tells when it is done.

use mlpc_tests::channels::Channels;
use mlpc_tests::project::Project;
use serde_json::{Value, json};

const PROGRAM: &str = r#"/// Will this ride be late?
pipeline rides { seed = 7 }

/// One row per ride.
dataset trips {
  source = csv("trips.csv")
  key    = id
  schema { id: int, distance: float in 0.0.., late: bool as ["0", "1"] }
  expect { rows in 100.. }
}

/// What is known when a ride starts.
features started from trips {
  column z = standardize(distance)
  label  late
}

split parts of started { by = random, folds = 3, test = 30% }

train model { trainer = sklearn.logistic_regression(max_iter: 200), data = parts }

evaluate folded of model {
  metrics = [roc_auc]
  on      = validation
}

evaluate report of model { metrics = [roc_auc] }

gate release on report { require roc_auc >= 0.6 }

register late_rides from model { requires = release }

step unsure {
  outputs { word: file("word.txt") }
  run     = shell("test -e MARK || (touch MARK; exit 1) || exit 1; echo done > {word}")
  retry   = retry(attempts: 2, backoff: exponential(1s, max: 1m))
  timeout = 5m
}

predict daily of late_rides {
  output   = csv("scores.csv")
  schedule = cron("0 5 29 2 *", timezone: "Europe/Vienna")
  notify   = [
    slack(webhook: secret("DAILY"), on: [success, failure]),
    email(to: ["a@example.com", "b@example.com"], from: "mlp@example.com", server: secret("MAIL"), on: success),
    webhook(url: secret("RUNS"), on: success),
  ]
}
"#;

/// The program with its data.
pub fn project() -> Project {
    let project = Project::of("");
    let mark = project.path.join("mark");
    project.write("main.mlp", PROGRAM.replace("MARK", mark.to_str().unwrap()));
    let row = |at: usize| {
        let distance = (at * 37) % 41;
        format!("{at},{distance}.5,{}\n", u8::from(distance + at % 9 > 24))
    };
    project.write("trips.csv", "id,distance,late\n".to_owned() + &(0..400).map(row).collect::<String>());
    project.lock();
    project
}

/// All channels are told of a run that ended well.
pub fn told(channels: &Channels, run: &str, seconds: u32) {
    let mut told: Vec<Value> = (0..3).map(|_| channels.next(seconds)).collect();
    told.sort_by_key(|one| one["path"].as_str().unwrap_or_default().to_owned());
    let message = format!("rides.predict.daily: {run} succeeded");
    let [letter, posted, slack] = &told[..] else { panic!("{told:?}") };
    assert_eq!(letter["to"], json!(["a@example.com", "b@example.com"]));
    assert_eq!((&letter["from"], &letter["subject"]), (&json!("mlp@example.com"), &json!("rides: success")));
    assert_eq!(letter["text"].as_str().unwrap().trim(), message);
    let wanted = json!({
        "path": "/runs/secret",
        "pipeline": "rides",
        "run": run,
        "ending": "success",
        "message": message,
    });
    assert_eq!(*posted, wanted);
    assert_eq!((&slack["path"], &slack["text"]), (&json!("/services/a"), &json!(message)));
    assert!(channels.is_silent());
}
