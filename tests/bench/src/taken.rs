//! What a run took, and the table of several.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

/// What one run took.
#[derive(Clone, Copy)]
pub struct Taken {
    seconds: f64,
    /// Of all processors, user and system: steadier than the clock where other work runs beside.
    processors: f64,
    peak_mb: f64,
}

impl Taken {
    /// The three numbers that a script prints.
    pub fn told(text: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let mut numbers = text.split_whitespace().map(str::parse::<f64>);
        match (numbers.next(), numbers.next(), numbers.next()) {
            (Some(seconds), Some(processors), Some(peak_mb)) => {
                Ok(Self { seconds: seconds?, processors: processors?, peak_mb: peak_mb? })
            }
            _ => Err(format!("three numbers are wanted, and not {text:?}").into()),
        }
    }

    /// The best of two rounds.
    pub fn least(self, other: Self) -> Self {
        Self {
            seconds: self.seconds.min(other.seconds),
            processors: self.processors.min(other.processors),
            peak_mb: self.peak_mb.min(other.peak_mb),
        }
    }
}

/// Prints a line for each, with how many times as long as `one` it took.
pub fn table(rows: &[(&str, Taken)], one: Taken) {
    println!("{:20} {:>9} {:>8} {:>12} {:>8} {:>12}", "", "seconds", "ratio", "processors", "ratio", "peak memory");
    for (name, taken) in rows {
        let Taken { seconds, processors, peak_mb } = taken;
        let (of_time, of_work) = (seconds / one.seconds, processors / one.processors);
        println!("{name:20} {seconds:9.2} {of_time:8.2} {processors:10.2} s {of_work:8.2} {peak_mb:9.0} MB");
    }
}

/// Runs a script of `folder`, whose modules it may import, and gives what it printed.
pub fn script(
    python: &Path,
    folder: &Path,
    name: &str,
    arguments: &[OsString],
) -> Result<String, Box<dyn std::error::Error>> {
    let output = Command::new(python).arg(folder.join(name)).args(arguments).env("PYTHONPATH", folder).output()?;
    if output.status.success() {
        Ok(String::from_utf8(output.stdout)?)
    } else {
        Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr)).into())
    }
}
