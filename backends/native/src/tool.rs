//! Runs other people's programs (Python, uv, pip) and keeps what they said.

use std::io::Write;
use std::process::{Command, Stdio};

/// Lines of a program's complaint that are shown.
const LINES: usize = 12;

/// A program that could not be started or did not end well.
#[derive(Debug, thiserror::Error)]
#[error("{what} failed: {said}")]
pub struct ToolError {
    /// `uv pip compile`.
    pub what: String,
    /// Its last lines, or why it did not start.
    pub said: String,
}

/// Runs `command` with `input`, giving what it printed.
pub(crate) fn run(what: &str, command: &mut Command, input: &str) -> Result<String, ToolError> {
    let failed = |said: String| ToolError { what: what.to_owned(), said };
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ends without reading says why itself. Inputs are far smaller than a pipe holds.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(failed(last_lines(&[&output.stdout, &output.stderr])))
}

fn last_lines(streams: &[&[u8]]) -> String {
    let text: String = streams.iter().map(|stream| String::from_utf8_lossy(stream) + "\n").collect();
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let from = lines.len().saturating_sub(LINES);
    lines.get(from..).unwrap_or_default().join("\n")
}
