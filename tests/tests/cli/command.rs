//! Runs the binary.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// How a command ended.
pub struct Ended {
    pub stdout: String,
    pub stderr: String,
    pub code: i32,
}

/// The binary, built once from the present sources.
pub fn binary() -> &'static PathBuf {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        // …/target/debug/deps/cli-1234
        let test = std::env::current_exe().unwrap();
        let profile = test.parent().unwrap().parent().unwrap();
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--package", "mlpc-cli", "--bin", "mlpc"]).arg("--target-dir");
        build.arg(profile.parent().unwrap()).current_dir(env!("CARGO_MANIFEST_DIR"));
        if profile.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().unwrap().success(), "mlpc does not build");
        profile.join(format!("mlpc{}", std::env::consts::EXE_SUFFIX))
    })
}

/// The command, the same whatever surrounds the test.
pub fn mlpc() -> Command {
    let mut command = Command::new(binary());
    for name in ["NO_COLOR", "CLICOLOR_FORCE", "TERM", "COLUMNS"] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// Runs the binary in the present folder.
pub fn run(args: &[&str]) -> Ended {
    ended(mlpc().args(args))
}

/// Runs a command to its end.
pub fn ended(command: &mut Command) -> Ended {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended { stdout: text(&output.stdout), stderr: text(&output.stderr), code: output.status.code().unwrap_or(-1) }
}
