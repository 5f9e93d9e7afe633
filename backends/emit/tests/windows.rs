//! Features in time: joins of what is known, windows, spines and labels that look ahead, printed and run on small tables
//! whose results are plain to see.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests may panic")]

mod common;

use common::{Run, plan, python, step};
use mlpc_plan::Plan;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

const HOUR: i64 = 3_600_000;

fn kind(name: &str) -> Value {
    json!({"type": name})
}

fn column(name: &str, dtype: &str, nullable: bool) -> Value {
    json!({"name": name, "source_name": name, "dtype": kind(dtype), "nullable": nullable, "range": null, "matches": null,
           "unique": false, "parse": null})
}

fn col(name: &str) -> Value {
    json!({"op": "column", "name": name})
}

fn number(value: f64) -> Value {
    json!({"op": "literal", "value": value})
}

fn compare(operator: &str, left: Value, right: Value) -> Value {
    json!({"op": "binary", "operator": operator, "left": left, "right": right, "finite": false})
}

fn back(here: &str, there: &str, window_ms: Option<i64>, lag_ms: i64) -> Value {
    json!({"frame": "back", "here": here, "there": there, "window_ms": window_ms, "rows": null, "lag_ms": lag_ms})
}

/// A window: `(dataset, aggregate, value, key here and there, frame)`.
fn window(name: &str, source: Option<&str>, aggregate: Value, value: Value, by: (&str, &str), frame: Value) -> Value {
    json!({"name": name, "doc": null, "dtype": kind("float"), "source": source, "aggregate": aggregate, "value": value,
           "filter": null, "by": [[col(by.0), col(by.1)]], "frame": frame})
}

fn function(name: &str) -> Value {
    json!({"function": name})
}

fn value(name: &str, dtype: &str, expr: Value) -> Value {
    json!({"name": name, "doc": null, "dtype": kind(dtype), "expr": expr})
}

fn input(name: &str) -> Value {
    json!({"name": name, "dtype": kind("float"), "nullable": true, "sources": []})
}

fn dataset(name: &str, file: &str, key: Value, timestamp: &str, schema: Value) -> [mlpc_plan::plan::Step; 1] {
    [step(
        &format!("ingest.{name}"),
        json!({"source": format!("source:{file}")}),
        json!({"rows": ["table", "rows.parquet"], "profile": ["profile", "profile.json"], "checks": ["checks", "checks.json"]}),
        json!({}),
        json!({"does": "ingest", "dataset": name, "format": {"kind": "csv", "null": [""], "delimiter": ",", "header": true},
            "schema": schema, "key": key, "timestamp": timestamp, "timezone": "UTC"}),
    )]
}

/// Flights with weather at their time, the age of their plane, the lateness of their carrier and, ahead, complaints.
fn trips() -> Value {
    let known = |there: &str, available_ms: i64, latest: bool, within_ms: Option<i64>| {
        json!({"here": "at", "there": there, "available_ms": available_ms, "latest": latest, "within_ms": within_ms,
               "until": null})
    };
    let mut evening = window(
        "evening_late",
        None,
        function("count"),
        compare(">", col("late"), number(15.0)),
        ("carrier", "carrier"),
        back("at", "at", Some(24 * HOUR), 0),
    );
    evening["filter"] = compare(">", col("wind"), number(5.0));
    json!({
        "name": "trips", "doc": "Flights.", "origin": {"file": "main.mlp", "line": 3}, "base": "flights",
        "base_columns": [], "key": ["id"], "timestamp": "at",
        "joins": [
            {"dataset": "weather", "on": [[col("origin"), "origin"]], "columns": [["wind", "wind"]],
             "known": known("at", HOUR, true, Some(6 * HOUR))},
            {"dataset": "planes", "on": [[col("plane"), "plane"]], "columns": [["seats", "seats"]],
             "known": known("since", 0, false, None)},
        ],
        "windows": [
            window("carrier_late", None, function("mean"), col("late"), ("carrier", "carrier"),
                back("at", "at", Some(24 * HOUR), 2 * HOUR)),
            window("carrier_worst", None, function("max"), col("late"), ("carrier", "carrier"),
                back("at", "at", Some(24 * HOUR), 2 * HOUR)),
            evening,
            window("complaints", Some("complaints"), function("count"), Value::Null, ("carrier", "about"),
                back("at", "day", None, 0)),
            window("anger", Some("complaints"), function("sum"), col("weight"), ("carrier", "about"),
                json!({"frame": "ahead", "here": "at", "there": "day", "ahead_ms": 48 * HOUR, "as_of": null})),
        ],
        "filters": [compare(">", col("seats"), number(0.0))],
        "label_filters": [compare("<", col("late"), number(1000.0))],
        "values": [value("windy", "bool", compare(">", col("wind"), number(10.0))),
                   value("angry", "bool", compare(">", col("anger"), number(1.0)))],
        "fitted": [], "inputs": [input("windy"), input("carrier_late"), input("carrier_worst"), input("evening_late"),
            input("complaints"), input("seats")],
        "label": {"name": "angry", "dtype": kind("bool"), "nullable": true, "task": "binary"},
        "weight": null, "carried": ["id", "at"],
    })
}

/// Each carrier once a day, and how late it was since.
fn days() -> Value {
    json!({
        "name": "days", "doc": null, "origin": {"file": "main.mlp", "line": 9}, "base": "carriers",
        "base_columns": [], "key": ["carrier", "sampled_at"], "timestamp": "sampled_at",
        "spine": {"every_ms": 24 * HOUR, "start": "2024-01-01", "end": "2024-01-03", "from": "founded", "valid": null},
        "joins": [], "filters": [],
        "windows": [window("late", Some("flights"), function("sum"), col("late"), ("carrier", "carrier"),
            back("sampled_at", "at", Some(24 * HOUR), 0))],
        "values": [], "fitted": [], "inputs": [input("late")], "label": null, "weight": null, "carried": [],
    })
}

fn in_time() -> Plan {
    let mut steps = Vec::new();
    steps.extend(dataset(
        "flights",
        "flights",
        json!(["id"]),
        "at",
        json!([
            column("id", "int", false),
            column("at", "timestamp", false),
            column("carrier", "string", true),
            column("origin", "string", true),
            column("plane", "string", true),
            column("late", "float", true)
        ]),
    ));
    steps.extend(dataset(
        "weather",
        "weather",
        json!(["origin", "at"]),
        "at",
        json!([column("origin", "string", false), column("at", "timestamp", false), column("wind", "float", true)]),
    ));
    steps.extend(dataset(
        "planes",
        "planes",
        json!(["plane"]),
        "since",
        json!([column("plane", "string", false), column("since", "date", false), column("seats", "int", true)]),
    ));
    steps.extend(dataset(
        "complaints",
        "complaints",
        json!([]),
        "day",
        json!([column("about", "string", true), column("day", "date", false), column("weight", "float", true)]),
    ));
    steps.extend(dataset(
        "carriers",
        "carriers",
        json!(["carrier"]),
        "founded",
        json!([column("carrier", "string", false), column("founded", "timestamp", false)]),
    ));
    let rows = |of: &[&str]| -> Value {
        of.iter().map(|name| ((*name).to_owned(), json!(format!("ingest.{name}/rows")))).collect()
    };
    let output = json!({"rows": ["table", "rows.parquet"]});
    steps.push(step(
        "features.trips",
        rows(&["flights", "weather", "planes", "complaints"]),
        output.clone(),
        json!({}),
        json!({"does": "features", "features": "trips"}),
    ));
    steps.push(step(
        "features.days",
        rows(&["carriers", "flights"]),
        output,
        json!({}),
        json!({"does": "features", "features": "days"}),
    ));
    let sources = ["flights", "weather", "planes", "complaints", "carriers"];
    let files: Vec<(String, String)> = sources.iter().map(|name| ((*name).to_owned(), format!("{name}.csv"))).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, path)| (name.as_str(), path.as_str())).collect();
    plan("time", json!({"trips": trips(), "days": days()}), steps, &files)
}

fn write_data(folder: &Path) {
    fs::create_dir_all(folder).expect("a folder");
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).expect("a file");
    write(
        "flights.csv",
        "id,at,carrier,origin,plane,late\n\
        1,2024-01-01 06:00,AA,X,p,10\n2,2024-01-01 06:00,AA,X,p,20\n3,2024-01-01 09:00,AA,X,q,30\n\
        4,2024-01-01 09:00,BB,Y,p,\n5,2024-01-01 10:00,AA,Y,p,50\n6,2024-01-02 08:00,AA,X,p,2000\n\
        7,2024-01-02 09:00,,X,p,70\n8,2024-01-04 00:00,AA,X,p,80\n",
    );
    write(
        "weather.csv",
        "origin,at,wind\nX,2024-01-01 04:00,4\nX,2024-01-01 05:00,20\nX,2024-01-01 08:30,1\n\
        Y,2024-01-01 03:00,9\n",
    );
    write("planes.csv", "plane,since,seats\np,2024-01-01,100\nq,2024-01-02,200\n");
    write("complaints.csv", "about,day,weight\nAA,2024-01-01,1\nAA,2024-01-02,1\nAA,2024-01-03,1.5\nBB,2024-01-05,9\n");
    write("carriers.csv", "carrier,founded\nBB,2024-01-02 12:00\nAA,2019-01-01 00:00\n");
}

/// A table as Python's `repr` of its rows.
fn rows(run: &Run, path: &Path) -> String {
    let program = "import sys, polars as pl\nfor row in pl.read_parquet(sys.argv[1]).rows(): print(*row)";
    let output = Command::new(&run.python).args(["-c", program]).arg(path).output().expect("python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn joins_and_windows_see_what_was_known() {
    let root = tempfile::tempdir().expect("a folder");
    let mut plan = in_time();
    let run = Run::new(root.path(), python(), &mut plan, &BTreeMap::new());
    write_data(&run.data);
    run.all(&plan);
    // id, at, windy, carrier_late, carrier_worst, evening_late, complaints, seats, angry. Flight 3 had no known plane,
    // flights 4 and 6 fail the label's filter, 8 has a label that is not over yet; 7 has no carrier, so it sees nothing.
    let found = rows(&run, &run.output(&plan, "features.trips", "rows"));
    let expected = "\
1 2024-01-01 06:00:00+00:00 True None None 0 1 100 True
2 2024-01-01 06:00:00+00:00 True None None 0 1 100 True
5 2024-01-01 10:00:00+00:00 None 15.0 20.0 2 1 100 True
7 2024-01-02 09:00:00+00:00 None None None 0 0 100 False
";
    assert_eq!(found, expected);
    let found = rows(&run, &run.output(&plan, "features.days", "rows"));
    let expected = "\
AA 2024-01-01 00:00:00+00:00 0.0
AA 2024-01-02 00:00:00+00:00 110.0
AA 2024-01-03 00:00:00+00:00 2000.0
BB 2024-01-03 00:00:00+00:00 0.0
";
    assert_eq!(found, expected);
}

#[test]
fn what_only_the_label_needs_is_not_asked_for_to_predict() {
    let root = tempfile::tempdir().expect("a folder");
    let mut plan = in_time();
    let set = plan.features.get_mut("trips").expect("the features");
    set.windows.retain(|window| window.name != "complaints");
    set.inputs.retain(|input| input.name != "complaints");
    let run = Run::new(root.path(), python(), &mut plan, &BTreeMap::new());
    let module = fs::read_to_string(run.build.join("features/trips.py")).expect("the module");
    let function = |name: &str| {
        let (_, from) = module.split_once(&format!("def {name}(")).expect("the function");
        from.split_once("\n\n\n").expect("its end").0
    };
    assert!(module.contains("\nPREDICT_DATASETS = [\"flights\", \"weather\", \"planes\"]\n"), "{module}");
    assert!(function("rows").contains("windows.ahead") && function("rows").contains("complaints"));
    for name in ["predict_rows", "_related", "_values"] {
        assert!(!function(name).contains("windows.ahead") && !function(name).contains("complaints"), "{module}");
    }
    run.check_python();
}
