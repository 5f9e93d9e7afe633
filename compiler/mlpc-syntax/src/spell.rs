//! Names and texts of other places as the language writes them.

use std::collections::BTreeSet;

/// A name of the language that is like `text`, and not taken yet: as it is where it is one, else its words with `_`. One
/// that could not begin a name begins with `first`.
#[must_use]
pub fn identifier(text: &str, first: &str, taken: &mut BTreeSet<String>) -> String {
    let mut name = text.to_owned();
    if !is_name(text) {
        let words = text.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        name = words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("_");
        if !is_name(&name) {
            name = format!("{first}_{name}").trim_end_matches('_').to_owned();
        }
    }
    let alone = name.clone();
    let mut number = 2;
    while !taken.insert(name.clone()) {
        name = format!("{alone}_{number}");
        number += 1;
    }
    name
}

/// A plain string of the language.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            letter if letter.is_control() => quoted.push_str(&format!("\\u{{{:x}}}", u32::from(letter))),
            letter => quoted.push(letter),
        }
    }
    quoted + "\""
}

/// Part of a program on one line. What is between quotes stays as it is.
#[must_use]
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    let (mut inside, mut escaped) = (false, false);
    for letter in text.trim().chars() {
        // No text goes beyond its line, so that a quote in a comment opens none.
        inside &= letter != '\n';
        if letter.is_whitespace() && !inside {
            if !line.ends_with(' ') {
                line.push(' ');
            }
            continue;
        }
        inside ^= letter == '"' && !escaped;
        escaped = inside && letter == '\\' && !escaped;
        line.push(letter);
    }
    line
}

fn is_name(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may panic")]
mod tests {
    use super::*;

    #[test]
    fn texts_stay_as_they_are_on_one_line() {
        assert_eq!(one_line(" a\n  !=  \"b  \\\"  c\"\t or d "), "a != \"b  \\\"  c\" or d");
        assert_eq!(one_line("a // \"\n  +  b"), "a // \" + b");
    }

    #[test]
    fn names_are_alike_and_told_apart() {
        let mut taken = BTreeSet::new();
        let mut name = |text: &str| identifier(text, "column", &mut taken);
        assert_eq!(
            ["Width", "Flipper (mm)", "flipper_mm", "2nd", "…"].map(&mut name),
            ["Width", "flipper_mm", "flipper_mm_2", "column_2nd", "column"]
        );
    }

    #[test]
    fn any_text_is_read_back() {
        for text in ["", "it's \"so\" \\", "a\nb\tc\u{7}", "{x} 日本"] {
            let parsed = crate::parse(&format!("const A = {}\n", quoted(text)));
            assert!(parsed.errors.is_empty(), "{text:?}");
            let crate::ast::Decl::Value(decl) = parsed.decl else { panic!("{text:?}") };
            assert!(matches!(decl.value.unwrap().kind, crate::ast::ExprKind::Str(read) if read == text), "{text:?}");
        }
    }
}
