//! Plans made by hand and a Python that runs what is emitted.
#![allow(dead_code, reason = "each test file uses a part of it")]

use mlpc_plan::Plan;
use mlpc_plan::identity::derive_seed;
use mlpc_plan::plan::{Step, StepSpec};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The Python that holds polars, scikit-learn, ruff and mypy.
pub fn python() -> PathBuf {
    mlpc_tests::python::python().clone()
}

/// A plan of steps in order, with one environment.
pub fn plan(name: &str, features: Value, steps: Vec<Step>, sources: &[(&str, &str)]) -> Plan {
    let sources: Vec<Value> =
        sources.iter().map(|(name, path)| json!({"name": name, "path": path, "sha256": "0".repeat(64)})).collect();
    serde_json::from_value(json!({
        "format": "mlp-plan/v1", "compiler": "0.1.0",
        "pipeline": {"name": name, "doc": null, "owner": null, "seed": 42, "profile": null},
        "sources": sources,
        "environments": {"default": {"python": "3.11", "packages": [], "digest": "d"}},
        "features": features,
        "steps": serde_json::to_value(steps).expect("steps are JSON"),
        "finals": [], "code": [],
    }))
    .expect("the fixture is a plan")
}

/// A step; inputs are `name: "source:x"` or `name: "step.id/output"`, outputs `name: [kind, path]`.
pub fn step(id: &str, inputs: Value, outputs: Value, params: Value, spec: Value) -> Step {
    let input = |text: &str| match text.split_once(':') {
        Some(("source", name)) => json!({"source": {"name": name}}),
        Some(("champion", name)) => json!({"champion": {"model": name, "alias": "champion"}}),
        _ => {
            let (step, output) = text.split_once('/').expect("step/output");
            json!({"step": {"step": step, "output": output}})
        }
    };
    let map = |value: &Value, of: &dyn Fn(&Value) -> Value| -> Value {
        value.as_object().expect("a record").iter().map(|(name, value)| (name.clone(), of(value))).collect()
    };
    let spec: StepSpec = serde_json::from_value(spec).expect("the fixture is a spec");
    let chance = matches!(spec, StepSpec::Split(_) | StepSpec::Train(_) | StepSpec::Python(_));
    serde_json::from_value(json!({
        "id": id, "title": id.replace('.', " "), "doc": null, "origin": {"file": "main.mlp", "line": 7},
        "inputs": map(&inputs, &|value| input(value.as_str().expect("text"))),
        "outputs": map(&outputs, &|value| json!({"kind": value[0], "path": value[1]})),
        "params": map(&params, &|value| json!({"python_type": value[0], "value": value[1], "default": false})),
        "seed": chance.then(|| derive_seed("test", id, 42)),
        "environment": "default",
        "resources": {"cpu": 1, "memory": null},
        "retry": {"attempts": 1, "initial_ms": 1000, "factor": 2.0, "max_ms": 60000},
        "timeout_seconds": null, "after": [], "when": null,
        "program": {"path": "", "sha256": ""},
        "spec": spec,
        "identity": "",
    }))
    .expect("the fixture is a step")
}

/// A build on disk and the outputs of the steps that were run.
pub struct Run {
    pub build: PathBuf,
    pub out: PathBuf,
    pub data: PathBuf,
    pub python: PathBuf,
}

impl Run {
    /// Writes the files of a plan under `root`.
    pub fn new(root: &Path, python: PathBuf, plan: &mut Plan, code: &BTreeMap<String, String>) -> Self {
        // A look at what was printed helps more than any message.
        if let Some(kept) = std::env::var_os("MLPC_TEST_KEEP") {
            return Self::new_in(&PathBuf::from(kept), python, plan, code);
        }
        Self::new_in(root, python, plan, code)
    }

    fn new_in(root: &Path, python: PathBuf, plan: &mut Plan, code: &BTreeMap<String, String>) -> Self {
        let build = root.join("build");
        for (path, text) in mlpc_emit::build(plan, code).expect("the plan can be printed") {
            let path = build.join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        Self { build, out: root.join("out"), data: root.join("data"), python }
    }

    /// Where an output of a step lies.
    pub fn output(&self, plan: &Plan, id: &str, output: &str) -> PathBuf {
        let step = plan.steps.iter().find(|step| step.id == id).expect("the step");
        self.out.join(id).join(&step.outputs[output].path)
    }

    /// Runs one step.
    pub fn step(&self, plan: &Plan, id: &str) -> Output {
        let step = plan.steps.iter().find(|step| step.id == id).expect("the step");
        let folder = self.out.join(id);
        fs::create_dir_all(&folder).expect("a folder");
        let flag = |name: &str| format!("--{}", name.replace(['_', '.'], "-"));
        let mut command = Command::new(&self.python);
        command.arg(self.build.join(&step.program.path)).env("PYTHONPATH", &self.build);
        command.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONHASHSEED", "0").current_dir(&folder);
        for (name, input) in &step.inputs {
            use mlpc_plan::plan::InputRef;
            let path = match input {
                InputRef::Source { name } => {
                    self.data.join(&plan.sources.iter().find(|source| source.name == *name).expect("it").path)
                }
                InputRef::Step { step, output } => self.output(plan, step, output),
                InputRef::Previous { .. } | InputRef::Delivered { .. } => continue,
                InputRef::Champion { .. } => match self.data.join("champion") {
                    path if path.exists() => path,
                    _ => continue,
                },
            };
            command.arg(flag(name)).arg(path);
        }
        for (name, output) in &step.outputs {
            command.arg(flag(name)).arg(folder.join(&output.path));
        }
        for (name, param) in &step.params {
            command.arg(flag(name)).arg(param.value.to_string());
        }
        if let Some(seed) = step.seed {
            command.arg("--seed").arg(seed.to_string());
        }
        command.args(["--threads", "1", "--result"]).arg(folder.join("result.json"));
        command.output().expect("python starts")
    }

    /// Runs all steps in order; each must exit with 0.
    pub fn all(&self, plan: &Plan) {
        for step in &plan.steps {
            let output = self.step(plan, &step.id);
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{} failed:\n{told}", step.id);
        }
    }

    /// A JSON file that a step wrote.
    pub fn json(&self, path: &Path) -> Value {
        serde_json::from_str(&fs::read_to_string(path).expect("the file")).expect("JSON")
    }

    /// Checks the whole tree with the tools that read Python for people.
    pub fn check_python(&self) {
        for arguments in [
            vec!["-m", "ruff", "check", "."],
            vec!["-m", "ruff", "format", "--check", "--diff", "."],
            vec!["-m", "mypy", "steps", "features", "mlp_runtime"],
        ] {
            let output =
                Command::new(&self.python).args(&arguments).current_dir(&self.build).output().expect("it runs");
            let told = String::from_utf8_lossy(&output.stdout);
            let failed = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{arguments:?}:\n{told}\n{failed}");
        }
    }
}

/// Every file under `folder` with its bytes.
pub fn bytes_under(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut todo = vec![folder.to_owned()];
    while let Some(next) = todo.pop() {
        for entry in fs::read_dir(next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                todo.push(path);
            } else {
                found.insert(path.strip_prefix(folder).expect("inside").to_owned(), fs::read(&path).expect("a file"));
            }
        }
    }
    found
}
