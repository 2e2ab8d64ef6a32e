use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::{Code, Level, Skills};

/// How much less of a skill work asks for the longer it waits at a target: a level less after
/// some time, and another one each time so long again, whoever asked for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relaxation {
    /// Which skill.
    pub skill: Code,
    /// How long the full level is asked for.
    pub after: Duration,
    /// How long each further level is; zero goes down to the last at once.
    pub every: Duration,
    /// The least that is asked for; none when the skill is not asked for in the end.
    pub down_to: Option<Level>,
}

impl Relaxation {
    /// What is left of a level after so long a wait, and how long a wait it takes to be less.
    #[must_use]
    pub fn left(&self, asked: Level, waited: Duration) -> (Option<Level>, Option<Duration>) {
        let least = self.down_to.map_or(0, Level::number);
        let steps = asked.number().saturating_sub(least);
        let taken = self.steps(waited).min(u128::from(steps));
        let taken = u8::try_from(taken).unwrap_or(steps);
        let next = (taken < steps).then(|| self.after + self.every * u32::from(taken));
        (Level::of(asked.number() - taken), next)
    }

    /// The least that is ever asked for.
    #[must_use]
    pub fn least(&self, asked: Level) -> Option<Level> {
        self.left(asked, Duration::MAX).0
    }

    fn steps(&self, waited: Duration) -> u128 {
        let Some(over) = waited.checked_sub(self.after) else {
            return 0;
        };
        over.as_nanos()
            .checked_div(self.every.as_nanos())
            .map_or(u128::MAX, |further| further + 1)
    }
}

/// What is left of skills after so long a wait, and how long a wait it takes to be less.
pub(crate) fn eased(
    relaxations: &[Relaxation],
    skills: &Skills,
    waited: Duration,
) -> (Skills, Option<Duration>) {
    let mut next: Option<Duration> = None;
    let mut eased = skills.clone();
    eased.retain(|skill| {
        let Some(relaxation) = relaxations.iter().find(|r| r.skill == skill.code) else {
            return true;
        };
        let (left, then) = relaxation.left(skill.level, waited);
        next = next.into_iter().chain(then).min();
        left.is_some_and(|left| {
            skill.level = left;
            true
        })
    });
    (eased, next)
}

/// The least that is ever asked for of skills.
pub(crate) fn least(relaxations: &[Relaxation], skills: &Skills) -> Skills {
    eased(relaxations, skills, Duration::MAX).0
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail loudly")]
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn relaxation(after: u32, every: u32, down_to: u8) -> Relaxation {
        Relaxation {
            skill: "dutch".parse().unwrap(),
            after: SECOND * after,
            every: SECOND * every,
            down_to: Level::of(down_to),
        }
    }

    #[test]
    fn a_level_falls_step_by_step_and_each_step_says_when_the_next_one_is() {
        let falls = relaxation(30, 10, 2);
        let five = Level::of(5).unwrap();
        let at = |seconds: u32| {
            let (level, next) = falls.left(five, SECOND * seconds);
            (
                level.map_or(0, Level::number),
                next.map(|next| next.as_secs()),
            )
        };
        assert_eq!(at(0), (5, Some(30)));
        assert_eq!(at(29), (5, Some(30)));
        assert_eq!(at(30), (4, Some(40)));
        assert_eq!(at(45), (3, Some(50)));
        assert_eq!(at(50), (2, None));
        assert_eq!(at(100_000), (2, None));
        assert_eq!(falls.least(five), Level::of(2));
    }

    #[test]
    fn a_skill_may_fall_away_and_all_at_once() {
        let three = Level::of(3).unwrap();
        assert_eq!(relaxation(30, 0, 0).left(three, SECOND * 30), (None, None));
        assert_eq!(
            relaxation(30, 0, 2).left(three, SECOND * 30),
            (Level::of(2), None)
        );
        assert_eq!(relaxation(0, 10, 0).left(three, SECOND * 20), (None, None));
        // What is asked for already is no more than the least: nothing to relax.
        assert_eq!(relaxation(0, 0, 4).left(three, SECOND), (Some(three), None));
    }
}
