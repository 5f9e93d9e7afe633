//! Tokens of Python expressions, with the holes of templates.

use super::parser::ParseError;

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A name or a word of the language.
    Name(String),
    /// A number.
    Number(String),
    /// A string with its prefix and quotes.
    Text(String),
    /// An operator or a bracket.
    Mark(&'static str),
    /// `{name}` of a template.
    Hole(String),
}

/// Longest first.
const MARKS: [&str; 30] = [
    ">>", "**", "//", "==", "!=", "<=", ">=", "->", "(", ")", "[", "]", "{", "}", ",", ":", ".", "+", "-", "*", "/",
    "%", "&", "|", "^", "~", "<", ">", "=", "@",
];

/// The tokens of `text`. With `holes`, `{name}` is a hole and `{{` a brace.
pub(super) fn tokens(text: &str, holes: bool) -> Result<Vec<Token>, ParseError> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = if let Some(length) = string_length(rest) {
            (Token::Text(rest.get(..length).unwrap_or_default().to_owned()), length)
        } else if first.is_ascii_digit() || (first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit())) {
            let length = number_length(rest);
            (Token::Number(rest.get(..length).unwrap_or_default().to_owned()), length)
        } else if is_name(first) {
            let length = rest.find(|letter| !is_name(letter)).unwrap_or(rest.len());
            (Token::Name(rest.get(..length).unwrap_or_default().to_owned()), length)
        } else if holes && first == '{' {
            brace(rest)?
        } else {
            let mark = MARKS.iter().find(|mark| rest.starts_with(**mark));
            let mark = mark.ok_or_else(|| ParseError::at(text, rest, "no Python begins so"))?;
            (Token::Mark(mark), mark.len())
        };
        tokens.push(token);
        rest = rest.get(length..).unwrap_or_default().trim_start();
    }
    Ok(tokens)
}

fn is_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// `{name}` or `{{`.
fn brace(rest: &str) -> Result<(Token, usize), ParseError> {
    if rest.starts_with("{{") {
        return Ok((Token::Mark("{"), 2));
    }
    match rest.find('}') {
        Some(end) => Ok((Token::Hole(rest.get(1..end).unwrap_or_default().to_owned()), end + 1)),
        None => Err(ParseError::at(rest, rest, "this brace is not closed")),
    }
}

fn number_length(rest: &str) -> usize {
    let mut previous = ' ';
    for (index, letter) in rest.char_indices() {
        let sign_of_exponent = matches!(letter, '+' | '-') && matches!(previous, 'e' | 'E');
        if !(letter.is_ascii_alphanumeric() || letter == '.' || letter == '_' || sign_of_exponent) {
            return index;
        }
        previous = letter;
    }
    rest.len()
}

/// The length of the string literal that `rest` begins with, if it does.
pub(super) fn string_length(rest: &str) -> Option<usize> {
    let prefix = rest.bytes().take(3).position(|byte| matches!(byte, b'"' | b'\''))?;
    if !rest.get(..prefix)?.chars().all(|letter| "rbfRBF".contains(letter)) {
        return None;
    }
    let quote = rest.get(prefix..=prefix)?;
    let triple = quote.repeat(3);
    let open = if rest.get(prefix..)?.starts_with(&triple) { triple.as_str() } else { quote };
    let mut index = prefix + open.len();
    while let Some(after) = rest.get(index..) {
        if after.starts_with(open) {
            return Some(index + open.len());
        }
        let mut letters = after.chars();
        let letter = letters.next()?;
        index += letter.len_utf8();
        if letter == '\\' {
            index += letters.next()?.len_utf8();
        }
    }
    None
}
