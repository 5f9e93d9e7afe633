//! Numbers that people read.

/// How many digits a number keeps that stands for a whole region: more tell nothing.
const DIGITS: usize = 6;

/// The number with six significant digits: the same on every machine, whatever the last bit of its logarithms.
#[must_use]
pub fn shortened(value: f64) -> f64 {
    format!("{value:.*e}", DIGITS - 1).parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_digits_are_kept() {
        assert_eq!(shortened(0.012_345_678_9), 0.012_345_7);
        assert_eq!(shortened(1.0), 1.0);
        assert_eq!(shortened(123_456_789.0), 123_457_000.0);
        assert_eq!(shortened(-0.1 - 0.2), -0.3);
    }
}
