//! `mlpc test`: the examples' own tests, columns of every type, results as CI servers read them.

use mlpc_tests::project::Project;
use mlpc_tests::python;
use serde_json::{Value, json};

#[test]
fn the_tests_of_every_example_pass() {
    for name in ["penguins", "diabetes", "flights"] {
        let project = Project::example(name);
        project.lock();
        let ended = project.mlpc(&["test", "--locked", "--cases", "40", "--format", "json"]);
        assert_eq!(ended.code, 0, "{name}: {}{}", ended.stdout, ended.stderr);
        let results: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert!(results["passed"].as_u64().unwrap() >= 2, "{name}: {results}");
        assert_eq!(results["failed"], 0);
    }
}

const TYPES: &str = r#"
/// Columns of every type that a test can write.
pipeline types { seed = 1 }

/// A row is a scan.
dataset scans {
  source    = csv("scans.csv")
  key       = id
  timestamp = at
  timezone  = "America/New_York"
  schema {
    id:          int
    at:          timestamp
    day:         date?
    pixel[0..=3]: int in 0..=16
    price:       decimal(10, 2) in 0..
    rate:        decimal(20, 18)?
    marks:       list[float?]
    words:       list[string]
    place:       vector[2]
    took:        duration?
    bad:         bool
  }
  expect { rows > 0 }
}

/// What they are made into.
features seen from scans {
  column pixel
  column first  = pixel[0]
  column cheap  = price < 10
  column best   = list_max(marks)
  column clock  = hour(at)
  column spread = place
  let    twice  = price * 2
  let    exact  = rate
  let    day_of = date_of(at)
  let    moment = at
  let    all    = marks
  let    tokens = words
  let    span   = took
  label  bad
}

split parts of seen { by = time, train = 70%, test = 30% }

train model { trainer = sklearn.hist_gradient_boosting_classifier, data = parts }

test "literals of every type" of seen {
  given scans = [
    { id: 1, at: "2013-11-03T01:30", day: "2013-01-02", pixel: [0, 1, 2, 16], price: 9.99, took: 90m,
      rate: "1.123456789012345678", marks: [1.0, null], words: ["a\"b", "ü\n{}"], place: [1, 2.5] },
    { id: 2, at: date("2013-12-01"), pixel: [3, 1, 2, 3], price: "12345678.25", marks: [], words: [], place: [0, 0] }
  ]
  expect pixel  = [[0, 1, 2, 16], [3, 1, 2, 3]]
  expect first  = [0, 3]
  expect cheap  = [true, false]
  expect best   = [1.0, null]
  expect clock  = [1, 0]
  expect spread = [[1, 2.5], [0, 0]]
  expect twice  = [19.98, "24691356.50"]
  expect exact  = ["1.123456789012345678", null]
  expect day    = ["2013-01-02", null]
  expect day_of = ["2013-11-03", date("2013-12-01")]
  expect moment = ["2013-11-03T05:30Z", "2013-12-01T00:00"]
  expect all    = [[1.0, null], []]
  expect tokens = [["a\"b", "ü\n{}"], []]
  expect span   = [90m, null]
}

test "no rows, no values" of seen {
  given scans = []
  expect tokens = []
}

test "a number of a wide column lies in its range" of seen {
  given scans = [{ id: 1, at: "2013-11-03T01:30", pixel: [0, 1, 2, 17] }]
  expect error refused_value
}

test "what some rows break" of seen {
PROPERTIES
}
"#;

#[test]
fn literals_and_made_up_rows_are_of_every_type() {
    // Each is false of some rows: the values say that they are made up, and made small.
    let broken = [
        ("price < 100", json!({ "price": "100.00" })),
        ("first < 9", json!({ "first": "16" })),
        ("clock != 2", json!({ "clock": "2" })),
        ("list_length(tokens) < 2", json!({ "tokens": "[\"\", \"\"]" })),
        ("coalesce(best, 0.0) < 0.5", json!({ "best": "1.0" })),
        ("is_null(exact) or exact < 0.5", json!({ "exact": "1.000000000000000000" })),
    ];
    let properties: Vec<String> =
        broken.iter().map(|(condition, _)| format!("  for all rows of scans: {condition}")).collect();
    let project = Project::of(&TYPES.replace("PROPERTIES", &properties.join("\n")));
    project.write("scans.csv", "id\n");
    project.lock();
    let ended = project.mlpc(&["test", "--locked", "--format", "json"]);
    assert_eq!(ended.code, 1, "{}{}", ended.stdout, ended.stderr);
    let results: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(results["passed"], 3, "{}", ended.stdout);
    let problems = results["tests"][3]["problems"].as_array().unwrap();
    let found: Vec<&Value> = problems.iter().map(|problem| &problem["values"]).collect();
    assert_eq!(found, broken.iter().map(|(_, values)| values).collect::<Vec<_>>());
}

#[test]
fn junit_is_what_ci_servers_read() {
    let project = Project::example("penguins");
    project.lock();
    project.edit("penguins.mlp", "expect bill_length = [-1.0, 1.0]", "expect bill_length = [-1.0, 1.5]");
    let ended = project.mlpc(&["test", "--locked", "--cases", "5", "--junit", "out/results.xml"]);
    assert_eq!(ended.code, 1, "{}{}", ended.stdout, ended.stderr);
    // The attributes that the schema of Surefire's reports asks for, and sums that are right.
    let script = r#"
import sys
from xml.etree import ElementTree

root = ElementTree.parse(sys.argv[1]).getroot()
assert root.tag == "testsuites", root.tag
for suite in root:
    assert suite.tag == "testsuite" and {"name", "tests", "failures", "errors", "skipped", "time"} <= set(suite.attrib)
    cases = list(suite)
    assert int(suite.get("tests")) == len(cases)
    assert int(suite.get("failures")) == len(suite.findall("testcase/failure")) == 1
    assert int(suite.get("errors")) == len(suite.findall("testcase/error")) == 0
    for case in cases:
        assert case.tag == "testcase" and {"name", "classname", "time"} <= set(case.attrib)
        for problem in case:
            assert set(problem.attrib) == {"message", "type"} and problem.text.strip()
assert int(root.get("tests")) == 3
"#;
    let mut command = python::command();
    command.args(["-c", script]).arg(project.path.join("out/results.xml"));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_test_recorded_from_real_rows_passes_as_it_is_written() {
    let project = Project::example("penguins");
    project.lock();
    let ended = project.mlpc(&["test", "--record", "traits", "--rows", "4", "--of", "island=Dream", "--write"]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    let text = project.read("penguins.mlp");
    let (_, test) = text.split_once("test \"as recorded of island Dream\" of traits {").unwrap();
    assert_eq!(test.matches("island: \"Dream\"").count(), 4, "{test}");
    // What the run has learned of the training part, not of four rows.
    assert!(
        test.contains("given fitted on_island       = { levels: [\"Biscoe\", \"Dream\", \"Torgersen\"] }"),
        "{test}"
    );
    let ended = project.mlpc(&["test", "--locked", "--filter", "as recorded", "--format", "json"]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    // It looks at the code: another code does not pass.
    project.edit(
        "penguins.mlp",
        "standardize(bill_length_mm / bill_depth_mm)",
        "standardize(bill_depth_mm / bill_length_mm)",
    );
    let ended = project.mlpc(&["test", "--locked", "--filter", "as recorded"]);
    assert_eq!(ended.code, 1);
    assert!(ended.stdout.contains("expect bill_shape"), "{}", ended.stdout);
}

const VISITS: &str = r#"
/// Who comes back?
pipeline returning { seed = 1 }

param as_of: date = date("2024-03-01")

/// A row is a member.
dataset members {
  source    = csv("members.csv")
  key       = id
  timestamp = since
  schema { id: string @pii, since: date, plan: category constant }
  expect { rows > 0 }
}

/// A row is a visit.
dataset visits {
  source    = csv("visits.csv")
  timestamp = at
  timezone  = "UTC"
  schema { member: string @pii, at: timestamp, minutes: float }
  expect { rows > 0 }
}

/// Every week of every member.
features weeks from members {
  sample every 7d in date("2024-01-08")..=as_of
  column long = mean(visits.minutes) over (by: id = member, window: 14d)
  column plan
  label  back = count(visits.minutes > 0.0) over (by: id = member, ahead: 7d) > 0
}

split parts of weeks { by = time, train = 60%, test = 40%, gap = 7d }

train model { trainer = sklearn.hist_gradient_boosting_classifier, data = parts }
"#;

#[test]
fn histories_and_what_lies_ahead_are_recorded_without_names() {
    let project = Project::of(VISITS);
    let day = |number: u32| format!("2024-{:02}-{:02}", 1 + number / 28, 1 + number % 28);
    let members = (0..6).map(|member| format!("person-{member},{},basic\n", day(member)));
    project.write("members.csv", format!("id,since,plan\n{}", members.collect::<String>()));
    let visits = (0..80).map(|visit| format!("person-{},{}T10:00:00Z,{}.5\n", visit % 6, day(visit % 70), visit));
    project.write("visits.csv", format!("member,at,minutes\n{}", visits.collect::<String>()));
    project.lock();
    let record = ["test", "--record", "weeks", "--rows", "1", "--param", "as_of=2024-02-12"];
    let ended = project.mlpc(&record);
    assert_eq!(ended.code, 2, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stderr.contains("`members.id`, which is @pii"), "{}", ended.stderr);

    let ended = project.mlpc(&[&record[..], &["--tagged", "mask", "--write"]].concat());
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    let text = project.read("main.mlp");
    let (_, test) = text.split_once("test \"as recorded\" of weeks {").unwrap();
    assert!(!test.contains("person-") && test.contains("{ member: \"id_1\", "), "{test}");
    assert!(test.contains("given as_of = date(\"2024-02-12\")") && test.contains("expect back = ["), "{test}");
    // The parameter's own value is another one.
    let ended = project.mlpc(&["test", "--locked"]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
}
