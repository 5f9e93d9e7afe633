//! A real MLflow server over SQLite, as the environment that `tests/python/registries.lock` locks has it.

use crate::python;
use serde_json::Value;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The environment of the server, in which pipelines that talk to it run too.
pub const ENVIRONMENT: &str = "registries";

/// A server, which ends with the value.
pub struct Mlflow {
    child: Child,
    port: u16,
    /// Its address.
    pub uri: String,
    home: tempfile::TempDir,
}

impl Mlflow {
    /// Starts one that knows nothing yet.
    #[must_use]
    pub fn start() -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        let free = TcpListener::bind("127.0.0.1:0").expect("there is a port");
        let port = free.local_addr().expect("it has an address").port();
        drop(free);
        let child = serve(&home, port);
        Self { child, port, uri: format!("http://127.0.0.1:{port}"), home }
    }

    /// Ends it; what it was told stays.
    pub fn stop(&mut self) {
        // Its workers too, which would serve on. It may be over.
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.child.wait();
    }

    /// Starts it again with what it was told.
    pub fn start_again(&mut self) {
        self.child = serve(&self.home, self.port);
    }

    /// What a script says of the server, as JSON.
    #[must_use]
    pub fn ask(&self, script: &str) -> Value {
        let mut command = python::clean(&python::interpreter(ENVIRONMENT));
        let script =
            format!("import json\nfrom mlflow import MlflowClient\nclient = MlflowClient('{}')\n{script}", self.uri);
        let output = command
            .args(["-c", &script])
            .env("MLFLOW_TRACKING_URI", &self.uri)
            .env("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
            .output()
            .expect("Python runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("the script prints JSON")
    }
}

impl Drop for Mlflow {
    fn drop(&mut self) {
        self.stop();
    }
}

fn serve(home: &tempfile::TempDir, port: u16) -> Child {
    let interpreter = python::interpreter(ENVIRONMENT);
    let programs = interpreter.parent().expect("it has a folder").to_owned();
    let mut command = python::clean(&interpreter);
    command.args(["-m", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1"]);
    command.args(["--port", &port.to_string(), "--backend-store-uri"]);
    command.arg(format!("sqlite:///{}/mlflow.db", home.path().display()));
    command.arg("--artifacts-destination").arg(home.path().join("artifacts"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(programs).chain(std::env::split_paths(&path));
    let joined = std::env::join_paths(paths).expect("no folder has a colon");
    command.env("PATH", joined).env("MLFLOW_DISABLE_TELEMETRY", "true");
    command.env_remove("PYTHONDONTWRITEBYTECODE").current_dir(home.path()).process_group(0);
    let log = std::fs::File::create(home.path().join("log")).expect("it can be written");
    let mut child = command.stdout(Stdio::null()).stderr(log).spawn().expect("the server starts");
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(child.try_wait().expect("it can be asked").is_none(), "it ended");
        assert!(begun.elapsed() < Duration::from_secs(120), "it does not listen");
        std::thread::sleep(Duration::from_millis(200));
    }
    child
}
