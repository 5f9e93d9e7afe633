//! `mlpc init`: a small project that is complete: a program, data that suits it, settings.

use crate::config::EDITION;
use crate::error::ToolError;
use crate::exit::Exit;
use crate::project::shown;
use crate::terminal::{Style, Terminal};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const PROGRAM: &str = include_str!("init/program.mlp");
const IGNORED: &str = "# State and results of runs, and build folders\n.mlp/\nbuild/\n";
/// Rows of the example data.
const CUSTOMERS: u64 = 400;

/// Where to start.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder, made if there is none
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
}

/// Writes the project; files that are there stop it before anything is written.
pub fn run(args: &Args, terminal: &mut Terminal) -> Result<Exit, ToolError> {
    let folder = std::path::absolute(&args.folder).map_err(|error| ToolError::file("find", &args.folder, &error))?;
    let files = [
        ("mlp.toml", settings(&folder)),
        ("main.mlp", PROGRAM.to_owned()),
        ("data/customers.csv", customers()),
        (".gitignore", IGNORED.to_owned()),
    ];
    // A folder may well have its own list of ignored files.
    let present = files.iter().filter(|(name, _)| *name != ".gitignore" && folder.join(name).exists());
    if let Some((name, _)) = present.into_iter().next() {
        let message = format!("`{}` is already there", shown(&folder.join(name)));
        return Err(ToolError::usage(message).help("give the name of a new folder, as `mlpc init my_project`"));
    }
    for (name, text) in &files {
        let path = folder.join(name);
        if !path.exists() {
            write(&path, text)?;
            let done = terminal.out.paint(Style::Good, "wrote");
            terminal.line(format_args!("{done} {}", shown(&path)));
        }
    }
    let place = shown(&folder);
    let place = if place == "." { String::new() } else { format!(" {place}") };
    let command = terminal.out.paint(Style::Code, format_args!("mlpc run{place}"));
    terminal.line(format_args!("\nNext: {command}"));
    Ok(Exit::Fine)
}

fn settings(folder: &Path) -> String {
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let name = if name.is_empty() { "my_project".to_owned() } else { name };
    format!("[project]\nname = {}\nedition = \"{EDITION}\"\n", toml::Value::String(name))
}

fn write(path: &Path, text: &str) -> Result<(), ToolError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| ToolError::file("create", folder, &error))?;
    }
    std::fs::write(path, text).map_err(|error| ToolError::file("write", path, &error))
}

/// Customers of a made-up café: who comes often and spends well tends to come back. The same rows every time.
fn customers() -> String {
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let mut text = "customer,visits,minutes,spent,drink,member,returned\n".to_owned();
    for customer in 1..=CUSTOMERS {
        let visits = 1 + chance.below(20);
        let minutes = 5 + chance.below(90);
        let member = chance.below(3) == 0;
        let drink = ["coffee", "tea", "juice"].get(chance.index(3)).copied().unwrap_or("coffee");
        let cents = 250 * visits + chance.below(1500);
        let liking = 6 * visits + minutes / 2 + if member { 40 } else { 0 } + if drink == "tea" { 10 } else { 0 };
        let returned = liking + chance.below(60) > 130;
        // One in twenty paid in a way that left no record.
        let spent = if chance.below(20) == 0 { String::new() } else { format!("{}.{:02}", cents / 100, cents % 100) };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{customer},{visits},{minutes},{spent},{drink},{},{}", word(member), word(returned));
    }
    text
}

fn word(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}

/// SplitMix64: small, and the same everywhere.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn index(&mut self, end: u64) -> usize {
        usize::try_from(self.below(end)).unwrap_or(0)
    }
}
