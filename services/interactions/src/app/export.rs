//! Everything that is held of one customer, in pieces.

use std::sync::Arc;

use futures::Stream;
use rapport_foundation::context::Context;
use rapport_foundation::id::{CustomerId, InteractionId, TenantId};
use rapport_foundation::page::fingerprint;
use rapport_foundation::time::Micros;
use serde::{Deserialize, Serialize};

use super::feed::{Ending, Feed, bounded};
use super::{App, Filter};
use crate::Error;
use crate::domain::fact::Logged;
use crate::domain::{Change, Conflict, Conversation, Interaction, Place, State};
use crate::store::FactPlace;

/// Pieces that wait for their reader: each may be as large as a message.
const WAITING: usize = 2;
/// Places that are looked up at once.
const PLACES: u64 = 64;
/// Facts that are read at once.
const FACTS: u32 = 64;

/// One piece.
pub(crate) enum Piece {
    /// A contact; what became known of it and what was refused under its key follow.
    Interaction(Box<Interaction>),
    /// What became known of a contact.
    Fact(Box<Logged>),
    /// What was refused.
    Conflict(Box<Conflict>),
    /// A matter.
    Conversation(Conversation),
    /// What others said.
    Change(Place, Change),
}

/// A piece, and from where to go on behind it; empty where it cannot be gone on from.
pub(crate) struct Exported {
    pub(crate) piece: Piece,
    pub(crate) cursor: String,
}

/// How far an export is: the last place of what is told now.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum Mark {
    Interactions(Option<Place>),
    Conversations(Option<Place>),
    Changes(Option<Place>),
}

struct Export {
    app: Arc<App>,
    tenant: TenantId,
    customer: CustomerId,
    expires: Option<Micros>,
}

impl App {
    /// Tells everything that is held of a customer, newest first, from a cursor on.
    pub(crate) async fn export_customer(
        self: Arc<Self>,
        ctx: &Context,
        customer: CustomerId,
        cursor: &str,
    ) -> Result<impl Stream<Item = Result<Exported, Error>> + Send + use<>, Error> {
        self.must_know(ctx, customer).await?;
        let (out, answers) = bounded(WAITING, self.config.slow_reader());
        let export = Export {
            tenant: ctx.tenant,
            customer,
            expires: ctx.token_expires,
            app: self,
        };
        let mark: Option<Mark> = export.app.env.page_tokens.decode(cursor, &export.query())?;
        tokio::spawn(async move {
            let outcome = export
                .run(mark.unwrap_or(Mark::Interactions(None)), &out)
                .await;
            out.close(outcome);
        });
        Ok(answers)
    }
}

impl Export {
    fn query(&self) -> Vec<u8> {
        let customer = self.customer.to_string();
        fingerprint(self.tenant, &["ExportCustomer", customer.as_str()])
    }

    fn cursor(&self, mark: Mark) -> String {
        self.app.env.page_tokens.encode(&self.query(), &mark)
    }

    /// That the caller may still be told something.
    fn may_go_on(&self) -> Result<(), Ending> {
        if self.app.shutdown().is_cancelled() {
            return Err(Error::GoingDown.into());
        }
        let expired = self.expires.is_some_and(|at| at <= self.app.now());
        if expired {
            return Err(Error::TokenExpired.into());
        }
        Ok(())
    }

    async fn run(&self, mut mark: Mark, out: &Feed<Exported>) -> Result<(), Ending> {
        loop {
            self.may_go_on()?;
            let next = match mark {
                Mark::Interactions(behind) => {
                    let last = self.interactions(behind, out).await?;
                    last.map_or(Mark::Conversations(None), |place| {
                        Mark::Interactions(Some(place))
                    })
                }
                Mark::Conversations(behind) => {
                    let last = self.conversations(behind, out).await?;
                    last.map_or(Mark::Changes(None), |place| {
                        Mark::Conversations(Some(place))
                    })
                }
                Mark::Changes(behind) => match self.changes(behind, out).await? {
                    Some(place) => Mark::Changes(Some(place)),
                    None => return Ok(()),
                },
            };
            mark = next;
        }
    }

    async fn interactions(
        &self,
        behind: Option<Place>,
        out: &Feed<Exported>,
    ) -> Result<Option<Place>, Ending> {
        let filter = Filter {
            customer: Some(self.customer),
            ..Filter::default()
        };
        let store = &self.app.store;
        let found = store
            .find_places(self.tenant, &filter, behind, PLACES)
            .await
            .map_err(Error::from)?;
        for row in &found {
            self.may_go_on()?;
            let id = InteractionId::from_uuid(row.place.id);
            let read = store
                .interaction(self.tenant, id)
                .await
                .map_err(Error::from)?;
            if let Some(interaction) = read {
                self.interaction(interaction, Mark::Interactions(Some(row.place)), out)
                    .await?;
            }
        }
        Ok(found.last().map(|row| row.place))
    }

    /// One contact with its facts and conflicts. The last of its pieces has the cursor.
    async fn interaction(
        &self,
        mut interaction: Interaction,
        mark: Mark,
        out: &Feed<Exported>,
    ) -> Result<(), Ending> {
        let id = interaction.id;
        let contact = (
            interaction.connector.clone(),
            interaction.contact.external_id.clone(),
        );
        // The view of its facts is made of what follows.
        interaction.state = State::default();
        let mut held = Piece::Interaction(Box::new(interaction));
        let mut behind: Option<FactPlace> = None;
        loop {
            let (facts, more) = self.facts(&contact, behind.take()).await?;
            behind = facts.last().map(|last| FactPlace {
                at: last.fact.event_at,
                key: last.fact.key.clone(),
            });
            for fact in facts {
                held = tell(out, held, Piece::Fact(Box::new(fact))).await?;
            }
            if !more {
                break;
            }
        }
        for number in self.conflicts(id).await? {
            let read = self.app.store.conflict(self.tenant, number).await;
            if let Some(conflict) = read.map_err(Error::from)? {
                held = tell(out, held, Piece::Conflict(Box::new(conflict))).await?;
            }
        }
        let cursor = self.cursor(mark);
        let last = Exported {
            piece: held,
            cursor,
        };
        Ok(out.tell(last).await?)
    }

    async fn facts(
        &self,
        (connector, external_id): &(String, String),
        behind: Option<FactPlace>,
    ) -> Result<(Vec<Logged>, bool), Error> {
        let (store, bytes) = (&self.app.store, self.app.config.page_bytes);
        let contact = (connector.as_str(), external_id.as_str());
        Ok(store
            .facts(self.tenant, contact, behind, FACTS, bytes)
            .await?)
    }

    async fn conflicts(&self, id: InteractionId) -> Result<Vec<i64>, Error> {
        Ok(self.app.store.conflicts_of(self.tenant, id).await?)
    }

    async fn conversations(
        &self,
        behind: Option<Place>,
        out: &Feed<Exported>,
    ) -> Result<Option<Place>, Ending> {
        let (store, customer) = (&self.app.store, Some(self.customer));
        let found = store.conversations(self.tenant, customer, behind, PLACES);
        let mut last = None;
        for (place, conversation) in found.await.map_err(Error::from)? {
            let cursor = self.cursor(Mark::Conversations(Some(place)));
            let piece = Piece::Conversation(conversation);
            out.tell(Exported { piece, cursor }).await?;
            last = Some(place);
        }
        Ok(last)
    }

    async fn changes(
        &self,
        behind: Option<Place>,
        out: &Feed<Exported>,
    ) -> Result<Option<Place>, Ending> {
        let store = &self.app.store;
        let found = store.changes(self.tenant, self.customer, behind, PLACES);
        let mut last = None;
        for (place, change) in found.await.map_err(Error::from)? {
            let cursor = self.cursor(Mark::Changes(Some(place)));
            let piece = Piece::Change(place, change);
            out.tell(Exported { piece, cursor }).await?;
            last = Some(place);
        }
        Ok(last)
    }
}

/// Tells a piece that is not the last of its contact; answers the next.
async fn tell(out: &Feed<Exported>, piece: Piece, next: Piece) -> Result<Piece, Ending> {
    let cursor = String::new();
    out.tell(Exported { piece, cursor }).await?;
    Ok(next)
}
