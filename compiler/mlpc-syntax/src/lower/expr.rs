//! Expressions: the flat sequence of the grammar is folded by binding strength.

use super::Lower;
use crate::ast::{Arg, BinaryOp, Expr, ExprKind, Name, Range, UnaryOp, path_expr};
use crate::errors;
use crate::grammar::Rule;
use crate::tree::NodeId;
use mlpc_diagnostics::Span;

/// Binding strengths, the loosest first.
const OR: u8 = 1;
const AND: u8 = 2;
const COMPARE: u8 = 4;
const RANGE: u8 = 5;
const ADD: u8 = 6;
const MULTIPLY: u8 = 7;
const POWER: u8 = 9;

/// Infix operators: how they are written, what they are, how tight they bind. `in`, ranges and `not in` are apart.
const OPERATORS: [(&str, BinaryOp, u8); 15] = [
    ("or", BinaryOp::Or, OR),
    ("and", BinaryOp::And, AND),
    ("==", BinaryOp::Eq, COMPARE),
    ("!=", BinaryOp::Ne, COMPARE),
    ("<", BinaryOp::Lt, COMPARE),
    ("<=", BinaryOp::Le, COMPARE),
    (">", BinaryOp::Gt, COMPARE),
    (">=", BinaryOp::Ge, COMPARE),
    ("+", BinaryOp::Add, ADD),
    ("-", BinaryOp::Sub, ADD),
    ("*", BinaryOp::Mul, MULTIPLY),
    ("/", BinaryOp::Div, MULTIPLY),
    ("//", BinaryOp::FloorDiv, MULTIPLY),
    ("%", BinaryOp::Rem, MULTIPLY),
    ("**", BinaryOp::Pow, POWER),
];

/// What an infix operator does.
#[derive(Clone, Copy)]
enum Infix {
    Binary(BinaryOp),
    In { negated: bool },
    Range,
    OpenRange,
    BareRange,
}

/// The parts of an expression, read front to back.
struct Parts {
    nodes: Vec<NodeId>,
    at: usize,
}

impl Parts {
    fn peek(&self) -> Option<NodeId> {
        self.nodes.get(self.at).copied()
    }
}

impl Lower<'_> {
    /// An `expression` or `bounds` node.
    pub(super) fn expression(&mut self, node: NodeId) -> Expr {
        let mut parts = Parts { nodes: self.parts(node), at: 0 };
        match self.fold(&mut parts, OR) {
            Some(expr) => expr,
            None => self.incomplete(self.span(node)),
        }
    }

    fn incomplete(&mut self, span: Span) -> Expr {
        self.errors.push(errors::incomplete(span));
        Expr { kind: ExprKind::Error, span }
    }

    /// An operand and all operators after it that bind at least as tight as `least`.
    fn fold(&mut self, parts: &mut Parts, least: u8) -> Option<Expr> {
        let mut left = self.prefixed(parts)?;
        let mut compared: Option<Span> = None;
        let mut ranged = false;
        while let Some(node) = parts.peek() {
            let Some((infix, strength)) = self.infix(node) else { break };
            if strength < least {
                break;
            }
            parts.at += 1;
            let operator = self.span(node);
            if strength == COMPARE && compared.is_some() || strength == RANGE && ranged {
                return Some(self.chain(left, operator, parts, strength));
            }
            compared = (strength == COMPARE).then_some(operator);
            ranged = strength == RANGE;
            left = self.apply(infix, left, node, parts, strength)?;
        }
        Some(left)
    }

    /// A second comparison or range: reported, and the rest of its strength skipped.
    fn chain(&mut self, left: Expr, operator: Span, parts: &mut Parts, strength: u8) -> Expr {
        let right = self.fold(parts, strength);
        let span = right.map_or(left.span, |right| left.span.to(right.span));
        let finding = if strength == RANGE {
            errors::chained_range(operator)
        } else {
            errors::chained(
                operator,
                "join two comparisons by `and`, as in `0 < x and x < 1`; for bounds write `x in 0<..<1`".to_owned(),
            )
        };
        // A third comparison within the skipped part says nothing new.
        self.errors.retain(|error| {
            error.message != finding.message
                || !error.primary().is_some_and(|place| span.start <= place.start && place.end <= span.end)
        });
        self.errors.push(finding);
        Expr { kind: ExprKind::Error, span }
    }

    fn apply(&mut self, infix: Infix, left: Expr, node: NodeId, parts: &mut Parts, strength: u8) -> Option<Expr> {
        let operator = self.span(node);
        if let Infix::OpenRange = infix {
            let inclusive = !self.text(node).starts_with('<');
            let span = left.span.to(operator);
            return Some(Expr {
                kind: ExprKind::Range(Range { low: Some((Box::new(left), inclusive)), high: None }),
                span,
            });
        }
        // Left-associative operators take tighter ones only on their right; `**` takes itself.
        let least = if strength == POWER { POWER } else { strength + 1 };
        let right = match self.fold(parts, least) {
            Some(right) => right,
            None => self.incomplete(operator),
        };
        let span = left.span.to(right.span);
        let kind = match infix {
            Infix::Binary(op) => ExprKind::Binary(op, Box::new(left), Box::new(right)),
            Infix::In { negated } => ExprKind::In { item: Box::new(left), set: Box::new(right), negated },
            Infix::BareRange | Infix::OpenRange => {
                let open = if self.text(node).starts_with('<') { "<" } else { "" };
                self.errors.push(errors::bare_range(operator, open));
                ExprKind::Error
            }
            Infix::Range => {
                let text = self.text(node);
                let low = Some((Box::new(left), !text.starts_with('<')));
                ExprKind::Range(Range { low, high: Some((Box::new(right), text.ends_with('='))) })
            }
        };
        Some(Expr { kind, span })
    }

    fn infix(&self, node: NodeId) -> Option<(Infix, u8)> {
        match self.kind(node) {
            Rule::operator | Rule::arithmetic | Rule::floor_division => {
                let text = self.text(node);
                if text == "in" {
                    return Some((Infix::In { negated: false }, COMPARE));
                }
                OPERATORS
                    .iter()
                    .find(|(symbol, ..)| *symbol == text)
                    .map(|(_, op, strength)| (Infix::Binary(*op), *strength))
            }
            Rule::not_in => Some((Infix::In { negated: true }, COMPARE)),
            Rule::range_operator => Some((Infix::Range, RANGE)),
            Rule::range_bare => Some((Infix::BareRange, RANGE)),
            Rule::range_open => Some((Infix::OpenRange, RANGE)),
            _ => None,
        }
    }

    /// An operand with its prefix operators.
    fn prefixed(&mut self, parts: &mut Parts) -> Option<Expr> {
        let node = parts.peek()?;
        if self.kind(node) != Rule::prefix {
            return self.postfixed(parts);
        }
        parts.at += 1;
        let start = self.span(node);
        let prefix = self.text(node).to_owned();
        if prefix == "-"
            && let Some(least) = self.least_integer(parts, start)
        {
            return Some(least);
        }
        let strength = match prefix.as_str() {
            "-" => POWER,
            "not" => COMPARE,
            _ => ADD,
        };
        let operand = match self.fold(parts, strength) {
            Some(operand) => Box::new(operand),
            None => Box::new(self.incomplete(start)),
        };
        let span = start.to(operand.span);
        let kind = match prefix.as_str() {
            "-" => ExprKind::Unary(UnaryOp::Neg, operand),
            "not" => ExprKind::Unary(UnaryOp::Not, operand),
            range => ExprKind::Range(Range { low: None, high: Some((operand, range.ends_with('='))) }),
        };
        Some(Expr { kind, span })
    }

    /// `-9223372036854775808`, whose digits alone are too large.
    fn least_integer(&mut self, parts: &mut Parts, minus: Span) -> Option<Expr> {
        let node = parts.peek().filter(|node| self.kind(*node) == Rule::int)?;
        let is_least = self.text(node).replace('_', "").parse() == Ok(i64::MIN.unsigned_abs());
        is_least.then(|| {
            parts.at += 1;
            Expr { kind: ExprKind::Int(i64::MIN), span: minus.to(self.span(node)) }
        })
    }

    /// A primary expression with its calls, members, `over` and `by`.
    fn postfixed(&mut self, parts: &mut Parts) -> Option<Expr> {
        let node = parts.peek()?;
        parts.at += 1;
        let mut expr = self.primary(node);
        while let Some(node) = parts.peek() {
            let span = expr.span.to(self.span(node));
            let kind = match self.kind(node) {
                Rule::call => self.call(expr, node),
                Rule::member => ExprKind::Member(Box::new(expr), self.name_in(node)),
                Rule::index => {
                    let index = self.index(node);
                    ExprKind::Index(Box::new(expr), Box::new(index))
                }
                Rule::over => {
                    let args = self.part(node, Rule::window).map_or_else(Vec::new, |window| self.window(window));
                    ExprKind::Over(Box::new(expr), args)
                }
                Rule::by => self.by(expr, node),
                _ => break,
            };
            parts.at += 1;
            expr = Expr { kind, span };
        }
        Some(expr)
    }

    fn by(&mut self, metric: Expr, node: NodeId) -> ExprKind {
        if self.in_require {
            return ExprKind::By(Box::new(metric), self.name_in(node));
        }
        let span = self.span(node);
        self.errors.push(errors::misplaced_by(span));
        ExprKind::Error
    }

    /// `[a, b]` after an operand is the index `[a, b]`.
    fn index(&mut self, node: NodeId) -> Expr {
        let mut items: Vec<Expr> =
            self.parts_of(node, Rule::expression).into_iter().map(|item| self.expression(item)).collect();
        match items.pop() {
            Some(only) if items.is_empty() => only,
            last => {
                items.extend(last);
                Expr { kind: ExprKind::List(items), span: self.span(node) }
            }
        }
    }

    /// A call; `date("…")` of a plain string is a date.
    fn call(&mut self, callee: Expr, node: NodeId) -> ExprKind {
        let args = self.arguments(node);
        let is_date = matches!(&callee.kind, ExprKind::Name(name) if name == "date");
        if let ([Arg { name: None, value: Expr { kind: ExprKind::Str(text), span } }], true) =
            (args.as_slice(), is_date)
        {
            return self.date(text, *span);
        }
        ExprKind::Call(Box::new(callee), args)
    }

    fn arguments(&mut self, node: NodeId) -> Vec<Arg> {
        let mut args = Vec::new();
        for part in self.parts_of(node, Rule::argument) {
            let name: Option<Name> = self.part(part, Rule::name).map(|name| self.name(name));
            args.push(Arg { name, value: self.expression_in(part) });
        }
        args
    }

    /// The arguments of `over`, in which `a = b` pairs a name of this side with one of that side.
    fn window(&mut self, node: NodeId) -> Vec<Arg> {
        let mut args = Vec::new();
        for part in self.parts_of(node, Rule::window_argument) {
            let name: Option<Name> = self.part(part, Rule::name).map(|name| self.name(name));
            let pairs = [Rule::pairing, Rule::pairings].into_iter().find_map(|rule| self.part(part, rule));
            let value = match pairs {
                Some(pairs) if self.kind(pairs) == Rule::pairing => self.pairing(pairs),
                Some(pairs) => {
                    let items: Vec<NodeId> = self.tree.parts(pairs).collect();
                    let items = items.into_iter().filter_map(|item| match self.kind(item) {
                        Rule::pairing => Some(self.pairing(item)),
                        Rule::path => Some(path_expr(&self.path(item))),
                        _ => None,
                    });
                    Expr { kind: ExprKind::List(items.collect()), span: self.span(pairs) }
                }
                None => self.expression_in(part),
            };
            args.push(Arg { name, value });
        }
        args
    }

    fn pairing(&self, node: NodeId) -> Expr {
        let mut sides = self.parts_of(node, Rule::path).into_iter().map(|side| self.path(side));
        let span = self.span(node);
        match (sides.next(), sides.next()) {
            (Some(here), Some(there)) => Expr { kind: ExprKind::Pair(here, there), span },
            _ => Expr { kind: ExprKind::Error, span },
        }
    }

    fn primary(&mut self, node: NodeId) -> Expr {
        let span = self.span(node);
        let kind = match self.kind(node) {
            Rule::variable => ExprKind::Name(super::unquoted(self.text(node)).to_owned()),
            Rule::null => ExprKind::Null,
            Rule::boolean => ExprKind::Bool(self.text(node) == "true"),
            Rule::string | Rule::raw_string => ExprKind::Str(self.string_value(node)),
            Rule::interpolated => ExprKind::Interpolated(self.interpolated(node)),
            Rule::paren => self.expression_in(node).kind,
            Rule::list => {
                let items = self.parts_of(node, Rule::expression);
                ExprKind::List(items.into_iter().map(|item| self.expression(item)).collect())
            }
            Rule::record => self.record(node),
            Rule::if_then_else => self.if_then_else(node),
            _ => self.number(node),
        };
        Expr { kind, span }
    }

    fn if_then_else(&mut self, node: NodeId) -> ExprKind {
        let mut expressions = self.parts_of(node, Rule::expression).into_iter();
        let span = self.span(node);
        let mut next = |lower: &mut Self| match expressions.next() {
            Some(part) => Box::new(lower.expression(part)),
            None => Box::new(lower.incomplete(span)),
        };
        ExprKind::If(next(self), next(self), next(self))
    }

    fn record(&mut self, node: NodeId) -> ExprKind {
        let mut entries = Vec::new();
        // Where an entry ended, until a comma or a line break is seen.
        let mut unseparated: Option<Span> = None;
        for child in self.tree.children(node) {
            let span = self.span(child);
            match self.kind(child) {
                Rule::pair => {
                    if let Some(end) = unseparated {
                        self.errors.push(errors::missing_comma(end));
                    }
                    unseparated = Some(Span { start: span.end, end: span.end });
                    entries.push((self.name_in(child), self.expression_in(child)));
                }
                Rule::comma => unseparated = None,
                Rule::WHITESPACE if self.text(child).contains('\n') => unseparated = None,
                _ => {}
            }
        }
        ExprKind::Record(entries)
    }
}
