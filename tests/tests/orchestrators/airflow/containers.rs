//! DAGs whose tasks are pods or containers, run for real: every step in the image that was built, by podman.

use mlpc_tests::airflow::{self, script_path};
use mlpc_tests::command::ended;
use mlpc_tests::podman::Podman;
use mlpc_tests::project::Project;
use mlpc_tests::python;
use mlpc_tests::store::results;
use serde_json::Value;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A process that ends with the value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits for something that a process makes.
fn wait(what: &str, is_there: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_there() {
        assert!(started.elapsed() < Duration::from_secs(120), "{what} is not there");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Runs the DAG of a project in an image, as pods and as containers; both make what `native` holds.
pub fn assert_runs_in_containers(podman: &Podman, project: &Project, image: &str, native: &[(String, Value)]) {
    let home = tempfile::tempdir().unwrap();
    // Steps are not root in the image.
    assert_eq!(ended(Command::new("chmod").arg("0755").arg(home.path())).code, 0);
    let (sent, port) = (home.path().join("podman.sock"), free_port());
    let [pods, containers] = ["kubernetes", "docker"].map(|runner| {
        let store = home.path().join(runner);
        std::fs::create_dir(&store).unwrap();
        let mut settings = format!(
            "[target.airflow]\nrunner = \"{runner}\"\nimage = \"{image}\"\nstore = \"file://{}\"\n",
            store.display()
        );
        if runner == "kubernetes" {
            settings += &format!("volumes = \"artifacts={}\"\nenv = \"REGION=eu\"\n", store.display());
        }
        build(project, runner, &settings, &store);
        store
    });

    let mut server = podman.command(airflow::python());
    server.arg(script_path("airflow_pods.py")).arg(port.to_string());
    let _server = Running(server.arg(format!("artifacts={}", pods.display())).spawn().unwrap());
    let mut service = podman.command("podman");
    service.args(["system", "service", "--time", "0"]).arg(format!("unix://{}", sent.display()));
    let _service = Running(service.stderr(Stdio::null()).spawn().unwrap());
    wait("the API of pods", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    wait("the socket", || sent.exists());

    let address = format!("unix://{}", sent.display());
    for (runner, store) in [("kubernetes", &pods), ("docker", &containers)] {
        let cluster = format!("http://127.0.0.1:{port}");
        let said =
            airflow::run_once(&project.path.join(runner), "penguin_species", &cluster, &[("DOCKER_HOST", &address)]);
        assert_eq!(results(&store.join("store")), native, "{runner}: {said}");
    }
}

/// Builds a project for Airflow, and puts its data where steps find it and may write.
fn build(project: &Project, runner: &str, settings: &str, store: &Path) {
    project.write("mlp.toml", settings);
    let built = project.mlpc(&["build", "--target", "airflow", "--locked", "--out", runner]);
    assert_eq!(built.code, 0, "{}", built.stderr);
    let mut push = python::command();
    push.args(["-m", "mlp_runtime.launch", "push", "--store", &format!("file://{}", store.display()), "--project"]);
    let pushed = ended(push.arg(&project.path).current_dir(project.path.join(runner)));
    assert_eq!(pushed.code, 0, "{}", pushed.stderr);
    assert_eq!(ended(Command::new("chmod").args(["-R", "a+rwX"]).arg(store)).code, 0);
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
