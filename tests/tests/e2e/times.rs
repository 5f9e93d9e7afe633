//! Days as times: each begins at midnight in the zone of its dataset, in joins, windows and samples, and keys of days and
//! of instants match where the one begins at the other.

use mlpc_tests::project::Project;

const PROGRAM: &str = r#"/// Days of two places.
pipeline days { seed = 1 }

/// What happened in Vienna, by instants.
dataset calls {
  source    = ndjson("calls.ndjson")
  key       = id
  timestamp = at
  timezone  = "Europe/Vienna"
  schema { id: int, place: category, at: timestamp, start: timestamp, count: int in 0.., late: bool }
  expect { rows > 0 }
}

/// One row per day of New York.
dataset news {
  source    = ndjson("news.ndjson")
  key       = [place, day]
  timestamp = day
  timezone  = "America/New_York"
  schema { place: category, day: date, mood: float }
  expect { rows > 0 }
}

/// One row per day, without a time.
dataset feasts {
  source   = ndjson("feasts.ndjson")
  key      = day
  timezone = "America/New_York"
  schema { day: date, level: float }
  expect { rows > 0 }
}

/// What one number stands for.
dataset names {
  source = ndjson("names.ndjson")
  key    = number
  schema { number: float, size: float }
  expect { rows > 0 }
}

/// What is known at a call.
features known from calls {
  join   news as last asof by place within 3d
  join   feasts by start = day
  join   names by count = number
  column happy  = coalesce(mood, 0.0)
  column before = count(news) over (by: place, window: 2d)
  let    feast  = level
  let    held   = size
  label  late
}

split parts of known { by = time, train = 70%, test = 30% }

train model { trainer = sklearn.logistic_regression, data = parts }

test "a day is over at four in the morning" of known {
  given calls = [
    { id: 1, place: "a", at: "2024-07-02T03:59:00Z", start: "2024-07-02T04:00:00Z", count: 1, late: true },
    { id: 2, place: "a", at: "2024-07-02T04:00:00Z", start: "2024-07-02T00:00:00Z", count: 2, late: true },
    { id: 3, place: "a", at: "2024-07-02T04:01:00Z", start: "2024-07-01T04:00:00Z", count: 1, late: true },
  ]
  given news   = [{ place: "a", day: "2024-07-01", mood: 1.0 }, { place: "a", day: "2024-07-02", mood: 2.0 }]
  given feasts = [{ day: "2024-07-02", level: 5.0 }]
  given names  = [{ number: 1.0, size: 10.0 }]
  expect happy  = [0.0, 1.0, 1.0]
  expect before = [0, 1, 1]
  expect feast  = [5.0, null, null]
  expect held   = [10.0, null, 10.0]
}
"#;

#[test]
fn a_day_begins_in_its_zone() {
    let project = Project::of(PROGRAM);
    for (name, row) in [
        (
            "calls",
            r#"{"id": 1, "place": "a", "at": "2024-07-02T03:59:00Z", "start": "2024-07-02T04:00:00Z", "count": 1, "late": true}"#,
        ),
        ("news", r#"{"place": "a", "day": "2024-07-01", "mood": 1.0}"#),
        ("feasts", r#"{"day": "2024-07-01", "level": 1.0}"#),
        ("names", r#"{"number": 1.0, "size": 1.0}"#),
    ] {
        project.write(&format!("{name}.ndjson"), row);
    }
    project.lock();
    let tested = project.mlpc(&["test"]);
    assert_eq!(tested.code, 0, "{}{}", tested.stdout, tested.stderr);
}
