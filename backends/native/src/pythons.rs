//! The interpreters of a run, each found or made once, when the first step needs it.

use crate::prepare::Prepared;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::OnceCell;

type Cell = Arc<OnceCell<Result<PathBuf, String>>>;

/// Interpreters by environment.
#[derive(Default)]
pub(crate) struct Pythons {
    cells: Mutex<HashMap<String, Cell>>,
}

impl Pythons {
    /// The interpreter of `environment`; steps that ask meanwhile wait for the same one.
    pub async fn get(
        &self,
        prepared: &Prepared,
        environment: &str,
        preparing: impl Fn(String),
        ready: impl Fn(&Path, f64),
    ) -> Result<PathBuf, String> {
        if let Some(python) = prepared.options.pythons.get(environment) {
            return Ok(python.clone());
        }
        let cell = {
            let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(cells.entry(environment.to_owned()).or_default())
        };
        let made = cell
            .get_or_init(|| async {
                let locked = prepared.plan.environments.get(environment);
                let locked = locked.ok_or_else(|| format!("the plan has no environment `{environment}`"))?;
                let started = Instant::now();
                let python = tokio::task::block_in_place(|| {
                    crate::environment::ensure(locked, &mut |message| preparing(message.to_owned()))
                })
                .map_err(|error| error.to_string())?;
                ready(&python, started.elapsed().as_secs_f64());
                Ok(python)
            })
            .await;
        made.clone()
    }
}
