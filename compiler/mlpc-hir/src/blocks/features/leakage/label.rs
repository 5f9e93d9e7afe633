//! A feature must not be made from the label: not by its name, nor from the one column that the label is made of.

use crate::blocks::Context;
use crate::errors::{self, Hop};
use crate::silence::allows;
use crate::typed::{Definition, Features, FittedCall, Role, TExpr};
use mlpc_diagnostics::rule;
use mlpc_syntax::ast::BlockDecl;
use std::collections::{BTreeSet, VecDeque};

/// Reports each feature that the label leads to, with the path, and gives their names. Windows look at other rows, so
/// a path does not lead through them.
pub fn check(context: &mut Context<'_>, decl: &BlockDecl, value: &mut Features) -> Vec<String> {
    let Some(label) = value.definitions.iter().find(|definition| definition.role == Role::Label) else {
        return Vec::new();
    };
    let mut secret = vec![label.name.clone()];
    // A label made of one column alone tells that column, so the column tells the label.
    let mut sources = BTreeSet::new();
    source_columns(value, label, &mut BTreeSet::new(), &mut sources);
    secret.extend(sources.pop_first().filter(|only| sources.is_empty() && *only != label.name));
    let (mut leaks, mut gone) = (Vec::new(), Vec::new());
    let features = value.definitions.iter().filter(|definition| definition.role == Role::Feature);
    for feature in features.filter(|feature| feature.owner.is_none() || label.owner.is_none()) {
        let Some(mut path) = way_to(value, feature, &secret) else { continue };
        if path.last() != Some(&label.name) {
            path.push(label.name.clone());
        }
        let hops = hops(value, path.iter().skip(1), &label.name);
        let finding = errors::label_leakage(&feature.name, &label.name, feature.place(), label.place(), &path, hops);
        context.findings.push(finding);
        leaks.push(feature.name.clone());
        if !allows(decl, rule::label_leakage, &feature.name) {
            gone.push(feature.name.clone());
        }
    }
    for told in own_statistics(context, value, label, &secret, &leaks) {
        if !allows(decl, rule::own_label_statistic, &told) {
            gone.push(told);
        }
    }
    value.inputs.retain(|input| !gone.contains(&input.name));
    leaks
}

/// Reports each feature that holds a statistic of the label over rows among which the row itself is, and gives their
/// names.
fn own_statistics(
    context: &mut Context<'_>,
    value: &Features,
    label: &Definition,
    secret: &[String],
    leaks: &[String],
) -> Vec<String> {
    let mut found = Vec::new();
    let of_block = |definition: &&Definition| definition.owner.is_none() || label.owner.is_none();
    for definition in value.definitions.iter().filter(of_block).filter(|definition| !leaks.contains(&definition.name)) {
        let told = definition.expr.fits().into_iter().flat_map(FittedCall::tells_own);
        let Some(path) = told.filter_map(|read| way(value, read, Vec::new(), "", secret)).next() else { continue };
        let hops = hops(value, path.iter(), &label.name);
        let finding =
            errors::own_label_statistic(&definition.name, &label.name, definition.place(), label.place(), hops);
        context.findings.push(finding);
        found.push(definition.name.clone());
    }
    found
}

/// The definitions on a path, each with its place.
fn hops<'a>(value: &Features, path: impl Iterator<Item = &'a String>, label: &str) -> Vec<Hop> {
    path.filter(|name| *name != label)
        .filter_map(|name| {
            let definition = value.definitions.iter().find(|other| other.name == *name)?;
            Some((definition.place(), format!("by way of `{name}`")))
        })
        .collect()
}

/// The source columns that a definition reads in its own row, through other definitions.
fn source_columns<'a>(
    value: &'a Features,
    definition: &'a Definition,
    seen: &mut BTreeSet<&'a str>,
    into: &mut BTreeSet<String>,
) {
    for name in definition.expr.row_columns() {
        match value.definitions.iter().find(|other| other.name == name && other.name != definition.name) {
            Some(other) if seen.insert(&other.name) => source_columns(value, other, seen, into),
            Some(_) => {}
            None => {
                into.insert(name);
            }
        }
    }
}

/// How a feature leads to a secret, through other definitions: from its name to the secret's.
fn way_to(value: &Features, feature: &Definition, secret: &[String]) -> Option<Vec<String>> {
    way(value, &feature.expr, vec![feature.name.clone()], &feature.name, secret)
}

/// How an expression, which stands in the definition `owner`, leads to a secret.
fn way(value: &Features, expr: &TExpr, start: Vec<String>, owner: &str, secret: &[String]) -> Option<Vec<String>> {
    let mut ways = VecDeque::from([(owner, expr, start)]);
    let mut seen = BTreeSet::from([owner]);
    while let Some((owner, expr, way)) = ways.pop_front() {
        for name in expr.row_columns() {
            // `column x` reads the column of its own name.
            let own = name == owner;
            let next: Vec<String> = way.iter().cloned().chain((!own).then(|| name.clone())).collect();
            if secret.contains(&name) {
                return Some(next);
            }
            let other = value.definitions.iter().find(|other| other.name == name && !own);
            ways.extend(
                other.filter(|other| seen.insert(&other.name)).map(|other| (other.name.as_str(), &other.expr, next)),
            );
        }
    }
    None
}
