//! `mlpc debug`: what a stage of the compiler makes of a program, for those who work on it.

use crate::build;
use crate::error::ToolError;
use crate::exit::Exit;
use crate::json;
use crate::lockfile;
use crate::project::{self, Session, Target};
use crate::terminal::{Style, Terminal};
use mlpc_db::{Block, blocks, parse_block};
use mlpc_hir::blocks::{dataset, features, gate, operations, release, split, step, train};
use mlpc_syntax::ChunkKind;
use std::fmt::Debug;

/// Which program and stage.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// The stage
    #[arg(long, value_enum)]
    stage: Stage,
}

/// Forms of a program, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Stage {
    /// Leaves of the syntax tree, with their offsets in the file
    Tokens,
    /// The lossless syntax tree of each declaration
    Tree,
    /// Declarations: kind, name, place
    Items,
    /// What each block means
    Types,
    /// The plan, before programs are made for it
    Plan,
}

/// Prints the stage, file by file, block by block.
pub fn run(args: &Args, terminal: &mut Terminal) -> Result<Exit, ToolError> {
    let session = project::open(&args.target)?;
    if args.stage == Stage::Plan {
        // Lowering is for programs without errors only.
        build::check(&session, terminal)?;
        let lock = lockfile::read_for_writing(&session)?.unwrap_or_default();
        let plan = mlpc_plan::lower(&session.db, session.project, &lock);
        terminal.print(&json::pretty(&plan));
        return Ok(Exit::Fine);
    }
    for file in session.project.files(&session.db) {
        let name = session.shown(file.path(&session.db));
        let heading = terminal.out.paint(Style::Bold, format_args!("== {name}"));
        terminal.line(heading);
        for block in blocks(&session.db, *file) {
            let text = match args.stage {
                Stage::Tokens => tokens(&session, *block),
                Stage::Tree => parse_block(&session.db, *block).tree.debug_print(),
                Stage::Items => item(&session, *block),
                Stage::Types | Stage::Plan => types(&session, *block),
            };
            terminal.print(&text);
        }
    }
    Ok(Exit::Fine)
}

fn tokens(session: &Session, block: Block<'_>) -> String {
    let tree = &parse_block(&session.db, block).tree;
    let start = block.start(&session.db);
    let line = |leaf| {
        let span = tree.span(leaf).shifted(start);
        format!("{}..{} {} {:?}\n", span.start, span.end, tree.describe(leaf), tree.text_of(leaf))
    };
    tree.leaves().map(line).collect()
}

fn item(session: &Session, block: Block<'_>) -> String {
    let db = &session.db;
    let start = block.start(db) as usize;
    let kind = match block.kind(db) {
        ChunkKind::Import => "import",
        ChunkKind::Value => "value",
        ChunkKind::Block => "block",
        ChunkKind::Other => "other",
    };
    format!("{start}..{} {kind} {} {}\n", start + block.text(db).len(), block.keyword(db), block.name(db))
}

fn types(session: &Session, block: Block<'_>) -> String {
    let db = &session.db;
    match block.keyword(db) {
        "pipeline" => shown(block.name(db), &operations::pipeline(db, block).value),
        "environment" => shown(block.name(db), &operations::environment(db, block).value),
        "type" => shown(block.name(db), &mlpc_hir::annotations::alias(db, block).value),
        "param" | "const" => shown(block.name(db), &operations::parameter(db, block).value),
        "dataset" => shown(block.name(db), &dataset::dataset(db, block).value),
        "features" => shown(block.name(db), &features::features(db, block).value),
        "split" => shown(block.name(db), &split::split(db, block).value),
        "train" => shown(block.name(db), &train::train(db, block).value),
        "evaluate" => shown(block.name(db), &release::evaluate(db, block).value),
        "gate" => shown(block.name(db), &gate::gate(db, block).value),
        "register" => shown(block.name(db), &release::register(db, block).value),
        "step" => shown(block.name(db), &step::step(db, block).value),
        _ => String::new(),
    }
}

fn shown(name: &str, value: &impl Debug) -> String {
    format!("{name}: {value:#?}\n")
}
