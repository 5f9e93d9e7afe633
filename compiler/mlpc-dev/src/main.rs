//! `cargo dev gen`: writes every generated file of the repository from its table; `--check` only compares.

mod generate;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let check = arguments.iter().any(|argument| argument == "--check");
    if arguments.first().map(String::as_str) != Some("gen") {
        return say("usage: cargo dev gen [--check]", ExitCode::from(2));
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut stale = Vec::new();
    for (path, text) in generate::files() {
        let target = root.join(&path);
        if std::fs::read_to_string(&target).is_ok_and(|old| old == text) {
            continue;
        }
        stale.push(path);
        if check {
            continue;
        }
        let folder = target.parent().unwrap_or(&root);
        if let Err(error) = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&target, text)) {
            return say(&format!("cannot write {}: {error}", target.display()), ExitCode::FAILURE);
        }
    }
    match (stale.is_empty(), check) {
        (true, _) => ExitCode::SUCCESS,
        (false, true) => say(&format!("stale, run `cargo dev gen`: {}", stale.join(", ")), ExitCode::FAILURE),
        (false, false) => say(&format!("wrote {}", stale.join(", ")), ExitCode::SUCCESS),
    }
}

#[expect(clippy::print_stderr, reason = "a developer's tool, with no other way to speak")]
fn say(message: &str, code: ExitCode) -> ExitCode {
    eprintln!("{message}");
    code
}
