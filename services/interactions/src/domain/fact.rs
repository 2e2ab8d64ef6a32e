//! What became known of a contact after it was logged, and the one view it makes.

use std::collections::{BTreeMap, BTreeSet};

use rapport_foundation::id::MediaId;
use rapport_foundation::time::Micros;

use super::code::{EndReason, FactKind, Side};
use super::contact::Payload;
use super::part::{self, CallLeg, Delivery, Part, Reaction, Transcript};
use rapport_foundation::personal::Personal;

/// One fact as its connector tells it. Append-only once logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// The connector's key of the contact it is about.
    pub external_id: String,
    /// The connector's key of the fact within the contact; empty for the end, of which there is one but where its
    /// customer was called back.
    pub key: String,
    /// When it happened.
    pub event_at: Micros,
    /// What became known.
    pub what: Known,
    /// What the channel says besides.
    pub attributes: BTreeMap<String, Personal>,
    /// The payload as the channel delivered it; empty when not given.
    pub raw_payload: Payload,
}

/// What became known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// The live contact is over.
    End(EndReason),
    /// What came of it.
    Disposition(Disposition),
    /// How far a message of ours came.
    Delivery(Delivery),
    /// What was said, in writing.
    Transcript(Transcript),
    /// What the sender says instead.
    Edit(Vec<Part>),
    /// The sender took it back; on which side they stand, when known.
    Deletion(Option<Side>),
    /// One stretch of the call.
    CallLeg(CallLeg),
    /// A like or an emoji.
    Reaction(Reaction),
}

/// What came of a contact, in the words of whoever handled it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Disposition {
    /// The code of the desk or dialler.
    pub code: String,
    /// What they noted.
    pub note: Personal,
    /// Who, as the connector knows them.
    pub agent: String,
}

impl Known {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> FactKind {
        match self {
            Self::End(_) => FactKind::End,
            Self::Disposition(_) => FactKind::Disposition,
            Self::Delivery(_) => FactKind::Delivery,
            Self::Transcript(_) => FactKind::Transcript,
            Self::Edit(_) => FactKind::Edit,
            Self::Deletion(_) => FactKind::Deletion,
            Self::CallLeg(_) => FactKind::CallLeg,
            Self::Reaction(_) => FactKind::Reaction,
        }
    }

    /// The files of ours it names.
    #[must_use]
    pub fn named(&self) -> BTreeSet<MediaId> {
        match self {
            Self::Edit(parts) => part::named(parts),
            _ => BTreeSet::new(),
        }
    }
}

/// A fact as logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// What the connector said.
    pub fact: Fact,
    /// When we received it.
    pub received_at: Micros,
}

/// What became known of an interaction since it was logged, in one view.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// What is said now; empty when it was never edited.
    pub parts: Vec<Part>,
    /// When it was edited last.
    pub edited_at: Option<Micros>,
    /// When the sender took it back.
    pub deleted_at: Option<Micros>,
    /// The latest disposition.
    pub disposition: Option<Disposition>,
    /// The furthest state with each recipient.
    pub deliveries: Vec<Delivery>,
    /// Everything that was said, in one piece.
    pub transcript: Option<Transcript>,
    /// The legs of the call, by their start.
    pub call_legs: Vec<CallLeg>,
    /// The reactions that stand.
    pub reactions: Vec<Reaction>,
    /// How many facts there are.
    pub facts: usize,
}

/// Folds facts into one view, in the order in which they happened, whatever the order in which they came. Facts of one
/// moment are taken by their keys.
#[must_use]
pub fn state(mut facts: Vec<Fact>) -> State {
    facts.sort_by(|a, b| (a.event_at, &a.key).cmp(&(b.event_at, &b.key)));
    let mut folding = Folding::default();
    for fact in facts {
        folding.take(fact);
    }
    folding.done()
}

#[derive(Default)]
struct Folding {
    state: State,
    deliveries: BTreeMap<Personal, Delivery>,
    legs: BTreeMap<String, CallLeg>,
    reactions: BTreeMap<Personal, Reaction>,
}

impl Folding {
    fn take(&mut self, fact: Fact) {
        let (state, at) = (&mut self.state, fact.event_at);
        state.facts += 1;
        match fact.what {
            // The end is a row of its own.
            Known::End(_) => {}
            Known::Disposition(disposition) => state.disposition = Some(disposition),
            Known::Delivery(delivery) => further(&mut self.deliveries, delivery),
            Known::Transcript(transcript) => append(&mut state.transcript, transcript),
            Known::Edit(parts) => {
                state.parts = parts;
                state.edited_at = Some(at);
            }
            // The first stands: what is gone cannot be taken back again.
            Known::Deletion(_) => state.deleted_at = state.deleted_at.or(Some(at)),
            Known::CallLeg(leg) => {
                self.legs.insert(leg.leg.clone(), leg);
            }
            Known::Reaction(reaction) => {
                self.reactions.insert(reaction.author.clone(), reaction);
            }
        }
    }

    fn done(self) -> State {
        let mut state = self.state;
        state.deliveries = self.deliveries.into_values().collect();
        state.call_legs = self.legs.into_values().collect();
        state
            .call_legs
            .sort_by(|a, b| (a.started_at, &a.leg).cmp(&(b.started_at, &b.leg)));
        let standing = self.reactions.into_values().filter(|one| !one.removed);
        state.reactions = standing.collect();
        if let Some(transcript) = &mut state.transcript {
            // Stable: pieces of one moment keep the order they were told in.
            transcript.segments.sort_by_key(|one| one.offset_ms);
        }
        state
    }
}

/// The furthest state stands.
fn further(known: &mut BTreeMap<Personal, Delivery>, told: Delivery) {
    let is_further = |one: &Delivery| one.state.rank() <= told.state.rank();
    if known.get(&told.recipient).is_none_or(is_further) {
        known.insert(told.recipient.clone(), told);
    }
}

fn append(whole: &mut Option<Transcript>, piece: Transcript) {
    if piece == Transcript::default() {
        return;
    }
    let whole = whole.get_or_insert_default();
    if !piece.language.is_empty() {
        whole.language = piece.language;
    }
    whole.segments.extend(piece.segments);
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::super::code::DeliveryState;
    use super::super::part::Segment;
    use super::*;

    fn fact(key: &str, at: i64, what: Known) -> Fact {
        Fact {
            external_id: "m-1".into(),
            key: key.into(),
            event_at: Micros(at),
            what,
            attributes: BTreeMap::new(),
            raw_payload: Payload::default(),
        }
    }

    fn delivery(state: DeliveryState, recipient: &str) -> Known {
        Known::Delivery(Delivery {
            state,
            target: String::new(),
            recipient: recipient.into(),
            error_code: String::new(),
            error_text: Personal::default(),
        })
    }

    fn said(offset_ms: i64, text: &str) -> Known {
        Known::Transcript(Transcript {
            language: "id".into(),
            segments: vec![Segment {
                speaker: Side::Customer,
                speaker_name: Personal::default(),
                offset_ms,
                duration_ms: 0,
                text: text.into(),
                confidence_permille: Some(900),
            }],
        })
    }

    fn reaction(symbol: &str, author: &str, removed: bool) -> Known {
        Known::Reaction(Reaction {
            symbol: symbol.into(),
            target: String::new(),
            author: author.into(),
            removed,
        })
    }

    fn every_kind(key: u8, at: i64, choice: u8) -> Fact {
        let text = key.to_string();
        let what = match choice {
            0 => Known::Disposition(Disposition {
                code: text.clone(),
                ..Disposition::default()
            }),
            1 => delivery(DeliveryState::Sent, ""),
            2 => delivery(DeliveryState::Failed, ""),
            3 => delivery(DeliveryState::Read, ""),
            4 => said(at, &text),
            5 => Known::Edit(vec![Part::Text(text.as_str().into())]),
            6 => Known::Deletion(None),
            _ => reaction(&text, "", at % 2 == 0),
        };
        fact(&text, at, what)
    }

    #[test]
    fn the_latest_of_each_stands() {
        let state = state(vec![
            fact("4", 40, Known::Deletion(Some(Side::Customer))),
            fact("3", 30, Known::Edit(vec![Part::Text("second".into())])),
            fact("2", 20, Known::Edit(vec![Part::Text("first".into())])),
            fact("5", 10, delivery(DeliveryState::Read, "a")),
            fact("6", 15, delivery(DeliveryState::Delivered, "a")),
            fact("7", 15, delivery(DeliveryState::Failed, "b")),
            fact("8", 50, said(2_000, "world")),
            fact("9", 60, said(1_000, "hello")),
            fact("a", 10, reaction("+1", "ana", false)),
            fact("b", 11, reaction("+1", "ana", true)),
            fact("c", 11, reaction("heart", "budi", false)),
        ]);
        assert_eq!(state.parts, [Part::Text("second".into())]);
        assert_eq!(
            (state.edited_at, state.deleted_at),
            (Some(Micros(30)), Some(Micros(40)))
        );
        let states: Vec<_> = state.deliveries.iter().map(|one| one.state).collect();
        assert_eq!(states, [DeliveryState::Read, DeliveryState::Failed]);
        let said = state.transcript.unwrap_or_default();
        let texts: Vec<_> = said.segments.iter().map(|one| one.text.expose()).collect();
        assert_eq!(texts, ["hello", "world"]);
        let standing: Vec<_> = state.reactions.iter().map(|one| &one.symbol).collect();
        assert_eq!(standing, ["heart"]);
        assert_eq!(state.facts, 11);
    }

    proptest! {
        #[test]
        fn the_view_does_not_depend_on_the_order_of_arrival(
            facts in prop::collection::btree_map(0_u8..40, (0_i64..5, 0_u8..8), 0..20)
                .prop_flat_map(|facts| {
                    let facts: Vec<_> = facts.into_iter().map(|(key, (at, choice))| every_kind(key, at, choice)).collect();
                    (Just(facts.clone()), Just(facts).prop_shuffle())
                }),
        ) {
            let (told, shuffled) = facts;
            prop_assert_eq!(state(told), state(shuffled));
        }
    }
}
