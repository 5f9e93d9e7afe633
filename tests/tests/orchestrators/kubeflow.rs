//! Definitions for Kubeflow: valid to the letter, run by the SDK's own orchestrator, and the same graph as the plan.

use mlpc_native::digest::digest;
use mlpc_tests::project::{Project, Run};
use mlpc_tests::python::{self, repository};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// A script of `tests/python/kubeflow`, in the environment with the SDK.
fn script(name: &str) -> Command {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    let mut command = python::clean(PYTHON.get_or_init(|| python::interpreter("kubeflow")));
    command.arg(repository().join("tests/python/kubeflow").join(name));
    command.stdin(Stdio::null());
    command
}

/// What a command prints, which must succeed.
fn printed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{command:?}\n{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// A build of a project for Kubeflow, with the store and the artifacts of its runs beside it.
struct Built<'a> {
    project: &'a Project,
    folder: PathBuf,
}

/// A run by the SDK.
struct Ran {
    ended: String,
    /// Steps whose containers ran, with their exit codes.
    steps: BTreeMap<String, i64>,
    /// The folder of its artifacts.
    artifacts: PathBuf,
}

impl Ran {
    fn steps(&self) -> Vec<&str> {
        self.steps.keys().map(String::as_str).collect()
    }
}

impl<'a> Built<'a> {
    /// Builds, and checks all definitions.
    fn of(project: &'a Project) -> Self {
        let ended = project.mlpc(&["build", "--locked", "--target", "kubeflow"]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let built = Self { project, folder: project.path.join("build/kubeflow") };
        assert_eq!(printed(script("validate.py").args(built.definitions())).trim(), "");
        built
    }

    fn definitions(&self) -> Vec<PathBuf> {
        let listed = std::fs::read_dir(self.folder.join("pipelines")).unwrap();
        let mut found: Vec<PathBuf> = listed.map(|entry| entry.unwrap().path()).collect();
        found.sort();
        found
    }

    fn definition(&self) -> PathBuf {
        self.folder.join("pipelines/train.yaml")
    }

    fn plan(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.folder.join("plan.json")).unwrap()).unwrap()
    }

    fn store(&self) -> PathBuf {
        self.project.path.join("the store")
    }

    fn uri(&self) -> String {
        format!("file://{}", self.store().display()).replace(' ', "%20")
    }

    /// Puts the files of the project into the store.
    fn push(&self) {
        let mut command = python::command();
        command.args(["-m", "mlp_runtime.launch", "push", "--store", &self.uri(), "--project"]);
        printed(command.arg(&self.project.path).current_dir(&self.folder));
    }

    fn run(&self) -> Ran {
        let root = self.project.path.join("artifacts");
        std::fs::create_dir_all(&root).unwrap();
        let before: BTreeSet<PathBuf> = std::fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).collect();
        let mut command = script("run.py");
        command.arg(self.definition()).arg("--build").arg(&self.folder).arg("--python").arg(python::python());
        command.arg("--root").arg(&root).args(["--store", &self.uri(), "--cache"]);
        // A container sees nothing of the build's surroundings.
        let told: Value = serde_json::from_str(&printed(command.current_dir("/"))).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let steps = told["ran"].as_array().unwrap();
        let steps = steps.iter().map(|ran| (text(&ran["step"]), ran["code"].as_i64().unwrap())).collect();
        let runs = told["runs"].as_array().unwrap().iter().map(|run| PathBuf::from(text(run)));
        let artifacts = runs.filter(|run| !before.contains(run)).last().unwrap_or_default();
        Ran { ended: text(&told["ended"]), steps, artifacts }
    }

    /// What was read back from a definition.
    fn graph(&self, definition: &Path) -> Value {
        serde_json::from_str(&printed(script("graph.py").arg(definition))).unwrap()
    }

    /// The names of steps that the run before recorded.
    fn last(&self) -> Option<Value> {
        let name = self.plan()["pipeline"]["name"].as_str().unwrap().to_owned();
        let text = std::fs::read(self.store().join("runs").join(name).join("last.json")).ok()?;
        Some(serde_json::from_slice(&text).unwrap())
    }
}

/// The name of a step's task.
fn task(step: &str) -> String {
    step.replace(['.', '_'], "-")
}

/// Every artifact of a run by the SDK is, bit by bit, that of the native run.
fn assert_same_artifacts(plan: &Value, ran: &Ran, native: &Run) {
    let mut compared = 0;
    for step in plan["steps"].as_array().unwrap() {
        let id = step["id"].as_str().unwrap();
        for output in step["outputs"].as_object().unwrap().keys() {
            let theirs = digest(&ran.artifacts.join(task(id)).join(output)).unwrap();
            assert_eq!(theirs, digest(&native.output(id, output)).unwrap(), "{id} {output}");
            compared += 1;
        }
    }
    assert!(compared >= plan["steps"].as_array().unwrap().len());
}

#[test]
fn penguins_run_on_kubeflow_as_on_this_machine() {
    let project = Project::example("penguins");
    project.lock();
    let native = project.succeed(&[]);
    let built = Built::of(&project);
    built.push();
    let ran = built.run();
    assert_eq!(ran.ended, "succeeded");
    let mut all: Vec<String> = native.steps("succeeded");
    all.push("finish".to_owned());
    all.sort();
    assert_eq!(ran.steps(), all);
    assert!(ran.steps.values().all(|code| *code == 0), "{:?}", ran.steps);
    assert_same_artifacts(&built.plan(), &ran, &native);
    assert_eq!(std::fs::read_to_string(ran.artifacts.join("gate-release/passed")).unwrap(), "true");
    let registry = built.store().join("registry/penguin_classifier");
    let registered: Value = serde_json::from_slice(&std::fs::read(registry.join("registry.json")).unwrap()).unwrap();
    assert_eq!(registered["aliases"]["champion"], 1);
    let model = registered["versions"][0]["digest"].as_str().unwrap();
    assert_eq!(digest(&registry.join(model)).unwrap(), native.artifacts()["species_model"]);
    let first = built.last().expect("the run is recorded");

    what_was_done_is_not_done_again(&built, &first);
    a_refused_gate_skips_what_is_behind_it(&project);
    another_image_is_refused(&project);
}

/// Kubeflow's cache knows steps by their identities; what others see is done every time.
fn what_was_done_is_not_done_again(built: &Built<'_>, first: &Value) {
    let again = built.run();
    assert_eq!(again.ended, "succeeded");
    assert_eq!(again.steps(), ["finish", "register.penguin_classifier"]);
    let last = built.last().unwrap();
    assert_eq!(last["steps"], first["steps"]);
    assert_ne!(last["run"], first["run"]);
}

fn a_refused_gate_skips_what_is_behind_it(project: &Project) {
    project.edit("penguins.mlp", "require log_loss < 0.2", "require log_loss < 0.0001");
    let built = Built::of(project);
    let ran = built.run();
    // The run does not fail, and of the steps before the gate none has changed.
    assert_eq!(ran.ended, "succeeded");
    assert_eq!(ran.steps(), ["finish", "gate.release"]);
    assert_eq!(ran.steps["gate.release"], 0);
    assert_eq!(std::fs::read_to_string(ran.artifacts.join("gate-release/passed")).unwrap(), "false");
    let verdict = std::fs::read(ran.artifacts.join("gate-release/verdict")).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&verdict).unwrap()["passed"], false);
    assert!(!ran.artifacts.join("register-penguin-classifier").exists());
}

/// The launcher does not run a step that is another one in the image; the last task still comes, and records nothing.
fn another_image_is_refused(project: &Project) {
    let built = Built::of(project);
    let identity = built.plan()["steps"][0]["identity"].as_str().unwrap().to_owned();
    let text = std::fs::read_to_string(built.definition()).unwrap();
    std::fs::write(built.definition(), text.replace(&identity, &identity.chars().rev().collect::<String>())).unwrap();
    let before = built.last().unwrap();
    let ran = built.run();
    assert_eq!(ran.ended, "failed");
    assert_eq!(ran.steps, BTreeMap::from([("ingest.penguins".to_owned(), 1), ("finish".to_owned(), 0)]));
    assert_eq!(built.last().unwrap(), before);
}

/// What comes before each step, however far.
fn ancestors(plan: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for step in plan["steps"].as_array().unwrap() {
        let mut all = BTreeSet::new();
        for need in needs(step) {
            all.extend(found[&need].iter().cloned());
            all.insert(need);
        }
        found.insert(step["id"].as_str().unwrap().to_owned(), all);
    }
    found
}

/// What a step waits for by itself.
fn needs(step: &Value) -> BTreeSet<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let read = step["inputs"].as_object().unwrap().values().filter_map(|input| text(&input["step"]["step"]));
    let after = step["after"].as_array().unwrap().iter().filter_map(text);
    read.chain(text(&step["when"]["step"]["step"])).chain(after).collect()
}

/// The plan's step and what was read back say the same.
fn assert_same_step(step: &Value, found: &Value, before: &BTreeMap<String, BTreeSet<String>>) {
    let id = step["id"].as_str().unwrap();
    let waits: BTreeSet<String> =
        found["waits"].as_array().unwrap().iter().map(|wait| wait.as_str().unwrap().to_owned()).collect();
    if step["when"].is_null() {
        assert_eq!(waits, needs(step), "{id}");
        assert_eq!(found["conditions"], json!([]), "{id}");
    } else {
        assert!(waits.is_superset(&needs(step)) && waits.is_subset(&before[id]), "{id} waits for {waits:?}");
        let gate = &step["when"]["step"]["step"];
        assert_eq!(found["conditions"], json!([{ "step": gate, "output": "passed" }]), "{id}");
    }
    let read = step["inputs"].as_object().unwrap().iter().filter(|(_, input)| !input["step"].is_null());
    let read: serde_json::Map<String, Value> =
        read.map(|(name, input)| (name.replace('.', "_"), input["step"].clone())).collect();
    assert_eq!(found["artifacts"], Value::Object(read), "{id}");
    let kinds = step["outputs"].as_object().unwrap().iter().map(|(name, output)| {
        let title = match output["kind"].as_str().unwrap() {
            "table" => "system.Dataset",
            "model" => "system.Model",
            "metrics" => "system.Metrics",
            _ => "system.Artifact",
        };
        (name.clone(), json!(title))
    });
    assert_eq!(found["outputs"], Value::Object(kinds.collect()), "{id}");
    let value = |name: &str| &found["parameters"][name]["value"];
    assert_eq!(*value("identity"), step["identity"], "{id}");
    for name in ["seed", "fold"] {
        assert_eq!(value(name).as_f64(), step[name].as_f64(), "{id} {name}");
    }
    let params = step["params"].as_object().unwrap().iter().filter(|(_, param)| !param["value"].is_null());
    for (name, param) in params {
        let (theirs, ours) = (&value("params")[name], &param["value"]);
        assert!(theirs == ours || theirs.as_f64() == ours.as_f64(), "{id} {name}: {theirs} and {ours}");
    }
    let attempts = step["retry"]["attempts"].as_u64().unwrap();
    assert_eq!(found["retry"]["maxRetryCount"].as_u64().unwrap_or_default(), attempts - 1, "{id}");
    if attempts > 1 {
        let seconds = |name: &str| found["retry"][name].as_str().unwrap().trim_end_matches('s').parse::<f64>().unwrap();
        let planned = |name: &str| step["retry"][name].as_f64().unwrap() / 1_000.0;
        assert_eq!(seconds("backoffDuration"), planned("initial_ms"), "{id}");
        assert_eq!(seconds("backoffMaxDuration"), planned("max_ms"), "{id}");
        assert_eq!(found["retry"]["backoffFactor"].as_f64(), step["retry"]["factor"].as_f64(), "{id}");
    }
    let timeout = found["timeout"].as_str().map(|seconds| seconds.parse::<u64>().unwrap());
    assert_eq!(timeout, step["timeout_seconds"].as_u64(), "{id}");
    assert_eq!(found["resources"]["resourceCpuLimit"], step["resources"]["cpu"].to_string(), "{id}");
    assert_eq!(found["resources"]["resourceMemoryLimit"].is_null(), step["resources"]["memory"].is_null(), "{id}");
    assert_eq!(found["annotations"]["mlp/step"], step["id"]);
}

/// Every definition of a project, read back.
fn assert_same_graphs(project: &Project) {
    let built = Built::of(project);
    for definition in built.definitions() {
        let entry = definition.file_stem().unwrap().to_str().unwrap().to_owned();
        let path = if entry == "train" { "plan.json".to_owned() } else { format!("plans/{entry}.json") };
        let plan: Value = serde_json::from_slice(&std::fs::read(built.folder.join(path)).unwrap()).unwrap();
        let graph = built.graph(&definition);
        let before = ancestors(&plan);
        let steps = plan["steps"].as_array().unwrap();
        for step in steps {
            let found = &graph["steps"][step["id"].as_str().unwrap()];
            assert_same_step(step, found, &before);
            let named =
                found["args"].as_array().unwrap().windows(2).any(|args| args == [json!("--entry"), json!(entry)]);
            assert_eq!(named, entry != "train");
        }
        assert_eq!(graph["steps"].as_object().unwrap().len(), steps.len() + 1);
        assert_eq!(graph["steps"]["finish"]["trigger"], "ALL_UPSTREAM_TASKS_COMPLETED");
        assert_eq!(graph["steps"]["finish"]["parameters"]["status"], "taskFinalStatus");
    }
}

#[test]
fn definitions_are_the_same_graphs_as_plans() {
    for name in ["penguins", "diabetes", "flights"] {
        let project = Project::example(name);
        project.lock();
        assert_same_graphs(&project);
    }
}
