//! Definitions for Kubeflow: valid to the letter, run by the SDK's own orchestrator, and the same graph as the plan.

use mlpc_emit::Choice;
use mlpc_native::digest::digest;
use mlpc_plan::Plan;
use mlpc_plan::plan::Param;
use mlpc_tests::command::{Ended, ended, mlpc};
use mlpc_tests::example::{self, EXAMPLES};
use mlpc_tests::plan::needs;
use mlpc_tests::podman::Podman;
use mlpc_tests::project::{Project, Run};
use mlpc_tests::python::{self, repository};
use mlpc_tests::rides;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

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
    /// The steps whose containers ran, with their exit codes, in the order in which they ended.
    containers: Vec<(String, i64)>,
    /// The folder of its artifacts.
    artifacts: PathBuf,
}

impl Ran {
    fn steps(&self) -> BTreeSet<&str> {
        self.containers.iter().map(|(step, _)| step.as_str()).collect()
    }

    /// Each step ran once and ended well.
    fn ran_smoothly(&self) -> bool {
        self.ended == "succeeded"
            && self.steps().len() == self.containers.len()
            && self.containers.iter().all(|(_, code)| *code == 0)
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
        self.definition_of("train")
    }

    fn definition_of(&self, entry: &str) -> PathBuf {
        self.folder.join("pipelines").join(format!("{entry}.yaml"))
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
        self.run_of("train")
    }

    fn run_of(&self, entry: &str) -> Ran {
        let mut command = script("run.py");
        command.arg("--build").arg(&self.folder).arg("--python").arg(python::python());
        self.run_by(command, entry)
    }

    /// Runs the training in containers.
    fn run_in(&self, podman: &Podman) -> Ran {
        let mut command = script("run.py");
        for (name, value) in podman.command("podman").get_envs() {
            command.env(name, value.unwrap());
        }
        command.arg("--podman").arg(self.store());
        self.run_by(command, "train")
    }

    /// The folder of the artifacts of all runs.
    fn artifacts(&self) -> PathBuf {
        self.project.path.join("artifacts")
    }

    fn run_by(&self, mut command: Command, entry: &str) -> Ran {
        let root = self.artifacts();
        std::fs::create_dir_all(&root).unwrap();
        let before: BTreeSet<PathBuf> = std::fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).collect();
        command.arg(self.definition_of(entry)).arg("--root").arg(&root).args(["--store", &self.uri(), "--cache"]);
        // A container sees nothing of the build's surroundings.
        let told: Value = serde_json::from_str(&printed(command.current_dir("/"))).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let steps = told["ran"].as_array().unwrap();
        let containers = steps.iter().map(|ran| (text(&ran["step"]), ran["code"].as_i64().unwrap())).collect();
        let runs = told["runs"].as_array().unwrap().iter().map(|run| PathBuf::from(text(run)));
        let artifacts = runs.rev().find(|run| !before.contains(run)).unwrap_or_default();
        Ran { ended: text(&told["ended"]), containers, artifacts }
    }

    /// The names of steps that the run before recorded.
    fn last(&self) -> Option<Value> {
        let name = self.plan()["pipeline"]["name"].as_str().unwrap().to_owned();
        let text = std::fs::read(self.store().join("runs").join(name).join("last.json")).ok()?;
        Some(serde_json::from_slice(&text).unwrap())
    }
}

/// What is read back from definitions.
fn graphs(definitions: &[PathBuf]) -> Vec<Value> {
    serde_json::from_str(&printed(script("graph.py").args(definitions))).unwrap()
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

/// Runs a project on this machine and on Kubeflow, to the same bytes.
fn assert_runs_the_same(project: &Project) -> (Built<'_>, Ran, Run) {
    project.lock();
    let native = project.succeed(&[]);
    let built = Built::of(project);
    built.push();
    let ran = built.run();
    assert!(ran.ran_smoothly(), "{} {:?}", ran.ended, ran.containers);
    let done = native.steps("succeeded");
    assert_eq!(ran.steps(), done.iter().map(String::as_str).chain(["finish"]).collect());
    assert_same_artifacts(&built.plan(), &ran, &native);
    assert!(built.last().is_some(), "the run is recorded");
    (built, ran, native)
}

/// Runs the training of a project in containers of an image, to the bytes of the run on this machine.
pub fn assert_runs_in_containers(podman: &Podman, project: &Project, image: &str, native: &Run) {
    project.write("mlp.toml", format!("[target.kubeflow]\nimage = {image:?}\nenv = \"NOTE=a b\"\n"));
    let built = Built::of(project);
    built.push();
    std::fs::create_dir_all(built.artifacts()).unwrap();
    // Containers run as a user of their own.
    printed(Command::new("chmod").args(["-R", "0777"]).args([built.store(), built.artifacts()]));
    let ran = built.run_in(podman);
    assert!(ran.ran_smoothly(), "{} {:?}", ran.ended, ran.containers);
    let done = native.steps("succeeded");
    assert_eq!(ran.steps(), done.iter().map(String::as_str).chain(["finish"]).collect());
    assert_same_artifacts(&built.plan(), &ran, native);
    assert!(built.last().is_some(), "the run is recorded");
}

#[test]
fn penguins_run_on_kubeflow_as_on_this_machine() {
    let project = Project::example("penguins");
    let (built, ran, native) = assert_runs_the_same(&project);
    assert_eq!(std::fs::read_to_string(ran.artifacts.join("gate-release/passed")).unwrap(), "true");
    let registry = built.store().join("registry/penguin_classifier");
    let registered: Value = serde_json::from_slice(&std::fs::read(registry.join("registry.json")).unwrap()).unwrap();
    assert_eq!(registered["aliases"]["champion"], 1);
    let model = registered["versions"][0]["digest"].as_str().unwrap();
    assert_eq!(digest(&registry.join(model)).unwrap(), native.artifacts()["species_model"]);

    what_was_done_is_not_done_again(&built);
    a_refused_gate_skips_what_is_behind_it(&project);
    another_image_is_refused(&project);
}

#[test]
fn diabetes_runs_on_kubeflow_as_on_this_machine() {
    assert_runs_the_same(&Project::example("diabetes"));
}

#[test]
fn flights_run_on_kubeflow_as_on_this_machine() {
    // The run on this machine fetches what is to be pushed.
    let here = example::native("flights");
    let project = Project::example("flights");
    let built = Built::of(&project);
    built.push();
    let ran = built.run();
    assert!(ran.ran_smoothly(), "{} {:?}", ran.ended, ran.containers);
    let mut there = Vec::new();
    for step in built.plan()["steps"].as_array().unwrap() {
        let made = ran.artifacts.join(task(step["id"].as_str().unwrap()));
        let outputs = step["outputs"].as_object().unwrap().keys();
        let digests = outputs.map(|output| (output.clone(), json!(digest(&made.join(output)).unwrap()))).collect();
        there.push((step["identity"].as_str().unwrap().to_owned(), Value::Object(digests)));
    }
    there.sort_by(|left, right| left.0.cmp(&right.0));
    assert_eq!(there, here);
}

/// Kubeflow's cache knows steps by their identities; what others see is done every time.
fn what_was_done_is_not_done_again(built: &Built<'_>) {
    let first = built.last().unwrap();
    let again = built.run();
    assert!(again.ran_smoothly(), "{} {:?}", again.ended, again.containers);
    assert_eq!(again.steps(), BTreeSet::from(["finish", "register.penguin_classifier"]));
    let last = built.last().unwrap();
    assert_eq!(last["steps"], first["steps"]);
    assert_ne!(last["run"], first["run"]);
}

fn a_refused_gate_skips_what_is_behind_it(project: &Project) {
    project.edit("penguins.mlp", "require log_loss < 0.2", "require log_loss < 0.0001");
    let built = Built::of(project);
    let ran = built.run();
    // The run does not fail, and of the steps before the gate none has changed.
    assert!(ran.ran_smoothly(), "{} {:?}", ran.ended, ran.containers);
    assert_eq!(ran.steps(), BTreeSet::from(["finish", "gate.release"]));
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
    assert_eq!(ran.containers, [("ingest.penguins".to_owned(), 1), ("finish".to_owned(), 0)]);
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
    let timeout = found["pod"]["activeDeadlineSeconds"].as_str().map(|seconds| seconds.parse::<u64>().unwrap());
    assert_eq!(timeout, step["timeout_seconds"].as_u64(), "{id}");
    assert_eq!(found["resources"]["resourceCpuLimit"], step["resources"]["cpu"].to_string(), "{id}");
    assert_eq!(found["resources"]["resourceMemoryLimit"].is_null(), step["resources"]["memory"].is_null(), "{id}");
    assert_eq!(found["pod"]["podMetadata"]["annotations"]["mlp/step"], step["id"]);
}

/// Every definition of a project, read back.
fn assert_same_graphs(project: &Project) {
    let built = Built::of(project);
    let definitions = built.definitions();
    for (definition, graph) in definitions.iter().zip(graphs(&definitions)) {
        let entry = definition.file_stem().unwrap().to_str().unwrap().to_owned();
        let path = if entry == "train" { "plan.json".to_owned() } else { format!("plans/{entry}.json") };
        let plan: Value = serde_json::from_slice(&std::fs::read(built.folder.join(path)).unwrap()).unwrap();
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
    for name in EXAMPLES {
        let project = Project::example(name);
        project.lock();
        assert_same_graphs(&project);
    }
}

/// An entry point of its own reads the champion and what was delivered before, which only the store knows.
#[test]
fn predictions_are_delivered_through_the_store() {
    let project = rides::project(200);
    assert_same_graphs(&project);
    let built = Built::of(&project);
    built.push();
    let early = built.run_of("predict.nightly");
    assert_eq!(early.ended, "failed");
    assert!(early.containers.contains(&("predict.nightly".to_owned(), 1)), "{:?}", early.containers);
    assert!(built.run().ran_smoothly());
    let delivered = || {
        let told: Value =
            serde_json::from_slice(&std::fs::read(built.store().join("delivered/scores/new.parquet.json")).unwrap())
                .unwrap();
        let sha256 = told["sha256"].as_str().unwrap().to_owned();
        assert_eq!(digest(&built.store().join("delivered").join(&sha256)).unwrap(), sha256);
        sha256
    };
    let first = built.run_of("predict.nightly");
    assert!(first.ran_smoothly(), "{:?}", first.containers);
    let predictions = |ran: &Ran| digest(&ran.artifacts.join("predict-nightly/predictions")).unwrap();
    assert_eq!(predictions(&first), delivered());
    // All rows are delivered, so that nothing is new; what was delivered stays as it is.
    let second = built.run_of("predict.nightly");
    assert_eq!(second.steps(), BTreeSet::from(["finish", "predict.nightly"]));
    assert_eq!(predictions(&second), predictions(&first));
    assert_eq!(delivered(), predictions(&first));
}

/// Why folds are tasks and not a loop (decision 0063): what a loop makes reaches no container.
#[test]
fn what_a_loop_makes_reaches_no_container() {
    let told: Value = serde_json::from_str(&printed(script("loops.py").current_dir("/"))).unwrap();
    let made = json!({
        "rows/out": "rows",
        "for-loop-2-iteration-0/train/out": "rows 1",
        "for-loop-2-iteration-0/judge/out": "rows 1 judged",
        "for-loop-2-iteration-1/train/out": "rows 2",
        "for-loop-2-iteration-1/judge/out": "rows 2 judged",
    });
    assert_eq!(told["made"], made);
    assert!(told["path"].as_str().unwrap().contains("pass the whole list of artifacts only"), "{told}");
    assert_eq!(told["placeholder"], "{{$.inputs.artifacts['every']}}");
    assert_eq!(told["collected"], "IndexError");
}

/// Everything that `mlp.toml` may say.
const SETTINGS: &str = r#"
[target.kubeflow]
image = "registry.example/other@sha256:4567"
images = "default=registry.example/penguins@sha256:0123"
store = "s3://team/penguins"
pipeline_root = "s3://team/kubeflow"
env = "AWS_REGION=eu-central-1, NOTE=a=b"
secrets = "KEY_ID=store/id, SECRET=store/secret, WEBHOOK=slack/address"
secret_files = "gcp=/secrets/gcp"
volumes = "shared=/data"
node_selector = "pool=training"
tolerations = "nvidia.com/gpu:NoSchedule, team=ml:NoExecute, spot"
accelerators = "train.species_model=nvidia.com/gpu:2"
image_pull_policy = "Always"
image_pull_secret = "registry"
"#;

#[test]
fn settings_reach_every_pod() {
    let project = Project::example("penguins");
    project.lock();
    project.write("mlp.toml", SETTINGS);
    let [graph] = &graphs(&[Built::of(&project).definition()])[..] else { panic!("one definition was read") };
    assert_eq!(graph["store"], "s3://team/penguins");
    assert_eq!(graph["root"], "s3://team/kubeflow");
    let steps = graph["steps"].as_object().unwrap();
    for (id, step) in steps {
        assert_eq!(step["image"], "registry.example/penguins@sha256:0123", "{id}");
        let variables = json!([{ "name": "AWS_REGION", "value": "eu-central-1" }, { "name": "NOTE", "value": "a=b" }]);
        assert_eq!(step["env"], variables, "{id}");
        let named = |name: &str| json!({ "runtimeValue": { "constant": name } });
        let key = |key: &str, variable: &str| json!({ "secretKey": key, "envVar": variable });
        let secrets = json!([
            { "secretNameParameter": named("store"), "keyToEnv": [key("id", "KEY_ID"), key("secret", "SECRET")] },
            { "secretNameParameter": named("slack"), "keyToEnv": [key("address", "WEBHOOK")] },
        ]);
        assert_eq!(step["pod"]["secretAsEnv"], secrets, "{id}");
        assert_eq!(step["pod"]["pvcMount"], json!([{ "pvcNameParameter": named("shared"), "mountPath": "/data" }]));
        assert_eq!(step["pod"]["nodeSelector"]["labels"], json!({ "pool": "training" }));
        let folder = json!([{ "secretNameParameter": named("gcp"), "mountPath": "/secrets/gcp" }]);
        assert_eq!(step["pod"]["secretAsVolume"], folder);
        let tolerations = json!([
            { "key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule" },
            { "key": "team", "operator": "Equal", "value": "ml", "effect": "NoExecute" },
            { "key": "spot", "operator": "Exists" },
        ]);
        assert_eq!(step["pod"]["tolerations"], tolerations);
        assert_eq!(step["pod"]["imagePullPolicy"], "Always");
        assert_eq!(step["pod"]["imagePullSecret"], json!([{ "secretNameParameter": named("registry") }]));
        let device = json!({ "resourceType": "nvidia.com/gpu", "resourceCount": "2" });
        let wanted = if id == "train.species_model" { device } else { Value::Null };
        assert_eq!(step["resources"]["accelerator"], wanted, "{id}");
    }
}

/// A name that is nowhere would do nothing, so it is refused.
#[test]
fn settings_name_what_is_there() {
    let project = Project::example("penguins");
    project.lock();
    for (setting, told) in [
        ("accelerators = \"train.species=nvidia.com/gpu:1\"", "names the step `train.species`, which is not there"),
        ("images = \"gpu=registry.example/gpu\"", "names the environment `gpu`, which is not there"),
    ] {
        project.write("mlp.toml", format!("[target.kubeflow]\n{setting}\n"));
        let ended = project.mlpc(&["build", "--locked", "--target", "kubeflow"]);
        assert_ne!(ended.code, 0);
        assert!(ended.stderr.contains(told), "{}", ended.stderr);
    }
}

/// A server with the interface of Kubeflow's, which runs what it is given with the SDK.
struct Server {
    child: Child,
    address: String,
}

/// What the server lets in.
const TOKEN: &str = "let me in";

impl Server {
    fn start(project: &Project) -> Self {
        let root = project.path.join("artifacts of the server");
        std::fs::create_dir(&root).unwrap();
        let mut command = script("server.py");
        command
            .arg("--python")
            .arg(python::python())
            .arg("--root")
            .arg(root)
            .args(["--token", TOKEN])
            .stdout(Stdio::piped())
            .current_dir("/");
        let log = std::fs::File::create(project.path.join("server.log")).unwrap();
        let mut child = command.stderr(log).spawn().unwrap();
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Self { child, address: format!("http://127.0.0.1:{}", port.trim()) }
    }

    /// What `mlp.toml` says of it; the build itself is the image.
    fn settings(&self, project: &Project) -> String {
        let image = project.path.join("build/kubeflow");
        let store = format!("file://{}", project.path.join("the store").display()).replace(' ', "%20");
        format!(
            "[target.kubeflow]\nserver = {:?}\nstore = {store:?}\nimage = {image:?}\nexperiment = \"quality\"\n\
             service_account = \"pipeline-runner\"\n",
            self.address
        )
    }

    /// Asks the server for something of its interface.
    fn ask(&self, method: &str, path: &str) -> Value {
        let mut command = python::command();
        let code = "import sys, urllib.request as web\n\
            method, url, token = sys.argv[1:]\n\
            request = web.Request(url, method=method, headers={'authorization': f'Bearer {token}'})\n\
            print(web.urlopen(request, timeout=30).read().decode())";
        let url = format!("{}/apis/v2beta1/{path}", self.address);
        serde_json::from_str(&printed(command.args(["-c", code, method, &url, TOKEN]))).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `mlpc run --target kubeflow`, with what the variable of the token holds.
fn submitted(project: &Project, token: &str) -> Ended {
    let mut command = mlpc();
    command.args(["run", "--target", "kubeflow", "--locked", "--format", "json"]).current_dir(&project.path);
    ended(command.env("MLP_SERVER_TOKEN", token))
}

/// What a run told: its identifier, how each step stood last, and how it ended.
fn told(ended: &Ended) -> (String, BTreeMap<String, String>, Value) {
    let mut lines: Vec<Value> = ended.stdout.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let last = lines.pop().unwrap();
    let run = lines.iter().find_map(|line| line["run"].as_str()).unwrap().to_owned();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let steps = lines.iter().filter(|line| line["step"].is_string());
    (run, steps.map(|line| (text(&line["step"]), text(&line["state"]))).collect(), last)
}

/// Runs are started on a server, followed, and end as runs on this machine do.
#[test]
fn runs_are_started_and_followed_on_a_server() {
    let project = rides::project(200);
    let server = Server::start(&project);
    project.write("mlp.toml", server.settings(&project));

    let stranger = submitted(&project, "wrong");
    assert!(stranger.stderr.contains("lets no one in without MLP_SERVER_TOKEN"), "{}", stranger.stderr);
    assert_eq!(stranger.code, 2, "{}", stranger.stdout);

    let fine = submitted(&project, TOKEN);
    assert_eq!(fine.code, 0, "{}{}", fine.stdout, fine.stderr);
    let (run, steps, last) = told(&fine);
    assert_eq!(last, json!({ "ended": "succeeded" }));
    let built = project.path.join("build/kubeflow");
    let plan: Value = serde_json::from_slice(&std::fs::read(built.join("plan.json")).unwrap()).unwrap();
    let ids = plan["steps"].as_array().unwrap().iter().map(|step| step["id"].as_str().unwrap());
    let wanted: BTreeMap<String, String> = ids.map(|id| (id.to_owned(), "done".to_owned())).collect();
    assert_eq!(steps, wanted);
    let known = server.ask("GET", &format!("runs/{run}"));
    assert_eq!(known["service_account"], "pipeline-runner");
    let registry = project.path.join("the store/registry/late_rides/registry.json");
    assert!(registry.is_file(), "the model is registered");

    // The same build is no new version; another one is, of the same pipeline.
    project.edit("main.mlp", "require roc_auc >= 0.6", "require roc_auc >= 0.9999");
    let refused = submitted(&project, TOKEN);
    assert_eq!(refused.code, 3, "{}{}", refused.stdout, refused.stderr);
    let (strict, steps, last) = told(&refused);
    assert_eq!(last, json!({ "ended": "refused by a gate" }));
    let skipped: BTreeSet<&str> =
        steps.iter().filter(|(_, state)| *state == "skipped").map(|(step, _)| step.as_str()).collect();
    assert_eq!(skipped, BTreeSet::from(["gate.release", "register.late_rides"]));
    let again = submitted(&project, TOKEN);
    assert_eq!(again.code, 3, "{}{}", again.stdout, again.stderr);
    let version = |run: &str| server.ask("GET", &format!("runs/{run}"))["pipeline_version_reference"].clone();
    assert_eq!(version(&told(&again).0), version(&strict));
    assert_ne!(version(&strict)["pipeline_version_id"], version(&run)["pipeline_version_id"]);
    assert_eq!(version(&strict)["pipeline_id"], version(&run)["pipeline_id"]);

    a_run_that_fails_is_told(&server);
    a_run_that_is_stopped_is_told(&server);
}

/// Three steps, of which the second does something.
fn three(second: &str) -> Project {
    let step = |name: &str, run: &str, read: &str| {
        format!("step {name} {{\n  run = shell(\"{run}\")\n{read}  outputs {{ made: file(\"{name}.txt\") }}\n}}\n")
    };
    let project = Project::of(&format!(
        "pipeline three {{ seed = 1 }}\n{}{}{}",
        step("first", "echo 1 > {made}", ""),
        step("second", &format!("{second}; cp {{read}} {{made}}"), "  inputs { read = first.made }\n"),
        step("third", "cp {read} {made}", "  inputs { read = second.made }\n"),
    ));
    project.lock();
    project
}

fn a_run_that_fails_is_told(server: &Server) {
    let project = three("exit 7");
    project.write("mlp.toml", server.settings(&project));
    let failed = submitted(&project, TOKEN);
    assert_eq!(failed.code, 4, "{}{}", failed.stdout, failed.stderr);
    let (_, steps, last) = told(&failed);
    assert_eq!(last["ended"], "failed");
    let steps: Vec<(&str, &str)> = steps.iter().map(|(step, state)| (step.as_str(), state.as_str())).collect();
    assert_eq!(steps, [("step.first", "done"), ("step.second", "failed"), ("step.third", "skipped")]);
}

fn a_run_that_is_stopped_is_told(server: &Server) {
    let project = three("sleep 4");
    project.write("mlp.toml", server.settings(&project));
    let stopped = std::thread::scope(|scope| {
        let following = scope.spawn(|| submitted(&project, TOKEN));
        let began = Instant::now();
        let is_there = || project.path.join("the store/carried").is_dir();
        while !is_there() {
            assert!(began.elapsed() < Duration::from_secs(60), "the run does not begin");
            std::thread::sleep(Duration::from_millis(50));
        }
        let runs = server.ask("GET", "runs?sort_by=created_at%20desc&page_size=1");
        let run = runs["runs"][0]["run_id"].as_str().unwrap();
        let _ = server.ask("POST", &format!("runs/{run}:terminate"));
        following.join().unwrap()
    });
    assert_eq!(stopped.code, 4, "{}{}", stopped.stdout, stopped.stderr);
    let (_, steps, last) = told(&stopped);
    assert_eq!(last, json!({ "ended": "failed", "why": "it was cancelled" }));
    assert_eq!(steps["step.third"], "skipped");
}

/// A step that succeeds at the third try, with everything that a step may ask for.
const TRIES: &str = r#"
/// Two steps in the shell.
pipeline tries {
  owner = "ops@example.com"
  seed  = 1
}

step flaky {
  outputs { text: file("text.txt") }
  run   = shell("n=$(cat COUNTER || echo 0); echo $((n + 1)) > COUNTER; test $n -ge 2 && echo hello > {text}")
  retry = retry(attempts: 4, backoff: exponential(1s, max: 2s))
  resources {
    cpu    = 2
    memory = 3Gi
  }
  timeout = 5m
}

step count {
  inputs { text = flaky.text }
  outputs { letters: file("letters.txt") }
  run = shell("wc -c < {text} > {letters}")
}
"#;

#[test]
fn a_step_that_fails_is_tried_again() {
    let project = Project::of("");
    let counter = project.path.join("counter");
    project.write("main.mlp", TRIES.replace("COUNTER", counter.to_str().unwrap()));
    project.lock();
    assert_same_graphs(&project);
    let ran = Built::of(&project).run();
    assert_eq!(ran.ended, "succeeded");
    let codes = |name: &str| ran.containers.iter().filter(|(step, _)| step == name).map(|(_, code)| *code).collect();
    let (flaky, count): (Vec<i64>, Vec<i64>) = (codes("step.flaky"), codes("step.count"));
    assert_eq!((flaky, count), (vec![1, 1, 0], vec![0]));
    let letters = std::fs::read_to_string(ran.artifacts.join("step-count/letters")).unwrap();
    assert_eq!(letters.trim(), "6");
}

/// Texts that a careless printer breaks.
const TEXTS: &[&str] = &[
    "",
    " ",
    "no",
    "Y",
    "null",
    "~",
    "=",
    "<<",
    "1e3",
    "0o17",
    "017",
    "0x1F",
    "1_000",
    "12:30:45",
    "2026-11-23",
    ".inf",
    "'",
    "\"",
    "''\"\"",
    "\\",
    "\\n",
    "a\nb",
    "a\r\nb\r",
    "\n\n",
    "\t",
    " lead",
    "trail ",
    "a: b",
    "a #b",
    "# a",
    "- a",
    "? a",
    ": ",
    "%YAML 1.1",
    "---",
    "...",
    "--- !x",
    "!!python/object/apply:os.system [true]",
    "!tag",
    "&a",
    "*a",
    "@a",
    "`a`",
    "|",
    ">-",
    "[",
    "]",
    "{a}",
    "{{ x }}",
    "{% raw %}",
    "{{$.inputs.parameters['store']}}",
    "{{workflow.name}}",
    "f\"{x!r}\"",
    "${HOME}",
    "$(touch /tmp/x)",
    "\u{0}\u{7}\u{1b}[31m",
    "\u{7f}\u{85}\u{a0}",
    "\u{2028}\u{2029}",
    "\u{202e}abc\u{2066}",
    "\u{feff}a",
    "é\u{301}",
    "😀\u{200d}👩",
    "\u{fffe}\u{ffff}",
    "\u{e000}",
    "日本語",
    "\u{10ffff}",
];

fn text() -> impl Strategy<Value = String> {
    let known = || proptest::sample::select(TEXTS).prop_map(str::to_owned);
    prop_oneof![
        known(),
        (known(), known(), known()).prop_map(|(first, second, third)| first + &second + &third),
        proptest::collection::vec(any::<char>(), 0..30).prop_map(String::from_iter),
        "[a-zA-Z_.:/ -]{0,20}",
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        any::<i32>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no others", |number| number.is_finite()).prop_map(Value::from),
    ];
    let leaf =
        prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), number, text().prop_map(Value::from)];
    leaf.prop_recursive(4, 40, 6, |inner| {
        let list = proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from);
        let map = proptest::collection::vec((text(), inner), 0..6);
        prop_oneof![list, map.prop_map(|pairs| Value::Object(pairs.into_iter().collect()))]
    })
}

/// Readers of YAML 1.1 and 1.2 see the same values, those that were printed.
#[test]
fn every_reader_of_yaml_sees_what_was_printed() {
    let mut runner = TestRunner::deterministic();
    let mut values: Vec<Value> = TEXTS.iter().map(|text| json!({ *text: text, "list": [text] })).collect();
    let long = TEXTS.concat().repeat(250);
    assert!(long.len() > 64 * 1024);
    values.push(json!({ "long": long, long.clone(): 1 }));
    values.extend((0..200).map(|_| value().new_tree(&mut runner).unwrap().current()));
    let documents: Vec<(String, Value)> =
        values.into_iter().map(|value| (mlpc_emit::yaml::document(&value).unwrap(), value)).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("documents.json");
    std::fs::write(&path, serde_json::to_vec(&documents).unwrap()).unwrap();
    assert_eq!(printed(script("texts.py").arg(path)), "");
}

/// Whatever people write comes back from the definition as the SDK reads it.
#[test]
fn texts_of_people_come_back_as_they_were() {
    let project = Project::example("penguins");
    project.lock();
    let plan: Plan = serde_json::from_value(Built::of(&project).plan()).unwrap();
    let kubeflow = Choice::of(mlpc_emit::backend::backend("kubeflow").unwrap());
    let plain: String = TEXTS.iter().copied().filter(|text| !text.contains("{{")).collect();
    let long = plain.repeat(250);
    assert!(long.len() > 64 * 1024);
    let docs = ["no", "'\"", " lead\n", "{{ x }}: {% y %} $(z)", "\u{202e}abc\u{2028}", long.as_str()];
    let folder = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    for (at, doc) in docs.iter().enumerate() {
        let mut plan = plan.clone();
        plan.pipeline.doc = Some((*doc).to_owned());
        let train = plan.steps.iter_mut().find(|step| step.id == "train.species_model").unwrap();
        for (number, text) in TEXTS.iter().chain(&[long.as_str()]).enumerate() {
            let param = Param { python_type: "str".to_owned(), value: json!(text), default: false, derived: None };
            train.params.insert(format!("text_{number}"), param);
        }
        let tree = mlpc_emit::build_for(&kubeflow, &mut plan, &mut Default::default(), &BTreeMap::new()).unwrap();
        paths.push(folder.path().join(format!("{at}.yaml")));
        std::fs::write(&paths[at], &tree["pipelines/train.yaml"]).unwrap();
    }
    assert_eq!(printed(script("validate.py").args(&paths)).trim(), "");
    for (doc, graph) in docs.iter().zip(graphs(&paths)) {
        assert_eq!(graph["pipeline"]["description"], *doc);
        let shown = &graph["steps"]["train.species_model"]["parameters"]["params"]["value"];
        for (number, text) in TEXTS.iter().chain(&[long.as_str()]).enumerate() {
            // Servers fill in what stands in double braces, so that is not shown.
            let wanted = if text.contains("{{") { Value::Null } else { json!(text) };
            assert_eq!(shown[format!("text_{number}")], wanted);
        }
    }
}
