//! What people see when something is wrong: which column, which rule, how many rows, which ones, where to look.

use mlpc_tests::project::Project;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// Rows with a key, a closed category, a range and nulls allowed in one column; all of it is sound.
const SHOP: &str = r#"/// What a customer spends.
pipeline shop { seed = 1 }

/// One row per customer.
dataset customers {
  source = csv("customers.csv")
  key    = customer
  schema {
    customer: int in 1..
    tier:     category["basic", "plus"]
    age:      int in 18..=120
    visits:   int?
    spent:    float in 0.0..
  }
  expect {
    rows in 10..=1_000
    null_rate(visits) <= 20%
    spent < 1_000.0
  }
}

/// What is known of a customer.
features known from customers {
  column age_z   = standardize(age)
  column visit_z = standardize(impute(visits))
  column of_tier = one_hot(tier)
  label  spent
}

split parts of known { by = random, train = 60%, test = 40% }

train spending { trainer = sklearn.ridge(alpha: 1.0), data = parts }
"#;

fn customers() -> Vec<String> {
    let header = "customer,tier,age,visits,spent".to_owned();
    let row = |at: usize| {
        let tier = ["basic", "plus"][at % 2];
        format!("{at},{tier},{},{},{}.5", 18 + at, at % 7, 3 * at + at % 5)
    };
    std::iter::once(header).chain((1..=40).map(row)).collect()
}

fn shop() -> Project {
    let project = Project::of(SHOP);
    project.write("customers.csv", customers().join("\n") + "\n");
    project
}

/// One change to the sound rows and what a person must be told.
struct Bad {
    about: &'static str,
    change: fn(&mut Vec<String>),
    told: &'static [&'static str],
}

const BAD: &[Bad] = &[
    Bad {
        about: "a value that the category does not have",
        change: |rows| rows[7] = "7,gold,25,0,26.5".to_owned(),
        told: &["customers: 1 of", "tier is one of basic, plus: 1 row: \"gold\" (row 7)"],
    },
    Bad {
        about: "numbers out of range",
        change: |rows| {
            rows[3] = "3,plus,17,3,12.5".to_owned();
            rows[9] = "9,plus,200,2,31.5".to_owned();
        },
        told: &["age in 18..=120: 2 rows: 17 (row 3), 200 (row 9)"],
    },
    Bad {
        about: "no value where one must be",
        change: |rows| rows[5] = "5,plus,,5,15.5".to_owned(),
        told: &["age is not null: 1 row: null (row 5)"],
    },
    Bad {
        about: "a cell that is no number",
        change: |rows| rows[5] = "5,plus,23,5,a lot".to_owned(),
        told: &["spent is a number: 1 row: \"a lot\" (row 5)"],
    },
    Bad {
        about: "a key that is there twice",
        change: |rows| rows[8] = "4,basic,26,1,27.5".to_owned(),
        told: &["(customer) identifies a row: 2 rows: 4 (row 4), 4 (row 8)"],
    },
    Bad {
        about: "a column that is not there",
        change: |rows| rows[0] = "customer,tier,years,visits,spent".to_owned(),
        told: &["declared columns are not in the header of customers.csv", "age is missing"],
    },
    Bad { about: "a row that is too long", change: |rows| rows[2].push_str(",7"), told: &["customers"] },
    Bad {
        about: "an expectation of each row that fails",
        change: |rows| rows[40] = "40,basic,58,5,5000.0".to_owned(),
        told: &["spent < 1_000.0: 1 row: 5000 (row 40)"],
    },
    Bad {
        about: "an expectation of the table that fails",
        change: |rows| {
            for (at, row) in rows.iter_mut().enumerate().skip(1).take(10) {
                *row = format!("{at},basic,30,,3.5");
            }
        },
        told: &["null_rate(visits) <= 20%: measured 0.25: 10 rows: null (row 1), null (row 2)"],
    },
    Bad { about: "too few rows", change: |rows| rows.truncate(6), told: &["rows in 10..=1_000: measured 5"] },
];

#[test]
fn bad_data_is_named_by_column_rule_count_and_row() {
    let project = shop();
    let mut wrong = String::new();
    for bad in BAD {
        let mut rows = customers();
        (bad.change)(&mut rows);
        project.write("customers.csv", rows.join("\n") + "\n");
        let told = project.fail(4);
        let missing: Vec<_> = bad.told.iter().filter(|part| !told.contains(**part)).collect();
        if !missing.is_empty() || told.contains("Traceback") {
            wrong += &format!("== {}: lacks {missing:?}\n{told}\n", bad.about);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    // The same for people: no events, the message where they look.
    let told = project.mlpc(&["run", "--locked"]);
    assert_eq!(told.code, 4);
    assert!(told.stderr.contains("rows in 10..=1_000: measured 5"), "{}{}", told.stdout, told.stderr);
}

#[test]
fn a_step_that_raises_shows_its_last_lines_and_its_log() {
    let program = r#"/// Fails.
pipeline failing { seed = 1 }

/// Divides by what is not there.
step divide {
  run     = python("work.py:main")
  outputs { table: file("table.csv") }
}

/// Comes after.
step copy {
  inputs  { table = divide.table }
  run     = shell("cp {table} {copied}")
  outputs { copied: file("copied.csv") }
}
"#;
    let project = Project::of(program);
    let code = "def main(*, table):\n    print('half way')\n    raise ZeroDivisionError('nothing to divide by')\n";
    project.write("work.py", code);
    project.lock();
    let run = project.run(&[]);
    assert_eq!(run.ended.code, 4, "{}", run.told());
    assert_eq!(run.states()["step.copy"], "skipped");
    let failed = run.step("step.divide");
    let log = std::fs::read_to_string(failed["log"].as_str().unwrap()).unwrap();
    assert!(log.contains("half way") && log.contains("ZeroDivisionError: nothing to divide by"), "{log}");
    assert!(run.told().contains("nothing to divide by"), "{}", run.told());
    let told = project.mlpc(&["run", "--locked"]);
    assert!(told.stderr.contains("nothing to divide by"), "{}", told.stderr);
    assert!(told.stderr.contains("step.divide.log"), "{}", told.stderr);
}

/// Reads events until one fits; gives all that were read.
fn read_until(child: &mut Child, fits: impl Fn(&Value) -> bool) -> Vec<Value> {
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    let mut events = Vec::new();
    let mut line = String::new();
    while reader.read_line(&mut line).unwrap() > 0 {
        let event: Value = serde_json::from_str(&line).unwrap();
        line.clear();
        let done = fits(&event);
        events.push(event);
        if done {
            // The pipe must stay, or the run would end because nobody listens.
            child.stdout = Some(reader.into_inner());
            return events;
        }
    }
    panic!("the run ended first: {events:?}");
}

#[test]
fn a_killed_run_goes_on_where_it_was() {
    let project = shop();
    project.lock();
    let mut child = project.start();
    let started = |event: &Value| event["event"] == "step_started" && event["step"] == "train.spending";
    let events = read_until(&mut child, started);
    child.kill().unwrap();
    child.wait().unwrap();
    let done = |event: &&Value| event["event"] == "step_finished" && event["state"] == "succeeded";
    let mut finished: Vec<String> =
        events.iter().filter(done).map(|event| event["step"].as_str().unwrap().to_owned()).collect();
    finished.sort();
    assert!(finished.len() >= 4, "{finished:?}");

    let run = project.succeed(&[]);
    assert_eq!(run.steps("cached"), finished);
    assert!(run.steps("succeeded").contains(&"train.spending".to_owned()));
    assert_eq!(processes_below(&project.path), Vec::<String>::new());
}

#[cfg(target_os = "linux")]
#[test]
fn an_interrupted_run_leaves_nothing_behind() {
    let program = r#"/// Waits.
pipeline waiting { seed = 1 }

/// Starts what would outlive it.
step sleep {
  run     = shell("(setsid sleep 300 &) ; sleep 300 & sleep 300 ; touch {done}")
  outputs { done: file("done") }
}
"#;
    let project = Project::of(program);
    project.lock();
    let mut child = project.start();
    read_until(&mut child, |event| event["event"] == "step_started");
    let deadline = Instant::now() + Duration::from_secs(20);
    while processes_below(&project.path).len() < 4 {
        assert!(Instant::now() < deadline, "the step's processes do not start: {:?}", processes_below(&project.path));
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let mut rest = String::new();
    child.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest}");
    let run: Vec<Value> = rest.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(run.last().unwrap()["outcome"], "interrupted");
    assert_eq!(processes_below(&project.path), Vec::<String>::new());
    assert!(!Path::new(&project.path).join(".mlp/latest/waiting/done").exists());
}

/// Command lines of processes that a step of this project started, or that work in its folder.
fn processes_below(folder: &Path) -> Vec<String> {
    let folder = folder.to_str().unwrap();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let path = entry.path();
        let environment = std::fs::read(path.join("environ")).unwrap_or_default();
        let ours = String::from_utf8_lossy(&environment)
            .split('\0')
            .any(|line| line.strip_prefix("MLP_STEP=").is_some_and(|marker| marker.starts_with(folder)));
        if ours {
            let line = std::fs::read(path.join("cmdline")).unwrap_or_default();
            found.push(String::from_utf8_lossy(&line).replace('\0', " "));
        }
    }
    found
}

#[test]
fn a_changed_file_is_noticed_before_anything_runs() {
    let project = shop();
    project.lock();
    project.write("customers.csv", customers().join("\r\n") + "\r\n");
    let ended = project.mlpc(&["run", "--locked"]);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(ended.stderr.contains("stale_lock") || ended.stderr.contains("MLP0902"), "{}", ended.stderr);
    assert!(ended.stderr.contains("customers.csv"), "{}", ended.stderr);
}
