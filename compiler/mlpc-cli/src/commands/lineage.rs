//! `mlpc lineage`: where values come from, and what they reach.

mod tree;

use crate::build;
use crate::error::ToolError;
use crate::exit::Exit;
use crate::files;
use crate::project::{self, Session, Target, shown};
use crate::terminal::{Style, Terminal};
use mlpc_emit::graph::{self, Link, Picture};
use mlpc_hir::blocks::features::features;
use mlpc_hir::names::qualified;
use mlpc_hir::typed::Facts;
use mlpc_lineage::{Edge, Lineage, Node};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What to show, and how.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A column, feature, file, model or block: `trips.late`, `flights.arr_delay`; everything if left out
    #[arg(value_name = "WHAT")]
    what: Option<String>,
    /// A .mlp file, or a folder with one that has a `pipeline` block
    #[arg(value_name = "PATH")]
    path: Option<PathBuf>,
    /// The profile of the pipeline to use
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Which way to look
    #[arg(long, value_enum, default_value_t)]
    direction: Direction,
    /// Only what would change: models, reports, gates and registrations that it reaches
    #[arg(long, conflicts_with = "direction")]
    impact: bool,
    /// The form
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Where to write it instead of showing it
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write the page into `.mlp` and open it in a browser
    #[arg(long, conflicts_with_all = ["format", "output"])]
    open: bool,
}

/// Ways to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Direction {
    /// What it comes from
    Up,
    /// What comes of it
    Down,
    /// Both
    #[default]
    Both,
}

/// Forms of lineage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
    /// For Graphviz
    Dot,
    /// For a browser, still
    Svg,
    /// For a browser, to look around in
    Html,
}

/// Prints, writes or opens the lineage.
pub fn run(args: &Args, terminal: &mut Terminal) -> Result<Exit, ToolError> {
    let (what, path) = what_and_where(args);
    let session = project::open(&Target { path, profile: args.profile.clone() })?;
    build::check(&session, terminal)?;
    let lineage = mlpc_lineage::lineage(&session.db, session.project);
    let start = match &what {
        None => Vec::new(),
        Some(what) => named(&lineage, what)?,
    };
    let view = View { facts: facts(&session), nodes: chosen(&lineage, &start, args), start, lineage };
    let title = what.unwrap_or_else(|| session.location.program.clone());
    if args.open {
        let path = session.location.root.join(".mlp").join("lineage.html");
        files::write(&path, &graph::page(&view.picture(&title)))?;
        return open(&path, terminal);
    }
    let text = match args.format {
        Format::Text => tree::text(&view, args.impact),
        Format::Json => format!("{:#}\n", view.json()),
        Format::Dot => graph::dot(&view.picture(&title)),
        Format::Svg => graph::svg(&view.picture(&title)),
        Format::Html => graph::page(&view.picture(&title)),
    };
    match &args.output {
        None => terminal.print(&text),
        Some(path) => {
            files::write(path, &text)?;
            terminal.line(format_args!("{} {}", terminal.out.paint(Style::Good, "wrote"), shown(path)));
        }
    }
    Ok(Exit::Fine)
}

/// `lineage trips.late`, `lineage examples/flights`, `lineage trips.late examples/flights`: what is a path is one, as
/// long as it is alone.
fn what_and_where(args: &Args) -> (Option<String>, PathBuf) {
    match (&args.what, &args.path) {
        (Some(only), None) if Path::new(only).exists() => (None, PathBuf::from(only)),
        (what, path) => (what.clone(), path.clone().unwrap_or_else(|| PathBuf::from("."))),
    }
}

fn named(lineage: &Lineage, what: &str) -> Result<Vec<Node>, ToolError> {
    let found = lineage.named(what);
    if found.is_empty() {
        let known: Vec<String> = lineage.nodes().map(Node::title).collect();
        let near = mlpc_diagnostics::did_you_mean(what, known.iter().map(String::as_str)).map(str::to_owned);
        let error = ToolError::usage(format!("nothing in the program is called `{what}`"));
        return Err(match near {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error.help("name a column, feature, model or block: `trips.late`, `delay_model`"),
        });
    }
    Ok(found)
}

/// The nodes that are shown.
fn chosen(lineage: &Lineage, start: &[Node], args: &Args) -> BTreeSet<Node> {
    if start.is_empty() {
        return lineage.nodes().cloned().collect();
    }
    if args.impact {
        return lineage.downstream(start);
    }
    let mut nodes = BTreeSet::new();
    if args.direction != Direction::Down {
        nodes.extend(lineage.upstream(start));
    }
    if args.direction != Direction::Up {
        nodes.extend(lineage.downstream(start));
    }
    nodes
}

/// What is known of each definition, by features block and name, and how it is written.
fn facts(session: &Session) -> BTreeMap<(String, String), (Facts, String)> {
    let db = &session.db;
    let mut all = BTreeMap::new();
    for block in mlpc_hir::all_blocks(db, session.project, "features") {
        let owner = qualified(db, block);
        for definition in &features(db, block).value.definitions {
            let written = match &definition.owner {
                Some(_) => String::new(),
                None => mlpc_syntax::one_line(block.text(db).get(definition.expr.span.range()).unwrap_or_default()),
            };
            all.insert((owner.clone(), definition.name.clone()), (definition.facts.clone(), written));
        }
    }
    all
}

/// The part of the lineage that is shown.
struct View {
    lineage: Lineage,
    /// Where to start; empty for everything.
    start: Vec<Node>,
    nodes: BTreeSet<Node>,
    facts: BTreeMap<(String, String), (Facts, String)>,
}

impl View {
    fn facts_of(&self, node: &Node) -> Option<&(Facts, String)> {
        match node {
            Node::Definition { features, name, .. } => self.facts.get(&(features.clone(), name.clone())),
            _ => None,
        }
    }

    /// What is known of a node, a line each.
    fn notes(&self, node: &Node) -> Vec<String> {
        let Some((facts, written)) = self.facts_of(node) else { return Vec::new() };
        let mut notes = Vec::new();
        if !written.is_empty() && *written != node_name(node) {
            notes.push(format!("= {written}"));
        }
        notes.push(match facts.known_ms {
            0 => "known at once".to_owned(),
            ms => format!("known after {}", mlpc_hir::duration_text(ms)),
        });
        if facts.fitted {
            notes.push("fitted on the training part".to_owned());
        }
        if !facts.tags.is_empty() {
            notes.push(facts.tags.iter().map(|tag| format!("@{tag}")).collect::<Vec<_>>().join(" "));
        }
        notes.extend(facts.roles.iter().map(|role| format!("read under the role {role}")));
        notes
    }

    fn picture(&self, title: &str) -> Picture {
        let (nodes, edges) = self.lineage.part(&self.nodes);
        let links = edges.into_iter().map(|(from, to, edge)| Link { from, to, dashed: edge == Edge::Indirect });
        Picture {
            title: format!("Lineage of {title}"),
            links: links.collect(),
            nodes: nodes
                .iter()
                .map(|node| graph::Node { title: node.title(), kind: node.kind().to_owned(), notes: self.notes(node) })
                .collect(),
        }
    }

    fn json(&self) -> Value {
        let (nodes, edges) = self.lineage.part(&self.nodes);
        let shown: Vec<Value> = nodes
            .iter()
            .map(|node| {
                let mut value = json!({ "name": node.title(), "kind": node.kind() });
                if let (Some(object), Some((facts, written))) = (value.as_object_mut(), self.facts_of(node)) {
                    let sources: Vec<String> = facts.sources.iter().map(|(d, c)| format!("{d}.{c}")).collect();
                    object.insert("expression".to_owned(), json!(written));
                    object.insert("sources".to_owned(), json!(sources));
                    object.insert("known_after_ms".to_owned(), json!(facts.known_ms));
                    object.insert("fitted".to_owned(), json!(facts.fitted));
                    object.insert("tags".to_owned(), json!(facts.tags));
                    object.insert("roles".to_owned(), json!(facts.roles));
                }
                value
            })
            .collect();
        let title = |at: usize| nodes.get(at).map(Node::title);
        let links: Vec<Value> = edges
            .iter()
            .map(|(from, to, edge)| json!({ "from": title(*from), "to": title(*to), "edge": edge }))
            .collect();
        json!({ "format": "mlp-lineage/v1", "nodes": shown, "edges": links })
    }
}

fn node_name(node: &Node) -> String {
    let title = node.title();
    title.rsplit_once('.').map_or(title.clone(), |(_, name)| name.to_owned())
}

/// Opens a page with the system's own program for it.
fn open(path: &Path, terminal: &mut Terminal) -> Result<Exit, ToolError> {
    let program = if cfg!(target_os = "macos") {
        "open"
    } else if cfg!(windows) {
        "explorer"
    } else {
        "xdg-open"
    };
    terminal.line(format_args!("{} {}", terminal.out.paint(Style::Good, "wrote"), shown(path)));
    let opened = std::process::Command::new(program).arg(path).status();
    match opened {
        Ok(status) if status.success() => Ok(Exit::Fine),
        _ => Err(ToolError::usage(format!("`{program}` cannot open `{}`", path.display()))),
    }
}
