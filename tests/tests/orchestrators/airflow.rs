//! Builds for Airflow, imported and run by a real one.

use mlpc_tests::airflow::{self, Server};
use mlpc_tests::project::Project;
use mlpc_tests::python;
use mlpc_tests::store::results;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Builds below one folder, each with a store of its own.
struct Builds {
    home: tempfile::TempDir,
}

impl Builds {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    fn folder(&self) -> PathBuf {
        self.home.path().join("builds")
    }

    fn store(&self, name: &str) -> PathBuf {
        self.home.path().join("stores").join(name)
    }

    /// Builds a project and puts its data into its store.
    fn add(&self, name: &str, project: &Project) {
        let store = format!("file://{}", self.store(name).display());
        project.write("mlp.toml", format!("[target.airflow]\nstore = \"{store}\"\n"));
        let out = self.folder().join(name);
        let built = project.mlpc(&["build", "--target", "airflow", "--locked", "--out", out.to_str().unwrap()]);
        assert_eq!(built.code, 0, "{}", built.stderr);
        let mut push = python::command();
        push.args(["-m", "mlp_runtime.launch", "push", "--store", &store, "--project"]).arg(&project.path);
        let pushed = push.current_dir(&out).output().unwrap();
        assert!(pushed.status.success(), "{}", String::from_utf8_lossy(&pushed.stderr));
    }

    fn plan(&self, path: &str) -> Value {
        serde_json::from_slice(&std::fs::read(self.folder().join(path)).unwrap()).unwrap()
    }
}

/// The steps that a step of a plan comes after.
fn needs(step: &Value) -> BTreeSet<String> {
    let inputs = step["inputs"].as_object().unwrap().values().chain(std::iter::once(&step["when"]));
    let read = inputs.filter_map(|input| input["step"]["step"].as_str());
    read.chain(step["after"].as_array().unwrap().iter().filter_map(Value::as_str)).map(str::to_owned).collect()
}

/// The tasks of a serialized DAG by name.
fn tasks(dag: &Value) -> BTreeMap<&str, &Value> {
    let tasks = dag["tasks"].as_array().unwrap().iter().map(|task| &task["__var"]);
    tasks.map(|task| (task["task_id"].as_str().unwrap(), task)).collect()
}

/// A setting of a task, where it says nothing that of the DAG.
fn said<'a>(dag: &'a Value, task: &'a Value, name: &str) -> Option<&'a Value> {
    task.get(name).or_else(|| dag["default_args"]["__var"].get(name))
}

/// Compares a DAG that Airflow has read with the plan that it was printed from.
fn agree(dag: &Value, plan: &Value) {
    let tasks = tasks(dag);
    let mut after: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (name, task) in &tasks {
        for follower in task["downstream_task_ids"].as_array().into_iter().flatten() {
            after.entry(follower.as_str().unwrap()).or_default().insert((*name).to_owned());
        }
    }
    let steps = plan["steps"].as_array().unwrap();
    let names: BTreeSet<&str> = steps.iter().map(|step| step["id"].as_str().unwrap()).chain(["finish"]).collect();
    assert_eq!(tasks.keys().copied().collect::<BTreeSet<_>>(), names);
    let mut ends: BTreeSet<String> = names.iter().map(|name| (*name).to_owned()).collect();
    ends.remove("finish");
    for step in steps {
        let id = step["id"].as_str().unwrap();
        let (task, needs) = (tasks[id], needs(step));
        assert_eq!(after.remove(id).unwrap_or_default(), needs, "{id}");
        ends.retain(|end| !needs.contains(end));
        let retry = &step["retry"];
        let attempts = retry["attempts"].as_u64().unwrap();
        let number = |name: &str| said(dag, task, name).and_then(Value::as_f64);
        assert_eq!(number("retries").unwrap_or_default(), attempts as f64 - 1.0, "{id}");
        if attempts > 1 {
            assert_eq!(number("retry_delay"), Some(retry["initial_ms"].as_f64().unwrap() / 1000.0), "{id}");
            assert_eq!(number("retry_exponential_backoff"), retry["factor"].as_f64(), "{id}");
            assert_eq!(number("max_retry_delay"), Some(retry["max_ms"].as_f64().unwrap() / 1000.0), "{id}");
        }
        assert_eq!(number("execution_timeout"), step["timeout_seconds"].as_f64(), "{id}");
        let command = task["bash_command"].as_str().unwrap();
        let environment = step["environment"].as_str().unwrap();
        let start = format!("python3 -m mlp_runtime.environment {environment} -m mlp_runtime.launch step {id} ");
        assert!(command.contains(&start), "{command}");
    }
    assert_eq!(after.remove("finish").unwrap(), ends);
    assert_eq!(tasks["finish"]["trigger_rule"], "none_failed");
    assert_eq!(after, BTreeMap::new());
}

/// Runs a project on this machine; the store that this made.
fn native(project: &Project, entry: Option<&str>) -> PathBuf {
    let arguments: Vec<&str> = entry.into_iter().flat_map(|entry| ["--entry", entry]).collect();
    let run = project.run(&arguments);
    assert!([0, 3].contains(&run.ended.code), "{}", run.told());
    project.path.join(".mlp/store")
}

fn states(run: &Value, state: &str) -> BTreeSet<String> {
    let tasks = run["tasks"].as_object().unwrap().iter().filter(|(_, task)| task["state"] == state);
    tasks.map(|(name, _)| name.clone()).collect()
}

/// The DAG files by the settings of the build, and by the rules for Airflow.
fn lint(build: &Path) {
    for arguments in [&["check", "--quiet", "--extend-select", "AIR"][..], &["format", "--check", "--diff", "--quiet"]]
    {
        let mut ruff = python::command();
        let output = ruff.args(["-m", "ruff"]).args(arguments).arg("dags").current_dir(build).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

/// A program whose gate refuses.
fn refusing() -> Project {
    let project = Project::example("penguins");
    project.edit("penguins.mlp", "pipeline penguin_species {", "pipeline strict_species {");
    project.edit("penguins.mlp", "log_loss < 0.2", "log_loss < 0.000001");
    project
}

#[test]
fn airflow_runs_examples_to_the_same_bytes() {
    let builds = Builds::new();
    let (penguins, strict) = (Project::example("penguins"), refusing());
    builds.add("penguins", &penguins);
    builds.add("strict", &strict);
    for name in ["penguins", "strict"] {
        lint(&builds.folder().join(name));
    }
    let read = airflow::read(&builds.folder());
    assert_eq!(read["errors"], json!({}));
    let dags = read["dags"].as_object().unwrap();
    assert_eq!(dags.keys().collect::<Vec<_>>(), ["penguin_species", "strict_species"]);
    agree(&dags["penguin_species"], &builds.plan("penguins/plan.json"));
    agree(&dags["strict_species"], &builds.plan("strict/plan.json"));

    let server = Server::start(&builds.folder(), &[]);
    let runs = server.run(&["penguin_species", "strict_species"], 900);
    let (good, refused) = (&runs["penguin_species"], &runs["strict_species"]);
    assert_eq!(good["state"], "success", "{}", server.log());
    assert_eq!(states(good, "success").len(), good["tasks"].as_object().unwrap().len(), "{good}");
    assert_eq!(results(&builds.store("penguins").join("store")), results(&native(&penguins, None)));

    // A gate that refuses is no failure.
    assert_eq!(refused["state"], "success", "{}", server.log());
    let behind = ["gate.release", "register.penguin_classifier"].map(str::to_owned);
    assert_eq!(states(refused, "skipped"), BTreeSet::from(behind));
    assert_eq!(states(refused, "failed"), BTreeSet::new());
    assert!(states(refused, "success").contains("finish"));
    assert_eq!(results(&builds.store("strict").join("store")), results(&native(&strict, None)));
    assert!(!builds.store("strict").join("registry").exists());

    // The command starts runs on the server, follows them, and ends as a run on this machine does.
    for (name, project, code, word) in
        [("penguins", &penguins, 0, "succeeded"), ("strict", &strict, 3, "refused by a gate")]
    {
        let (store, folder) = (builds.store(name), builds.folder().join(name));
        let settings = format!(
            "[target.airflow]\nstore = \"file://{}\"\nserver = \"{}\"\nfolder = \"{}\"\n",
            store.display(),
            server.address(),
            folder.display(),
        );
        project.write("mlp.toml", settings);
        let ended = project.mlpc(&["run", "--target", "airflow", "--locked"]);
        assert_eq!(ended.code, code, "{}{}", ended.stdout, ended.stderr);
        assert!(ended.stdout.lines().last().unwrap().contains(word), "{}", ended.stdout);
    }
}
