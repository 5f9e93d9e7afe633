//! Shell templates: `{name}` becomes the quoted path or value, `{{` is a brace.

use std::collections::BTreeMap;

/// Fills `template`; braces around anything that is no declared name stay as they are.
pub(crate) fn render(template: &str, values: &BTreeMap<&str, String>) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        if let Some(after) = after.strip_prefix('{') {
            text.push('{');
            rest = after;
            continue;
        }
        match after.split_once('}').and_then(|(name, after)| values.get(name).map(|value| (value, after))) {
            Some((value, after)) => {
                text.push_str(&quote(value));
                rest = after;
            }
            None => {
                text.push('{');
                rest = after;
            }
        }
    }
    text.push_str(rest);
    text
}

/// `text` as one word of a POSIX shell.
pub(crate) fn quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_replaced_by_one_quoted_word() {
        let values = BTreeMap::from([("rows", "/a b/it's".to_owned()), ("n", "3".to_owned())]);
        assert_eq!(render("head -n {n} {rows}", &values), r"head -n 3 '/a b/it'\''s'");
    }

    #[test]
    fn other_braces_stay() {
        let values = BTreeMap::from([("n", "3".to_owned())]);
        assert_eq!(render("awk '{{print $1}' {n} ${HOME} {", &values), "awk '{print $1}' 3 ${HOME} {");
    }

    #[test]
    fn what_was_filled_in_is_not_filled_again() {
        let values = BTreeMap::from([("a", "{b}".to_owned()), ("b", "x".to_owned())]);
        assert_eq!(render("{a}", &values), "'{b}'");
    }
}
