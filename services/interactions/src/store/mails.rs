//! Which conversation a mail belongs to, by the ids it names: keyed hashes, each with the conversation it leads to.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rapport_foundation::db::bulk::{self, Type};
use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{ConversationId, TenantId};
use rapport_foundation::seal::Vault;
use sea_orm::Value;

use super::record::Telling;
use crate::domain::{Contact, mail};

/// A keyed hash of a participant and a mail's id.
pub(super) type Clue = Vec<u8>;

/// The clues of a contact, the best first; none unless it is a mail.
pub(super) fn clues(vault: &Vault, tenant: TenantId, contact: &Contact) -> Vec<Clue> {
    let clues = mail::clues(contact);
    clues
        .iter()
        .map(|clue| vault.blind(tenant, "mail", clue))
        .collect()
}

/// What a mail is found by itself.
pub(super) fn own_clues(vault: &Vault, tenant: TenantId, contact: &Contact) -> Vec<Clue> {
    let clues = mail::own(contact);
    clues
        .iter()
        .map(|clue| vault.blind(tenant, "mail", clue))
        .collect()
}

/// A conversation that a clue leads to, by the key its row is locked by.
pub(super) type Thread = (String, Vec<u8>);

/// What the clues of contacts lead to. Nothing is asked when there are none.
pub(super) async fn leads(s: &Scoped, fresh: &[&Telling]) -> Result<HashMap<Clue, Thread>, Error> {
    const KEY: [(&str, Type); 1] = [("clue", Type::Bytes)];
    let clues: BTreeSet<&Clue> = fresh.iter().flat_map(|telling| &telling.clues).collect();
    let rows = clues.iter().map(|clue| vec![Value::from((*clue).clone())]);
    let query = "select k.clue, c.connector, c.thread from k cross join mail_key m cross join conversation c \
                 where m.tenant_id = $1 and m.clue = k.clue \
                 and c.tenant_id = $1 and c.id = m.conversation_id";
    let found = bulk::select(s, &KEY, rows.collect(), query).await?;
    let lead = found.iter().map(|row| {
        let thread = (row.try_get("", "connector")?, row.try_get("", "thread")?);
        Ok((row.try_get("", "clue")?, thread))
    });
    lead.collect()
}

/// Notes where clues lead that led nowhere before.
pub(super) async fn note(s: &Scoped, fresh: BTreeMap<Clue, ConversationId>) -> Result<(), Error> {
    let wanted = u64::try_from(fresh.len()).unwrap_or(u64::MAX);
    let rows = fresh.into_iter().map(|(clue, conversation)| -> Vec<Value> {
        vec![clue.into(), conversation.uuid().into()]
    });
    let behind = "on conflict (tenant_id, clue) do nothing";
    let noted = bulk::insert(s, "mail_key", &COLUMNS, rows.collect(), behind).await?;
    // Another replica logged a mail of the same thread at the same time: done again, this one joins that.
    if noted == wanted {
        Ok(())
    } else {
        Err(s.raced())
    }
}

/// Lets clues lead to other conversations from now on.
pub(super) async fn lead(s: &Scoped, clues: &[(Clue, ConversationId)]) -> Result<(), Error> {
    let rows = clues.iter().map(|(clue, conversation)| -> Vec<Value> {
        vec![clue.clone().into(), conversation.uuid().into()]
    });
    let behind =
        "on conflict (tenant_id, clue) do update set conversation_id = excluded.conversation_id";
    bulk::insert(s, "mail_key", &COLUMNS, rows.collect(), behind).await?;
    Ok(())
}

/// The conversations that clues lead to.
pub(super) async fn led_to(
    s: &Scoped,
    clues: &[Clue],
) -> Result<HashMap<Clue, ConversationId>, Error> {
    const KEY: [(&str, Type); 1] = [("wanted", Type::Bytes)];
    let rows = clues.iter().map(|clue| vec![Value::from(clue.clone())]);
    let query = "select m.clue, m.conversation_id from k cross join mail_key m \
                 where m.tenant_id = $1 and m.clue = k.wanted";
    let found = bulk::select(s, &KEY, rows.collect(), query).await?;
    let lead = found.iter().map(|row| {
        let conversation = ConversationId::from_uuid(row.try_get("", "conversation_id")?);
        Ok((row.try_get("", "clue")?, conversation))
    });
    lead.collect()
}

const COLUMNS: [(&str, Type); 2] = [("clue", Type::Bytes), ("conversation_id", Type::Uuid)];
