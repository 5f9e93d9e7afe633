//! Python expressions as values: built, read from text, printed as `ruff format` prints them.
//!
//! Precedence is settled here: an operand that binds less than its place asks for gets parentheses, and no others are
//! printed, save around `&` within `|`, where readers want them.

mod doc;
mod format;
mod lexer;
mod literal;
mod parser;
mod print;
mod template;

pub use format::{format_python, names_used};
pub use literal::{docstring, is_identifier, is_keyword, keywords, string_literal, value_literal};
pub use parser::{ParseError, parse_expression};
pub use template::{Filling, TemplateError, fill, holes};

/// The width of generated code.
pub const WIDTH: usize = 100;

/// A Python expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Py {
    /// A name, a number, a string token: text that is never broken.
    Atom(String),
    /// A number: an attribute of it needs parentheses.
    Number(String),
    /// A place in a template that is filled later.
    Hole(String),
    /// `base.name`.
    Attribute(Box<Py>, String),
    /// `function(arguments)`.
    Call(Box<Py>, Vec<Argument>),
    /// `base[index]`.
    Index(Box<Py>, Vec<Py>),
    /// `-x`, `~x`, `not x`.
    Unary(&'static str, Box<Py>),
    /// `a + b`.
    Binary(Operator, Box<Py>, Box<Py>),
    /// `[a, b]`.
    List(Vec<Py>),
    /// `(a, b)`.
    Tuple(Vec<Py>),
    /// `{a: b}`.
    Dict(Vec<(Py, Py)>),
}

/// An argument of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    /// `name=`, or a star for what is unpacked.
    pub name: Option<String>,
    /// Its value.
    pub value: Py,
}

/// A binary operator and how strongly it binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operator {
    /// As written.
    pub text: &'static str,
    /// Higher binds more.
    pub binding: u8,
}

/// Binary operators, from the weakest to the strongest.
pub const OPERATORS: [Operator; 21] = [
    Operator { text: "or", binding: 1 },
    Operator { text: "and", binding: 2 },
    Operator { text: "not in", binding: 4 },
    Operator { text: "in", binding: 4 },
    Operator { text: "is not", binding: 4 },
    Operator { text: "is", binding: 4 },
    Operator { text: "==", binding: 4 },
    Operator { text: "!=", binding: 4 },
    Operator { text: "<=", binding: 4 },
    Operator { text: ">=", binding: 4 },
    Operator { text: "<", binding: 4 },
    Operator { text: ">", binding: 4 },
    Operator { text: "|", binding: 5 },
    Operator { text: "^", binding: 6 },
    Operator { text: "&", binding: 7 },
    Operator { text: ">>", binding: 8 },
    Operator { text: "+", binding: 9 },
    Operator { text: "-", binding: 9 },
    Operator { text: "*", binding: 10 },
    Operator { text: "//", binding: 10 },
    Operator { text: "%", binding: 10 },
];

/// Division, apart only because the table above is searched in order and `//` comes first.
pub const DIVIDE: Operator = Operator { text: "/", binding: 10 };
/// The power, which alone binds from the right.
pub const POWER: Operator = Operator { text: "**", binding: 12 };

const NOT: u8 = 3;
const COMPARE: u8 = 4;
const UNARY: u8 = 11;
const POSTFIX: u8 = 13;
const ATOM: u8 = 14;

/// The operator written so.
#[must_use]
pub fn operator(text: &str) -> Option<Operator> {
    OPERATORS.iter().chain([&DIVIDE, &POWER]).find(|operator| operator.text == text).copied()
}

impl Py {
    /// A name, a dotted name or a constant.
    pub fn name(text: impl Into<String>) -> Self {
        Self::Atom(text.into())
    }

    /// A string literal of `text`.
    #[must_use]
    pub fn string(text: &str) -> Self {
        Self::Atom(string_literal(text))
    }

    /// A list of string literals.
    pub fn strings<S: AsRef<str>>(texts: impl IntoIterator<Item = S>) -> Self {
        Self::List(texts.into_iter().map(|text| Self::string(text.as_ref())).collect())
    }

    /// A whole number.
    #[must_use]
    pub fn integer(value: i64) -> Self {
        let digits = literal::grouped(value.unsigned_abs());
        if value < 0 { Self::Unary("-", Box::new(Self::Number(digits))) } else { Self::Number(digits) }
    }

    /// A floating-point number; infinities and NaN as calls.
    #[must_use]
    pub fn float(value: f64) -> Self {
        if !value.is_finite() {
            return Self::name("float").call([Self::string(&value.to_string().to_lowercase())]);
        }
        let digits = Self::Number(format!("{:?}", value.abs()));
        if value.is_sign_negative() { Self::Unary("-", Box::new(digits)) } else { digits }
    }

    /// `True` or `False`.
    #[must_use]
    pub fn bool(value: bool) -> Self {
        Self::name(if value { "True" } else { "False" })
    }

    /// `self.name`.
    #[must_use]
    pub fn attribute(self, name: &str) -> Self {
        Self::Attribute(Box::new(self), name.to_owned())
    }

    /// `self(arguments)`.
    #[must_use]
    pub fn call(self, arguments: impl IntoIterator<Item = Self>) -> Self {
        Self::Call(Box::new(self), arguments.into_iter().map(Argument::positional).collect())
    }

    /// `self(arguments)` with keywords.
    #[must_use]
    pub fn call_with(self, arguments: Vec<Argument>) -> Self {
        Self::Call(Box::new(self), arguments)
    }

    /// `self.name(arguments)`.
    #[must_use]
    pub fn method(self, name: &str, arguments: impl IntoIterator<Item = Self>) -> Self {
        self.attribute(name).call(arguments)
    }

    /// `self[index]`.
    #[must_use]
    pub fn index(self, index: Self) -> Self {
        Self::Index(Box::new(self), vec![index])
    }

    /// `left operator right`.
    #[must_use]
    pub fn binary(operator: Operator, left: Self, right: Self) -> Self {
        Self::Binary(operator, Box::new(left), Box::new(right))
    }

    /// How strongly it holds together.
    #[must_use]
    fn binding(&self) -> u8 {
        match self {
            Self::Unary("not", _) => NOT,
            Self::Unary(..) => UNARY,
            Self::Binary(operator, ..) => operator.binding,
            Self::Attribute(..) | Self::Call(..) | Self::Index(..) => POSTFIX,
            Self::Atom(_) | Self::Number(_) | Self::Hole(_) | Self::List(_) | Self::Tuple(_) | Self::Dict(_) => ATOM,
        }
    }
}

impl Argument {
    /// Without a name.
    #[must_use]
    pub fn positional(value: Py) -> Self {
        Self { name: None, value }
    }

    /// `name=value`.
    pub fn keyword(name: impl Into<String>, value: Py) -> Self {
        Self { name: Some(name.into()), value }
    }
}

/// The text of `expression` on one line.
#[must_use]
pub fn flat(expression: &Py) -> String {
    print::expression(expression, true).flat()
}
