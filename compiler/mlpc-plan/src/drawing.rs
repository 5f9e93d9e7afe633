//! The points of a sweep that are known when the program is compiled: a grid, or drawn from the sweep's seed.
//!
//! Every number is a hash of the seed, the point and the dimension, so that a further point or dimension changes no other.

use indexmap::IndexMap;
use mlpc_hir::numbers::shortened;
use mlpc_hir::typed::{Candidate, Const, Dimension, Domain, Drawing};
use sha2::{Digest, Sha256};

/// A point: a model, and values of its dimensions. One whose condition does not hold has none.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The number of the model among the candidates.
    pub candidate: usize,
    /// By dimension.
    pub values: IndexMap<String, Const>,
}

/// Every combination of the listed values, model by model; the last dimension changes first.
#[must_use]
pub fn grid(candidates: &[Candidate]) -> Vec<Point> {
    let mut points = Vec::new();
    for (candidate, one) in candidates.iter().enumerate() {
        let mut found: Vec<IndexMap<String, Const>> = vec![IndexMap::new()];
        for dimension in &one.dimensions {
            found = found.into_iter().flat_map(|values| with_each(values, dimension)).collect();
        }
        points.extend(found.into_iter().map(|values| Point { candidate, values }));
    }
    points
}

fn with_each(values: IndexMap<String, Const>, dimension: &Dimension) -> Vec<IndexMap<String, Const>> {
    let Domain::Choice(choices) = &dimension.domain else { return vec![values] };
    if !applies(dimension, &values) {
        return vec![values];
    }
    let with = |choice: &Const| {
        let mut values = values.clone();
        values.insert(dimension.name.clone(), choice.clone());
        values
    };
    choices.iter().map(with).collect()
}

fn applies(dimension: &Dimension, values: &IndexMap<String, Const>) -> bool {
    dimension.when.as_ref().is_none_or(|when| when.holds(&|name| values.get(name).cloned()))
}

/// So many points of the space. Where there are several models, one more dimension chooses among them.
#[must_use]
pub fn drawn(drawing: Drawing, candidates: &[Candidate], trials: u32, seed: u32) -> Vec<Point> {
    let axes = Axes { drawing, trials, seed };
    (0..trials)
        .map(|trial| {
            let candidate = match candidates.len() {
                0 | 1 => 0,
                count => place(axes.unit(trial, "model", 0), count),
            };
            let dimensions = candidates.get(candidate).map_or(&[][..], |one| one.dimensions.as_slice());
            // Axes are counted over all models: each keeps its own.
            let before: usize = candidates.iter().take(candidate).map(|one| one.dimensions.len()).sum();
            let mut values = IndexMap::new();
            for (at, dimension) in dimensions.iter().enumerate() {
                if applies(dimension, &values) {
                    let name = format!("{candidate}.{}", dimension.name);
                    let unit = axes.unit(trial, &name, 1 + before + at);
                    values.insert(dimension.name.clone(), value(&dimension.domain, unit));
                }
            }
            Point { candidate, values }
        })
        .collect()
}

/// Numbers from 0 to below 1 along named axes.
struct Axes {
    drawing: Drawing,
    trials: u32,
    seed: u32,
}

impl Axes {
    fn unit(&self, trial: u32, axis: &str, number: usize) -> f64 {
        match self.drawing {
            Drawing::Random => self.hashed("random", axis, trial),
            Drawing::LatinHypercube => {
                // The pieces in the order of their hashes: a permutation.
                let mine = self.hashed("piece", axis, trial);
                let earlier = (0..self.trials).filter(|other| {
                    let theirs = self.hashed("piece", axis, *other);
                    theirs < mine || (theirs == mine && *other < trial)
                });
                let piece = u32::try_from(earlier.count()).unwrap_or(u32::MAX);
                (f64::from(piece) + self.hashed("within", axis, trial)) / f64::from(self.trials)
            }
            Drawing::Sobol => {
                let axis = u32::try_from(number).unwrap_or(u32::MAX) % sobol_burley::NUM_DIMENSIONS;
                f64::from(sobol_burley::sample(trial, axis, self.seed))
            }
        }
    }

    /// The first 53 bits of `SHA-256("mlp-draw/v1" ‖ seed ‖ kind ‖ axis ‖ trial)` as a fraction.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
    fn hashed(&self, kind: &str, axis: &str, trial: u32) -> f64 {
        let mut hasher = Sha256::new();
        for field in ["mlp-draw/v1", &self.seed.to_string(), kind, axis, &trial.to_string()] {
            hasher.update(field.as_bytes());
            hasher.update([0]);
        }
        let bits = hasher.finalize().iter().take(8).fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        (bits >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The place of a number from 0 to below 1 among so many.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a sweep has few models and values"
)]
fn place(unit: f64, count: usize) -> usize {
    ((unit * count as f64) as usize).min(count.saturating_sub(1))
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "bounds of hyperparameters are small")]
fn value(domain: &Domain, unit: f64) -> Const {
    match domain {
        Domain::Choice(values) => values.get(place(unit, values.len())).cloned().unwrap_or(Const::Null),
        Domain::Int { low, high, log } => {
            let (from, until) = (*low as f64, *high as f64 + 1.0);
            let at = if *log { from * (until / from).powf(unit) } else { from + (until - from) * unit };
            Const::Int((shortened(at).floor() as i64).clamp(*low, *high))
        }
        Domain::Float { low, high, log } => {
            let at = if *log { low * (high / low).powf(unit) } else { low + (high - low) * unit };
            Const::Float(shortened(at).clamp(*low, *high))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_precision_loss, reason = "tests may panic")]
    use super::*;
    use mlpc_hir::typed::When;
    use std::collections::BTreeSet;

    fn space() -> Vec<Candidate> {
        let dimension = |name: &str, domain| Dimension { name: name.to_owned(), domain, when: None };
        let words = ["tree", "dart"].map(|word| Const::Str(word.to_owned())).to_vec();
        let dart = When::Is("booster".to_owned(), vec![Const::Str("dart".to_owned())]);
        let rate = Domain::Float { low: 0.0, high: 0.5, log: false };
        vec![Candidate {
            train: "boosted".to_owned(),
            dimensions: vec![
                dimension("booster", Domain::Choice(words)),
                dimension("eta", Domain::Float { low: 0.01, high: 0.3, log: true }),
                dimension("depth", Domain::Int { low: 2, high: 9, log: false }),
                Dimension { name: "rate_drop".to_owned(), domain: rate, when: Some(dart) },
            ],
        }]
    }

    #[test]
    fn a_grid_is_every_combination_and_leaves_out_what_does_not_apply() {
        let mut space = space();
        space[0].dimensions.retain(|dimension| ["booster", "rate_drop"].contains(&dimension.name.as_str()));
        space[0].dimensions[1].domain = Domain::Choice(vec![Const::Float(0.1), Const::Float(0.2)]);
        let points = grid(&space);
        let told: Vec<Vec<String>> =
            points.iter().map(|point| point.values.values().map(Const::describe).collect()).collect();
        assert_eq!(told, [vec!["\"tree\""], vec!["\"dart\"", "0.1"], vec!["\"dart\"", "0.2"]]);
    }

    #[test]
    fn points_lie_in_their_domains_and_are_the_same_each_time() {
        for drawing in [Drawing::Random, Drawing::Sobol, Drawing::LatinHypercube] {
            let points = drawn(drawing, &space(), 64, 7);
            assert_eq!(points, drawn(drawing, &space(), 64, 7));
            assert_ne!(points, drawn(drawing, &space(), 64, 8));
            for point in &points {
                let eta = point.values["eta"].number().unwrap();
                let depth = point.values["depth"].number().unwrap();
                assert!((0.01..=0.3).contains(&eta) && (2.0..=9.0).contains(&depth), "{point:?}");
                let dart = point.values["booster"] == Const::Str("dart".to_owned());
                assert_eq!(dart, point.values.contains_key("rate_drop"));
            }
            let depths: BTreeSet<i64> = points
                .iter()
                .filter_map(|point| match point.values["depth"] {
                    Const::Int(depth) => Some(depth),
                    _ => None,
                })
                .collect();
            assert_eq!(depths.len(), 8, "{drawing:?} leaves some depth out");
        }
    }

    #[test]
    fn more_points_and_more_dimensions_change_no_random_point() {
        let mut wider = space();
        wider[0].dimensions.insert(
            2,
            Dimension { name: "new".to_owned(), domain: Domain::Int { low: 1, high: 3, log: false }, when: None },
        );
        let (few, many) = (drawn(Drawing::Random, &space(), 8, 7), drawn(Drawing::Random, &wider, 16, 7));
        for (one, other) in few.iter().zip(&many) {
            assert!(one.values.iter().all(|(name, value)| other.values[name] == *value));
        }
    }

    #[test]
    fn each_piece_of_a_latin_hypercube_holds_one_point() {
        let unit = Domain::Float { low: 0.0, high: 1.0, log: false };
        let space = vec![Candidate {
            train: String::new(),
            dimensions: vec![Dimension { name: "x".to_owned(), domain: unit, when: None }],
        }];
        let points = drawn(Drawing::LatinHypercube, &space, 20, 3);
        let pieces: BTreeSet<usize> =
            points.iter().map(|point| place(point.values["x"].number().unwrap(), 20)).collect();
        assert_eq!(pieces.len(), 20);
    }
}
