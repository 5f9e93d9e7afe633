//! `mlpc registry`: versions of models, and which of them holds an alias.

use crate::error::ToolError;
use crate::exit::Exit;
use crate::json::{self, Format};
use crate::project;
use crate::terminal::{Paint, Style, Terminal};
use crate::text::{columns, number, plural, short};
use mlpc_native::Layout;
use mlpc_native::registry::{self, Located, Model, ModelVersion};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// What is asked of the registry.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    place: Place,
}

/// Where the registry is, and how what it says is shown.
#[derive(Debug, clap::Args)]
struct Place {
    /// A project: its folder or one of its files
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    /// How it is shown
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// One alias of one model.
#[derive(Debug, clap::Args)]
struct Alias {
    /// The model: the name of its `register` block
    #[arg(value_name = "MODEL")]
    model: String,
    /// The alias
    #[arg(long, value_name = "ALIAS", default_value = "champion")]
    alias: String,
}

/// What is done.
#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List the models
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Show the versions of a model, where they come from, and every move of an alias
    Show {
        /// The model: the name of its `register` block
        #[arg(value_name = "MODEL")]
        model: String,
        #[command(flatten)]
        place: Place,
    },
    /// Show the version that holds an alias
    Champion {
        #[command(flatten)]
        alias: Alias,
        #[command(flatten)]
        place: Place,
    },
    /// Move an alias to a version
    Promote {
        #[command(flatten)]
        alias: Alias,
        /// The version
        #[arg(value_name = "VERSION")]
        version: u32,
        #[command(flatten)]
        place: Place,
    },
    /// Move an alias back to the version that held it before
    Rollback {
        #[command(flatten)]
        alias: Alias,
        #[command(flatten)]
        place: Place,
    },
}

/// Does what is asked.
pub fn run(args: &Args, terminal: &mut Terminal) -> Result<Exit, ToolError> {
    match &args.verb {
        None => list(&args.place, terminal)?,
        Some(Verb::List { place }) => list(place, terminal)?,
        Some(Verb::Show { model, place }) => show(model, place, terminal)?,
        Some(Verb::Champion { alias, place }) => {
            let layout = layout(&place.path)?;
            known(&layout, &alias.model)?;
            let Some(held) = registry::champion(&layout, &alias.model, &alias.alias)? else {
                let message = format!("no version of `{}` is its {}", alias.model, alias.alias);
                return Err(ToolError::usage(message).help("`mlpc registry promote` makes one"));
            };
            told(alias, &held, "is", place.format, terminal);
        }
        Some(Verb::Promote { alias, version, place }) => {
            let layout = layout(&place.path)?;
            known(&layout, &alias.model)?;
            let held = registry::promote(&layout, &alias.model, *version, &alias.alias)?;
            told(alias, &held, "is now", place.format, terminal);
        }
        Some(Verb::Rollback { alias, place }) => {
            let layout = layout(&place.path)?;
            known(&layout, &alias.model)?;
            let held = registry::rollback(&layout, &alias.model, &alias.alias)?;
            told(alias, &held, "is again", place.format, terminal);
        }
    }
    Ok(Exit::Fine)
}

fn layout(path: &Path) -> Result<Layout, ToolError> {
    Ok(Layout::new(project::root_at(path)?.join(".mlp")))
}

fn known(layout: &Layout, name: &str) -> Result<Model, ToolError> {
    let models = registry::models(layout)?;
    let names: Vec<String> = models.iter().map(|model| format!("`{}`", model.model)).collect();
    models.into_iter().find(|model| model.model == name).ok_or_else(|| {
        let help = match names.as_slice() {
            [] => "nothing is registered yet; a run whose gate lets a model through registers it".to_owned(),
            _ => format!("there are {}", names.join(", ")),
        };
        ToolError::usage(format!("no model `{name}` is registered here")).help(help)
    })
}

fn list(place: &Place, terminal: &mut Terminal) -> Result<(), ToolError> {
    let models = registry::models(&layout(&place.path)?)?;
    if place.format == Format::Json {
        terminal.print(&json::pretty(&models));
    } else if models.is_empty() {
        terminal.line("nothing is registered yet");
    } else {
        let paint = terminal.out;
        let mut table = vec![heading(paint, &["model", "versions", "aliases", "newest"])];
        table.extend(models.iter().map(|model| {
            let aliases = model.aliases.iter().map(|(alias, version)| format!("{alias} v{version}"));
            let newest = model.versions.last().map_or_else(String::new, |version| moment(&version.created));
            vec![model.model.clone(), model.versions.len().to_string(), aliases.collect::<Vec<_>>().join(", "), newest]
        }));
        columns(&table).into_iter().for_each(|line| terminal.line(line));
    }
    Ok(())
}

fn show(name: &str, place: &Place, terminal: &mut Terminal) -> Result<(), ToolError> {
    let model = known(&layout(&place.path)?, name)?;
    if place.format == Format::Json {
        terminal.print(&json::pretty(&model));
    } else {
        described(&model, terminal.out).into_iter().for_each(|line| terminal.line(line));
    }
    Ok(())
}

fn described(model: &Model, paint: Paint) -> Vec<String> {
    let title = format!("{}: {}", model.model, plural(model.versions.len(), "version"));
    let mut lines = vec![paint.paint(Style::Bold, title), String::new()];
    let mut table =
        vec![heading(paint, &["version", "model", "registered", "alias", "gate", "run", "commit", "metrics"])];
    table.extend(model.versions.iter().rev().map(|version| row(model, version)));
    lines.extend(columns(&table));
    lines.push(String::new());
    lines.push(paint.paint(Style::Bold, "Moves"));
    let moves = model.moves.iter().rev();
    let moves =
        moves.map(|step| vec![moment(&step.at), step.alias.clone(), format!("v{}", step.version), step.why.clone()]);
    lines.extend(columns(&moves.collect::<Vec<_>>()));
    lines
}

fn row(model: &Model, version: &ModelVersion) -> Vec<String> {
    let aliases = model.aliases.iter().filter(|(_, held)| **held == version.version);
    let fact = |path: &str| version.provenance.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let metrics = version.provenance.pointer("/registration/metrics").and_then(Value::as_object);
    let metrics = metrics.into_iter().flatten();
    let metrics = metrics.filter_map(|(name, value)| Some(format!("{name} {}", number(value.as_f64()?))));
    vec![
        format!("v{}", version.version),
        short(&version.digest).to_owned(),
        moment(&version.created),
        aliases.map(|(alias, _)| alias.clone()).collect::<Vec<_>>().join(", "),
        fact("/registration/gate"),
        fact("/run"),
        short(&fact("/commit")).to_owned(),
        metrics.collect::<Vec<_>>().join(", "),
    ]
}

fn heading(paint: Paint, words: &[&str]) -> Vec<String> {
    words.iter().map(|word| paint.paint(Style::Dim, word)).collect()
}

/// Milliseconds and the letter of the zone help nobody here.
fn moment(time: &str) -> String {
    time.get(..19).unwrap_or(time).replace('T', " ")
}

fn told(alias: &Alias, held: &Located, verb: &str, format: Format, terminal: &mut Terminal) {
    let Alias { model, alias } = alias;
    let Located { version, digest, folder } = held;
    if format == Format::Json {
        let told = json!({"model": model, "alias": alias, "version": version, "digest": digest, "folder": folder});
        terminal.print(&json::pretty(&told));
    } else {
        terminal.line(format!("version {version} of {model} {verb} its {alias}: {}", folder.display()));
    }
}
