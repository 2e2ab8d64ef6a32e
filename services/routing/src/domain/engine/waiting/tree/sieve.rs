use crate::domain::engine::skills::Grade;

const WORDS: usize = 4;

/// Tells of most skills that are not held that they are not, by one bit: most edges of a node are for those.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sieve([u64; WORDS]);

impl Sieve {
    pub(super) fn of(held: &[Grade]) -> Self {
        let mut sieve = Self::default();
        for grade in held {
            let (word, bit) = Self::place(*grade);
            sieve.0[word] |= bit;
        }
        sieve
    }

    /// Whether the skill of a grade may be among those that are held.
    pub(super) const fn passes(&self, grade: Grade) -> bool {
        let (word, bit) = Self::place(grade);
        self.0[word] & bit != 0
    }

    const fn place(grade: Grade) -> (usize, u64) {
        let skill = grade.skill();
        (skill as usize / 64 % WORDS, 1 << (skill % 64))
    }
}
