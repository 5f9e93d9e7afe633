//! `schedule` of whatever is an entry point: when it runs.

use super::Context;
use crate::consts::literal;
use crate::entries::call_of;
use crate::errors;
use crate::library::setting;
use crate::typed::{Const, Schedule};
use mlpc_syntax::ast::BlockDecl;
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
