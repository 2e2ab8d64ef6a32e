use std::sync::atomic::Ordering;
use std::time::Duration;

use rapport_foundation::context::Context;
use rapport_foundation::id::{AgentId, OfferId, TenantId};
use rapport_foundation::idempotency::Key;
use tokio::sync::mpsc;

use super::command::Command;
use super::desk::{Desk, DeskEvent, Ending};
use super::{App, Error, found};
use crate::domain::engine::Refusal;
use crate::domain::{Offer, OfferOutcome, WorkItem};

/// What a desk reads: events in order, then why the stream ended.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) events: mpsc::Receiver<DeskEvent>,
    pub(crate) ending: Ending,
}

impl App {
    pub(crate) async fn accept_offer(
        &self,
        ctx: &Context,
        key: Key,
        offer: OfferId,
    ) -> Result<WorkItem, Error> {
        let Offer { agent, item, .. } = self.offered(ctx, offer).await?;
        let command = Command::AcceptOffer { offer, agent, item };
        let decided = self.decided_work(ctx, key, command).await;
        self.with_its_end(ctx, offer, decided).await
    }

    pub(crate) async fn reject_offer(
        &self,
        ctx: &Context,
        key: Key,
        offer: OfferId,
    ) -> Result<WorkItem, Error> {
        let Offer { agent, item, .. } = self.offered(ctx, offer).await?;
        let command = Command::RejectOffer { offer, agent, item };
        let decided = self.decided_work(ctx, key, command).await;
        self.with_its_end(ctx, offer, decided).await
    }

    /// The offer, when the caller may act for the agent it was made to.
    async fn offered(&self, ctx: &Context, id: OfferId) -> Result<Offer, Error> {
        let offer = found(self.store().offer_made(ctx.tenant, id).await?, "offer", id)?;
        self.may_act_as(ctx, offer.agent).await?;
        Ok(offer)
    }

    /// An offer that is not out any more: how it ended is in the tables.
    async fn with_its_end(
        &self,
        ctx: &Context,
        id: OfferId,
        decided: Result<WorkItem, Error>,
    ) -> Result<WorkItem, Error> {
        if !matches!(decided, Err(Error::Refused(Refusal::OfferNotOut))) {
            return decided;
        }
        match self
            .store()
            .offer(ctx.tenant, id)
            .await?
            .map(|row| row.outcome)
        {
            Some(OfferOutcome::Ended(end)) => Err(Error::OfferEnded(end)),
            Some(OfferOutcome::Accepted) => Err(Error::OfferTaken),
            Some(OfferOutcome::Pending) | None => decided,
        }
    }

    /// Opens a desk. The agent is present until its last desk is closed.
    pub(crate) async fn watch_offers(
        &self,
        ctx: &Context,
        agent: AgentId,
    ) -> Result<Watched, Error> {
        self.get_agent(ctx, agent).await?;
        self.may_act_as(ctx, agent).await?;
        let stream = self.0.streams.fetch_add(1, Ordering::Relaxed);
        let (out, events) = mpsc::channel(self.0.config.desk_backlog.max(2));
        let ending = Ending::default();
        let desk = Desk {
            agent,
            stream,
            out,
            ending: ending.clone(),
        };
        let attending = Attending {
            app: self.clone(),
            tenant: ctx.tenant,
            ctx: ctx.clone(),
            desk: desk.clone(),
        };
        // Attended from before it is opened: should this call be dropped meanwhile, the desk is
        // closed all the same.
        tokio::spawn(attending.until_it_ends());
        self.shell()
            .submit(ctx.tenant, None, Command::OpenDesk(desk))
            .await?;
        Ok(Watched { events, ending })
    }
}

/// What is done beside an open desk: signs of life, and closing it whatever ends it.
struct Attending {
    app: App,
    tenant: TenantId,
    ctx: Context,
    desk: Desk,
}

impl Attending {
    async fn until_it_ends(self) {
        let Self {
            app,
            tenant,
            ctx,
            desk,
        } = self;
        let env = &app.0.env;
        let heartbeat = Duration::from_millis(app.0.config.heartbeat_ms.max(1));
        let token_ends = async {
            match ctx.token_expires {
                Some(at) => env.clock.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(token_ends);
        loop {
            tokio::select! {
                () = desk.out.closed() => break,
                () = desk.ending.ended() => break,
                () = env.shutdown.cancelled() => {
                    // A restart is no absence: offers stay out until their own expiry.
                    desk.end(Error::Draining);
                    return;
                }
                () = &mut token_ends => {
                    desk.end(Error::token_expired());
                    break;
                }
                () = tokio::time::sleep(heartbeat) => {
                    desk.tell(DeskEvent::Heartbeat(env.clock.now()));
                }
            }
        }
        let Desk {
            agent, stream, out, ..
        } = desk;
        drop(out);
        app.0.shell.close_desk(tenant, agent, stream).await;
    }
}
