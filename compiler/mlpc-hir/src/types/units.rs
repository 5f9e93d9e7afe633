//! Units of measure: symbols with exponents, their algebra, and the table of symbols whose size is known.
//!
//! A symbol that the table does not hold is a unit all the same (`USD`, `passengers`); only its conversion is not known.

use std::fmt;
use std::sync::Arc;

/// A unit of measure; none for a plain number. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unit(Option<Arc<[Power]>>);

/// A symbol to a power.
type Power = (Arc<str>, Exponent);

/// An exponent in lowest terms, its denominator positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exponent {
    over: i32,
    under: i32,
}

impl Exponent {
    /// `over / under`; none if `under` is zero.
    #[must_use]
    pub fn new(over: i32, under: i32) -> Option<Self> {
        let divisor = gcd(over.checked_abs()?, under.checked_abs()?);
        let sign = if under < 0 { -1 } else { 1 };
        (under != 0).then(|| Self { over: sign * over / divisor, under: sign * under / divisor })
    }

    /// The exponent that a number stands for, if its denominator is small.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "checked to be small and whole")]
    pub fn of(value: f64) -> Option<Self> {
        (1_i32..=6).find_map(|under| {
            let over = value * f64::from(under);
            ((over - over.round()).abs() < 1e-9 && over.abs() < 1e3).then(|| Self::new(over.round() as i32, under))?
        })
    }

    fn plus(self, other: Self) -> Option<Self> {
        let over = self.over.checked_mul(other.under)?.checked_add(other.over.checked_mul(self.under)?)?;
        Self::new(over, self.under.checked_mul(other.under)?)
    }

    fn times(self, other: Self) -> Option<Self> {
        Self::new(self.over.checked_mul(other.over)?, self.under.checked_mul(other.under)?)
    }

    fn value(self) -> f64 {
        f64::from(self.over) / f64::from(self.under)
    }
}

fn gcd(left: i32, right: i32) -> i32 {
    if right == 0 { left.max(1) } else { gcd(right, left % right) }
}

impl Unit {
    /// No unit: a plain number.
    pub const PLAIN: Self = Self(None);

    /// The unit with this symbol.
    #[must_use]
    pub fn symbol(name: &str) -> Self {
        Self(Some(Arc::from([(Arc::from(name), Exponent { over: 1, under: 1 })])))
    }

    /// Whether it is no unit.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.0.is_none()
    }

    fn parts(&self) -> &[Power] {
        self.0.as_deref().unwrap_or_default()
    }

    /// `self * other`; equal symbols cancel. `None` if an exponent leaves all bounds.
    #[must_use]
    pub fn times(&self, other: &Self) -> Option<Self> {
        let mut parts: Vec<(Arc<str>, Exponent)> = self.parts().to_vec();
        for (symbol, exponent) in other.parts() {
            match parts.iter_mut().find(|(have, _)| have == symbol) {
                Some((_, have)) => *have = have.plus(*exponent)?,
                None => parts.push((symbol.clone(), *exponent)),
            }
        }
        parts.retain(|(_, exponent)| exponent.over != 0);
        parts.sort_by(|left, right| left.0.cmp(&right.0));
        Some(Self((!parts.is_empty()).then(|| Arc::from(parts))))
    }

    /// `self / other`.
    #[must_use]
    pub fn per(&self, other: &Self) -> Option<Self> {
        self.times(&other.power(Exponent { over: -1, under: 1 })?)
    }

    /// `self ** exponent`.
    #[must_use]
    pub fn power(&self, exponent: Exponent) -> Option<Self> {
        let raised = self.parts().iter().map(|(symbol, have)| Some((symbol.clone(), have.times(exponent)?)));
        Self::PLAIN.times(&Self(Some(raised.collect::<Option<Vec<_>>>()?.into())))
    }

    /// How a number in this unit becomes one in `to`, where both sides are known and measure the same.
    #[must_use]
    pub fn conversion(&self, to: &Self) -> Option<Conversion> {
        if let ([(from, one)], [(into, other)]) = (self.parts(), to.parts())
            && one == other
            && one.over == one.under
            && let (Some(from), Some(into)) = (known(from), known(into))
            && from.dimension == into.dimension
        {
            let offset = (from.offset - into.offset) / into.factor;
            return Some(Conversion { offset, ..Conversion::scaled(from.factor, into.factor) });
        }
        let (mut over, mut under, mut dimension) = (1.0, 1.0, [0.0_f64; DIMENSIONS]);
        for (symbol, exponent) in self.per(to)?.parts() {
            let unit = known(symbol)?;
            let size = unit.factor.powf(exponent.value().abs());
            if exponent.over > 0 {
                over *= size
            } else {
                under *= size
            }
            for (sum, part) in dimension.iter_mut().zip(unit.dimension) {
                *sum += f64::from(part) * exponent.value();
            }
        }
        dimension.iter().all(|sum| sum.abs() < 1e-9).then(|| Conversion::scaled(over, under))
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |(symbol, exponent): &(Arc<str>, Exponent)| match (exponent.over.abs(), exponent.under) {
            (1, 1) => symbol.to_string(),
            (over, 1) => format!("{symbol} ** {over}"),
            (over, under) => format!("{symbol} ** ({over} / {under})"),
        };
        let side = |above: bool| {
            let parts = self.parts().iter().filter(move |(_, exponent)| (exponent.over > 0) == above);
            parts.map(shown).collect::<Vec<_>>()
        };
        let (above, below) = (side(true), side(false));
        out.write_str(&if above.is_empty() { "1".to_owned() } else { above.join(" * ") })?;
        below.iter().try_for_each(|part| write!(out, " / {part}"))
    }
}

/// `value * factor / divisor + offset`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conversion {
    /// What is multiplied by; 1 where dividing is exact.
    pub factor: f64,
    /// What is divided by; 1 where multiplying is as good.
    pub divisor: f64,
    /// What is added after that.
    pub offset: f64,
}

impl Conversion {
    /// Divides where the divisor is a whole number and the factor is not, so that 60 seconds are one minute exactly.
    fn scaled(over: f64, under: f64) -> Self {
        let (factor, divisor) = (over / under, under / over);
        let whole = |value: f64| value.fract() == 0.0;
        if !whole(factor) && whole(divisor) {
            Self { factor: 1.0, divisor, offset: 0.0 }
        } else {
            Self { factor, divisor: 1.0, offset: 0.0 }
        }
    }
}

const DIMENSIONS: usize = 7;
/// Exponents of metre, second, kilogram, kelvin, ampere, radian, byte.
type Dimension = [i8; DIMENSIONS];

const LENGTH: Dimension = [1, 0, 0, 0, 0, 0, 0];
const AREA: Dimension = [2, 0, 0, 0, 0, 0, 0];
const VOLUME: Dimension = [3, 0, 0, 0, 0, 0, 0];
const TIME: Dimension = [0, 1, 0, 0, 0, 0, 0];
const FREQUENCY: Dimension = [0, -1, 0, 0, 0, 0, 0];
const SPEED: Dimension = [1, -1, 0, 0, 0, 0, 0];
const MASS: Dimension = [0, 0, 1, 0, 0, 0, 0];
const TEMPERATURE: Dimension = [0, 0, 0, 1, 0, 0, 0];
const FORCE: Dimension = [1, -2, 1, 0, 0, 0, 0];
const PRESSURE: Dimension = [-1, -2, 1, 0, 0, 0, 0];
const ENERGY: Dimension = [2, -2, 1, 0, 0, 0, 0];
const POWER: Dimension = [2, -3, 1, 0, 0, 0, 0];
const CURRENT: Dimension = [0, 0, 0, 0, 1, 0, 0];
const VOLTAGE: Dimension = [2, -3, 1, 0, -1, 0, 0];
const ANGLE: Dimension = [0, 0, 0, 0, 0, 1, 0];
const DATA: Dimension = [0, 0, 0, 0, 0, 0, 1];

/// A symbol of known size: a value of 1 is `factor` of the base units, plus `offset`.
#[derive(Clone, Copy, Debug)]
struct Known {
    symbol: &'static str,
    dimension: Dimension,
    factor: f64,
    offset: f64,
}

const fn scale(symbol: &'static str, dimension: Dimension, factor: f64) -> Known {
    Known { symbol, dimension, factor, offset: 0.0 }
}

/// Every symbol whose size is known.
const KNOWN: &[Known] = &[
    scale("m", LENGTH, 1.0),
    scale("um", LENGTH, 1e-6),
    scale("mm", LENGTH, 1e-3),
    scale("cm", LENGTH, 1e-2),
    scale("km", LENGTH, 1e3),
    scale("inch", LENGTH, 0.0254),
    scale("ft", LENGTH, 0.3048),
    scale("yd", LENGTH, 0.9144),
    scale("mi", LENGTH, 1609.344),
    scale("nmi", LENGTH, 1852.0),
    scale("ha", AREA, 1e4),
    scale("acre", AREA, 4_046.856_422_4),
    scale("sqft", AREA, 0.092_903_04),
    scale("l", VOLUME, 1e-3),
    scale("ml", VOLUME, 1e-6),
    scale("gal", VOLUME, 0.003_785_411_784),
    scale("us", TIME, 1e-6),
    scale("ms", TIME, 1e-3),
    scale("s", TIME, 1.0),
    scale("min", TIME, 60.0),
    scale("h", TIME, 3_600.0),
    scale("d", TIME, 86_400.0),
    scale("week", TIME, 604_800.0),
    scale("Hz", FREQUENCY, 1.0),
    scale("kHz", FREQUENCY, 1e3),
    scale("MHz", FREQUENCY, 1e6),
    scale("rpm", FREQUENCY, 1.0 / 60.0),
    scale("kn", SPEED, 1_852.0 / 3_600.0),
    scale("mph", SPEED, 0.447_04),
    scale("kmh", SPEED, 1_000.0 / 3_600.0),
    scale("ug", MASS, 1e-9),
    scale("mg", MASS, 1e-6),
    scale("g", MASS, 1e-3),
    scale("kg", MASS, 1.0),
    scale("t", MASS, 1e3),
    scale("lb", MASS, 0.453_592_37),
    scale("oz", MASS, 0.028_349_523_125),
    scale("K", TEMPERATURE, 1.0),
    Known { symbol: "degC", dimension: TEMPERATURE, factor: 1.0, offset: 273.15 },
    Known { symbol: "degF", dimension: TEMPERATURE, factor: 5.0 / 9.0, offset: 459.67 * 5.0 / 9.0 },
    scale("N", FORCE, 1.0),
    scale("Pa", PRESSURE, 1.0),
    scale("hPa", PRESSURE, 1e2),
    scale("kPa", PRESSURE, 1e3),
    scale("mbar", PRESSURE, 1e2),
    scale("bar", PRESSURE, 1e5),
    scale("atm", PRESSURE, 101_325.0),
    scale("psi", PRESSURE, 6_894.757_293_168),
    scale("J", ENERGY, 1.0),
    scale("kJ", ENERGY, 1e3),
    scale("cal", ENERGY, 4.184),
    scale("kcal", ENERGY, 4_184.0),
    scale("Wh", ENERGY, 3_600.0),
    scale("kWh", ENERGY, 3.6e6),
    scale("W", POWER, 1.0),
    scale("kW", POWER, 1e3),
    scale("MW", POWER, 1e6),
    scale("hp", POWER, 745.699_871_582_270_2),
    scale("A", CURRENT, 1.0),
    scale("V", VOLTAGE, 1.0),
    scale("rad", ANGLE, 1.0),
    scale("deg", ANGLE, std::f64::consts::PI / 180.0),
    scale("byte", DATA, 1.0),
    scale("kB", DATA, 1e3),
    scale("MB", DATA, 1e6),
    scale("GB", DATA, 1e9),
    scale("GiB", DATA, 1_073_741_824.0),
];

fn known(symbol: &str) -> Option<Known> {
    KNOWN.iter().copied().find(|unit| unit.symbol == symbol)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(name: &str) -> Unit {
        Unit::symbol(name)
    }

    #[test]
    fn units_cancel() {
        let speed = unit("mi").per(&unit("h")).unwrap();
        assert_eq!(speed.to_string(), "mi / h");
        assert_eq!(speed.times(&unit("h")), Some(unit("mi")));
        assert!(unit("mi").per(&unit("mi")).unwrap().is_plain());
        let area = unit("m").power(Exponent::of(2.0).unwrap()).unwrap();
        assert_eq!(area.to_string(), "m ** 2");
        assert_eq!(area.power(Exponent::of(0.5).unwrap()), Some(unit("m")));
        assert_eq!(unit("m").power(Exponent::of(0.5).unwrap()).unwrap().to_string(), "m ** (1 / 2)");
        assert_eq!(Unit::PLAIN.per(&unit("s")).unwrap().to_string(), "1 / s");
        assert_eq!(Exponent::of(0.123), None);
    }

    #[test]
    fn known_sizes_convert() {
        let to = |from: Unit, to: &str| from.conversion(&unit(to));
        assert_eq!(to(unit("mi"), "km"), Some(Conversion { factor: 1.609_344, divisor: 1.0, offset: 0.0 }));
        assert_eq!(to(unit("min"), "h"), Some(Conversion { factor: 1.0, divisor: 60.0, offset: 0.0 }));
        assert_eq!(to(unit("mi"), "h"), None);
        assert_eq!(to(unit("USD"), "EUR"), None);
        let heat = to(unit("degF"), "degC").unwrap();
        assert!((212.0 * heat.factor + heat.offset - 100.0).abs() < 1e-9);
        let speed = unit("mi").per(&unit("h")).unwrap();
        assert!((to(speed.clone(), "kn").unwrap().factor - 0.868_976).abs() < 1e-5);
        let price = unit("USD").per(&unit("km")).unwrap();
        let other = unit("USD").per(&unit("m")).unwrap();
        assert_eq!(price.conversion(&other).map(|found| found.divisor), Some(1000.0));
    }

    #[test]
    fn symbols_are_known_once() {
        for (at, unit) in KNOWN.iter().enumerate() {
            assert!(!KNOWN.iter().skip(at + 1).any(|other| other.symbol == unit.symbol), "{}", unit.symbol);
        }
    }
}
