//! Any text is split and parsed without a panic, and no byte of it is lost.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut end = 0;
    for chunk in mlpc_syntax::split(text) {
        assert_eq!(chunk.start, end, "chunks follow each other");
        end = chunk.end;
        let part = &text[chunk.start..chunk.end];
        let tree = mlpc_syntax::parse(part).tree;
        let leaves: String = tree.leaves().map(|leaf| tree.text_of(leaf)).collect();
        assert_eq!(leaves, part, "every byte is in one leaf");
    }
    assert_eq!(end, text.len(), "chunks reach the end");
});
