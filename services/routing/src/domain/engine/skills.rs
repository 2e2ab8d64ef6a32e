use super::Map;
use crate::domain::{Code, Level, Skill, Skills};

/// A skill at a level in one number: that of the skill above, the level below. Of one skill, the
/// better held is the greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Grade(u32);

impl Grade {
    const LEVEL_BITS: u32 = 4;

    const fn new(skill: u32, level: Level) -> Self {
        Self(skill << Self::LEVEL_BITS | level.number() as u32)
    }

    pub(super) const fn skill(self) -> u32 {
        self.0 >> Self::LEVEL_BITS
    }

    /// The same skill at the least level.
    pub(super) const fn least(self) -> Self {
        Self::new(self.skill(), Level::LEAST)
    }
}

/// A set of grades, a skill once, from the skill seen last to the one seen first: what many ask
/// for is mostly seen early, so what tells most comes first. Equal sets are equal values. Most
/// work asks for few, and those stand in place: a million need no million allocations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Grades {
    Few(u8, [Grade; FEW]),
    Many(Box<[Grade]>),
}

const FEW: usize = 4;

impl Default for Grades {
    fn default() -> Self {
        Self::Few(0, [Grade(0); FEW])
    }
}

impl Grades {
    fn of(mut grades: Vec<Grade>) -> Self {
        grades.sort_unstable_by(|a, b| b.cmp(a));
        let count = u8::try_from(grades.len()).ok();
        match count.filter(|count| usize::from(*count) <= FEW) {
            Some(count) => {
                grades.resize(FEW, Grade(0));
                Self::Few(count, std::array::from_fn(|place| grades[place]))
            }
            None => Self::Many(grades.into_boxed_slice()),
        }
    }

    /// Whether who holds these holds everything that is `asked`, well enough.
    pub(super) fn cover(&self, asked: &Self) -> bool {
        decided(self.as_slice(), asked.as_slice()).is_some()
    }

    /// By how many levels who covers what is `asked` exceeds it, over all skills that are.
    pub(super) fn surplus(&self, asked: &Self) -> u32 {
        let mut held = self.as_slice().iter();
        let above = |grade: &Grade| {
            let found = held.find(|held| held.skill() <= grade.skill());
            let found = found.filter(|held| held.skill() == grade.skill());
            found.map_or(0, |held| held.0.saturating_sub(grade.0))
        };
        asked.as_slice().iter().map(above).sum()
    }

    pub(super) fn as_slice(&self) -> &[Grade] {
        match self {
            Self::Few(count, grades) => &grades[..usize::from(*count).min(FEW)],
            Self::Many(grades) => grades,
        }
    }
}

/// How many of the grades that are held, from the first, come before what else may be asked for, when they cover what is.
pub(super) fn decided(held: &[Grade], asked: &[Grade]) -> Option<usize> {
    let mut decided = 0;
    for grade in asked {
        let rest = &held[decided..];
        let place = rest.partition_point(|held| held.skill() > grade.skill());
        let suits = |held: &Grade| held.skill() == grade.skill() && held >= grade;
        if !rest.get(place).is_some_and(suits) {
            return None;
        }
        decided += place + 1;
    }
    Some(decided)
}

/// Gives each skill a number, in order of first sight. Comparing numbers instead of names is
/// what keeps a match cheap.
#[derive(Clone, Debug, Default)]
pub(super) struct SkillBook(Map<Code, u32>);

impl SkillBook {
    pub(super) fn grades(&mut self, skills: &Skills) -> Grades {
        let grade = |skill: &Skill| Grade::new(self.number(&skill.code), skill.level);
        Grades::of(skills.iter().map(grade).collect())
    }

    fn number(&mut self, skill: &Code) -> u32 {
        if let Some(number) = self.0.get(skill) {
            return *number;
        }
        // A tenant's installation has far fewer codes than numbers of 28 bits.
        let next = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        self.0.insert(skill.clone(), next);
        next
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail loudly")]
    use super::*;

    fn skills(names: &[&str]) -> Skills {
        names
            .iter()
            .map(|n| n.parse::<crate::domain::Skill>().unwrap())
            .collect()
    }

    #[test]
    fn what_is_held_covers_what_is_asked_when_every_skill_is_held_well_enough() {
        let mut book = SkillBook::default();
        let many: Vec<String> = (0..150).map(|n| format!("s{n:03}:3")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let all = book.grades(&skills(&many));
        let few = book.grades(&skills(&["s001:2", "s140:3"]));
        let better = book.grades(&skills(&["s001:2", "s140:4"]));
        let other = book.grades(&skills(&["s001", "unheard"]));
        let none = book.grades(&Skills::new());
        assert!(all.cover(&few) && few.cover(&none) && none.cover(&none));
        assert!(!few.cover(&all) && !all.cover(&other) && !none.cover(&few));
        assert!(!all.cover(&better) && better.cover(&few));
        assert_eq!(few, book.grades(&skills(&["s140:3", "s001:2"])));
    }
}
