//! What the executor adds to each step, beside ninja: 1,000 steps that do nothing, in a chain and all at once.

use crate::plans::{self, Shape};
use crate::{Outcome, best, milliseconds, ninja};
use mlpc_native::{Options, RunEvent};
use mlpc_plan::Plan;
use std::path::Path;

const STEPS: usize = 1_000;
const ROUNDS: usize = 5;

/// Prints a table of milliseconds per step.
pub fn measure() -> Outcome {
    let folder = tempfile::tempdir()?;
    let ninja = ninja::find(folder.path())?;
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    println!("{STEPS} shell steps, {jobs} jobs, milliseconds per step");
    println!(
        "{:10} {:>8} {:>8} {:>8} | second run, milliseconds in all: {:>8} {:>8}",
        "", "ninja", "mlpc", "ratio", "ninja", "mlpc"
    );
    for shape in [Shape::Chain, Shape::Parallel] {
        let plan = plans::shell(shape, STEPS);
        let (mut built, mut root) = (folder.path().join("built"), folder.path().join("project"));
        // Rounds alternate, so that both meet the same moods of the machine. Each has fresh folders: file systems are slow
        // to hand out what was just given back, so removing the old ones would be measured too.
        let (mut theirs, mut ours) = (std::time::Duration::MAX, std::time::Duration::MAX);
        for round in 0..ROUNDS {
            built = folder.path().join(format!("built-{}-{round}", shape.name()));
            root = folder.path().join(format!("project-{}-{round}", shape.name()));
            theirs = theirs.min(best(1, || ninja::build(&ninja, &built, shape, STEPS, jobs))?);
            ours = ours.min(best(1, || run(&plan, &root, jobs, "succeeded"))?);
        }
        let theirs_again = best(ROUNDS, || ninja::again(&ninja, &built, jobs))?;
        let ours_again = best(ROUNDS, || run(&plan, &root, jobs, "cached"))?;
        println!(
            "{:10} {:8.3} {:8.3} {:8.2} | {:33} {:8.1} {:8.1}",
            shape.name(),
            milliseconds(theirs) / STEPS as f64,
            milliseconds(ours) / STEPS as f64,
            ours.as_secs_f64() / theirs.as_secs_f64(),
            "",
            milliseconds(theirs_again),
            milliseconds(ours_again),
        );
    }
    Ok(())
}

/// Runs `plan`; every step must end as `expected`.
fn run(plan: &Plan, root: &Path, jobs: usize, expected: &str) -> Outcome {
    let build = root.join("build");
    std::fs::create_dir_all(&build)?;
    let mut options = Options::new(root, &build);
    options.jobs = jobs;
    options.handle_signals = false;
    let mut counts = None;
    for event in mlpc_native::execute(plan, &options)? {
        if let RunEvent::Finished(finished) = event {
            counts = Some(finished.counts);
        }
    }
    match counts.as_ref().and_then(|counts| counts.get(expected)) {
        Some(count) if *count == plan.steps.len() => Ok(()),
        _ => Err(format!("not every step {expected}: {counts:?}").into()),
    }
}
