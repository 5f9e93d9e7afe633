//! Reads Python expressions: what templates of the standard library and of this crate are written in.

use super::lexer::{Token, tokens};
use super::{Argument, COMPARE, DIVIDE, NOT, OPERATORS, Operator, POWER, Py, UNARY, flat, is_keyword};

/// Text that is no expression of the kind that is understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} in `{text}`{at}")]
pub struct ParseError {
    reason: String,
    text: String,
    at: String,
}

impl ParseError {
    pub(super) fn at(text: &str, rest: &str, reason: &str) -> Self {
        Self { reason: reason.to_owned(), text: text.to_owned(), at: format!(", at `{rest}`") }
    }
}

/// Reads an expression.
///
/// # Errors
///
/// If `text` is none.
pub fn parse_expression(text: &str) -> Result<Py, ParseError> {
    parse(text, false)
}

/// Reads an expression; with `holes`, one of a template.
pub(super) fn parse(text: &str, holes: bool) -> Result<Py, ParseError> {
    let mut parser = Parser { text, tokens: tokens(text, holes)?, next: 0 };
    let py = parser.tuple_or_expression()?;
    if parser.next < parser.tokens.len() { Err(parser.error("the expression should end here")) } else { Ok(py) }
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    next: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    fn error(&self, reason: &str) -> ParseError {
        let rest = self.peek().map_or_else(|| "its end".to_owned(), |token| format!("{token:?}"));
        ParseError::at(self.text, &rest, reason)
    }

    /// Whether the mark is next; if so it is taken.
    fn take(&mut self, mark: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Mark(next)) if *next == mark);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, mark: &str) -> Result<(), ParseError> {
        if self.take(mark) { Ok(()) } else { Err(self.error(&format!("`{mark}` is missing"))) }
    }

    fn word(&self, ahead: usize) -> Option<&str> {
        match self.tokens.get(self.next + ahead) {
            Some(Token::Name(name)) => Some(name),
            _ => None,
        }
    }

    fn tuple_or_expression(&mut self) -> Result<Py, ParseError> {
        let first = self.expression(0)?;
        if !matches!(self.peek(), Some(Token::Mark(","))) {
            return Ok(first);
        }
        let mut items = vec![first];
        while self.take(",") && self.peek().is_some() {
            items.push(self.expression(0)?);
        }
        Ok(Py::Tuple(items))
    }

    /// An expression whose operators all bind at least so strongly.
    fn expression(&mut self, least: u8) -> Result<Py, ParseError> {
        let mut left = self.unary()?;
        let mut compared = false;
        while let Some((operator, length)) = self.operator() {
            if operator.binding < least {
                break;
            }
            if compared && operator.binding == COMPARE {
                return Err(self.error("comparisons can't be chained"));
            }
            compared = operator.binding == COMPARE;
            self.next += length;
            let right = match operator {
                POWER => self.expression(UNARY)?,
                _ => self.expression(operator.binding + 1)?,
            };
            left = Py::binary(operator, left, right);
        }
        Ok(left)
    }

    /// The operator that comes next, with the number of its tokens.
    fn operator(&self) -> Option<(Operator, usize)> {
        let of = |text: &str| super::operator(text);
        match self.peek()? {
            Token::Mark("/") => Some((DIVIDE, 1)),
            Token::Mark("**") => Some((POWER, 1)),
            Token::Mark(mark) => Some((*OPERATORS.iter().find(|operator| operator.text == *mark)?, 1)),
            Token::Name(name) => match (name.as_str(), self.word(1)) {
                ("not", Some("in")) => Some((of("not in")?, 2)),
                ("is", Some("not")) => Some((of("is not")?, 2)),
                ("in" | "is" | "and" | "or", _) => Some((of(name)?, 1)),
                _ => None,
            },
            _ => None,
        }
    }

    fn unary(&mut self) -> Result<Py, ParseError> {
        if self.word(0) == Some("not") {
            self.next += 1;
            return Ok(Py::Unary("not", Box::new(self.expression(NOT)?)));
        }
        for mark in ["-", "~"] {
            if self.take(mark) {
                let operand = self.expression(UNARY)?;
                return Ok(Py::Unary(if mark == "-" { "-" } else { "~" }, Box::new(operand)));
            }
        }
        self.postfix()
    }

    fn postfix(&mut self) -> Result<Py, ParseError> {
        let mut py = self.atom()?;
        loop {
            if self.take(".") {
                let Some(name) = self.word(0).map(str::to_owned) else {
                    return Err(self.error("a name should follow the dot"));
                };
                self.next += 1;
                py = py.attribute(&name);
            } else if self.take("(") {
                py = py.call_with(self.arguments()?);
            } else if self.take("[") {
                py = Py::Index(Box::new(py), self.items("]")?);
            } else {
                return Ok(py);
            }
        }
    }

    fn arguments(&mut self) -> Result<Vec<Argument>, ParseError> {
        let mut arguments = Vec::new();
        while !self.take(")") {
            let name = self.argument_name();
            arguments.push(Argument { name, value: self.expression(0)? });
            if !self.take(",") {
                self.expect(")")?;
                break;
            }
        }
        Ok(arguments)
    }

    fn argument_name(&mut self) -> Option<String> {
        for star in ["**", "*"] {
            if self.take(star) {
                return Some(star.to_owned());
            }
        }
        let equals = matches!(self.tokens.get(self.next + 1), Some(Token::Mark("=")));
        let name = self.word(0).filter(|_| equals)?.to_owned();
        self.next += 2;
        Some(name)
    }

    /// An item of a list, whose own items a star puts in its place.
    fn item(&mut self) -> Result<Py, ParseError> {
        if self.take("*") { Ok(Py::Unary("*", Box::new(self.expression(0)?))) } else { self.expression(0) }
    }

    fn items(&mut self, close: &str) -> Result<Vec<Py>, ParseError> {
        let mut items = Vec::new();
        while !self.take(close) {
            items.push(self.item()?);
            if !self.take(",") {
                self.expect(close)?;
                break;
            }
        }
        Ok(items)
    }

    fn atom(&mut self) -> Result<Py, ParseError> {
        let Some(token) = self.peek().cloned() else { return Err(self.error("an expression is missing")) };
        let word_of_language = matches!(&token, Token::Name(name)
            if is_keyword(name) && !matches!(name.as_str(), "None" | "True" | "False"));
        if word_of_language {
            return Err(self.error("this is not understood"));
        }
        self.next += 1;
        match token {
            Token::Name(name) => Ok(Py::Atom(name)),
            Token::Text(text) => Ok(Py::Atom(text)),
            Token::Number(number) => Ok(Py::Number(number)),
            Token::Hole(name) => Ok(Py::Hole(name)),
            Token::Mark("[") => Ok(Py::List(self.items("]")?)),
            Token::Mark("(") => self.parenthesized(),
            Token::Mark("{") => self.dict(),
            Token::Mark(_) => Err(self.error("an expression should come before this")),
        }
    }

    fn parenthesized(&mut self) -> Result<Py, ParseError> {
        if self.take(")") {
            return Ok(Py::Tuple(Vec::new()));
        }
        let first = self.expression(0)?;
        if !self.take(",") {
            self.expect(")")?;
            return Ok(first);
        }
        let mut items = vec![first];
        items.extend(self.items(")")?);
        Ok(Py::Tuple(items))
    }

    fn dict(&mut self) -> Result<Py, ParseError> {
        let mut entries = Vec::new();
        while !self.take("}") {
            if self.take("**") {
                entries.push((Py::name("**"), self.expression(0)?));
            } else {
                let key = self.expression(0)?;
                if entries.is_empty() && self.word(0) == Some("for") {
                    return self.comprehension(&key);
                }
                self.expect(":")?;
                entries.push((key, self.expression(0)?));
            }
            if !self.take(",") {
                self.expect("}")?;
                break;
            }
        }
        Ok(Py::Dict(entries))
    }

    /// The rest of `{ITEM for TARGET in VALUES}`, which is not broken.
    fn comprehension(&mut self, item: &Py) -> Result<Py, ParseError> {
        self.next += 1;
        let target = self.expression(COMPARE + 1)?;
        if self.word(0) != Some("in") {
            return Err(self.error("`in` is missing"));
        }
        self.next += 1;
        let values = self.expression(0)?;
        self.expect("}")?;
        Ok(Py::Atom(format!("{{{} for {} in {}}}", flat(item), flat(&target), flat(&values))))
    }
}
