//! A checked `test` block.

use super::{Column, Const, Features};
use crate::types::Ty;
use indexmap::IndexMap;
use mlpc_diagnostics::{Code, Span};

/// A test.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Test {
    /// What it says.
    pub title: String,
    /// What it is about; `None` if that is wrong.
    pub subject: Option<Subject>,
    /// Rows by dataset, as the plan knows it; of a function, its arguments under its own name.
    pub given: IndexMap<String, GivenRows>,
    /// Values of parameters, as a command line would write them.
    pub params: IndexMap<String, String>,
    /// What fitted columns have learned.
    pub fitted: IndexMap<String, IndexMap<String, Const>>,
    /// Expected columns.
    pub expected: Vec<Expected>,
    /// The code with which the given rows must be refused, and where it is asked for.
    pub refused: Option<(&'static Code, Span)>,
    /// Conditions that hold for any rows.
    pub properties: Vec<Property>,
    /// Whether it looks at what only rows with a label have.
    pub labelled: bool,
    /// Whether an error was found in it.
    pub broken: bool,
}

/// What a test is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Subject {
    /// A features block, as the plan knows it.
    Features(String),
    /// A function, called once a row with what is given.
    Function {
        /// Its name.
        name: String,
        /// Its arguments, as columns.
        columns: Vec<Column>,
        /// The call as the only definition, named `result`.
        call: Box<Features>,
    },
}

/// Rows of one dataset.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GivenRows {
    /// Values by column, row by row; what a row leaves out is not in it.
    pub rows: Vec<IndexMap<String, Const>>,
    /// Where they are given.
    pub span: Span,
}

/// An expected column.
#[derive(Clone, Debug, PartialEq)]
pub struct Expected {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: Ty,
    /// Its values, in the order of the base's given rows.
    pub values: Vec<Const>,
    /// As written.
    pub text: String,
    /// Where.
    pub span: Span,
}

/// A condition that holds for any rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Property {
    /// As written.
    pub text: String,
    /// Where.
    pub span: Span,
    /// The condition, over definitions and columns of the base.
    pub condition: super::TExpr,
}
