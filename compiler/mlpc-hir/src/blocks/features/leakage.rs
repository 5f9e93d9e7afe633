//! A feature must not be made from the label: not by its name, nor from the one column that the label is made of.

use crate::blocks::Context;
use crate::errors;
use crate::library::body;
use crate::silence::allows;
use crate::typed::{Definition, Features, Role};
use mlpc_diagnostics::rule;
use std::collections::{BTreeSet, VecDeque};

/// Reports each feature that the label leads to, with the path, and takes it out of the inputs: nothing more is to be
/// said of it.
pub fn check(context: &mut Context<'_>, value: &mut Features) {
    let Some(label) = value.definitions.iter().find(|definition| definition.role == Role::Label) else { return };
    let mut secret = vec![label.name.clone()];
    // A label made of one column alone tells that column, so the column tells the label.
    let mut sources = BTreeSet::new();
    source_columns(value, label, &mut BTreeSet::new(), &mut sources);
    secret.extend(sources.pop_first().filter(|only| sources.is_empty() && *only != label.name));
    let decl = body(context.db, context.block);
    let mut leaks = Vec::new();
    for feature in value.definitions.iter().filter(|definition| definition.role == Role::Feature) {
        let Some(mut path) = way_to(value, feature, &secret) else { continue };
        if path.last() != Some(&label.name) {
            path.push(label.name.clone());
        }
        context.findings.push(errors::label_leakage(&feature.name, &label.name, feature.span, label.span, &path));
        if !decl.is_some_and(|decl| allows(decl, rule::label_leakage, &feature.name)) {
            leaks.push(feature.name.clone());
        }
    }
    value.inputs.retain(|input| !leaks.contains(&input.name));
}

/// The source columns that a definition reads, through other definitions.
fn source_columns<'a>(
    value: &'a Features,
    definition: &'a Definition,
    seen: &mut BTreeSet<&'a str>,
    into: &mut BTreeSet<String>,
) {
    for name in definition.expr.columns() {
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
    let mut ways = VecDeque::from([(feature, vec![feature.name.clone()])]);
    let mut seen = BTreeSet::from([feature.name.as_str()]);
    while let Some((definition, way)) = ways.pop_front() {
        for name in definition.expr.columns() {
            // `column x` reads the column of its own name.
            let own = name == definition.name;
            let next: Vec<String> = way.iter().cloned().chain((!own).then(|| name.clone())).collect();
            if secret.contains(&name) {
                return Some(next);
            }
            let other = value.definitions.iter().find(|other| other.name == name && !own);
            ways.extend(other.filter(|other| seen.insert(&other.name)).map(|other| (other, next)));
        }
    }
    None
}
