//! What leaks do to the metrics: the flights example with each leak allowed by force, beside the honest one. The page
//! `examples/flights/LEAKS.md` shows the numbers; `BLESS=1` writes them anew.

use mlpc_tests::project::Project;
use mlpc_tests::python::repository;
use std::fmt::Write as _;
use std::fs;

/// A leak: what the compiler calls it, in words, and the edits that let it in.
struct Leak {
    code: &'static str,
    about: &'static str,
    edits: &'static [(&'static str, &'static str)],
}

/// The honest program, made quicker: one training part instead of folds.
const HONEST: &[(&str, &str)] = &[
    ("  folds = walk_forward(4, test: 30d, window: expanding)\n", "  train = ..<date(\"2013-11-01\")\n"),
    ("  on      = validation\n", ""),
    ("evaluate tuned_report of tuned", "evaluate tuned_report of delay_model"),
    ("register late_arrival from tuned", "register late_arrival from delay_model"),
];

const LEAKS: &[Leak] = &[
    Leak {
        code: "MLP0504 future_leakage",
        about: "the delay of departure, known three hours later, as a feature",
        edits: &[(
            "  column seats\n",
            "  column seats\n  column started = dep_delay\n  allow  future_leakage(started) because \"shows the leak\"\n",
        )],
    },
    Leak {
        code: "MLP0501 label_leakage",
        about: "the delay of arrival, rounded to hours, as a feature",
        edits: &[(
            "  column seats\n",
            "  column seats\n  column hours = round(arr_delay / 60.0)\n  allow  label_leakage(hours) because \"shows the leak\"\n",
        )],
    },
    Leak {
        code: "MLP0505 lag_too_short",
        about: "delays of the origin's last hour, which end only later",
        edits: &[(
            "mean(dep_delay) over (by: origin, window: 3h)",
            "mean(dep_delay) over (by: origin, window: 1h, lag: 0s)\n  allow  lag_too_short because \"shows the leak\"",
        )],
    },
    Leak {
        code: "MLP0522 random_split_in_time",
        about: "parts by chance, so that a flight's own day is learned from",
        edits: &[
            ("  by    = time\n", "  by    = random\n  allow random_split_in_time because \"shows the leak\"\n"),
            ("  train = ..<date(\"2013-11-01\")\n", "  train = 83%\n"),
            ("  test  = date(\"2013-11-01\")..\n  gap   = 1d\n", "  test  = 17%\n"),
        ],
    },
    Leak {
        code: "MLP0508 selection_bias",
        about: "only flights that left within an hour, which is known later",
        edits: &[(
            "  filter is_not_null(arr_delay)\n",
            "  filter dep_delay < 60.0\n  allow  selection_bias because \"shows the leak\"\n",
        )],
    },
];

/// ROC AUC and log loss of the report.
fn judged(project: &Project) -> (f64, f64) {
    let run = project.run(&["--until", "evaluate.report"]);
    assert_eq!(run.ended.code, 0, "{}", run.told());
    let text = fs::read_to_string(run.output("evaluate.report", "metrics")).unwrap();
    let metrics: serde_json::Value = serde_json::from_str(&text).unwrap();
    let metric = |name: &str| {
        let found = &metrics["metrics"][name];
        found.as_f64().unwrap_or_else(|| panic!("no {name} in {metrics}"))
    };
    (metric("roc_auc"), metric("log_loss"))
}

/// The program without its sweep, which has nothing to choose by in the honest split.
fn without_search(program: &str) -> String {
    let start = program.find("sweep tuned of").unwrap();
    let end = start + program[start..].find("\n}\n").unwrap() + "\n}\n".len();
    format!("{}{}", &program[..start], &program[end..])
}

#[test]
fn leaks_that_are_refused_inflate_the_metrics() {
    let project = Project::whole_example("flights");
    HONEST.iter().for_each(|(old, new)| project.edit("flights.mlp", old, new));
    project.write("flights.mlp", without_search(&project.read("flights.mlp")));
    let honest_text = project.read("flights.mlp");
    project.lock();
    let honest = judged(&project);
    let mut table = String::from("| let in by force | ROC AUC | honest | log loss | honest |\n|---|---|---|---|---|\n");
    let mut inflated = 0;
    for leak in LEAKS {
        project.write("flights.mlp", &honest_text);
        leak.edits.iter().for_each(|(old, new)| project.edit("flights.mlp", old, new));
        project.lock();
        let (auc, loss) = judged(&project);
        inflated += usize::from(auc > honest.0 + 0.002 || loss < honest.1 - 0.002);
        let Leak { code, about, .. } = leak;
        writeln!(table, "| `{code}`: {about} | {auc:.3} | {:.3} | {loss:.3} | {:.3} |", honest.0, honest.1).unwrap();
    }
    assert_eq!(inflated, LEAKS.len(), "each leak looks better than it is:\n{table}");
    let path = repository().join("examples/flights/LEAKS.md");
    let page = fs::read_to_string(&path).unwrap();
    let start = page.find("| let in by force").expect("the table is there");
    let end = start + page[start..].find("\n\n").map_or(page[start..].len(), |at| at + 1);
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, format!("{}{table}{}", &page[..start], &page[end..])).unwrap();
    } else {
        assert_eq!(&page[start..end], table, "BLESS=1 takes it");
    }
}
