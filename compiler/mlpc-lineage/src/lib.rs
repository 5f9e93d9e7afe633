//! Column lineage: from each model input back to its source columns.
//!
//! In: checked features blocks. Out: a graph whose edges lead from what is read to what reads it, marked direct (the
//! value goes in) or indirect (it only decides which rows or which match).

mod graph;

pub use graph::{Edge, Lineage, Node};

use mlpc_db::{Db, Project};
use mlpc_hir::all_blocks;
use mlpc_hir::blocks::features::features;
use mlpc_hir::names::qualified;
use mlpc_hir::typed::{Features, Role, TExpr};

/// The lineage of every features block of a program.
#[must_use]
pub fn lineage(db: &dyn Db, project: Project) -> Lineage {
    let mut graph = Lineage::default();
    for block in all_blocks(db, project, "features") {
        add_features(&mut graph, &qualified(db, block), &features(db, block).value);
    }
    graph
}

fn add_features(graph: &mut Lineage, name: &str, value: &Features) {
    let source = |column: &str| {
        let joined = value.joins.iter().find_map(|join| {
            join.columns.iter().find(|(_, here)| here == column).map(|(there, _)| (join.dataset.clone(), there.clone()))
        });
        let (dataset, column) = joined.unwrap_or_else(|| (value.base.clone(), column.to_owned()));
        Node::Column { dataset, column }
    };
    let node_of = |column: &str, own: &str| match value.definitions.iter().find(|d| d.name == column && column != own) {
        Some(definition) => defined(name, &definition.name, definition.role),
        None => source(column),
    };
    for definition in &value.definitions {
        let to = defined(name, &definition.name, definition.role);
        for column in definition.expr.columns() {
            graph.add(node_of(&column, &definition.name), to.clone(), Edge::Direct);
        }
        graph.add_node(to);
    }
    // Filters and join keys decide about every row of the block.
    let deciders: Vec<&TExpr> =
        value.filters.iter().chain(value.joins.iter().flat_map(|join| join.on.iter().map(|(expr, _)| expr))).collect();
    for column in deciders.into_iter().flat_map(TExpr::columns) {
        graph.add(node_of(&column, ""), Node::Rows { features: name.to_owned() }, Edge::Indirect);
    }
}

fn defined(features: &str, name: &str, role: Role) -> Node {
    Node::Definition { features: features.to_owned(), name: name.to_owned(), role: role.into() }
}
