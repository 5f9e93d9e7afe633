//! Fitted columns learn from the training part alone, and no training row from its own label: shown on real runs.

use mlpc_tests::project::{Project, Run};
use mlpc_tests::python;
use serde_json::Value;

/// A town that says nothing of the price, and few rows of each: what `target_encode` without smoothing would give away.
const HOUSES: &str = r#"/// What a house costs.
pipeline houses { seed = 3 }

/// One row per house.
dataset sold {
  source    = csv("sold.csv")
  key       = house
  timestamp = day
  schema { house: int, day: date, town: category, text: string, rooms: int?, area: float, price: float known after 1d }
  expect { rows > 0 }
}

/// What is known before it is sold.
features known from sold {
  column town_price = target_encode(town, smoothing: 0.0)
  column town_z     = standardize(target_encode(town))
  column town_share = frequency_encode(town)
  column words      = tfidf(text, max_features: 4)
  column room_count = knn_impute(rooms, standardize(area), k: 3)
  column both       = pca(standardize(area), yeo_johnson(area), components: 1)
  label  price
}

split parts of known { by = SPLIT, train = 60%, test = 40% }

train model { trainer = sklearn.linear_regression, data = parts }

evaluate report of model { metrics = [mae] }
"#;

fn rows() -> Vec<Vec<String>> {
    let row = |at: u64| {
        let price = (at * 7_919 + 31) % 1_009;
        let day = format!("2024-{:02}-{:02}", 1 + at / 28 % 12, 1 + at % 28);
        let rooms = if at.is_multiple_of(5) { String::new() } else { (1 + at % 6).to_string() };
        // Towns of two houses and towns of one, at all times: any split has some of each in its training part.
        let town = if at % 6 < 4 { format!("town {}", at / 2) } else { format!("hamlet {at}") };
        let text = format!("{} house", ["old", "new", "big", "sunny old"][(at % 4) as usize]);
        vec![at.to_string(), day, town, text, rooms, format!("{}.5", 40 + at * 37 % 90), price.to_string()]
    };
    (0..300).map(row).collect()
}

fn project(split: &str, rows: &[Vec<String>]) -> Project {
    let project = Project::of(&HOUSES.replace("SPLIT", split));
    let lines = rows.iter().map(|row| row.join(",")).collect::<Vec<_>>().join("\n");
    project.write("sold.csv", format!("house,day,town,text,rooms,area,price\n{lines}\n"));
    project.lock();
    project
}

/// The model's training again by hand, with the module that the build holds.
const CHECK: &str = r#"
import importlib, sys, json
from datetime import timedelta
from pathlib import Path
import joblib, numpy as np, polars as pl
sys.path.insert(0, "built")
from mlp_runtime import crossfit, design, fitted, split
module = importlib.import_module("features.known")
rows, parts, transform, model, by = sys.argv[1:]
parts = pl.read_parquet(parts)
training = split.part(pl.read_parquet(rows), parts, "train")
state = fitted.load(Path(transform))
folds = {
    "random": lambda: crossfit.by_key(training, ["house"]),
    "group": lambda: crossfit.by_key(training, ["town"]),
    "time": lambda: crossfit.by_time(training, "day", gap=timedelta(days=1)),
}[by]()
assert module.fit(training, folds) == state
own = module.transform_training(training, state, folds)
same = module.transform(training, state)
coefficients = joblib.load(Path(model) / "weights.joblib").coef_

def learned(rows):
    from sklearn.linear_model import LinearRegression
    data = design.learn(rows, inputs=module.INPUTS, label=module.LABEL)
    return LinearRegression().fit(data.x, data.y).coef_

# The model was trained on the values out of fold, and on these alone.
assert np.array_equal(learned(own), coefficients)
assert not np.allclose(learned(same), coefficients)
# Of towns with one house in the training part the whole part's encoding is the price itself.
single = training["town"].is_unique()
assert single.any()
assert (same["town_price"] == training["price"]).filter(single).all()
assert not (own["town_price"] == training["price"]).filter(single).any()
# A changed label changes the row's fold mates' values never.
for fold in folds:
    changed = training.with_columns(price=pl.when(fold.given).then(-1e6).otherwise("price"))
    again = module.transform_training(changed, state, folds)["town_price"]
    if fold.learned_from.any():
        assert again.filter(fold.given).equals(own["town_price"].filter(fold.given))
# Serving needs no label.
module.transform(training.drop("price"), state)
print(parts.filter(pl.col("__part__") == "test")["house"].to_list())
"#;

fn check(project: &Project, run: &Run, by: &str) -> Vec<usize> {
    assert_eq!(project.mlpc(&["build", "--locked", "--out", "built"]).code, 0);
    let mut command = python::command();
    command.args(["-c", CHECK]).current_dir(&project.path);
    command.arg(run.output("features.known", "rows")).arg(run.output("split.parts", "parts"));
    command.arg(run.output("fit.parts", "transform")).arg(run.output("train.model", "model")).arg(by);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{by}: {}", String::from_utf8_lossy(&output.stderr));
    let tested: Value = serde_json::from_slice(&output.stdout).unwrap();
    tested.as_array().unwrap().iter().map(|house| usize::try_from(house.as_u64().unwrap()).unwrap()).collect()
}

#[test]
fn training_rows_are_encoded_out_of_fold_and_test_rows_change_nothing() {
    let rows = rows();
    let here = project("random", &rows);
    let run = here.succeed(&[]);
    let tested = check(&here, &run, "random");
    assert!(tested.len() > 90, "{tested:?}");

    // Everything about the test rows but their keys and places, the label too.
    let mut other = rows;
    for house in tested {
        let row = &mut other[house];
        *row = vec![
            row[0].clone(),
            row[1].clone(),
            "elsewhere".into(),
            "ruin ruin".into(),
            "9".into(),
            "999.5".into(),
            "1".into(),
        ];
    }
    let there = project("random", &other);
    let again = there.succeed(&[]);
    let bytes = |run: &Run, step: &str, output: &str| std::fs::read(run.output(step, output)).unwrap();
    assert_eq!(bytes(&run, "fit.parts", "transform"), bytes(&again, "fit.parts", "transform"));
    assert_eq!(run.artifacts()["model"], again.artifacts()["model"]);
    assert_ne!(bytes(&run, "features.known", "rows"), bytes(&again, "features.known", "rows"));
}

#[test]
fn folds_follow_the_split() {
    for (split, by) in [("group(town)", "group"), ("time, gap = 1d", "time")] {
        let project = project(split, &rows());
        check(&project, &project.succeed(&[]), by);
    }
}

/// The same houses without the day on which they were sold.
const GROUPS: &str = r#"/// What a house costs.
pipeline houses { seed = 3 }

/// One row per house.
dataset sold {
  source = csv("sold.csv")
  key    = house
  schema { house: int, town: category, rooms: int?, area: float, price: float }
  expect { rows > 0 }
}

/// What is known before it is sold.
features known from sold {
  let    area_z   = standardize(area)
  column usual    = mean(area) over (by: town)
  column of_rooms = max(area_z) over (by: [town, rooms], where: area > 50.0)
  column houses   = count() over (by: town)
  column share    = area / (sum(area) over () + 1.0)
  label  price
}

split parts of known { by = random, train = 60%, test = 40% }

train model { trainer = sklearn.hist_gradient_boosting_regressor, data = parts }

evaluate report of model { metrics = [mae] }
"#;

/// What the module makes of all rows, from what the run has learned, beside Polars by hand over the training part.
const CHECK_GROUPS: &str = r#"
import importlib, sys
from pathlib import Path
import polars as pl
sys.path.insert(0, "built")
from mlp_runtime import fitted, split
module = importlib.import_module("features.known")
rows, parts, transform = sys.argv[1:]
rows, state = pl.read_parquet(rows), fitted.load(Path(transform))
training = split.part(rows, pl.read_parquet(parts), "train")
assert module.fit(training) == state
# Serving knows no price.
got = module.transform(rows.drop("price"), state)
z = (pl.col("area") - training["area"].mean()) / training["area"].std(ddof=0)
towns = training.group_by("town").agg(usual=pl.col("area").mean(), houses=pl.len().cast(pl.Int64))
rooms = training.filter(pl.col("area") > 50.0).group_by("town", "rooms").agg(of_rooms=z.max())
wanted = (
    rows.join(towns, on="town", how="left", maintain_order="left")
    .join(rooms, on=["town", "rooms"], how="left", maintain_order="left")
    .with_columns(pl.col("houses").fill_null(0), share=pl.col("area") / (training["area"].sum() + 1.0))
)
for name in ["usual", "of_rooms", "houses", "share"]:
    # To the last bit: both add in the order of the rows.
    assert got[name].equals(wanted[name], null_equal=True), name
unseen = ~rows["town"].is_in(training["town"].unique().to_list())
assert unseen.any()
assert got.filter(unseen)["usual"].is_null().all()
assert (got.filter(unseen)["houses"] == 0).all()
"#;

#[test]
fn aggregates_by_group_are_learned_from_the_training_part() {
    let project = Project::of(GROUPS);
    let lines: Vec<String> =
        rows().iter().map(|row| [&row[0], &row[2], &row[4], &row[5], &row[6]].map(String::as_str).join(",")).collect();
    project.write("sold.csv", format!("house,town,rooms,area,price\n{}\n", lines.join("\n")));
    project.lock();
    let run = project.succeed(&[]);
    assert_eq!(project.mlpc(&["build", "--locked", "--out", "built"]).code, 0);
    let mut command = python::command();
    command.args(["-c", CHECK_GROUPS]).current_dir(&project.path);
    command.arg(run.output("features.known", "rows")).arg(run.output("split.parts", "parts"));
    let output = command.arg(run.output("fit.parts", "transform")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
