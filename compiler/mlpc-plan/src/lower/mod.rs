//! From a checked program to the plan: one step per piece of work, in an order in which each comes after all it needs.

mod entry;
mod expr;
mod features;
mod gate;
mod parameters;
mod predict;
mod recording;
mod seen;
mod splits;
mod steps;
mod sweeps;
mod tests;
mod windows;

pub use expr::expr as expression;
pub use recording::lower_recording;
pub(crate) use steps::{database_rows, ingest};
pub use tests::lower_tests;

use crate::Plan;
use crate::identity::derive_seed;
use crate::lock::{Lock, LockedArchive};
use crate::plan::{
    CodeFile, Environment, FORMAT, FinalArtifact, Origin, Pipeline, Remote, Resources, Retry, Source, Step, Storage,
    Tracking,
};
use crate::wanted::{DataFrom, Wanted, WantedData, default_environment, reference_name, wanted};
use indexmap::IndexMap;
use mlpc_db::{Block, Db, Project};
use mlpc_diagnostics::Span;
use mlpc_hir::all_blocks;
use mlpc_hir::blocks::operations;
use mlpc_hir::library::body;
use mlpc_hir::names::qualified;
use mlpc_hir::parameters::{RunParameter, run_parameters};
use mlpc_hir::typed::{Const, Operations};
use mlpc_lineage::{Lineage, lineage};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

/// The plan of a program that the check found no error in, with what the lock pins.
#[must_use]
pub fn lower(db: &dyn Db, project: Project, lock: &Lock) -> Plan {
    let (lowering, mut plan) = begin(db, project, lock);
    lowering.fill(&mut plan);
    plan
}

/// The plans of what runs apart from training, by the name of its entry point: `predict.NAME`.
#[must_use]
pub fn lower_entries(db: &dyn Db, project: Project, lock: &Lock) -> IndexMap<String, Plan> {
    let (lowering, plan) = begin(db, project, lock);
    let entry =
        |block| Some((format!("predict.{}", qualified(db, block)), lowering.predict_plan(plan.clone(), block)?));
    all_blocks(db, project, "predict").into_iter().filter_map(entry).collect()
}

/// A plan without steps.
fn begin<'db>(db: &'db dyn Db, project: Project, lock: &Lock) -> (Lowering<'db>, Plan) {
    let wanted = wanted(db, project);
    let pipeline_block = all_blocks(db, project, "pipeline").into_iter().next();
    let lowering = lowering(db, project);
    let declared = pipeline_block.map(|block| operations::pipeline(db, block).value.clone()).unwrap_or_default();
    let plan = Plan {
        format: FORMAT.to_owned(),
        compiler: env!("CARGO_PKG_VERSION").to_owned(),
        pipeline: Pipeline {
            name: lowering.pipeline.clone(),
            doc: pipeline_block.and_then(|block| body(db, block)).and_then(|decl| decl.doc.clone()),
            owner: declared.owner.clone(),
            seed: lowering.seed,
            profile: project.profile(db).clone(),
            storage: declared.storage.as_ref().map(|one| Storage { uri: one.uri(), region: one.region.clone() }),
            tracking: declared.tracking.map(|one| Tracking { address: one.address, experiment: one.experiment }),
        },
        schedule: declared.schedule.as_ref().map(entry::schedule),
        notify: entry::notify(&declared.notify),
        parameters: IndexMap::new(),
        sources: sources(&wanted, lock),
        environments: environments(&wanted, lock),
        features: IndexMap::new(),
        sweeps: IndexMap::new(),
        steps: Vec::new(),
        finals: Vec::new(),
        code: code(&wanted, lock),
    };
    (lowering, plan)
}

fn lowering(db: &dyn Db, project: Project) -> Lowering<'_> {
    let block = all_blocks(db, project, "pipeline").into_iter().next();
    let pipeline = block.map(|block| operations::pipeline(db, block).value.clone()).unwrap_or_default();
    Lowering {
        db,
        project,
        lineage: lineage(db, project),
        pipeline: block.map_or_else(String::new, |block| block.name(db).to_owned()),
        seed: pipeline.seed.unwrap_or_default(),
        as_of: pipeline.as_of,
        as_of_from: pipeline.as_of_from,
        parameters: run_parameters(db, project),
        fixed: declared_values(db, project),
        defaults: pipeline.operations,
        environment: default_environment(db, project),
    }
}

fn declared_values(db: &dyn Db, project: Project) -> BTreeMap<String, Const> {
    let declared = all_blocks(db, project, "param").into_iter();
    declared
        .filter_map(|block| Some((block.name(db).to_owned(), operations::parameter(db, block).value.value.clone()?)))
        .collect()
}

fn sources(wanted: &Wanted, lock: &Lock) -> Vec<Source> {
    let source = |data: &WantedData| {
        let locked = lock.data.get(&data.name);
        Source {
            name: data.name.clone(),
            path: data.file_name(),
            sha256: locked.map_or_else(String::new, |locked| locked.sha256.clone()),
            remote: remote(&data.from, locked.and_then(|locked| locked.archive.as_ref())),
        }
    };
    let profiles = wanted.profiles.iter().map(|profile| Source {
        name: reference_name(&profile.dataset),
        path: profile.path.clone(),
        sha256: lock.profiles.get(&profile.dataset).map_or_else(String::new, |locked| locked.sha256.clone()),
        remote: None,
    });
    wanted.data.iter().map(source).chain(profiles).collect()
}

/// From where a run fetches what the project does not hold.
fn remote(from: &DataFrom, archive: Option<&LockedArchive>) -> Option<Remote> {
    match from {
        DataFrom::File => None,
        DataFrom::Package { requirement, member } => Some(Remote::Package {
            requirement: requirement.clone(),
            member: member.clone(),
            archive: archive.map_or_else(String::new, |archive| archive.sha256.clone()),
        }),
        DataFrom::Server { variable, rows } => {
            Some(Remote::Postgres { variable: variable.clone(), rows: rows.clone() })
        }
    }
}

fn environments(wanted: &Wanted, lock: &Lock) -> IndexMap<String, Environment> {
    let locked = |name: &str| lock.environment(name);
    wanted.environments.iter().filter_map(|wanted| Some((wanted.name.clone(), locked(&wanted.name)?))).collect()
}

fn code(wanted: &Wanted, lock: &Lock) -> Vec<CodeFile> {
    wanted
        .code
        .iter()
        .map(|file| CodeFile {
            path: file.path.clone(),
            sha256: lock.code.get(&file.path).cloned().unwrap_or_default(),
        })
        .collect()
}

/// What every part of the lowering reads.
pub(crate) struct Lowering<'db> {
    pub(crate) db: &'db dyn Db,
    pub(crate) project: Project,
    pub(crate) lineage: Lineage,
    pipeline: String,
    seed: i64,
    /// To what was known then every dataset is cut.
    as_of: Option<Const>,
    /// The parameter that it is.
    as_of_from: Option<String>,
    /// What a run may be given.
    parameters: Vec<RunParameter>,
    /// The values of all parameters, by name.
    fixed: BTreeMap<String, Const>,
    defaults: Operations,
    environment: String,
}

impl Lowering<'_> {
    fn fill(&self, plan: &mut Plan) {
        let mut steps = Vec::new();
        self.user_steps(&mut steps);
        let used = self.datasets_used();
        self.datasets(&used, &mut steps);
        plan.features = self.feature_sets();
        plan.sweeps = self.sweeps(plan);
        self.feature_steps(plan, &mut steps);
        self.model_steps(plan, &mut steps);
        plan.steps = ordered(steps);
        self.set_parameters(plan);
        plan.finals = self.finals(plan);
    }

    /// The file and line of a span in a block.
    pub(crate) fn origin(&self, block: Block<'_>, span: Span) -> Origin {
        let file = block.file(self.db);
        let offset = (block.start(self.db) + span.start) as usize;
        Origin { file: file.path(self.db).to_owned(), line: mlpc_db::line(self.db, file, offset) }
    }

    /// The file and line of a block's header.
    pub(crate) fn header(&self, block: Block<'_>) -> Origin {
        let span = body(self.db, block).map_or(Span::default(), |decl| decl.header);
        self.origin(block, span)
    }

    /// A block's documentation.
    pub(crate) fn doc(&self, block: Block<'_>) -> Option<String> {
        body(self.db, block).and_then(|decl| decl.doc.clone())
    }

    /// The seed of the step with this identifier.
    pub(crate) fn derived(&self, id: &str) -> u32 {
        derive_seed(&self.pipeline, id, self.seed)
    }

    /// The environment, resources, retry and timeout that a block's own settings and the pipeline's give.
    pub(crate) fn operate(&self, own: &Operations, step: &mut Step) {
        let pick = |own: Option<u32>, default: Option<u32>| own.or(default);
        step.environment = own.environment.clone().unwrap_or_else(|| self.environment.clone());
        step.resources = Resources {
            cpu: pick(own.cpu, self.defaults.cpu).unwrap_or(1),
            memory: own.memory.or(self.defaults.memory),
        };
        step.retry =
            own.retry.or(self.defaults.retry).map_or_else(Retry::default, |(attempts, initial_ms, factor, max_ms)| {
                Retry { attempts, initial_ms, factor, max_ms }
            });
        let timeout = own.timeout_ms.or(self.defaults.timeout_ms);
        // A part of a second counts as a whole one.
        step.timeout_seconds = timeout.and_then(|ms| u64::try_from(ms).ok()).map(|ms| ms.div_ceil(1_000));
    }
}

/// Steps in an order in which each comes after all it needs; the order of declaration among those that are free.
pub(crate) fn ordered(steps: Vec<Step>) -> Vec<Step> {
    let places: HashMap<&str, usize> = steps.iter().zip(0..).map(|(step, at)| (step.id.as_str(), at)).collect();
    // A step that needs another twice is told twice that it is done.
    let needs = |step: &Step| step.needs().filter_map(|need| places.get(need).copied()).collect::<Vec<usize>>();
    let mut missing: Vec<usize> = steps.iter().map(|step| needs(step).len()).collect();
    let mut behind: Vec<Vec<usize>> = vec![Vec::new(); steps.len()];
    for (step, at) in steps.iter().zip(0..) {
        for need in needs(step) {
            behind[need].push(at);
        }
    }
    let mut ready: BinaryHeap<Reverse<usize>> =
        missing.iter().zip(0..).filter(|(missing, _)| **missing == 0).map(|(_, at)| Reverse(at)).collect();
    let mut steps: Vec<Option<Step>> = steps.into_iter().map(Some).collect();
    let mut done = Vec::with_capacity(steps.len());
    while let Some(Reverse(at)) = ready.pop() {
        done.extend(steps[at].take());
        for after in &behind[at] {
            missing[*after] -= 1;
            if missing[*after] == 0 {
                ready.push(Reverse(*after));
            }
        }
    }
    // The check refuses circles, so none is left.
    done.extend(steps.into_iter().flatten());
    done
}

impl Lowering<'_> {
    /// What the run is for.
    pub(crate) fn finals(&self, plan: &Plan) -> Vec<FinalArtifact> {
        let named = |name: &str, step: &str, output: &str| FinalArtifact {
            name: name.to_owned(),
            step: step.to_owned(),
            output: output.to_owned(),
        };
        let mut finals = Vec::new();
        for step in plan.steps.iter().filter(|step| step.fold.is_none()) {
            let Some((kind, name)) = step.id.split_once('.') else { continue };
            match kind {
                "validate" => finals.push(named(&format!("{name}_data_docs"), &step.id, "data_docs")),
                "train" => finals.push(named(name, &step.id, "model")),
                "sweep" => {
                    finals.push(named(name, &step.id, "model"));
                    finals.push(named(&format!("{name}_trials"), &step.id, "trials"));
                }
                "evaluate" => {
                    finals.push(named(name, &step.id, "report"));
                    finals.push(named(&format!("{name}_metrics"), &step.id, "metrics"));
                }
                "gate" => finals.push(named(name, &step.id, "verdict")),
                "register" => finals.push(named(name, &step.id, "registration")),
                "predict" => finals.push(named(name, &step.id, "predictions")),
                _ => {}
            }
        }
        finals
    }
}
