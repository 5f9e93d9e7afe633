//! Requirements to exact packages with hashes, for `mlp.lock`.
//!
//! The answer is for this kind of machine: packages that another system would need beside these are not in it.

use crate::environment::{
    EnvironmentError, Installer, Progress, find_installer, find_python, python_command, uv_command,
};
use crate::tool;
use mlpc_plan::plan::Package;
use serde::Deserialize;
use std::path::Path;

/// Exact packages for `requirements` under `python` (`3.11`), sorted by name.
pub fn resolve(
    requirements: &[String],
    python: &str,
    progress: Progress<'_>,
) -> Result<Vec<Package>, EnvironmentError> {
    if requirements.is_empty() {
        return Ok(Vec::new());
    }
    let installer = find_installer(progress)?;
    resolve_with(requirements, python, &installer, progress)
}

pub(crate) fn resolve_with(
    requirements: &[String],
    python: &str,
    installer: &Installer,
    progress: Progress<'_>,
) -> Result<Vec<Package>, EnvironmentError> {
    let interpreter = find_python(python)?;
    let count = requirements.len();
    progress(&format!("resolving {count} requirement{}", if count == 1 { "" } else { "s" }));
    let text = requirements.join("\n") + "\n";
    let mut packages = match installer {
        Installer::Uv(uv) => with_uv(uv, &text, &interpreter.path)?,
        Installer::Pip => with_pip(&text, &interpreter.path)?,
    };
    packages.sort_by(|left, right| (&left.name, &left.version).cmp(&(&right.name, &right.version)));
    Ok(packages)
}

fn with_uv(uv: &Path, requirements: &str, python: &Path) -> Result<Vec<Package>, EnvironmentError> {
    let mut command = uv_command(uv);
    command.args(["pip", "compile", "-", "--quiet", "--generate-hashes", "--no-header", "--no-annotate", "--python"]);
    let answer = tool::run("uv pip compile", command.arg(python), requirements)?;
    read_requirements(&answer)
}

/// What `uv pip compile` prints: `name==version ; marker \`, then lines `--hash=sha256:… \`.
fn read_requirements(text: &str) -> Result<Vec<Package>, EnvironmentError> {
    let mut packages: Vec<Package> = Vec::new();
    for line in text.lines().map(|line| line.trim().trim_end_matches('\\').trim_end()) {
        let unknown = || EnvironmentError::Answer { what: "uv pip compile".to_owned(), answer: line.to_owned() };
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(hash) = line.strip_prefix("--hash=sha256:") {
            packages.last_mut().ok_or_else(unknown)?.sha256.push(hash.to_owned());
            continue;
        }
        let (pinned, marker) = line.split_once(';').map_or((line, None), |(pinned, marker)| (pinned, Some(marker)));
        // Something by address or path has no version that could be locked.
        let (name, version) = pinned.split_once("==").ok_or_else(unknown)?;
        let name = name.split('[').next().unwrap_or(name);
        let marker = marker.map(|marker| marker.trim().to_owned());
        packages.push(Package { name: normal(name), version: version.trim().to_owned(), marker, sha256: Vec::new() });
    }
    for package in &mut packages {
        package.sha256.sort();
    }
    Ok(packages)
}

#[derive(Deserialize)]
struct Report {
    install: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    metadata: Metadata,
    download_info: Download,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    version: String,
}

#[derive(Deserialize)]
struct Download {
    archive_info: Option<Archive>,
}

#[derive(Deserialize)]
struct Archive {
    #[serde(default)]
    hashes: std::collections::BTreeMap<String, String>,
}

/// pip tells only the hash of the one file that it would install here.
fn with_pip(requirements: &str, python: &Path) -> Result<Vec<Package>, EnvironmentError> {
    let list = tempfile::Builder::new().suffix(".txt").tempfile();
    let list = list.and_then(|file| std::fs::write(file.path(), requirements).map(|()| file));
    let list = list.map_err(|cause| EnvironmentError::File { path: std::env::temp_dir(), cause })?;
    let mut command = python_command(python);
    command.args(["-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--report", "-"]);
    command.args(["--disable-pip-version-check", "--requirement"]).arg(list.path());
    let answer = tool::run("pip install --dry-run", &mut command, "")?;
    read_report(&answer)
}

fn read_report(text: &str) -> Result<Vec<Package>, EnvironmentError> {
    let unknown = |answer: String| EnvironmentError::Answer { what: "pip install --report".to_owned(), answer };
    let report: Report = serde_json::from_str(text).map_err(|error| unknown(error.to_string()))?;
    let package = |item: Item| {
        let Metadata { name, version } = item.metadata;
        let hash = item.download_info.archive_info.and_then(|archive| archive.hashes.get("sha256").cloned());
        let hash = hash.ok_or_else(|| unknown(format!("{name} {version} has no SHA-256")))?;
        Ok(Package { name: normal(&name), version, marker: None, sha256: vec![hash] })
    };
    report.install.into_iter().map(package).collect()
}

/// Lower case, with `-` for each run of `-`, `_` and `.`.
fn normal(name: &str) -> String {
    let parts = name.trim().split(['-', '_', '.']).filter(|part| !part.is_empty());
    parts.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may panic")]
mod tests {
    use super::*;

    #[test]
    fn what_uv_prints_is_read() {
        let text = "colorama==0.4.6 ; sys_platform == 'win32' \\\n    --hash=sha256:bb \\\n    --hash=sha256:aa\n\
                    typing-extensions==4.1\n";
        let packages = read_requirements(text).unwrap();
        assert_eq!(packages[0].marker.as_deref(), Some("sys_platform == 'win32'"));
        assert_eq!(packages[0].sha256, ["aa", "bb"]);
        assert_eq!((packages[1].name.as_str(), packages[1].version.as_str()), ("typing-extensions", "4.1"));
        assert!(read_requirements("thing @ file:///thing\n").is_err());
    }

    /// Needs the package index, as all of resolving does.
    #[test]
    fn without_uv_pip_resolves_and_installs() {
        let python = crate::environment::pythons().into_iter().next().unwrap().version;
        let wanted = ["iniconfig==2.0.0".to_owned()];
        let packages = resolve_with(&wanted, &python, &Installer::Pip, &mut |_| {}).unwrap();
        assert_eq!(packages.len(), 1);
        assert_eq!((packages[0].name.as_str(), packages[0].version.as_str()), ("iniconfig", "2.0.0"));
        let digest = mlpc_plan::lock::environment_digest(&python, &packages);
        let environment = mlpc_plan::plan::Environment { python, packages, digest, image: None };
        let made = crate::environment::ensure_with(&environment, Some(Installer::Pip), &mut |_| {}).unwrap();
        let imported = std::process::Command::new(made).args(["-c", "import iniconfig"]).status().unwrap();
        assert!(imported.success());
    }

    #[test]
    fn names_are_normal() {
        assert_eq!(normal("Scikit__Learn.x"), "scikit-learn-x");
    }
}
