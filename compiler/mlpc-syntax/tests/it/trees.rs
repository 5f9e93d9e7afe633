//! Snapshots of trees and abstract syntax.

use mlpc_syntax::{Rule, describe, parse};

#[test]
fn the_tree_of_a_small_block() {
    let text = "/// Doc.\nfeatures f from d { // why\n  column a = b + 1, c\n  label y = sum(x) over (by: k) == 0\n}\n";
    insta::assert_snapshot!(parse(text).tree.debug_print());
}

#[test]
fn the_tree_of_a_broken_block() {
    let text = "dataset d {\n  a = (1\n  b: int in 0.. @pii\n  c d e\n}\n";
    insta::assert_snapshot!(parse(text).tree.debug_print());
}

#[test]
fn the_syntax_of_a_field_and_a_setting() {
    insta::assert_debug_snapshot!(
        parse("schema s {\n  a: float[mi]? = 0.5 in 0.0..<1.0 @pii\n  b = f(x, y: 2)\n}\n").decl
    );
}

#[test]
fn the_path_to_a_place_ends_in_its_leaf() {
    let text = "pipeline p { a = f(b) }";
    let tree = parse(text).tree;
    let kinds: Vec<Rule> = tree.path_to(19).into_iter().map(|node| tree.kind(node)).collect();
    assert_eq!(
        kinds,
        [
            Rule::declaration,
            Rule::block,
            Rule::body,
            Rule::setting,
            Rule::expression,
            Rule::call,
            Rule::argument,
            Rule::expression,
            Rule::variable
        ]
    );
}

#[test]
fn rules_have_readable_names() {
    for rule in Rule::all_rules() {
        let name = describe(*rule);
        assert!(!name.is_empty() && !name.contains("_text") && !name.ends_with('.'), "{rule:?}: {name}");
    }
}
