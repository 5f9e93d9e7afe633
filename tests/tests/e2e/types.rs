//! What types say, in a program that runs: wide columns, lists, decimals, units and zones.

use mlpc_tests::project::Project;
use mlpc_tests::python;

const PROGRAM: &str = r#"/// Which machine part is worn?
pipeline wear { seed = 1 }

/// One row per inspection.
dataset inspections {
  source   = csv("inspections.csv", header: false)
  timezone = "Europe/Vienna"
  key      = id
  schema {
    id:            int
    pixel[0..=3]:  int in 0..=16
    marks:         list[float?]
    price:         decimal(10, 2) in 0..
    way:           float[km] in 0.0..
    time:          float[min] in 0.0<..
    at:            timestamp
    day:           date
    worn:          bool as ["no", "yes"]
  }
  expect { rows > 0 }
}

/// What the model sees.
features seen from inspections {
  column pixel
  column last    = pixel[3]
  column first   = coalesce(marks[0], 0.0)
  column total   = price * 2 + price
  column square  = price * price
  column speed   = convert(way / time, m / s)
  column hour_of = hour(at)
  column since   = hours_between(day, at)
  column fresh   = at >= day + 12h
  label  worn
}

split parts of seen { by = random, train = 60%, test = 40% }

train model { trainer = sklearn.hist_gradient_boosting_classifier(max_iter: 3), data = parts }
"#;

/// Half past `hour` on a day of July in Vienna, two hours ahead of UTC.
fn row(id: usize) -> String {
    let hour = id % 24;
    let marks = if id.is_multiple_of(2) { "[]".to_owned() } else { format!("\"[{id}, null]\"") };
    let pixels = [id % 17, 1, 2, id % 5].map(|pixel| pixel.to_string()).join(",");
    let worn = if id.is_multiple_of(3) { "yes" } else { "no" };
    format!("{id},{pixels},{marks},{id}.05,36,60,2013-07-02T{hour:02}:30:00,2013-07-02,{worn}")
}

#[test]
fn types_mean_in_a_run_what_they_mean_in_the_text() {
    let project = Project::of(PROGRAM);
    let rows: Vec<String> = (0..48).map(row).collect();
    project.write("inspections.csv", rows.join("\n") + "\n");
    project.lock();
    let run = project.succeed(&[]);
    let script = r#"
import sys
from decimal import Decimal
import polars as pl

rows = pl.read_parquet(sys.argv[1])
one, late = rows.row(1, named=True), rows.row(23, named=True)
assert one["pixel"] == [1.0, 1.0, 2.0, 1.0] and one["last"] == 1, one
assert rows["first"].head(4).to_list() == [0.0, 1.0, 0.0, 3.0], rows
assert one["total"] == Decimal("3.15") and one["square"] == Decimal("1.1025"), one
assert rows["speed"].to_list() == [10.0] * 48, rows
assert rows["hour_of"].to_list() == [*range(24)] * 2, rows
assert one["since"] == 1.5 and late["since"] == 23.5, rows
assert rows["fresh"].to_list() == [hour >= 12 for hour in range(24)] * 2, rows
"#;
    let mut command = python::command();
    command.args(["-c", script]).arg(run.output("features.seen", "rows"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(run.artifacts().contains_key("model"));
}
