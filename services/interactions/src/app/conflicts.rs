//! Reading conflicts.

use rapport_foundation::context::Context;

use super::{App, Page};
use crate::Error;
use crate::domain::Conflict;

impl App {
    /// A page of conflicts, newest first, and the token of the next. A connector sees its own only.
    pub(crate) async fn conflicts(
        &self,
        ctx: &Context,
        wanted: Option<&str>,
        page: &Page,
    ) -> Result<(Vec<Conflict>, String), Error> {
        let connector = match (ctx.connector.as_deref(), wanted) {
            (Some(own), Some(wanted)) if own != wanted => return Err(Error::ConnectorForeign),
            (Some(own), _) => Some(own),
            (None, wanted) => wanted,
        };
        let query = ["ListConflicts", connector.unwrap_or_default()];
        let before = self.behind(ctx, &query, page)?.unwrap_or(i64::MAX);
        let (found, more) = self
            .store
            .conflicts(
                ctx.tenant,
                connector,
                before,
                page.size,
                self.config.page_bytes,
            )
            .await?;
        let token = self.token(
            ctx,
            &query,
            found.last().filter(|_| more).map(|last| &last.number),
        );
        Ok((found, token))
    }
}
