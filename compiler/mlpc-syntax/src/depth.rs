//! How deep the expressions of an entry nest, bounded from its tokens before anything recursive reads them: pest, the
//! syntax tree of expressions, and whoever walks it later, even to drop it.

use crate::brackets::MAX_DEPTH;
use crate::lexer::{Tok, Token};

/// What stands between two commas of one bracket.
#[derive(Clone, Copy, Default)]
struct Level {
    /// Operators since the last `and` or `or`, plus the depth of what they join.
    current: usize,
    /// Deepest operand of `and` and `or` so far.
    deepest: usize,
    /// `and` and `or` so far.
    logic: usize,
}

impl Level {
    fn depth(self) -> usize {
        self.logic + self.deepest.max(self.current)
    }
}

/// The first token at which an entry's expressions nest too deep.
pub(crate) fn too_deep(source: &str, tokens: &[Token]) -> Option<usize> {
    let mut outer: Vec<Level> = Vec::new();
    let mut level = Level::default();
    for (index, token) in tokens.iter().enumerate() {
        match token.kind {
            Tok::Open(_) => {
                outer.push(level);
                level = Level::default();
            }
            Tok::Close(_) => {
                let inner = level.depth() + 1;
                level = outer.pop().unwrap_or_default();
                level.current += inner;
            }
            Tok::Comma | Tok::Colon => {
                level = Level { current: 0, deepest: level.depth(), logic: 0 };
            }
            Tok::Operator | Tok::Minus | Tok::Range | Tok::OpenRange | Tok::Dot => level.current += 1,
            Tok::Word => match token.text(source) {
                "and" | "or" => {
                    level = Level { current: 0, deepest: level.deepest.max(level.current), logic: level.logic + 1 };
                }
                "not" | "in" | "if" | "over" | "by" => level.current += 1,
                _ => {}
            },
            _ => {}
        }
        if outer.len() + level.depth() > MAX_DEPTH {
            return Some(index);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexer::lex;

    fn refused(source: &str) -> bool {
        too_deep(source, &lex(source)).is_some()
    }

    #[test]
    fn nesting_chains_and_prefixes_count_but_lists_do_not() {
        for (unit, limit) in [("(", 256), ("-", 256), ("not ", 256), ("a + ", 256), ("a.", 256), ("a or ", 256)] {
            assert!(!refused(&unit.repeat(limit)), "{unit}");
            assert!(refused(&unit.repeat(limit + 1)), "{unit}");
        }
        assert!(!refused(&format!("[{}]", "f(a + 1), ".repeat(10_000))));
        assert!(refused(&format!("{}a{}", "(".repeat(200), " + 1)".repeat(200))));
        assert!(!refused(&"a == 1 or ".repeat(250)));
    }
}
