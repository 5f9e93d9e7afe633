//! What a recorded test expects, and what may not be written down.

use super::{Tagged, Wish};
use crate::error::ToolError;
use crate::params::Given;
use crate::project::Session;
use mlpc_db::Block;
use mlpc_diagnostics::{did_you_mean, list_words};
use mlpc_hir::blocks::dataset::dataset;
use mlpc_hir::blocks::operations::parameter;
use mlpc_hir::blocks::test::needs::{closure, fitted_calls};
use mlpc_hir::consts::SCHEDULED_DATE;
use mlpc_hir::typed::{Const, Features, TKind};
use mlpc_hir::types::Ty;
use mlpc_plan::plan::{Place, Recording};
use mlpc_syntax::ast::Decl;

/// What is expected, and what is not although it could be.
pub struct Chosen {
    /// Columns.
    pub expected: Vec<Column>,
    /// Columns of the base that have tags.
    pub tagged: Vec<String>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// A column that is expected.
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: Ty,
    /// The fitted columns that it is made from.
    pub fitted: Vec<String>,
}

impl Chosen {
    /// Names and types.
    pub fn columns(&self) -> Vec<(String, Ty)> {
        self.expected.iter().map(|column| (column.name.clone(), column.ty.clone())).collect()
    }

    /// Whether anything is made from fitted columns.
    pub fn is_fitted(&self) -> bool {
        self.expected.iter().any(|column| !column.fitted.is_empty())
    }
}

/// The features block with a name; of one in a file that is imported, its own name is enough where no other has it.
pub fn features<'db>(session: &'db Session, name: &str) -> Result<Block<'db>, ToolError> {
    let all = mlpc_hir::all_blocks(&session.db, session.project, "features");
    let names: Vec<String> = all.iter().map(|block| mlpc_hir::names::qualified(&session.db, *block)).collect();
    let own = |known: &str| known.rsplit('.').next() == Some(name);
    let alone = names.iter().filter(|known| own(known)).count() == 1;
    let found = all.iter().zip(&names).find(|(_, known)| *known == name || alone && own(known));
    found.map(|(block, _)| *block).ok_or_else(|| {
        let help = match did_you_mean(name, names.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None if names.is_empty() => "it has none".to_owned(),
            None => format!("there is {}", list_words(names.iter().map(String::as_str), "and")),
        };
        ToolError::usage(format!("the program has no features block `{name}`")).help(help)
    })
}

/// The columns that are asked for, else all definitions that are more than a column of the data under its own name.
pub fn choose(session: &Session, block: Block<'_>, wish: &Wish, is_fitted: bool) -> Result<Chosen, ToolError> {
    let under = &mlpc_hir::blocks::features::features(&session.db, block).value;
    let base = mlpc_hir::block_named(&session.db, session.project, "dataset", &under.base);
    let base_columns = base.map(|block| dataset(&session.db, block).value.columns.clone()).unwrap_or_default();
    let names: Vec<&str> = base_columns.iter().map(|column| column.column.name.as_str()).collect();
    known(&wish.of.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>(), &names, &under.base)?;

    let defined = under.definitions.iter().map(|item| (item.name.as_str(), &item.expr.ty));
    let read = base_columns.iter().map(|item| (item.column.name.as_str(), &item.column.ty));
    let all: Vec<(&str, &Ty)> = defined.chain(read).collect();
    let all_names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
    known(&wish.expect, &all_names, &wish.features)?;
    let wanted: Vec<String> = if wish.expect.is_empty() { said(under) } else { wish.expect.clone() };

    let has_tags = base_columns.iter().filter(|item| !item.column.tags.is_empty());
    let tagged = has_tags.map(|item| item.column.name.clone()).collect();
    let mut chosen = Chosen { expected: Vec::new(), tagged, notes: Vec::new() };
    for name in wanted {
        let Some((_, ty)) = all.iter().find(|(known, _)| *known == name) else { continue };
        let fitted = fitted(under, &name);
        let reason = if fitted.is_empty() || wish.tagged == Tagged::Keep && is_fitted {
            None
        } else if !is_fitted {
            Some("nothing fits it in a run")
        } else {
            is_tagged(under, &name).then_some("what it has learned holds values of a column with a tag")
        };
        match reason {
            Some(reason) => chosen.notes.push(format!("`{name}` is left out: {reason}")),
            None => chosen.expected.push(Column { name, ty: (*ty).clone(), fitted }),
        }
    }
    if chosen.expected.is_empty() {
        let message = format!("`{}` has no column that can be expected", wish.features);
        return Err(ToolError::usage(message).help_opt(chosen.notes.first()));
    }
    Ok(chosen)
}

fn known(asked: &[String], names: &[&str], owner: &str) -> Result<(), ToolError> {
    let Some(unknown) = asked.iter().find(|name| !names.contains(&name.as_str())) else { return Ok(()) };
    let near = did_you_mean(unknown, names.iter().copied()).map(|near| format!("did you mean `{near}`?"));
    Err(ToolError::usage(format!("`{owner}` has no column `{unknown}`")).help_opt(near))
}

/// Definitions that say something; all, if none does.
fn said(under: &Features) -> Vec<String> {
    let joined = |name: &str| under.joins.iter().any(|join| join.columns.iter().any(|(_, here)| here == name));
    let bare = |name: &str, kind: &TKind| matches!(kind, TKind::Column(column) if column == name) && !joined(name);
    let says = under.definitions.iter().filter(|item| !bare(&item.name, &item.expr.kind));
    let names: Vec<String> = says.map(|item| item.name.clone()).collect();
    if names.is_empty() { under.definitions.iter().map(|item| item.name.clone()).collect() } else { names }
}

/// The fitted columns that a name is made from, itself included.
fn fitted(under: &Features, name: &str) -> Vec<String> {
    let read = closure(under, &[name.to_owned()]);
    let definitions = under.definitions.iter().filter(|item| read.contains(&item.name));
    definitions.flat_map(fitted_calls).map(|(name, _)| name).collect()
}

fn is_tagged(under: &Features, name: &str) -> bool {
    let read = closure(under, &[name.to_owned()]);
    under.definitions.iter().any(|item| read.contains(&item.name) && !item.facts.tags.is_empty())
}

/// Whether columns with tags may be written down.
pub fn tags(recording: &Recording, wish: &Wish) -> Result<(), ToolError> {
    if wish.tagged != Tagged::Refuse || recording.tagged.is_empty() {
        return Ok(());
    }
    let told = |(Place(dataset, column), tags): &(Place, Vec<String>)| {
        let tags: Vec<String> = tags.iter().map(|tag| format!("@{tag}")).collect();
        format!("`{dataset}.{column}`, which is {}", tags.join(" "))
    };
    let columns: Vec<String> = recording.tagged.iter().map(told).collect();
    Err(ToolError::usage(format!("the test would hold values of {}", columns.join("; "))).help(
        "`--tagged mask` puts made-up values in their place, `--expect NAME` leaves out what needs them, and \
         `--tagged keep` writes them as they are",
    ))
}

/// What the test is called: as asked, else by the values that were asked for, but not those of columns with tags;
/// numbered where that is taken.
pub fn title(session: &Session, wish: &Wish, tagged: &[String]) -> String {
    let tests = mlpc_hir::all_blocks(&session.db, session.project, "test");
    let taken: Vec<&str> =
        tests.iter().map(|block| mlpc_hir::blocks::test::test(&session.db, *block).value.title.as_str()).collect();
    // A title is read by everybody.
    let shown = |name: &str| wish.tagged == Tagged::Keep || !tagged.contains(&name.to_owned());
    let of = wish.of.iter().filter(|(name, _)| shown(name)).map(|(name, value)| format!("{name} {value}"));
    let of: Vec<String> = of.collect();
    let plain = if of.is_empty() { "as recorded".to_owned() } else { format!("as recorded of {}", of.join(", ")) };
    let first = wish.title.clone().unwrap_or(plain);
    let numbered = (2..).map(|number| format!("{first} ({number})"));
    let free = std::iter::once(first.clone()).chain(numbered).find(|title| !taken.contains(&title.as_str()));
    free.unwrap_or(first)
}

/// Parameters that the test must set, with their values: those of this call, and where the day decides which rows there
/// are, the day.
pub fn parameters(session: &Session, params: &[Given], recording: &Recording) -> Vec<(String, Const)> {
    let by_day = recording.spine.is_some() || recording.links.iter().any(|link| link.ahead);
    let mut given = Vec::new();
    for block in mlpc_hir::all_blocks(&session.db, session.project, "param") {
        let name = block.name(&session.db);
        let is_given = params.iter().any(|given| given.name() == name);
        if is_given || by_day && is_scheduled(session, block) {
            let value = parameter(&session.db, block).value.value.clone();
            given.extend(value.map(|value| (name.to_owned(), value)));
        }
    }
    given
}

/// Whether a parameter is the day for which a run is scheduled.
fn is_scheduled(session: &Session, block: Block<'_>) -> bool {
    let Decl::Value(decl) = &mlpc_db::parse_block(&session.db, block).decl else { return false };
    decl.value.as_ref().and_then(mlpc_hir::consts::dotted).is_some_and(|name| name == SCHEDULED_DATE)
}
