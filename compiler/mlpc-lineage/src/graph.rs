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
    /// Adds an edge once.
    pub fn add(&mut self, from: Node, to: Node, edge: Edge) {
        let (from, to) = (self.add_node(from), self.add_node(to));
        if !self.graph.contains_edge(from, to) {
            self.graph.add_edge(from, to, edge);
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
