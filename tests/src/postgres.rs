//! A PostgreSQL server for one test: its own folder, its own port on the loopback, gone with the value.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running server.
pub struct Server {
    child: Child,
    _home: tempfile::TempDir,
    /// Its address.
    pub uri: String,
}

impl Server {
    /// Starts one; it must be there within half a minute.
    #[must_use]
    pub fn start() -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        let data = home.path().join("data");
        std::fs::create_dir(&data).expect("it can be made");
        own(home.path());
        own(&data);
        let mut initdb = as_user("initdb");
        initdb.args(["--no-sync", "--auth=trust", "--username=tests", "--encoding=UTF8"]).arg("-D").arg(&data);
        let made = initdb.output().expect("initdb starts");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let port = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("it has one").port();
        let mut command = as_user("postgres");
        command.arg("-D").arg(&data).args(["-h", "127.0.0.1", "-p", &port.to_string(), "-F"]);
        command.arg("-k").arg(home.path());
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("postgres starts");
        let uri = format!("postgresql://tests@127.0.0.1:{port}/postgres");
        let server = Self { child, _home: home, uri };
        let started = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(started.elapsed() < Duration::from_secs(30), "the server does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGINT ends it at once and in order; it reaps its own workers.
        let _ = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

/// A program of PostgreSQL, wherever it is installed.
fn program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = versions.map(|version| version.path().join("bin").join(name)).collect();
    found.retain(|path| path.is_file());
    found.sort();
    found.pop().unwrap_or_else(|| PathBuf::from(name))
}

/// The command as someone who is not root, whom the server refuses.
#[cfg(unix)]
fn as_user(name: &str) -> Command {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new(program(name));
    command.current_dir("/");
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

#[cfg(unix)]
const NOBODY: u32 = 65_534;

#[cfg(unix)]
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    let own = tempfile::tempfile().and_then(|file| file.metadata());
    own.expect("a temporary file").uid() == 0
}

#[cfg(unix)]
fn own(folder: &Path) {
    if is_root() {
        std::os::unix::fs::chown(folder, Some(NOBODY), Some(NOBODY)).expect("root may");
    }
}
