//! Appending events in the transaction of their change.

use std::collections::HashMap;
use std::sync::LazyLock;

use prost::Message as _;
use rapport_proto::events::v1::Event;
use rapport_proto::events::v1::event::Data;
use sea_orm::Value;
use uuid::Uuid;

use crate::db::{Engine, Error, Scoped, System};
use crate::id::{EventId, TenantId};
use crate::telemetry;
use crate::time::Micros;

/// Rows in one statement with a list of values: 512 rows of 7 values stay far below the engines' limits.
const ROWS: usize = 512;

/// An event on its way to the log. Holds ids, codes, times and amounts, never names, addresses or text.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// Its own id.
    pub id: EventId,
    /// The resource it is about, such as `tkt_…`: events of one aggregate are applied in order.
    pub aggregate: String,
    /// When it happened.
    pub at: Micros,
    /// The trace it belongs to, in W3C form.
    pub traceparent: Option<String>,
    /// What happened.
    pub data: Data,
}

impl Outgoing {
    /// An event of now, in the trace of the current span.
    #[must_use]
    pub fn new(at: Micros, aggregate: impl std::fmt::Display, data: Data) -> Self {
        Self {
            id: EventId::new(at),
            aggregate: aggregate.to_string(),
            at,
            traceparent: telemetry::current_traceparent(),
            data,
        }
    }

    /// The same in the trace of the event that caused it: for handlers of batches, whose events have many traces.
    #[must_use]
    pub fn caused_by(mut self, event: &Event) -> Self {
        if !event.traceparent.is_empty() {
            self.traceparent = Some(event.traceparent.clone());
        }
        self
    }
}

/// Appends one event in this transaction.
///
/// # Errors
/// When the store fails.
pub async fn append(s: &Scoped, event: &Outgoing) -> Result<(), Error> {
    append_many(s, std::slice::from_ref(event)).await
}

/// Appends events in this transaction, in their order.
///
/// # Errors
/// When the store fails.
pub async fn append_many(s: &Scoped, events: &[Outgoing]) -> Result<(), Error> {
    let rows: Vec<_> = events.iter().map(|event| (s.tenant(), event)).collect();
    insert(s.access(), &rows).await
}

/// Appends events of one tenant in a transaction across tenants.
///
/// # Errors
/// When the store fails.
pub async fn append_for(s: &System, tenant: TenantId, events: &[Outgoing]) -> Result<(), Error> {
    append_many(&s.scoped(tenant), events).await
}

/// Appends events of several tenants in a transaction across tenants, in as few statements as it takes.
///
/// # Errors
/// When the store fails.
pub async fn append_across(s: &System, events: &[(TenantId, Outgoing)]) -> Result<(), Error> {
    let rows: Vec<_> = events
        .iter()
        .map(|(tenant, event)| (*tenant, event))
        .collect();
    insert(s.access(), &rows).await
}

async fn insert(access: &crate::db::Access, rows: &[(TenantId, &Outgoing)]) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let encoded: Vec<(&'static str, Vec<u8>)> =
        rows.iter().map(|(_, event)| encode(&event.data)).collect();
    if access.engine() == Engine::Postgres && rows.len() > 1 {
        let values = columns(rows, encoded);
        access.insert(UNNEST.to_owned(), values).await?;
    } else {
        let mut encoded = encoded.into_iter();
        for chunk in rows.chunks(ROWS) {
            let values =
                chunk
                    .iter()
                    .zip(encoded.by_ref())
                    .flat_map(|((tenant, event), (kind, data))| {
                        [
                            tenant.uuid().into(),
                            event.id.uuid().into(),
                            event.aggregate.as_str().into(),
                            kind.into(),
                            event.at.0.into(),
                            event.traceparent.as_deref().unwrap_or_default().into(),
                            data.into(),
                        ]
                    });
            let values: Vec<Value> = values.collect();
            let sql = values_list(access.engine(), chunk.len());
            access.insert(sql, values).await?;
        }
    }
    access.note_appended();
    Ok(())
}

/// One prepared text for every number of rows; the order of the arrays is the order of insertion.
const UNNEST: &str = "insert into outbox (tenant_id, id, aggregate, kind, at, traceparent, data) \
     select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::bytea[])";

fn columns(rows: &[(TenantId, &Outgoing)], encoded: Vec<(&'static str, Vec<u8>)>) -> Vec<Value> {
    let (kinds, data): (Vec<String>, Vec<Vec<u8>>) = encoded
        .into_iter()
        .map(|(kind, data)| (kind.to_owned(), data))
        .unzip();
    vec![
        rows.iter()
            .map(|(tenant, _)| tenant.uuid())
            .collect::<Vec<Uuid>>()
            .into(),
        rows.iter()
            .map(|(_, event)| event.id.uuid())
            .collect::<Vec<Uuid>>()
            .into(),
        rows.iter()
            .map(|(_, event)| event.aggregate.clone())
            .collect::<Vec<String>>()
            .into(),
        kinds.into(),
        rows.iter()
            .map(|(_, event)| event.at.0)
            .collect::<Vec<i64>>()
            .into(),
        rows.iter()
            .map(|(_, event)| event.traceparent.clone().unwrap_or_default())
            .collect::<Vec<String>>()
            .into(),
        data.into(),
    ]
}

/// On SQLite without numbers: a numbered placeholder has a name there, and binding looks through all names for each.
fn values_list(engine: Engine, rows: usize) -> String {
    let row = match engine {
        Engine::Postgres => "($1, $2, $3, $4, $5, $6, $7)",
        _ => "(?, ?, ?, ?, ?, ?, ?)",
    };
    format!(
        "insert into outbox (tenant_id, id, aggregate, kind, at, traceparent, data) values {}",
        vec![row; rows].join(", ")
    )
}

/// The names of the members of the `data` set, by field number.
static KINDS: LazyLock<HashMap<u32, &'static str>> = LazyLock::new(|| {
    let Some(event) = rapport_proto::pool().get_message_by_name("rapport.events.v1.Event") else {
        return HashMap::new();
    };
    let names = event
        .oneofs()
        .flat_map(|set| set.fields().collect::<Vec<_>>());
    names
        .map(|field| {
            (
                field.number(),
                &*Box::leak(field.name().to_owned().into_boxed_str()),
            )
        })
        .collect()
});

/// The name of the set member and the encoding of an event that holds nothing else.
fn encode(data: &Data) -> (&'static str, Vec<u8>) {
    let bytes = Event {
        data: Some(data.clone()),
        ..Event::default()
    }
    .encode_to_vec();
    // With nothing else set the first tag is the member's.
    let tag = prost::encoding::decode_varint(&mut bytes.as_slice()).unwrap_or_default();
    let number = u32::try_from(tag >> 3).unwrap_or_default();
    (KINDS.get(&number).copied().unwrap_or_default(), bytes)
}

#[cfg(test)]
mod tests {
    use rapport_proto::events::v1::{PointsEarned, TicketOpened};

    use super::*;

    #[test]
    fn an_event_is_stored_under_the_name_of_its_set_member() {
        assert_eq!(
            encode(&Data::TicketOpened(TicketOpened::default())).0,
            "ticket_opened"
        );
        assert_eq!(
            encode(&Data::PointsEarned(PointsEarned::default())).0,
            "points_earned"
        );
    }

    #[test]
    fn a_list_of_values_has_a_place_for_each() {
        assert!(values_list(Engine::Postgres, 1).ends_with("values ($1, $2, $3, $4, $5, $6, $7)"));
        assert!(
            values_list(Engine::Sqlite, 2)
                .ends_with("values (?, ?, ?, ?, ?, ?, ?), (?, ?, ?, ?, ?, ?, ?)")
        );
    }
}
