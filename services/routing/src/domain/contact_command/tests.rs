#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use rapport_foundation::id::{ContactCommandId, InteractionId, WorkItemId};
use rapport_foundation::time::Micros;
use uuid::Uuid;

use super::*;

const PACE: Pace = Pace {
    lease: Duration::from_secs(10),
    worth: Duration::from_secs(60),
};

fn secs(n: u64) -> Micros {
    Micros::EPOCH + Duration::from_secs(n)
}

fn id(n: u128) -> ContactCommandId {
    ContactCommandId::from_uuid(Uuid::from_u128(n))
}

fn command(n: u128, contact: u128, made: u64) -> ContactCommand {
    ContactCommand {
        id: id(n),
        item: WorkItemId::from_uuid(Uuid::from_u128(contact)),
        interaction: InteractionId::from_uuid(Uuid::from_u128(contact)),
        connector: "pbx".into(),
        kind: CommandKind::Connect,
        agent: None,
        queue: None,
        desk: None,
        next: None,
        consult: false,
        state: CommandState::Waiting,
        attempt: 0,
        may_be_done: false,
        stream: Uuid::nil(),
        made_at: secs(made),
        ready_at: secs(made),
        expires_at: secs(made) + PACE.worth,
        lease_until: Micros::EPOCH,
        ended_at: None,
        reason: String::new(),
        version: 1,
    }
}

fn taker(stream: u128) -> Taker {
    Taker {
        connector: "pbx".into(),
        stream: Uuid::from_u128(stream),
        most: 10,
    }
}

fn book() -> CommandBook {
    CommandBook::restored(PACE, Vec::new())
}

/// Takes at a moment on which both clocks agree.
fn take(book: &mut CommandBook, stream: u128, at: u64) -> Vec<(u128, i32)> {
    let taken = book.take(&taker(stream), (secs(at), secs(at)));
    let named = |c: &ContactCommand| (c.id.uuid().as_u128(), c.attempt);
    taken.iter().map(named).collect()
}

fn say(book: &mut CommandBook, n: u128, attempt: i32, said: &Said, at: u64) -> Option<Heard> {
    book.hear((id(n), attempt), &taker(1), said, (secs(at), secs(at)))
}

fn failed() -> Said {
    Said::Failed {
        reason: "BUSY".into(),
        fault: CommandFault::Agent,
    }
}

#[test]
fn commands_of_a_contact_come_one_at_a_time_in_their_order() {
    let mut book = book();
    for (n, contact) in [(1, 1), (2, 1), (3, 2)] {
        book.issue(command(n, contact, 0));
    }
    assert_eq!(take(&mut book, 1, 0), [(1, 1), (3, 1)]);
    assert_eq!(take(&mut book, 2, 1), [], "the second waits for the first");
    assert_eq!(
        say(&mut book, 1, 1, &Said::Accepted, 2),
        Some(Heard::Confirmed(secs(12)))
    );
    assert_eq!(take(&mut book, 2, 2), []);
    let done = Heard::Noted(CommandState::Done);
    assert_eq!(say(&mut book, 1, 1, &Said::Done, 3), Some(done));
    assert_eq!(take(&mut book, 2, 3), [(2, 1)]);
    // It is over: nothing is open of it.
    assert_eq!(say(&mut book, 1, 1, &failed(), 4), None);
}

#[test]
fn what_nobody_speaks_of_goes_to_the_next_stream_by_the_clock_of_the_database() {
    let mut book = book();
    book.issue(command(1, 1, 0));
    let (now, present) = (secs(5), secs(1_000));
    let taken = book.take(&taker(1), (now, present));
    assert_eq!(taken[0].lease_until, present + PACE.lease);
    let before = book.take(
        &taker(2),
        (secs(59), present + PACE.lease - Duration::from_micros(1)),
    );
    assert_eq!(before, [], "however late it is for its owner");
    let after = book.take(&taker(2), (now, present + PACE.lease));
    assert_eq!((after[0].attempt, after[0].may_be_done), (2, false));
    // The first attempt is not confirmed any more, but its outcome counts.
    let accepted = say(&mut book, 1, 1, &Said::Accepted, 6);
    assert_eq!(accepted, Some(Heard::Withdrawn(CommandState::Handed)));
    let failure = say(&mut book, 1, 1, &failed(), 6);
    assert_eq!(failure, Some(Heard::Noted(CommandState::Handed)));
    let done = say(&mut book, 1, 1, &Said::Done, 6);
    assert_eq!(done, Some(Heard::Noted(CommandState::Done)));
}

#[test]
fn what_a_broken_stream_had_goes_to_the_next_and_says_whether_it_may_be_done() {
    let mut book = book();
    book.issue(command(1, 1, 0));
    book.issue(command(2, 2, 0));
    take(&mut book, 1, 0);
    say(&mut book, 1, 1, &Said::Accepted, 1);
    book.abandon(Uuid::from_u128(9), secs(2));
    assert_eq!(take(&mut book, 2, 2), [], "another stream broke");
    book.abandon(Uuid::from_u128(1), secs(2));
    let taken = book.take(&taker(2), (secs(2), secs(2)));
    let told: Vec<_> = taken.iter().map(|c| (c.attempt, c.may_be_done)).collect();
    assert_eq!(told, [(2, true), (2, false)]);
}

#[test]
fn a_new_owner_hands_over_at_once_what_streams_had_that_are_gone() {
    let mut before = book();
    before.issue(command(1, 1, 0));
    before.issue(command(2, 1, 0));
    take(&mut before, 1, 0);
    say(&mut before, 1, 1, &Said::Accepted, 1);
    let stored = before.take_changes();
    let mut after = CommandBook::restored(PACE, stored);
    assert_eq!(after.next_deadline(), before.next_deadline());
    let taken = after.take(&taker(2), (secs(2), secs(2)));
    assert_eq!(taken.len(), 1, "one at a time");
    assert_eq!((taken[0].attempt, taken[0].may_be_done), (2, true));
}

#[test]
fn what_is_given_back_is_handed_over_again_after_a_pause() {
    let mut book = book();
    book.issue(command(1, 1, 0));
    take(&mut book, 1, 0);
    say(&mut book, 1, 1, &Said::Accepted, 0);
    let released = say(&mut book, 1, 1, &Said::Released, 0);
    assert_eq!(released, Some(Heard::Noted(CommandState::Waiting)));
    assert_eq!(take(&mut book, 1, 0), []);
    let taken = book.take(&taker(1), (secs(1), secs(1)));
    assert_eq!(
        (taken[0].attempt, taken[0].may_be_done),
        (2, false),
        "they said it was not done"
    );
}

#[test]
fn what_somebody_is_at_is_not_given_up_in_the_middle_nor_kept_for_ever() {
    let mut book = book();
    book.issue(command(1, 1, 0));
    take(&mut book, 1, 0);
    for second in (9..360).step_by(9) {
        let heard = say(&mut book, 1, 1, &Said::Accepted, second);
        assert!(
            matches!(heard, Some(Heard::Confirmed(_))),
            "{second}: {heard:?}"
        );
        assert_eq!(book.expire(secs(second + 1)), [], "{second}");
    }
    assert_eq!(book.next_deadline(), Some(secs(360)));
    assert_eq!(book.expire(secs(360)).len(), 1);
}

#[test]
fn what_is_too_late_is_given_up_whoever_has_it_and_what_is_over_is_cancelled() {
    let mut book = book();
    book.issue(command(1, 1, 0));
    book.issue(command(2, 2, 0));
    book.issue(command(3, 3, 5));
    take(&mut book, 1, 0);
    book.cancel(InteractionId::from_uuid(Uuid::from_u128(2)), secs(1));
    assert_eq!(book.ended(id(2)).unwrap().state, CommandState::Cancelled);
    assert_eq!(book.expire(secs(59)), []);
    let expired = book.expire(secs(60));
    let told: Vec<_> = expired
        .iter()
        .map(|c| (c.id, c.state, c.reason.as_str()))
        .collect();
    assert_eq!(told, [(id(1), CommandState::Expired, EXPIRED)]);
    assert_eq!(book.next_deadline(), Some(secs(65)));
}

#[test]
fn nobody_speaks_of_what_another_connector_has_or_of_attempts_to_come() {
    let mut book = book();
    book.issue(command(1, 1, 0));
    take(&mut book, 1, 0);
    let other = Taker {
        connector: Arc::from("chat"),
        ..taker(1)
    };
    let times = (secs(1), secs(1));
    assert_eq!(
        book.hear((id(1), 1), &other, &Said::Done, times),
        Some(Heard::Unknown)
    );
    assert_eq!(book.take(&other, times), []);
    for attempt in [0, 2] {
        assert_eq!(
            say(&mut book, 1, attempt, &Said::Done, 1),
            Some(Heard::Unknown)
        );
    }
    assert!(book.get(id(1)).is_some());
}

#[derive(Clone, Debug)]
enum Op {
    Issue(u128),
    Take(u128),
    Say(usize, i32, usize),
    Break(u128),
    Restart,
    Cancel(u128),
    Pass(u64),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => (1..4_u128).prop_map(Op::Issue),
        4 => (1..4_u128).prop_map(Op::Take),
        5 => (0..8_usize, 0..3_i32, 0..4_usize).prop_map(|(pick, back, said)| Op::Say(pick, back, said)),
        1 => (1..4_u128).prop_map(Op::Break),
        1 => Just(Op::Restart),
        1 => (1..4_u128).prop_map(Op::Cancel),
        2 => (1..20_u64).prop_map(Op::Pass),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_a_contact_has_one_command_at_a_time_and_each_ends_once(
        ops in prop::collection::vec(op(), 1..120)
    ) {
        let (mut book, mut now, mut made) = (book(), 0_u64, 0_u128);
        let mut rows: BTreeMap<ContactCommandId, ContactCommand> = BTreeMap::new();
        for op in ops {
            book.expire(secs(now));
            match op {
                Op::Issue(contact) => {
                    made += 1;
                    book.issue(command(made, contact, now));
                }
                Op::Take(stream) => {
                    take(&mut book, stream, now);
                }
                Op::Say(pick, back, said) => {
                    let open: Vec<_> = rows.values().filter(|c| c.state.is_open()).collect();
                    if let Some(one) = open.get(pick % open.len().max(1)) {
                        let said = [Said::Accepted, Said::Done, failed(), Said::Released][said].clone();
                        say(&mut book, one.id.uuid().as_u128(), one.attempt - back, &said, now);
                    }
                }
                Op::Break(stream) => book.abandon(Uuid::from_u128(stream), secs(now)),
                Op::Restart => {
                    let open = rows.values().filter(|c| c.state.is_open()).cloned();
                    book = CommandBook::restored(PACE, open.collect());
                }
                Op::Cancel(contact) => {
                    book.cancel(InteractionId::from_uuid(Uuid::from_u128(contact)), secs(now));
                }
                Op::Pass(seconds) => now += seconds,
            }
            for changed in book.take_changes() {
                if let Some(before) = rows.get(&changed.id) {
                    prop_assert!(before.state.is_open(), "{} ended twice", changed.id);
                    prop_assert!(before.attempt <= changed.attempt);
                }
                prop_assert_eq!(changed.state.is_open(), changed.ended_at.is_none());
                rows.insert(changed.id, changed);
            }
            for contact in 1..4_u128 {
                let open = rows.values().filter(|c| c.state.is_open());
                let of_contact = open.filter(|c| c.interaction.uuid().as_u128() == contact);
                let held = of_contact.skip(1).filter(|c| c.state != CommandState::Waiting);
                prop_assert_eq!(held.count(), 0, "only the first of a contact is handed over");
            }
        }
        // Everything ends by time alone.
        book.expire(secs(now) + PACE.worth);
        prop_assert_eq!(book.next_deadline(), None);
    }
}
