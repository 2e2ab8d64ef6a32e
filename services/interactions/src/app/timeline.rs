//! Everything of one customer.

use std::collections::HashMap;

use rapport_foundation::context::Context;
use rapport_foundation::id::{CustomerId, InteractionId};

use super::pages::fitting;
use super::{App, Page, may_see};
use crate::Error;
use crate::domain::{Change, Entry, Interaction, Place, What, timeline};

/// What a place stands for before its contact is loaded.
enum Stub {
    Contact(usize),
    Change(Change),
}

impl App {
    /// A page of a customer's timeline, newest first, and the token of the next.
    pub(crate) async fn timeline(
        &self,
        ctx: &Context,
        customer: CustomerId,
        page: &Page,
    ) -> Result<(Vec<Entry>, String), Error> {
        may_see(ctx, customer)?;
        let shape = customer.to_string();
        let query = ["ListTimeline", shape.as_str()];
        let behind: Option<Place> = self.behind(ctx, &query, page)?;
        let (contacts, changes) = self
            .store
            .timeline(ctx.tenant, customer, behind, page.probe())
            .await?;
        if contacts.is_empty() && changes.is_empty() && behind.is_none() {
            self.must_know(ctx, customer).await?;
        }
        let contacts = contacts
            .into_iter()
            .map(|row| (row.place, Stub::Contact(row.bytes)))
            .collect();
        let changes = changes
            .into_iter()
            .map(|(place, change)| (place, Stub::Change(change)))
            .collect();
        let mut merged = timeline::merge(contacts, changes, page.size as usize + 1);
        let sizes = merged.iter().map(|(_, stub)| {
            if let Stub::Contact(bytes) = stub {
                *bytes
            } else {
                0
            }
        });
        let shown = fitting(sizes, page.size, self.config.page_bytes);
        let more = merged.len() > shown;
        merged.truncate(shown);
        let token = self.token(
            ctx,
            &query,
            merged.last().filter(|_| more).map(|(place, _)| place),
        );
        Ok((self.entries(ctx, merged).await?, token))
    }

    async fn entries(&self, ctx: &Context, stubs: Vec<(Place, Stub)>) -> Result<Vec<Entry>, Error> {
        let contacts = stubs
            .iter()
            .filter(|(_, stub)| matches!(stub, Stub::Contact(_)));
        let ids: Vec<InteractionId> = contacts
            .map(|(place, _)| InteractionId::from_uuid(place.id))
            .collect();
        let loaded = self.store.interactions(ctx.tenant, &ids).await?;
        let mut loaded: HashMap<InteractionId, Interaction> =
            loaded.into_iter().map(|one| (one.id, one)).collect();
        let entry = |(place, stub): (Place, Stub)| {
            let what = match stub {
                Stub::Change(change) => What::Change(change),
                Stub::Contact(_) => What::Contact(Box::new(
                    loaded.remove(&InteractionId::from_uuid(place.id))?,
                )),
            };
            Some(Entry { place, what })
        };
        Ok(stubs.into_iter().filter_map(entry).collect())
    }
}
