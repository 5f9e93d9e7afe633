//! What a schema would say of data as they are: drafted from their first rows, or from all.

mod block;
mod numbers;
mod update;

pub use block::block;
pub use update::{Drift, drift};

use crate::error::ToolError;
use crate::exit::Exit;
use crate::terminal::Terminal;
use crate::tools;
use mlpc_syntax::quoted;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Where rows are and how they are read; what is not said is found out.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Source {
    /// `csv`, `ndjson`, `parquet`, `arrow`, `sqlite`, `duckdb` or `postgres`.
    pub kind: &'static str,
    /// The file.
    pub path: Option<PathBuf>,
    /// The variable that holds the address of a server.
    pub variable: Option<String>,
    /// All rows of a table.
    pub table: Option<String>,
    /// What a query gives.
    pub query: Option<String>,
    /// Texts that mean null.
    pub null: Option<Vec<String>>,
    /// What stands between cells.
    pub delimiter: Option<String>,
    /// Whether the first line names the columns.
    pub header: bool,
    /// The file's path inside a zip.
    pub member: Option<String>,
    /// How many rows are looked at; all of them if it is not said.
    pub limit: Option<usize>,
}

/// What rows are like.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Draft {
    /// How many there are, or were looked at.
    pub rows: usize,
    /// Whether these are all.
    pub whole: bool,
    /// Texts that mean null.
    pub null: Vec<String>,
    /// What stands between cells of a text.
    pub delimiter: Option<String>,
    /// Columns that tell rows apart; none if no few do.
    pub key: Vec<String>,
    /// In the order of the source.
    pub columns: Vec<Drafted>,
}

/// What one column is like.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Drafted {
    /// Its name in the source.
    pub name: String,
    /// A kind of the language, `null` for no value at all, `other` for what the language has not.
    pub kind: String,
    /// Whether its times say their zone.
    pub zoned: bool,
    /// The share of nulls.
    pub nulls: f64,
    /// Values of a text, if they are few.
    pub levels: Option<Vec<String>>,
    /// Whether these are all that is to be expected.
    pub closed: bool,
    /// The least number.
    pub low: Option<f64>,
    /// The greatest number.
    pub high: Option<f64>,
    /// The mean.
    pub mean: Option<f64>,
    /// The standard deviation.
    pub std: Option<f64>,
    /// Digits of a decimal.
    pub digits: u8,
    /// How many of them stand after the point.
    pub scale: u8,
    /// Whether the source is a text, in which any cell may be read as text.
    pub text: bool,
    /// What a list holds.
    pub item: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Draft(Draft),
    Failed { error: String },
}

/// Looks at sources; `names` are theirs, for messages.
pub fn look(sources: &[Source], names: &[String], terminal: &mut Terminal) -> Result<Vec<Draft>, ToolError> {
    let answers: Vec<Answer> = tools::ask("mlp_runtime.draft", &sources, terminal)?;
    let drafts = answers.into_iter().zip(names).map(|(answer, name)| match answer {
        Answer::Draft(draft) => Ok(draft),
        Answer::Failed { error } => {
            Err(ToolError::usage(format!("`{name}` cannot be read: {error}")).exit(Exit::ProgramErrors))
        }
    });
    drafts.collect()
}

impl Drafted {
    /// Its type as the language writes it, without `?`; `None` where the language has none for it.
    #[must_use]
    pub fn type_text(&self) -> Option<String> {
        match self.kind.as_str() {
            "string" => Some(match &self.levels {
                Some(levels) if self.closed => category(levels),
                Some(levels) if !self.mostly_distinct(levels.len()) => "category".to_owned(),
                _ => "string".to_owned(),
            }),
            "decimal" => Some(format!("decimal({}, {})", self.digits, self.scale)),
            "list" => self.item.as_deref().map(|item| format!("list[{item}]")),
            // Nothing is known of it but that it holds nothing.
            "null" => Some("string".to_owned()),
            "other" => None,
            kind => Some(kind.to_owned()),
        }
    }

    /// Whether hardly any value is there twice, as in names.
    fn mostly_distinct(&self, levels: usize) -> bool {
        levels > 300
    }

    /// Whether it can be read as text.
    fn is_text(&self) -> bool {
        self.text || self.kind == "string"
    }

    fn is_number(&self) -> bool {
        matches!(self.kind.as_str(), "int" | "float" | "decimal")
    }
}

/// A closed category with these values.
fn category(levels: &[String]) -> String {
    let levels: Vec<String> = levels.iter().map(|level| quoted(level)).collect();
    format!("category[{}]", levels.join(", "))
}
