//! Typed coverage, for people and programs.

use crate::project::Session;
use crate::render::{Position, Sources};
use crate::terminal::{Paint, Style};
use mlpc_hir::coverage::{Item, coverage, share};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The coverage of a program, and the floor that it must not fall below.
pub struct Report<'a> {
    sources: Sources<'a>,
    items: Vec<Item>,
    floor: Option<f64>,
}

impl<'a> Report<'a> {
    /// Of a program.
    pub fn of(session: &'a Session, floor: Option<f64>) -> Self {
        let items = coverage(&session.db, session.project);
        Self { sources: Sources::new(session), items, floor }
    }

    /// Whether it lies below its floor.
    pub fn is_too_low(&self) -> bool {
        self.floor.is_some_and(|floor| share(&self.items) < floor)
    }

    fn untyped(&self) -> impl Iterator<Item = (&Item, &'static str)> {
        self.items.iter().filter_map(|item| item.untyped.map(|reason| (item, reason)))
    }

    fn place(&self, item: &Item) -> Position {
        self.sources.position(item.place.file, self.sources.range(item.place).start)
    }

    /// A line for all, one for each that has no type, and one more if that is too little.
    pub fn text(&self, paint: Paint) -> String {
        let typed = self.items.len() - self.untyped().count();
        let mut out = format!("typed coverage: {} ({typed} of {})\n", percent(share(&self.items)), self.items.len());
        for (item, reason) in self.untyped() {
            let place = self.place(item);
            let file = self.sources.shown(item.place.file);
            let at = paint.paint(Style::Dim, format_args!("{file}:{}:{}:", place.line, place.column));
            // Writing into a text cannot fail.
            let _ = writeln!(out, "  {at} {} `{}`: {reason}", item.kind.name(), item.name);
        }
        if let Some(floor) = self.floor.filter(|_| self.is_too_low()) {
            let mark = paint.paint(Style::Bad, "✗");
            let _ = writeln!(out, "{mark} the floor is {}", percent(floor));
        }
        out
    }

    /// The same as JSON.
    pub fn json(&self) -> Value {
        let untyped = self.untyped().map(|(item, reason)| {
            let place = self.place(item);
            json!({
                "kind": item.kind.name(),
                "name": item.name,
                "reason": reason,
                "file": self.sources.shown(item.place.file),
                "line": place.line,
                "column": place.column,
            })
        });
        let untyped: Vec<Value> = untyped.collect();
        json!({
            "share": share(&self.items),
            "typed": self.items.len() - untyped.len(),
            "total": self.items.len(),
            "floor": self.floor,
            "untyped": untyped,
        })
    }
}

fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}
