//! What expected columns depend on.

use crate::typed::{Definition, Features, FittedCall, TExpr, TKind};
use std::collections::{BTreeMap, BTreeSet};

/// The datasets that features read, base first, each once.
#[must_use]
pub fn datasets(features: &Features) -> Vec<String> {
    let mut all = vec![features.base.clone()];
    let windows = features.definitions.iter().map(|definition| &definition.expr);
    let windows = windows.chain(&features.filters).chain(&features.label_filters).flat_map(TExpr::windows);
    let sources = windows.filter_map(|call| call.source.as_ref()).map(|source| &source.dataset);
    for dataset in features.joins.iter().map(|join| &join.dataset).chain(sources) {
        if !all.contains(dataset) {
            all.push(dataset.clone());
        }
    }
    all
}

/// The names that these are made from, themselves included: definitions and columns.
#[must_use]
pub fn closure(features: &Features, names: &[String]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open: Vec<String> = names.to_vec();
    while let Some(name) = open.pop() {
        if !found.insert(name.clone()) {
            continue;
        }
        let defined = features.definitions.iter().filter(|definition| definition.name == name);
        open.extend(defined.flat_map(|definition| definition.expr.columns()));
    }
    found
}

/// The same with what the joins go by of which something is read, be it by another join.
fn with_joins(features: &Features, mut read: BTreeSet<String>) -> BTreeSet<String> {
    loop {
        let used = features.joins.iter().filter(|join| join.columns.iter().any(|(_, here)| read.contains(here)));
        let keys: Vec<String> = used.flat_map(|join| &join.on).flat_map(|(here, _)| here.columns()).collect();
        let known = read.len();
        read.extend(closure(features, &keys));
        if read.len() == known {
            return read;
        }
    }
}

/// Columns of each dataset that a row must have for these names to come out. Filters decide which rows come out at all,
/// so what they read is always needed; and so is the label, where rows without one are dropped. A join drops none, so what
/// it goes by is needed only where something of it is.
#[must_use]
pub fn needs(features: &Features, names: &[String], labelled: bool) -> BTreeMap<String, BTreeSet<String>> {
    let mut all = names.to_vec();
    all.extend(features.filters.iter().flat_map(TExpr::columns));
    all.extend(features.label_filters.iter().filter(|_| labelled).flat_map(TExpr::columns));
    all.extend(features.label.iter().filter(|_| labelled).map(|label| label.name.clone()));
    let read = with_joins(features, closure(features, &all));
    let mut needs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for join in &features.joins {
        let used: Vec<&String> =
            join.columns.iter().filter(|(_, here)| read.contains(here)).map(|(there, _)| there).collect();
        if !used.is_empty() {
            let of_dataset = needs.entry(join.dataset.clone()).or_default();
            of_dataset.extend(used.into_iter().cloned());
            of_dataset.extend(join.on.iter().map(|(_, there)| there.clone()));
            of_dataset
                .extend(join.known.iter().flat_map(|known| [&known.there].into_iter().chain(&known.until)).cloned());
        }
    }
    let definitions = features.definitions.iter().filter(|definition| read.contains(&definition.name));
    for call in definitions.flat_map(|definition| definition.expr.windows()) {
        if let Some(source) = &call.source {
            let of_dataset = needs.entry(source.dataset.clone()).or_default();
            of_dataset.extend(call.of_source().flat_map(TExpr::columns));
            of_dataset.insert(source.time.clone());
        }
    }
    let joined: Vec<&String> = features.joins.iter().flat_map(|join| &join.columns).map(|(_, here)| here).collect();
    let moment = crate::typed::SAMPLED_AT;
    let own = read.iter().filter(|name| !joined.contains(name) && *name != moment).cloned();
    let of_base = needs.entry(features.base.clone()).or_default();
    of_base.extend(own);
    // Windows, joins in time and samples go by the rows' own times and keys.
    let in_time = features.spine.is_some()
        || features.joins.iter().any(|join| join.known.is_some())
        || features.definitions.iter().any(|definition| !definition.expr.windows().is_empty());
    if in_time {
        of_base.extend(features.timestamp.iter().chain(&features.key).filter(|name| *name != moment).cloned());
        let spine = features.spine.iter().flat_map(|spine| spine.from.iter().cloned());
        of_base.extend(spine.collect::<Vec<_>>());
    }
    needs
}

/// The fitted calls of a definition, by the name under which the plan keeps what each has learned.
#[must_use]
pub fn fitted_calls(definition: &Definition) -> Vec<(String, &FittedCall)> {
    let mut found = Vec::new();
    match &definition.expr.kind {
        TKind::Fitted(call) => {
            call.fitted_on().for_each(|from| collect(&definition.name, from, &mut found));
            found.push((definition.name.clone(), &**call));
        }
        _ => collect(&definition.name, &definition.expr, &mut found),
    }
    found
}

fn collect<'a>(owner: &str, expr: &'a TExpr, found: &mut Vec<(String, &'a FittedCall)>) {
    let TKind::Fitted(call) = &expr.kind else {
        expr.children().into_iter().for_each(|child| collect(owner, child, found));
        return;
    };
    let base = format!("{owner}__{}", call.function);
    let taken = found.iter().filter(|(name, _)| *name == base || name.starts_with(&format!("{base}_"))).count();
    let name = if taken == 0 { base } else { format!("{base}_{}", taken + 1) };
    call.fitted_on().for_each(|from| collect(&name, from, found));
    found.push((name, call));
}
