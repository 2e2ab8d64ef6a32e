//! Decoding what became known of a contact later.

use rapport_foundation::check::Check;
use rapport_foundation::error::Failure;
use rapport_foundation::time::Micros;
use rapport_proto::interactions::v1 as pb;

use super::contact::{attributes, is_code, not_too_far_ahead, raw_payload};
use super::part::{call_leg, delivery, parts, reaction, transcript};
use crate::domain::{Disposition, EndReason, Fact, Known, limits};

/// A fact as its connector tells it, with every violation at once.
///
/// # Errors
/// `INVALID_ARGUMENT`.
pub(crate) fn fact(input: Option<pb::FactInput>, now: Micros) -> Result<Fact, Failure> {
    let mut c = Check::new();
    let Some(input) = input else {
        c.fail("fact", "REQUIRED", "is required");
        return c.done(()).and_then(|()| Err(Failure::invalid(Vec::new())));
    };
    let fact = c.within("fact", |c| checked(c, input, now));
    c.done(fact)
}

fn checked(c: &mut Check, input: pb::FactInput, now: Micros) -> Fact {
    let event_at = c.time("event_time", input.event_time.as_ref());
    not_too_far_ahead(c, "event_time", event_at, now);
    let ends = matches!(input.fact, Some(pb::fact_input::Fact::End(_)));
    let shortest = usize::from(!ends);
    Fact {
        external_id: c.text("external_id", &input.external_id, 1..=limits::EXTERNAL_ID),
        key: c.text("key", &input.key, shortest..=limits::FACT_KEY),
        event_at,
        what: known(c, input.fact),
        attributes: attributes(c, input.attributes),
        raw_payload: raw_payload(c, input.raw_payload.into()),
    }
}

fn known(c: &mut Check, said: Option<pb::fact_input::Fact>) -> Known {
    use pb::fact_input::Fact as Said;
    match said {
        Some(Said::End(one)) => {
            c.within("end", |c| Known::End(c.enumeration("reason", one.reason)))
        }
        Some(Said::Disposition(one)) => {
            c.within("disposition", |c| Known::Disposition(disposition(c, &one)))
        }
        Some(Said::Delivery(one)) => c.within("delivery", |c| {
            no_target(c, &one.target);
            Known::Delivery(delivery(c, &one))
        }),
        Some(Said::Transcript(one)) => {
            c.within("transcript", |c| Known::Transcript(transcript(c, one)))
        }
        Some(Said::Edit(one)) => c.within("edit", |c| {
            let said = !one.parts.is_empty();
            c.require(said, "parts", "REQUIRED", "is required");
            Known::Edit(parts(c, one.parts))
        }),
        Some(Said::Deletion(one)) => c.within("deletion", |c| {
            Known::Deletion(c.optional_enumeration("side", one.side))
        }),
        Some(Said::CallLeg(one)) => c.within("call_leg", |c| Known::CallLeg(call_leg(c, &one))),
        Some(Said::Reaction(one)) => c.within("reaction", |c| {
            no_target(c, &one.target);
            Known::Reaction(reaction(c, &one))
        }),
        None => {
            c.fail("fact", "REQUIRED", "is required");
            Known::End(EndReason::default())
        }
    }
}

/// A fact is about its contact.
fn no_target(c: &mut Check, target: &str) {
    let none = target.is_empty();
    c.require(none, "target", "NOT_EMPTY", "must be empty in a fact");
}

fn disposition(c: &mut Check, said: &pb::Disposition) -> Disposition {
    let coded = is_code(&said.code, limits::DISPOSITION);
    let what = "is not 1 to 64 of a-z, 0-9, dot, _ and -";
    c.require(coded, "code", "MALFORMED", what);
    Disposition {
        code: said.code.clone(),
        note: c.text("note", &said.note, 0..=limits::NOTE).into(),
        agent: c.text("agent", &said.agent, 0..=limits::TELEPHONE_KEY),
    }
}
