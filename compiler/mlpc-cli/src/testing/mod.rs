//! Tests of a program: which there are, their programs, what came of each.

mod json;
mod junit;
mod record;
mod text;

use crate::build::{self, NoLock};
use crate::environments;
use crate::error::ToolError;
use crate::exit::Exit;
use crate::params::Given;
use crate::project::{self, Session, Target};
use crate::terminal::Terminal;
use mlpc_hir::typed::test::Test;
use mlpc_native::Options;
use mlpc_native::testing::{Problem, Tests, run};
use mlpc_plan::lock::Lock;
use mlpc_plan::plan::{TestCase, TestPlan};
use std::collections::BTreeMap;

pub use json::document as json;
pub use junit::document as junit;
pub use record::{Tagged, Wish, record};
pub use text::report;

/// A test that ran.
pub struct Outcome {
    /// The test.
    pub case: TestCase,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// How long it took.
    pub seconds: f64,
}

impl Outcome {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.problems.is_empty()
    }
}

/// How tests are run.
#[derive(Clone, Copy, Debug)]
pub struct How {
    /// Processes at once.
    pub jobs: Option<u16>,
    /// Tables that are made up for each property.
    pub cases: Option<u32>,
    /// What to do without a lock.
    pub no_lock: NoLock,
}

/// Runs the tests of a program whose title or subject holds `filter`; in order of the text.
pub fn run_all(
    target: &Target,
    params: &[Given],
    filter: Option<&str>,
    how: How,
    terminal: &mut Terminal,
) -> Result<(Session, Vec<Outcome>), ToolError> {
    let session = project::open_with(target, params)?;
    build::check(&session, terminal)?;
    let all = mlpc_hir::all_blocks(&session.db, session.project, "test");
    let tests: Vec<&Test> = all.iter().map(|block| &mlpc_hir::blocks::test::test(&session.db, *block).value).collect();
    let wanted =
        |test: &Test| filter.is_none_or(|filter| test.title.contains(filter) || subject(test).contains(filter));
    if let Some(filter) = filter
        && !tests.is_empty()
        && !tests.iter().any(|test| wanted(test))
    {
        return Err(ToolError::usage(format!("no test has `{filter}` in its title or is about it"))
            .help("`mlpc test` without `--filter` runs all"));
    }
    // Tests with values of parameters of their own need a program of their own.
    let mut groups: Vec<BTreeMap<String, String>> = Vec::new();
    for test in tests.iter().filter(|test| wanted(test)) {
        let own: BTreeMap<String, String> = test.params.clone().into_iter().collect();
        if !groups.contains(&own) {
            groups.push(own);
        }
    }
    let order: Vec<String> = tests.iter().map(|test| test.title.clone()).collect();
    let mut outcomes = Vec::new();
    for own in groups {
        let in_group = |test: &Test| wanted(test) && test.params.clone().into_iter().eq(own.clone());
        let given: Vec<Given> =
            params.iter().cloned().chain(own.iter().map(|(name, value)| Given::new(name, value))).collect();
        outcomes.extend(run_group(target, &given, &in_group, how, terminal)?);
    }
    outcomes.sort_by_key(|outcome| order.iter().position(|title| *title == outcome.case.title));
    Ok((session, outcomes))
}

fn subject(test: &Test) -> &str {
    use mlpc_hir::typed::test::Subject;
    match &test.subject {
        Some(Subject::Features(name) | Subject::Function { name, .. }) => name,
        None => "",
    }
}

/// Runs the tests that share their values of parameters.
fn run_group(
    target: &Target,
    params: &[Given],
    wanted: &dyn Fn(&Test) -> bool,
    how: How,
    terminal: &mut Terminal,
) -> Result<Vec<Outcome>, ToolError> {
    let session = project::open_with(target, params)?;
    build::check(&session, terminal)?;
    let lock = build::locked(&session, how.no_lock, terminal)?;
    run_in(&session, &lock, wanted, how, terminal)
}

/// Runs tests of a program that is checked.
fn run_in(
    session: &Session,
    lock: &Lock,
    wanted: &dyn Fn(&Test) -> bool,
    how: How,
    terminal: &mut Terminal,
) -> Result<Vec<Outcome>, ToolError> {
    let plan = mlpc_plan::lower_tests(&session.db, session.project, lock, wanted);
    let files = mlpc_emit::tests(&plan, &build::user_code(session)).map_err(|error| build::unprintable(&error))?;
    let mut options = Options::new(&session.location.root, &session.location.root);
    let placed = build::place_as(&options.state, "tests", &files)?;
    options.build.clone_from(&placed.folder);
    let python = interpreter(&plan, terminal)?;
    let jobs = how.jobs.map_or(options.jobs, usize::from);
    let addresses: Vec<String> =
        mlpc_emit::addresses(&plan).into_iter().map(|(module, index)| format!("{module}:{index}")).collect();
    let mut results = BTreeMap::new();
    let tests = Tests { python: &python, options: &options, jobs, cases: how.cases };
    run(&tests, &addresses, &mut |result| drop(results.insert(result.address.clone(), result)));
    let outcome = |(case, address): (&TestCase, &String)| {
        let result = results.remove(address)?;
        Some(Outcome { case: case.clone(), problems: result.problems, seconds: result.seconds })
    };
    let outcomes: Vec<Outcome> = plan.cases.iter().zip(&addresses).filter_map(outcome).collect();
    if outcomes.len() < plan.cases.len() {
        return Err(ToolError::usage("a test gave no result").exit(Exit::Internal));
    }
    Ok(outcomes)
}

/// The Python in which tests run.
pub fn interpreter(plan: &TestPlan, terminal: &mut Terminal) -> Result<std::path::PathBuf, ToolError> {
    let name = &plan.environment_name;
    let environment = plan.environment.as_ref().ok_or_else(|| {
        ToolError::usage(format!("`mlp.lock` does not hold the environment `{name}`")).help("run `mlpc lock`")
    })?;
    environments::interpreter(name, environment, terminal)
}
