//! A plan as a pipeline of Kubeflow.
//!
//! Each step is a task with a component and an executor of its own. Steps behind a gate are in a graph of their own, whose
//! condition is the gate's output `passed`; graphs nest as gates follow one another. All of it is in one graph, so that a
//! last task sees how it ended.

use super::ir::{
    ArtifactDefinition, ArtifactSource, ArtifactType, CachingOptions, Component, Container, Dag, Definitions,
    DeploymentSpec, Executor, Implementation, Named, ParameterDefinition, ParameterSource, ParameterType, PipelineInfo,
    PipelineSpec, Resources, RetryPolicy, SCHEMA_VERSION, Strategy, Task, TaskInputs, TriggerPolicy,
};
use super::names::{Names, slug};
use super::platform::{Deployment, Kubernetes, KubernetesExecutor, PlatformSpec, Platforms, PodMetadata};
use super::settings::Settings;
use crate::backend::{TRAIN, definition_name, unsettled};
use crate::error::EmitError;
use indexmap::{IndexMap, IndexSet};
use mlpc_plan::Plan;
use mlpc_plan::plan::{ArtifactKind, InputRef, Step, StepSpec};
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};

/// The graph of all steps, and the task that runs it.
const BODY: &str = "pipeline";
/// The task that runs when all others have ended.
const FINISH: &str = "finish";
/// The parameter that holds the address of the store.
const STORE: &str = "store";
/// The output of a gate that decides whether what stands behind it runs.
const PASSED: &str = "passed";

/// The pipeline and what Kubernetes is told.
pub fn lower(settings: Settings<'_>, entry: &str, plan: &Plan) -> Result<(PipelineSpec, PlatformSpec), EmitError> {
    let mut lowering = Lowering::new(settings, entry, plan)?;
    let body = lowering.graph(&[]);
    lowering.components.insert(component(BODY), body);
    let root = lowering.root();
    let pipeline = PipelineSpec {
        pipeline_info: PipelineInfo {
            name: slug(&definition_name(plan, entry)),
            description: plan.pipeline.doc.clone(),
        },
        schema_version: SCHEMA_VERSION,
        sdk_version: format!("mlpc-{}", plan.compiler),
        default_pipeline_root: settings.text("pipeline_root").map(str::to_owned),
        root,
        components: lowering.components,
        deployment_spec: DeploymentSpec { executors: lowering.executors },
    };
    let kubernetes = Kubernetes { deployment_spec: Deployment { executors: lowering.pods } };
    Ok((pipeline, PlatformSpec { platforms: Platforms { kubernetes } }))
}

/// An output of a step, by both names.
type Made<'a> = (&'a str, &'a str);

struct Lowering<'a> {
    settings: Settings<'a>,
    entry: &'a str,
    plan: &'a Plan,
    steps: HashMap<&'a str, &'a Step>,
    /// The task of each step.
    tasks: HashMap<&'a str, String>,
    /// The gates that each step stands behind, the first one first.
    gates: HashMap<&'a str, Vec<&'a str>>,
    /// Steps whose identity is known only when a run starts.
    unsettled: HashSet<&'a str>,
    components: IndexMap<String, Component>,
    executors: IndexMap<String, Executor>,
    pods: IndexMap<String, KubernetesExecutor>,
}

impl<'a> Lowering<'a> {
    fn new(settings: Settings<'a>, entry: &'a str, plan: &'a Plan) -> Result<Self, EmitError> {
        let mut names = Names::default();
        for reserved in [BODY, FINISH] {
            names.take(reserved);
        }
        let tasks = plan.steps.iter().map(|step| (step.id.as_str(), names.take(&step.id))).collect();
        Ok(Self {
            settings,
            entry,
            plan,
            steps: plan.steps.iter().map(|step| (step.id.as_str(), step)).collect(),
            tasks,
            gates: gates(plan)?,
            unsettled: unsettled(plan),
            components: IndexMap::new(),
            executors: IndexMap::new(),
            pods: IndexMap::new(),
        })
    }

    fn task(&self, step: &str) -> String {
        self.tasks.get(step).cloned().unwrap_or_default()
    }

    fn gates_of(&self, step: &str) -> &[&'a str] {
        self.gates.get(step).map_or(&[], Vec::as_slice)
    }

    /// The graph of what stands behind exactly these gates; those behind further gates are in graphs inside it.
    fn graph(&mut self, here: &[&'a str]) -> Component {
        let plan = self.plan;
        let mut dag = Dag::default();
        let mut inner: IndexMap<&'a str, ()> = IndexMap::new();
        for step in &plan.steps {
            let gates = self.gates_of(&step.id);
            if gates == here {
                dag.tasks.insert(self.task(&step.id), self.step(step));
            } else if let Some(next) = gates.strip_prefix(here).and_then(<[_]>::first) {
                inner.insert(next, ());
            }
        }
        for gate in inner.into_keys() {
            let name = format!("if-{}", self.task(gate));
            let below = [here, &[gate]].concat();
            let task = self.condition(&name, gate, here, &below);
            let graph = self.graph(&below);
            self.components.insert(component(&name), graph);
            dag.tasks.insert(name, task);
        }
        Component {
            input_definitions: self.taken(here),
            output_definitions: Definitions::default(),
            implementation: Implementation::Dag(dag),
        }
    }

    /// What a graph is given.
    fn taken(&self, here: &[&'a str]) -> Definitions {
        let mut taken = Definitions::default();
        taken.parameters.insert(STORE.to_owned(), ParameterDefinition::of(ParameterType::String));
        if let Some(gate) = here.last() {
            taken.parameters.insert(self.verdict(gate), ParameterDefinition::of(ParameterType::Boolean));
        }
        for made in self.imports(here) {
            taken.artifacts.insert(self.channel(made), self.definition(made));
        }
        taken
    }

    /// Outputs from outside that steps of a graph read, those of the graphs in it too.
    fn imports(&self, here: &[&'a str]) -> IndexSet<Made<'a>> {
        let inside = |step: &str| self.gates_of(step).starts_with(here);
        let steps = self.plan.steps.iter().filter(|step| inside(&step.id));
        steps.flat_map(made_before).filter(|(step, _)| !inside(step)).collect()
    }

    /// The task of the graph behind a gate.
    fn condition(&self, name: &str, gate: &'a str, here: &[&'a str], below: &[&'a str]) -> Task {
        let mut inputs = TaskInputs::default();
        inputs.parameters.insert(STORE.to_owned(), ParameterSource::ComponentInputParameter(STORE.to_owned()));
        let passed = ParameterSource::TaskOutputParameter {
            producer_task: self.task(gate),
            output_parameter_key: PASSED.to_owned(),
        };
        let verdict = self.verdict(gate);
        inputs.parameters.insert(verdict.clone(), passed);
        for made in self.imports(below) {
            inputs.artifacts.insert(self.channel(made), self.source(made, here));
        }
        let inside = self.plan.steps.iter().filter(|step| self.gates_of(&step.id).starts_with(below));
        let mut needed: IndexSet<&str> = inside.flat_map(Step::needs).collect();
        needed.insert(gate);
        Task {
            trigger_policy: Some(TriggerPolicy::Condition(format!("inputs.parameter_values['{verdict}'] == true"))),
            ..task(name, self.tasks_at(here, needed), inputs)
        }
    }

    /// The tasks of a graph among steps that something needs; it waits for those outside by where it stands.
    fn tasks_at(&self, here: &[&'a str], needed: IndexSet<&str>) -> Vec<String> {
        needed.into_iter().filter(|step| self.gates_of(step) == here).map(|step| self.task(step)).collect()
    }

    /// The name under which a graph is given an output from outside.
    fn channel(&self, (step, output): Made<'_>) -> String {
        format!("pipelinechannel--{}--{output}", self.task(step))
    }

    /// The name under which a graph is given what its gate says: `TASK--OUTPUT`, as local runners want it.
    fn verdict(&self, gate: &str) -> String {
        format!("pipelinechannel--{}--{PASSED}", self.task(gate))
    }

    fn source(&self, made: Made<'_>, here: &[&'a str]) -> ArtifactSource {
        let (step, output) = made;
        if self.gates_of(step) == here {
            ArtifactSource::TaskOutputArtifact {
                producer_task: self.task(step),
                output_artifact_key: output.to_owned(),
            }
        } else {
            ArtifactSource::ComponentInputArtifact(self.channel(made))
        }
    }

    fn definition(&self, (step, output): Made<'_>) -> ArtifactDefinition {
        let kind = self.steps.get(step).and_then(|step| step.outputs.get(output)).map(|output| output.kind);
        ArtifactDefinition { artifact_type: artifact_type(kind), metadata: Map::new() }
    }

    /// The task of a step; its component, executor and pod are kept.
    fn step(&mut self, step: &'a Step) -> Task {
        let name = self.task(&step.id);
        let here = self.gates_of(&step.id);
        let mut inputs = TaskInputs::default();
        inputs.parameters.insert(STORE.to_owned(), ParameterSource::ComponentInputParameter(STORE.to_owned()));
        let mut input_definitions = Definitions::default();
        input_definitions.parameters.insert(STORE.to_owned(), ParameterDefinition::of(ParameterType::String));
        for (name, parameter_type, constant) in constants(step) {
            input_definitions.parameters.insert(name.to_owned(), ParameterDefinition::of(parameter_type));
            inputs.parameters.insert(name.to_owned(), ParameterSource::RuntimeValue { constant });
        }
        for (key, _, made) in artifacts(step) {
            inputs.artifacts.insert(key.clone(), self.source(made, here));
            input_definitions.artifacts.insert(key, self.definition(made));
        }
        let task = Task {
            caching_options: Some(CachingOptions { enable_cache: self.is_cached(step) }),
            retry_policy: retry(step),
            ..task(&name, self.tasks_at(here, step.needs().collect()), inputs)
        };
        let label = executor(&name);
        let component_ = Component {
            input_definitions,
            output_definitions: outputs(step),
            implementation: Implementation::ExecutorLabel(label.clone()),
        };
        let pod = self.pod(step);
        self.components.insert(component(&name), component_);
        self.executors.insert(label.clone(), Executor { container: self.container(step) });
        self.pods.insert(label, pod);
        task
    }

    /// Whether what the step made for the same inputs may be taken again: not if they are settled only when it runs, nor if
    /// it changes something that others see.
    fn is_cached(&self, step: &Step) -> bool {
        let acts = matches!(step.spec, StepSpec::Register(_) | StepSpec::Predict(_));
        !acts && !self.unsettled.contains(step.id.as_str())
    }

    fn container(&self, step: &Step) -> Container {
        let mut args = self.launch(&["step", &step.id]);
        args.extend(["--identity".to_owned(), input_parameter("identity")]);
        for (key, name, _) in artifacts(step) {
            args.extend(["--input".to_owned(), format!("{name}={{{{$.inputs.artifacts['{key}'].path}}}}")]);
        }
        for name in step.outputs.keys() {
            args.extend(["--output".to_owned(), format!("{name}={{{{$.outputs.artifacts['{name}'].path}}}}")]);
        }
        args.extend(["--told".to_owned(), "{{$.outputs.output_file}}".to_owned()]);
        if matches!(step.spec, StepSpec::Gate(_)) {
            args.extend(["--passed".to_owned(), format!("{{{{$.outputs.parameters['{PASSED}'].output_file}}}}")]);
        }
        Container {
            image: self.settings.image(self.plan, &step.environment),
            command: command(),
            args,
            env: self.settings.variables(),
            resources: Some(self.resources(step)),
        }
    }

    /// The arguments that all calls of the launcher share. The name of the run is filled in behind the cache.
    fn launch(&self, action: &[&str]) -> Vec<String> {
        let mut args: Vec<String> = action.iter().map(|&word| word.to_owned()).collect();
        args.extend(["--store".to_owned(), input_parameter(STORE)]);
        args.extend(["--run".to_owned(), "{{$.pipeline_job_uuid}}".to_owned(), "--carried".to_owned()]);
        if self.entry != TRAIN {
            args.extend(["--entry".to_owned(), self.entry.to_owned()]);
        }
        args
    }

    fn resources(&self, step: &Step) -> Resources {
        let memory = step.resources.memory.map(quantity);
        Resources {
            resource_cpu_request: step.resources.cpu.to_string(),
            resource_cpu_limit: step.resources.cpu.to_string(),
            resource_memory_request: memory.clone(),
            resource_memory_limit: memory,
            accelerator: self.settings.accelerator(step),
        }
    }

    fn pod(&self, step: &Step) -> KubernetesExecutor {
        let mut annotations = IndexMap::new();
        let origin = format!("{}:{}", step.origin.file, step.origin.line);
        for (name, value) in [("step", &step.id), ("origin", &origin), ("identity", &step.identity)] {
            if is_shown(&json!(value)) {
                annotations.insert(format!("mlp/{name}"), value.clone());
            }
        }
        KubernetesExecutor {
            pod_metadata: Some(PodMetadata { annotations }),
            active_deadline_seconds: step.timeout_seconds.map(|seconds| seconds.to_string()),
            ..self.settings.executor()
        }
    }

    /// The outermost graph: all steps as one task, and the task that comes last however that ends.
    fn root(&mut self) -> Component {
        let mut store = ParameterDefinition::of(ParameterType::String);
        store.description = Some("The address of the store that holds pinned files and registered models.".to_owned());
        store.default_value = self.settings.text(STORE).map(|address| json!(address));
        store.is_optional = store.default_value.is_some();
        let given = || ParameterSource::ComponentInputParameter(STORE.to_owned());
        let mut body = TaskInputs::default();
        body.parameters.insert(STORE.to_owned(), given());
        let mut last = TaskInputs::default();
        last.parameters.insert(STORE.to_owned(), given());
        last.parameters
            .insert("status".to_owned(), ParameterSource::TaskFinalStatus { producer_task: BODY.to_owned() });
        let mut dag = Dag::default();
        dag.tasks.insert(BODY.to_owned(), task(BODY, Vec::new(), body));
        let finish = Task {
            caching_options: Some(CachingOptions { enable_cache: false }),
            trigger_policy: Some(TriggerPolicy::Strategy(Strategy::AllUpstreamTasksCompleted)),
            ..task(FINISH, vec![BODY.to_owned()], last)
        };
        dag.tasks.insert(FINISH.to_owned(), finish);
        self.finish();
        let mut input_definitions = Definitions::default();
        input_definitions.parameters.insert(STORE.to_owned(), store);
        Component {
            input_definitions,
            output_definitions: Definitions::default(),
            implementation: Implementation::Dag(dag),
        }
    }

    /// What the last task runs: it records the run and tells who wants to know.
    fn finish(&mut self) {
        let mut status = ParameterDefinition::of(ParameterType::TaskFinalStatus);
        status.is_optional = true;
        let mut input_definitions = Definitions::default();
        input_definitions.parameters.insert(STORE.to_owned(), ParameterDefinition::of(ParameterType::String));
        input_definitions.parameters.insert("status".to_owned(), status);
        let mut args = self.launch(&["finish"]);
        args.extend(["--status".to_owned(), input_parameter("status")]);
        let environment = self.plan.steps.first().map_or("default", |step| step.environment.as_str());
        let container = Container {
            image: self.settings.image(self.plan, environment),
            command: command(),
            args,
            env: self.settings.variables(),
            resources: None,
        };
        let component_ = Component {
            input_definitions,
            output_definitions: Definitions::default(),
            implementation: Implementation::ExecutorLabel(executor(FINISH)),
        };
        self.components.insert(component(FINISH), component_);
        self.executors.insert(executor(FINISH), Executor { container });
        self.pods.insert(executor(FINISH), self.settings.executor());
    }
}

/// The gates that each step stands behind: its own, and those of what it needs.
fn gates(plan: &Plan) -> Result<HashMap<&str, Vec<&str>>, EmitError> {
    let mut found: HashMap<&str, Vec<&str>> = HashMap::new();
    for step in &plan.steps {
        let mut own: Vec<&str> = Vec::new();
        if let Some(InputRef::Step { step: gate, .. }) = &step.when {
            own = found.get(gate.as_str()).cloned().unwrap_or_default();
            own.push(gate);
        }
        for need in step.needs() {
            let theirs = found.get(need).map_or(&[][..], Vec::as_slice);
            if theirs.starts_with(&own) {
                own = theirs.to_vec();
            } else if !own.starts_with(theirs) {
                return Err(EmitError::Gates(step.id.clone()));
            }
        }
        found.insert(&step.id, own);
    }
    Ok(found)
}

fn made_before(step: &Step) -> impl Iterator<Item = Made<'_>> {
    step.inputs.values().filter_map(|input| match input {
        InputRef::Step { step, output } => Some((step.as_str(), output.as_str())),
        _ => None,
    })
}

/// The inputs of a step that are artifacts: the key, the step's own name, and what it is.
fn artifacts(step: &Step) -> Vec<(String, &str, Made<'_>)> {
    let mut names = Names::default();
    let inputs = step.inputs.iter().filter_map(|(name, input)| match input {
        InputRef::Step { step, output } => Some((name.as_str(), (step.as_str(), output.as_str()))),
        _ => None,
    });
    inputs.map(|(name, made)| (names.key(name), name, made)).collect()
}

/// What a task is told for people to see and for the cache to know it by. The launcher refuses another identity, so what
/// is seen is what runs.
fn constants(step: &Step) -> Vec<(&'static str, ParameterType, Value)> {
    let mut found = vec![("identity", ParameterType::String, json!(step.identity))];
    let params: Map<String, Value> = step
        .params
        .iter()
        .filter(|(name, param)| is_shown(&json!(name)) && is_shown(&param.value))
        .map(|(name, param)| (name.clone(), param.value.clone()))
        .collect();
    if !params.is_empty() {
        found.push(("params", ParameterType::Struct, Value::Object(params)));
    }
    let numbers = [("seed", step.seed), ("fold", step.fold)];
    let numbers = numbers.into_iter().filter_map(|(name, number)| Some((name, number?)));
    found.extend(numbers.map(|(name, number)| (name, ParameterType::NumberInteger, json!(number))));
    found
}

/// Servers fill in what stands in double braces, also in values, and have no null; what holds either is not shown.
fn is_shown(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.contains("{{"),
        Value::Array(items) => items.iter().all(is_shown),
        Value::Object(map) => map.iter().all(|(name, value)| !name.contains("{{") && is_shown(value)),
        Value::Bool(_) | Value::Number(_) => true,
        Value::Null => false,
    }
}

fn outputs(step: &Step) -> Definitions {
    let mut made = Definitions::default();
    for (name, output) in &step.outputs {
        let mut metadata = Map::new();
        metadata.insert("kind".to_owned(), json!(output.kind));
        metadata.insert("path".to_owned(), json!(output.path));
        if let (StepSpec::Ingest(ingest), ArtifactKind::Table) = (&step.spec, output.kind) {
            let columns: Map<String, Value> =
                ingest.schema.iter().map(|column| (column.name.clone(), json!(column.dtype))).collect();
            metadata.insert("columns".to_owned(), Value::Object(columns));
        }
        metadata.retain(|_, value| is_shown(value));
        made.artifacts
            .insert(name.clone(), ArtifactDefinition { artifact_type: artifact_type(Some(output.kind)), metadata });
    }
    if matches!(step.spec, StepSpec::Gate(_)) {
        made.parameters.insert(PASSED.to_owned(), ParameterDefinition::of(ParameterType::Boolean));
    }
    made
}

fn artifact_type(kind: Option<ArtifactKind>) -> ArtifactType {
    let schema_title = match kind {
        Some(ArtifactKind::Table) => "system.Dataset",
        Some(ArtifactKind::Model) => "system.Model",
        Some(ArtifactKind::Metrics) => "system.Metrics",
        _ => "system.Artifact",
    };
    ArtifactType { schema_title, schema_version: "0.0.1" }
}

fn retry(step: &Step) -> Option<RetryPolicy> {
    let tries = step.retry.attempts.checked_sub(1).filter(|tries| *tries > 0)?;
    let seconds = |milliseconds: u64| format!("{}.{:03}s", milliseconds / 1_000, milliseconds % 1_000);
    Some(RetryPolicy {
        max_retry_count: tries,
        backoff_duration: seconds(step.retry.initial_ms),
        backoff_factor: step.retry.factor,
        backoff_max_duration: seconds(step.retry.max_ms),
    })
}

/// Bytes as a quantity of Kubernetes.
fn quantity(bytes: u64) -> String {
    let units = [(1 << 30, "Gi"), (1 << 20, "Mi"), (1 << 10, "Ki")];
    match units.iter().find(|(size, _)| bytes > 0 && bytes.is_multiple_of(*size)) {
        Some((size, unit)) => format!("{}{unit}", bytes / size),
        None => bytes.to_string(),
    }
}

fn task(name: &str, dependent_tasks: Vec<String>, inputs: TaskInputs) -> Task {
    Task {
        task_info: Named { name: name.to_owned() },
        component_ref: Named { name: component(name) },
        dependent_tasks,
        caching_options: None,
        inputs,
        retry_policy: None,
        trigger_policy: None,
    }
}

fn command() -> Vec<String> {
    ["python", "-m", "mlp_runtime.launch"].map(str::to_owned).to_vec()
}

fn input_parameter(name: &str) -> String {
    format!("{{{{$.inputs.parameters['{name}']}}}}")
}

fn component(task: &str) -> String {
    format!("comp-{task}")
}

fn executor(task: &str) -> String {
    format!("exec-{task}")
}
