//! Channels that listen on this machine for one test: a webhook and a mail server, gone with the value.

use crate::python;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

/// What listens: `stdlib/runtime/tests/hooks.py`.
pub struct Channels {
    child: Child,
    said: Receiver<Value>,
    /// The address of a webhook; with `/broken` behind it, it takes nothing.
    pub hook: String,
    /// Host and port of the mail server.
    pub mail: String,
}

impl Channels {
    /// Starts them.
    #[must_use]
    pub fn start() -> Self {
        let script = python::repository().join("stdlib/runtime/tests/hooks.py");
        let mut command = python::command();
        command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("Python starts");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let (send, said) = mpsc::channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let value = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if send.send(value).is_err() {
                    return;
                }
            }
        });
        let at = said.recv_timeout(Duration::from_secs(60)).expect("it says where it listens");
        let address = |name: &str| at[name].as_str().expect("an address is a text").to_owned();
        Self { child, said, hook: address("hook"), mail: address("mail") }
    }

    /// What is said next: what was posted, or a letter.
    ///
    /// # Panics
    ///
    /// If nothing is said within so many seconds.
    #[must_use]
    pub fn next(&self, seconds: u32) -> Value {
        self.said.recv_timeout(Duration::from_secs(seconds.into())).expect("something is said")
    }

    /// Whether nothing was said that was not asked for.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.said.try_recv().is_err()
    }
}

impl Drop for Channels {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
