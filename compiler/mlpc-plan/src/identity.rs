//! Seeds and step identities: the same on every backend.

use crate::Plan;
use crate::plan::{InputRef, Step};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Lower-case hexadecimal SHA-256 of `bytes`.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(if value < 10 { b'0' + value } else { b'a' + value - 10 });
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xF)]).collect()
}

/// The seed of a step: the first 32 bits of `SHA-256("mlp-seed/v1" ‖ pipeline ‖ step path ‖ pipeline seed)`, fields
/// ended by a zero byte so that no two lists of fields share their bytes. Adding a step changes no other step's seed.
#[must_use]
pub fn derive_seed(pipeline: &str, step_path: &str, pipeline_seed: i64) -> u32 {
    let mut hasher = Sha256::new();
    for field in ["mlp-seed/v1", pipeline, step_path, &pipeline_seed.to_string()] {
        hasher.update(field.as_bytes());
        hasher.update([0]);
    }
    let digest = hasher.finalize();
    digest.iter().take(4).fold(0, |seed, byte| seed << 8 | u32::from(*byte))
}

/// Sets [`Step::identity`] of every step, in order. Call it once programs and their hashes are set.
pub fn identify(plan: &mut Plan) {
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    let sources: BTreeMap<String, String> =
        plan.sources.iter().map(|source| (source.name.clone(), source.sha256.clone())).collect();
    let environments: BTreeMap<String, String> =
        plan.environments.iter().map(|(name, environment)| (name.clone(), environment.digest.clone())).collect();
    for step in &mut plan.steps {
        step.identity = identity(step, &sources, &environments, &known);
        known.insert(step.id.clone(), step.identity.clone());
    }
}

/// Everything that a step's result depends on, in the order in which it is hashed.
#[derive(Serialize)]
struct Ingredients<'a> {
    format: &'static str,
    step: &'a str,
    program: &'a str,
    environment: &'a str,
    params: BTreeMap<&'a str, &'a serde_json::Value>,
    seed: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fold: Option<u32>,
    cpu: u32,
    inputs: BTreeMap<&'a str, String>,
    outputs: BTreeMap<&'a str, &'a str>,
}

fn identity(
    step: &Step,
    sources: &BTreeMap<String, String>,
    environments: &BTreeMap<String, String>,
    known: &BTreeMap<String, String>,
) -> String {
    let of = |map: &BTreeMap<String, String>, key: &str| map.get(key).cloned().unwrap_or_default();
    let input = |from: &InputRef| match from {
        InputRef::Source { name } => format!("source:{}", of(sources, name)),
        InputRef::Step { step, output } => format!("step:{}:{output}", of(known, step)),
        InputRef::Champion { model, alias, .. } => format!("champion:{model}:{alias}"),
        InputRef::Previous { step, output } => format!("previous:{step}:{output}"),
        InputRef::Delivered { path } => format!("delivered:{path}"),
    };
    let environment = of(environments, &step.environment);
    let ingredients = Ingredients {
        format: "mlp-identity/v1",
        step: &step.id,
        program: &step.program.sha256,
        environment: &environment,
        params: step.params.iter().map(|(name, param)| (name.as_str(), &param.value)).collect(),
        seed: step.seed,
        fold: step.fold,
        cpu: step.resources.cpu,
        inputs: step.inputs.iter().map(|(name, from)| (name.as_str(), input(from))).collect(),
        outputs: step.outputs.iter().map(|(name, output)| (name.as_str(), output.path.as_str())).collect(),
    };
    // A struct of strings and numbers always serialises.
    sha256_hex(&serde_json::to_vec(&ingredients).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_stable_and_differ_by_step_and_by_pipeline_seed() {
        let seed = derive_seed("penguins", "train.species_model", 42);
        assert_eq!(seed, derive_seed("penguins", "train.species_model", 42));
        assert_ne!(seed, derive_seed("penguins", "train.other", 42));
        assert_ne!(seed, derive_seed("penguins", "train.species_model", 43));
    }
}
