//! Expressions as short text in prefix form, so that tests can be tables.

use mlpc_syntax::ast::{Arg, Expr, ExprKind, Range, StrPart, UnaryOp};

/// `(+ a 1)` for `a + 1`.
pub fn show(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Null => "null".to_owned(),
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::Int(value) => value.to_string(),
        ExprKind::Float(value) => format!("{value:?}"),
        ExprKind::Percent(value) => format!("{value:?}%"),
        ExprKind::Str(value) => format!("{value:?}"),
        ExprKind::Interpolated(parts) => format!("(f {})", join(parts, part)),
        ExprKind::Duration(value) => format!("{value}ms"),
        ExprKind::Size(value) => format!("{value}B"),
        ExprKind::Date(days) => format!("day{days}"),
        ExprKind::Name(name) => name.clone(),
        ExprKind::Member(base, name) => format!("(. {} {})", show(base), name.text),
        ExprKind::Index(base, index) => format!("(at {} {})", show(base), show(index)),
        ExprKind::Call(callee, args) => format!("(call {} {})", show(callee), join(args, arg)),
        ExprKind::Over(base, args) => format!("(over {} {})", show(base), join(args, arg)),
        ExprKind::Pair(here, there) => format!("(pair {} {})", here.text(), there.text()),
        ExprKind::By(metric, column) => format!("(by {} {})", show(metric), column.text),
        ExprKind::Unary(UnaryOp::Neg, operand) => format!("(neg {})", show(operand)),
        ExprKind::Unary(UnaryOp::Not, operand) => format!("(not {})", show(operand)),
        ExprKind::Binary(op, left, right) => format!("({} {} {})", op.symbol(), show(left), show(right)),
        ExprKind::In { item, set, negated } => {
            format!("({} {} {})", if *negated { "not-in" } else { "in" }, show(item), show(set))
        }
        ExprKind::If(condition, yes, no) => format!("(if {} {} {})", show(condition), show(yes), show(no)),
        ExprKind::Range(bounds) => range(bounds),
        ExprKind::List(items) => format!("[{}]", join(items, show)),
        ExprKind::Record(entries) => {
            format!("{{{}}}", join(entries, |(name, value)| format!("{}: {}", name.text, show(value))))
        }
        ExprKind::Optional(of) => format!("(? {})", show(of)),
        ExprKind::ForAll(path, condition) => format!("(for-all {} {})", path.text(), show(condition)),
        ExprKind::Error => "<error>".to_owned(),
    }
}

/// `1..=` and so on, the bounds in prefix form.
fn range(bounds: &Range) -> String {
    let low = bounds.low.as_ref().map(|(low, inclusive)| format!("{}{}", show(low), if *inclusive { "" } else { "<" }));
    let high =
        bounds.high.as_ref().map(|(high, inclusive)| format!("{}{}", if *inclusive { "=" } else { "<" }, show(high)));
    format!("({}..{})", low.unwrap_or_default(), high.unwrap_or_default())
}

fn arg(arg: &Arg) -> String {
    match &arg.name {
        Some(name) => format!("{}: {}", name.text, show(&arg.value)),
        None => show(&arg.value),
    }
}

fn part(part: &StrPart) -> String {
    match part {
        StrPart::Text(text) => format!("{text:?}"),
        StrPart::Expr(expr) => show(expr),
    }
}

fn join<T>(items: &[T], show: impl Fn(&T) -> String) -> String {
    items.iter().map(show).collect::<Vec<_>>().join(" ")
}
