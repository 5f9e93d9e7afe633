//! `mlp.toml`: what a project says about itself. Every key that is not in the table below is an error.

use crate::error::ToolError;
use mlpc_diagnostics::{did_you_mean, list_words};
use mlpc_emit::backend::{BACKENDS, Backend, backend};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Its name.
pub const FILE: &str = "mlp.toml";
/// The edition of the language that this compiler speaks.
pub const EDITION: &str = "2026";

/// Its content.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// What the project is called.
    pub name: Option<String>,
    /// The share of columns and borders that must have a type.
    pub coverage: Option<f64>,
    /// What is said of targets, by their names.
    pub targets: BTreeMap<String, BTreeMap<String, String>>,
}

/// The section of targets, each a section of its own: `[target.airflow]`.
const TARGET: &str = "target";
/// What says which version of a target is meant.
pub const VERSION: &str = "version";

/// A section's keys.
struct Section {
    name: &'static str,
    keys: &'static [&'static str],
}

const SECTIONS: [Section; 2] =
    [Section { name: "project", keys: &["name", "edition"] }, Section { name: "check", keys: &["coverage"] }];

/// A share as it is written on a command line: from 0 to 1.
pub fn share(text: &str) -> Result<f64, String> {
    let wanted = || "a share from 0 to 1, as 0.95".to_owned();
    let share: f64 = text.parse().map_err(|_| wanted())?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err(wanted()) }
}

/// Reads the file, shown to people as `shown`.
pub fn read(path: &Path, shown: &str) -> Result<Config, ToolError> {
    let text = std::fs::read_to_string(path).map_err(|error| ToolError::file("read", path, &error))?;
    parse(&text, shown)
}

/// A setting of a target that is fine by itself and does not go with the others or with the program, at its place.
pub fn wrong_setting(path: &Path, shown: &str, [target, setting]: [&str; 2], wrong: &str) -> ToolError {
    let told = || ToolError::usage(wrong.to_owned()).help(format!("it is a setting of `{FILE}`"));
    let Ok(text) = std::fs::read_to_string(path) else { return told() };
    let place = || {
        let document = DeTable::parse(&text).ok()?;
        let mut value = document.get_ref().get(TARGET)?;
        for name in [target, setting] {
            let DeValue::Table(table) = value.get_ref() else { return None };
            value = table.get(name)?;
        }
        Some(value.span())
    };
    let source = Source { text: &text, shown };
    place().map_or_else(told, |span| source.error(wrong.to_owned(), span, "does not do here"))
}

/// A text with the name under which it is shown.
struct Source<'a> {
    text: &'a str,
    shown: &'a str,
}

impl Source<'_> {
    fn error(&self, message: String, span: Range<usize>, label: impl Into<String>) -> ToolError {
        ToolError::usage(message).at(self.shown, self.text, span, label)
    }

    fn unknown(&self, what: &str, key: &Spanned<std::borrow::Cow<'_, str>>, known: &[&str]) -> ToolError {
        let name = key.get_ref();
        let help = match did_you_mean(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there is {}", list_words(known.iter().copied(), "and")),
        };
        self.error(format!("`{}` has no {what} `{name}`", self.shown), key.span(), "unknown").help(help)
    }
}

fn parse(text: &str, shown: &str) -> Result<Config, ToolError> {
    let source = Source { text, shown };
    let document = DeTable::parse(text).map_err(|error| {
        let message = format!("`{shown}` is no TOML: {}", error.message().lines().next().unwrap_or_default());
        source.error(message, error.span().unwrap_or_default(), "here")
    })?;
    let mut config = Config::default();
    for (key, value) in document.get_ref() {
        if key.get_ref() == TARGET {
            config.targets = targets(&source, value)?;
            continue;
        }
        let Some(section) = SECTIONS.iter().find(|section| section.name == key.get_ref()) else {
            let known: Vec<&str> = SECTIONS.iter().map(|section| section.name).chain([TARGET]).collect();
            return Err(source.unknown("section", key, &known));
        };
        let DeValue::Table(table) = value.get_ref() else {
            return Err(source.error(format!("`{}` is a section", section.name), value.span(), "not a section"));
        };
        for (key, value) in table {
            if !section.keys.contains(&&**key.get_ref()) {
                return Err(source.unknown("setting", key, section.keys));
            }
            if &**key.get_ref() == "coverage" {
                config.coverage = Some(coverage(&source, value)?);
                continue;
            }
            let DeValue::String(word) = value.get_ref() else {
                return Err(source.error(format!("`{}` is text", key.get_ref()), value.span(), "not text"));
            };
            match &**key.get_ref() {
                "name" => config.name = Some(word.to_string()),
                _ if word == EDITION => {}
                _ => return Err(wrong_edition(&source, word, value.span())),
            }
        }
    }
    Ok(config)
}

/// `[target.NAME]`: a version of the backend, and settings that it knows.
fn targets(
    source: &Source<'_>,
    value: &Spanned<DeValue<'_>>,
) -> Result<BTreeMap<String, BTreeMap<String, String>>, ToolError> {
    let DeValue::Table(table) = value.get_ref() else {
        return Err(source.error("`target` is a section".to_owned(), value.span(), "not a section"));
    };
    let mut found = BTreeMap::new();
    for (name, value) in table {
        let names: Vec<&str> = BACKENDS.iter().map(|backend| backend.name()).collect();
        let Some(backend) = backend(name.get_ref()) else { return Err(source.unknown("target", name, &names)) };
        let DeValue::Table(settings) = value.get_ref() else {
            return Err(source.error(
                format!("`target.{}` is a section", name.get_ref()),
                value.span(),
                "not a section",
            ));
        };
        let mut said = BTreeMap::new();
        for (key, value) in settings {
            let text = target_setting(source, backend, key, value)?;
            said.insert(key.get_ref().to_string(), text);
        }
        found.insert(name.get_ref().to_string(), said);
    }
    Ok(found)
}

fn target_setting(
    source: &Source<'_>,
    backend: &dyn Backend,
    key: &Spanned<std::borrow::Cow<'_, str>>,
    value: &Spanned<DeValue<'_>>,
) -> Result<String, ToolError> {
    let known: Vec<&str> = backend.settings().iter().map(|setting| setting.name).chain([VERSION]).collect();
    if !known.contains(&&**key.get_ref()) {
        return Err(source.unknown("setting", key, &known));
    }
    let DeValue::String(text) = value.get_ref() else {
        return Err(source.error(format!("`{}` is text", key.get_ref()), value.span(), "not text"));
    };
    let setting = backend.settings().iter().find(|setting| setting.name == key.get_ref());
    let words =
        if key.get_ref() == VERSION { backend.versions() } else { setting.map_or(&[][..], |found| found.words) };
    if !words.is_empty() && !words.contains(&&**text) {
        let message =
            format!("`{}` of {} is one of {}", key.get_ref(), backend.name(), list_words(words.iter().copied(), "and"));
        return Err(source.error(message, value.span(), "none of them"));
    }
    if let Err(wanted) = backend.check(key.get_ref(), text) {
        return Err(source.error(wanted, value.span(), "not of this form"));
    }
    Ok(text.to_string())
}

fn coverage(source: &Source<'_>, value: &Spanned<DeValue<'_>>) -> Result<f64, ToolError> {
    let text = match value.get_ref() {
        DeValue::Float(number) => number.as_str(),
        DeValue::Integer(number) => number.as_str(),
        _ => "",
    };
    share(text).map_err(|wanted| source.error(format!("`coverage` is {wanted}"), value.span(), "not a share"))
}

fn wrong_edition(source: &Source<'_>, found: &str, span: Range<usize>) -> ToolError {
    source
        .error(format!("there is no edition {found:?} of the language"), span, "unknown edition")
        .help(format!("this mlpc speaks edition {EDITION:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_is_read() {
        let config = parse("[project]\nname = \"penguins\"\nedition = \"2026\"\n", "mlp.toml").unwrap();
        assert_eq!(config.name.as_deref(), Some("penguins"));
        assert_eq!(parse("", "mlp.toml").unwrap(), Config::default());
        assert_eq!(parse("[check]\ncoverage = 0.95\n", "mlp.toml").unwrap().coverage, Some(0.95));
        assert_eq!(parse("[check]\ncoverage = 1\n", "mlp.toml").unwrap().coverage, Some(1.0));
    }

    #[test]
    fn slips_are_named_with_their_place() {
        let cases = [
            ("[project]\nnmae = \"a\"\n", "has no setting `nmae`", "did you mean `name`?"),
            ("[projet]\nname = \"a\"\n", "has no section `projet`", "did you mean `project`?"),
            ("[project]\nname = 3\n", "`name` is text", "not text"),
            ("[project]\nedition = \"1999\"\n", "no edition \"1999\"", "edition \"2026\""),
            ("[check]\ncoverage = 95\n", "a share from 0 to 1", "not a share"),
            ("[check]\ncoverage = \"all\"\n", "a share from 0 to 1", "not a share"),
            ("project = 1\n", "`project` is a section", "not a section"),
            ("[project\n", "is no TOML", "here"),
            ("[target.kubeflow]\nsecrets = \"KEY=store\"\n", "is `NAME=SECRET/KEY, …`", "not of this form"),
            ("[target.airflow]\nstart_date = \"today\"\n", "is a day as 2026-01-31", "not of this form"),
            ("[target.prefect]\nparallel = \"0\"\n", "is a whole number from 1 on", "not of this form"),
            ("[target.prefect]\nimage = \"a:latest\"\n", "is an image by its digest", "not of this form"),
            ("[target.prefect]\nsecrets = \"token\"\n", "is names of variables", "not of this form"),
            ("[target.prefect]\nresults = \"s3\"\n", "is a block", "not of this form"),
        ];
        for (text, message, hint) in cases {
            let shown = parse(text, "mlp.toml").unwrap_err().render(false);
            assert!(shown.contains(message) && shown.contains(hint), "{shown}");
        }
    }
}
