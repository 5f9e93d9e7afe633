//! Data against what is expected of them: distances from the reference and from the run before, what is shown of failures
//! and what never is, and the page about it all.

use mlpc_tests::project::Project;
use std::fs;

const PROGRAM: &str = r#"/// Which flights arrive late?
pipeline delays { seed = 1 }

/// One row per departure.
dataset flights {
  source = csv("flights.csv")
  schema {
    carrier:  category
    email:    string                @pii
    age:      int in 0..=120        @sensitive
    distance: float in 0.0..
    late:     bool
  }
  expect {
    rows in 100..
    drift(distance, against: reference) < 0.2
    cramers_v(carrier, against: reference) < 0.3
    wasserstein(distance, against: previous) < 400.0
    ks(age, against: previous) < 0.5
    match_rate(email, "[a-z0-9]+@mail[.]example") == 100%
    determines(email, carrier)
    warn mean(age) < 10.0
  }
}

/// What is known at departure.
features trips from flights {
  column distance
  column of_carrier = hash_bucket(carrier, 4)
  label  late
}

split parts of trips { by = random, train = 60%, test = 40% }

train model { trainer = sklearn.logistic_regression, data = parts }
"#;

/// Rows whose distance is moved by `shift` and whose carriers come from the first `carriers`.
fn flights(shift: usize, carriers: usize) -> Vec<String> {
    let header = "carrier,email,age,distance,late".to_owned();
    let row = |at: usize| {
        let carrier = ["AA", "B6", "DL", "UA", "WN"][at % carriers];
        let distance = 100 + (at * 37) % 900 + shift;
        format!("{carrier},person{at}@mail.example,{},{distance}.5,{}", 20 + at % 50, at.is_multiple_of(3))
    };
    std::iter::once(header).chain((1..=300).map(row)).collect()
}

fn write(project: &Project, rows: &[String]) {
    project.write("flights.csv", rows.join("\n") + "\n");
    let locked = project.mlpc(&["lock"]);
    assert_eq!(locked.code, 0, "{}{}", locked.stdout, locked.stderr);
}

/// A project that was locked and has run once.
fn project() -> Project {
    let project = Project::of(PROGRAM);
    project.write("flights.csv", flights(0, 4).join("\n") + "\n");
    project.lock();
    write(&project, &flights(0, 4));
    project
}

#[test]
fn data_are_compared_with_the_reference_and_with_the_run_before() {
    let project = project();
    let reference = project.read("profiles/flights.json");
    let locked = project.read("mlp.lock");
    assert!(locked.contains("profile flights profiles/flights.json sha256:"), "{locked}");
    for column in ["carrier", "distance"] {
        assert!(locked.contains(&format!("reference flights {column} 300 rows 0 nulls\n")), "{locked}");
    }
    // Values of tagged columns are in no file of the project.
    assert!(!reference.contains("age") && !reference.contains("person"), "{reference}");

    let first = project.succeed(&[]);
    let summary = first.step("validate.flights")["summary"].as_str().unwrap().to_owned();
    assert!(summary.contains("wasserstein(distance, against: previous) < 400.0: no previous run"), "{summary}");
    assert!(summary.contains("warning: mean(age) < 10"), "{summary}");
    assert!(!summary.contains("measured 4"), "the mean of a tagged column is shown: {summary}");
    assert!(first.artifacts().contains_key("flights_data_docs"));

    // The run before is an input: the same data are validated once more against it, and nothing else is done again.
    let second = project.succeed(&[]);
    assert_eq!(second.steps("succeeded"), ["validate.flights"]);
    let summary = second.step("validate.flights")["summary"].as_str().unwrap().to_owned();
    assert!(!summary.contains("no previous run"), "{summary}");
    assert!(project.succeed(&[]).steps("succeeded").is_empty());

    // Locking other data leaves the reference as it was.
    write(&project, &flights(500, 4));
    assert_eq!(project.read("profiles/flights.json"), reference);
    let moved = project.run(&[]);
    assert_eq!(moved.ended.code, 4, "{}", moved.told());
    let told = moved.told();
    assert!(told.contains("drift(distance, against: reference) < 0.2: measured"), "{told}");
    assert!(told.contains("wasserstein(distance, against: previous) < 400.0: measured 500"), "{told}");
    assert!(!told.contains("cramers_v"), "{told}");
    assert!(moved.steps("skipped").contains(&"train.model".to_owned()), "{told}");

    // A run that failed is no run before; a new reference is asked for.
    let anew = project.mlpc(&["lock", "--profiles"]);
    assert_eq!(anew.code, 0, "{}", anew.stderr);
    assert_ne!(project.read("profiles/flights.json"), reference);
    let told = project.run(&[]).told();
    assert!(told.contains("1 of 8 checks failed") && told.contains("against: previous"), "{told}");
}

#[test]
fn a_failure_shows_rows_but_no_tagged_value() {
    let project = project();
    let mut rows = flights(0, 4);
    rows[7] = "UA,PERSON SEVEN,27,359.5,false".to_owned();
    rows[8] = "AA,person9@mail.example,28,396.5,false".to_owned();
    write(&project, &rows);
    let run = project.run(&[]);
    assert_eq!(run.ended.code, 4, "{}", run.told());
    let told = run.told();
    assert!(told.contains("1 row: (hidden) (row 7)"), "{told}");
    assert!(told.contains("2 rows: (hidden), \"AA\" (row 8), (hidden), \"B6\" (row 9)"), "{told}");
    let latest = project.path.join(".mlp/latest/delays/flights_data_docs.html");
    let page = fs::read_to_string(latest).unwrap();
    assert!(page.contains("2 failed, 1 warning") && page.contains("row 7: email (hidden)"), "{page}");
    for (name, text) in project.files(".mlp/runs") {
        let text = String::from_utf8_lossy(&text);
        assert!(!text.contains("PERSON SEVEN") && !text.contains("person9@"), "{name} holds a tagged value");
    }
    // For people all that failed is told.
    let told = project.mlpc(&["run"]).stderr;
    assert!(told.contains("match_rate(email") && told.contains("determines(email, carrier)"), "{told}");
}

#[test]
fn a_cell_that_cannot_be_read_is_hidden_too() {
    let project = project();
    let mut rows = flights(0, 4);
    rows[5] = "UA,person5@mail.example,SECRET AGE,285.5,false".to_owned();
    project.write("flights.csv", rows.join("\n") + "\n");
    // The reference is there already, so locking reads nothing.
    write(&project, &rows);
    let told = project.run(&[]).told();
    assert!(told.contains("age is an integer: 1 row: (hidden) (row 5)"), "{told}");
    assert!(!told.contains("SECRET AGE"), "{told}");
}

#[test]
fn a_lock_without_a_reference_or_with_another_is_refused() {
    let project = project();
    project.edit("main.mlp", "cramers_v(carrier,", "drift(late,");
    let told = project.run(&[]).ended.stderr;
    assert!(told.contains("`mlp.lock` does not hold a reference of `late` of `flights`"), "{told}");
    write(&project, &flights(0, 4));
    let locked = project.read("mlp.lock");
    assert!(locked.contains("reference flights late 300 rows") && !locked.contains("reference flights carrier"));

    project.edit("profiles/flights.json", "\"rows\": 300,\n  \"columns\"", "\"rows\": 301,\n  \"columns\"");
    let told = project.run(&[]).ended.stderr;
    assert!(told.contains("MLP0902") && told.contains("differs from what `mlp.lock` holds"), "{told}");

    project.write("profiles/flights.json", "{}");
    let told = project.mlpc(&["lock"]);
    assert_eq!(told.code, 1, "{}", told.stderr);
    assert!(told.stderr.contains("is no profile"), "{}", told.stderr);
}
