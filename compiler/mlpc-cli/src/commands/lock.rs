//! `mlpc lock`: pins data, profiles, code and packages in `mlp.lock`.

use crate::build;
use crate::error::ToolError;
use crate::exit::Exit;
use crate::lockfile;
use crate::profiles;
use crate::project::{self, Session, Target};
use crate::terminal::{Style, Terminal};

/// What to lock, and whether only to look.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// Change nothing; fail if `mlp.lock` does not fit the program, its data and its code
    #[arg(long, conflicts_with = "upgrade")]
    check: bool,
    /// Take the newest packages that fit instead of keeping those in `mlp.lock`
    #[arg(long)]
    upgrade: bool,
    /// Take the present data as what `against: reference` compares with, instead of keeping what was taken before
    #[arg(long, conflicts_with = "check")]
    profiles: bool,
}

/// Writes `mlp.lock`, or checks it.
pub fn run(args: &Args, terminal: &mut Terminal) -> Result<Exit, ToolError> {
    let session = project::open(&args.target)?;
    build::check(&session, terminal)?;
    if args.check {
        return check(&session, terminal);
    }
    build::readable(&session, terminal)?;
    let old = lockfile::read_for_writing(&session)?;
    let mut new = lockfile::make(&session, old.as_ref(), args.upgrade, terminal)?;
    profiles::lock(&session, args.profiles, &mut new, terminal)?;
    lockfile::write(&session, old.as_ref(), &new, terminal)?;
    Ok(Exit::Fine)
}

fn check(session: &Session, terminal: &mut Terminal) -> Result<Exit, ToolError> {
    let Some(lock) = lockfile::read(session)? else { return Err(lockfile::missing()) };
    let findings = mlpc_plan::check_lock(&session.db, session.project, Some(&lock), &session.system);
    build::tell(session, &findings, terminal)?;
    let changes = lockfile::changes(&lock, &lockfile::trimmed(session, &lock), terminal.err);
    if !changes.is_empty() {
        changes.into_iter().for_each(|line| terminal.tell(line));
        return Err(ToolError::usage("`mlp.lock` holds something else than the program uses")
            .exit(Exit::ProgramErrors)
            .help("run `mlpc lock`, and review what it changes"));
    }
    terminal.line(format_args!("{} mlp.lock fits the program", terminal.out.paint(Style::Good, "✓")));
    Ok(Exit::Fine)
}
