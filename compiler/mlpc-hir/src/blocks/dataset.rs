//! `dataset` and `schema`: where rows come from, what columns they have, what must hold of them.

mod source;
mod time;

use super::{Context, context, expectations};
use crate::annotations::{column_type, ranged};
use crate::consts::{dotted, interval, literal};
use crate::entries::{call_of, has_errors, names};
use crate::errors;
use crate::infer::{Columns, Lookup};
use crate::library::{body, nested, setting, text};
use crate::typed::{Access, Checked, Column, Const, Dataset, DatasetColumn, DatasetShape, ParseAs};
use crate::types::{Ty, TyKind, Wide};
use mlpc_db::{Block, BlockRef, Db, Place};
use mlpc_diagnostics::Span;
use mlpc_syntax::ast::{Arg, BlockDecl, Entry, Expr, ExprKind, Field};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A dataset, checked.
#[salsa::tracked]
pub fn dataset<'db>(db: &'db dyn Db, block: Block<'db>) -> Checked<Dataset> {
    let mut context = context(db, block);
    let Some(decl) = body(db, block) else { return context.done(Dataset::default()) };
    let mut value = Dataset::default();
    columns(&mut context, &mut nested(decl, "schema"), &mut value.columns, 0);
    if let Some(expr) = setting(decl, "source") {
        value.source_span = expr.span;
        value.source = source::source(&mut context, expr);
    }
    value.timezone = text(decl, "timezone");
    in_zone(decl, &mut value.columns);
    key_and_time(&mut context, decl, &mut value);
    time::check(&mut context, decl, &mut value);
    value.access = access(&mut context, decl);
    check_zone(&mut context, decl, &value);
    expectations::check(&mut context, decl, &mut value);
    context.done(value)
}

/// What other blocks may know of a dataset; stays equal when its expectations change.
#[salsa::tracked]
pub fn dataset_shape<'db>(db: &'db dyn Db, block: Block<'db>) -> DatasetShape {
    let mut context = context(db, block);
    let Some(decl) = body(db, block) else { return DatasetShape::default() };
    let mut columns_read = Vec::new();
    columns(&mut context, &mut nested(decl, "schema"), &mut columns_read, 0);
    in_zone(decl, &mut columns_read);
    let all = |name| setting(decl, name).and_then(names).unwrap_or_default().into_iter().map(|(name, _)| name);
    DatasetShape {
        columns: columns_read.into_iter().map(|column| column.column).collect(),
        key: all("key").collect(),
        timestamp: setting(decl, "timestamp").and_then(dotted),
        valid: setting(decl, "valid").and_then(time::valid),
        role: access(&mut context.quiet(), decl).map(|access| access.role),
        partial: is_partial(&context, decl),
    }
}

/// Gives times the zone of the dataset, in which their date parts are read.
fn in_zone(decl: &BlockDecl, columns: &mut [DatasetColumn]) {
    let zone: Option<Arc<str>> = text(decl, "timezone").map(Arc::from);
    for DatasetColumn { column, .. } in columns {
        column.ty = column.ty.clone().in_zone(zone.clone());
    }
}

/// Whether a part of the schema, or of one that it spreads, cannot be read.
pub(super) fn is_partial(context: &Context<'_>, decl: &BlockDecl) -> bool {
    has_errors(decl) || unreadable(context, nested(decl, "schema"), 0)
}

fn unreadable<'a>(context: &Context<'_>, mut entries: impl Iterator<Item = &'a Entry>, depth: u32) -> bool {
    entries.any(|entry| match entry {
        // A name alone is a column without its type.
        Entry::Error(_) | Entry::Bare(_) => true,
        Entry::Spread(path) if depth < 16 => {
            let schema = context.quiet().block(&["schema"], &path.text(), path.span);
            let decl = schema.and_then(|schema| body(context.db, schema));
            decl.is_none_or(|decl| unreadable(context, decl.entries.iter(), depth + 1))
        }
        _ => false,
    })
}

/// A record type, checked: what others may spread.
#[salsa::tracked]
pub fn schema<'db>(db: &'db dyn Db, block: Block<'db>) -> Checked<Vec<DatasetColumn>> {
    let mut context = context(db, block);
    let mut value = Vec::new();
    if let Some(decl) = body(db, block) {
        columns(&mut context, &mut decl.entries.iter(), &mut value, 0);
    }
    context.done(value)
}

/// Columns of a schema's entries, spreads included. A later column of the same name overrides an earlier one, which it
/// may narrow.
fn columns(
    context: &mut Context<'_>,
    entries: &mut dyn Iterator<Item = &Entry>,
    into: &mut Vec<DatasetColumn>,
    depth: u32,
) {
    let mut spread: BTreeMap<String, BlockRef> = BTreeMap::new();
    for entry in entries {
        match entry {
            Entry::Field(field) => {
                let column = column(context, field);
                let name = &column.column.name;
                if let Some(first) = into.iter().find(|other| other.column.name == *name)
                    && let Some(schema) = spread.get(name)
                    && !column.column.ty.narrows(&first.column.ty)
                {
                    let place = Place::There(schema.clone(), name.clone());
                    let (have, was) = (&column.column.ty, &first.column.ty);
                    context.findings.push(errors::wider_override(name, have, was, field.name.span, place));
                }
                into.retain(|other| other.column.name != column.column.name);
                into.push(column);
            }
            Entry::Spread(path) => match context.block(&["schema"], &path.text(), path.span) {
                // Schemas that spread each other are a circle of blocks, reported as such.
                Some(schema) if depth < 16 => {
                    let decl = body(context.db, schema);
                    let mut quiet = context.quiet();
                    let entries = decl.into_iter().flat_map(|decl| &decl.entries);
                    columns(&mut quiet, &mut entries.clone(), into, depth + 1);
                    let fields = entries.filter_map(|entry| match entry {
                        Entry::Field(field) => Some(field.name.text.clone()),
                        _ => None,
                    });
                    spread.extend(fields.map(|name| (name, schema.reference(context.db))));
                }
                _ => {}
            },
            _ => {}
        }
    }
}

fn column(context: &mut Context<'_>, field: &Field) -> DatasetColumn {
    let mut ty = column_type(context, &field.ty);
    if let Some(domain) = &field.domain {
        ty = ranged(context, ty, domain);
    }
    let parse = field.parse_as.as_ref().and_then(|expr| parse_as(context, expr, &ty));
    let mut source_name = field.from.as_ref().map_or_else(|| field.name.text.clone(), |from| from.value.clone());
    if let Some(places) = &field.wide {
        ty = wide(context, field, places, ty);
        source_name = field.from.as_ref().map_or_else(|| format!("{source_name}{PLACE}"), |from| from.value.clone());
    }
    DatasetColumn {
        column: Column {
            name: field.name.text.clone(),
            ty,
            tags: field.tags.iter().map(|tag| tag.text.clone()).collect(),
            known_ms: time::known_ms(context, field),
            constant: field.constant.is_some(),
        },
        source_name,
        matches: field.matches.as_ref().map(|matches| matches.value.clone()),
        unique: field.unique.is_some(),
        parse,
    }
}

/// What stands for the number in the source's names of wide columns.
const PLACE: &str = "{}";
/// How many columns may have one name.
const WIDEST: f64 = 65_536.0;

/// The vector that columns of one name are read as.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, and in bounds")]
fn wide(context: &mut Context<'_>, field: &Field, places: &Expr, item: Ty) -> Ty {
    let bounds = interval(places).map(crate::types::Interval::of_integers);
    let bounds = bounds.filter(|bounds| bounds.low >= 0.0 && bounds.high - bounds.low < WIDEST && !bounds.is_empty());
    let Some(bounds) = bounds else {
        context.findings.push(errors::wrong_form("[…]", "a range of numbers from 0, as `[0..=63]`", places.span));
        return Ty::unknown();
    };
    if item.is_unknown() {
        return item;
    }
    if !matches!(item.kind, TyKind::Int | TyKind::Float | TyKind::Bool) {
        context.findings.push(errors::mismatch("a wide column", "numbers or flags", &item, field.ty.span));
        return Ty::unknown();
    }
    if let Some(from) = field.from.as_ref().filter(|from| from.value.matches(PLACE).count() != 1) {
        let wanted = "a text in which `{}` stands for the number of a wide column";
        context.findings.push(errors::wrong_form("from", wanted, from.span));
    }
    let options = [
        field.matches.as_ref().map(|option| ("`matches`", option.span)),
        field.unique.map(|span| ("`unique`", span)),
        field.parse_as.as_ref().map(|option| ("`as`", option.span)),
    ];
    for (option, span) in options.into_iter().flatten() {
        context.findings.push(errors::misplaced(option, "a wide column", span));
    }
    let size = (bounds.high - bounds.low) as u32 + 1;
    let vector = Ty::new(TyKind::Vector(Some(size))).with_null(item.nullable);
    vector.with_wide(Wide { first: bounds.low as i64, item })
}

fn parse_as(context: &mut Context<'_>, expr: &Expr, ty: &Ty) -> Option<ParseAs> {
    let found = match &expr.kind {
        ExprKind::Str(format) => Some(ParseAs::Format(format.clone())),
        ExprKind::List(items) if items.len() == 2 => {
            items.iter().map(literal).collect::<Option<Vec<Const>>>().map(ParseAs::Flag)
        }
        ExprKind::Call(callee, args) if dotted(callee).as_deref() == Some("epoch") => match args.as_slice() {
            [Arg { value: Expr { kind: ExprKind::Name(unit), .. }, .. }]
                if ["s", "ms", "us"].contains(&unit.as_str()) =>
            {
                Some(ParseAs::Epoch(unit.clone()))
            }
            _ => None,
        },
        _ => None,
    };
    let fits = match (&found, &ty.kind) {
        (_, TyKind::Unknown) => true,
        (Some(ParseAs::Format(_)), kind) => matches!(kind, TyKind::Date | TyKind::Timestamp),
        (Some(ParseAs::Epoch(_)), kind) => *kind == TyKind::Timestamp,
        (Some(ParseAs::Flag(_)), kind) => *kind == TyKind::Bool,
        (None, _) => false,
    };
    if !fits {
        let wanted = "a time format, `epoch(s)`, or the two texts of a flag";
        context.findings.push(errors::wrong_form("as", wanted, expr.span));
        return None;
    }
    found
}

/// A way out where a column of the data may be null.
const NO_NULLS: &str = "declare the column without `?`: a null then stops the run when the data are read";

fn key_and_time(context: &mut Context<'_>, decl: &BlockDecl, value: &mut Dataset) {
    let known: Vec<Column> = value.columns.iter().map(|column| column.column.clone()).collect();
    let scope = TableScope::new(decl_name(decl), known, is_partial(context, decl));
    for (name, span) in setting(decl, "key").and_then(names).unwrap_or_default() {
        match scope.find(&name) {
            Some(column) if column.ty.nullable => {
                context.findings.push(errors::null_use("a key", &column.ty, NO_NULLS, span));
            }
            Some(_) => value.key.push(name),
            None => context.findings.extend(scope.unknown(&name, span)),
        }
    }
    let Some(expr) = setting(decl, "timestamp") else { return };
    let Some(name) = dotted(expr) else { return };
    match scope.find(&name) {
        Some(column) if !column.ty.is_time() && !column.ty.is_unknown() => {
            context.findings.push(errors::mismatch("`timestamp`", "a date or a timestamp", &column.ty, expr.span));
        }
        Some(column) if column.ty.nullable && !column.ty.is_unknown() => {
            context.findings.push(errors::null_use("`timestamp`", &column.ty, NO_NULLS, expr.span));
        }
        Some(_) => value.timestamp = Some(name),
        None => context.findings.extend(scope.unknown(&name, expr.span)),
    }
}

/// Times read from text need a zone, unless their format holds one.
fn check_zone(context: &mut Context<'_>, decl: &BlockDecl, value: &Dataset) {
    if let Some(zone) = &value.timezone {
        if jiff::tz::TimeZone::get(zone).is_err()
            && let Some(expr) = setting(decl, "timezone")
        {
            context.findings.push(errors::bad_value(
                format!("there is no time zone {zone:?}"),
                "unknown zone",
                expr.span,
            ));
        }
        return;
    }
    if value.source.as_ref().is_some_and(|(_, format)| format.knows_times()) {
        return;
    }
    let naive = value.columns.iter().find(|column| {
        column.column.ty.kind == TyKind::Timestamp
            && match &column.parse {
                None => true,
                Some(ParseAs::Format(format)) => !format.contains("%z") && !format.contains("%Z"),
                Some(_) => false,
            }
    });
    if let Some(column) = naive {
        let name = &column.column.name;
        let span = nested(decl, "schema")
            .find_map(|entry| match entry {
                Entry::Field(field) if field.name.text == *name => Some(field.span),
                _ => None,
            })
            .unwrap_or(decl.header);
        context.findings.push(errors::missing_timezone(name, span));
    }
}

/// `production(role: "…", approval: "…")`; every other access asks for nothing.
fn access(context: &mut Context<'_>, decl: &BlockDecl) -> Option<Access> {
    let expr = setting(decl, "access")?;
    let (kind, args, _) = call_of(expr)?;
    if kind != "production" {
        return None;
    }
    let given = |wanted: &str| {
        let arg = args.iter().find(|arg| arg.name.as_ref().is_some_and(|name| name.text == wanted))?;
        match literal(&arg.value) {
            Some(Const::Str(text)) if !text.is_empty() => Some(text),
            _ => None,
        }
    };
    match (given("role"), given("approval")) {
        (Some(role), Some(approval)) => Some(Access { role, approval }),
        (role, _) => {
            let missing = if role.is_some() { "an `approval`" } else { "a `role`" };
            context.findings.push(errors::open_production(missing, expr.span));
            role.map(|role| Access { role, approval: String::new() })
        }
    }
}

pub(super) fn decl_name(decl: &BlockDecl) -> String {
    decl.name.as_ref().map_or_else(String::new, |name| format!("`{}`", name.text()))
}

/// The columns of one table.
pub struct TableScope {
    /// Whose they are, for messages.
    pub owner: String,
    /// The columns.
    pub columns: Vec<Column>,
    /// Whether the schema cannot be read in full, so that an unknown name may well be a column.
    partial: bool,
}

impl TableScope {
    /// The columns of `owner`, all of them unless `partial`.
    #[must_use]
    pub fn new(owner: String, columns: Vec<Column>, partial: bool) -> Self {
        Self { owner, columns, partial }
    }

    /// The column of this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    fn names(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.name.clone()).collect()
    }

    /// The finding for a name that is no column.
    #[must_use]
    pub fn unknown(&self, name: &str, span: Span) -> Option<crate::typed::Finding> {
        if self.partial {
            return None;
        }
        Some(errors::unknown_column(name, &self.owner, &self.names(), span))
    }
}

impl Columns for TableScope {
    fn lookup(&self, name: &str) -> Lookup {
        match self.find(name) {
            Some(column) if column.ty.is_unknown() => Lookup::Broken,
            Some(column) => Lookup::Found(name.to_owned(), column.ty.clone()),
            None if self.partial => Lookup::Broken,
            None => Lookup::Missing(self.names()),
        }
    }

    fn describe(&self) -> String {
        self.owner.clone()
    }
}
