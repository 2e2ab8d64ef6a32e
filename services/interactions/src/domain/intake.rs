//! What asks for an agent.

use super::code::{Channel, Direction, Kind, Purpose};
use super::contact::{Contact, RoutingHint};

/// A tenant's rules, in order, with the version they are changed by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// The first that fits decides.
    pub rules: Vec<Rule>,
    /// Counts the changes; 0 before the first.
    pub version: i64,
}

/// One rule. An absent condition fits everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// Fits this direction.
    pub direction: Option<Direction>,
    /// Fits this channel.
    pub channel: Option<Channel>,
    /// Fits this purpose.
    pub purpose: Option<Purpose>,
    /// Fits this form.
    pub kind: Option<Kind>,
    /// Whether it asks for an agent.
    pub asks_for_agent: bool,
    /// Who should take it, where the connector did not say.
    pub routing: RoutingHint,
}

/// What was decided about one contact.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Intake {
    /// Whether it asks for an agent.
    pub asks_for_agent: bool,
    /// Who should take it, by the connector first and the rule after it.
    pub routing: RoutingHint,
}

impl Rule {
    fn fits(&self, contact: &Contact) -> bool {
        fn open_or<T: PartialEq>(wanted: Option<T>, is: Option<T>) -> bool {
            wanted.is_none() || wanted == is
        }
        open_or(self.direction, Some(contact.direction))
            && open_or(self.channel, Some(contact.channel))
            && open_or(self.purpose, contact.purpose)
            && open_or(self.kind, Some(contact.kind))
    }
}

impl Rules {
    /// Decides whether a contact asks for an agent, and whom it asks for.
    #[must_use]
    pub fn decide(&self, contact: &Contact) -> Intake {
        let said = &contact.content.routing;
        let rule = self.rules.iter().find(|rule| rule.fits(contact));
        let asks = rule.map_or_else(|| by_default(contact), |rule| rule.asks_for_agent);
        Intake {
            asks_for_agent: asks && !never(contact),
            routing: rule.map_or_else(|| said.clone(), |rule| said.or(&rule.routing)),
        }
    }
}

/// What no rule can send to an agent.
fn never(contact: &Contact) -> bool {
    contact.history
        || contact.automatic
        || contact.direction == Direction::Outbound
        || matches!(contact.kind, Kind::Visit | Kind::Status | Kind::Reaction)
}

/// Where no rule fits: live calls and chats, and messages that want something of us. Orders open nothing.
fn by_default(contact: &Contact) -> bool {
    match contact.kind {
        Kind::Call | Kind::Chat => true,
        Kind::Message => matches!(
            contact.purpose,
            Some(
                Purpose::Enquiry
                    | Purpose::Support
                    | Purpose::Complaint
                    | Purpose::Return
                    | Purpose::Lead
            )
        ),
        Kind::Visit | Kind::Status | Kind::Reaction | Kind::Order => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::code::Priority;
    use super::super::content::tests::message;
    use super::*;

    fn contact(kind: Kind, purpose: Option<Purpose>) -> Contact {
        Contact {
            kind,
            purpose,
            ..message("hello")
        }
    }

    fn asks(rules: &Rules, contact: &Contact) -> bool {
        rules.decide(contact).asks_for_agent
    }

    #[test]
    fn the_default_wants_agents_for_questions_problems_and_live_contacts_only() {
        let none = Rules::default();
        let yes = [
            Purpose::Enquiry,
            Purpose::Support,
            Purpose::Complaint,
            Purpose::Return,
            Purpose::Lead,
        ];
        for purpose in Purpose::ALL {
            assert_eq!(
                asks(&none, &contact(Kind::Message, Some(*purpose))),
                yes.contains(purpose),
                "{purpose:?}"
            );
            assert!(!asks(&none, &contact(Kind::Order, Some(*purpose))));
            assert!(!asks(&none, &contact(Kind::Visit, Some(*purpose))));
        }
        assert!(!asks(&none, &contact(Kind::Message, None)));
        for kind in [Kind::Call, Kind::Chat] {
            assert!(asks(&none, &contact(kind, None)));
            assert!(!asks(
                &none,
                &Contact {
                    direction: Direction::Outbound,
                    ..contact(kind, None)
                }
            ));
        }
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        let silent = Rule {
            channel: Some(Channel::Messaging),
            ..Rule::default()
        };
        let orders = Rule {
            kind: Some(Kind::Order),
            asks_for_agent: true,
            ..Rule::default()
        };
        let rules = Rules {
            rules: vec![silent.clone(), orders.clone()],
            version: 1,
        };
        assert!(!asks(&rules, &contact(Kind::Order, None)));
        let rules = Rules {
            rules: vec![orders, silent],
            version: 1,
        };
        assert!(asks(&rules, &contact(Kind::Order, None)));
        assert!(!asks(&rules, &contact(Kind::Call, None)));
    }

    #[test]
    fn a_rule_on_a_purpose_does_not_fit_what_has_none() {
        let rule = Rule {
            purpose: Some(Purpose::Feedback),
            asks_for_agent: true,
            ..Rule::default()
        };
        let rules = Rules {
            rules: vec![rule],
            version: 1,
        };
        assert!(asks(
            &rules,
            &contact(Kind::Message, Some(Purpose::Feedback))
        ));
        assert!(!asks(&rules, &contact(Kind::Message, None)));
    }

    #[test]
    fn a_rule_says_who_where_the_connector_did_not() {
        let hint = RoutingHint {
            queue: "vip".into(),
            priority: Some(Priority::Urgent),
            ..RoutingHint::default()
        };
        let rule = Rule {
            asks_for_agent: true,
            routing: hint,
            ..Rule::default()
        };
        let rules = Rules {
            rules: vec![rule],
            version: 1,
        };
        let mut call = contact(Kind::Call, None);
        call.content.routing.queue = "billing".into();
        let intake = rules.decide(&call);
        assert_eq!(intake.routing.queue, "billing");
        assert_eq!(intake.routing.priority, Some(Priority::Urgent));
    }

    proptest! {
        #[test]
        fn no_rule_sends_history_machines_or_outbound_to_an_agent(
            kind in 1_i16..=7,
            purpose in 0_i16..=7,
            history: bool,
            automatic: bool,
            outbound: bool,
        ) {
            let everything = Rules { rules: vec![Rule { asks_for_agent: true, ..Rule::default() }], version: 1 };
            let kind = Kind::from_code(kind).unwrap_or_default();
            let told = Contact {
                history,
                automatic,
                direction: if outbound { Direction::Outbound } else { Direction::Inbound },
                ..contact(kind, Purpose::from_code(purpose))
            };
            let passive = matches!(kind, Kind::Visit | Kind::Status | Kind::Reaction);
            let expected = !(history || automatic || outbound || passive);
            prop_assert_eq!(asks(&everything, &told), expected);
            // The default never asks for more than a rule for everything does.
            prop_assert!(!asks(&Rules::default(), &told) || expected);
        }
    }
}
