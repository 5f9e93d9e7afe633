//! What a program says of its data, for whoever compares it with the data themselves.

use crate::lower::ingest;
use crate::plan::Ingest;
use crate::wanted::{DataFrom, WantedData, wanted};
use mlpc_db::{Db, Place, Project, absolute};
use mlpc_diagnostics::{Diagnostic, Severity, Span, list_words, rule};
use mlpc_hir::block_named;
use mlpc_hir::blocks::dataset::dataset;
use mlpc_hir::library::{body, nested};
use mlpc_syntax::ast::{Entry, Field};
use serde::Deserialize;

/// A dataset of the program whose data can be looked at before a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Declared {
    /// Where the data is.
    pub data: WantedData,
    /// How it is read, and its schema.
    pub ingest: Ingest,
}

/// Every dataset whose rows are no output of a step.
#[must_use]
pub fn declared(db: &dyn Db, project: Project) -> Vec<Declared> {
    let of = |data: WantedData| {
        let block = block_named(db, project, "dataset", &data.name)?;
        let checked = &dataset(db, block).value;
        let (_, format) = checked.source.as_ref()?;
        Some(Declared { ingest: ingest(&data.name, checked, format), data })
    };
    wanted(db, project).data.into_iter().filter_map(of).collect()
}

/// What a look at a source gave, as the runtime's `peek` tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Seen {
    /// Why it could not be looked at.
    pub error: Option<String>,
    /// What does not fit.
    pub findings: Vec<Mismatch>,
}

/// A column that is not as it is declared.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Mismatch {
    /// Its name in the program.
    pub column: String,
    /// Its name in the source.
    pub source: String,
    /// `missing`, `twice`, `nullable`, `text`, or the rule of ingest that some cells break.
    pub rule: String,
    /// The fact, in words.
    pub text: String,
    /// A name of the source that is like it.
    pub near: Option<String>,
}

/// The findings about one dataset, each beside what it is about.
#[must_use]
pub fn mismatches(db: &dyn Db, project: Project, declared: &Declared, seen: &Seen) -> Vec<Diagnostic> {
    let (home, source) = &declared.data.place;
    let place = |finding| absolute(db, project.files(db), home, finding);
    if let Some(error) = &seen.error {
        return vec![place(unreadable(declared, error, *source))];
    }
    let fields = fields(db, project, &declared.data.name);
    let (allowed, others): (Vec<&Mismatch>, Vec<&Mismatch>) = seen.findings.iter().partition(|one| one.is_permission());
    let found = others.into_iter().map(|mismatch| {
        let field = fields.iter().find(|(name, _)| *name == mismatch.column).map(|(_, field)| field);
        // A column of a schema that is spread is declared elsewhere.
        let span = field.map_or(*source, |field| match mismatch.rule.as_str() {
            "missing" | "twice" => field.name.span,
            _ => field.ty.span,
        });
        place(finding(declared, mismatch, span))
    });
    let mut found: Vec<Diagnostic> = found.collect();
    if !allowed.is_empty() {
        let spans = allowed.iter().map(|mismatch| {
            let field = fields.iter().find(|(name, _)| *name == mismatch.column).map(|(_, field)| field.ty.span);
            (mismatch.column.as_str(), field)
        });
        found.push(place(nullable(declared, &spans.collect::<Vec<_>>(), *source)));
    }
    found
}

impl Mismatch {
    /// Whether it is about what a catalog allows, not about what is there.
    fn is_permission(&self) -> bool {
        self.rule == "nullable" && self.text.ends_with("by the table")
    }
}

/// Columns that a catalog says may be null and that are declared not to be: one warning for all.
fn nullable(declared: &Declared, columns: &[(&str, Option<Span>)], source: Span) -> Diagnostic<Place> {
    let names: Vec<String> = columns.iter().map(|(name, _)| format!("`{name}`")).collect();
    let names = list_words(names.iter().map(String::as_str), "and").replace("``", "`");
    let name = &declared.data.name;
    let (what, are) = if columns.len() == 1 { ("column", "is") } else { ("columns", "are") };
    let message = format!("the table of `{name}` allows null in {what} that {are} declared without `?`: {names}");
    let mut spans = columns.iter().filter_map(|(_, span)| *span);
    let first = spans.next();
    let mut finding = Diagnostic::new(rule::schema_mismatch, message, Place::Here(first.unwrap_or(source)));
    finding.severity = Severity::Warning;
    finding = finding.here(if first.is_some() { "takes no null" } else { "this table" });
    let finding = spans.fold(finding, |finding, span| finding.label(Place::Here(span), "nor does this"));
    finding.help("write `?` after a type that may be null; a null would stop the run at ingest")
}

/// The fields of a dataset's own schema.
fn fields<'db>(db: &'db dyn Db, project: Project, name: &str) -> Vec<(String, &'db Field)> {
    let decl = block_named(db, project, "dataset", name).and_then(|block| body(db, block));
    let entries = decl.into_iter().flat_map(|decl| nested(decl, "schema"));
    entries
        .filter_map(|entry| match entry {
            Entry::Field(field) => Some((field.name.text.clone(), field)),
            _ => None,
        })
        .collect()
}

fn unreadable(declared: &Declared, error: &str, span: Span) -> Diagnostic<Place> {
    let message = format!("the data of `{}` cannot be looked at: {error}", declared.data.name);
    Diagnostic::new(rule::unreadable_source, message, Place::Here(span)).here(match declared.data.from {
        DataFrom::File => "this file",
        DataFrom::Package { .. } => "this file of a package",
        DataFrom::Server { .. } => "this server",
    })
}

fn finding(declared: &Declared, mismatch: &Mismatch, span: Span) -> Diagnostic<Place> {
    let Mismatch { column, source, rule, text, near } = mismatch;
    let new = |message: String| Diagnostic::new(rule::schema_mismatch, message, Place::Here(span));
    let broken = || new(format!("the data of `{}` breaks its schema: {text}", declared.data.name));
    let warning = |finding: Diagnostic<Place>| Diagnostic { severity: Severity::Warning, ..finding };
    match rule.as_str() {
        "missing" => {
            let finding =
                new(format!("`{}` declares `{column}`, and {text} has no column `{source}`", declared.data.name));
            let help =
                near.as_ref().map(|near| format!("did you mean `{near}`? then write `{column}: … from \"{near}\"`"));
            finding.here("not in the data").help_opt(help)
        }
        "twice" => new(format!("`{column}` is not one column: {text}"))
            .here("which of them?")
            .help("leave one of them out where the data is made"),
        "nullable" => {
            let help = "write `?` after its type if it may be null; a null would stop the run at ingest";
            new(format!("`{column}` is declared without `?`: {text}")).here("takes no null").help(help)
        }
        "text" => warning(
            new(format!("`{column}` is {text}, so each of its cells would have to be read as another type"))
                .here("not text")
                .help("declare it as `string` or `category`, or store it as what it is"),
        ),
        "null" => broken().here("takes no null").help("write `?` after its type if it may be null"),
        "category" => broken().here("a closed set").help("add the value, or write `category` for an open set"),
        _ => broken().here("not what the data holds").help("`mlpc infer --update` shows what fits the data"),
    }
}
