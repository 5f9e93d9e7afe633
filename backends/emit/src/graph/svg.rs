//! A picture as SVG: from left to right, readable on light and on dark, the same bytes each time.

use super::layers::{Layers, Place};
use super::{Link, Node, Picture};
use std::collections::BTreeMap;
use std::fmt::Write as _;

const HEIGHT: usize = 34;
const ROW: usize = 52;
const GAP: usize = 56;
const MARGIN: usize = 16;
/// A letter at 13 pixels, on average; a little too wide, so that titles fit.
const LETTER: usize = 8;

/// The colour of a kind of node, and of the same in the dark.
const COLOURS: [(&str, &str, &str); 14] = [
    ("source", "#69707d", "#98a1b3"),
    ("ingest", "#1f7a6d", "#5fc2b3"),
    ("validate", "#1f7a6d", "#5fc2b3"),
    ("train", "#7a4bb0", "#b995e6"),
    ("evaluate", "#2563a8", "#6ea8e6"),
    ("gate", "#c2542d", "#e58a63"),
    ("register", "#2f7d32", "#7cc47f"),
    ("column", "#1f7a6d", "#5fc2b3"),
    ("feature", "#2563a8", "#6ea8e6"),
    ("label", "#c2542d", "#e58a63"),
    ("weight", "#c2542d", "#e58a63"),
    ("model", "#7a4bb0", "#b995e6"),
    ("report", "#2563a8", "#6ea8e6"),
    ("registered", "#2f7d32", "#7cc47f"),
];

/// Where a box lies.
#[derive(Clone, Copy)]
struct Spot {
    x: usize,
    y: usize,
    width: usize,
}

/// The picture as SVG.
#[must_use]
pub fn svg(picture: &Picture) -> String {
    let layers = Layers::of(picture.nodes.len(), &picture.edges());
    let (spots, width, height) = spots(picture, &layers);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\">\n<title>{}</title>\n{}",
        escaped(&picture.title),
        style()
    );
    for (edge, link) in picture.links.iter().enumerate() {
        text.push_str(&curve(*link, &layers.path(edge), &spots));
    }
    for (index, node) in picture.nodes.iter().enumerate() {
        if let Some(spot) = spots.get(&Place::Node(index)) {
            text.push_str(&boxed(index, node, *spot));
        }
    }
    text.push_str("</svg>\n");
    text
}

/// The place of every box and of every passing edge, and the size of the whole.
fn spots(graph: &Picture, layers: &Layers) -> (BTreeMap<Place, Spot>, usize, usize) {
    let width_of = |place: &Place| match place {
        Place::Node(index) => graph.nodes.get(*index).map_or(0, |node| node.title.chars().count() * LETTER + 24),
        Place::Edge { .. } => 0,
    };
    let rows = layers.order.iter().map(Vec::len).max().unwrap_or_default();
    let mut spots = BTreeMap::new();
    let mut x = MARGIN;
    for layer in &layers.order {
        let width = layer.iter().map(width_of).max().unwrap_or_default();
        // Layers with little in them stand in the middle.
        let top = MARGIN + (rows - layer.len()) * ROW / 2;
        for (position, place) in layer.iter().enumerate() {
            spots.insert(*place, Spot { x, y: top + position * ROW, width });
        }
        x += width + GAP;
    }
    let width = (x + MARGIN).saturating_sub(GAP);
    (spots, width, 2 * MARGIN + rows * ROW - (ROW - HEIGHT))
}

fn style() -> String {
    let mut text = String::from(
        "<style>\n  .box { fill: none; stroke-width: 1.5; stroke: #445; }\n  .edge { fill: none; stroke: #9aa3b2; \
         stroke-width: 1.2; }\n  .dashed { stroke-dasharray: 5 4; }\n  text { font: 13px system-ui, sans-serif; fill: #1d2330; }\n",
    );
    let mut dark =
        String::from("    text { fill: #e4e8f0; }\n    .edge { stroke: #5a6375; }\n    .box { stroke: #99a; }\n");
    for (kind, light, night) in COLOURS {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  .{kind} {{ stroke: {light}; }}");
        let _ = writeln!(dark, "    .{kind} {{ stroke: {night}; }}");
    }
    text + "  @media (prefers-color-scheme: dark) {\n" + &dark + "  }\n</style>\n"
}

fn boxed(index: usize, node: &Node, spot: Spot) -> String {
    let kind = COLOURS.iter().find(|(kind, ..)| *kind == node.kind).map_or("", |(kind, ..)| *kind);
    let round = if node.kind == super::SOURCE { HEIGHT / 2 } else { 6 };
    let Spot { x, y, width } = spot;
    format!(
        "<g data-node=\"{index}\"><rect class=\"box {kind}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{HEIGHT}\" \
         rx=\"{round}\"/>\n<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text></g>\n",
        x + width / 2,
        y + HEIGHT / 2 + 4,
        escaped(&node.title)
    )
}

/// A line through the places: straight where it passes a layer, curved between layers.
fn curve(link: Link, path: &[Place], spots: &BTreeMap<Place, Spot>) -> String {
    let points: Vec<Spot> = path.iter().filter_map(|place| spots.get(place).copied()).collect();
    let Some(first) = points.first() else { return String::new() };
    let middle = |spot: &Spot| spot.y + HEIGHT / 2;
    let mut text = format!("M{} {}", first.x + first.width, middle(first));
    for (index, spot) in points.iter().enumerate().skip(1) {
        let turn = spot.x.saturating_sub(GAP / 2);
        let _ = write!(
            text,
            " C{turn} {}, {turn} {}, {} {}",
            points.get(index - 1).map_or(0, middle),
            middle(spot),
            spot.x,
            middle(spot)
        );
        if index + 1 < points.len() {
            let _ = write!(text, " H{}", spot.x + spot.width);
        }
    }
    let Link { from, to, dashed } = link;
    let class = if dashed { "edge dashed" } else { "edge" };
    format!("<path class=\"{class}\" data-from=\"{from}\" data-to=\"{to}\" d=\"{text}\"/>\n")
}

/// Text in XML; what can't be printed is left out.
pub(super) fn escaped(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '&' => "&amp;".to_owned(),
            '"' => "&quot;".to_owned(),
            _ if letter.is_control() => String::new(),
            _ => letter.to_string(),
        })
        .collect()
}
