//! A literal as a value of a column.

use super::Context;
use crate::consts::constant;
use crate::errors;
use crate::infer::literal_expr;
use crate::typed::{Const, Finding};
use crate::types::{Ty, TyKind};
use mlpc_diagnostics::Span;
use mlpc_syntax::ast::Expr;
use std::sync::Arc;

/// The value that an expression spells for a column of this type. A time is a text in ISO 8601 with its offset or zone,
/// which may be left out where `zone` says which one it is; a decimal is a number, or a text with more digits than a
/// float holds. Ranges are judged apart.
pub(super) fn value(
    context: &Context<'_>,
    expr: &Expr,
    ty: &Ty,
    zone: Option<&str>,
    what: &str,
) -> Result<Const, Box<Finding>> {
    let Some(found) = constant(context.db, context.file, expr) else {
        return Err(Box::new(errors::wrong_form(what, "a literal", expr.span)));
    };
    of_type(&found, ty, zone).map_err(|misfit| {
        Box::new(match misfit {
            Misfit::Null => null(what, ty, expr.span),
            Misfit::Level(text, levels) => errors::outside_category(&text, &levels, expr.span),
            Misfit::Other(wanted) => errors::mismatch(what, &wanted, &of(&found, expr.span), expr.span),
        })
    })
}

/// The numbers of a value, for which a range is declared: its own, or those of a vector.
pub(super) fn numbers(value: &Const, kind: &TyKind) -> Vec<f64> {
    match (kind, value) {
        (TyKind::Decimal(..), Const::Str(text)) => text.parse().into_iter().collect(),
        (TyKind::Vector(_), Const::List(items)) => items.iter().filter_map(Const::number).collect(),
        _ => value.number().into_iter().collect(),
    }
}

/// Why a literal is no value of a type.
enum Misfit {
    Null,
    Level(String, Vec<String>),
    Other(String),
}

fn of_type(found: &Const, ty: &Ty, zone: Option<&str>) -> Result<Const, Misfit> {
    match found {
        _ if ty.is_unknown() => Ok(found.clone()),
        Const::Null if ty.nullable || ty.kind == TyKind::Null => Ok(Const::Null),
        Const::Null => Err(Misfit::Null),
        found => of_kind(found, &ty.kind, zone),
    }
}

/// The literal as a value of the kind.
fn of_kind(found: &Const, kind: &TyKind, zone: Option<&str>) -> Result<Const, Misfit> {
    let other = |wanted: &str| Misfit::Other(wanted.to_owned());
    match (kind, found) {
        (TyKind::Float, Const::Int(_) | Const::Float(_)) => {
            found.number().map(Const::Float).ok_or_else(|| other("`float`"))
        }
        (TyKind::Decimal(digits, scale), Const::Int(_) | Const::Float(_) | Const::Str(_)) => {
            decimal(found, *digits, *scale).map(Const::Str).ok_or_else(|| Misfit::Other(format!("`{kind}`")))
        }
        (TyKind::Category(Some(levels)), Const::Str(text)) if !levels.contains(text) => {
            Err(Misfit::Level(text.clone(), levels.clone()))
        }
        (TyKind::Date, Const::Str(text)) => {
            let date = text.parse::<jiff::civil::Date>();
            date.map(|date| Const::Str(date.to_string())).map_err(|_| other("a date, as \"2013-01-31\""))
        }
        (TyKind::Timestamp, Const::Str(_) | Const::Date(_) | Const::Instant(_)) => {
            let wanted = "a time with its offset, as \"2013-01-31T23:00Z\"";
            instant(found, zone).map(|instant| Const::Str(instant.to_string())).ok_or_else(|| other(wanted))
        }
        (TyKind::Vector(size), Const::List(items)) => vector(items, *size),
        (TyKind::List(item), Const::List(items)) => {
            let items: Result<Vec<Const>, Misfit> = items.iter().map(|value| of_type(value, item, zone)).collect();
            items.map(Const::List).map_err(|misfit| match misfit {
                Misfit::Level(..) => misfit,
                Misfit::Null | Misfit::Other(_) => Misfit::Other(format!("`{kind}`")),
            })
        }
        (TyKind::Bool, Const::Bool(_))
        | (TyKind::Int, Const::Int(_))
        | (TyKind::String | TyKind::Category(_), Const::Str(_))
        | (TyKind::Date, Const::Date(_))
        | (TyKind::Duration, Const::Duration(_)) => Ok(found.clone()),
        (TyKind::Category(Some(_)), _) => Err(other("one of its levels")),
        (kind, _) => Err(Misfit::Other(format!("`{kind}`"))),
    }
}

fn vector(items: &[Const], size: Option<u32>) -> Result<Const, Misfit> {
    let numbers: Option<Vec<Const>> = items.iter().map(|item| item.number().map(Const::Float)).collect();
    match (numbers, size) {
        (None, _) => Err(Misfit::Other("a list of numbers".to_owned())),
        (Some(numbers), Some(size)) if numbers.len() != size as usize => Err(Misfit::Other(format!("{size} numbers"))),
        (Some(numbers), _) => Ok(Const::List(numbers)),
    }
}

/// The digits of an exact number; `None` if it has more than there is room for, or is none.
fn decimal(found: &Const, digits: u8, scale: u8) -> Option<String> {
    let text = match found {
        Const::Int(value) => value.to_string(),
        Const::Float(value) => value.to_string(),
        Const::Str(text) => text.clone(),
        _ => return None,
    };
    let unsigned = text.strip_prefix('-').unwrap_or(&text);
    let (whole, after) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digital = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let fits = whole.trim_start_matches('0').len() <= usize::from(digits.saturating_sub(scale))
        && after.trim_end_matches('0').len() <= usize::from(scale);
    (!whole.is_empty() && digital(whole) && digital(after) && fits).then_some(text)
}

/// The instant that a text or a day stands for, to the microsecond. Of a clock that shows a time twice, the first one.
fn instant(found: &Const, zone: Option<&str>) -> Option<jiff::Timestamp> {
    let (clock, zone) = match found {
        Const::Date(days) => {
            let day = jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(*days)).ok()?;
            (day.at(0, 0, 0, 0), zone.unwrap_or("UTC"))
        }
        Const::Instant(micros) => return jiff::Timestamp::from_microsecond(*micros).ok(),
        Const::Str(text) => match text.parse::<jiff::Timestamp>() {
            Ok(instant) => return jiff::Timestamp::from_microsecond(instant.as_microsecond()).ok(),
            Err(_) => match text.parse::<jiff::Zoned>() {
                Ok(zoned) => return jiff::Timestamp::from_microsecond(zoned.timestamp().as_microsecond()).ok(),
                Err(_) => (text.parse::<jiff::civil::DateTime>().ok()?, zone?),
            },
        },
        _ => return None,
    };
    let placed = jiff::tz::TimeZone::get(zone).ok()?.into_ambiguous_zoned(clock);
    // A time that the clock skips is none.
    let skipped = matches!(placed.offset(), jiff::tz::AmbiguousOffset::Gap { .. });
    let instant = if skipped { None } else { placed.earlier().ok() }?.timestamp();
    jiff::Timestamp::from_microsecond(instant.as_microsecond()).ok()
}

fn null(what: &str, ty: &Ty, span: Span) -> Finding {
    errors::null_use(what, &Ty::new(TyKind::Null), &format!("it is {}, which is never null", ty.kind), span)
}

fn of(found: &Const, span: Span) -> Ty {
    match found {
        Const::List(_) => Ty::new(TyKind::List(Arc::new(Ty::unknown()))),
        other => literal_expr(other.clone(), span).ty,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(found: &Const, kind: TyKind, zone: Option<&str>) -> Option<String> {
        match of_kind(found, &kind, zone) {
            Ok(Const::Str(text)) => Some(text),
            Ok(other) => Some(format!("{other:?}")),
            Err(_) => None,
        }
    }

    #[test]
    fn decimals_are_exact_or_refused() {
        let of = |found: Const| written(&found, TyKind::Decimal(6, 2), None);
        assert_eq!(of(Const::Float(0.1)).as_deref(), Some("0.1"));
        assert_eq!(of(Const::Int(-9999)).as_deref(), Some("-9999"));
        assert_eq!(of(Const::Str("1234.50".to_owned())).as_deref(), Some("1234.50"));
        for wrong in [Const::Float(0.125), Const::Int(12_345), Const::Float(1e20)] {
            assert_eq!(of(wrong), None);
        }
        for wrong in ["", "-", "1.2.3", "1e3", "12a", "--1"] {
            assert_eq!(of(Const::Str(wrong.to_owned())), None, "{wrong}");
        }
    }

    #[test]
    fn times_become_instants() {
        let zone = Some("America/New_York");
        let of = |text: &str, zone| written(&Const::Str(text.to_owned()), TyKind::Timestamp, zone);
        assert_eq!(of("2013-01-01T23:00-05:00", None).as_deref(), Some("2013-01-02T04:00:00Z"));
        assert_eq!(of("2013-01-01 23:00:00.25", zone).as_deref(), Some("2013-01-02T04:00:00.25Z"));
        assert_eq!(of("2013-01-01T23:00[America/New_York]", None).as_deref(), Some("2013-01-02T04:00:00Z"));
        // Shown twice, never shown, and of no known zone.
        assert_eq!(of("2013-11-03T01:30", zone).as_deref(), Some("2013-11-03T05:30:00Z"));
        assert_eq!(of("2013-03-10T02:30", zone), None);
        assert_eq!(of("2013-01-01T23:00", None), None);
        assert_eq!(written(&Const::Date(0), TyKind::Timestamp, zone).as_deref(), Some("1970-01-01T05:00:00Z"));
    }

    #[test]
    fn each_item_of_a_list_is_of_its_type() {
        let items = |nullable| TyKind::List(Arc::new(Ty::new(TyKind::Float).with_null(nullable)));
        let list = Const::List(vec![Const::Int(1), Const::Null]);
        assert_eq!(written(&list, items(true), None).as_deref(), Some("List([Float(1.0), Null])"));
        assert_eq!(written(&list, items(false), None), None);
        assert_eq!(written(&Const::List(vec![Const::Bool(true)]), items(true), None), None);
    }
}
