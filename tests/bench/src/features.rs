//! Features in time on many rows: what the compiler prints beside the same by hand in Polars and in pandas.
//!
//! `MLPC_BENCH_ROWS` sets the number of rows, 10 million otherwise. The three must give the same values before any is
//! timed. Each runs in a process of its own, from reading Parquet to the finished table in memory.

use crate::{Outcome, python};
use mlpc_db::{Database, MemorySystem};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const ROWS: usize = 10_000_000;
/// How often Polars and generated code run, in turns.
const ROUNDS: usize = 3;

const PACKAGES: &[&str] = &["polars==2.1.0", "numpy", "pandas", "pyarrow"];

const PROGRAM: &str = include_str!("../features/program.mlp");
const SCRIPTS: &[(&str, &str)] = &[
    ("generate.py", include_str!("../features/generate.py")),
    ("measure.py", include_str!("../features/measure.py")),
    ("compare.py", include_str!("../features/compare.py")),
    ("by_polars.py", include_str!("../features/by_polars.py")),
    ("by_pandas.py", include_str!("../features/by_pandas.py")),
];

/// What one run took.
#[derive(Clone, Copy)]
struct Taken {
    seconds: f64,
    /// Of all processors, user and system: steadier than the clock where other work runs beside.
    processors: f64,
    peak_mb: f64,
}

/// Prints seconds, peak memory and how many times as long as by hand in Polars.
pub fn measure() -> Outcome {
    let rows = match std::env::var("MLPC_BENCH_ROWS") {
        Ok(text) => text.replace('_', "").parse()?,
        Err(_) => ROWS,
    };
    let folder = tempfile::tempdir()?;
    let bench = Bench { python: python::environment(&python::interpreter()?, PACKAGES)?, folder: folder.path() };
    bench.write()?;
    let data = folder.path().join("data");
    fs::create_dir_all(&data)?;
    bench.script("generate.py", &[data.as_os_str().to_owned(), rows.to_string().into()])?;

    let mut generated = bench.run("generated", true)?;
    let mut by_hand = bench.run("polars", true)?;
    let pandas = bench.run("pandas", true)?;
    for other in ["polars", "pandas"] {
        bench.script("compare.py", &[bench.result("generated").into(), bench.result(other).into()])?;
    }
    for _ in 1..ROUNDS {
        generated = generated.least(bench.run("generated", false)?);
        by_hand = by_hand.least(bench.run("polars", false)?);
    }
    println!("{rows} rows; the three give the same values");
    println!("{:20} {:>9} {:>8} {:>12} {:>8} {:>12}", "", "seconds", "ratio", "processors", "ratio", "peak memory");
    for (name, taken) in [("generated", generated), ("by hand in Polars", by_hand), ("by hand in pandas", pandas)] {
        let Taken { seconds, processors, peak_mb } = taken;
        let (of_time, of_work) = (seconds / by_hand.seconds, processors / by_hand.processors);
        println!("{name:20} {seconds:9.2} {of_time:8.2} {processors:10.2} s {of_work:8.2} {peak_mb:9.0} MB");
    }
    Ok(())
}

impl Taken {
    fn least(self, other: Self) -> Self {
        Self {
            seconds: self.seconds.min(other.seconds),
            processors: self.processors.min(other.processors),
            peak_mb: self.peak_mb.min(other.peak_mb),
        }
    }
}

struct Bench<'a> {
    python: PathBuf,
    folder: &'a Path,
}

impl Bench<'_> {
    /// Writes the scripts and what the compiler makes of the program.
    fn write(&self) -> Outcome {
        let mut db = Database::default();
        let system = MemorySystem::default().with("main.mlp", PROGRAM.to_owned());
        let project = mlpc_hir::load(&mut db, &system, "main.mlp", None)?;
        let findings = mlpc_hir::check_project(&db, project);
        if let Some(first) = findings.first() {
            return Err(format!("the program has findings: {}", first.message).into());
        }
        let mut plan = mlpc_plan::lower(&db, project, &mlpc_plan::lock::Lock::default());
        let tree = mlpc_emit::build(&mut plan, &BTreeMap::new())?;
        let scripts = SCRIPTS.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        for (path, text) in tree.into_iter().chain(scripts) {
            let path = self.folder.join(path);
            fs::create_dir_all(path.parent().ok_or("a file lies in a folder")?)?;
            fs::write(path, text)?;
        }
        Ok(())
    }

    fn result(&self, which: &str) -> PathBuf {
        self.folder.join(format!("{which}.parquet"))
    }

    /// Runs one of the three, and keeps its result if it is to be compared.
    fn run(&self, which: &str, keep: bool) -> Result<Taken, Box<dyn std::error::Error>> {
        let mut arguments = vec![which.into(), self.folder.join("data").into()];
        if keep {
            arguments.push(self.result(which).into());
        }
        let told = self.script("measure.py", &arguments)?;
        let mut numbers = told.split_whitespace().map(str::parse::<f64>);
        match (numbers.next(), numbers.next(), numbers.next()) {
            (Some(seconds), Some(processors), Some(peak_mb)) => {
                Ok(Taken { seconds: seconds?, processors: processors?, peak_mb: peak_mb? })
            }
            _ => Err(format!("{which} told {told:?}").into()),
        }
    }

    fn script(&self, name: &str, arguments: &[std::ffi::OsString]) -> Result<String, Box<dyn std::error::Error>> {
        let mut command = Command::new(&self.python);
        command.arg(self.folder.join(name)).args(arguments).env("PYTHONPATH", self.folder);
        let output = command.output()?;
        if output.status.success() {
            Ok(String::from_utf8(output.stdout)?)
        } else {
            Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr)).into())
        }
    }
}
