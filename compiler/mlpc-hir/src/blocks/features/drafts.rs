//! Definitions before they are inferred: what the text says, in an order in which each comes after what it names.

use super::scope::FeatureScope;
use crate::blocks::Context;
use crate::errors;
use crate::library::fn_signature;
use crate::names::{Space, resolve};
use crate::references::{functions_in, names_in};
use crate::typed::Role;
use mlpc_db::Place;
use mlpc_diagnostics::Span;
use mlpc_syntax::ast::{BlockDecl, ColumnItem, Entry, Expr, Name, Statement, StatementKind};

/// A definition before it is inferred. Without an expression it takes the column of its name.
pub struct Draft<'a> {
    /// Its name.
    pub name: String,
    /// Its documentation.
    pub doc: Option<String>,
    /// What it is for.
    pub role: Role,
    /// Its value.
    pub expr: Option<&'a Expr>,
    /// Where its name stands.
    pub span: Span,
}

/// The definitions of a block, in the order of the text.
pub fn drafts<'a>(context: &mut Context<'_>, decl: &'a BlockDecl, scope: &FeatureScope) -> Vec<Draft<'a>> {
    let mut drafts: Vec<Draft<'a>> = Vec::new();
    let dropped = dropped(decl);
    let mut all: Vec<(Span, &'a [Name])> = Vec::new();
    for entry in &decl.entries {
        let Entry::Statement(statement) = entry else { continue };
        let mut add = |name: &'a Name, role, expr| {
            let draft = Draft { name: name.text.clone(), doc: statement.doc.clone(), role, expr, span: name.span };
            add_draft(context, scope, draft, &mut drafts);
        };
        match &statement.kind {
            StatementKind::Column(items) => {
                for item in items {
                    match item {
                        ColumnItem::One { name, value } => add(name, Role::Feature, value.as_ref()),
                        ColumnItem::All { span, except } => all.push((*span, except)),
                    }
                }
            }
            StatementKind::Let { name, value } => add(name, Role::Let, Some(value)),
            StatementKind::Label { name, value } => add(name, Role::Label, value.as_ref()),
            StatementKind::Weight { name, value } => add(name, Role::Weight, value.as_ref()),
            _ => {}
        }
    }
    for name in &dropped {
        if !scope.has_source(&name.text) && scope.taken_over(&name.text).is_none() {
            context.findings.extend(scope.unknown(&name.text, name.span));
        }
    }
    for (span, except) in all {
        expand_all(context, scope, span, except, &dropped, &mut drafts);
    }
    drafts
}

/// The names that `drop` leaves out.
pub fn dropped(decl: &BlockDecl) -> Vec<&Name> {
    let mut dropped = Vec::new();
    for entry in &decl.entries {
        if let Entry::Statement(Statement { kind: StatementKind::Drop(names), .. }) = entry {
            dropped.extend(names);
        }
    }
    dropped
}

fn add_draft<'a>(context: &mut Context<'_>, scope: &FeatureScope, draft: Draft<'a>, drafts: &mut Vec<Draft<'a>>) {
    if let Some(first) = drafts.iter().find(|other| other.name == draft.name) {
        // A feature that repeats the label is a leak, which says more than a name used twice.
        let roles = [first.role, draft.role];
        if roles.contains(&Role::Label) && roles.contains(&Role::Feature) && draft.expr.is_none() {
            let (feature, label) =
                if first.role == Role::Label { (draft.span, first.span) } else { (first.span, draft.span) };
            let path = [draft.name.clone(), draft.name.clone()];
            context.findings.push(errors::label_leakage(
                &draft.name,
                &draft.name,
                feature.into(),
                label.into(),
                &path,
                Vec::new(),
            ));
        } else {
            context.findings.push(errors::duplicate(&draft.name, draft.span, Place::Here(first.span)));
        }
        return;
    }
    if let Some(first) = scope.taken_over(&draft.name) {
        context.findings.push(errors::duplicate(&draft.name, draft.span, first.clone()));
        return;
    }
    if draft.expr.is_some() && scope.has_source(&draft.name) {
        context.findings.push(errors::hides_column(&draft.name, draft.span));
        return;
    }
    drafts.push(draft);
}

/// `column * except (…)`: every untagged column of the base that is known at once and that no definition
/// names, key and time left out.
fn expand_all<'a>(
    context: &mut Context<'_>,
    scope: &FeatureScope,
    span: Span,
    except: &[Name],
    dropped: &[&Name],
    drafts: &mut Vec<Draft<'a>>,
) {
    for name in except {
        if !scope.base.iter().any(|column| column.name == name.text) {
            context.findings.extend(scope.unknown(&name.text, name.span));
        }
    }
    // The column that a label is made of alone is the label.
    let labels: Vec<String> = drafts
        .iter()
        .filter(|draft| draft.role == Role::Label)
        .filter_map(|draft| draft.expr)
        .filter_map(|expr| <[String; 1]>::try_from(names_in(expr)).ok())
        .flatten()
        .collect();
    let left_out = |name: &String| {
        except.iter().chain(dropped.iter().copied()).any(|other| other.text == *name)
            || scope.key.contains(name)
            || scope.time.as_ref() == Some(name)
            || labels.contains(name)
    };
    for column in &scope.base {
        let defined = drafts.iter().any(|draft| draft.name == column.name);
        let at_once = column.tags.is_empty() && column.known_ms.unwrap_or_default() == 0;
        if at_once && scope.steady(column) && !left_out(&column.name) && !defined {
            drafts.push(Draft { name: column.name.clone(), doc: None, role: Role::Feature, expr: None, span });
        }
    }
}

/// An order in which each draft comes after those that it names; reports circles and leaves their members last.
pub fn ordered<'a>(context: &mut Context<'_>, drafts: Vec<Draft<'a>>) -> (Vec<Draft<'a>>, Vec<String>) {
    let needs: Vec<Vec<usize>> = drafts
        .iter()
        .map(|draft| {
            let mut names = draft.expr.map(names_in).unwrap_or_default();
            if draft.expr.is_some_and(|expr| learns_from_label(context, expr)) {
                names.extend(drafts.iter().filter(|d| d.role == Role::Label).map(|d| d.name.clone()));
            }
            names.iter().filter_map(|name| drafts.iter().position(|other| other.name == *name)).collect()
        })
        .collect();
    let mut graph = petgraph::graph::DiGraph::<usize, ()>::new();
    let nodes: Vec<_> = (0..drafts.len()).map(|at| graph.add_node(at)).collect();
    for (at, needed) in needs.iter().enumerate() {
        for need in needed {
            if let (Some(from), Some(to)) = (nodes.get(at), nodes.get(*need)) {
                graph.add_edge(*from, *to, ());
            }
        }
    }
    let mut broken = Vec::new();
    let mut order = Vec::new();
    // Tarjan gives components in reverse topological order of the edges: what is needed comes first.
    for component in petgraph::algo::tarjan_scc(&graph) {
        let mut members: Vec<usize> = component.iter().filter_map(|node| graph.node_weight(*node).copied()).collect();
        members.sort_unstable();
        let first = members.first().copied().unwrap_or_default();
        let loops = members.len() > 1 || needs.get(first).is_some_and(|needed| needed.contains(&first));
        if loops {
            report_cycle(context, &drafts, &members);
            broken.extend(members.iter().filter_map(|at| drafts.get(*at)).map(|draft| draft.name.clone()));
        }
        order.extend(members);
    }
    // Among those that are free, the order of the text is kept as far as the circles allow.
    let mut ranked: Vec<(usize, Draft<'a>)> = Vec::new();
    for (at, draft) in drafts.into_iter().enumerate() {
        let rank = order.iter().position(|other| *other == at).unwrap_or(at);
        ranked.push((rank, draft));
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    (ranked.into_iter().map(|(_, draft)| draft).collect(), broken)
}

/// Whether it calls a function that is fitted on the label.
fn learns_from_label(context: &Context<'_>, expr: &Expr) -> bool {
    functions_in(expr).iter().any(|name| {
        let block = resolve(context.db, context.file, Space::Function, name);
        let signature = block.and_then(|block| fn_signature(context.db, block).as_ref());
        signature.and_then(|signature| signature.fit.as_ref()).is_some_and(|fit| fit.target.is_some())
    })
}

fn report_cycle(context: &mut Context<'_>, drafts: &[Draft<'_>], members: &[usize]) {
    let circle: Vec<&Draft<'_>> = members.iter().filter_map(|at| drafts.get(*at)).collect();
    let Some(first) = circle.first() else { return };
    let mut names: Vec<String> = circle.iter().map(|draft| draft.name.clone()).collect();
    names.push(first.name.clone());
    let others = circle.iter().skip(1).map(|draft| (draft.span, format!("`{}` is part of it", draft.name))).collect();
    context.findings.push(errors::cycle("these definitions", &names, first.span, others));
}
