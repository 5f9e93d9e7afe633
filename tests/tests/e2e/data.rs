//! Schemas drafted from real data of every format, compared with them, and brought up to date.

use mlpc_native::environment::ensure;
use mlpc_tests::command::{Ended, ended};
use mlpc_tests::postgres::Server;
use mlpc_tests::project::Project;
use std::process::Command;

/// Writes the same rows in each format; with `drifted`, as they are some weeks later.
const WRITE: &str = r#"
import datetime, gzip, os, sqlite3, sys
import duckdb, polars as pl, psycopg

drifted = sys.argv[1] == "drifted"
start = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
count = 60
rows = pl.DataFrame({
    "id": list(range(1, count + 1)),
    "kind": [("w" if drifted and i % 9 == 0 else "uv"[i % 2]) for i in range(count)],
    "x": [None if i % 7 == 0 else (i - 20) / 4 * (3 if drifted else 1) for i in range(count)],
    "day": [(start + datetime.timedelta(days=i)).date() for i in range(count)],
    "seen": [start + datetime.timedelta(hours=i) for i in range(count)],
    "good": [None if drifted and i == 3 else i % 3 == 0 for i in range(count)],
})
texts = rows.with_columns(pl.col("seen").dt.strftime("%Y-%m-%dT%H:%M:%SZ"), pl.col("day").cast(pl.String))
text = texts.write_csv(null_value="NA")
open("d.csv", "w").write(text)
open("d.csv.gz", "wb").write(gzip.compress(text.encode()))
texts.write_ndjson("d.ndjson")
rows.write_parquet("d.parquet")
rows.write_ipc("d.arrow")
for name in ("d.db", "d.duckdb"):
    if os.path.exists(name):
        os.remove(name)
types = "id integer primary key, kind text not null, x double precision, day {0} not null, seen {1} not null, good boolean"
with sqlite3.connect("d.db") as base:
    base.execute(f"create table d ({types.format('text', 'text')})")
    base.executemany("insert into d values (?, ?, ?, ?, ?, ?)", texts.rows())
base.close()
with duckdb.connect("d.duckdb") as base:
    base.execute("set timezone = 'UTC'")
    base.execute(f"create table d ({types.format('date', 'timestamptz')})")
    base.executemany("insert into d values (?, ?, ?, ?, ?, ?)", rows.rows())
with psycopg.connect(os.environ["SHOP"]) as base:
    base.execute("drop table if exists d")
    base.execute(f"create table d ({types.format('date', 'timestamptz')})")
    with base.cursor() as cursor:
        cursor.executemany("insert into d values (%s, %s, %s, %s, %s, %s)", rows.rows())
"#;

/// What stands around a drafted block.
const AROUND: &str = r#"

/// What is known.
features known from d {
  filter is_not_null(x)
  column x
  label  kind
}

split parts of known { by = time, train = 70%, test = 30% }

train model { trainer = sklearn.logistic_regression, data = parts }
"#;

/// Arguments of `mlpc infer` for each format.
const FORMATS: [&[&str]; 8] = [
    &["d.csv"],
    &["d.csv.gz"],
    &["d.ndjson"],
    &["d.parquet"],
    &["d.arrow"],
    &["d.db", "--table", "d"],
    &["d.duckdb", "--table", "d"],
    &["env:SHOP", "--table", "d"],
];

struct Shop {
    project: Project,
    server: Server,
}

impl Shop {
    fn new() -> Self {
        let shop =
            Self { project: Project::of("/// Nothing yet.\npipeline p { seed = 1 }\n"), server: Server::start() };
        shop.write_data("first");
        shop
    }

    fn write_data(&self, state: &str) {
        let lock = mlpc_plan::lock::parse(mlpc_stdlib::tools()).unwrap();
        let python = ensure(&lock.environment("tools").unwrap(), &mut |_| {}).unwrap();
        let mut command = Command::new(python);
        command.args(["-c", WRITE, state]).current_dir(&self.project.path).env("SHOP", &self.server.uri);
        let done = ended(&mut command);
        assert_eq!(done.code, 0, "{}", done.stderr);
    }

    fn mlpc(&self, args: &[&str]) -> Ended {
        ended(self.project.command(args).env("SHOP", &self.server.uri))
    }

    fn fine(&self, args: &[&str]) -> String {
        let done = self.mlpc(args);
        assert_eq!(done.code, 0, "{args:?}\n{}{}", done.stdout, done.stderr);
        done.stdout
    }
}

#[test]
fn a_block_from_any_format_fits_its_data_and_follows_them() {
    let shop = Shop::new();
    let programs: Vec<(&[&str], String)> = FORMATS.iter().map(|args| (*args, drafted(&shop, args))).collect();
    for (args, program) in &programs {
        a_wrong_name_and_a_wrong_type_are_found(&shop, args, program);
    }
    shop.write_data("drifted");
    for (args, program) in &programs {
        drift_is_shown_and_applied(&shop, args, program);
    }
}

/// A program with the block that `mlpc infer` writes, which must fit.
fn drafted(shop: &Shop, args: &[&str]) -> String {
    let block = shop.fine(&[&["infer"], args].concat());
    let line = |name: &str| {
        let found = block.lines().find(|line| line.trim_start().starts_with(&format!("{name}:")));
        found
            .unwrap_or_else(|| panic!("{args:?} {name}\n{block}"))
            .split_whitespace()
            .skip(1)
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(line("id"), "int in 1..", "{block}");
    assert_eq!(line("kind"), "category[\"u\", \"v\"]", "{block}");
    assert_eq!(line("x"), "float? in -10.0..=10.0", "{block}");
    assert_eq!(
        (line("day"), line("seen"), line("good")),
        ("date".into(), "timestamp".into(), "bool".into()),
        "{block}"
    );
    for line in ["key       = id", "timestamp = seen", "rows in 54..=67", "null_rate(x) <= 23%"] {
        assert!(block.contains(line), "{line}\n{block}");
    }
    let program = format!("/// What do they buy?\npipeline shop {{ seed = 1 }}\n\n{block}{AROUND}");
    shop.project.write("main.mlp", &program);
    shop.fine(&["check", "--data", "main.mlp"]);
    assert!(shop.fine(&["infer", "--update", "main.mlp"]).contains("the schemas fit their data"));
    program
}

fn a_wrong_name_and_a_wrong_type_are_found(shop: &Shop, args: &[&str], program: &str) {
    // `\nday:` and not a word that holds it.
    let missing = program.replacen("    day:", "    dya:", 1);
    let retyped = program.replacen("    good: bool", "    good: date", 1);
    for (wrong, name) in [(missing, "dya"), (retyped, "good")] {
        assert_ne!(wrong, program, "{program}");
        shop.project.write("main.mlp", &wrong);
        let done = shop.mlpc(&["check", "--data", "--format", "json", "main.mlp"]);
        let found: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
        let found = found["findings"].as_array().unwrap();
        let line = |item: &serde_json::Value| item["labels"][0]["start"]["line"].as_u64().unwrap();
        let marked = |item: &&serde_json::Value| {
            let text = wrong.lines().nth(usize::try_from(line(item)).unwrap() - 1).unwrap();
            item["code"] == "MLP0407" && item["severity"] == "error" && text.trim_start().starts_with(name)
        };
        assert_eq!(found.iter().filter(marked).count(), 1, "{args:?} {name}: {found:?}");
    }
}

fn drift_is_shown_and_applied(shop: &Shop, args: &[&str], program: &str) {
    let program = program.replace("  schema {", "  // Kept as it is.\n  schema {");
    shop.project.write("main.mlp", &program);
    let shown = shop.mlpc(&["infer", "--update", "main.mlp"]);
    assert_eq!(shown.code, 1, "{args:?}\n{}{}", shown.stdout, shown.stderr);
    assert_eq!(shop.project.read("main.mlp"), program, "showing changes nothing");
    for line in ["+    kind: category[\"u\", \"v\", \"w\"]", "+    x:    float? in -20.0..=30.0", "+    good: bool?"] {
        assert!(shown.stdout.contains(line), "{args:?} {line}\n{}", shown.stdout);
    }
    let lines = |mark: &str| shown.stdout.lines().filter(|line| line.starts_with(mark)).count();
    assert_eq!((lines("-"), lines("+")), (4, 4), "{args:?}\n{}", shown.stdout);
    shop.fine(&["infer", "--update", "--write", "main.mlp"]);
    let changed = shop.project.read("main.mlp");
    assert!(changed.contains("  // Kept as it is.\n"), "{changed}");
    shop.fine(&["check", "--data", "main.mlp"]);
    assert!(shop.fine(&["infer", "--update", "main.mlp"]).contains("the schemas fit their data"));
}

#[test]
fn a_column_that_is_gone_goes_with_its_documentation() {
    let project = Project::of("");
    let block = "/// P.\npipeline p { seed = 1 }\n\n/// D.\ndataset d {\n  source = csv(\"d.csv\")\n  schema {\n    a: int\n    \
                 /// Gone.\n    b: int in 0..   // with this\n    c: int, e: int, f: int\n  }\n  expect { rows in 1.. }\n}\n";
    project.write("main.mlp", block);
    project.write("d.csv", "a,c,f\n1,2,3\n");
    assert_eq!(project.mlpc(&["infer", "--update", "--write", "main.mlp"]).code, 0);
    let left = block.replace("    /// Gone.\n    b: int in 0..   // with this\n", "").replace("e: int, ", "");
    assert_eq!(project.read("main.mlp"), left);
}

#[test]
fn names_that_the_language_does_not_take_are_renamed() {
    let project = Project::of("");
    project.write("odd data.csv", "Bill Length (mm);2nd;a;A-b;ä\n1,5;x;1;2;3\n");
    let done = project.mlpc(&["infer", "odd data.csv"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    for part in [
        "dataset odd_data {",
        "csv(\"odd data.csv\", delimiter: \";\")",
        "bill_length_mm: ",
        "from \"Bill Length (mm)\"",
        "column_2nd:",
        "from \"2nd\"",
        "a_b:",
    ] {
        assert!(done.stdout.contains(part), "{part}\n{}", done.stdout);
    }
    project.write("main.mlp", format!("/// P.\npipeline p {{ seed = 1 }}\n\n{}", done.stdout));
    let checked = project.mlpc(&["check", "--data", "main.mlp"]);
    assert_eq!(checked.code, 0, "{}{}", checked.stdout, checked.stderr);
}

#[test]
fn what_is_no_data_is_told() {
    let project = Project::of("");
    project.write("d.xyz", "");
    project.write("d.db", "no database");
    for (args, code, told) in [
        (&["infer", "d.xyz"][..], 2, "is not told by its ending"),
        (&["infer", "absent.csv"], 2, "there is no file `absent.csv`"),
        (&["infer", "d.db"], 2, "`d.db` is a database"),
        (&["infer", "d.db", "--table", "t"], 1, "`d.db` cannot be read: file is not a database"),
        (&["infer", "env:NOWHERE_AT_ALL", "--table", "t"], 1, "the variable NOWHERE_AT_ALL"),
    ] {
        let done = project.mlpc(args);
        assert_eq!(done.code, code, "{args:?}\n{}", done.stderr);
        assert!(done.stderr.contains(told), "{args:?}\n{}", done.stderr);
    }
}

#[test]
fn a_file_of_a_zip_a_query_and_keys_of_several_columns() {
    const MAKE: &str = r#"
import sqlite3, zipfile, polars as pl
rows = [(day, shop, (day * 7 + shop) % 5 + 0.5) for day in range(1, 29) for shop in range(1, 6)]
text = "day,shop,sold\n" + "".join(f"2024-02-{day:02},s{shop},{sold}\n" for day, shop, sold in rows)
with zipfile.ZipFile("d.zip", "w") as packed:
    packed.writestr("README.txt", "what this is")
    packed.writestr("sales/d.csv", text)
with sqlite3.connect("d.db") as base:
    base.execute("create table sales (day text not null, shop text not null, sold real not null)")
    base.executemany("insert into sales values (?, ?, ?)", [(f"2024-02-{d:02}", f"s{s}", x) for d, s, x in rows])
base.close()
gif = b"GIF89a" + bytes(20)
pl.DataFrame({"id": [1, 2], "photo": [gif, gif], "raw": [b"a", b"b"]}).write_parquet("p.parquet")
"#;
    let project = Project::of("");
    let done = mlpc_tests::python::command().args(["-c", MAKE]).current_dir(&project.path).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let query = "select day, shop, sold from sales where sold > 0";
    for (args, source) in [
        (&["infer", "d.zip", "--member", "sales/d.csv"][..], "csv(\"d.zip\", member: \"sales/d.csv\")".to_owned()),
        (&["infer", "d.db", "--query", query, "--name", "d"], format!("sqlite(\"d.db\", query: \"{query}\")")),
    ] {
        let drafted = project.mlpc(args);
        assert_eq!(drafted.code, 0, "{}", drafted.stderr);
        for line in [format!("source = {source}"), "key    = [day, shop]".to_owned(), "dataset d {".to_owned()] {
            assert!(drafted.stdout.contains(&line), "{line}\n{}", drafted.stdout);
        }
        let rest = "\n/// Known.\nfeatures known from d {\n  column shop\n  label  sold\n}\n\nsplit parts of known { by = random, train = \
                    70%, test = 30% }\n\ntrain model { trainer = sklearn.hist_gradient_boosting_regressor, data = parts }\n";
        project.write("main.mlp", format!("/// P.\npipeline p {{ seed = 1 }}\n\n{}{rest}", drafted.stdout));
        for command in [&["check", "--data", "main.mlp"][..], &["infer", "--update", "main.mlp"]] {
            let checked = project.mlpc(command);
            assert_eq!(checked.code, 0, "{command:?}\n{}{}", checked.stdout, checked.stderr);
        }
        project.lock();
        assert_eq!(project.succeed(&[]).step("ingest.d")["rows"]["rows"], 140);
    }
    let which = project.mlpc(&["infer", "d.zip"]);
    assert!(which.code == 2 && which.stderr.contains("say which of its files: `--member PATH`"), "{}", which.stderr);
    let drafted = project.mlpc(&["infer", "p.parquet"]);
    assert!(drafted.stdout.contains("photo: image\n    raw:   bytes\n"), "{}", drafted.stdout);
}

#[test]
fn what_a_catalog_allows_is_one_warning_and_types_are_told_by_column() {
    const MAKE: &str = r#"
import sqlite3, polars as pl
with sqlite3.connect("d.db") as base:
    base.execute("create table d (id integer primary key, a real, b real, c real not null)")
    base.execute("insert into d values (1, 1.5, 2.5, 3.5)")
base.close()
pl.DataFrame({"id": [1], "when": ["soon"], "x": [1.5]}).write_parquet("p.parquet")
"#;
    let program = "/// P.\npipeline p { seed = 1 }\n\n/// D.\ndataset d {\n  source = sqlite(\"d.db\", table: \"d\")\n  schema {\n    \
                   id: int\n    a: float\n    b: float\n    c: float\n  }\n  expect { rows in 1.. }\n}\n\n/// E.\ndataset e {\n  \
                   source = parquet(\"p.parquet\")\n  schema { id: int, when: date, x: int }\n  expect { rows in 1.. }\n}\n";
    let project = Project::of(program);
    let done = mlpc_tests::python::command().args(["-c", MAKE]).current_dir(&project.path).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let checked = project.mlpc(&["check", "--data", "--format", "short", "main.mlp"]);
    let lines: Vec<&str> = checked.stdout.lines().filter(|line| line.contains("MLP0407")).collect();
    let allowed = "main.mlp:9:8: warning[MLP0407]: the table of `d` allows null in columns that are declared without `?`: \
                   `a` and `b`";
    assert!(lines.contains(&allowed), "{}", checked.stdout);
    for told in [
        "`when` is text in the footer, so each of its cells would have to be read as another type",
        "the data of `e` breaks its schema: x is int, and the footer has float",
    ] {
        assert_eq!(lines.iter().filter(|line| line.ends_with(told)).count(), 1, "{told}\n{}", checked.stdout);
    }
    assert_eq!(lines.len(), 3, "{}", checked.stdout);
}
