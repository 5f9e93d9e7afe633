//! Plans of steps that do nothing.

use indexmap::IndexMap;
use mlpc_plan::Plan;
use mlpc_plan::identity::{identify, sha256_hex};
use mlpc_plan::plan::{
    ArtifactKind, FORMAT, InputRef, Origin, Output, Pipeline, Program, Resources, Retry, Step, StepSpec, UserPython,
    UserShell,
};

/// How the steps hang together.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Each needs the one before.
    Chain,
    /// None needs another.
    Parallel,
}

impl Shape {
    /// For tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chain => "chain",
            Self::Parallel => "parallel",
        }
    }
}

/// `count` steps that run `: > {out}`.
pub fn shell(shape: Shape, count: usize) -> Plan {
    let steps = (0..count).map(|number| {
        let mut step = step(number);
        if shape == Shape::Chain && number > 0 {
            let input = InputRef::Step { step: format!("step.s{}", number - 1), output: "out".to_owned() };
            step.inputs.insert("before".to_owned(), input);
        }
        step
    });
    plan(steps.collect())
}

/// One Python step whose program is `text`, at `path` in the build.
pub fn python(path: &str, text: &str) -> Plan {
    let mut step = step(0);
    step.program = Program { path: path.to_owned(), sha256: sha256_hex(text.as_bytes()) };
    step.spec = StepSpec::Python(UserPython { file: path.to_owned(), function: "main".to_owned() });
    plan(vec![step])
}

fn plan(steps: Vec<Step>) -> Plan {
    let mut plan = Plan {
        format: FORMAT.to_owned(),
        compiler: env!("CARGO_PKG_VERSION").to_owned(),
        pipeline: Pipeline {
            name: "bench".to_owned(),
            doc: None,
            owner: None,
            seed: 1,
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

fn step(number: usize) -> Step {
    let output = Output { kind: ArtifactKind::File, path: "out".to_owned() };
    Step {
        id: format!("step.s{number}"),
        title: format!("step s{number}"),
        doc: None,
        origin: Origin { file: "main.mlp".to_owned(), line: 1 },
        inputs: IndexMap::new(),
        outputs: IndexMap::from([("out".to_owned(), output)]),
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
        spec: StepSpec::Shell(UserShell { template: ": > {out}".to_owned() }),
        identity: String::new(),
    }
}
