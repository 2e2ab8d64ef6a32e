//! Messages of ours: queued, looked at, taken back, tried again.

use std::collections::BTreeMap;
use std::sync::Arc;

use rapport_foundation::context::{Context, PrincipalKind};
use rapport_foundation::id::{ConversationId, InteractionId, OutboundId, TenantId};
use rapport_foundation::idempotency::Key;
use rapport_foundation::personal::Personal;
use rapport_foundation::time::Micros;
use uuid::Uuid;

use super::{App, Page, facts};
use crate::Error;
use crate::domain::outbound::NotNow;
use crate::domain::{
    Channel, Contact, Content, Direction, Identifier, IdentifierKind, Interaction, Kind, Outbound,
    Part, Participant, Purpose, Side,
};
use crate::store::{Filter, Moved, OutboundFilter, Queueing, Thread};

/// Contacts of a conversation that are looked through for the one to be answered.
const LATEST: u64 = 50;
/// Where the name of a sender is unique.
const SENDERS: &str = "rapport";

/// A message to be queued.
#[derive(Debug, Clone)]
pub(crate) struct QueueOutbound {
    /// Chosen by the caller.
    pub(crate) request_id: Uuid,
    pub(crate) to: To,
    pub(crate) subject: Personal,
    pub(crate) parts: Vec<Part>,
    pub(crate) reply_to: Option<InteractionId>,
    pub(crate) send_at: Option<Micros>,
    pub(crate) expires_at: Option<Micros>,
    pub(crate) purpose: Option<Purpose>,
    pub(crate) attributes: BTreeMap<String, Personal>,
    pub(crate) automatic: bool,
}

/// Where a message goes.
#[derive(Debug, Clone)]
pub(crate) enum To {
    /// To whoever this conversation is with.
    Conversation(ConversationId),
    /// To somebody on a channel.
    Somebody(Box<Address>),
}

/// Somebody on a channel.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    pub(crate) connector: String,
    pub(crate) channel: Channel,
    pub(crate) provider: String,
    pub(crate) recipient: Identifier,
    pub(crate) recipient_name: Personal,
    pub(crate) thread_key: Personal,
}

impl App {
    /// Queues a message and answers when it is durable.
    pub(crate) async fn queue_outbound(
        &self,
        ctx: &Context,
        key: Key,
        wanted: QueueOutbound,
        bytes: usize,
    ) -> Result<(Outbound, Interaction), Error> {
        if let Some(id) = self.queued_before(ctx, &key).await? {
            return self.queued(ctx, id).await;
        }
        let _held = self.recorder.room().take_at_once(bytes)?;
        let (address, thread) = self.address(ctx, &wanted).await?;
        let queueing = self.queueing(ctx, key, wanted, address, thread).await?;
        let queueing = Arc::new(queueing);
        let (id, is_fresh) = self.recorder.queue(Arc::clone(&queueing)).await?;
        if is_fresh {
            self.bell.ring(ctx.tenant, &queueing.telling.connector);
        }
        self.queued(ctx, id).await
    }

    /// A repetition is answered with what the first call did, even where it could not be done any more.
    async fn queued_before(&self, ctx: &Context, key: &Key) -> Result<Option<OutboundId>, Error> {
        let known = self
            .env
            .db
            .read(ctx.tenant, async |s| key.look_up(&s).await);
        let known = known.await?.map(|claim| claim.replayed()).transpose()?;
        Ok(known.flatten().map(|(id, _)| OutboundId::from_uuid(id)))
    }

    async fn queued(
        &self,
        ctx: &Context,
        id: OutboundId,
    ) -> Result<(Outbound, Interaction), Error> {
        let interaction = InteractionId::from_uuid(id.uuid());
        let interaction = self.interaction(ctx, interaction).await?;
        Ok((self.one_outbound(ctx.tenant, id).await?, interaction))
    }

    /// Where a message goes; to a conversation, with what puts it there.
    async fn address(
        &self,
        ctx: &Context,
        wanted: &QueueOutbound,
    ) -> Result<(Address, Option<Thread>), Error> {
        let id = match &wanted.to {
            To::Somebody(address) => return Ok((Address::clone(address), None)),
            To::Conversation(id) => *id,
        };
        let conversation = self.conversation(ctx, id).await?;
        let thread = self.store.thread(ctx.tenant, id).await?;
        let answered = self.answered(ctx, id, wanted.reply_to).await?;
        let connector = answered.connector;
        let customer = answered.contact.customer().cloned();
        let recipient = customer.and_then(|one| Some((one.identifier?, one.display_name)));
        let (recipient, recipient_name) = recipient.ok_or(Error::NoRecipient)?;
        // A key is the connector's own.
        let thread_key = match answered.contact.content.thread_key {
            said if !said.expose().is_empty() => said,
            _ if conversation.connector == connector => conversation.thread_key,
            none => none,
        };
        let address = Address {
            connector,
            channel: answered.contact.channel,
            provider: answered.contact.provider,
            recipient,
            recipient_name,
            thread_key,
        };
        Ok((address, thread))
    }

    /// The contact that tells where a conversation goes on: the one that is answered, or the latest of a customer.
    async fn answered(
        &self,
        ctx: &Context,
        conversation: ConversationId,
        reply_to: Option<InteractionId>,
    ) -> Result<Interaction, Error> {
        if let Some(id) = reply_to {
            let found = self.interaction(ctx, id).await?;
            return if found.conversation == conversation {
                Ok(found)
            } else {
                Err(Error::OtherConversation)
            };
        }
        let filter = Filter {
            conversation: Some(conversation),
            ..Filter::default()
        };
        let latest = self
            .store
            .find_places(ctx.tenant, &filter, None, LATEST)
            .await?;
        let ids: Vec<InteractionId> = latest
            .iter()
            .map(|row| InteractionId::from_uuid(row.place.id))
            .collect();
        let mut known = self.in_order(ctx.tenant, &ids).await?;
        known.retain(|one| one.contact.customer().is_some());
        let inbound = |one: &Interaction| one.contact.direction == Direction::Inbound;
        let place = known.iter().position(inbound).unwrap_or(0);
        known.into_iter().nth(place).ok_or(Error::NoRecipient)
    }

    async fn queueing(
        &self,
        ctx: &Context,
        key: Key,
        wanted: QueueOutbound,
        address: Address,
        thread: Option<Thread>,
    ) -> Result<Queueing, Error> {
        let now = self.now();
        let first = wanted.send_at.map_or(now, |at| at.max(now));
        let (send_at, reply_to) = (wanted.send_at, wanted.reply_to);
        let expires_at = wanted
            .expires_at
            .unwrap_or_else(|| first + self.config.outbound.worth());
        let connector = address.connector.clone();
        let said = contact(ctx, wanted, address, now);
        let numbers = self.recorder.numbers(ctx.tenant).await?;
        let recorder = &self.recorder;
        let mut telling = recorder.telling(ctx.tenant, &connector, said.clone(), numbers);
        if let Some(thread) = thread {
            telling = telling.in_thread(thread);
        }
        telling.contact.external_id = OutboundId::from_uuid(telling.id.uuid()).to_string();
        Ok(Queueing {
            telling,
            said,
            key,
            reply_to,
            send_at,
            expires_at,
        })
    }

    /// How far a message came. A connector sees its own only.
    pub(crate) async fn outbound(&self, ctx: &Context, id: OutboundId) -> Result<Outbound, Error> {
        let found = self.one_outbound(ctx.tenant, id).await?;
        match ctx.connector.as_deref() {
            Some(own) if own != found.connector => Err(Error::NoOutbound(id)),
            _ => Ok(found),
        }
    }

    async fn one_outbound(&self, tenant: TenantId, id: OutboundId) -> Result<Outbound, Error> {
        let found = self.store.outbound(tenant, id).await?;
        found.ok_or(Error::NoOutbound(id))
    }

    /// A page of messages, the latest queued first, and the token of the next. A connector sees its own only.
    pub(crate) async fn outbounds(
        &self,
        ctx: &Context,
        mut filter: OutboundFilter,
        page: &Page,
    ) -> Result<(Vec<Outbound>, String), Error> {
        if let Some(own) = ctx.connector.as_deref() {
            if filter.connector.as_deref().is_some_and(|one| one != own) {
                return Err(Error::ConnectorForeign);
            }
            filter.connector = Some(own.to_owned());
        }
        let shape = format!("{filter:?}");
        let query = ["ListOutbound", shape.as_str()];
        let below: Option<OutboundId> = self.behind(ctx, &query, page)?;
        let mut found = self
            .store
            .outbounds(ctx.tenant, &filter, below, page.probe())
            .await?;
        let more = found.len() > page.size as usize;
        found.truncate(page.size as usize);
        let last = found.last().filter(|_| more).map(|one| one.id);
        Ok((found, self.token(ctx, &query, last.as_ref())))
    }

    /// Takes a message back that nobody is sending.
    pub(crate) async fn cancel_outbound(
        &self,
        ctx: &Context,
        key: &Key,
        id: OutboundId,
    ) -> Result<Outbound, Error> {
        let cancel = |one: &mut Outbound, now: Micros| one.cancel(now);
        let cancelled = self.decide(ctx, key, id, false, cancel).await?;
        // What waited behind it may go.
        self.bell.ring(ctx.tenant, &cancelled.connector);
        Ok(cancelled)
    }

    /// Has a message tried again that failed, expired or is uncertain.
    pub(crate) async fn retry_outbound(
        &self,
        ctx: &Context,
        key: &Key,
        id: OutboundId,
        expires_at: Option<Micros>,
    ) -> Result<Outbound, Error> {
        let worth = self.config.outbound.worth();
        let again = |one: &mut Outbound, now: Micros| {
            one.retry(now, expires_at.unwrap_or_else(|| now + worth))
        };
        let retried = self.decide(ctx, key, id, true, again).await?;
        self.bell.ring(ctx.tenant, &retried.connector);
        Ok(retried)
    }

    /// What a person decides about a message, once for a request id; what is to be sent must still be here.
    async fn decide(
        &self,
        ctx: &Context,
        key: &Key,
        id: OutboundId,
        to_be_sent: bool,
        change: impl Fn(&mut Outbound, Micros) -> Result<(), NotNow> + Send + Sync,
    ) -> Result<Outbound, Error> {
        let apply = |moved: &mut [Moved], now: Micros| {
            let one = moved.first_mut().ok_or(Error::NoOutbound(id))?;
            change(&mut one.after, now).map_err(|NotNow| Error::OutboundState(one.before.state))
        };
        self.env
            .db
            .write(ctx.tenant, async |s| {
                if key.claim(&s).await?.replayed()?.is_some() {
                    return Ok(());
                }
                let ids = [id];
                self.store
                    .move_outbound(&s, &ids, facts::outbound, &apply)
                    .await?;
                if to_be_sent && !self.store.has_outbound_text(&s, id).await? {
                    return Err(Error::OutboundTextGone);
                }
                key.settle(&s, id.uuid(), 1).await?;
                Ok(())
            })
            .await?;
        self.one_outbound(ctx.tenant, id).await
    }
}

/// What a message says, as a contact.
fn contact(ctx: &Context, wanted: QueueOutbound, address: Address, now: Micros) -> Contact {
    let by_a_person = ctx.kind == PrincipalKind::Staff && !wanted.automatic;
    let sender = Participant {
        side: if by_a_person { Side::Agent } else { Side::Bot },
        identifier: Some(Identifier {
            kind: IdentifierKind::External,
            value: ctx.originator().into(),
            namespace: SENDERS.to_owned(),
        }),
        further: Vec::new(),
        display_name: Personal::default(),
    };
    let recipient = Participant {
        side: Side::Customer,
        identifier: Some(address.recipient),
        further: Vec::new(),
        display_name: address.recipient_name,
    };
    Contact {
        external_id: String::new(),
        kind: Kind::Message,
        channel: address.channel,
        provider: address.provider,
        direction: Direction::Outbound,
        purpose: wanted.purpose,
        event_at: now,
        history: false,
        automatic: wanted.automatic,
        order: None,
        content: Content {
            participants: vec![recipient, sender],
            subject: wanted.subject,
            parts: wanted.parts,
            thread_key: address.thread_key,
            attributes: wanted.attributes,
            ..Content::default()
        },
    }
}
