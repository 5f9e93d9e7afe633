//! Starts a run and hands its events out.

use crate::RunError;
use crate::dispatcher::Dispatcher;
use crate::error::FileContext;
use crate::events::{Finished, RunEvent};
use crate::executor::Executor;
use crate::options::Options;
use crate::prepare::{Prepared, prepare};
use crate::process::Stop;
use crate::pythons::Pythons;
use mlpc_plan::Plan;
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;

/// A run under way: an iterator over its events, which ends after [`RunEvent::Finished`]. Dropping it stops the run and
/// waits until nothing of it is left.
pub struct Run {
    name: String,
    events: UnboundedReceiver<RunEvent>,
    canceller: Canceller,
    thread: Option<JoinHandle<()>>,
}

/// Stops a run from anywhere.
#[derive(Clone)]
pub struct Canceller {
    wishes: UnboundedSender<Stop>,
}

impl Canceller {
    /// Lets running steps end within the grace period and starts no others.
    pub fn stop(&self) {
        // A run that is over needs no stopping.
        let _ = self.wishes.send(Stop::Gently);
    }

    /// Kills running steps.
    pub fn kill(&self) {
        let _ = self.wishes.send(Stop::Now);
    }
}

impl Run {
    /// `20261123-101500`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Stops this run from anywhere.
    #[must_use]
    pub fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }

    /// The next event, for callers in async code; others use the iterator.
    pub async fn next_event(&mut self) -> Option<RunEvent> {
        self.events.recv().await
    }
}

impl Iterator for Run {
    type Item = RunEvent;

    fn next(&mut self) -> Option<RunEvent> {
        self.events.blocking_recv()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.canceller.stop();
        if let Some(thread) = self.thread.take() {
            // It panicked or not: either way it is over.
            let _ = thread.join();
        }
    }
}

/// Starts to run `plan`. An error means that no step ran; what goes wrong later is told by events.
///
/// With [`Options::handle_signals`], SIGINT and SIGTERM stop the run, a second one kills its steps, and the process keeps
/// ignoring both afterwards: end it when the run ends.
pub fn execute(plan: &Plan, options: &Options) -> Result<Run, RunError> {
    let prepared = prepare(plan, options)?;
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.file("start threads for", &prepared.layout.state)?;
    let name = prepared.run.clone();
    let (world, events) = unbounded_channel();
    let (wishes, wished) = unbounded_channel();
    let canceller = Canceller { wishes: wishes.clone() };
    let thread = std::thread::Builder::new()
        .name("mlpc-run".to_owned())
        .spawn(move || drive(&runtime, prepared, world, wishes, wished))
        .file("start a thread for", &options.state)?;
    Ok(Run { name, events, canceller, thread: Some(thread) })
}

/// Runs `plan` to its end, showing each event to `watch`.
pub fn run_to_end(plan: &Plan, options: &Options, mut watch: impl FnMut(&RunEvent)) -> Result<Finished, RunError> {
    let mut last = None;
    for event in execute(plan, options)? {
        watch(&event);
        if let RunEvent::Finished(finished) = event {
            last = Some(*finished);
        }
    }
    last.ok_or(RunError::Lost)
}

fn drive(
    runtime: &Runtime,
    prepared: Prepared,
    world: UnboundedSender<RunEvent>,
    wishes: UnboundedSender<Stop>,
    wished: UnboundedReceiver<Stop>,
) {
    let (told, events) = unbounded_channel();
    let (stop, stopped) = watch::channel(Stop::No);
    if prepared.options.handle_signals {
        runtime.spawn(obey_signals(wishes));
    }
    let executor = Executor { prepared, pythons: Pythons::default(), events: told, stop: stopped };
    let dispatcher = Dispatcher::new(Arc::new(executor), world, stop);
    // As a task on a worker, a step's end wakes the dispatcher without a change of threads.
    let dispatching = runtime.spawn(dispatcher.dispatch(events, wished));
    // A panic in there shows as a run without a last event.
    let _ = runtime.block_on(dispatching);
}

#[cfg(unix)]
async fn obey_signals(wishes: UnboundedSender<Stop>) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return;
    };
    let mut wish = Stop::Gently;
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        if wishes.send(wish).is_err() {
            return;
        }
        wish = Stop::Now;
    }
}

#[cfg(not(unix))]
async fn obey_signals(wishes: UnboundedSender<Stop>) {
    let mut wish = Stop::Gently;
    while tokio::signal::ctrl_c().await.is_ok() && wishes.send(wish).is_ok() {
        wish = Stop::Now;
    }
}
