//! Every fix that is offered mends what it is offered for, and breaks nothing else of the text.

use crate::{mistakes, specs};
use mlpc_diagnostics::{Diagnostic, FileId, Fix};
use mlpc_tests::program::{MAIN, check_files};

#[test]
fn every_fix_mends_its_finding() {
    let single = mistakes::programs().map(|text| vec![(MAIN.to_owned(), text)]);
    let (mut tried, mut wrong) = (0, Vec::new());
    for files in single.chain(specs::programs()) {
        let borrowed = borrow(&files);
        let checked = check_files(&borrowed);
        let paths: Vec<(FileId, String)> =
            checked.files().iter().map(|file| (file.id(&checked.db), file.path(&checked.db).to_owned())).collect();
        for finding in &checked.findings {
            for fix in &finding.fixes {
                tried += 1;
                let mended = apply(&files, fix, &paths);
                let after = check_files(&borrow(&mended));
                let same = |other: &Diagnostic| other.code == finding.code && other.message == finding.message;
                let syntax = |found: &[Diagnostic]| found.iter().filter(|other| other.code.id < "MLP02").count();
                let before = checked.findings.iter().filter(|other| same(other)).count();
                if after.findings.iter().filter(|other| same(other)).count() >= before
                    || syntax(&after.findings) > syntax(&checked.findings)
                {
                    wrong.push(format!("{}: {:?} gives {:#?}", finding.message, fix.title, after.summary()));
                }
            }
        }
    }
    assert!(tried > 50, "only {tried} fixes");
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
}

fn borrow(files: &[(String, String)]) -> Vec<(&str, &str)> {
    files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect()
}

/// The files after a fix; `paths` are those of the database.
fn apply(files: &[(String, String)], fix: &Fix, paths: &[(FileId, String)]) -> Vec<(String, String)> {
    let mut mended = files.to_vec();
    let mut edits = fix.edits.clone();
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.place.span));
    let first = edits.first().expect("a fix has an edit").place.file;
    assert!(edits.iter().all(|edit| edit.place.file == first), "a fix of several files");
    let (_, path) = paths.iter().find(|(file, _)| *file == first).expect("a file of the program");
    let target = mended.iter_mut().find(|(other, _)| other == path).expect("a file of the program");
    for edit in edits {
        target.1.replace_range(edit.place.span.range(), &edit.text);
    }
    mended
}
