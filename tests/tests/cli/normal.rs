//! Blanks out what no two runs share.

use regex::Regex;
use std::path::Path;
use std::sync::LazyLock;

static RULES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let rules = [
        (r"\b\d{8}-\d{6}(-\d+)?\b", "<run>"),
        (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+Z)?", "<time>"),
        (r"\b[0-9a-f]{64}\b", "<sha256>"),
        (r"\b[0-9a-f]{2}/<sha256>", "<entry>"),
        (r"\b[0-9a-f]{12}\b", "<hash>"),
        (r#""seconds": ?[0-9.e-]+"#, "\"seconds\":<seconds>"),
        (r"\b(\d+h \d\dm|\d+m \d\ds|\d+\.\ds|\d+ms)(\s|\.|:|$)", "<span>$2"),
        (r#" time="[0-9.]+""#, " time=\"<seconds>\""),
        (r#""jobs":\d+"#, "\"jobs\":<jobs>"),
        (r"\d+ files for (\d+ steps?), \d{2,} changed", "<files> for $1, <many> changed"),
        (r"\d+ files for", "<files> for"),
        (r"mlpc \d+\.\d+\.\d+", "mlpc <version>"),
    ];
    rules.map(|(pattern, blank)| (Regex::new(&format!("(?m){pattern}")).unwrap(), blank)).into()
});

/// The text without times, hashes, names of runs and the folder it was made in.
pub fn normal(text: &str, folder: &Path) -> String {
    let canonical = folder.canonicalize().unwrap();
    let mut text = text.replace(canonical.to_str().unwrap(), "<folder>").replace(folder.to_str().unwrap(), "<folder>");
    for (pattern, blank) in RULES.iter() {
        text = pattern.replace_all(&text, *blank).into_owned();
    }
    text.split_inclusive('\n').map(narrow).collect()
}

/// A line whose columns are as wide as what stood there before, with two blanks between any two of them.
fn narrow(line: &str) -> String {
    let variable = ["<run>", "<time>", "<span>", "<hash>"].iter().any(|blank| line.contains(blank));
    if !variable && !line.starts_with("  run ") {
        return line.to_owned();
    }
    let indent = line.len() - line.trim_start().len();
    let cells: Vec<&str> = line[indent..].split("  ").map(str::trim_start).filter(|cell| !cell.is_empty()).collect();
    format!("{}{}", &line[..indent], cells.join("  "))
}
