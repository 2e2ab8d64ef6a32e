use crate::domain::engine::skills::{Grade, decided};

/// The longest label: most work asks for no more skills.
const LONGEST: usize = 4;

/// What an edge stands for: some grades, one after the other, at least one. In place, so that who looks at the edge
/// knows whether it is theirs to go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Label {
    count: u8,
    grades: [Grade; LONGEST],
}

impl Label {
    /// The first of these grades, as many as there is room for; they are not none.
    pub(super) fn of(grades: &[Grade]) -> Self {
        let count = grades.len().min(LONGEST);
        Self {
            count: u8::try_from(count).unwrap_or_default(),
            grades: std::array::from_fn(|place| grades.get(place).copied().unwrap_or_default()),
        }
    }

    pub(super) fn as_slice(&self) -> &[Grade] {
        &self.grades[..usize::from(self.count).min(LONGEST)]
    }

    pub(super) const fn first(&self) -> Grade {
        self.grades[0]
    }

    /// How many grades these begin with alike.
    pub(super) fn shared(&self, with: &[Grade]) -> usize {
        let both = self.as_slice().iter().zip(with);
        both.take_while(|(a, b)| a == b).count()
    }

    /// Up to a place, and from it.
    pub(super) fn split(&self, at: usize) -> (Self, Self) {
        let (front, back) = self.as_slice().split_at(at);
        (Self::of(front), Self::of(back))
    }

    /// Both in one, where there is room.
    pub(super) fn joined(&self, with: &Self) -> Option<Self> {
        let both = [self.as_slice(), with.as_slice()].concat();
        (both.len() <= LONGEST).then(|| Self::of(&both))
    }

    /// How many of these grades, from the first, are decided by this, when they cover it.
    pub(super) fn admits(&self, held: &[Grade]) -> Option<usize> {
        decided(held, self.as_slice())
    }

    /// The same, of what comes after its first grade.
    pub(super) fn admits_after_first(&self, held: &[Grade]) -> Option<usize> {
        decided(held, self.as_slice().get(1..).unwrap_or_default())
    }
}
