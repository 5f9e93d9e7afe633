//! Tests, apart from the steps of a plan: what `mlpc test` runs on the code of features blocks.

use super::{DType, Environment, FeatureSet, Ingest, Origin, Plan, Spine};
use indexmap::IndexMap;
use serde::Serialize;
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

/// A test that is to be made from real rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// One test, which is given nothing and expects no values yet.
    pub tests: TestPlan,
    /// The dataset whose rows are looked at.
    pub base: String,
    /// What rows of each dataset must have.
    pub columns: IndexMap<String, Vec<String>>,
    /// Those of them that have tags.
    pub tagged: Vec<(Place, Vec<String>)>,
    /// Which rows lead to which others.
    pub links: Vec<Link>,
    /// The moments at which the base is looked at.
    pub spine: Option<Spine>,
}

/// A column of a dataset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place(pub String, pub String);

/// How a row of the base leads to rows of a dataset: by equal columns, and between two times as seen from its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Link {
    /// Whose rows.
    pub dataset: String,
    /// Pairs: a column of the base or of what was joined before, and one of the dataset.
    pub on: Vec<(Place, String)>,
    /// The row's time, where it is a column.
    pub here: Option<Place>,
    /// The dataset's time.
    pub there: Option<String>,
    /// From when on, relative to the row's time.
    pub since_ms: Option<i64>,
    /// Until when.
    pub until_ms: Option<i64>,
    /// Whether that moment itself is left out.
    pub strict: bool,
    /// Whether it looks into what came after.
    pub ahead: bool,
    /// Whether it is a join, which all rows of the base need; otherwise a window.
    pub joined: bool,
    /// How many rows at most: the last ones, or of those ahead the first ones.
    pub most: Option<u32>,
}
