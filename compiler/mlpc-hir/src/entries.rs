//! Checks the entries of any block against its table: known settings and statements, each once, of the right form.

use crate::consts::{dotted, literal};
use crate::errors;
use crate::silence::check_allow;
use crate::specs::{Content, NestedSpec, SettingSpec, ValueForm};
use crate::typed::{Const, Finding};
use mlpc_db::Place;
use mlpc_diagnostics::{Span, did_you_mean};
use mlpc_syntax::ast::{BlockDecl, Entry, Expr, ExprKind, Statement};
use std::collections::HashMap;

/// Checks the entries of a block, nested blocks included.
pub fn check_entries(decl: &BlockDecl, content: &Content, findings: &mut Vec<Finding>) {
    let block = decl.kind.text.as_str();
    let mut seen: HashMap<String, Span> = HashMap::new();
    for entry in &decl.entries {
        if let Some((name, span)) = defined(entry)
            && let Some(first) = seen.insert(name.clone(), span)
        {
            findings.push(errors::duplicate(&name, span, Place::Here(first)));
        }
        check_entry(block, entry, content, findings);
    }
    for setting in content.settings.iter().filter(|setting| setting.required) {
        if is_missing(decl, setting.name) {
            findings.push(errors::missing_setting(block, setting.name, setting.doc, decl.header));
        }
    }
}

/// Whether a part of the block could not be parsed, so that what seems to be missing may be there.
#[must_use]
pub fn has_errors(decl: &BlockDecl) -> bool {
    decl.entries.iter().any(|entry| matches!(entry, Entry::Error(_)))
}

/// Whether a block lacks a setting or nested block: it is not there under its own name, nor under one near to it, which
/// is reported as such, nor can it be in a part that cannot be read.
#[must_use]
pub fn is_missing(decl: &BlockDecl, name: &str) -> bool {
    let there = decl
        .entries
        .iter()
        .filter_map(defined)
        .any(|(found, _)| found == name || did_you_mean(&found, [name]).is_some());
    !there && !has_errors(decl)
}

/// The name that an entry defines, where it may be defined once only.
fn defined(entry: &Entry) -> Option<(String, Span)> {
    match entry {
        Entry::Setting { name, .. } => Some((name.text(), name.span)),
        Entry::Field(field) => Some((field.name.text.clone(), field.name.span)),
        Entry::Search { name, .. } => Some((name.text(), name.span)),
        Entry::Bare(name) => Some((name.text.clone(), name.span)),
        Entry::Block(block) if block.name.is_none() => Some((block.kind.text.clone(), block.kind.span)),
        Entry::Block(block) => {
            let name = block.name.as_ref()?;
            Some((format!("{} {}", block.kind.text, name.text()), name.span()))
        }
        _ => None,
    }
}

fn check_entry(block: &str, entry: &Entry, content: &Content, findings: &mut Vec<Finding>) {
    let misplaced = |what: &str, span: Span| errors::misplaced(what, block, span);
    match entry {
        Entry::Error(_) => {}
        Entry::Setting { .. } if content.open => {}
        Entry::Setting { name, value, .. } => {
            match content.settings.iter().find(|setting| setting.name == name.text()) {
                Some(setting) => check_form(setting, value, findings),
                None => {
                    let known = content.settings.iter().map(|setting| setting.name);
                    findings.push(errors::unknown_setting(block, &name.text(), known, name.span));
                }
            }
        }
        Entry::Field(field) if !content.fields => findings.push(misplaced("a field", field.span)),
        Entry::Search { span, .. } if !content.search => findings.push(misplaced("a search dimension", *span)),
        Entry::Statement(statement) => check_statement(block, statement, content, findings),
        Entry::Expression(expr) if !content.expressions => findings.push(misplaced("a bare expression", expr.span)),
        Entry::Spread(path) if !content.spreads => findings.push(misplaced("a spread", path.span)),
        Entry::Bare(name) if content.fields => findings.push(errors::bare_field(&name.text, block, name.span)),
        Entry::Bare(name) if !content.bare => findings.push(misplaced(&format!("`{}` alone", name.text), name.span)),
        Entry::Block(nested) => check_nested(block, nested, content.nested, findings),
        _ => {}
    }
}

fn check_statement(block: &str, statement: &Statement, content: &Content, findings: &mut Vec<Finding>) {
    let keyword = statement.keyword.text.as_str();
    check_allow(statement, findings);
    if keyword != "allow" && !content.statements.contains(&keyword) {
        let what = format!("the statement `{keyword}`");
        findings.push(errors::misplaced(&what, block, statement.keyword.span));
    }
}

fn check_nested(block: &str, nested: &BlockDecl, known: &[NestedSpec], findings: &mut Vec<Finding>) {
    match known.iter().find(|spec| spec.keyword == nested.kind.text) {
        Some(spec) => check_entries(nested, spec.content, findings),
        None => {
            let known = known.iter().map(|spec| spec.keyword);
            findings.push(errors::unknown_setting(block, &nested.kind.text, known, nested.kind.span));
        }
    }
}

fn check_form(setting: &SettingSpec, value: &Expr, findings: &mut Vec<Finding>) {
    let wanted = match &setting.value {
        ValueForm::Any => None,
        _ if matches!(value.kind, ExprKind::Error) => None,
        ValueForm::Text => unless(matches!(value.kind, ExprKind::Str(_) | ExprKind::Interpolated(_)), "a text"),
        ValueForm::Texts => {
            let texts = |items: &[Expr]| items.iter().all(|item| matches!(item.kind, ExprKind::Str(_)));
            unless(matches!(&value.kind, ExprKind::List(items) if texts(items)), "a list of texts")
        }
        ValueForm::Int => unless(matches!(literal(value), Some(Const::Int(_))), "an integer"),
        ValueForm::Bool => unless(matches!(value.kind, ExprKind::Bool(_)), "`true` or `false`"),
        ValueForm::Duration => unless(matches!(literal(value), Some(Const::Duration(_))), "a duration, as `2h`"),
        ValueForm::Word(words) => {
            let known = matches!(&value.kind, ExprKind::Name(word) if words.contains(&word.as_str()));
            unless(known, &format!("one of {}", mlpc_diagnostics::list_words(words.iter().copied(), "or")))
        }
        ValueForm::Name | ValueForm::Block => unless(dotted(value).is_some(), "a name"),
        ValueForm::Names | ValueForm::Blocks => unless(names(value).is_some(), "a name or a list of names"),
        ValueForm::Call(calls) => {
            let wanted = format!("a call of {}", mlpc_diagnostics::list_words(calls.iter().copied(), "or"));
            unless(is_call_of(value, calls), &wanted)
        }
        ValueForm::Calls(calls) => {
            let items = if let ExprKind::List(items) = &value.kind { items } else { std::slice::from_ref(value) };
            let wrong = items.iter().find(|item| !is_call_of(item, calls));
            let wanted = mlpc_diagnostics::list_words(calls.iter().copied(), "or");
            if let Some(item) = wrong {
                let wanted = format!("a call of {wanted}, or a list of such");
                findings.push(errors::wrong_form(setting.name, &wanted, item.span));
            }
            None
        }
    };
    if let Some(wanted) = wanted {
        findings.push(errors::wrong_form(setting.name, &wanted, value.span));
    }
}

fn is_call_of(value: &Expr, calls: &[&str]) -> bool {
    let ExprKind::Call(callee, _) = &value.kind else { return false };
    dotted(callee).is_some_and(|name| calls.contains(&name.as_str()))
}

fn unless(fine: bool, wanted: &str) -> Option<String> {
    (!fine).then(|| wanted.to_owned())
}

/// A name or a list of names, each with its place.
#[must_use]
pub fn names(value: &Expr) -> Option<Vec<(String, Span)>> {
    match &value.kind {
        ExprKind::List(items) => items.iter().map(|item| dotted(item).map(|name| (name, item.span))).collect(),
        _ => dotted(value).map(|name| vec![(name, value.span)]),
    }
}

/// The name and arguments of a call, or of a bare name, which is a call without arguments.
#[must_use]
pub fn call_of(value: &Expr) -> Option<(String, &[mlpc_syntax::ast::Arg], Span)> {
    match &value.kind {
        ExprKind::Call(callee, args) => Some((dotted(callee)?, args, callee.span)),
        _ => Some((dotted(value)?, &[], value.span)),
    }
}
