//! A run as of a day sees what a run of that day saw, whatever came later.

use super::lint;
use mlpc_tests::project::Project;

const PROGRAM: &str = r#"/// The day of the run.
param as_of: date = scheduled_date

/// Will a customer come back?
pipeline shop {
  seed  = 3
  as_of = as_of
}

/// Who they are.
dataset customers {
  source = csv("customers.csv")
  key    = id
  schema { id: int, country: category["at", "us"] constant }
  expect { rows > 0 }
}

/// What they bought; whether it came back is known two weeks later.
dataset orders {
  source    = csv("orders.csv", null: [""])
  timestamp = at
  timezone  = "America/New_York"
  schema { id: int, at: timestamp, amount: float, returned: bool? known after 14d as ["0", "1"] }
  expect { rows > 0 }
}

/// Each customer at each week.
features weekly from customers {
  sample every 7d in date("2025-01-06")..=as_of
  column from_us  = country == "us"
  column spent    = sum(orders.amount) over (by: id, window: 28d)
  column returned = count(orders.returned) over (by: id)
  label  back     = count(orders) over (by: id, ahead: 14d) > 0
}

split parts of weekly { by = time, train = 60%, test = 40%, gap = 14d }

train model { trainer = sklearn.logistic_regression(max_iter: 200), data = parts }
"#;

/// An order every five hours, up to a number of hours after the start of 2025 in New York; whether it came back is there if it
/// was known by then.
fn orders(hours: usize, known_until: usize) -> String {
    let row = |at: usize| {
        let (day, hour) = (at * 5 / 24, at * 5 % 24);
        let (month, day) = if day < 31 {
            (1, day + 1)
        } else if day < 59 {
            (2, day - 30)
        } else {
            (3, day - 58)
        };
        let returned =
            if at * 5 + 14 * 24 <= known_until { u8::from(at.is_multiple_of(3)).to_string() } else { String::new() };
        format!("{},2025-{month:02}-{day:02} {hour:02}:00,{}.5,{returned}\n", at * at % 7, at % 11)
    };
    "id,at,amount,returned\n".to_owned() + &(0..).take_while(|at| at * 5 <= hours).map(row).collect::<String>()
}

fn project(orders: String) -> Project {
    let project = Project::of(PROGRAM);
    let customers: String = (0..7).map(|id| format!("{id},{}\n", ["at", "us"][id % 2])).collect();
    project.write("customers.csv", "id,country\n".to_owned() + &customers);
    project.write("orders.csv", orders);
    project.lock();
    project
}

#[test]
fn what_came_later_makes_no_difference() {
    // The first of March began in New York this many hours after the year.
    let day = 59 * 24;
    let all = project(orders(66 * 24, 90 * 24));
    let then = project(orders(day, day));
    let asked = ["--param", "as_of=2025-03-01"];
    let (late, early) = (all.succeed(&asked), then.succeed(&asked));
    let model = late.artifacts()["model"].clone();
    assert_eq!(model, early.artifacts()["model"]);
    for step in ["features.weekly", "split.parts"] {
        let output = if step == "split.parts" { "parts" } else { "rows" };
        assert_eq!(
            std::fs::read(late.output(step, output)).unwrap(),
            std::fs::read(early.output(step, output)).unwrap()
        );
    }
    assert_eq!(late.step("ingest.orders")["rows"]["rows"], day / 5 + 1);
    // A later day sees more, and the model is another.
    let later = all.succeed(&["--param", "as_of=2025-03-07"]);
    assert_ne!(later.artifacts()["model"], model);
    let built = all.mlpc(&["build", "--locked", "--out", "built"]);
    assert_eq!(built.code, 0, "{}", built.stderr);
    lint::check(&all.path.join("built"));
    let ingest = all.read("built/steps/ingest_orders.py");
    assert!(ingest.contains("cells={\"returned\": timedelta(days=14)}"), "{ingest}");
}

#[test]
fn a_date_of_no_schedule_is_that_of_the_lock() {
    let project = project(orders(66 * 24, 90 * 24));
    let lock = project.read("mlp.lock").replacen("mlp-lock 1\n", "mlp-lock 1\ndate 2025-03-01\n", 1);
    project.write("mlp.lock", lock);
    let run = project.succeed(&[]);
    let named = project.succeed(&["--param", "as_of=2025-03-01"]);
    assert_eq!(run.artifacts(), named.artifacts());
    assert_eq!(named.steps("succeeded"), Vec::<String>::new());
}
