//! What a checked program is made of: typed expressions and one structure per kind of block. Owned and free of
//! positions in files, so that a query's result stays equal when only layout changes.

use crate::types::{Interval, Ty};
use indexmap::IndexMap;
use mlpc_db::Place;
use mlpc_diagnostics::{Diagnostic, Span};
use mlpc_syntax::ast::{BinaryOp, UnaryOp};

/// A finding with a place relative to its block.
pub type Finding = Diagnostic<Place>;

/// A result with what was found on the way; a query never fails.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked<T> {
    /// The result; parts that are wrong are left out or of unknown type.
    pub value: T,
    /// What was found.
    pub findings: Vec<Finding>,
}

/// A value known when the program is compiled.
#[derive(Clone, Debug, PartialEq)]
pub enum Const {
    /// `null`.
    Null,
    /// `true`.
    Bool(bool),
    /// `3`.
    Int(i64),
    /// `0.5`, `70%`.
    Float(f64),
    /// `"text"`, a word.
    Str(String),
    /// Milliseconds.
    Duration(i64),
    /// Bytes.
    Size(u64),
    /// Days since 1970-01-01.
    Date(i32),
    /// `[a, b]`.
    List(Vec<Const>),
}

impl Const {
    /// As a number.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "ranges are judged in floating point")]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Int(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// What it is, for messages.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            // `2.0`, not `2`: a float is shown as one.
            Self::Float(value) => format!("{value:?}"),
            Self::Str(value) => format!("{value:?}"),
            Self::Duration(ms) => format!("{ms}ms"),
            Self::Size(bytes) => format!("{bytes} bytes"),
            Self::Date(_) => "a date".to_owned(),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(Self::describe).collect();
                format!("[{}]", items.join(", "))
            }
        }
    }
}

/// A typed expression.
#[derive(Clone, Debug, PartialEq)]
pub struct TExpr {
    /// What it is.
    pub kind: TKind,
    /// Its type.
    pub ty: Ty,
    /// Where it stands in its block.
    pub span: Span,
}

/// Forms of typed expressions.
#[derive(Clone, Debug, PartialEq)]
pub enum TKind {
    /// An error was reported.
    Error,
    /// A column or an earlier definition, by its name in the table at that point.
    Column(String),
    /// A literal.
    Literal(Const),
    /// A row-wise function.
    Call {
        /// Its name.
        function: String,
        /// How it is done: a Polars template, or a user's Python function.
        body: FnBody,
        /// By parameter; several for a variadic one.
        args: IndexMap<String, Vec<TExpr>>,
        /// By parameter.
        constants: IndexMap<String, Const>,
        /// Whether NaN and infinity must become null.
        finite: bool,
    },
    /// A fitted function.
    Fitted(Box<FittedCall>),
    /// Prefix operator.
    Unary(UnaryOp, Box<TExpr>),
    /// Infix operator.
    Binary {
        /// Which.
        op: BinaryOp,
        /// Left side.
        left: Box<TExpr>,
        /// Right side.
        right: Box<TExpr>,
        /// Whether NaN and infinity must become null.
        finite: bool,
    },
    /// `if c then a else b`.
    If(Box<TExpr>, Box<TExpr>, Box<TExpr>),
    /// `a in [..]`.
    InList {
        /// What is looked for.
        item: Box<TExpr>,
        /// The list.
        values: Vec<Const>,
        /// `not in`.
        negated: bool,
    },
    /// `a in low..=high`.
    InRange {
        /// What is looked for.
        item: Box<TExpr>,
        /// Lower bound.
        low: Option<(Box<TExpr>, bool)>,
        /// Upper bound.
        high: Option<(Box<TExpr>, bool)>,
        /// `not in`.
        negated: bool,
    },
}

/// How a function is done.
#[derive(Clone, Debug, PartialEq)]
pub enum FnBody {
    /// A Polars template.
    Polars(String),
    /// `file.py:function`.
    Python {
        /// The reference.
        reference: String,
        /// Whether it takes whole columns.
        vectorized: bool,
    },
}

/// A call of a fitted function.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedCall {
    /// `standardize`.
    pub function: String,
    /// `mean_std`.
    pub fit: String,
    /// Names in the state.
    pub state: Vec<String>,
    /// The template that applies it.
    pub polars: String,
    /// By parameter.
    pub args: IndexMap<String, TExpr>,
    /// By parameter.
    pub constants: IndexMap<String, Const>,
}

impl TExpr {
    /// An expression that is wrong.
    #[must_use]
    pub fn error(span: Span) -> Self {
        Self { kind: TKind::Error, ty: Ty::unknown(), span }
    }

    /// Calls `visit` on this expression and everything in it, outermost first.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Self)) {
        visit(self);
        for child in self.children() {
            child.walk(visit);
        }
    }

    /// The expressions directly within.
    #[must_use]
    pub fn children(&self) -> Vec<&Self> {
        match &self.kind {
            TKind::Error | TKind::Column(_) | TKind::Literal(_) => Vec::new(),
            TKind::Call { args, .. } => args.values().flatten().collect(),
            TKind::Fitted(call) => call.args.values().collect(),
            TKind::Unary(_, operand) => vec![operand],
            TKind::Binary { left, right, .. } => vec![left, right],
            TKind::If(condition, then, otherwise) => vec![condition, then, otherwise],
            TKind::InList { item, .. } => vec![item],
            TKind::InRange { item, low, high, .. } => {
                let mut all: Vec<&Self> = vec![item];
                all.extend(low.iter().map(|(bound, _)| &**bound));
                all.extend(high.iter().map(|(bound, _)| &**bound));
                all
            }
        }
    }

    /// Names of the columns that it reads, each once, in order.
    #[must_use]
    pub fn columns(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        self.walk(&mut |expr| {
            if let TKind::Column(name) = &expr.kind
                && !names.contains(name)
            {
                names.push(name.clone());
            }
        });
        names
    }

    /// Whether a fitted function occurs in it.
    #[must_use]
    pub fn is_fitted(&self) -> bool {
        let mut fitted = false;
        self.walk(&mut |expr| fitted |= matches!(expr.kind, TKind::Fitted(_)));
        fitted
    }
}

/// A column as others see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: Ty,
    /// Tags.
    pub tags: Vec<String>,
}

/// A column of a dataset, with how it is read.
#[derive(Clone, Debug, PartialEq)]
pub struct DatasetColumn {
    /// Name, type, tags.
    pub column: Column,
    /// Its name in the source.
    pub source_name: String,
    /// Regular expression.
    pub matches: Option<String>,
    /// No value twice.
    pub unique: bool,
    /// How text is read.
    pub parse: Option<ParseAs>,
}

/// How text is read.
#[derive(Clone, Debug, PartialEq)]
pub enum ParseAs {
    /// A time format.
    Format(String),
    /// `s`, `ms`, `us`.
    Epoch(String),
    /// False and true.
    Flag(Vec<Const>),
}

/// Where a dataset's rows come from.
#[derive(Clone, Debug, PartialEq)]
pub enum SourceRef {
    /// A file of the project.
    File(String),
    /// An output of a user's step: step, output.
    Step(String, String),
}

/// How a source is read.
#[derive(Clone, Debug, PartialEq)]
pub enum SourceFormat {
    /// Comma-separated text.
    Csv {
        /// Texts that mean null.
        null: Vec<String>,
        /// One character.
        delimiter: String,
        /// Whether the first line names the columns.
        header: bool,
    },
    /// Apache Parquet.
    Parquet,
    /// One JSON object a line.
    Ndjson,
}

/// A dataset.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dataset {
    /// Where its rows come from; `None` if that is wrong.
    pub source: Option<(SourceRef, SourceFormat)>,
    /// Where the source is written.
    pub source_span: Span,
    /// Its columns, in order.
    pub columns: Vec<DatasetColumn>,
    /// What identifies a row.
    pub key: Vec<String>,
    /// The row's time.
    pub timestamp: Option<String>,
    /// IANA zone.
    pub timezone: Option<String>,
    /// In order.
    pub expectations: Vec<Expectation>,
}

/// An expectation.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// As written.
    pub text: String,
    /// Where.
    pub span: Span,
    /// `warn` only reports.
    pub fails: bool,
    /// The condition.
    pub condition: TExpr,
    /// Whether it is about the whole table, not about each row.
    pub table: bool,
    /// Rows to blame.
    pub offending: Option<TExpr>,
}

/// What other blocks may know of a dataset, without positions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DatasetShape {
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its key.
    pub key: Vec<String>,
    /// Its time.
    pub timestamp: Option<String>,
    /// Whether a part of the schema cannot be read, so that columns may be missing here.
    pub partial: bool,
}

/// A features block.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Features {
    /// The dataset whose rows these are.
    pub base: String,
    /// Columns of the base that are read, in the order of the dataset.
    pub base_columns: Vec<String>,
    /// In order.
    pub joins: Vec<Join>,
    /// In order.
    pub filters: Vec<TExpr>,
    /// Columns, lets, label and weight, each after what it names.
    pub definitions: Vec<Definition>,
    /// What the model reads, in the order of the text.
    pub inputs: Vec<Column>,
    /// The label.
    pub label: Option<Column>,
    /// The weight.
    pub weight: Option<String>,
    /// The base's key.
    pub key: Vec<String>,
    /// The base's time.
    pub timestamp: Option<String>,
    /// Whether a part of the block or of its base cannot be read, so that columns may be missing here.
    pub partial: bool,
}

/// A definition of a features block.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// Its documentation.
    pub doc: Option<String>,
    /// What it is for.
    pub role: Role,
    /// Its value.
    pub expr: TExpr,
    /// Where its name stands.
    pub span: Span,
}

/// What a definition is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Feeds the model.
    Feature,
    /// Names a value.
    Let,
    /// Is learned.
    Label,
    /// Weighs the row.
    Weight,
}

/// A key join.
#[derive(Clone, Debug, PartialEq)]
pub struct Join {
    /// What is joined.
    pub dataset: String,
    /// Pairs: a value of this row, a key column there.
    pub on: Vec<(TExpr, String)>,
    /// Columns that are read: name there, name here.
    pub columns: Vec<(String, String)>,
}

/// What other blocks may know of features.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FeaturesShape {
    /// The dataset whose rows these are.
    pub base: String,
    /// What the model reads.
    pub inputs: Vec<Column>,
    /// The label.
    pub label: Option<Column>,
    /// The weight.
    pub weight: Option<String>,
    /// Everything that slices and splits may name: lets, base columns, joined columns.
    pub carried: Vec<Column>,
    /// The base's key.
    pub key: Vec<String>,
    /// The base's time.
    pub timestamp: Option<String>,
    /// Whether an error was found in the block, so that its label may be missing here.
    pub broken: bool,
    /// Whether a part of the block or of its base cannot be read, so that columns may be missing here.
    pub partial: bool,
}

/// A split.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Split {
    /// The features block.
    pub features: String,
    /// How.
    pub by: SplitBy,
    /// Parts with their shares, in order.
    pub shares: Vec<(String, f64)>,
    /// Column that the split reads.
    pub column: Option<String>,
}

/// Ways to split.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum SplitBy {
    /// By a hash of the key.
    #[default]
    Random,
    /// Within each value of a column.
    Stratified(String),
    /// By a column, whose rows stay together.
    Group(String),
    /// In order of time.
    Time {
        /// Milliseconds.
        gap_ms: i64,
    },
}

/// A hyperparameter's value.
#[derive(Clone, Debug, PartialEq)]
pub struct Hyperparameter {
    /// The library's own name.
    pub name: String,
    /// Its Python type.
    pub python_type: String,
    /// Its value.
    pub value: Const,
    /// Whether nobody set it.
    pub default: bool,
}

/// A training job.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Train {
    /// The split.
    pub split: String,
    /// The features block.
    pub features: String,
    /// `sklearn.ridge`.
    pub trainer: String,
    /// In the trainer's order, defaults included.
    pub hyperparameters: Vec<Hyperparameter>,
    /// What is learned.
    pub task: Option<Task>,
    /// How it runs.
    pub operations: Operations,
}

/// Resources, retry and timeout of a block.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Operations {
    /// Threads.
    pub cpu: Option<u32>,
    /// Bytes.
    pub memory: Option<u64>,
    /// Attempts, first wait in milliseconds, factor, longest wait.
    pub retry: Option<(u32, u64, f64, u64)>,
    /// Milliseconds.
    pub timeout_ms: Option<i64>,
    /// Name of the environment.
    pub environment: Option<String>,
}

/// What is learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Task {
    /// True or false.
    Binary,
    /// One of several.
    Multiclass,
    /// A number.
    Regression,
}

impl Task {
    /// All of them with their names.
    pub const NAMES: [(&'static str, Self); 3] =
        [("binary", Self::Binary), ("multiclass", Self::Multiclass), ("regression", Self::Regression)];

    /// By its name.
    #[must_use]
    pub fn named(text: &str) -> Option<Self> {
        Self::NAMES.into_iter().find(|(name, _)| *name == text).map(|(_, task)| task)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.into_iter().find(|(_, task)| *task == self).map_or("", |(name, _)| name)
    }
}

/// An evaluation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluate {
    /// The train block whose model is judged.
    pub train: String,
    /// The part that judges.
    pub part: String,
    /// By the name under which each is reported.
    pub metrics: IndexMap<String, MetricUse>,
    /// Columns.
    pub slices: Vec<String>,
    /// Whether an error was found on the way, so that metrics or slices may be missing here.
    pub broken: bool,
}

/// A metric with its arguments.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricUse {
    /// Its name.
    pub metric: String,
    /// Keyword arguments.
    pub arguments: Vec<(String, Const)>,
}

/// A gate.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gate {
    /// The report.
    pub evaluate: String,
    /// In order.
    pub requirements: Vec<Requirement>,
    /// Smaller slices are not judged.
    pub min_rows: u64,
}

/// One line of a gate.
#[derive(Clone, Debug, PartialEq)]
pub struct Requirement {
    /// As written.
    pub text: String,
    /// Where.
    pub span: Span,
    /// What is judged.
    pub left: Quantity,
    /// The comparison.
    pub compare: BinaryOp,
    /// The bound.
    pub right: Quantity,
}

/// A number that a gate can know.
#[derive(Clone, Debug, PartialEq)]
pub enum Quantity {
    /// A constant.
    Number(f64),
    /// A metric, by the name under which it is reported.
    Metric(String),
    /// In each slice.
    MetricBy(String, String),
    /// Largest minus smallest.
    Gap(String, String),
    /// The champion's.
    Champion(String),
    /// Arithmetic.
    Binary(BinaryOp, Box<Quantity>, Box<Quantity>),
}

/// A registration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Register {
    /// The train block.
    pub train: String,
    /// The gate.
    pub gate: Option<String>,
    /// The alias.
    pub alias: String,
}

/// A user's step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserStep {
    /// Inputs by name.
    pub inputs: IndexMap<String, StepInput>,
    /// Outputs by name: file name, or `None` for a number.
    pub outputs: IndexMap<String, Option<String>>,
    /// What runs.
    pub run: Option<StepRun>,
    /// Steps that come first.
    pub after: Vec<String>,
    /// How it runs.
    pub operations: Operations,
}

/// What a user's step reads.
#[derive(Clone, Debug, PartialEq)]
pub enum StepInput {
    /// An output of another user's step.
    Step(String, String),
    /// The rows of a dataset.
    Dataset(String),
    /// The model of a train block.
    Model(String),
}

/// What a user's step runs.
#[derive(Clone, Debug, PartialEq)]
pub enum StepRun {
    /// `file.py`, `function`.
    Python(String, String),
    /// A shell template.
    Shell(String),
}

/// The pipeline block.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pipeline {
    /// Who answers for it.
    pub owner: Option<String>,
    /// The seed.
    pub seed: Option<i64>,
    /// Defaults for every step.
    pub operations: Operations,
}

/// An environment block.
#[derive(Clone, Debug, PartialEq)]
pub struct Environment {
    /// `3.11`.
    pub python: String,
    /// Requirements of the user's own.
    pub packages: Vec<String>,
}

impl Default for Environment {
    fn default() -> Self {
        Self { python: "3.11".to_owned(), packages: Vec::new() }
    }
}

/// A `param` or `const`.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its type.
    pub ty: Ty,
    /// Its value unless a run sets another.
    pub value: Option<Const>,
    /// Allowed values.
    pub range: Interval,
}
