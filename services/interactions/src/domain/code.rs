//! The closed vocabularies of the log. Their numbers are those of the contract and are what the store holds.

/// A number that stands for nothing in a vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a known code")]
pub struct Unknown;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $code:literal,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(i16)]
        pub enum $name { #[default] $($(#[$of])* $variant = $code,)+ }

        impl $name {
            /// Every member.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The number that is stored and sent; 0 is never one.
            #[must_use]
            pub const fn code(self) -> i16 {
                self as i16
            }

            /// The member a stored number stands for.
            #[must_use]
            pub const fn from_code(code: i16) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        impl TryFrom<i32> for $name {
            type Error = Unknown;
            fn try_from(number: i32) -> Result<Self, Unknown> {
                i16::try_from(number).ok().and_then(Self::from_code).ok_or(Unknown)
            }
        }

        impl From<$name> for i32 {
            fn from(member: $name) -> i32 {
                i32::from(member.code())
            }
        }
    )+};
}

// The macro puts the default on the first member: `Check` needs a placeholder, which never escapes it.
codes! {
    /// The form of an interaction.
    Kind {
        /// A message, mail or post.
        Message = 1,
        /// A live voice or video call.
        Call = 2,
        /// A live chat session.
        Chat = 3,
        /// A page or store visit.
        Visit = 4,
        /// A delivery or read status.
        Status = 5,
        /// A like or an emoji on something said before.
        Reaction = 6,
        /// A purchase.
        Order = 7,
    }
    /// What a number that must not be seen is.
    NumberKind {
        /// The number of a payment card.
        Card = 1,
        /// The number of a bank account.
        Account = 2,
        /// The number of a person: NIK, PhilSys, SSN.
        Identity = 3,
        /// A key, a token, a password, a PIN.
        Secret = 4,
    }
    /// What becomes of such a number, which no text shows in any case.
    Treatment {
        /// It is gone.
        Mask = 1,
        /// It is kept encrypted beside the text.
        Seal = 2,
    }
    /// Where a contact takes place.
    Channel {
        /// Telephone.
        Phone = 1,
        /// E-mail.
        Email = 2,
        /// Live chat on a site or in an app.
        Chat = 3,
        /// Text message.
        Sms = 4,
        /// Messenger.
        Messaging = 5,
        /// Social network.
        Social = 6,
        /// Web site.
        Web = 7,
        /// Forum or community.
        Forum = 8,
        /// Physical store.
        Store = 9,
        /// Service centre.
        ServiceCentre = 10,
        /// Mobile app.
        MobileApp = 11,
        /// Augmented or virtual reality session.
        Immersive = 12,
        /// Self-service portal, signed in.
        Portal = 13,
    }
    /// Who turned to whom.
    Direction {
        /// The customer to us.
        Inbound = 1,
        /// We to the customer.
        Outbound = 2,
    }
    /// What a contact is about.
    Purpose {
        /// A question.
        Enquiry = 1,
        /// Something does not work.
        Support = 2,
        /// An order.
        Order = 3,
        /// Dissatisfaction.
        Complaint = 4,
        /// An opinion or a rating.
        Feedback = 5,
        /// Goods come back.
        Return = 6,
        /// We turn to the customer.
        Outreach = 7,
        /// Somebody may want to buy.
        Lead = 8,
        /// None of these.
        Other = 9,
    }
    /// What became known of a contact later.
    FactKind {
        /// The live contact is over.
        End = 1,
        /// What came of it.
        Disposition = 2,
        /// How far a message of ours came.
        Delivery = 3,
        /// What was said, in writing.
        Transcript = 4,
        /// The sender changed what they had said.
        Edit = 5,
        /// The sender took it back.
        Deletion = 6,
        /// One stretch of a call.
        CallLeg = 7,
        /// A like or an emoji.
        Reaction = 8,
    }
    /// How far a message came. A later one is further.
    DeliveryState {
        /// The channel has it.
        Sent = 1,
        /// The recipient's device has it.
        Delivered = 2,
        /// The recipient saw it.
        Read = 3,
        /// It will not come.
        Failed = 4,
    }
    /// How far a message of ours came on its way.
    OutboundState {
        /// It waits.
        Queued = 1,
        /// A connector has it and has not said that it will send it.
        Handed = 2,
        /// A connector is sending it.
        Accepted = 3,
        /// A connector was sending it, and nobody knows what came of it.
        Uncertain = 4,
        /// The provider has it.
        Sent = 5,
        /// The recipient's device has it.
        Delivered = 6,
        /// The recipient saw it.
        Read = 7,
        /// It will not come.
        Failed = 8,
        /// It was taken back.
        Cancelled = 9,
        /// It was not sent in time.
        Expired = 10,
    }
    /// Who ended a call leg.
    HangUpSide {
        /// The customer.
        Customer = 1,
        /// A person of ours.
        Agent = 2,
        /// The telephone system.
        System = 3,
        /// The line.
        Network = 4,
    }
    /// How urgent work is.
    Priority {
        /// Can wait.
        Low = 1,
        /// The usual.
        Normal = 2,
        /// Before the usual.
        High = 3,
        /// Before everything else.
        Urgent = 4,
    }
    /// How a live contact came to its end.
    EndReason {
        /// The customer hung up or left the chat.
        CustomerLeft = 1,
        /// Both sides were done.
        Completed = 2,
        /// The line or the session broke.
        Disconnected = 3,
    }
    /// On which side a participant stands.
    Side {
        /// The customer.
        Customer = 1,
        /// A person of ours.
        Agent = 2,
        /// A program of ours.
        Bot = 3,
        /// Someone in copy or on the line.
        Other = 4,
    }
    /// What kind of identifier it is.
    IdentifierKind {
        /// A telephone number.
        Phone = 1,
        /// An e-mail address.
        Email = 2,
        /// The name or number a channel knows the person by.
        Handle = 3,
        /// The key of the person in another system.
        External = 4,
    }
    /// How far recognition is.
    LinkState {
        /// The customer is still to be found.
        Pending = 1,
        /// The customer is known.
        Linked = 2,
        /// There is nobody to recognise.
        Anonymous = 3,
    }
    /// What happened to a ticket.
    TicketChange {
        /// It was opened.
        Opened = 1,
        /// It was resolved.
        Resolved = 2,
        /// It was reopened.
        Reopened = 3,
        /// It was closed.
        Closed = 4,
        /// It was merged into another, which stands for it.
        Merged = 5,
        /// It was open when it was merged, and stands for itself again.
        Unmerged = 6,
    }
    /// Why two conversations were held to be one matter.
    Basis {
        /// A person said so.
        ByHand = 1,
        /// Mails name each other.
        Mail = 2,
        /// A contact quotes an id.
        QuotedId = 3,
        /// The customer has one open ticket.
        OpenTicket = 4,
        /// The customer's last contact was not long ago.
        TimeWindow = 5,
    }
    /// What contacts are told apart by where they are counted.
    Dimension {
        /// Where they took place.
        Channel = 1,
        /// Who turned to whom.
        Direction = 2,
        /// What they are about.
        Purpose = 3,
        /// Their form.
        Kind = 4,
        /// Whose network they went over.
        Provider = 5,
        /// Who said so.
        Connector = 6,
        /// Whether the rules asked for an agent.
        AsksForAgent = 7,
    }
    /// How long one count runs.
    Interval {
        /// From full hour to full hour.
        Hour = 1,
        /// From midnight to midnight.
        Day = 2,
        /// From Monday to Monday.
        Week = 3,
        /// From the first of a month to the next.
        Month = 4,
    }
    /// What a change does to conversations.
    Redraw {
        /// Two became one.
        Merge = 1,
        /// Some interactions were taken out into a new one.
        Split = 2,
    }
    /// What moved points.
    PointsChange {
        /// They were earned.
        Earned = 1,
        /// They were spent.
        Spent = 2,
        /// They were taken back.
        Reversed = 3,
        /// They lapsed.
        Expired = 4,
    }
}

impl Kind {
    /// Whether it goes on for a while and somebody is waiting: it has an end of its own.
    #[must_use]
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Call | Self::Chat)
    }
}

impl DeliveryState {
    /// Which of two goes further. A channel may tell that a message was read before it tells that it was delivered.
    /// What failed was not delivered before; what was delivered after all did not fail.
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::Sent => 0,
            Self::Failed => 1,
            Self::Delivered => 2,
            Self::Read => 3,
        }
    }
}

/// The number of an optional member: 0 for none.
#[must_use]
pub fn optional<T: Into<i32>>(member: Option<T>) -> i32 {
    member.map_or(0, Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_is_found_by_its_number_and_nothing_else_is() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_code(kind.code()), Some(*kind));
            assert_eq!(Kind::try_from(i32::from(*kind)), Ok(*kind));
        }
        for number in [-1, 0, 8, 65_537, i32::MAX] {
            assert_eq!(Kind::try_from(number), Err(Unknown));
        }
        assert_eq!(optional(None::<Purpose>), 0);
    }
}
