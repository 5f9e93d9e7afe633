//! Our pages on a terminal: headings, paragraphs, lists and code. Only what the pages use is understood.

use crate::terminal::{Paint, Style};

/// The page as text with emphasis.
#[must_use]
pub fn render(page: &str, paint: Paint) -> String {
    let mut out = String::new();
    let mut code: Option<bool> = None;
    for line in page.lines() {
        let shown = match (line.strip_prefix("```"), code) {
            (Some(info), None) => {
                code = Some(info.contains("error"));
                continue;
            }
            (Some(_), Some(_)) => {
                code = None;
                continue;
            }
            (None, Some(wrong)) => source(line, wrong, paint),
            (None, None) => prose(line, paint),
        };
        out.push_str(shown.trim_end());
        out.push('\n');
    }
    out
}

/// A line of code behind a bar: red where it is the failing example.
fn source(line: &str, wrong: bool, paint: Paint) -> String {
    let style = if wrong { Style::Bad } else { Style::Good };
    format!("  {} {line}", paint.paint(style, "│"))
}

fn prose(line: &str, paint: Paint) -> String {
    let heading = line.trim_start_matches('#');
    if heading.len() < line.len() && heading.starts_with(' ') {
        return paint.paint(Style::Bold, heading.trim().replace('`', ""));
    }
    let line = match line.strip_prefix("- ") {
        Some(item) => format!("• {item}"),
        None => line.to_owned(),
    };
    inline(&line, paint)
}

/// `code` and **strong** words.
fn inline(line: &str, paint: Paint) -> String {
    let mut out = String::new();
    for (position, piece) in line.split('`').enumerate() {
        if position % 2 == 1 {
            out.push_str(&paint.paint(Style::Code, piece));
            continue;
        }
        for (position, piece) in piece.split("**").enumerate() {
            if position % 2 == 1 {
                out.push_str(&paint.paint(Style::Bold, piece));
            } else {
                out.push_str(piece);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# MLP0401 `unknown_column`\n\nA **bad** `x`.\n\n```mlp error\ncolumn x\n```\n- one\n";

    #[test]
    fn marks_become_emphasis() {
        let text = render(PAGE, Paint { colour: true, terminal: true });
        assert!(text.contains("\x1b[1mMLP0401 unknown_column\x1b[0m"), "{text:?}");
        assert!(text.contains("A \x1b[1mbad\x1b[0m \x1b[36mx\x1b[0m."), "{text:?}");
        assert!(text.contains("│\x1b[0m column x"), "{text:?}");
    }

    #[test]
    fn without_colours_only_words_are_left() {
        let text = render(PAGE, Paint { colour: false, terminal: true });
        assert_eq!(text, "MLP0401 unknown_column\n\nA bad x.\n\n  │ column x\n• one\n");
    }
}
