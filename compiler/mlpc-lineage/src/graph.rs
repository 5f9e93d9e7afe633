//! The graph and the questions that it answers.

use mlpc_hir::typed::Role;
use petgraph::Direction;
use petgraph::stable_graph::{NodeIndex, StableDiGraph};
use petgraph::visit::{EdgeRef, IntoEdgeReferences};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Something that a value can come from or go to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Node {
    /// A column of a dataset.
    Column {
        /// The dataset.
        dataset: String,
        /// The column.
        column: String,
    },
    /// A definition of a features block.
    Definition {
        /// The block.
        features: String,
        /// The definition.
        name: String,
        /// What it is for.
        role: Use,
    },
    /// Which rows a features block has.
    Rows {
        /// The block.
        features: String,
    },
    /// Where a dataset's rows come from: a file, a package's file, an output of a step.
    Source {
        /// As it is written.
        name: String,
    },
    /// What a training job learned.
    Model {
        /// The train block.
        name: String,
    },
    /// What a model was found to be worth.
    Report {
        /// The evaluate block.
        name: String,
    },
    /// What decides over a model.
    Gate {
        /// The gate block.
        name: String,
    },
    /// A registered model.
    Registered {
        /// The register block.
        name: String,
    },
}

impl Node {
    /// As people name it: `flights.arr_delay`, `trips.late`, `delay_model`.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::Column { dataset, column } => format!("{dataset}.{column}"),
            Self::Definition { features, name, .. } => format!("{features}.{name}"),
            Self::Rows { features } => format!("rows of {features}"),
            Self::Source { name }
            | Self::Model { name }
            | Self::Report { name }
            | Self::Gate { name }
            | Self::Registered { name } => name.clone(),
        }
    }

    /// What it is, in one word.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Column { .. } => "column",
            Self::Definition { role, .. } => role.word(),
            Self::Rows { .. } => "rows",
            Self::Source { .. } => "source",
            Self::Model { .. } => "model",
            Self::Report { .. } => "report",
            Self::Gate { .. } => "gate",
            Self::Registered { .. } => "registered",
        }
    }
}

/// What a definition is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Use {
    /// Feeds the model.
    Feature,
    /// Names a value.
    Let,
    /// Is learned.
    Label,
    /// Weighs the row.
    Weight,
}

impl Use {
    /// In one word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Feature => "feature",
            Self::Let => "let",
            Self::Label => "label",
            Self::Weight => "weight",
        }
    }
}

impl From<Role> for Use {
    fn from(role: Role) -> Self {
        match role {
            Role::Feature => Self::Feature,
            Role::Let => Self::Let,
            Role::Label => Self::Label,
            Role::Weight => Self::Weight,
        }
    }
}

/// How a value goes from one to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Edge {
    /// It is part of the value.
    Direct,
    /// It decides about rows or matches.
    Indirect,
}

/// A lineage graph; the order of nodes is that of their insertion, hence stable.
#[derive(Clone, Debug, Default)]
pub struct Lineage {
    graph: StableDiGraph<Node, Edge>,
    index: BTreeMap<Node, NodeIndex>,
}

impl Lineage {
    /// Adds an edge once; a direct one counts more than an indirect one.
    pub fn add(&mut self, from: Node, to: Node, edge: Edge) {
        let (from, to) = (self.add_node(from), self.add_node(to));
        match self.graph.find_edge(from, to) {
            None => {
                self.graph.add_edge(from, to, edge);
            }
            // What goes in directly is more than what decides.
            Some(present) if edge == Edge::Direct => {
                if let Some(weight) = self.graph.edge_weight_mut(present) {
                    *weight = edge;
                }
            }
            Some(_) => {}
        }
    }

    /// Adds a node once.
    pub fn add_node(&mut self, node: Node) -> NodeIndex {
        if let Some(found) = self.index.get(&node) {
            return *found;
        }
        let added = self.graph.add_node(node.clone());
        self.index.insert(node, added);
        added
    }

    /// The source columns that directly make up a definition, as `dataset.column`, sorted.
    #[must_use]
    pub fn sources(&self, features: &str, name: &str) -> Vec<String> {
        let start = self.index.iter().find(
            |(node, _)| matches!(node, Node::Definition { features: f, name: n, .. } if f == features && n == name),
        );
        let Some((_, start)) = start else { return Vec::new() };
        let mut found: BTreeSet<String> = BTreeSet::new();
        let mut seen: BTreeSet<NodeIndex> = BTreeSet::new();
        let mut queue = vec![*start];
        while let Some(node) = queue.pop() {
            if !seen.insert(node) {
                continue;
            }
            if let Some(Node::Column { dataset, column }) = self.graph.node_weight(node) {
                found.insert(format!("{dataset}.{column}"));
            }
            let incoming = self.graph.edges_directed(node, Direction::Incoming);
            queue.extend(incoming.filter(|edge| *edge.weight() == Edge::Direct).map(|edge| edge.source()));
        }
        found.into_iter().collect()
    }

    /// The nodes of this title, as people write it; a block's own name means all that it holds.
    #[must_use]
    pub fn named(&self, title: &str) -> Vec<Node> {
        let exact: Vec<Node> = self.index.keys().filter(|node| node.title() == title).cloned().collect();
        if !exact.is_empty() {
            return exact;
        }
        let of_block = |node: &&Node| match node {
            Node::Column { dataset: owner, .. } | Node::Definition { features: owner, .. } => owner == title,
            _ => false,
        };
        self.index.keys().filter(of_block).cloned().collect()
    }

    /// Every node, sorted.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.index.keys()
    }

    /// What these nodes come from, themselves among it.
    #[must_use]
    pub fn upstream(&self, from: &[Node]) -> BTreeSet<Node> {
        self.reach(from, Direction::Incoming)
    }

    /// What comes from these nodes, themselves among it.
    #[must_use]
    pub fn downstream(&self, from: &[Node]) -> BTreeSet<Node> {
        self.reach(from, Direction::Outgoing)
    }

    fn reach(&self, from: &[Node], direction: Direction) -> BTreeSet<Node> {
        let mut queue: Vec<NodeIndex> = from.iter().filter_map(|node| self.index.get(node).copied()).collect();
        let mut seen: BTreeSet<NodeIndex> = BTreeSet::new();
        while let Some(node) = queue.pop() {
            if seen.insert(node) {
                queue.extend(self.graph.neighbors_directed(node, direction));
            }
        }
        seen.into_iter().filter_map(|node| self.graph.node_weight(node).cloned()).collect()
    }

    /// The nodes next to a node, with how they are tied; sorted.
    #[must_use]
    pub fn next_to(&self, node: &Node, direction: Direction) -> Vec<(Node, Edge)> {
        let Some(at) = self.index.get(node) else { return Vec::new() };
        let mut found: Vec<(Node, Edge)> = self
            .graph
            .edges_directed(*at, direction)
            .filter_map(|edge| {
                let other = if direction == Direction::Incoming { edge.source() } else { edge.target() };
                Some((self.graph.node_weight(other)?.clone(), *edge.weight()))
            })
            .collect();
        found.sort();
        found
    }

    /// The part of the graph with these nodes, each after all that it comes from; edges by index.
    #[must_use]
    pub fn part(&self, nodes: &BTreeSet<Node>) -> (Vec<Node>, Vec<(usize, usize, Edge)>) {
        // Circles were reported as errors; without an order there is nothing to draw.
        let order = petgraph::algo::toposort(&self.graph, None).unwrap_or_default();
        let chosen: Vec<(NodeIndex, &Node)> = order
            .into_iter()
            .filter_map(|at| self.graph.node_weight(at).map(|node| (at, node)))
            .filter(|(_, node)| nodes.contains(node))
            .collect();
        let place = |at: NodeIndex| chosen.iter().position(|(other, _)| *other == at);
        let mut edges: Vec<(usize, usize, Edge)> = (&self.graph)
            .edge_references()
            .filter_map(|edge| Some((place(edge.source())?, place(edge.target())?, *edge.weight())))
            .collect();
        edges.sort_unstable();
        (chosen.into_iter().map(|(_, node)| node.clone()).collect(), edges)
    }

    /// Every edge: from, to, how. In order of insertion.
    pub fn edges(&self) -> impl Iterator<Item = (&Node, &Node, Edge)> {
        (&self.graph).edge_references().filter_map(|edge| {
            let (from, to) = (self.graph.node_weight(edge.source())?, self.graph.node_weight(edge.target())?);
            Some((from, to, *edge.weight()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str) -> Node {
        Node::Column { dataset: "d".to_owned(), column: name.to_owned() }
    }

    fn definition(name: &str) -> Node {
        Node::Definition { features: "f".to_owned(), name: name.to_owned(), role: Use::Feature }
    }

    #[test]
    fn sources_are_found_through_definitions_and_not_through_filters() {
        let mut graph = Lineage::default();
        graph.add(column("a"), definition("x"), Edge::Direct);
        graph.add(definition("x"), definition("y"), Edge::Direct);
        graph.add(column("b"), definition("y"), Edge::Direct);
        graph.add(column("c"), Node::Rows { features: "f".to_owned() }, Edge::Indirect);
        assert_eq!(graph.sources("f", "y"), ["d.a", "d.b"]);
    }
}
