//! When a contact that names no matter belongs to one that is there already.

use std::time::Duration;

use super::code::{Channel, Purpose};

/// A tenant's rules, in order, with the version they are changed by. Without rules time joins nothing, an open ticket
/// does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ThreadingRules {
    /// The first that fits decides.
    pub rules: Vec<ThreadingRule>,
    /// Whether the customer's open ticket joins nothing.
    pub ignore_open_tickets: bool,
    /// Counts the changes; 0 before the first.
    pub version: i64,
}

/// One rule. An absent condition fits everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ThreadingRule {
    /// Fits a contact on this channel.
    pub channel: Option<Channel>,
    /// Fits a contact about this.
    pub purpose: Option<Purpose>,
    /// How long after the customer's last contact; nothing for zero.
    pub window: Duration,
}

impl ThreadingRules {
    /// How long after the customer's last contact one like this belongs to it, if any time does.
    #[must_use]
    pub fn window(&self, channel: Channel, purpose: Option<Purpose>) -> Option<Duration> {
        let fits = |rule: &&ThreadingRule| {
            rule.channel.is_none_or(|wanted| wanted == channel)
                && rule.purpose.is_none_or(|wanted| Some(wanted) == purpose)
        };
        let rule = self.rules.iter().find(fits)?;
        Some(rule.window).filter(|window| !window.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_fits_decides_and_none_is_never() {
        let rule = |channel, purpose, hours: u64| ThreadingRule {
            channel,
            purpose,
            window: Duration::from_secs(hours * 3600),
        };
        let rules = ThreadingRules {
            rules: vec![
                rule(Some(Channel::Email), Some(Purpose::Order), 0),
                rule(Some(Channel::Email), None, 24),
                rule(None, Some(Purpose::Complaint), 1),
            ],
            ..ThreadingRules::default()
        };
        let hours = |channel, purpose| {
            let window = rules.window(channel, purpose);
            window.map(|window| window.as_secs() / 3600)
        };
        assert_eq!(hours(Channel::Email, Some(Purpose::Order)), None);
        assert_eq!(hours(Channel::Email, None), Some(24));
        assert_eq!(hours(Channel::Email, Some(Purpose::Complaint)), Some(24));
        assert_eq!(hours(Channel::Phone, Some(Purpose::Complaint)), Some(1));
        assert_eq!(hours(Channel::Phone, None), None);
        assert_eq!(ThreadingRules::default().window(Channel::Phone, None), None);
    }
}
