use std::collections::HashMap;

use crate::domain::{Skill, Skills};

/// A set of skills as bits, without trailing zero words: equal sets are equal values.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SkillMask(Box<[u64]>);

impl SkillMask {
    /// Whether every skill of this set is in `held`.
    pub(super) fn within(&self, held: &Self) -> bool {
        self.0.len() <= held.0.len()
            && self
                .0
                .iter()
                .zip(held.0.iter())
                .all(|(want, have)| want & !have == 0)
    }
}

/// Gives each skill name a bit, in order of first sight. Comparing bits instead of names is
/// what keeps a match cheap.
#[derive(Clone, Debug, Default)]
pub(super) struct SkillBook(HashMap<Skill, usize>);

impl SkillBook {
    pub(super) fn mask(&mut self, skills: &Skills) -> SkillMask {
        let mut words: Vec<u64> = Vec::new();
        for skill in skills {
            let next = self.0.len();
            let bit = match self.0.get(skill) {
                Some(bit) => *bit,
                None => {
                    self.0.insert(skill.clone(), next);
                    next
                }
            };
            if words.len() <= bit / 64 {
                words.resize(bit / 64 + 1, 0);
            }
            words[bit / 64] |= 1 << (bit % 64);
        }
        SkillMask(words.into_boxed_slice())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail loudly")]
    use super::*;

    fn skills(names: &[&str]) -> Skills {
        names.iter().map(|n| n.parse().unwrap()).collect()
    }

    #[test]
    fn a_set_is_within_another_when_every_skill_is_held() {
        let mut book = SkillBook::default();
        let many: Vec<String> = (0..150).map(|n| format!("s{n:03}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let all = book.mask(&skills(&many));
        let few = book.mask(&skills(&["s001", "s140"]));
        let other = book.mask(&skills(&["s001", "unheard"]));
        let none = book.mask(&Skills::new());
        assert!(few.within(&all) && none.within(&few) && none.within(&none));
        assert!(!all.within(&few) && !other.within(&all) && !few.within(&none));
        assert_eq!(few, book.mask(&skills(&["s140", "s001"])));
    }
}
