//! The way of a message of ours: handed to a connector, accepted, sent. What may have been sent is never handed over
//! again, unless the provider drops repetitions or a person says so.

mod words;

use rapport_foundation::id::{ConversationId, InteractionId, OutboundId};
use rapport_foundation::time::Micros;
use uuid::Uuid;

use super::code::{DeliveryState, OutboundState};

pub use words::{Answer, Doubt, Failing, News, NotNow, Pace, Said, Taker};

/// Why a message was given up although nobody's attempt failed.
pub const EXPIRED: &str = "EXPIRED";
/// Whoever queued it took it back.
pub const CANCELLED: &str = "CANCELLED";
/// What it said was erased before it was sent.
pub const ERASED: &str = "ERASED";
/// It was sent, and the channel says that it will not come.
pub const UNDELIVERABLE: &str = "UNDELIVERABLE";
/// The connector that was sending it has said nothing of it in time.
pub const LEASE_ENDED: &str = "LEASE_ENDED";

/// How far a message came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outbound {
    /// Its id, and the key that a provider may know it by.
    pub id: OutboundId,
    /// The conversation it belongs to.
    pub conversation: ConversationId,
    /// The connector that sends it.
    pub connector: String,
    /// How far it came.
    pub state: OutboundState,
    /// How often it was handed over. Names the last handing over.
    pub attempt: i32,
    /// How often sending it failed for the time being.
    pub failures: i32,
    /// Which attempts may have sent it without our knowing.
    pub doubt: Doubt,
    /// How far the channel says it came, once it was sent.
    pub delivery: Option<DeliveryState>,
    /// Why it failed last or was given up; empty when there is nothing to say.
    pub reason: String,
    /// The provider's id of it; empty when not known.
    pub message_id: String,
    /// The interaction it answers.
    pub reply_to: Option<InteractionId>,
    /// The stream that has it; nil when none has.
    pub holder: Uuid,
    /// When it was queued.
    pub queued_at: Micros,
    /// Not to be sent before.
    pub scheduled_at: Micros,
    /// When it may be handed over next; never at [`Micros::MAX`].
    pub ready_at: Micros,
    /// When it is given up.
    pub expires_at: Micros,
    /// Until when its holder may take.
    pub lease_until: Micros,
    /// When the provider took it, as far as we know.
    pub sent_at: Option<Micros>,
    /// When any of this changed last.
    pub changed_at: Micros,
    /// Counts the changes.
    pub version: i64,
}

impl Outbound {
    /// A message that waits.
    #[must_use]
    pub fn queued(id: OutboundId, conversation: ConversationId, connector: String) -> Self {
        Self {
            id,
            conversation,
            connector,
            state: OutboundState::Queued,
            attempt: 0,
            failures: 0,
            doubt: Doubt::default(),
            delivery: None,
            reason: String::new(),
            message_id: String::new(),
            reply_to: None,
            holder: Uuid::nil(),
            queued_at: Micros::EPOCH,
            scheduled_at: Micros::EPOCH,
            ready_at: Micros::EPOCH,
            expires_at: Micros::MAX,
            lease_until: Micros::EPOCH,
            sent_at: None,
            changed_at: Micros::EPOCH,
            version: 1,
        }
    }

    /// Its interaction.
    #[must_use]
    pub const fn interaction(&self) -> InteractionId {
        InteractionId::from_uuid(self.id.uuid())
    }

    /// Whether a connector has it.
    #[must_use]
    pub const fn is_held(&self) -> bool {
        matches!(self.state, OutboundState::Handed | OutboundState::Accepted)
    }

    /// Whether what it says is needed no more: it was sent, or taken back.
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        self.sent_at.is_some() || matches!(self.state, OutboundState::Cancelled)
    }

    /// What others are to be told, when it was in this state before.
    #[must_use]
    pub fn news_since(&self, before: &Self) -> Option<News> {
        match self.state {
            state if state == before.state => None,
            OutboundState::Failed | OutboundState::Cancelled | OutboundState::Expired => {
                Some(News::Failed)
            }
            OutboundState::Uncertain => Some(News::Uncertain),
            _ => (before.sent_at.is_none() && self.sent_at.is_some()).then_some(News::Sent),
        }
    }

    /// Hands it over, if this taker may have it now.
    pub fn hand(&mut self, taker: Taker, now: Micros, pace: &Pace) -> bool {
        let may = match self.state {
            OutboundState::Queued => true,
            OutboundState::Uncertain => taker.drops_repetitions,
            _ => false,
        };
        if !may || now < self.ready_at || self.expires_at <= now {
            return false;
        }
        self.state = OutboundState::Handed;
        self.attempt = self.attempt.saturating_add(1);
        self.holder = taker.stream;
        self.lease_until = now + pace.lease;
        self.changed_at = now;
        true
    }

    /// Takes in what a connector says of an attempt. `chance` is of a thousand.
    pub fn hear(
        &mut self,
        attempt: i32,
        said: &Said,
        now: Micros,
        pace: &Pace,
        chance: u32,
    ) -> Answer {
        if !(1..=self.attempt).contains(&attempt) {
            return Answer::Unknown;
        }
        match said {
            Said::Accepted => return self.accept(attempt, now, pace),
            Said::Sent { message_id } => self.sent(message_id, now),
            Said::Failed(failing) => self.failed(attempt, failing, now, pace, chance),
            Said::Released => self.released(attempt, now, pace),
        }
        Answer::Noted
    }

    /// The fence: of all attempts the last one alone is confirmed, and only while nothing else became of the message.
    fn accept(&mut self, attempt: i32, now: Micros, pace: &Pace) -> Answer {
        if attempt != self.attempt {
            return Answer::Withdrawn;
        }
        let may = match self.state {
            OutboundState::Handed if self.expires_at <= now => {
                self.give_back(now, now);
                self.expire(now);
                false
            }
            OutboundState::Handed | OutboundState::Accepted => true,
            // It is still at it: nobody else was let in between.
            OutboundState::Uncertain => self.doubt.settle(attempt),
            _ => false,
        };
        if !may {
            return Answer::Withdrawn;
        }
        self.state = OutboundState::Accepted;
        self.reason.clear();
        self.lease_until = now + pace.lease;
        self.changed_at = now;
        Answer::Confirmed
    }

    /// The truth, whoever says it and however late.
    fn sent(&mut self, message_id: &str, now: Micros) {
        if self.message_id.is_empty() && !message_id.is_empty() {
            message_id.clone_into(&mut self.message_id);
            self.changed_at = now;
        }
        if self.sent_at.is_none() {
            self.sent_at = Some(now);
            self.reason.clear();
            self.finish(self.as_delivered(), now);
        }
    }

    fn failed(&mut self, attempt: i32, failing: &Failing, now: Micros, pace: &Pace, chance: u32) {
        if !self.concerns(attempt) {
            return;
        }
        self.failures = self.failures.saturating_add(1);
        failing.reason.clone_into(&mut self.reason);
        if failing.permanent {
            self.finish(OutboundState::Failed, now);
            return;
        }
        let pause = failing
            .retry_after
            .unwrap_or_else(|| pace.pause(self.failures, chance));
        let again = now + pause;
        self.give_back(again, now);
        if self.failures < pace.tries && again < self.expires_at {
            return;
        }
        if self.doubt.is_any() {
            // An earlier attempt may have come through: that is for a person to decide.
            self.ready_at = Micros::MAX;
        } else if self.failures < pace.tries {
            self.finish(OutboundState::Expired, now);
        } else {
            self.finish(OutboundState::Failed, now);
        }
    }

    fn released(&mut self, attempt: i32, now: Micros, pace: &Pace) {
        if self.concerns(attempt) {
            // Not at once: whoever gave it back would get it again.
            self.give_back(now + pace.first, now);
        }
    }

    /// Whether that this attempt did not send it moves the message: it is the last one, or the only one in doubt.
    fn concerns(&mut self, attempt: i32) -> bool {
        let current = attempt == self.attempt && self.is_held();
        let settled = self.doubt.settle(attempt);
        current || (settled && self.state == OutboundState::Uncertain)
    }

    /// The stream that had it broke. What was accepted may still be on its way.
    pub fn abandon(&mut self, stream: Uuid, now: Micros) {
        if self.state == OutboundState::Handed && self.holder == stream {
            self.give_back(now, now);
        }
    }

    /// Ends leases and gives up what is too late.
    pub fn lapse(&mut self, now: Micros) {
        match self.state {
            OutboundState::Handed if self.lease_until <= now => self.give_back(now, now),
            OutboundState::Accepted if self.lease_until <= now => {
                self.doubt.add(self.attempt);
                LEASE_ENDED.clone_into(&mut self.reason);
                self.give_back(now, now);
            }
            _ => {}
        }
        self.expire(now);
    }

    fn expire(&mut self, now: Micros) {
        if self.state == OutboundState::Queued && self.expires_at <= now {
            if self.reason.is_empty() {
                EXPIRED.clone_into(&mut self.reason);
            }
            self.finish(OutboundState::Expired, now);
        }
    }

    /// What a person takes back. Nobody is sending it: to be sent it would have to be confirmed first.
    ///
    /// # Errors
    /// When somebody is sending it, or it is done.
    pub fn cancel(&mut self, now: Micros) -> Result<(), NotNow> {
        match self.state {
            OutboundState::Queued | OutboundState::Handed | OutboundState::Uncertain => {
                CANCELLED.clone_into(&mut self.reason);
                self.finish(OutboundState::Cancelled, now);
                Ok(())
            }
            _ => Err(NotNow),
        }
    }

    /// What a person wants to be tried again.
    ///
    /// # Errors
    /// When it waits already, is being sent, was sent, or was taken back.
    pub fn retry(&mut self, now: Micros, expires_at: Micros) -> Result<(), NotNow> {
        let over = matches!(
            self.state,
            OutboundState::Uncertain | OutboundState::Failed | OutboundState::Expired
        );
        if !over || self.sent_at.is_some() {
            return Err(NotNow);
        }
        self.state = OutboundState::Queued;
        self.failures = 0;
        self.doubt = Doubt::default();
        self.reason.clear();
        self.ready_at = now;
        self.expires_at = expires_at;
        self.changed_at = now;
        Ok(())
    }

    /// What it says is gone.
    pub fn erase(&mut self, now: Micros) {
        if matches!(
            self.state,
            OutboundState::Queued | OutboundState::Uncertain | OutboundState::Handed
        ) {
            ERASED.clone_into(&mut self.reason);
            self.finish(OutboundState::Cancelled, now);
        }
    }

    /// How far the channel says it came. That it came at all says that it was sent.
    pub fn delivered(&mut self, told: DeliveryState, code: &str, now: Micros) {
        if told == DeliveryState::Failed && self.sent_at.is_none() {
            // Only what the provider was given can fail there.
            if self.state != OutboundState::Accepted && !self.doubt.is_any() {
                return;
            }
        }
        if self
            .delivery
            .is_none_or(|known| known.rank() <= told.rank())
        {
            self.delivery = Some(told);
        }
        let before = self.state;
        self.sent_at = self.sent_at.or(Some(now));
        let after = self.as_delivered();
        if before != after {
            self.reason = match (after, code) {
                (OutboundState::Failed, "") => UNDELIVERABLE.to_owned(),
                (OutboundState::Failed, code) => code.to_owned(),
                _ => String::new(),
            };
            self.finish(after, now);
        }
    }

    fn as_delivered(&self) -> OutboundState {
        match self.delivery {
            None | Some(DeliveryState::Sent) => OutboundState::Sent,
            Some(DeliveryState::Delivered) => OutboundState::Delivered,
            Some(DeliveryState::Read) => OutboundState::Read,
            Some(DeliveryState::Failed) => OutboundState::Failed,
        }
    }

    /// Back to where it waits: for anybody, or while an attempt is in doubt, for those whose provider drops repetitions.
    fn give_back(&mut self, ready_at: Micros, now: Micros) {
        self.state = if self.doubt.is_any() {
            OutboundState::Uncertain
        } else {
            OutboundState::Queued
        };
        self.holder = Uuid::nil();
        self.ready_at = ready_at;
        self.changed_at = now;
    }

    fn finish(&mut self, state: OutboundState, now: Micros) {
        self.state = state;
        self.holder = Uuid::nil();
        self.ready_at = Micros::MAX;
        if self.sent_at.is_some() {
            self.doubt = Doubt::default();
        }
        self.changed_at = now;
    }
}

#[cfg(test)]
mod tests;
