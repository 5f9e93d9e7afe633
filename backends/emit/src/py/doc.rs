//! A small layout algebra: text, places where a line may break, groups that stay on one line if they fit.

/// Something to lay out.
#[derive(Clone, Debug)]
pub(super) enum Doc {
    /// Text without a newline.
    Text(String),
    /// A space, or a newline where its group is broken.
    Line,
    /// Nothing, or a newline where its group is broken.
    SoftLine,
    /// Text that is there only where its group is broken.
    IfBroken(&'static str),
    /// One after the other.
    Concat(Vec<Doc>),
    /// On one line if it fits.
    Group(Box<Doc>),
    /// Newlines inside are four spaces deeper.
    Indent(Box<Doc>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Flat,
    Broken,
}

impl Doc {
    /// Text.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A group of parts.
    pub(super) fn group(parts: Vec<Doc>) -> Self {
        Self::Group(Box::new(Self::Concat(parts)))
    }

    /// `open`, the body indented on its own lines if it does not fit, `close`.
    pub(super) fn bracketed(open: &str, body: Doc, close: &str) -> Self {
        let inside = Self::Indent(Box::new(Self::Concat(vec![Self::SoftLine, body])));
        Self::group(vec![Self::text(open), inside, Self::SoftLine, Self::text(close)])
    }

    /// Items with commas between; where the group is broken one after the last too, unless it is the only one.
    pub(super) fn items(items: Vec<Doc>) -> Self {
        let mut parts = Vec::new();
        let several = items.len() > 1;
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                parts.extend([Self::text(","), Self::Line]);
            }
            parts.push(item);
        }
        if several {
            parts.push(Self::IfBroken(","));
        }
        Self::Concat(parts)
    }

    /// All on one line.
    pub(super) fn flat(&self) -> String {
        let mut text = String::new();
        self.push_flat(&mut text);
        text
    }

    fn push_flat(&self, text: &mut String) {
        match self {
            Self::Text(part) => text.push_str(part),
            Self::Line => text.push(' '),
            Self::SoftLine | Self::IfBroken(_) => {}
            Self::Concat(parts) => parts.iter().for_each(|part| part.push_flat(text)),
            Self::Group(inner) | Self::Indent(inner) => inner.push_flat(text),
        }
    }

    /// Laid out from `indent` on within `width`; the text starts without its indentation.
    pub(super) fn layout(&self, indent: usize, width: usize) -> String {
        let mut text = String::new();
        let mut column = indent;
        let mut todo = vec![(indent, Mode::Broken, self)];
        while let Some((indent, mode, doc)) = todo.pop() {
            match doc {
                Self::Text(part) => {
                    text.push_str(part);
                    column += part.chars().count();
                }
                Self::Line | Self::SoftLine if mode == Mode::Broken => {
                    text.push('\n');
                    text.push_str(&" ".repeat(indent));
                    column = indent;
                }
                Self::Line => {
                    text.push(' ');
                    column += 1;
                }
                Self::IfBroken(part) if mode == Mode::Broken => {
                    text.push_str(part);
                    column += part.len();
                }
                Self::SoftLine | Self::IfBroken(_) => {}
                Self::Concat(parts) => todo.extend(parts.iter().rev().map(|part| (indent, mode, part))),
                Self::Indent(inner) => todo.push((indent + 4, mode, inner)),
                Self::Group(inner) => {
                    let flat = mode == Mode::Flat || fits(inner, &todo, width.saturating_sub(column));
                    todo.push((indent, if flat { Mode::Flat } else { Mode::Broken }, inner));
                }
            }
        }
        text
    }
}

/// Whether `doc` on one line, and what follows it up to the next newline, fits into `room`.
fn fits(doc: &Doc, after: &[(usize, Mode, &Doc)], room: usize) -> bool {
    let mut left = room;
    let mut rest = after.iter().rev();
    let mut todo = vec![(Mode::Flat, doc)];
    loop {
        let Some((mode, doc)) = todo.pop() else {
            match rest.next() {
                Some((_, mode, doc)) => todo.push((*mode, doc)),
                None => return true,
            }
            continue;
        };
        let taken = match doc {
            Doc::Text(part) => part.chars().count(),
            Doc::Line | Doc::SoftLine if mode == Mode::Broken => return true,
            Doc::Line => 1,
            Doc::IfBroken(part) if mode == Mode::Broken => part.len(),
            Doc::SoftLine | Doc::IfBroken(_) => 0,
            Doc::Concat(parts) => {
                todo.extend(parts.iter().rev().map(|part| (mode, part)));
                0
            }
            // A group that comes later may still break, so only up to its first break must it fit.
            Doc::Group(inner) | Doc::Indent(inner) => {
                todo.push((mode, inner));
                0
            }
        };
        if taken > left {
            return false;
        }
        left -= taken;
    }
}
