//! Everything else that steps can be, on hostile names: a regression over time with categories, weights and users' code,
//! Parquet and NDJSON, group and random splits, a champion, and steps in Python and shell.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests may panic")]

mod common;

use common::{Run, plan, python, step};
use mlpc_plan::Plan;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

const ODD: &str = "Wind \"speed\" \\ in {m/s} 'now'\u{202e}";
const STAR: &str = "^temp.*$";

fn column(name: &str, dtype: Value, nullable: bool) -> Value {
    json!({"name": name, "source_name": name, "dtype": dtype, "nullable": nullable, "range": null, "matches": null,
           "unique": false, "parse": null})
}

fn kind(name: &str) -> Value {
    json!({"type": name})
}

fn category() -> Value {
    json!({"type": "category", "levels": null})
}

fn col(name: &str) -> Value {
    json!({"op": "column", "name": name})
}

fn lit(value: Value) -> Value {
    json!({"op": "literal", "value": value})
}

fn binary(operator: &str, left: Value, right: Value) -> Value {
    json!({"op": "binary", "operator": operator, "left": left, "right": right, "finite": false})
}

fn call(polars: &str, args: Value, constants: Value) -> Value {
    json!({"op": "call", "function": "f", "polars": polars, "args": args, "constants": constants, "finite": false})
}

fn value(name: &str, dtype: Value, expr: Value) -> Value {
    json!({"name": name, "doc": "Ends with a quote \" and \"\"\" # noqa \u{202e} \\", "dtype": dtype, "expr": expr})
}

fn input(name: &str, dtype: Value, nullable: bool) -> Value {
    json!({"name": name, "dtype": dtype, "nullable": nullable, "sources": [format!("rides.{name}")]})
}

/// `table` as a dataset and `def` as another: names that Python or the module itself use.
fn features() -> Value {
    json!({"shared.rides": {
        "name": "shared.rides", "doc": null, "origin": {"file": "it's \"here\".mlp", "line": 3},
        "base": "table", "base_columns": [], "key": ["id"], "timestamp": "at",
        "joins": [{"dataset": "def", "on": [[col("place"), "place"]], "columns": [["height", "height"]]}],
        "filters": [{"op": "in_range", "item": col(ODD), "low": [lit(json!(0.0)), true], "high": null, "negated": false}],
        "values": [
            value("hour", kind("int"), call("{t}.dt.hour().cast(pl.Int64)", json!({"t": [col("at")]}), json!({}))),
            value("self", kind("float"), binary("/", col(ODD), lit(json!(2)))),
            value("angle", kind("float"), call("{x}.sin()", json!({"x": [binary("/", binary("*", binary("*",
                lit(json!(2)), lit(json!(3.5))), col("hour")), lit(json!(24)))]}), json!({}))),
            value("rest", kind("float"), call("pl.coalesce({x}, {more})",
                json!({"x": [col(STAR)], "more": [col("height"), lit(json!(0.0))]}), json!({}))),
            value("later", kind("timestamp"), call("{t}.dt.offset_by(\"{n}mo\")", json!({"t": [col("at")]}), json!({"n": 2}))),
            value("early", kind("bool"), binary("<", col("later"), json!({"op": "date", "iso": "2013-05-01"}))),
            value("soon", kind("bool"), binary(">", binary("+", col("at"), json!({"op": "duration", "ms": 5_400_000})),
                json!({"op": "cast", "value": json!({"op": "date", "iso": "2013-02-01"}), "to": kind("timestamp")}))),
            value("far", kind("float"), json!({"op": "user_call", "python": "lib/geo.py:distance", "vectorized": false,
                "args": [col("rest"), col("self")], "dtype": kind("float")})),
            value("fast", kind("float"), json!({"op": "user_call", "python": "lib/geo.py:doubled", "vectorized": true,
                "args": [col("self")], "dtype": kind("float")})),
            value("w", kind("float"), json!({"op": "if", "condition": {"op": "in_list", "item": col("place"),
                "values": ["a\"b", "c'd"], "negated": false}, "then": lit(json!(2)), "otherwise": lit(json!(1))})),
            value("rides", kind("int"), col("rides")),
        ],
        "fitted": [
            {"fit": {"name": "place code", "doc": null, "dtype": kind("int"), "function": "ordinal", "fit": "fitted.levels",
                "args": {"x": [col("place")]}, "constants": {}, "state": ["levels"],
                "polars": "fitted.ordinal({x}, {levels})", "finite": false}},
            {"fit": {"name": "angle_bin", "doc": null, "dtype": kind("int"), "function": "quantile_bin", "fit": "fitted.quantiles",
                "args": {"x": [binary("*", col("angle"), lit(json!(2.0)))]}, "constants": {"bins": 3}, "state": ["edges"],
                "polars": "fitted.bin({x}, {edges})", "finite": false}},
        ],
        "inputs": [
            input("hour", kind("int"), false), input("self", kind("float"), false), input("angle", kind("float"), false),
            input("early", kind("bool"), true), input("soon", kind("bool"), false), input("far", kind("float"), true),
            input("fast", kind("float"), false), input("place", category(), true), input("place code", kind("int"), true),
            input("angle_bin", kind("int"), false), input(ODD, kind("float"), true), input(STAR, kind("float"), true),
        ],
        "label": {"name": "rides", "dtype": kind("int"), "task": "regression"},
        "weight": "w",
        "carried": ["id", "at", "place", "early"],
    }})
}

fn kitchen(trainer: Value) -> Plan {
    let mut at = column("at", kind("timestamp"), false);
    at["source_name"] = json!("When?");
    at["parse"] = json!({"format": "%Y-%m-%d %H:%M"});
    let schema = json!([
        column("id", kind("string"), false),
        at,
        column("place", category(), true),
        column(ODD, kind("float"), false),
        column(STAR, kind("float"), true),
        column("rides", kind("int"), true)
    ]);
    let places = json!([column("place", kind("string"), false), column("height", kind("float"), false)]);
    let metric = |name: &str| {
        json!({"metric": name, "doc": null, "python": format!("mlp_runtime.metrics:{name}"),
        "needs": "value", "higher_is_better": false, "arguments": {}})
    };
    let features = "shared.rides";
    let steps = vec![
        step(
            "step.fetch",
            json!({"raw": "source:raw"}),
            json!({"clean": ["file", "clean.csv"], "count": ["metrics", "count.json"]}),
            json!({"note": ["str", "it's; $(rm -rf /) `x` \"q\""], "lambda": ["list[int]", [1, 2]]}),
            json!({"does": "python", "file": "lib/load-it.py", "function": "main"}),
        ),
        step(
            "step.copy",
            json!({"clean": "step.fetch/clean", "count": "step.fetch/count"}),
            json!({"out": ["file", "out 'x'.csv"]}),
            json!({"label": ["str", "a'b\"c $HOME"]}),
            json!({"does": "shell", "template": "cat {clean} > {out} && test {label} = 'a'\\''b\"c $HOME' && echo '{{}' \"${HOME}\" > /dev/null"}),
        ),
        step(
            "step.count",
            json!({"count": "step.fetch/count"}),
            json!({"twice": ["file", "twice.json"]}),
            json!({}),
            json!({"does": "python", "file": "lib/load-it.py", "function": "twice"}),
        ),
        step(
            "ingest.table",
            json!({"source": "step.copy/out"}),
            json!({"rows": ["table", "rows.parquet"], "profile": ["profile", "profile.json"], "checks": ["checks", "checks.json"]}),
            json!({}),
            json!({"does": "ingest", "dataset": "table",
                "format": {"kind": "csv", "null": [""], "delimiter": ";", "header": true}, "schema": schema, "key": ["id"],
                "timestamp": "at", "timezone": "America/New_York"}),
        ),
        step(
            "ingest.def",
            json!({"source": "source:def"}),
            json!({"rows": ["table", "rows.parquet"], "profile": ["profile", "profile.json"], "checks": ["checks", "checks.json"]}),
            json!({}),
            json!({"does": "ingest", "dataset": "def", "format": {"kind": "ndjson"}, "schema": places, "key": ["place"],
                "timestamp": null, "timezone": null}),
        ),
        step(
            "features.rides",
            json!({"table": "ingest.table/rows", "def": "ingest.def/rows"}),
            json!({"rows": ["table", "rows.parquet"]}),
            json!({}),
            json!({"does": "features", "features": features}),
        ),
        step(
            "split.parts",
            json!({"rows": "features.rides/rows"}),
            json!({"parts": ["table", "parts.parquet"]}),
            json!({}),
            json!({"does": "split", "name": "parts", "by": {"time": {"timestamp": "at", "gap_ms": 86_400_000}}, "key": ["id"],
                "shares": {"train": 0.6, "validation": 0.2, "test": 0.2}, "label": null}),
        ),
        step(
            "split.by_place",
            json!({"rows": "features.rides/rows"}),
            json!({"parts": ["table", "parts.parquet"]}),
            json!({}),
            json!({"does": "split", "name": "by place", "by": {"group": "place"}, "key": ["id"],
                "shares": {"train": 0.5, "test": 0.5}, "label": null}),
        ),
        step(
            "split.random",
            json!({"rows": "features.rides/rows"}),
            json!({"parts": ["table", "parts.parquet"]}),
            json!({}),
            json!({"does": "split", "name": "random", "by": "random", "key": ["id"],
                "shares": {"train": 0.8, "test": 0.2}, "label": null}),
        ),
        step(
            "fit.rides",
            json!({"rows": "features.rides/rows", "parts": "split.parts/parts"}),
            json!({"transform": ["transform", "t.json"]}),
            json!({}),
            json!({"does": "fit", "features": features}),
        ),
        step(
            "train.model",
            json!({"rows": "features.rides/rows", "parts": "split.parts/parts", "transform": "fit.rides/transform"}),
            json!({"model": ["model", "model"]}),
            trainer["params"].clone(),
            trainer["spec"].clone(),
        ),
        step(
            "evaluate.report",
            json!({"rows": "features.rides/rows", "parts": "split.parts/parts", "model": "train.model/model"}),
            json!({"metrics": ["metrics", "m.json"], "report": ["report", "r.html"], "predictions": ["table", "p.parquet"]}),
            json!({}),
            json!({"does": "evaluate", "name": "report", "features": features, "part": "test", "task": "regression",
                "metrics": {"rmse": metric("rmse"), "mine": {"metric": "mine", "doc": null, "python": "lib/geo.py:largest_error",
                    "needs": "value", "higher_is_better": false, "arguments": {"floor": 0.5}}},
                "slices": ["place", "early"]}),
        ),
        step(
            "gate.release",
            json!({"metrics": "evaluate.report/metrics", "champion": "champion:rides",
                "table": "ingest.table/rows", "def": "ingest.def/rows", "parts": "split.parts/parts"}),
            json!({"verdict": ["verdict", "v.json"]}),
            json!({}),
            json!({"does": "gate", "name": "release", "min_rows": 1, "requirements": [
                {"text": "rmse <= champion.rmse * 1.5 + 0.1", "origin": {"file": "main.mlp", "line": 1}, "left": {"metric": "rmse"},
                 "compare": "<=", "right": {"binary": {"op": "+", "left": {"binary": {"op": "*", "left": {"champion": "rmse"},
                 "right": {"number": 1.5}}}, "right": {"number": 0.1}}}}]}),
        ),
    ];
    plan("kitchen", self::features(), steps, &[("raw", "raw.csv"), ("def", "places.ndjson")])
}

fn code() -> BTreeMap<String, String> {
    let load = "import shutil\nfrom helpers import LIMIT\n\ndef main(raw, clean, count, note, seed, **more):\n    \
                assert note.startswith(\"it's; \") and more == {'lambda': [1, 2]}, (note, more)\n    \
                shutil.copyfile(raw, clean)\n    count.write_text(str(LIMIT))\n\n\
                def twice(count, twice, seed):\n    twice.write_text(str(count * 2))\n";
    let geo = "def distance(a, b):\n    return abs(a - b)\n\ndef doubled(a):\n    return a * 2\n\n\
               def largest_error(y_true, y_pred, *, weight=None, floor):\n    return max(floor, float(abs(y_true - y_pred).max()))\n";
    let trainer = "class Constant:\n    def __init__(self, value):\n        self.value = value\n\n    def predict(self, x):\n        \
                   return [self.value] * len(x)\n\n\
                   def fit(x, y, *, shift, seed, weight=None, validation=None):\n    return Constant(float((y * weight).sum() / weight.sum()) + shift)\n";
    [("lib/load-it.py", load), ("lib/geo.py", geo), ("lib/helpers.py", "LIMIT = 21\n"), ("train.py", trainer)]
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
        .into()
}

fn write_data(folder: &Path) {
    fs::create_dir_all(folder).expect("a folder");
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let mut text = format!("id;When?;place;{};{};rides;unused\n", quoted(ODD), quoted(STAR));
    for index in 0..240_usize {
        let place = ["a\"b", "c'd", "e f", ""][index % 4];
        let temp = if index % 11 == 0 {
            String::new()
        } else {
            format!("{:.1}", 10.0 + f64::from(u32::try_from(index % 17).expect("small")))
        };
        let rides = 5 + (index * 7) % 13 + index % 4;
        writeln!(
            text,
            "r{index:03};2013-{:02}-{:02} {:02}:30;{};{}.5;{temp};{rides};x",
            index / 60 + 1,
            index / 3 % 20 + 1,
            index % 24,
            quoted(place),
            index % 9
        )
        .expect("text");
    }
    fs::write(folder.join("raw.csv"), text).expect("a file");
    fs::write(
        folder.join("places.ndjson"),
        "{\"place\": \"a\\\"b\", \"height\": 3.5}\n{\"place\": \"c'd\", \"height\": 7.0}\n",
    )
    .expect("a file");
}

fn trainer(name: &str, python: &str, params: &Value, spec: &Value) -> Value {
    let mut full = json!({"does": "train", "features": "shared.rides", "trainer": name, "trainer_doc": null, "python": python,
        "task": "regression", "hyperparameters": params.as_object().expect("a record").keys().collect::<Vec<_>>(), "fixed": {},
        "seed_argument": "random_state", "threads_argument": null, "categories": null, "accepts_nulls": true});
    for (key, value) in spec.as_object().expect("a record") {
        full[key] = value.clone();
    }
    json!({"params": params, "spec": full})
}

fn trainers() -> Vec<Value> {
    vec![
        trainer(
            "sklearn.hist_gradient_boosting_regressor",
            "sklearn.ensemble:HistGradientBoostingRegressor",
            &json!({"max_iter": ["int", 15], "learning_rate": ["float", 1], "max_leaf_nodes": ["int | None", 7]}),
            &json!({"categories": "mask"}),
        ),
        trainer(
            "xgboost.regressor",
            "xgboost:XGBRegressor",
            &json!({"n_estimators": ["int | None", 10], "max_depth": ["int | None", null]}),
            &json!({"categories": "feature_types", "threads_argument": "n_jobs", "fixed": {"verbosity": 0, "enable_categorical": true}}),
        ),
        trainer(
            "lightgbm.regressor",
            "lightgbm:LGBMRegressor",
            &json!({"n_estimators": ["int", 10]}),
            &json!({"categories": "indices", "threads_argument": "n_jobs", "fixed": {"verbosity": -1, "deterministic": true, "force_row_wise": true}}),
        ),
        trainer("mine", "train.py:fit", &json!({"shift": ["float", 0]}), &json!({})),
    ]
}

#[test]
fn hostile_names_and_every_kind_of_step_run() {
    let python = python();
    let mut digests = Vec::new();
    for trainer in trainers() {
        let root = tempfile::tempdir().expect("a folder");
        let mut plan = kitchen(trainer);
        let run = Run::new(root.path(), python.clone(), &mut plan, &code());
        write_data(&run.data);
        run.all(&plan);
        let verdict = run.json(&run.output(&plan, "gate.release", "verdict"));
        assert_eq!(verdict["passed"], json!(true));
        assert!(verdict["requirements"][0]["lines"][0].as_str().expect("a line").contains("no champion"), "{verdict}");
        assert_eq!(run.json(&run.output(&plan, "step.count", "twice")), json!(42.0));

        // The model as its own champion, scored again on the same rows.
        let champion = run.data.join("champion");
        fs::rename(run.output(&plan, "train.model", "model"), &champion).expect("it moves");
        let output = run.step(&plan, "gate.release");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let verdict = run.json(&run.output(&plan, "gate.release", "verdict"));
        let line = verdict["requirements"][0]["lines"][0].as_str().expect("a line");
        assert!(line.contains("champion's rmse") && line.ends_with("passed"), "{line}");
        digests.push(verdict["champion"].clone());
    }
    digests.dedup();
    assert_eq!(digests.len(), 4);
}

#[test]
fn hostile_names_pass_ruff_and_mypy() {
    let python = python();
    let root = tempfile::tempdir().expect("a folder");
    // All four train steps in one tree, so that the checks run once.
    let mut plan = kitchen(trainers().remove(0));
    for (index, trainer) in trainers().iter().enumerate().skip(1) {
        let mut other = plan.steps.iter().find(|step| step.id == "train.model").expect("the step").clone();
        other.id = format!("train.model_{index}");
        other.spec = serde_json::from_value(trainer["spec"].clone()).expect("a spec");
        other.params =
            kitchen(trainer.clone()).steps.into_iter().find(|step| step.id == "train.model").expect("it").params;
        plan.steps.push(other);
    }
    Run::new(root.path(), python, &mut plan, &code()).check_python();
}
