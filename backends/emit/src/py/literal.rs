//! Literals: text of users becomes Python here and nowhere else, so that no quote, backslash, newline, mark of direction
//! or zero byte of it can mean anything to Python or mislead a reader.

use super::{Argument, Py};
use serde_json::Value;
use std::fmt::Write as _;

/// Words that are no names in Python 3.11 to 3.13, soft keywords left out since they may be names.
const KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
    "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
    "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

/// Invisible characters besides control characters and white space: marks of direction, joiners, tags, private use.
const INVISIBLE: [(char, char); 17] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{600}', '\u{605}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{6dd}', '\u{6dd}'),
    ('\u{70f}', '\u{70f}'),
    ('\u{890}', '\u{891}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{202a}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{e000}', '\u{f8ff}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{fff0}', '\u{ffff}'),
    ('\u{e0000}', '\u{10ffff}'),
];

/// Whether `text` is a Python name, of ASCII letters only: others are folded by Python, and so may meet.
#[must_use]
pub fn is_identifier(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        && !is_keyword(text)
}

/// Whether `text` is a word of the language.
#[must_use]
pub fn is_keyword(text: &str) -> bool {
    KEYWORDS.contains(&text)
}

/// A string literal: double quotes, unless single ones need fewer escapes.
#[must_use]
pub fn string_literal(text: &str) -> String {
    let count = |quote: char| text.chars().filter(|letter| *letter == quote).count();
    let quote = if count('"') > count('\'') { '\'' } else { '"' };
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push(quote);
    for letter in text.chars() {
        match letter {
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            _ if letter == quote => {
                literal.push('\\');
                literal.push(quote);
            }
            _ => push_visible(&mut literal, letter),
        }
    }
    literal.push(quote);
    literal
}

/// The text of a docstring, without its quotes: paragraphs kept, lines wrapped, nothing in it can end the string.
#[must_use]
pub fn docstring(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut blank = false;
    for paragraph in text.split('\n') {
        let words: Vec<String> = paragraph.split_whitespace().map(escaped_word).collect();
        if words.is_empty() {
            blank = !lines.is_empty();
            continue;
        }
        if std::mem::take(&mut blank) {
            lines.push(String::new());
        }
        wrap(&words, width, &mut lines);
    }
    if let Some(last) = lines.last_mut()
        && last.ends_with('"')
    {
        last.push('.');
    }
    lines
}

/// Any JSON value as Python.
#[must_use]
pub fn value_literal(value: &Value) -> Py {
    match value {
        Value::Null => Py::name("None"),
        Value::Bool(value) => Py::bool(*value),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Py::integer(integer),
            (None, Some(float)) => Py::float(float),
            (None, None) => Py::Number(number.to_string()),
        },
        Value::String(text) => Py::string(text),
        Value::Array(items) => Py::List(items.iter().map(value_literal).collect()),
        Value::Object(fields) => {
            Py::Dict(fields.iter().map(|(name, value)| (Py::string(name), value_literal(value))).collect())
        }
    }
}

/// Digits in groups of three, from five digits on.
pub(super) fn grouped(value: u64) -> String {
    let digits = value.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('_');
        }
        text.push(digit);
    }
    text
}

/// Keyword arguments from names and values; names that Python could not take go into an unpacked dictionary.
#[must_use]
pub fn keywords(arguments: Vec<(String, Py)>) -> Vec<Argument> {
    let (plain, odd): (Vec<_>, Vec<_>) = arguments.into_iter().partition(|(name, _)| is_identifier(name));
    let mut keywords: Vec<Argument> = plain.into_iter().map(|(name, value)| Argument::keyword(name, value)).collect();
    if !odd.is_empty() {
        let dictionary = odd.into_iter().map(|(name, value)| (Py::string(&name), value)).collect();
        keywords.push(Argument { name: Some("**".to_owned()), value: Py::Dict(dictionary) });
    }
    keywords
}

fn wrap(words: &[String], width: usize, lines: &mut Vec<String>) {
    let mut line = String::new();
    for word in words {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
}

fn escaped_word(word: &str) -> String {
    let mut text = String::new();
    for letter in word.chars() {
        if letter == '\\' {
            text.push_str("\\\\");
        } else {
            push_visible(&mut text, letter);
        }
    }
    text.replace("\"\"\"", "'''")
}

fn push_visible(text: &mut String, letter: char) {
    let code = u32::from(letter);
    let invisible = INVISIBLE.iter().any(|(first, last)| (*first..=*last).contains(&letter));
    if letter == ' ' || !(letter.is_control() || letter.is_whitespace() || invisible) {
        text.push(letter);
        return;
    }
    // Writing to a string cannot fail.
    let _ = match code {
        0..=0xff => write!(text, "\\x{code:02x}"),
        0x100..=0xffff => write!(text, "\\u{code:04x}"),
        _ => write!(text, "\\U{code:08x}"),
    };
}
