//! Parameters that a run may be given, and those that are fixed when the program is built.
//!
//! A value that steps take as data may be another one in each run: the hyperparameters of a trainer, and the day to which
//! data are cut. Whatever else names a parameter holds its value in generated code or in the shape of the plan.

use crate::blocks::features::features;
use crate::blocks::operations::parameter;
use crate::blocks::sweep::is_swept;
use crate::check::all_blocks;
use crate::consts::{SCHEDULED_DATE, dotted, formula};
use crate::entries::call_of;
use crate::errors;
use crate::library::body;
use crate::names::{Space, resolve};
use crate::references::{expressions, parts};
use crate::typed::{Const, Frame, TExpr};
use crate::types::{Interval, Ty, TyKind};
use mlpc_db::{Block, Db, Project, absolute, blocks, parse_block};
use mlpc_diagnostics::{Diagnostic, Span};
use mlpc_syntax::ast::{BlockDecl, Decl, Entry, Expr, ExprKind};

/// A parameter that a run may be given.
#[derive(Clone, Debug, PartialEq)]
pub struct RunParameter {
    /// Its name.
    pub name: String,
    /// Its documentation.
    pub doc: Option<String>,
    /// Its type.
    pub ty: TyKind,
    /// Its value unless a run is given another.
    pub value: Const,
    /// Allowed values.
    pub range: Interval,
    /// Whether it is the day for which a run is scheduled, unless somebody gives another.
    pub scheduled: bool,
}

/// Whether a value of this type can be given to a run.
#[must_use]
pub fn can_be_given(ty: &Ty) -> bool {
    let fits = match &ty.kind {
        TyKind::Bool | TyKind::Int | TyKind::Float | TyKind::String | TyKind::Date | TyKind::Timestamp => true,
        TyKind::Category(levels) => levels.is_some(),
        _ => false,
    };
    fits && !ty.nullable
}

/// The parameters that every use takes as data, in the order in which they are declared.
#[must_use]
pub fn run_parameters(db: &dyn Db, project: Project) -> Vec<RunParameter> {
    let declared = all_blocks(db, project, "param").into_iter();
    let free = declared.filter(|block| fixed_use(db, project, *block).is_none());
    free.filter_map(|block| {
        let Decl::Value(decl) = &parse_block(db, block).decl else { return None };
        let checked = &parameter(db, block).value;
        Some(RunParameter {
            name: block.name(db).to_owned(),
            doc: decl.doc.clone(),
            ty: checked.ty.kind.clone(),
            value: checked.value.clone()?,
            range: checked.range,
            scheduled: decl.value.as_ref().and_then(dotted).is_some_and(|name| name == SCHEDULED_DATE),
        })
    })
    .collect()
}

/// The other parameters, each with the first place that keeps it from being given to a run.
#[must_use]
pub fn fixed_parameters(db: &dyn Db, project: Project) -> Vec<Diagnostic> {
    let found = all_blocks(db, project, "param").into_iter().filter_map(|block| {
        let (used, span, why) = fixed_use(db, project, block)?;
        let finding = errors::fixed_parameter(block.name(db), why, span);
        Some(absolute(db, project.files(db), &used.reference(db), finding))
    });
    found.collect()
}

/// The first place where a parameter's value is no data of a step, and what it is there.
fn fixed_use<'db>(db: &'db dyn Db, project: Project, param: Block<'db>) -> Option<(Block<'db>, Span, &'static str)> {
    let all = project.files(db).iter().flat_map(|file| blocks(db, *file)).copied();
    let mut used = all.filter(|block| block.keyword(db) != "test").filter_map(|block| {
        let decl = body(db, block)?;
        let place = Place { db, project, block, param };
        place.in_block(decl).map(|(span, why)| (block, span, why))
    });
    used.next()
}

/// A block in which uses of a parameter are looked for.
struct Place<'db> {
    db: &'db dyn Db,
    project: Project,
    block: Block<'db>,
    param: Block<'db>,
}

const CODE: &str = "its value is part of the code that is generated here";
const POINTS: &str = "the points of a sweep are made of it when the program is compiled";
const SHAPE: &str = "values of this type cannot be given to a run";
const LABELS: &str = "labels that look ahead hold the day until which they are complete";

impl Place<'_> {
    fn in_block(&self, decl: &BlockDecl) -> Option<(Span, &'static str)> {
        decl.entries.iter().find_map(|entry| self.in_entry(&decl.kind.text, entry))
    }

    fn in_entry(&self, kind: &str, entry: &Entry) -> Option<(Span, &'static str)> {
        match entry {
            Entry::Setting { name, value, .. } if name.text() == "as_of" && ["pipeline", "profile"].contains(&kind) => {
                let span = self.mention(value)?;
                let ty = &parameter(self.db, self.param).value.ty;
                if !matches!(ty.kind, TyKind::Date | TyKind::Timestamp) || !can_be_given(ty) {
                    return Some((span, SHAPE));
                }
                self.labels_look_ahead().then_some((span, LABELS))
            }
            Entry::Setting { name, value, .. } if name.text() == "trainer" && kind == "train" => {
                let (_, args, _) = call_of(value)?;
                args.iter().find_map(|arg| {
                    let span = self.mention(&arg.value)?;
                    let free = formula(self.db, self.block.file(self.db), &arg.value).is_some();
                    let points = is_swept(self.db, self.project, self.block).then_some((span, POINTS));
                    if free { points } else { Some((span, SHAPE)) }
                })
            }
            Entry::Block(nested) => self.in_block(nested),
            other => expressions(std::slice::from_ref(other))
                .into_iter()
                .find_map(|expr| self.mention(expr))
                .map(|span| (span, CODE)),
        }
    }

    /// Where an expression names the parameter.
    fn mention(&self, expr: &Expr) -> Option<Span> {
        if let Some(name) = dotted(expr) {
            let found = resolve(self.db, self.block.file(self.db), Space::Block, &name);
            return (found == Some(self.param)).then_some(expr.span);
        }
        let inside = parts(expr).into_iter().find_map(|part| self.mention(part));
        inside.or_else(|| match &expr.kind {
            ExprKind::Index(_, index) => self.mention(index),
            _ => None,
        })
    }

    /// Whether what is learned looks at rows after its own, as far as they are known on the day.
    fn labels_look_ahead(&self) -> bool {
        all_blocks(self.db, self.project, "features").into_iter().any(|block| {
            let value = &features(self.db, block).value;
            let defined = value.definitions.iter().map(|definition| &definition.expr);
            let all = defined.chain(&value.filters).chain(&value.label_filters);
            all.flat_map(TExpr::windows).any(|call| matches!(call.frame, Frame::Ahead { .. }))
        })
    }
}
