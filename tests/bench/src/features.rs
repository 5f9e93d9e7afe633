//! Features in time: what the compiler prints beside the same by hand in Polars and in pandas, on the flights of
//! `examples/flights` and on many made-up rows.
//!
//! `MLPC_BENCH_ROWS` sets the number of those, 10 million otherwise. The three must give the same values before any is
//! timed. Each runs in a process of its own, from reading Parquet to the finished table in memory.

use crate::flights::Project;
use crate::taken::{Taken, script, table};
use crate::{Outcome, python};
use mlpc_db::{Database, MemorySystem};
use mlpc_native::RunEvent;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const ROWS: usize = 10_000_000;
/// How often Polars and generated code run on made-up rows, in turns.
const ROUNDS: usize = 3;
/// How often all three run on flights, in turns: there a run takes less than a start of Python.
const SHORT_ROUNDS: usize = 7;

const PACKAGES: &[&str] = &["polars==2.1.0", "numpy", "pandas", "pyarrow"];

/// Scripts by their names.
type Scripts = [(&'static str, &'static str)];

const PROGRAM: &str = include_str!("../features/program.mlp");
const SCRIPTS: &Scripts = &[
    ("generate.py", include_str!("../features/generate.py")),
    ("measure.py", include_str!("../features/measure.py")),
    ("compare.py", include_str!("../features/compare.py")),
    ("by_polars.py", include_str!("../features/by_polars.py")),
    ("by_pandas.py", include_str!("../features/by_pandas.py")),
];
const FLIGHTS: &Scripts = &[
    ("measure.py", include_str!("../features/measure.py")),
    ("compare.py", include_str!("../features/compare.py")),
    ("by_polars.py", include_str!("../flights/by_polars.py")),
    ("by_pandas.py", include_str!("../flights/by_pandas.py")),
];

/// Prints seconds, peak memory and how many times as long as by hand in Polars.
pub fn measure() -> Outcome {
    let rows = match std::env::var("MLPC_BENCH_ROWS") {
        Ok(text) => text.replace('_', "").parse()?,
        Err(_) => ROWS,
    };
    let python = python::environment(&python::interpreter()?, PACKAGES)?;
    on_flights(&python)?;
    on_made_up(&python, rows)
}

/// The example's own features, on its own tables as its ingest steps store them.
fn on_flights(python: &Path) -> Outcome {
    let project = Project::new()?;
    let bench = Bench { python, folder: project.build()? };
    bench.write(FLIGHTS)?;
    for event in project.run(Some("features.trips"))? {
        if let RunEvent::StepFinished(step) = event
            && let (Some(dataset), Some(rows)) = (step.step.strip_prefix("ingest."), step.outputs.get("rows"))
        {
            fs::copy(rows, bench.data().join(format!("{dataset}.parquet")))?;
        }
    }
    let [mut generated, mut by_polars, mut by_pandas] = bench.compared()?;
    for _ in 1..SHORT_ROUNDS {
        generated = generated.least(bench.run("generated", false)?);
        by_polars = by_polars.least(bench.run("polars", false)?);
        by_pandas = by_pandas.least(bench.run("pandas", false)?);
    }
    println!("336,776 flights; the three give the same values");
    print(generated, by_polars, by_pandas);
    Ok(())
}

fn on_made_up(python: &Path, rows: usize) -> Outcome {
    let folder = tempfile::tempdir()?;
    let bench = Bench { python, folder: folder.path().to_owned() };
    bench.write(SCRIPTS)?;
    bench.write_program()?;
    bench.script("generate.py", &[bench.data().into(), rows.to_string().into()])?;
    let [mut generated, mut by_polars, by_pandas] = bench.compared()?;
    for _ in 1..ROUNDS {
        generated = generated.least(bench.run("generated", false)?);
        by_polars = by_polars.least(bench.run("polars", false)?);
    }
    println!("{rows} made-up rows; the three give the same values");
    print(generated, by_polars, by_pandas);
    Ok(())
}

fn print(generated: Taken, by_polars: Taken, by_pandas: Taken) {
    let rows = [("generated", generated), ("by hand in Polars", by_polars), ("by hand in pandas", by_pandas)];
    table(&rows, by_polars);
}

/// A folder with a build and the scripts, and in `data` the tables.
struct Bench<'a> {
    python: &'a Path,
    folder: PathBuf,
}

impl Bench<'_> {
    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn write(&self, scripts: &Scripts) -> Outcome {
        fs::create_dir_all(self.data())?;
        for (name, text) in scripts {
            fs::write(self.folder.join(name), text)?;
        }
        Ok(())
    }

    /// Writes what the compiler makes of the program.
    fn write_program(&self) -> Outcome {
        let mut db = Database::default();
        let system = MemorySystem::default().with("main.mlp", PROGRAM.to_owned());
        let project = mlpc_hir::load(&mut db, &system, "main.mlp", None)?;
        let findings = mlpc_hir::check_project(&db, project);
        if let Some(first) = findings.first() {
            return Err(format!("the program has findings: {}", first.message).into());
        }
        let mut plan = mlpc_plan::lower(&db, project, &mlpc_plan::lock::Lock::default());
        for (path, text) in mlpc_emit::build(&mut plan, &BTreeMap::new())? {
            let path = self.folder.join(path);
            fs::create_dir_all(path.parent().ok_or("a file lies in a folder")?)?;
            fs::write(path, text)?;
        }
        Ok(())
    }

    /// What generated code, Polars and pandas took once; fails unless they give the same values.
    fn compared(&self) -> Result<[Taken; 3], Box<dyn std::error::Error>> {
        let taken = [self.run("generated", true)?, self.run("polars", true)?, self.run("pandas", true)?];
        for other in ["polars", "pandas"] {
            self.script("compare.py", &[self.result("generated").into(), self.result(other).into()])?;
        }
        Ok(taken)
    }

    fn result(&self, which: &str) -> PathBuf {
        self.folder.join(format!("{which}.parquet"))
    }

    /// Runs one of the three, and keeps its result if it is to be compared.
    fn run(&self, which: &str, keep: bool) -> Result<Taken, Box<dyn std::error::Error>> {
        let mut arguments = vec![which.into(), self.data().into()];
        if keep {
            arguments.push(self.result(which).into());
        }
        Taken::told(&self.script("measure.py", &arguments)?)
    }

    fn script(&self, name: &str, arguments: &[std::ffi::OsString]) -> Result<String, Box<dyn std::error::Error>> {
        script(self.python, &self.folder, name, arguments)
    }
}
