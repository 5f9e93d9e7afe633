//! How a block runs: resources, retry, timeout, environment; and the blocks that hold such defaults.

use super::{Context, context};
use crate::consts::{
    SCHEDULED_DATE, awaits_the_day, constant, day, dotted, formula, instant, literal, moment, spelled,
};
use crate::entries::call_of;
use crate::errors;
use crate::library::{body, nested, setting};
use crate::requirement::check_requirement;
use crate::typed::{Checked, Const, Environment, Formula, Operations, Parameter, Pipeline};
use crate::types::{Interval, Ty, TyKind};
use mlpc_db::{Block, Db, Project, parse_block};
use mlpc_syntax::ast::{BlockDecl, Decl, Entry, Expr, ExprKind};

/// The `pipeline` block.
#[salsa::tracked]
pub fn pipeline<'db>(db: &'db dyn Db, block: Block<'db>) -> Checked<Pipeline> {
    let mut context = context(db, block);
    let Some(declared) = body(db, block) else { return context.done(Pipeline::default()) };
    let decl = &in_profile(&mut context, declared);
    let operations = operations(&mut context, decl);
    let (tracking, trackers) = super::tracking::tracking(&mut context, declared, decl);
    let (storage, storages) = super::storage::storage(&mut context, declared, decl);
    let schedule = super::entry::schedule(&mut context, decl);
    let notify = super::notify::notify(&mut context, decl);
    let seed = setting(decl, "seed").and_then(|expr| match constant(db, context.file, expr) {
        Some(Const::Int(seed)) => Some(seed),
        _ => None,
    });
    if crate::entries::is_missing(decl, "seed") {
        let name = block.name(db).to_owned();
        context.findings.push(errors::no_seed(&name, decl.header));
    }
    let owner = match setting(decl, "owner").and_then(literal) {
        Some(Const::Str(owner)) => Some(owner),
        _ => None,
    };
    let as_of = setting(decl, "as_of").and_then(|expr| as_of(&mut context, expr));
    let as_of_from = setting(decl, "as_of").and_then(|expr| match formula(db, context.file, expr) {
        Some(Formula::Parameter(name)) => Some(name),
        _ => None,
    });
    context.done(Pipeline {
        owner,
        seed,
        as_of,
        as_of_from,
        schedule,
        notify,
        storage,
        storages,
        tracking,
        trackers,
        operations,
    })
}

/// The time to which every dataset is cut: a day or an instant.
fn as_of(context: &mut Context<'_>, expr: &Expr) -> Option<Const> {
    let moment = moment(context.db, context.file, expr);
    if moment.is_none() && !awaits_the_day(context.db, context.file, expr) {
        let wanted = "a day or an instant: the name of a `param` or `const`, or `date(\"2025-01-31\")`";
        context.findings.push(errors::wrong_form("as_of", wanted, expr.span));
    }
    moment
}

/// The pipeline's settings as the selected profile has them.
fn in_profile(context: &mut Context<'_>, decl: &BlockDecl) -> BlockDecl {
    let mut merged = decl.clone();
    let profiles: Vec<&BlockDecl> = decl
        .entries
        .iter()
        .filter_map(|entry| match entry {
            Entry::Block(block) if block.kind.text == "profile" => Some(block),
            _ => None,
        })
        .collect();
    for profile in &profiles {
        for entry in &profile.entries {
            let Entry::Setting { name, .. } = entry else { continue };
            let known = pipeline_settings();
            if name.segments.len() == 1 && !known.clone().any(|setting| setting == name.text()) {
                context.findings.push(errors::unknown_setting("pipeline", &name.text(), known, name.span));
            }
        }
    }
    let Some(wanted) = Project::get(context.db).profile(context.db) else { return merged };
    let name_of = |profile: &BlockDecl| profile.name.as_ref().map_or_else(String::new, |name| name.text());
    let Some(selected) = profiles.iter().find(|profile| name_of(profile) == *wanted) else {
        // `dev` needs no declaration: it is the program without any profile.
        if wanted != "dev" {
            let near = mlpc_diagnostics::did_you_mean(
                wanted,
                profiles.iter().map(|profile| name_of(profile)).collect::<Vec<_>>().iter().map(String::as_str),
            )
            .map(str::to_owned);
            // The name is the command's, so there is nothing here to mend.
            let finding = errors::unknown_component("profile", wanted, None, decl.header);
            context.findings.push(finding.help_opt(near.map(|near| format!("did you mean `{near}`?"))));
        }
        return merged;
    };
    for entry in &selected.entries {
        let Entry::Setting { name, span, .. } = entry else { continue };
        if name.segments.len() > 1 {
            context.findings.push(errors::not_supported("a profile's setting for another block", *span));
            continue;
        }
        merged.entries.retain(|other| !matches!(other, Entry::Setting { name: n, .. } if n.text() == name.text()));
        merged.entries.push(entry.clone());
    }
    merged
}

/// Names of the settings of a pipeline.
fn pipeline_settings() -> impl Iterator<Item = &'static str> + Clone {
    let settings = crate::specs::block_spec("pipeline").map_or(&[][..], |spec| spec.content.settings);
    settings.iter().map(|setting| setting.name)
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
        let fine =
            parts.len() == 2 && parts.iter().all(|part| part.parse::<u32>().is_ok()) && parts.first() == Some(&"3");
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
            match check_requirement(text) {
                Ok(()) => value.packages.push(text.clone()),
                Err(reason) => {
                    let message = format!("{text:?} is no requirement: {reason}");
                    context.findings.push(errors::bad_value(message, "as `\"polars>=1,<3\"`", item.span));
                }
            }
        }
    }
    if let Some(expr) = setting(decl, "image")
        && let Some(Const::Str(image)) = literal(expr)
    {
        match unpinned(&image) {
            Some(reason) => context.findings.push(errors::unpinned_image(&image, reason, expr.span)),
            None => value.image = Some(image),
        }
    }
    context.done(value)
}

/// Why an image may be another one tomorrow; `None`: it is always the same.
fn unpinned(image: &str) -> Option<&'static str> {
    let (name, digest) = image.split_once('@').unwrap_or((image, ""));
    // A colon before the last slash is that of a port.
    let tag = name.rsplit('/').next().and_then(|last| last.split_once(':')).map(|(_, tag)| tag);
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || "._-/:".contains(letter);
    let digits = digest.strip_prefix("sha256:").unwrap_or_default();
    if name.is_empty() || !name.chars().all(is_word) {
        return Some("it is no name of an image");
    }
    if tag == Some("latest") {
        return Some("its tag says that it changes");
    }
    let is_digest = digits.len() == 64 && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    (!is_digest).then_some("it is not named by its digest")
}

/// A `param` or `const`.
#[salsa::tracked]
pub fn parameter<'db>(db: &'db dyn Db, block: Block<'db>) -> Checked<Parameter> {
    let mut context = context(db, block);
    let Decl::Value(decl) = &parse_block(db, block).decl else {
        return context.done(Parameter { ty: Ty::unknown(), value: None, range: Interval::ALL });
    };
    let set = Project::get(db).params(db).get(block.name(db)).filter(|_| decl.keyword.text == "param");
    let declared = decl.ty.as_ref().map(|ty| crate::annotations::column_type(&mut context, ty));
    let scheduled = decl.value.as_ref().and_then(dotted).is_some_and(|name| name == SCHEDULED_DATE) && set.is_none();
    let value = match (set, &decl.value) {
        (Some(text), _) => Some(given(text, declared.as_ref())),
        (None, _) if scheduled => Project::get(db).scheduled(db).as_deref().and_then(day),
        (None, value) => value.as_ref().and_then(literal),
    };
    let ty = match declared {
        Some(ty) => ty,
        None if scheduled => Ty::new(TyKind::Date),
        None => value.clone().map_or_else(Ty::unknown, |value| crate::infer::literal_expr(value, decl.span).ty),
    };
    // The same number, whoever gives it and however it is written.
    let value = match value {
        #[expect(clippy::cast_precision_loss, reason = "a number that is declared to be in floating point")]
        Some(Const::Int(whole)) if ty.kind == TyKind::Float => Some(Const::Float(whole as f64)),
        other => other,
    };
    let range = decl.domain.as_ref().and_then(crate::consts::interval).unwrap_or(Interval::ALL);
    let span = decl.value.as_ref().map_or(decl.name.span, |expr| expr.span);
    match &value {
        // What cannot be read was reported.
        None if scheduled || !parse_block(db, block).errors.is_empty() => {}
        None => {
            let message = format!("`{}` has no value", decl.name.text);
            context.findings.push(errors::bad_value(
                message,
                "give it a default, or set it for the run",
                decl.name.span,
            ));
        }
        Some(value) => {
            let found = crate::infer::literal_expr(value.clone(), span).ty;
            let is_word = set.is_none()
                && !scheduled
                && decl.value.as_ref().is_some_and(|expr| matches!(expr.kind, ExprKind::Name(_)));
            let fits = match (&ty.kind, value) {
                (TyKind::Category(Some(levels)), Const::Str(level)) => levels.contains(level),
                _ => is_word || found.fits(&ty.kind),
            };
            if !fits {
                let what = format!("`{}`", decl.name.text);
                context.findings.push(errors::mismatch(&what, &format!("`{}`", ty.kind), &found, span));
            } else if value.number().is_some_and(|number| !range.contains(number)) {
                let message = format!("`{}` is in `{range}`, and its value is {}", decl.name.text, value.describe());
                context.findings.push(errors::bad_value(message, "out of range", span));
            }
        }
    }
    context.done(Parameter { ty, value, range })
}

/// A value of the command line: times may be written without a call, `2025-01-31`.
fn given(text: &str, ty: Option<&Ty>) -> Const {
    let time = match ty.map(|ty| &ty.kind) {
        Some(TyKind::Date) => day(text),
        Some(TyKind::Timestamp) => instant(text).or_else(|| day(text)),
        _ => None,
    };
    time.unwrap_or_else(|| spelled(text))
}

/// Resources, retry, timeout and environment of any block.
pub fn operations(context: &mut Context<'_>, decl: &BlockDecl) -> Operations {
    let mut value = Operations::default();
    for entry in nested(decl, "resources") {
        let Entry::Setting { name, value: expr, .. } = entry else { continue };
        match (name.text().as_str(), literal(expr)) {
            ("cpu", Some(Const::Int(cpu))) => match u32::try_from(cpu) {
                Ok(cpu @ 1..=4096) => value.cpu = Some(cpu),
                _ => context.findings.push(errors::bad_value(
                    "`cpu` is a number of threads from 1",
                    "out of range",
                    expr.span,
                )),
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
                _ => context.findings.push(errors::bad_value(
                    "`attempts` is from 1 to 100",
                    "out of range",
                    arg.value.span,
                )),
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
                context.findings.push(errors::unknown_setting(
                    "retry",
                    name,
                    ["attempts", "backoff"].into_iter(),
                    span,
                ));
            }
        }
    }
    Some((attempts, initial, factor, longest))
}
