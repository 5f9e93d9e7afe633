//! Dates as times, and the zones in which date parts are read. An instant is stored in UTC; a zone only says how its
//! date and clock read, so it is carried in the type and named where they are read.

use super::places;
use crate::library::{FnSig, Pattern, ZonePolicy};
use crate::typed::{Const, TExpr};
use crate::types::{Ty, TyKind};
use indexmap::IndexMap;
use std::collections::BTreeMap;
use std::sync::Arc;

type Zone = Option<Arc<str>>;

/// A date as the instant of its midnight in its zone, else in `zone`; everything else as it is.
pub(super) fn instant(value: TExpr, zone: Zone) -> TExpr {
    if value.ty.kind != TyKind::Date {
        return value;
    }
    let zone = value.ty.zone().or(zone);
    let ty = Ty { kind: TyKind::Timestamp, ..value.ty.clone() }.in_zone(zone.clone());
    match zone {
        Some(zone) => call("midnight", "expr.midnight({t}, {zone})", value, Some(&zone), ty),
        None => call("midnight", "expr.midnight({t})", value, None, ty),
    }
}

/// An instant as its zone's clock shows it; in UTC as it is.
fn local(value: TExpr) -> TExpr {
    match value.ty.zone() {
        Some(zone) if value.ty.kind == TyKind::Timestamp => {
            let ty = value.ty.clone();
            call("in_zone", "{t}.dt.convert_time_zone({zone})", value, Some(&zone), ty)
        }
        _ => value,
    }
}

/// What a function gets for one of its parameters.
pub(super) fn argument(signature: &FnSig, pattern: &Pattern, value: TExpr, variables: &BTreeMap<String, Ty>) -> TExpr {
    match pattern {
        Pattern::Is(TyKind::Timestamp) => match signature.zone {
            ZonePolicy::Instant => instant(value, None),
            ZonePolicy::Calendar => local(value),
            ZonePolicy::Clock => local(instant(value, None)),
        },
        Pattern::Var(name) => match variables.get(name) {
            Some(ty) if ty.kind == TyKind::Timestamp => instant(value, ty.zone()),
            _ => value,
        },
        Pattern::Is(TyKind::Float | TyKind::Int) => places::float(value),
        _ => value,
    }
}

/// Both sides of an operator as instants, where one of them is or where the result is.
pub(super) fn alike(left: TExpr, right: TExpr, result: &TyKind) -> (TExpr, TExpr) {
    let instants = [&left.ty.kind, &right.ty.kind, result].contains(&&TyKind::Timestamp);
    if !instants {
        return (left, right);
    }
    let zone = left.ty.zone().or_else(|| right.ty.zone());
    (instant(left, zone.clone()), instant(right, zone))
}

fn call(function: &str, template: &str, value: TExpr, zone: Option<&Arc<str>>, ty: Ty) -> TExpr {
    let span = value.span;
    let constants = zone.map(|zone| ("zone".to_owned(), Const::Str(zone.to_string()))).into_iter().collect();
    places::call(function, template, IndexMap::from([("t".to_owned(), vec![value])]), constants, ty, span)
}
