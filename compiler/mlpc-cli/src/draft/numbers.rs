//! Bounds as a person would choose them: round numbers just outside of what was seen.

/// Round bounds around `low` and `high`, as texts; whole numbers if `whole`.
pub fn around(low: f64, high: f64, whole: bool) -> Option<(String, String)> {
    let span = high - low;
    // One value says nothing of others; beyond this, digits mean nothing.
    if span.is_nan() || span <= 0.0 || low.abs().max(high.abs()) >= 1e15 {
        return None;
    }
    let step = if whole && span < 100.0 { 1.0 } else { 10f64.powf(span.log10().floor()) };
    let step = if whole { step.max(1.0) } else { step };
    let (below, above) = ((low / step).floor() * step, (high / step).ceil() * step);
    // Of whole numbers, each year or month counts; of others, 32.1 is not exactly the least there is.
    Some((number(below, step, whole), number(above, step, whole)))
}

/// A number with as many digits as `step` has.
fn number(value: f64, step: f64, whole: bool) -> String {
    // Zero has no sign.
    let value = if value == 0.0 { 0.0 } else { value };
    if whole {
        return grouped(&format!("{value:.0}"));
    }
    let digits = (-step.log10().floor()).clamp(1.0, 12.0);
    // A float to usize is exact in this range.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 12")]
    let text = format!("{:.*}", digits as usize, value);
    match text.split_once('.') {
        Some((before, after)) => format!("{}.{after}", grouped(before)),
        None => text,
    }
}

/// `10000` as `10_000`; numbers of up to four digits as they are.
pub fn grouped(digits: &str) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("-", digits));
    let digits = if digits.is_empty() { "0" } else { digits };
    // A year is no number to be grouped.
    if digits.len() < 5 {
        return format!("{sign}{digits}");
    }
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push('_');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may panic")]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_round_and_outside() {
        let text = |low, high, whole| around(low, high, whole).map(|(low, high)| format!("{low}..={high}"));
        assert_eq!(text(1.0, 12.0, true).unwrap(), "1..=12");
        assert_eq!(text(2700.0, 6300.0, true).unwrap(), "2000..=7000");
        assert_eq!(text(32.1, 59.6, false).unwrap(), "30.0..=60.0");
        assert_eq!(text(0.013, 0.042, false).unwrap(), "0.01..=0.05");
        assert_eq!(text(-70.0, 851.0, true).unwrap(), "-100..=900");
        assert_eq!(text(-0.4, 0.5, false).unwrap(), "-0.4..=0.5");
        assert_eq!(text(5.0, 5.0, true), None);
        assert_eq!(text(0.0, 1e300, false), None);
    }

    #[test]
    fn bounds_hold_what_was_seen() {
        for (low, high) in [(0.1, 0.3), (-3.7, 12.9), (1e-7, 3e-7), (99.99, 1234.5)] {
            let (below, above) = around(low, high, false).unwrap();
            let read = |text: &str| text.replace('_', "").parse::<f64>().unwrap();
            assert!(read(&below) <= low && high <= read(&above), "{below}..={above}");
        }
    }
}
