//! `tracking` of a pipeline: where runs are recorded beside this machine. And addresses of MLflow servers, which registries
//! are too.

use super::Context;
use crate::consts::{dotted, literal};
use crate::entries::call_of;
use crate::errors;
use crate::library::setting;
use crate::typed::{Const, Tracker, Tracking};
use mlpc_syntax::ast::{Arg, BlockDecl, Entry, Expr};

/// The variable by which MLflow's own tools find their server.
pub const DEFAULT_SERVER: &str = "mlflow:$MLFLOW_TRACKING_URI";

const WANTED: &str = "`embedded`, `mlflow` or `mlflow(uri: env(\"MLFLOW_TRACKING_URI\"), experiment: \"name\")`";

/// The tracker of the selected profile, and all that some profile names: one lock serves them all.
pub fn tracking(
    context: &mut Context<'_>,
    declared: &BlockDecl,
    merged: &BlockDecl,
) -> (Option<Tracking>, Vec<Tracker>) {
    let selected = setting(merged, "tracking").and_then(|expr| read(context, expr));
    let profiles = declared.entries.iter().filter_map(|entry| match entry {
        Entry::Block(block) if block.kind.text == "profile" => Some(block),
        _ => None,
    });
    let named = std::iter::once(declared).chain(profiles).filter_map(|decl| setting(decl, "tracking"));
    let mut trackers: Vec<Tracker> = named.filter_map(tracker).collect();
    trackers.dedup();
    (selected, trackers)
}

fn tracker(expr: &Expr) -> Option<Tracker> {
    let name = dotted(expr).or_else(|| call_of(expr).map(|(name, _, _)| name));
    (name.as_deref() == Some("mlflow")).then_some(Tracker::Mlflow)
}

fn read(context: &mut Context<'_>, expr: &Expr) -> Option<Tracking> {
    let name = dotted(expr).or_else(|| call_of(expr).map(|(name, _, _)| name));
    match name.as_deref() {
        Some("embedded") => return None,
        Some("mlflow") => {}
        Some(name @ ("wandb" | "neptune")) => {
            context.findings.push(errors::not_supported(&format!("the tracker `{name}`"), expr.span));
            return None;
        }
        _ => {
            context.findings.push(errors::wrong_form("tracking", WANTED, expr.span));
            return None;
        }
    }
    let mut found = Tracking { tracker: Tracker::Mlflow, address: DEFAULT_SERVER.to_owned(), experiment: None };
    for arg in call_of(expr).map_or(&[][..], |(_, args, _)| args) {
        match arg.name.as_ref().map(|name| name.text.as_str()) {
            Some("uri") => found.address = address(context, "tracker", &arg.value)?,
            Some("experiment") => found.experiment = Some(experiment(context, &arg.value)?),
            _ => {
                unknown(context, arg);
                return None;
            }
        }
    }
    Some(found)
}

fn unknown(context: &mut Context<'_>, arg: &Arg) {
    let finding = match &arg.name {
        Some(name) => errors::unknown_setting("mlflow", &name.text, ["uri", "experiment"].into_iter(), name.span),
        None => errors::wrong_form("mlflow", "settings with their names, as `experiment: \"name\"`", arg.value.span),
    };
    context.findings.push(finding);
}

fn experiment(context: &mut Context<'_>, expr: &Expr) -> Option<String> {
    match literal(expr) {
        Some(Const::Str(name)) if !name.trim().is_empty() && !name.chars().any(char::is_control) => Some(name),
        _ => {
            context.findings.push(errors::wrong_form("experiment", "a name, as `\"flight-delay\"`", expr.span));
            None
        }
    }
}

/// The address of an MLflow server: written down, or in a variable of the environment. `of` is whose it is.
pub fn address(context: &mut Context<'_>, of: &str, expr: &Expr) -> Option<String> {
    if let Some((word, [Arg { name: None, value }], _)) = call_of(expr)
        && word == "env"
        && let Some(Const::Str(variable)) = literal(value)
        && is_variable(&variable)
    {
        return Some(format!("mlflow:${variable}"));
    }
    match literal(expr) {
        Some(Const::Str(uri)) if uri.contains('@') => {
            context.findings.push(errors::server_credentials(of, expr.span));
            None
        }
        Some(Const::Str(uri)) if uri.starts_with("http://") || uri.starts_with("https://") => {
            if uri.strip_prefix("http://").is_some_and(|rest| !is_this_machine(rest)) {
                context.findings.push(errors::plain_http(of, &uri, expr.span));
            }
            Some(format!("mlflow:{uri}"))
        }
        _ => {
            let wanted =
                "the address of a server, as `\"https://mlflow.example.com\"` or `env(\"MLFLOW_TRACKING_URI\")`";
            context.findings.push(errors::wrong_form("uri", wanted, expr.span));
            None
        }
    }
}

/// Whether an address without its scheme is one of this machine.
fn is_this_machine(rest: &str) -> bool {
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let name = host
        .strip_prefix('[')
        .map_or_else(|| host.split(':').next().unwrap_or_default(), |v6| v6.split(']').next().unwrap_or_default());
    matches!(name, "localhost" | "::1")
        || name.parse::<core::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

/// Whether a variable of the environment can have this name.
fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
