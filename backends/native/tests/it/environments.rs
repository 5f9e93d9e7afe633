//! Resolving and installing real packages. They need the package index, so they are small.

use mlpc_native::environment::{ensure, ready};
use mlpc_native::resolve::resolve;
use mlpc_plan::lock::environment_digest;
use mlpc_plan::plan::Environment;

/// A small package without dependencies, and one with a dependency.
const REQUIREMENTS: &[&str] = &["iniconfig==2.0.0", "python-dateutil==2.9.0"];

fn version() -> String {
    let answer = std::process::Command::new(crate::project::python())
        .args(["-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
        .output()
        .unwrap();
    String::from_utf8(answer.stdout).unwrap().trim().to_owned()
}

/// One test, because the cache folder is named by a variable of the whole process.
#[test]
fn requirements_become_a_lock_and_the_lock_an_environment() {
    let python = version();
    let requirements: Vec<String> = REQUIREMENTS.iter().map(|&text| text.to_owned()).collect();
    let mut told = Vec::new();
    let packages = resolve(&requirements, &python, &mut |message| told.push(message.to_owned())).unwrap();
    let names: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    assert_eq!(names, ["iniconfig", "python-dateutil", "six"]);
    assert!(packages.iter().all(|package| !package.sha256.is_empty()));
    assert!(told.iter().any(|message| message == "resolving 2 requirements"), "{told:?}");

    let digest = environment_digest(&python, &packages);
    let environment = Environment { python, packages, digest, image: None };
    // Two at once: one builds, the other waits for it.
    let made: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(|| ensure(&environment, &mut |_| {}).unwrap())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(made[0], made[1]);
    assert_eq!(ready(&environment).unwrap(), Some(made[0].clone()));
    let imported =
        std::process::Command::new(&made[0]).args(["-c", "import dateutil, iniconfig, six"]).status().unwrap();
    assert!(imported.success());

    let mut tampered = environment.clone();
    for package in &mut tampered.packages {
        package.sha256 = vec!["0".repeat(64)];
    }
    tampered.digest = environment_digest(&tampered.python, &tampered.packages);
    let error = ensure(&tampered, &mut |_| {}).unwrap_err().to_string();
    assert!(error.to_lowercase().contains("hash"), "{error}");
    assert_eq!(ready(&tampered).unwrap(), None, "what failed is not there");
}

#[test]
fn what_cannot_be_resolved_is_told_in_the_words_of_the_tool() {
    let error = resolve(&["iniconfig==99.0".to_owned()], &version(), &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("iniconfig"), "{error}");
    let error = resolve(&["iniconfig".to_owned()], "3.99", &mut |_| {}).unwrap_err().to_string();
    assert!(error.starts_with("Python 3.99 was not found; there is "), "{error}");
}
