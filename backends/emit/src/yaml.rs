//! Values as YAML that readers of version 1.1 and 1.2 understand alike.
//!
//! Whatever is not clearly a word is quoted, and whatever is not clearly a letter is escaped, so that texts of users come
//! back as they were: `no`, `12:30`, tags, anchors, direction marks, line ends of any kind.

use serde_json::{Map, Number, Value};

/// Readers look for the colon of a plain key within 1,024 characters.
const LONGEST_KEY: usize = 1_000;

/// What readers of version 1.1 take for something else than text.
const WORDS: [&str; 10] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan"];

/// A document, which ends with a line end.
#[must_use]
pub fn document(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => mapping(map, 0, &mut text),
        Value::Array(items) if !items.is_empty() => sequence(items, 0, &mut text),
        scalar => {
            flow(scalar, &mut text);
            text.push('\n');
        }
    }
    text
}

/// A text as one word or in double quotes.
#[must_use]
pub fn string(text: &str) -> String {
    if is_word(text) { text.to_owned() } else { quoted(text) }
}

fn mapping(map: &Map<String, Value>, depth: usize, text: &mut String) {
    for (at, (key, value)) in map.iter().enumerate() {
        // The first key of an item stands behind its dash.
        if at > 0 || text.is_empty() || text.ends_with('\n') {
            indent(depth, text);
        }
        let key = string(key);
        if key.len() > LONGEST_KEY {
            text.push_str("? ");
            text.push_str(&key);
            text.push('\n');
            indent(depth, text);
        } else {
            text.push_str(&key);
        }
        text.push(':');
        below(value, depth, text);
    }
}

fn sequence(items: &[Value], depth: usize, text: &mut String) {
    for item in items {
        indent(depth, text);
        text.push('-');
        match item {
            Value::Object(map) if !map.is_empty() => {
                text.push(' ');
                mapping(map, depth + 1, text);
            }
            other => below(other, depth, text),
        }
    }
}

/// What stands behind a colon or a dash.
fn below(value: &Value, depth: usize, text: &mut String) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            text.push('\n');
            mapping(map, depth + 1, text);
        }
        Value::Array(items) if !items.is_empty() => {
            text.push('\n');
            sequence(items, depth + 1, text);
        }
        scalar => {
            text.push(' ');
            flow(scalar, text);
            text.push('\n');
        }
    }
}

/// A scalar, or something empty.
fn flow(value: &Value, text: &mut String) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(truth) => text.push_str(if *truth { "true" } else { "false" }),
        Value::Number(number) => text.push_str(&self::number(number)),
        Value::String(content) => text.push_str(&string(content)),
        Value::Array(_) => text.push_str("[]"),
        Value::Object(_) => text.push_str("{}"),
    }
}

/// A number; version 1.1 wants a point and a sign in `1.0e+20`.
fn number(number: &Number) -> String {
    let text = number.to_string();
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return text };
    let point = if mantissa.contains('.') { "" } else { ".0" };
    let sign = if exponent.starts_with(['-', '+']) { "" } else { "+" };
    format!("{mantissa}{point}e{sign}{exponent}")
}

fn indent(depth: usize, text: &mut String) {
    for _ in 0..depth {
        text.push_str("  ");
    }
}

/// Whether a text is a word in every version: letters first, then also digits and a few marks.
fn is_word(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/' | b'-'))
        && text.len() <= LONGEST_KEY
        && !WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            ' '..='~' => quoted.push(letter),
            letter if letter.is_alphanumeric() && u32::from(letter) <= 0xFFFF => quoted.push(letter),
            letter => quoted.push_str(&escaped(letter)),
        }
    }
    quoted.push('"');
    quoted
}

fn escaped(letter: char) -> String {
    match u32::from(letter) {
        code @ ..=0xFF => format!("\\x{code:02X}"),
        code @ ..=0xFFFF => format!("\\u{code:04X}"),
        code => format!("\\U{code:08X}"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may panic")]
    use super::*;
    use serde_json::json;

    #[test]
    fn structure_is_shown_by_indents() {
        let value = json!({
            "a": {"b": [1, {"c": true, "d": [null]}, [2.5, []]], "e": {}},
            "steps": [{"name": "x", "args": ["--n", "1"]}],
        });
        let text = document(&value);
        let lines = [
            "a:",
            "  b:",
            "    - 1",
            "    - c: true",
            "      d:",
            "        - null",
            "    -",
            "      - 2.5",
            "      - []",
            "  e: {}",
            "steps:",
            "  - name: x",
            "    args:",
            "      - \"--n\"",
            "      - \"1\"",
            "",
        ];
        assert_eq!(text, lines.join("\n"));
    }

    #[test]
    fn what_is_no_word_is_quoted() {
        for word in ["train", "system.Dataset", "comp-train-model", "a/b_c", "e5"] {
            assert_eq!(string(word), word);
        }
        let cases = [
            ("no", r#""no""#),
            ("Y", r#""Y""#),
            ("", r#""""#),
            ("1e3", r#""1e3""#),
            ("a: b", r#""a: b""#),
            ("a\r\nb", r#""a\x0D\nb""#),
            ("\u{202e}x", r#""\u202Ex""#),
            ("é\u{85}\u{2028}", r#""é\x85\u2028""#),
            ("😀", r#""\U0001F600""#),
            ("!tag \"q\" \\", r#""!tag \"q\" \\""#),
        ];
        for (text, wanted) in cases {
            assert_eq!(string(text), wanted);
        }
    }

    #[test]
    fn numbers_are_numbers_in_version_1_1() {
        let shown = |value: Value| document(&value).trim_end().to_owned();
        assert_eq!(shown(json!(1e-7)), "1.0e-7");
        assert_eq!(shown(json!(2.5e20)), "2.5e+20");
        assert_eq!(shown(json!(-3)), "-3");
        assert_eq!(shown(json!(0.1)), "0.1");
    }

    #[test]
    fn a_long_key_is_a_key() {
        let text = document(&json!({ "k".repeat(2_000): {"a": 1} }));
        assert!(text.starts_with("? \"k") && text.ends_with("\n:\n  a: 1\n"), "{text}");
    }
}
