//! Requirements of packages, as `polars[pandas]>=1,<3`.

use pep508_rs::{Requirement, VerbatimUrl};
use std::str::FromStr;

/// Why a text is no requirement that can be locked.
pub fn check_requirement(text: &str) -> Result<(), String> {
    let text = text.trim();
    let end = text.find(|c: char| !in_name(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    // The parser below would panic over these names.
    check_name("the name of a package", name)?;
    let mut rest = rest.trim_start();
    if let Some((extras, after)) = rest.strip_prefix('[').and_then(|inside| inside.split_once(']')) {
        for extra in extras.split(',').map(str::trim).filter(|extra| !extra.is_empty()) {
            check_name("an extra", extra)?;
        }
        rest = after.trim_start();
    }
    // Nor should it look at addresses, in which it puts environment variables.
    if rest.starts_with('@') {
        return Err("packages come from the index, where their hashes are, not from an address".to_owned());
    }
    Requirement::<VerbatimUrl>::from_str(text).map(drop).map_err(|error| error.message.to_string())
}

fn in_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')
}

fn check_name(what: &str, name: &str) -> Result<(), String> {
    let edges = [name.chars().next(), name.chars().last()];
    let fine =
        name.chars().all(in_name) && edges.into_iter().all(|edge| edge.is_some_and(|c| c.is_ascii_alphanumeric()));
    if fine { Ok(()) } else { Err(format!("{what} starts and ends with a letter or a digit")) }
}

#[cfg(test)]
mod tests {
    use super::check_requirement;

    #[test]
    fn requirements_are_checked_without_panics() {
        for fine in
            ["polars", "polars>=1,<3", "ruamel.yaml ~= 0.18", "polars[pandas, plot]==1.0", "a; sys_platform == 'linux'"]
        {
            assert_eq!(check_requirement(fine), Ok(()), "{fine}");
        }
        for wrong in
            ["", "-a", "a.", "a. >1", "a..", "a[b.]", "a[é]>1", "a>>1", "a b", "a[b", "a @ file:///x", "é", "a;"]
        {
            assert!(check_requirement(wrong).is_err(), "{wrong}");
        }
    }
}
