//! Pictures of a plan or of lineage: Mermaid, DOT, SVG and a page.

mod layers;
mod page;
mod svg;

pub use page::page;
pub use svg::svg;

use indexmap::IndexSet;
use mlpc_plan::Plan;
use mlpc_plan::plan::InputRef;
use std::collections::HashMap;
use std::fmt::Write as _;

/// A node of a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is called for people.
    pub title: String,
    /// What kind of thing it is: it decides the colour; `source` has another shape.
    pub kind: String,
    /// More about it, a line each.
    pub notes: Vec<String>,
}

/// A line of a picture, between nodes by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link {
    /// Where it starts.
    pub from: usize,
    /// Where it ends; after `from` in the order of the nodes.
    pub to: usize,
    /// Whether it is drawn dashed: something decides, and does not go in.
    pub dashed: bool,
}

/// The kind of nodes that are no steps.
const SOURCE: &str = "source";

/// Nodes, each after all that it comes from, and the links between them, each once, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// What it shows.
    pub title: String,
    /// In order.
    pub nodes: Vec<Node>,
    /// In order.
    pub links: Vec<Link>,
}

impl Picture {
    /// The steps of a plan, sources first.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let node = |title: &str, kind: &str| Node { title: title.to_owned(), kind: kind.to_owned(), notes: Vec::new() };
        let sources = plan.sources.iter().map(|source| node(&source.name, SOURCE));
        let steps = plan.steps.iter().map(|step| node(&step.title, step.id.split('.').next().unwrap_or_default()));
        let nodes = sources.chain(steps).collect();
        let sources = plan.sources.iter().map(|source| source.name.as_str());
        let sources: HashMap<&str, usize> = sources.zip(0..).collect();
        let steps: HashMap<&str, usize> =
            plan.steps.iter().map(|step| step.id.as_str()).zip(plan.sources.len()..).collect();
        let of = |from: &InputRef| match from {
            InputRef::Source { name } => sources.get(name.as_str()).copied(),
            InputRef::Step { step, .. } => steps.get(step.as_str()).copied(),
            InputRef::Champion { .. } | InputRef::Previous { .. } | InputRef::Delivered { .. } => None,
        };
        let mut links: IndexSet<Link> = IndexSet::new();
        for (step, to) in plan.steps.iter().zip(plan.sources.len()..) {
            let read = step.inputs.values().chain(&step.when).filter_map(of);
            let after = step.after.iter().filter_map(|id| steps.get(id.as_str()).copied());
            links.extend(read.chain(after).map(|from| Link { from, to, dashed: false }));
        }
        Self { title: plan.pipeline.name.clone(), nodes, links: links.into_iter().collect() }
    }

    fn edges(&self) -> Vec<(usize, usize)> {
        self.links.iter().map(|link| (link.from, link.to)).collect()
    }
}

/// The picture as a Mermaid flow chart.
#[must_use]
pub fn mermaid(graph: &Picture) -> String {
    let mut text = String::from("flowchart LR\n");
    for (index, node) in graph.nodes.iter().enumerate() {
        let title = mermaid_text(&node.title);
        let (open, close) = if node.kind == SOURCE { ("[(", ")]") } else { ("[", "]") };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  n{index}{open}\"{title}\"{close}");
    }
    for Link { from, to, dashed } in &graph.links {
        let arrow = if *dashed { "-.->" } else { "-->" };
        let _ = writeln!(text, "  n{from} {arrow} n{to}");
    }
    text
}

/// Quotes and marks of Mermaid as character references.
fn mermaid_text(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '"' | '#' | '<' | '>' | '&' | '`' | ';' => format!("#{};", u32::from(letter)),
            _ if letter.is_control() => " ".to_owned(),
            _ => letter.to_string(),
        })
        .collect()
}

/// The picture in the language of Graphviz.
#[must_use]
pub fn dot(graph: &Picture) -> String {
    let mut text = String::from("digraph plan {\n  rankdir=LR;\n  node [shape=box, style=rounded];\n");
    for (index, node) in graph.nodes.iter().enumerate() {
        let title = node.title.replace('\\', "\\\\").replace('"', "\\\"");
        let shape = if node.kind == SOURCE { ", shape=cylinder" } else { "" };
        let _ = writeln!(text, "  n{index} [label=\"{title}\"{shape}];");
    }
    for Link { from, to, dashed } in &graph.links {
        let style = if *dashed { " [style=dashed]" } else { "" };
        let _ = writeln!(text, "  n{from} -> n{to}{style};");
    }
    text.push_str("}\n");
    text
}

#[cfg(test)]
mod tests {
    use super::layers::{Layers, Place};
    use super::{mermaid_text, svg};

    #[test]
    fn a_node_comes_right_of_all_it_needs_and_long_edges_pass_between_nodes() {
        let edges = [(0, 1), (1, 2), (0, 2), (2, 3), (0, 3)];
        let layers = Layers::of(4, &edges);
        assert_eq!((0..4).map(|node| layers.layer(node)).collect::<Vec<_>>(), [0, 1, 2, 3]);
        // 0 -> 2 passes layer 1, 0 -> 3 passes layers 1 and 2.
        let passing = layers.order.iter().flatten().filter(|place| matches!(place, Place::Edge { .. })).count();
        assert_eq!(passing, 3);
        assert_eq!(layers.path(4), layers.path(4));
        assert_eq!(layers.path(4).len(), 4);
    }

    #[test]
    fn crossings_are_untangled() {
        // 0 -> 3, 1 -> 2: in the order given the edges cross.
        let layers = Layers::of(4, &[(0, 3), (1, 2)]);
        let position = |node| layers.position(Place::Node(node));
        assert_eq!(position(0) < position(1), position(3) < position(2));
    }

    #[test]
    fn titles_can_say_anything() {
        let odd = "a \"b\" <c> & 'd' # \n;";
        assert!(!mermaid_text(odd).contains(['"', '<', '\n']));
        let drawn = svg::escaped(odd);
        assert!(!drawn.contains(['<', '>', '"', '\n']));
    }
}
