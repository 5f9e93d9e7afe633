//! Tests of functions: a call over given columns, one row each.

use super::given::{Table, plain_column};
use super::{Context, RESULT, Under, literal, of_values};
use crate::blocks::dataset::TableScope;
use crate::errors::{self, tests};
use crate::infer::{Infer, Position};
use crate::library::{FnParam, FnSig, Pattern, fn_signature};
use crate::typed::test::{GivenRows, Subject, Test};
use crate::typed::{Column, Const, Definition, Facts, Features, Role};
use crate::types::{Ty, TyKind};
use indexmap::IndexMap;
use mlpc_db::Block;
use mlpc_diagnostics::{Code, Span};
use mlpc_syntax::ast::{Arg, BlockDecl, Entry, Expr, ExprKind, Name, StatementKind};
use std::collections::BTreeMap;

/// The function as a features block of one definition: the call.
pub(super) fn subject<'db>(
    context: &mut Context<'db>,
    decl: &BlockDecl,
    block: Block<'db>,
    span: Span,
) -> Option<Under> {
    let signature = fn_signature(context.db, block).clone()?;
    let mut columns: Vec<Column> = Vec::new();
    let mut arguments: Vec<Arg> = Vec::new();
    for param in &signature.params {
        let name = Name { text: param.name.clone(), span };
        if param.constant {
            let given = given_to(decl, &param.name);
            arguments.extend(given.map(|value| Arg { name: Some(name), value: value.clone() }));
            continue;
        }
        columns.push(column(context, decl, param));
        let value = Expr { kind: ExprKind::Name(param.name.clone()), span };
        // A variadic parameter takes what comes by place, so whatever stands before it does too.
        let variadic = signature.params.iter().any(|param| param.variadic);
        arguments.push(Arg { name: (!variadic).then_some(name), value });
    }
    let call = call(context, &signature, &columns, arguments, span);
    let partial = call.ty.is_unknown();
    let definition = Definition {
        name: RESULT.to_owned(),
        doc: signature.doc.clone(),
        role: Role::Let,
        expr: call,
        span,
        owner: None,
        facts: Facts::default(),
    };
    let features = Features {
        base: signature.name.clone(),
        base_columns: columns.iter().map(|column| column.name.clone()).collect(),
        definitions: vec![definition],
        ..Features::default()
    };
    let table =
        Table { name: signature.name.clone(), columns: columns.clone(), key: Vec::new(), zone: None, partial: false };
    let kind = Subject::Function { name: signature.name.clone(), columns, call: Box::new(features.clone()) };
    Some(Under { kind, name: signature.name, features, partial, tables: vec![table] })
}

fn call(
    context: &mut Context<'_>,
    signature: &FnSig,
    columns: &[Column],
    arguments: Vec<Arg>,
    span: Span,
) -> crate::typed::TExpr {
    let callee = Expr { kind: ExprKind::Name(signature.name.clone()), span };
    let expr = Expr { kind: ExprKind::Call(Box::new(callee), arguments), span };
    let scope = TableScope::new(format!("`{}`", signature.name), columns.to_vec(), false);
    let mut infer = Infer {
        db: context.db,
        file: context.file,
        columns: &scope,
        position: Position::Column,
        findings: &mut context.findings,
        refined: BTreeMap::new(),
        table: None,
    };
    infer.expr(&expr)
}

/// What `given NAME = …` gives.
fn given_to<'a>(decl: &'a BlockDecl, wanted: &str) -> Option<&'a Expr> {
    decl.entries.iter().find_map(|entry| match entry {
        Entry::Statement(statement) => match &statement.kind {
            StatementKind::Given { fitted: false, name, value } if name.text == wanted => Some(value),
            _ => None,
        },
        _ => None,
    })
}

/// A parameter as a column: of its declared type, else of that of what is given.
fn column(context: &Context<'_>, decl: &BlockDecl, param: &FnParam) -> Column {
    let given: Vec<Const> = match given_to(decl, &param.name).map(|expr| &expr.kind) {
        Some(ExprKind::List(items)) => {
            items.iter().filter_map(|item| crate::consts::constant(context.db, context.file, item)).collect()
        }
        _ => Vec::new(),
    };
    let found = of_values(&given);
    let nullable = param.nullable || found.nullable;
    let ty = match &param.pattern {
        Pattern::Is(kind) => Ty::new(kind.clone()),
        Pattern::Number if !matches!(found.kind, TyKind::Int | TyKind::Float) => Ty::new(TyKind::Float),
        _ => found,
    };
    // Made-up values lie where the function is defined; given ones may lie anywhere.
    let range = if given.is_empty() { param.domain } else { crate::types::Interval::ALL };
    plain_column(&param.name, ty.with_null(nullable).in_range(range))
}

/// `given ARGUMENT = [ … ]`: one value a row.
pub(super) fn argument(
    context: &mut Context<'_>,
    subject: &Under,
    columns: &[Column],
    refused: Option<&'static Code>,
    name: &Name,
    value: &Expr,
    test: &mut Test,
) {
    let Some(column) = columns.iter().find(|column| column.name == name.text) else {
        // A constant argument went into the call, which judges it.
        if !given_is_constant(subject, &name.text) {
            let known: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
            context.findings.push(tests::unknown_given(&name.text, &subject.name, &known, name.span));
        }
        return;
    };
    let ExprKind::List(items) = &value.kind else {
        context.findings.push(errors::wrong_form("given", "a list with one value for each row", value.span));
        return;
    };
    let what = format!("`{}`", name.text);
    let given =
        test.given.entry(subject.name.clone()).or_insert_with(|| GivenRows { rows: Vec::new(), span: name.span });
    if given.rows.is_empty() {
        given.rows = vec![IndexMap::new(); items.len()];
    }
    if given.rows.len() != items.len() {
        let first = given.rows.first().and_then(|row| row.keys().next().cloned()).unwrap_or_default();
        let finding = tests::uneven(&name.text, items.len(), &first, given.rows.len(), value.span, given.span);
        context.findings.push(finding);
        return;
    }
    for (row, item) in given.rows.iter_mut().zip(items) {
        match literal::value(context, item, &column.ty, None, &what) {
            Ok(value) => drop(row.insert(name.text.clone(), value)),
            Err(finding) if Some(finding.code) != refused => context.findings.push(*finding),
            Err(_) => {}
        }
    }
}

/// Whether the call took this name as a constant.
fn given_is_constant(subject: &Under, name: &str) -> bool {
    let mut found = false;
    for definition in &subject.features.definitions {
        definition.expr.walk(&mut |expr| {
            found |= match &expr.kind {
                crate::typed::TKind::Call { constants, .. } => constants.contains_key(name),
                crate::typed::TKind::Fitted(call) => call.constants.contains_key(name),
                _ => false,
            };
        });
    }
    found
}
