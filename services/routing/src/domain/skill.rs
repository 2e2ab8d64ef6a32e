//! What an agent can do and work asks for, and how well.

use std::fmt;
use std::num::NonZeroU8;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Code;

/// How well a skill is held, or has to be: 1 to 10.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Level(NonZeroU8);

impl Level {
    /// Held at all: the level of a skill that names none.
    pub const LEAST: Self = Self(NonZeroU8::MIN);
    /// Nobody holds it better.
    pub const MOST: Self = Self(NonZeroU8::MIN.saturating_add(9));

    /// The level of this number, if it is one.
    #[must_use]
    pub fn of(number: u8) -> Option<Self> {
        let level = Self(NonZeroU8::new(number)?);
        (level <= Self::MOST).then_some(level)
    }

    /// As a number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0.get()
    }
}

impl From<Level> for u8 {
    fn from(level: Level) -> Self {
        level.number()
    }
}

impl TryFrom<u8> for Level {
    type Error = NotASkill;

    fn try_from(number: u8) -> Result<Self, NotASkill> {
        Self::of(number).ok_or(NotASkill)
    }
}

/// A skill at a level: held so well, or asked for at least so well. As text `code` or `code:level`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skill {
    /// Which.
    pub code: Code,
    /// How well.
    pub level: Level,
}

/// Text that is not a [`Skill`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a skill is a code, and where it has a level a colon and 1 to 10")]
pub struct NotASkill;

impl FromStr for Skill {
    type Err = NotASkill;

    fn from_str(text: &str) -> Result<Self, NotASkill> {
        let (code, level) = match text.split_once(':') {
            None => (text, Level::LEAST),
            Some((code, level)) => (code, written_level(level).ok_or(NotASkill)?),
        };
        let code = code.parse().map_err(|_| NotASkill)?;
        Ok(Self { code, level })
    }
}

/// One way to write each level: `+3` and `03` are none.
fn written_level(text: &str) -> Option<Level> {
    let level = Level::of(text.parse().ok()?)?;
    (level.number().to_string() == text).then_some(level)
}

impl fmt::Display for Skill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.as_str())?;
        match self.level {
            Level::LEAST => Ok(()),
            level => write!(f, ":{}", level.number()),
        }
    }
}

/// A set of skills, each at one level, in the order of their codes. A copy is the same set: work keeps several.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Skills(Arc<[Skill]>);

impl Skills {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a skill; of one that is there the higher level stays.
    pub fn insert(&mut self, skill: Skill) {
        let mut skills = self.0.to_vec();
        add(&mut skills, skill);
        self.0 = skills.into();
    }

    /// How well a skill is held or asked for, if at all.
    #[must_use]
    pub fn level(&self, code: &Code) -> Option<Level> {
        let place = place(&self.0, code).ok()?;
        Some(self.0[place].level)
    }

    /// Whether who holds these holds everything that is asked, well enough.
    #[must_use]
    pub fn cover(&self, asked: &Self) -> bool {
        asked.iter().all(|skill| self.covers(skill))
    }

    /// What of these the others do not cover.
    #[must_use]
    pub fn beyond(&self, others: &Self) -> Self {
        let rest = self.iter().filter(|skill| !others.covers(skill));
        Self(rest.cloned().collect())
    }

    /// These and the others.
    #[must_use]
    pub fn and(self, others: &Self) -> Self {
        if others.is_empty() {
            return self;
        }
        let mut skills = self.0.to_vec();
        for skill in others {
            add(&mut skills, skill.clone());
        }
        Self(skills.into())
    }

    /// Only those for which it holds, as it leaves them.
    pub fn retain(&mut self, holds: impl FnMut(&mut Skill) -> bool) {
        let mut skills = self.0.to_vec();
        skills.retain_mut(holds);
        self.0 = skills.into();
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The skills, by code.
    pub fn iter(&self) -> std::slice::Iter<'_, Skill> {
        self.0.iter()
    }

    /// As text, one each.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        self.iter().map(Skill::to_string).collect()
    }

    /// By how many levels these exceed what is asked for, over all skills that are.
    #[must_use]
    pub fn surplus(&self, asked: &Self) -> u32 {
        let above = |skill: &Skill| {
            let level = self.level(&skill.code).map_or(0, Level::number);
            u32::from(level.saturating_sub(skill.level.number()))
        };
        asked.iter().map(above).sum()
    }

    fn covers(&self, asked: &Skill) -> bool {
        self.level(&asked.code) >= Some(asked.level)
    }
}

fn place(skills: &[Skill], code: &Code) -> Result<usize, usize> {
    skills.binary_search_by(|skill| skill.code.cmp(code))
}

fn add(skills: &mut Vec<Skill>, skill: Skill) {
    match place(skills, &skill.code) {
        Ok(place) => skills[place].level = skills[place].level.max(skill.level),
        Err(place) => skills.insert(place, skill),
    }
}

impl<'a> IntoIterator for &'a Skills {
    type Item = &'a Skill;
    type IntoIter = std::slice::Iter<'a, Skill>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl FromIterator<Skill> for Skills {
    fn from_iter<I: IntoIterator<Item = Skill>>(skills: I) -> Self {
        let mut set = Vec::new();
        for skill in skills {
            add(&mut set, skill);
        }
        Self(set.into())
    }
}

impl<const N: usize> From<[Skill; N]> for Skills {
    fn from(skills: [Skill; N]) -> Self {
        skills.into_iter().collect()
    }
}

impl From<Skills> for Vec<String> {
    fn from(skills: Skills) -> Self {
        skills.texts()
    }
}

impl TryFrom<Vec<String>> for Skills {
    type Error = NotASkill;

    fn try_from(texts: Vec<String>) -> Result<Self, NotASkill> {
        texts.iter().map(|text| text.parse()).collect()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail loudly")]
    use super::*;

    fn skills(texts: &[&str]) -> Skills {
        texts
            .iter()
            .map(|text| text.parse::<Skill>().unwrap())
            .collect()
    }

    #[test]
    fn a_skill_is_written_in_one_way() {
        for text in ["dutch", "dutch:2", "dutch:10"] {
            assert_eq!(text.parse::<Skill>().unwrap().to_string(), text);
        }
        assert_eq!("dutch:1".parse::<Skill>().unwrap().to_string(), "dutch");
        for text in [
            "",
            ":3",
            "dutch:",
            "dutch:0",
            "dutch:11",
            "dutch:+3",
            "dutch:03",
            "dutch:3:4",
            "Dutch:3",
            "dutch: 3",
        ] {
            assert_eq!(text.parse::<Skill>(), Err(NotASkill), "{text}");
        }
    }

    #[test]
    fn who_holds_a_skill_better_covers_what_asks_for_less() {
        let held = skills(&["dutch:3", "billing", "sales:10"]);
        assert!(held.cover(&skills(&["dutch:3", "sales:4"])) && held.cover(&Skills::new()));
        assert!(!held.cover(&skills(&["dutch:4"])) && !held.cover(&skills(&["french"])));
        let asked = skills(&["billing:2", "dutch:2", "french"]);
        assert_eq!(asked.beyond(&held), skills(&["billing:2", "french"]));
    }

    #[test]
    fn of_two_levels_the_higher_is_asked_for() {
        let both = skills(&["dutch:3"]).and(&skills(&["dutch:2", "billing"]));
        assert_eq!(both, skills(&["dutch:2", "billing", "dutch:3"]));
        assert_eq!(both.texts(), ["billing", "dutch:3"]);
        assert_eq!(Skills::try_from(both.texts()).unwrap(), both);
    }
}
