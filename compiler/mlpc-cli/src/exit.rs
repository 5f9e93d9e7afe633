//! How the process ends, as scripts and schedulers see it.

use std::process::ExitCode;

/// Exit codes; the numbers are documented and stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All went well.
    Fine,
    /// The program has errors.
    ProgramErrors,
    /// Wrong usage: arguments, files that cannot be read, `mlp.toml`.
    Usage,
    /// A gate refused.
    Refused,
    /// A step failed.
    StepFailed,
    /// A bug of mlpc.
    Internal,
    /// It was interrupted.
    Interrupted,
}

impl Exit {
    /// The number.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::ProgramErrors => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::StepFailed => 4,
            Self::Internal => 101,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}
