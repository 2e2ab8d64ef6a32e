//! From the domain to the contract.

use rapport_foundation::error::Failure;
use rapport_foundation::etag;
use rapport_foundation::id::InteractionId;
use rapport_foundation::personal::Personal;
use rapport_proto::interactions::v1 as pb;
use rapport_proto::types::v1 as types;

use crate::Error;
use crate::app::{Acknowledgement, Hit, Told, Uploaded, facts};
use crate::domain::code::optional;
use crate::domain::count::Count;
use crate::domain::fact::Logged;
use crate::domain::{
    Change, Conflict, Contact, Conversation, Entry, Hints, Identifier, Interaction, Mail,
    MatterChange, Participant, Rule, Rules, State, ThreadingRule, ThreadingRules, What,
};

mod extract;
mod media;
pub(crate) mod outbound;
mod part;
mod privacy;

pub(crate) use extract::extracted;
pub(crate) use privacy::{exported, hold, privacy_policy, retention_rules, sealed_number};

pub(crate) use media::{bytes, chunk, first_of, media, upload_state};

pub(crate) fn hit(hit: Hit) -> pb::SearchHit {
    let mark = |(start, end): (usize, usize)| pb::SearchMark {
        start: i32::try_from(start).unwrap_or(i32::MAX),
        end: i32::try_from(end).unwrap_or(i32::MAX),
    };
    pb::SearchHit {
        interaction_id: hit.interaction.id.to_string(),
        conversation_id: hit.interaction.conversation.to_string(),
        event_time: Some(hit.interaction.contact.event_at.into()),
        channel: hit.interaction.contact.channel.into(),
        snippet: Some(pb::SearchSnippet {
            text: hit.snippet.text,
            marks: hit.snippet.hits.into_iter().map(mark).collect(),
        }),
    }
}
pub(crate) fn interaction(interaction: Interaction) -> pb::Interaction {
    let end = interaction.end;
    pb::Interaction {
        id: interaction.id.to_string(),
        connector: interaction.connector,
        input: Some(input(interaction.contact)),
        conversation_id: interaction.conversation.to_string(),
        conversation_position: interaction.conversation_position,
        customer: interaction.link.customer().map(facts::reference),
        link_state: interaction.link.state().into(),
        asks_for_agent: interaction.asks_for_agent,
        receive_time: Some(interaction.received_at.into()),
        end_time: end.map(|end| end.at.into()),
        end_reason: optional(end.map(|end| end.reason)),
        state: state(interaction.state),
        outbound: interaction.outbound.map(outbound::outbound),
        position: interaction.position,
    }
}

fn input(contact: Contact) -> pb::InteractionInput {
    let content = contact.content;
    let routing = facts::routing(&content.routing);
    pb::InteractionInput {
        external_id: contact.external_id,
        kind: contact.kind.into(),
        channel: contact.channel.into(),
        provider: contact.provider,
        direction: contact.direction.into(),
        purpose: optional(contact.purpose),
        participants: content.participants.into_iter().map(participant).collect(),
        subject: content.subject.into_exposed(),
        parts: content.parts.into_iter().map(part::part).collect(),
        thread_key: content.thread_key.into_exposed(),
        event_time: Some(contact.event_at.into()),
        history: contact.history,
        automatic: contact.automatic,
        order: contact.order.map(part::order),
        routing,
        attributes: part::attributes(content.attributes),
        raw_payload: content.raw_payload.0.into(),
        hints: hints(content.hints),
        mail: mail(content.mail),
    }
}

fn mail(mail: Mail) -> Option<pb::MailHeaders> {
    let exposed = |list: Vec<Personal>| list.into_iter().map(Personal::into_exposed).collect();
    (!mail.is_empty()).then(|| pb::MailHeaders {
        message_id: mail.message_id.into_exposed(),
        in_reply_to: exposed(mail.in_reply_to),
        references: exposed(mail.references),
    })
}

fn hints(hints: Hints) -> Option<pb::ContactHints> {
    let said = hints != Hints::default();
    said.then_some(pb::ContactHints {
        language: hints.language,
        time_zone: hints.time_zone,
        region: hints.region,
    })
}

fn participant(one: Participant) -> pb::Participant {
    pb::Participant {
        role: one.side.into(),
        identifier: one.identifier.map(identifier),
        further_identifiers: one.further.into_iter().map(identifier).collect(),
        display_name: one.display_name.into_exposed(),
    }
}

fn identifier(one: Identifier) -> types::Identifier {
    types::Identifier {
        r#type: one.kind.into(),
        value: one.value.into_exposed(),
        namespace: one.namespace,
    }
}

fn state(state: State) -> Option<pb::InteractionState> {
    let known = state.facts > 0;
    known.then(|| pb::InteractionState {
        parts: state.parts.into_iter().map(part::part).collect(),
        edit_time: state.edited_at.map(Into::into),
        delete_time: state.deleted_at.map(Into::into),
        disposition: state.disposition.map(part::disposition),
        deliveries: state.deliveries.into_iter().map(part::delivery).collect(),
        transcript: state.transcript.map(part::transcript),
        call_legs: state.call_legs.into_iter().map(part::call_leg).collect(),
        reactions: state.reactions.into_iter().map(part::reaction).collect(),
        fact_count: i32::try_from(state.facts).unwrap_or(i32::MAX),
    })
}

pub(crate) fn fact(logged: Logged) -> pb::Fact {
    pb::Fact {
        input: Some(part::fact(logged.fact)),
        receive_time: Some(logged.received_at.into()),
    }
}

/// Empty for none.
pub(crate) fn optional_id(id: Option<InteractionId>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}

pub(crate) fn acknowledgement(acknowledged: Acknowledgement) -> pb::StreamInteractionsResponse {
    let sequence = acknowledged.sequence;
    match acknowledged.outcome {
        Ok((id, duplicate)) => pb::StreamInteractionsResponse {
            sequence,
            interaction_id: optional_id(id),
            duplicate,
            error: None,
        },
        Err(error) => pb::StreamInteractionsResponse {
            sequence,
            error: Some(item_error(error)),
            ..Default::default()
        },
    }
}

pub(crate) fn uploaded(uploaded: Uploaded) -> pb::UploadInteractionsResponse {
    let refusals = uploaded.refusals.into_iter();
    pb::UploadInteractionsResponse {
        logged_count: uploaded.logged,
        duplicate_count: uploaded.duplicates,
        refused_count: uploaded.refused,
        refusals: refusals
            .map(|(number, error)| pb::RefusedItem {
                number,
                error: Some(item_error(error)),
            })
            .collect(),
    }
}

/// What a single call would have failed with.
fn item_error(error: Error) -> pb::ItemError {
    let failure = Failure::from(error);
    let violations = failure
        .violations()
        .iter()
        .map(|violation| pb::ItemViolation {
            field: violation.field.clone(),
            reason: violation.reason.to_owned(),
            description: violation.description.clone(),
        });
    pb::ItemError {
        reason: failure.reason.to_owned(),
        message: failure.message.to_string(),
        violations: violations.collect(),
        code: tonic::Status::from(failure).code().into(),
    }
}

pub(crate) fn conversation(conversation: Conversation) -> pb::Conversation {
    pb::Conversation {
        id: conversation.id.to_string(),
        customer: conversation.customer.map(facts::reference),
        channels: conversation.channels.into_iter().map(Into::into).collect(),
        interaction_count: conversation.interactions,
        first_event_time: Some(conversation.first_at.into()),
        last_event_time: Some(conversation.last_at.into()),
        connector: conversation.connector,
        thread_key: conversation.thread_key.into_exposed(),
        merged_conversation_ids: (conversation.merged.iter())
            .map(ToString::to_string)
            .collect(),
    }
}

pub(crate) fn conflict(conflict: Conflict) -> pb::InteractionConflict {
    pb::InteractionConflict {
        number: conflict.number,
        interaction_id: conflict.interaction.to_string(),
        input: Some(input(conflict.contact)),
        receive_time: Some(conflict.received_at.into()),
    }
}

pub(crate) fn entry(entry: Entry) -> pb::TimelineEntry {
    let what = match entry.what {
        What::Contact(one) => pb::timeline_entry::Entry::Interaction(Box::new(interaction(*one))),
        What::Change(Change::Ticket(ticket, change)) => {
            pb::timeline_entry::Entry::Ticket(pb::TicketProjection {
                ticket_id: ticket.to_string(),
                change: change.into(),
            })
        }
        What::Change(Change::Points {
            entry,
            member,
            points,
            change,
        }) => pb::timeline_entry::Entry::Points(pb::PointsProjection {
            entry_id: entry.to_string(),
            member_id: member.to_string(),
            points: Some(facts::amount(&points)),
            change: change.into(),
        }),
    };
    pb::TimelineEntry {
        time: Some(entry.place.at.into()),
        entry: Some(what),
    }
}

pub(crate) fn told(told: Told) -> pb::WatchInteractionsResponse {
    pb::WatchInteractionsResponse {
        interaction: told.interaction.map(interaction),
        cursor: told.cursor,
    }
}

pub(crate) fn rules(rules: &Rules) -> pb::IntakeRules {
    pb::IntakeRules {
        rules: rules.rules.iter().map(rule).collect(),
        etag: etag::of(rules.version),
    }
}

fn rule(rule: &Rule) -> pb::IntakeRule {
    pb::IntakeRule {
        direction: optional(rule.direction),
        channel: optional(rule.channel),
        purpose: optional(rule.purpose),
        kind: optional(rule.kind),
        asks_for_agent: rule.asks_for_agent,
        routing: facts::routing(&rule.routing),
    }
}

pub(crate) fn matter_change(change: MatterChange) -> pb::ConversationChange {
    let undone = change.undone;
    let (undo_actor, undo_reason, undo_time) = match undone {
        Some(undone) => (
            undone.actor,
            undone.reason.into_exposed(),
            Some(undone.at.into()),
        ),
        None => (String::new(), String::new(), None),
    };
    pb::ConversationChange {
        id: change.id.to_string(),
        kind: change.kind.into(),
        basis: optional(change.basis),
        conversation_id: change.conversation.to_string(),
        other_conversation_id: change.other.to_string(),
        interaction_count: change.taken_out,
        change_time: Some(change.at.into()),
        actor: change.actor,
        reason: change.reason.into_exposed(),
        undo_time,
        undo_actor,
        undo_reason,
    }
}

pub(crate) fn threading_rules(rules: &ThreadingRules) -> pb::ThreadingRules {
    let rule = |rule: &ThreadingRule| pb::ThreadingRule {
        channel: optional(rule.channel),
        purpose: optional(rule.purpose),
        window_s: i32::try_from(rule.window.as_secs()).unwrap_or(i32::MAX),
    };
    pb::ThreadingRules {
        rules: rules.rules.iter().map(rule).collect(),
        ignore_open_tickets: rules.ignore_open_tickets,
        etag: etag::of(rules.version),
    }
}

pub(crate) fn count(count: Count) -> pb::InteractionCount {
    pb::InteractionCount {
        start_time: Some(count.span.start.into()),
        end_time: Some(count.span.end.into()),
        channel: optional(count.channel),
        direction: optional(count.direction),
        purpose: optional(count.purpose),
        kind: optional(count.kind),
        provider: count.provider,
        connector: count.connector,
        asks_for_agent: count.asks_for_agent,
        count: count.count,
    }
}
