//! `name in domain when condition`: where a dimension has a value at all.

use crate::blocks::Context;
use crate::consts::{constant, dotted};
use crate::errors;
use crate::typed::{Candidate, Const, When};
use mlpc_diagnostics::{Span, did_you_mean};
use mlpc_syntax::ast::{BinaryOp, BlockDecl, Entry, Expr, ExprKind, UnaryOp};

/// A condition over other dimensions; what is none is reported.
pub(super) fn when(context: &mut Context<'_>, expr: &Expr) -> Option<When> {
    match &expr.kind {
        ExprKind::Unary(UnaryOp::Not, operand) => Some(When::Not(Box::new(when(context, operand)?))),
        ExprKind::Binary(op @ (BinaryOp::And | BinaryOp::Or), left, right) => {
            let (left, right) = (when(context, left), when(context, right));
            let (left, right) = (Box::new(left?), Box::new(right?));
            Some(if *op == BinaryOp::And { When::And(left, right) } else { When::Or(left, right) })
        }
        ExprKind::In { item, set, negated } => {
            let name = dimension(context, item)?;
            let ExprKind::List(items) = &set.kind else { return no_condition(context, set.span) };
            let values = items.iter().map(|item| constant(context.db, context.file, item)).collect::<Option<_>>();
            let Some(values) = values else { return no_condition(context, set.span) };
            let holds = When::Is(name, values);
            Some(if *negated { When::Not(Box::new(holds)) } else { holds })
        }
        ExprKind::Binary(op, left, right) if op.is_comparison() => {
            let name = dimension(context, left)?;
            let value = constant(context.db, context.file, right);
            match (op, value) {
                (BinaryOp::Eq, Some(value)) => Some(When::Is(name, vec![value])),
                (BinaryOp::Ne, Some(value)) => Some(When::Not(Box::new(When::Is(name, vec![value])))),
                (op, Some(value)) => match value.number() {
                    Some(number) => Some(When::Compares(name, *op, number)),
                    None => no_condition(context, right.span),
                },
                (_, None) => no_condition(context, right.span),
            }
        }
        _ => no_condition(context, expr.span),
    }
}

/// The name of a dimension: `booster`, or `trainer.booster`.
fn dimension(context: &mut Context<'_>, expr: &Expr) -> Option<String> {
    match dotted(expr) {
        Some(name) => Some(name.strip_prefix("trainer.").unwrap_or(&name).to_owned()),
        None => no_condition(context, expr.span),
    }
}

fn no_condition<T>(context: &mut Context<'_>, span: Span) -> Option<T> {
    let help = "compare another dimension with a value: `when booster == \"dart\"`";
    context.findings.push(errors::bad_domain("this is no condition over dimensions", "not understood", help, span));
    None
}

/// Reports conditions over what is no dimension of the model, and over dimensions that come later.
pub(super) fn known(context: &mut Context<'_>, decl: &BlockDecl, candidate: &Candidate) {
    for (at, dimension) in candidate.dimensions.iter().enumerate() {
        let Some(condition) = &dimension.when else { continue };
        let before: Vec<&str> = candidate.dimensions.iter().take(at).map(|one| one.name.as_str()).collect();
        for name in condition.names() {
            if before.contains(&name) {
                continue;
            }
            let span = span_of(decl, &dimension.name).unwrap_or(decl.header);
            let message = format!("`{name}` is no dimension before `{}`", dimension.name);
            let help = match did_you_mean(name, before.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("search `{name}` above it"),
            };
            context.findings.push(errors::bad_domain(message, "depends on what is not known", &help, span));
        }
    }
}

fn span_of(decl: &BlockDecl, dimension: &str) -> Option<Span> {
    let blocks = decl.entries.iter().filter_map(|entry| match entry {
        Entry::Block(block) => Some(block),
        _ => None,
    });
    blocks.flat_map(|block| &block.entries).find_map(|entry| match entry {
        Entry::Search { name, when: Some(condition), .. } if name.text() == dimension => Some(condition.span),
        _ => None,
    })
}

impl When {
    /// The dimensions that it reads.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        match self {
            Self::Is(name, _) | Self::Compares(name, ..) => vec![name],
            Self::Not(inner) => inner.names(),
            Self::And(left, right) | Self::Or(left, right) => [left.names(), right.names()].concat(),
        }
    }

    /// Whether it holds for these values.
    #[must_use]
    pub fn holds(&self, value: &dyn Fn(&str) -> Option<Const>) -> bool {
        match self {
            Self::Is(name, values) => value(name).is_some_and(|value| values.contains(&value)),
            Self::Compares(name, op, bound) => {
                let number = value(name).and_then(|value| value.number());
                number.is_some_and(|number| match op {
                    BinaryOp::Lt => number < *bound,
                    BinaryOp::Le => number <= *bound,
                    BinaryOp::Gt => number > *bound,
                    BinaryOp::Ge => number >= *bound,
                    _ => false,
                })
            }
            Self::Not(inner) => !inner.holds(value),
            Self::And(left, right) => left.holds(value) && right.holds(value),
            Self::Or(left, right) => left.holds(value) || right.holds(value),
        }
    }
}
