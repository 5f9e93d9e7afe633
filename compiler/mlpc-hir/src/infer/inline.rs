//! Functions whose value is an expression of the language: written out where they are called, so that types, nulls and
//! lineage go through them.

use super::{Columns, Infer, Lookup, Position};
use crate::library::{FnSig, Pattern, fn_signature};
use crate::names::{Space, resolve};
use crate::references::functions_in;
use crate::typed::{Const, FnBody, TExpr, TKind};
use crate::types::{Ty, TyKind};
use mlpc_db::{Block, Db, SourceFile};
use mlpc_diagnostics::Span;
use mlpc_syntax::ast::Expr;
use std::collections::BTreeMap;

/// For messages: where the value of a function stands.
pub const PLACE: &str = "the value of a function";

impl Infer<'_> {
    /// The value of a function with the arguments of a call in place of its parameters.
    pub(super) fn inlined(&mut self, signature: &FnSig, value: &Expr, home: SourceFile, called: TExpr) -> TExpr {
        let span = called.span;
        let TKind::Call { args, constants, .. } = called.kind else { return TExpr::error(span) };
        let arguments = Arguments::of_call(&signature.name, args, constants, span);
        // What is wrong with the value itself is reported where the function is declared.
        let mut findings = Vec::new();
        let mut value = infer(self.db, home, &arguments, &mut findings).expr(value);
        let fits = result_kind(signature).is_none_or(|kind| value.ty.fits(kind));
        if value.ty.is_unknown() || !fits {
            return TExpr::error(span);
        }
        value.ty.kind = result_kind(signature).cloned().unwrap_or(value.ty.kind);
        place(&mut value, span);
        value
    }
}

/// The typed value of a function as it is declared, and what was found in it.
pub fn declared(db: &dyn Db, block: Block<'_>, signature: &FnSig, value: &Expr) -> (TExpr, Vec<crate::typed::Finding>) {
    let params = signature.params.iter().map(|param| {
        let kind = match &param.pattern {
            Pattern::Is(kind) => kind.clone(),
            Pattern::Number => TyKind::Float,
            _ => TyKind::Unknown,
        };
        let ty = Ty::new(kind).with_null(param.nullable).in_range(param.domain).with_unit(param.unit.clone());
        (param.name.clone(), TExpr { kind: TKind::Column(param.name.clone()), ty, span: Span::default() })
    });
    let arguments = Arguments { function: signature.name.clone(), values: params.collect() };
    let mut findings = Vec::new();
    let typed = infer(db, block.file(db), &arguments, &mut findings).expr(value);
    (typed, findings)
}

/// The kind of value that a function is declared to give, if it says so.
pub fn result_kind(signature: &FnSig) -> Option<&TyKind> {
    match &signature.result {
        Pattern::Is(kind) => Some(kind),
        _ => None,
    }
}

/// How a function comes back to itself, from its name to its name; a circle that it only leads to counts as well.
pub fn circle<'db>(db: &'db dyn Db, block: Block<'db>) -> Option<Vec<String>> {
    fn search<'db>(db: &'db dyn Db, block: Block<'db>, way: &mut Vec<Block<'db>>) -> bool {
        if way.contains(&block) {
            way.push(block);
            return true;
        }
        let Some(FnSig { body: FnBody::Value(value), .. }) = fn_signature(db, block) else { return false };
        way.push(block);
        let called = functions_in(value);
        let blocks = called.iter().filter_map(|name| resolve(db, block.file(db), Space::Function, name));
        if blocks.into_iter().any(|next| search(db, next, way)) {
            return true;
        }
        way.pop();
        false
    }
    let mut way = Vec::new();
    search(db, block, &mut way).then(|| way.iter().map(|block| block.name(db).to_owned()).collect())
}

fn infer<'a>(
    db: &'a dyn Db,
    file: SourceFile,
    columns: &'a Arguments,
    findings: &'a mut Vec<crate::typed::Finding>,
) -> Infer<'a> {
    Infer { db, file, columns, position: Position::Row(PLACE), findings, refined: BTreeMap::new(), table: None }
}

/// Puts an expression and everything in it at one place of the text.
fn place(expr: &mut TExpr, span: Span) {
    expr.span = span;
    expr.children_mut().into_iter().for_each(|child| place(child, span));
}

/// Parameters, and what stands for them.
struct Arguments {
    function: String,
    values: BTreeMap<String, TExpr>,
}

impl Arguments {
    fn of_call(
        function: &str,
        args: impl IntoIterator<Item = (String, Vec<TExpr>)>,
        constants: impl IntoIterator<Item = (String, Const)>,
        span: Span,
    ) -> Self {
        let args = args.into_iter().filter_map(|(name, mut values)| Some((name, values.pop()?)));
        let constants = constants.into_iter().map(|(name, value)| (name, super::literal_expr(value, span)));
        Self { function: function.to_owned(), values: args.chain(constants).collect() }
    }
}

impl Columns for Arguments {
    fn lookup(&self, name: &str) -> Lookup {
        match self.values.get(name) {
            Some(value) if value.ty.is_unknown() => Lookup::Broken,
            Some(value) => Lookup::Stands(Box::new(value.clone())),
            None => Lookup::Missing(self.values.keys().cloned().collect()),
        }
    }

    fn describe(&self) -> String {
        format!("`{}`", self.function)
    }
}
