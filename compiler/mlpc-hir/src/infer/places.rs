//! Lists and vectors: their values written out, and the value at a place.

use super::Infer;
use crate::consts::constant;
use crate::errors;
use crate::library::{FnSig, Pattern};
use crate::typed::{Const, FnBody, TExpr, TKind};
use crate::types::{Detail, Ty, TyKind, Wide};
use indexmap::IndexMap;
use mlpc_diagnostics::Span;
use mlpc_syntax::ast::Expr;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Infer<'_> {
    /// `[a, b]`: a list of values of one type.
    pub(super) fn list(&mut self, items: &[Expr], span: Span) -> TExpr {
        let values: Vec<TExpr> = items.iter().map(|item| self.expr(item)).collect();
        if values.iter().any(|value| value.ty.is_unknown()) {
            return TExpr::error(span);
        }
        let Some(first) = values.first() else {
            self.findings.push(errors::bad_value("an empty list has no type", "a list of what?", span));
            return TExpr::error(span);
        };
        let mut ty = first.ty.clone();
        for value in values.iter().skip(1) {
            let Some(joined) = ty.join(&value.ty) else {
                let (left, right) = (errors::TyAt(&ty, first.span), errors::TyAt(&value.ty, value.span));
                self.findings.push(errors::incompatible("list", "with", &left, &right, span));
                return TExpr::error(span);
            };
            ty = joined;
        }
        let ty = Ty::new(TyKind::List(Arc::new(ty)));
        call(
            "list",
            "pl.concat_list({items})",
            IndexMap::from([("items".to_owned(), values)]),
            IndexMap::new(),
            ty,
            span,
        )
    }

    /// `base[index]`: the value at a place of a vector or list.
    pub(super) fn element(&mut self, base: TExpr, index: &Expr, span: Span) -> TExpr {
        if base.ty.is_unknown() {
            return TExpr::error(span);
        }
        if !matches!(base.ty.kind, TyKind::Vector(_) | TyKind::List(_)) {
            self.findings.push(errors::mismatch("a place in brackets", "a vector or a list", &base.ty, base.span));
            return TExpr::error(span);
        }
        let Some(Const::Int(place)) = constant(self.db, self.file, index) else {
            self.findings.push(errors::wrong_form(
                "[…]",
                "a whole number known when the program is compiled",
                index.span,
            ));
            return TExpr::error(span);
        };
        match (base.ty.kind.clone(), base.ty.detail.clone()) {
            (TyKind::Vector(size), Detail::Wide(wide)) => self.column_of(base, &wide, size, place, index.span, span),
            (TyKind::Vector(size), _) => {
                if place < 0 || size.is_some_and(|size| place >= i64::from(size)) {
                    let last = size.map_or_else(String::new, |size| format!("..={}", size.saturating_sub(1)));
                    self.findings.push(errors::no_such_place(&format!("it has `0{last}`"), index.span));
                    return TExpr::error(span);
                }
                // How many places there are is only known after fitting where no size is.
                let null = base.ty.nullable || size.is_none();
                at(base, "functions.element({x}, {place})", place, Ty::new(TyKind::Float).with_null(null), span)
            }
            (TyKind::List(item), _) => {
                // A list may be shorter.
                let ty = (*item).clone().with_null(true);
                at(base, "{x}.list.get({place}, null_on_oob=True)", place, ty, span)
            }
            _ => TExpr::error(span),
        }
    }

    fn column_of(&mut self, base: TExpr, wide: &Wide, size: Option<u32>, place: i64, here: Span, span: Span) -> TExpr {
        let last = wide.first + i64::from(size.unwrap_or_default()) - 1;
        if !(wide.first..=last).contains(&place) {
            self.findings.push(errors::no_such_place(&format!("it has `{}..={last}`", wide.first), here));
            return TExpr::error(span);
        }
        let template = match wide.item.kind {
            TyKind::Int => "{x}.list.get({place}).cast(pl.Int64)",
            TyKind::Bool => "{x}.list.get({place}).cast(pl.Boolean)",
            _ => "{x}.list.get({place})",
        };
        let null = base.ty.nullable && wide.item.nullable;
        at(base, template, place - wide.first, wide.item.clone().with_null(null), span)
    }
}

fn at(base: TExpr, template: &str, place: i64, ty: Ty, span: Span) -> TExpr {
    let args = IndexMap::from([("x".to_owned(), vec![base])]);
    call("element", template, args, IndexMap::from([("place".to_owned(), Const::Int(place))]), ty, span)
}

/// A call that the compiler makes by itself.
pub(super) fn call(
    function: &str,
    template: &str,
    args: IndexMap<String, Vec<TExpr>>,
    constants: IndexMap<String, Const>,
    ty: Ty,
    span: Span,
) -> TExpr {
    let body = FnBody::Polars(template.to_owned());
    TExpr { kind: TKind::Call { function: function.to_owned(), body, args, constants, finite: false }, ty, span }
}

/// A decimal as the float that is nearest to it; everything else as it is.
pub(super) fn float(value: TExpr) -> TExpr {
    cast(value, "{x}.cast(pl.Float64)", TyKind::Float)
}

/// A decimal with more digits, so that a product of it is exact; everything else as it is.
pub(super) fn widened(value: TExpr, result: &TyKind) -> TExpr {
    let TyKind::Decimal(_, scale) = result else { return value };
    cast(value, &format!("{{x}}.cast(pl.Decimal(38, {scale}))"), result.clone())
}

fn cast(value: TExpr, template: &str, kind: TyKind) -> TExpr {
    if !matches!(value.ty.kind, TyKind::Decimal(..)) || value.ty.kind == kind {
        return value;
    }
    let (ty, span) = (Ty { kind, ..value.ty.clone() }, value.span);
    call("cast", template, IndexMap::from([("x".to_owned(), vec![value])]), IndexMap::new(), ty, span)
}

impl Infer<'_> {
    /// Whether a list fits a parameter, by what its items are.
    pub(super) fn check_item(
        &mut self,
        what: &str,
        item: &Pattern,
        value: &TExpr,
        variables: &mut BTreeMap<String, Ty>,
    ) -> bool {
        let fits = match &value.ty.kind {
            TyKind::Null => true,
            TyKind::List(have) => match item {
                Pattern::Is(kind) => have.fits(kind),
                Pattern::Number => have.is_number(),
                Pattern::Var(name) => {
                    match variables.get(name).map_or(Some((**have).clone()), |seen| seen.join(have)) {
                        Some(joined) => {
                            variables.insert(name.clone(), joined);
                            true
                        }
                        None => false,
                    }
                }
                Pattern::Any | Pattern::List(_) | Pattern::Unit | Pattern::OneOf(_) | Pattern::Sized(_) => true,
            },
            _ => false,
        };
        if !fits {
            let wanted = match item {
                Pattern::Is(kind) => format!("a list of `{kind}`"),
                Pattern::Number => "a list of numbers".to_owned(),
                _ => "a list".to_owned(),
            };
            self.findings.push(errors::mismatch(what, &wanted, &value.ty, value.span));
        }
        fits
    }

    /// Whether a vector has as many numbers as those before it in the same call.
    pub(super) fn same_size(&mut self, signature: &FnSig, value: &TExpr, seen: &mut BTreeMap<String, Ty>) -> bool {
        const VECTORS: &str = "vector";
        if !matches!(value.ty.kind, TyKind::Vector(_)) {
            return true;
        }
        let joined = seen.get(VECTORS).map_or(Some(value.ty.clone()), |first| first.join(&value.ty));
        match (joined, seen.get(VECTORS)) {
            (Some(joined), _) => {
                seen.insert(VECTORS.to_owned(), joined);
                true
            }
            (None, first) => {
                let wanted = first.map_or_else(String::new, |first| format!("`{}`, as the other one", first.kind));
                let what = format!("`{}`", signature.name);
                self.findings.push(errors::mismatch(&what, &wanted, &value.ty, value.span));
                false
            }
        }
    }
}
