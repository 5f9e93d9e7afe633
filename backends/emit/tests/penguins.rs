//! A multiclass pipeline made by hand: a join, a filter, imputed, standardized and one-hot columns, an evaluation with
//! slices, a gate and a registration. Every step is run by hand, twice.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests may panic")]

mod common;

use common::{Run, bytes_under, plan, python, step};
use mlpc_plan::Plan;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

fn column(name: &str, dtype: Value, nullable: bool) -> Value {
    json!({"name": name, "source_name": name, "dtype": dtype, "nullable": nullable, "range": null, "matches": null,
           "unique": false, "parse": null})
}

fn species() -> Value {
    json!({"type": "category", "levels": ["Adelie", "Chinstrap", "Gentoo"]})
}

fn open_category() -> Value {
    json!({"type": "category", "levels": null})
}

fn float() -> Value {
    json!({"type": "float"})
}

fn col(name: &str) -> Value {
    json!({"op": "column", "name": name})
}

fn number(value: f64) -> Value {
    json!({"op": "literal", "value": value})
}

fn binary(operator: &str, left: Value, right: Value, finite: bool) -> Value {
    json!({"op": "binary", "operator": operator, "left": left, "right": right, "finite": finite})
}

fn value(name: &str, dtype: Value, expr: Value) -> Value {
    json!({"name": name, "doc": null, "dtype": dtype, "expr": expr})
}

fn input(name: &str, dtype: Value, nullable: bool, source: &str) -> Value {
    json!({"name": name, "dtype": dtype, "nullable": nullable, "sources": [source]})
}

fn fitted(name: &str, function: &str, fit: &str, arg: Value, constants: Value, state: &[&str], polars: &str) -> Value {
    json!({"fit": {"name": name, "doc": null, "dtype": {"type": "float"}, "function": function, "fit": fit,
                   "args": {"x": [arg]}, "constants": constants, "state": state, "polars": polars, "finite": false}})
}

fn features() -> Value {
    json!({"penguin_rows": {
        "name": "penguin_rows",
        "doc": "Bills, flippers and bodies.\nEach fact of a penguin that the model may read; \"quoted\" \\ text.",
        "origin": {"file": "main.mlp", "line": 30},
        "base": "penguins",
        "base_columns": [],
        "key": [], "timestamp": null,
        "joins": [{"dataset": "islands", "on": [[col("island"), "name"]], "columns": [["area", "island_area"]]}],
        "filters": [binary(">", col("flipper_length_mm"), number(0.0), false)],
        "values": [
            value("bill_ratio", float(), binary("/", col("bill_length_mm"), col("bill_depth_mm"), true)),
            value("is_heavy", json!({"type": "bool"}), json!({"op": "if",
                "condition": binary("and", binary(">", col("body_mass_g"), number(4_000.0), false),
                                    json!({"op": "in_list", "item": col("sex"), "values": ["male"], "negated": true}), false),
                "then": {"op": "literal", "value": true}, "otherwise": {"op": "literal", "value": false}})),
            value("ratio_and_area", float(), binary("*", col("bill_ratio"), col("island_area"), false)),
            value("species", species(), col("species")),
        ],
        "fitted": [
            fitted("sex_known", "impute", "fitted.fill", col("sex"), json!({"strategy": "most_frequent"}), &["value"], "{x}.fill_null({value})"),
            fitted("bill", "impute", "fitted.fill", col("bill_ratio"), json!({"strategy": "median"}), &["value"], "{x}.fill_null({value})"),
            fitted("bill_z", "standardize", "fitted.mean_std", col("bill"), json!({}), &["mean", "std"], "({x} - {mean}) / {std}"),
            fitted("flipper_z", "standardize", "fitted.mean_std", col("flipper_length_mm"), json!({}), &["mean", "std"], "({x} - {mean}) / {std}"),
            fitted("sex_flags", "one_hot", "fitted.levels", col("sex_known"), json!({}), &["levels"], "fitted.one_hot({x}, {levels})"),
            {"value": value("bill_z_squared", float(), binary("**", col("bill_z"), json!({"op": "literal", "value": 2}), false))},
        ],
        "inputs": [
            input("bill_z", float(), false, "penguins.bill_length_mm"),
            input("bill_z_squared", float(), false, "penguins.bill_length_mm"),
            input("flipper_z", float(), false, "penguins.flipper_length_mm"),
            input("is_heavy", json!({"type": "bool"}), false, "penguins.body_mass_g"),
            input("sex_flags", json!({"type": "vector", "size": null}), false, "penguins.sex"),
        ],
        "label": {"name": "species", "dtype": species(), "task": "multiclass"},
        "weight": null,
        "carried": ["island"],
    }})
}

fn csv(nulls: &[&str]) -> Value {
    json!({"kind": "csv", "null": nulls, "delimiter": ",", "header": true})
}

fn penguins() -> Plan {
    let mut mass = column("body_mass_g", float(), true);
    mass["range"] = json!({"low": 0.0, "low_closed": false, "high": null, "high_closed": true});
    let schema = json!([
        column("species", species(), false),
        column("island", open_category(), false),
        column("bill_length_mm", float(), true),
        column("bill_depth_mm", float(), true),
        column("flipper_length_mm", float(), true),
        mass,
        column("sex", open_category(), true),
    ]);
    let islands = json!([column("name", json!({"type": "string"}), false), column("area", float(), false)]);
    let mean = |name: &str| {
        json!({"op": "call", "function": "mean", "polars": "{x}.mean()", "args": {"x": [col(name)]},
                                   "constants": {}, "finite": false})
    };
    let origin = json!({"file": "main.mlp", "line": 20});
    let expectations = json!([
        {"text": "mean(body_mass_g) in 3_000.0..=6_000.0", "origin": origin, "fails": true, "columns": ["body_mass_g"],
         "check": {"table": {"condition": {"op": "in_range", "item": mean("body_mass_g"), "low": [number(3_000.0), true],
                   "high": [number(6_000.0), true], "negated": false}, "measured": mean("body_mass_g"), "offending": null}}},
        {"text": "bill_length_mm > bill_depth_mm", "origin": origin, "fails": true,
         "columns": ["bill_length_mm", "bill_depth_mm"],
         "check": {"rows": {"condition": binary(">", col("bill_length_mm"), col("bill_depth_mm"), false)}}},
    ]);
    let metric = |name: &str, needs: &str, better: bool| {
        json!({"metric": name, "doc": null, "python": format!("mlp_runtime.metrics:{name}"), "needs": needs,
               "higher_is_better": better, "arguments": {}})
    };
    let requirement = |text: &str, left: Value, compare: &str, right: f64| {
        json!({"text": text, "origin": {"file": "main.mlp", "line": 70}, "left": left, "compare": compare,
               "right": {"number": right}})
    };
    let steps = vec![
        step(
            "ingest.penguins",
            json!({"source": "source:penguins"}),
            json!({"rows": ["table", "rows.parquet"], "profile": ["profile", "profile.json"], "checks": ["checks", "checks.json"]}),
            json!({}),
            json!({"does": "ingest", "dataset": "penguins", "format": csv(&["", "NA"]), "schema": schema, "key": [],
                   "timestamp": null, "timezone": null}),
        ),
        step(
            "ingest.islands",
            json!({"source": "source:islands"}),
            json!({"rows": ["table", "rows.parquet"], "profile": ["profile", "profile.json"], "checks": ["checks", "checks.json"]}),
            json!({}),
            json!({"does": "ingest", "dataset": "islands", "format": csv(&[]), "schema": islands, "key": ["name"],
                   "timestamp": null, "timezone": null}),
        ),
        step(
            "validate.penguins",
            json!({"rows": "ingest.penguins/rows", "profile": "ingest.penguins/profile"}),
            json!({"checks": ["checks", "checks.json"], "data_docs": ["report", "data_docs.html"]}),
            json!({}),
            json!({"does": "validate", "dataset": "penguins", "schema": schema, "key": [],
                   "timestamp": null, "expectations": expectations}),
        ),
        step(
            "features.penguin_rows",
            json!({"penguins": "ingest.penguins/rows", "islands": "ingest.islands/rows"}),
            json!({"rows": ["table", "rows.parquet"]}),
            json!({}),
            json!({"does": "features", "features": "penguin_rows"}),
        ),
        step(
            "split.parts",
            json!({"rows": "features.penguin_rows/rows"}),
            json!({"parts": ["table", "parts.parquet"]}),
            json!({}),
            json!({"does": "split", "name": "parts", "by": {"stratified": "species"}, "key": [],
                   "shares": {"train": 0.7, "test": 0.3}, "label": "species"}),
        ),
        step(
            "fit.penguin_rows",
            json!({"rows": "features.penguin_rows/rows", "parts": "split.parts/parts"}),
            json!({"transform": ["transform", "transform.json"]}),
            json!({}),
            json!({"does": "fit", "features": "penguin_rows"}),
        ),
        step(
            "train.species_model",
            json!({"rows": "features.penguin_rows/rows", "parts": "split.parts/parts",
                   "transform": "fit.penguin_rows/transform"}),
            json!({"model": ["model", "model"]}),
            json!({"C": ["float", 2], "max_iter": ["int", 500], "class_weight": ["Literal[\"balanced\"] | None", null],
                   "solver": ["Literal[\"lbfgs\", \"liblinear\", \"newton-cg\", \"newton-cholesky\", \"sag\", \"saga\"]", "lbfgs"]}),
            json!({"does": "train", "features": "penguin_rows", "trainer": "sklearn.logistic_regression",
                   "trainer_doc": null, "python": "sklearn.linear_model:LogisticRegression", "task": "multiclass",
                   "hyperparameters": ["C", "max_iter", "class_weight", "solver"], "fixed": {},
                   "seed_argument": "random_state", "threads_argument": null, "categories": null, "accepts_nulls": false}),
        ),
        step(
            "evaluate.report",
            json!({"rows": "features.penguin_rows/rows", "parts": "split.parts/parts", "model": "train.species_model/model"}),
            json!({"metrics": ["metrics", "metrics.json"], "report": ["report", "report.html"],
                   "predictions": ["table", "predictions.parquet"]}),
            json!({}),
            json!({"does": "evaluate", "name": "report", "features": "penguin_rows", "part": "test", "task": "multiclass",
                   "metrics": {"accuracy": metric("accuracy", "label", true), "log_loss": metric("log_loss", "probability", false)},
                   "slices": ["island"]}),
        ),
        step(
            "gate.release",
            json!({"metrics": "evaluate.report/metrics"}),
            json!({"verdict": ["verdict", "verdict.json"]}),
            json!({}),
            json!({"does": "gate", "name": "release", "min_rows": 10, "requirements": [
                requirement("accuracy >= 0.9", json!({"metric": "accuracy"}), ">=", 0.9),
                requirement("accuracy by island >= 0.8", json!({"metric_by": {"metric": "accuracy", "slice": "island"}}), ">=", 0.8),
                requirement("gap(accuracy, by: island) <= 0.2", json!({"gap": {"metric": "accuracy", "slice": "island"}}), "<=", 0.2),
            ]}),
        ),
        step(
            "register.species_model",
            json!({"model": "train.species_model/model", "verdict": "gate.release/verdict", "metrics": "evaluate.report/metrics"}),
            json!({"registration": ["registration", "registration.json"]}),
            json!({}),
            json!({"does": "register", "model": "species_model", "alias": "champion", "gate": "release"}),
        ),
    ];
    plan("penguins", features(), steps, &[("penguins", "penguins.csv"), ("islands", "islands.csv")])
}

/// Penguins whose species shows in bill and flipper; a plain generator so that no run differs.
fn write_data(folder: &Path) {
    fs::create_dir_all(folder).expect("a folder");
    let mut state = 12_345_u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(state >> 33).expect("31 bits")) / f64::from(1_u32 << 31) - 0.5
    };
    let mut text = String::from("species,island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,sex,year\n");
    for index in 0..333 {
        let (species, bill, depth, flipper, mass) = [
            ("Adelie", 38.8, 18.3, 190.0, 3700.0),
            ("Chinstrap", 48.8, 18.4, 196.0, 3733.0),
            ("Gentoo", 47.5, 15.0, 217.0, 5076.0),
        ][index % 3];
        let island = ["Torgersen", "Biscoe", "Dream"][index / 3 % 3];
        let sex = ["male", "female", "NA"][index % 7 % 3];
        let bill = if index == 50 { "NA".to_owned() } else { format!("{:.1}", bill + 3.0 * noise()) };
        writeln!(
            text,
            "{species},{island},{bill},{:.1},{:.0},{:.0},{sex},2007",
            depth + noise(),
            flipper + 8.0 * noise(),
            mass + 500.0 * noise()
        )
        .expect("text");
    }
    fs::write(folder.join("penguins.csv"), text).expect("a file");
    fs::write(folder.join("islands.csv"), "name,area\nTorgersen,0.1\nBiscoe,1.7\nDream,0.4\n").expect("a file");
}

#[test]
fn every_step_runs_by_hand_and_gives_the_same_bytes_twice() {
    let python = python();
    let (first, second) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let mut runs = Vec::new();
    for root in [first.path(), second.path()] {
        let mut plan = penguins();
        let run = Run::new(root, python.clone(), &mut plan, &BTreeMap::new());
        write_data(&run.data);
        run.all(&plan);
        runs.push((run, plan));
    }
    let [(first, plan), (second, _)] = runs.as_slice() else { panic!("two runs") };
    assert_eq!(bytes_under(&first.build), bytes_under(&second.build), "builds differ");
    assert_eq!(bytes_under(&first.out), bytes_under(&second.out), "outputs differ");

    let metrics = first.json(&first.output(plan, "evaluate.report", "metrics"));
    assert!(metrics["metrics"]["accuracy"].as_f64().expect("a number") > 0.9, "{metrics}");
    assert_eq!(metrics["slices"]["island"].as_array().expect("slices").len(), 3);
    let verdict = first.json(&first.output(plan, "gate.release", "verdict"));
    assert_eq!(verdict["passed"], json!(true), "{verdict}");
    let registration = first.json(&first.output(plan, "register.species_model", "registration"));
    let trained = first.json(&first.out.join("train.species_model/result.json"));
    assert_eq!(registration["version_digest"], trained["outputs"]["model"]["sha256"]);
}

#[test]
fn the_whole_tree_passes_ruff_and_mypy() {
    let python = python();
    let root = tempfile::tempdir().expect("a folder");
    Run::new(root.path(), python, &mut penguins(), &BTreeMap::new()).check_python();
}

#[test]
fn pictures_are_drawn_the_same_each_time() {
    let plan = penguins();
    let picture = mlpc_emit::graph::Picture::of(&plan);
    let drawn = mlpc_emit::graph::svg(&picture);
    assert_eq!(drawn, mlpc_emit::graph::svg(&picture));
    assert_eq!(drawn.matches("<rect").count(), plan.steps.len() + plan.sources.len());
    assert!(mlpc_emit::graph::dot(&picture).contains("rankdir=LR"));
    if let Some(kept) = std::env::var_os("MLPC_TEST_KEEP") {
        fs::write(Path::new(&kept).join("plan.svg"), drawn).expect("a file");
    }
}
