//! What the provider tells of messages of ours: it names them by its own ids.

use std::collections::{BTreeMap, HashMap};

use rapport_foundation::db::bulk::{self, Type};
use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{InteractionId, OutboundId};
use sea_orm::Value;

use super::super::facts::{ContactKey, FactTelling};
use super::super::record::Telling;
use super::{Moved, Tell, lock, now, save};
use crate::domain::{Delivery, Direction};

const NAMED: [(&str, Type); 3] = [
    ("place", Type::Big),
    ("connector", Type::Text),
    ("message_id", Type::Text),
];

/// Which of these keys are a provider's ids of messages of ours, by their places.
async fn named(s: &Scoped, keys: &[ContactKey<'_>]) -> Result<BTreeMap<usize, OutboundId>, Error> {
    let row = |(place, (connector, id)): (usize, &ContactKey<'_>)| -> Vec<Value> {
        let place = i64::try_from(place).unwrap_or(i64::MAX);
        vec![place.into(), (*connector).into(), (*id).into()]
    };
    let rows = keys.iter().enumerate().map(row).collect();
    let query = "select k.place, o.id from k cross join outbound o \
                 where o.tenant_id = $1 and o.connector = k.connector and o.message_id = k.message_id";
    let mut named = BTreeMap::new();
    for row in bulk::select(s, &NAMED, rows, query).await? {
        let place = usize::try_from(row.try_get::<i64>("", "place")?).unwrap_or(usize::MAX);
        let id = OutboundId::from_uuid(row.try_get("", "id")?);
        // A provider that gives an id twice means the later message.
        let known = named.entry(place).or_insert(id);
        *known = id.max(*known);
    }
    Ok(named)
}

/// Facts that name a message of ours by the provider's id, in the places of their tellings, named by the message's own
/// key instead.
pub(in crate::store) async fn by_message(
    s: &Scoped,
    tellings: &[&FactTelling],
) -> Result<Vec<Option<FactTelling>>, Error> {
    let keys: Vec<ContactKey<'_>> = tellings.iter().map(|one| one.contact()).collect();
    let named = named(s, &keys).await?;
    let rename = |(place, telling): (usize, &&FactTelling)| {
        let id = named.get(&place)?;
        let mut telling = FactTelling::clone(telling);
        telling.fact.external_id = id.to_string();
        Some(telling)
    };
    Ok(tellings.iter().enumerate().map(rename).collect())
}

/// Contacts that are messages of ours, which a provider echoes: their keys, and the interactions they are already.
pub(in crate::store) async fn echoes<'a>(
    s: &Scoped,
    tellings: &[&'a Telling],
) -> Result<HashMap<ContactKey<'a>, InteractionId>, Error> {
    let outgoing = tellings
        .iter()
        .filter(|one| one.contact.direction == Direction::Outbound);
    let keys: Vec<ContactKey<'a>> = outgoing.map(|one| one.key()).collect();
    let found = named(s, &keys).await?.into_iter();
    let echo = |(place, id): (usize, OutboundId)| {
        Some((*keys.get(place)?, InteractionId::from_uuid(id.uuid())))
    };
    Ok(found.filter_map(echo).collect())
}

/// Notes how far messages came, as the channel says. Interactions that are no messages of ours are passed over.
pub(in crate::store) async fn delivered(
    s: &Scoped,
    told: &[(InteractionId, &Delivery)],
    tell: Tell,
) -> Result<(), Error> {
    if told.is_empty() {
        return Ok(());
    }
    let ids: Vec<OutboundId> = told
        .iter()
        .map(|(id, _)| OutboundId::from_uuid(id.uuid()))
        .collect();
    let mut moved: Vec<Moved> = lock(s, &ids).await?.into_iter().map(Moved::new).collect();
    if moved.is_empty() {
        return Ok(());
    }
    let now = now(s).await?;
    for one in &mut moved {
        for (_, delivery) in told
            .iter()
            .filter(|(id, _)| *id == one.before.interaction())
        {
            one.after
                .delivered(delivery.state, &delivery.error_code, now);
        }
    }
    save(s, &moved, tell).await
}
