//! Features: definitions, what is known of each, joins, samples.

use super::{Column, Const, TExpr};
use crate::blocks::features::scope::FeatureScope;
use mlpc_db::{BlockRef, Place};
use mlpc_diagnostics::Span;

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
    /// Whether no row that the filters leave has a null label, so that none is dropped for it.
    pub label_is_known: bool,
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
    /// The columns by which each window groups rows, each of these sets once.
    pub grouped_by: Vec<Vec<String>>,
    /// The base's key.
    pub key: Vec<String>,
    /// The base's time.
    pub timestamp: Option<String>,
    /// Whether an error was found in the block, so that its label may be missing here.
    pub broken: bool,
    /// Whether a part of the block or of its base cannot be read, so that columns may be missing here.
    pub partial: bool,
}
