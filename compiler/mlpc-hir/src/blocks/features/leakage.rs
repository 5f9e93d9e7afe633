//! What must not reach a model: the label, what is known only later, tagged data, rows chosen by the future.

mod label;
mod late;
mod tags;

pub use late::required_gap;
pub use tags::PSEUDONYM;

use super::scope::FeatureScope;
use crate::blocks::Context;
use crate::errors;
use crate::typed::{Features, Frame, Role, WindowCall};
use mlpc_db::Place;
use mlpc_syntax::ast::BlockDecl;

/// Reports each leak once, and takes features that would not be there out of the inputs: nothing more is to be said of
/// them.
pub fn check(context: &mut Context<'_>, decl: &BlockDecl, scope: &FeatureScope, value: &mut Features) {
    let leaks = label::check(context, decl, value);
    let late = late::check(context, decl, scope, value, &leaks);
    tags::check(context, scope, value, &late);
    roles(context, decl, scope, value);
}

/// A step runs under one role, so that all that it reads must be open to it.
fn roles(context: &mut Context<'_>, decl: &BlockDecl, scope: &FeatureScope, value: &Features) {
    let mut roles: Vec<(String, Place)> = Vec::new();
    let mut add = |role: Option<&String>, place: Place| {
        if let Some(role) = role
            && !roles.iter().any(|(known, _)| known == role)
        {
            roles.push((role.clone(), place));
        }
    };
    if let Some((_, block)) = &scope.base_block {
        add(scope.role.as_ref(), Place::There(block.clone(), "access".to_owned()));
    }
    for joined in &scope.joined {
        add(joined.role.as_ref(), Place::There(joined.block.clone(), "access".to_owned()));
    }
    for source in windows(value).filter_map(|call| call.source.as_ref()) {
        let role = super::shape_of(context.db, &source.block).and_then(|shape| shape.role.as_ref());
        add(role, Place::There(source.block.clone(), "access".to_owned()));
    }
    if roles.len() > 1 {
        let names: Vec<String> = roles.iter().map(|(role, _)| role.clone()).collect();
        let hops = roles.into_iter().map(|(role, place)| (place, format!("read under `{role}`"))).collect();
        let (name, span) = decl.name.as_ref().map_or((String::new(), decl.header), |name| (name.text(), name.span()));
        context.findings.push(errors::several_roles(&name, &names, Place::Here(span), hops));
    }
}

/// Every window of a features block.
fn windows(value: &Features) -> impl Iterator<Item = &WindowCall> {
    let exprs = value.definitions.iter().map(|definition| &definition.expr);
    exprs.chain(&value.filters).chain(&value.label_filters).flat_map(|expr| expr.windows())
}

/// What relates the rows of features to others in time, if anything does, with its name.
#[must_use]
pub fn temporal(value: &Features) -> Option<(String, String)> {
    let mut windows = value.definitions.iter().filter(|definition| !definition.expr.windows().is_empty());
    if let Some(definition) = windows.next() {
        let ahead = definition.expr.windows().iter().any(|call| matches!(call.frame, Frame::Ahead { .. }));
        let what = match (definition.role, ahead) {
            (Role::Label, true) => "a label that looks ahead",
            _ => "a window",
        };
        return Some((what.to_owned(), definition.name.clone()));
    }
    let asof = value.joins.iter().find(|join| join.known.as_ref().is_some_and(|known| known.latest))?;
    Some(("an as-of join".to_owned(), asof.dataset.clone()))
}

/// The columns by which each window groups rows, each of these sets once.
#[must_use]
pub fn grouped_by(value: &Features) -> Vec<Vec<String>> {
    let mut groups: Vec<Vec<String>> = Vec::new();
    for call in windows(value) {
        let group: Vec<String> = call.by.iter().flat_map(|(here, _)| here.columns()).collect();
        if !group.is_empty() && !groups.contains(&group) {
            groups.push(group);
        }
    }
    groups
}
