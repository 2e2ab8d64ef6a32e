//! Putting contacts into their conversations as they are logged: found by connector and thread key, or by the mails they
//! name, counted as they come.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rapport_foundation::db::bulk::{self, Type};
use rapport_foundation::db::{Engine, Error, Scoped};
use rapport_foundation::id::ConversationId;
use rapport_foundation::seal::SubjectKeys;
use sea_orm::Value;

use super::contact::bound;
use super::conversations::{read, written};
use super::mails::{self, Clue, Thread};
use super::record::Telling;
use crate::domain::Conversation;

/// A conversation being extended: what it was begun with is written once.
struct Growing<'a> {
    conversation: Conversation,
    /// What its row is found and locked by.
    thread: Thread,
    begun_by: Option<&'a Telling>,
}

impl<'a> Growing<'a> {
    /// A new conversation, by the key its connector gave or else by its own id.
    fn begin(telling: &'a Telling) -> Self {
        let id = ConversationId::new(telling.received_at);
        let key = &telling.contact.content.thread_key;
        let thread = if telling.thread.is_empty() {
            id.uuid().as_bytes().to_vec()
        } else {
            telling.thread.clone()
        };
        Self {
            conversation: Conversation::begin(id, telling.thread().0, key),
            thread: (telling.thread().0.to_owned(), thread),
            begun_by: Some(telling),
        }
    }
}

/// Puts each contact into its conversation, which is begun when it is not there. Answers in order which it is, and the
/// position of the contact in it: the row of a conversation is locked, so that positions have no gaps.
pub(super) async fn extend(
    s: &Scoped,
    fresh: &[&Telling],
    keys: &SubjectKeys,
) -> Result<Vec<(ConversationId, i64)>, Error> {
    let leads = mails::leads(s, fresh).await?;
    let mut threads = known(s, fresh, &leads).await?;
    let mut leading = Leading::default();
    let mut chosen = Vec::with_capacity(fresh.len());
    for telling in fresh {
        let (channel, at) = (telling.contact.channel, telling.contact.event_at);
        let key = thread_of(telling, &leads, &leading);
        let growing = match key {
            Some(key) => (threads.entry(key)).or_insert_with(|| Growing::begin(telling)),
            None => {
                let growing = Growing::begin(telling);
                threads.entry(growing.thread.clone()).or_insert(growing)
            }
        };
        let position = growing.conversation.extend(channel, at);
        chosen.push((growing.conversation.id, position));
        leading.note(telling, growing, &leads);
    }
    let (begun, grown): (Vec<_>, Vec<_>) =
        threads.into_values().partition(|g| g.begun_by.is_some());
    insert(s, begun, keys).await?;
    update(s, grown).await?;
    mails::note(s, leading.fresh).await?;
    Ok(chosen)
}

/// Where the mails of this batch lead that led nowhere before.
#[derive(Default)]
struct Leading {
    threads: HashMap<Clue, Thread>,
    fresh: BTreeMap<Clue, ConversationId>,
}

impl Leading {
    fn note(&mut self, telling: &Telling, growing: &Growing<'_>, leads: &HashMap<Clue, Thread>) {
        for clue in &telling.clues {
            if !leads.contains_key(clue) && !self.fresh.contains_key(clue) {
                self.fresh.insert(clue.clone(), growing.conversation.id);
                self.threads.insert(clue.clone(), growing.thread.clone());
            }
        }
    }
}

/// The conversation a contact belongs to: its connector says so, or else the first mail that is known of those it
/// names. What other mails lead to is joined once the contact is linked.
fn thread_of(
    telling: &Telling,
    leads: &HashMap<Clue, Thread>,
    leading: &Leading,
) -> Option<Thread> {
    if !telling.thread.is_empty() {
        let (connector, thread) = telling.thread();
        return Some((connector.to_owned(), thread.to_vec()));
    }
    let lead = |clue: &Clue| leads.get(clue).or_else(|| leading.threads.get(clue));
    telling.clues.iter().find_map(lead).cloned()
}

/// The conversations that are there already, locked until the transaction ends. Ordered by key: two replicas that lock
/// several conversations do so in one order.
async fn known<'a>(
    s: &Scoped,
    fresh: &[&'a Telling],
    leads: &HashMap<Clue, Thread>,
) -> Result<BTreeMap<Thread, Growing<'a>>, Error> {
    const KEYS: [(&str, Type); 2] = [("connector", Type::Text), ("thread", Type::Bytes)];
    let said = fresh.iter().filter(|telling| !telling.thread.is_empty());
    let said = said.map(|telling| telling.thread());
    let led = leads.values();
    let led = led.map(|(connector, thread)| (connector.as_str(), thread.as_slice()));
    let wanted: BTreeSet<(&str, &[u8])> = said.chain(led).collect();
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
        "select c.id, c.connector, c.thread, c.channels, c.interactions, c.logged, c.first_at, c.last_at from k {from}"
    );
    let mut found = BTreeMap::new();
    for row in bulk::select(s, &KEYS, rows.collect(), &query).await? {
        let thread: Vec<u8> = row.try_get("", "thread")?;
        let conversation = read(&row)?;
        let thread = (conversation.connector.clone(), thread);
        let growing = Growing {
            conversation,
            thread: thread.clone(),
            begun_by: None,
        };
        found.insert(thread, growing);
    }
    Ok(found)
}

async fn insert(s: &Scoped, begun: Vec<Growing<'_>>, keys: &SubjectKeys) -> Result<(), Error> {
    const COLUMNS: [(&str, Type); 10] = [
        ("id", Type::Uuid),
        ("connector", Type::Text),
        ("thread", Type::Bytes),
        ("channels", Type::Text),
        ("interactions", Type::Big),
        ("logged", Type::Big),
        ("first_at", Type::Big),
        ("last_at", Type::Big),
        ("subject_key", Type::Text),
        ("thread_key", Type::Bytes),
    ];
    let mut rows: Vec<Vec<Value>> = Vec::with_capacity(begun.len());
    for Growing {
        conversation,
        thread: (_, thread),
        begun_by,
    } in begun
    {
        let Some(telling) = begun_by else { continue };
        let id = conversation.id.uuid();
        let sealed = if telling.thread.is_empty() {
            Vec::new()
        } else {
            let key = keys.require(&telling.subject)?;
            key.seal_text(&conversation.thread_key, &bound(id.as_bytes(), b"thread"))
        };
        rows.push(vec![
            id.into(),
            conversation.connector.into(),
            thread.into(),
            written(&conversation.channels).into(),
            conversation.interactions.into(),
            conversation.logged.into(),
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
    const COLUMNS: [(&str, Type); 6] = [
        ("id", Type::Uuid),
        ("channels", Type::Text),
        ("interactions", Type::Big),
        ("logged", Type::Big),
        ("first_at", Type::Big),
        ("last_at", Type::Big),
    ];
    let row = |Growing { conversation, .. }: Growing<'_>| -> Vec<Value> {
        vec![
            conversation.id.uuid().into(),
            written(&conversation.channels).into(),
            conversation.interactions.into(),
            conversation.logged.into(),
            conversation.first_at.0.into(),
            conversation.last_at.0.into(),
        ]
    };
    let statement = "update conversation set channels = k.channels, interactions = k.interactions, logged = k.logged, \
                     first_at = k.first_at, last_at = k.last_at \
                     from k where conversation.tenant_id = $1 and conversation.id = k.id";
    bulk::change(s, &COLUMNS, grown.into_iter().map(row).collect(), statement).await?;
    Ok(())
}
