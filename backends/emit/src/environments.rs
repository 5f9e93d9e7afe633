//! The locked packages of each environment, as files from which installers make it.

use crate::FileTree;
use mlpc_plan::Plan;

/// Adds `environments/NAME/requirements.txt` for every environment of the plans.
pub(crate) fn requirements<'a>(plans: impl Iterator<Item = &'a Plan>, tree: &mut FileTree) {
    for (name, environment) in plans.flat_map(|plan| &plan.environments) {
        tree.insert(format!("environments/{name}/requirements.txt"), environment.requirements());
    }
}
