//! Lineage as a tree of text: each node with what it comes from below it, then with what comes of it.

use super::View;
use mlpc_lineage::{Direction, Edge, Node};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The view as text. Without a start, every model with what it comes from.
pub fn text(view: &View, impact: bool) -> String {
    let mut out = String::new();
    if impact {
        impact_of(view, &mut out);
        return out;
    }
    let starts: Vec<Node> = if view.start.is_empty() {
        view.nodes.iter().filter(|node| matches!(node, Node::Model { .. })).cloned().collect()
    } else {
        view.start.clone()
    };
    for (at, start) in starts.iter().enumerate() {
        if at > 0 {
            out.push('\n');
        }
        head(view, start, &mut out);
        for (title, direction) in [("comes from", Direction::Incoming), ("goes into", Direction::Outgoing)] {
            let next = shown(view, start, direction);
            if !next.is_empty() {
                let _ = writeln!(out, "{title}");
                branches(view, &next, direction, "", &mut BTreeSet::new(), &mut out);
            }
        }
    }
    out
}

/// `trips.late (label)` and what is known of it.
fn head(view: &View, node: &Node, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{} ({})", node.title(), node.kind());
    for note in view.notes(node) {
        let _ = writeln!(out, "  {note}");
    }
}

fn shown(view: &View, node: &Node, direction: Direction) -> Vec<(Node, Edge)> {
    let next = view.lineage.next_to(node, direction);
    next.into_iter().filter(|(other, _)| view.nodes.contains(other)).collect()
}

fn branches(
    view: &View,
    nodes: &[(Node, Edge)],
    direction: Direction,
    indent: &str,
    seen: &mut BTreeSet<Node>,
    out: &mut String,
) {
    for (at, (node, edge)) in nodes.iter().enumerate() {
        let last = at + 1 == nodes.len();
        let (mark, rest) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        let how = if *edge == Edge::Indirect { ", decides" } else { "" };
        let again = !seen.insert(node.clone());
        let next = shown(view, node, direction);
        let more = if again && !next.is_empty() { " …" } else { "" };
        let _ = writeln!(out, "{indent}{mark}{} ({}{how}){more}", node.title(), node.kind());
        if !again {
            branches(view, &next, direction, &format!("{indent}{rest}"), seen, out);
        }
    }
}

/// What would change, by kind.
fn impact_of(view: &View, out: &mut String) {
    let start: Vec<String> = view.start.iter().map(Node::title).collect();
    let _ = writeln!(out, "a change of {} reaches", start.join(", "));
    let mut any = false;
    for kind in ["feature", "label", "weight", "let", "rows", "model", "report", "gate", "registered"] {
        let names: Vec<String> = view
            .nodes
            .iter()
            .filter(|node| node.kind() == kind && !view.start.contains(node))
            .map(Node::title)
            .collect();
        if !names.is_empty() {
            any = true;
            let _ = writeln!(out, "  {kind:<11}{}", names.join(", "));
        }
    }
    if !any {
        out.push_str("  nothing\n");
    }
}
