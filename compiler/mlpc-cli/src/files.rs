//! Writes files so that a reader sees the old text or the new, never half of one.

use crate::error::ToolError;
use std::fs;
use std::path::Path;

/// Replaces a file if its text is another. Says whether it was.
pub fn write(path: &Path, text: &str) -> Result<bool, ToolError> {
    if fs::read(path).is_ok_and(|present| present == text.as_bytes()) {
        return Ok(false);
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| ToolError::file("create", folder, &error))?;
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let fresh = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = fs::write(&fresh, text).and_then(|()| fs::rename(&fresh, path));
    written.map_err(|error| {
        // The error that matters is the first one.
        let _ = fs::remove_file(&fresh);
        ToolError::file("write", path, &error)
    })?;
    Ok(true)
}
