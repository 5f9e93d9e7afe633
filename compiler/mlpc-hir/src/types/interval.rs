//! Ranges of numbers, and what arithmetic makes of them.

use std::fmt;

/// A range of numbers; infinite bounds are open.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower bound.
    pub low: f64,
    /// Whether it belongs to the range.
    pub low_closed: bool,
    /// Upper bound.
    pub high: f64,
    /// Whether it belongs to the range.
    pub high_closed: bool,
}

impl Interval {
    /// All numbers.
    pub const ALL: Self = Self { low: f64::NEG_INFINITY, low_closed: false, high: f64::INFINITY, high_closed: false };

    /// One number.
    #[must_use]
    pub fn point(value: f64) -> Self {
        Self { low: value, low_closed: true, high: value, high_closed: true }
    }

    /// Whether `value` lies in it.
    #[must_use]
    pub fn contains(self, value: f64) -> bool {
        let above = value > self.low || (self.low_closed && value == self.low);
        let below = value < self.high || (self.high_closed && value == self.high);
        above && below
    }

    /// Whether every number of `self` lies in `other`.
    #[must_use]
    pub fn within(self, other: Self) -> bool {
        let low = self.low > other.low || (self.low == other.low && (other.low_closed || !self.low_closed));
        let high = self.high < other.high || (self.high == other.high && (other.high_closed || !self.high_closed));
        (low || other.low == f64::NEG_INFINITY) && (high || other.high == f64::INFINITY)
    }

    /// Whether it holds no number.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.low > self.high || (self.low == self.high && !(self.low_closed && self.high_closed))
    }

    /// The smallest range that holds both.
    #[must_use]
    pub fn hull(self, other: Self) -> Self {
        let (low, low_closed) = match self.low.total_cmp(&other.low) {
            std::cmp::Ordering::Less => (self.low, self.low_closed),
            std::cmp::Ordering::Greater => (other.low, other.low_closed),
            std::cmp::Ordering::Equal => (self.low, self.low_closed || other.low_closed),
        };
        let (high, high_closed) = match self.high.total_cmp(&other.high) {
            std::cmp::Ordering::Greater => (self.high, self.high_closed),
            std::cmp::Ordering::Less => (other.high, other.high_closed),
            std::cmp::Ordering::Equal => (self.high, self.high_closed || other.high_closed),
        };
        Self { low, low_closed, high, high_closed }
    }

    /// What lies in both.
    #[must_use]
    pub fn meet(self, other: Self) -> Self {
        let (low, low_closed) = match self.low.total_cmp(&other.low) {
            std::cmp::Ordering::Greater => (self.low, self.low_closed),
            std::cmp::Ordering::Less => (other.low, other.low_closed),
            std::cmp::Ordering::Equal => (self.low, self.low_closed && other.low_closed),
        };
        let (high, high_closed) = match self.high.total_cmp(&other.high) {
            std::cmp::Ordering::Less => (self.high, self.high_closed),
            std::cmp::Ordering::Greater => (other.high, other.high_closed),
            std::cmp::Ordering::Equal => (self.high, self.high_closed && other.high_closed),
        };
        Self { low, low_closed, high, high_closed }
    }

    /// The smallest range that holds the same integers.
    #[must_use]
    pub fn of_integers(self) -> Self {
        let low = if self.low.fract() == 0.0 && !self.low_closed { self.low + 1.0 } else { self.low.ceil() };
        let high = if self.high.fract() == 0.0 && !self.high_closed { self.high - 1.0 } else { self.high.floor() };
        Self { low, low_closed: low.is_finite(), high, high_closed: high.is_finite() }
    }

    /// `-a`.
    #[must_use]
    pub fn negated(self) -> Self {
        // Zero is added so that no bound is a negative zero.
        let (low, high) = (0.0 - self.high, 0.0 - self.low);
        Self { low, low_closed: self.high_closed, high, high_closed: self.low_closed }
    }

    /// `a + b`.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            low: self.low + other.low,
            low_closed: self.low_closed && other.low_closed,
            high: self.high + other.high,
            high_closed: self.high_closed && other.high_closed,
        }
    }

    /// `a * b`; closed ends where both are.
    #[must_use]
    pub fn times(self, other: Self) -> Self {
        let ends = [
            (self.low, self.low_closed, other.low, other.low_closed),
            (self.low, self.low_closed, other.high, other.high_closed),
            (self.high, self.high_closed, other.low, other.low_closed),
            (self.high, self.high_closed, other.high, other.high_closed),
        ];
        let mut range: Option<Self> = None;
        for (left, left_closed, right, right_closed) in ends {
            // Zero times an infinite bound is the zero that the closed end can reach.
            let value = if left == 0.0 || right == 0.0 { 0.0 } else { left * right };
            let reachable_zero = (left == 0.0 && left_closed) || (right == 0.0 && right_closed);
            let closed = reachable_zero || (left_closed && right_closed);
            let end = Self { low: value, low_closed: closed, high: value, high_closed: closed };
            range = Some(range.map_or(end, |so_far| so_far.hull(end)));
        }
        range.unwrap_or(Self::ALL)
    }

    /// `|a|`.
    #[must_use]
    pub fn magnitude(self) -> Self {
        if self.low >= 0.0 {
            self
        } else if self.high <= 0.0 {
            self.negated()
        } else {
            let zero = Self { low: 0.0, low_closed: true, ..self };
            Self { low: 0.0, low_closed: true, ..zero.hull(self.negated().meet(Self { high: f64::INFINITY, ..zero })) }
        }
    }

    /// The largest whole numbers that are not above.
    #[must_use]
    pub fn floored(self) -> Self {
        let open_end = self.high.fract() == 0.0 && !self.high_closed;
        let (low, high) = (self.low.floor(), if open_end { self.high - 1.0 } else { self.high.floor() });
        Self { low, low_closed: low.is_finite(), high, high_closed: high.is_finite() }
    }

    /// `a ** n`.
    #[must_use]
    pub fn power(self, exponent: i32) -> Self {
        if exponent == 0 {
            return Self::point(1.0);
        }
        let base = if exponent % 2 == 0 { self.magnitude() } else { self };
        Self { low: base.low.powi(exponent), high: base.high.powi(exponent), ..base }
    }

    /// `a / b`, where `b` is never zero.
    #[must_use]
    pub fn divided_by(self, other: Self) -> Self {
        if other.low < 0.0 && other.high > 0.0 {
            return Self::ALL;
        }
        let negative = other.high <= 0.0;
        let quotient = |left: f64, left_closed: bool, right: f64, right_closed: bool| match right {
            _ if left == 0.0 => (0.0, left_closed),
            _ if right.is_infinite() => (0.0, false),
            // A bound at zero that does not belong to the range takes the quotient to infinity on that side.
            0.0 => (if (left < 0.0) == negative { f64::INFINITY } else { f64::NEG_INFINITY }, false),
            _ => (left / right, left_closed && right_closed),
        };
        let ends = [
            quotient(self.low, self.low_closed, other.low, other.low_closed),
            quotient(self.low, self.low_closed, other.high, other.high_closed),
            quotient(self.high, self.high_closed, other.low, other.low_closed),
            quotient(self.high, self.high_closed, other.high, other.high_closed),
        ];
        let ends =
            ends.map(|(value, closed)| Self { low: value, low_closed: closed, high: value, high_closed: closed });
        ends.into_iter().reduce(Self::hull).unwrap_or(Self::ALL)
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.low.is_finite() {
            write!(out, "{}", self.low)?;
            if !self.low_closed {
                out.write_str("<")?;
            }
        }
        out.write_str("..")?;
        if self.high.is_finite() {
            out.write_str(if self.high_closed { "=" } else { "<" })?;
            write!(out, "{}", self.high)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(low: f64, high: f64) -> Interval {
        Interval { low, low_closed: true, high, high_closed: true }
    }

    #[test]
    fn ranges_follow_arithmetic() {
        assert_eq!(closed(0.0, 24.0).divided_by(Interval::point(8.0)), closed(0.0, 3.0));
        assert_eq!(closed(-1.0, 2.0).times(closed(-3.0, 4.0)), closed(-6.0, 8.0));
        assert_eq!(closed(1.0, 2.0).plus(closed(1.0, 1.0)), closed(2.0, 3.0));
        let positive = Interval { low: 0.0, low_closed: false, ..Interval::ALL };
        assert!(closed(1.0, 2.0).divided_by(positive).within(positive));
        assert_eq!(closed(-3.0, 2.0).magnitude(), closed(0.0, 3.0));
        assert_eq!(closed(-3.0, -2.0).magnitude(), closed(2.0, 3.0));
        assert_eq!(closed(-3.0, 2.0).power(2), closed(0.0, 9.0));
        assert_eq!(closed(-3.0, 2.0).power(3), closed(-27.0, 8.0));
        assert_eq!(Interval::ALL.power(2).to_string(), "0..");
    }

    #[test]
    fn ranges_know_what_lies_within() {
        let half_open = Interval { low: 0.0, low_closed: false, high: 1.0, high_closed: true };
        assert!(half_open.within(closed(0.0, 1.0)));
        assert!(!closed(0.0, 1.0).within(half_open));
        assert!(!half_open.contains(0.0));
        assert_eq!(half_open.to_string(), "0<..=1");
        assert_eq!(half_open.of_integers(), closed(1.0, 1.0));
        assert_eq!(closed(0.5, 2.5).of_integers(), closed(1.0, 2.0));
        assert_eq!(closed(-10.0, 0.0).negated().negated().to_string(), "-10..=0");
    }
}
