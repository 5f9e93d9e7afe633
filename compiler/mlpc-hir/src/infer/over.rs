//! `aggregate over (…)`: whose rows, which of them, by what, and what comes out.

use super::aggregates::{AGGREGATES, Aggregate, ParamForm, Takes, aggregate};
use super::{Columns, Infer, Lookup, Position, groups, keys};
use crate::blocks::dataset::{TableScope, dataset_shape};
use crate::consts::{constant, dotted};
use crate::errors;
use crate::names::{Space, resolve};
use crate::references::names_in;
use crate::typed::{Const, DatasetShape, Frame, TExpr, TKind, WindowCall, WindowSource};
use indexmap::IndexMap;
use mlpc_db::Block;
use mlpc_diagnostics::{Span, did_you_mean};
use mlpc_syntax::ast::{Arg, Expr, ExprKind, path_expr};

/// What a window needs to know of the table in which it stands.
pub struct Table<'a> {
    /// The columns of its rows before any filter.
    pub columns: &'a dyn Columns,
    /// Names of the tables that are joined into it.
    pub tables: Vec<String>,
    /// For messages.
    pub name: &'a str,
    /// Its time.
    pub time: Option<&'a str>,
    /// How long after its row's time an expression over its columns is known, in milliseconds.
    pub known_ms: &'a dyn Fn(&TExpr) -> i64,
    /// Whether its rows are sampled moments.
    pub sampled: bool,
    /// Whether it may look ahead: in a label.
    pub ahead: bool,
}

/// The arguments of `over`.
#[derive(Default)]
struct Args<'a> {
    by: Option<&'a Expr>,
    window: Option<(i64, Span)>,
    lag: Option<(i64, Span)>,
    rows: Option<u32>,
    ahead: Option<(i64, Span)>,
    filter: Option<&'a Expr>,
    broken: bool,
}

impl Args<'_> {
    /// Whether they say nothing of times.
    fn of_all_rows(&self) -> bool {
        self.window.is_none() && self.lag.is_none() && self.rows.is_none() && self.ahead.is_none()
    }
}

/// Whose rows are aggregated.
struct Source<'db> {
    block: Block<'db>,
    name: String,
    shape: &'db DatasetShape,
}

/// An aggregate with what the text gives it.
struct Call<'e, 'db> {
    aggregate: &'static Aggregate,
    constants: IndexMap<String, Const>,
    value: Option<&'e Expr>,
    args: Args<'e>,
    /// Whose rows, unless those of the table itself.
    source: Option<Source<'db>>,
    span: Span,
}

/// The columns of another dataset behind its name.
struct Behind {
    name: String,
    table: TableScope,
}

impl Behind {
    fn of(source: &Source<'_>) -> Self {
        let (name, shape) = (source.name.clone(), source.shape);
        let table = TableScope::new(format!("`{name}`"), shape.columns.clone(), shape.partial);
        Self { name, table }
    }
}

impl Columns for Behind {
    fn lookup(&self, name: &str) -> Lookup {
        match name.strip_prefix(&self.name).and_then(|rest| rest.strip_prefix('.')) {
            Some(column) => match self.table.lookup(column) {
                Lookup::Missing(known) => {
                    Lookup::Missing(known.iter().map(|known| format!("{}.{known}", self.name)).collect())
                }
                found => found,
            },
            None => Lookup::Outside(self.name.clone()),
        }
    }

    fn describe(&self) -> String {
        self.table.describe()
    }
}

impl Infer<'_> {
    pub(super) fn over(&mut self, call: &Expr, args: &[Arg], span: Span) -> TExpr {
        let Some(table) = self.table else { return self.reject_window(call, span) };
        let Some((aggregate, given)) = self.aggregate(call) else { return TExpr::error(span) };
        let args = self.window_args(aggregate, args);
        let Some(constants) = self.aggregate_constants(aggregate, given, span) else { return TExpr::error(span) };
        if args.broken {
            return TExpr::error(span);
        }
        let value = given.first().filter(|arg| arg.name.is_none()).map(|arg| &arg.value);
        let source = self.source(table, value, args.filter);
        let call = Call { aggregate, constants, value, args, source, span };
        if call.source.is_none() && table.time.is_none() && call.args.of_all_rows() && aggregate.unordered {
            return self.over_groups(call);
        }
        self.over_window(table, call).unwrap_or_else(|| TExpr::error(span))
    }

    fn reject_window(&mut self, call: &Expr, span: Span) -> TExpr {
        let place = match self.position {
            Position::Expectation => "an expectation",
            Position::Row(place) => place,
            Position::Column => "this place",
        };
        let name = if let ExprKind::Call(callee, _) = &call.kind { dotted(callee) } else { None };
        self.findings.push(errors::window_outside_features(name.as_deref().unwrap_or("over"), place, span));
        TExpr::error(span)
    }

    fn aggregate<'e>(&mut self, call: &'e Expr) -> Option<(&'static Aggregate, &'e [Arg])> {
        let found = match &call.kind {
            ExprKind::Call(callee, args) => dotted(callee).map(|name| (name, args.as_slice(), callee.span)),
            _ => None,
        };
        let Some((name, args, span)) = found else {
            self.findings.push(errors::not_an_aggregate(call.span));
            return None;
        };
        let Some(aggregate) = aggregate(&name) else {
            let near = did_you_mean(&name, AGGREGATES.iter().map(|known| known.name)).map(str::to_owned);
            self.findings.push(errors::unknown_aggregate(&name, near, AGGREGATES.iter().map(|known| known.name), span));
            return None;
        };
        Some((aggregate, args))
    }

    fn window_args<'e>(&mut self, aggregate: &Aggregate, given: &'e [Arg]) -> Args<'e> {
        const NAMES: [&str; 6] = ["by", "window", "lag", "rows", "ahead", "where"];
        let mut args = Args::default();
        for arg in given {
            let name = arg.name.as_ref().map_or("by", |name| name.text.as_str());
            let span = arg.value.span;
            match name {
                "by" => args.by = Some(&arg.value),
                "where" => args.filter = Some(&arg.value),
                "window" | "lag" | "ahead" => match self.constant(&arg.value) {
                    Some(Const::Duration(ms)) if ms > 0 || (name == "lag" && ms == 0) => {
                        let place = Some((ms, span));
                        match name {
                            "window" => args.window = place,
                            "lag" => args.lag = place,
                            _ => args.ahead = place,
                        }
                    }
                    Some(Const::Duration(_)) => {
                        self.findings.push(errors::backward_duration(name, span));
                        args.broken = true;
                    }
                    _ => {
                        self.findings.push(errors::wrong_form(name, "a duration, as `7d`", span));
                        args.broken = true;
                    }
                },
                "rows" => match self.constant(&arg.value) {
                    Some(Const::Int(rows)) if rows > 0 => args.rows = u32::try_from(rows).ok(),
                    _ => {
                        self.findings.push(errors::wrong_form(name, "a number of rows, at least 1", span));
                        args.broken = true;
                    }
                },
                _ => {
                    let place = arg.name.as_ref().map_or(span, |name| name.span);
                    let near = did_you_mean(name, NAMES).map(str::to_owned);
                    let message = format!("`over` has no parameter `{name}`");
                    let finding = errors::bad_arguments(message, "unknown parameter", &aggregate.describe(), place);
                    self.findings.push(errors::suggest(finding, near, place));
                    args.broken = true;
                }
            }
        }
        let clash = args.ahead.filter(|_| args.window.is_some() || args.lag.is_some() || args.rows.is_some());
        if let Some((_, span)) = clash {
            let message = "a window looks back or ahead, not both".to_owned();
            self.findings.push(errors::bad_arguments(message, "looks ahead", &aggregate.describe(), span));
            args.broken = true;
        }
        args
    }

    fn constant(&self, expr: &Expr) -> Option<Const> {
        // A param may not decide which rows a window covers: another run would be another feature.
        let value = constant(self.db, self.file, expr)?;
        let param = dotted(expr).and_then(|name| resolve(self.db, self.file, Space::Block, &name));
        param.is_none_or(|block| block.keyword(self.db) == "const").then_some(value)
    }

    fn aggregate_constants(
        &mut self,
        aggregate: &Aggregate,
        given: &[Arg],
        span: Span,
    ) -> Option<IndexMap<String, Const>> {
        let mut constants = IndexMap::new();
        let mut fine = true;
        let takes_value = given.first().is_some_and(|arg| arg.name.is_none());
        for (at, arg) in given.iter().enumerate().skip(usize::from(takes_value)) {
            let param = match &arg.name {
                Some(name) => aggregate.params.iter().find(|param| param.name == name.text),
                None => aggregate.params.get(at - 1),
            };
            let Some(param) = param else {
                let message = format!("`{}` takes no such argument", aggregate.name);
                self.findings.push(errors::bad_arguments(
                    message,
                    "one too many",
                    &aggregate.describe(),
                    arg.value.span,
                ));
                fine = false;
                continue;
            };
            let value = self.constant(&arg.value).filter(|value| fits(param.form, value));
            match value {
                Some(value) => {
                    constants.insert(param.name.to_owned(), value);
                }
                None => {
                    let wanted = match param.form {
                        ParamForm::Share => "a number between 0 and 1",
                        ParamForm::Rows => "a number of rows, at least 1",
                        ParamForm::Duration => "a duration, as `7d`",
                    };
                    self.findings.push(errors::wrong_form(param.name, wanted, arg.value.span));
                    fine = false;
                }
            }
        }
        let wanted: &[_] = if fine { aggregate.params } else { &[] };
        for param in wanted {
            if !constants.contains_key(param.name) && param.required {
                let message = format!("`{}` needs `{}`", aggregate.name, param.name);
                let here = format!("`{}` is missing", param.name);
                self.findings.push(errors::bad_arguments(message, &here, &aggregate.describe(), span));
                fine = false;
            } else if !constants.contains_key(param.name) {
                constants.insert(param.name.to_owned(), Const::Int(1));
            }
        }
        if fine && !takes_value && aggregate.takes != Takes::Rows {
            let message = format!("`{}` needs a value", aggregate.name);
            self.findings.push(errors::bad_arguments(message, "of what?", &aggregate.describe(), span));
            fine = false;
        }
        fine.then_some(constants)
    }

    fn row_time(&mut self, table: &Table<'_>, args: &Args<'_>, span: Span) -> Option<String> {
        if let Some((_, place)) = args.ahead.filter(|_| !table.ahead) {
            self.findings.push(errors::looks_ahead(place));
            return None;
        }
        if table.time.is_none() {
            self.findings.push(errors::missing_timestamp("a window", table.name, span));
        }
        table.time.map(str::to_owned)
    }

    /// Over all rows of the training part, which have no time: a fitted column.
    fn over_groups(&mut self, call: Call<'_, '_>) -> TExpr {
        let Call { aggregate, constants, value, args, span, .. } = call;
        if !self.after_split(aggregate.name, span) {
            return TExpr::error(span);
        }
        let value = value.map(|value| self.expr(value));
        let filter = args.filter.map(|filter| self.condition(filter, "`where`"));
        let by: Vec<TExpr> = listed(args.by).into_iter().map(|key| self.expr(key)).collect();
        if by.iter().any(|key| key.ty.is_unknown()) {
            return TExpr::error(span);
        }
        let Some((value, filter)) = self.sound(aggregate, value, filter) else { return TExpr::error(span) };
        if by.is_empty() && value.is_none() {
            let message = "the number of all rows is the same for each".to_owned();
            self.findings.push(errors::bad_arguments(message, "of which rows?", &aggregate.describe(), span));
            return TExpr::error(span);
        }
        groups::fitted(aggregate, constants, value, filter, by, span)
    }

    /// Over rows of this table, or of the dataset that the value names, at other times.
    fn over_window(&mut self, table: &Table<'_>, call: Call<'_, '_>) -> Option<TExpr> {
        let Call { aggregate, constants, value, args, source, span } = call;
        let here = self.row_time(table, &args, span)?;
        let behind = source.as_ref().map(Behind::of);
        let columns: &dyn Columns = behind.as_ref().map_or(table.columns, |behind| behind);
        // `count(events)` counts rows.
        let rows = |value: &&Expr| source.as_ref().is_some_and(|source| dotted(value).as_ref() == Some(&source.name));
        let value = value.filter(|value| !rows(value)).map(|value| self.inside(columns, |infer| infer.expr(value)));
        let filter = args.filter.map(|filter| self.inside(columns, |infer| infer.condition(filter, "`where`")));
        let by = self.keys(table, args.by, source.as_ref().map(|source| (source.name.as_str(), source.shape)));
        let (by, (value, filter)) = (by?, self.sound(aggregate, value, filter)?);
        let read = value.iter().chain(&filter);
        let (source, known) = match source {
            None => (None, read.map(table.known_ms).max().unwrap_or_default()),
            Some(source) => {
                let Some(time) = source.shape.timestamp.clone() else {
                    self.findings.push(errors::missing_timestamp(
                        "an aggregate as of the row's time",
                        &source.name,
                        span,
                    ));
                    return None;
                };
                let read = read.flat_map(TExpr::columns).chain([time.clone()]);
                let known = read.map(|column| source.shape.known_ms(&column)).max().unwrap_or_default();
                let dataset = crate::names::qualified(self.db, source.block);
                let block = source.block.reference(self.db);
                (Some(WindowSource { dataset, name: source.name, block, time }), known)
            }
        };
        let frame = self.frame(&args, known, value.as_ref(), span);
        let own = (aggregate.name == "rank").then(|| value.clone()).flatten();
        if own.is_some() && source.is_some() {
            self.findings.push(errors::rank_of_other_rows(span));
            return None;
        }
        let aggregated = aggregate.name.to_owned();
        let call = WindowCall { aggregate: aggregated, constants, own, source, value, filter, by, here, frame };
        Some(finished(aggregate, call, span))
    }

    /// Infers over other columns, of which conditions outside have shown nothing.
    fn inside(&mut self, columns: &dyn Columns, infer: impl FnOnce(&mut Infer<'_>) -> TExpr) -> TExpr {
        let mut inner = Infer {
            db: self.db,
            file: self.file,
            columns,
            position: Position::Row("a window"),
            findings: self.findings,
            refined: std::collections::BTreeMap::new(),
            table: self.table,
        };
        infer(&mut inner)
    }

    fn sound(
        &mut self,
        aggregate: &Aggregate,
        value: Option<TExpr>,
        filter: Option<TExpr>,
    ) -> Option<(Option<TExpr>, Option<TExpr>)> {
        if value.iter().chain(&filter).any(|expr| expr.ty.is_unknown()) {
            return None;
        }
        if let Some(value) = value.as_ref().filter(|value| !aggregate.accepts(&value.ty)) {
            let what = format!("`{}`", aggregate.name);
            self.findings.push(errors::mismatch(&what, aggregate.wanted(), &value.ty, value.span));
            return None;
        }
        Some((value, filter))
    }

    /// `by: k`, `by: [a, b]`, `by: here = there`.
    fn keys(
        &mut self,
        table: &Table<'_>,
        by: Option<&Expr>,
        other: Option<(&str, &DatasetShape)>,
    ) -> Option<Vec<(TExpr, TExpr)>> {
        let mut pairs = Vec::new();
        for item in listed(by) {
            let (here, there) = match &item.kind {
                ExprKind::Pair(here, there) => (path_expr(here), path_expr(there)),
                _ => (item.clone(), item.clone()),
            };
            let left = self.inside(table.columns, |infer| infer.expr(&here));
            let right = match other {
                None if matches!(item.kind, ExprKind::Pair(..)) => {
                    self.inside(table.columns, |infer| infer.expr(&there))
                }
                None => left.clone(),
                Some((name, shape)) => {
                    let scope = TableScope::new(format!("`{name}`"), shape.columns.clone(), shape.partial);
                    let bare = strip_owner(&there, name);
                    self.inside(&scope, |infer| infer.expr(&bare))
                }
            };
            if left.ty.is_unknown() || right.ty.is_unknown() {
                return None;
            }
            if left.ty.join(&right.ty).is_none() {
                let (left, right) = (errors::TyAt(&left.ty, here.span), errors::TyAt(&right.ty, there.span));
                self.findings.push(errors::incompatible("match", "with", &left, &right, item.span));
                return None;
            }
            pairs.push(keys::alike(left, right));
        }
        Some(pairs)
    }

    /// Which rows are covered; values that are known `known` milliseconds after their row.
    fn frame(&mut self, args: &Args<'_>, known: i64, value: Option<&TExpr>, span: Span) -> Frame {
        if let Some((ms, _)) = args.ahead {
            return Frame::Ahead { ms, known_ms: known };
        }
        if let Some((lag, place)) = args.lag.filter(|(lag, _)| *lag < known) {
            let what = value.map_or_else(|| "a row".to_owned(), columns_of);
            self.findings.push(errors::lag_too_short(&what, lag, known, place, value.map_or(span, |value| value.span)));
        }
        let lag_ms = args.lag.map_or(known, |(lag, _)| lag);
        Frame::Back { window_ms: args.window.map(|(ms, _)| ms), rows: args.rows, lag_ms }
    }
}

impl<'a> Infer<'a> {
    /// The other dataset that the value names, if it names one.
    fn source(&self, table: &Table<'_>, value: Option<&Expr>, filter: Option<&Expr>) -> Option<Source<'a>> {
        let names = value.into_iter().chain(filter).flat_map(names_in);
        let db = self.db;
        let file = self.file;
        let dataset = |name: &str| {
            let block = resolve(db, file, Space::Block, name)?;
            (block.keyword(db) == "dataset" && !table.tables.iter().any(|joined| joined == name)).then_some(block)
        };
        for name in names {
            // `count(events)`: the rows of a dataset.
            let whole = value.is_some_and(|value| dotted(value).as_deref() == Some(&name));
            let owner = name.rsplit_once('.').map(|(owner, _)| owner.to_owned());
            let known = !matches!(table.columns.lookup(&name), Lookup::Missing(_));
            if known {
                continue;
            }
            let found = owner.and_then(|owner| dataset(&owner).map(|block| (block, owner)));
            let found = found.or_else(|| dataset(&name).filter(|_| whole).map(|block| (block, name)));
            if let Some((block, name)) = found {
                return Some(Source { block, name, shape: dataset_shape(db, block) });
            }
        }
        None
    }
}

fn finished(aggregate: &Aggregate, call: WindowCall, span: Span) -> TExpr {
    let ty = aggregate.result(call.value.as_ref().map(|value| &value.ty));
    // What has not happened yet is not known, not even that nothing will.
    let nullable = ty.nullable || matches!(call.frame, Frame::Ahead { .. });
    TExpr { ty: ty.with_null(nullable), kind: TKind::Window(Box::new(call)), span }
}

/// `by: k` as `by: [k]`.
fn listed(by: Option<&Expr>) -> Vec<&Expr> {
    match by.map(|by| (by, &by.kind)) {
        Some((_, ExprKind::List(items))) => items.iter().collect(),
        Some((by, _)) => vec![by],
        None => Vec::new(),
    }
}

fn fits(form: ParamForm, value: &Const) -> bool {
    match (form, value) {
        (ParamForm::Share, value) => value.number().is_some_and(|share| (0.0..=1.0).contains(&share)),
        (ParamForm::Rows, Const::Int(rows)) => u32::try_from(*rows).is_ok_and(|rows| rows > 0),
        (ParamForm::Duration, Const::Duration(ms)) => *ms > 0,
        _ => false,
    }
}

/// `events.customer` as `customer`, where `events` is who is asked anyway.
fn strip_owner(expr: &Expr, owner: &str) -> Expr {
    let name = dotted(expr).and_then(|name| name.strip_prefix(owner)?.strip_prefix('.').map(str::to_owned));
    name.map_or_else(|| expr.clone(), |name| Expr { kind: ExprKind::Name(name), span: expr.span })
}

fn columns_of(value: &TExpr) -> String {
    let names: Vec<String> = value.columns().iter().map(|name| format!("`{name}`")).collect();
    mlpc_diagnostics::list_words(names.iter().map(String::as_str), "and").replace("``", "`")
}
