//! Expressions to layouts, by the rules of `ruff format`.

use super::doc::Doc;
use super::{Argument, COMPARE, NOT, Operator, POSTFIX, POWER, Py, UNARY, is_identifier};

/// The layout of an expression. `bracketed`: whether it stands within brackets, where lines may break anywhere.
pub(super) fn expression(py: &Py, bracketed: bool) -> Doc {
    match py {
        Py::Atom(text) | Py::Number(text) => Doc::text(text),
        Py::Hole(name) => Doc::text(format!("{{{name}}}")),
        Py::Attribute(..) | Py::Call(..) | Py::Index(..) => chain(py, bracketed),
        Py::Unary(operator, operand) => unary(operator, operand, bracketed),
        Py::Binary(..) => binary(py, bracketed),
        Py::List(items) => list("[", items, "]"),
        Py::Tuple(items) => tuple(items),
        Py::Dict(entries) => dict(entries),
    }
}

/// The arguments of a call, on one line, or together on a line of their own, or each on its own.
pub(super) fn arguments(arguments: &[Argument]) -> Doc {
    if arguments.is_empty() {
        return Doc::text("()");
    }
    let items = arguments.iter().map(argument).collect();
    Doc::bracketed("(", Doc::group(vec![Doc::items(items)]), ")")
}

fn argument(argument: &Argument) -> Doc {
    let value = expression(&argument.value, true);
    match argument.name.as_deref() {
        None => value,
        Some(star @ ("*" | "**")) => Doc::Concat(vec![Doc::text(star), value]),
        Some(name) => Doc::Concat(vec![Doc::text(format!("{name}=")), value]),
    }
}

fn list(open: &str, items: &[Py], close: &str) -> Doc {
    if items.is_empty() {
        return Doc::text(format!("{open}{close}"));
    }
    Doc::bracketed(open, Doc::items(items.iter().map(|item| expression(item, true)).collect()), close)
}

fn tuple(items: &[Py]) -> Doc {
    match items {
        [item] => Doc::bracketed("(", Doc::Concat(vec![expression(item, true), Doc::text(",")]), ")"),
        _ => list("(", items, ")"),
    }
}

fn dict(entries: &[(Py, Py)]) -> Doc {
    if entries.is_empty() {
        return Doc::text("{}");
    }
    let entry = |(key, value): &(Py, Py)| match key {
        Py::Atom(star) if star == "**" => Doc::Concat(vec![Doc::text("**"), expression(value, true)]),
        _ => Doc::Concat(vec![expression(key, true), Doc::text(": "), expression(value, true)]),
    };
    Doc::bracketed("{", Doc::items(entries.iter().map(entry).collect()), "}")
}

fn unary(operator: &str, operand: &Py, bracketed: bool) -> Doc {
    let space = if operator == "not" { " " } else { "" };
    let least = if operator == "not" { NOT } else { UNARY };
    // `~(-x) ** y` reads as if the parentheses were the operand.
    let least = if starts_with_parenthesis(operand) { POSTFIX } else { least };
    let mut doc = operand_of(operand, least, bracketed);
    if least == POSTFIX {
        return Doc::Concat(vec![Doc::text(format!("{operator}{space}")), doc]);
    }
    if bracketed && operand.binding() == POWER.binding {
        // A power needs no parentheses here, but gets them when it is broken.
        let inside = Doc::Indent(Box::new(Doc::Concat(vec![Doc::SoftLine, doc])));
        doc = Doc::group(vec![Doc::IfBroken("("), inside, Doc::SoftLine, Doc::IfBroken(")")]);
    }
    Doc::Concat(vec![Doc::text(format!("{operator}{space}")), doc])
}

/// Whether the power begins with a parenthesis.
fn starts_with_parenthesis(py: &Py) -> bool {
    matches!(py, Py::Binary(POWER, left, _) if left.binding() < POSTFIX)
}

/// An operand, in parentheses if it binds less than its place asks for.
fn operand_of(py: &Py, least: u8, bracketed: bool) -> Doc {
    if py.binding() < least { Doc::bracketed("(", expression(py, true), ")") } else { expression(py, bracketed) }
}

/// An operand or an operator of a flattened expression.
enum Part {
    Operand(Doc),
    Operator(Operator, bool),
}

fn binary(py: &Py, bracketed: bool) -> Doc {
    let mut parts = Vec::new();
    flatten(py, bracketed, &mut parts);
    let doc = operators(&parts, bracketed);
    if bracketed { Doc::group(vec![doc]) } else { doc }
}

/// Operands that need no parentheses share one flat list: all of one strength break together.
fn flatten(py: &Py, bracketed: bool, parts: &mut Vec<Part>) {
    let Py::Binary(operator, left, right) = py else {
        parts.push(Part::Operand(expression(py, bracketed)));
        return;
    };
    let (left_least, right_least) = least_bindings(*operator);
    side(left, left_least, *operator, bracketed, parts);
    let tight = *operator == POWER && is_simple(left) && is_simple(right);
    parts.push(Part::Operator(*operator, tight));
    side(right, right_least, *operator, bracketed, parts);
}

fn side(py: &Py, least: u8, of: Operator, bracketed: bool, parts: &mut Vec<Part>) {
    let mixed = of.text == "|" && matches!(py, Py::Binary(inner, ..) if inner.text == "&" || inner.text == "^");
    if py.binding() < least || mixed {
        parts.push(Part::Operand(Doc::bracketed("(", expression(py, true), ")")));
    } else {
        flatten(py, bracketed, parts);
    }
}

/// How strongly the left and the right operand must bind to go without parentheses.
fn least_bindings(operator: Operator) -> (u8, u8) {
    match operator {
        POWER => (POSTFIX, UNARY),
        _ if operator.binding == COMPARE => (COMPARE + 1, COMPARE + 1),
        _ => (operator.binding, operator.binding + 1),
    }
}

/// What `**` hugs: names and numbers.
fn is_simple(py: &Py) -> bool {
    match py {
        Py::Atom(text) => is_identifier(text),
        Py::Number(_) => true,
        Py::Unary(operator, operand) => *operator != "not" && matches!(**operand, Py::Number(_)),
        Py::Attribute(base, _) => is_simple(base),
        _ => false,
    }
}

/// Breaks before the weakest operators; what lies between them is a group of its own.
fn operators(parts: &[Part], bracketed: bool) -> Doc {
    let weakest = parts.iter().filter_map(|part| match part {
        Part::Operator(operator, _) => Some(operator.binding),
        Part::Operand(_) => None,
    });
    let Some(weakest) = weakest.min() else {
        return Doc::Concat(parts.iter().filter_map(operand_doc).collect());
    };
    let mut docs = Vec::new();
    let mut start = 0;
    for (index, part) in parts.iter().enumerate() {
        let Part::Operator(operator, tight) = part else { continue };
        if operator.binding != weakest {
            continue;
        }
        docs.push(between(parts.get(start..index).unwrap_or_default(), bracketed));
        docs.push(break_before(*tight, bracketed));
        docs.push(Doc::text(if *tight { operator.text.to_owned() } else { format!("{} ", operator.text) }));
        start = index + 1;
    }
    docs.push(between(parts.get(start..).unwrap_or_default(), bracketed));
    Doc::Concat(docs)
}

fn operand_doc(part: &Part) -> Option<Doc> {
    match part {
        Part::Operand(doc) => Some(doc.clone()),
        Part::Operator(..) => None,
    }
}

fn between(parts: &[Part], bracketed: bool) -> Doc {
    let doc = operators(parts, bracketed);
    if bracketed && parts.len() > 1 { Doc::group(vec![doc]) } else { doc }
}

fn break_before(tight: bool, bracketed: bool) -> Doc {
    match (tight, bracketed) {
        (true, true) => Doc::SoftLine,
        (true, false) => Doc::text(""),
        (false, true) => Doc::Line,
        (false, false) => Doc::text(" "),
    }
}

/// Attributes, calls and indices, one after the other. With two or more attributes of calls, each such attribute may
/// start a line of its own.
fn chain(py: &Py, bracketed: bool) -> Doc {
    let fluent = bracketed && attributes_after_calls(py) >= 2;
    let mut parts = Vec::new();
    push_chain(py, fluent, &mut parts);
    if fluent { Doc::group(parts) } else { Doc::Concat(parts) }
}

fn push_chain(py: &Py, fluent: bool, parts: &mut Vec<Doc>) {
    match py {
        Py::Attribute(base, name) => {
            push_chain(base, fluent, parts);
            if fluent && breaks_after(base) {
                parts.push(Doc::SoftLine);
            }
            parts.push(Doc::text(format!(".{name}")));
        }
        Py::Call(function, given) => {
            push_chain(function, fluent, parts);
            parts.push(arguments(given));
        }
        Py::Index(base, index) => {
            push_chain(base, fluent, parts);
            parts.push(subscript(index));
        }
        _ if needs_parentheses(py) => parts.push(Doc::bracketed("(", expression(py, true), ")")),
        _ => parts.push(expression(py, true)),
    }
}

fn subscript(index: &[Py]) -> Doc {
    match index {
        [index] => Doc::bracketed("[", expression(index, true), "]"),
        _ => list("[", index, "]"),
    }
}

fn attributes_after_calls(py: &Py) -> usize {
    match py {
        Py::Attribute(base, _) => usize::from(breaks_after(base)) + attributes_after_calls(base),
        Py::Call(base, _) | Py::Index(base, _) => attributes_after_calls(base),
        _ => 0,
    }
}

fn breaks_after(base: &Py) -> bool {
    matches!(base, Py::Call(..) | Py::Index(..)) || needs_parentheses(base)
}

fn needs_parentheses(base: &Py) -> bool {
    base.binding() < POSTFIX || matches!(base, Py::Number(_))
}
