//! What a block names: the blocks that it depends on, the names in its expressions.

use crate::consts::dotted;
use crate::entries::names;
use crate::library::body;
use crate::names::{Space, resolve};
use crate::specs::{Content, ValueForm, block_spec};
use mlpc_db::{Block, Db, parse_block};
use mlpc_syntax::ast::{
    Arg, ColumnItem, Decl, Entry, Expr, ExprKind, Field, Join, Statement, StatementKind, StrPart, TypeExpr, TypeKind,
    ValueDecl,
};

/// Blocks that a block names: in its connector, in settings that take the names of blocks, in joins and spreads.
#[salsa::tracked(returns(deref))]
pub fn references<'db>(db: &'db dyn Db, block: Block<'db>) -> Vec<Block<'db>> {
    let mut names_used: Vec<String> = Vec::new();
    if let Some(decl) = body(db, block) {
        for path in decl.connector.iter().flat_map(|connector| &connector.paths) {
            names_used.push(path.text());
        }
        if let Some(spec) = block_spec(&decl.kind.text) {
            in_entries(&decl.entries, &spec.content, &mut names_used);
        }
    }
    if let Decl::Value(ValueDecl { ty: Some(ty), .. }) = &parse_block(db, block).decl {
        names_used.extend(named_types(ty));
    }
    let mut found = Vec::new();
    for name in names_used {
        let part = name.rsplit_once('.').map(|(owner, _)| owner.to_owned());
        let target = resolve(db, block.file(db), Space::Block, &name)
            .or_else(|| part.and_then(|owner| resolve(db, block.file(db), Space::Block, &owner)));
        if let Some(target) = target
            && !found.contains(&target)
        {
            found.push(target);
        }
    }
    // `count(events.kind == "login") over (…)` reads `events`.
    for name in body(db, block).into_iter().flat_map(|decl| in_windows(&decl.entries)) {
        let owner = name.rsplit_once('.').map_or(name.as_str(), |(owner, _)| owner);
        let target = resolve(db, block.file(db), Space::Block, owner).filter(|target| target.keyword(db) == "dataset");
        if let Some(target) = target
            && !found.contains(&target)
        {
            found.push(target);
        }
    }
    found
}

/// Names within aggregates over other rows.
fn in_windows(entries: &[Entry]) -> Vec<String> {
    let mut found = Vec::new();
    let mut queue: Vec<&Expr> = expressions(entries);
    while let Some(expr) = queue.pop() {
        match &expr.kind {
            ExprKind::Over(..) => found.extend(names_in(expr)),
            ExprKind::Call(_, args) => queue.extend(args.iter().map(|arg| &arg.value)),
            ExprKind::Binary(_, left, right) => queue.extend([&**left, &**right]),
            ExprKind::In { item, set, .. } => queue.extend([&**item, &**set]),
            ExprKind::If(condition, then, otherwise) => queue.extend([&**condition, &**then, &**otherwise]),
            ExprKind::Unary(_, operand) => queue.push(operand),
            _ => {}
        }
    }
    found
}

fn in_entries(entries: &[Entry], content: &Content, into: &mut Vec<String>) {
    for entry in entries {
        match entry {
            Entry::Setting { name, value, .. } => {
                let form =
                    content.settings.iter().find(|setting| setting.name == name.text()).map(|setting| &setting.value);
                match form {
                    Some(ValueForm::Block | ValueForm::Blocks) => into.extend(named(value)),
                    // `csv(load.table)`: the output of a step.
                    Some(ValueForm::Call(_)) => {
                        if let ExprKind::Call(_, args) = &value.kind {
                            into.extend(args.iter().flat_map(|arg| named(&arg.value)));
                        }
                    }
                    // `inputs { rows = flights }`.
                    None if content.open => into.extend(named(value)),
                    _ => {}
                }
            }
            Entry::Block(block) => {
                if let Some(nested) = content.nested.iter().find(|nested| nested.keyword == block.kind.text) {
                    in_entries(&block.entries, nested.content, into);
                }
            }
            Entry::Spread(path) => into.push(path.text()),
            Entry::Field(field) => into.extend(named_types(&field.ty)),
            Entry::Statement(Statement { kind: StatementKind::Join(Join { dataset, .. }), .. }) => {
                into.push(dataset.text())
            }
            _ => {}
        }
    }
}

/// The names of types, which may be those of declarations.
fn named_types(ty: &TypeExpr) -> Vec<String> {
    match &ty.kind {
        TypeKind::Named { path, .. } => vec![path.text()],
        TypeKind::Union(types) => types.iter().flat_map(named_types).collect(),
    }
}

fn named(value: &Expr) -> Vec<String> {
    names(value).unwrap_or_default().into_iter().map(|(name, _)| name).collect()
}

/// Every expression of these entries and of the blocks nested in them, outermost only.
#[must_use]
pub fn expressions(entries: &[Entry]) -> Vec<&Expr> {
    let mut found = Vec::new();
    for entry in entries {
        match entry {
            Entry::Setting { value, .. } | Entry::Expression(value) => found.push(value),
            Entry::Field(Field { default, domain, known_after, parse_as, .. }) => {
                found.extend([default, domain, known_after, parse_as].into_iter().flatten());
            }
            Entry::Search { domain, when, .. } => found.extend(std::iter::once(domain).chain(when)),
            Entry::Statement(statement) => in_statement(statement, &mut found),
            Entry::Block(block) => found.extend(expressions(&block.entries)),
            Entry::Spread(_) | Entry::Bare(_) | Entry::Error(_) => {}
        }
    }
    found
}

fn in_statement<'a>(statement: &'a Statement, found: &mut Vec<&'a Expr>) {
    match &statement.kind {
        StatementKind::Column(items) => found.extend(items.iter().filter_map(|item| match item {
            ColumnItem::One { value, .. } => value.as_ref(),
            ColumnItem::All { .. } => None,
        })),
        StatementKind::Let { value, .. }
        | StatementKind::Given { value, .. }
        | StatementKind::Expect { value, .. }
        | StatementKind::Filter(value)
        | StatementKind::Warn(value) => found.push(value),
        StatementKind::Require { condition, confidence } => {
            found.push(condition);
            found.extend(confidence);
        }
        StatementKind::Label { value, .. } | StatementKind::Weight { value, .. } => found.extend(value),
        StatementKind::Join(join) => found.extend(&join.within),
        StatementKind::Sample { every, range } => found.extend([every, range]),
        StatementKind::Allow { until, .. } => found.extend(until),
        StatementKind::Drop(_) | StatementKind::ExpectError(_) => {}
    }
}

/// Every name that occurs in an expression, each once; a dotted one as a whole.
#[must_use]
pub fn names_in(expr: &Expr) -> Vec<String> {
    let mut names = Vec::new();
    collect(expr, &mut names);
    names
}

/// The function whose second argument is a unit, which names nothing.
const CONVERT: &str = "convert";

fn is_unit(at: usize, arg: &Arg) -> bool {
    arg.name.as_ref().map_or(at == 1, |name| name.text == "to")
}

fn collect(expr: &Expr, names: &mut Vec<String>) {
    let mut add = |name: String| {
        if !names.contains(&name) {
            names.push(name);
        }
    };
    match (&expr.kind, dotted(expr)) {
        (ExprKind::Name(_) | ExprKind::Member(..), Some(name)) => add(name),
        (ExprKind::Pair(left, right), _) => {
            add(left.text());
            add(right.text());
        }
        _ => parts(expr).into_iter().for_each(|part| collect(part, names)),
    }
}

/// Every function that an expression calls, each once.
#[must_use]
pub fn functions_in(expr: &Expr) -> Vec<String> {
    let mut found: Vec<String> = match &expr.kind {
        ExprKind::Call(callee, _) => dotted(callee).into_iter().collect(),
        _ => Vec::new(),
    };
    for name in parts(expr).into_iter().flat_map(functions_in) {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

/// The expressions directly within; neither the name of a called function nor a unit is one.
pub(crate) fn parts(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        ExprKind::Call(callee, args) => {
            let converts = matches!(&callee.kind, ExprKind::Name(name) if name == CONVERT);
            let values = args.iter().enumerate().filter(|(at, arg)| !(converts && is_unit(*at, arg)));
            values.map(|(_, arg)| &arg.value).collect()
        }
        ExprKind::Over(value, args) => std::iter::once(&**value).chain(args.iter().map(|arg| &arg.value)).collect(),
        // `100.0[mi]`, `pixel[12]`: what stands in the brackets is a unit or a number.
        ExprKind::Index(base, _) => vec![base],
        ExprKind::Binary(_, left, right) => vec![left, right],
        ExprKind::In { item, set, .. } => vec![item, set],
        ExprKind::If(condition, then, otherwise) => vec![condition, then, otherwise],
        ExprKind::Unary(_, operand)
        | ExprKind::By(operand, _)
        | ExprKind::ForAll(_, operand)
        | ExprKind::Member(operand, _) => vec![operand],
        ExprKind::List(items) => items.iter().collect(),
        ExprKind::Record(fields) => fields.iter().map(|(_, value)| value).collect(),
        ExprKind::Range(range) => [&range.low, &range.high].into_iter().flatten().map(|(bound, _)| &**bound).collect(),
        ExprKind::Interpolated(parts) => parts
            .iter()
            .filter_map(|part| match part {
                StrPart::Expr(value) => Some(value),
                StrPart::Text(_) => None,
            })
            .collect(),
        ExprKind::Name(_)
        | ExprKind::Pair(..)
        | ExprKind::Optional(_)
        | ExprKind::Null
        | ExprKind::Bool(_)
        | ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Percent(_)
        | ExprKind::Str(_)
        | ExprKind::Duration(_)
        | ExprKind::Size(_)
        | ExprKind::Date(_)
        | ExprKind::Error => Vec::new(),
    }
}
