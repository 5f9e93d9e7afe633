//! The plan: what a run does, in terms that no backend owns. Published as JSON with a schema.
//!
//! A plan names no backend and holds no syntax. Text of users travels as data; whoever prints code quotes it.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The format of this file; a reader refuses another major version.
pub const FORMAT: &str = "mlp-plan/v1";

/// A whole plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// `mlp-plan/v1`.
    pub format: String,
    /// Version of the compiler that made it.
    pub compiler: String,
    /// The pipeline's own facts.
    pub pipeline: Pipeline,
    /// Files that enter from outside, pinned by the lock.
    pub sources: Vec<Source>,
    /// Where steps run, by name.
    pub environments: IndexMap<String, Environment>,
    /// Feature definitions that steps share.
    pub features: IndexMap<String, FeatureSet>,
    /// Steps, in an order in which each comes after all it needs.
    pub steps: Vec<Step>,
    /// What the run is for: models, reports, verdicts.
    pub finals: Vec<FinalArtifact>,
    /// Files of users that steps call, relative to the project's root.
    pub code: Vec<CodeFile>,
}

/// The pipeline's own facts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    /// Its name.
    pub name: String,
    /// Its documentation.
    pub doc: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The seed from which all others are derived.
    pub seed: i64,
    /// The profile that was selected.
    pub profile: Option<String>,
}

/// A file that enters from outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The dataset that reads it.
    pub name: String,
    /// Relative to the project's root, with `/`.
    pub path: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// A user's source file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeFile {
    /// Relative to the project's root, with `/`.
    pub path: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// Where steps run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// `3.11`.
    pub python: String,
    /// Locked packages with the hashes of their files.
    pub packages: Vec<Package>,
    /// SHA-256 over Python version and packages: the name of the virtual environment, part of each step's identity.
    pub digest: String,
}

/// A locked package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// Normalised name.
    pub name: String,
    /// Exact version.
    pub version: String,
    /// Environment marker, where it is not for every platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
    /// SHA-256 of each file of that release, sorted.
    pub sha256: Vec<String>,
}

/// Where a thing was declared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// Relative to the project's root.
    pub file: String,
    /// From 1.
    pub line: u32,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// `train.species_model`: unique, stable, the path from which its seed is derived.
    pub id: String,
    /// What it is called for people: `train species_model`.
    pub title: String,
    /// The block's documentation.
    pub doc: Option<String>,
    /// The block.
    pub origin: Origin,
    /// Named inputs.
    pub inputs: IndexMap<String, InputRef>,
    /// Named outputs; the path is relative to the step's own output folder.
    pub outputs: IndexMap<String, Output>,
    /// Named parameters with their values: everything that a person may want to change and a tracker must record.
    pub params: IndexMap<String, Param>,
    /// Derived seed, where the step uses chance.
    pub seed: Option<u32>,
    /// Name of its environment.
    pub environment: String,
    /// What it may use.
    pub resources: Resources,
    /// What happens when it fails.
    pub retry: Retry,
    /// Seconds after which it is stopped.
    pub timeout_seconds: Option<u64>,
    /// Steps that must have succeeded although nothing of theirs is read.
    pub after: Vec<String>,
    /// Runs only if this verdict output of an earlier step says `passed`.
    pub when: Option<InputRef>,
    /// Its program; set by the emitter.
    pub program: Program,
    /// What the program does.
    pub spec: StepSpec,
    /// SHA-256 over program, runtime, environment, parameters, seed and the identities of the inputs. The cache key.
    pub identity: String,
}

/// Where an input comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum InputRef {
    /// A pinned file.
    Source {
        /// [`Source::name`].
        name: String,
    },
    /// An output of an earlier step.
    Step {
        /// [`Step::id`].
        step: String,
        /// A key of [`Step::outputs`].
        output: String,
    },
    /// The model that holds an alias when the run starts; absent when there is none yet.
    Champion {
        /// Name in the registry.
        model: String,
        /// The alias.
        alias: String,
    },
}

/// An output of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// What it is.
    pub kind: ArtifactKind,
    /// File or folder, relative to the step's output folder.
    pub path: String,
}

/// Kinds of artifacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ArtifactKind {
    /// A Parquet table.
    Table,
    /// The state of fitted columns, JSON.
    Transform,
    /// A model folder.
    Model,
    /// Numbers by name, JSON.
    Metrics,
    /// A page for people, HTML.
    Report,
    /// `{"passed": bool, "requirements": […]}`, JSON.
    Verdict,
    /// Results of checks on data, JSON.
    Checks,
    /// A record of registration, JSON.
    Registration,
    /// Any other file.
    File,
}

/// A parameter's value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Param {
    /// Its Python type, as in an annotation: `float`, `int | None`, `Literal["auto"] | bool`.
    pub python_type: String,
    /// Its value.
    pub value: Value,
    /// Whether the value is the trainer's default.
    pub default: bool,
}

/// What a step may use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Resources {
    /// Threads; part of the identity.
    pub cpu: u32,
    /// Bytes.
    pub memory: Option<u64>,
}

/// What happens when a step fails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// Tries in all; 1 is no retry.
    pub attempts: u32,
    /// Milliseconds before the second try.
    pub initial_ms: u64,
    /// Each wait is this many times the one before.
    pub factor: f64,
    /// No wait is longer, in milliseconds.
    pub max_ms: u64,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 1, initial_ms: 1_000, factor: 2.0, max_ms: 60_000 }
    }
}

/// A step's program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// Relative to the build: `steps/train_species_model.py`.
    pub path: String,
    /// SHA-256 over the program and every file of the build that it imports.
    pub sha256: String,
}

/// What the run is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FinalArtifact {
    /// What it is called: `species_model`.
    pub name: String,
    /// The step.
    pub step: String,
    /// Its output.
    pub output: String,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "does", rename_all = "snake_case", deny_unknown_fields)]
pub enum StepSpec {
    /// Reads a source, checks its schema, writes a table in canonical order. In: `source`. Out: `rows`, `checks`.
    Ingest(Ingest),
    /// Checks expectations. In: `rows`. Out: `checks`.
    Validate(Validate),
    /// Row-wise columns. In: one `rows` per dataset, by dataset name. Out: `rows`.
    Features {
        /// Key of [`Plan::features`].
        features: String,
    },
    /// Assigns each row to a part. In: `rows`. Out: `parts` (row identifier and part).
    Split(Split),
    /// Fits the fitted columns on the training part. In: `rows`, `parts`. Out: `transform`.
    Fit {
        /// Key of [`Plan::features`].
        features: String,
    },
    /// Trains. In: `rows`, `parts`, `transform` (if the features have fitted columns). Out: `model`.
    Train(Train),
    /// Judges a model. In: `rows`, `parts`, `model`. Out: `metrics`, `report`, `predictions`.
    Evaluate(Evaluate),
    /// Decides. In: `metrics`. Out: `verdict`. Exits with 3 when it refuses, its output written.
    Gate(Gate),
    /// Adds a version to the registry. In: `model`, `verdict`, `metrics`. Out: `registration`.
    Register(Register),
    /// A user's Python function. In and out: as declared.
    Python(UserPython),
    /// A user's shell command. In and out: as declared.
    Shell(UserShell),
}

/// Reads a source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ingest {
    /// The dataset.
    pub dataset: String,
    /// How the source is read.
    pub format: Format,
    /// What is read, in order.
    pub schema: Vec<ColumnSchema>,
    /// Columns that identify a row; empty: its ordinal does.
    pub key: Vec<String>,
    /// The row's time.
    pub timestamp: Option<String>,
    /// IANA zone of times without an offset.
    pub timezone: Option<String>,
}

/// How a source is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Format {
    /// Comma-separated text, gzip by its ending.
    Csv {
        /// Texts that mean null.
        null: Vec<String>,
        /// One character.
        delimiter: String,
        /// Whether the first line names the columns; otherwise they are named by order.
        header: bool,
    },
    /// Apache Parquet.
    Parquet,
    /// One JSON object a line.
    Ndjson,
}

/// One column of a dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnSchema {
    /// Its name in the program.
    pub name: String,
    /// Its name in the source.
    pub source_name: String,
    /// Its type.
    pub dtype: DType,
    /// Whether nulls are allowed.
    pub nullable: bool,
    /// Allowed values.
    pub range: Option<Range>,
    /// Regular expression that every value matches in full.
    pub matches: Option<String>,
    /// No value twice.
    pub unique: bool,
    /// How text is read: a time format, or the two texts of a flag (false first).
    pub parse: Option<Parse>,
}

/// How text is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Parse {
    /// `%Y-%m-%d`.
    Format(String),
    /// Seconds, milliseconds or microseconds since 1970: `s`, `ms`, `us`.
    Epoch(String),
    /// The texts for false and true.
    Flag(Vec<Value>),
}

/// Types of columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum DType {
    /// True or false.
    Bool,
    /// 64-bit integer.
    Int,
    /// 64-bit floating point.
    Float,
    /// Text.
    String,
    /// One of a set; closed if the levels are declared, otherwise those of the training part.
    Category {
        /// Declared levels, in order.
        levels: Option<Vec<String>>,
    },
    /// A day.
    Date,
    /// An instant in UTC, microseconds.
    Timestamp,
    /// A span of time, microseconds.
    Duration,
    /// Numbers in a row.
    Vector {
        /// How many, where that is known when the program is compiled.
        size: Option<u32>,
    },
}

/// A range of numbers; a missing bound is infinite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// Lower bound.
    pub low: Option<f64>,
    /// Whether the lower bound belongs to it.
    pub low_closed: bool,
    /// Upper bound.
    pub high: Option<f64>,
    /// Whether the upper bound belongs to it.
    pub high_closed: bool,
}

/// Checks expectations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Validate {
    /// The dataset.
    pub dataset: String,
    /// Its columns, for types.
    pub schema: Vec<ColumnSchema>,
    /// In order.
    pub expectations: Vec<Expectation>,
}

/// One expectation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// As written.
    pub text: String,
    /// Where.
    pub origin: Origin,
    /// `warn` only reports.
    pub fails: bool,
    /// What is checked.
    pub check: Check,
    /// Columns that it reads.
    pub columns: Vec<String>,
}

/// What an expectation checks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Check {
    /// A condition that each row meets; null counts as met.
    Rows {
        /// Boolean, row by row.
        condition: Expr,
    },
    /// A condition on values over the whole table.
    Table {
        /// Boolean, one value.
        condition: Expr,
        /// The measured value, where the condition compares one.
        measured: Option<Expr>,
        /// Rows to blame, where the expectation says which.
        offending: Option<Expr>,
    },
}

/// Feature definitions that several steps share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FeatureSet {
    /// Its name: the Python module `features/<name>.py`.
    pub name: String,
    /// Its documentation.
    pub doc: Option<String>,
    /// The block.
    pub origin: Origin,
    /// The dataset whose rows these are.
    pub base: String,
    /// Columns of the base that are read.
    pub base_columns: Vec<ColumnSchema>,
    /// Columns that identify a row; empty: its ordinal, in the column `__row__`.
    pub key: Vec<String>,
    /// The row's time.
    pub timestamp: Option<String>,
    /// In order.
    pub joins: Vec<Join>,
    /// Row conditions, after the joins; only true passes.
    pub filters: Vec<Expr>,
    /// Row-wise values in an order in which each comes after what it names: lets, features, arguments of fitted
    /// columns, the label.
    pub values: Vec<NamedValue>,
    /// Fitted columns and values computed from them, in order.
    pub fitted: Vec<FittedStage>,
    /// What the model reads, in order.
    pub inputs: Vec<ModelInput>,
    /// The label.
    pub label: Option<Label>,
    /// Name of the weight.
    pub weight: Option<String>,
    /// Columns carried beside the features: key, timestamp, slices.
    pub carried: Vec<String>,
}

/// A join on the key of another dataset; never changes the number or order of rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Join {
    /// The joined dataset.
    pub dataset: String,
    /// Pairs: an expression over this row, a key column of the other side.
    pub on: Vec<(Expr, String)>,
    /// Columns taken: name there, name here.
    pub columns: Vec<(String, String)>,
}

/// A value by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedValue {
    /// Its name.
    pub name: String,
    /// Its documentation.
    pub doc: Option<String>,
    /// Its type.
    pub dtype: DType,
    /// Its value.
    pub expr: Expr,
}

/// A step of the fitted part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FittedStage {
    /// Fits state on the training part and applies it everywhere.
    Fit(Fitted),
    /// A row-wise value that reads fitted columns.
    Value(NamedValue),
}

/// A fitted column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fitted {
    /// Its name.
    pub name: String,
    /// Its documentation.
    pub doc: Option<String>,
    /// Its type.
    pub dtype: DType,
    /// `standardize`.
    pub function: String,
    /// Function of `mlp_runtime.fitted` that makes the state: `mean_std`.
    pub fit: String,
    /// Argument expressions by parameter name; the first is the column that is fitted.
    pub args: IndexMap<String, Expr>,
    /// Constant arguments by parameter name, passed to the fitting function as keywords.
    pub constants: IndexMap<String, Value>,
    /// Names in the state.
    pub state: Vec<String>,
    /// Template that applies it: `({x} - {mean}) / {std}`.
    pub polars: String,
    /// Whether NaN and infinity become null.
    pub finite: bool,
}

/// What the model reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelInput {
    /// The column.
    pub name: String,
    /// Its type: bool, int, float, category or vector.
    pub dtype: DType,
    /// Whether it may be null.
    pub nullable: bool,
    /// Source columns it is made from, as `dataset.column`.
    pub sources: Vec<String>,
}

/// The label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// Its name, among [`FeatureSet::values`].
    pub name: String,
    /// Its type.
    pub dtype: DType,
    /// What it makes of the training.
    pub task: Task,
}

/// What is learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// True or false.
    Binary,
    /// One of several.
    Multiclass,
    /// A number.
    Regression,
}

/// Assigns rows to parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// Its name, part of the hash that assigns rows.
    pub name: String,
    /// How.
    pub by: SplitBy,
    /// Columns that identify a row; empty: its ordinal.
    pub key: Vec<String>,
    /// Parts in order with their shares, which sum to 1.
    pub shares: IndexMap<String, f64>,
    /// Classes that every part must hold: the label's column.
    pub label: Option<String>,
}

/// Ways to split.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SplitBy {
    /// By a hash of the key.
    Random,
    /// By a hash of the key, within each value of a column.
    Stratified(String),
    /// By a hash of a column, so that its rows stay together.
    Group(String),
    /// In order of time, with a gap in milliseconds.
    Time {
        /// The column.
        timestamp: String,
        /// Rows this close before a cut are dropped.
        gap_ms: i64,
    },
}

/// Trains one model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Train {
    /// Key of [`Plan::features`].
    pub features: String,
    /// `sklearn.logistic_regression`.
    pub trainer: String,
    /// The trainer's documentation.
    pub trainer_doc: Option<String>,
    /// `sklearn.linear_model:LogisticRegression`: module and class, or a user's `file.py:function`.
    pub python: String,
    /// What is learned.
    pub task: Task,
    /// Names of hyperparameters, all found in [`Step::params`], in order.
    pub hyperparameters: Vec<String>,
    /// Constructor arguments that are always given.
    pub fixed: IndexMap<String, Value>,
    /// The constructor argument that takes the seed.
    pub seed_argument: Option<String>,
    /// The constructor argument that takes the number of threads.
    pub threads_argument: Option<String>,
    /// How categories are told to the estimator.
    pub categories: Option<CategoryStyle>,
    /// Whether the estimator takes nulls.
    pub accepts_nulls: bool,
}

/// How an estimator learns which inputs are categories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CategoryStyle {
    /// scikit-learn: `categorical_features=[bool, …]` of the constructor.
    Mask,
    /// XGBoost: `feature_types=["c", "q", …]` and `enable_categorical=True` of the constructor.
    FeatureTypes,
    /// LightGBM: `categorical_feature=[index, …]` of `fit`.
    Indices,
}

/// Judges a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evaluate {
    /// The report's name.
    pub name: String,
    /// Key of [`Plan::features`].
    pub features: String,
    /// The part that judges: `test` or `validation`.
    pub part: String,
    /// What is learned.
    pub task: Task,
    /// Metrics, by the name under which they are reported.
    pub metrics: IndexMap<String, MetricCall>,
    /// Columns by whose values the metrics are also reported.
    pub slices: Vec<String>,
}

/// A metric with its arguments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetricCall {
    /// `roc_auc`.
    pub metric: String,
    /// Its documentation.
    pub doc: Option<String>,
    /// `mlp_runtime.metrics:roc_auc`, or a user's `file.py:function`.
    pub python: String,
    /// What it reads.
    pub needs: MetricNeeds,
    /// Whether more is better.
    pub higher_is_better: bool,
    /// Keyword arguments.
    pub arguments: IndexMap<String, Value>,
}

/// What a metric reads of the predictions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MetricNeeds {
    /// Predicted classes.
    Label,
    /// Probabilities.
    Probability,
    /// Predicted numbers.
    Value,
}

/// Decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// Its name.
    pub name: String,
    /// In order.
    pub requirements: Vec<Requirement>,
    /// Slices with fewer rows are shown, not judged.
    pub min_rows: u64,
}

/// One line of a gate: `left compare right`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// As written.
    pub text: String,
    /// Where.
    pub origin: Origin,
    /// What is judged.
    pub left: Quantity,
    /// `<`, `<=`, `>`, `>=`, `==`, `!=`.
    pub compare: String,
    /// The bound.
    pub right: Quantity,
}

/// A number that a gate can know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Quantity {
    /// A constant.
    Number(f64),
    /// A metric of the report, by the name under which it is reported.
    Metric(String),
    /// The metric in each slice of a column; the requirement holds if it holds in every judged slice.
    MetricBy {
        /// The metric.
        metric: String,
        /// The column.
        slice: String,
    },
    /// Largest minus smallest over the judged slices.
    Gap {
        /// The metric.
        metric: String,
        /// The column.
        slice: String,
    },
    /// The champion's metric on the same rows; without a champion the requirement passes and says so.
    Champion(String),
    /// Arithmetic: `+`, `-`, `*`, `/`.
    Binary {
        /// The operator.
        op: String,
        /// Left side.
        left: Box<Quantity>,
        /// Right side.
        right: Box<Quantity>,
    },
}

/// Adds a version to the registry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Register {
    /// Name in the registry.
    pub model: String,
    /// Alias that moves to the new version.
    pub alias: String,
    /// The gate that let it through.
    pub gate: Option<String>,
}

/// A user's Python function, called with one keyword per input (a `Path` or a number) and per output (a `Path`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserPython {
    /// `loader.py`, relative to the project's root.
    pub file: String,
    /// `main`.
    pub function: String,
}

/// A user's shell command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserShell {
    /// The command with `{name}` for inputs, outputs and parameters; `{{` is a brace.
    pub template: String,
}

/// An expression over columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum Expr {
    /// A column.
    Column {
        /// Its name.
        name: String,
    },
    /// A literal: null, bool, int, float or text.
    Literal {
        /// Its value.
        value: Value,
    },
    /// A day, as `2013-01-01`.
    Date {
        /// ISO 8601.
        iso: String,
    },
    /// A span of time.
    Duration {
        /// Milliseconds.
        ms: i64,
    },
    /// A list of literals, as an argument.
    List {
        /// The items.
        items: Vec<Expr>,
    },
    /// A function of the standard library, by its template.
    Call {
        /// Its name, for people.
        function: String,
        /// The template: `{x}.log1p()`.
        polars: String,
        /// Arguments by parameter name; more than one for a variadic parameter.
        args: IndexMap<String, Vec<Expr>>,
        /// Constant arguments by parameter name, printed as Python literals.
        constants: IndexMap<String, Value>,
        /// Whether NaN and infinity become null.
        finite: bool,
    },
    /// A user's Python function, over scalars.
    UserCall {
        /// `geo.py:haversine`.
        python: String,
        /// In order.
        args: Vec<Expr>,
        /// What it gives.
        dtype: DType,
        /// Whether it takes whole columns.
        vectorized: bool,
    },
    /// `-a`, `not a`.
    Unary {
        /// `-` or `not`.
        operator: String,
        /// The operand.
        operand: Box<Expr>,
    },
    /// `a + b`; as in the language: `or and == != < <= > >= + - * / // % **`.
    Binary {
        /// The operator.
        operator: String,
        /// Left side.
        left: Box<Expr>,
        /// Right side.
        right: Box<Expr>,
        /// Whether NaN and infinity become null.
        finite: bool,
    },
    /// `if c then a else b`; a null condition counts as false.
    If {
        /// The condition.
        condition: Box<Expr>,
        /// If true.
        then: Box<Expr>,
        /// If false.
        otherwise: Box<Expr>,
    },
    /// `a in [b, c]`.
    InList {
        /// What is looked for.
        item: Box<Expr>,
        /// Literals.
        values: Vec<Value>,
        /// `not in`.
        negated: bool,
    },
    /// `a in low..=high`.
    InRange {
        /// What is looked for.
        item: Box<Expr>,
        /// Lower bound and whether it belongs to the range.
        low: Option<(Box<Expr>, bool)>,
        /// Upper bound and whether it belongs to the range.
        high: Option<(Box<Expr>, bool)>,
        /// `not in`.
        negated: bool,
    },
    /// A value taken as another type: a category as text, an int as a float.
    Cast {
        /// The value.
        value: Box<Expr>,
        /// The type.
        to: DType,
    },
}
