//! Typed coverage: which columns and borders of a program have a type that says what their values are.
//!
//! Counted are columns of datasets and features, and where a user's own code meets the program: what its functions take
//! and give, what its steps write. An open category has a type: its levels are those of the training part.

use crate::blocks::dataset::dataset;
use crate::blocks::features::features;
use crate::check::all_blocks;
use crate::library::{body, nested};
use crate::typed::SourceRef;
use crate::types::{Ty, TyKind};
use mlpc_db::{Block, Db, Place, Project, absolute};
use mlpc_diagnostics::{Diagnostic, FileSpan, Span, rule};
use mlpc_syntax::ast::{Entry, TypeExpr, TypeKind};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A column of a dataset.
    Column,
    /// A value that a features block defines.
    Value,
    /// What a user's function takes or gives.
    Function,
    /// What a user's step writes.
    Output,
}

impl Kind {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Column => "column",
            Self::Value => "value",
            Self::Function => "function",
            Self::Output => "output",
        }
    }
}

/// One thing that has a type or should have one.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// What it is.
    pub kind: Kind,
    /// `flights.distance`, `haversine(lat)`, `load.table`.
    pub name: String,
    /// Where it is declared.
    pub place: FileSpan,
    /// Why it counts as untyped, if it does.
    pub untyped: Option<&'static str>,
}

/// All of them, in order of the text.
#[must_use]
pub fn coverage(db: &dyn Db, project: Project) -> Vec<Item> {
    let mut items = Items { db, project, found: Vec::new() };
    for block in all_blocks(db, project, "dataset") {
        for column in &dataset(db, block).value.columns {
            let (name, ty) = (&column.column.name, &column.column.ty);
            items.add(block, Kind::Column, &format!("{}.{name}", block.name(db)), Named::By(name), untyped(ty));
        }
    }
    for block in all_blocks(db, project, "features") {
        for definition in &features(db, block).value.definitions {
            let name = format!("{}.{}", block.name(db), definition.name);
            items.add(block, Kind::Value, &name, Named::At(definition.span), untyped(&definition.expr.ty));
        }
    }
    for keyword in ["fn", "fitted"] {
        all_blocks(db, project, keyword).into_iter().for_each(|block| items.function(block));
    }
    all_blocks(db, project, "step").into_iter().for_each(|block| items.outputs(block));
    items.found.sort_by_key(|item| (item.place.file, item.place.span.start));
    items.found
}

/// The share of those that have a type; all of them where there is nothing to count.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a program has few columns")]
pub fn share(items: &[Item]) -> f64 {
    let typed = items.iter().filter(|item| item.untyped.is_none()).count();
    if items.is_empty() { 1.0 } else { typed as f64 / items.len() as f64 }
}

/// Why a column of this type counts as untyped.
fn untyped(ty: &Ty) -> Option<&'static str> {
    match ty.kind {
        TyKind::Unknown => Some("its type has an error"),
        TyKind::Vector(None) => Some("how many numbers it has is known only when it is fitted"),
        _ => None,
    }
}

/// Where something stands in its block.
enum Named<'a> {
    By(&'a str),
    At(Span),
}

struct Items<'db> {
    db: &'db dyn Db,
    project: Project,
    found: Vec<Item>,
}

impl<'db> Items<'db> {
    fn add(&mut self, block: Block<'db>, kind: Kind, name: &str, named: Named<'_>, untyped: Option<&'static str>) {
        let home = block.reference(self.db);
        let place = match named {
            Named::By(name) => Place::There(home.clone(), name.to_owned()),
            Named::At(span) => Place::Here(span),
        };
        // A place becomes absolute as that of a finding does.
        let finding = Diagnostic::new(rule::bad_value, "", place);
        let found = absolute(self.db, self.project.files(self.db), &home, finding);
        let place = found.primary().copied().unwrap_or(FileSpan { file: home.file, span: Span::default() });
        self.found.push(Item { kind, name: name.to_owned(), place, untyped });
    }

    fn function(&mut self, block: Block<'db>) {
        let Some(signature) = body(self.db, block).and_then(|decl| decl.signature.as_ref()) else { return };
        let function = block.name(self.db);
        for param in &signature.params {
            let name = format!("{function}({})", param.name.text);
            self.add(block, Kind::Function, &name, Named::At(param.name.span), anything(param.ty.as_ref()));
        }
        let span = signature.result.as_ref().map_or(signature.span, |result| result.span);
        let result = format!("result of {function}");
        self.add(block, Kind::Function, &result, Named::At(span), anything(signature.result.as_ref()));
    }

    fn outputs(&mut self, block: Block<'db>) {
        let Some(decl) = body(self.db, block) else { return };
        let step = crate::names::qualified(self.db, block);
        for entry in nested(decl, "outputs") {
            let Entry::Field(field) = entry else { continue };
            let output = &field.name.text;
            let untyped = match &field.ty.kind {
                _ if self.is_read(&step, output) => None,
                TypeKind::Named { path, args } => match path.text().as_str() {
                    "number" => None,
                    "table" if !args.is_empty() => None,
                    _ => Some("nothing says what it holds: no schema, and no dataset reads it"),
                },
                TypeKind::Union(_) => Some("its type has an error"),
            };
            let name = format!("{}.{output}", block.name(self.db));
            self.add(block, Kind::Output, &name, Named::At(field.name.span), untyped);
        }
    }

    /// Whether a dataset reads an output, so that its schema is checked.
    fn is_read(&self, step: &str, output: &str) -> bool {
        all_blocks(self.db, self.project, "dataset").into_iter().any(|block| {
            let source = dataset(self.db, block).value.source.as_ref();
            source.is_some_and(|(from, _)| *from == SourceRef::Step(step.to_owned(), output.to_owned()))
        })
    }
}

/// Why a parameter or result counts as untyped.
fn anything(ty: Option<&TypeExpr>) -> Option<&'static str> {
    match ty.map(|ty| &ty.kind) {
        None => Some("it has no type"),
        Some(TypeKind::Named { path, .. }) if path.text() == "any" => Some("`any` says nothing"),
        Some(_) => None,
    }
}
