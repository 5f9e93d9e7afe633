//! A folder of `tests/cli`.

use super::command::{Ended, ended, mlpc};
use super::normal::normal;
use mlpc_db::{Database, RealSystem};
use mlpc_plan::identity::sha256_hex;
use mlpc_plan::lock::{Lock, LockedData, LockedEnvironment, LockedStdlib};
use mlpc_tests::python;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A case.
pub struct Case {
    folder: PathBuf,
}

/// Where cases are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cli")
}

/// All cases; the slow ones, which come last in the list, are taken first.
pub fn cases() -> Vec<Case> {
    let entries = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    folders.sort_by_key(|folder| (folder.join("slow").exists(), folder.clone()));
    folders.into_iter().map(|folder| Case { folder }).collect()
}

/// Makes the environment in which data is looked at, so that no case tells of it.
fn have_tools() {
    let tools = mlpc_plan::lock::parse(mlpc_stdlib::tools()).unwrap().environment("tools").unwrap();
    mlpc_native::environment::ensure(&tools, &mut |_| {}).unwrap();
}

impl Case {
    /// Its folder's name.
    pub fn name(&self) -> String {
        self.folder.file_name().unwrap().to_string_lossy().into_owned()
    }

    /// Runs it; what differs, if anything does.
    pub fn check(&self) -> Option<String> {
        let work = tempfile::tempdir().unwrap();
        let place = work.path().join("work");
        fs::create_dir(&place).unwrap();
        copy(&self.folder.join("inputs"), &place);
        if self.folder.join("offline_lock").exists() {
            lock(&place, &LockedEnvironment::default());
        }
        if self.folder.join("python_lock").exists() {
            python::python();
            lock(&place, &python::locked());
        }
        let script = fs::read_to_string(self.folder.join("args")).unwrap();
        if script.lines().any(|line| line.contains("--data") || line.starts_with("infer")) {
            have_tools();
        }
        let commands = script.lines().filter(|line| !line.starts_with('@')).count();
        let (mut stdout, mut stderr, mut codes) = (String::new(), String::new(), String::new());
        for line in script.lines() {
            if let Some(change) = line.strip_prefix("@ ") {
                edit(&place, &words(change));
                continue;
            }
            let done = command(&place, line);
            let head = if commands > 1 { format!("$ mlpc {line}\n") } else { String::new() };
            stdout += &format!("{head}{}", normal(&done.stdout, &place));
            stderr += &format!("{head}{}", normal(&done.stderr, &place));
            writeln!(codes, "{}", done.code).unwrap();
        }
        let mut differences = String::new();
        let codes = if codes.lines().all(|code| code == "0") { String::new() } else { codes };
        for (name, text) in [("stdout", stdout), ("stderr", stderr), ("exit_code", codes)] {
            let silent = !text.lines().any(|line| !line.starts_with("$ mlpc "));
            differences += &compare(&self.folder.join(name), if silent { "" } else { &text });
        }
        differences += &self.outputs(&place);
        (!differences.is_empty()).then_some(differences)
    }

    /// Compares the files that must be there.
    fn outputs(&self, place: &Path) -> String {
        let outputs = self.folder.join("outputs");
        let mut differences = String::new();
        for name in files_below(&outputs) {
            let path = place.join(&name);
            match fs::read_to_string(&path) {
                Ok(text) => differences += &compare(&outputs.join(&name), &normal(&text, place)),
                Err(error) => writeln!(differences, "outputs/{name}: {error}").unwrap(),
            }
        }
        differences
    }
}

/// Runs one line; `interrupt …` sends SIGINT once a step runs.
fn command(place: &Path, line: &str) -> Ended {
    let args = words(line);
    match args.split_first() {
        Some((first, rest)) if first == "interrupt" => interrupted(place, rest),
        _ => ended(mlpc().args(&args).current_dir(place)),
    }
}

fn interrupted(place: &Path, args: &[String]) -> Ended {
    let mut child = mlpc().args(args).current_dir(place).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    let mut stdout = String::new();
    while !stdout.contains("step_started") {
        assert!(reader.read_line(&mut stdout).unwrap() > 0, "no step started: {stdout}");
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    reader.read_to_string(&mut stdout).unwrap();
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    Ended { stdout, stderr, code: child.wait().unwrap().code().unwrap_or(-1) }
}

/// `replace FILE OLD NEW`, `write FILE TEXT`, `remove FILE`, `cat FILE`.
fn edit(place: &Path, words: &[String]) {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["replace", file, old, new] => {
            let path = place.join(file);
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.contains(old), "{file} does not hold {old:?}");
            fs::write(&path, text.replacen(old, &new.replace("\\n", "\n"), 1)).unwrap();
        }
        ["write", file, text] => fs::write(place.join(file), text.replace("\\n", "\n")).unwrap(),
        ["remove", file] => fs::remove_file(place.join(file)).unwrap(),
        other => panic!("no such change: {other:?}"),
    }
}

/// Words between blanks; quotes hold blanks.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' if !quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// What differs between a file and a text; with `BLESS`, the file becomes the text and nothing differs.
fn compare(path: &Path, found: &str) -> String {
    if std::env::var_os("BLESS").is_some() {
        if found.is_empty() && path.parent().is_some_and(|parent| parent.join("args").exists()) {
            let _ = fs::remove_file(path);
        } else {
            fs::write(path, found).unwrap();
        }
        return String::new();
    }
    let wanted = fs::read_to_string(path).unwrap_or_default();
    if wanted == found {
        return String::new();
    }
    let name = path.file_name().unwrap().to_string_lossy();
    let (left, right): (Vec<&str>, Vec<&str>) = (wanted.lines().collect(), found.lines().collect());
    let first = left.iter().zip(&right).take_while(|(left, right)| left == right).count();
    let show = |lines: &[&str]| {
        lines.get(first..).unwrap_or_default().iter().take(12).map(|line| format!("    {line}\n")).collect::<String>()
    };
    format!("{name}, from line {}: wanted\n{}  found\n{}", first + 1, show(&left), show(&right))
}

/// A lock of the program as wanted, with the packages of `packages` in each environment: none for a program whose steps
/// need no Python.
fn lock(place: &Path, packages: &LockedEnvironment) {
    let names = files_below(place);
    let program = names.iter().find(|name| name.ends_with(".mlp")).unwrap();
    let mut db = Database::default();
    let project = mlpc_hir::load(&mut db, &RealSystem::new(place), program, None).unwrap();
    let wanted = mlpc_plan::wanted(&db, project);
    let stdlib = LockedStdlib { version: mlpc_stdlib::version().to_owned(), sha256: mlpc_stdlib::digest() };
    let mut lock = Lock { stdlib: Some(stdlib), ..Lock::default() };
    for data in &wanted.data {
        let bytes = fs::read(place.join(&data.path)).unwrap();
        let locked = LockedData {
            path: data.path.clone(),
            sha256: sha256_hex(&bytes),
            bytes: bytes.len() as u64,
            archive: None,
        };
        lock.data.insert(data.name.clone(), locked);
    }
    for code in &wanted.code {
        lock.code.insert(code.path.clone(), sha256_hex(&fs::read(place.join(&code.path)).unwrap()));
    }
    for environment in &wanted.environments {
        let (python, requirements) = (environment.python.clone(), environment.digest());
        let locked = LockedEnvironment { python, requirements, ..packages.clone() };
        lock.environments.insert(environment.name.clone(), locked);
    }
    fs::write(place.join("mlp.lock"), lock.print()).unwrap();
}

/// Paths of files below a folder, relative, sorted; none if there is no folder.
fn files_below(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(files_below(&path).into_iter().map(|below| format!("{name}/{below}")));
        } else {
            found.push(name);
        }
    }
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    for name in files_below(from) {
        let target = to.join(&name);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(from.join(&name), target).unwrap();
    }
}
