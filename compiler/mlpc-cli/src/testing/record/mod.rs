//! A test made from real rows: what a run would read, what its code makes of it, written down and tried.

mod block;
mod choose;

use super::{How, Outcome};
use crate::build::{self, NoLock};
use crate::environments;
use crate::error::ToolError;
use crate::exit::Exit;
use crate::files;
use crate::json;
use crate::params::Given;
use crate::progress::{Format, Reporter};
use crate::project::{self, Session, Target};
use crate::terminal::Terminal;
use block::Parts;
use choose::Chosen;
use indexmap::IndexMap;
use mlpc_native::testing::ask;
use mlpc_native::{Options, RunEvent};
use mlpc_plan::Plan;
use mlpc_plan::lock::Lock;
use mlpc_plan::plan::{InputRef, Link, Place, Recording, Spine, Step, StepSpec};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// What is to be recorded.
#[derive(Clone, Debug)]
pub struct Wish {
    /// A features block.
    pub features: String,
    /// How many rows of its base.
    pub rows: u32,
    /// Values that they have.
    pub of: Vec<(String, String)>,
    /// How many rows of each window at most.
    pub history: u32,
    /// Columns that are expected; empty: all that say something.
    pub expect: Vec<String>,
    /// What is done about columns with tags.
    pub tagged: Tagged,
    /// What the test is called.
    pub title: Option<String>,
    /// Steps at once.
    pub jobs: Option<u16>,
}

/// What is done about columns with tags, `@pii` and the like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Tagged {
    /// Nothing is written
    #[default]
    Refuse,
    /// Made-up values take the place of real ones
    Mask,
    /// They are written as they are
    Keep,
}

/// A test that passes.
pub struct Recorded {
    /// The block.
    pub text: String,
    /// The file that holds the features.
    pub path: PathBuf,
    /// The text of that file with the block at its end.
    pub whole: String,
    /// What a person should know of it.
    pub notes: Vec<String>,
}

/// What the runtime is asked for.
#[derive(Serialize)]
struct Request<'a> {
    address: String,
    base: &'a str,
    tables: BTreeMap<&'a str, PathBuf>,
    columns: &'a IndexMap<String, Vec<String>>,
    expected: IndexMap<&'a str, &'a [String]>,
    links: &'a [Link],
    spine: Option<&'a Spine>,
    transform: Option<PathBuf>,
    rows: u32,
    of: &'a [(String, String)],
    masked: Vec<&'a Place>,
    asked_for: bool,
}

/// Records a test of real rows.
pub fn record(
    target: &Target,
    params: &[Given],
    wish: &Wish,
    no_lock: NoLock,
    terminal: &mut Terminal,
) -> Result<Recorded, ToolError> {
    let mut session = project::open_with(target, params)?;
    build::check(&session, terminal)?;
    let lock = build::locked(&session, no_lock, terminal)?;
    let block = choose::features(&session, &wish.features)?;
    let wish = &Wish { features: mlpc_hir::names::qualified(&session.db, block), ..wish.clone() };
    let plan = mlpc_plan::lower(&session.db, session.project, &lock);
    let is_fitted = steps_of(&plan, &wish.features).1.is_some();
    let chosen = choose::choose(&session, block, wish, is_fitted)?;
    let columns = chosen.columns();
    let recording = mlpc_plan::lower_recording(&session.db, session.project, &lock, block, &columns, wish.history);
    choose::tags(&recording, wish)?;

    let mut parts = parts(&session, &lock, &recording, &chosen, wish, terminal)?;
    let mut notes = chosen.notes.clone();
    notes.append(&mut parts.notes);
    let title = choose::title(&session, wish, &chosen.tagged);
    let given = choose::parameters(&session, params, &recording);
    let text = block::print(&title, block.name(&session.db), &given, &parts);

    let file = block.file(&session.db);
    let path = session.location.root.join(file.path(&session.db));
    let whole = format!("{}\n\n{text}", file.text(&session.db).trim_end());
    session.db.set_text(file, &whole);
    must_pass(&session, &lock, &title, no_lock, terminal)?;
    Ok(Recorded { text, path, whole, notes })
}

impl Recorded {
    /// Appends the block to the file.
    pub fn write(&self) -> Result<(), ToolError> {
        files::write(&self.path, &self.whole).map(drop)
    }
}

/// The steps that read the datasets of features, and the one that fits its columns.
fn steps_of<'a>(plan: &'a Plan, features: &str) -> (BTreeMap<&'a str, (&'a str, &'a str)>, Option<&'a str>) {
    let mut tables = BTreeMap::new();
    let mut fit = None;
    for step in &plan.steps {
        match &step.spec {
            StepSpec::Features { features: name } if name == features => {
                for (dataset, input) in &step.inputs {
                    if let InputRef::Step { step, output } = input {
                        tables.insert(dataset.as_str(), (step.as_str(), output.as_str()));
                    }
                }
            }
            StepSpec::Fit { features: name, .. } if name == features && step.fold.is_none() && fit.is_none() => {
                fit = Some(step.id.as_str());
            }
            _ => {}
        }
    }
    (tables, fit)
}

/// Runs what has to be there, picks rows, and has the code look at them.
fn parts(
    session: &Session,
    lock: &Lock,
    recording: &Recording,
    chosen: &Chosen,
    wish: &Wish,
    terminal: &mut Terminal,
) -> Result<Parts, ToolError> {
    let mut plan = mlpc_plan::lower(&session.db, session.project, lock);
    let mut entries = mlpc_plan::lower_entries(&session.db, session.project, lock);
    let built = build::emit(session, &mut plan, &mut entries)?;
    let (tables, fit) = steps_of(&plan, &wish.features);
    let fit = fit.filter(|_| chosen.is_fitted());
    let wanted: BTreeSet<&str> = tables.values().map(|(step, _)| *step).chain(fit).collect();
    let outputs = run(session, &plan, &built, &wanted, wish.jobs, terminal)?;
    let output = |step: &str, name: &str| {
        let path = outputs.get(step).and_then(|outputs| outputs.get(name)).cloned();
        path.ok_or_else(|| ToolError::usage(format!("{step} left no {name}")).exit(Exit::Internal))
    };
    let mut paths = BTreeMap::new();
    for (dataset, (step, name)) in &tables {
        paths.insert(*dataset, output(step, name)?);
    }
    let is_masked = wish.tagged == Tagged::Mask;
    let address = mlpc_emit::addresses(&recording.tests).into_iter().next();
    let request = Request {
        address: address.map_or_else(String::new, |(module, index)| format!("{module}:{index}")),
        base: &recording.base,
        tables: paths,
        columns: &recording.columns,
        expected: chosen.expected.iter().map(|item| (item.name.as_str(), item.fitted.as_slice())).collect(),
        links: &recording.links,
        spine: recording.spine.as_ref(),
        transform: fit.map(|step| output(step, "transform")).transpose()?,
        rows: wish.rows,
        of: &wish.of,
        masked: recording.tagged.iter().filter(|_| is_masked).map(|(place, _)| place).collect(),
        asked_for: !wish.expect.is_empty(),
    };
    let files = mlpc_emit::tests(&recording.tests, &build::user_code(session));
    let files = files.map_err(|error| build::unprintable(&error))?;
    let mut options = Options::new(&session.location.root, &session.location.root);
    let placed = build::place_as(&options.state, "tests", &files)?;
    options.build.clone_from(&placed.folder);
    let python = super::interpreter(&recording.tests, terminal)?;
    let answer = ask(&python, &options, &json::line(&request));
    let answer = answer.map_err(|error| ToolError::usage(error.to_string()).exit(Exit::StepFailed))?;
    let parts: Parts = serde_json::from_str(&answer)
        .map_err(|error| ToolError::usage(format!("the runtime's answer: {error}")).exit(Exit::Internal))?;
    match &parts.refused {
        Some(reason) => Err(ToolError::usage(format!("nothing is recorded: {reason}"))),
        None => Ok(parts),
    }
}

/// Runs steps, and those that they need, and tells where their outputs are.
fn run(
    session: &Session,
    plan: &Plan,
    built: &build::Files,
    wanted: &BTreeSet<&str>,
    jobs: Option<u16>,
    terminal: &mut Terminal,
) -> Result<BTreeMap<String, IndexMap<String, PathBuf>>, ToolError> {
    let part = only(plan, wanted);
    let mut options = Options::new(&session.location.root, &session.location.root);
    let placed = build::place(&options.state, built)?;
    options.build.clone_from(&placed.folder);
    options.jobs = jobs.map_or(options.jobs, usize::from);
    environments::prepare(&part, &mut options, terminal)?;
    let mut reporter = Reporter::new(Format::Text, terminal);
    let mut outputs = BTreeMap::new();
    let mut is_fine = true;
    for event in mlpc_native::execute(&part, &options)? {
        if let RunEvent::StepFinished(finished) = &event {
            is_fine &= finished.state.is_good();
            outputs.insert(finished.step.clone(), finished.outputs.clone());
        }
        reporter.show(&event, terminal);
    }
    if is_fine { Ok(outputs) } else { Err(ToolError::told(Exit::StepFailed)) }
}

/// The part of a plan that some steps need.
fn only(plan: &Plan, wanted: &BTreeSet<&str>) -> Plan {
    let needed = Step::leading_to(&plan.steps, |step| wanted.contains(step.id.as_str()));
    let mut part = plan.clone();
    part.steps.retain(|step| needed.contains(step.id.as_str()));
    part.finals.clear();
    part
}

/// Runs the test as anybody will who has the file.
fn must_pass(
    session: &Session,
    lock: &Lock,
    title: &str,
    no_lock: NoLock,
    terminal: &mut Terminal,
) -> Result<(), ToolError> {
    build::check(session, terminal)?;
    let how = How { jobs: Some(1), cases: None, no_lock };
    let outcomes = super::run_in(session, lock, &|test| test.title == title, how, terminal)?;
    if !outcomes.is_empty() && outcomes.iter().all(Outcome::passed) {
        return Ok(());
    }
    for line in super::report(session, &outcomes, terminal.err) {
        terminal.tell(line);
    }
    let message = "the recorded test does not pass, so it is not written";
    Err(ToolError::usage(message)
        .exit(Exit::ProgramErrors)
        .help("values that change from run to run cannot be recorded: a function of the program's own may give some"))
}
