//! Runs the plan in a file and prints its events: `cargo run --example run_plan -- PLAN BUILD ROOT [JOBS]`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program for a terminal")]

use mlpc_native::{Options, Outcome, RunEvent};
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [plan, build, root, rest @ ..] = arguments.as_slice() else {
        eprintln!("usage: run_plan PLAN BUILD ROOT [JOBS]");
        return ExitCode::from(2);
    };
    match run(plan, build, root, rest.first().and_then(|jobs| jobs.parse().ok())) {
        Ok(Outcome::Succeeded) => ExitCode::SUCCESS,
        Ok(Outcome::Refused) => ExitCode::from(3),
        Ok(Outcome::Failed) => ExitCode::from(4),
        Ok(Outcome::Interrupted) => ExitCode::from(130),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(1)
        }
    }
}

fn run(plan: &str, build: &str, root: &str, jobs: Option<usize>) -> Result<Outcome, Box<dyn std::error::Error>> {
    let plan = serde_json::from_slice(&std::fs::read(plan)?)?;
    let mut options = Options::new(Path::new(root), Path::new(build));
    options.pythons.insert("default".to_owned(), "python3".into());
    options.jobs = jobs.unwrap_or(options.jobs);
    options.grace = std::time::Duration::from_secs(1);
    let mut outcome = Outcome::Failed;
    for event in mlpc_native::execute(&plan, &options)? {
        println!("{}", serde_json::to_string(&event)?);
        if let RunEvent::Finished(finished) = event {
            outcome = finished.outcome;
        }
    }
    Ok(outcome)
}
