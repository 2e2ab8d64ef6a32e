//! Whether a trail is what was written: nothing altered, nothing removed, nothing inserted.

use std::collections::{HashMap, VecDeque};

use rapport_foundation::time::Micros;
use uuid::Uuid;

use super::{Anchor, Chain, Entry, Hash};

/// What is wrong with a trail, with ids and numbers only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault(pub String);

/// Where a chain stood at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    seq: i64,
    head: Hash,
    at: Micros,
}

/// Where each chain stood, by its process, in the order of the anchors.
pub type Anchored = HashMap<Uuid, Vec<Place>>;

/// Takes up a stretch of the anchors' chain behind `before`, and tells where it breaks.
pub fn check_anchors(
    before: Option<&Anchor>,
    anchors: &[Anchor],
    anchored: &mut Anchored,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    let (mut n, mut hash) = (
        before.map_or(0, |anchor| anchor.n),
        before.map(|anchor| anchor.hash),
    );
    for anchor in anchors {
        if anchor.n != n + 1 {
            faults.push(Fault(format!(
                "anchors {} to {} are missing",
                n + 1,
                anchor.n - 1
            )));
        } else if anchor.linked(hash.as_ref()) != anchor.hash {
            faults.push(Fault(format!(
                "anchor {} is not what was written",
                anchor.n
            )));
        }
        (n, hash) = (anchor.n, Some(anchor.hash));
        let places = anchored.entry(anchor.chain.replica).or_default();
        places.push(Place {
            seq: anchor.chain.seq,
            head: anchor.chain.hash,
            at: anchor.at,
        });
    }
    faults
}

/// Goes along the chain of one process.
#[derive(Debug)]
pub struct ChainCheck {
    chain: Chain,
    /// Where it must stand; what was passed is gone.
    anchored: VecDeque<Place>,
    known: bool,
    /// What was anchored before may be gone, in whole stretches from the beginning; None: nothing may.
    gone_before: Option<Micros>,
}

impl ChainCheck {
    /// At the beginning of a chain, of which that may be gone which was anchored before a moment.
    #[must_use]
    pub fn new(replica: Uuid, anchored: Option<Vec<Place>>, gone_before: Option<Micros>) -> Self {
        let known = anchored.is_some();
        let mut anchored = anchored.unwrap_or_default();
        anchored.sort_by_key(|place| place.seq);
        let mut check = Self {
            chain: Chain::new(replica),
            anchored: anchored.into(),
            known,
            gone_before,
        };
        // The anchor of the empty chain, written before its first entry.
        let _ = check.pass_anchors();
        check
    }

    /// The place of the last entry that was seen.
    #[must_use]
    pub fn seen(&self) -> i64 {
        self.chain.seq
    }

    /// Takes the next entry, and tells what is wrong with it.
    pub fn see(&mut self, entry: &Entry) -> Vec<Fault> {
        let replica = self.chain.replica;
        let mut faults = Vec::new();
        if self.chain.seq == 0 {
            self.begin_at(entry.seq);
        }
        if entry.seq != self.chain.seq + 1 {
            let (from, to) = (self.chain.seq + 1, entry.seq - 1);
            faults.push(Fault(format!(
                "replica {replica}: entries {from} to {to} are missing"
            )));
        } else if entry.linked(&self.chain.hash) != entry.hash {
            let seq = entry.seq;
            faults.push(Fault(format!(
                "replica {replica}: entry {seq} is not what was written"
            )));
        }
        self.chain.seq = entry.seq;
        self.chain.hash = entry.hash;
        faults.extend(self.pass_anchors());
        faults
    }

    /// What is before this place was let go of if an anchor that is old enough stands right there: then the chain begins behind
    /// that, with its hash.
    fn begin_at(&mut self, seq: i64) {
        let stood = self.anchored.iter().find(|place| place.seq + 1 == seq);
        if let Some(place) = stood.copied().filter(|place| self.may_be_gone(place)) {
            self.chain.seq = place.seq;
            self.chain.hash = place.head;
            self.anchored.retain(|later| later.seq > place.seq);
        }
    }

    fn may_be_gone(&self, place: &Place) -> bool {
        self.gone_before.is_some_and(|before| place.at < before)
    }

    /// Passes an entry that cannot even be read.
    pub fn skip(&mut self, seq: i64) -> Fault {
        self.chain.seq = seq;
        let replica = self.chain.replica;
        Fault(format!(
            "replica {replica}: entry {seq} is not what was written"
        ))
    }

    /// What is wrong with the end of the chain.
    #[must_use]
    pub fn end(self) -> Vec<Fault> {
        let (replica, seq) = (self.chain.replica, self.chain.seq);
        if !self.known {
            return vec![Fault(format!(
                "replica {replica}: {seq} entries of a process that never started"
            ))];
        }
        // All of it may be gone, if even the end is old enough.
        let end = self.anchored.back();
        let cut = end.filter(|place| seq > 0 || !self.may_be_gone(place));
        let cut = cut.map(|Place { seq: anchored, .. }| {
            Fault(format!(
                "replica {replica}: entries {} to {anchored} are missing",
                seq + 1
            ))
        });
        cut.into_iter().collect()
    }

    fn pass_anchors(&mut self) -> Option<Fault> {
        let mut fault = None;
        while let Some(Place { seq, head, .. }) = self.anchored.front().copied()
            && seq <= self.chain.seq
        {
            self.anchored.pop_front();
            // Behind a gap the place was not seen; the gap is told already.
            if seq == self.chain.seq && head != self.chain.hash {
                let replica = self.chain.replica;
                fault = Some(Fault(format!(
                    "replica {replica}: entry {seq} is not the one that was anchored"
                )));
            }
        }
        fault
    }
}
