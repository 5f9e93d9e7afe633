//! Text of people in every place where a program takes some: each file of each build holds it whole or not at all, and is
//! for the rest what it is with plain text.

use indexmap::IndexMap;
use mlpc_emit::backend::{BACKENDS, Choice};
use mlpc_emit::graph::{Picture, page, svg};
use mlpc_hir::specs::{BLOCKS, ValueForm};
use mlpc_plan::lock::Lock;
use mlpc_syntax::quoted;
use mlpc_tests::odd::{ODD, long, made};
use mlpc_tests::program::{Checked, MAIN, check_files};
use mlpc_tests::python::{self, repository};
use regex::{Captures, Regex};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A program with a name between `«` and `»` wherever a text may stand. What is before the name says what the text is: a
/// `path`, a command of a `shell`, documentation (`doc`); else a literal. A setting's is called by block and setting.
const PROGRAM: &str = include_str!("places.mlp");

/// Settings that take a text, but not any: each has a rule, which refuses what could break out.
const BY_RULE: &[(&str, &str)] = &[
    ("environment.python", "a version"),
    ("environment.packages", "requirements"),
    ("environment.image", "a name of an image with its digest"),
    ("dataset.timezone", "a zone"),
    ("register.alias", "a name"),
    ("step.role", "the role that a dataset is read under"),
    ("trainer.python", "a module, or a file of the project, and a name in it"),
    ("trainer.package", "a requirement"),
    ("fn.polars", "a template, whose text is Python"),
    ("fn.python", "a file of the project and a name in it"),
    ("fn.fit", "a file of the project and a name in it"),
    ("fn.out_of_fold", "a file of the project and a name in it"),
    ("metric.python", "a module, or a file of the project, and a name in it"),
    ("expectation.polars", "a template, whose text is Python"),
    ("expectation.python", "a module and a name in it"),
    ("expectation.offending", "a template, whose text is Python"),
];

/// Places whose text no file holds: only who reads the program learns it.
const UNPRINTED: &[&str] = &["allow.because", "environment", "column", "param", "environment.env"];

/// What a target cannot do without.
const SETTINGS: &[(&str, &str, &str)] = &[
    (
        "kubeflow",
        "image",
        "registry.example/steps@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    ),
    ("kubeflow", "store", "s3://artifacts/examples"),
];

/// The name in a text, by which it is found wherever it went: `qdatasetq` for `dataset`.
fn marked(name: &str) -> String {
    name.replace(['.', '_'], "")
}

/// What stands in a place for a text, and what is written there.
fn filled(kind: &str, name: &str, text: &str) -> (String, String) {
    let between = |text: &str| format!("q{0}q{text}p{0}p", marked(name));
    match kind {
        "doc" => {
            // Lines are lines of the file, and what does not show in one is no documentation.
            let shown: String = text.chars().filter(|letter| *letter == '\n' || !letter.is_control()).collect();
            let lines: Vec<&str> = shown.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
            let text = between(&lines.join("\n"));
            let written = text.replace('\n', "\n/// ");
            (text, written)
        }
        "path" => {
            let may = |letter: &char| !letter.is_control() && !"/\\:".contains(*letter);
            let text = between(&text.chars().filter(may).take(40).collect::<String>());
            (text.clone(), text)
        }
        "shell" => {
            let text = between(&text.replace('{', "{{").replace('}', "}}"));
            let written = quoted(&format!("true # {text}\ntouch {{made}}"));
            (text, written)
        }
        _ => {
            let text = between(text);
            let written = quoted(&text);
            (text, written)
        }
    }
}

/// The program with texts in its places, and what is in each.
fn program(text_of: &dyn Fn(usize) -> String) -> (Checked, BTreeMap<String, String>) {
    let place = Regex::new(r"«(?:(\w+) )?([^»]*)»(\.\w+)?").unwrap();
    let (mut texts, mut numbers, mut files) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
    let program = place.replace_all(PROGRAM, |found: &Captures<'_>| {
        let kind = found.get(1).map_or("", |kind| kind.as_str());
        let next = numbers.len();
        let number = *numbers.entry(found[2].to_owned()).or_insert(next);
        let (text, mut written) = filled(kind, &found[2], &text_of(number));
        if kind == "path" {
            files.push(format!("{text}{}", &found[3]));
            written = quoted(&format!("{text}{}", &found[3]));
        }
        let before = texts.insert(marked(&found[2]), text.clone());
        assert!(before.is_none_or(|before| before == text), "two places are called {}", &found[2]);
        written
    });
    let beside = files.iter().map(|path| (path.as_str(), ""));
    let all: Vec<(&str, &str)> = [(MAIN, &*program), ("places.db", "")].into_iter().chain(beside).collect();
    let checked = check_files(&all);
    assert_eq!(checked.summary(), [""; 0], "{program}");
    (checked, texts)
}

/// Everything that is printed for a program, below a folder: a build for each version of each target, the tests, pictures.
fn print(checked: &Checked, folder: &Path) {
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let mut lock = Lock::default();
    lock.environments.insert("cpu".to_owned(), python::locked());
    let (db, project) = (&checked.db, checked.project);
    for backend in BACKENDS {
        let versions = if backend.versions().is_empty() { &[""] } else { backend.versions() };
        for version in versions {
            let mut choice = Choice::of(*backend);
            choice.version = (*version).to_owned();
            let settings = SETTINGS.iter().filter(|(target, _, _)| *target == backend.name());
            choice.settings.extend(settings.map(|(_, name, value)| ((*name).to_owned(), (*value).to_owned())));
            let mut plan = mlpc_plan::lower(db, project, &lock);
            let mut entries: IndexMap<_, _> = mlpc_plan::lower_entries(db, project, &lock).into_iter().collect();
            let built = mlpc_emit::build_for(&choice, &mut plan, &mut entries, &BTreeMap::new());
            let what = format!("{}{version}", backend.name());
            let files = built.unwrap_or_else(|error| panic!("{what}: {error}"));
            for (name, text) in files.into_iter().filter(|(name, _)| !name.starts_with("mlp_runtime/")) {
                write(&format!("{what}/{name}"), &text);
            }
            let picture = Picture::of(&plan);
            write(&format!("{what}/graph.html"), &page(&picture));
            write(&format!("{what}/graph.svg"), &svg(&picture));
        }
    }
    let tests = mlpc_plan::lower_tests(db, project, &lock, &|_| true);
    let files = mlpc_emit::tests(&tests, &BTreeMap::new()).unwrap();
    for (name, text) in files.into_iter().filter(|(name, _)| !name.starts_with("mlp_runtime/")) {
        write(&format!("tests/{name}"), &text);
    }
}

/// The texts of each round: plain, every odd one at once, more than 64 KB, each alone at every place in turn, any.
fn rounds() -> Vec<Box<dyn Fn(usize) -> String>> {
    let made = made(120);
    let turn = |round: usize| move |place: usize| ODD[(place * 5 + round) % ODD.len()].to_owned();
    let any = |round: usize| {
        let made = made.clone();
        move |place: usize| made[(place * 3 + round) % made.len()].clone()
    };
    let mut rounds: Vec<Box<dyn Fn(usize) -> String>> =
        vec![Box::new(|_| "x".to_owned()), Box::new(|_| ODD.concat()), Box::new(|_| long())];
    for round in 0..3 {
        rounds.push(Box::new(turn(round * 17)));
        rounds.push(Box::new(any(round)));
    }
    rounds
}

#[test]
fn text_is_text_in_every_file() {
    let home = tempfile::tempdir().unwrap();
    let rounds = rounds();
    let folders: Vec<_> = (0..rounds.len()).map(|round| home.path().join(round.to_string())).collect();
    let mut texts = Vec::new();
    for (text_of, folder) in rounds.iter().zip(&folders) {
        let (checked, written) = program(text_of);
        print(&checked, folder);
        texts.push(written);
    }
    // One process reads them all; the environment of Kubeflow's SDK has a reader of YAML.
    let mut reader = python::clean(&python::interpreter("kubeflow"));
    let output = reader.arg(repository().join("tests/python/read_builds.py")).args(&folders).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read: Vec<BTreeMap<String, Value>> = serde_json::from_slice(&output.stdout).unwrap();

    let names: Vec<&str> = texts[0].keys().map(String::as_str).collect();
    let marker = Regex::new(&format!("q({})q", names.join("|"))).unwrap();
    let mut found = BTreeSet::new();
    for (round, (files, texts)) in read.iter().zip(&texts).enumerate() {
        assert_eq!(files.keys().collect::<Vec<_>>(), read[0].keys().collect::<Vec<_>>(), "round {round}");
        for (name, file) in files {
            assert_eq!(file["shape"], read[0][name]["shape"], "round {round}: {name} is another program with odd text");
            for text in file["texts"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()) {
                for mark in marker.captures_iter(text) {
                    let whole = &texts[&mark[1]];
                    // In what is shown of an expression, a text is spelled as in the program.
                    let spelled = quoted(whole);
                    let is_whole = text.contains(whole.as_str()) || text.contains(&spelled);
                    assert!(is_whole, "round {round}: {name} holds {text:?} in place of {whole:?}");
                    found.insert(mark[1].to_owned());
                }
            }
        }
    }
    let missing: BTreeSet<&str> = texts[0].keys().map(String::as_str).filter(|name| !found.contains(*name)).collect();
    assert_eq!(
        missing,
        UNPRINTED.iter().map(|name| marked(name)).collect::<BTreeSet<_>>().iter().map(String::as_str).collect()
    );
}

/// Every setting of the language's table that takes a text is in the program, or has a rule.
#[test]
fn no_setting_with_a_text_is_left_out() {
    for block in BLOCKS {
        let texts =
            block.content.settings.iter().filter(|setting| matches!(setting.value, ValueForm::Text | ValueForm::Texts));
        for name in texts.map(|setting| format!("{}.{}", block.keyword, setting.name)) {
            let is_free = PROGRAM.contains(&format!("«{name}»"));
            let has_rule = BY_RULE.iter().any(|(known, _)| *known == name);
            assert!(is_free != has_rule, "`{name}` stands in `places.mlp`, or its rule in `BY_RULE`");
        }
    }
}
