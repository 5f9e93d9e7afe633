//! Measures the executor beside ninja, the checker on large programs, generated features beside hand-written ones, and a
//! whole run beside one script.
//!
//! `cargo run --release -p mlpc-bench [-- executor|python|check|features|flights|targets|airflow …]`; without a name, all
//! of them. Numbers are the best of several rounds, because other work on the machine only ever adds time.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program for a terminal")]

mod airflow;
mod check;
mod executor;
mod features;
mod flights;
mod ninja;
mod plans;
mod python;
mod taken;
mod targets;

use std::process::ExitCode;
use std::time::{Duration, Instant};

/// The same as of the command that is measured.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a benchmark gives: lines were printed, or there is a reason why not.
type Outcome = Result<(), Box<dyn std::error::Error>>;

/// A name and what it measures.
type Benchmark = (&'static str, fn() -> Outcome);

const BENCHMARKS: &[Benchmark] = &[
    ("executor", executor::measure),
    ("python", python::measure),
    ("check", check::measure),
    ("features", features::measure),
    ("targets", targets::measure),
    ("flights", flights::measure),
    ("airflow", airflow::measure),
];

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if let Some(unknown) = wanted.iter().find(|name| !BENCHMARKS.iter().any(|(known, _)| known == name)) {
        eprintln!("there is no benchmark `{unknown}`");
        return ExitCode::from(2);
    }
    if cfg!(debug_assertions) {
        println!("note: this is a debug build; use --release for numbers that mean something");
    }
    for (name, measure) in BENCHMARKS {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            println!("# {name}");
            if let Err(error) = measure() {
                eprintln!("{name}: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

/// The shortest of `rounds` times that `work` took.
fn best(rounds: usize, mut work: impl FnMut() -> Outcome) -> Result<Duration, Box<dyn std::error::Error>> {
    let mut best = Duration::MAX;
    for _ in 0..rounds {
        let started = Instant::now();
        work()?;
        best = best.min(started.elapsed());
    }
    Ok(best)
}

/// Milliseconds, for tables.
fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
