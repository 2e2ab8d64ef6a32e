//! Reading conversations as the wholes they are now.

use std::collections::HashMap;

use rapport_foundation::db::bulk;
use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{ConversationId, CustomerId, RecordId, TenantId};
use rapport_foundation::personal::Personal;
use rapport_foundation::time::Micros;
use sea_orm::{QueryResult, Value};
use uuid::Uuid;

use super::contact::bound;
use super::record::Thread;
use super::wanted::{WANTED, wanted};
use super::{Store, matters};
use crate::domain::{Channel, Conversation, Customer, Place};

pub(super) fn written(channels: &[Channel]) -> String {
    channels
        .iter()
        .map(|channel| channel.code().to_string())
        .collect::<Vec<_>>()
        .join(",")
}

/// A conversation without its thread key and customer.
pub(super) fn read(row: &QueryResult) -> Result<Conversation, Error> {
    let channels: String = row.try_get("", "channels")?;
    Ok(Conversation {
        id: ConversationId::from_uuid(row.try_get::<Uuid>("", "id")?),
        connector: row.try_get("", "connector")?,
        channels: channels
            .split(',')
            .filter_map(|code| Channel::from_code(code.parse().ok()?))
            .collect(),
        interactions: row.try_get("", "interactions")?,
        logged: row.try_get("", "logged")?,
        first_at: Micros(row.try_get("", "first_at")?),
        last_at: Micros(row.try_get("", "last_at")?),
        thread_key: Personal::default(),
        customer: None,
        merged: Vec::new(),
    })
}

/// Everything of conversations that are chosen by `part`, which names the id and the whole of each.
fn reading(part: &str) -> String {
    format!(
        "{part} select c.*, part.root_id, l.record_id, m.customer_id \
         from part cross join conversation c \
         left join conversation_link l on l.tenant_id = c.tenant_id and l.conversation_id = c.id \
         left join record_customer m on m.tenant_id = l.tenant_id and m.record_id = l.record_id \
         where c.tenant_id = $1 and c.id = part.id"
    )
}

/// Of all: each whole has one row, where its latest contact is.
const PLACES: &str = "select c.last_at, c.id, coalesce(r.root_id, c.id) as root_id from conversation c \
     left join conversation_root r on r.tenant_id = c.tenant_id and r.conversation_id = c.id \
     where c.tenant_id = $1 and c.interactions > 0 \
     and not exists (select 1 from conversation_root o cross join conversation d \
     where o.tenant_id = $1 and o.root_id = coalesce(r.root_id, c.id) and d.tenant_id = $1 \
     and d.id = o.conversation_id and (d.last_at, d.id) > (c.last_at, c.id)) \
     and (r.root_id is null or not exists (select 1 from conversation d where d.tenant_id = $1 \
     and d.id = r.root_id and (d.last_at, d.id) > (c.last_at, c.id)))";

/// Those of one customer: from their records on, since the whole list in order would be walked otherwise.
const PLACES_OF_CUSTOMER: &str = "with mine as (select distinct coalesce(r.root_id, l.conversation_id) as root_id \
     from record_customer m cross join conversation_link l \
     left join conversation_root r on r.tenant_id = l.tenant_id and r.conversation_id = l.conversation_id \
     where m.tenant_id = $1 and m.customer_id = $2 and l.tenant_id = $1 and l.record_id = m.record_id), \
     part as (select root_id as id, root_id from mine union all \
     select r.conversation_id as id, r.root_id from mine cross join conversation_root r \
     where r.tenant_id = $1 and r.root_id = mine.root_id) \
     select c.last_at, c.id, c.root_id from (select c.last_at, c.id, part.root_id, row_number() over \
     (partition by part.root_id order by c.last_at desc, c.id desc) as latest \
     from part cross join conversation c \
     where c.tenant_id = $1 and c.id = part.id and c.interactions > 0) c where c.latest = 1";

impl Store {
    /// The conversation that an id leads to, as a whole.
    pub(crate) async fn conversation(
        &self,
        tenant: TenantId,
        id: ConversationId,
    ) -> Result<Option<Conversation>, Error> {
        let found = self.db.read(tenant, async |s| {
            let root = matters::root(&s, id).await?;
            self.wholes(&s, &[root]).await
        });
        Ok(found.await?.into_iter().next())
    }

    /// What a conversation is found by, to put a contact into it.
    pub(crate) async fn thread(
        &self,
        tenant: TenantId,
        id: ConversationId,
    ) -> Result<Option<Thread>, Error> {
        let sql = "select connector, thread from conversation where tenant_id = $1 and id = $2";
        let found = self
            .db
            .read(tenant, async |s| s.raw_one(sql, [id.uuid().into()]).await)
            .await?;
        let thread = found.map(|row| {
            Ok(Thread {
                connector: row.try_get("", "connector")?,
                key: row.try_get("", "thread")?,
            })
        });
        thread.transpose()
    }

    /// Conversations behind a place, the one with the latest contact first; of all customers or of one.
    pub(crate) async fn conversations(
        &self,
        tenant: TenantId,
        customer: Option<CustomerId>,
        behind: Option<Place>,
        most: u64,
    ) -> Result<Vec<(Place, Conversation)>, Error> {
        let mut sql = customer.map_or(PLACES, |_| PLACES_OF_CUSTOMER).to_owned();
        let mut values: Vec<Value> = customer
            .iter()
            .map(|customer| customer.uuid().into())
            .collect();
        if let Some(place) = behind {
            sql.push_str(&format!(
                " and (c.last_at, c.id) < (${}, ${})",
                values.len() + 2,
                values.len() + 3
            ));
            values.extend([place.at.0.into(), place.id.into()]);
        }
        sql.push_str(&format!(" order by c.last_at desc, c.id desc limit {most}"));
        self.db
            .read(tenant, async |s| {
                let rows = s.raw_all(&sql, values.clone()).await?;
                let read = |row: &QueryResult| -> Result<(Place, ConversationId), Error> {
                    let place = Place {
                        at: Micros(row.try_get("", "last_at")?),
                        id: row.try_get("", "id")?,
                    };
                    Ok((
                        place,
                        ConversationId::from_uuid(row.try_get("", "root_id")?),
                    ))
                };
                let places = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
                let roots: Vec<ConversationId> = places.iter().map(|(_, root)| *root).collect();
                let wholes = self.wholes(&s, &roots).await?;
                let mut wholes: HashMap<ConversationId, Conversation> =
                    wholes.into_iter().map(|one| (one.id, one)).collect();
                let places = places.into_iter();
                Ok(places
                    .filter_map(|(place, root)| Some((place, wholes.remove(&root)?)))
                    .collect())
            })
            .await
    }

    /// Whole conversations by their roots, in no order.
    pub(super) async fn wholes(
        &self,
        s: &Scoped,
        roots: &[ConversationId],
    ) -> Result<Vec<Conversation>, Error> {
        let part = ", part as (select k.wanted as id, k.wanted as root_id from k union all \
                    select r.conversation_id as id, r.root_id from k cross join conversation_root r \
                    where r.tenant_id = $1 and r.root_id = k.wanted)";
        let rows = wanted(roots.iter().map(|root| root.uuid()));
        let found = bulk::select(s, &WANTED, rows, &reading(part)).await?;
        let mut parts: HashMap<ConversationId, Vec<Conversation>> = HashMap::new();
        for (root, conversation) in self.open_conversations(s, &found).await? {
            parts.entry(root).or_default().push(conversation);
        }
        let whole = |(root, parts)| Conversation::together(root, parts);
        Ok(parts.into_iter().filter_map(whole).collect())
    }

    /// Rows of conversations, each with the whole it is part of.
    async fn open_conversations(
        &self,
        s: &Scoped,
        rows: &[QueryResult],
    ) -> Result<Vec<(ConversationId, Conversation)>, Error> {
        let mut found = Vec::new();
        let mut subjects = Vec::new();
        for row in rows {
            let mut conversation = read(row)?;
            let record: Option<Uuid> = row.try_get("", "record_id")?;
            let customer: Option<Uuid> = row.try_get("", "customer_id")?;
            conversation.customer = customer.zip(record).map(|(customer, record)| Customer {
                customer: CustomerId::from_uuid(customer),
                record: RecordId::from_uuid(record),
            });
            let subject: String = row.try_get("", "subject_key")?;
            subjects.push(subject.clone());
            let root = ConversationId::from_uuid(row.try_get("", "root_id")?);
            let sealed = row.try_get::<Vec<u8>>("", "thread_key")?;
            found.push((root, conversation, subject, sealed));
        }
        let keys = self.vault.existing(s, &subjects).await?;
        let open =
            |(root, mut conversation, subject, sealed): (_, Conversation, String, Vec<u8>)| {
                if let (Some(key), false) = (keys.get(&subject), sealed.is_empty()) {
                    let row = bound(conversation.id.uuid().as_bytes(), b"thread");
                    conversation.thread_key = match key.open_text(&sealed, &row) {
                        Err(Error::Erased) => Personal::default(),
                        opened => opened?,
                    };
                }
                Ok((root, conversation))
            };
        found.into_iter().map(open).collect()
    }
}
