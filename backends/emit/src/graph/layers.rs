//! Nodes in layers: each right of all it needs, ordered so that few edges cross.

use std::collections::BTreeMap;

/// Something that takes up room in a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// A node, by index.
    Node(usize),
    /// An edge, by index, that passes this layer.
    Edge {
        /// The edge.
        edge: usize,
        /// The layer.
        layer: usize,
    },
}

/// The layers of a graph.
pub(super) struct Layers {
    /// What lies in each layer, from top to bottom.
    pub(super) order: Vec<Vec<Place>>,
    layer_of: Vec<usize>,
    edges: Vec<(usize, usize)>,
}

/// How often the order of each layer is improved; more changes nothing on graphs of this size.
const SWEEPS: usize = 8;

impl Layers {
    /// Lays out `count` nodes, numbered so that each comes after all that it needs.
    pub(super) fn of(count: usize, edges: &[(usize, usize)]) -> Self {
        let mut layer_of = vec![0_usize; count];
        for node in 0..count {
            let before = edges.iter().filter(|(_, to)| *to == node);
            let layer = before.filter_map(|(from, _)| layer_of.get(*from)).map(|layer| layer + 1).max();
            if let (Some(place), Some(layer)) = (layer_of.get_mut(node), layer) {
                *place = layer;
            }
        }
        let depth = layer_of.iter().max().map_or(0, |last| last + 1);
        let mut layers = Self { order: vec![Vec::new(); depth], layer_of, edges: edges.to_vec() };
        for node in 0..count {
            let layer = layers.layer(node);
            layers.push(layer, Place::Node(node));
        }
        for (edge, (from, to)) in edges.iter().enumerate() {
            for layer in layers.layer(*from) + 1..layers.layer(*to) {
                layers.push(layer, Place::Edge { edge, layer });
            }
        }
        layers.untangle();
        layers
    }

    /// The layer of a node.
    pub(super) fn layer(&self, node: usize) -> usize {
        self.layer_of.get(node).copied().unwrap_or_default()
    }

    /// The places that an edge goes through, its ends among them.
    pub(super) fn path(&self, edge: usize) -> Vec<Place> {
        let Some((from, to)) = self.edges.get(edge).copied() else { return Vec::new() };
        let passing = (self.layer(from) + 1..self.layer(to)).map(|layer| Place::Edge { edge, layer });
        std::iter::once(Place::Node(from)).chain(passing).chain([Place::Node(to)]).collect()
    }

    /// Where a place lies within its layer.
    #[cfg(test)]
    pub(super) fn position(&self, place: Place) -> usize {
        let found = self.order.iter().find_map(|layer| layer.iter().position(|other| *other == place));
        found.unwrap_or_default()
    }

    fn push(&mut self, layer: usize, place: Place) {
        if let Some(layer) = self.order.get_mut(layer) {
            layer.push(place);
        }
    }

    /// Orders each layer by the middle of its neighbours, to the right and back again.
    fn untangle(&mut self) {
        let links: Vec<(Place, Place)> = (0..self.edges.len())
            .flat_map(|edge| {
                let path = self.path(edge);
                path.iter().copied().zip(path.iter().copied().skip(1)).collect::<Vec<_>>()
            })
            .collect();
        for sweep in 0..SWEEPS {
            let forward = sweep % 2 == 0;
            let count = self.order.len();
            for step in 1..count {
                let layer = if forward { step } else { count - 1 - step };
                self.sort(layer, &links, forward);
            }
        }
    }

    fn sort(&mut self, layer: usize, links: &[(Place, Place)], forward: bool) {
        let positions: BTreeMap<Place, usize> = self
            .order
            .iter()
            .flat_map(|layer| layer.iter().enumerate().map(|(position, place)| (*place, position)))
            .collect();
        // Twice the mean position of the neighbours, in whole numbers so that ties stay as they are.
        let middle = |place: Place| {
            let neighbours: Vec<usize> = links
                .iter()
                .filter_map(|(left, right)| match forward {
                    true if *right == place => positions.get(left).copied(),
                    false if *left == place => positions.get(right).copied(),
                    _ => None,
                })
                .collect();
            match neighbours.len() {
                0 => positions.get(&place).copied().unwrap_or_default() * 1_000,
                count => neighbours.iter().sum::<usize>() * 1_000 / count,
            }
        };
        if let Some(places) = self.order.get(layer) {
            let mut sorted = places.clone();
            sorted.sort_by_key(|place| middle(*place));
            if let Some(places) = self.order.get_mut(layer) {
                *places = sorted;
            }
        }
    }
}
