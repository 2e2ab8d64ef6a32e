use super::code::named;
use super::{Priority, TicketRefusal};

named! {
    /// How much a matter affects.
    pub enum Impact {
        /// Many, or what must not fail.
        High = "high",
        /// Some.
        Medium = "medium",
        /// One, or hardly anything.
        Low = "low",
    }
}

named! {
    /// How soon a matter must be solved.
    pub enum Urgency {
        /// At once.
        High = "high",
        /// Soon.
        Medium = "medium",
        /// Some day.
        Low = "low",
    }
}

/// How bad a matter is: the two things that a service desk says of it, always both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Severity {
    /// How much it affects.
    pub impact: Impact,
    /// How soon it must be solved.
    pub urgency: Urgency,
}

impl Severity {
    /// From both, or from neither.
    ///
    /// # Errors
    /// [`TicketRefusal::HalfSevere`] when one is missing.
    pub const fn of(
        impact: Option<Impact>,
        urgency: Option<Urgency>,
    ) -> Result<Option<Self>, TicketRefusal> {
        match (impact, urgency) {
            (Some(impact), Some(urgency)) => Ok(Some(Self { impact, urgency })),
            (None, None) => Ok(None),
            _ => Err(TicketRefusal::HalfSevere),
        }
    }

    /// What follows from both by the matrix of ITIL, whose priorities 1 to 4, critical, high, moderate and low, are
    /// ours from the greatest down.
    #[must_use]
    pub const fn priority(self) -> Priority {
        match (self.impact, self.urgency) {
            (Impact::High, Urgency::High) => Priority::Urgent,
            (Impact::High, Urgency::Medium) | (Impact::Medium, Urgency::High) => Priority::High,
            (Impact::High, Urgency::Low)
            | (Impact::Medium, Urgency::Medium)
            | (Impact::Low, Urgency::High) => Priority::Normal,
            (Impact::Medium, Urgency::Low) | (Impact::Low, Urgency::Medium | Urgency::Low) => {
                Priority::Low
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ITIL's matrix as it is printed: a row an impact, a column an urgency.
    const PRINTED: [[u8; 3]; 3] = [[1, 2, 3], [2, 3, 4], [3, 4, 4]];

    #[test]
    fn the_matrix_is_the_printed_one() {
        let ours = [
            Priority::Urgent,
            Priority::High,
            Priority::Normal,
            Priority::Low,
        ];
        for (impact, row) in Impact::ALL.iter().zip(PRINTED) {
            for (urgency, printed) in Urgency::ALL.iter().zip(row) {
                let severity = Severity {
                    impact: *impact,
                    urgency: *urgency,
                };
                let expected = ours[usize::from(printed) - 1];
                assert_eq!(severity.priority(), expected, "{severity:?}");
            }
        }
    }

    #[test]
    fn one_without_the_other_says_nothing() {
        let half = Err(TicketRefusal::HalfSevere);
        assert_eq!(Severity::of(Some(Impact::Low), None), half);
        assert_eq!(Severity::of(None, Some(Urgency::Low)), half);
        assert_eq!(Severity::of(None, None), Ok(None));
    }
}
