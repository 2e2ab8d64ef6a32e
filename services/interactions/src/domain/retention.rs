//! How long contacts are kept, and what must be kept whatever the rules say.

use std::time::Duration;

use rapport_foundation::id::{ConversationId, CustomerId, LegalHoldId};
use rapport_foundation::personal::Personal;
use rapport_foundation::time::Micros;

use super::code::{Channel, Purpose};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// One rule. An absent condition fits everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetentionRule {
    /// Fits this channel.
    pub channel: Option<Channel>,
    /// Fits this purpose.
    pub purpose: Option<Purpose>,
    /// For how many days a contact is kept; 0 for ever.
    pub keep_days: u32,
}

/// A tenant's rules. The first that fits decides; where none fits a contact is kept for ever.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RetentionRules {
    /// In order.
    pub rules: Vec<RetentionRule>,
    /// Raised with every change; 0 where none was ever made.
    pub version: i64,
}

/// A contact as far as it is decided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age {
    /// Where it took place.
    pub channel: Channel,
    /// What it was about.
    pub purpose: Option<Purpose>,
    /// When it took place: what the time is counted from, also of history that was taken over later.
    pub event_at: Micros,
    /// When we received it.
    pub received_at: Micros,
}

impl RetentionRules {
    /// Until when a contact is kept; nothing where that is for ever.
    #[must_use]
    pub fn kept_until(
        &self,
        channel: Channel,
        purpose: Option<Purpose>,
        from: Micros,
    ) -> Option<Micros> {
        let fits = |rule: &&RetentionRule| {
            rule.channel.is_none_or(|wanted| wanted == channel)
                && rule.purpose.is_none_or(|wanted| Some(wanted) == purpose)
        };
        let rule = self.rules.iter().find(fits)?;
        (rule.keep_days > 0).then(|| from + DAY.saturating_mul(rule.keep_days))
    }

    /// Whether a contact's time is over. One that was received a moment ago is left in peace for a while, however old
    /// it is: work may hang on it, and a wrong date may still be noticed.
    #[must_use]
    pub fn is_over(&self, contact: &Age, now: Micros, grace: Duration) -> bool {
        contact.received_at + grace <= now
            && self
                .kept_until(contact.channel, contact.purpose, contact.event_at)
                .is_some_and(|until| until <= now)
    }

    /// Before when a contact must have taken place for its time to be over by any rule; nothing where all are kept.
    #[must_use]
    pub fn latest(&self, now: Micros) -> Option<Micros> {
        let days = self.rules.iter().map(|rule| rule.keep_days);
        let least = days.filter(|days| *days > 0).min()?;
        Some(now - DAY.saturating_mul(least))
    }
}

/// What must be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// All that the tenant has.
    Everything,
    /// What a customer took part in.
    Customer(CustomerId),
    /// A matter.
    Conversation(ConversationId),
}

/// An order to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegalHold {
    /// Its id.
    pub id: LegalHoldId,
    /// What must be kept.
    pub over: Over,
    /// Why.
    pub reason: Personal,
    /// Since when.
    pub placed_at: Micros,
    /// When and why it ended; nothing while it stands.
    pub released: Option<(Micros, Personal)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(channel: Option<Channel>, purpose: Option<Purpose>, keep_days: u32) -> RetentionRule {
        RetentionRule {
            channel,
            purpose,
            keep_days,
        }
    }

    fn days(days: i64) -> Micros {
        Micros::from_secs(days * 24 * 3600)
    }

    #[test]
    fn the_first_rule_that_fits_decides_and_without_one_all_is_kept() {
        let rules = RetentionRules {
            rules: vec![
                rule(Some(Channel::Phone), Some(Purpose::Complaint), 0),
                rule(Some(Channel::Phone), None, 10),
                rule(None, Some(Purpose::Support), 20),
            ],
            version: 1,
        };
        let until = |channel, purpose| rules.kept_until(channel, purpose, days(1));
        assert_eq!(until(Channel::Phone, Some(Purpose::Complaint)), None);
        assert_eq!(until(Channel::Phone, None), Some(days(11)));
        assert_eq!(
            until(Channel::Phone, Some(Purpose::Support)),
            Some(days(11))
        );
        assert_eq!(
            until(Channel::Email, Some(Purpose::Support)),
            Some(days(21))
        );
        assert_eq!(until(Channel::Email, None), None);
        assert_eq!(rules.latest(days(100)), Some(days(90)));
        assert_eq!(RetentionRules::default().latest(days(100)), None);
    }

    #[test]
    fn time_is_counted_from_when_it_took_place_and_what_just_came_is_left_in_peace() {
        let rules = RetentionRules {
            rules: vec![rule(None, None, 10)],
            version: 1,
        };
        let over = |event_at, received_at, now| {
            let age = Age {
                channel: Channel::Email,
                purpose: None,
                event_at,
                received_at,
            };
            rules.is_over(&age, now, DAY)
        };
        assert!(over(days(1), days(1), days(11)));
        assert!(!over(days(1), days(1), days(10)));
        // History that is taken over later.
        assert!(!over(days(1), days(100), days(100)));
        assert!(over(days(1), days(100), days(101)));
    }
}
