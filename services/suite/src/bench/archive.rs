//! The contacts of a timeline run: sentences that customers sent over two years.

use std::sync::atomic::{AtomicU64, Ordering};

use rapport_foundation::time::Micros;
use rapport_proto::interactions::v1 as pb;
use rapport_proto::types::v1 as types;

/// So many contacts are of this many customers, who take turns; those that follow are of others. A timeline is as long
/// in a small log as in a large one.
const BLOCK: u64 = 100_000;
const CUSTOMERS: u64 = 1000;
/// Contacts that share a rare word.
const OF_A_WORD: u64 = 20;
/// Words that everybody uses, some far more often than others.
const VOCABULARY: u64 = 2000;
/// Words of a sentence besides the rare one.
const WORDS: u64 = 14;
/// In every second sentence.
pub(super) const COMMON: &str = "parcel";
/// Between two contacts.
const APART_US: i64 = 20_000_000;

/// Makes history, the oldest contact first, until it has grown as large as it is to be.
#[derive(Debug)]
pub(super) struct Archive {
    run: String,
    begun: Micros,
    next: AtomicU64,
    most: AtomicU64,
}

impl Archive {
    /// One that is to have so many contacts in the end, the last of them now.
    pub(super) fn new(in_the_end: u64, now: Micros) -> Self {
        let all = i64::try_from(in_the_end).unwrap_or(i64::MAX);
        Self {
            run: uuid::Uuid::now_v7().simple().to_string(),
            begun: Micros(now.0.saturating_sub(all.saturating_mul(APART_US))),
            next: AtomicU64::new(0),
            most: AtomicU64::new(0),
        }
    }

    /// Lets it grow to so many contacts.
    pub(super) fn grow(&self, most: u64) {
        self.most.store(most, Ordering::Relaxed);
    }

    /// How many there are.
    pub(super) fn size(&self) -> u64 {
        self.most.load(Ordering::Relaxed)
    }

    /// When the contact with this number took place.
    pub(super) fn at(&self, number: u64) -> Micros {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        Micros(self.begun.0 + number * APART_US)
    }

    /// The next contact, while there is to be one.
    pub(super) fn next(&self) -> Option<pb::InteractionInput> {
        let one_more = |number| (number < self.size()).then_some(number + 1);
        let (set, read) = (Ordering::Relaxed, Ordering::Relaxed);
        let number = self.next.fetch_update(set, read, one_more).ok()?;
        Some(self.contact(number))
    }

    fn contact(&self, number: u64) -> pb::InteractionInput {
        let customer = number / BLOCK * CUSTOMERS + number % CUSTOMERS;
        let identifier = types::Identifier {
            r#type: types::IdentifierType::Handle.into(),
            value: format!("customer-{customer}"),
            namespace: "archive".into(),
        };
        pb::InteractionInput {
            external_id: format!("{}-{number}", self.run),
            kind: types::InteractionKind::Message.into(),
            channel: types::Channel::Messaging.into(),
            direction: types::Direction::Inbound.into(),
            purpose: types::Purpose::Support.into(),
            participants: vec![pb::Participant {
                role: pb::ParticipantRole::Customer.into(),
                identifier: Some(identifier),
                ..pb::Participant::default()
            }],
            parts: vec![pb::Part {
                content: Some(pb::part::Content::Text(sentence(number))),
                ..pb::Part::default()
            }],
            event_time: Some(self.at(number).into()),
            history: true,
            ..pb::InteractionInput::default()
        }
    }

    /// A word that some contacts share, drawn by any number.
    pub(super) fn rare(&self, draw: u64) -> String {
        word(VOCABULARY + (draw % self.size().max(1)) / OF_A_WORD)
    }
}

fn sentence(number: u64) -> String {
    let mut words = vec![word(VOCABULARY + number / OF_A_WORD)];
    if number.is_multiple_of(2) {
        words.push(COMMON.into());
    }
    for place in 0..WORDS {
        words.push(word(often(scattered(number * WORDS + place))));
    }
    words.join(" ")
}

/// Of the vocabulary, the lower the more often: as often as Zipf's law says of the words of a language.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "below two thousand"
)]
fn often(draw: u64) -> u64 {
    let even = (draw >> 11) as f64 / (1_u64 << 53) as f64;
    (VOCABULARY as f64).powf(even) as u64 - 1
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): the same number gives the same draw.
pub(super) const fn scattered(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A word of its own for each number, four syllables and more.
fn word(number: u64) -> String {
    const CONSONANTS: &[u8; 20] = b"bcdfghjklmnpqrstvwyz";
    const VOWELS: &[u8; 5] = b"aeiou";
    let mut word = String::new();
    let mut left = number;
    while left > 0 || word.len() < 8 {
        for (letters, kinds) in [(CONSONANTS.as_slice(), 20), (VOWELS.as_slice(), 5)] {
            let at = usize::try_from(left % kinds).unwrap_or_default();
            word.push(char::from(letters[at]));
            left /= kinds;
        }
    }
    word
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_number_has_a_word_of_its_own() {
        let words: HashSet<String> = (0..200_000).map(word).collect();
        assert_eq!(words.len(), 200_000);
        assert!(!words.contains(COMMON));
    }

    #[test]
    fn an_archive_ends_where_it_is_to_end() {
        let archive = Archive::new(50, Micros(1_000_000_000_000_000));
        assert_eq!(archive.next(), None);
        archive.grow(50);
        let all: Vec<_> = std::iter::from_fn(|| archive.next()).collect();
        assert_eq!(all.len(), 50);
        let rare = archive.rare(7);
        let with = all.iter().filter(|contact| {
            matches!(&contact.parts[0].content, Some(pb::part::Content::Text(text)) if text.contains(&rare))
        });
        assert_eq!(with.count(), 20);
    }
}
