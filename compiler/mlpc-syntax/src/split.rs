//! Cuts a file into declarations: one pass over its lines, so that an edit concerns one chunk and a broken declaration
//! ends where the next one starts.

/// What kind of declaration a chunk holds, by its first word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChunkKind {
    /// `import "…"`.
    Import,
    /// `param` or `const`.
    Value,
    /// Anything with a body, of a known kind or not.
    Block,
    /// Text that starts no declaration.
    Other,
}

/// A part of a file. The chunks of a file, one after the other, are the file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Chunk {
    /// What it holds.
    pub kind: ChunkKind,
    /// The word that says so: `dataset`, `fn` (also of `fitted fn`), `import`; empty for [`ChunkKind::Other`].
    pub keyword: String,
    /// The name in its header, a path for imports, a title for tests; empty if there is none.
    pub name: String,
    /// Its first byte.
    pub start: usize,
    /// After its last byte.
    pub end: usize,
}

/// The words that start declarations.
pub(crate) const DECLARATION_WORDS: [(&str, ChunkKind); 24] = [
    ("import", ChunkKind::Import),
    ("param", ChunkKind::Value),
    ("const", ChunkKind::Value),
    ("type", ChunkKind::Value),
    ("pipeline", ChunkKind::Block),
    ("environment", ChunkKind::Block),
    ("schema", ChunkKind::Block),
    ("dataset", ChunkKind::Block),
    ("features", ChunkKind::Block),
    ("split", ChunkKind::Block),
    ("trainer", ChunkKind::Block),
    ("train", ChunkKind::Block),
    ("sweep", ChunkKind::Block),
    ("evaluate", ChunkKind::Block),
    ("predict", ChunkKind::Block),
    ("gate", ChunkKind::Block),
    ("register", ChunkKind::Block),
    ("deploy", ChunkKind::Block),
    ("monitor", ChunkKind::Block),
    ("step", ChunkKind::Block),
    ("fn", ChunkKind::Block),
    ("metric", ChunkKind::Block),
    ("expectation", ChunkKind::Block),
    ("test", ChunkKind::Block),
];

/// Further words that start declarations: `fitted fn`, `ensemble`.
const MORE_BLOCK_WORDS: [&str; 2] = ["fitted", "ensemble"];

/// Words that start an entry or a nested block, so that a badly indented one is no declaration of an unknown kind.
const ENTRY_WORDS: [&str; 27] = [
    "column",
    "drop",
    "let",
    "label",
    "weight",
    "filter",
    "require",
    "warn",
    "join",
    "sample",
    "given",
    "expect",
    "allow",
    "profile",
    "resources",
    "search",
    "params",
    "accepts",
    "fixed",
    "state",
    "example",
    "examples",
    "inputs",
    "outputs",
    "distribution",
    "env",
    "for",
];

/// Operators that are words: a known word before one of them is a value.
const OPERATOR_WORDS: [&str; 7] = ["in", "and", "or", "not", "over", "when", "by"];

/// Whether a word starts declarations that have a body.
pub(crate) fn is_block_word(word: &str) -> bool {
    MORE_BLOCK_WORDS.contains(&word)
        || DECLARATION_WORDS.iter().any(|(known, kind)| *known == word && *kind == ChunkKind::Block)
}

/// Cuts a file into its declarations, each with the comments directly before it.
#[must_use]
pub fn split(text: &str) -> Vec<Chunk> {
    let mut chunks: Vec<Chunk> = Vec::new();
    let mut splitter = Splitter { comments: None, content: false };
    let mut start = 0;
    while start < text.len() {
        let end = line_end(text, start);
        let line = text.get(start..end).unwrap_or_default();
        if let Some((kind, keyword, name)) = splitter.line(start, line) {
            let at = splitter.comments.take().unwrap_or(start);
            match chunks.last_mut() {
                Some(last) => last.end = at,
                None if splitter.content => chunks.push(Chunk::other(at)),
                None => {}
            }
            let from = chunks.last().map_or(0, |last| last.end);
            chunks.push(Chunk {
                kind,
                keyword: keyword.to_owned(),
                name: name.to_owned(),
                start: from,
                end: text.len(),
            });
        }
        start = end;
    }
    if chunks.is_empty() && !text.is_empty() {
        chunks.push(Chunk::other(text.len()));
    }
    chunks
}

impl Chunk {
    fn other(end: usize) -> Self {
        Self { kind: ChunkKind::Other, keyword: String::new(), name: String::new(), start: 0, end }
    }
}

struct Splitter {
    /// Where the run of comment lines that ends here starts.
    comments: Option<usize>,
    /// Something other than layout stands before the first declaration.
    content: bool,
}

impl Splitter {
    /// What the line starts, if it starts a declaration.
    fn line<'a>(&mut self, start: usize, line: &'a str) -> Option<(ChunkKind, &'a str, &'a str)> {
        let line = if start == 0 { line.trim_start_matches('\u{feff}') } else { line };
        match line.bytes().next() {
            Some(b'/') if line.starts_with("//") => {
                self.comments.get_or_insert(start);
                return None;
            }
            Some(b'a'..=b'z' | b'A'..=b'Z' | b'_') => {
                if let Some(found) = header(line) {
                    return Some(found);
                }
                self.content = true;
            }
            Some(b' ' | b'\t' | b'\r' | b'\n') | None => {
                self.content = self.content || !is_layout(line);
            }
            Some(_) => self.content = true,
        }
        self.comments = None;
        None
    }
}

/// Blanks and comments only.
fn is_layout(line: &str) -> bool {
    let line = line.trim_start_matches([' ', '\t', '\r', '\n']);
    line.is_empty() || line.starts_with("//")
}

fn line_end(text: &str, start: usize) -> usize {
    let rest = text.as_bytes().get(start..).unwrap_or_default();
    start + rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |newline| newline + 1)
}

/// Reads a line that starts with a word as the first line of a declaration.
fn header(line: &str) -> Option<(ChunkKind, &str, &str)> {
    let (word, rest) = take_word(line);
    let (next, after) = take_word(rest);
    if word == "fitted" && !next.is_empty() && next != "in" {
        return Some((ChunkKind::Block, next, name_of(after)));
    }
    let known = DECLARATION_WORDS.iter().find(|(known, _)| *known == word).map(|(_, kind)| *kind);
    let kind = match known {
        Some(kind) => kind,
        None if MORE_BLOCK_WORDS.contains(&word) => ChunkKind::Block,
        None if looks_like_block(word, rest) => return Some((ChunkKind::Block, word, name_of(rest))),
        None => return None,
    };
    follows_keyword(word, rest).then(|| (kind, word, name_of(rest)))
}

/// Whether what stands after a declaration word makes it one; `train = 70%` and `test in [1]` are entries.
fn follows_keyword(word: &str, rest: &str) -> bool {
    match rest.bytes().next() {
        Some(b'a'..=b'z' | b'A'..=b'Z' | b'_') => !OPERATOR_WORDS.contains(&take_word(rest).0),
        // `schema { … }` is a nested block.
        Some(b'{') => word != "schema",
        Some(b'"' | b'`' | b'0'..=b'9' | b'\r' | b'\n') | None => true,
        Some(b'/') => rest.starts_with("//"),
        Some(byte) => !byte.is_ascii(),
    }
}

/// `word word … {` on one line, where the first word is none that entries start with.
fn looks_like_block(word: &str, rest: &str) -> bool {
    let second = rest.bytes().next();
    if ENTRY_WORDS.contains(&word)
        || !second.is_some_and(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'"' | b'`'))
    {
        return false;
    }
    if OPERATOR_WORDS.contains(&take_word(rest).0) {
        return false;
    }
    let mut depth = 0_usize;
    let mut in_string = false;
    for byte in rest.bytes() {
        match byte {
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.saturating_sub(1),
            b'{' => return depth == 0,
            b'=' | b':' if depth == 0 => return false,
            _ => {}
        }
    }
    false
}

/// The word at the start of a text, and what stands after it and the blanks that follow.
fn take_word(text: &str) -> (&str, &str) {
    let end = text.bytes().position(|byte| !crate::lexer::is_word_byte(byte)).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    (word, rest.trim_start_matches([' ', '\t']))
}

/// The name a header goes on with: dotted, in backticks or quoted.
fn name_of(rest: &str) -> &str {
    let inner = rest.get(1..).unwrap_or_default();
    match rest.bytes().next() {
        Some(quote @ (b'"' | b'`')) => {
            inner.bytes().position(|byte| byte == quote).and_then(|end| inner.get(..end)).unwrap_or_default()
        }
        Some(b'a'..=b'z' | b'A'..=b'Z' | b'_') => {
            let end = rest.bytes().position(|byte| !crate::lexer::is_word_byte(byte) && byte != b'.');
            rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
        }
        _ => "",
    }
}
