//! How long a build for Kubeflow takes, from the text of a program to all files, beside Kubeflow's SDK compiling the same
//! graph.

use crate::{Outcome, best, milliseconds};
use mlpc_db::{Database, MemorySystem};
use mlpc_emit::backend::{Choice, backend};
use mlpc_plan::lock::{Lock, LockedEnvironment, LockedStdlib, parse};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

const COUNTS: [usize; 3] = [10, 100, 1_000];
const ROUNDS: usize = 5;

/// Chains of 10, 100 and 1,000 steps.
pub fn measure() -> Outcome {
    let theirs = sdk()?;
    println!("{:>6} {:>12} {:>12} {:>10}", "steps", "mlpc build", "KFP SDK", "times");
    for (count, theirs) in COUNTS.into_iter().zip(theirs) {
        let program = program(count);
        let ours = best(ROUNDS, || build(&program, count))?;
        let times = theirs / ours.as_secs_f64();
        println!("{count:>6} {:>9.2} ms {:>9.2} ms {times:>9.1}x", milliseconds(ours), theirs * 1_000.0);
    }
    Ok(())
}

/// Check, plan, programs, definition.
fn build(program: &str, count: usize) -> Outcome {
    let system = MemorySystem::default().with("main.mlp", program);
    let mut db = Database::default();
    let project = mlpc_hir::load(&mut db, &system, "main.mlp", None)?;
    let findings = mlpc_hir::check_project(&db, project);
    if !findings.is_empty() {
        return Err(format!("the generated program has {} findings", findings.len()).into());
    }
    let mut plan = mlpc_plan::lower(&db, project, &lock());
    let mut entries = mlpc_plan::lower_entries(&db, project, &lock());
    let kubeflow = Choice::of(backend("kubeflow").ok_or("there is no target kubeflow")?);
    let tree = mlpc_emit::build_for(&kubeflow, &mut plan, &mut entries, &BTreeMap::new())?;
    // As the command leaves it to the end of the process.
    std::mem::forget(db);
    let definition = tree.get("pipelines/train.yaml").ok_or("there is no definition")?;
    let steps = definition.matches("executorLabel: ").count();
    // The last task is one more.
    if steps == count + 1 { Ok(()) } else { Err(format!("there are {steps} executors").into()) }
}

fn lock() -> Lock {
    let version = mlpc_stdlib::version().to_owned();
    let mut lock = Lock { stdlib: Some(LockedStdlib { version, sha256: mlpc_stdlib::digest() }), ..Lock::default() };
    let python = "3.11".to_owned();
    lock.environments.insert("default".to_owned(), LockedEnvironment { python, ..LockedEnvironment::default() });
    lock
}

/// A chain of copies, each tried three times.
fn program(count: usize) -> String {
    let mut text = "/// A chain.\npipeline chain {\n  owner = \"ops@example.com\"\n  seed  = 1\n}\n".to_owned();
    for step in 0..count {
        let (inputs, command) = match step {
            0 => (String::new(), "echo hello > {out}".to_owned()),
            _ => (format!("  inputs {{ before = s{}.out }}\n", step - 1), "cp {before} {out}".to_owned()),
        };
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "\n/// Step {step}.\nstep s{step} {{\n{inputs}  outputs {{ out: file(\"out.txt\") }}\n  run = shell(\"{command}\")\n  \
             retry = retry(attempts: 3, backoff: exponential(1s, max: 1m))\n}}\n"
        );
    }
    text
}

/// Seconds for each count, by the SDK that the tests lock.
fn sdk() -> Result<Vec<f64>, Box<dyn std::error::Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../python");
    let lock = parse(&std::fs::read_to_string(folder.join("kubeflow.lock"))?)?;
    let environment = lock.environment("kubeflow").ok_or("the lock has no environment kubeflow")?;
    let python: PathBuf = mlpc_native::environment::ensure(&environment, &mut |_| {})?;
    let mut command = Command::new(python);
    command.arg(folder.join("kubeflow/compile.py")).args(COUNTS.map(|count| count.to_string()));
    let output = command.output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    String::from_utf8(output.stdout)?.lines().map(|line| Ok(line.parse()?)).collect()
}
