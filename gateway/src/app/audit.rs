//! Reading the audit trail: everybody the own tenant's, page by page.

use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use rapport_foundation::context::Context;
use rapport_foundation::page::{PageTokens, fingerprint};
use rapport_foundation::time::{Clock, Micros};

use crate::domain::audit::Entry;
use crate::error::Error;
use crate::store::audit::{Audit, Cursor, Order, Query};

/// Entries that an export reads at a time.
const EXPORT_PAGE: u32 = 500;

/// The audit trail's use cases.
#[derive(Clone)]
pub struct Trail {
    store: Audit,
    clock: Clock,
    page_tokens: PageTokens,
}

/// Entries, each with the cursor behind it.
pub type Exported = BoxStream<'static, Result<(Entry, String), Error>>;

impl Trail {
    /// Use cases over a store.
    pub fn new(store: Audit, clock: Clock, page_tokens: PageTokens) -> Self {
        Trail {
            store,
            clock,
            page_tokens,
        }
    }

    /// Lists entries, newest first, with the token of the next page.
    ///
    /// # Errors
    /// When the page token belongs to another query.
    pub async fn list(
        &self,
        ctx: &Context,
        query: &Query,
        page: &str,
        most: u32,
    ) -> Result<(Vec<Entry>, String), Error> {
        let bound = fingerprint(ctx.tenant, &["ListAuditEntries", &format!("{query:?}")]);
        let after = self.page_tokens.decode(page, &bound)?;
        let mut entries = self
            .store
            .list(ctx.tenant, query, Order::Falling, after, most + 1)
            .await?;
        let more = entries.len() > most as usize;
        entries.truncate(most as usize);
        let next = match entries.last().filter(|_| more) {
            Some(last) => self.page_tokens.encode(&bound, &Cursor::of(last)),
            None => String::new(),
        };
        Ok((entries, next))
    }

    /// All entries of a time, oldest first, each with a cursor to go on behind it.
    ///
    /// # Errors
    /// When the cursor is not one of this tenant's exports.
    pub fn export(
        &self,
        ctx: &Context,
        from: Option<Micros>,
        until: Option<Micros>,
        cursor: &str,
    ) -> Result<Exported, Error> {
        let tenant = ctx.tenant;
        let bound = fingerprint(tenant, &["ExportAuditEntries"]);
        let start: Option<Cursor> = self.page_tokens.decode(cursor, &bound)?;
        // An end there must be: the export is audited itself and would never catch up with its own entries.
        let until = Some(until.unwrap_or_else(|| self.clock.now()));
        let query = Query {
            from,
            until,
            ..Query::default()
        };
        let this = self.clone();
        let pages = stream::try_unfold(Some(start), move |state| {
            let (store, query) = (this.store.clone(), query.clone());
            async move {
                let Some(after) = state else {
                    return Ok(None);
                };
                let page = store
                    .list(tenant, &query, Order::Rising, after, EXPORT_PAGE)
                    .await?;
                let full = page.len() == EXPORT_PAGE as usize;
                let next = page
                    .last()
                    .filter(|_| full)
                    .map(|last| Some(Cursor::of(last)));
                Ok::<_, Error>(Some((page, next)))
            }
        });
        let tokens = self.page_tokens.clone();
        let entries = pages
            .map_ok(|page| stream::iter(page.into_iter().map(Ok)))
            .try_flatten()
            .map_ok(move |entry| {
                let cursor = tokens.encode(&bound, &Cursor::of(&entry));
                (entry, cursor)
            });
        Ok(entries.boxed())
    }
}
