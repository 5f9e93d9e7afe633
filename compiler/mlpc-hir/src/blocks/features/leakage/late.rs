//! What is known only after the prediction: features, filters, and how far parts in time must be apart.

use crate::blocks::Context;
use crate::blocks::features::facts::shape_of;
use crate::blocks::features::scope::FeatureScope;
use crate::errors::{self, Hop, duration};
use crate::silence::allows;
use crate::typed::{Definition, Features, Frame, Role, TExpr, TKind, WindowCall};
use mlpc_db::{BlockRef, Place};
use mlpc_diagnostics::rule;
use mlpc_syntax::ast::BlockDecl;

/// Reports features and filters that are known too late. `leaks` are features that are reported already; gives all
/// that are now.
pub fn check(
    context: &mut Context<'_>,
    decl: &BlockDecl,
    scope: &FeatureScope,
    value: &mut Features,
    leaks: &[String],
) -> Vec<String> {
    let mut reported = leaks.to_vec();
    let mut gone = Vec::new();
    for feature in value.definitions.iter().filter(|definition| definition.role == Role::Feature) {
        let late = feature.facts.known_ms > 0 && feature.owner.is_none() && !reported.contains(&feature.name);
        if !late {
            continue;
        }
        let way = Way { context, scope, value };
        let mut names = vec![feature.name.clone()];
        let mut hops = Vec::new();
        way.follow(&feature.expr, &feature.name, &mut names, &mut hops);
        let finding = errors::future_leakage(&feature.name, feature.place(), feature.facts.known_ms, hops, &names);
        context.findings.push(finding);
        reported.push(feature.name.clone());
        if !allows(decl, rule::future_leakage, &feature.name) {
            gone.push(feature.name.clone());
        }
    }
    value.inputs.retain(|input| !gone.contains(&input.name));
    filters(context, scope, value);
    reported
}

/// Rows may be chosen by what is known later only where the label depends on it: those rows have no label then.
fn filters(context: &mut Context<'_>, scope: &FeatureScope, value: &Features) {
    let label = value.definitions.iter().find(|definition| definition.role == Role::Label);
    let of_label = |dataset: &str, column: &str| {
        label.is_some_and(|label| label.facts.sources.iter().any(|(d, c)| d == dataset && c == column))
    };
    for filter in &value.label_filters {
        let late = filter.columns().into_iter().find_map(|name| {
            let origin = scope.origin(&name).filter(|origin| origin.known_ms > 0)?;
            let own = of_label(origin.dataset, &origin.column.name);
            (!own).then(|| (name, origin.known_ms, Place::There(origin.block.clone(), origin.column.name.clone())))
        });
        if let Some((name, known_ms, source)) = late {
            let label = label.map(|label| (label.name.as_str(), label.place()));
            context.findings.push(errors::selection_bias(&name, known_ms, filter.span, source, label));
        }
    }
}

/// How far parts in time must be apart, in milliseconds, and why: labels of the earlier part must be known when the
/// later one starts, and so must all that columns are fitted on.
#[must_use]
pub fn required_gap(value: &Features) -> (i64, String) {
    let label = value.definitions.iter().find(|definition| definition.role == Role::Label);
    let of_label = label.map(|label| (label.facts.known_ms, format!("the label `{}`", label.name)));
    let fitted = value.definitions.iter().filter(|definition| definition.facts.fitted_ms > 0);
    let of_fitted = fitted.map(|fitted| (fitted.facts.fitted_ms, format!("what `{}` is fitted on", fitted.name)));
    let all = of_label.into_iter().chain(of_fitted);
    let latest = all.reduce(|latest, next| if next.0 > latest.0 { next } else { latest });
    latest
        .filter(|(ms, _)| *ms > 0)
        .map_or((0, String::new()), |(ms, what)| (ms, format!("{what} is known {} after its row", duration(ms))))
}

/// Follows what makes a value late to its source.
struct Way<'a> {
    context: &'a Context<'a>,
    scope: &'a FeatureScope,
    value: &'a Features,
}

impl Way<'_> {
    fn follow(&self, expr: &TExpr, of: &str, names: &mut Vec<String>, hops: &mut Vec<Hop>) {
        match &expr.kind {
            TKind::Column(name) => self.column(name, of, names, hops),
            TKind::Window(call) => self.window(call, expr, names, hops),
            _ => {
                let latest = expr
                    .children()
                    .into_iter()
                    .max_by_key(|child| (self.known_ms(child), std::cmp::Reverse(child.span)));
                if let Some(latest) = latest {
                    self.follow(latest, of, names, hops);
                }
            }
        }
    }

    fn column(&self, name: &str, of: &str, names: &mut Vec<String>, hops: &mut Vec<Hop>) {
        let definition = self.value.definitions.iter().find(|other| other.name == name && name != of);
        if let Some(definition) = definition {
            names.push(name.to_owned());
            hops.push((definition.place(), format!("by way of `{name}`")));
            self.follow(&definition.expr, name, names, hops);
        } else if let Some(origin) = self.scope.origin(name) {
            names.push(format!("{}.{}", origin.dataset, origin.column.name));
            let text = format!("`{}` is known after {}", origin.column.name, duration(origin.known_ms));
            hops.push((Place::There(origin.block.clone(), origin.column.name.clone()), text));
        }
    }

    fn window(&self, call: &WindowCall, expr: &TExpr, names: &mut Vec<String>, hops: &mut Vec<Hop>) {
        if let Frame::Ahead { ms, .. } = call.frame {
            hops.push((Place::Here(expr.span), format!("looks {} ahead", duration(ms))));
            return;
        }
        let row = call.of_row().max_by_key(|row| self.known_ms(row));
        if let Some(row) = row {
            hops.push((Place::Here(row.span), "this row's own value".to_owned()));
            self.follow(row, "", names, hops);
        } else if let Some(source) = &call.source {
            self.source(&source.block, call, hops);
        }
    }

    fn source(&self, block: &BlockRef, call: &WindowCall, hops: &mut Vec<Hop>) {
        let Some(shape) = shape_of(self.context.db, block) else { return };
        let columns = call.value.iter().chain(&call.filter).flat_map(TExpr::columns);
        if let Some(latest) = columns.max_by_key(|name| shape.known_ms(name)) {
            let text = format!("`{latest}` is known after {}", duration(shape.known_ms(&latest)));
            hops.push((Place::There(block.clone(), latest), text));
        }
    }

    fn known_ms(&self, expr: &TExpr) -> i64 {
        let defined = |definition: &Definition| (definition.name.clone(), definition.facts.clone());
        let knowledge = crate::blocks::features::facts::Knowledge {
            db: self.context.db,
            file: self.context.file,
            scope: self.scope,
            defined: self.value.definitions.iter().map(defined).collect(),
        };
        knowledge.of(expr).known_ms
    }
}
