//! Words as a key of the tenant makes them: for the index, and for what is asked of it.

use std::collections::{BTreeMap, BTreeSet};

use rapport_foundation::id::TenantId;
use rapport_foundation::seal::Vault;
use uuid::Uuid;

use super::Search;
use crate::domain::search::{self, Term};
use crate::domain::{Channel, Contact, Direction, Interaction, Purpose};
use crate::store::subject;

/// Bytes of a blinded word that are kept: two words of one tenant that share them are still told apart when opened.
const BLINDED: usize = 8;
/// Places in SQLite's index for one microsecond; the number of a place is the time and one of these.
pub(super) const PLACES: i64 = 2048;
/// Tries to find a free place, each among four times as many.
pub(super) const TRIES: u32 = 10;

/// What a contact is found by.
pub(super) struct Document {
    pub(super) id: Uuid,
    pub(super) at: i64,
    pub(super) subject: String,
    pub(super) words: Vec<String>,
    pub(super) beginnings: BTreeSet<String>,
    pub(super) facets: Vec<String>,
}

/// A tenant's key for words.
pub(super) struct Blind<'a> {
    pub(super) vault: &'a Vault,
    pub(super) tenant: TenantId,
}

impl Blind<'_> {
    fn of(&self, kind: &str, text: &str) -> String {
        let blinded = self.vault.blind(self.tenant, kind, text);
        hex::encode(blinded.get(..BLINDED).unwrap_or_default())
    }

    fn word(&self, word: &str) -> String {
        self.of("word", word)
    }

    fn beginning(&self, beginning: &str) -> String {
        self.of("beginning of a word", beginning)
    }

    fn facet(&self, name: &str, value: &str) -> String {
        self.of("facet", &format!("{name}={value}"))
    }

    pub(super) fn document(&self, interaction: &Interaction) -> Document {
        let contact = &interaction.contact;
        let text = search::text_of(contact, &interaction.state);
        let words: Vec<String> = search::found_by(&text).map(|word| word.folded).collect();
        let beginnings = words.iter().flat_map(|word| search::beginnings(word));
        Document {
            id: interaction.id.uuid(),
            at: contact.event_at.0,
            subject: subject::of(self.vault, self.tenant, interaction.id, contact),
            beginnings: beginnings
                .map(|beginning| self.beginning(&beginning))
                .collect(),
            words: words.iter().map(|word| self.word(word)).collect(),
            facets: self.facets(contact),
        }
    }

    fn facets(&self, contact: &Contact) -> Vec<String> {
        let mut facets = vec![
            self.facet("channel", &contact.channel.code().to_string()),
            self.facet("direction", &contact.direction.code().to_string()),
            self.facet(
                "purpose",
                &contact.purpose.map_or(0, Purpose::code).to_string(),
            ),
        ];
        let language = contact.content.hints.language.to_ascii_lowercase();
        if let Some(main) = language.split('-').next().filter(|main| !main.is_empty()) {
            facets.push(self.facet("language", main));
            if main != language {
                facets.push(self.facet("language", &language));
            }
        }
        let tags = contact.content.attributes.iter();
        facets.extend(
            tags.map(|(key, value)| self.facet("tag", &format!("{key}={}", value.expose()))),
        );
        facets
    }

    pub(super) fn wanted(&self, search: &Search) -> Wanted {
        let number =
            |name: &str, code: Option<i16>| code.map(|code| self.facet(name, &code.to_string()));
        let language = search.language.as_deref().map(str::to_ascii_lowercase);
        let mut wanted = Wanted::default();
        for term in &search.terms {
            match term {
                Term::Words(words) => wanted
                    .phrases
                    .push(words.iter().map(|word| self.word(word)).collect()),
                Term::Beginning(beginning) => {
                    wanted
                        .beginnings
                        .push(self.beginning(&search::kept_beginning(beginning)));
                }
            }
        }
        wanted
            .facets
            .extend(number("channel", search.channel.map(Channel::code)));
        wanted
            .facets
            .extend(number("direction", search.direction.map(Direction::code)));
        wanted
            .facets
            .extend(number("purpose", search.purpose.map(Purpose::code)));
        wanted
            .facets
            .extend(language.map(|language| self.facet("language", &language)));
        let tag = search.tag.as_ref();
        wanted
            .facets
            .extend(tag.map(|(key, value)| self.facet("tag", &format!("{key}={value}"))));
        wanted
    }
}

/// What is asked for, blinded: nothing of it can mean anything to an engine but a word.
#[derive(Default)]
pub(super) struct Wanted {
    phrases: Vec<Vec<String>>,
    beginnings: Vec<String>,
    facets: Vec<String>,
}

impl Wanted {
    /// In the words of FTS5.
    pub(super) fn fts5(&self) -> String {
        let phrases = self
            .phrases
            .iter()
            .map(|phrase| format!("(words : \"{}\")", phrase.join(" ")));
        let beginnings = self
            .beginnings
            .iter()
            .map(|one| format!("(beginnings : \"{one}\")"));
        let facets = self
            .facets
            .iter()
            .map(|one| format!("(facets : \"{one}\")"));
        phrases
            .chain(beginnings)
            .chain(facets)
            .collect::<Vec<_>>()
            .join(" AND ")
    }

    /// In the words of PostgreSQL.
    pub(super) fn tsquery(&self) -> String {
        let phrases = self
            .phrases
            .iter()
            .map(|phrase| format!("({})", phrase.join(" <-> ")));
        let others = self.beginnings.iter().chain(&self.facets).cloned();
        phrases.chain(others).collect::<Vec<_>>().join(" & ")
    }
}

impl Document {
    /// As PostgreSQL writes a tsvector: words with their places, and what has none.
    pub(super) fn tsvector(&self) -> String {
        let mut places: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (place, word) in self.words.iter().enumerate() {
            places
                .entry(word)
                .or_default()
                .push((place + 1).to_string());
        }
        let words = places
            .into_iter()
            .map(|(word, places)| format!("{word}:{}", places.join(",")));
        let others = self.beginnings.iter().chain(&self.facets).cloned();
        words.chain(others).collect::<Vec<_>>().join(" ")
    }

    /// A place in SQLite's index, another at each try.
    pub(super) fn place(&self, tried: u32) -> i64 {
        let time = self.at.clamp(0, i64::MAX / PLACES / 2) * PLACES;
        let among = PLACES << (2 * tried.min(TRIES));
        let random = i64::from_le_bytes(self.id.as_bytes()[8..].try_into().unwrap_or_default());
        time + random.rotate_left(7 * tried).rem_euclid(among)
    }
}
