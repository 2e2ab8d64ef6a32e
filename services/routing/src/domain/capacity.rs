use std::collections::BTreeSet;

use rapport_foundation::time::Micros;

use super::{Channel, PerChannel};

/// How much an agent takes at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// On a channel that is not named.
    pub usual: u16,
    /// On the channels that are.
    pub named: Vec<ChannelCapacity>,
    /// Of all channels together, by their weight; none: no more than each of them says.
    pub total: Option<u16>,
    /// Since when it is so; work taken before may exceed it.
    pub since: Micros,
}

/// How much an agent takes at once of one channel, and beside which others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelCapacity {
    /// Which channel.
    pub channel: Channel,
    /// How many at once.
    pub concurrent: u16,
    /// How much one of them takes of the total.
    pub weight: u16,
    /// Channels whose work may come between: for them, what is in hand of this one takes nothing of the total.
    pub interrupted_by: BTreeSet<Channel>,
}

impl ChannelCapacity {
    /// What one work item takes where nothing else is said.
    pub const WEIGHT: u16 = 1;

    /// So many at once, each of the usual weight, interrupted by nothing.
    #[must_use]
    pub const fn of(channel: Channel, concurrent: u16) -> Self {
        Self {
            channel,
            concurrent,
            weight: Self::WEIGHT,
            interrupted_by: BTreeSet::new(),
        }
    }
}

impl Capacity {
    /// So many of every channel, whatever is in hand of the others.
    #[must_use]
    pub const fn of_each(usual: u16, since: Micros) -> Self {
        Self {
            usual,
            named: Vec::new(),
            total: None,
            since,
        }
    }

    /// Laid out by channel.
    #[must_use]
    pub fn by_channel(&self) -> Limits {
        let mut each = PerChannel::all(self.usual);
        for named in &self.named {
            *each.at(named.channel) = named.concurrent;
        }
        Limits {
            each,
            pool: self.total.map(|total| Box::new(self.pool(total))),
        }
    }

    fn pool(&self, total: u16) -> Pool {
        let mut pool = Pool {
            total: total.into(),
            weight: PerChannel::all(ChannelCapacity::WEIGHT.into()),
            interrupted_by: PerChannel::all(Channels::NONE),
        };
        for named in &self.named {
            *pool.weight.at(named.channel) = named.weight.into();
            *pool.interrupted_by.at(named.channel) = named.interrupted_by.iter().copied().collect();
        }
        pool
    }
}

/// How much an agent takes at once, to be looked up by channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Of each channel.
    pub each: PerChannel<u16>,
    pool: Option<Box<Pool>>,
}

/// What all channels take from together.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pool {
    total: u32,
    weight: PerChannel<u32>,
    interrupted_by: PerChannel<Channels>,
}

impl Limits {
    /// Whether somebody who has so many of each channel in hand takes one more of this one.
    #[must_use]
    pub fn has_room(&self, in_hand: &PerChannel<u16>, channel: Channel) -> bool {
        let pool = self.pool.as_deref();
        in_hand.get(channel) < self.each.get(channel)
            && pool.is_none_or(|pool| pool.has_room(in_hand, channel))
    }

    /// The channels of which somebody who has so many of each in hand takes one more.
    #[must_use]
    pub fn open(&self, in_hand: &PerChannel<u16>) -> Channels {
        let all = Channel::ALL.iter().copied();
        all.filter(|channel| self.has_room(in_hand, *channel))
            .collect()
    }

    /// Whether so many may be in hand of a channel, beside those of the others.
    #[must_use]
    pub fn holds(&self, in_hand: &PerChannel<u16>, channel: Channel) -> bool {
        let mut others = *in_hand;
        let Some(one_less) = others.get(channel).checked_sub(1) else {
            return true;
        };
        *others.at(channel) = one_less;
        self.has_room(&others, channel)
    }
}

impl Pool {
    fn has_room(&self, in_hand: &PerChannel<u16>, channel: Channel) -> bool {
        let taken = |other: &Channel| {
            let gives_way = *other != channel && self.interrupted_by.get(*other).has(channel);
            match gives_way {
                true => 0,
                false => u32::from(in_hand.get(*other)) * self.weight.get(*other),
            }
        };
        let taken: u32 = Channel::ALL.iter().map(taken).sum();
        taken + self.weight.get(channel) <= self.total
    }
}

/// A set of channels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Channels(u16);

impl Channels {
    /// None of them.
    pub const NONE: Self = Self(0);

    /// Whether the channel is one of them.
    #[must_use]
    pub const fn has(self, channel: Channel) -> bool {
        self.0 & Self::bit(channel) != 0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    const fn bit(channel: Channel) -> u16 {
        1 << channel as u16
    }
}

impl FromIterator<Channel> for Channels {
    fn from_iter<T: IntoIterator<Item = Channel>>(all: T) -> Self {
        let bits = all.into_iter().map(Self::bit);
        Self(bits.fold(0, std::ops::BitOr::bitor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desk() -> Limits {
        let chats = ChannelCapacity::of(Channel::Chat, 3);
        let mails = ChannelCapacity {
            interrupted_by: BTreeSet::from([Channel::Phone, Channel::Chat]),
            ..ChannelCapacity::of(Channel::Email, 2)
        };
        let calls = ChannelCapacity {
            weight: 4,
            ..ChannelCapacity::of(Channel::Phone, 1)
        };
        Capacity {
            usual: 1,
            named: vec![chats, mails, calls],
            total: Some(4),
            since: Micros(0),
        }
        .by_channel()
    }

    fn in_hand(some: &[(Channel, u16)]) -> PerChannel<u16> {
        let mut hands = PerChannel::all(0);
        for (channel, count) in some {
            *hands.at(*channel) = *count;
        }
        hands
    }

    #[test]
    fn a_call_is_taken_alone_and_chats_together() {
        let desk = desk();
        let call = in_hand(&[(Channel::Phone, 1)]);
        assert!(desk.open(&call).is_empty(), "nothing comes to a call");
        let chats = in_hand(&[(Channel::Chat, 2)]);
        assert!(desk.has_room(&chats, Channel::Chat));
        assert!(
            !desk.has_room(&chats, Channel::Phone),
            "nor a call to chats"
        );
        let full = in_hand(&[(Channel::Chat, 3), (Channel::Sms, 1)]);
        assert!(desk.open(&full).is_empty(), "the total is in use");
    }

    #[test]
    fn what_may_be_interrupted_gives_way_to_what_may_interrupt_it_alone() {
        let desk = desk();
        let mails = in_hand(&[(Channel::Email, 2)]);
        assert!(desk.has_room(&mails, Channel::Phone));
        assert!(desk.has_room(&mails, Channel::Chat));
        let call = in_hand(&[(Channel::Email, 1), (Channel::Phone, 1)]);
        assert!(
            !desk.has_room(&call, Channel::Email),
            "mails interrupt no call"
        );
        let mails = in_hand(&[(Channel::Email, 2), (Channel::Chat, 2)]);
        assert!(
            !desk.has_room(&mails, Channel::Sms),
            "for others mails count"
        );
        assert!(desk.has_room(&mails, Channel::Chat));
    }

    #[test]
    fn without_a_total_channels_know_nothing_of_each_other() {
        let each = Capacity::of_each(1, Micros(0)).by_channel();
        let call = in_hand(&[(Channel::Phone, 1)]);
        assert!(each.has_room(&call, Channel::Chat));
        assert!(!each.has_room(&call, Channel::Phone));
        assert!(each.holds(&call, Channel::Phone));
        assert!(!each.holds(&in_hand(&[(Channel::Phone, 2)]), Channel::Phone));
    }
}
