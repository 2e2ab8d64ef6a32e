//! What may happen on a random day.

use proptest::prelude::*;

use super::by_hand::{ByHand, by_hand};
use super::transfers::{Transfer, transfer};
use crate::domain::{Channel, Discipline, Selection};

pub(super) const AGENTS: u128 = 4;
pub(super) const QUEUES: u128 = 3;

#[derive(Clone, Debug)]
pub(super) enum Op {
    Queue {
        queue: u128,
        skill: usize,
        channel: usize,
        priority: usize,
        ticket: u128,
        /// Where it goes next, and after how many seconds.
        next: Option<(u128, u64)>,
    },
    Withdraw {
        pick: usize,
        abandoned: bool,
    },
    Change {
        pick: usize,
        queue: u128,
        priority: usize,
    },
    Accept {
        pick: usize,
        by: u128,
    },
    Reject {
        pick: usize,
    },
    Complete {
        pick: usize,
        skip: bool,
    },
    EndWrapUp {
        pick: usize,
    },
    ExtendWrapUp {
        pick: usize,
        seconds: u64,
    },
    /// Parked for so many seconds, or taken up again.
    Park {
        pick: usize,
        seconds: Option<u64>,
    },
    /// The customer of a ticket says something.
    Write {
        ticket: u128,
    },
    Status {
        agent: u128,
        status: usize,
    },
    Open {
        agent: u128,
        stream: u64,
    },
    Close {
        agent: u128,
        stream: u64,
    },
    Retrain {
        agent: u128,
        queues: Vec<u128>,
        skill: usize,
        usual: u16,
        /// After how many seconds a skill of theirs ends.
        ends: Option<u64>,
        /// How they choose among their queues' work.
        rule: usize,
        /// The calendar of their shifts.
        shifts: Option<u128>,
        bot: bool,
        /// What they take of all channels together.
        total: Option<u16>,
        /// How many mails they take.
        mails: Option<u16>,
    },
    Hours {
        calendar: u128,
        hours: usize,
    },
    Rule {
        queue: u128,
        discipline: Discipline,
    },
    Settle {
        ticket: u128,
    },
    Reopen {
        ticket: u128,
    },
    Pass {
        seconds: u64,
    },
    PassToDeadline,
    ByHand(ByHand),
    Transfer(Transfer),
}

pub(super) const CHANNELS: [Channel; 4] = [
    Channel::Phone,
    Channel::Phone,
    Channel::Chat,
    Channel::Email,
];

/// Minutes of the day on which somebody is on shift.
pub(super) const HOURS: [&[(u16, u16)]; 3] =
    [&[(0, 2), (3, 5), (8, 30)], &[(1, 4), (6, 7)], &[(0, 1440)]];

pub(super) const SKILLS: [&[&str]; 4] = [&[], &["a"], &["b:3"], &["a:4", "b"]];

fn discipline() -> impl Strategy<Value = Discipline> {
    let selection = prop::sample::select(Selection::ALL);
    let spread = prop::option::of(0..30_u8);
    let drawn = (selection, spread, 1..4_u16, 0..4_u8);
    drawn.prop_map(
        |(selection, most_occupancy_spread, weight, broadcast)| Discipline {
            selection,
            most_occupancy_spread,
            weight,
            broadcast,
        },
    )
}

pub(super) fn op() -> impl Strategy<Value = Op> {
    let agent = 1..=AGENTS;
    let queue = 1..=QUEUES;
    let pick = any::<prop::sample::Index>().prop_map(|i| i.index(1 << 16));
    prop_oneof![
        6 => (queue.clone(), 0..4_usize, 0..CHANNELS.len(), 0..4_usize, 1..=6_u128, prop::option::of((queue.clone(), 1..60_u64)))
            .prop_map(|(queue, skill, channel, priority, ticket, next)| Op::Queue { queue, skill, channel, priority, ticket, next }),
        1 => (pick.clone(), any::<bool>()).prop_map(|(pick, abandoned)| Op::Withdraw { pick, abandoned }),
        1 => (pick.clone(), queue.clone(), 0..4_usize).prop_map(|(pick, queue, priority)| Op::Change { pick, queue, priority }),
        8 => (pick.clone(), 0..=AGENTS).prop_map(|(pick, by)| Op::Accept { pick, by }),
        1 => pick.clone().prop_map(|pick| Op::Reject { pick }),
        3 => (pick.clone(), any::<bool>()).prop_map(|(pick, skip)| Op::Complete { pick, skip }),
        1 => pick.clone().prop_map(|pick| Op::EndWrapUp { pick }),
        1 => (pick.clone(), 1..30_u64).prop_map(|(pick, seconds)| Op::ExtendWrapUp { pick, seconds }),
        3 => (pick, prop::option::weighted(0.7, 1..90_u64)).prop_map(|(pick, seconds)| Op::Park { pick, seconds }),
        1 => (1..=6_u128).prop_map(|ticket| Op::Write { ticket }),
        3 => (agent.clone(), 0..3_usize).prop_map(|(agent, status)| Op::Status { agent, status }),
        3 => (agent.clone(), 1..=2_u64).prop_map(|(agent, stream)| Op::Open { agent, stream }),
        1 => (agent.clone(), 1..=2_u64).prop_map(|(agent, stream)| Op::Close { agent, stream }),
        1 => (agent, prop::collection::vec(queue.clone(), 0..3), 0..4_usize, 0..3_u16, prop::option::of(0..90_u64), 0..3_usize, prop::option::of(1..=2_u128), any::<bool>(), prop::option::of((0..6_u16, prop::option::of(0..3_u16))))
            .prop_map(|(agent, queues, skill, usual, ends, rule, shifts, bot, pool)| {
                let (total, mails) = pool.unzip();
                Op::Retrain { agent, queues, skill, usual, ends, rule, shifts, bot, total, mails: mails.flatten() }
            }),
        1 => (1..=2_u128, 0..HOURS.len()).prop_map(|(calendar, hours)| Op::Hours { calendar, hours }),
        2 => (queue, discipline()).prop_map(|(queue, discipline)| Op::Rule { queue, discipline }),
        1 => (1..=6_u128).prop_map(|ticket| Op::Settle { ticket }),
        1 => (1..=6_u128).prop_map(|ticket| Op::Reopen { ticket }),
        2 => (1..70_u64).prop_map(|seconds| Op::Pass { seconds }),
        2 => Just(Op::PassToDeadline),
        3 => by_hand().prop_map(Op::ByHand),
        14 => transfer().prop_map(Op::Transfer),
    ]
}
