//! The lossless tree of a declaration: every byte of its text is in exactly one leaf.
//!
//! Nodes lie in one array in the order of the text, each before its children; a node knows where its subtree ends.
//! Blanks and comments never end a node: they stand after it, in its parent.

use crate::grammar::{Rule, describe};
use mlpc_diagnostics::Span;
use std::fmt::Write as _;

/// A lossless tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxTree {
    text: String,
    nodes: Vec<Node>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Node {
    kind: Rule,
    start: u32,
    end: u32,
    /// The index after its subtree.
    next: u32,
}

/// A node of a tree, by its place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u32);

impl SyntaxTree {
    /// The text it was made from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The node that holds all others.
    #[must_use]
    pub fn root(&self) -> NodeId {
        NodeId(0)
    }

    /// What a node is.
    #[must_use]
    pub fn kind(&self, node: NodeId) -> Rule {
        self.node(node).kind
    }

    /// Where a node stands.
    #[must_use]
    pub fn span(&self, node: NodeId) -> Span {
        let node = self.node(node);
        Span { start: node.start, end: node.end }
    }

    /// The text of a node.
    #[must_use]
    pub fn text_of(&self, node: NodeId) -> &str {
        self.text.get(self.span(node).range()).unwrap_or_default()
    }

    /// The parts of a node, blanks and comments among them.
    pub fn children(&self, node: NodeId) -> impl Iterator<Item = NodeId> + Clone + '_ {
        let end = self.node(node).next;
        let mut at = node.0 + 1;
        std::iter::from_fn(move || {
            let child = NodeId(at);
            (at < end).then(|| {
                at = self.node(child).next.max(at + 1);
                child
            })
        })
    }

    /// The parts of a node that carry meaning.
    pub fn parts(&self, node: NodeId) -> impl Iterator<Item = NodeId> + Clone + '_ {
        self.children(node).filter(|child| !is_trivia(self.kind(*child)))
    }

    /// The first part of a kind.
    #[must_use]
    pub fn part(&self, node: NodeId, kind: Rule) -> Option<NodeId> {
        self.children(node).find(|child| self.kind(*child) == kind)
    }

    /// All nodes without parts, in the order of the text; together they are the text.
    pub fn leaves(&self) -> impl Iterator<Item = NodeId> + '_ {
        (0..self.nodes.len()).map(|index| NodeId(number(index))).filter(|id| self.node(*id).next == id.0 + 1)
    }

    /// The nodes around an offset, the root first, the leaf last.
    #[must_use]
    pub fn path_to(&self, offset: u32) -> Vec<NodeId> {
        let mut path = vec![self.root()];
        while let Some(child) = path.last().and_then(|last| {
            self.children(*last).find(|child| self.span(*child).start <= offset && offset < self.span(*child).end)
        }) {
            path.push(child);
        }
        path
    }

    /// The tree as indented lines: kind, span and, for leaves, text.
    #[must_use]
    pub fn debug_print(&self) -> String {
        let mut out = String::new();
        let mut ends: Vec<u32> = Vec::new();
        for (index, node) in self.nodes.iter().enumerate() {
            while ends.last().is_some_and(|end| *end <= number(index)) {
                ends.pop();
            }
            let is_leaf = node.next == number(index) + 1;
            let text = if is_leaf { format!(" {:?}", self.text_of(NodeId(number(index)))) } else { String::new() };
            let indent = "  ".repeat(ends.len());
            // Writing to a string cannot fail.
            let _ = writeln!(out, "{indent}{:?} {}..{}{text}", node.kind, node.start, node.end);
            ends.push(node.next);
        }
        out
    }

    /// What a node is called in a message.
    #[must_use]
    pub fn describe(&self, node: NodeId) -> &'static str {
        describe(self.kind(node))
    }

    /// A tree has at least its root; an unknown id gives an empty node.
    fn node(&self, node: NodeId) -> Node {
        let empty = Node { kind: Rule::error, start: 0, end: 0, next: node.0 + 1 };
        self.nodes.get(node.0 as usize).copied().unwrap_or(empty)
    }
}

/// Blanks and comments; documentation is read by who wants it.
pub(crate) fn is_trivia(kind: Rule) -> bool {
    matches!(kind, Rule::WHITESPACE | Rule::COMMENT | Rule::doc)
}

/// Puts nodes into the array, front to back.
pub(crate) struct TreeBuilder {
    nodes: Vec<Node>,
    open: Vec<u32>,
}

impl TreeBuilder {
    pub fn new(text: &str) -> Self {
        Self { nodes: Vec::with_capacity(text.len() / 3 + 4), open: Vec::new() }
    }

    /// The id of the next node.
    pub fn next_id(&self) -> NodeId {
        NodeId(number(self.nodes.len()))
    }

    /// Begins a node; all until its end are its parts.
    pub fn open(&mut self, kind: Rule, start: usize) -> NodeId {
        let id = self.next_id();
        self.open.push(id.0);
        self.nodes.push(Node { kind, start: number(start), end: number(start), next: id.0 + 1 });
        id
    }

    /// Ends the last begun node. Blanks and comments at its end go to its parent.
    pub fn close(&mut self, end: usize) {
        let Some(id) = self.open.pop() else { return };
        let parts = self.nodes.get(id as usize + 1..).unwrap_or_default();
        let trailing = parts.iter().rev().take_while(|node| is_trivia(node.kind)).count();
        let kept = self.nodes.len() - trailing;
        let end = self.nodes.get(kept).map_or(number(end), |first| first.start);
        if let Some(node) = self.nodes.get_mut(id as usize) {
            node.end = end.max(node.start);
            node.next = number(kept);
        }
    }

    /// Ends the last begun node with all it holds.
    pub fn close_whole(&mut self, end: usize) {
        let next = number(self.nodes.len());
        if let Some(node) = self.open.pop().and_then(|id| self.nodes.get_mut(id as usize)) {
            node.end = number(end);
            node.next = next;
        }
    }

    /// A node without parts; nothing if it would be empty.
    pub fn leaf(&mut self, kind: Rule, start: usize, end: usize) {
        if start < end {
            let next = number(self.nodes.len()) + 1;
            self.nodes.push(Node { kind, start: number(start), end: number(end), next });
        }
    }

    pub fn finish(self, text: &str) -> SyntaxTree {
        SyntaxTree { text: text.to_owned(), nodes: self.nodes }
    }
}

/// Trees beyond 4 Gi nodes or bytes do not occur: files of that size are refused when they are read.
fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
