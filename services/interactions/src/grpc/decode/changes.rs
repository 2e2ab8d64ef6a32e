//! Decoding changes of conversations, and the rules.

use std::collections::BTreeSet;
use std::time::Duration;

use rapport_foundation::check::Check;
use rapport_foundation::error::Failure;
use rapport_foundation::id::{ConversationChangeId, ConversationId, InteractionId};
use rapport_foundation::personal::Personal;
use rapport_proto::interactions::v1 as pb;

use super::page;
use crate::app::{Page, Redrawing, SetThreading};
use crate::domain::{ThreadingRule, ThreadingRules, limits};

pub(crate) fn merge(
    request: &pb::MergeConversationsRequest,
) -> Result<Redrawing<ConversationId>, Failure> {
    let mut c = Check::new();
    let wanted = Redrawing {
        request_id: c.request_id(&request.request_id),
        conversation: c.id("conversation_id", &request.conversation_id),
        with: c.id("merged_conversation_id", &request.merged_conversation_id),
        reason: reason(&mut c, &request.reason),
    };
    c.done(wanted)
}

pub(crate) fn split(
    request: &pb::SplitConversationRequest,
) -> Result<Redrawing<Vec<InteractionId>>, Failure> {
    let mut c = Check::new();
    let ids = &request.interaction_ids;
    c.require(
        !ids.is_empty(),
        "interaction_ids",
        "REQUIRED",
        "names no interaction",
    );
    c.require(
        ids.len() <= limits::SPLIT,
        "interaction_ids",
        "TOO_MANY",
        "holds more than 500 interactions",
    );
    let each = ids.iter().take(limits::SPLIT).enumerate();
    // Each once: an id that is named twice is not two interactions.
    let taken: BTreeSet<InteractionId> = each
        .map(|(n, id)| c.id(&format!("interaction_ids[{n}]"), id))
        .collect();
    let wanted = Redrawing {
        request_id: c.request_id(&request.request_id),
        conversation: c.id("conversation_id", &request.conversation_id),
        with: taken.into_iter().collect(),
        reason: reason(&mut c, &request.reason),
    };
    c.done(wanted)
}

pub(crate) fn undo(
    request: &pb::UndoConversationChangeRequest,
) -> Result<Redrawing<ConversationChangeId>, Failure> {
    let mut c = Check::new();
    let wanted = Redrawing {
        request_id: c.request_id(&request.request_id),
        conversation: c.id("conversation_id", &request.conversation_id),
        with: c.id("change_id", &request.change_id),
        reason: reason(&mut c, &request.reason),
    };
    c.done(wanted)
}

fn reason(c: &mut Check, said: &str) -> Personal {
    c.text("reason", said, 0..=limits::CHANGE_REASON).into()
}

pub(crate) fn list_changes(
    request: &pb::ListConversationChangesRequest,
) -> Result<(ConversationId, Page), Failure> {
    let mut c = Check::new();
    let id = c.id("conversation_id", &request.conversation_id);
    let page = page(&mut c, request.page_size, &request.page_token);
    c.done((id, page))
}

pub(crate) fn set_threading(
    request: &pb::SetThreadingRulesRequest,
) -> Result<SetThreading, Failure> {
    let mut c = Check::new();
    let request_id = c.request_id(&request.request_id);
    let (rules, expected) = c.message(
        "threading_rules",
        request.threading_rules.as_ref(),
        |c, said| {
            c.require(
                said.rules.len() <= limits::THREADING_RULES,
                "rules",
                "TOO_MANY",
                "holds more than 100 rules",
            );
            let each = said.rules.iter().take(limits::THREADING_RULES).enumerate();
            let rules = each
                .map(|(n, rule)| c.within(format!("rules[{n}]"), |c| one_rule(c, rule)))
                .collect();
            let rules = ThreadingRules {
                rules,
                ignore_open_tickets: said.ignore_open_tickets,
                version: 0,
            };
            (rules, c.etag(&said.etag))
        },
    );
    c.done(SetThreading {
        request_id,
        rules,
        expected,
    })
}

fn one_rule(c: &mut Check, rule: &pb::ThreadingRule) -> ThreadingRule {
    let seconds = c.number("window_s", rule.window_s, 0..=limits::THREADING_WINDOW_S);
    ThreadingRule {
        channel: c.optional_enumeration("channel", rule.channel),
        purpose: c.optional_enumeration("purpose", rule.purpose),
        window: Duration::from_secs(u64::try_from(seconds).unwrap_or_default()),
    }
}
