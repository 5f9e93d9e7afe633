//! One process group: started, watched, stopped with all that belongs to it.

#[cfg(target_os = "linux")]
use crate::command::MARKER;
use std::fs::File;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::sync::watch;

/// How urgently the run is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stop {
    /// Not at all.
    No,
    /// Steps may end by themselves within the grace period.
    Gently,
    /// Steps are killed.
    Now,
}

/// How a process ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// By itself.
    Code(i32),
    /// By a signal that was not ours.
    Signal(i32),
    /// It took longer than it may.
    TimedOut,
    /// The run was stopped.
    Stopped,
}

/// Bounds on a process.
pub(crate) struct Limits {
    pub timeout: Option<Duration>,
    pub grace: Duration,
}

/// Runs `command` to its end, both of its streams written to `log`. When this returns, nothing of its group is left.
/// `marker` is the value of [`crate::command::MARKER`] in its environment.
pub(crate) async fn run(
    mut command: Command,
    log: &File,
    limits: &Limits,
    marker: &str,
    stop: &mut watch::Receiver<Stop>,
) -> io::Result<Exit> {
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log.try_clone()?).kill_on_drop(true);
    // A group of its own: Ctrl-C in a terminal reaches the run only, which then stops the step in an orderly way.
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn()?;
    let group = child.id();
    let ended = tokio::select! {
        status = child.wait() => Ok(exit(status?)),
        () = sleep(limits.timeout) => Err(Exit::TimedOut),
        () = stopped(stop, Stop::Gently) => Err(Exit::Stopped),
    };
    let why = match ended {
        Ok(exit) => {
            // What it left running in the background would write into a folder that is about to be moved.
            kill(group);
            return Ok(exit);
        }
        Err(why) => why,
    };
    end(&mut child, group, limits.grace, stop).await?;
    kill_marked(marker);
    Ok(why)
}

/// Asks, waits, kills.
async fn end(
    child: &mut Child,
    group: Option<u32>,
    grace: Duration,
    stop: &mut watch::Receiver<Stop>,
) -> io::Result<()> {
    terminate(group);
    let asked = tokio::select! {
        status = child.wait() => Some(status),
        () = tokio::time::sleep(grace) => None,
        () = stopped(stop, Stop::Now) => None,
    };
    kill(group);
    match asked {
        Some(status) => status.map(drop),
        None => {
            child.start_kill()?;
            child.wait().await.map(drop)
        }
    }
}

async fn sleep(limit: Option<Duration>) {
    match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => std::future::pending().await,
    }
}

/// Ready once the run is to stop at least this urgently.
pub(crate) async fn stopped(stop: &mut watch::Receiver<Stop>, urgency: Stop) {
    if stop.wait_for(|now| *now >= urgency).await.is_err() {
        // Nobody is left who could stop the run.
        std::future::pending::<()>().await;
    }
}

#[cfg(unix)]
fn exit(status: ExitStatus) -> Exit {
    use std::os::unix::process::ExitStatusExt;
    status.code().map_or_else(|| Exit::Signal(status.signal().unwrap_or(0)), Exit::Code)
}

#[cfg(not(unix))]
fn exit(status: ExitStatus) -> Exit {
    Exit::Code(status.code().unwrap_or(1))
}

#[cfg(unix)]
fn terminate(group: Option<u32>) {
    signal(group, rustix::process::Signal::TERM);
}

#[cfg(unix)]
fn kill(group: Option<u32>) {
    signal(group, rustix::process::Signal::KILL);
}

/// A group that is gone already is what was wanted.
#[cfg(unix)]
fn signal(group: Option<u32>, signal: rustix::process::Signal) {
    let pid = group.and_then(|group| i32::try_from(group).ok()).and_then(rustix::process::Pid::from_raw);
    if let Some(pid) = pid {
        let _ = rustix::process::kill_process_group(pid, signal);
    }
}

#[cfg(not(unix))]
fn terminate(_group: Option<u32>) {}

#[cfg(not(unix))]
fn kill(_group: Option<u32>) {}

/// Kills every process whose [`crate::command::MARKER`] begins with `prefix`: those that left their group with `setsid`, and those that
/// outlived a killed run.
#[cfg(target_os = "linux")]
pub(crate) fn kill_marked(prefix: &str) {
    // A process may start another while it is being killed, so look until none is found; the bound is for one that
    // cannot be killed.
    for _ in 0..50 {
        let found = marked(prefix);
        if found.is_empty() {
            break;
        }
        for pid in &found {
            let _ = rustix::process::kill_process(*pid, rustix::process::Signal::KILL);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[cfg(target_os = "linux")]
fn marked(prefix: &str) -> Vec<rustix::process::Pid> {
    let wanted = format!("{MARKER}={prefix}").into_bytes();
    let own = std::process::id();
    let pid_of = |entry: &std::fs::DirEntry| entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
    std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| pid_of(&entry).filter(|pid| *pid != own).map(|pid| (pid, entry.path())))
        // Others' processes cannot be read, and one that is ending has no environment any more.
        .filter(|(_, path)| std::fs::read(path.join("environ")).is_ok_and(|all| has_variable(&all, &wanted)))
        .filter_map(|(pid, _)| i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw))
        .collect()
}

#[cfg(target_os = "linux")]
fn has_variable(environment: &[u8], wanted: &[u8]) -> bool {
    environment.split(|byte| *byte == 0).any(|variable| variable.starts_with(wanted))
}

/// Other systems do not show the environment of a process.
#[cfg(not(target_os = "linux"))]
pub(crate) fn kill_marked(_prefix: &str) {}
