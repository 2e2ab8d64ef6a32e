//! What virtual agents hand over.

use std::collections::BTreeSet;

use rapport_foundation::check::Check;
use rapport_foundation::error::Failure;
use rapport_foundation::id::WorkItemId;
use rapport_foundation::personal::Personal;
use rapport_proto::routing::v1 as pb;
use uuid::Uuid;

use super::{limit, priority, required_code};
use crate::app::command::NewHandOver;
use crate::domain::{Code, HandOver};

const VALUE_CHARACTERS: usize = 500;

pub(in crate::grpc) fn hand_over_work(
    body: &pb::HandOverWorkRequest,
) -> Result<(Uuid, WorkItemId, NewHandOver), Failure> {
    let mut c = Check::new();
    let request = c.request_id(&body.request_id);
    let id = c.id("work_item_id", &body.work_item_id);
    let to = NewHandOver {
        queue: c.id("queue_id", &body.queue_id),
        priority: priority(&mut c, "priority", body.priority),
        entries: entries(&mut c, &body.entries),
    };
    c.done((request, id, to))
}

fn entries(c: &mut Check, given: &[pb::HandOverEntry]) -> Vec<(Code, Personal)> {
    let (mut entries, mut keys) = (Vec::new(), BTreeSet::new());
    limit(c, "entries", given.len(), HandOver::MOST_ENTRIES);
    for (place, entry) in given.iter().take(HandOver::MOST_ENTRIES).enumerate() {
        c.within(format_args!("entries[{place}]"), |c| {
            let value = c.text("value", &entry.value, 1..=VALUE_CHARACTERS);
            let Some(key) = required_code(c, "key", &entry.key) else {
                return;
            };
            let once = keys.insert(key.clone());
            c.require(once, "key", "DUPLICATE", "is named twice");
            entries.push((key, value.into()));
        });
    }
    entries
}
