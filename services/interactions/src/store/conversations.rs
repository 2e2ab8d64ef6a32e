//! Interactions of one matter: found by connector and thread key, counted as they come.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rapport_foundation::db::bulk::{self, Type};
use rapport_foundation::db::{Engine, Error, Scoped};
use rapport_foundation::id::{ConversationId, CustomerId, RecordId, TenantId};
use rapport_foundation::personal::Personal;
use rapport_foundation::seal::SubjectKeys;
use rapport_foundation::time::Micros;
use sea_orm::{QueryResult, Value};
use uuid::Uuid;

use super::Store;
use super::contact::bound;
use super::record::{Telling, Thread};
use crate::domain::{Channel, Conversation, Customer, Place};

/// A conversation being extended: what it was begun with is written once.
struct Growing<'a> {
    conversation: Conversation,
    begun_by: Option<&'a Telling>,
}

/// Puts each contact into its conversation, which is begun when it is not there. Answers in order which it is, and the
/// position of the contact in it: the row of a conversation is locked, so that positions have no gaps.
pub(super) async fn extend(
    s: &Scoped,
    fresh: &[&Telling],
    keys: &SubjectKeys,
) -> Result<Vec<(ConversationId, i64)>, Error> {
    // Ordered by key: two replicas that lock several conversations do so in one order.
    let mut threads: BTreeMap<(&str, &[u8]), Growing<'_>> = known(s, fresh).await?;
    let mut alone = Vec::new();
    let mut chosen = Vec::with_capacity(fresh.len());
    for telling in fresh {
        let (channel, at) = (telling.contact.channel, telling.contact.event_at);
        let begin = || Growing {
            conversation: Conversation::begin(
                ConversationId::new(telling.received_at),
                telling.thread().0,
                &telling.contact.content.thread_key,
            ),
            begun_by: Some(*telling),
        };
        if telling.thread.is_empty() {
            let mut growing = begin();
            let position = growing.conversation.extend(channel, at);
            chosen.push((growing.conversation.id, position));
            alone.push(growing);
        } else {
            let growing = threads.entry(telling.thread()).or_insert_with(begin);
            let position = growing.conversation.extend(channel, at);
            chosen.push((growing.conversation.id, position));
        }
    }
    let (begun, grown): (Vec<_>, Vec<_>) = threads
        .into_values()
        .chain(alone)
        .partition(|g| g.begun_by.is_some());
    insert(s, begun, keys).await?;
    update(s, grown).await?;
    Ok(chosen)
}

/// The conversations that are there already, locked until the transaction ends.
async fn known<'a>(
    s: &Scoped,
    fresh: &[&'a Telling],
) -> Result<BTreeMap<(&'a str, &'a [u8]), Growing<'a>>, Error> {
    const KEYS: [(&str, Type); 2] = [("connector", Type::Text), ("thread", Type::Bytes)];
    let wanted: BTreeSet<(&str, &[u8])> =
        (fresh.iter().filter(|telling| !telling.thread.is_empty()))
            .map(|telling| telling.thread())
            .collect();
    let rows = wanted.iter().map(|(connector, thread)| -> Vec<Value> {
        vec![(*connector).into(), thread.to_vec().into()]
    });
    // One look into the index for each, in their order, each locked as it is found.
    let its = "conversation c where c.tenant_id = $1 and c.connector = k.connector and c.thread = k.thread";
    let from = match s.engine() {
        Engine::Postgres => format!("cross join lateral (select * from {its} for update) c"),
        _ => format!("cross join {its}"),
    };
    let query = format!(
        "select c.id, c.connector, c.thread, c.channels, c.interactions, c.first_at, c.last_at from k {from}"
    );
    let mut found: HashMap<(String, Vec<u8>), Conversation> = HashMap::new();
    for row in bulk::select(s, &KEYS, rows.collect(), &query).await? {
        let thread: Vec<u8> = row.try_get("", "thread")?;
        let conversation = read(&row)?;
        found.insert((conversation.connector.clone(), thread), conversation);
    }
    let taken = wanted.into_iter().filter_map(|(connector, thread)| {
        let conversation = found.remove(&(connector.to_owned(), thread.to_vec()))?;
        Some((
            (connector, thread),
            Growing {
                conversation,
                begun_by: None,
            },
        ))
    });
    Ok(taken.collect())
}

async fn insert(s: &Scoped, begun: Vec<Growing<'_>>, keys: &SubjectKeys) -> Result<(), Error> {
    const COLUMNS: [(&str, Type); 9] = [
        ("id", Type::Uuid),
        ("connector", Type::Text),
        ("thread", Type::Bytes),
        ("channels", Type::Text),
        ("interactions", Type::Big),
        ("first_at", Type::Big),
        ("last_at", Type::Big),
        ("subject_key", Type::Text),
        ("thread_key", Type::Bytes),
    ];
    let mut rows: Vec<Vec<Value>> = Vec::with_capacity(begun.len());
    for Growing {
        conversation,
        begun_by,
    } in begun
    {
        let Some(telling) = begun_by else { continue };
        let id = conversation.id.uuid();
        let (thread, sealed) = if telling.thread.is_empty() {
            (id.as_bytes().to_vec(), Vec::new())
        } else {
            let key = keys.require(&telling.subject)?;
            (
                telling.thread.clone(),
                key.seal_text(&conversation.thread_key, &bound(id.as_bytes(), b"thread")),
            )
        };
        rows.push(vec![
            id.into(),
            conversation.connector.into(),
            thread.into(),
            written(&conversation.channels).into(),
            conversation.interactions.into(),
            conversation.first_at.0.into(),
            conversation.last_at.0.into(),
            telling.subject.as_str().into(),
            sealed.into(),
        ]);
    }
    let wanted = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let behind = "on conflict (tenant_id, connector, thread) do nothing";
    let inserted = bulk::insert(s, "conversation", &COLUMNS, rows, behind).await?;
    // Another replica began the same conversation at the same time.
    if inserted == wanted {
        Ok(())
    } else {
        Err(s.raced())
    }
}

async fn update(s: &Scoped, grown: Vec<Growing<'_>>) -> Result<(), Error> {
    const COLUMNS: [(&str, Type); 5] = [
        ("id", Type::Uuid),
        ("channels", Type::Text),
        ("interactions", Type::Big),
        ("first_at", Type::Big),
        ("last_at", Type::Big),
    ];
    let row = |Growing { conversation, .. }: Growing<'_>| -> Vec<Value> {
        vec![
            conversation.id.uuid().into(),
            written(&conversation.channels).into(),
            conversation.interactions.into(),
            conversation.first_at.0.into(),
            conversation.last_at.0.into(),
        ]
    };
    let statement = "update conversation set channels = k.channels, interactions = k.interactions, \
                     first_at = k.first_at, last_at = k.last_at \
                     from k where conversation.tenant_id = $1 and conversation.id = k.id";
    bulk::change(s, &COLUMNS, grown.into_iter().map(row).collect(), statement).await?;
    Ok(())
}

fn written(channels: &[Channel]) -> String {
    channels
        .iter()
        .map(|channel| channel.code().to_string())
        .collect::<Vec<_>>()
        .join(",")
}

/// A conversation without its thread key and customer.
fn read(row: &QueryResult) -> Result<Conversation, Error> {
    let channels: String = row.try_get("", "channels")?;
    Ok(Conversation {
        id: ConversationId::from_uuid(row.try_get::<Uuid>("", "id")?),
        connector: row.try_get("", "connector")?,
        channels: channels
            .split(',')
            .filter_map(|code| Channel::from_code(code.parse().ok()?))
            .collect(),
        interactions: row.try_get("", "interactions")?,
        first_at: Micros(row.try_get("", "first_at")?),
        last_at: Micros(row.try_get("", "last_at")?),
        thread_key: Personal::default(),
        customer: None,
    })
}

/// Conversations with what is known of them.
const CONVERSATION: &str = "select c.*, l.record_id, m.customer_id from conversation c \
     left join conversation_link l on l.tenant_id = c.tenant_id and l.conversation_id = c.id \
     left join record_customer m on m.tenant_id = l.tenant_id and m.record_id = l.record_id \
     where c.tenant_id = $1";

/// Those of one customer: from their records on, since the whole list in order would be walked otherwise.
const OF_CUSTOMER: &str = "select c.*, l.record_id, m.customer_id from record_customer m \
     cross join conversation_link l cross join conversation c \
     where m.tenant_id = $1 and m.customer_id = $2 and l.tenant_id = $1 and l.record_id = m.record_id \
     and c.tenant_id = $1 and c.id = l.conversation_id";

impl Store {
    /// One conversation.
    pub(crate) async fn conversation(
        &self,
        tenant: TenantId,
        id: ConversationId,
    ) -> Result<Option<Conversation>, Error> {
        let sql = format!("{CONVERSATION} and c.id = $2");
        let found = self.db.read(tenant, async |s| {
            self.read_conversations(&s, &sql, vec![id.uuid().into()])
                .await
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
    ) -> Result<Vec<Conversation>, Error> {
        let mut sql = customer.map_or(CONVERSATION, |_| OF_CUSTOMER).to_owned();
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
                self.read_conversations(&s, &sql, values.clone()).await
            })
            .await
    }

    async fn read_conversations(
        &self,
        s: &Scoped,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<Vec<Conversation>, Error> {
        let mut found = Vec::new();
        let mut subjects = Vec::new();
        for row in s.raw_all(sql, values).await? {
            let mut conversation = read(&row)?;
            let record: Option<Uuid> = row.try_get("", "record_id")?;
            let customer: Option<Uuid> = row.try_get("", "customer_id")?;
            conversation.customer = customer.zip(record).map(|(customer, record)| Customer {
                customer: CustomerId::from_uuid(customer),
                record: RecordId::from_uuid(record),
            });
            let subject: String = row.try_get("", "subject_key")?;
            subjects.push(subject.clone());
            found.push((
                conversation,
                subject,
                row.try_get::<Vec<u8>>("", "thread_key")?,
            ));
        }
        let keys = self.vault.existing(s, &subjects).await?;
        let open = |(mut conversation, subject, sealed): (Conversation, String, Vec<u8>)| {
            if let (Some(key), false) = (keys.get(&subject), sealed.is_empty()) {
                conversation.thread_key = match key.open_text(
                    &sealed,
                    &bound(conversation.id.uuid().as_bytes(), b"thread"),
                ) {
                    Err(Error::Erased) => Personal::default(),
                    opened => opened?,
                };
            }
            Ok(conversation)
        };
        found.into_iter().map(open).collect()
    }
}
