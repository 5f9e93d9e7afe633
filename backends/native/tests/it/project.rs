//! A project in a temporary folder, with plans made of shell commands and small Python programs.

use indexmap::IndexMap;
use mlpc_native::events::{Finished, StepFinished};
use mlpc_native::{Options, RunEvent, StepState};
use mlpc_plan::Plan;
use mlpc_plan::identity::{identify, sha256_hex};
use mlpc_plan::plan::{
    ArtifactKind, FinalArtifact, InputRef, Origin, Output, Param, Pipeline, Program, Resources, Retry, Step, StepSpec,
    UserPython, UserShell,
};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A project in a temporary folder.
pub struct Project {
    pub folder: tempfile::TempDir,
}

impl Project {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("build/steps")).unwrap();
        Self { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    pub fn options(&self) -> Options {
        let mut options = Options::new(self.folder.path(), &self.path("build"));
        options.handle_signals = false;
        options.grace = Duration::from_millis(300);
        options.pythons.insert("default".to_owned(), python());
        options
    }

    pub fn run(&self, plan: &Plan) -> Ran {
        self.run_with(plan, &self.options())
    }

    pub fn run_with(&self, plan: &Plan, options: &Options) -> Ran {
        let mut events = Vec::new();
        let finished = mlpc_native::run_to_end(plan, options, |event| events.push(event.clone())).unwrap();
        Ran { events, finished }
    }

    /// A Python step whose program starts with names for its flags.
    pub fn python_step(&self, id: &str, body: &str) -> Step {
        let text = format!(
            "import json, os, sys, time\nargs = {{}}\nrest = sys.argv[1:]\nwhile rest:\n    name = rest.pop(0)\n    \
             name, found, value = name.partition('=')\n    args[name[2:]] = value if found else rest.pop(0)\n\
             def done(summary, code=0, metrics={{}}, **outputs):\n    from hashlib import sha256\n    \
             record = {{name: {{'path': path, 'sha256': sha256(open(path, 'rb').read()).hexdigest()}} for name, path in outputs.items()}}\n    \
             json.dump({{'format': 'mlp-result/v1', 'outputs': record, 'metrics': metrics, 'rows': {{}}, 'summary': summary}}, open(args['result'], 'w'))\n    \
             sys.exit(code)\n{body}\n"
        );
        let path = format!("steps/{}.py", id.replace('.', "_"));
        std::fs::write(self.path("build").join(&path), &text).unwrap();
        let mut step = step(id);
        step.program = Program { path, sha256: sha256_hex(text.as_bytes()) };
        step.spec = StepSpec::Python(UserPython { file: "x.py".to_owned(), function: "main".to_owned() });
        step
    }
}

/// What a run told.
pub struct Ran {
    pub events: Vec<RunEvent>,
    pub finished: Finished,
}

impl Ran {
    pub fn step(&self, id: &str) -> &StepFinished {
        let found: Vec<&StepFinished> = self
            .events
            .iter()
            .filter_map(|event| match event {
                RunEvent::StepFinished(finished) if finished.step == id => Some(&**finished),
                _ => None,
            })
            .collect();
        assert_eq!(found.len(), 1, "each step has one last event");
        found[0]
    }

    pub fn state(&self, id: &str) -> StepState {
        self.step(id).state
    }

    pub fn states(&self) -> Vec<(String, StepState)> {
        self.events
            .iter()
            .filter_map(|event| match event {
                RunEvent::StepFinished(finished) => Some((finished.step.clone(), finished.state)),
                _ => None,
            })
            .collect()
    }
}

/// The real interpreter, not a launcher that would take longer than the step.
pub fn python() -> PathBuf {
    static PYTHON: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    PYTHON
        .get_or_init(|| {
            let output =
                std::process::Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
            PathBuf::from(String::from_utf8(output.unwrap().stdout).unwrap().trim())
        })
        .clone()
}

pub fn plan(steps: Vec<Step>) -> Plan {
    let mut plan = Plan {
        format: mlpc_plan::plan::FORMAT.to_owned(),
        compiler: "0.1.0".to_owned(),
        pipeline: Pipeline {
            name: "demo".to_owned(),
            doc: None,
            owner: None,
            seed: 42,
            profile: None,
            storage: None,
            tracking: None,
        },
        schedule: None,
        notify: Vec::new(),
        parameters: IndexMap::new(),
        sources: Vec::new(),
        environments: IndexMap::new(),
        features: IndexMap::new(),
        sweeps: IndexMap::new(),
        steps,
        finals: Vec::new(),
        code: Vec::new(),
    };
    identify(&mut plan);
    plan
}

pub fn step(id: &str) -> Step {
    Step {
        id: id.to_owned(),
        title: id.replace('.', " "),
        doc: None,
        origin: Origin { file: "main.mlp".to_owned(), line: 1 },
        inputs: IndexMap::new(),
        outputs: IndexMap::new(),
        params: IndexMap::new(),
        seed: None,
        fold: None,
        environment: "default".to_owned(),
        resources: Resources { cpu: 1, memory: None },
        retry: Retry::default(),
        timeout_seconds: None,
        after: Vec::new(),
        when: None,
        program: Program::default(),
        spec: StepSpec::Shell(UserShell { template: String::new() }),
        identity: String::new(),
    }
}

pub fn shell(id: &str, template: &str) -> Step {
    let mut step = step(id);
    step.program = Program { path: String::new(), sha256: sha256_hex(template.as_bytes()) };
    step.spec = StepSpec::Shell(UserShell { template: template.to_owned() });
    step
}

/// Shorthand for what tests vary.
pub trait With: Sized {
    fn reads(self, name: &str, step: &str, output: &str) -> Self;
    fn writes(self, name: &str, path: &str) -> Self;
    fn writes_kind(self, name: &str, path: &str, kind: ArtifactKind) -> Self;
    fn after(self, step: &str) -> Self;
    fn param(self, name: &str, value: Value) -> Self;
    fn attempts(self, attempts: u32) -> Self;
    fn timeout(self, seconds: u64) -> Self;
}

impl With for Step {
    fn reads(mut self, name: &str, step: &str, output: &str) -> Self {
        let input = InputRef::Step { step: step.to_owned(), output: output.to_owned() };
        self.inputs.insert(name.to_owned(), input);
        self
    }

    fn writes(self, name: &str, path: &str) -> Self {
        self.writes_kind(name, path, ArtifactKind::File)
    }

    fn writes_kind(mut self, name: &str, path: &str, kind: ArtifactKind) -> Self {
        self.outputs.insert(name.to_owned(), Output { kind, path: path.to_owned() });
        self
    }

    fn after(mut self, step: &str) -> Self {
        self.after.push(step.to_owned());
        self
    }

    fn param(mut self, name: &str, value: Value) -> Self {
        self.params
            .insert(name.to_owned(), Param { python_type: "object".to_owned(), value, default: false, derived: None });
        self
    }

    fn attempts(mut self, attempts: u32) -> Self {
        self.retry = Retry { attempts, initial_ms: 10, factor: 2.0, max_ms: 100 };
        self
    }

    fn timeout(mut self, seconds: u64) -> Self {
        self.timeout_seconds = Some(seconds);
        self
    }
}

pub fn wants(mut plan: Plan, name: &str, step: &str, output: &str) -> Plan {
    plan.finals.push(FinalArtifact { name: name.to_owned(), step: step.to_owned(), output: output.to_owned() });
    plan
}

/// `path` without the project's folder, for comparing.
pub fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}
