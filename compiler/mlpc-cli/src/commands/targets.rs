//! `mlpc targets`: what each target does of what a program may ask for.

use crate::config::{Config, VERSION};
use crate::error::ToolError;
use crate::exit::Exit;
use crate::json::{self, Format};
use crate::terminal::{Style, Terminal};
use mlpc_diagnostics::{did_you_mean, list_words};
use mlpc_emit::backend::{Ability, BACKENDS, Backend, Choice, Support, backend};
use serde::Serialize;

/// How they are shown.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How the list is shown
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Prints the list and the matrix.
pub fn run(args: &Args, terminal: &mut Terminal) -> Result<Exit, ToolError> {
    let columns: Vec<Column> = BACKENDS.iter().flat_map(|backend| columns(*backend)).collect();
    match args.format {
        Format::Json => {
            let shown: Vec<Entry> = columns.iter().map(Entry::new).collect();
            terminal.print(&json::pretty(&shown));
        }
        Format::Text => matrix(&columns, terminal),
    }
    Ok(Exit::Fine)
}

/// The target of this name, as `mlp.toml` has it.
pub fn choose(config: &Config, name: &str) -> Result<Choice, ToolError> {
    let Some(backend) = backend(name) else {
        let names = || BACKENDS.iter().map(|backend| backend.name());
        let help = match did_you_mean(name, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there is {}", list_words(names(), "and")),
        };
        return Err(ToolError::usage(format!("there is no target `{name}`")).help(help));
    };
    let mut choice = Choice::of(backend);
    choice.settings = config.targets.get(name).cloned().unwrap_or_default();
    if let Some(version) = choice.settings.remove(VERSION) {
        choice.version = version;
    }
    Ok(choice)
}

/// A version of a backend.
struct Column {
    backend: &'static dyn Backend,
    version: &'static str,
}

impl Column {
    fn title(&self) -> String {
        [self.backend.name(), self.version].join(" ").trim_end().to_owned()
    }

    fn support(&self, ability: Ability) -> Support {
        self.backend.support(self.version, ability)
    }
}

fn columns(backend: &'static dyn Backend) -> Vec<Column> {
    match backend.versions() {
        [] => vec![Column { backend, version: "" }],
        versions => versions.iter().map(|version| Column { backend, version }).collect(),
    }
}

/// One line per ability, one column per version, then what is done with a difference or not at all.
fn matrix(columns: &[Column], terminal: &mut Terminal) {
    for backend in BACKENDS {
        let name = terminal.out.paint(Style::Bold, format!("{:<10}", backend.name()));
        terminal.line(format_args!("{name} {}", backend.doc()));
    }
    let first = Ability::ALL.iter().map(|ability| ability.name().len()).max().unwrap_or_default();
    let titles: Vec<String> = columns.iter().map(Column::title).collect();
    terminal.line(format_args!("\n{:first$}  {}", "", titles.join("  ")));
    let mut notes: Vec<&'static str> = Vec::new();
    for ability in Ability::ALL {
        let cells: Vec<String> = columns
            .iter()
            .zip(&titles)
            .map(|(column, title)| {
                let mut noted = |mark: &str, note: &'static str| {
                    let at = notes.iter().position(|known| *known == note).unwrap_or_else(|| {
                        notes.push(note);
                        notes.len() - 1
                    });
                    format!("{mark} {}", at + 1)
                };
                let cell = match column.support(*ability) {
                    Support::Full => "yes".to_owned(),
                    Support::Partly(note) => noted("yes", note),
                    Support::None(note) => noted("no", note),
                };
                format!("{cell:<width$}", width = title.len())
            })
            .collect();
        let line = format!("{:first$}  {}", ability.name(), cells.join("  "));
        terminal.line(format_args!("{}", line.trim_end()));
    }
    if !notes.is_empty() {
        terminal.line(format_args!(""));
    }
    for (at, note) in notes.iter().enumerate() {
        terminal.line(format_args!("{} {note}", at + 1));
    }
}

#[derive(Serialize)]
struct Entry {
    target: &'static str,
    version: Option<&'static str>,
    doc: &'static str,
    settings: Vec<Setting>,
    abilities: Vec<Cell>,
}

#[derive(Serialize)]
struct Setting {
    name: &'static str,
    default: Option<&'static str>,
    words: &'static [&'static str],
    doc: &'static str,
}

#[derive(Serialize)]
struct Cell {
    ability: &'static str,
    support: &'static str,
    note: Option<&'static str>,
}

impl Entry {
    fn new(column: &Column) -> Self {
        let abilities = Ability::ALL.iter().map(|ability| {
            let (support, note) = match column.support(*ability) {
                Support::Full => ("full", None),
                Support::Partly(note) => ("partly", Some(note)),
                Support::None(note) => ("none", Some(note)),
            };
            Cell { ability: ability.name(), support, note }
        });
        let settings = column.backend.settings().iter();
        Self {
            target: column.backend.name(),
            version: Some(column.version).filter(|version| !version.is_empty()),
            doc: column.backend.doc(),
            settings: settings
                .map(|setting| Setting {
                    name: setting.name,
                    default: setting.default,
                    words: setting.words,
                    doc: setting.doc,
                })
                .collect(),
            abilities: abilities.collect(),
        }
    }
}
