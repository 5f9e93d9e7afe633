//! What can keep a plan from becoming programs.

use crate::py::{ParseError, TemplateError};

/// A plan that cannot be printed.
#[derive(Debug, thiserror::Error)]
pub enum EmitError {
    /// A template of the standard library cannot be filled.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A value of the plan that stands for Python is none.
    #[error(transparent)]
    Python(#[from] ParseError),
    /// An operator that expressions do not have.
    #[error("the operator `{0}` is unknown")]
    Operator(String),
    /// A day that is none.
    #[error("`{0}` is no day")]
    Date(String),
    /// A step names a features block that the plan does not hold.
    #[error("step `{step}` needs the features `{features}`, which the plan does not hold")]
    Features {
        /// The step.
        step: String,
        /// The features.
        features: String,
    },
    /// A step lacks an input or output that its program needs.
    #[error("step `{step}` has no {what}")]
    Missing {
        /// The step.
        step: String,
        /// What it lacks.
        what: String,
    },
    /// Two things of a step would have the same flag.
    #[error("step `{step}` has two flags named `{name}`")]
    Flag {
        /// The step.
        step: String,
        /// The name.
        name: String,
    },
    /// A name that must be a Python name is none.
    #[error("`{0}` can't be a name in Python")]
    Name(String),
    /// A reference to Python that is not `module:name` or `file.py:name`.
    #[error("`{0}` should be `module:name` or `file.py:name`")]
    Reference(String),
    /// A user's file that steps call was not given.
    #[error("the file `{0}`, which a step calls, was not given")]
    UserFile(String),
    /// What `mlp.toml` says of a target does not do for it.
    #[error("{0}")]
    Setting(String),
    /// The same, of a setting whose place can be told.
    #[error("{wrong}")]
    SettingOf {
        /// The target.
        target: &'static str,
        /// The setting.
        setting: String,
        /// What is wrong with it.
        wrong: String,
    },
    /// A step that stands behind several gates of which none stands behind the other.
    #[error("the step `{0}` stands behind gates that do not follow one another")]
    Gates(String),
    /// A template of this crate is wrong.
    #[error(transparent)]
    Layout(#[from] Box<handlebars::TemplateError>),
    /// A view lacks what its template names.
    #[error(transparent)]
    View(#[from] Box<handlebars::RenderError>),
    /// The plan cannot be written as JSON.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
}
