//! Fans: steps that do the same for each fold of a split, which a target that knows loops writes only once.

use mlpc_plan::plan::{InputRef, Step};
use std::collections::{BTreeSet, HashMap, HashSet};

/// Work that is done once for each fold.
///
/// No step that is outside stands between two that are inside, so that a fan can be one node of a graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Fan<'a> {
    /// The folds ([`Step::fold`]), in order; at least two.
    pub folds: Vec<u32>,
    /// What is done for each of them, in the order of the plan. Where one reads another, the step of a fold reads the
    /// step of the same fold, and no other.
    pub tasks: Vec<Task<'a>>,
}

/// One thing that a fan does for each fold.
#[derive(Clone, Debug, PartialEq)]
pub struct Task<'a> {
    /// What it is called, unlike any step: `train.species_model.folds`.
    pub name: String,
    /// The step of each fold, in the order of the folds. They have the same program, and differ in name, fold, seed,
    /// parameters and in which steps of the fan they read; all else that a plan says of a step is the same.
    pub steps: Vec<&'a Step>,
}

impl Fan<'_> {
    /// Whether a step is one of it.
    #[must_use]
    pub fn holds(&self, id: &str) -> bool {
        ids(&self.tasks).any(|own| own == id)
    }
}

impl<'a> Task<'a> {
    /// The step of the first fold, which tells what is the same of all.
    #[must_use]
    pub fn first(&self) -> Option<&'a Step> {
        self.steps.first().copied()
    }

    /// What each fold is called: `fold_1`.
    pub fn labels(&self) -> impl Iterator<Item = &'a str> {
        self.steps.iter().filter_map(|step| divided(step)).map(|(_, label)| label)
    }

    fn folds(&self) -> Vec<u32> {
        self.steps.iter().filter_map(|step| step.fold).collect()
    }
}

/// The fans of a plan's steps, in the order of their first steps. A step is in one of them or in none.
#[must_use]
pub fn fans(steps: &[Step]) -> Vec<Fan<'_>> {
    let mut fans: Vec<Fan<'_>> = Vec::new();
    for task in candidates(steps) {
        let near = match reads(&task, &fans) {
            Some(near) if task.steps.len() > 1 => near,
            _ => continue,
        };
        let folds = task.folds();
        let mut tasks: Vec<Task<'_>> =
            near.iter().flat_map(|at| fans.get(*at)).flat_map(|fan| fan.tasks.clone()).collect();
        tasks.push(task);
        let inside: HashSet<&str> = ids(&tasks).collect();
        if !leaves_and_returns(steps, &inside) {
            let mut at = 0..;
            fans.retain(|_| at.next().is_none_or(|at| !near.contains(&at)));
            fans.push(Fan { folds, tasks });
        }
    }
    let place = |id: &str| steps.iter().position(|step| step.id == id);
    for fan in &mut fans {
        fan.tasks.sort_by_key(|task| task.first().and_then(|step| place(&step.id)));
    }
    fans.sort_by_key(|fan| ids(&fan.tasks).next().and_then(place));
    fans
}

fn ids<'a>(tasks: &[Task<'a>]) -> impl Iterator<Item = &'a str> {
    tasks.iter().flat_map(|task| &task.steps).map(|step| step.id.as_str())
}

/// Steps of folds by what they do, in the order of the plan.
fn candidates(steps: &[Step]) -> Vec<Task<'_>> {
    let mut taken: HashSet<String> = steps.iter().map(|step| step.id.clone()).collect();
    let mut found: Vec<Task<'_>> = Vec::new();
    let mut known: HashMap<(&str, &str), usize> = HashMap::new();
    for step in steps.iter().filter(|step| step.fold.is_some()) {
        let Some((whole, label)) = divided(step) else { continue };
        let at = *known.entry((whole, &step.program.path)).or_insert_with(|| {
            let kind = label.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '_');
            let mut name = format!("{whole}.{kind}s");
            while !taken.insert(name.clone()) {
                name.push('_');
            }
            found.push(Task { name, steps: Vec::new() });
            found.len() - 1
        });
        if let Some(task) = found.get_mut(at) {
            task.steps.push(step);
        }
    }
    for task in &mut found {
        task.steps.sort_by_key(|step| step.fold);
    }
    found
}

/// `train.species_model.fold_1` as `train.species_model` and `fold_1`.
fn divided(step: &Step) -> Option<(&str, &str)> {
    step.id.rsplit_once('.')
}

/// The fans, by their places, of which the step of each fold reads the step of the same fold; `None` where the steps differ
/// in more than that.
fn reads(task: &Task<'_>, fans: &[Fan<'_>]) -> Option<BTreeSet<usize>> {
    let first = task.first()?;
    let folds = task.folds();
    // The step that stands at the same place of a fan's task, for each step of the fan.
    let fellow = |id: &str, at: usize| {
        fans.iter().enumerate().filter(|(_, fan)| fan.folds == folds).find_map(|(place, fan)| {
            let task = fan.tasks.iter().find(|task| task.steps.first().is_some_and(|step| step.id == id))?;
            task.steps.get(at).map(|step| (place, step.id.as_str()))
        })
    };
    let mut near = BTreeSet::new();
    for (at, step) in task.steps.iter().enumerate() {
        let mut like_first = (*step).clone();
        like_first.inputs.clone_from(&first.inputs);
        for read in like_first.inputs.values_mut() {
            if let InputRef::Step { step, .. } = read
                && let Some((place, own)) = fellow(step, at)
            {
                near.insert(place);
                *step = own.to_owned();
            }
        }
        if like_first.inputs != step.inputs || !is_like(step, first) {
            return None;
        }
    }
    Some(near)
}

/// Whether all that a task says only once is the same.
fn is_like(step: &Step, first: &Step) -> bool {
    step.program.path == first.program.path
        && step.spec == first.spec
        && step.outputs == first.outputs
        && step.environment == first.environment
        && step.resources == first.resources
        && step.retry == first.retry
        && step.timeout_seconds == first.timeout_seconds
        && step.after == first.after
        && step.when == first.when
        && step.doc == first.doc
}

/// Whether one of these steps comes after another of them by way of a step that is not among them.
fn leaves_and_returns(steps: &[Step], inside: &HashSet<&str>) -> bool {
    let mut behind: HashSet<&str> = HashSet::new();
    for step in steps {
        let is_inside = inside.contains(step.id.as_str());
        if is_inside && step.needs().any(|id| behind.contains(id)) {
            return true;
        }
        if !is_inside && step.needs().any(|id| inside.contains(id) || behind.contains(id)) {
            behind.insert(&step.id);
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use mlpc_plan::plan::{ArtifactKind, Origin, Output, Program, Resources, Retry, StepSpec};

    /// A step of a fold, or of none (0), that reads `made` of others.
    fn step(id: &str, fold: u32, reads: &[&str]) -> Step {
        let read = |step: &&str| InputRef::Step { step: (*step).to_owned(), output: "made".to_owned() };
        let whole = id.trim_end_matches(|letter: char| letter.is_ascii_digit());
        Step {
            id: id.to_owned(),
            title: id.to_owned(),
            doc: None,
            origin: Origin { file: "main.mlp".to_owned(), line: 1 },
            inputs: reads.iter().enumerate().map(|(at, step)| (format!("read_{at}"), read(step))).collect(),
            outputs: [("made".to_owned(), Output { kind: ArtifactKind::File, path: "made".to_owned() })].into(),
            params: [].into(),
            seed: None,
            fold: (fold > 0).then_some(fold),
            environment: "default".to_owned(),
            resources: Resources { cpu: 1, memory: None },
            retry: Retry::default(),
            timeout_seconds: None,
            after: Vec::new(),
            when: None,
            program: Program { path: format!("steps/{whole}.py"), sha256: String::new() },
            spec: StepSpec::Features { features: "x".to_owned() },
            identity: String::new(),
        }
    }

    /// The names of tasks, fan by fan.
    fn found(steps: &[Step]) -> Vec<Vec<String>> {
        fans(steps).into_iter().map(|fan| fan.tasks.into_iter().map(|task| task.name).collect()).collect()
    }

    /// Fits and trainings of two folds, then what reads both.
    fn folded() -> Vec<Step> {
        vec![
            step("rows", 0, &[]),
            step("fit.parts.fold_1", 1, &["rows"]),
            step("fit.parts.fold_2", 2, &["rows"]),
            step("train.m.fold_1", 1, &["rows", "fit.parts.fold_1"]),
            step("train.m.fold_2", 2, &["rows", "fit.parts.fold_2"]),
            step("train.m", 0, &["rows"]),
            step("evaluate.e", 0, &["train.m", "train.m.fold_1", "train.m.fold_2"]),
        ]
    }

    #[test]
    fn folds_that_read_the_same_fold_are_one_fan() {
        let steps = folded();
        assert_eq!(found(&steps), [["fit.parts.folds", "train.m.folds"]]);
        let [fan] = &fans(&steps)[..] else { panic!("there is one") };
        assert_eq!(fan.folds, [1, 2]);
        assert_eq!(fan.tasks[1].labels().collect::<Vec<_>>(), ["fold_1", "fold_2"]);
        assert_eq!(
            fan.tasks[1].steps.iter().map(|step| &*step.id).collect::<Vec<_>>(),
            ["train.m.fold_1", "train.m.fold_2"]
        );
    }

    #[test]
    fn folds_that_read_nothing_of_each_other_are_fans_of_their_own() {
        let mut steps = folded();
        for step in &mut steps {
            step.inputs.shift_remove("read_1");
        }
        assert_eq!(found(&steps), [["fit.parts.folds"], ["train.m.folds"]]);
        // One that reads of both joins them.
        steps.push(step("judge.m.fold_1", 1, &["train.m.fold_1", "fit.parts.fold_1"]));
        steps.push(step("judge.m.fold_2", 2, &["train.m.fold_2", "fit.parts.fold_2"]));
        assert_eq!(found(&steps), [["fit.parts.folds", "train.m.folds", "judge.m.folds"]]);
    }

    #[test]
    fn what_differs_stays_apart() {
        let only = |change: fn(&mut Step)| {
            let mut steps = folded();
            change(&mut steps[4]);
            found(&steps)
        };
        let apart = [["fit.parts.folds"]];
        assert_eq!(only(|step| step.resources.cpu = 2), apart);
        assert_eq!(only(|step| step.after.push("train.m.fold_1".to_owned())), apart);
        assert_eq!(only(|step| step.fold = None), apart);
        // Reads of another fold.
        assert_eq!(only(|step| step.inputs = folded()[3].inputs.clone()), apart);
        // What is the launcher's to know may differ.
        assert_eq!(only(|step| step.seed = Some(7)), [["fit.parts.folds", "train.m.folds"]]);
    }

    #[test]
    fn a_fan_has_no_step_of_others_between_its_own() {
        let mut steps = folded();
        steps.insert(3, step("between", 0, &["fit.parts.fold_1", "fit.parts.fold_2"]));
        for step in steps.iter_mut().filter(|step| step.id.starts_with("train.m.fold")) {
            step.after.push("between".to_owned());
        }
        assert_eq!(found(&steps), [["fit.parts.folds"]]);
    }

    #[test]
    fn names_of_tasks_are_no_names_of_steps() {
        let mut steps = folded();
        steps.push(step("train.m.folds", 0, &[]));
        assert_eq!(found(&steps), [["fit.parts.folds", "train.m.folds_"]]);
    }
}
