//! A real Airflow for one test: its own home, its own ports, gone with the value. `tests/python/airflow.lock` pins it.

use crate::python::{clean, interpreter, repository};
use serde_json::Value;
use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Its interpreter, with everything installed.
pub fn python() -> &'static PathBuf {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| interpreter("airflow"))
}

/// The same of the last Airflow 2.
fn old_python() -> &'static PathBuf {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| interpreter("airflow2"))
}

/// What Airflow makes of the DAG files of a folder: `errors`, `dags`, `tasks`, `seconds`.
#[must_use]
pub fn read(folder: &Path) -> Value {
    read_by(python(), folder)
}

/// What the last Airflow 2 makes of them.
#[must_use]
pub fn read_by_old(folder: &Path) -> Value {
    read_by(old_python(), folder)
}

fn read_by(python: &Path, folder: &Path) -> Value {
    let home = tempfile::tempdir().expect("a temporary folder");
    let kubeconfig = home.path().join("kubeconfig");
    fs::write(&kubeconfig, kubeconfig_of(CLUSTER)).expect("it can be written");
    let mut command = command(python, home.path(), folder);
    command.env("KUBECONFIG", kubeconfig);
    script(&mut command, "airflow_read.py", &[folder.to_str().expect("a path is text")])
}

/// Runs one DAG of a folder by the last Airflow 2, in one process and without a scheduler; what that said.
#[must_use]
pub fn run_by_old(folder: &Path, dag: &str) -> String {
    let home = tempfile::tempdir().expect("a temporary folder");
    test_run(old_python(), home.path(), folder, dag, |_| {})
}

/// Runs one DAG of a folder in one process and without a scheduler, with a cluster for its pods; what that said.
#[must_use]
pub fn run_once(folder: &Path, dag: &str, cluster: &str, variables: &[(&str, &str)]) -> String {
    let home = tempfile::tempdir().expect("a temporary folder");
    let kubeconfig = home.path().join("kubeconfig");
    fs::write(&kubeconfig, kubeconfig_of(cluster)).expect("it can be written");
    test_run(python(), home.path(), folder, dag, |command| {
        command.env("KUBECONFIG", &kubeconfig).envs(variables.iter().copied());
    })
}

fn test_run(python: &Path, home: &Path, folder: &Path, dag: &str, set: impl Fn(&mut Command)) -> String {
    let mut said = String::new();
    for arguments in [&["db", "migrate"][..], &["dags", "test", dag]] {
        let mut command = command(python, home, folder);
        set(&mut command);
        let output = command.args(["-m", "airflow"]).args(arguments).output().expect("Airflow starts");
        said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert!(output.status.success(), "{arguments:?}: {said}");
    }
    said
}

/// How to reach a cluster.
fn kubeconfig_of(server: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\nclusters: [{{name: c, cluster: {{server: \"{server}\"}}}}]\n\
         users: [{{name: u, user: {{}}}}]\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n\
         current-context: c\n"
    )
}

/// A cluster that nobody asks anything.
const CLUSTER: &str = "http://127.0.0.1:1";

/// An Airflow's Python in a home, with settings that keep it off the network and to the DAGs of `folder`.
fn command(python: &Path, home: &Path, folder: &Path) -> Command {
    let mut command = clean(python);
    command.env("AIRFLOW_HOME", home).env("AIRFLOW__CORE__DAGS_FOLDER", folder).current_dir(home);
    command.env("AIRFLOW__CORE__LOAD_EXAMPLES", "False").env("AIRFLOW__USAGE_DATA_COLLECTION__ENABLED", "False");
    // On a machine with much else to do, importing a provider takes its time.
    command.env("AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT", "300");
    command.env("AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS", "False").env("SCARF_ANALYTICS", "false");
    command
}

/// Where a script of the tests is.
#[must_use]
pub fn script_path(name: &str) -> PathBuf {
    repository().join("tests").join("python").join(name)
}

/// The JSON that a script prints, which must succeed.
fn script(command: &mut Command, name: &str, arguments: &[&str]) -> Value {
    let output = command.arg(script_path(name)).args(arguments).output().expect("Python starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{name}: {stderr}{stdout}");
    let last = stdout.lines().last().expect("it prints a line");
    serde_json::from_str(last).unwrap_or_else(|error| panic!("{name}: {error}: {stdout}{stderr}"))
}

/// A running scheduler with its server.
pub struct Server {
    child: Child,
    home: tempfile::TempDir,
    address: String,
    folder: PathBuf,
}

impl Server {
    /// Starts one for the DAG files below `folder`, which must all be there, with further variables of the environment.
    #[must_use]
    pub fn start(folder: &Path, variables: &[(&str, &str)]) -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        let ports: Vec<TcpListener> = (0..3).map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port")).collect();
        let ports = ports.iter().map(|port| port.local_addr().expect("it has one").port().to_string());
        let [port, logs, triggers] = ports.collect::<Vec<_>>().try_into().expect("there are three");
        let address = format!("http://127.0.0.1:{port}");
        let mut command = command(python(), home.path(), folder);
        let path = std::env::join_paths(
            python().parent().map(Path::to_owned).into_iter().chain(std::env::split_paths(&path_of_programs())),
        );
        command.env("PATH", path.expect("folders without colons"));
        for (name, value) in [
            ("API__HOST", "127.0.0.1"),
            ("API__PORT", &port),
            ("API__BASE_URL", &address),
            ("API__WORKERS", "1"),
            ("API_AUTH__JWT_SECRET", &"0123456789abcdef".repeat(5)),
            ("CORE__EXECUTION_API_SERVER_URL", &format!("{address}/execution/")),
            ("CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS", "True"),
            ("CORE__DAGS_ARE_PAUSED_AT_CREATION", "False"),
            ("CORE__PARALLELISM", "2"),
            ("LOGGING__WORKER_LOG_SERVER_PORT", &logs),
            ("LOGGING__TRIGGER_LOG_SERVER_PORT", &triggers),
        ] {
            command.env(format!("AIRFLOW__{name}"), value);
        }
        for (name, value) in variables {
            command.env(name, value);
        }
        let log = File::create(home.path().join("standalone.log")).expect("it can be written");
        command.stdout(log.try_clone().expect("a handle")).stderr(log);
        // A group of its own, so that its children end with it.
        let child = command.args(["-m", "airflow", "standalone"]).process_group(0).spawn().expect("Airflow starts");
        Self { child, home, address, folder: folder.to_owned() }
    }

    /// Where its interface for programs is.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Runs DAGs side by side, which must end within so many seconds: `run`, `state` and `tasks` of each.
    #[must_use]
    pub fn run(&self, dags: &[&str], seconds: u32) -> Value {
        let seconds = seconds.to_string();
        let arguments = [&[self.address.as_str(), &seconds], dags].concat();
        let ran = std::panic::catch_unwind(|| {
            script(&mut command(python(), self.home.path(), &self.folder), "airflow_run.py", &arguments)
        });
        ran.unwrap_or_else(|_| panic!("{}", self.log()))
    }

    /// Makes up for the runs that a DAG missed between two moments.
    pub fn backfill(&self, dag: &str, from: &str, to: &str) {
        let mut command = command(python(), self.home.path(), &self.folder);
        command.args(["-m", "airflow", "backfill", "create", "--dag-id", dag, "--from-date", from, "--to-date", to]);
        let output = command.output().expect("Python starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// What a run said: the logs of its tasks.
    #[must_use]
    pub fn log(&self) -> String {
        let mut text = fs::read_to_string(self.home.path().join("standalone.log")).unwrap_or_default();
        let mut open = vec![self.home.path().join("logs")];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                if entry.path().is_dir() {
                    open.push(entry.path());
                } else if entry.path().to_string_lossy().contains("task_id=") {
                    text += &format!(
                        "{}\n{}",
                        entry.path().display(),
                        fs::read_to_string(entry.path()).unwrap_or_default()
                    );
                }
            }
        }
        text
    }
}

fn path_of_programs() -> std::ffi::OsString {
    std::env::var_os("PATH").unwrap_or_default()
}

impl Drop for Server {
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id());
        let signal = |name: &str| Command::new("kill").args([name, "--", &group]).status();
        let _ = signal("-TERM");
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(20) && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(100));
        }
        let _ = signal("-KILL");
        let _ = self.child.wait();
    }
}
