//! Keys that match across tables: both sides as values of one type.

use super::{places, time};
use crate::typed::{Const, TExpr};
use crate::types::{Ty, TyKind};
use indexmap::IndexMap;

/// Both sides of a key as values of one type, where they are of two that can be compared.
pub(super) fn alike(left: TExpr, right: TExpr) -> (TExpr, TExpr) {
    if let (true, Some(joined)) = (left.ty.is_number(), left.ty.join(&right.ty)) {
        return (number(left, &joined.kind), number(right, &joined.kind));
    }
    time::alike(left, right, &TyKind::Bool)
}

/// A key as a value of the type of the column that it is matched with; `None` if not all of its values are.
#[must_use]
pub fn matched(value: TExpr, column: &Ty) -> Option<TExpr> {
    match (&value.ty.kind, &column.kind) {
        (TyKind::Date, TyKind::Timestamp) => Some(time::instant(value, column.zone())),
        (TyKind::Timestamp, TyKind::Date) => Some(day(value, column)),
        _ if value.ty.is_number() => value.ty.fits(&column.kind).then(|| number(value, &column.kind)),
        _ => Some(value),
    }
}

/// The day that begins at an instant; null where none does.
fn day(value: TExpr, column: &Ty) -> TExpr {
    let (span, zone) = (value.span, column.zone().or_else(|| value.ty.zone()));
    let ty = Ty::new(TyKind::Date).with_null(true).in_zone(zone.clone());
    let template = if zone.is_some() { "expr.day_at({t}, {zone})" } else { "expr.day_at({t})" };
    let constants = zone.map(|zone| ("zone".to_owned(), Const::Str(zone.to_string()))).into_iter().collect();
    places::call("day_at", template, IndexMap::from([("t".to_owned(), vec![value])]), constants, ty, span)
}

/// A number as one of a wider kind.
fn number(value: TExpr, kind: &TyKind) -> TExpr {
    let template = match kind {
        kind if *kind == value.ty.kind => return value,
        TyKind::Decimal(digits, scale) => format!("{{x}}.cast(pl.Decimal({digits}, {scale}))"),
        _ => "{x}.cast(pl.Float64)".to_owned(),
    };
    let (span, ty) = (value.span, Ty { kind: kind.clone(), ..value.ty.clone() });
    places::call("cast", &template, IndexMap::from([("x".to_owned(), vec![value])]), IndexMap::new(), ty, span)
}
