//! Interactions of one matter.

use rapport_foundation::id::ConversationId;
use rapport_foundation::personal::Personal;
use rapport_foundation::time::Micros;

use super::code::Channel;
use super::interaction::Customer;

/// Interactions of one matter: those with the same thread key on one connector, mails that name each other, or one
/// contact that has neither; and whatever was merged with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// The connector its thread key belongs to.
    pub connector: String,
    /// Channels it went over, in order of first use.
    pub channels: Vec<Channel>,
    /// How many interactions it has.
    pub interactions: i64,
    /// How many were logged in it, whatever was taken out or put in later.
    pub logged: i64,
    /// Earliest event.
    pub first_at: Micros,
    /// Latest event.
    pub last_at: Micros,
    /// Key of the matter on the channel; empty for a conversation of one.
    pub thread_key: Personal,
    /// The customer, once recognised.
    pub customer: Option<Customer>,
    /// The conversations that are part of it by now, the oldest first.
    pub merged: Vec<ConversationId>,
}

impl Conversation {
    /// A conversation before its first interaction.
    #[must_use]
    pub fn begin(id: ConversationId, connector: &str, thread_key: &Personal) -> Self {
        Self {
            id,
            connector: connector.to_owned(),
            channels: Vec::new(),
            interactions: 0,
            logged: 0,
            first_at: Micros::MAX,
            last_at: Micros(i64::MIN),
            thread_key: thread_key.clone(),
            customer: None,
            merged: Vec::new(),
        }
    }

    /// The whole that several conversations are, under the id of one of them; none without that one. Counts and times
    /// are those of all; the customer and the key are those of the one, or of the first that has any.
    #[must_use]
    pub fn together(id: ConversationId, mut parts: Vec<Self>) -> Option<Self> {
        parts.sort_by_key(|part| (part.id != id, part.first_at, part.id));
        let mut parts = parts.into_iter();
        let mut whole = parts.next().filter(|part| part.id == id)?;
        let mut used = vec![(whole.first_at, whole.channels.clone())];
        for part in parts {
            whole.interactions += part.interactions;
            whole.first_at = whole.first_at.min(part.first_at);
            whole.last_at = whole.last_at.max(part.last_at);
            whole.customer = whole.customer.or(part.customer);
            if whole.thread_key.expose().is_empty() && !part.thread_key.expose().is_empty() {
                whole.connector = part.connector;
                whole.thread_key = part.thread_key;
            }
            used.push((part.first_at, part.channels));
            whole.merged.push(part.id);
        }
        used.sort_by_key(|(at, _)| *at);
        whole.channels = Vec::new();
        for channel in used.into_iter().flat_map(|(_, channels)| channels) {
            if !whole.channels.contains(&channel) {
                whole.channels.push(channel);
            }
        }
        whole.merged.sort_unstable();
        Some(whole)
    }

    /// Takes one more interaction in, whenever it took place, and answers its position.
    pub fn extend(&mut self, channel: Channel, at: Micros) -> i64 {
        self.interactions += 1;
        self.logged += 1;
        self.first_at = self.first_at.min(at);
        self.last_at = self.last_at.max(at);
        if !self.channels.contains(&channel) {
            self.channels.push(channel);
        }
        self.logged
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn counts_and_times_do_not_depend_on_the_order(mut steps in prop::collection::vec((1_i16..=12, 0_i64..1000), 1..20)) {
            let fold = |steps: &[(i16, i64)]| {
                let mut conversation = Conversation::begin(ConversationId::nil(), "c", &"t".into());
                for (channel, at) in steps {
                    if let Some(channel) = Channel::from_code(*channel) {
                        conversation.extend(channel, Micros(*at));
                    }
                }
                conversation.channels.sort_unstable();
                conversation
            };
            let forward = fold(&steps);
            steps.reverse();
            prop_assert_eq!(&forward, &fold(&steps));
            prop_assert!(forward.first_at <= forward.last_at);
            prop_assert_eq!(forward.interactions, i64::try_from(steps.len()).unwrap_or(0));
        }
    }

    #[test]
    fn a_whole_counts_what_its_parts_count() {
        let part = |n: u128, channel, times: [i64; 2]| {
            let id = ConversationId::from_uuid(uuid::Uuid::from_u128(n));
            let mut part = Conversation::begin(id, "c", &Personal::default());
            for at in times {
                part.extend(channel, Micros(at));
            }
            part
        };
        let mut late = part(1, Channel::Phone, [5, 9]);
        late.thread_key = "key".into();
        let early = part(2, Channel::Email, [1, 2]);
        let id = early.id;
        let whole = Conversation::together(id, vec![late.clone(), early]);
        let whole = whole.unwrap_or_else(|| Conversation::begin(id, "", &Personal::default()));
        assert_eq!((whole.id, whole.interactions), (id, 4));
        assert_eq!((whole.first_at, whole.last_at), (Micros(1), Micros(9)));
        assert_eq!(whole.channels, [Channel::Email, Channel::Phone]);
        assert_eq!(whole.thread_key.expose(), "key");
        assert_eq!(whole.merged, [late.id]);
        assert!(Conversation::together(id, vec![late]).is_none());
    }

    #[test]
    fn channels_keep_the_order_of_their_first_use() {
        let mut conversation = Conversation::begin(ConversationId::nil(), "c", &"t".into());
        for channel in [Channel::Email, Channel::Phone, Channel::Email] {
            conversation.extend(channel, Micros(1));
        }
        assert_eq!(conversation.channels, [Channel::Email, Channel::Phone]);
    }
}
