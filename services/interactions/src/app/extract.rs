//! A stretch of the log, told contact by contact.

use std::sync::Arc;

use futures::Stream;
use rapport_foundation::context::Context;
use rapport_foundation::id::{InteractionId, TenantId};
use rapport_foundation::page::fingerprint;
use rapport_foundation::time::Micros;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::feed::{Ending, Feed, bounded};
use super::pages::fitting;
use super::{App, Extract};
use crate::Error;
use crate::domain::{Interaction, Place};

/// Answers that wait for their reader: each may be as large as a message.
const WAITING: usize = 8;
/// Rows that are looked at in one statement, whether they fit or not.
const STEP: usize = 2000;
/// Contacts that are read at once.
const BATCH: u32 = 128;

/// One contact, or a mere sign of life.
pub(crate) struct Extracted {
    /// The contact with all that is known of it.
    pub(crate) interaction: Option<Interaction>,
    /// Goes on behind this answer.
    pub(crate) cursor: String,
}

/// How far an extract came.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Mark {
    /// The last place that was told or passed over.
    place: Place,
    /// What was received before is in it: the same whenever it is gone on with.
    received_before: Micros,
}

struct Extracting {
    app: Arc<App>,
    tenant: TenantId,
    query: Vec<u8>,
    /// Ends at the moment the extract began.
    wanted: Extract,
    received_before: Micros,
    expires: Option<Micros>,
    /// When something was told last.
    told: Instant,
}

impl App {
    /// Tells the contacts of a stretch of the log, oldest event first, from a cursor on.
    pub(crate) async fn extract(
        self: Arc<Self>,
        ctx: &Context,
        mut wanted: Extract,
        cursor: &str,
    ) -> Result<impl Stream<Item = Result<Extracted, Error>> + Send + use<>, Error> {
        if let Some(customer) = wanted.customer {
            self.must_know(ctx, customer).await?;
        }
        let shape = format!("{wanted:?}");
        let query = fingerprint(ctx.tenant, &["ExportInteractions", shape.as_str()]);
        let mark: Option<Mark> = self.env.page_tokens.decode(cursor, &query)?;
        let received_before = match (&mark, wanted.received_until) {
            (Some(mark), _) => mark.received_before,
            (None, until) => until.unwrap_or(Micros::MAX).min(after(self.now())),
        };
        wanted.received_until = Some(received_before);
        let (out, answers) = bounded(WAITING, self.config.slow_reader());
        let mut extracting = Extracting {
            tenant: ctx.tenant,
            query,
            wanted,
            received_before,
            expires: ctx.token_expires,
            told: Instant::now(),
            app: self,
        };
        tokio::spawn(async move {
            let outcome = extracting.run(mark.map(|mark| mark.place), &out).await;
            out.close(outcome);
        });
        Ok(answers)
    }
}

/// The moment after one: what was received at that very moment was received before it.
fn after(now: Micros) -> Micros {
    Micros(now.0.saturating_add(1))
}

impl Extracting {
    async fn run(
        &mut self,
        mut behind: Option<Place>,
        out: &Feed<Extracted>,
    ) -> Result<(), Ending> {
        loop {
            self.may_go_on()?;
            let step = self
                .app
                .store
                .step(self.tenant, &self.wanted, behind, STEP)
                .await
                .map_err(Error::from)?;
            let mut rows = step.fitting.as_slice();
            while !rows.is_empty() {
                let sizes = rows.iter().map(|row| row.bytes);
                let (now, later) = rows.split_at(fitting(sizes, BATCH, self.app.config.page_bytes));
                let places: Vec<Place> = now.iter().map(|row| row.place).collect();
                self.batch(&places, out).await?;
                rows = later;
            }
            match step.last.filter(|_| step.more) {
                Some(last) => {
                    self.alive(last, out).await?;
                    behind = Some(last);
                }
                None => return Ok(()),
            }
        }
    }

    /// Tells those of a batch that fit once they are opened.
    async fn batch(&mut self, places: &[Place], out: &Feed<Extracted>) -> Result<(), Ending> {
        self.may_go_on()?;
        let ids: Vec<InteractionId> = places
            .iter()
            .map(|place| InteractionId::from_uuid(place.id))
            .collect();
        let loaded = self.app.in_order(self.tenant, &ids).await?;
        for interaction in loaded {
            if self.wanted.said.fits(&interaction.contact) {
                let place = Place {
                    at: interaction.contact.event_at,
                    id: interaction.id.uuid(),
                };
                let whole = self.whole(interaction).await?;
                self.tell(Some(whole), place, out).await?;
            }
        }
        match places.last() {
            Some(last) => self.alive(*last, out).await,
            None => Ok(()),
        }
    }

    /// A contact with its edits and transcripts, which are read apart: a batch has no room for those of all.
    async fn whole(&self, mut interaction: Interaction) -> Result<Interaction, Error> {
        let state = &interaction.state;
        if state.edited_at.is_some() || state.transcript.is_some() {
            let store = &self.app.store;
            interaction.state = store.whole_state(self.tenant, &interaction).await?;
        }
        Ok(interaction)
    }

    /// Shows how far it came when nothing fitted for a while.
    async fn alive(&mut self, place: Place, out: &Feed<Extracted>) -> Result<(), Ending> {
        if self.told.elapsed() < self.app.config.heartbeat() {
            return Ok(());
        }
        self.tell(None, place, out).await
    }

    async fn tell(
        &mut self,
        interaction: Option<Interaction>,
        place: Place,
        out: &Feed<Extracted>,
    ) -> Result<(), Ending> {
        let mark = Mark {
            place,
            received_before: self.received_before,
        };
        let answer = Extracted {
            interaction,
            cursor: self.app.env.page_tokens.encode(&self.query, &mark),
        };
        tokio::select! {
            biased;
            () = self.app.shutdown().cancelled() => return Err(Error::GoingDown.into()),
            told = out.tell(answer) => told?,
        }
        self.told = Instant::now();
        Ok(())
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
}
