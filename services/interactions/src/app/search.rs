//! Finding contacts by what was said.

use std::collections::HashMap;

use rapport_foundation::context::Context;
use rapport_foundation::id::InteractionId;

use super::{App, Page};
use crate::Error;
use crate::domain::search::{self, Snippet};
use crate::domain::{Interaction, State};
use crate::store::{Search, Spot};

/// The newest contacts that are compared where what fits best comes first.
const COMPARED: u32 = 200;
/// How often more is fetched because what was found did not fit when it was opened.
const ROUNDS: usize = 8;

/// A contact that was found.
#[derive(Debug)]
pub(crate) struct Hit {
    pub(crate) interaction: Interaction,
    pub(crate) snippet: Snippet,
    /// How many of the words of the text were asked for, of a thousand.
    share: usize,
}

impl App {
    /// A page of contacts in which all that is asked for was said, in the order asked for, and the token of the next.
    pub(crate) async fn search(
        &self,
        ctx: &Context,
        wanted: &Search,
        page: &Page,
    ) -> Result<(Vec<Hit>, String), Error> {
        if !wanted.by_relevance {
            return self.newest(ctx, wanted, page).await;
        }
        let compared = Page {
            size: COMPARED,
            token: String::new(),
        };
        let (mut hits, _) = self.newest(ctx, wanted, &compared).await?;
        hits.sort_by_key(|hit| std::cmp::Reverse(hit.share));
        hits.truncate(page.size as usize);
        Ok((hits, String::new()))
    }

    async fn newest(
        &self,
        ctx: &Context,
        wanted: &Search,
        page: &Page,
    ) -> Result<(Vec<Hit>, String), Error> {
        let shape = format!("{wanted:?}");
        let query = ["SearchInteractions", shape.as_str()];
        let mut behind: Option<Spot> = self.behind(ctx, &query, page)?;
        let mut hits: Vec<Hit> = Vec::new();
        for _ in 0..ROUNDS {
            let spots = self
                .store
                .search(ctx.tenant, wanted, behind, page.probe())
                .await?;
            let ids: Vec<InteractionId> = spots
                .iter()
                .map(|spot| InteractionId::from_uuid(spot.id))
                .collect();
            let opened = self.store.interactions(ctx.tenant, &ids).await?;
            let mut opened: HashMap<InteractionId, Interaction> =
                opened.into_iter().map(|one| (one.id, one)).collect();
            let ended = (spots.len() as u64) < page.probe();
            for (place, spot) in spots.iter().enumerate() {
                behind = Some(*spot);
                if let Some(interaction) = opened.remove(&InteractionId::from_uuid(spot.id)) {
                    hits.extend(self.hit(ctx, wanted, interaction).await?);
                }
                if hits.len() == page.size as usize {
                    let more = !ended || place + 1 < spots.len();
                    return Ok((
                        hits,
                        self.token(ctx, &query, behind.as_ref().filter(|_| more)),
                    ));
                }
            }
            if ended {
                return Ok((hits, String::new()));
            }
        }
        let token = self.token(ctx, &query, behind.as_ref());
        Ok((hits, token))
    }

    /// What was found, compared with what was asked for. What became known later is read only where it may be what fits,
    /// one contact at a time: it may be long.
    async fn hit(
        &self,
        ctx: &Context,
        wanted: &Search,
        interaction: Interaction,
    ) -> Result<Option<Hit>, Error> {
        let text = search::text_of(&interaction.contact, &State::default());
        if let Some(fits) = search::matches(&wanted.terms, &text) {
            return Ok(Some(hit(interaction, &text, &fits)));
        }
        if interaction.state.facts == 0 {
            return Ok(None);
        }
        let later = self.store.whole_state(ctx.tenant, &interaction).await?;
        let text = search::text_of(&interaction.contact, &later);
        let fits = search::matches(&wanted.terms, &text);
        Ok(fits.map(|fits| hit(interaction, &text, &fits)))
    }
}

fn hit(interaction: Interaction, text: &str, fits: &[(usize, usize)]) -> Hit {
    let words = search::found_by(text).count().max(1);
    Hit {
        interaction,
        snippet: search::snippet(text, fits),
        share: fits.len() * 1000 / words,
    }
}
