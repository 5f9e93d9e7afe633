//! Containers without a daemon and without a registry: podman as root, in a folder of its own.
//!
//! The base is Debian as `debootstrap` makes it. Where one of the programs is missing, or the user is not root, nothing
//! can be built, and tests say so.

use crate::command::{Ended, ended};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What works without systemd, without rights on limits and without a network of bridges.
const ENGINE: &str = r#"[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
netns = "host"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"#;

/// Podman with its own storage, which is removed with the value.
pub struct Podman {
    home: tempfile::TempDir,
}

impl Podman {
    /// Podman, or why containers cannot run here.
    ///
    /// # Errors
    ///
    /// If a program is missing, or the user is not root.
    pub fn find() -> Result<Self, String> {
        let id = ended(Command::new("id").arg("-u"));
        if id.stdout.trim() != "0" {
            return Err("only root can build images here".to_owned());
        }
        let missing = ["podman", "runc", "debootstrap"].into_iter().find(|program| !is_installed(program));
        match missing {
            Some(program) => Err(format!("{program} is not installed")),
            None => Ok(Self::new()),
        }
    }

    fn new() -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        let path = home.path();
        fs::write(path.join("containers.conf"), ENGINE).expect("it can be written");
        let storage = format!(
            "[storage]\ndriver = \"overlay\"\ngraphroot = \"{0}/graph\"\nrunroot = \"{0}/run\"\n",
            path.display()
        );
        fs::write(path.join("storage.conf"), storage).expect("it can be written");
        Self { home }
    }

    /// A command that finds this podman's settings.
    #[must_use]
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env("CONTAINERS_CONF", self.home.path().join("containers.conf"));
        command.env("CONTAINERS_STORAGE_CONF", self.home.path().join("storage.conf"));
        command.stdin(Stdio::null());
        command
    }

    /// Runs podman to its end.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Ended {
        ended(self.command("podman").args(arguments))
    }

    /// Makes an image of Debian with Python 3.11 and gives its name with its digest.
    #[must_use]
    pub fn debian(&self) -> String {
        let root = self.home.path().join("root");
        let mut debootstrap = Command::new("debootstrap");
        debootstrap
            .args(["--variant=minbase", "--include=python3,python3-venv,ca-certificates", "bookworm"])
            .arg(&root);
        succeed(&mut debootstrap);
        let archive = self.home.path().join("root.tar");
        succeed(Command::new("tar").arg("-cf").arg(&archive).arg("-C").arg(&root).arg("."));
        let path = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        let name = "localhost/base:1";
        succeed(self.command("podman").args(["import", "--change", path]).arg(&archive).arg(name));
        let digest = succeed(self.command("podman").args(["image", "inspect", "--format", "{{.Digest}}", name]));
        format!("{name}@{}", digest.trim())
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        // Overlays stay mounted otherwise, and their folder could not be removed.
        let _ = self.run(&["rmi", "--all", "--force"]);
        let storage: PathBuf = self.home.path().join("graph/overlay");
        let _ = ended(Command::new("umount").arg("--quiet").arg(storage));
    }
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]).any(|folder: PathBuf| {
        let file: &Path = &folder.join(program);
        file.is_file()
    })
}

fn succeed(command: &mut Command) -> String {
    let told = ended(command);
    assert_eq!(told.code, 0, "{command:?}: {}{}", told.stdout, told.stderr);
    told.stdout
}
