//! Expressions of the plan to Polars expressions.
//!
//! Operators take bare literals (`pl.col("x") > 0.0`); everywhere else a literal is `pl.lit(...)`, because Polars reads
//! a bare text as a column's name and a bare integer as 32 bits.

use crate::error::EmitError;
use crate::py::{self, Filling, Py, fill, operator, value_literal};
use indexmap::IndexMap;
use mlpc_plan::plan::{DType, Expr, Fitted};
use serde_json::Value;

/// Prints expressions; remembers what the module that holds them must import or define.
#[derive(Debug, Default)]
pub struct Printer {
    /// Modules of the runtime that expressions name.
    pub runtime: Vec<&'static str>,
    /// Users' functions: their reference `file.py:function` and the constant that holds it.
    pub user_functions: IndexMap<String, String>,
}

/// Modules of `mlp_runtime` that templates may name.
const RUNTIME_MODULES: [&str; 6] = ["encoding", "expr", "fitted", "functions", "neighbours", "vectors"];

impl Printer {
    /// `expression` as a Polars expression.
    ///
    /// # Errors
    ///
    /// If a template is no Python, or an operator is unknown.
    pub fn expression(&mut self, expression: &Expr) -> Result<Py, EmitError> {
        let printed = match expression {
            Expr::Column { name } => self.column(name),
            Expr::Literal { value } => literal(value),
            Expr::Date { iso } => date(iso)?,
            Expr::Duration { ms } => duration(*ms),
            Expr::List { items } => Py::List(items.iter().map(|item| self.operand(item)).collect::<Result<_, _>>()?),
            Expr::Call { polars, args, constants, finite, .. } => {
                let called = self.call(polars, args, constants)?;
                self.finite(called, *finite)
            }
            Expr::UserCall { python, args, dtype, vectorized } => self.user(python, args, dtype, *vectorized)?,
            Expr::Unary { operator, operand } => self.unary(operator, operand)?,
            Expr::Binary { operator, left, right, finite } => {
                let combined = self.binary(operator, left, right)?;
                self.finite(combined, *finite)
            }
            Expr::If { condition, then, otherwise } => self.choice(condition, then, otherwise)?,
            Expr::InList { item, values, negated } => {
                let list = Py::List(values.iter().map(value_literal).collect());
                negate(self.expression(item)?.method("is_in", [list]), *negated)
            }
            Expr::InRange { item, low, high, negated } => {
                negate(self.range(item, low.as_ref(), high.as_ref())?, *negated)
            }
            Expr::Cast { value, to } => self.expression(value)?.method("cast", [polars_type(to)]),
        };
        Ok(printed)
    }

    /// The applied form of a fitted column: its template over its arguments, constants and `state[name]`.
    ///
    /// # Errors
    ///
    /// If the template is no Python.
    pub fn fitted(&mut self, fitted: &Fitted) -> Result<Py, EmitError> {
        let args = fitted.args.iter().map(|(name, values)| (name, values.as_slice()));
        let mut fillings = self.fillings(args, &fitted.constants)?;
        let learned = Py::name("state").index(Py::string(&fitted.name));
        for name in &fitted.state {
            let value = learned.clone().index(Py::string(name));
            fillings.insert(name.clone(), Filling::Expressions(vec![value]));
        }
        let applied = fill(&fitted.polars, &fillings)?;
        self.note(&applied);
        Ok(self.finite(applied, fitted.finite))
    }

    /// The column of that name, also where Polars would read the name as a pattern.
    pub fn column(&mut self, name: &str) -> Py {
        if name == "*" || name.starts_with('^') && name.ends_with('$') {
            self.import("expr");
            return Py::name("expr").method("column", [Py::string(name)]);
        }
        Py::name("pl").method("col", [Py::string(name)])
    }

    /// An operand of an operator: literals bare.
    fn operand(&mut self, expression: &Expr) -> Result<Py, EmitError> {
        match number(expression) {
            Some(value) => Ok(value_literal(&value)),
            None => match expression {
                Expr::Literal { value } => Ok(value_literal(value)),
                _ => self.expression(expression),
            },
        }
    }

    fn call(
        &mut self,
        template: &str,
        args: &IndexMap<String, Vec<Expr>>,
        constants: &IndexMap<String, Value>,
    ) -> Result<Py, EmitError> {
        let fillings = self.fillings(args.iter().map(|(name, values)| (name, values.as_slice())), constants)?;
        let called = fill(template, &fillings)?;
        self.note(&called);
        Ok(called)
    }

    fn fillings<'a>(
        &mut self,
        args: impl Iterator<Item = (&'a String, &'a [Expr])>,
        constants: &IndexMap<String, Value>,
    ) -> Result<IndexMap<String, Filling>, EmitError> {
        let mut fillings = IndexMap::new();
        for (name, values) in args {
            let printed = values.iter().map(|value| self.expression(value)).collect::<Result<_, _>>()?;
            fillings.insert(name.clone(), Filling::Expressions(printed));
        }
        for (name, value) in constants {
            let bare = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            fillings.insert(name.clone(), Filling::Constant(value_literal(value), bare));
        }
        Ok(fillings)
    }

    fn unary(&mut self, operator: &str, operand: &Expr) -> Result<Py, EmitError> {
        match operator {
            "-" => Ok(Py::Unary("-", Box::new(self.expression(operand)?))),
            "not" => Ok(negate(self.expression(operand)?, true)),
            _ => Err(EmitError::Operator(operator.to_owned())),
        }
    }

    fn binary(&mut self, symbol: &str, left: &Expr, right: &Expr) -> Result<Py, EmitError> {
        if let Some(value) = folded(symbol, left, right) {
            return Ok(literal(&value));
        }
        // Polars has its own three-valued logic under the names of the bitwise operators.
        let symbol = match symbol {
            "and" => "&",
            "or" => "|",
            _ => symbol,
        };
        let operator = operator(symbol).ok_or_else(|| EmitError::Operator(symbol.to_owned()))?;
        let bare_left = !matches!(right, Expr::Literal { .. } | Expr::List { .. }) && number(right).is_none();
        let left = if bare_left { self.operand(left)? } else { self.expression(left)? };
        Ok(Py::binary(operator, left, self.operand(right)?))
    }

    fn choice(&mut self, condition: &Expr, then: &Expr, otherwise: &Expr) -> Result<Py, EmitError> {
        let condition = self.expression(condition)?;
        let then = self.expression(then)?;
        let otherwise = self.expression(otherwise)?;
        Ok(Py::name("pl").method("when", [condition]).method("then", [then]).method("otherwise", [otherwise]))
    }

    fn range(
        &mut self,
        item: &Expr,
        low: Option<&(Box<Expr>, bool)>,
        high: Option<&(Box<Expr>, bool)>,
    ) -> Result<Py, EmitError> {
        let value = self.expression(item)?;
        let sign = |text: &str| operator(text).ok_or_else(|| EmitError::Operator(text.to_owned()));
        match (low, high) {
            (Some((low, low_closed)), Some((high, high_closed))) => {
                let bounds = vec![self.bound(low)?, self.bound(high)?];
                let mut arguments: Vec<_> = bounds.into_iter().map(py::Argument::positional).collect();
                let closed = match (low_closed, high_closed) {
                    (true, true) => None,
                    (true, false) => Some("left"),
                    (false, true) => Some("right"),
                    (false, false) => Some("none"),
                };
                arguments.extend(closed.map(|text| py::Argument::keyword("closed", Py::string(text))));
                Ok(value.attribute("is_between").call_with(arguments))
            }
            (Some((low, closed)), None) => {
                Ok(Py::binary(sign(if *closed { ">=" } else { ">" })?, value, self.operand(low)?))
            }
            (None, Some((high, closed))) => {
                Ok(Py::binary(sign(if *closed { "<=" } else { "<" })?, value, self.operand(high)?))
            }
            (None, None) => Ok(value.method("is_not_null", [])),
        }
    }

    /// A bound of `is_between`: bare numbers, but texts as literals.
    fn bound(&mut self, bound: &Expr) -> Result<Py, EmitError> {
        match bound {
            Expr::Literal { value: Value::Number(_) } => self.operand(bound),
            _ => self.expression(bound),
        }
    }

    fn user(&mut self, python: &str, args: &[Expr], dtype: &DType, vectorized: bool) -> Result<Py, EmitError> {
        let function = python.rsplit_once(':').map_or(python, |(_, function)| function);
        let taken = self.user_functions.len();
        let constant = self.user_functions.entry(python.to_owned()).or_insert_with(|| {
            let suffix = if taken == 0 { String::new() } else { format!("_{taken}") };
            format!("{}{suffix}", function.to_uppercase())
        });
        let constant = Py::name(constant.clone());
        self.import("expr");
        let given = Py::List(args.iter().map(|item| self.expression(item)).collect::<Result<_, _>>()?);
        let name = if vectorized { "user_vectorized" } else { "user" };
        Ok(Py::name("expr").method(name, [constant, given, polars_type(dtype)]))
    }

    fn finite(&mut self, value: Py, finite: bool) -> Py {
        if !finite {
            return value;
        }
        self.import("expr");
        Py::name("expr").method("finite", [value])
    }

    fn import(&mut self, module: &'static str) {
        if !self.runtime.contains(&module) {
            self.runtime.push(module);
        }
    }

    /// Notes the runtime modules that a filled template names.
    fn note(&mut self, py: &Py) {
        let text = py::flat(py);
        for module in RUNTIME_MODULES {
            let named = text.match_indices(&format!("{module}.")).any(|(at, _)| {
                !text
                    .get(..at)
                    .is_some_and(|before| before.ends_with(|c: char| c.is_alphanumeric() || "._".contains(c)))
            });
            if named {
                self.import(module);
            }
        }
    }
}

/// The Polars type of a column.
#[must_use]
pub fn polars_type(dtype: &DType) -> Py {
    let pl = Py::name("pl");
    match dtype {
        DType::Bool => pl.attribute("Boolean"),
        DType::Int => pl.attribute("Int64"),
        DType::Float => pl.attribute("Float64"),
        DType::String | DType::Category { .. } => pl.attribute("String"),
        DType::Date => pl.attribute("Date"),
        DType::Bytes | DType::Image => pl.attribute("Binary"),
        DType::Timestamp => pl.method("Datetime", [Py::string("us"), Py::string("UTC")]),
        DType::Duration => pl.method("Duration", [Py::string("us")]),
        DType::Vector { size: Some(size) } => {
            pl.clone().method("Array", [pl.attribute("Float64"), Py::integer(i64::from(*size))])
        }
        DType::List { item, .. } => pl.clone().method("List", [polars_type(item)]),
        DType::Decimal { digits, scale } => {
            pl.method("Decimal", [Py::integer(i64::from(*digits)), Py::integer(i64::from(*scale))])
        }
        DType::Vector { size: None } => pl.clone().method("List", [pl.attribute("Float64")]),
    }
}

/// The number that an expression of numbers alone always gives: `2 * pi`.
fn number(expression: &Expr) -> Option<Value> {
    match expression {
        Expr::Literal { value: value @ Value::Number(_) } => Some(value.clone()),
        Expr::Binary { operator, left, right, finite: false } => folded(operator, left, right),
        _ => None,
    }
}

fn folded(symbol: &str, left: &Expr, right: &Expr) -> Option<Value> {
    let (left, right) = (number(left)?, number(right)?);
    if let (Some(left), Some(right)) = (left.as_i64(), right.as_i64()) {
        let value = match symbol {
            "+" => left.checked_add(right),
            "-" => left.checked_sub(right),
            "*" => left.checked_mul(right),
            _ => None,
        };
        return value.map(Value::from);
    }
    let (left, right) = (left.as_f64()?, right.as_f64()?);
    let value = match symbol {
        "+" => left + right,
        "-" => left - right,
        "*" => left * right,
        "/" => left / right,
        _ => return None,
    };
    value.is_finite().then(|| Value::from(value))
}

/// `pl.lit(...)`, integers with their 64 bits.
fn literal(value: &Value) -> Py {
    let lit = |arguments: Vec<Py>| Py::name("pl").method("lit", arguments);
    match value {
        Value::Number(number) if number.is_i64() => lit(vec![value_literal(value), Py::name("pl").attribute("Int64")]),
        _ => lit(vec![value_literal(value)]),
    }
}

fn negate(py: Py, negated: bool) -> Py {
    if negated { Py::Unary("~", Box::new(py)) } else { py }
}

fn date(iso: &str) -> Result<Py, EmitError> {
    let parts: Vec<i64> = iso.split('-').map_while(|part| part.parse().ok()).collect();
    match parts.as_slice() {
        [year, month, day] => {
            let digits = |value: &i64| Py::Number(value.to_string());
            Ok(Py::name("pl").method("date", [digits(year), digits(month), digits(day)]))
        }
        _ => Err(EmitError::Date(iso.to_owned())),
    }
}

/// The longest unit that divides a span, with the milliseconds in one.
const UNITS: [(&str, i64); 5] =
    [("days", 86_400_000), ("hours", 3_600_000), ("minutes", 60_000), ("seconds", 1_000), ("milliseconds", 1)];

/// A span of time as keyword arguments of `pl.duration` or `timedelta`.
#[must_use]
pub fn span(ms: i64) -> py::Argument {
    let unit = UNITS.iter().find(|(_, length)| ms % length == 0);
    let (name, length) = unit.copied().unwrap_or(("milliseconds", 1));
    py::Argument::keyword(name, Py::integer(ms / length))
}

/// `timedelta(days=7)`.
#[must_use]
pub fn timedelta(ms: i64) -> Py {
    Py::name("timedelta").call_with(vec![span(ms)])
}

fn duration(ms: i64) -> Py {
    Py::name("pl").attribute("duration").call_with(vec![span(ms)])
}
