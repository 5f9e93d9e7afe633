//! What steps print: followed while it grows, and its end when something failed.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// Lines shown of a failed step.
const TAIL_LINES: usize = 20;
/// Bytes read for them.
const TAIL_BYTES: u64 = 16 << 10;

/// Reads a log as it grows.
pub(crate) struct Follower {
    file: Option<File>,
    partial: Vec<u8>,
}

impl Follower {
    /// Follows `log` from its present end.
    pub fn new(log: &Path) -> Self {
        let file = File::open(log).ok().and_then(|mut file| file.seek(SeekFrom::End(0)).ok().map(|_| file));
        Self { file, partial: Vec::new() }
    }

    /// Lines that were completed since the last call; with `end`, the unfinished one too.
    pub fn lines(&mut self, end: bool) -> Vec<String> {
        if let Some(file) = &mut self.file {
            // Bytes that cannot be read now are read the next time; the log itself has them anyhow.
            let _ = file.read_to_end(&mut self.partial);
        }
        let complete = match (end, self.partial.iter().rposition(|byte| *byte == b'\n')) {
            (true, _) => self.partial.len(),
            (false, Some(last)) => last + 1,
            (false, None) => 0,
        };
        let text: Vec<u8> = self.partial.drain(..complete).collect();
        split(&text)
    }
}

/// The last lines of a log.
pub(crate) fn tail(log: &Path) -> Vec<String> {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(log)?;
        let size = file.metadata()?.len();
        file.seek(SeekFrom::Start(size.saturating_sub(TAIL_BYTES)))?;
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        Ok(text)
    };
    let mut lines = split(&read().unwrap_or_default());
    lines.split_off(lines.len().saturating_sub(TAIL_LINES))
}

/// A carriage return ends a line as well: progress bars use it.
fn split(text: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(text).split(['\n', '\r']).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}
