//! The parts that requests share.

use rapport_foundation::check::Check;
use rapport_foundation::personal::Personal;
use rapport_proto::profiles::v1 as pb;
use rapport_proto::types::v1 as types;

use crate::domain::customer::{CustomerKind, Profile, Stage};
use crate::domain::identifier::{Identifier, Kind, Region};
use crate::domain::preferences::{Channel, Language, Preferences, Zone};

const LONGEST_NAME: usize = 200;
const LONGEST_REASON: usize = 500;
const LONGEST_SOURCE: usize = 128;
const LONGEST_VALUE: usize = 320;

/// What may be set by hand; everything the service sets must be empty.
pub(super) fn profile(c: &mut Check, customer: &pb::Customer) -> Profile {
    let set = [
        ("id", !customer.id.is_empty()),
        ("state", customer.state != 0),
        ("identifiers", !customer.identifiers.is_empty()),
        ("record_ids", !customer.record_ids.is_empty()),
        (
            "merged_into_customer_id",
            !customer.merged_into_customer_id.is_empty(),
        ),
        (
            "possible_same_as_customer_ids",
            !customer.possible_same_as_customer_ids.is_empty(),
        ),
        ("create_time", customer.create_time.is_some()),
        ("update_time", customer.update_time.is_some()),
        ("delete_time", customer.delete_time.is_some()),
        ("etag", !customer.etag.is_empty()),
    ];
    for (field, set) in set {
        c.require(
            !set,
            field,
            "OUTPUT_ONLY",
            "is set by the service and must be empty",
        );
    }
    let likes = customer.preferences.clone().unwrap_or_default();
    Profile {
        display_name: name(c, "display_name", &customer.display_name),
        given_name: name(c, "given_name", &customer.given_name),
        family_name: name(c, "family_name", &customer.family_name),
        kind: coded(c, "kind", customer.kind, CustomerKind::from_code),
        stage: coded(
            c,
            "lifecycle_stage",
            customer.lifecycle_stage,
            Stage::from_code,
        ),
        preferences: c.within("preferences", |c| Preferences {
            channel: coded(c, "channel", likes.channel, Channel::from_code),
            language: language(c, &likes.language),
            time_zone: time_zone(c, &likes.time_zone),
        }),
    }
}

pub(super) fn identifier(
    c: &mut Check,
    given: &types::Identifier,
    region: Option<Region>,
) -> Option<Identifier> {
    c.require(given.r#type != 0, "type", "REQUIRED", "is required");
    let kind = coded(c, "type", given.r#type, Kind::from_code);
    let value = c.text("value", &given.value, 1..=LONGEST_VALUE);
    match Identifier::parse(kind?, &given.value, &given.namespace, region) {
        Ok(identifier) => (!value.is_empty()).then_some(identifier),
        Err(faults) => {
            // A value that is missing or too long was told already.
            for fault in faults
                .iter()
                .filter(|fault| fault.field != "value" || !value.is_empty())
            {
                c.fail(fault.field, fault.reason, fault.what);
            }
            None
        }
    }
}

pub(super) fn coded<T>(
    c: &mut Check,
    field: &str,
    code: i32,
    known: impl Fn(i16) -> Option<T>,
) -> Option<T> {
    if code == 0 {
        return None;
    }
    let value = i16::try_from(code).ok().and_then(known);
    c.require(
        value.is_some(),
        field,
        "UNKNOWN_VALUE",
        "is not a known value",
    );
    value
}

pub(super) fn name(c: &mut Check, field: &str, text: &str) -> Option<Personal> {
    let text = c.optional_text(field, text, LONGEST_NAME)?;
    let text = text.trim();
    (!text.is_empty()).then(|| Personal::from(text))
}

pub(super) fn reason(c: &mut Check, text: &str) -> Option<Personal> {
    let text = c.optional_text("reason", text, LONGEST_REASON)?;
    (!text.trim().is_empty()).then(|| Personal::from(text.trim()))
}

pub(super) fn language(c: &mut Check, text: &str) -> Option<Language> {
    let given = (!text.is_empty()).then(|| Language::parse(text));
    c.require(
        given != Some(None),
        "language",
        "INVALID_LANGUAGE",
        "is not a BCP 47 language tag",
    );
    given.flatten()
}

pub(super) fn time_zone(c: &mut Check, text: &str) -> Option<Zone> {
    let given = (!text.is_empty()).then(|| Zone::parse(text));
    c.require(
        given != Some(None),
        "time_zone",
        "UNKNOWN_TIME_ZONE",
        "is not an IANA time zone",
    );
    given.flatten()
}

pub(super) fn region(c: &mut Check, text: &str) -> Option<Region> {
    let given = (!text.is_empty()).then(|| Region::parse(text));
    c.require(
        given != Some(None),
        "region",
        "UNKNOWN_REGION",
        "is not an ISO 3166-1 alpha-2 region",
    );
    given.flatten()
}

pub(super) fn source(c: &mut Check, text: &str) -> String {
    // What the gateway takes as the name of a connector must not be refused here: its contacts would stay unknown.
    c.line("source", text, 1..=LONGEST_SOURCE)
}
