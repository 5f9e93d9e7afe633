//! Everything that is found in a program: block by block, then what only the whole shows.

use crate::annotations::{ALIAS, alias};
use crate::blocks::{dataset, features, function, gate, operations, predict, release, split, step, sweep, test, train};
use crate::entries::check_entries;
use crate::errors;
use crate::library::{body, setting};
use crate::names::{Space, imports, qualified};
use crate::outputs::output_clashes;
use crate::references::{expressions, names_in, references};
use crate::reuse::second_choices;
use crate::silence::silence;
use crate::specs::{BLOCKS, block_spec};
use crate::typed::Finding;
use mlpc_db::{Block, BlockRef, Database, Db, Place, Project, SourceFile, absolute, blocks, parse_block};
use mlpc_diagnostics::{Diagnostic, FileSpan, Severity, Span, did_you_mean};
use mlpc_syntax::ChunkKind;
use mlpc_syntax::ast::{BlockDecl, BlockName, Decl};
use std::collections::{BTreeMap, BTreeSet};

/// Everything found in one block: its syntax, its entries, its meaning.
#[salsa::tracked]
pub fn check_block<'db>(db: &'db dyn Db, block: Block<'db>) -> Vec<Finding> {
    let parse = parse_block(db, block);
    let mut findings: Vec<Finding> = parse.errors.iter().cloned().map(|error| error.map_places(Place::Here)).collect();
    let Decl::Block(decl) = &parse.decl else {
        if block.keyword(db) == ALIAS {
            findings.extend(alias(db, block).findings.iter().cloned());
        } else if matches!(parse.decl, Decl::Value(_)) {
            findings.extend(operations::parameter(db, block).findings.iter().cloned());
        }
        return findings;
    };
    let Some(spec) = block_spec(&decl.kind.text) else {
        let known = BLOCKS.iter().map(|spec| spec.keyword);
        findings.push(errors::unknown_kind(&decl.kind.text, known, decl.kind.span));
        return findings;
    };
    if decl.name.is_none() && parse.errors.is_empty() {
        findings.push(errors::missing_name(spec.keyword, decl.header));
    }
    if let Some(connector) = &spec.connector
        && decl.connector.is_none()
        && decl.name.is_some()
        && parse.errors.is_empty()
    {
        findings.push(errors::missing_connector(spec.keyword, connector.word, connector.kinds, decl.header));
    }
    let mut meanings = Vec::new();
    check_entries(decl, &spec.content, &mut meanings);
    meanings.extend(meaning(db, block, decl));
    // Whatever is to be said of text that cannot be read follows from that.
    let unreadable: Vec<Span> =
        findings.iter().filter(|finding| finding.severity == Severity::Error).filter_map(here).collect();
    let readable =
        |finding: &Finding| !here(finding).is_some_and(|span| unreadable.iter().any(|error| within(*error, span)));
    findings.extend(meanings.into_iter().filter(readable));
    findings
}

/// Where in its own block a finding is.
fn here(finding: &Finding) -> Option<Span> {
    match finding.primary() {
        Some(Place::Here(span)) => Some(*span),
        _ => None,
    }
}

fn within(inner: Span, outer: Span) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

/// What the check of a kind's own found.
fn meaning<'db>(db: &'db dyn Db, block: Block<'db>, decl: &BlockDecl) -> Vec<Finding> {
    match decl.kind.text.as_str() {
        "pipeline" => operations::pipeline(db, block).findings.clone(),
        "environment" => operations::environment(db, block).findings.clone(),
        "dataset" => dataset::dataset(db, block).findings.clone(),
        "schema" => dataset::schema(db, block).findings.clone(),
        "features" => features::features(db, block).findings.clone(),
        "split" => split::split(db, block).findings.clone(),
        "train" => train::train(db, block).findings.clone(),
        "evaluate" => release::evaluate(db, block).findings.clone(),
        "gate" => gate::gate(db, block).findings.clone(),
        "register" => release::register(db, block).findings.clone(),
        "predict" => predict::predict(db, block).findings.clone(),
        "step" => step::step(db, block).findings.clone(),
        "fn" => function::function(db, block).to_vec(),
        "test" => test::test(db, block).findings.clone(),
        "sweep" => sweep::sweep(db, block).findings.clone(),
        "ensemble" | "deploy" | "monitor" => {
            let what = format!("a block of kind `{}`", decl.kind.text);
            vec![errors::not_supported(&what, decl.kind.span)]
        }
        _ => Vec::new(),
    }
}

/// Everything found in a program and what it imports, with absolute places, sorted.
pub fn check_project(db: &Database, project: Project) -> Vec<Diagnostic> {
    let files = project.files(db);
    db.ahead(files, |db, block| {
        references(db, block);
    });
    let circles = cycles(db, project);
    let in_circle: BTreeSet<BlockRef> = circles.iter().flat_map(|circle| circle.iter().cloned()).collect();
    // Each block of a circle would be checked by way of itself.
    let is_checked = |home: &BlockRef| !in_circle.contains(home);
    db.ahead(files, |db, block| {
        if is_checked(&block.reference(db)) {
            check_block(db, block);
        }
    });
    let mut all: Vec<Diagnostic> = Vec::new();
    for file in files {
        for block in blocks(db, *file) {
            let home = block.reference(db);
            if is_checked(&home) {
                let findings = check_block(db, *block);
                all.extend(findings.iter().cloned().map(|finding| absolute(db, files, &home, finding)));
            }
        }
        all.extend(duplicates(db, files, *file));
    }
    all.extend(circles.iter().filter_map(|circle| report_circle(db, files, circle)));
    all.extend(import_findings(db, project));
    all.extend(pipelines(db, project));
    if circles.is_empty() {
        all.extend(second_choices(db, project));
        all.extend(output_clashes(db, project));
    }
    let mut used = Vec::new();
    silence(db, project, &mut all, &mut used);
    if !has_errors(&all) {
        all.extend(untested_data(db, project));
        all.extend(unused(db, project));
        all.extend(undocumented(db, project));
        let idle = silence(db, project, &mut all, &mut used);
        if !has_errors(&all) {
            all.extend(idle);
        }
    }
    all.sort_by_key(Diagnostic::sort_key);
    all.dedup();
    all
}

fn has_errors(findings: &[Diagnostic]) -> bool {
    findings.iter().any(|finding| finding.severity == Severity::Error)
}

// --- names -----------------------------------------------------------------------------------------------------------

fn duplicates(db: &dyn Db, files: &[SourceFile], file: SourceFile) -> Vec<Diagnostic> {
    let mut seen: BTreeMap<(Space, &str), Block<'_>> = BTreeMap::new();
    let mut found = Vec::new();
    for block in blocks(db, file) {
        if block.kind(db) == ChunkKind::Import || block.name(db).is_empty() {
            continue;
        }
        let key = (Space::of(block.keyword(db)), block.name(db));
        match seen.get(&key) {
            Some(first) => {
                let place = Place::There(first.reference(db), String::new());
                let finding = errors::duplicate(block.name(db), name_span(db, *block), place);
                found.push(absolute(db, files, &block.reference(db), finding));
            }
            None => {
                seen.insert(key, *block);
            }
        }
    }
    found
}

fn name_span(db: &dyn Db, block: Block<'_>) -> Span {
    match &parse_block(db, block).decl {
        Decl::Block(decl) => decl.name.as_ref().map_or(decl.header, BlockName::span),
        Decl::Value(value) => value.name.span,
        Decl::Import { span, .. } | Decl::Error(span) => *span,
    }
}

// --- circles ---------------------------------------------------------------------------------------------------------

/// Blocks that depend on each other, each circle in order of the text.
fn cycles(db: &dyn Db, project: Project) -> Vec<Vec<BlockRef>> {
    let all: Vec<Block<'_>> = project
        .files(db)
        .iter()
        .flat_map(|file| blocks(db, *file))
        .copied()
        .filter(|block| block.kind(db) == ChunkKind::Block)
        .collect();
    let mut graph = petgraph::graph::DiGraph::<usize, ()>::new();
    let nodes: Vec<_> = (0..all.len()).map(|at| graph.add_node(at)).collect();
    let index: BTreeMap<BlockRefKey, usize> =
        all.iter().enumerate().map(|(at, block)| (key_of(db, *block), at)).collect();
    for (at, block) in all.iter().enumerate() {
        for target in references(db, *block) {
            if let (Some(from), Some(to)) =
                (nodes.get(at), index.get(&key_of(db, *target)).and_then(|to| nodes.get(*to)))
            {
                graph.add_edge(*from, *to, ());
            }
        }
    }
    let mut circles = Vec::new();
    for component in petgraph::algo::tarjan_scc(&graph) {
        let first = component.first().copied();
        let alone = component.len() == 1 && !first.is_some_and(|node| graph.contains_edge(node, node));
        if alone {
            continue;
        }
        let mut members: Vec<usize> = component.iter().filter_map(|node| graph.node_weight(*node).copied()).collect();
        members.sort_unstable();
        circles.push(members.iter().filter_map(|at| all.get(*at)).map(|block| block.reference(db)).collect());
    }
    circles
}

type BlockRefKey = (u32, String, String, u32);

fn key_of(db: &dyn Db, block: Block<'_>) -> BlockRefKey {
    (block.file(db).id(db).0, block.keyword(db).to_owned(), block.name(db).to_owned(), block.nth(db))
}

fn report_circle(db: &dyn Db, files: &[SourceFile], circle: &[BlockRef]) -> Option<Diagnostic> {
    let first = circle.first()?;
    let file = files.iter().find(|file| file.id(db) == first.file)?;
    let block = blocks(db, *file).iter().find(|block| block.reference(db) == *first)?;
    let mut path: Vec<String> = circle.iter().map(|block| block.name.clone()).collect();
    path.push(first.name.clone());
    let mut finding = errors::block_cycle(&path, name_span(db, *block));
    for other in circle.iter().skip(1) {
        finding = finding.label(Place::There(other.clone(), String::new()), format!("`{}` is part of it", other.name));
    }
    Some(absolute(db, files, first, finding))
}

// --- the whole -------------------------------------------------------------------------------------------------------

fn import_findings(db: &dyn Db, project: Project) -> Vec<Diagnostic> {
    let files = project.files(db);
    let known = project.imports(db);
    let mut found = Vec::new();
    for file in files {
        for import in imports(db, *file) {
            let home = blocks(db, *file).iter().find(|block| {
                matches!(&parse_block(db, **block).decl, Decl::Import { path, .. } if path.span == import.span
                    && crate::names::join_path(file.path(db), &path.value) == import.path)
            });
            let Some(home) = home.map(|block| block.reference(db)) else { continue };
            match known.get(&import.path) {
                None => found.push(absolute(db, files, &home, errors::bad_import(&import.path, import.span))),
                Some(target) => {
                    if let Some(path) = way_back(db, known, *target, *file) {
                        let names: Vec<String> = std::iter::once(file.path(db).to_owned()).chain(path).collect();
                        found.push(absolute(db, files, &home, errors::import_cycle(&names, import.span)));
                    }
                }
            }
        }
    }
    // A circle is reported once, at the first import that takes part in it.
    let mut circles = BTreeSet::new();
    found.retain(|finding| {
        let mut members: Vec<String> =
            finding.notes.iter().flat_map(|note| note.split(" → ")).map(str::to_owned).collect();
        members.sort();
        members.dedup();
        members.is_empty() || circles.insert(members)
    });
    found
}

/// The files from `from` back to `to`, by imports.
fn way_back(
    db: &dyn Db,
    known: &BTreeMap<String, SourceFile>,
    from: SourceFile,
    to: SourceFile,
) -> Option<Vec<String>> {
    let mut queue = vec![vec![from]];
    let mut seen = vec![from];
    while let Some(path) = queue.pop() {
        let last = *path.last()?;
        if last == to {
            return Some(path.iter().map(|file| file.path(db).to_owned()).collect());
        }
        for import in imports(db, last) {
            if let Some(next) = known.get(&import.path)
                && (!seen.contains(next) || *next == to)
            {
                seen.push(*next);
                let mut longer = path.clone();
                longer.push(*next);
                queue.push(longer);
            }
        }
    }
    None
}

fn pipelines(db: &dyn Db, project: Project) -> Vec<Diagnostic> {
    let files = project.files(db);
    let Some(root) = files.first() else { return Vec::new() };
    let found: Vec<Block<'_>> =
        blocks(db, *root).iter().copied().filter(|block| block.keyword(db) == "pipeline").collect();
    let misspelt = |block: &Block<'_>| {
        block_spec(block.keyword(db)).is_none() && did_you_mean(block.keyword(db), ["pipeline"]).is_some()
    };
    let Some(first) = found.first() else {
        if blocks(db, *root).iter().any(misspelt) {
            return Vec::new();
        }
        let place = FileSpan { file: root.id(db), span: Span::default() };
        let code = mlpc_diagnostics::rule::no_pipeline;
        let help = "a program has exactly one `pipeline NAME { … }`; files without one are libraries";
        return vec![Diagnostic::new(code, "this program has no `pipeline` block", place).help(help)];
    };
    if found.len() == 1 {
        return Vec::new();
    }
    let others = found.iter().skip(1).map(|block| Place::There(block.reference(db), String::new())).collect();
    let finding = errors::pipelines(found.len(), name_span(db, *first), others);
    vec![absolute(db, files, &first.reference(db), finding)]
}

/// Datasets that a training job reads, by way of features, and that nothing checks.
fn untested_data(db: &dyn Db, project: Project) -> Vec<Diagnostic> {
    let files = project.files(db);
    let mut found = Vec::new();
    for block in all_blocks(db, project, "train") {
        let mut reached: Vec<Block<'_>> = vec![block];
        let mut at = 0;
        while let Some(next) = reached.get(at).copied() {
            at += 1;
            for target in references(db, next) {
                if !reached.contains(target) && target.keyword(db) != "step" {
                    reached.push(*target);
                }
            }
        }
        for data in reached.into_iter().filter(|block| block.keyword(db) == "dataset") {
            if dataset::dataset(db, data).value.expectations.is_empty() {
                let finding = errors::no_expectations(data.name(db), name_span(db, data));
                found.push(absolute(db, files, &data.reference(db), finding));
            }
        }
    }
    found
}

/// Kinds whose blocks mean nothing unless another names them.
const MUST_BE_USED: [&str; 8] = ["dataset", "features", "split", "schema", "environment", "const", "gate", ALIAS];

fn unused(db: &dyn Db, project: Project) -> Vec<Diagnostic> {
    let files = project.files(db);
    let Some(root) = files.first() else { return Vec::new() };
    let used: BTreeSet<BlockRefKey> = files
        .iter()
        .flat_map(|file| blocks(db, *file))
        .flat_map(|block| references(db, *block))
        .map(|block| key_of(db, *block))
        .collect();
    let words = words(db, files);
    blocks(db, *root)
        .iter()
        .filter(|block| MUST_BE_USED.contains(&block.keyword(db)) && !used.contains(&key_of(db, **block)))
        .filter(|block| block.keyword(db) != "const" || !words.contains(block.name(db)))
        .map(|block| {
            let finding = errors::unused(block.keyword(db), block.name(db), name_span(db, *block));
            absolute(db, files, &block.reference(db), finding)
        })
        .collect()
}

/// Every name in any expression: a const may be used anywhere.
fn words(db: &dyn Db, files: &[SourceFile]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for block in files.iter().flat_map(|file| blocks(db, *file)) {
        let Some(decl) = body(db, *block) else { continue };
        for expr in expressions(&decl.entries) {
            found.extend(names_in(expr).iter().map(|name| name.rsplit('.').next().unwrap_or_default().to_owned()));
        }
    }
    found
}

/// Kinds that say nothing about themselves without a line of prose.
const MUST_BE_DOCUMENTED: [&str; 9] =
    ["pipeline", "dataset", "features", "step", "fn", "fitted", "trainer", "metric", "expectation"];

fn undocumented(db: &dyn Db, project: Project) -> Vec<Diagnostic> {
    let files = project.files(db);
    files
        .iter()
        .flat_map(|file| blocks(db, *file))
        .filter(|block| MUST_BE_DOCUMENTED.contains(&block.keyword(db)))
        .filter(|block| body(db, **block).is_some_and(|decl| decl.doc.is_none()))
        .map(|block| {
            let finding = errors::undocumented(block.keyword(db), block.name(db), name_span(db, *block));
            absolute(db, files, &block.reference(db), finding)
        })
        .collect()
}

/// Every block with this keyword in the program and its imports.
pub fn all_blocks<'db>(db: &'db dyn Db, project: Project, keyword: &str) -> Vec<Block<'db>> {
    project
        .files(db)
        .iter()
        .flat_map(|file| blocks(db, *file))
        .copied()
        .filter(|block| block.keyword(db) == keyword)
        .collect()
}

/// The block with this keyword that the plan calls `name`.
pub fn block_named<'db>(db: &'db dyn Db, project: Project, keyword: &str, name: &str) -> Option<Block<'db>> {
    all_blocks(db, project, keyword).into_iter().find(|block| qualified(db, *block) == name)
}

/// The name of the environment that the pipeline sets for all, if it sets one.
pub fn default_environment(db: &dyn Db, project: Project) -> Option<String> {
    let block = all_blocks(db, project, "pipeline").into_iter().next()?;
    body(db, block).and_then(|decl| setting(decl, "environment")).and_then(crate::consts::dotted)
}
