//! Names as Kubernetes takes them: lower-case letters, digits and dashes, each only once.

use std::collections::BTreeSet;

/// A text as a name, which another text may share.
#[must_use]
pub fn slug(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    for letter in text.chars().map(|letter| letter.to_ascii_lowercase()) {
        if letter.is_ascii_lowercase() || letter.is_ascii_digit() {
            slug.push(letter);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "x".to_owned() } else { slug.to_owned() }
}

/// Gives names, no name twice.
#[derive(Debug, Default)]
pub struct Names {
    taken: BTreeSet<String>,
}

impl Names {
    /// The name for a text: its slug, with a number behind it if that is taken.
    pub fn take(&mut self, text: &str) -> String {
        self.free(slug(text), '-')
    }

    /// The key for the name of an input or output: what stands in a placeholder may hold letters, digits, `_` and `-`.
    pub fn key(&mut self, text: &str) -> String {
        let fits = |letter: char| if letter.is_ascii_alphanumeric() || letter == '_' { letter } else { '_' };
        self.free(text.chars().map(fits).collect(), '_')
    }

    fn free(&mut self, wanted: String, mark: char) -> String {
        let numbered = (2..).map(|number| format!("{wanted}{mark}{number}"));
        let name = std::iter::once(wanted.clone()).chain(numbered).find(|name| !self.taken.contains(name));
        let name = name.unwrap_or(wanted);
        self.taken.insert(name.clone());
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_and_differ() {
        let mut names = Names::default();
        assert_eq!(names.take("train.species_model"), "train-species-model");
        assert_eq!(names.take("train.species-model"), "train-species-model-2");
        assert_eq!(names.take("é"), "x");
        assert_eq!(names.key("geo.lat"), "geo_lat");
        assert_eq!(names.key("geo_lat"), "geo_lat_2");
    }
}
