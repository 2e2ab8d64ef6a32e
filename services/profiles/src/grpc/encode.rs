//! Domain types to messages.

use rapport_foundation::etag;
use rapport_foundation::id::{CustomerId, IdentifierId};
use rapport_foundation::personal::Personal;
use rapport_proto::profiles::v1 as pb;
use rapport_proto::types::v1 as types;

use crate::domain::customer::{Customer, Held, Shown, State};
use crate::domain::preferences::Preferences;
use crate::domain::resolve::Reason;
use crate::work::resolving::Resolved;

pub(super) fn customer(shown: Shown) -> pb::Customer {
    let Shown {
        customer,
        identifiers,
        records,
        possible,
    } = shown;
    let merged_into = merged_into(&customer);
    let profile = customer.profile;
    pb::Customer {
        id: customer.id.to_string(),
        state: i32::from(customer.state.code()),
        display_name: text(profile.display_name),
        given_name: text(profile.given_name),
        family_name: text(profile.family_name),
        kind: profile.kind.map_or(0, |kind| i32::from(kind.code())),
        lifecycle_stage: profile.stage.map_or(0, |stage| i32::from(stage.code())),
        preferences: preferences(&profile.preferences),
        identifiers: identifiers.into_iter().map(held).collect(),
        record_ids: records.iter().map(ToString::to_string).collect(),
        merged_into_customer_id: merged_into.map_or(String::new(), |id| id.to_string()),
        possible_same_as_customer_ids: possible.iter().map(ToString::to_string).collect(),
        create_time: Some(customer.created_at.into()),
        update_time: Some(customer.updated_at.into()),
        delete_time: customer.deleted_at.map(Into::into),
        etag: etag::of(customer.version),
    }
}

pub(super) fn resolved(resolved: Resolved) -> pb::ResolveCustomerResponse {
    let reason = match resolved.reason {
        Reason::Matched => pb::ResolveReason::IdentifierMatched,
        Reason::Created => pb::ResolveReason::Created,
        Reason::StrongestOfSeveral => pb::ResolveReason::StrongestOfSeveral,
    };
    pb::ResolveCustomerResponse {
        customer: Some(types::CustomerRef {
            customer_id: resolved.customer.to_string(),
            record_id: resolved.record.to_string(),
        }),
        created: resolved.reason == Reason::Created,
        reason: reason.into(),
        matched_identifier_id: resolved.matched.map_or(String::new(), |id| id.to_string()),
        possible_same_as_customer_ids: resolved.possible.iter().map(ToString::to_string).collect(),
    }
}

/// The customer with the identifier that was added; without it when it was removed since.
pub(super) fn added(shown: Shown, identifier: IdentifierId) -> pb::AddIdentifierResponse {
    let identifier = shown
        .identifiers
        .iter()
        .find(|held| held.id == identifier)
        .cloned()
        .map(held);
    pb::AddIdentifierResponse {
        customer: Some(customer(shown)),
        identifier,
    }
}

/// The customer it is part of in the end, also after that one was deleted.
fn merged_into(customer: &Customer) -> Option<CustomerId> {
    (customer.state == State::Merged || customer.part_of != customer.id).then_some(customer.part_of)
}

fn held(held: Held) -> pb::CustomerIdentifier {
    pb::CustomerIdentifier {
        id: held.id.to_string(),
        identifier: Some(types::Identifier {
            r#type: i32::from(held.identifier.kind().code()),
            value: held.identifier.value().expose().to_owned(),
            namespace: held.identifier.namespace().to_owned(),
        }),
        record_id: held.record.to_string(),
        valid_from_time: Some(held.valid_from.into()),
        valid_until_time: held.valid_until.map(Into::into),
    }
}

fn preferences(preferences: &Preferences) -> Option<pb::Preferences> {
    let Preferences {
        channel,
        language,
        time_zone,
    } = preferences;
    let known = channel.is_some() || language.is_some() || time_zone.is_some();
    known.then(|| pb::Preferences {
        channel: channel.map_or(0, |channel| i32::from(channel.code())),
        language: language
            .as_ref()
            .map_or(String::new(), |tag| tag.as_str().to_owned()),
        time_zone: time_zone
            .as_ref()
            .map_or(String::new(), |zone| zone.as_str().to_owned()),
    })
}

fn text(text: Option<Personal>) -> String {
    text.map_or(String::new(), Personal::into_exposed)
}
