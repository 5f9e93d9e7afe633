//! Names and texts of other tools as the language writes them.

use std::collections::BTreeSet;

/// Words that begin something and so are no good names.
const TAKEN: [&str; 8] = ["step", "pipeline", "inputs", "outputs", "run", "after", "true", "false"];

/// A name of the language that is like `text`, and not taken yet.
pub fn identifier(text: &str, taken: &mut BTreeSet<String>) -> String {
    match TAKEN.contains(&text) {
        true => mlpc_syntax::identifier(&format!("the_{text}"), "the", taken),
        false => mlpc_syntax::identifier(text, "the", taken),
    }
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

/// A text that a comment may hold: one line, nothing that changes how it is shown.
pub fn commented(text: &str) -> String {
    let hidden = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let plain: String = text.chars().map(|letter| if hidden(letter) { ' ' } else { letter }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}
