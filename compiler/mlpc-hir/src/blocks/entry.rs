//! `schedule` and `notify` of whatever is an entry point: when it runs, and who is told how that ended.

use super::Context;
use crate::consts::{dotted, literal};
use crate::entries::call_of;
use crate::errors;
use crate::library::setting;
use crate::typed::{Const, Ending, Notify, Schedule};
use mlpc_syntax::ast::{BlockDecl, Expr, ExprKind};
use std::str::FromStr;

/// `schedule = cron("0 5 * * MON", timezone: "UTC")`, with `catch_up`.
pub fn schedule(context: &mut Context<'_>, decl: &BlockDecl) -> Option<Schedule> {
    let expr = setting(decl, "schedule")?;
    let catch_up = setting(decl, "catch_up").and_then(literal) == Some(Const::Bool(true));
    let mut schedule = Schedule { cron: String::new(), timezone: "UTC".to_owned(), catch_up };
    // Another call is reported as such.
    let (_, args, span) = call_of(expr).filter(|(name, _, _)| name == "cron")?;
    for arg in args {
        let name = arg.name.as_ref().map(|name| name.text.as_str());
        let Some(Const::Str(text)) = literal(&arg.value) else {
            context.findings.push(errors::wrong_form(name.unwrap_or("cron"), "a text", arg.value.span));
            return None;
        };
        let problem = match name {
            None => croner::Cron::from_str(&text).err().map(|error| format!("{text:?} is no cron expression: {error}")),
            Some("timezone") => jiff::tz::TimeZone::get(&text).err().map(|_| format!("there is no time zone {text:?}")),
            Some(other) => {
                let place = arg.name.as_ref().map_or(arg.value.span, |name| name.span);
                context.findings.push(errors::unknown_setting("cron", other, ["timezone"].into_iter(), place));
                return None;
            }
        };
        if let Some(message) = problem {
            context.findings.push(errors::bad_value(message, "makes no sense", arg.value.span));
            return None;
        }
        *(if name.is_none() { &mut schedule.cron } else { &mut schedule.timezone }) = text;
    }
    if schedule.cron.is_empty() {
        context.findings.push(errors::wrong_form("cron", "a cron expression, as `\"0 5 * * MON\"`", span));
        return None;
    }
    Some(schedule)
}

/// `notify = slack(webhook: secret("SLACK_WEBHOOK"), on: [failure])`, or a list of such.
pub fn notify(context: &mut Context<'_>, decl: &BlockDecl) -> Vec<Notify> {
    let Some(expr) = setting(decl, "notify") else { return Vec::new() };
    let each: Vec<&Expr> = match &expr.kind {
        ExprKind::List(items) => items.iter().collect(),
        _ => vec![expr],
    };
    each.into_iter().filter_map(|one| slack(context, one)).collect()
}

fn slack(context: &mut Context<'_>, expr: &Expr) -> Option<Notify> {
    const WANTED: &str = "`slack(webhook: secret(\"SLACK_WEBHOOK\"), on: [failure, gate_refused])`";
    let Some((_, args, span)) = call_of(expr).filter(|(name, _, _)| name == "slack") else {
        context.findings.push(errors::wrong_form("notify", WANTED, expr.span));
        return None;
    };
    let (mut webhook, mut on) = (None, vec![Ending::Failure]);
    for arg in args {
        match arg.name.as_ref().map(|name| name.text.as_str()) {
            Some("webhook") => webhook = Some(secret(context, &arg.value)?),
            Some("on") => on = endings(context, &arg.value)?,
            other => {
                let place = arg.name.as_ref().map_or(arg.value.span, |name| name.span);
                let known = ["webhook", "on"].into_iter();
                context.findings.push(errors::unknown_setting("slack", other.unwrap_or_default(), known, place));
                return None;
            }
        }
    }
    if webhook.is_none() {
        context.findings.push(errors::wrong_form("notify", WANTED, span));
    }
    Some(Notify { webhook: webhook?, on })
}

/// The name of `secret("NAME")`. The address of a webhook is as good as a password.
fn secret(context: &mut Context<'_>, expr: &Expr) -> Option<String> {
    let name = match call_of(expr).filter(|(name, _, _)| name == "secret") {
        Some((_, [only], _)) if only.name.is_none() => literal(&only.value),
        _ => None,
    };
    match name {
        Some(Const::Str(name)) if is_variable(&name) => Some(name),
        _ => {
            let wanted =
                "the name of a secret, as `secret(\"SLACK_WEBHOOK\")`: whoever has the address can write there";
            context.findings.push(errors::wrong_form("webhook", wanted, expr.span));
            None
        }
    }
}

/// Whether a text can be the name of a variable of the environment.
fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

fn endings(context: &mut Context<'_>, expr: &Expr) -> Option<Vec<Ending>> {
    let items: Vec<&Expr> = match &expr.kind {
        ExprKind::List(items) => items.iter().collect(),
        _ => vec![expr],
    };
    let ending = |item: &&Expr| {
        let word = dotted(item)?;
        Ending::NAMES.into_iter().find(|(name, _)| *name == word).map(|(_, ending)| ending)
    };
    let found: Option<Vec<Ending>> = items.iter().map(ending).collect();
    if found.as_ref().is_none_or(Vec::is_empty) {
        context.findings.push(errors::wrong_form("on", "a list of `success`, `failure` and `gate_refused`", expr.span));
        return None;
    }
    found
}
