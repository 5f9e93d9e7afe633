//! Words, numbers and columns for people.

/// `1 step`, `2 steps`
#[must_use]
pub fn plural(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

/// `40ms`, `0.4s`, `12.3s`, `2m 05s`, `1h 02m`
#[must_use]
pub fn duration(seconds: f64) -> String {
    if seconds < 0.1 {
        return format!("{:.0}ms", seconds * 1000.0);
    }
    let tenths = (seconds * 10.0).round() / 10.0;
    if tenths < 60.0 {
        return format!("{tenths:.1}s");
    }
    let whole = seconds.round();
    let (hours, minutes, seconds) = ((whole / 3600.0).floor(), (whole % 3600.0 / 60.0).floor(), whole % 60.0);
    if hours > 0.0 { format!("{hours:.0}h {minutes:02.0}m") } else { format!("{minutes:.0}m {seconds:02.0}s") }
}

/// A metric: four digits after the point, more where that would be nothing, none where it is whole and large.
#[must_use]
pub fn number(value: f64) -> String {
    if value != 0.0 && value.abs() < 0.001 {
        format!("{value:.2e}")
    } else if value.abs() >= 100_000.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.4}")
    }
}

/// `1.2 kB`, `3.4 MB`
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a size for people needs two digits")]
pub fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["bytes", "kB", "MB", "GB"] {
        if value < 1000.0 {
            return if unit == "bytes" { format!("{bytes} bytes") } else { format!("{value:.1} {unit}") };
        }
        value /= 1000.0;
    }
    format!("{value:.1} TB")
}

/// `text` filled up with blanks to `width` characters, marks of colour not counted.
#[must_use]
pub fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(width_of(text))))
}

/// Characters that show: what stands between `ESC[` and `m` does not.
#[must_use]
pub fn width_of(text: &str) -> usize {
    let mut rest = text;
    let mut width = 0;
    while let Some((before, after)) = rest.split_once("\x1b[") {
        width += before.chars().count();
        rest = after.split_once('m').map_or("", |(_, after)| after);
    }
    width + rest.chars().count()
}

/// Rows as lines with aligned columns, two blanks between, indented by two.
#[must_use]
pub fn columns(rows: &[Vec<String>]) -> Vec<String> {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| width_of(cell)).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| pad(cell, *width)).collect();
        format!("  {}", cells.join("  ")).trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// The first characters of a hash.
#[must_use]
pub fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_numbers_are_short() {
        let times = [(0.04, "40ms"), (12.34, "12.3s"), (59.96, "1m 00s"), (125.0, "2m 05s"), (3720.0, "1h 02m")];
        for (seconds, shown) in times {
            assert_eq!(duration(seconds), shown);
        }
        for (value, shown) in [(0.98765, "0.9877"), (0.0, "0.0000"), (0.000_012, "1.20e-5"), (1_234_567.0, "1234567")] {
            assert_eq!(number(value), shown);
        }
        assert_eq!(size(999), "999 bytes");
        assert_eq!(size(15_241), "15.2 kB");
    }

    #[test]
    fn columns_align_whatever_their_colours() {
        let rows = [vec!["\x1b[1ma\x1b[0m".to_owned(), "x".to_owned()], vec!["bcd".to_owned(), "y".to_owned()]];
        assert_eq!(columns(&rows), ["  \x1b[1ma\x1b[0m    x", "  bcd  y"]);
    }
}
