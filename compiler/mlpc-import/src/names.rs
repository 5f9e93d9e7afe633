//! Names and texts of other tools as the language writes them.

use std::collections::BTreeSet;

/// Words that begin something and so are no good names.
const TAKEN: [&str; 8] = ["step", "pipeline", "inputs", "outputs", "run", "after", "true", "false"];

/// A name of the language that is like `text`, and not taken yet.
pub fn identifier(text: &str, taken: &mut BTreeSet<String>) -> String {
    let words: Vec<String> = text
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    let mut name = words.join("_");
    if !name.starts_with(|letter: char| letter.is_ascii_alphabetic()) || TAKEN.contains(&name.as_str()) {
        name = format!("the_{name}").trim_end_matches('_').to_owned();
    }
    let first = name.clone();
    let mut number = 2;
    while !taken.insert(name.clone()) {
        name = format!("{first}_{number}");
        number += 1;
    }
    name
}

/// The part of a path that a name is made from.
pub fn stem(path: &str) -> &str {
    let file = path.trim_end_matches('/').rsplit('/').next().unwrap_or(path);
    file.split('.').find(|part| !part.is_empty()).unwrap_or(file)
}

/// A command as a template: no brace of its own means anything.
pub fn braced(text: &str) -> String {
    text.replace('{', "{{")
}

/// A plain string of the language.
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

/// A text that a comment may hold: one line, nothing that changes how it is shown.
pub fn commented(text: &str) -> String {
    let hidden = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let plain: String = text.chars().map(|letter| if hidden(letter) { ' ' } else { letter }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}
