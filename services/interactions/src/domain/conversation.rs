//! Interactions of one matter.

use rapport_foundation::id::ConversationId;
use rapport_foundation::personal::Personal;
use rapport_foundation::time::Micros;

use super::code::Channel;
use super::interaction::Customer;

/// Interactions of one matter: those with the same thread key on one connector, or one that has none.
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
    /// Earliest event.
    pub first_at: Micros,
    /// Latest event.
    pub last_at: Micros,
    /// Key of the matter on the channel; empty for a conversation of one.
    pub thread_key: Personal,
    /// The customer, once recognised.
    pub customer: Option<Customer>,
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
            first_at: Micros::MAX,
            last_at: Micros(i64::MIN),
            thread_key: thread_key.clone(),
            customer: None,
        }
    }

    /// Takes one more interaction in, whenever it took place, and answers its position.
    pub fn extend(&mut self, channel: Channel, at: Micros) -> i64 {
        self.interactions += 1;
        self.first_at = self.first_at.min(at);
        self.last_at = self.last_at.max(at);
        if !self.channels.contains(&channel) {
            self.channels.push(channel);
        }
        self.interactions
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
    fn channels_keep_the_order_of_their_first_use() {
        let mut conversation = Conversation::begin(ConversationId::nil(), "c", &"t".into());
        for channel in [Channel::Email, Channel::Phone, Channel::Email] {
            conversation.extend(channel, Micros(1));
        }
        assert_eq!(conversation.channels, [Channel::Email, Channel::Phone]);
    }
}
