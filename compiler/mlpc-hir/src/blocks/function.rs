//! `fn`: a function that is an expression of the language is checked with the types that it declares.

use super::{Context, context};
use crate::errors;
use crate::infer::inline::{circle, declared, result_kind};
use crate::library::{body, fn_signature, setting};
use crate::typed::{Finding, FnBody};
use mlpc_db::{Block, Db};

/// What is wrong with a function.
#[salsa::tracked(returns(deref))]
pub fn function<'db>(db: &'db dyn Db, block: Block<'db>) -> Vec<Finding> {
    let mut context = context(db, block);
    check(&mut context);
    context.findings
}

fn check(context: &mut Context<'_>) {
    let (db, block) = (context.db, context.block);
    let Some(decl) = body(db, block) else { return };
    let Some(value) = setting(decl, "value") else { return };
    let Some(signature) = fn_signature(db, block) else { return };
    let FnBody::Value(_) = &signature.body else {
        context.findings.push(errors::two_bodies(&signature.name, value.span));
        return;
    };
    if signature.params.iter().any(|param| param.variadic) {
        let what = "a parameter of any number of arguments in a function with `value`";
        context.findings.push(errors::not_supported(what, decl.header));
        return;
    }
    if let Some(way) = circle(db, block) {
        // Each member of the circle says so; who only leads to it does not.
        if way.first() == way.last() {
            context.findings.push(errors::cycle("these functions", &way, value.span, Vec::new()));
        }
        return;
    }
    let (typed, findings) = declared(db, block, signature, value);
    context.findings.extend(findings);
    if let Some(kind) = result_kind(signature)
        && !typed.ty.fits(kind)
    {
        let what = format!("the value of `{}`", signature.name);
        context.findings.push(errors::mismatch(&what, &format!("`{kind}`"), &typed.ty, value.span));
    }
}
