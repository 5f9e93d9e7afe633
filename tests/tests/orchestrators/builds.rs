//! Builds of every example for every target: the same bytes from any folder, all of them listed.

use mlpc_emit::backend::BACKENDS;
use mlpc_plan::identity::sha256_hex;
use mlpc_tests::example::EXAMPLES;
use mlpc_tests::project::Project;
use serde_json::Value;
use std::collections::BTreeMap;

/// What a target cannot do without.
const SETTINGS: &str = "[target.kubeflow]\nimage = \"registry.example/steps@sha256:\
    0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"\nstore = \"s3://artifacts/examples\"\n";

/// Every file of a build, from a copy of the example that lies somewhere else each time.
fn built(example: &str, target: &str) -> BTreeMap<String, Vec<u8>> {
    let project = Project::example(example);
    project.write("mlp.toml", SETTINGS);
    let ended = project.mlpc(&["build", "--target", target, "--locked", "--out", "built"]);
    assert_eq!(ended.code, 0, "{example} for {target}: {}", ended.stderr);
    project.files("built")
}

#[test]
fn builds_are_the_same_from_anywhere_and_list_their_files() {
    for backend in BACKENDS {
        for example in EXAMPLES {
            let what = format!("{example} for {}", backend.name());
            let (once, again) = (built(example, backend.name()), built(example, backend.name()));
            assert!(once == again, "{what}: another folder gives other bytes");
            let manifest: Value = serde_json::from_slice(&once["manifest.json"]).unwrap();
            assert_eq!(manifest["target"].as_str().unwrap().split(' ').next(), Some(backend.name()));
            let listed: BTreeMap<&str, &str> = manifest["files"]
                .as_array()
                .unwrap()
                .iter()
                .map(|file| (file["path"].as_str().unwrap(), file["sha256"].as_str().unwrap()))
                .collect();
            let there: BTreeMap<&str, String> = once
                .iter()
                .filter(|(path, _)| *path != "manifest.json")
                .map(|(path, bytes)| (path.as_str(), sha256_hex(bytes)))
                .collect();
            let there: BTreeMap<&str, &str> = there.iter().map(|(path, digest)| (*path, digest.as_str())).collect();
            assert_eq!(listed, there, "{what}");
            let origins = manifest["files"].as_array().unwrap().iter();
            assert!(origins.clone().all(|file| !file["origin"].as_str().unwrap().is_empty()), "{what}");
        }
    }
}
