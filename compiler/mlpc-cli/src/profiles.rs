//! Profiles that datasets are compared with: kept in `profiles/`, pinned by `mlp.lock`, taken from the present data where
//! there is none.

use crate::build;
use crate::environments;
use crate::error::ToolError;
use crate::exit::Exit;
use crate::files;
use crate::project::{Session, shown};
use crate::terminal::{Style, Terminal};
use indexmap::IndexMap;
use mlpc_native::{Options, Outcome, RunError, RunEvent, StepState};
use mlpc_plan::lock::{Lock, LockedColumn, LockedProfile};
use mlpc_plan::plan::{InputRef, Plan, Step, StepSpec};
use mlpc_plan::{WantedProfile, wanted};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The format of a profile.
const FORMAT: &str = "mlp-profile/v1";

/// A profile as the runtime writes it. Columns stay the text that they are, so that no number changes.
#[derive(Deserialize)]
struct Stored {
    format: String,
    dataset: String,
    rows: u64,
    columns: BTreeMap<String, Box<RawValue>>,
}

#[derive(Deserialize)]
struct Counts {
    rows: u64,
    nulls: u64,
}

/// Puts the profiles that the program compares with into `new`. Columns whose profile is kept stay as they are unless
/// `anew`; the others are taken from the present data, for which their datasets are read.
pub fn lock(session: &Session, anew: bool, new: &mut Lock, terminal: &mut Terminal) -> Result<(), ToolError> {
    let wanted = wanted(&session.db, session.project).profiles;
    let mut kept = BTreeMap::new();
    let mut missing = BTreeSet::new();
    for profile in &wanted {
        let stored = if anew { None } else { read_kept(&session.location.root.join(&profile.path))? };
        if profile.columns.iter().any(|column| stored.as_ref().is_none_or(|one| !one.columns.contains_key(column))) {
            missing.insert(profile.dataset.as_str());
        }
        kept.extend(stored.map(|stored| (profile.dataset.as_str(), stored)));
    }
    let mut present = if missing.is_empty() { BTreeMap::new() } else { take(session, &missing, new, terminal)? };
    for profile in &wanted {
        let merged = merge(profile, kept.remove(profile.dataset.as_str()), present.remove(&profile.dataset))?;
        let path = session.location.root.join(&profile.path);
        let text = print(&merged);
        files::write(&path, &text)?;
        let columns = merged.columns.iter().map(|(name, raw)| Ok((name.clone(), counts(&path, raw)?)));
        let columns = columns.collect::<Result<_, ToolError>>()?;
        let sha256 = mlpc_plan::identity::sha256_hex(text.as_bytes());
        new.profiles.insert(profile.dataset.clone(), LockedProfile { path: profile.path.clone(), sha256, columns });
    }
    Ok(())
}

/// The profile in the project, if there is one.
fn read_kept(path: &Path) -> Result<Option<Stored>, ToolError> {
    match std::fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ToolError::file("read", path, &error)),
        Ok(text) => parse(path, &text).map(Some),
    }
}

fn parse(path: &Path, text: &str) -> Result<Stored, ToolError> {
    match serde_json::from_str::<Stored>(text) {
        Ok(stored) if stored.format == FORMAT => Ok(stored),
        Ok(stored) => Err(unusable(path, &format!("its format is `{}`, not `{FORMAT}`", stored.format))),
        Err(error) => Err(unusable(path, &error.to_string())),
    }
}

fn unusable(path: &Path, why: &str) -> ToolError {
    ToolError::usage(format!("`{}` is no profile: {why}", shown(path)))
        .exit(Exit::ProgramErrors)
        .help("bring back what was there, or run `mlpc lock --profiles` to take the present data as reference")
}

fn counts(path: &Path, raw: &RawValue) -> Result<LockedColumn, ToolError> {
    let counts: Counts = serde_json::from_str(raw.get()).map_err(|error| unusable(path, &error.to_string()))?;
    Ok(LockedColumn { rows: counts.rows, nulls: counts.nulls })
}

/// The columns that are compared: as they were kept, else as they are now.
fn merge(profile: &WantedProfile, kept: Option<Stored>, present: Option<Stored>) -> Result<Stored, ToolError> {
    let dataset = &profile.dataset;
    let rows = kept.as_ref().or(present.as_ref()).map_or(0, |stored| stored.rows);
    let mut kept = kept.map(|stored| stored.columns).unwrap_or_default();
    let mut present = present.map(|stored| stored.columns).unwrap_or_default();
    let columns = profile.columns.iter().map(|name| {
        let raw = kept.remove(name).or_else(|| present.remove(name));
        let lost = || ToolError::usage(format!("the profile of `{dataset}` lacks `{name}`")).exit(Exit::Internal);
        Ok((name.clone(), raw.ok_or_else(lost)?))
    });
    let columns = columns.collect::<Result<_, ToolError>>()?;
    Ok(Stored { format: FORMAT.to_owned(), dataset: dataset.clone(), rows, columns })
}

/// The text of a profile, as the runtime would write it.
fn print(stored: &Stored) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let columns = stored.columns.iter().map(|(name, raw)| format!("    {}: {}", quoted(name), raw.get()));
    let (format, dataset) = (quoted(&stored.format), quoted(&stored.dataset));
    let (rows, columns) = (stored.rows, columns.collect::<Vec<_>>().join(",\n"));
    format!(
        "{{\n  \"format\": {format},\n  \"dataset\": {dataset},\n  \"rows\": {rows},\n  \"columns\": {{\n{columns}\n  }}\n}}\n"
    )
}

/// Profiles of what datasets hold now: the steps that read them are run, as any run would.
fn take(
    session: &Session,
    datasets: &BTreeSet<&str>,
    lock: &Lock,
    terminal: &mut Terminal,
) -> Result<BTreeMap<String, Stored>, ToolError> {
    let names: Vec<&str> = datasets.iter().copied().collect();
    let told = names.join(", ");
    terminal.tell(format_args!("{} taking the profile of {told} as reference", terminal.err.paint(Style::Dim, "·")));
    let mut plan = mlpc_plan::lower(&session.db, session.project, lock);
    reading(&mut plan, datasets);
    let files = build::emit(session, &mut plan, &mut IndexMap::new())?;
    let root = &session.location.root;
    let mut options = Options::new(root, root);
    options.build = options.state.join("build").join("profiles");
    build::write(&options.build, &files)?;
    environments::prepare(&plan, &mut options, terminal)?;
    let outputs = run(&plan, &options, &told)?;
    let read = |(step, path): (String, PathBuf)| {
        let text = std::fs::read_to_string(&path).map_err(|error| ToolError::file("read", &path, &error))?;
        Ok((step.trim_start_matches("ingest.").to_owned(), parse(&path, &text)?))
    };
    outputs.into_iter().map(read).collect()
}

/// Runs the steps that are left and says where each put its profile.
fn run(plan: &Plan, options: &Options, told: &str) -> Result<BTreeMap<String, PathBuf>, ToolError> {
    let mut outputs: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut failure = None;
    let mut outcome = None;
    for event in mlpc_native::execute(plan, options)? {
        match event {
            RunEvent::StepFinished(step) if step.state == StepState::Failed => {
                failure = Some(step.message.clone().unwrap_or_else(|| format!("{} failed", step.title)));
            }
            RunEvent::StepFinished(step) => {
                outputs.extend(step.outputs.get("profile").map(|path| (step.step.clone(), path.clone())));
            }
            RunEvent::Finished(finished) => outcome = Some(finished.outcome),
            _ => {}
        }
    }
    match outcome.ok_or(RunError::Lost)? {
        Outcome::Succeeded => Ok(outputs),
        Outcome::Interrupted => Err(ToolError::told(Exit::Interrupted)),
        Outcome::Refused | Outcome::Failed => {
            let why = failure.unwrap_or_default();
            Err(ToolError::usage(format!("cannot take the profile of {told}: {why}")).exit(Exit::StepFailed))
        }
    }
}

/// Leaves of a plan what reads these datasets.
fn reading(plan: &mut Plan, datasets: &BTreeSet<&str>) {
    let wanted =
        |step: &Step| matches!(&step.spec, StepSpec::Ingest(ingest) if datasets.contains(ingest.dataset.as_str()));
    let needed: BTreeSet<String> = Step::leading_to(&plan.steps, wanted).into_iter().map(str::to_owned).collect();
    plan.steps.retain(|step| needed.contains(&step.id));
    let sources: BTreeSet<String> = plan
        .steps
        .iter()
        .flat_map(|step| step.inputs.values())
        .filter_map(|input| match input {
            InputRef::Source { name } => Some(name.clone()),
            _ => None,
        })
        .collect();
    plan.sources.retain(|source| sources.contains(&source.name));
    plan.features.clear();
    plan.finals.clear();
}
