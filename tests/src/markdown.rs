//! Markdown files whose fenced blocks are programs: sections, programs, the files beside them.

/// A fenced block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fence {
    /// What stands behind the opening ticks: `mlp error`, `mlp file=shared/data.mlp`.
    pub info: String,
    /// Its text, a newline at the end of each line.
    pub text: String,
    /// The line of its first line of text in the Markdown file, from 1.
    pub line: usize,
    /// The headings above it, outermost first.
    pub section: Vec<String>,
}

impl Fence {
    /// The word before the first blank: `mlp`, `snapshot`.
    #[must_use]
    pub fn language(&self) -> &str {
        self.info.split(' ').next().unwrap_or_default()
    }

    /// Whether this word stands behind the language.
    #[must_use]
    pub fn has(&self, word: &str) -> bool {
        self.info.split(' ').skip(1).any(|found| found == word)
    }

    /// The path in `file=path`.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        self.info.split(' ').find_map(|word| word.strip_prefix("file="))
    }
}

/// A program, the files beside it and what is shown of it.
#[derive(Clone, Debug)]
pub struct Case {
    /// The program.
    pub main: Fence,
    /// Other files: a path for each.
    pub beside: Vec<Fence>,
    /// Its findings as they are shown.
    pub snapshot: Option<Fence>,
    /// Its lock.
    pub lock: Option<Fence>,
}

impl Case {
    /// Its headings and line, for messages.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} (line {})", self.main.section.join(" / "), self.main.line)
    }

    /// Path and text of each file, the program first.
    #[must_use]
    pub fn files(&self) -> Vec<(&str, &str)> {
        let beside = self.beside.iter().filter_map(|fence| Some((fence.file()?, fence.text.as_str())));
        std::iter::once((crate::program::MAIN, self.main.text.as_str())).chain(beside).collect()
    }
}

/// Every fenced block of a Markdown text, in order.
#[must_use]
pub fn fences(markdown: &str) -> Vec<Fence> {
    let mut fences: Vec<Fence> = Vec::new();
    let mut section: Vec<String> = Vec::new();
    let mut open = false;
    for (at, line) in markdown.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(info) if !open => {
                let info = info.trim().to_owned();
                fences.push(Fence { info, text: String::new(), line: at + 2, section: section.clone() });
                open = true;
            }
            Some(_) => open = false,
            None if open => {
                if let Some(fence) = fences.last_mut() {
                    fence.text.push_str(line);
                    fence.text.push('\n');
                }
            }
            None => heading(line, &mut section),
        }
    }
    assert!(!open, "a fence is not closed");
    fences
}

fn heading(line: &str, section: &mut Vec<String>) {
    let depth = line.chars().take_while(|char| *char == '#').count();
    if depth > 0 && line.get(depth..).is_some_and(|rest| rest.starts_with(' ')) {
        section.truncate(depth - 1);
        section.push(line.trim_start_matches('#').trim().to_owned());
    }
}

/// The programs of a Markdown text. A block of `mlp` without a path starts one; whatever follows belongs to it.
#[must_use]
pub fn cases(markdown: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for fence in fences(markdown) {
        if fence.language() == "mlp" && fence.file().is_none() {
            cases.push(Case { main: fence, beside: Vec::new(), snapshot: None, lock: None });
            continue;
        }
        let Some(case) = cases.last_mut() else { continue };
        match fence.language() {
            "snapshot" => case.snapshot = Some(fence),
            "lock" => case.lock = Some(fence),
            _ if fence.file().is_some() => case.beside.push(fence),
            _ => {}
        }
    }
    cases
}

/// The Markdown with the text of the fence that starts at `line` replaced.
#[must_use]
pub fn with_fence(markdown: &str, line: usize, text: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for (at, old) in markdown.lines().enumerate() {
        if at + 1 == line {
            inside = true;
            out.push_str(text);
        }
        inside = inside && !old.starts_with("```");
        if !inside {
            out.push_str(old);
            out.push('\n');
        }
    }
    out
}
