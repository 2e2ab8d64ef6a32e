//! Decoding which stretch of the log is wanted.

use rapport_foundation::check::Check;
use rapport_foundation::error::Failure;
use rapport_foundation::time::Micros;
use rapport_proto::interactions::v1 as pb;

use super::{CONNECTOR, contact, search};
use crate::app::Extract;
use crate::domain::{Said, limits};

pub(crate) fn extract(request: &pb::ExportInteractionsRequest) -> Result<Extract, Failure> {
    let mut c = Check::new();
    let provider = contact::optional_code(&mut c, "provider", &request.provider, limits::PROVIDER);
    let wanted = Extract {
        from: c.optional_time("from_time", request.from_time.as_ref()),
        until: c.optional_time("until_time", request.until_time.as_ref()),
        received_from: c.optional_time("receive_from_time", request.receive_from_time.as_ref()),
        received_until: c.optional_time("receive_until_time", request.receive_until_time.as_ref()),
        channel: c.optional_enumeration("channel", request.channel),
        direction: c.optional_enumeration("direction", request.direction),
        purpose: c.optional_enumeration("purpose", request.purpose),
        kind: c.optional_enumeration("kind", request.kind),
        provider: Some(provider).filter(|provider| !provider.is_empty()),
        connector: c.optional_text("connector", &request.connector, CONNECTOR),
        customer: c.optional_id("customer_id", &request.customer_id),
        said: Said {
            language: c.optional_text("language", &request.language, limits::LANGUAGE),
            tag: search::tag(&mut c, &request.tag),
        },
    };
    in_order(
        &mut c,
        ("from_time", wanted.from),
        ("until_time", wanted.until),
    );
    in_order(
        &mut c,
        ("receive_from_time", wanted.received_from),
        ("receive_until_time", wanted.received_until),
    );
    c.done(wanted)
}

/// That a range does not end before it begins.
fn in_order(c: &mut Check, from: (&str, Option<Micros>), until: (&str, Option<Micros>)) {
    if let (Some(begins), Some(ends)) = (from.1, until.1) {
        let what = format!("is before {}", from.0);
        c.require(begins <= ends, until.0, "BEFORE_START", &what);
    }
}
