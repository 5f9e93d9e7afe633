//! Types of values: a kind, whether null may occur, the range of numbers where it is known, and what else tells values
//! of one kind apart: a unit of measure, a time zone.

mod interval;
mod units;

pub use interval::Interval;
pub use units::{Conversion, Exponent, Unit};

use std::fmt;
use std::sync::Arc;

/// A type.
#[derive(Clone, Debug, PartialEq)]
pub struct Ty {
    /// What it is.
    pub kind: TyKind,
    /// `T?`.
    pub nullable: bool,
    /// What numbers occur; unbounded for everything else.
    pub range: Interval,
    /// What more is known of values of some kinds.
    pub detail: Detail,
}

/// What tells values of one kind apart, beside null and range.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Detail {
    /// Nothing.
    #[default]
    None,
    /// Numbers: the unit that they are measured in.
    Unit(Unit),
    /// Dates and timestamps: the zone in which their date parts are read, where it is not UTC.
    Zone(Arc<str>),
    /// Vectors: the columns of one name that they are read from.
    Wide(Arc<Wide>),
}

/// Columns of one name, read as a vector.
#[derive(Clone, Debug, PartialEq)]
pub struct Wide {
    /// The number of the first.
    pub first: i64,
    /// The type of each.
    pub item: Ty,
}

/// Kinds of types.
#[derive(Clone, Debug, PartialEq)]
pub enum TyKind {
    /// An error was reported already: fits everything.
    Unknown,
    /// The type of `null`: fits every nullable type.
    Null,
    /// True or false.
    Bool,
    /// 64-bit integer.
    Int,
    /// 64-bit floating point.
    Float,
    /// Text.
    String,
    /// One of a set. `None`: open, its levels are those of the training part.
    Category(Option<Vec<String>>),
    /// A day.
    Date,
    /// An instant.
    Timestamp,
    /// A span of time.
    Duration,
    /// Numbers in a row; `None`: as many as the data has levels.
    Vector(Option<u32>),
    /// Bytes of any kind.
    Bytes,
    /// A picture: the bytes of its file.
    Image,
    /// Several values of one type.
    List(Arc<Ty>),
    /// Exact: that many digits, that many of them after the point.
    Decimal(u8, u8),
}

impl Ty {
    /// A type that is never null, of any range.
    #[must_use]
    pub fn new(kind: TyKind) -> Self {
        Self { kind, nullable: false, range: Interval::ALL, detail: Detail::None }
    }

    /// The type of something that is wrong.
    #[must_use]
    pub fn unknown() -> Self {
        Self { nullable: true, ..Self::new(TyKind::Unknown) }
    }

    /// Whether an error was reported for it.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.kind == TyKind::Unknown
    }

    /// The same, null allowed or not.
    #[must_use]
    pub fn with_null(mut self, nullable: bool) -> Self {
        self.nullable = nullable;
        self
    }

    /// The same, with a range; of integers, only what integers can be.
    #[must_use]
    pub fn in_range(mut self, range: Interval) -> Self {
        self.range = if self.kind == TyKind::Int { range.of_integers() } else { range };
        self
    }

    /// The same, measured in a unit.
    #[must_use]
    pub fn with_unit(mut self, unit: Unit) -> Self {
        self.detail = if unit.is_plain() { Detail::None } else { Detail::Unit(unit) };
        self
    }

    /// The unit that it is measured in; plain for everything that has none.
    #[must_use]
    pub fn unit(&self) -> Unit {
        match &self.detail {
            Detail::Unit(unit) => unit.clone(),
            _ => Unit::PLAIN,
        }
    }

    /// The same, its date parts read in a zone.
    #[must_use]
    pub fn in_zone(mut self, zone: Option<Arc<str>>) -> Self {
        if self.is_time() {
            self.detail = zone.filter(|zone| **zone != *UTC).map_or(Detail::None, Detail::Zone);
        }
        self
    }

    /// The zone in which its date parts are read, unless that is UTC.
    #[must_use]
    pub fn zone(&self) -> Option<Arc<str>> {
        match &self.detail {
            Detail::Zone(zone) => Some(zone.clone()),
            _ => None,
        }
    }

    /// The same, read from columns of one name.
    #[must_use]
    pub fn with_wide(mut self, wide: Wide) -> Self {
        self.detail = Detail::Wide(Arc::new(wide));
        self
    }

    /// int, float or decimal.
    #[must_use]
    pub fn is_number(&self) -> bool {
        matches!(self.kind, TyKind::Int | TyKind::Float | TyKind::Decimal(..))
    }

    /// Date or timestamp.
    #[must_use]
    pub fn is_time(&self) -> bool {
        matches!(self.kind, TyKind::Date | TyKind::Timestamp)
    }

    /// Whether a value of this kind may stand where `wanted` is asked for; nulls are judged apart.
    #[must_use]
    pub fn fits(&self, wanted: &TyKind) -> bool {
        match (&self.kind, wanted) {
            (TyKind::Unknown | TyKind::Null, _) | (_, TyKind::Unknown) => true,
            (TyKind::Int | TyKind::Decimal(..), TyKind::Float)
            | (TyKind::Int, TyKind::Decimal(..))
            | (TyKind::Category(_), TyKind::String | TyKind::Category(None))
            | (TyKind::Date, TyKind::Timestamp)
            | (TyKind::Image, TyKind::Bytes)
            | (TyKind::Vector(_), TyKind::Vector(None)) => true,
            (TyKind::List(have), TyKind::Vector(None)) => have.is_number() && !have.nullable,
            (TyKind::List(have), TyKind::List(wanted)) => {
                have.fits(&wanted.kind) && (!have.nullable || wanted.nullable)
            }
            (TyKind::Decimal(digits, scale), TyKind::Decimal(wanted, wanted_scale)) => {
                scale <= wanted_scale && digits - scale <= wanted - wanted_scale
            }
            (have, wanted) => have == wanted,
        }
    }

    /// Whether every value of this type is one of the other, measured the same way.
    #[must_use]
    pub fn narrows(&self, other: &Self) -> bool {
        if self.is_unknown() || other.is_unknown() {
            return true;
        }
        let kind = match (&self.kind, &other.kind) {
            (TyKind::Category(Some(have)), TyKind::Category(Some(of))) => have.iter().all(|level| of.contains(level)),
            _ => self.fits(&other.kind),
        };
        let same_unit = !self.is_number() || self.unit() == other.unit();
        kind && (!self.nullable || other.nullable) && self.range.within(other.range) && same_unit
    }

    /// The narrowest type that holds both, if there is one.
    #[must_use]
    pub fn join(&self, other: &Self) -> Option<Self> {
        let kind = match (&self.kind, &other.kind) {
            (TyKind::Unknown, _) | (_, TyKind::Unknown) => TyKind::Unknown,
            (TyKind::Null, kind) | (kind, TyKind::Null) => kind.clone(),
            (TyKind::Float, TyKind::Int | TyKind::Decimal(..)) | (TyKind::Int | TyKind::Decimal(..), TyKind::Float) => {
                TyKind::Float
            }
            (TyKind::Decimal(..) | TyKind::Int, TyKind::Decimal(..)) | (TyKind::Decimal(..), TyKind::Int) => {
                self.kind.decimal(&other.kind)
            }
            (TyKind::Vector(left), TyKind::Vector(right)) if left.is_none() || right.is_none() => TyKind::Vector(None),
            (TyKind::List(left), TyKind::List(right)) => TyKind::List(Arc::new(left.join(right)?)),
            (TyKind::Date, TyKind::Timestamp) | (TyKind::Timestamp, TyKind::Date) => TyKind::Timestamp,
            (TyKind::Category(Some(left)), TyKind::Category(Some(right))) => {
                let mut levels = left.clone();
                levels.extend(right.iter().filter(|level| !left.contains(level)).cloned());
                TyKind::Category(Some(levels))
            }
            (TyKind::Category(_), TyKind::Category(_)) => TyKind::Category(None),
            (TyKind::Category(_), TyKind::String) | (TyKind::String, TyKind::Category(_)) => TyKind::String,
            (left, right) if left == right => left.clone(),
            _ => return None,
        };
        let (range, detail) = match (&self.kind, &other.kind) {
            (TyKind::Null, _) => (other.range, other.detail.clone()),
            (_, TyKind::Null) => (self.range, self.detail.clone()),
            _ => (self.range.hull(other.range), self.joined_detail(other)?),
        };
        Some(Self { kind, nullable: self.nullable || other.nullable, range, detail })
    }

    /// What holds of both; none where two quantities are measured differently.
    fn joined_detail(&self, other: &Self) -> Option<Detail> {
        match (&self.detail, &other.detail) {
            (one, two) if one == two => Some(one.clone()),
            _ if self.is_number() && other.is_number() => None,
            _ => Some(Detail::None),
        }
    }
}

/// The zone of instants without another.
const UTC: &str = "UTC";

/// Digits of the decimals that arithmetic gives.
const MOST_DIGITS: u8 = 38;

impl TyKind {
    /// The kind of decimals that sums of these two are, exactly.
    #[must_use]
    pub fn decimal(&self, other: &Self) -> Self {
        let scale = |kind: &Self| if let Self::Decimal(_, scale) = kind { *scale } else { 0 };
        if self == other { self.clone() } else { Self::Decimal(MOST_DIGITS, scale(self).max(scale(other))) }
    }

    /// The kind of sums of many values, exactly.
    #[must_use]
    pub fn of_sums(&self) -> Self {
        if let Self::Decimal(_, scale) = self { Self::Decimal(MOST_DIGITS, *scale) } else { self.clone() }
    }

    /// The kind of decimals that products of these two are, exactly; none where that needs too many digits.
    #[must_use]
    pub fn decimal_product(&self, other: &Self) -> Option<Self> {
        let scale = |kind: &Self| if let Self::Decimal(_, scale) = kind { *scale } else { 0 };
        let both = scale(self) + scale(other);
        (both <= MOST_DIGITS / 2).then_some(Self::Decimal(MOST_DIGITS, both))
    }
}

impl fmt::Display for TyKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => out.write_str("unknown"),
            Self::Null => out.write_str("null"),
            Self::Bool => out.write_str("bool"),
            Self::Int => out.write_str("int"),
            Self::Float => out.write_str("float"),
            Self::String => out.write_str("string"),
            Self::Category(None) => out.write_str("category"),
            Self::Category(Some(levels)) => {
                let shown: Vec<String> = levels.iter().map(|level| format!("{level:?}")).collect();
                write!(out, "category[{}]", shown.join(", "))
            }
            Self::Date => out.write_str("date"),
            Self::Timestamp => out.write_str("timestamp"),
            Self::Duration => out.write_str("duration"),
            Self::Bytes => out.write_str("bytes"),
            Self::Image => out.write_str("image"),
            Self::Vector(None) => out.write_str("vector"),
            Self::Vector(Some(size)) => write!(out, "vector[{size}]"),
            Self::List(item) => write!(out, "list[{item}]"),
            Self::Decimal(digits, scale) => write!(out, "decimal({digits}, {scale})"),
        }
    }
}

impl fmt::Display for Detail {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None | Self::Wide(_) => Ok(()),
            Self::Unit(unit) => write!(out, "[{unit}]"),
            Self::Zone(zone) => write!(out, "[{zone:?}]"),
        }
    }
}

impl fmt::Display for Ty {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}{}", self.kind, self.detail)?;
        if self.nullable && !matches!(self.kind, TyKind::Unknown | TyKind::Null) {
            out.write_str("?")?;
        }
        if self.is_number() && self.range != Interval::ALL {
            write!(out, " in {}", self.range)?;
        }
        Ok(())
    }
}
