//! Which tickets are one matter.

use rapport_foundation::check::Check;
use rapport_foundation::error::Failure;
use rapport_foundation::id::TicketId;
use rapport_foundation::personal::Personal;
use rapport_proto::routing::v1 as pb;
use uuid::Uuid;

use super::tickets::{SUBJECT_CHARACTERS, Terms, reason, terms, text_of};
use super::{Etag, ids};
use crate::app::command::Split;

/// Work items, and interactions, in one split.
const SPLIT_MAX: usize = 100;

type Merge = (Uuid, (TicketId, TicketId), (Etag, Etag), Personal);

pub(in crate::grpc) fn merge_tickets(body: &pb::MergeTicketsRequest) -> Result<Merge, Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    let whole = c.id("ticket_id", &body.ticket_id);
    let part = c.id("merged_ticket_id", &body.merged_ticket_id);
    c.require(
        body.ticket_id != body.merged_ticket_id,
        "merged_ticket_id",
        "SAME_TICKET",
        "is the ticket itself",
    );
    let etags = (c.etag(&body.etag), c.etag(&body.merged_ticket_etag));
    let reason = reason(&mut c, &body.reason);
    c.done((request, (whole, part), etags, reason))
}

pub(in crate::grpc) fn unmerge_ticket(
    body: &pb::UnmergeTicketRequest,
) -> Result<(Uuid, TicketId, Terms), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    let id = c.id("ticket_id", &body.ticket_id);
    let terms = terms(&mut c, &body.etag, &body.reason);
    c.done((request, id, terms))
}

pub(in crate::grpc) fn split_ticket(
    body: &pb::SplitTicketRequest,
) -> Result<(Uuid, TicketId, Split, Terms), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    let id = c.id("ticket_id", &body.ticket_id);
    let named = !body.work_item_ids.is_empty() || !body.interaction_ids.is_empty();
    c.require(
        named,
        "work_item_ids",
        "REQUIRED",
        "or interaction_ids must name what is taken out",
    );
    let subject = text_of(&mut c, "subject", &body.subject, SUBJECT_CHARACTERS);
    let split = Split {
        items: ids(&mut c, "work_item_ids", &body.work_item_ids, SPLIT_MAX),
        interactions: ids(&mut c, "interaction_ids", &body.interaction_ids, SPLIT_MAX),
        subject: (!subject.is_empty()).then_some(subject),
        conversation: c.optional_id("conversation_id", &body.conversation_id),
    };
    let terms = terms(&mut c, &body.etag, &body.reason);
    c.done((request, id, split, terms))
}
