//! How a block runs: resources, retry, timeout, environment; and the blocks that hold such defaults.

use super::{Context, context};
use crate::consts::{constant, dotted, literal};
use crate::entries::call_of;
use crate::errors;
use crate::library::{body, nested, setting};
use crate::typed::{Checked, Const, Environment, Operations, Parameter, Pipeline};
use crate::types::{Interval, Ty};
use mlpc_db::{Block, Db, parse_block};
use mlpc_syntax::ast::{BlockDecl, Decl, Entry, Expr, ExprKind};
use pep508_rs::{Requirement, VerbatimUrl};
use std::str::FromStr;

/// The `pipeline` block.
#[salsa::tracked]
pub fn pipeline<'db>(db: &'db dyn Db, block: Block<'db>) -> Checked<Pipeline> {
    let mut context = context(db, block);
    let Some(decl) = body(db, block) else { return context.done(Pipeline::default()) };
    let operations = operations(&mut context, decl);
    if let Some(expr) = setting(decl, "schedule") {
        schedule(&mut context, expr);
    }
    let seed = setting(decl, "seed").and_then(|expr| match constant(db, context.file, expr) {
        Some(Const::Int(seed)) => Some(seed),
        _ => None,
    });
    if setting(decl, "seed").is_none() && !crate::entries::has_errors(decl) {
        let name = block.name(db).to_owned();
        context.findings.push(errors::no_seed(&name, decl.header));
    }
    let owner = match setting(decl, "owner").and_then(literal) {
        Some(Const::Str(owner)) => Some(owner),
        _ => None,
    };
    context.done(Pipeline { owner, seed, operations })
}

/// An `environment` block.
#[salsa::tracked]
pub fn environment<'db>(db: &'db dyn Db, block: Block<'db>) -> Checked<Environment> {
    let mut context = context(db, block);
    let Some(decl) = body(db, block) else { return context.done(Environment::default()) };
    let mut value = Environment::default();
    if let Some(expr) = setting(decl, "python")
        && let Some(Const::Str(version)) = literal(expr)
    {
        let parts: Vec<&str> = version.split('.').collect();
        let fine = parts.len() == 2 && parts.iter().all(|part| part.parse::<u32>().is_ok()) && parts.first() == Some(&"3");
        if fine {
            value.python = version;
        } else {
            let message = format!("{version:?} is no Python version");
            context.findings.push(errors::bad_value(message, "write `\"3.11\"`", expr.span));
        }
    }
    if let Some(Expr { kind: ExprKind::List(items), .. }) = setting(decl, "packages") {
        for item in items {
            let ExprKind::Str(text) = &item.kind else { continue };
            match Requirement::<VerbatimUrl>::from_str(text) {
                Ok(_) => value.packages.push(text.clone()),
                Err(error) => {
                    let message = format!("{text:?} is no requirement: {}", error.message);
                    context.findings.push(errors::bad_value(message, "as `\"polars>=1,<3\"`", item.span));
                }
            }
        }
    }
    context.done(value)
}

/// A `param` or `const`.
#[salsa::tracked]
pub fn parameter<'db>(db: &'db dyn Db, block: Block<'db>) -> Checked<Parameter> {
    let mut context = context(db, block);
    let Decl::Value(decl) = &parse_block(db, block).decl else {
        return context.done(Parameter { ty: Ty::unknown(), value: None, range: Interval::ALL });
    };
    let value = decl.value.as_ref().and_then(literal);
    let ty = match &decl.ty {
        Some(ty) => crate::annotations::column_type(ty, &mut context.findings),
        None => value.clone().map_or_else(Ty::unknown, |value| crate::infer::literal_expr(value, decl.span).ty),
    };
    let range = decl.domain.as_ref().and_then(crate::consts::interval).unwrap_or(Interval::ALL);
    if let (Some(value), Some(expr)) = (&value, &decl.value) {
        let found = crate::infer::literal_expr(value.clone(), expr.span).ty;
        let is_word = matches!(expr.kind, ExprKind::Name(_));
        if !is_word && !found.fits(&ty.kind) {
            let what = format!("`{}`", decl.name.text);
            context.findings.push(errors::mismatch(&what, &format!("`{}`", ty.kind), &found, expr.span));
        } else if value.number().is_some_and(|number| !range.contains(number)) {
            let message = format!("`{}` is in `{range}`, and its default is {}", decl.name.text, value.describe());
            context.findings.push(errors::bad_value(message, "out of range", expr.span));
        }
    }
    context.done(Parameter { ty, value, range })
}

/// Resources, retry, timeout and environment of any block.
pub fn operations(context: &mut Context<'_>, decl: &BlockDecl) -> Operations {
    let mut value = Operations::default();
    for entry in nested(decl, "resources") {
        let Entry::Setting { name, value: expr, .. } = entry else { continue };
        match (name.text().as_str(), literal(expr)) {
            ("cpu", Some(Const::Int(cpu))) => match u32::try_from(cpu) {
                Ok(cpu @ 1..=4096) => value.cpu = Some(cpu),
                _ => context.findings.push(errors::bad_value("`cpu` is a number of threads from 1", "out of range", expr.span)),
            },
            ("memory", Some(Const::Size(bytes))) => value.memory = Some(bytes),
            ("memory", _) => context.findings.push(errors::wrong_form("memory", "a size, as `8Gi`", expr.span)),
            _ => {}
        }
    }
    if let Some(expr) = setting(decl, "retry") {
        value.retry = retry(context, expr);
    }
    if let Some(expr) = setting(decl, "timeout")
        && let Some(Const::Duration(ms)) = literal(expr)
    {
        if ms > 0 {
            value.timeout_ms = Some(ms);
        } else {
            context.findings.push(errors::bad_value("`timeout` is longer than nothing", "not positive", expr.span));
        }
    }
    if let Some(expr) = setting(decl, "environment")
        && let Some(name) = dotted(expr)
        && let Some(block) = context.block(&["environment"], &name, expr.span)
    {
        value.environment = Some(context.qualified(block));
    }
    value
}

/// `retry(attempts: 3, backoff: exponential(10s, max: 5m))`: attempts, first wait, factor, longest wait.
fn retry(context: &mut Context<'_>, expr: &Expr) -> Option<(u32, u64, f64, u64)> {
    let (_, args, _) = call_of(expr)?;
    let (mut attempts, mut initial, mut factor, mut longest) = (3, 1_000, 2.0, 60_000);
    for arg in args {
        let name = arg.name.as_ref().map_or("attempts", |name| name.text.as_str());
        match (name, literal(&arg.value)) {
            ("attempts", Some(Const::Int(count))) => match u32::try_from(count) {
                Ok(count @ 1..=100) => attempts = count,
                _ => context.findings.push(errors::bad_value("`attempts` is from 1 to 100", "out of range", arg.value.span)),
            },
            ("backoff", _) => {
                let (kind, waits, span) = call_of(&arg.value)?;
                if !["exponential", "constant"].contains(&kind.as_str()) {
                    context.findings.push(errors::wrong_form("backoff", "`exponential(…)` or `constant(…)`", span));
                    continue;
                }
                factor = if kind == "constant" { 1.0 } else { 2.0 };
                for wait in waits {
                    let Some(Const::Duration(ms)) = literal(&wait.value) else {
                        context.findings.push(errors::wrong_form("backoff", "durations, as `10s`", wait.value.span));
                        continue;
                    };
                    let ms = ms.unsigned_abs();
                    match wait.name.as_ref().map(|name| name.text.as_str()) {
                        Some("max") => longest = ms,
                        _ => (initial, longest) = (ms, longest.max(ms)),
                    }
                }
            }
            _ => {
                let span = arg.name.as_ref().map_or(arg.value.span, |name| name.span);
                context.findings.push(errors::unknown_setting("retry", name, ["attempts", "backoff"].into_iter(), span));
            }
        }
    }
    Some((attempts, initial, factor, longest))
}

fn schedule(context: &mut Context<'_>, expr: &Expr) {
    let Some((_, args, _)) = call_of(expr) else { return };
    for arg in args {
        let Some(Const::Str(text)) = literal(&arg.value) else { continue };
        let problem = match arg.name.as_ref().map(|name| name.text.as_str()) {
            None => croner::Cron::from_str(&text).err().map(|error| format!("{text:?} is no cron expression: {error}")),
            Some("timezone") => jiff::tz::TimeZone::get(&text).err().map(|_| format!("there is no time zone {text:?}")),
            Some(_) => None,
        };
        if let Some(message) = problem {
            context.findings.push(errors::bad_value(message, "makes no sense", arg.value.span));
        }
    }
}
