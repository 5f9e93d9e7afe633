//! This machine: plan and programs are all that `mlpc run` reads.

use super::{Ability, Backend, Support, Target};
use crate::FileTree;
use crate::error::EmitError;

/// `mlpc run`.
pub struct Native;

impl Backend for Native {
    fn name(&self) -> &'static str {
        super::NATIVE
    }

    fn doc(&self) -> &'static str {
        "this machine, by `mlpc run`"
    }

    fn support(&self, _version: &str, ability: Ability) -> Support {
        match ability {
            Ability::Memory => Support::Partly("told to the step, not enforced"),
            Ability::Schedule | Ability::CatchUp => Support::None("whoever wants a run starts it"),
            Ability::ScheduledDate => Support::Partly("the date in the lock, or that of `--param`"),
            _ => Support::Full,
        }
    }

    fn emit(&self, _target: &Target<'_>, _tree: &mut FileTree) -> Result<(), EmitError> {
        Ok(())
    }
}
