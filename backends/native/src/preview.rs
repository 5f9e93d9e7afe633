//! What a run would find in the store, without running or writing anything.

use crate::layout::{Layout, absolute};
use crate::{Options, RunError, settled, store};
use mlpc_plan::Plan;

/// A step as a run would find it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// The step.
    pub step: String,
    /// Its identity in a run that starts now.
    pub identity: String,
    /// What the store has for it.
    pub stored: Stored,
}

/// What the store has for a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// Nothing: it would run.
    Nothing,
    /// Its result.
    Result,
    /// That it refused.
    Refusal,
}

/// Every step of the plan, in its order. Results are believed by their presence; a run looks closer.
///
/// # Errors
///
/// If the registry's index, which says which champion a step reads, is damaged.
pub fn preview(plan: &Plan, options: &Options) -> Result<Vec<Preview>, RunError> {
    let layout = Layout::new(absolute(&options.state));
    let settled = settled::settle(plan, &layout, options)?;
    let identities = settled::identities(plan, &settled);
    let steps = plan.steps.iter().zip(identities);
    Ok(steps
        .map(|(step, identity)| Preview { step: step.id.clone(), stored: store::glance(&layout, &identity), identity })
        .collect())
}
