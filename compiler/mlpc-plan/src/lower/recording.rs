//! A test that is to be made from real rows: its features, and which rows lead to which others.

use super::lowering;
use super::tests::begin;
use crate::lock::Lock;
use crate::plan::{Expr, FeatureSet, Frame, Join, Link, Place, Recording, Window};
use indexmap::IndexMap;
use mlpc_db::{Block, Db, Project};
use mlpc_diagnostics::Span;
use mlpc_hir::blocks::features::features;
use mlpc_hir::blocks::test::needs::{closure, needs};
use mlpc_hir::names::qualified;
use mlpc_hir::typed::Role;
use mlpc_hir::typed::test::{Expected, Subject, Test};
use mlpc_hir::types::Ty;
use std::collections::BTreeSet;

/// What it takes to record a test of the features in `block`. Of each window at most `history` rows are wanted.
#[must_use]
pub fn lower_recording(
    db: &dyn Db,
    project: Project,
    lock: &Lock,
    block: Block<'_>,
    expected: &[(String, Ty)],
    history: u32,
) -> Recording {
    let under = &features(db, block).value;
    let names: Vec<String> = expected.iter().map(|(name, _)| name.clone()).collect();
    let read = closure(under, &names);
    let late = |role: Role| matches!(role, Role::Label | Role::Weight);
    let labelled = under.definitions.iter().any(|item| late(item.role) && read.contains(&item.name));
    let column = |(name, ty): &(String, Ty)| Expected {
        name: name.clone(),
        ty: ty.clone(),
        values: Vec::new(),
        text: String::new(),
        span: Span::default(),
    };
    let test = Test {
        subject: Some(Subject::Features(qualified(db, block))),
        expected: expected.iter().map(column).collect(),
        labelled,
        ..Test::default()
    };
    let mut tests = begin(db, project, lock);
    lowering(db, project).test(block, &test, &mut tests);

    let needed = needs(under, &names, labelled);
    let mut columns = IndexMap::new();
    let mut tagged = Vec::new();
    for reading in tests.datasets.values().flatten() {
        let Some(wanted) = needed.get(&reading.dataset) else { continue };
        let own = reading.schema.iter().filter(|column| wanted.contains(&column.name));
        for column in own.clone().filter(|column| !column.tags.is_empty()) {
            tagged.push((Place(reading.dataset.clone(), column.name.clone()), column.tags.clone()));
        }
        columns.insert(reading.dataset.clone(), own.map(|column| column.name.clone()).collect());
    }
    let set = tests.features.values().next();
    let links = set.map(|set| Links { set, read: &read, history }.all(&columns)).unwrap_or_default();
    let spine = set.and_then(|set| set.spine.clone());
    Recording { base: under.base.clone(), tests, columns, tagged, links, spine }
}

/// Which rows lead to which others.
struct Links<'a> {
    set: &'a FeatureSet,
    /// Names that are looked at.
    read: &'a BTreeSet<String>,
    history: u32,
}

impl Links<'_> {
    /// Those to datasets of which rows are needed: joins in their order, then windows.
    fn all(&self, columns: &IndexMap<String, Vec<String>>) -> Vec<Link> {
        let joins = self.set.joins.iter().map(|join| self.join(join));
        let windows = self.set.windows.iter().filter(|window| self.is_read(window)).map(|window| self.window(window));
        joins.chain(windows).filter(|link| columns.contains_key(&link.dataset)).collect()
    }

    /// Whether a window is a definition that is looked at, or a part of one.
    fn is_read(&self, window: &Window) -> bool {
        let owner = window.name.split("__").next().unwrap_or_default();
        self.read.contains(&window.name) || self.read.contains(owner)
    }

    fn join(&self, join: &Join) -> Link {
        let known = join.known.as_ref();
        // Of days the last two: in which zone one begins decides which of them was known.
        let latest = known.filter(|known| known.latest).map(|known| if known.zones.is_empty() { 1 } else { 2 });
        Link {
            dataset: join.dataset.clone(),
            on: join.on.iter().filter_map(|(here, there)| Some((self.place(here)?, there.clone()))).collect(),
            here: known.and_then(|known| self.named(&known.here)),
            there: known.map(|known| known.there.clone()),
            since_ms: known.and_then(|known| known.within_ms).map(|within| -within),
            until_ms: known.map(|known| -known.available_ms),
            strict: false,
            ahead: false,
            joined: true,
            most: latest,
        }
    }

    fn window(&self, window: &Window) -> Link {
        let pair = |(here, there): &(Expr, Expr)| match there {
            Expr::Column { name } => Some((self.place(here)?, name.clone())),
            _ => None,
        };
        let (here, there, since_ms, until_ms, most) = match &window.frame {
            Frame::Back { here, there, window_ms, rows, lag_ms, .. } => {
                let most = rows.map_or(self.history, |rows| rows.min(self.history));
                (here, there, window_ms.map(|window| -(window + lag_ms)), -lag_ms, most)
            }
            Frame::Ahead { here, there, ahead_ms, .. } => (here, there, Some(0), *ahead_ms, self.history),
        };
        let ahead = matches!(window.frame, Frame::Ahead { .. });
        Link {
            dataset: window.source.clone().unwrap_or_else(|| self.set.base.clone()),
            on: window.by.iter().filter_map(pair).collect(),
            here: self.named(here),
            there: Some(there.clone()),
            since_ms,
            until_ms: Some(until_ms),
            strict: !ahead && until_ms == 0,
            ahead,
            joined: false,
            most: Some(most),
        }
    }

    /// The column that an expression is; `None` if it is made from columns.
    fn place(&self, expr: &Expr) -> Option<Place> {
        match expr {
            Expr::Column { name } => self.named(name),
            _ => None,
        }
    }

    /// The column of a dataset that has this name in the row; `None` if it is made.
    fn named(&self, name: &str) -> Option<Place> {
        let joined = self.set.joins.iter().find_map(|join| {
            let (there, _) = join.columns.iter().find(|(_, here)| here == name)?;
            Some(Place(join.dataset.clone(), there.clone()))
        });
        let own = || self.set.base_columns.iter().any(|column| column.name == name);
        joined.or_else(|| own().then(|| Place(self.set.base.clone(), name.to_owned())))
    }
}
