//! Pages: bounded in number and in bytes.

use rapport_foundation::context::Context;
use rapport_foundation::page::fingerprint;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::App;
use crate::Error;

/// Which page is wanted.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    /// How many results at most.
    pub(crate) size: u32,
    /// From the answer before; empty for the first.
    pub(crate) token: String,
}

impl Page {
    /// One more than is shown, to know whether there are more.
    pub(super) fn probe(&self) -> u64 {
        u64::from(self.size) + 1
    }
}

impl App {
    /// Where a page begins; none for the first.
    pub(super) fn behind<C: DeserializeOwned>(
        &self,
        ctx: &Context,
        query: &[&str],
        page: &Page,
    ) -> Result<Option<C>, Error> {
        Ok(self
            .env
            .page_tokens
            .decode(&page.token, &fingerprint(ctx.tenant, query))?)
    }

    /// The token for what lies behind `last`; empty when nothing does.
    pub(super) fn token(
        &self,
        ctx: &Context,
        query: &[&str],
        last: Option<&impl Serialize>,
    ) -> String {
        last.map(|last| {
            self.env
                .page_tokens
                .encode(&fingerprint(ctx.tenant, query), last)
        })
        .unwrap_or_default()
    }
}

/// How many of the first rows fit into a page of `size` rows and `bytes`; one always does.
pub(super) fn fitting(sizes: impl IntoIterator<Item = usize>, size: u32, bytes: usize) -> usize {
    let mut total = 0_usize;
    let fits = |(place, row): &(usize, usize)| {
        total = total.saturating_add(*row);
        *place == 0 || total <= bytes
    };
    sizes
        .into_iter()
        .take(size as usize)
        .enumerate()
        .take_while(fits)
        .count()
}

#[cfg(test)]
mod tests {
    use super::fitting;

    #[test]
    fn a_page_ends_at_its_size_or_its_bytes_and_is_never_empty() {
        assert_eq!(fitting([1, 1, 1], 2, 100), 2);
        assert_eq!(fitting([60, 30, 30], 10, 100), 2);
        assert_eq!(fitting([500, 1], 10, 100), 1);
        assert_eq!(fitting([], 10, 100), 0);
    }
}
