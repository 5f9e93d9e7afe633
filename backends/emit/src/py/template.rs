//! Fills the templates of library functions: `{x}.log1p()`.

use super::lexer::{Token, tokens};
use super::parser::{ParseError, parse};
use super::{Argument, Py};
use indexmap::IndexMap;

/// What a hole of a template is filled with.
#[derive(Clone, Debug, PartialEq)]
pub enum Filling {
    /// Expressions: one, or several for a parameter that takes any number.
    Expressions(Vec<Py>),
    /// A constant, and its bare text for holes inside string literals.
    Constant(Py, String),
}

/// A template that cannot be filled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// It is no Python that is understood.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// It names something that it is not given.
    #[error("the template `{template}` names {{{name}}}, which it is not given")]
    Unknown {
        /// The template.
        template: String,
        /// The name.
        name: String,
    },
    /// Several expressions stand where one must.
    #[error("the template `{template}` uses {{{name}}} where only one expression can stand")]
    Several {
        /// The template.
        template: String,
        /// The name.
        name: String,
    },
}

/// Reads `template` and fills its holes.
///
/// # Errors
///
/// If it is no expression, or names what it is not given.
pub fn fill(template: &str, fillings: &IndexMap<String, Filling>) -> Result<Py, TemplateError> {
    let shape = parse(template, true)?;
    Filler { template, fillings }.one(&shape)
}

struct Filler<'a> {
    template: &'a str,
    fillings: &'a IndexMap<String, Filling>,
}

impl Filler<'_> {
    fn filling(&self, name: &str) -> Result<&Filling, TemplateError> {
        self.fillings
            .get(name)
            .ok_or_else(|| TemplateError::Unknown { template: self.template.to_owned(), name: name.to_owned() })
    }

    /// An expression where one stands.
    fn one(&self, py: &Py) -> Result<Py, TemplateError> {
        let boxed = |py: &Py| Ok::<_, TemplateError>(Box::new(self.one(py)?));
        Ok(match py {
            Py::Hole(name) => match self.filling(name)? {
                Filling::Constant(value, _) => value.clone(),
                Filling::Expressions(values) => match values.as_slice() {
                    [value] => value.clone(),
                    _ => return Err(TemplateError::Several { template: self.template.into(), name: name.clone() }),
                },
            },
            Py::Atom(text) if text.contains('{') => Py::Atom(self.inside_string(text)?),
            Py::Atom(_) | Py::Number(_) => py.clone(),
            Py::Attribute(base, name) => Py::Attribute(boxed(base)?, name.clone()),
            Py::Call(function, arguments) => Py::Call(boxed(function)?, self.arguments(arguments)?),
            Py::Index(base, index) => Py::Index(boxed(base)?, self.several(index)?),
            Py::Unary(operator, operand) => Py::Unary(operator, boxed(operand)?),
            Py::Binary(operator, left, right) => Py::Binary(*operator, boxed(left)?, boxed(right)?),
            Py::List(items) => Py::List(self.several(items)?),
            Py::Tuple(items) => Py::Tuple(self.several(items)?),
            Py::Dict(entries) => {
                let filled = entries.iter().map(|(key, value)| Ok((self.one(key)?, self.one(value)?)));
                Py::Dict(filled.collect::<Result<_, TemplateError>>()?)
            }
        })
    }

    /// Items of which a hole may be any number.
    fn several(&self, items: &[Py]) -> Result<Vec<Py>, TemplateError> {
        let mut filled = Vec::new();
        for item in items {
            match item {
                Py::Hole(name) => match self.filling(name)? {
                    Filling::Expressions(values) => filled.extend(values.iter().cloned()),
                    Filling::Constant(value, _) => filled.push(value.clone()),
                },
                _ => filled.push(self.one(item)?),
            }
        }
        Ok(filled)
    }

    fn arguments(&self, arguments: &[Argument]) -> Result<Vec<Argument>, TemplateError> {
        let mut filled = Vec::new();
        for argument in arguments {
            match argument.name {
                None => filled
                    .extend(self.several(std::slice::from_ref(&argument.value))?.into_iter().map(Argument::positional)),
                Some(_) => {
                    filled.push(Argument { name: argument.name.clone(), value: self.one(&argument.value)? });
                }
            }
        }
        Ok(filled)
    }

    /// Constants inside a string literal: `"{months}mo"`. Only text that needs no escape may stand there.
    fn inside_string(&self, literal: &str) -> Result<String, TemplateError> {
        let mut text = literal.to_owned();
        for (name, filling) in self.fillings {
            if let Filling::Constant(_, bare) = filling {
                text = text.replace(&format!("{{{name}}}"), bare);
            }
        }
        let unchanged = matches!(tokens(&text, false)?.as_slice(), [Token::Text(_)]);
        if unchanged {
            return Ok(text.replace("{{", "{"));
        }
        Err(TemplateError::Unknown { template: self.template.to_owned(), name: literal.to_owned() })
    }
}

/// The names of the holes of a template, each once; what stands inside string literals is not counted.
///
/// # Errors
///
/// If the template is no expression.
pub fn holes(template: &str) -> Result<Vec<String>, TemplateError> {
    parse(template, true)?;
    let mut names: Vec<String> = Vec::new();
    for token in tokens(template, true)? {
        if let Token::Hole(name) = token
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
    Ok(names)
}
