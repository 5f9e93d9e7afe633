//! A feature must not be made from the label: not by its name, nor from the one column that the label is made of.

use crate::blocks::Context;
use crate::errors;
use crate::silence::allows;
use crate::typed::{Definition, Features, Role};
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
        let hops = path
            .iter()
            .skip(1)
            .filter(|name| **name != label.name)
            .filter_map(|name| {
                let definition = value.definitions.iter().find(|other| other.name == *name)?;
                Some((definition.place(), format!("by way of `{name}`")))
            })
            .collect();
        let finding = errors::label_leakage(&feature.name, &label.name, feature.place(), label.place(), &path, hops);
        context.findings.push(finding);
        leaks.push(feature.name.clone());
        if !allows(decl, rule::label_leakage, &feature.name) {
            gone.push(feature.name.clone());
        }
    }
    value.inputs.retain(|input| !gone.contains(&input.name));
    leaks
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
    let mut ways = VecDeque::from([(feature, vec![feature.name.clone()])]);
    let mut seen = BTreeSet::from([feature.name.as_str()]);
    while let Some((definition, way)) = ways.pop_front() {
        for name in definition.expr.row_columns() {
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
