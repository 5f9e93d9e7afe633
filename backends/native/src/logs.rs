//! Where steps print to. A step that printed nothing leaves no log; its empty file serves the next step.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The logs of one run.
pub(crate) struct Logs {
    folder: PathBuf,
    /// Empty files that no step writes to.
    spare: Mutex<Vec<PathBuf>>,
    counter: AtomicU64,
}

impl Logs {
    /// Logs in `folder`, which exists.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, spare: Mutex::default(), counter: AtomicU64::new(0) }
    }

    /// Opens the log at `path`.
    pub fn open(&self, path: &Path) -> io::Result<File> {
        let spare = self.spare().pop();
        if let Some(spare) = spare {
            fs::rename(spare, path)?;
        }
        File::options().create(true).append(true).open(path)
    }

    /// Whether the log at `path` has anything in it; otherwise it is gone now.
    pub fn close(&self, file: &File, path: &Path) -> io::Result<bool> {
        if file.metadata()?.len() > 0 {
            return Ok(true);
        }
        let spare = self.folder.join(format!(".spare-{}", self.counter.fetch_add(1, Ordering::Relaxed)));
        fs::rename(path, &spare)?;
        self.spare().push(spare);
        Ok(false)
    }

    fn spare(&self) -> MutexGuard<'_, Vec<PathBuf>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        for spare in self.spare().drain(..) {
            // An empty file that stays does no harm.
            let _ = fs::remove_file(spare);
        }
    }
}
