//! What a tenant wants to become of numbers that must not be seen, and the numbers that are kept.

use std::collections::BTreeMap;

use rapport_foundation::personal::Personal;

use super::code::{NumberKind, Treatment};
use super::detect::{Finding, Masking, Text, take};

/// What becomes of numbers, by their kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbers {
    /// Payment cards.
    pub cards: Treatment,
    /// Bank accounts.
    pub accounts: Treatment,
    /// Persons.
    pub identities: Treatment,
    /// Keys, tokens, passwords.
    pub secrets: Treatment,
    /// Whether the last four digits of a card stay in the text.
    pub keep_last_four: bool,
}

impl Numbers {
    /// One treatment of all of them.
    #[must_use]
    pub const fn all(treatment: Treatment, keep_last_four: bool) -> Self {
        Self {
            cards: treatment,
            accounts: treatment,
            identities: treatment,
            secrets: treatment,
            keep_last_four,
        }
    }

    /// What becomes of numbers of a kind.
    #[must_use]
    pub const fn of(&self, kind: NumberKind) -> Treatment {
        match kind {
            NumberKind::Card => self.cards,
            NumberKind::Account => self.accounts,
            NumberKind::Identity => self.identities,
            NumberKind::Secret => self.secrets,
        }
    }
}

/// What a tenant wants to become of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// What becomes of them.
    pub numbers: Numbers,
    /// Raised with every change; 0 where none was ever made.
    pub version: i64,
}

/// A number that was taken out of a text and is kept beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedNumber {
    /// What stands for it in the text.
    pub token: String,
    /// What it is.
    pub kind: NumberKind,
    /// Its digits, or the secret as it was said.
    pub number: Personal,
}

/// Takes numbers out of texts as a tenant wants it, and holds those that are to be kept.
pub struct Taking<'a> {
    numbers: Numbers,
    token: &'a (dyn Fn(NumberKind, &str) -> String + Sync),
    /// Whether anything was found.
    pub found: bool,
    kept: BTreeMap<String, (usize, SealedNumber)>,
}

impl<'a> Taking<'a> {
    /// `token` makes what stands for a number: the same for the same number.
    #[must_use]
    pub fn new(numbers: Numbers, token: &'a (dyn Fn(NumberKind, &str) -> String + Sync)) -> Self {
        Self {
            numbers,
            token,
            found: false,
            kept: BTreeMap::new(),
        }
    }

    /// Takes numbers out of consecutive texts; answers the new text of each that held something.
    pub fn texts(&mut self, texts: &[Text<'_>]) -> Vec<Option<String>> {
        let masking = Masking {
            keep_last_four: self.numbers.keep_last_four,
        };
        let (numbers, token, kept) = (self.numbers, self.token, &mut self.kept);
        let keep = |finding: &Finding, said: &dyn Fn() -> String| {
            if numbers.of(finding.kind) == Treatment::Mask {
                return None;
            }
            let number = said();
            // What was masked already is found again, and says nothing.
            if !number.contains(char::is_alphanumeric) {
                return None;
            }
            let token = token(finding.kind, &number);
            let label = format!(" [sealed {token}]");
            let last = finding.marks.last().map_or(0, |mark| mark.text);
            kept.entry(token.clone()).or_insert((
                last,
                SealedNumber {
                    token,
                    kind: finding.kind,
                    number: number.into(),
                },
            ));
            Some(label)
        };
        let (texts, findings) = take(texts, masking, keep);
        self.found |= !findings.is_empty();
        texts
    }

    /// Takes numbers out of a text that stands alone; answers the new text when it held something.
    pub fn text(&mut self, body: &str) -> Option<String> {
        let text = Text::plain(body);
        self.texts(&[text]).into_iter().next().flatten()
    }

    /// What is to be kept.
    #[must_use]
    pub fn kept(self) -> Vec<SealedNumber> {
        self.kept.into_values().map(|(_, number)| number).collect()
    }

    /// What is to be kept, each with the text in which it ended.
    #[must_use]
    pub fn kept_by_text(self) -> Vec<(usize, SealedNumber)> {
        self.kept.into_values().collect()
    }
}
