//! Single values: laws, times of the day, codes.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::LawTable;
use crate::domain::{Code, Skill, Skills};
use crate::simulate::law::{Law, micros};

/// Longest time that is simulated or drawn in the mean: ten years. Above it microseconds would run out of meaning.
const LONGEST_S: f64 = 10.0 * 366.0 * 86_400.0;
/// Values of an empirical law at most.
const EMPIRICAL_MAX: usize = 100_000;

/// Notes what is wrong and gives something to go on with.
pub(super) struct Faults(pub(super) Vec<String>);

impl Faults {
    pub(super) fn add(&mut self, place: &str, problem: impl AsRef<str>) {
        self.0.push(format!("{place}: {}", problem.as_ref()));
    }

    /// A number of an allowed range.
    pub(super) fn number(&mut self, place: &str, value: f64, range: RangeInclusive<f64>) -> f64 {
        if range.contains(&value) {
            return value;
        }
        let (least, most) = range.into_inner();
        self.add(place, format!("{value} is not within {least} and {most}"));
        least
    }

    /// A length of time, zero allowed.
    pub(super) fn span(&mut self, place: &str, seconds: f64) -> Duration {
        Duration::from_micros(micros(self.number(place, seconds, 0.0..=LONGEST_S)))
    }

    /// A count of an allowed range.
    pub(super) fn count(&mut self, place: &str, value: usize, range: RangeInclusive<usize>) {
        if !range.contains(&value) {
            let (least, most) = range.into_inner();
            self.add(place, format!("{value} is not within {least} and {most}"));
        }
    }

    pub(super) fn code(&mut self, place: &str, text: &str) -> Option<Code> {
        let code: Result<Code, _> = text.parse();
        code.map_err(|problem| self.add(place, format!("`{text}`: {problem}")))
            .ok()
    }

    pub(super) fn skills(&mut self, place: &str, texts: &[String]) -> Skills {
        self.count(place, texts.len(), 0..=32);
        let mut skills = Skills::new();
        for text in texts {
            match text.parse::<Skill>() {
                Ok(skill) => skills.insert(skill),
                Err(error) => self.add(place, format!("`{text}`: {error}")),
            }
        }
        skills
    }

    /// A time of the day, `HH:MM`, in microseconds since midnight; 24:00 is the end of the day.
    pub(super) fn clock(&mut self, place: &str, text: &str) -> u64 {
        let read = || {
            let (hour, minute) = text.split_once(':')?;
            let digits = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
            if !digits(hour) || !digits(minute) {
                return None;
            }
            let (hour, minute): (u64, u64) = (hour.parse().ok()?, minute.parse().ok()?);
            let minutes = hour * 60 + minute;
            (minute < 60 && minutes <= 24 * 60).then_some(minutes * 60_000_000)
        };
        read().unwrap_or_else(|| {
            self.add(place, format!("`{text}` is no time of the day (HH:MM)"));
            0
        })
    }

    pub(super) fn law(&mut self, place: &str, table: &LawTable) -> Law {
        let LawTable {
            fixed_s,
            exponential_s,
            uniform_s,
            lognormal_s,
            cv,
            gamma_s,
            shape,
            erlang_s,
            stages,
            empirical_s,
        } = table;
        let mut laws = Vec::new();
        let mut with =
            |name: &str, law: Option<Law>| laws.extend(law.map(|law| (name.to_owned(), law)));
        with("", fixed_s.map(|s| Law::Fixed { s }));
        with("", exponential_s.map(|mean_s| Law::Exponential { mean_s }));
        with(
            "",
            uniform_s.map(|[from_s, to_s]| Law::Uniform { from_s, to_s }),
        );
        let spread = cv.unwrap_or(f64::NAN);
        with(
            "cv",
            lognormal_s.map(|mean_s| Law::Lognormal { mean_s, cv: spread }),
        );
        let form = shape.unwrap_or(f64::NAN);
        with(
            "shape",
            gamma_s.map(|mean_s| Law::Gamma {
                mean_s,
                shape: form,
            }),
        );
        let form = stages.map_or(f64::NAN, f64::from);
        with(
            "stages",
            erlang_s.map(|mean_s| Law::Gamma {
                mean_s,
                shape: form,
            }),
        );
        with(
            "",
            empirical_s
                .as_ref()
                .map(|values| Law::Empirical(values.as_slice().into())),
        );
        let given = [
            ("cv", cv.is_some()),
            ("shape", shape.is_some()),
            ("stages", stages.is_some()),
        ];
        let Some((needs, law)) = laws.pop().filter(|_| laws.is_empty()) else {
            self.add(place, "give exactly one of fixed_s, exponential_s, uniform_s, lognormal_s, gamma_s, erlang_s and empirical_s");
            return Law::Fixed { s: 1.0 };
        };
        let mut complete = true;
        for (name, is_given) in given {
            if is_given && name != needs {
                self.add(place, format!("`{name}` does not belong to this law"));
            }
            if !is_given && name == needs {
                self.add(place, format!("`{name}` is missing"));
                complete = false;
            }
        }
        if complete {
            self.check_law(place, &law);
        }
        law
    }

    fn check_law(&mut self, place: &str, law: &Law) {
        match law {
            Law::Fixed { s } => {
                self.number(place, *s, 0.0..=LONGEST_S);
            }
            Law::Exponential { mean_s } => {
                self.number(place, *mean_s, 0.0..=LONGEST_S);
            }
            Law::Uniform { from_s, to_s } => {
                self.number(place, *from_s, 0.0..=LONGEST_S);
                self.number(place, *to_s, *from_s..=LONGEST_S);
            }
            Law::Lognormal { mean_s, cv } => {
                self.number(place, *mean_s, 0.0..=LONGEST_S);
                self.number(&format!("{place}.cv"), *cv, 0.0..=100.0);
            }
            Law::Gamma { mean_s, shape } => {
                self.number(place, *mean_s, 0.0..=LONGEST_S);
                self.number(&format!("{place}.shape"), *shape, 0.01..=10_000.0);
            }
            Law::Empirical(values) => {
                self.count(place, values.len(), 1..=EMPIRICAL_MAX);
                let bad = values.iter().find(|s| !(0.0..=LONGEST_S).contains(*s));
                if let Some(bad) = bad {
                    self.number(place, *bad, 0.0..=LONGEST_S);
                }
            }
        }
    }
}
