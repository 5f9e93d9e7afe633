//! The `mlpc` binary, built once from the present sources and run the same whatever surrounds the test.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// How a command ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
    /// Its exit code; -1 if a signal ended it.
    pub code: i32,
}

/// The binary, built once from the present sources.
pub fn binary() -> &'static PathBuf {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        // …/target/debug/deps/e2e-1234
        let test = std::env::current_exe().expect("a test knows itself");
        let profile = test.ancestors().nth(2).expect("tests are built two folders deep").to_owned();
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--package", "mlpc-cli", "--bin", "mlpc"]).arg("--target-dir");
        build.arg(profile.parent().expect("a profile has a folder")).current_dir(env!("CARGO_MANIFEST_DIR"));
        if profile.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().expect("cargo starts").success(), "mlpc does not build");
        profile.join(format!("mlpc{}", std::env::consts::EXE_SUFFIX))
    })
}

/// The command, the same whatever surrounds the test.
#[must_use]
pub fn mlpc() -> Command {
    let mut command = Command::new(binary());
    for name in ["NO_COLOR", "CLICOLOR_FORCE", "TERM", "COLUMNS"] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub fn ended(command: &mut Command) -> Ended {
    let output = command.output().expect("the command starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended { stdout: text(&output.stdout), stderr: text(&output.stderr), code: output.status.code().unwrap_or(-1) }
}
