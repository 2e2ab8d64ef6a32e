//! Contacts of a stretch of the log.

use rapport_proto::interactions::v1 as pb;

use crate::app::Extracted;

pub(crate) fn extracted(one: Extracted) -> pb::ExportInteractionsResponse {
    pb::ExportInteractionsResponse {
        interaction: one.interaction.map(|one| plain(super::interaction(one))),
        cursor: one.cursor,
    }
}

/// Without the copies of HTML that can be shown: they follow from what was received, and a contact with all of its
/// facts would not fit into one answer with them.
fn plain(mut one: pb::Interaction) -> pb::Interaction {
    let first = one.input.iter_mut().flat_map(|input| &mut input.parts);
    let now = one.state.iter_mut().flat_map(|state| &mut state.parts);
    for part in first.chain(now) {
        part.sanitised_html.clear();
    }
    one
}
