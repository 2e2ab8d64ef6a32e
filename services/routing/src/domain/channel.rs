use super::code::named;

named! {
    /// Where a contact takes place; decides which capacity of an agent it takes.
    pub enum Channel {
        /// Telephone.
        Phone = "phone",
        /// E-mail.
        Email = "email",
        /// Live chat on a site or in an app.
        Chat = "chat",
        /// Text message.
        Sms = "sms",
        /// Messenger such as WhatsApp or LINE.
        Messaging = "messaging",
        /// Social network, public or private.
        Social = "social",
        /// Web site.
        Web = "web",
        /// Forum or community.
        Forum = "forum",
        /// Physical store.
        Store = "store",
        /// Service centre.
        ServiceCentre = "service_centre",
        /// Mobile app.
        MobileApp = "mobile_app",
        /// Augmented or virtual reality session.
        Immersive = "immersive",
        /// Self-service portal.
        Portal = "portal",
    }
}

named! {
    /// What a contact is about, in kind.
    pub enum Purpose {
        /// A question.
        Enquiry = "enquiry",
        /// Something does not work.
        Support = "support",
        /// An order.
        Order = "order",
        /// Dissatisfaction.
        Complaint = "complaint",
        /// An opinion or a rating.
        Feedback = "feedback",
        /// Goods come back.
        Return = "return",
        /// We turn to the customer.
        Outreach = "outreach",
        /// Somebody may want to buy.
        Lead = "lead",
        /// None of these.
        Other = "other",
    }
}

impl Channel {
    /// Whether somebody is there in person: an agent who accepts such a contact has answered it.
    #[must_use]
    pub const fn is_live(self) -> bool {
        matches!(
            self,
            Self::Phone | Self::Chat | Self::Store | Self::ServiceCentre | Self::Immersive
        )
    }
}

/// One value for each channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PerChannel<T>([T; 13]);

impl<T: Copy> PerChannel<T> {
    /// The same value everywhere.
    #[must_use]
    pub const fn all(value: T) -> Self {
        Self([value; 13])
    }

    /// The value of one channel.
    #[must_use]
    pub const fn get(&self, channel: Channel) -> T {
        self.0[channel as usize]
    }

    /// The value of one channel, to change.
    pub const fn at(&mut self, channel: Channel) -> &mut T {
        &mut self.0[channel as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_channel_has_its_own_place_and_name() {
        let mut values = PerChannel::all(0_usize);
        for (place, channel) in Channel::ALL.iter().enumerate() {
            *values.at(*channel) = place;
            assert_eq!(Channel::named(channel.as_str()), Some(*channel));
        }
        for (place, channel) in Channel::ALL.iter().enumerate() {
            assert_eq!(values.get(*channel), place);
        }
        assert_eq!(Channel::ALL.len(), 13);
        assert_eq!(Channel::named("telepathy"), None);
    }
}
