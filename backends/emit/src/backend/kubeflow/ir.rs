//! The intermediate representation of Kubeflow Pipelines: as much of `PipelineSpec` as definitions need.
//!
//! Field names and nesting are those of the protobuf messages in their JSON form.

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::{Map, Value};

/// The version of the format that servers take.
pub const SCHEMA_VERSION: &str = "2.1.0";

/// A pipeline.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PipelineSpec {
    /// What it is called.
    pub pipeline_info: PipelineInfo,
    /// [`SCHEMA_VERSION`].
    pub schema_version: &'static str,
    /// What made it.
    pub sdk_version: String,
    /// Where artifacts are put, unless a run says otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_pipeline_root: Option<String>,
    /// The outermost graph.
    pub root: Component,
    /// All others and all tasks, by name.
    pub components: IndexMap<String, Component>,
    /// What tasks run.
    pub deployment_spec: DeploymentSpec,
}

/// What a pipeline is called.
#[derive(Debug, Serialize)]
pub struct PipelineInfo {
    /// Lower-case letters, digits and dashes.
    pub name: String,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A graph or a task, with what goes in and out.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Component {
    /// What goes in.
    #[serde(skip_serializing_if = "Definitions::is_empty")]
    pub input_definitions: Definitions,
    /// What comes out.
    #[serde(skip_serializing_if = "Definitions::is_empty")]
    pub output_definitions: Definitions,
    /// What it does.
    #[serde(flatten)]
    pub implementation: Implementation,
}

/// What a component does.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Implementation {
    /// It runs an executor.
    ExecutorLabel(String),
    /// It runs tasks.
    Dag(Dag),
}

/// Parameters and artifacts by name.
#[derive(Debug, Default, Serialize)]
pub struct Definitions {
    /// Values.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub parameters: IndexMap<String, ParameterDefinition>,
    /// Files and folders.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub artifacts: IndexMap<String, ArtifactDefinition>,
}

impl Definitions {
    fn is_empty(&self) -> bool {
        self.parameters.is_empty() && self.artifacts.is_empty()
    }
}

/// A value.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ParameterDefinition {
    /// Its type.
    pub parameter_type: ParameterType,
    /// What it is where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_value: Option<Value>,
    /// Whether it may be left out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_optional: bool,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl ParameterDefinition {
    /// One that must be given.
    #[must_use]
    pub fn of(parameter_type: ParameterType) -> Self {
        Self { parameter_type, default_value: None, is_optional: false, description: None }
    }
}

/// Types of parameters.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ParameterType {
    /// Text.
    String,
    /// True or false.
    Boolean,
    /// A whole number.
    NumberInteger,
    /// Values by name.
    Struct,
    /// How a task ended.
    TaskFinalStatus,
}

/// A file or folder.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ArtifactDefinition {
    /// Its type.
    pub artifact_type: ArtifactType,
    /// Facts about it.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

/// The type of an artifact.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ArtifactType {
    /// `system.Dataset`.
    pub schema_title: &'static str,
    /// `0.0.1`.
    pub schema_version: &'static str,
}

/// Tasks by name.
#[derive(Debug, Default, Serialize)]
pub struct Dag {
    /// In an order in which each comes after all it needs.
    pub tasks: IndexMap<String, Task>,
}

/// A task of a graph.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// Its name once more: servers find it by this one.
    pub task_info: Named,
    /// What it runs.
    pub component_ref: Named,
    /// Tasks that it comes after. What is read does not count by itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dependent_tasks: Vec<String>,
    /// Whether what it made before is taken again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caching_options: Option<CachingOptions>,
    /// What it is given.
    #[serde(skip_serializing_if = "TaskInputs::is_empty")]
    pub inputs: TaskInputs,
    /// What happens when it fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_policy: Option<RetryPolicy>,
    /// When it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger_policy: Option<TriggerPolicy>,
}

/// A name.
#[derive(Debug, Serialize)]
pub struct Named {
    /// It.
    pub name: String,
}

/// Whether what a task made before is taken again.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CachingOptions {
    /// Absent where it is not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub enable_cache: bool,
}

/// What a task is given.
#[derive(Debug, Default, Serialize)]
pub struct TaskInputs {
    /// Values.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub parameters: IndexMap<String, ParameterSource>,
    /// Files and folders.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub artifacts: IndexMap<String, ArtifactSource>,
}

impl TaskInputs {
    fn is_empty(&self) -> bool {
        self.parameters.is_empty() && self.artifacts.is_empty()
    }
}

/// Where a value comes from.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ParameterSource {
    /// It is said here.
    RuntimeValue {
        /// It.
        constant: Value,
    },
    /// What the graph itself was given.
    ComponentInputParameter(String),
    /// From an earlier task.
    #[serde(rename_all = "camelCase")]
    TaskOutputParameter {
        /// The task.
        producer_task: String,
        /// Its output.
        output_parameter_key: String,
    },
    /// How a task ended.
    #[serde(rename_all = "camelCase")]
    TaskFinalStatus {
        /// The task.
        producer_task: String,
    },
}

/// Where an artifact comes from.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ArtifactSource {
    /// What the graph itself was given.
    ComponentInputArtifact(String),
    /// From an earlier task.
    #[serde(rename_all = "camelCase")]
    TaskOutputArtifact {
        /// The task.
        producer_task: String,
        /// Its output.
        output_artifact_key: String,
    },
}

/// What happens when a task fails.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RetryPolicy {
    /// Tries after the first.
    pub max_retry_count: u32,
    /// Before the second try: `1.500s`.
    pub backoff_duration: String,
    /// Each wait is this many times the one before.
    pub backoff_factor: f64,
    /// No wait is longer.
    pub backoff_max_duration: String,
}

/// When a task runs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum TriggerPolicy {
    /// If this holds, an expression of CEL.
    Condition(String),
    /// Once those that it depends on have ended, however they did.
    Strategy(Strategy),
}

/// After which endings a task runs.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Strategy {
    /// After any.
    AllUpstreamTasksCompleted,
}

/// What tasks run.
#[derive(Debug, Default, Serialize)]
pub struct DeploymentSpec {
    /// By label.
    pub executors: IndexMap<String, Executor>,
}

/// What a task runs.
#[derive(Debug, Serialize)]
pub struct Executor {
    /// A container.
    pub container: Container,
}

/// A container.
#[derive(Debug, Serialize)]
pub struct Container {
    /// The image.
    pub image: String,
    /// The program.
    pub command: Vec<String>,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its environment.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<Variable>,
    /// What it may use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
}

/// A variable of the environment.
#[derive(Clone, Debug, Serialize)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// What a container may use, as quantities of Kubernetes.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resources {
    /// Threads that it is sure of.
    pub resource_cpu_request: String,
    /// Threads that it cannot go beyond.
    pub resource_cpu_limit: String,
    /// Memory that it is sure of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_memory_request: Option<String>,
    /// Memory that it cannot go beyond.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_memory_limit: Option<String>,
    /// Devices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accelerator: Option<Accelerator>,
}

/// Devices of one type.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Accelerator {
    /// `nvidia.com/gpu`.
    pub resource_type: String,
    /// How many.
    pub resource_count: String,
}
