//! How long Airflow takes to read a DAG file of a build, beside one written by hand with the same tasks and edges.

use crate::plans::{self, Shape};
use crate::{Outcome, best, milliseconds};
use indexmap::IndexMap;
use mlpc_emit::backend::{Choice, backend};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

const COUNTS: [usize; 3] = [10, 100, 1_000];
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/airflow/import_time.py");

/// Prints milliseconds of both, and of the build.
pub fn measure() -> Outcome {
    let folder = tempfile::tempdir()?;
    println!("{:20} {:>12} {:>12} {:>12}", "chain of tasks", "build", "read", "by hand");
    for count in COUNTS {
        let mut text = String::new();
        let build = best(5, || {
            text = emitted(count)?;
            Ok(())
        })?;
        let (ours, hand) = (folder.path().join("bench.py"), folder.path().join("by_hand.py"));
        std::fs::write(&ours, text)?;
        std::fs::write(&hand, by_hand(count)?)?;
        let [read, hand] = seconds(folder.path(), &[ours, hand])?;
        let (build, read, hand) = (milliseconds(build), read * 1e3, hand * 1e3);
        println!("{count:20} {build:9.1} ms {read:9.1} ms {hand:9.1} ms");
    }
    Ok(())
}

/// The DAG file of a chain of steps.
fn emitted(count: usize) -> Result<String, Box<dyn std::error::Error>> {
    let choice = Choice::of(backend("airflow").ok_or("there is no such target")?);
    let mut plan = plans::shell(Shape::Chain, count);
    let mut tree = mlpc_emit::build_for(&choice, &mut plan, &mut IndexMap::new(), &BTreeMap::new())?;
    Ok(tree.remove("dags/bench.py").ok_or("there is no DAG file")?)
}

/// The same tasks with the same settings, as one would write them for Airflow alone.
fn by_hand(count: usize) -> Result<String, std::fmt::Error> {
    let mut text = "from datetime import datetime\nfrom pathlib import Path\n\n\
                    from airflow.providers.standard.operators.bash import BashOperator\n\
                    from airflow.sdk import DAG\n\n\
                    FOLDER = str(Path(__file__).resolve().parents[1])\n\n\
                    with DAG(\"by_hand\", schedule=None, start_date=datetime(2026, 1, 1), catchup=False, max_active_runs=1):\n"
        .to_owned();
    for number in 0..count {
        writeln!(
            text,
            "    s{number} = BashOperator(\n        task_id=\"s{number}\",\n        \
             bash_command='exec python steps/run.py \"$STEP\" --store \"$STORE\"',\n        \
             env={{\"STEP\": \"s{number}\", \"STORE\": \"{{{{ var.value.store }}}}\"}},\n        \
             append_env=True,\n        cwd=FOLDER,\n        skip_on_exit_code=3,\n        do_xcom_push=False,\n    )"
        )?;
    }
    for number in 1..count {
        writeln!(text, "    s{} >> s{number}", number - 1)?;
    }
    Ok(text)
}

fn seconds(home: &Path, files: &[PathBuf; 2]) -> Result<[f64; 2], Box<dyn std::error::Error>> {
    let mut command = Command::new(mlpc_tests::airflow::python());
    command.arg(SCRIPT).args(files).env("AIRFLOW_HOME", home).env("AIRFLOW__CORE__LOAD_EXAMPLES", "False");
    let output = command.output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let text = String::from_utf8(output.stdout)?;
    Ok(serde_json::from_str(text.lines().last().unwrap_or_default())?)
}
