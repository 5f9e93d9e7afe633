//! Arranges views by the templates of this crate, then lays the Python out.

use crate::error::EmitError;
use crate::py::format_python;
use handlebars::Handlebars;
use serde::Serialize;

const TEMPLATES: &[(&str, &str)] = &[
    ("step.py", include_str!("../templates/step.py.hbs")),
    ("features.py", include_str!("../templates/features.py.hbs")),
    ("sweep.py", include_str!("../templates/sweep.py.hbs")),
    ("tests.py", include_str!("../templates/tests.py.hbs")),
    ("airflow.py", include_str!("../templates/airflow.py.hbs")),
    ("pyproject.toml", include_str!("../templates/pyproject.toml.hbs")),
    ("README.md", include_str!("../templates/README.md.hbs")),
    ("containers/Dockerfile", include_str!("../templates/containers/Dockerfile.hbs")),
    ("containers/build.sh", include_str!("../templates/containers/build.sh.hbs")),
    ("prefect/flow.py", include_str!("../templates/prefect/flow.py.hbs")),
    ("prefect/automations.py", include_str!("../templates/prefect/automations.py.hbs")),
    ("prefect/letters.py", include_str!("../templates/prefect/letters.py.hbs")),
];

/// The templates of this crate.
pub struct Layout {
    handlebars: Handlebars<'static>,
}

impl Layout {
    /// Reads the templates.
    ///
    /// # Errors
    ///
    /// If one of them is wrong.
    pub fn new() -> Result<Self, EmitError> {
        let mut handlebars = Handlebars::new();
        handlebars.set_strict_mode(true);
        // What is printed is Python and Markdown, not HTML; literals were escaped when they were printed.
        handlebars.register_escape_fn(handlebars::no_escape);
        for (name, text) in TEMPLATES {
            handlebars.register_template_string(name, text).map_err(Box::new)?;
        }
        Ok(Self { handlebars })
    }

    /// The text that a template makes of a view.
    ///
    /// # Errors
    ///
    /// If the view lacks what the template names.
    pub fn text(&self, template: &str, view: &impl Serialize) -> Result<String, EmitError> {
        Ok(self.handlebars.render(template, view).map_err(Box::new)?)
    }

    /// The Python that a template makes of a view, laid out.
    ///
    /// # Errors
    ///
    /// If the view lacks what the template names, or the result is no Python.
    pub fn python(&self, template: &str, view: &impl Serialize) -> Result<String, EmitError> {
        Ok(format_python(&self.text(template, view)?)?)
    }
}
