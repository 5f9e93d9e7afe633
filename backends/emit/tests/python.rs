//! What is printed as Python is the Python that was meant: literals against Python itself, layout against ruff.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests may panic")]

mod common;

use common::python;
use mlpc_emit::py::{self, Argument, Py, docstring, flat, format_python, operator, string_literal};
use std::io::Write as _;
use std::process::{Command, Stdio};

/// A generator without state outside: the same texts in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % bound
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn text(&mut self) -> String {
        const LETTERS: [char; 24] = [
            'a', 'Z', '0', ' ', '"', '\'', '\\', '\n', '\r', '\t', '\0', '\u{7f}', '\u{a0}', '\u{ad}', '\u{200b}',
            '\u{202e}', '\u{2066}', '\u{feff}', '{', '}', '%', '#', 'é', '🐧',
        ];
        (0..self.below(12)).map(|_| self.pick(&LETTERS)).collect()
    }
}

/// Runs a program in `python3`; its output, once it has succeeded.
fn python3(program: &str, input: &str) -> String {
    let mut child = Command::new("python3")
        .args(["-c", program])
        .env("PYTHONIOENCODING", "utf-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is there");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn string_literals_mean_their_text_and_hide_nothing() {
    let mut random = Random(7);
    let mut texts: Vec<String> = (0..2_000).map(|_| random.text()).collect();
    texts.extend(["\"\"\"", "'''", "\\", "\\\"", "'\"", "{x}", "\u{2028}", "\u{e0041}"].map(str::to_owned));
    let pairs: Vec<(String, &String)> = texts.iter().map(|text| (string_literal(text), text)).collect();
    let program = "import ast, json, sys\nfor literal, text in json.load(sys.stdin):\n    \
                   assert ast.literal_eval(literal) == text, literal\n    assert literal.isprintable(), literal\nprint('ok')";
    assert_eq!(python3(program, &serde_json::to_string(&pairs).expect("JSON")).trim(), "ok");
}

#[test]
fn docstrings_end_only_where_they_should() {
    let mut random = Random(11);
    let texts: Vec<String> = (0..500).map(|_| random.text() + "\"\"\" import os\n" + &random.text()).collect();
    let programs: Vec<String> =
        texts.iter().map(|text| format!("\"\"\"{}\"\"\"\nx = 1\n", docstring(text, 80).join("\n"))).collect();
    let program = "import ast, json, sys\nfor program in json.load(sys.stdin):\n    body = ast.parse(program).body\n    \
                   assert len(body) == 2, program\n    assert ast.unparse(body[1]) == 'x = 1'\n    \
                   assert all(c == '\\n' or c.isprintable() for c in program), program\nprint('ok')";
    assert_eq!(python3(program, &serde_json::to_string(&programs).expect("JSON")).trim(), "ok");
}

#[test]
fn numbers_keep_every_bit() {
    let floats = [0.1, -0.0, 1e300, 5e-324, 123_456_789.123, f64::INFINITY, f64::NEG_INFINITY, 1e16, -2.5];
    let printed: Vec<String> = floats.iter().map(|value| flat(&Py::float(*value))).collect();
    let bits: Vec<String> = floats.iter().map(|value| value.to_bits().to_string()).collect();
    let program = "import json, struct, sys\nprinted, bits = json.load(sys.stdin)\nfor text, bit in zip(printed, bits):\n    \
                   assert struct.pack('<d', eval(text)) == int(bit).to_bytes(8, 'little'), text\nprint('ok')";
    assert_eq!(python3(program, &serde_json::to_string(&(printed, bits)).expect("JSON")).trim(), "ok");
    assert_eq!(flat(&Py::integer(i64::MIN)), "-9_223_372_036_854_775_808");
    assert_eq!(flat(&Py::integer(1234)), "1234");
}

#[test]
fn operands_get_parentheses_where_they_need_them_and_nowhere_else() {
    for text in [
        "(a + b) * c",
        "a + b * c",
        "a - (b - c)",
        "a - b - c",
        "-(a + b)",
        "(-a) ** 2",
        "-a**2",
        "a ** (b**c)",
        "(a**b) ** c",
        "(a == b) & (c > d)",
        "(a & b) | c",
        "~(a & b)",
        "(a + b).log1p()",
        "f(a)[0].b",
        "not a in b",
        "(2).real",
        "(a < b) == c",
    ] {
        let parsed = py::parse_expression(text).expect("it is Python");
        let same = "import ast, json, sys\na, b = json.load(sys.stdin)\nassert ast.dump(ast.parse(a)) == ast.dump(ast.parse(b)), b\nprint('ok')";
        let printed = flat(&parsed);
        let input = serde_json::to_string(&(text, &printed)).expect("JSON");
        assert_eq!(python3(same, &input).trim(), "ok");
        let again = flat(&py::parse_expression(&printed).expect("it is Python"));
        assert_eq!(printed, again);
    }
}

/// A random expression, of the shapes that templates and steps give.
fn expression(random: &mut Random, depth: usize) -> Py {
    let name = |random: &mut Random| "abcdefghijklmnopqrstuvwxyz_"[..=random.below(24)].to_owned();
    if depth == 0 {
        return match random.below(5) {
            0 => Py::integer(i64::try_from(random.below(100_000)).expect("small")),
            1 => Py::string(&name(random)),
            2 => Py::float(0.5),
            3 => Py::name(name(random)),
            _ => Py::name("pl").method("col", [Py::string(&name(random))]),
        };
    }
    let next = depth - 1;
    match random.below(9) {
        0 | 1 => {
            let sign =
                operator(random.pick(&["+", "-", "*", "/", "//", "%", "**", "&", "|", ">", "=="])).expect("it is");
            Py::binary(sign, expression(random, next), expression(random, next))
        }
        2 => Py::Unary(random.pick(&["-", "~"]), Box::new(expression(random, next))),
        3 | 4 => {
            let base = match expression(random, next) {
                Py::Number(_) | Py::Unary(..) => Py::name("x"),
                base => base,
            };
            let arguments = (0..random.below(3)).map(|_| expression(random, next)).collect::<Vec<_>>();
            base.method(&name(random), arguments)
        }
        5 => {
            let arguments = (0..random.below(4)).map(|index| match index {
                0 => Argument::positional(expression(random, next)),
                _ => Argument::keyword(format!("key_{index}"), expression(random, next)),
            });
            Py::name("function").call_with(arguments.collect())
        }
        6 => Py::List((0..random.below(4)).map(|_| expression(random, next)).collect()),
        7 => Py::Dict((0..random.below(3)).map(|_| (Py::string(&name(random)), expression(random, next))).collect()),
        _ => Py::name("state").index(Py::string(&name(random))).index(Py::string("mean")),
    }
}

#[test]
fn layout_is_that_of_ruff() {
    let python = python();
    let mut random = Random(3);
    let mut text = String::new();
    for index in 0..600 {
        let depth = 1 + random.below(5);
        let call = Py::name("frame.with_columns").call_with(vec![
            Argument::keyword("value", expression(&mut random, depth)),
            Argument::keyword("other", expression(&mut random, 1)),
        ]);
        if index == 300 {
            text += "\n\n";
        }
        text += &match index {
            0..300 => format!("value_{index} = {}\n", flat(&call)),
            _ => format!("def function_{index}() -> None:\n    return {}\n\n\n", flat(&call)),
        };
    }
    text += "def first(aaaaaaaaaaaaaaaaaaaaaaaaaa: pl.LazyFrame, bbbbbbbbbbbbbbbbbbbbbbbb: pl.LazyFrame) -> pl.LazyFrame:\n    return f(x)\n\n\n";
    text += "class A:\n    x: int | Literal[\"aaaaaaaaaaaaaaaaaaaaaaaaaa\", \"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\", \"cccccccccccccc\"] | None\n";
    let ours = format_python(&text).expect("it is Python");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sample.py");
    std::fs::write(&path, text.trim_end().to_owned() + "\n").expect("a file");
    std::fs::write(folder.path().join("ruff.toml"), "line-length = 100\n").expect("a file");
    let output = Command::new(python).args(["-m", "ruff", "format"]).arg(&path).current_dir(folder.path()).output();
    assert!(output.expect("ruff runs").status.success());
    let theirs = std::fs::read_to_string(&path).expect("a file");
    for (line, (our, their)) in ours.lines().zip(theirs.lines()).enumerate() {
        let around = |text: &str| text.lines().skip(line.saturating_sub(8)).take(20).collect::<Vec<_>>().join("\n");
        assert!(our == their, "line {}:\n{}\n----\n{}", line + 1, around(&ours), around(&theirs));
    }
}

#[test]
fn every_template_of_the_library_is_understood() {
    let mut seen = 0;
    for file in mlpc_stdlib::declarations() {
        for line in file.text.lines() {
            let Some((name, value)) = line.split_once('=') else { continue };
            if !matches!(name.trim(), "polars" | "offending") {
                continue;
            }
            let quoted = value.trim();
            let Ok(template) = serde_json::from_str::<String>(quoted) else { panic!("{}: {line}", file.path) };
            let holes = py::holes(&template).unwrap_or_else(|error| panic!("{}: {error}", file.path));
            assert!(template.matches('{').count() >= holes.len());
            seen += 1;
        }
    }
    assert!(seen > 100, "only {seen} templates were found");
}
