//! `rapport simulate` around the pure room of routing: files, threads, tables.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rapport_routing::simulate::{Scenario, ScenarioFile, Tally, simulate};

use crate::error::Error;
use crate::import::tickets;

pub(crate) mod table;

/// A scenario file is read whole; one that is larger is none.
const FILE_MAX_BYTES: u64 = 4 * 1024 * 1024;

/// Reads a scenario and what it replays.
///
/// # Errors
/// When the file cannot be read, and everything that is wrong with it.
pub(crate) fn read(file: &Path) -> Result<Scenario, Error> {
    let name = || file.display().to_string();
    let unreadable = |source| Error::Io {
        what: name(),
        source,
    };
    let wrong = |faults| Error::Scenario {
        file: name(),
        faults,
    };
    let size = std::fs::metadata(file).map_err(unreadable)?.len();
    if size > FILE_MAX_BYTES {
        return Err(wrong(vec![format!(
            "{size} bytes are more than {FILE_MAX_BYTES}"
        )]));
    }
    let text = std::fs::read_to_string(file).map_err(unreadable)?;
    let written: ScenarioFile =
        toml::from_str(&text).map_err(|error| wrong(vec![error.to_string()]))?;
    let folder = file.parent().unwrap_or(Path::new("."));
    written
        .check(&mut |replay| tickets(folder, replay))
        .map_err(wrong)
}

/// One run for each seed, in the order of the seeds, on as many threads as there are cores.
pub(crate) fn run_all(scenario: &Scenario, seeds: &[u64]) -> Vec<Tally> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let work = || {
        while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
            let tally = simulate(scenario, *seed);
            done.lock()
                .unwrap_or_else(|held| held.into_inner())
                .push(tally);
        }
    };
    let threads = thread::available_parallelism().map_or(1, |count| count.get().min(seeds.len()));
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let mut runs = done.into_inner().unwrap_or_else(|held| held.into_inner());
    runs.sort_by_key(|run| seeds.iter().position(|seed| *seed == run.seed));
    runs
}

#[cfg(test)]
mod tests;
