//! Texts that mean something to a language that is printed: Python, Jinja, shells, YAML, HTML, Dockerfiles, readers.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

/// One of each kind.
pub const ODD: &[&str] = &[
    "\"",
    "'",
    "\"\"\"",
    "'''",
    "\\",
    "\\\"\\",
    "\\N{DASH}\\x41\\u0041",
    "{",
    "}}",
    "{0}",
    "{x!r:>{y}}",
    "{{ 7 * 7 }}",
    "{{{raw}}}",
    "{% raw %}",
    "{# #}",
    "{{$.inputs.parameters['store']}}",
    "{{workflow.name}}",
    "%s %(x)s %%",
    "${HOME} $HOME $$",
    "$(touch /tmp/x)",
    "`id`",
    "; exit 1 #",
    "&& false || true",
    "a\nb",
    "\nEOF\nRUN false\n",
    "\r\n",
    "\t",
    "\0",
    "\u{7}\u{1b}[31m",
    "\u{7f}\u{85}\u{a0}",
    "\u{2028}\u{2029}",
    "\u{202e}dlrow\u{202c}",
    "\u{2066}",
    "\u{feff}",
    "\u{fffe}\u{ffff}",
    "!!python/object/apply:os.system [true]",
    "- a: &b *c",
    "---\n...\n",
    "? a : | >- %YAML 1.1",
    "@a",
    "<script>alert(1)</script>",
    "--> <!-- ]]> &lt; &amp;",
    "</title><h1 onclick='x'>",
    "é 漢 🐧 e\u{301}",
    "😀\u{200d}👩",
    "\u{10ffff}",
    ":param: x",
    " lead and trail ",
];

/// All of them in one text of more than 64 KB.
#[must_use]
pub fn long() -> String {
    let all = ODD.concat();
    all.repeat(1 + 64 * 1024 / all.len())
}

/// So many texts that come of nowhere, the same in every run.
#[must_use]
pub fn made(count: usize) -> Vec<String> {
    let mut runner = TestRunner::deterministic();
    let any = proptest::prelude::any::<String>();
    (0..count).filter_map(|_| any.new_tree(&mut runner).ok()).map(|tree| tree.current()).collect()
}
