//! Runs tests in a few Python processes at once. Each process takes its share of the tests, since starting one costs more
//! than most tests; one that dies takes only the test that it was at.

use crate::command::Setting;
use crate::data::DataError;
use crate::options::Options;
use crate::tool;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Tests of one process, at most: later ones go to whichever process is free.
const SHARE: usize = 25;

/// What came of a test.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct TestResult {
    /// Its module and place, as `tests.trips:0`.
    pub address: String,
    /// What is wrong; nothing if it passes.
    pub problems: Vec<Problem>,
    /// How long it took.
    pub seconds: f64,
}

/// What is wrong with a test.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Problem {
    /// Cells of an expected column.
    Cells {
        /// Which of the expected columns.
        expected: usize,
        /// The cells.
        cells: Vec<Cell>,
    },
    /// More or fewer rows than expected.
    Count {
        /// How many were expected.
        wanted: usize,
        /// How many came out.
        found: usize,
        /// Which of the base's given rows came out, from 1, where that can be said.
        kept: Option<Vec<usize>>,
        /// The expected columns.
        names: Vec<String>,
        /// Their values in the first rows, as the language writes them.
        rows: Vec<Vec<String>>,
    },
    /// Given rows that are refused when data are read.
    Refused {
        /// Why.
        checks: Vec<Refused>,
    },
    /// Given rows that should have been refused for another reason, or are not.
    Accepted {
        /// Codes for which they are refused.
        codes: Vec<String>,
        /// The same in words.
        lines: Vec<String>,
    },
    /// Rows for which a property does not hold.
    Property {
        /// Which of the properties.
        property: usize,
        /// How many tables were made up until one was found.
        tried: usize,
        /// The rows, as statements to paste.
        given: Vec<String>,
        /// What the condition names, in the row for which it is false.
        values: BTreeMap<String, String>,
        /// What the code raised instead of giving a value.
        error: Option<String>,
    },
    /// The code failed.
    Error {
        /// How.
        text: String,
        /// Where in the build.
        place: Option<String>,
    },
}

/// A cell that is not as expected, in the language's own words.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// From 1.
    pub row: usize,
    /// What the test says.
    pub expected: String,
    /// What came out.
    pub found: String,
}

/// Why given rows are refused.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// `MLP0303`.
    pub code: String,
    /// In words.
    pub text: String,
    /// Rows of what.
    pub dataset: String,
}

/// What is run, and how.
#[derive(Clone, Debug)]
pub struct Tests<'a> {
    /// The interpreter.
    pub python: &'a Path,
    /// Options of the project; the build among them holds the tests.
    pub options: &'a Options,
    /// Processes at once.
    pub jobs: usize,
    /// Tables that are made up for each property; the runtime's own number if none is given.
    pub cases: Option<u32>,
}

/// Runs tests by their addresses and tells each result as it comes.
pub fn run(tests: &Tests<'_>, addresses: &[String], tell: &mut dyn FnMut(TestResult)) {
    let jobs = tests.jobs.clamp(1, addresses.len().max(1));
    let share = addresses.len().div_ceil(jobs).clamp(1, SHARE);
    let open: Mutex<VecDeque<&[String]>> = Mutex::new(addresses.chunks(share).collect());
    let (sender, results) = channel();
    thread::scope(|scope| {
        for _ in 0..jobs {
            let (sender, open) = (sender.clone(), &open);
            scope.spawn(move || {
                while let Some(share) = next(open) {
                    run_share(tests, share, &sender);
                }
            });
        }
        drop(sender);
        results.into_iter().for_each(tell);
    });
}

/// What the runtime makes of a request for a test from real rows: one JSON document.
///
/// # Errors
///
/// If it cannot be run, or fails.
pub fn ask(python: &Path, options: &Options, request: &str) -> Result<String, DataError> {
    let mut command = Setting::new(options).bare(python, 1);
    command.args(["-m", "mlp_runtime.recording"]).current_dir(&options.build);
    Ok(tool::run("recording", &mut command, request)?)
}

fn next<'a>(open: &Mutex<VecDeque<&'a [String]>>) -> Option<&'a [String]> {
    open.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
}

/// Runs tests one after the other, in as many processes as it takes.
fn run_share(tests: &Tests<'_>, share: &[String], sender: &Sender<TestResult>) {
    let mut left = share;
    while !left.is_empty() {
        let (done, ended) = run_process(tests, left, sender);
        left = left.get(done..).unwrap_or_default();
        if let Some((lost, after)) = left.split_first() {
            let problems = vec![Problem::Error { text: ended, place: None }];
            // Nobody listens any more only if the whole run is over.
            let _ = sender.send(TestResult { address: lost.clone(), problems, seconds: 0.0 });
            left = after;
        }
    }
}

/// How many tests one process finished, and how it ended.
fn run_process(tests: &Tests<'_>, addresses: &[String], sender: &Sender<TestResult>) -> (usize, String) {
    let mut command = Setting::new(tests.options).bare(tests.python, 1);
    command.args(["-m", "mlp_runtime.testing"]);
    if let Some(cases) = tests.cases {
        command.arg("--cases").arg(cases.to_string());
    }
    command.args(addresses).current_dir(&tests.options.build);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return (0, format!("{} does not start: {error}", tests.python.display())),
    };
    let complaints = child.stderr.take().map(|stderr| {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            // What could be read until the pipe broke is what there is to tell.
            let _ = BufReader::new(stderr).read_to_end(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        })
    });
    let done = listen(&mut child, sender);
    let status = child.wait();
    let complaints = complaints.and_then(|thread| thread.join().ok()).unwrap_or_default();
    let last = complaints.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("without a word");
    let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
    (done, format!("the process ended with {how}: {last}"))
}

/// Passes results on as they come; how many there were.
fn listen(child: &mut Child, sender: &Sender<TestResult>) -> usize {
    let Some(stdout) = child.stdout.take() else { return 0 };
    let mut done = 0;
    for line in BufReader::new(stdout).lines() {
        let Some(result) = line.ok().and_then(|line| serde_json::from_str::<TestResult>(&line).ok()) else { break };
        done += 1;
        if sender.send(result).is_err() {
            break;
        }
    }
    done
}
