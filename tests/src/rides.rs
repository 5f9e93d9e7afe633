//! A program that learns and predicts, with data of any length.

use crate::project::Project;

/// Late rides are learned and predicted.
pub const PROGRAM: &str = r#"/// Will this ride be late?
pipeline rides { seed = 7 }

/// One row per ride; the last ones have not ended.
dataset trips {
  source = csv("trips.csv", null: [""])
  key    = id
  schema { id: int, distance: float in 0.0.., late: bool? as ["0", "1"] }
  expect { rows in 100.. }
}

/// What is known when a ride starts.
features started from trips {
  column z = standardize(distance)
  label  late
}

split parts of started { by = random, train = 70%, test = 30% }

train model { trainer = sklearn.logistic_regression(max_iter: 200), data = parts }

evaluate report of model { metrics = [roc_auc] }

gate release on report { require roc_auc >= 0.6 }

register late_rides from model { requires = release }

predict everything of late_rides { output = parquet("scores/all.parquet") }

predict nightly of late_rides {
  rows   = new
  output = parquet("scores/new.parquet")
}

predict daily of late_rides {
  rows     = new
  output   = csv("scores/daily.csv")
  schedule = cron("0 5 * * *", timezone: "Europe/Vienna")
  notify   = slack(webhook: secret("DAILY_WEBHOOK"), on: [success])
}

predict still_open of late_rides {
  rows   = unlabelled
  output = parquet("scores/open.parquet")
}
"#;

/// So many rides.
#[must_use]
pub fn trips(rows: usize) -> String {
    let row = |at: usize| {
        let distance = (at * 37) % 41;
        let late = if at % 10 == 9 { String::new() } else { u8::from(distance + at % 9 > 24).to_string() };
        format!("{at},{distance}.5,{late}\n")
    };
    "id,distance,late\n".to_owned() + &(0..rows).map(row).collect::<String>()
}

/// The program with so many rides, locked.
#[must_use]
pub fn project(rows: usize) -> Project {
    let project = Project::of(PROGRAM);
    project.write("trips.csv", trips(rows));
    project.lock();
    project
}
