//! Reads the history: `mlpc runs`, `mlpc runs show`, `mlpc compare`.

use crate::{Layout, RunError};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// A project's runs.
pub struct History {
    connection: Connection,
    path: PathBuf,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunRow {
    /// Its name.
    pub run: String,
    /// The pipeline.
    pub pipeline: String,
    /// The profile, if one was selected.
    pub profile: Option<String>,
    /// The pipeline's seed.
    pub seed: i64,
    /// RFC 3339, UTC.
    pub started: String,
    /// Absent while it goes on, or if it was killed.
    pub seconds: Option<f64>,
    /// `succeeded`, `refused`, `failed`, `interrupted`; absent while it goes on.
    pub outcome: Option<String>,
    /// Steps that are over.
    pub steps: usize,
    /// Of these, steps found in the store.
    pub cached: usize,
}

/// One step of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StepRow {
    /// The step.
    pub step: String,
    /// Its title for people.
    pub title: String,
    /// `succeeded`, `cached`, …
    pub state: String,
    /// Its identity.
    pub identity: String,
    /// How long it took.
    pub seconds: f64,
    /// Tries made.
    pub attempts: u32,
    /// `344 rows read`.
    pub summary: Option<String>,
    /// Why it failed.
    pub message: Option<String>,
    /// Where what it printed is written.
    pub log: Option<PathBuf>,
    /// Numbers by name.
    pub metrics: BTreeMap<String, f64>,
    /// Parameters by name, as JSON text.
    pub params: BTreeMap<String, String>,
}

/// A run with its steps.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunDetails {
    /// The run.
    pub run: RunRow,
    /// Its steps, in the plan's order.
    pub steps: Vec<StepRow>,
}

/// What differs between two runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The earlier run.
    pub left: RunRow,
    /// The later run.
    pub right: RunRow,
    /// Steps whose identity differs or that only one run has.
    pub steps: Vec<String>,
    /// Parameters that differ.
    pub params: Vec<Difference<String>>,
    /// Metrics of either run, the same or not.
    pub metrics: Vec<Difference<f64>>,
}

/// A value in two runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference<T> {
    /// The step.
    pub step: String,
    /// Parameter or metric.
    pub name: String,
    /// In the earlier run.
    pub left: Option<T>,
    /// In the later run.
    pub right: Option<T>,
}

const RUN: &str = "select id, pipeline, profile, seed, started, seconds, outcome,
    (select count(*) from steps where run = id), (select count(*) from steps where run = id and state = 'cached')
    from runs";

impl History {
    /// Opens a project's history; one without any run is empty, and nothing is written.
    pub fn open(layout: &Layout) -> Result<Self, RunError> {
        let path = layout.database();
        let connection = if path.exists() { super::open(&path)? } else { super::empty(&path)? };
        Ok(Self { connection, path })
    }

    /// The newest runs first, at most `limit`.
    pub fn runs(&self, limit: usize) -> Result<Vec<RunRow>, RunError> {
        let read = || {
            let mut query = self.connection.prepare(&format!("{RUN} order by started desc, id desc limit ?"))?;
            query.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], run_row)?.collect()
        };
        self.guard(read())
    }

    /// A run by its name or an unambiguous beginning of it; `latest` is the newest.
    pub fn run(&self, name: &str) -> Result<Option<RunDetails>, RunError> {
        let read = || -> rusqlite::Result<Option<RunDetails>> {
            let found = if name == "latest" {
                self.connection.query_row(&format!("{RUN} order by started desc, id desc limit 1"), [], run_row)
            } else {
                // A full name wins over a longer one that begins with it.
                let end = format!("{name}\u{10ffff}");
                let query = format!(
                    "{RUN} where id >= ?1 and id < ?2 and (id = ?1 or (select count(*) from runs where id >= ?1 and id < ?2) = 1)
                     order by id limit 1"
                );
                self.connection.query_row(&query, params![name, end], run_row)
            };
            let Some(run) = found.optional()? else { return Ok(None) };
            let steps = self.steps(&run.run)?;
            Ok(Some(RunDetails { run, steps }))
        };
        self.guard(read())
    }

    /// The identity of a step in the last run of a pipeline that succeeded and in which another step ended well too.
    pub(crate) fn last_identity(&self, pipeline: &str, step: &str, with: &str) -> Result<Option<String>, RunError> {
        let query = "select made.identity from runs
             join steps made on made.run = runs.id and made.step = ?2 and made.state in ('succeeded', 'cached')
             join steps beside on beside.run = runs.id and beside.step = ?3 and beside.state in ('succeeded', 'cached')
             where runs.pipeline = ?1 and runs.outcome = 'succeeded' order by runs.started desc, runs.id desc limit 1";
        self.guard(self.connection.query_row(query, params![pipeline, step, with], |row| row.get(0)).optional())
    }

    /// What differs between two runs.
    pub fn compare(&self, left: &str, right: &str) -> Result<Option<Comparison>, RunError> {
        let (Some(left), Some(right)) = (self.run(left)?, self.run(right)?) else { return Ok(None) };
        let identities = |details: &RunDetails| -> BTreeSet<(String, String)> {
            details.steps.iter().map(|step| (step.step.clone(), step.identity.clone())).collect()
        };
        let steps: BTreeSet<String> =
            identities(&left).symmetric_difference(&identities(&right)).map(|(step, _)| step.clone()).collect();
        let mut params = differences(&left, &right, |step| &step.params);
        params.retain(|difference| difference.left != difference.right);
        let metrics = differences(&left, &right, |step| &step.metrics);
        Ok(Some(Comparison { left: left.run, right: right.run, steps: steps.into_iter().collect(), params, metrics }))
    }

    fn steps(&self, run: &str) -> rusqlite::Result<Vec<StepRow>> {
        let mut query = self.connection.prepare(
            "select step, title, state, identity, seconds, attempts, summary, message, log
             from steps where run = ? order by position",
        )?;
        let mut steps: Vec<StepRow> = query.query_map([run], step_row)?.collect::<rusqlite::Result<_>>()?;
        let mut metrics: BTreeMap<String, BTreeMap<String, f64>> = BTreeMap::new();
        let mut query = self.connection.prepare("select step, name, value from metrics where run = ?")?;
        for row in query.query_map([run], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))? {
            let (step, name, value): (String, String, f64) = row?;
            metrics.entry(step).or_default().insert(name, value);
        }
        let mut params: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        let mut query = self.connection.prepare("select step, name, value from params where run = ?")?;
        for row in query.query_map([run], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))? {
            let (step, name, value): (String, String, String) = row?;
            params.entry(step).or_default().insert(name, value);
        }
        for step in &mut steps {
            step.metrics = metrics.remove(&step.step).unwrap_or_default();
            step.params = params.remove(&step.step).unwrap_or_default();
        }
        Ok(steps)
    }

    fn guard<T>(&self, result: rusqlite::Result<T>) -> Result<T, RunError> {
        result.map_err(|cause| RunError::Database { path: self.path.clone(), cause })
    }
}

fn run_row(row: &Row<'_>) -> rusqlite::Result<RunRow> {
    let count = |value: i64| usize::try_from(value).unwrap_or(0);
    Ok(RunRow {
        run: row.get(0)?,
        pipeline: row.get(1)?,
        profile: row.get(2)?,
        seed: row.get(3)?,
        started: row.get(4)?,
        seconds: row.get(5)?,
        outcome: row.get(6)?,
        steps: count(row.get(7)?),
        cached: count(row.get(8)?),
    })
}

fn step_row(row: &Row<'_>) -> rusqlite::Result<StepRow> {
    Ok(StepRow {
        step: row.get(0)?,
        title: row.get(1)?,
        state: row.get(2)?,
        identity: row.get(3)?,
        seconds: row.get(4)?,
        attempts: row.get(5)?,
        summary: row.get(6)?,
        message: row.get(7)?,
        log: row.get::<_, Option<String>>(8)?.map(PathBuf::from),
        metrics: BTreeMap::new(),
        params: BTreeMap::new(),
    })
}

fn differences<T: Clone>(
    left: &RunDetails,
    right: &RunDetails,
    values: impl Fn(&StepRow) -> &BTreeMap<String, T>,
) -> Vec<Difference<T>> {
    let mut found: BTreeMap<(String, String), (Option<T>, Option<T>)> = BTreeMap::new();
    for step in &left.steps {
        for (name, value) in values(step) {
            found.entry((step.step.clone(), name.clone())).or_insert((None, None)).0 = Some(value.clone());
        }
    }
    for step in &right.steps {
        for (name, value) in values(step) {
            found.entry((step.step.clone(), name.clone())).or_insert((None, None)).1 = Some(value.clone());
        }
    }
    found.into_iter().map(|((step, name), (left, right))| Difference { step, name, left, right }).collect()
}
