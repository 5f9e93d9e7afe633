//! How long a check takes on large programs, cold and after an edit: as a library, in one process, without output.

use crate::{Outcome, best, milliseconds};
use mlpc_db::{Database, MemorySystem};
use std::fmt::Write as _;

/// A program, and an edit of it that leaves it right.
struct Program {
    title: &'static str,
    system: MemorySystem,
    root: &'static str,
    blocks: usize,
    lines: usize,
    /// In the last file: text that occurs, and the same with the number of the round in the place of `@`.
    edit: (&'static str, &'static str),
}

/// Cold checks, and checks after one edit: the flights example, a project of 1,000 blocks in 50 files, and one file of
/// 20,000 lines.
pub fn measure() -> Outcome {
    println!("{:<44} {:>10} {:>10} {:>12}", "program", "blocks", "lines", "time");
    let programs =
        [flights(), generated("1,000 blocks in 50 files", 1_000, 50), generated("one file of 20,000 lines", 2_500, 1)];
    for program in programs {
        let Program { title, system, root, blocks, lines, edit } = program;
        let cold = best(5, || {
            let mut db = Database::default();
            let project = mlpc_hir::load(&mut db, &system, root, None)?;
            expect_clean(mlpc_hir::check_project(&db, project).len())
        })?;
        println!("{title:<44} {blocks:>10} {lines:>10} {:>9.2} ms", milliseconds(cold));
        let mut db = Database::default();
        let project = mlpc_hir::load(&mut db, &system, root, None)?;
        mlpc_hir::check_project(&db, project);
        let file = project.files(&db).last().copied().ok_or("the program has a file")?;
        let (path, text) = (file.path(&db).to_owned(), file.text(&db).to_string());
        let mut round = 0;
        let edited = best(5, || {
            round += 1;
            db.set_file(&path, &text.replacen(edit.0, &edit.1.replace('@', &round.to_string()), 1));
            expect_clean(mlpc_hir::check_project(&db, project).len())
        })?;
        println!("{:<44} {:>10} {:>10} {:>9.2} ms", "  after an edit of one setting", "", "", milliseconds(edited));
    }
    Ok(())
}

/// The largest example: several tables, windows, as-of joins.
fn flights() -> Program {
    let text = include_str!("../../../examples/flights/flights.mlp");
    Program {
        title: "examples/flights",
        system: MemorySystem::default().with("flights.mlp", text),
        root: "flights.mlp",
        blocks: mlpc_syntax::split(text).len(),
        lines: text.lines().count(),
        edit: ("(by: carrier, window: 7d)", "(by: carrier, window: 1@d)"),
    }
}

fn expect_clean(findings: usize) -> Outcome {
    if findings == 0 { Ok(()) } else { Err(format!("the generated program has {findings} findings").into()) }
}

/// A program with about this many blocks over this many files: chains of dataset, features, split, train, evaluate.
fn generated(title: &'static str, blocks: usize, files: usize) -> Program {
    const CHAIN: usize = 5;
    let chains = blocks / CHAIN;
    let mut texts = vec![String::new(); files];
    for chain in 0..chains {
        if let Some(text) = texts.get_mut(chain % files) {
            write_chain(text, chain);
        }
    }
    let imports = (1..files).fold(String::new(), |mut text, file| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "import \"part_{file}.mlp\" as part_{file}");
        text
    });
    let head = format!("{imports}\n/// A program of many models.\npipeline large {{\n  seed = 1\n}}\n");
    let mut system = MemorySystem::default();
    let mut lines = 0;
    for (file, text) in texts.into_iter().enumerate() {
        let (path, text) = match file {
            0 => ("main.mlp".to_owned(), format!("{head}{text}")),
            _ => (format!("part_{file}.mlp"), text),
        };
        lines += text.lines().count();
        system = system.with(&path, text);
    }
    Program { title, system, root: "main.mlp", blocks: chains * CHAIN + 1, lines, edit: ("alpha: 1.0", "alpha: 1.@") }
}

fn write_chain(text: &mut String, chain: usize) {
    let _ = write!(
        text,
        r#"
/// Table number {chain}.
dataset table_{chain} {{
  source = csv("data/table_{chain}.csv", null: ["NA"])
  schema {{
    width:  float? in 0.0..=10.0
    height: float  in 0.0..=10.0
    count:  int    in 0..=1_000
    kind:   category["a", "b", "c"]
    target: float
  }}
  expect {{
    rows in 1..=1_000_000
    null_rate(width) <= 5%
    mean(height) in 0.0..=10.0
  }}
}}

/// Features number {chain}.
features traits_{chain} from table_{chain} {{
  filter is_not_null(width) and count > 0
  column area      = width * height
  column slenderness = height / (width + 1.0)
  column size      = standardize(log1p(count))
  column tall      = height > 5.0 and kind in ["a", "b"]
  column of_kind   = one_hot(kind)
  column height_z  = standardize(height)
  let    crowded   = if count > 100 then 1 else 0
  label  target
}}

split parts_{chain} of traits_{chain} {{
  by    = random
  train = 70%, test = 30%
}}

train model_{chain} {{
  trainer = sklearn.ridge(alpha: 1.0)
  data    = parts_{chain}
}}

evaluate report_{chain} of model_{chain} {{
  metrics = [rmse, mae, r2]
  slices  = [kind, crowded]
}}
"#
    );
}
