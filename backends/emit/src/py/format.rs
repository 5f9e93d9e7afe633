//! Lays out whole generated files: statements that are longer than a line are broken as `ruff format` breaks them.
//!
//! Generated files are plain: imports, constants, dataclasses, functions of assignments, calls and returns. Everything
//! else passes as it is written.

use super::doc::Doc;
use super::lexer::{Token, string_length, tokens};
use super::parser::{ParseError, parse_expression};
use super::{Py, WIDTH, print};
use std::collections::BTreeSet;

/// Formats `text`, whose statements may be of any length and broken anywhere inside brackets. One that fits on its line
/// passes as it is: it was printed by [`super::flat`] or stands in a template.
///
/// # Errors
///
/// If a statement is not understood.
pub fn format_python(text: &str) -> Result<String, ParseError> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let length = logical_line(rest);
        let line = rest.get(..length).unwrap_or_default();
        rest = rest.get(length..).unwrap_or_default();
        let code = line.trim_end();
        if fits(code) {
            out.push_str(code);
        } else {
            let indent = code.len() - code.trim_start().len();
            out.push_str(code.get(..indent).unwrap_or_default());
            out.push_str(&statement(code.trim_start(), indent)?);
        }
        out.push('\n');
    }
    Ok(out)
}

fn fits(code: &str) -> bool {
    !code.contains('\n') && code.chars().count() <= WIDTH
}

/// The length of the first statement with its newline: brackets and strings may span lines.
fn logical_line(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut index = 0;
    // No byte of a letter beyond ASCII is one of these marks.
    while let Some(byte) = text.as_bytes().get(index) {
        if let Some(length) = string_at(text, index) {
            index += length;
            continue;
        }
        match byte {
            b'#' => {
                let rest = text.get(index..).unwrap_or_default();
                index += rest.find('\n').unwrap_or(rest.len()).saturating_sub(1);
            }
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'\n' if depth == 0 => return index + 1,
            _ => {}
        }
        index += 1;
    }
    text.len()
}

/// Words that begin a statement which passes as it is.
const VERBATIM: [&str; 13] =
    ["\"\"\"", "#", "class ", "import ", "from ", "if ", "for ", "with ", "else", "try:", "except ", "raise ", "pass"];

fn statement(code: &str, indent: usize) -> Result<String, ParseError> {
    if VERBATIM.iter().any(|word| code.starts_with(word)) {
        return Ok(code.to_owned());
    }
    if let Some(signature) = code.strip_prefix("def ") {
        return function(signature, indent);
    }
    for word in ["return ", "@"] {
        if let Some(value) = code.strip_prefix(word) {
            let value = print::expression(&parse_expression(value)?, false);
            return Ok(Doc::Concat(vec![Doc::text(word), value]).layout(indent, WIDTH));
        }
    }
    if let Some((target, value)) = split_at(code, " = ") {
        let target = match target.contains(": ") || target.contains(", ") {
            true => Doc::text(target),
            false => print::expression(&parse_expression(target)?, false),
        };
        let value = parse_expression(value)?;
        let head = Doc::Concat(vec![target, Doc::text(" = ")]);
        return Ok(Doc::Concat(vec![head.clone(), right_side(&head, &value, indent)]).layout(indent, WIDTH));
    }
    if let Some((name, annotation)) = split_at(code, ": ") {
        let head = Doc::text(format!("{name}: "));
        let annotation = parse_expression(annotation)?;
        return Ok(Doc::Concat(vec![head.clone(), right_side(&head, &annotation, indent)]).layout(indent, WIDTH));
    }
    Ok(print::expression(&parse_expression(code)?, false).layout(indent, WIDTH))
}

/// What stands right of a sign. Where it has no brackets of its own to break in, it gets parentheses if that helps.
fn right_side(head: &Doc, value: &Py, indent: usize) -> Doc {
    let doc = print::expression(value, false);
    let width = |doc: &Doc| doc.flat().chars().count();
    let fits = indent + width(head) + width(&doc) <= WIDTH;
    match value {
        Py::Binary(..) if !fits => Doc::bracketed("(", print::expression(value, true), ")"),
        Py::Atom(_) if !fits && indent + 4 + width(&doc) <= WIDTH => Doc::bracketed("(", doc, ")"),
        _ => doc,
    }
}

/// The parts of `code` around the first `sign` outside brackets and strings.
fn split_at<'a>(code: &'a str, sign: &str) -> Option<(&'a str, &'a str)> {
    let at = top_level(code, sign)?;
    Some((code.get(..at)?, code.get(at + sign.len()..)?))
}

/// Where `wanted` first stands outside brackets and strings.
fn top_level(code: &str, wanted: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut index = 0;
    while let Some(rest) = code.as_bytes().get(index..).filter(|rest| !rest.is_empty()) {
        if let Some(length) = string_at(code, index) {
            index += length;
            continue;
        }
        if depth == 0 && rest.starts_with(wanted.as_bytes()) {
            return Some(index);
        }
        match rest.first()? {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        index += 1;
    }
    None
}

/// The length of the string literal at `index`, if one begins there.
fn string_at(code: &str, index: usize) -> Option<usize> {
    if !matches!(code.as_bytes().get(index)?, b'"' | b'\'' | b'r' | b'R' | b'b' | b'B' | b'f' | b'F') {
        return None;
    }
    let after_name = code.get(..index)?.ends_with(|letter: char| letter.is_alphanumeric() || letter == '_');
    string_length(code.get(index..)?).filter(|_| !after_name)
}

/// `name(parameters) -> type:`.
fn function(signature: &str, indent: usize) -> Result<String, ParseError> {
    let fault = || ParseError::at(signature, signature, "this is no signature");
    let (name, rest) = signature.split_once('(').ok_or_else(fault)?;
    let (parameters, result) = rest.rsplit_once(") -> ").ok_or_else(fault)?;
    let result = result.strip_suffix(':').ok_or_else(fault)?;
    // A comma inside brackets parts no parameters: `dict[str, str]`.
    let mut depth = 0_usize;
    let parted = parameters.split(|letter: char| {
        match letter {
            '[' | '(' => depth += 1,
            ']' | ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == ',' && depth == 0
    });
    let items = parted.map(str::trim).filter(|item| !item.is_empty()).map(Doc::text).collect::<Vec<_>>();
    let list =
        if items.is_empty() { Doc::text("()") } else { Doc::bracketed("(", Doc::group(vec![Doc::items(items)]), ")") };
    let doc = Doc::Concat(vec![Doc::text(format!("def {name}")), list, Doc::text(format!(" -> {result}:"))]);
    Ok(doc.layout(indent, WIDTH))
}

/// The names that `code` uses on their own, not as attributes or keywords of calls; texts are passed over.
///
/// # Errors
///
/// If `code` is no Python.
pub fn names_used(code: &str) -> Result<BTreeSet<String>, ParseError> {
    let tokens = tokens(code, false)?;
    let mut used = BTreeSet::new();
    for (index, token) in tokens.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|before| tokens.get(before));
        let attribute = matches!(before, Some(Token::Mark(".")));
        let keyword =
            matches!(before, Some(Token::Mark("(" | ","))) && matches!(tokens.get(index + 1), Some(Token::Mark("=")));
        if let Token::Name(name) = token
            && !attribute
            && !keyword
        {
            used.insert(name.clone());
        }
    }
    Ok(used)
}
