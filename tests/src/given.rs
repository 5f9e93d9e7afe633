//! A program whose runs are given values of parameters, and the day for which they are scheduled.

use crate::project::Project;

/// Hyperparameters follow from parameters; data are cut to the day, which begins in Vienna.
pub const PROGRAM: &str = r#"/// Data until this day.
param day: date = scheduled_date

/// How often the trainer goes over the data, by half.
param passes: int = 50 in 1..=500

/// How much it trusts the data.
param trust: float = 1.0 in 0.0<..

/// "How" it's {{ found }} $(id) `x`
param how: category["lbfgs", "newton-cg"] = lbfgs

/// Will this ride be late?
pipeline given {
  seed     = 7
  as_of    = day
  schedule = cron("30 0 * * *", timezone: "Europe/Vienna")
}

/// One row per ride.
dataset rides {
  source    = csv("rides.csv")
  key       = id
  timestamp = at
  timezone  = "Europe/Vienna"
  schema { id: int, at: timestamp, distance: float in 0.0.., late: bool as ["0", "1"] }
  expect { rows in 10.. }
}

/// What is known when a ride starts.
features started from rides {
  column distance
  label  late
}

split parts of started { by = time, train = 70%, test = 30%, gap = 1h }

train model {
  trainer = sklearn.logistic_regression(max_iter: passes * 2, C: trust / 2, solver: how)
  data    = parts
}

evaluate report of model { metrics = [roc_auc] }
"#;

/// Two rides on each of the first days of 2025.
fn rides(days: usize) -> String {
    let row = |at: usize| {
        let (day, distance) = (at / 2 + 1, (at * 37) % 41);
        format!("{at},2025-01-{day:02} {:02}:30,{distance}.5,{}\n", at % 2 * 12, u8::from(distance + at % 9 > 24))
    };
    "id,at,distance,late\n".to_owned() + &(0..days * 2).map(row).collect::<String>()
}

/// The program with its data, locked for a day on which all of it was known.
#[must_use]
pub fn project() -> Project {
    let project = Project::of(PROGRAM);
    project.write("rides.csv", rides(31));
    project.lock();
    let lock = project.read("mlp.lock").replacen("mlp-lock 1\n", "mlp-lock 1\ndate 2025-02-15\n", 1);
    project.write("mlp.lock", lock);
    project
}
