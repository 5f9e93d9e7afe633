//! A Prefect server with a worker for one test: its own folder, its own port on the loopback, gone with the value.

use crate::command::{Ended, ended};
use crate::python;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The work pool of the worker: what `[target.prefect]` says if nothing is said.
const POOL: &str = "mlp";

/// A running server.
pub struct Server {
    home: tempfile::TempDir,
    port: u16,
    started: Vec<Child>,
    python: PathBuf,
}

impl Server {
    /// Starts a server and a worker. Steps of all environments run in the tests' own.
    #[must_use]
    pub fn start() -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        let port = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("it has one").port();
        let python = python::interpreter("prefect");
        let mut server = Self { home, port, started: Vec::new(), python };
        let mut command = server.prefect(&["server", "start", "--host", "127.0.0.1", "--port", &port.to_string()]);
        server.spawn(&mut command);
        let began = Instant::now();
        while !server.is_healthy() {
            assert!(began.elapsed() < Duration::from_secs(120), "the server does not answer");
            std::thread::sleep(Duration::from_millis(100));
        }
        let made = ended(&mut server.prefect(&["work-pool", "create", POOL, "--type", "process"]));
        assert_eq!(made.code, 0, "{}{}", made.stdout, made.stderr);
        let mut worker = server.prefect(&["worker", "start", "--pool", POOL, "--type", "process"]);
        for environment in ["DEFAULT", "CPU"] {
            worker.env(format!("MLP_PYTHON_{environment}"), python::python());
        }
        server.spawn(&mut worker);
        server
    }

    /// Where its interface for programs is.
    #[must_use]
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}/api", self.port)
    }

    /// The command line of Prefect, which talks to this server.
    #[must_use]
    pub fn prefect(&self, arguments: &[&str]) -> Command {
        let mut command = self.python();
        command.args(["-m", "prefect"]).args(arguments);
        command
    }

    /// Deploys what is in a build.
    #[must_use]
    pub fn deploy(&self, build: &Path) -> Ended {
        ended(self.prefect(&["--no-prompt", "deploy", "--all"]).current_dir(build))
    }

    /// What the server says of something: `run DEPLOYMENT COUNT STORE`, `keys FILE…`.
    #[must_use]
    pub fn report(&self, arguments: &[&str]) -> Value {
        let script = python::repository().join("tests/python/prefect_report.py");
        let told = ended(self.python().arg(script).args(arguments));
        assert_eq!(told.code, 0, "{arguments:?}: {}", told.stderr);
        serde_json::from_str(&told.stdout).unwrap_or_else(|error| panic!("{error}: {}", told.stdout))
    }

    /// Python with Prefect.
    #[must_use]
    pub fn python(&self) -> Command {
        let mut command = python::clean(&self.python);
        command.env("PREFECT_HOME", self.home.path()).env("HOME", self.home.path());
        command.env("PREFECT_API_URL", self.address());
        command.env("PREFECT_SERVER_ANALYTICS_ENABLED", "false").env("DO_NOT_TRACK", "1");
        command.env("PREFECT_WORKER_QUERY_SECONDS", "1").stdin(Stdio::null());
        command
    }

    /// In a group of its own, so that whatever it starts ends with it.
    fn spawn(&mut self, command: &mut Command) {
        let log = std::fs::File::options().append(true).create(true).open(self.log()).expect("a log");
        let copy = log.try_clone().expect("a second handle");
        self.started.push(command.process_group(0).stdout(log).stderr(copy).spawn().expect("it starts"));
    }

    /// What server and worker said.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.home.path().join("log")
    }

    fn is_healthy(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return false };
        let asked = stream.set_read_timeout(Some(Duration::from_secs(5))).is_ok()
            && stream.write_all(b"GET /api/health HTTP/1.0\r\nHost: localhost\r\n\r\n").is_ok();
        let mut answer = String::new();
        asked && stream.read_to_string(&mut answer).is_ok() && answer.starts_with("HTTP/1.1 200")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for child in self.started.iter_mut().rev() {
            let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", child.id())]).status();
            let _ = child.wait();
        }
    }
}
