//! What is known of values before anything runs: their sources, when they are known, their tags, who may read them.

use super::scope::FeatureScope;
use crate::library::fn_signature;
use crate::names::{Space, resolve};
use crate::typed::{DatasetShape, Facts, FittedCall, Frame, TExpr, TKind, WindowCall};
use mlpc_db::{BlockRef, Db, SourceFile};
use std::collections::BTreeMap;

/// What a value's facts are made from.
pub struct Knowledge<'a> {
    /// The database.
    pub db: &'a dyn Db,
    /// The file whose names are seen.
    pub file: SourceFile,
    /// Columns of the table.
    pub scope: &'a FeatureScope,
    /// Facts of definitions so far.
    pub defined: BTreeMap<String, Facts>,
}

impl Knowledge<'_> {
    /// The facts of an expression.
    pub fn of(&self, expr: &TExpr) -> Facts {
        match &expr.kind {
            TKind::Column(name) => self.column(name),
            TKind::Window(call) => self.window(call),
            TKind::Fitted(call) => {
                let mut facts = if call.aggregate { self.groups(call) } else { self.all(expr.children()) };
                facts.fitted = true;
                let fitted_on = call.fitted_on().map(|arg| self.of(arg).known_ms).max().unwrap_or_default();
                facts.fitted_ms = facts.fitted_ms.max(fitted_on);
                self.retag(&call.function, facts)
            }
            TKind::Call { function, .. } => self.retag(function, self.all(expr.children())),
            _ => self.all(expr.children()),
        }
    }

    fn column(&self, name: &str) -> Facts {
        if let Some(facts) = self.defined.get(name) {
            return facts.clone();
        }
        let Some(origin) = self.scope.origin(name) else { return Facts::default() };
        Facts {
            sources: vec![(origin.dataset.to_owned(), origin.column.name.clone())],
            known_ms: origin.known_ms,
            tags: origin.column.tags.clone(),
            roles: origin.role.into_iter().cloned().collect(),
            ..Facts::default()
        }
    }

    fn all<'a>(&self, exprs: impl IntoIterator<Item = &'a TExpr>) -> Facts {
        let mut facts = Facts::default();
        for expr in exprs {
            facts.add(self.of(expr));
        }
        facts
    }

    /// What an aggregate gives: keys decide and do not taint, and a count tells nothing of what it counts.
    fn window(&self, call: &WindowCall) -> Facts {
        let mut facts = match &call.source {
            Some(source) => of_dataset(self.db, &source.block, &source.dataset, call),
            None => self.all(call.value.iter()),
        };
        let value_known = facts.known_ms;
        if call.aggregate == "count" {
            facts.tags.clear();
        }
        let row = self.all(call.of_row());
        facts.known_ms = match call.frame {
            // A lag that is too short is reported where it is written.
            Frame::Back { .. } => row.known_ms,
            Frame::Ahead { ms, .. } => row.known_ms.max(value_known + ms),
        };
        facts.roles.extend(row.roles.into_iter().filter(|role| !facts.roles.contains(role)).collect::<Vec<_>>());
        facts
    }

    /// An aggregate that was learned is known when its keys are. What it has learned is kept by their values, so that
    /// they taint it, as what was aggregated does unless it was only counted.
    fn groups(&self, call: &FittedCall) -> Facts {
        let keys = self.all(call.args.values().flatten());
        let mut facts = self.all(call.learned_from.get("value"));
        if call.function == "count" {
            facts.tags.clear();
        }
        facts.known_ms = keys.known_ms;
        merge(&mut facts.tags, keys.tags);
        merge(&mut facts.roles, keys.roles);
        facts
    }

    /// What a function does to tags: its own `tags` say so.
    fn retag(&self, function: &str, mut facts: Facts) -> Facts {
        if facts.tags.is_empty() {
            return facts;
        }
        let signature = resolve(self.db, self.file, Space::Function, function)
            .and_then(|block| fn_signature(self.db, block).as_ref());
        match signature.and_then(|signature| signature.tags.as_deref()) {
            Some("removed") => facts.tags.clear(),
            Some("pseudonym") => {
                for tag in facts.tags.iter_mut().filter(|tag| *tag == "pii") {
                    "pseudonym".clone_into(tag);
                }
            }
            _ => {}
        }
        facts
    }
}

impl Facts {
    /// Takes over another value's facts: a value is known when its last input is.
    pub fn add(&mut self, other: Self) {
        merge(&mut self.sources, other.sources);
        merge(&mut self.tags, other.tags);
        merge(&mut self.roles, other.roles);
        self.known_ms = self.known_ms.max(other.known_ms);
        self.fitted |= other.fitted;
        self.fitted_ms = self.fitted_ms.max(other.fitted_ms);
    }
}

fn merge<T: PartialEq>(into: &mut Vec<T>, from: Vec<T>) {
    for item in from {
        if !into.contains(&item) {
            into.push(item);
        }
    }
}

/// Facts of an aggregate's value over another dataset, without its frame.
fn of_dataset(db: &dyn Db, block: &BlockRef, dataset: &str, call: &WindowCall) -> Facts {
    let mut facts = Facts::default();
    let Some(shape) = shape_of(db, block) else { return facts };
    let time = shape.timestamp.as_ref().map(|time| shape.known_ms(time)).unwrap_or_default();
    facts.known_ms = time;
    facts.roles.extend(shape.role.clone());
    for name in call.value.iter().chain(&call.filter).flat_map(TExpr::columns) {
        facts.known_ms = facts.known_ms.max(shape.known_ms(&name));
    }
    for column in call.value.iter().flat_map(TExpr::columns).filter_map(|name| shape.column(&name)) {
        merge(&mut facts.sources, vec![(dataset.to_owned(), column.name.clone())]);
        merge(&mut facts.tags, column.tags.clone());
    }
    facts
}

/// The shape of the dataset that a reference names.
pub fn shape_of<'db>(db: &'db dyn Db, block: &BlockRef) -> Option<&'db DatasetShape> {
    let found = mlpc_db::block_at(db, mlpc_db::Project::get(db).files(db), block)?;
    Some(crate::blocks::dataset::dataset_shape(db, found))
}
