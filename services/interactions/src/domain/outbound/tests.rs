//! Connectors that crash, stall and speak too late, over one message.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

const PACE: Pace = Pace {
    lease: Duration::from_secs(10),
    tries: 3,
    first: Duration::from_secs(1),
    longest: Duration::from_secs(4),
};

fn second(n: i64) -> Micros {
    Micros::from_secs(n)
}

fn message() -> Outbound {
    let mut message = Outbound::queued(
        OutboundId::from_uuid(Uuid::from_u128(7)),
        ConversationId::nil(),
        "mail".into(),
    );
    message.expires_at = second(1_000_000);
    message
}

fn taker(stream: u128, drops_repetitions: bool) -> Taker {
    Taker {
        stream: Uuid::from_u128(stream),
        drops_repetitions,
    }
}

fn sent(id: &str) -> Said {
    Said::Sent {
        message_id: id.into(),
    }
}

fn failing(permanent: bool) -> Said {
    Said::Failed(Failing {
        reason: "busy".into(),
        permanent,
        retry_after: None,
    })
}

fn hear(message: &mut Outbound, attempt: i32, said: &Said, now: i64) -> Answer {
    message.hear(attempt, said, second(now), &PACE, 0)
}

/// A message that a connector was sending when it vanished.
fn uncertain() -> Outbound {
    let mut one = message();
    assert!(one.hand(taker(1, false), second(0), &PACE));
    assert_eq!(hear(&mut one, 1, &Said::Accepted, 1), Answer::Confirmed);
    one.abandon(Uuid::from_u128(1), second(2));
    one.lapse(second(10));
    assert_eq!(one.state, OutboundState::Accepted);
    one.lapse(second(11));
    assert_eq!(one.state, OutboundState::Uncertain);
    one
}

#[test]
fn what_was_handed_and_never_accepted_goes_back_and_is_handed_again() {
    let mut one = message();
    assert!(one.hand(taker(1, false), second(0), &PACE));
    assert!(!one.hand(taker(2, false), second(0), &PACE));
    one.abandon(Uuid::from_u128(2), second(1));
    assert_eq!(one.state, OutboundState::Handed);
    one.abandon(Uuid::from_u128(1), second(1));
    assert!(one.hand(taker(2, false), second(1), &PACE));
    one.lapse(second(11));
    assert!(one.hand(taker(3, false), second(11), &PACE));
    assert_eq!(one.attempt, 3);
    // Whoever had it before is too late.
    assert_eq!(hear(&mut one, 1, &Said::Accepted, 12), Answer::Withdrawn);
    assert_eq!(hear(&mut one, 3, &Said::Accepted, 12), Answer::Confirmed);
    assert_eq!(hear(&mut one, 4, &Said::Accepted, 12), Answer::Unknown);
    assert_eq!(hear(&mut one, 0, &sent("m"), 12), Answer::Unknown);
}

#[test]
fn what_was_accepted_and_left_is_handed_again_only_where_repetitions_are_dropped() {
    let mut one = uncertain();
    assert!(!one.hand(taker(2, false), second(12), &PACE));
    assert!(one.hand(taker(2, true), second(12), &PACE));
    // Even when that one never says a word it does not become an ordinary message again.
    one.lapse(second(22));
    assert_eq!(one.state, OutboundState::Uncertain);
    assert!(!one.hand(taker(2, false), second(23), &PACE));
}

#[test]
fn a_late_outcome_settles_the_doubt() {
    let mut one = uncertain();
    let before = one.clone();
    assert_eq!(hear(&mut one, 1, &sent("m-1"), 30), Answer::Noted);
    assert_eq!(
        (one.state, one.message_id.as_str(), one.news_since(&before)),
        (OutboundState::Sent, "m-1", Some(News::Sent))
    );
    let mut one = uncertain();
    hear(&mut one, 1, &failing(false), 30);
    assert_eq!((one.state, one.failures), (OutboundState::Queued, 1));
    let mut one = uncertain();
    hear(&mut one, 1, &Said::Released, 30);
    assert_eq!((one.state, one.failures), (OutboundState::Queued, 0));
    // It was merely slow, and says so.
    let mut one = uncertain();
    assert_eq!(hear(&mut one, 1, &Said::Accepted, 30), Answer::Confirmed);
    one.lapse(second(39));
    assert_eq!(one.state, OutboundState::Accepted);
    for told in [DeliveryState::Sent, DeliveryState::Read] {
        let mut one = uncertain();
        one.delivered(told, "", second(30));
        assert!(one.is_settled());
    }
    let mut one = uncertain();
    one.delivered(DeliveryState::Failed, "550", second(30));
    assert_eq!(
        (one.state, one.reason.as_str()),
        (OutboundState::Failed, "550")
    );
}

#[test]
fn a_sent_of_an_old_attempt_withdraws_the_new_one() {
    let mut one = message();
    one.hand(taker(1, false), second(0), &PACE);
    one.lapse(second(10));
    one.hand(taker(2, false), second(11), &PACE);
    hear(&mut one, 1, &sent("m-1"), 12);
    assert_eq!(hear(&mut one, 2, &Said::Accepted, 13), Answer::Withdrawn);
    assert_eq!(hear(&mut one, 2, &sent("m-2"), 13), Answer::Noted);
    assert_eq!(one.message_id, "m-1");
}

#[test]
fn what_fails_for_the_time_being_is_tried_with_longer_pauses_and_given_up() {
    let mut one = message();
    let mut pauses = Vec::new();
    for round in 0..3 {
        let now = round * 100;
        assert!(one.hand(taker(1, false), second(now), &PACE));
        let attempt = one.attempt;
        hear(&mut one, attempt, &failing(false), now);
        if one.state == OutboundState::Queued {
            pauses.push(one.ready_at - second(now));
            assert!(!one.hand(
                taker(1, false),
                one.ready_at - Duration::from_micros(1),
                &PACE
            ));
        }
    }
    // By chance nothing is added to the half.
    assert_eq!(pauses, [500, 1000].map(Duration::from_millis));
    assert_eq!(
        (one.state, one.reason.as_str()),
        (OutboundState::Failed, "busy")
    );
    assert_eq!(PACE.pause(9, 1000), Duration::from_secs(4));
    assert_eq!(PACE.pause(1, 1000), Duration::from_secs(1));
    // A person may have it tried again.
    assert_eq!(one.retry(second(900), second(2_000)), Ok(()));
    assert!(one.hand(taker(1, false), second(900), &PACE));
    hear(&mut one, 4, &failing(true), 901);
    assert_eq!(one.state, OutboundState::Failed);
}

#[test]
fn a_connector_may_name_the_pause() {
    let mut one = message();
    one.hand(taker(1, false), second(0), &PACE);
    let said = Said::Failed(Failing {
        reason: "rate".into(),
        permanent: false,
        retry_after: Some(Duration::from_secs(60)),
    });
    hear(&mut one, 1, &said, 1);
    assert_eq!(one.ready_at, second(61));
    one.expires_at = second(100);
    one.hand(taker(1, false), second(61), &PACE);
    hear(&mut one, 2, &said, 62);
    assert_eq!(
        (one.state, one.reason.as_str()),
        (OutboundState::Expired, "rate")
    );
}

#[test]
fn nothing_is_sent_after_its_time() {
    let mut one = message();
    one.expires_at = second(5);
    one.hand(taker(1, false), second(0), &PACE);
    assert_eq!(hear(&mut one, 1, &Said::Accepted, 5), Answer::Withdrawn);
    assert_eq!(
        (one.state, one.reason.as_str()),
        (OutboundState::Expired, EXPIRED)
    );
    let mut one = message();
    one.expires_at = second(5);
    assert!(!one.hand(taker(1, false), second(5), &PACE));
    one.lapse(second(5));
    assert_eq!(one.state, OutboundState::Expired);
    // What may have been sent does not become something that was not.
    let mut one = uncertain();
    one.expires_at = second(20);
    one.lapse(second(30));
    assert_eq!(one.state, OutboundState::Uncertain);
    assert!(!one.hand(taker(1, true), second(30), &PACE));
}

#[test]
fn what_is_being_sent_cannot_be_taken_back() {
    let mut one = message();
    one.hand(taker(1, false), second(0), &PACE);
    let mut accepted = one.clone();
    assert_eq!(one.cancel(second(1)), Ok(()));
    assert_eq!(hear(&mut one, 1, &Said::Accepted, 2), Answer::Withdrawn);
    hear(&mut accepted, 1, &Said::Accepted, 1);
    assert_eq!(accepted.cancel(second(2)), Err(NotNow));
    assert_eq!(accepted.retry(second(2), second(9)), Err(NotNow));
    hear(&mut accepted, 1, &sent("m"), 3);
    assert_eq!(accepted.cancel(second(4)), Err(NotNow));
    assert_eq!(accepted.retry(second(4), second(9)), Err(NotNow));
    // A rogue that sent what it was not confirmed is believed all the same.
    hear(&mut one, 1, &sent("m"), 5);
    assert_eq!(one.state, OutboundState::Sent);
    assert_eq!(uncertain().cancel(second(30)), Ok(()));
}

#[test]
fn how_far_it_came_is_the_furthest_that_was_told() {
    let mut one = message();
    // Nothing was given to the provider: this cannot be about it.
    one.delivered(DeliveryState::Failed, "x", second(1));
    assert_eq!(one.state, OutboundState::Queued);
    one.hand(taker(1, false), second(1), &PACE);
    hear(&mut one, 1, &Said::Accepted, 1);
    // The channel may be faster than the connector.
    let before = one.clone();
    one.delivered(DeliveryState::Read, "", second(2));
    assert_eq!(one.news_since(&before), Some(News::Sent));
    one.delivered(DeliveryState::Delivered, "", second(3));
    one.delivered(DeliveryState::Failed, "x", second(3));
    hear(&mut one, 1, &sent("m"), 4);
    assert_eq!(
        (one.state, one.message_id.as_str(), one.reason.as_str()),
        (OutboundState::Read, "m", "")
    );
}

#[test]
fn what_was_erased_is_not_sent() {
    let mut one = message();
    one.hand(taker(1, false), second(0), &PACE);
    one.erase(second(1));
    assert_eq!(
        (one.state, one.reason.as_str()),
        (OutboundState::Cancelled, ERASED)
    );
    assert_eq!(hear(&mut one, 1, &Said::Accepted, 2), Answer::Withdrawn);
}

/// What a connector knows of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Knows {
    Got,
    Confirmed,
    Sent,
    Failed,
}

struct Connector {
    stream: u128,
    knows: Vec<(i32, Knows)>,
}

struct World {
    one: Outbound,
    now: i64,
    drops_repetitions: bool,
    connectors: Vec<Connector>,
    streams: u128,
    /// How many messages the recipient got.
    came: u32,
}

impl World {
    fn new(drops_repetitions: bool) -> Self {
        Self {
            one: message(),
            now: 0,
            drops_repetitions,
            connectors: (1..=3)
                .map(|stream| Connector {
                    stream,
                    knows: Vec::new(),
                })
                .collect(),
            streams: 3,
            came: 0,
        }
    }

    fn hear(&mut self, attempt: i32, said: &Said) -> Answer {
        self.one.hear(attempt, said, second(self.now), &PACE, 500)
    }

    /// One thing that one connector, the clock or the sweep does.
    fn step(&mut self, what: u8, who: usize, which: usize) {
        match what {
            0 => {
                let taker = taker(self.connectors[who].stream, self.drops_repetitions);
                if self.one.hand(taker, second(self.now), &PACE) {
                    let attempt = self.one.attempt;
                    self.connectors[who].knows.push((attempt, Knows::Got));
                }
            }
            1 => self.now += i64::try_from(which).unwrap_or(0) * 6 + 1,
            2 => self.one.lapse(second(self.now)),
            3 => {
                // It crashes: what it knew is lost, and its stream breaks.
                let stream = Uuid::from_u128(self.connectors[who].stream);
                self.one.abandon(stream, second(self.now));
                self.streams += 1;
                self.connectors[who] = Connector {
                    stream: self.streams,
                    knows: Vec::new(),
                };
            }
            _ => self.speak(what, who, which),
        }
    }

    fn speak(&mut self, what: u8, who: usize, which: usize) {
        let knows = &self.connectors[who].knows;
        let Some(place) = knows.len().checked_sub(1 + which % knows.len().max(1)) else {
            return;
        };
        let (attempt, known) = knows[place];
        let next = match (what, known) {
            // Also a renewal.
            (4, Knows::Got | Knows::Confirmed) => match self.hear(attempt, &Said::Accepted) {
                Answer::Confirmed => Some(Knows::Confirmed),
                _ => None,
            },
            (5, Knows::Confirmed) => {
                self.came += u32::from(!self.drops_repetitions || self.came == 0);
                Some(Knows::Sent)
            }
            (6, Knows::Confirmed) => Some(Knows::Failed),
            (7, Knows::Sent) => {
                assert_eq!(self.hear(attempt, &sent("m")), Answer::Noted);
                None
            }
            (7, Knows::Failed) => {
                self.hear(attempt, &failing(which == 2));
                None
            }
            (8, Knows::Got | Knows::Confirmed) => {
                self.hear(attempt, &Said::Released);
                None
            }
            (_, known) => Some(known),
        };
        match next {
            Some(known) => self.connectors[who].knows[place] = (attempt, known),
            None => {
                self.connectors[who].knows.remove(place);
            }
        }
    }

    /// A healthy connector that is left alone with it.
    fn recover(&mut self) {
        for _ in 0..20 {
            self.now += 20;
            self.one.lapse(second(self.now));
            let taker = taker(99, self.drops_repetitions);
            if self.one.hand(taker, second(self.now), &PACE) {
                let attempt = self.one.attempt;
                assert_eq!(self.hear(attempt, &Said::Accepted), Answer::Confirmed);
                self.came += u32::from(!self.drops_repetitions || self.came == 0);
                self.hear(attempt, &sent("m"));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_crashes_it_comes_once_at_most_and_is_never_forgotten(
        drops_repetitions in any::<bool>(),
        steps in prop::collection::vec((0_u8..9, 0_usize..3, 0_usize..3), 0..80),
    ) {
        let mut world = World::new(drops_repetitions);
        let mut was_sent = false;
        for (what, who, which) in steps {
            world.step(what, who, which);
            prop_assert!(world.came <= 1, "{:?}", world.one);
            prop_assert!(!was_sent || world.one.sent_at.is_some());
            was_sent = world.one.sent_at.is_some();
            let holders = world.connectors.iter().flat_map(|one| &one.knows);
            let accepted = holders.filter(|(_, known)| *known == Knows::Confirmed).count();
            // Those that were confirmed and given up are withdrawn only where repetitions are dropped.
            prop_assert!(drops_repetitions || accepted <= 1, "{:?}", world.one);
        }
        world.recover();
        prop_assert!(world.came <= 1);
        let done = !matches!(world.one.state, OutboundState::Queued | OutboundState::Handed | OutboundState::Accepted);
        prop_assert!(done, "{:?}", world.one);
        if world.one.state == OutboundState::Uncertain {
            // Either nobody may try again, or it was tried often enough.
            prop_assert!(!drops_repetitions || world.one.failures >= PACE.tries, "{:?}", world.one);
        }
        if world.came == 0 {
            prop_assert!(matches!(world.one.state, OutboundState::Uncertain | OutboundState::Failed), "{:?}", world.one);
        }
    }
}
