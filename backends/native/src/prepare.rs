//! Everything that is settled before the first step: pinned files, inputs of earlier runs, identities, which steps take part.

use crate::cleanup::{self, RunLock};
use crate::command::Setting;
use crate::error::FileContext;
use crate::history::{self, RunRecord, Writer};
use crate::layout::{Layout, absolute};
use crate::logs::Logs;
use crate::options::Options;
use crate::remote::Remote;
use crate::settled::{self, Settled};
use crate::store::Store;
use crate::{RunError, sources};
use mlpc_plan::Plan;
use mlpc_plan::plan::{InputRef, Step};
use rusqlite::{Connection, OptionalExtension};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::sync::Arc;

/// A run that is ready to start.
pub(crate) struct Prepared {
    pub plan: Arc<Plan>,
    pub options: Options,
    pub layout: Layout,
    pub run: String,
    pub started: String,
    pub store: Store,
    pub logs: Logs,
    pub setting: Setting,
    pub identities: Vec<String>,
    pub settled: Settled,
    /// Positions of the steps that take part, in the plan's order.
    pub selected: Vec<usize>,
    /// Positions of all steps by name.
    pub positions: HashMap<String, usize>,
    /// For each step of the plan, the positions of the steps that it needs.
    pub needs: Vec<Vec<usize>>,
    pub history: Writer,
    /// The pipeline's storage, if it has one and it is to be used.
    pub remote: Option<Remote>,
    pub _lock: RunLock,
}

/// Settles everything; an error here means that no step ran.
pub(crate) fn prepare(plan: &Plan, options: &Options) -> Result<Prepared, RunError> {
    let mut options = options.clone();
    for folder in [&mut options.root, &mut options.build, &mut options.state] {
        *folder = absolute(folder);
    }
    options.jobs = options.jobs.max(1);
    let plan = Arc::new(plan.clone());
    let needs = needs(&plan)?;
    let selected = selected(&plan, &needs, options.until.as_deref())?;
    let positions = plan.steps.iter().enumerate().map(|(position, step)| (step.id.clone(), position)).collect();
    let layout = Layout::new(options.state.clone());
    create_state(&layout)?;
    let database = history::open(&layout.database())?;
    let lock = cleanup::enter(&layout, &database)?;
    sources::verify(&plan, &options.root, &database, &layout.database())?;
    let settled = settled::settle(&plan, &layout, &options)?;
    let identities = settled::identities(&plan, &settled);
    let seals = seals(&database, &identities).map_err(|cause| RunError::Database { path: layout.database(), cause })?;
    let (run, started) = begin_run(&layout)?;
    let store = Store::new(&layout, &run, seals, options.verify).file("create", &layout.store())?;
    let logs = Logs::new(layout.run(&run).join("logs"));
    let setting = Setting::new(&options);
    let remote = Remote::new(&plan, &options, &layout.run(&run));
    let record = RunRecord { run: run.clone(), started: started.clone(), jobs: options.jobs };
    let history = Writer::start(database, Arc::clone(&plan), record, layout.store());
    Ok(Prepared {
        plan,
        options,
        layout,
        run,
        started,
        store,
        logs,
        setting,
        identities,
        settled,
        selected,
        positions,
        needs,
        history,
        remote,
        _lock: lock,
    })
}

fn create_state(layout: &Layout) -> Result<(), RunError> {
    fs::create_dir_all(&layout.state).file("create", &layout.state)?;
    let ignore = layout.state.join(".gitignore");
    if !ignore.exists() {
        fs::write(&ignore, "*\n").file("create", &ignore)?;
    }
    Ok(())
}

/// Names the run by its time; a number tells apart those that start within a second.
fn begin_run(layout: &Layout) -> Result<(String, String), RunError> {
    let now = jiff::Timestamp::now();
    let name = now.strftime("%Y%m%d-%H%M%S").to_string();
    let runs = layout.run("");
    fs::create_dir_all(&runs).file("create", &runs)?;
    let mut number = 1;
    loop {
        let run = if number == 1 { name.clone() } else { format!("{name}-{number}") };
        let folder = layout.run(&run);
        match fs::create_dir(&folder) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
            created => {
                created.file("create", &folder)?;
                let logs = folder.join("logs");
                fs::create_dir(&logs).file("create", &logs)?;
                return Ok((run, crate::clock::format(now)));
            }
        }
    }
}

/// Stamps of this plan's entries that are known to be on disk.
fn seals(database: &Connection, identities: &[String]) -> rusqlite::Result<HashMap<String, String>> {
    let mut query = database.prepare("select stamp from entries where identity = ?")?;
    let mut found = HashMap::with_capacity(identities.len());
    for identity in identities {
        if let Some(stamp) = query.query_row([identity], |row| row.get(0)).optional()? {
            found.insert(identity.clone(), stamp);
        }
    }
    Ok(found)
}

fn needs(plan: &Plan) -> Result<Vec<Vec<usize>>, RunError> {
    let steps: BTreeMap<&str, &Step> = plan.steps.iter().map(|step| (step.id.as_str(), step)).collect();
    let mut positions: HashMap<&str, usize> = HashMap::new();
    let mut all = Vec::with_capacity(plan.steps.len());
    for (position, step) in plan.steps.iter().enumerate() {
        check(plan, &steps, step)?;
        let mut needs = Vec::new();
        for name in step.needs() {
            let found = positions.get(name).copied();
            needs.push(
                found.ok_or_else(|| RunError::Plan(format!("`{}` comes before `{name}`, which it needs", step.id)))?,
            );
        }
        needs.sort_unstable();
        needs.dedup();
        all.push(needs);
        if positions.insert(&step.id, position).is_some() {
            return Err(RunError::Plan(format!("it has two steps `{}`", step.id)));
        }
    }
    Ok(all)
}

fn check(plan: &Plan, steps: &BTreeMap<&str, &Step>, step: &Step) -> Result<(), RunError> {
    let id = &step.id;
    if step.identity.len() < 8 || !step.identity.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err(RunError::Plan(format!("`{id}` has no identity")));
    }
    for output in step.outputs.values() {
        let parts = std::path::Path::new(&output.path).components();
        if !parts.clone().all(|part| matches!(part, std::path::Component::Normal(_))) || parts.count() == 0 {
            return Err(RunError::Plan(format!("`{id}` would write `{}`, outside its folder", output.path)));
        }
    }
    for input in step.inputs.values().chain(&step.when) {
        let known = match input {
            InputRef::Source { name } => plan.sources.iter().any(|source| source.name == *name),
            InputRef::Step { step, output } => {
                steps.get(step.as_str()).is_some_and(|step| step.outputs.contains_key(output))
            }
            InputRef::Champion { .. } | InputRef::Previous { .. } | InputRef::Delivered { .. } => true,
        };
        if !known {
            return Err(RunError::Plan(format!("`{id}` reads {input:?}, which nothing writes")));
        }
    }
    Ok(())
}

fn selected(plan: &Plan, needs: &[Vec<usize>], until: Option<&str>) -> Result<Vec<usize>, RunError> {
    let Some(until) = until else { return Ok((0..plan.steps.len()).collect()) };
    let last = plan.steps.iter().position(|step| step.id == until);
    let last = last.ok_or_else(|| RunError::UnknownStep(until.to_owned()))?;
    let mut wanted = vec![false; plan.steps.len()];
    let mut open = vec![last];
    while let Some(position) = open.pop() {
        if let Some(mark) = wanted.get_mut(position)
            && !std::mem::replace(mark, true)
        {
            open.extend(needs.get(position).into_iter().flatten());
        }
    }
    Ok(wanted.iter().enumerate().filter(|(_, wanted)| **wanted).map(|(position, _)| position).collect())
}
