//! What a call holds while it runs.

use std::sync::Arc;
use std::sync::OnceLock;
use std::time::Instant;

use super::overload::Entered;
use super::share::Occupied;

/// A call that may go on. Its places are free again when this is dropped, the part's when it has answered.
pub(crate) struct Permit {
    _places: [Occupied; 2],
    measured: Option<Measured>,
}

struct Measured {
    part: Entered,
    asked: Asked,
}

/// When the last byte of the question was handed on. A part is not blamed for a caller who speaks slowly.
#[derive(Clone, Default)]
pub(crate) struct Asked(Arc<OnceLock<Instant>>);

impl Asked {
    pub(crate) fn now(&self) {
        let _ = self.0.set(Instant::now());
    }

    #[cfg(test)]
    pub(crate) fn is_told(&self) -> bool {
        self.0.get().is_some()
    }
}

impl Permit {
    pub(super) fn new(places: [Occupied; 2], part: Option<Entered>) -> Self {
        let measured = part.map(|part| Measured {
            part,
            asked: Asked::default(),
        });
        Permit {
            _places: places,
            measured,
        }
    }

    /// What is to be told when the question has been handed on; none when it does not matter.
    pub(crate) fn asked(&self) -> Option<Asked> {
        self.measured
            .as_ref()
            .map(|measured| measured.asked.clone())
    }

    /// The answer begins: the part has done its work, and how fast it is read is not its business. `struggling`: the
    /// answer says that the part cannot keep up.
    pub(crate) fn answered(&mut self, struggling: bool) {
        let Some(Measured { part, asked }) = self.measured.take() else {
            return;
        };
        // Answered before all was asked: how long the part took is not known.
        if let Some(asked) = asked.0.get() {
            part.note(asked.elapsed(), struggling);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(Measured { part, asked }) = self.measured.take()
            && let Some(asked) = asked.0.get()
        {
            part.given_up(asked.elapsed());
        }
    }
}
