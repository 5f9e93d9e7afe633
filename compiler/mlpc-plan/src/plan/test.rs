//! Tests, apart from the steps of a plan: what `mlpc test` runs on the code of features blocks.

use super::{DType, Environment, FeatureSet, Ingest, Origin, Plan};
use indexmap::IndexMap;
use serde_json::{Map, Value};

/// Tests with everything that they run on.
#[derive(Clone, Debug, PartialEq)]
pub struct TestPlan {
    /// The plan of the program, whose code it shares.
    pub plan: Plan,
    /// Name of the environment in which tests run.
    pub environment_name: String,
    /// Where tests run.
    pub environment: Option<Environment>,
    /// How rows of each dataset are read, by module: a function reads its arguments.
    pub datasets: IndexMap<String, Vec<Ingest>>,
    /// Features by the module that holds their code, with no fitted columns but those that a test looks at.
    pub features: IndexMap<String, FeatureSet>,
    /// Tests, in order of the text.
    pub cases: Vec<TestCase>,
}

/// One test.
#[derive(Clone, Debug, PartialEq)]
pub struct TestCase {
    /// What it says.
    pub title: String,
    /// What it is about: the name of the features or the function.
    pub subject: String,
    /// Where it stands.
    pub origin: Origin,
    /// Key of [`TestPlan::features`].
    pub module: String,
    /// Whether rows without a label are dropped, as before training; otherwise rows are those to predict for.
    pub labelled: bool,
    /// Whether it is about a function: rows are its arguments, under its own name.
    pub function: bool,
    /// Rows by dataset.
    pub given: IndexMap<String, Vec<Map<String, Value>>>,
    /// What fitted columns have learned.
    pub fitted: IndexMap<String, Map<String, Value>>,
    /// Expected columns.
    pub expected: Vec<ExpectedColumn>,
    /// The code with which the given rows must be refused.
    pub refused: Option<Refusal>,
    /// Conditions that hold for any rows.
    pub properties: Vec<Property>,
}

/// An expected column.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpectedColumn {
    /// Its name.
    pub name: String,
    /// Its type.
    pub dtype: DType,
    /// One value a row.
    pub values: Vec<Value>,
    /// As written.
    pub text: String,
    /// Where.
    pub origin: Origin,
}

/// `expect error CODE`.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// `MLP0303`.
    pub code: String,
    /// `category_outside`.
    pub name: String,
    /// Where.
    pub origin: Origin,
}

/// A condition that holds for any rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Property {
    /// The column that holds whether it does.
    pub column: String,
    /// Definitions and columns that it names.
    pub names: Vec<String>,
    /// As written.
    pub text: String,
    /// Where.
    pub origin: Origin,
    /// From which the rows are made.
    pub seed: u32,
}
