//! Which of many tellings are new: the first of each key is, the same again is a duplicate, another content a conflict.

use std::collections::HashMap;
use std::hash::Hash;

use rapport_foundation::id::InteractionId;

/// What holds a key: the interaction and the keyed hash of what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The interaction that was logged under the key.
    pub id: InteractionId,
    /// The keyed hash of its content; empty when the contact was forgotten: whatever is said under its key is it again.
    pub digest: Vec<u8>,
}

/// What becomes of one telling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is the first of its key and is logged.
    Fresh,
    /// It says what this interaction says.
    Duplicate(InteractionId),
    /// It says something else than this interaction, which holds the key.
    Conflict(InteractionId),
}

/// Judges tellings in the order they came. `held` are the keys that were taken before; the first telling of a free
/// key takes it for those behind it.
pub fn fold<K: Eq + Hash + Clone>(
    mut held: HashMap<K, Holder>,
    tellings: impl IntoIterator<Item = (K, Holder)>,
) -> Vec<Verdict> {
    let judge = |(key, telling): (K, Holder)| match held.get(&key) {
        Some(first) if first.digest.is_empty() || first.digest == telling.digest => {
            Verdict::Duplicate(first.id)
        }
        Some(first) => Verdict::Conflict(first.id),
        None => {
            held.insert(key, telling);
            Verdict::Fresh
        }
    };
    tellings.into_iter().map(judge).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use proptest::prelude::*;
    use rapport_foundation::time::Micros;

    use super::*;

    fn holder(digest: u8) -> Holder {
        Holder {
            id: InteractionId::new(Micros(1)),
            digest: vec![digest],
        }
    }

    #[test]
    fn the_first_of_a_key_is_logged_and_the_others_point_at_it() {
        let tellings: Vec<_> = [("a", 1), ("a", 1), ("b", 1), ("a", 2)]
            .map(|(key, d)| (key, holder(d)))
            .into();
        let first = tellings[0].1.id;
        let verdicts = fold(HashMap::new(), tellings);
        assert_eq!(
            verdicts,
            [
                Verdict::Fresh,
                Verdict::Duplicate(first),
                Verdict::Fresh,
                Verdict::Conflict(first)
            ]
        );
    }

    proptest! {
        #[test]
        fn batches_of_any_size_end_the_same(tellings in prop::collection::vec((0_u8..6, 0_u8..3), 0..60), cut in 1_usize..20) {
            let tellings: Vec<_> = tellings.into_iter().map(|(key, digest)| (key, holder(digest))).collect();
            let whole = fold(HashMap::new(), tellings.clone());
            let mut held: HashMap<u8, Holder> = HashMap::new();
            let mut pieces = Vec::new();
            for piece in tellings.chunks(cut) {
                let verdicts = fold(held.clone(), piece.iter().cloned());
                for ((key, telling), verdict) in piece.iter().zip(&verdicts) {
                    if *verdict == Verdict::Fresh {
                        held.insert(*key, telling.clone());
                    }
                }
                pieces.extend(verdicts);
            }
            prop_assert_eq!(&whole, &pieces);
            let keys: HashSet<_> = tellings.iter().map(|(key, _)| *key).collect();
            let fresh = whole.iter().filter(|verdict| **verdict == Verdict::Fresh).count();
            prop_assert_eq!(fresh, keys.len());
        }
    }
}
