//! Column lineage: from files to columns, features, models and what becomes of them.
//!
//! In: checked blocks. Out: a graph whose edges lead from what is read to what reads it, marked direct (the value goes
//! in) or indirect (it only decides which rows or which match).

mod graph;

pub use graph::{Edge, Lineage, Node, Use};
pub use petgraph::Direction;

use mlpc_db::{Db, Project};
use mlpc_hir::blocks::dataset::dataset;
use mlpc_hir::blocks::features::features;
use mlpc_hir::blocks::gate::gate;
use mlpc_hir::blocks::release::{evaluate, register};
use mlpc_hir::blocks::train::train;
use mlpc_hir::names::qualified;
use mlpc_hir::typed::{Dataset, Features, Role, TExpr, TKind, WindowCall};
use mlpc_hir::{all_blocks, block_named};

/// The lineage of a program.
#[must_use]
pub fn lineage(db: &dyn Db, project: Project) -> Lineage {
    let mut graph = Lineage::default();
    for block in all_blocks(db, project, "dataset") {
        add_dataset(&mut graph, &qualified(db, block), &dataset(db, block).value);
    }
    for block in all_blocks(db, project, "features") {
        add_features(&mut graph, &qualified(db, block), &features(db, block).value);
    }
    for block in all_blocks(db, project, "train") {
        let value = &train(db, block).value;
        if let Some(of) = block_named(db, project, "features", &value.features) {
            add_model(&mut graph, &qualified(db, block), &value.features, &features(db, of).value);
        }
    }
    for block in all_blocks(db, project, "evaluate") {
        let (name, value) = (qualified(db, block), &evaluate(db, block).value);
        let features = block_named(db, project, "train", &value.train).map(|job| train(db, job).value.features.clone());
        let report = Node::Report { name };
        graph.add(Node::Model { name: value.train.clone() }, report.clone(), Edge::Direct);
        if let Some(features) = features {
            graph.add(Node::Rows { features }, report, Edge::Indirect);
        }
    }
    for block in all_blocks(db, project, "gate") {
        let report = Node::Report { name: gate(db, block).value.evaluate.clone() };
        graph.add(report, Node::Gate { name: qualified(db, block) }, Edge::Direct);
    }
    for block in all_blocks(db, project, "register") {
        let value = &register(db, block).value;
        let registered = Node::Registered { name: qualified(db, block) };
        graph.add(Node::Model { name: value.train.clone() }, registered.clone(), Edge::Direct);
        if let Some(gate) = &value.gate {
            graph.add(Node::Gate { name: gate.clone() }, registered, Edge::Indirect);
        }
    }
    graph
}

fn add_dataset(graph: &mut Lineage, name: &str, value: &Dataset) {
    let Some((source, _)) = &value.source else { return };
    for column in &value.columns {
        let to = Node::Column { dataset: name.to_owned(), column: column.column.name.clone() };
        graph.add(Node::Source { name: source.describe() }, to, Edge::Direct);
    }
}

/// Inputs and label go into a model; which rows there are decides.
fn add_model(graph: &mut Lineage, name: &str, features: &str, value: &Features) {
    let model = Node::Model { name: name.to_owned() };
    graph.add(Node::Rows { features: features.to_owned() }, model.clone(), Edge::Indirect);
    for definition in &value.definitions {
        let read = match definition.role {
            Role::Feature => value.inputs.iter().any(|input| input.name == definition.name),
            Role::Label | Role::Weight => true,
            Role::Let => false,
        };
        if read {
            graph.add(defined(features, &definition.name, definition.role), model.clone(), Edge::Direct);
        }
    }
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
        for (column, edge) in reads(&definition.expr) {
            graph.add(node_of(&column, &definition.name), to.clone(), edge);
        }
        for (dataset, column, edge) in definition.expr.windows().into_iter().flat_map(of_dataset) {
            graph.add(Node::Column { dataset, column }, to.clone(), edge);
        }
        graph.add_node(to);
    }
    // Filters and join keys decide about every row of the block.
    let deciders: Vec<&TExpr> = value
        .filters
        .iter()
        .chain(&value.label_filters)
        .chain(value.joins.iter().flat_map(|join| join.on.iter().map(|(expr, _)| expr)))
        .collect();
    for column in deciders.into_iter().flat_map(TExpr::columns) {
        graph.add(node_of(&column, ""), Node::Rows { features: name.to_owned() }, Edge::Indirect);
    }
}

/// The columns of this table that an expression reads. Keys and conditions of windows decide which rows go in.
fn reads(expr: &TExpr) -> Vec<(String, Edge)> {
    let mut found: Vec<(String, Edge)> = Vec::new();
    let mut queue: Vec<(&TExpr, Edge)> = vec![(expr, Edge::Direct)];
    while let Some((expr, edge)) = queue.pop() {
        match &expr.kind {
            TKind::Column(name) => found.push((name.clone(), edge)),
            TKind::Window(call) => {
                let deciding = call.by.iter().map(|(here, _)| here);
                queue.extend(deciding.map(|key| (key, Edge::Indirect)));
                queue.extend(call.own.iter().map(|own| (own, edge)));
                if call.source.is_none() {
                    queue.extend(call.filter.iter().map(|filter| (filter, Edge::Indirect)));
                    queue.extend(call.value.iter().map(|value| (value, edge)));
                }
            }
            TKind::Fitted(call) if call.aggregate => {
                queue.extend(call.args.values().flatten().map(|key| (key, Edge::Indirect)));
                for (param, learned_from) in &call.learned_from {
                    queue.push((learned_from, if param == "value" { edge } else { Edge::Indirect }));
                }
            }
            _ => queue.extend(expr.children().into_iter().rev().map(|child| (child, edge))),
        }
    }
    found
}

/// The columns of another dataset that a window reads.
fn of_dataset(call: &WindowCall) -> Vec<(String, String, Edge)> {
    let Some(source) = &call.source else { return Vec::new() };
    let read = |edge: Edge| move |name: String| (source.dataset.clone(), name, edge);
    let values = call.value.iter().flat_map(TExpr::columns).map(read(Edge::Direct));
    let deciding = call.filter.iter().chain(call.by.iter().map(|(_, there)| there)).flat_map(TExpr::columns);
    values.chain(deciding.map(read(Edge::Indirect))).collect()
}

fn defined(features: &str, name: &str, role: Role) -> Node {
    Node::Definition { features: features.to_owned(), name: name.to_owned(), role: role.into() }
}
