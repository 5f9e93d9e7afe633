//! Finds a program and its project, and loads it.

use crate::config::{self, Config};
use crate::error::ToolError;
use crate::lockfile;
use crate::params::{self, Given};
use mlpc_db::{Database, Project, RealSystem, SourceFile};
use mlpc_diagnostics::{did_you_mean, list_words};
use std::path::{Path, PathBuf};

/// What a command is about.
#[derive(Clone, Debug, clap::Args)]
pub struct Target {
    /// A .mlp file, or a folder with one that has a `pipeline` block
    #[arg(value_name = "PATH", default_value = ".")]
    pub path: PathBuf,
    /// The profile of the pipeline to use
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
}

/// Where a program is.
#[derive(Clone, Debug)]
pub struct Location {
    /// The project's folder: that of `mlp.toml`, else the program's.
    pub root: PathBuf,
    /// The program, relative to the root, with `/`.
    pub program: String,
    /// What `mlp.toml` says.
    pub config: Config,
}

impl Location {
    /// A setting of a target that does not go with the others or with the program.
    pub fn wrong_setting(&self, target: &str, setting: &str, wrong: &str) -> ToolError {
        let file = self.root.join(config::FILE);
        config::wrong_setting(&file, &shown(&file), [target, setting], wrong)
    }
}

/// A program that is loaded.
pub struct Session {
    /// Where it is.
    pub location: Location,
    /// Its files.
    pub system: RealSystem,
    /// What is known about it.
    pub db: Database,
    /// What is compiled together.
    pub project: Project,
}

/// Finds and loads the program that `target` names.
pub fn open(target: &Target) -> Result<Session, ToolError> {
    open_with(target, &[])
}

/// The same, with other values for some of its parameters.
pub fn open_with(target: &Target, given: &[Given]) -> Result<Session, ToolError> {
    let location = locate(&target.path)?;
    let system = RealSystem::new(&location.root);
    let mut db = Database::default();
    let profile = target.profile.as_deref();
    let project = mlpc_hir::load(&mut db, &system, &location.program, profile)?;
    params::set(&mut db, project, given)?;
    let mut session = Session { location, system, db, project };
    let day = lockfile::scheduled(&session);
    session.db.set_scheduled(project, day);
    if let Some(profile) = &target.profile {
        session.check_profile(profile)?;
    }
    Ok(session)
}

impl Session {
    /// Leaves it to the end of the process, which frees at once what would take a tenth of a large build piece by piece.
    pub fn leave(self) {
        std::mem::forget(self);
    }

    /// The name under which people know a file: relative to where they are.
    #[must_use]
    pub fn shown(&self, path: &str) -> String {
        let library = self.project.library(&self.db).iter().any(|file| file.path(&self.db) == path);
        if library { format!("<mlpc>/{path}") } else { shown(&self.location.root.join(path)) }
    }

    /// Every file that a finding can point into.
    pub fn files(&self) -> impl Iterator<Item = SourceFile> + '_ {
        self.project.files(&self.db).iter().chain(self.project.library(&self.db)).copied()
    }

    fn check_profile(&self, wanted: &str) -> Result<(), ToolError> {
        let known = profiles(self);
        // `dev` needs no declaration: it is the program without any profile.
        if wanted == "dev" || known.iter().any(|name| name == wanted) {
            return Ok(());
        }
        let names = || known.iter().map(String::as_str);
        let help = match did_you_mean(wanted, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => {
                "its pipeline has no `profile NAME { … }` block; leave `--profile` out".to_owned()
            }
            None => format!("it has {}", list_words(names(), "and")),
        };
        Err(ToolError::usage(format!("`{}` has no profile `{wanted}`", self.shown(&self.location.program))).help(help))
    }
}

/// Profiles of the pipeline.
fn profiles(session: &Session) -> Vec<String> {
    use mlpc_syntax::ast::{BlockName, Decl, Entry};
    let mut names = Vec::new();
    for block in mlpc_hir::all_blocks(&session.db, session.project, "pipeline") {
        let Decl::Block(decl) = &mlpc_db::parse_block(&session.db, block).decl else { continue };
        for entry in &decl.entries {
            if let Entry::Block(nested) = entry
                && nested.kind.text == "profile"
                && let Some(BlockName::Path(path)) = &nested.name
            {
                names.push(path.text());
            }
        }
    }
    names
}

/// Finds the program at `path`, and its project.
pub fn locate(path: &Path) -> Result<Location, ToolError> {
    let program = program_at(path)?;
    let root = root_of(&program);
    let config = config_at(&root)?;
    let relative = program.strip_prefix(&root).unwrap_or(&program);
    let parts: Vec<String> =
        relative.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    Ok(Location { root, program: parts.join("/"), config })
}

/// The project that `path` belongs to, for commands that need no program.
pub fn root_at(path: &Path) -> Result<PathBuf, ToolError> {
    let path = existing(path)?;
    let root = root_of(&path.join("any"));
    if path.is_dir() { Ok(root) } else { Ok(root_of(&path)) }
}

fn config_at(root: &Path) -> Result<Config, ToolError> {
    let file = root.join(config::FILE);
    if file.is_file() { config::read(&file, &shown(&file)) } else { Ok(Config::default()) }
}

/// The folder of the nearest `mlp.toml` upward, else the program's own.
fn root_of(program: &Path) -> PathBuf {
    let folder = program.parent().unwrap_or(Path::new("/"));
    folder.ancestors().find(|above| above.join(config::FILE).is_file()).unwrap_or(folder).to_owned()
}

fn existing(path: &Path) -> Result<PathBuf, ToolError> {
    let absolute = std::path::absolute(path).map_err(|error| ToolError::file("find", path, &error))?;
    if absolute.exists() {
        return Ok(clean(&absolute));
    }
    let siblings: Vec<String> = absolute.parent().map(names_in).unwrap_or_default();
    let name = absolute.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let near = did_you_mean(&name, siblings.iter().map(String::as_str));
    let help = near.map(|near| format!("did you mean `{}`?", path.with_file_name(near).display()));
    Err(ToolError::usage(format!("there is no `{}`", path.display())).help_opt(help))
}

/// Without `.` and `..`, where that keeps the meaning.
fn clean(path: &Path) -> PathBuf {
    let has_dots = path.components().any(|part| matches!(part, std::path::Component::ParentDir));
    if has_dots { path.canonicalize().unwrap_or_else(|_| path.to_owned()) } else { path.components().collect() }
}

fn program_at(path: &Path) -> Result<PathBuf, ToolError> {
    let found = existing(path)?;
    if found.is_dir() {
        return program_in(&found, path);
    }
    if found.extension().is_some_and(|extension| extension == "mlp") {
        return Ok(found);
    }
    Err(ToolError::usage(format!("`{}` is no .mlp file", path.display())).help("give a .mlp file or a folder with one"))
}

/// The one file of a folder with a `pipeline` block.
fn program_in(folder: &Path, asked: &Path) -> Result<PathBuf, ToolError> {
    let all: Vec<String> = names_in(folder).into_iter().filter(|name| name.ends_with(".mlp")).collect();
    let programs: Vec<&String> = all.iter().filter(|name| has_pipeline(&folder.join(name))).collect();
    let place = if asked == Path::new(".") { "this folder".to_owned() } else { format!("`{}`", asked.display()) };
    match programs.as_slice() {
        [one] => Ok(folder.join(one)),
        [] if all.is_empty() => Err(ToolError::usage(format!("{place} holds no .mlp file"))
            .help("name a file or folder, or start a project with `mlpc init NAME`")),
        [] if all.len() == 1 => Err(ToolError::usage(format!("{place} holds no program"))
            .help(format!("{} has no `pipeline` block", list_words(all.iter().map(String::as_str), "and")))),
        [] => Err(ToolError::usage(format!("{place} holds no program"))
            .help(format!("none of {} has a `pipeline` block", list_words(all.iter().map(String::as_str), "and")))),
        [first, ..] => {
            let names = list_words(programs.iter().map(|name| name.as_str()), "and");
            let example = if asked == Path::new(".") { PathBuf::from(first) } else { asked.join(first) };
            Err(ToolError::usage(format!("{place} holds {} programs: {names}", programs.len()))
                .help(format!("say which, as `{}`", example.display())))
        }
    }
}

fn has_pipeline(path: &Path) -> bool {
    let text = std::fs::read(path).unwrap_or_default();
    mlpc_syntax::split(&String::from_utf8_lossy(&text)).iter().any(|chunk| chunk.keyword == "pipeline")
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A path as people would write it: relative to the current folder where it lies below, with `/`.
#[must_use]
pub fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let short = path.strip_prefix(&here).unwrap_or(path);
    if short.as_os_str().is_empty() {
        return ".".to_owned();
    }
    let text = short.to_string_lossy();
    if std::path::MAIN_SEPARATOR == '/' { text.into_owned() } else { text.replace(std::path::MAIN_SEPARATOR, "/") }
}
