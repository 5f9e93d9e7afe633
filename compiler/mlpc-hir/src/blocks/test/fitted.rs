//! What fitted columns have learned, as a test says it.

use super::{Context, Under, literal, needs};
use crate::annotations::column_type;
use crate::consts::constant;
use crate::errors::{self, tests};
use crate::library::{body, state_fields};
use crate::names::{Space, resolve};
use crate::typed::test::Test;
use crate::typed::{Const, FittedCall};
use crate::types::Ty;
use indexmap::IndexMap;
use mlpc_syntax::ast::{Expr, ExprKind, Name, TypeKind};

/// `given fitted NAME = { … }`.
pub(super) fn given(context: &mut Context<'_>, subject: &Under, test: &mut Test, name: &Name, value: &Expr) {
    let calls: Vec<_> = subject.features.definitions.iter().flat_map(needs::fitted_calls).collect();
    let Some((_, call)) = calls.iter().find(|(fitted, _)| *fitted == name.text) else {
        if !subject.partial {
            let known: Vec<String> = calls.into_iter().map(|(fitted, _)| fitted).collect();
            context.findings.push(tests::not_fitted(&name.text, &subject.name, &known, name.span));
        }
        return;
    };
    let ExprKind::Record(fields) = &value.kind else {
        let finding = errors::wrong_form("given fitted", "a record, as `{ mean: 0.0, std: 1.0 }`", value.span);
        context.findings.push(finding);
        return;
    };
    let mut state = IndexMap::new();
    for (field, expr) in fields {
        if !call.state.contains(&field.text) {
            context.findings.push(tests::unknown_state(&field.text, &name.text, &call.state, field.span));
        } else if let Some(value) = learned(context, call, field, expr) {
            state.insert(field.text.clone(), value);
        }
    }
    let lacking = |wanted: &&String| !fields.iter().any(|(name, _)| name.text == **wanted);
    let missing: Vec<&str> = call.state.iter().filter(lacking).map(String::as_str).collect();
    if !missing.is_empty() {
        let list = mlpc_diagnostics::list_words(missing.iter().copied(), "and");
        let message = format!("what `{}` has learned lacks {list}", name.text);
        let help = format!("it learns {}", call.state.join(", "));
        context.findings.push(tests::bad_test(message, "incomplete", &help, value.span));
    }
    test.fitted.insert(name.text.clone(), state);
}

/// A value of the state, of the type that the function declares.
fn learned(context: &mut Context<'_>, call: &FittedCall, field: &Name, expr: &Expr) -> Option<Const> {
    let found = match declared(context, &call.function, &field.text) {
        Some(ty) => literal::value(context, expr, &ty, None, &format!("`{}`", field.text)),
        None => constant(context.db, context.file, expr)
            .ok_or_else(|| Box::new(errors::wrong_form(&field.text, "a literal", expr.span))),
    };
    found.map_err(|finding| context.findings.push(*finding)).ok()
}

/// The declared type of a part of the state; `None` where that may be anything.
fn declared(context: &mut Context<'_>, function: &str, name: &str) -> Option<Ty> {
    let block = resolve(context.db, context.file, Space::Function, function)?;
    let field = state_fields(body(context.db, block)?).find(|field| field.name.text == name)?;
    let ty = &field.ty;
    if matches!(&ty.kind, TypeKind::Named { path, .. } if path.text() == "any") {
        return None;
    }
    // A type that is wrong is told where it is declared.
    let told = context.findings.len();
    let ty = column_type(context, ty);
    context.findings.truncate(told);
    // Of nothing, nothing is learned.
    Some(ty.with_null(true))
}
