//! The values of literals. What a literal cannot mean is reported here and becomes [`ExprKind::Error`].

use super::Lower;
use crate::ast::{Expr, ExprKind, StrPart};
use crate::errors;
use crate::grammar::Rule;
use crate::lexer::lex;
use crate::tree::NodeId;
use mlpc_diagnostics::Span;

/// Units of durations in milliseconds.
const DURATIONS: [(&str, i64); 6] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000)];
/// Units of sizes, as powers of two.
const SIZES: [(&str, u32); 4] = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40)];
/// f-strings within f-strings beyond this are refused.
const MAX_HOLES: usize = 4;
const ESCAPES_HELP: &str =
    "escapes are `\\\\`, `\\\"`, `\\n`, `\\t` and `\\u{…}`; in `r\"…\"` a backslash stands for itself";

impl Lower<'_> {
    /// A number of any kind.
    pub(super) fn number(&mut self, node: NodeId) -> ExprKind {
        let text = self.text(node).replace('_', "");
        let value = match self.kind(node) {
            Rule::int => text.parse().ok().map(ExprKind::Int),
            Rule::float => finite(&text).map(ExprKind::Float),
            Rule::percent => percent(&text).map(ExprKind::Percent),
            Rule::duration => duration(&text).map(ExprKind::Duration),
            Rule::size => size(&text).map(ExprKind::Size),
            _ => None,
        };
        if let Some(value) = value {
            return value;
        }
        let (here, help) = match self.kind(node) {
            Rule::int => (
                "too large for a 64-bit integer",
                "the largest is 9223372036854775807; for more write a float, as in `1e20`",
            ),
            Rule::float | Rule::percent => ("too large for a 64-bit float", "the largest is about 1.8e308"),
            Rule::duration => ("longer than can be counted in milliseconds", "write a shorter duration"),
            Rule::size => ("more bytes than 64 bits can count", "write a smaller size"),
            _ => (
                "not a number, duration, size or percentage",
                "write `1_000`, `0.5`, `1e-3`, `70%`, a duration in whole `ms`, `s`, `m`, `h`, `d` or `w`, or a size in whole `Ki`, `Mi`, `Gi` or `Ti`",
            ),
        };
        let message = format!("`{}` means nothing", self.text(node));
        let span = self.span(node);
        self.errors.push(errors::bad_literal(span, message, here, help));
        ExprKind::Error
    }

    /// The text of a plain or raw string.
    pub(super) fn string_value(&mut self, node: NodeId) -> String {
        let text = self.text(node).to_owned();
        if let Some(raw) = text.strip_prefix('r') {
            return raw.trim_matches('"').to_owned();
        }
        let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
        let start = self.span(node).start + 1;
        self.unescape(inner, start, false)
    }

    /// Resolves escapes and, in f-strings, doubled braces; `start` is where the text stands.
    fn unescape(&mut self, text: &str, start: u32, in_f_string: bool) -> String {
        let special = |char: char| char == '\\' || in_f_string && matches!(char, '{' | '}');
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(special) {
            let (before, here) = rest.split_at(at);
            out.push_str(before);
            let (char, length) = escaped(here);
            match char {
                Some(char) => out.push(char),
                None => self.bad_escape(
                    here.get(..length).unwrap_or(here),
                    Span::new(text.len() - here.len(), text.len() - here.len() + length).shifted(start),
                ),
            }
            rest = here.get(length..).unwrap_or_default();
        }
        out.push_str(rest);
        out
    }

    fn bad_escape(&mut self, text: &str, span: Span) {
        self.errors.push(if text == "}" {
            let help = "write `}}` for a brace, or `{` before the expression it should close";
            errors::bad_literal(span, "this `}` closes nothing", "in an f-string", help)
        } else {
            errors::bad_literal(span, format!("`{text}` is no escape"), "this escape", ESCAPES_HELP)
        });
    }

    /// The parts of an f-string.
    pub(super) fn interpolated(&mut self, node: NodeId) -> Vec<StrPart> {
        let mut parts = Vec::new();
        for part in self.parts(node) {
            match self.kind(part) {
                Rule::text => {
                    let (text, start) = (self.text(part).to_owned(), self.span(part).start);
                    parts.push(StrPart::Text(self.unescape(&text, start, true)));
                }
                Rule::hole => parts.push(StrPart::Expr(self.hole(part))),
                _ => {}
            }
        }
        parts
    }

    /// `{expression}` in an f-string.
    fn hole(&mut self, node: NodeId) -> Expr {
        let span = self.span(node);
        let text = self.text(node);
        let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or_default().to_owned();
        let trimmed = inner.trim_start();
        let offset = span.start + 1 + u32::try_from(inner.len() - trimmed.len()).unwrap_or_default();
        let trimmed = trimmed.trim_end();
        let deep = self.holes >= MAX_HOLES || crate::depth::too_deep(trimmed, &lex(trimmed)).is_some();
        let parsed = if deep { None } else { crate::parser::parse_expression(trimmed).ok() };
        let Some(tree) = parsed else {
            let help = "between the braces of an f-string stands one expression; `{{` is a brace";
            self.errors.push(errors::bad_literal(span, "this is no expression", "in an f-string", help));
            return Expr { kind: ExprKind::Error, span };
        };
        let mut inner =
            Lower { tree: &tree, errors: &mut *self.errors, offset, holes: self.holes + 1, in_require: false };
        inner.expression_in(tree.root())
    }

    /// The days of a date.
    pub(super) fn date(&mut self, text: &str, span: Span) -> ExprKind {
        if let Some(days) = days_since_1970(text) {
            return ExprKind::Date(days);
        }
        let message = format!("`{text}` is no date");
        let help = "a date reads `date(\"2013-01-31\")`: year, month and day, of a day that exists";
        self.errors.push(errors::bad_literal(span, message, "not a day of the calendar", help));
        ExprKind::Error
    }
}

fn finite(text: &str) -> Option<f64> {
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

/// `70%` as 0.7, rounded once.
fn percent(text: &str) -> Option<f64> {
    let number = text.strip_suffix('%')?;
    if let Some((mantissa, exponent)) = number.split_once(['e', 'E']) {
        let exponent: i64 = exponent.parse().ok()?;
        return finite(&format!("{mantissa}e{}", exponent.saturating_sub(2)));
    }
    finite(&format!("{number}e-2"))
}

fn duration(text: &str) -> Option<i64> {
    let mut total: i64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = rest.split_at(digits);
        // The longest unit first: `ms` before `m`.
        let (name, factor) = DURATIONS.iter().find(|(name, _)| unit.starts_with(name))?;
        total = number.parse::<i64>().ok()?.checked_mul(*factor)?.checked_add(total)?;
        rest = unit.get(name.len()..)?;
    }
    Some(total)
}

fn size(text: &str) -> Option<u64> {
    let (unit, power) = SIZES.iter().find(|(unit, _)| text.ends_with(unit))?;
    text.strip_suffix(unit)?.parse::<u64>().ok()?.checked_mul(1 << power)
}

/// The character of the escape or doubled brace at the start of a text, if it is one, and its length.
fn escaped(text: &str) -> (Option<char>, usize) {
    let mut chars = text.chars();
    let (first, second) = (chars.next(), chars.next());
    match (first, second) {
        (Some('{'), Some('{')) | (Some('}'), Some('}')) => (first, 2),
        (Some('\\'), Some('\\' | '"')) => (second, 2),
        (Some('\\'), Some('n')) => (Some('\n'), 2),
        (Some('\\'), Some('t')) => (Some('\t'), 2),
        (Some('\\'), Some('u')) => code_point(text),
        (Some('\\'), Some(other)) => (None, 1 + other.len_utf8()),
        _ => (None, 1),
    }
}

/// `\u{1F600}`.
fn code_point(text: &str) -> (Option<char>, usize) {
    let Some((digits, _)) = text.strip_prefix("\\u{").and_then(|rest| rest.split_once('}')) else { return (None, 2) };
    let is_hex = (1..=6).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let code = u32::from_str_radix(digits, 16).ok().filter(|_| is_hex);
    (code.and_then(char::from_u32), "\\u{}".len() + digits.len())
}

/// Days since 1970-01-01 of `YYYY-MM-DD`, if that day exists.
fn days_since_1970(text: &str) -> Option<i32> {
    let mut fields = text.split('-');
    let mut field = |width: usize| {
        let digits = fields.next()?;
        (digits.len() == width && digits.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| digits.parse::<i32>().ok())?
    };
    let (year, month, day) = (field(4)?, field(2)?, field(2)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if fields.next().is_some() || !(1..=length).contains(&day) {
        return None;
    }
    // Counted in years that start in March, so that the leap day is the last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}
