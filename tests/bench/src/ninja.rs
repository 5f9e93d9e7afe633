//! ninja on the same graphs: the same commands in the same shell.

use crate::Outcome;
use crate::plans::Shape;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The ninja on the path, or one that pip installs into `folder`.
pub fn find(folder: &Path) -> Result<PathBuf, Box<dyn std::error::Error>> {
    let present = Command::new("ninja").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if present.is_ok_and(|status| status.success()) {
        return Ok(PathBuf::from("ninja"));
    }
    let venv = folder.join("ninja");
    run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    run(Command::new(venv.join("bin/python")).args(["-m", "pip", "install", "--quiet", "ninja"]))?;
    // The program itself, not the Python script that starts it and would be measured with it.
    let output = Command::new(venv.join("bin/python"))
        .args(["-c", "import ninja, os; print(os.path.join(ninja.BIN_DIR, 'ninja'))"])
        .output()?;
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()))
}

/// Writes the graph into `folder` and builds it.
pub fn build(ninja: &Path, folder: &Path, shape: Shape, count: usize, jobs: usize) -> Outcome {
    std::fs::create_dir_all(folder)?;
    let mut text = String::from("rule step\n  command = : > $out\n");
    for number in 0..count {
        let before = if shape == Shape::Chain && number > 0 { format!(" s{}", number - 1) } else { String::new() };
        writeln!(text, "build s{number}: step{before}")?;
    }
    std::fs::write(folder.join("build.ninja"), text)?;
    again(ninja, folder, jobs)
}

/// Builds what was built already.
pub fn again(ninja: &Path, folder: &Path, jobs: usize) -> Outcome {
    run(Command::new(ninja).args(["--quiet", "-j", &jobs.to_string(), "-C"]).arg(folder))
}

fn run(command: &mut Command) -> Outcome {
    let output = command.output()?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned().into()) }
}
