//! A program whose gate asks for everything that a gate can ask for.

use crate::project::Project;

/// Late rides, let through by bounds, by the champion, by slice, by size, by speed and by age.
pub const PROGRAM: &str = r#"/// The day of the run.
param day: date = date("2025-03-01")

/// Will this ride be late?
pipeline rides {
  seed  = 7
  as_of = day
}

/// One row per ride.
dataset trips {
  source    = csv("trips.csv")
  key       = id
  timestamp = at
  timezone  = "UTC"
  schema { id: int, at: timestamp, town: category["a", "b"], distance: float in 0.0.., late: bool as ["0", "1"] }
  expect { rows in 100.. }
}

/// What is known when a ride starts.
features started from trips {
  column z = standardize(distance)
  label  late
}

split parts of started {
  by = random, train = 70%, test = 30%
  allow random_split_with_time because "rides do not know of each other"
}

train model { trainer = sklearn.logistic_regression(max_iter: 200), data = parts }

evaluate report of model {
  metrics = [roc_auc, accuracy]
  slices  = [town]
}

gate release on report {
  min_rows = 20
  require roc_auc >= 0.6 with confidence 95%
  require roc_auc >= champion.roc_auc - 0.02 with confidence 95%
  require accuracy by town >= 0.5
  require gap(accuracy, by: town) <= 0.4 with confidence 90%
  require latency(p95) < 1m
  require model_size < 1Mi
  require freshness(trips) < 60d
}

register late_rides from model { requires = release }
"#;

/// So many rides, one every three hours.
#[must_use]
pub fn trips(rows: usize) -> String {
    let row = |at: usize| {
        let (day, hour) = (at / 8 % 31 + 1, at % 8 * 3);
        let (month, distance) = (at / 8 / 31 + 1, (at * 37) % 41);
        let late = u8::from(distance + at % 9 > 24);
        format!("{at},2025-{month:02}-{day:02} {hour:02}:00,{},{distance}.5,{late}\n", ["a", "b"][at % 2])
    };
    "id,at,town,distance,late\n".to_owned() + &(0..rows).map(row).collect::<String>()
}

/// The program with its rides, locked.
#[must_use]
pub fn project() -> Project {
    let project = Project::of(PROGRAM);
    project.write("trips.csv", trips(400));
    project.lock();
    project
}
