//! Where the time of a Python step goes: the process, its imports, its work, and what the executor adds.

use crate::{Outcome, best, milliseconds, plans};
use mlpc_native::Options;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

const ROUNDS: usize = 7;

/// A step that imports what the runtime's contract needs and writes one file.
const PROGRAM: &str = r#"import argparse, dataclasses, hashlib, json, pathlib

parser = argparse.ArgumentParser()
for flag in ("--out", "--threads", "--result"):
    parser.add_argument(flag)
given = parser.parse_args()
pathlib.Path(given.out).write_bytes(b"")
digest = hashlib.sha256(b"").hexdigest()
outputs = {"out": {"path": "out", "sha256": digest}}
record = {"format": "mlp-result/v1", "outputs": outputs, "metrics": {}, "rows": {}, "summary": "nothing"}
pathlib.Path(given.result).write_text(json.dumps(record))
"#;

/// Modules that steps import.
const MODULES: &[&str] = &["argparse, dataclasses, hashlib, json, pathlib", "polars", "sklearn.linear_model"];

/// Where they come from.
const PACKAGES: &[&str] = &["polars", "scikit-learn"];

/// Prints milliseconds.
pub fn measure() -> Outcome {
    let folder = tempfile::tempdir()?;
    let base = interpreter()?;
    let python = environment(&base, PACKAGES)?;
    let bare = best(ROUNDS, || exec(Command::new(&python).args(["-c", ""])))?;
    println!("{:50} {:8.1} ms", "start and end of Python", milliseconds(bare));
    for modules in MODULES {
        let program = format!("import {modules}");
        let time = best(ROUNDS, || exec(Command::new(&python).args(["-c", &program])))?;
        println!("{:50} {:8.1} ms", format!("{program}, beyond that"), milliseconds(time.saturating_sub(bare)));
    }
    let build = folder.path().join("build");
    std::fs::create_dir_all(build.join("steps"))?;
    let program = build.join("steps/step.py");
    std::fs::write(&program, PROGRAM)?;
    let alone = best(ROUNDS, || by_hand(&python, &program, folder.path()))?;
    println!("{:50} {:8.1} ms", "an empty step by hand", milliseconds(alone));
    let plan = plans::python("steps/step.py", PROGRAM);
    let run = best(ROUNDS, || {
        let mut options = Options::new(folder.path(), &build);
        options.pythons.insert("default".to_owned(), python.clone());
        options.handle_signals = false;
        options.force = mlpc_native::Force::All;
        let finished = mlpc_native::run_to_end(&plan, &options, |_| {})?;
        if finished.outcome == mlpc_native::Outcome::Succeeded { Ok(()) } else { Err("the step failed".into()) }
    })?;
    println!(
        "{:50} {:8.1} ms",
        "the same as a whole run of one step, beyond that",
        milliseconds(run.saturating_sub(alone))
    );
    Ok(())
}

/// An environment with the packages, locked and built as a project's would be.
pub fn environment(base: &Path, packages: &[&str]) -> Result<PathBuf, Box<dyn std::error::Error>> {
    let output = Command::new(base).args(["-c", "import sys; print('%d.%d' % sys.version_info[:2])"]).output()?;
    let python = String::from_utf8(output.stdout)?.trim().to_owned();
    let wanted: Vec<String> = packages.iter().map(|&name| name.to_owned()).collect();
    let started = Instant::now();
    let packages = mlpc_native::resolve::resolve(&wanted, &python, &mut |_| {})?;
    println!("{:50} {:8.1} ms", format!("resolve {}", wanted.join(", ")), milliseconds(started.elapsed()));
    let digest = mlpc_plan::lock::environment_digest(&python, &packages);
    let environment = mlpc_plan::plan::Environment { python, packages, digest, image: None };
    let present = mlpc_native::environment::ready(&environment)?.is_some();
    let started = Instant::now();
    let made = mlpc_native::environment::ensure(&environment, &mut |_| {})?;
    let what = if present { "find their environment" } else { "build their environment" };
    println!("{what:50} {:8.1} ms", milliseconds(started.elapsed()));
    Ok(made)
}

/// The interpreter itself: a launcher would be measured with it.
pub fn interpreter() -> Result<PathBuf, Box<dyn std::error::Error>> {
    let output = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output()?;
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()))
}

fn by_hand(python: &Path, program: &Path, folder: &Path) -> Outcome {
    let mut command = Command::new(python);
    command.arg(program).arg("--out").arg(folder.join("out")).arg("--threads").arg("1");
    exec(command.arg("--result").arg(folder.join("result.json")))
}

fn exec(command: &mut Command) -> Outcome {
    let output = command.output()?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned().into()) }
}
