//! From the contract to the domain: every violation of a request at once.

mod changes;
mod contact;
mod count;
mod extract;
mod fact;
mod media;
pub(crate) mod outbound;
mod part;
mod privacy;
mod search;

pub(crate) use changes::{list_changes, merge, set_threading, split, undo};
pub(crate) use contact::contact;
pub(crate) use count::counting;
pub(crate) use extract::extract;
pub(crate) use fact::fact;
pub(crate) use media::{append_upload, begin_upload, download_media, media_id, stream_upload};
pub(crate) use privacy::{
    erase_customer, export_customer, list_holds, place_hold, release_hold, reveal_numbers,
    set_privacy_policy, set_retention_rules,
};
pub(crate) use search::search;

use std::collections::BTreeMap;

use rapport_foundation::check::Check;
use rapport_foundation::error::Failure;
use rapport_foundation::id::{ConversationId, CustomerId, InteractionId};
use rapport_foundation::time::Micros;
use rapport_proto::interactions::v1 as pb;

use crate::app::{Filter, Page, Said, SetRules, WatchFrom, Watched};
use crate::domain::contact::Payload;
use crate::domain::{Fact, Known, Rule, limits};

/// Results of a page when the caller does not say.
const PAGE: u32 = 50;
/// Results of a page at most.
const LARGEST_PAGE: u32 = 1000;
/// Characters of a connector's name at most.
const CONNECTOR: usize = 128;
/// The cursor that stands for the oldest entry.
const START: &str = "start";

/// The end of a contact, as the fact it is.
pub(crate) fn end(request: &pb::EndContactRequest, now: Micros) -> Result<Fact, Failure> {
    let mut c = Check::new();
    let external_id = c.text("external_id", &request.external_id, 1..=limits::EXTERNAL_ID);
    let at = c.time("end_time", request.end_time.as_ref());
    contact::not_too_far_ahead(&mut c, "end_time", at, now);
    let reason = c.enumeration("reason", request.reason);
    let key = c.text("key", &request.key, 0..=limits::FACT_KEY);
    c.done(Fact {
        external_id,
        key,
        event_at: at,
        what: Known::End(reason),
        attributes: BTreeMap::new(),
        raw_payload: Payload::default(),
    })
}

pub(crate) fn interaction_id(
    request: &pb::GetInteractionRequest,
) -> Result<InteractionId, Failure> {
    let mut c = Check::new();
    let id = c.id("interaction_id", &request.interaction_id);
    c.done(id)
}

pub(crate) fn conversation_id(
    request: &pb::GetConversationRequest,
) -> Result<ConversationId, Failure> {
    let mut c = Check::new();
    let id = c.id("conversation_id", &request.conversation_id);
    c.done(id)
}

pub(crate) fn list_facts(request: &pb::ListFactsRequest) -> Result<(InteractionId, Page), Failure> {
    let mut c = Check::new();
    let id = c.id("interaction_id", &request.interaction_id);
    let page = page(&mut c, request.page_size, &request.page_token);
    c.done((id, page))
}

/// An item of a stream: a contact or a fact about one.
pub(crate) fn item(
    interaction: Option<pb::InteractionInput>,
    fact: Option<pb::FactInput>,
    now: Micros,
) -> Result<Said, Failure> {
    match (interaction, fact) {
        (None, Some(said)) => self::fact(Some(said), now).map(Said::Fact),
        (said, None) => contact(said, now).map(Said::Contact),
        (Some(_), Some(_)) => {
            let mut c = Check::new();
            c.fail("fact", "NOT_EMPTY", "must be empty beside an interaction");
            c.done(()).and_then(|()| Err(Failure::invalid(Vec::new())))
        }
    }
}

fn page(c: &mut Check, size: i32, token: &str) -> Page {
    Page {
        size: c.page_size(size, PAGE, LARGEST_PAGE),
        token: token.to_owned(),
    }
}

pub(crate) fn list_interactions(
    request: &pb::ListInteractionsRequest,
) -> Result<(Filter, Page), Failure> {
    let mut c = Check::new();
    let filter = Filter {
        customer: c.optional_id("customer_id", &request.customer_id),
        conversation: c.optional_id("conversation_id", &request.conversation_id),
        channel: c.optional_enumeration("channel", request.channel),
        direction: c.optional_enumeration("direction", request.direction),
        purpose: c.optional_enumeration("purpose", request.purpose),
        connector: c.optional_text("connector", &request.connector, CONNECTOR),
        external_id: c.optional_text("external_id", &request.external_id, limits::EXTERNAL_ID),
        from: c.optional_time("from_time", request.from_time.as_ref()),
        until: c.optional_time("until_time", request.until_time.as_ref()),
    };
    if let (Some(from), Some(until)) = (filter.from, filter.until) {
        c.require(
            from <= until,
            "until_time",
            "BEFORE_START",
            "is before from_time",
        );
    }
    let page = page(&mut c, request.page_size, &request.page_token);
    c.done((filter, page))
}

pub(crate) fn list_timeline(
    request: &pb::ListTimelineRequest,
) -> Result<(CustomerId, Page), Failure> {
    let mut c = Check::new();
    let customer = c.id("customer_id", &request.customer_id);
    let page = page(&mut c, request.page_size, &request.page_token);
    c.done((customer, page))
}

pub(crate) fn list_conflicts(
    request: &pb::ListConflictsRequest,
) -> Result<(Option<String>, Page), Failure> {
    let mut c = Check::new();
    let connector = c.optional_text("connector", &request.connector, CONNECTOR);
    let page = page(&mut c, request.page_size, &request.page_token);
    c.done((connector, page))
}

pub(crate) fn list_conversations(
    request: &pb::ListConversationsRequest,
) -> Result<(Option<CustomerId>, Page), Failure> {
    let mut c = Check::new();
    let customer = c.optional_id("customer_id", &request.customer_id);
    let page = page(&mut c, request.page_size, &request.page_token);
    c.done((customer, page))
}

pub(crate) fn watch(request: &pb::WatchInteractionsRequest) -> Result<Watched, Failure> {
    let mut c = Check::new();
    let watched = Watched {
        from: match request.cursor.as_str() {
            "" => WatchFrom::Now,
            START => WatchFrom::Start,
            cursor => WatchFrom::Cursor(cursor.to_owned()),
        },
        channel: c.optional_enumeration("channel", request.channel),
        customer: c.optional_id("customer_id", &request.customer_id),
    };
    c.done(watched)
}

pub(crate) fn set_rules(request: &pb::SetIntakeRulesRequest) -> Result<SetRules, Failure> {
    let mut c = Check::new();
    let request_id = c.request_id(&request.request_id);
    let (rules, expected) = c.message("intake_rules", request.intake_rules.as_ref(), |c, rules| {
        let count = rules.rules.len();
        c.require(
            count <= limits::RULES,
            "rules",
            "TOO_MANY",
            "holds more than 200 rules",
        );
        let list = rules.rules.iter().take(limits::RULES).enumerate();
        let list: Vec<Rule> = list
            .map(|(n, rule)| c.within(format!("rules[{n}]"), |c| one_rule(c, rule)))
            .collect();
        let etag = c.etag(&rules.etag);
        (list, etag)
    });
    c.done(SetRules {
        request_id,
        rules,
        expected,
    })
}

fn one_rule(c: &mut Check, rule: &pb::IntakeRule) -> Rule {
    Rule {
        direction: c.optional_enumeration("direction", rule.direction),
        channel: c.optional_enumeration("channel", rule.channel),
        purpose: c.optional_enumeration("purpose", rule.purpose),
        kind: c.optional_enumeration("kind", rule.kind),
        asks_for_agent: rule.asks_for_agent,
        routing: rule
            .routing
            .as_ref()
            .map(|hint| contact::routing(c, hint))
            .unwrap_or_default(),
    }
}
