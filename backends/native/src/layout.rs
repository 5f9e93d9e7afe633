//! Where things lie below `.mlp`.

use std::path::{Path, PathBuf};

/// Paths of one project's state.
#[derive(Clone, Debug)]
pub struct Layout {
    /// `.mlp`, absolute.
    pub state: PathBuf,
}

impl Layout {
    /// `state` should be absolute: steps run in other folders.
    #[must_use]
    pub fn new(state: PathBuf) -> Self {
        Self { state }
    }

    /// Held shared by each run and alone by cleaning.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.state.join("lock")
    }

    /// Run history and caches.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.state.join("mlp.db")
    }

    /// What a tracker was not told of yet.
    #[must_use]
    pub fn tracking(&self) -> PathBuf {
        self.state.join("tracking")
    }

    /// Finished steps.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.state.join("store")
    }

    /// Steps in progress; in the store's folder so that a finished one only has to be renamed.
    #[must_use]
    pub fn temporary(&self) -> PathBuf {
        self.store().join("tmp")
    }

    /// One folder per run.
    #[must_use]
    pub fn run(&self, run: &str) -> PathBuf {
        self.state.join("runs").join(run)
    }

    /// What a step printed.
    #[must_use]
    pub fn log(&self, run: &str, step: &str) -> PathBuf {
        self.run(run).join("logs").join(format!("{}.log", file_name(step)))
    }

    /// What a step keeps of its work while that is not done; by its identity, so that a later run goes on with it.
    #[must_use]
    pub fn progress(&self, identity: &str) -> PathBuf {
        self.state.join("progress").join(identity)
    }

    /// What a failed step had written.
    #[must_use]
    pub fn failed(&self, run: &str, step: &str) -> PathBuf {
        self.run(run).join("failed").join(file_name(step))
    }

    /// Names a step of a run in the environment of all its processes. Without a step, or a run, it is what the names of
    /// all of them begin with; each part has an end, so that no name begins with another.
    pub(crate) fn marker(&self, run: &str, step: &str) -> String {
        let mut marker = self.run("").to_string_lossy().into_owned();
        for part in [run, step].iter().filter(|part| !part.is_empty()) {
            marker.push_str(&file_name(part));
            marker.push('/');
        }
        marker
    }

    /// The newest final artifacts of a pipeline, under stable names.
    #[must_use]
    pub fn latest(&self, pipeline: &str) -> PathBuf {
        self.state.join("latest").join(file_name(pipeline))
    }

    /// Models of registries elsewhere, by digest.
    #[must_use]
    pub fn fetched(&self, digest: &str) -> PathBuf {
        self.state.join("fetched").join(digest)
    }

    /// Registered models.
    #[must_use]
    pub fn registry(&self) -> PathBuf {
        self.state.join("registry")
    }
}

/// `name` with everything outside `A-Z a-z 0-9 . _ -` replaced.
#[must_use]
pub fn file_name(name: &str) -> String {
    let safe: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '_' }).collect();
    if safe.starts_with('.') { format!("_{safe}") } else { safe }
}

/// `path` made absolute against the current folder, without looking at links.
#[must_use]
pub fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}
