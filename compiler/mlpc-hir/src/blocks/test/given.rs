//! Given rows against the schema of their dataset.

use super::{Context, literal};
use crate::blocks::dataset::{TableScope, dataset, dataset_shape};
use crate::check::block_named;
use crate::errors::{self, tests};
use crate::typed::test::GivenRows;
use crate::typed::{Column, Const, Finding};
use crate::types::{Detail, Interval, Ty};
use indexmap::IndexMap;
use mlpc_db::{Db, Place, Project};
use mlpc_diagnostics::{Code, Span};
use mlpc_syntax::ast::{Expr, ExprKind, Name};

/// A dataset whose rows may be given.
pub(super) struct Table {
    /// As the plan knows it.
    pub name: String,
    pub columns: Vec<Column>,
    pub key: Vec<String>,
    pub zone: Option<String>,
    pub partial: bool,
}

impl Table {
    pub(super) fn of(db: &dyn Db, project: Project, name: &str) -> Option<Self> {
        let block = block_named(db, project, "dataset", name)?;
        let shape = dataset_shape(db, block);
        Some(Self {
            name: name.to_owned(),
            columns: shape.columns.clone(),
            key: shape.key.clone(),
            zone: dataset(db, block).value.timezone.clone(),
            partial: shape.partial,
        })
    }
}

/// Whether something in the declaration of a dataset is wrong.
pub(super) fn is_wrong(db: &dyn Db, project: Project, name: &str) -> bool {
    let block = block_named(db, project, "dataset", name);
    let wrong = |finding: &crate::typed::Finding| finding.severity == mlpc_diagnostics::Severity::Error;
    block.is_none_or(|block| dataset(db, block).findings.iter().any(wrong))
}

/// A column without anything but a name and a type.
pub(super) fn plain_column(name: &str, ty: Ty) -> Column {
    Column::new(name, ty)
}

/// The rows of `given DATASET = [ … ]`. Findings with the code `refused` are what the test asks for.
pub(super) fn rows(
    context: &mut Context<'_>,
    table: &Table,
    refused: Option<&'static Code>,
    value: &Expr,
    span: Span,
) -> GivenRows {
    let mut given = GivenRows { rows: Vec::new(), span };
    let ExprKind::List(items) = &value.kind else {
        context.findings.push(errors::wrong_form("given", "a list of rows, as `[{ a: 1 }]`", value.span));
        return given;
    };
    let mut found = Vec::new();
    let mut places = Vec::new();
    for item in items {
        let ExprKind::Record(fields) = &item.kind else {
            context.findings.push(errors::wrong_form("a row", "a record, as `{ a: 1 }`", item.span));
            continue;
        };
        given.rows.push(row(context, table, fields, &mut found));
        places.push(item.span);
    }
    found.extend(repeated_key(table, &given.rows, &places));
    context.findings.extend(found.into_iter().filter(|finding| Some(finding.code) != refused));
    given
}

fn row(
    context: &Context<'_>,
    table: &Table,
    fields: &[(Name, Expr)],
    found: &mut Vec<Finding>,
) -> IndexMap<String, Const> {
    let scope = TableScope::new(format!("`{}`", table.name), table.columns.clone(), table.partial);
    let mut row = IndexMap::new();
    let mut seen: IndexMap<&str, Span> = IndexMap::new();
    for (name, expr) in fields {
        if let Some(first) = seen.insert(name.text.as_str(), name.span) {
            found.push(errors::duplicate(&name.text, name.span, Place::Here(first)));
            continue;
        }
        let Some(column) = scope.find(&name.text) else {
            found.extend(scope.unknown(&name.text, name.span));
            continue;
        };
        let what = format!("`{}`", name.text);
        match literal::value(context, expr, &column.ty, table.zone.as_deref(), &what) {
            Ok(value) => {
                let range = range(&column.ty);
                let numbers = literal::numbers(&value, &column.ty.kind);
                if let Some(outside) = numbers.into_iter().find(|number| !range.contains(*number)) {
                    let shown = if value.number().is_some() { value.clone() } else { Const::Float(outside) };
                    found.push(tests::out_of_range(&name.text, &shown, range, expr.span));
                }
                row.insert(name.text.clone(), value);
            }
            Err(finding) => {
                found.push(*finding);
                // A row that is meant to be refused goes to where rows are read as it is written.
                let written = crate::consts::constant(context.db, context.file, expr);
                row.extend(written.map(|value| (name.text.clone(), value)));
            }
        }
    }
    row
}

/// The range of a column's numbers: of a wide one, of each.
fn range(ty: &Ty) -> Interval {
    match &ty.detail {
        Detail::Wide(wide) => wide.item.range,
        _ => ty.range,
    }
}

/// Two rows with the same key.
fn repeated_key(table: &Table, rows: &[IndexMap<String, Const>], places: &[Span]) -> Option<Finding> {
    if table.key.is_empty() {
        return None;
    }
    let mut seen: Vec<(Vec<&Const>, Span)> = Vec::new();
    for (row, place) in rows.iter().zip(places) {
        let Some(key) = table.key.iter().map(|name| row.get(name)).collect::<Option<Vec<_>>>() else { continue };
        if let Some((_, first)) = seen.iter().find(|(other, _)| *other == key) {
            let what = format!("the key ({})", table.key.join(", "));
            return Some(tests::repeated(&what, *place, *first));
        }
        seen.push((key, *place));
    }
    None
}
