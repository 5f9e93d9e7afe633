//! Lays out whole generated files: statements that are longer than a line are broken as `ruff format` breaks them.
//!
//! Generated files are plain: imports, constants, dataclasses, functions of assignments, calls and returns. Everything
//! else passes as it is written.

use super::doc::Doc;
use super::lexer::{Token, string_length, tokens};
use super::parser::{ParseError, parse_expression};
use super::{WIDTH, print};
use std::collections::BTreeSet;

/// Formats `text`, whose statements may be of any length and broken anywhere inside brackets.
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
        let indent = code.len() - code.trim_start().len();
        if code.is_empty() {
            out.push('\n');
            continue;
        }
        out.push_str(code.get(..indent).unwrap_or_default());
        out.push_str(&statement(code.trim_start(), indent)?);
        out.push('\n');
    }
    Ok(out)
}

/// The length of the first statement with its newline: brackets and strings may span lines.
fn logical_line(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut index = 0;
    while let Some(letter) = text.get(index..).and_then(|rest| rest.chars().next()) {
        let rest = text.get(index..).unwrap_or_default();
        let after_name = text.get(..index).is_some_and(|before| before.ends_with(|c: char| c.is_alphanumeric()));
        if let Some(length) = string_length(rest).filter(|_| !after_name) {
            index += length;
            continue;
        }
        match letter {
            '#' => index += rest.find('\n').unwrap_or(rest.len()).saturating_sub(1),
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '\n' if depth == 0 => return index + 1,
            _ => {}
        }
        index += letter.len_utf8();
    }
    text.len()
}

/// Words that begin a statement which passes as it is.
const VERBATIM: [&str; 12] =
    ["\"\"\"", "#", "@", "class ", "import ", "from ", "if ", "for ", "with ", "else", "raise ", "pass"];

fn statement(code: &str, indent: usize) -> Result<String, ParseError> {
    if VERBATIM.iter().any(|word| code.starts_with(word)) {
        return Ok(code.to_owned());
    }
    if let Some(signature) = code.strip_prefix("def ") {
        return function(signature, indent);
    }
    let (head, value) = match code.strip_prefix("return ") {
        Some(value) => ("return ".to_owned(), value),
        None => assignment(code),
    };
    let doc = Doc::Concat(vec![Doc::text(head), print::expression(&parse_expression(value)?, false)]);
    Ok(doc.layout(indent, WIDTH))
}

/// What comes before the value, and the value: `x = `, `x: int = `, `x: `; nothing for a bare expression.
fn assignment(code: &str) -> (String, &str) {
    if let Some((at, length)) = top_level(code, " = ") {
        return (code.get(..at + length).unwrap_or_default().to_owned(), code.get(at + length..).unwrap_or_default());
    }
    match top_level(code, ": ") {
        Some((at, length)) => {
            (code.get(..at + length).unwrap_or_default().to_owned(), code.get(at + length..).unwrap_or_default())
        }
        None => (String::new(), code),
    }
}

/// Where `wanted` first stands outside brackets and strings, and its length.
fn top_level(code: &str, wanted: &str) -> Option<(usize, usize)> {
    let mut depth = 0_usize;
    let mut index = 0;
    while let Some(rest) = code.get(index..).filter(|rest| !rest.is_empty()) {
        let after_name = code.get(..index).is_some_and(|before| before.ends_with(|c: char| c.is_alphanumeric()));
        if let Some(length) = string_length(rest).filter(|_| !after_name) {
            index += length;
            continue;
        }
        if depth == 0 && rest.starts_with(wanted) {
            return Some((index, wanted.len()));
        }
        let letter = rest.chars().next()?;
        match letter {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        index += letter.len_utf8();
    }
    None
}

/// `name(parameters) -> type:`.
fn function(signature: &str, indent: usize) -> Result<String, ParseError> {
    let fault = || ParseError::at(signature, signature, "this is no signature");
    let (name, rest) = signature.split_once('(').ok_or_else(fault)?;
    let (parameters, result) = rest.rsplit_once(") -> ").ok_or_else(fault)?;
    let result = result.strip_suffix(':').ok_or_else(fault)?;
    let items = parameters.split(", ").filter(|item| !item.trim().is_empty()).map(Doc::text).collect::<Vec<_>>();
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
