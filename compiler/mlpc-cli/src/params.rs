//! `--param NAME=VALUE`: another value for a parameter of the program, for this run.

use crate::error::ToolError;
use mlpc_db::{Database, Project};
use mlpc_diagnostics::{did_you_mean, list_words};

/// A parameter's new value, as written on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    name: String,
    value: String,
}

impl Given {
    /// A value as the language writes it.
    #[must_use]
    pub fn new(name: &str, value: &str) -> Self {
        Self { name: name.to_owned(), value: value.to_owned() }
    }

    /// The parameter's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl std::fmt::Display for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}={}", self.name, self.value)
    }
}

/// Reads `NAME=VALUE`.
pub fn parse(text: &str) -> Result<Given, String> {
    let (name, value) = text.split_once('=').ok_or("it should read NAME=VALUE")?;
    if value.trim().is_empty() || value.contains(['\n', '\r']) {
        return Err("the value is one line of text".to_owned());
    }
    Ok(Given { name: name.trim().to_owned(), value: value.trim().to_owned() })
}

/// Sets the values in a loaded program, whose check then judges type and range.
pub fn set(db: &mut Database, project: Project, given: &[Given]) -> Result<(), ToolError> {
    check_names(db, project, given)?;
    // The last one given counts.
    let values = given.iter().map(|given| (given.name.clone(), given.value.clone())).collect();
    db.set_params(project, values);
    Ok(())
}

fn check_names(db: &Database, project: Project, given: &[Given]) -> Result<(), ToolError> {
    let known: Vec<&str> = mlpc_hir::all_blocks(db, project, "param").into_iter().map(|block| block.name(db)).collect();
    let Some(unknown) = given.iter().find(|new| !known.contains(&new.name.as_str())) else { return Ok(()) };
    let help = match did_you_mean(&unknown.name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "it declares no `param`".to_owned(),
        None => format!("it has {}", list_words(known.iter().copied(), "and")),
    };
    Err(ToolError::usage(format!("the program has no parameter `{}`", unknown.name)).help(help))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read() {
        assert_eq!(parse("depth = 3").unwrap(), Given { name: "depth".to_owned(), value: "3".to_owned() });
        assert_eq!(parse("a=b=c").unwrap().value, "b=c");
        assert!(parse("depth").is_err() && parse("depth=").is_err() && parse("a=1\nb").is_err());
    }
}
