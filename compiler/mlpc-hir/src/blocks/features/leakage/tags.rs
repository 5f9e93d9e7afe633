//! Tagged data that would reach a model.

use crate::blocks::Context;
use crate::blocks::features::facts::shape_of;
use crate::blocks::features::scope::FeatureScope;
use crate::errors::{self, Hop};
use crate::typed::{Definition, Features, Role, TExpr};
use mlpc_db::Place;

/// A pseudonym may be learned from; what it stands for is not told.
pub const PSEUDONYM: &str = "pseudonym";

/// Reports each model input that is tagged, with where the tag comes from. `reported` are features that are wrong
/// anyway.
pub fn check(context: &mut Context<'_>, scope: &FeatureScope, value: &Features, reported: &[String]) {
    for feature in value.definitions.iter().filter(|definition| definition.role == Role::Feature) {
        let tags: Vec<String> = feature.facts.tags.iter().filter(|tag| *tag != PSEUDONYM).cloned().collect();
        if tags.is_empty() || feature.owner.is_some() || reported.contains(&feature.name) {
            continue;
        }
        let hops = hops(context, scope, value, feature);
        context.findings.push(errors::tagged_flow(&feature.name, "the model", &tags, feature.place(), hops));
    }
}

/// The definitions and the tagged columns by way of which a feature gets its tags.
fn hops(context: &Context<'_>, scope: &FeatureScope, value: &Features, feature: &Definition) -> Vec<Hop> {
    let mut hops: Vec<Hop> = Vec::new();
    let mut queue: Vec<&Definition> = vec![feature];
    let mut seen: Vec<&str> = vec![&feature.name];
    while let Some(definition) = queue.pop() {
        for call in definition.expr.windows() {
            let Some(source) = &call.source else { continue };
            let Some(shape) = shape_of(context.db, &source.block) else { continue };
            let read = call.value.iter().flat_map(TExpr::columns).filter_map(|name| shape.column(&name));
            for column in read.filter(|column| !column.tags.is_empty()) {
                hops.push((
                    Place::There(source.block.clone(), column.name.clone()),
                    tagged(&column.name, &column.tags),
                ));
            }
        }
        for name in definition.expr.columns() {
            let other = value.definitions.iter().find(|other| other.name == name && other.name != definition.name);
            match other {
                Some(other) if !other.facts.tags.is_empty() && !seen.contains(&other.name.as_str()) => {
                    seen.push(&other.name);
                    hops.push((other.place(), format!("by way of `{name}`")));
                    queue.push(other);
                }
                Some(_) => {}
                None => {
                    let origin = scope.origin(&name).filter(|origin| !origin.column.tags.is_empty());
                    hops.extend(origin.map(|origin| {
                        let column = origin.column;
                        (Place::There(origin.block.clone(), column.name.clone()), tagged(&column.name, &column.tags))
                    }));
                }
            }
        }
    }
    hops
}

fn tagged(name: &str, tags: &[String]) -> String {
    let tags: Vec<String> = tags.iter().map(|tag| format!("@{tag}")).collect();
    format!("`{name}` is {}", tags.join(" "))
}
