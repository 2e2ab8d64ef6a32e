//! Forgetting contacts: that they took place, when and on which channel stays, and nothing of what was said or by whom.
//!
//! The rows stay because the log is counted by them. An empty digest is the mark of a contact that was forgotten; its
//! external id, which may say who it was, is replaced by its own id and known by a keyed hash for some time longer.

use std::collections::BTreeSet;

use rapport_foundation::db::bulk::{self, Type};
use rapport_foundation::db::{Engine, Error, Scoped};
use rapport_foundation::id::{InteractionId, TenantId};
use rapport_foundation::seal::Vault;
use rapport_foundation::time::Micros;
use sea_orm::Value;
use uuid::Uuid;

use super::index;
use super::wanted::{WANTED, wanted};
use crate::domain::LinkState;

/// Contacts in one statement.
const CHUNK: usize = 256;
/// Why a contact is nobody's.
pub(super) const NOTE: &str = "erased";

/// The blind index of a contact's external id.
pub(super) fn key_blind(vault: &Vault, tenant: TenantId, external_id: &str) -> Vec<u8> {
    vault.blind(tenant, "forgotten external id", external_id)
}

/// Those of these contacts that are forgotten.
pub(super) async fn emptied(s: &Scoped, ids: &[Uuid]) -> Result<BTreeSet<Uuid>, Error> {
    let query = "select i.id from k cross join interaction i \
                 where i.tenant_id = $1 and i.id = k.wanted and length(i.content_digest) = 0";
    let mut emptied = BTreeSet::new();
    for row in bulk::select(s, &WANTED, wanted(ids.iter().copied()), query).await? {
        emptied.insert(row.try_get("", "id")?);
    }
    Ok(emptied)
}

struct Forgotten {
    id: Uuid,
    conversation: Uuid,
    connector: String,
    external_id: String,
}

/// Forgets contacts, those that are not forgotten yet; answers how many. Until `until` a repetition of one is known as
/// such. Whose they were stays known.
pub(super) async fn forget(
    s: &Scoped,
    vault: &Vault,
    ids: &[Uuid],
    until: Micros,
) -> Result<u64, Error> {
    let mut count = 0;
    for ids in ids.chunks(CHUNK) {
        let contacts = chosen(s, ids).await?;
        if contacts.is_empty() {
            continue;
        }
        note(s, vault, &contacts, until).await?;
        facts(s, &contacts).await?;
        let ids: Vec<Uuid> = contacts.iter().map(|one| one.id).collect();
        index::remove(s, &ids).await?;
        let refused = "delete from interaction_conflict where tenant_id = $1 and interaction_id in (select wanted from k)";
        bulk::change(s, &WANTED, wanted(ids.iter().copied()), refused).await?;
        messages(s, &ids).await?;
        count += blank(s, &contacts).await?;
        pending(s, &ids).await?;
        conversations(s, &contacts).await?;
    }
    Ok(count)
}

/// Those that are not forgotten yet, locked until the transaction ends.
async fn chosen(s: &Scoped, ids: &[Uuid]) -> Result<Vec<Forgotten>, Error> {
    let lock = match s.engine() {
        Engine::Postgres => " order by i.id for update of i",
        _ => "",
    };
    let query = format!(
        "select i.id, i.conversation_id, i.connector, i.external_id from k cross join interaction i \
         where i.tenant_id = $1 and i.id = k.wanted and length(i.content_digest) > 0{lock}"
    );
    let rows = bulk::select(s, &WANTED, wanted(ids.iter().copied()), &query).await?;
    let read = rows.iter().map(|row| {
        Ok(Forgotten {
            id: row.try_get("", "id")?,
            conversation: row.try_get("", "conversation_id")?,
            connector: row.try_get("", "connector")?,
            external_id: row.try_get("", "external_id")?,
        })
    });
    read.collect()
}

/// Notes under which keys they were logged.
async fn note(
    s: &Scoped,
    vault: &Vault,
    contacts: &[Forgotten],
    until: Micros,
) -> Result<(), Error> {
    const COLUMNS: [(&str, Type); 4] = [
        ("connector", Type::Text),
        ("key_blind", Type::Bytes),
        ("interaction_id", Type::Uuid),
        ("until_at", Type::Big),
    ];
    let row = |one: &Forgotten| -> Vec<Value> {
        vec![
            one.connector.as_str().into(),
            key_blind(vault, s.tenant(), &one.external_id).into(),
            one.id.into(),
            until.0.into(),
        ]
    };
    let behind = "on conflict (tenant_id, connector, key_blind) do update set \
                  interaction_id = excluded.interaction_id, until_at = excluded.until_at";
    let rows = contacts.iter().map(row).collect();
    bulk::insert(s, "forgotten_contact", &COLUMNS, rows, behind).await?;
    Ok(())
}

/// What became known of them later goes.
async fn facts(s: &Scoped, contacts: &[Forgotten]) -> Result<(), Error> {
    const CONTACT: [(&str, Type); 2] = [("connector", Type::Text), ("external_id", Type::Text)];
    let row = |one: &Forgotten| -> Vec<Value> {
        vec![
            one.connector.as_str().into(),
            one.external_id.as_str().into(),
        ]
    };
    for table in ["interaction_fact", "waiting_fact"] {
        let sql = format!(
            "delete from {table} where tenant_id = $1 and (connector, external_id) in \
             (select connector, external_id from k)"
        );
        bulk::change(s, &CONTACT, contacts.iter().map(row).collect(), &sql).await?;
    }
    Ok(())
}

/// What messages of ours say goes, and under which ids the provider has them: what was not sent yet never is.
async fn messages(s: &Scoped, ids: &[Uuid]) -> Result<(), Error> {
    for sql in [
        "delete from outbound_text where tenant_id = $1 and id in (select wanted from k)",
        "update outbound set message_id = '', version = version + 1 \
         where tenant_id = $1 and id in (select wanted from k)",
    ] {
        bulk::change(s, &WANTED, wanted(ids.iter().copied()), sql).await?;
    }
    Ok(())
}

/// Empties the rows.
async fn blank(s: &Scoped, contacts: &[Forgotten]) -> Result<u64, Error> {
    const COLUMNS: [(&str, Type); 3] = [
        ("id", Type::Uuid),
        ("named", Type::Text),
        ("blank", Type::Bytes),
    ];
    let row = |one: &Forgotten| -> Vec<Value> {
        let named = InteractionId::from_uuid(one.id).to_string();
        vec![one.id.into(), named.into(), Vec::<u8>::new().into()]
    };
    let sql = "update interaction set external_id = k.named, subject_key = k.named, provider = '', order_id = '', \
               order_units = 0, order_code = '', order_exponent = 0, content_digest = k.blank, body = k.blank, \
               raw_payload = k.blank, numbers = k.blank \
               from k where interaction.tenant_id = $1 and interaction.id = k.id";
    bulk::change(s, &COLUMNS, contacts.iter().map(row).collect(), sql).await
}

/// Nobody is looked for any more.
async fn pending(s: &Scoped, ids: &[Uuid]) -> Result<(), Error> {
    const LINK: [(&str, Type); 5] = [
        ("interaction_id", Type::Uuid),
        ("state", Type::Small),
        ("record_id", Type::Uuid),
        ("linked_at", Type::Big),
        ("note", Type::Text),
    ];
    let sql = "delete from pending_link where tenant_id = $1 and interaction_id in (select wanted from k) \
               returning interaction_id";
    let pending = bulk::select(s, &WANTED, wanted(ids.iter().copied()), sql).await?;
    let mut nobodys: Vec<Uuid> = Vec::new();
    for row in &pending {
        nobodys.push(row.try_get("", "interaction_id")?);
    }
    let row = |id: &Uuid| -> Vec<Value> {
        vec![
            (*id).into(),
            LinkState::Anonymous.code().into(),
            Uuid::nil().into(),
            0_i64.into(),
            NOTE.into(),
        ]
    };
    let sql = "insert into interaction_link (tenant_id, interaction_id, state, record_id, event_at, linked_at, note) \
               select i.tenant_id, k.interaction_id, k.state, k.record_id, i.event_at, k.linked_at, k.note \
               from k cross join interaction i where i.tenant_id = $1 and i.id = k.interaction_id";
    bulk::change(s, &LINK, nobodys.iter().map(row).collect(), sql).await?;
    Ok(())
}

/// The key of a matter may say who it was: what comes later begins a matter of its own. A matter that others take part
/// in goes on.
async fn conversations(s: &Scoped, contacts: &[Forgotten]) -> Result<(), Error> {
    const COLUMNS: [(&str, Type); 3] = [
        ("id", Type::Uuid),
        ("thread", Type::Bytes),
        ("blank", Type::Bytes),
    ];
    let mut ids: Vec<Uuid> = contacts.iter().map(|one| one.conversation).collect();
    ids.sort_unstable();
    ids.dedup();
    let query = "select k.wanted as id from k where not exists (select 1 from interaction i where i.tenant_id = $1 \
                 and i.conversation_id = k.wanted and length(i.content_digest) > 0)";
    let mut over: Vec<Uuid> = Vec::new();
    for row in bulk::select(s, &WANTED, wanted(ids.iter().copied()), query).await? {
        over.push(row.try_get("", "id")?);
    }
    let row = |id: &Uuid| -> Vec<Value> {
        let thread = id.as_bytes().to_vec();
        vec![(*id).into(), thread.into(), Vec::<u8>::new().into()]
    };
    let sql = "update conversation set thread = k.thread, thread_key = k.blank, subject_key = '' \
               from k where conversation.tenant_id = $1 and conversation.id = k.id";
    bulk::change(s, &COLUMNS, over.iter().map(row).collect(), sql).await?;
    // Nor do mails lead to it any more.
    let clues =
        "delete from mail_key where tenant_id = $1 and conversation_id in (select wanted from k)";
    bulk::change(s, &WANTED, wanted(over), clues).await?;
    Ok(())
}
