//! A feature must not be made from the label: not by its name, nor from the one column that the label is made of.

use crate::blocks::Context;
use crate::errors;
use crate::typed::{Definition, Features, Role};

/// Reports each feature that the label leads to, with the path.
pub fn check(context: &mut Context<'_>, value: &Features) {
    let Some(label) = value.definitions.iter().find(|definition| definition.role == Role::Label) else { return };
    let mut secret = vec![label.name.clone()];
    // A label made of one column alone tells that column, so the column tells the label.
    let mut sources: Vec<String> = Vec::new();
    source_columns(value, label, &mut sources);
    if let [only] = sources.as_slice()
        && *only != label.name
    {
        secret.push(only.clone());
    }
    for feature in value.definitions.iter().filter(|definition| definition.role == Role::Feature) {
        let mut path = vec![feature.name.clone()];
        if secret.contains(&feature.name) && feature.expr.columns() == [feature.name.clone()] {
            path.push(label.name.clone());
            context.findings.push(errors::label_leakage(&feature.name, &label.name, feature.span, label.span, &path));
        } else if leads(value, feature, &secret, &mut path) {
            if path.last() != Some(&label.name) {
                path.push(label.name.clone());
            }
            context.findings.push(errors::label_leakage(&feature.name, &label.name, feature.span, label.span, &path));
        }
    }
}

/// The source columns that a definition reads, through other definitions.
fn source_columns(value: &Features, definition: &Definition, into: &mut Vec<String>) {
    for name in definition.expr.columns() {
        match value.definitions.iter().find(|other| other.name == name && other.name != definition.name) {
            Some(other) => source_columns(value, other, into),
            None if !into.contains(&name) => into.push(name),
            None => {}
        }
    }
}

/// Whether `definition` reads a secret, through other definitions; `path` then ends in it.
fn leads(value: &Features, definition: &Definition, secret: &[String], path: &mut Vec<String>) -> bool {
    for name in definition.expr.columns() {
        if name == definition.name {
            continue;
        }
        path.push(name.clone());
        if secret.contains(&name) {
            return true;
        }
        let next = value.definitions.iter().find(|other| other.name == name);
        if next.is_some_and(|next| leads(value, next, secret, path)) {
            return true;
        }
        path.pop();
    }
    false
}
