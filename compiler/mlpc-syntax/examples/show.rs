//! Prints how a file is read: `cargo run -p mlpc-syntax --example show -- FILE [tree|ast]`; with `time`, how fast.

use std::io::Write as _;

fn main() -> std::io::Result<()> {
    let mut args = std::env::args().skip(1);
    let (file, what) = (args.next().unwrap_or_default(), args.next().unwrap_or_default());
    let text = std::fs::read_to_string(&file)?;
    let mut out = std::io::stdout().lock();
    if what == "time" {
        return time(&text, &mut out);
    }
    for chunk in mlpc_syntax::split(&text) {
        let parse = mlpc_syntax::parse(text.get(chunk.start..chunk.end).unwrap_or_default());
        writeln!(out, "== {:?} {} {} {}..{}", chunk.kind, chunk.keyword, chunk.name, chunk.start, chunk.end)?;
        match what.as_str() {
            "tree" => write!(out, "{}", parse.tree.debug_print())?,
            "ast" => writeln!(out, "{:#?}", parse.decl)?,
            _ => {}
        }
        for error in parse.errors {
            let place =
                error.primary().copied().unwrap_or_default().shifted(u32::try_from(chunk.start).unwrap_or_default());
            let line = text.get(..place.start as usize).unwrap_or_default().matches('\n').count() + 1;
            writeln!(out, "{file}:{line}: [{}] {} ({:?})", error.code.id, error.message, text.get(place.range()))?;
            for label in &error.labels {
                writeln!(out, "    {}", label.text)?;
            }
            for help in &error.help {
                writeln!(out, "    help: {help}")?;
            }
        }
    }
    Ok(())
}

/// Repeats the text to a megabyte and takes the time.
fn time(text: &str, out: &mut impl std::io::Write) -> std::io::Result<()> {
    let large = format!("{text}\n").repeat(1_000_000 / text.len().max(1) + 1);
    let start = std::time::Instant::now();
    let chunks = mlpc_syntax::split(&large);
    let split = start.elapsed();
    let parsed: Vec<_> =
        chunks.iter().map(|chunk| mlpc_syntax::parse(large.get(chunk.start..chunk.end).unwrap_or_default())).collect();
    let all = start.elapsed();
    writeln!(out, "{} bytes, {} chunks: split {split:?}, split and parse {all:?}", large.len(), parsed.len())
}
