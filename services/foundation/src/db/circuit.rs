//! Failing at once while nothing answers, instead of having every call wait its turn to find out.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// While nothing answers, one call in this time tries again and the others fail at once.
const PROBE_EVERY: Duration = Duration::from_millis(250);

/// Whether connections can be had at the moment.
#[derive(Debug)]
pub(crate) struct Circuit {
    /// Set while the database does not answer: when the next call may try.
    next_probe: Mutex<Option<Instant>>,
    /// How long a try may take.
    probe_takes: Duration,
}

impl Circuit {
    pub(crate) fn new(probe_takes: Duration) -> Self {
        Self {
            next_probe: Mutex::new(None),
            probe_takes,
        }
    }

    /// Whether a call may try. Whoever may has to [`Circuit::report`] how it went.
    pub(crate) fn allows(&self) -> bool {
        let mut probe = self
            .next_probe
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match *probe {
            Some(at) if Instant::now() < at => false,
            Some(_) => {
                // This call tries; the others go on failing until it knows, or is cancelled.
                *probe = Some(Instant::now() + self.probe_takes);
                true
            }
            None => true,
        }
    }

    /// How getting a connection went.
    pub(crate) fn report(&self, answered: bool) {
        let mut probe = self
            .next_probe
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *probe = (!answered).then(|| Instant::now() + PROBE_EVERY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_call_tries_while_the_others_fail() {
        let circuit = Circuit::new(Duration::from_secs(60));
        assert!(circuit.allows() && circuit.allows());
        circuit.report(false);
        assert!(!circuit.allows());
        *circuit
            .next_probe
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        assert!(circuit.allows());
        assert!(!circuit.allows());
        circuit.report(true);
        assert!(circuit.allows() && circuit.allows());
    }
}
