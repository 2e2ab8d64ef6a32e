//! What the end-to-end tests share: a running suite, credentials, a client that speaks JSON, desks.

mod codec;
mod credentials;
mod desk;
mod import;
mod layout;
mod otlp;
mod ports;
mod process;
mod rows;
mod suite;
mod trigger;
mod ways;
mod wire;

pub use credentials::{Credentials, Who};
pub use desk::{Desk, DeskLog, OfferSeen};
pub use import::{Import, ImportReport};
pub use layout::{Database, Topology};
pub use otlp::{Receiver, SeenSpan};
pub use rows::StoredOffer;
pub use suite::{Suite, binary};
pub use trigger::{Moment, Trigger};
pub use ways::Ways;
pub use wire::{Client, Opened, Refusal, method, methods};

use std::{future::Future, time::Duration};

use prost_reflect::{MethodDescriptor, Value};
use rapport_proto::options::v1::MethodPolicy;

/// Asks until the answer is there: events arrive when they arrive. Gives up after 20 seconds.
pub async fn until<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut probe: impl FnMut() -> F,
) -> T {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(answer) = probe().await {
            return answer;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "gave up waiting for {what}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A fresh request id.
pub fn request_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// The present, as a contract writes it.
pub fn now() -> String {
    chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}

/// What a method demands of its callers.
///
/// # Panics
/// When it has no policy.
pub fn policy(method: &MethodDescriptor) -> MethodPolicy {
    let extension = rapport_proto::pool()
        .get_extension_by_name("rapport.options.v1.policy")
        .expect("the policy option");
    match method.options().get_extension(&extension).as_ref() {
        Value::Message(message) => message.transcode_to().expect("a policy"),
        other => panic!("a policy is a message, not {other:?}"),
    }
}

/// Every scope the contracts name.
///
/// # Panics
/// When a method has no policy.
pub fn scopes() -> Vec<String> {
    let mut scopes: Vec<String> = methods()
        .iter()
        .map(|method| policy(method).scope)
        .collect();
    scopes.sort();
    scopes.dedup();
    scopes
}
