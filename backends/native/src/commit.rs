//! Which revision of the project runs.

use crate::tool;
use std::path::Path;
use std::process::Command;

/// The revision of the folder's repository, with `+` where files that it knows have changed since; `None` outside of one.
pub(crate) fn of(folder: &Path) -> Option<String> {
    let ask = |args: &[&str]| {
        let mut git = Command::new("git");
        git.arg("-C").arg(folder).args(args);
        tool::run("git", &mut git, "").ok()
    };
    let revision = ask(&["rev-parse", "--verify", "HEAD"])?;
    let changed = ask(&["status", "--porcelain", "--untracked-files=no", "--", "."])?;
    Some(format!("{}{}", revision.trim(), if changed.trim().is_empty() { "" } else { "+" }))
}
